"""Readers under fire: many at once, cut short, cut off, closed; whatever happens, all their connections come back.

On SQLite these are those of the threads; `test_short_reads.py` has the one of the event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Integer, Select, bindparam, column, func, select, text

from gql_api.database.address import parse_database_url
from gql_api.database.compiled import Reader
from gql_api.database.engine import Timeouts
from gql_api.database.readers import create_reader
from gql_api.errors import DatabaseUnusable

SIZE = 3
PATIENCE_SECONDS = 20.0
"""For what takes milliseconds, on a machine that is busy with something else."""

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)


def echo(_dialect_name: str) -> Select[Any]:
    return select(bindparam("number", type_=Integer()).label("number"))


def endless(dialect_name: str) -> Select[Any]:
    if dialect_name == "postgresql":
        return select(func.count()).select_from(func.pg_sleep(3600))
    numbers = "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n) AS numbers"
    return select(func.count()).select_from(text(numbers))


def broken(dialect_name: str) -> Select[Any]:
    return select(text("1 / 0") if dialect_name == "postgresql" else func.json("no JSON"))


def make_reader(url: str, *, size: int = SIZE, pool_seconds: float = PATIENCE_SECONDS) -> Reader:
    return create_reader(
        url,
        pool_size=size,
        sqlite_reader_threads=size,
        sqlite_inline_seconds=0,
        busy_timeout_seconds=1,
        timeouts=Timeouts(pool_seconds=pool_seconds),
    )


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[Reader]:
    reader = make_reader(database_url)
    yield reader
    await reader.close()


async def echoed(reader: Reader, number: int = 7) -> int:
    async with asyncio.timeout(PATIENCE_SECONDS):
        records = await reader.fetch(echo, values={"number": number})
    return int(records[0][0])


def begun(reader: Reader, build: Callable[..., Select[Any]] = endless, *shape: Hashable) -> asyncio.Task[Any]:
    fetch: Coroutine[Any, Any, Any] = reader.fetch(build, *shape, values={})
    return asyncio.create_task(fetch)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError] * len(tasks)


async def until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.01)


async def assert_whole(reader: Reader, size: int = SIZE) -> None:
    """All places are there: so many statements run at once, and one more has to wait."""
    running = [begun(reader) for _ in range(size)]
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(echoed(reader))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    await cancelled(running[0])
    assert await waiting == 7
    await cancelled(*running[1:])
    assert await asyncio.gather(*(echoed(reader, number) for number in range(3 * size))) == list(range(3 * size))


async def test_many_at_once_get_each_their_own_answer(reader: Reader) -> None:
    assert await asyncio.gather(*(echoed(reader, number) for number in range(300))) == list(range(300))
    await assert_whole(reader)


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 10])
async def test_being_cancelled_ends_the_statement_and_gives_the_connection_back(reader: Reader, turns: int) -> None:
    for _ in range(2 * SIZE):
        task = begun(reader)
        for _ in range(turns):
            await asyncio.sleep(0)
        await cancelled(task)
    await assert_whole(reader)


async def test_being_cancelled_in_midst_of_the_statement(reader: Reader) -> None:
    for _ in range(2):
        tasks = [begun(reader) for _ in range(SIZE)]
        await asyncio.sleep(0.1)
        await cancelled(*tasks)
    await assert_whole(reader)


async def test_being_cancelled_again_and_again(reader: Reader) -> None:
    for _ in range(SIZE):
        task = begun(reader)
        await asyncio.sleep(0.02)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
    await assert_whole(reader)


async def test_who_leaves_the_line_leaves_no_gap(reader: Reader) -> None:
    running = [begun(reader) for _ in range(SIZE)]
    await asyncio.sleep(0.02)
    leaving = [asyncio.create_task(echoed(reader)) for _ in range(5)]
    staying = [asyncio.create_task(echoed(reader, number)) for number in range(5)]
    await asyncio.sleep(0.02)
    await cancelled(*leaving[:3])
    # Some leave at the very moment at which their turn comes.
    for task in (*running, *leaving[3:]):
        task.cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*staying) == list(range(5))
    await asyncio.gather(*running, *leaving, return_exceptions=True)
    await assert_whole(reader)


async def test_a_statement_that_fails_costs_no_connection(reader: Reader) -> None:
    for _ in range(2 * SIZE):
        with pytest.raises(Exception, match=r"division by zero|malformed JSON"):
            await reader.fetch(broken, values={})
    await assert_whole(reader)


async def test_a_value_that_the_driver_refuses_costs_no_connection(reader: Reader) -> None:
    for value in (2**64, object()):
        for _ in range(SIZE):
            with pytest.raises(Exception, match=r"."):
                await reader.fetch(echo, values={"number": value})
    await assert_whole(reader)


async def test_who_comes_first_is_served_first(database_url: str) -> None:
    reader = make_reader(database_url, size=1)
    served: list[int] = []

    async def ask(number: int) -> None:
        served.append(await echoed(reader, number))
        if number < 5:
            # Whoever has been served and comes again stands behind those who wait.
            served.append(await echoed(reader, number + 100))

    blocker = begun(reader)
    await asyncio.sleep(0.02)
    tasks = [asyncio.create_task(ask(number)) for number in range(10)]
    await asyncio.sleep(0.02)
    await cancelled(blocker)
    await asyncio.gather(*tasks)
    assert served == [*range(10), *range(100, 105)]
    await reader.close()


@on_postgresql
async def test_who_waits_too_long_for_a_connection_is_told(database_url: str) -> None:
    reader = make_reader(database_url, size=1, pool_seconds=0.05)
    blocker = begun(reader)
    await asyncio.sleep(0.05)
    with pytest.raises(DatabaseUnusable, match="No connection to the database became free"):
        await echoed(reader)
    await cancelled(blocker)
    assert await echoed(reader) == 7
    await reader.close()


@on_postgresql
async def test_the_server_gives_a_cancelled_statement_up(database_url: str, reader: Reader) -> None:
    watcher: Any = await asyncpg.connect(**parse_database_url(database_url).asyncpg_arguments())

    async def nobody_sleeps() -> bool:
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(%'"
        return bool(
            await watcher.fetchval(f"{sleeping} AND datname = current_database() AND pid <> pg_backend_pid()") == 0
        )

    task = begun(reader)
    await asyncio.sleep(0.1)
    assert not await nobody_sleeps()
    await cancelled(task)
    await until(nobody_sleeps)
    await watcher.close()


@on_postgresql
async def test_connections_that_the_server_cut_are_replaced(database_url: str, reader: Reader) -> None:
    address = parse_database_url(database_url)
    watcher: Any = await asyncpg.connect(**address.asyncpg_arguments())
    for _ in range(3):
        await assert_whole(reader)
        await watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        # At once, before the loop has heard of it, and after.
        assert await asyncio.gather(*(echoed(reader, number) for number in range(SIZE))) == list(range(SIZE))
    await watcher.close()


@on_postgresql
async def test_a_database_that_comes_back_is_read_again(database_url: str, reader: Reader) -> None:
    address = parse_database_url(database_url)
    name = address.url.database
    elsewhere: Any = await asyncpg.connect(**{**address.asyncpg_arguments(), "database": "postgres"})
    assert await echoed(reader) == 7
    running = begun(reader)

    async def renamed() -> bool:
        # Whoever is cut off connects again at once.
        cut = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        await elsewhere.execute(cut)
        try:
            await elsewhere.execute(f"ALTER DATABASE {name} RENAME TO away")
        except asyncpg.ObjectInUseError:
            return False
        return True

    await until(renamed)
    with pytest.raises(DatabaseUnusable):
        await running
    for _ in range(2 * SIZE):
        with pytest.raises(DatabaseUnusable, match="does not exist on its server"):
            await echoed(reader)
    await elsewhere.execute(f"ALTER DATABASE away RENAME TO {name}")
    await assert_whole(reader)
    await elsewhere.close()


@on_sqlite
async def test_a_file_that_comes_back_is_read_again(database_url: str, reader: Reader) -> None:
    file = parse_database_url(database_url).file
    away = file.with_suffix(".away")
    file.rename(away)
    for _ in range(2 * SIZE):
        with pytest.raises(DatabaseUnusable, match="does not exist"):
            await echoed(reader)
    away.rename(file)
    await assert_whole(reader)


async def test_a_file_that_is_damaged_is_read_again_when_it_is_mended(tmp_path: Path) -> None:
    file = tmp_path / "school.sqlite3"
    file.write_bytes(b"This is no database." * 100)
    reader = make_reader(f"sqlite+aiosqlite:///{file}")

    def count_of_tables(_dialect_name: str) -> Select[Any]:
        return select(func.count()).select_from(text("sqlite_schema"))

    for _ in range(2 * SIZE):
        with pytest.raises(DatabaseUnusable, match="is not an SQLite database"):
            await reader.fetch(count_of_tables, values={})
    file.write_bytes(b"")
    assert await reader.fetch(count_of_tables, values={}) == [(0,)]
    await reader.close()


async def test_closing_gives_running_and_waiting_statements_up(database_url: str) -> None:
    reader = make_reader(database_url)
    tasks = [begun(reader) for _ in range(2 * SIZE)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await reader.close()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnusable] * len(tasks)


async def test_a_closed_reader_reads_no_more(database_url: str) -> None:
    reader = make_reader(database_url)
    assert await echoed(reader) == 7
    await reader.close()
    await reader.close()
    with pytest.raises(DatabaseUnusable):
        await echoed(reader)


async def test_closing_a_reader_that_was_never_used(database_url: str) -> None:
    await make_reader(database_url).close()


async def test_a_reader_cannot_write(reader: Reader) -> None:
    def delete(_dialect_name: str) -> Any:
        return text("DELETE FROM students RETURNING id").columns(column("id"))

    for _ in range(2 * SIZE):
        with pytest.raises(DatabaseUnusable, match="is read-only"):
            await reader.fetch(delete, values={})
    await assert_whole(reader)
