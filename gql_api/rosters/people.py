"""Names for invented people: given and family names that occur together, in Latin letters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple


class NameStock(NamedTuple):
    """The names of one region."""

    given: tuple[str, ...]
    family: tuple[str, ...]


def _stock(given: str, family: str) -> NameStock:
    return NameStock(tuple(given.split()), tuple(family.split()))


STOCKS: Final = (
    _stock(
        "Olivia Amelia Isla Ava Grace Freya Harriet Oliver George Noah Arthur Leo Harry Theo",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker Hughes",
    ),
    _stock(
        "Mia Emilia Hannah Sofie Lea Anneliese Jürgen Ben Paul Leon Finn Jonas Björn Matthäus",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Groß",
    ),
    _stock(
        "Jade Louise Emma Alice Chloé Inès Zoé Gabriel Léo Raphaël Louis Jules Benoît François",
        "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Lefèvre Côté Gagné Bélanger",
    ),
    _stock(
        "Lucía Sofía Martina María Julia Ximena Valentina Hugo Mateo Martín Lucas Íñigo José Santiago",
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Muñoz Ibáñez Núñez Castillo Vargas",
    ),
    _stock(
        "Helena Alice Laura Manuela Beatriz Conceição Larissa Miguel Arthur Heitor Davi João Luís Thiago",
        "Silva Santos Oliveira Souza Pereira Lima Carvalho Ferreira Ribeiro Almeida Gonçalves Araújo Conceição Brandão",
    ),
    _stock(
        "Zuzanna Julia Zofia Hanna Maja Małgorzata Agnieszka Antoni Jan Jakub Franciszek Łukasz Paweł Stanisław",
        "Nowak Kowalski Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Król",
    ),
    _stock(
        "Astrid Maja Alma Freja Saga Åsa Ingrid Lars Oskar Erik Søren Øyvind Gunnar Håkon",
        "Andersson Johansson Karlsson Nilsson Hansen Olsen Larsen Sørensen Lindström Åberg Østergaard Bjørnstad Dahl",
    ),
    _stock(
        "Defne Zeynep Elif Ayşe Emine Gülşen Çağla Yusuf Mehmet Mustafa Ömer Emre Oğuz Kerem",
        "Yılmaz Kaya Demir Çelik Şahin Yıldız Öztürk Aydın Arslan Doğan Kılıç Aslan Çetin Koç",  # noqa: RUF001 - a Turkish letter
    ),
    _stock(
        "Fatima Aisha Maryam Layla Noor Yasmin Salma Mohammed Ahmed Omar Yusuf Ali Ibrahim Hassan",
        "Al-Masri Haddad Khoury Mansour Nasser Saleh Hamdan Abdallah Aziz Farouk Bakri Zaidan Rahman Qureshi",
    ),
    _stock(
        "Aanya Diya Saanvi Priya Ananya Kavya Meera Aarav Vivaan Arjun Rohan Ishaan Karthik Siddharth",
        "Sharma Patel Singh Kumar Gupta Reddy Nair Iyer Das Mukherjee Chatterjee Joshi Mehta Rao",
    ),
    _stock(
        "Wei Xiu Mei Ling Yan Jing Fang Jun Hao Ming Lei Tao Peng Bo",
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu",
    ),
    _stock(
        "Yui Hina Sakura Aoi Rin Mio Yuka Haruto Sota Yuto Ren Daiki Kenta Takumi",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Matsumoto",
    ),
    _stock(
        "Linh Mai Hương Thảo Ngọc Trang Lan Minh Đức Hùng Tuấn Quang Dũng Long",
        "Nguyễn Trần Lê Phạm Hoàng Phan Vũ Đặng Bùi Đỗ Hồ Ngô Dương Lý",
    ),
    _stock(
        "Amara Chioma Ngozi Adaeze Wanjiru Achieng Zanele Kwame Kofi Chinedu Emeka Jabari Sipho Tendai",
        "Okafor Adeyemi Okonkwo Mensah Owusu Boateng Mwangi Otieno Kamau Nkosi Dlamini Moyo Abebe Diallo",
    ),
    _stock(
        "Anastasiya Olena Iryna Kateryna Natalia Svetlana Milica Andriy Dmytro Oleksandr Ivan Nikola Stefan Bohdan",
        "Shevchenko Kovalenko Bondarenko Tkachenko Ivanova Petrova Novák Dvořák Horváth Kovács Popović Đorđević",
    ),
)

# Letters that are no accented form of another one, so that taking accents away leaves them as they are.
_PLAIN_LETTERS: Final = str.maketrans(
    {"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "Ae"}  # noqa: RUF001
)


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """Write a name as the local part of an address has it: small ASCII letters and hyphens."""
    decomposed = unicodedata.normalize("NFKD", name.translate(_PLAIN_LETTERS))
    return decomposed.encode("ascii", "ignore").decode().lower()
