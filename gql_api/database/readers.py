"""Where the read path meets the drivers: asyncpg's pool, and sqlite3 on threads of our own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.compiled import (
    Columns,
    CompiledStatement,
    Reader,
    Result,
    StatementCache,
    columns_of,
    sqlite_argument,
    with_times,
)
from gql_api.database.connections import NONE_FREE, Connections, NoneFree
from gql_api.database.engine import TIMEOUTS, Timeouts, asyncpg_session_arguments, open_sqlite_reader
from gql_api.database.failure import DRIVER_ERRORS, LOST_CONNECTION, explain_statement_failure
from gql_api.database.interrupt import interrupt
from gql_api.database.sqlite_file import FileIdentity, file_identity
from gql_api.errors import DatabaseUnusable


def create_reader(
    url: str,
    *,
    pool_size: int,
    sqlite_reader_threads: int,
    busy_timeout_seconds: float,
    timeouts: Timeouts = TIMEOUTS,
) -> Reader:
    """Make the reader for a database; connections are opened when they are first needed.

    Args:
        url: as for `database.engine.create_engine`.
        pool_size: connections at most, on PostgreSQL.
        sqlite_reader_threads: threads, and connections, at most, on SQLite.
        busy_timeout_seconds: how long SQLite waits for a lock; readers of a write-ahead log hardly ever do.
        timeouts: how long anything may wait, on PostgreSQL.
    """
    address = parse_database_url(url)
    if address.dialect is Dialect.SQLITE:
        return SqliteReader(address, threads=sqlite_reader_threads, busy_timeout_seconds=busy_timeout_seconds)
    return PostgresqlReader(address, pool_size=pool_size, timeouts=timeouts)


class PostgresqlReader:
    """Reads through asyncpg's connections, which keep the statements prepared."""

    def __init__(self, address: DatabaseAddress, *, pool_size: int, timeouts: Timeouts) -> None:
        self._address = address
        self._statements = StatementCache(postgresql.dialect())  # type: ignore[no-untyped-call]
        session = asyncpg_session_arguments(timeouts=timeouts)
        session["server_settings"]["default_transaction_read_only"] = "on"
        self._connections = Connections(
            {**address.asyncpg_arguments(), **session}, size=pool_size, wait_seconds=timeouts.pool_seconds
        )

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Result:
        """Run a statement; see `Reader.fetch`.

        Raises:
            DatabaseUnusable: the database is away or gave up.
        """
        statement: CompiledStatement = self._statements.get(build, *shape)
        return Result(statement.columns, await self._run(statement, values))

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        """Run a statement; see `Reader.fetch_columns`.

        The server gathers each column into an array, which asyncpg reads in half the time that it takes for rows.

        Raises:
            DatabaseUnusable: the database is away or gave up.
        """
        statement: CompiledStatement = self._statements.arrays(build, *shape)
        [arrays] = await self._run(statement, values)
        return {name: values or () for name, values in zip(statement.columns, arrays, strict=True)}  # of no rows: NULL

    async def _run(self, statement: CompiledStatement, values: Mapping[str, Any]) -> Any:
        try:
            return await self._fetch(statement.text(values), statement.arguments(values))
        except NoneFree as error:
            raise DatabaseUnusable(NONE_FREE) from error
        except DRIVER_ERRORS as error:
            raise explain_statement_failure(error, self._address) or error from error

    async def _fetch(self, sql: str, arguments: list[Any], *, again: bool = False) -> Any:
        connection = await self._connections.take()
        try:
            records = await connection.fetch(sql, *arguments)
        except asyncio.CancelledError:
            self._connections.put_cancelled(connection)
            raise
        except Exception as error:
            if isinstance(error, LOST_CONNECTION):
                connection.terminate()
            broken = connection.is_closed()
            self._connections.put(connection)
            if again or not broken:
                raise
        else:
            self._connections.put(connection)
            return records
        # A connection that broke while it was idle is noticed only when it is used. Reading twice does no harm.
        self._connections.drop_idle()
        return await self._fetch(sql, arguments, again=True)

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        await self._connections.close()


