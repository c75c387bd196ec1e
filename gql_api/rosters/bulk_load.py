"""Rows into a table as fast as the database takes them: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.database.failure import explain_failure
from gql_api.rosters.progress import Step

BATCH_ROWS: Final = 10_000
"""Rows in memory at once, and between two messages to a step."""

SQLITE_CACHE_KIBIBYTES: Final = 64 * 1024
"""Indexes are filled at random places; where they have no room in memory every row costs several pages written."""

ANALYSIS_LIMIT: Final = 1000
"""Index entries that SQLite looks at per index when it estimates; all of them would take as long as the loading."""


async def load(
    connection: AsyncConnection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]], step: Step
) -> None:
    """Insert rows in the transaction of the connection, as they are generated.

    Args:
        connection: a statement has been executed on it, so that its transaction has begun.
        table: where to.
        names: the columns of the values, in the order of the table.
        rows: read once; points in time must be in UTC.
        step: is told how many rows have gone.

    Raises:
        DatabaseUnusable: the database is away, read-only or out of room.
    """
    if connection.dialect.name == Dialect.POSTGRESQL:
        await _copy(connection, table, names, _told(rows, step))
    else:
        await _execute_many(connection, table, names, _told(rows, step))


async def prepare(connection: AsyncConnection) -> None:
    """Make the connection fit for much data: no statement is cut off, and SQLite gets room for its indexes.

    The time-outs last as long as the transaction, SQLite's room as long as the connection.
    """
    if connection.dialect.name == Dialect.POSTGRESQL:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    else:
        await connection.execute(text(f"PRAGMA cache_size = -{SQLITE_CACHE_KIBIBYTES}"))


async def analyze(engine: AsyncEngine) -> None:
    """Let the planner know what the tables look like now, which it otherwise learns much later or never."""
    async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        if connection.dialect.name == Dialect.SQLITE:
            await connection.execute(text(f"PRAGMA analysis_limit = {ANALYSIS_LIMIT}"))
        await connection.execute(text("ANALYZE"))


async def _copy(connection: AsyncConnection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - a connection that is in a transaction has one
    try:
        await driver.copy_records_to_table(table.name, columns=names, records=rows, timeout=None)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise explain_failure(error, DatabaseAddress(connection.engine.url)) or error from error


async def _execute_many(
    connection: AsyncConnection, table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Bypass what SQLAlchemy does per row, save for the types that the driver does not know."""
    statement = str(insert(table).compile(dialect=connection.dialect, column_keys=list(names)))
    columns = [table.c[name] for name in names]
    processors = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for column in columns]
    rows = iter(rows)
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        processed = (
            values if process is None else map(process, values)
            for process, values in zip(processors, zip(*batch, strict=True), strict=True)
        )
        await connection.exec_driver_sql(statement, list(zip(*processed, strict=True)))


def _told(rows: Iterable[Sequence[Any]], step: Step) -> Iterator[Sequence[Any]]:
    count = 0
    for count, row in enumerate(rows, 1):
        if count % BATCH_ROWS == 0:
            step.advance(BATCH_ROWS)
        yield row
    step.advance(count % BATCH_ROWS)
