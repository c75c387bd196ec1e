"""Statements of SQLite that are read where they are asked: short ones, and none holds the event loop for long.

Where a statement was read is seen by taking all threads away: what needs one then waits.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import Integer, Select, bindparam, column, func, select, text

from gql_api.database import short_reads
from gql_api.database.address import parse_database_url
from gql_api.database.compiled import Reader
from gql_api.database.engine import open_sqlite_reader
from gql_api.database.readers import create_reader
from gql_api.database.short_reads import PAUSE_USES_MAX, ShortReads
from gql_api.database.sqlite_reader import FILE_CHECK_SECONDS
from gql_api.errors import DatabaseUnusable

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)

THREADS = 2
BUDGET_SECONDS = 0.05
"""So long that a short statement keeps within it on a busy machine, too."""
GAP_SECONDS_MAX = 0.25
"""The longest the loop may stand still, on a machine that is busy with other tests."""
PATIENCE_SECONDS = 20.0
ENDLESS = 10**18
LONG = 500_000
"""Numbers to count that take several budgets."""
SHORT = 10

NUMBERS = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT :size) SELECT i FROM n) AS numbers"


def number_of_numbers(_dialect_name: str) -> Select[Any]:
    """Takes its time before there is a row."""
    return select(func.count()).select_from(text(NUMBERS).bindparams(bindparam("size", 0, Integer())))


def all_numbers(_dialect_name: str) -> Select[Any]:
    """Takes its time between the rows."""
    return select(column("i")).select_from(text(NUMBERS).bindparams(bindparam("size", 0, Integer())))


def taking_a_thread(dialect_name: str) -> Select[Any]:
    """Takes as long, but is another statement, so that the first is not known to be long."""
    return number_of_numbers(dialect_name).where(text("1 = 1"))


def students(_dialect_name: str) -> Select[Any]:
    return select(func.count()).select_from(text("students"))


def broken(_dialect_name: str) -> Select[Any]:
    return select(func.json("no JSON"))


def deletion(_dialect_name: str) -> Any:
    return text("DELETE FROM students RETURNING id").columns(column("id"))


@asynccontextmanager
async def reading(
    url: str, *, inline_seconds: float = BUDGET_SECONDS, busy_timeout_seconds: float = 5.0
) -> AsyncIterator[Reader]:
    reader = create_reader(
        url,
        pool_size=1,
        sqlite_reader_threads=THREADS,
        sqlite_inline_seconds=inline_seconds,
        busy_timeout_seconds=busy_timeout_seconds,
    )
    try:
        yield reader
    finally:
        await reader.close()


async def read(reader: Reader, build: Callable[..., Select[Any]], size: int | None = None) -> list[Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        records = await reader.fetch(build, values={} if size is None else {"size": size})
    return [record[0] for record in records]


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    """A reader that has read, as often as it takes to have a connection of the loop's own."""
    async with reading(database_url) as reader:
        for _ in range(2):
            assert await read(reader, students) == [0]
        yield reader


@asynccontextmanager
async def all_threads_taken(reader: Reader) -> AsyncIterator[None]:
    """By statements of which each has first run over its budget."""
    tasks = [asyncio.create_task(reader.fetch(taking_a_thread, values={"size": ENDLESS})) for _ in range(THREADS)]
    await asyncio.sleep(2 * BUDGET_SECONDS)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * THREADS


async def has_to_wait(reader: Reader, build: Callable[..., Select[Any]], size: int | None = None) -> bool:
    task = asyncio.create_task(read(reader, build, size))
    done, _ = await asyncio.wait([task], timeout=0.2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return not done


@asynccontextmanager
async def gaps_of_the_loop() -> AsyncIterator[list[float]]:
    """For how long it stood still; when this is over, the longest times come first."""
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0)
            gaps.append(time.monotonic() - before)

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    yield gaps
    task.cancel()
    gaps.sort(reverse=True)


async def test_a_short_statement_waits_for_no_thread(reader: Reader) -> None:
    async with all_threads_taken(reader):
        assert await read(reader, students) == [0]
        assert await read(reader, number_of_numbers, SHORT) == [SHORT]


async def test_without_a_budget_every_statement_goes_to_a_thread(database_url: str) -> None:
    async with reading(database_url, inline_seconds=0) as reader:
        for _ in range(2):
            await read(reader, students)
        async with all_threads_taken(reader):
            for _ in range(2):
                assert await has_to_wait(reader, students)


