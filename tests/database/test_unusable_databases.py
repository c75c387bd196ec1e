"""What an operator reads when the database is missing, locked, read-only, damaged or away."""

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from gql_api.database.address import parse_database_url
from gql_api.database.engine import Timeouts, create_engine, open_sqlite_reader
from gql_api.database.migrate import upgrade_to_head
from gql_api.errors import DatabaseUnusable
from tests.database.lock_holder import read_only, write_lock_held_by_another_process

on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)

THREAD_END_SECONDS = 10


async def write(url: str) -> None:
    engine = create_engine(url, busy_timeout_seconds=0.05, timeouts=Timeouts(connect_seconds=2))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO courses (code, title) VALUES ('L1', 'Logic')"))
    finally:
        await engine.dispose()


async def migrate(url: str) -> None:
    await upgrade_to_head(url, wait_seconds=0.05)


async def read(url: str) -> None:
    connection = open_sqlite_reader(parse_database_url(url), busy_timeout_seconds=0.05)
    connection.close()


Use = Callable[[str], Awaitable[None]]
every_use = pytest.mark.parametrize("use", [write, read, migrate])


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


@every_use
async def test_a_missing_directory_is_named(use: Use, tmp_path: Path) -> None:
    file = tmp_path / "absent" / "school.sqlite3"
    with pytest.raises(DatabaseUnusable) as caught:
        await use(url_of(file))
    assert caught.value.message == f"The database file {file} cannot be made: its directory does not exist."
    assert not file.parent.exists()


@pytest.mark.parametrize("use", [write, read])
async def test_a_missing_file_is_not_made_by_using_it(use: Use, tmp_path: Path) -> None:
    file = tmp_path / "school.sqlite3"
    with pytest.raises(DatabaseUnusable) as caught:
        await use(url_of(file))
    assert caught.value.message == f"The database file {file} does not exist; `gql-api migrate` makes it."
    assert not file.exists()


@every_use
async def test_a_directory_is_not_a_database(use: Use, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        await use(url_of(tmp_path))
    assert caught.value.message == f"The database file {tmp_path} is a directory."


@pytest.mark.parametrize("use", [write, migrate])
async def test_another_kind_of_file_is_not_a_database(use: Use, tmp_path: Path) -> None:
    file = tmp_path / "school.csv"
    file.write_text("sourcedId,status\n" * 1000)
    threads = set(threading.enumerate())
    with pytest.raises(DatabaseUnusable) as caught:
        await use(url_of(file))
    assert caught.value.message == f"The database file {file} is not an SQLite database, or is damaged."
    assert file.read_text() == "sourcedId,status\n" * 1000
    for thread in set(threading.enumerate()) - threads:
        if thread.name.endswith("(_connection_worker_thread)"):
            thread.join(THREAD_END_SECONDS)  # it was told to end, which takes it a moment
            assert not thread.is_alive()


def refusals(file: Path) -> set[str]:
    return {
        f"The database file {file} is read-only.",
        f"The database file {file} cannot be opened by this user: both the file and its directory must be writable.",
    }


@on_sqlite
async def test_a_read_only_file_refuses_writers(database_url: str) -> None:
    file = parse_database_url(database_url).file
    with read_only(file), pytest.raises(DatabaseUnusable) as caught:
        await write(database_url)
    assert caught.value.message in refusals(file)


@on_sqlite
async def test_a_read_only_file_is_not_migrated(empty_database_url: str) -> None:
    file = parse_database_url(empty_database_url).file
    sqlite3.connect(file).close()
    with read_only(file), pytest.raises(DatabaseUnusable) as caught:
        await migrate(empty_database_url)
    assert caught.value.message in refusals(file)
    assert file.read_bytes() == b""


@pytest.mark.parametrize("use", [write, migrate])
@on_sqlite
async def test_a_file_that_another_process_has_locked_is_given_up(use: Use, empty_database_url: str) -> None:
    file = parse_database_url(empty_database_url).file
    sqlite3.connect(file).close()
    with write_lock_held_by_another_process(file), pytest.raises(DatabaseUnusable) as caught:
        await use(empty_database_url)
    assert caught.value.message == (
        f"The database file {file} is locked by another writer; the wait for its lock was given up."
    )


@on_sqlite
async def test_a_damaged_file_is_recognised(database_url: str) -> None:
    file = parse_database_url(database_url).file
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the page that holds the schema
    file.write_bytes(content)
    with pytest.raises(DatabaseUnusable) as caught:
        await write(database_url)
    assert caught.value.message == f"The database file {file} is damaged; restore it from a backup."


@pytest.mark.parametrize("use", [write, migrate])
async def test_a_server_that_is_not_there_is_named_without_the_password(use: Use) -> None:
    with pytest.raises(DatabaseUnusable) as caught:
        await use("postgresql+asyncpg://ann:hunter2@127.0.0.1:1/school")
    assert caught.value.message == "The database postgresql+asyncpg://ann:***@127.0.0.1:1/school cannot be reached."


@pytest.mark.parametrize("use", [write, migrate])
@on_postgresql
async def test_an_unknown_database_and_an_unknown_user_are_told_apart(use: Use, database_url: str) -> None:
    name = parse_database_url(database_url).url.database
    with pytest.raises(DatabaseUnusable, match="does not exist on its server"):
        await use(database_url.replace(f"/{name}?", "/absent?"))
    with pytest.raises(DatabaseUnusable, match="refuses this user or password"):
        await use(database_url.replace("postgres@", "nobody@"))
