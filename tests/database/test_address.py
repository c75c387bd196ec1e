from pathlib import Path

import pytest

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.errors import SettingInvalid


def test_an_sqlite_url_names_a_file() -> None:
    address = parse_database_url("sqlite+aiosqlite:////var/lib/gql api.sqlite3")
    assert (address.dialect, address.file) == (Dialect.SQLITE, Path("/var/lib/gql api.sqlite3"))
    assert address.sqlite_uri("ro") == "file:///var/lib/gql%20api.sqlite3?mode=ro"


def test_a_relative_file_lies_in_the_working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_database_url("sqlite+aiosqlite:///gql_api.sqlite3").file == tmp_path / "gql_api.sqlite3"


def test_a_postgresql_url_becomes_what_asyncpg_takes() -> None:
    address = parse_database_url("postgresql+asyncpg://ann:p%40ss@db.example:5433/school?ssl=require")
    assert address.dialect is Dialect.POSTGRESQL
    assert address.asyncpg_arguments() == {
        "host": "db.example",
        "port": 5433,
        "user": "ann",
        "password": "p@ss",
        "database": "school",
        "ssl": "require",
    }


def test_a_unix_socket_is_named_by_its_directory() -> None:
    address = parse_database_url("postgresql+asyncpg://ann@/school?host=/run/postgresql")
    assert address.asyncpg_arguments() == {"host": "/run/postgresql", "user": "ann", "database": "school"}


def test_a_postgresql_database_is_not_a_file() -> None:
    with pytest.raises(ValueError, match="is not a file"):
        _ = parse_database_url("postgresql+asyncpg://ann@db/school").file


def test_an_address_shows_no_password() -> None:
    address = parse_database_url("postgresql+asyncpg://ann:hunter2@db/school")
    assert str(address) == "postgresql+asyncpg://ann:***@db/school"
    assert DatabaseAddress(address.url) == address


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "must be sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DB"),
        ("school.sqlite3", "must be sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DB"),
        ("mysql://ann:hunter2@db/school", "must be sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER@HOST/DB"),
        ("sqlite:///school.sqlite3", "write sqlite+aiosqlite:///school.sqlite3"),
        ("postgresql://ann:hunter2@db/school", r"write postgresql\+asyncpg://ann:\*\*\*@db/school"),
        ("postgres://ann:hunter2@db/school", r"write postgresql\+asyncpg://ann:\*\*\*@db/school"),
        ("postgresql+psycopg://ann:hunter2@db/school", r"write postgresql\+asyncpg://ann:\*\*\*@db/school"),
        ("postgresql://db/school?password=hunter2", r"write postgresql\+asyncpg://db/school\."),
        ("postgresql+asyncpg://ann:hunter2@db", "names no database"),
        ("postgresql+asyncpg://db/school?password=hunter2", "Write the password before the @"),
        ("postgresql+asyncpg://db/school?sslmode=require", "Write ssl instead of sslmode"),
        ("postgresql+asyncpg://ann:hunter2@db:port/school", "cannot be read"),
        ("postgresql+asyncpg://ann@/school?host=a,b&port=1,2,3", "do not fit together"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("sqlite+aiosqlite:///:memory:", "must name a file"),
        ("sqlite+aiosqlite:///file:x?mode=memory&uri=true", "must name a file"),
        ("sqlite+aiosqlite://school.sqlite3/", "three slashes"),
        ("sqlite+aiosqlite:///school.sqlite3?mode=ro", "takes no options, but has mode"),
        ("sqlite+aiosqlite:///a%00b", "NUL"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_the_right_spelling(url: str, advice: str) -> None:
    with pytest.raises(
        SettingInvalid, match=advice.replace("sqlite+a", r"sqlite\+a").replace("ql+asyncpg://U", r"ql\+asyncpg://U")
    ) as caught:
        parse_database_url(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
