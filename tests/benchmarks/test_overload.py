import itertools
from pathlib import Path

import pytest

from benchmarks.load import Exchange, WrongAnswer
from benchmarks.open_loop import Flood, flood, percentile_milliseconds
from benchmarks.overload import BEGIN, END, Curve, Point, markdown, write_page
from benchmarks.overload_plot import plot
from benchmarks.workloads import Workload
from tests.benchmarks.test_load import REQUEST, answering, ok

REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}"
RIGHT = Exchange(REQUEST, b'{"data":1}')


async def test_every_request_is_sent_when_it_is_due_and_told_by_what_became_of_it() -> None:
    async with answering(lambda number: [REFUSED if number % 3 == 0 else ok(RIGHT.right_body)]) as port:
        run = await flood(port, RIGHT, rate=300, seconds=0.2, connections=20)
    assert (len(run.accepted_seconds), len(run.refused_seconds), run.unsent) == (40, 20, 0)
    assert run.offered_per_second == pytest.approx(300)
    assert run.in_time <= 40


async def test_what_no_connection_was_free_for_is_told() -> None:
    async with answering(lambda _: [b"HTTP/1.1 ", ok(RIGHT.right_body)[9:]]) as port:
        run = await flood(port, RIGHT, rate=100_000, seconds=0.05, connections=1)
    assert run.unsent + len(run.accepted_seconds) == 5000
    assert run.unsent > 1000


@pytest.mark.parametrize("answer", [ok(b'{"data":2}'), b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", b""])
async def test_a_wrong_answer_ends_it(answer: bytes) -> None:
    async with answering(lambda _: [answer] if answer else []) as port:
        with pytest.raises(WrongAnswer):
            await flood(port, RIGHT, rate=100, seconds=0.05, connections=2)


def test_percentiles() -> None:
    assert percentile_milliseconds([n / 1000 for n in range(1, 101)], 99) == pytest.approx(100)
    assert percentile_milliseconds([], 99) == 0


def curve() -> Curve:
    numbers = zip((0.5, 1.0, 10.0), (50, 100, 92), itertools.repeat(0.02), strict=False)
    points = [
        Point(m, Flood(1.0, [s] * good, [0.001] * int(m * 100 - good), in_time=good), 100.0, 0.9)
        for m, good, s in numbers
    ]
    return Curve(Workload.ROSTER, 100.0, points)


def test_the_page_shows_each_rate_and_what_is_kept_of_the_peak() -> None:
    text = markdown([curve()], plot_file="overload.svg", conditions=["quiet"])
    assert "Capacity 100/s; at 10 times as much 92% of the peak is kept." in text
    assert "| 10 x | 1,000 | 92 | 92% | 20 | 20 | 908 | 1 | 100 | 90% |" in text
    assert plot([curve()]).count("<polyline") == 2


def test_what_people_wrote_around_the_tables_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")
    write_page([curve()], page, tmp_path / "overload.svg")
    text = page.read_text()
    assert text.startswith(f"# Before\n{BEGIN}\n\n![")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