@pytest.mark.parametrize(
    ("build", "expected"), [(number_of_numbers, [LONG]), (all_numbers, list(range(1, LONG + 1)))], ids=["count", "rows"]
)
async def test_a_statement_that_takes_long_goes_to_a_thread(
    reader: Reader, build: Callable[..., Select[Any]], expected: list[int]
) -> None:
    async with all_threads_taken(reader):
        assert await has_to_wait(reader, build, LONG)
    for _ in range(2):
        assert await read(reader, build, LONG) == expected


async def test_a_statement_that_takes_long_does_not_hold_the_loop_up(reader: Reader) -> None:
    began = time.monotonic()
    async with gaps_of_the_loop() as gaps:
        assert await read(reader, number_of_numbers, 4 * LONG) == [4 * LONG]
    assert gaps[0] < GAP_SECONDS_MAX < time.monotonic() - began


async def test_being_cancelled_ends_a_statement_that_went_to_a_thread(reader: Reader) -> None:
    for _ in range(2 * THREADS):
        assert await has_to_wait(reader, number_of_numbers, ENDLESS)
    assert await asyncio.gather(*(read(reader, taking_a_thread, LONG) for _ in range(THREADS))) == [[LONG]] * THREADS


async def test_many_short_statements_in_a_row_leave_the_loop_its_turns(reader: Reader) -> None:
    size, times = 5000, 500
    async with gaps_of_the_loop() as gaps:
        began = time.monotonic()
        for _ in range(times):
            assert await read(reader, number_of_numbers, size) == [size]
        seconds = time.monotonic() - began
    assert gaps[0] < seconds / 2


@pytest.fixture
def other_connection(database_url: str) -> Iterator[sqlite3.Connection]:
    """One that can keep readers out, which there is nothing that could with a write-ahead log."""
    file = parse_database_url(database_url).file
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        yield connection


@pytest.fixture
async def locked_reader(other_connection: sqlite3.Connection, reader: Reader) -> Reader:
    other_connection.execute("BEGIN EXCLUSIVE")
    return reader


async def test_a_statement_that_finds_the_file_locked_waits_on_a_thread(
    locked_reader: Reader, other_connection: sqlite3.Connection
) -> None:
    async with gaps_of_the_loop() as gaps:
        task = asyncio.create_task(read(locked_reader, students))
        await asyncio.sleep(2 * GAP_SECONDS_MAX)
        assert not task.done()
        other_connection.execute("INSERT INTO students (name) VALUES ('Ada')")
        other_connection.execute("COMMIT")
        assert await task == [1]
    assert gaps[0] < GAP_SECONDS_MAX
    # That nobody could read it then says nothing about how long it takes.
    async with all_threads_taken(locked_reader):
        assert await read(locked_reader, students) == [1]


async def test_a_lock_that_is_not_given_back_is_told(database_url: str, other_connection: sqlite3.Connection) -> None:
    async with reading(database_url, busy_timeout_seconds=0.1) as reader:
        for _ in range(2):
            await read(reader, students)
        other_connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseUnusable, match="is locked by another writer"):
            await read(reader, students)
        other_connection.execute("ROLLBACK")
        assert await read(reader, students) == [0]


@pytest.mark.parametrize(("build", "message"), [(broken, "malformed JSON"), (deletion, "is read-only")])
async def test_a_statement_that_fails_on_the_loop_is_told_and_others_are_read_there_again(
    reader: Reader, build: Callable[..., Select[Any]], message: str
) -> None:
    async with all_threads_taken(reader):
        with pytest.raises(Exception, match=message):
            await read(reader, build)
    for _ in range(2):
        assert await read(reader, students) == [0]
    async with all_threads_taken(reader):
        assert await read(reader, students) == [0]


async def test_a_file_that_was_replaced_is_read_no_longer(database_url: str, reader: Reader) -> None:
    file = parse_database_url(database_url).file
    other = file.with_suffix(".other")
    other.write_bytes(file.read_bytes())
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("INSERT INTO students (name) VALUES ('Ada')")
    async with all_threads_taken(reader):
        assert await read(reader, students) == [0]
    other.replace(file)
    await asyncio.sleep(FILE_CHECK_SECONDS)
    assert await read(reader, students) == [1]
    file.unlink()
    await asyncio.sleep(FILE_CHECK_SECONDS)
    with pytest.raises(DatabaseUnusable, match="does not exist"):
        await read(reader, students)


