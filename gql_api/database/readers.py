"""Where the read path meets the drivers: asyncpg's pool here, sqlite3 in `database/sqlite_reader.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as postgresql

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.compiled import Columns, CompiledStatement, Reader, Records, StatementCache
from gql_api.database.connections import NONE_FREE, Connections, NoneFree
from gql_api.database.engine import TIMEOUTS, Timeouts, asyncpg_session_arguments
from gql_api.database.failure import DRIVER_ERRORS, LOST_CONNECTION, explain_statement_failure
from gql_api.database.prepared import PreparingConnection
from gql_api.database.sqlite_reader import SqliteReader
from gql_api.errors import DatabaseUnusable


def create_reader(
    url: str,
    *,
    pool_size: int,
    sqlite_reader_threads: int,
    sqlite_inline_seconds: float,
    busy_timeout_seconds: float,
    timeouts: Timeouts = TIMEOUTS,
) -> Reader:
    """Make the reader for a database; connections are opened when they are first needed.

    Args:
        url: as for `database.engine.create_engine`.
        pool_size: connections at most, on PostgreSQL.
        sqlite_reader_threads: threads, and connections, at most, on SQLite.
        sqlite_inline_seconds: how long a statement may take on the event loop's thread, on SQLite, before it goes to
            one of those; 0: all go there.
        busy_timeout_seconds: how long SQLite waits for a lock; readers of a write-ahead log hardly ever do.
        timeouts: how long anything may wait, on PostgreSQL.
    """
    address = parse_database_url(url)
    if address.dialect is Dialect.SQLITE:
        return SqliteReader(
            address,
            threads=sqlite_reader_threads,
            busy_timeout_seconds=busy_timeout_seconds,
            inline_seconds=sqlite_inline_seconds,
        )
    return PostgresqlReader(address, pool_size=pool_size, timeouts=timeouts)


class PostgresqlReader:
    """Reads through asyncpg's connections, which keep the statements prepared."""

    def __init__(self, address: DatabaseAddress, *, pool_size: int, timeouts: Timeouts) -> None:
        self._address = address
        self._statements = StatementCache(postgresql.dialect())  # type: ignore[no-untyped-call]
        session = asyncpg_session_arguments(timeouts=timeouts)
        session["server_settings"]["default_transaction_read_only"] = "on"
        self._connections = Connections(
            {**address.asyncpg_arguments(), **session, "connection_class": PreparingConnection},
            size=pool_size,
            wait_seconds=timeouts.pool_seconds,
        )

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        """Run a statement; see `Reader.fetch`.

        Raises:
            DatabaseUnusable: the database is away or gave up.
        """
        statement: CompiledStatement = self._statements.get(build, *shape)
        records: Records = await self._run(statement, values)
        return records

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

    async def _run(self, statement: CompiledStatement, values: Mapping[str, Any], *, again: bool = False) -> Any:
        connections = self._connections
        try:
            connection = connections.take_idle() or await connections.take()
            try:
                records = await connection.fetch_prepared(statement.text(values), statement.arguments(values))
            except asyncio.CancelledError:
                connections.put_cancelled(connection)
                raise
            except Exception as error:
                if isinstance(error, LOST_CONNECTION):
                    connection.terminate()
                broken = connection.is_closed()
                connections.put(connection)
                if again or not broken:
                    raise
            else:
                connections.put(connection)
                return records
        except NoneFree as error:
            raise DatabaseUnusable(NONE_FREE) from error
        except DRIVER_ERRORS as error:
            raise explain_statement_failure(error, self._address) or error from error
        # A connection that broke while it was idle is noticed only when it is used. Reading twice does no harm.
        connections.drop_idle()
        return await self._run(statement, values, again=True)

    async def close(self) -> None:
        """Close all connections; running statements are given up."""
        await self._connections.close()
