"""What a database holds, seen past the program: by the drivers alone."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Protocol

import asyncpg

from gql_api.database.address import Dialect, parse_database_url

TABLES = ("students", "courses", "student_courses", "alembic_version")

Stored = dict[str, list[tuple[Any, ...]]]


class Database(Protocol):
    """A connection of our own to the database that a server serves."""

    def run(self, statement: str) -> list[tuple[Any, ...]]: ...


def everything(database: Database) -> Stored:
    """All rows of all tables."""
    return {table: sorted(database.run(f"SELECT * FROM {table}"), key=repr) for table in TABLES}  # noqa: S608 - constants


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement).fetchall()


class _Postgresql:
    def __init__(self, connection: Any, runner: asyncio.Runner) -> None:
        self._connection, self._runner = connection, runner

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._runner.run(self._connection.fetch(statement))]


@contextmanager
def connected(database_url: str) -> Iterator[Database]:
    """Connect in autocommit, for tests that are no coroutines."""
    address = parse_database_url(database_url)
    if address.dialect is Dialect.SQLITE:
        with closing(sqlite3.connect(address.sqlite_uri("rw"), uri=True, isolation_level=None)) as connection:
            yield _Sqlite(connection)
        return
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        connected_to = runner.run(asyncpg.connect(**address.asyncpg_arguments()))
        try:
            yield _Postgresql(connected_to, runner)
        finally:
            connected_to.terminate()  # it may be broken by now
