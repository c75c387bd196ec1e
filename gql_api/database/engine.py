"""Engines, and what every connection of ours is told, whether SQLAlchemy opens it or a driver alone.

SQLite: write-ahead log, foreign keys, `synchronous=FULL` (what was acknowledged survives a power cut), and transactions
that take the write lock at their beginning: a deferred one that reads before it writes fails when another has written
meanwhile. PostgreSQL: UTC, a name in `pg_stat_activity`, and a limit on every wait.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.engine.interfaces import Dialect as SqlalchemyDialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gql_api.database.address import DatabaseAddress, Dialect, SqliteMode, parse_database_url
from gql_api.database.failure import explain_failure

APPLICATION_NAME = "gql-api"

SqliteValue: TypeAlias = str | bytes | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long anything may wait on PostgreSQL, and for a pooled connection on both.

    For locks, statements and idle transactions 0 is no limit.

    Attributes:
        connect_seconds: for a connection to be made.
        pool_seconds: for a pooled connection to become free.
        lock_seconds: for a lock on a row or table.
        statement_seconds: for one statement.
        idle_in_transaction_seconds: for the next statement of a transaction, before the server ends it, so that a
            process that hangs does not keep its locks.
    """

    connect_seconds: float = 5.0
    pool_seconds: float = 10.0
    lock_seconds: float = 5.0
    statement_seconds: float = 30.0
    idle_in_transaction_seconds: float = 60.0


TIMEOUTS: Final = Timeouts()


def create_engine(
    url: str,
    *,
    pool_size: int = 10,
    busy_timeout_seconds: float = 5.0,
    timeouts: Timeouts = TIMEOUTS,
    application_name: str = APPLICATION_NAME,
    create_missing_file: bool = False,
) -> AsyncEngine:
    """Make an engine for the database; nothing is connected before the first statement.

    Every transaction on SQLite is a write transaction, begun by `BEGIN IMMEDIATE`; a connection with the execution
    option `isolation_level="AUTOCOMMIT"` begins none, on both databases.

    Args:
        url: `sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://USER@HOST/DB`.
        pool_size: connections that are kept and, there being no overflow, the most that are open at once.
        busy_timeout_seconds: how long a writer waits for SQLite's lock.
        timeouts: how long anything else may wait.
        application_name: what `pg_stat_activity` shows.
        create_missing_file: whether an SQLite file that is not there is made; otherwise it is an error.

    Raises:
        SettingInvalid: the URL cannot be used; see `parse_database_url`.
        DatabaseUnusable: raised by whatever uses the engine, in place of the driver's error, where the database is
            missing, locked, read-only, damaged or away.
    """
    address = parse_database_url(url)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": timeouts.pool_seconds}
    if address.dialect is Dialect.SQLITE:
        # Driver autocommit: sqlite3 begins nothing of its own, `_begin` does. Given here rather than on connecting,
        # so that the pool puts it back after a connection has been used with another isolation level.
        options |= {"isolation_level": "AUTOCOMMIT", "connect_args": {"uri": True, "timeout": busy_timeout_seconds}}
    else:
        arguments = asyncpg_session_arguments(timeouts=timeouts, application_name=application_name)
        options |= {"pool_pre_ping": True, "connect_args": arguments}
    engine = create_async_engine(address.url, **options)
    _listen(engine, address, mode="rwc" if create_missing_file else "rw")
    return engine