FILE_CHECK_SECONDS = 0.1
"""How long a file that was removed or replaced may still be read: looking costs 3 µs, too much for each statement."""


class SqliteReader:
    """Reads on a few threads, with one read-only connection each."""

    def __init__(self, address: DatabaseAddress, *, threads: int, busy_timeout_seconds: float) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sqlite-reader")
        self._idle: list[sqlite3.Connection] = []
        self._file: FileIdentity | None = None
        self._file_checked_at = 0.0
        self._of_other_file: set[sqlite3.Connection] = set()
        self._running: dict[asyncio.Future[list[Any]], sqlite3.Connection] = {}
        self._places = asyncio.Semaphore(threads)
        self._closed = False

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Result:
        """Run a statement; see `Reader.fetch`. Being cancelled interrupts the statement, and does not wait for its end.

        Raises:
            DatabaseUnusable: the file is missing, locked or damaged, or the reader was closed.
        """
        statement: CompiledStatement = self._statements.get(build, *shape)
        return Result(statement.columns, with_times(await self._fetch(statement, values), statement.times))

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        """Run a statement; see `Reader.fetch_columns`, and `fetch`."""
        statement: CompiledStatement = self._statements.get(build, *shape)
        return columns_of(statement, await self._fetch(statement, values))

    async def _fetch(self, statement: CompiledStatement, values: Mapping[str, Any]) -> list[Any]:
        arguments = [sqlite_argument(value) for value in statement.arguments(values)]
        await self._places.acquire()
        running = self._start(statement.text(values), arguments)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running in self._running:
                interrupt(self._running[running], running)
            raise
        except sqlite3.Error as error:
            if self._closed:
                raise self._closed_error() from error
            raise explain_statement_failure(error, self._address) or error from error

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        self._closed = True
        for running, connection in self._running.items():
            interrupt(connection, running)
        if self._running:
            await asyncio.wait(list(self._running))
        while self._idle:
            self._idle.pop().close()
        self._executor.shutdown()

    def _start(self, sql: str, arguments: list[Any]) -> asyncio.Future[list[Any]]:
        """Run a statement on a thread, in the place that was acquired; when it ends, the place is free again."""
        if monotonic() - self._file_checked_at > FILE_CHECK_SECONDS:
            self._check_file()
        try:
            connection = self._idle.pop() if self._idle else self._connect()
        except BaseException:
            self._places.release()
            raise
        running = asyncio.get_running_loop().run_in_executor(self._executor, _run, connection, sql, arguments)
        self._running[running] = connection
        # Not when the caller is done waiting: a statement that was interrupted still has its connection and thread.
        running.add_done_callback(self._end)
        return running

    def _end(self, running: asyncio.Future[list[Any]]) -> None:
        connection = self._running.pop(running)
        if self._closed or running.exception() is not None or connection in self._of_other_file:
            self._of_other_file.discard(connection)
            connection.close()
        else:
            self._idle.append(connection)
        self._places.release()

    def _check_file(self) -> None:
        """Forget the connections to a file that was removed or replaced."""
        self._file_checked_at = monotonic()
        found = file_identity(self._address.file)
        if found != self._file:
            self._file = found
            while self._idle:
                self._idle.pop().close()
            self._of_other_file.update(self._running.values())

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise self._closed_error()
        return open_sqlite_reader(self._address, busy_timeout_seconds=self._busy_timeout_seconds)

    def _closed_error(self) -> DatabaseUnusable:
        return DatabaseUnusable(f"The database file {self._address.file} was closed: the program is ending.")


def _run(connection: sqlite3.Connection, sql: str, arguments: list[Any]) -> list[Any]:
    return connection.execute(sql, arguments).fetchall()