async def test_a_closed_reader_has_no_file_open_and_reads_no_more(database_url: str, reader: Reader) -> None:
    file = parse_database_url(database_url).file

    def is_open() -> bool:
        return str(file) in {opened.path for opened in psutil.Process().open_files()}

    assert await read(reader, number_of_numbers, SHORT) == [SHORT]
    assert is_open()
    await reader.close()
    assert not is_open()
    with pytest.raises(DatabaseUnusable, match="was closed"):
        await read(reader, number_of_numbers, SHORT)


class Watched:
    """A connection of the loop's, and what was begun on it."""

    def __init__(self, url: str, *, budget_seconds: float) -> None:
        self.begun: list[str] = []
        connection = open_sqlite_reader(parse_database_url(url), busy_timeout_seconds=0)
        connection.create_function("nap", 1, time.sleep)
        self.short_reads = ShortReads(budget_seconds=budget_seconds)
        self.short_reads.adopt(connection)
        connection.set_trace_callback(self.begun.append)

    def read(self, sql: str, *, shape: str | None = None) -> list[Any] | None:
        return self.short_reads.read(shape or sql, sql, [])

    def count_to(self, size: int) -> list[Any] | None:
        return self.read(str(number_of_numbers("sqlite")).replace(":size", str(size)), shape="count")


@pytest.fixture
def watched(database_url: str) -> Iterator[Watched]:
    watched = Watched(database_url, budget_seconds=BUDGET_SECONDS)
    yield watched
    watched.short_reads.close()


def test_a_statement_that_is_always_too_long_is_tried_ever_more_rarely(watched: Watched) -> None:
    tries = []
    for use in range(200):
        begun = len(watched.begun)
        assert watched.count_to(ENDLESS) is None
        if len(watched.begun) > begun:
            tries.append(use)
    assert tries == [0, 2, 5, 10, 19, 36, 69, 134, 199]
    assert tries[-1] - tries[-2] == PAUSE_USES_MAX + 1


def test_a_statement_that_was_too_long_once_is_soon_read_here_again(watched: Watched) -> None:
    assert watched.count_to(ENDLESS) is None
    assert watched.count_to(SHORT) is None
    assert watched.count_to(SHORT) == [(SHORT,)]
    assert watched.count_to(ENDLESS) is None
    assert watched.count_to(SHORT) is None
    assert watched.count_to(SHORT) == [(SHORT,)]


def test_a_statement_that_fails_takes_its_connection_along(watched: Watched) -> None:
    with pytest.raises(sqlite3.OperationalError, match="malformed JSON"):
        watched.read("SELECT json('no JSON')")
    assert watched.short_reads.lacks_connection
    assert watched.read("SELECT 1") is None


def test_a_statement_that_ended_late_has_its_rows_and_goes_to_a_thread_the_next_time(watched: Watched) -> None:
    napping = f"SELECT nap({2 * BUDGET_SECONDS})"  # one instruction of SQLite's, which nothing cuts short
    assert watched.read(napping) == [(None,)]
    assert watched.read(napping) is None
    assert len(watched.begun) == 1


def test_of_too_many_long_statements_the_first_are_forgotten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_reads, "STATEMENTS_MAX", 3)
    watched = Watched(database_url, budget_seconds=1e-9)
    for shape in "abcd":
        assert watched.read("SELECT 1", shape=shape) == [(1,)]
    assert watched.read("SELECT 1", shape="b") is None
    assert watched.read("SELECT 1", shape="a") == [(1,)]
    watched.short_reads.close()


def test_a_file_that_cannot_be_read_is_not_adopted(tmp_path: Path, dialect: str) -> None:
    file = tmp_path / f"school.{dialect}"
    file.write_bytes(b"This is no database." * 100)
    connection = open_sqlite_reader(parse_database_url(f"sqlite+aiosqlite:///{file}"), busy_timeout_seconds=0)
    reads = ShortReads(budget_seconds=BUDGET_SECONDS)
    with pytest.raises(sqlite3.DatabaseError):
        reads.adopt(connection)
    assert reads.lacks_connection
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