def asyncpg_session_arguments(
    *, timeouts: Timeouts = TIMEOUTS, application_name: str = APPLICATION_NAME
) -> dict[str, Any]:
    """Give the keyword arguments of `asyncpg.connect` and `asyncpg.create_pool` that say how a session behaves.

    Together with `DatabaseAddress.asyncpg_arguments()`, which say where, they make a connection like the engine's.
    """
    return {
        "timeout": timeouts.connect_seconds,
        "server_settings": {
            "application_name": application_name,
            "timezone": "UTC",
            # Services lock a row and then count: only at this level does the count see what the wait was for.
            "default_transaction_isolation": "read committed",
            "jit": "off",  # compiling takes longer than any of our statements runs
            "lock_timeout": _milliseconds(timeouts.lock_seconds),
            "statement_timeout": _milliseconds(timeouts.statement_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(timeouts.idle_in_transaction_seconds),
        },
    }


def open_sqlite_reader(address: DatabaseAddress, *, busy_timeout_seconds: float) -> sqlite3.Connection:
    """Open a read-only connection of the sqlite3 driver, in autocommit, usable from any one thread at a time.

    Raises:
        DatabaseUnusable: the file is missing or cannot be read.
    """
    try:
        connection = sqlite3.connect(
            address.sqlite_uri("ro"),
            uri=True,
            timeout=busy_timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.create_function("lower", 1, lower, deterministic=True)
    except sqlite3.Error as error:
        raise explain_failure(error, address) or error from None
    return connection


def open_sqlite_writer(address: DatabaseAddress, *, busy_timeout_seconds: float) -> sqlite3.Connection:
    """Open a writing connection of the sqlite3 driver, in autocommit, usable from any one thread at a time.

    Raises:
        DatabaseUnusable: the file is missing, read-only or damaged.
    """
    try:
        connection = sqlite3.connect(
            address.sqlite_uri("rw"),
            uri=True,
            timeout=busy_timeout_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        for pragma in SQLITE_WRITER_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        raise explain_failure(error, address) or error from None
    connection.create_function("lower", 1, lower, deterministic=True)
    return connection


SQLITE_WRITER_PRAGMAS: Final = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


def lower(text: SqliteValue) -> SqliteValue:
    """SQLite's `lower()`, made to know Unicode: its own knows ASCII alone.

    Every character becomes one character, as in PostgreSQL's `lower()`. Python's `str.lower` differs from that in two
    letters: a dotted capital I becomes two characters, and a capital sigma depends on its neighbours.
    """
    if not isinstance(text, str):
        return text
    if text.isascii():
        return text.lower()
    return text.replace("\u0130", "i").replace("\u03a3", "\u03c3").lower()


def _listen(engine: AsyncEngine, address: DatabaseAddress, *, mode: SqliteMode) -> None:
    def open_connection(
        dialect: SqlalchemyDialect, _entry: ConnectionPoolEntry, arguments: list[Any], options: dict[str, Any]
    ) -> DBAPIConnection:
        try:
            if address.dialect is Dialect.SQLITE:
                return _open_sqlite_writer(dialect, address.sqlite_uri(mode), options)
            return dialect.connect(*arguments, **options)
        except (OSError, sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise explain_failure(error, address) or error from error

    def explain(context: ExceptionContext) -> BaseException | None:
        if context.is_pre_ping:
            return None  # the pool replaces the connection
        if address.dialect is Dialect.SQLITE and isinstance(context.original_exception, asyncio.CancelledError):
            # The driver's thread goes on with the statement. SQLAlchemy would close the connection under it, which
            # SQLite puts off until the statement is finalized, and the write lock would stay until then. Kept, the
            # connection is rolled back as any other, in its turn.
            context.is_disconnect = False
            return None
        return explain_failure(context.original_exception, address)

    event.listen(engine.sync_engine, "do_connect", open_connection)
    event.listen(engine.sync_engine, "handle_error", explain, retval=True)
    if address.dialect is Dialect.SQLITE:
        event.listen(engine.sync_engine, "begin", _begin)


def _open_sqlite_writer(dialect: SqlalchemyDialect, uri: str, options: dict[str, Any]) -> DBAPIConnection:
    # aiosqlite leaves a thread behind, and its complaint on stderr, where a file cannot be opened: try that here.
    sqlite3.connect(uri, uri=True).close()
    connection = dialect.connect(uri, **options)
    try:
        cursor = connection.cursor()
        for pragma in SQLITE_WRITER_PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        cast("Any", connection).create_function("lower", 1, lower, deterministic=True)
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
