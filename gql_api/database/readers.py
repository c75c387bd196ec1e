"""Where the read path meets the drivers: asyncpg's pool, and sqlite3 on threads of our own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.compiled import (
    CompiledStatement,
    Reader,
    Result,
    StatementCache,
    sqlite_argument,
    with_times,
)
from gql_api.database.connections import Connections
from gql_api.database.engine import TIMEOUTS, Timeouts, asyncpg_session_arguments, open_sqlite_reader
from gql_api.database.failure import explain_failure


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
        self._connections = Connections(
            {**address.asyncpg_arguments(), **asyncpg_session_arguments(timeouts=timeouts)},
            size=pool_size,
            wait_seconds=timeouts.pool_seconds,
        )

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Result:
        """Run a statement; see `Reader.fetch`.

        A connection that broke while it was idle is noticed only now. Reading twice does no harm, so that is tried.

        Raises:
            DatabaseUnusable: the database is away or gave up.
        """
        statement: CompiledStatement = self._statements.get(build, *shape)
        arguments = statement.arguments(values)
        try:
            try:
                records = await self._fetch(statement.sql, arguments)
            except (asyncpg.PostgresConnectionError, ConnectionError):
                records = await self._fetch(statement.sql, arguments)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise explain_failure(error, self._address) or error from error
        return Result(statement.columns, records)

    async def _fetch(self, sql: str, arguments: list[Any]) -> Any:
        connection = await self._connections.take()
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            self._connections.put(connection)

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        await self._connections.close()


class SqliteReader:
    """Reads on a few threads, with one read-only connection each."""

    def __init__(self, address: DatabaseAddress, *, threads: int, busy_timeout_seconds: float) -> None:
        self._address = address
        self._busy_timeout_seconds = busy_timeout_seconds
        self._statements = StatementCache(sqlite.dialect())
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="sqlite-reader")
        self._idle: list[sqlite3.Connection] = []
        self._places = asyncio.Semaphore(threads)

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Result:
        """Run a statement; see `Reader.fetch`. Being cancelled interrupts the statement.

        Raises:
            DatabaseUnusable: the file is missing, locked or damaged.
        """
        statement: CompiledStatement = self._statements.get(build, *shape)
        arguments = [sqlite_argument(value) for value in statement.arguments(values)]
        async with self._places:
            connection = self._idle.pop() if self._idle else self._connect()
            running = asyncio.get_running_loop().run_in_executor(
                self._executor, _run, connection, statement.sql, arguments
            )
            try:
                records = await asyncio.shield(running)
            except asyncio.CancelledError:
                connection.interrupt()
                await asyncio.wait([running])
                self._idle.append(connection)
                raise
            except sqlite3.Error as error:
                connection.close()
                raise explain_failure(error, self._address) or error from error
            self._idle.append(connection)
        return Result(statement.columns, with_times(records, statement.times))

    def _connect(self) -> sqlite3.Connection:
        return open_sqlite_reader(self._address, busy_timeout_seconds=self._busy_timeout_seconds)

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()


def _run(connection: sqlite3.Connection, sql: str, arguments: list[Any]) -> list[Any]:
    return connection.execute(sql, arguments).fetchall()
