"""What a driver's error says about the state of the database, for its operator."""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from typing import Final

import asyncpg

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.errors import DatabaseUnusable
from gql_api.models.model import NAMING_CONVENTION

DRIVER_ERRORS: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever asyncpg raises."""

LOST_CONNECTION: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
)
"""Errors after which a connection is of no use, though the driver may hear of its end only later."""

# https://www.sqlite.org/rescode.html: the lower eight bits are the primary code.
_SQLITE_FAILURES = {
    sqlite3.SQLITE_BUSY: "is locked by another writer; the wait for its lock was given up",
    sqlite3.SQLITE_LOCKED: "is locked by another connection of this process",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database, or is damaged",
    sqlite3.SQLITE_FULL: "cannot grow: its disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: its disk reports an error",
    sqlite3.SQLITE_PERM: "may not be opened by this user",
    sqlite3.SQLITE_AUTH: "may not be opened by this user",
}

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix counts.
_POSTGRESQL_FAILURES = {
    "08": "cannot be reached, or broke the connection",
    "25006": "is read-only",
    "25P03": "ended a transaction whose next statement did not come in time",
    "25P04": "ended a transaction that took too long",
    "28": "refuses this user or password",
    "3D000": "does not exist on its server",
    "40": "undid a statement that stood in the way of others",
    "42501": "does not permit this to the user",
    "53": "has run out of disk, memory or connections",
    "55P03": "is locked by another writer; the wait for its lock was given up",
    "57014": "gave up a statement that took too long",
    "57P01": "is shutting down",
    "57P02": "has crashed and is restarting",
    "57P03": "is starting or shutting down",
    "57P04": "was removed from its server",
    "57P05": "ended a session that was idle for too long",
    "58": "reports an error of its system",
    "XX": "is damaged; see its server's log",
}


def explain_failure(error: BaseException, address: DatabaseAddress) -> DatabaseUnusable | None:
    """Say which state of the database made a statement or a connection fail.

    Args:
        error: what sqlite3, asyncpg or SQLAlchemy raised, or an OSError or TimeoutError while connecting.
        address: the database in question; named in the message without its password.

    Returns:
        None where the database is well and the statement was at fault, e.g. a broken constraint.
    """
    # SQLAlchemy wraps asyncpg's errors twice; both wrappers know what they hold.
    original = getattr(error, "driver_exception", error)
    if address.dialect is Dialect.SQLITE:
        state = _sqlite_failure(original, address)
        return None if state is None else DatabaseUnusable(f"The database file {address.file} {state}.")
    state = _postgresql_failure(original)
    return None if state is None else DatabaseUnusable(f"The database {address} {state}.")


_UNDEFINED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)
_SQLITE_UNDEFINED = re.compile(r"no such (table|column): |table \S+ has no column named ")


def explain_statement_failure(error: BaseException, address: DatabaseAddress) -> DatabaseUnusable | None:
    """As `explain_failure`, for statements that fit the schema at head: where they do not, it is another one."""
    if isinstance(error, _UNDEFINED) or (
        isinstance(error, sqlite3.OperationalError) and _SQLITE_UNDEFINED.match(str(error))
    ):
        return DatabaseUnusable(f"The database {address} lacks a table or a column: its schema is not at head.")
    return explain_failure(error, address)


def _sqlite_failure(error: BaseException, address: DatabaseAddress) -> str | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary_code = code & 0xFF
    if primary_code == sqlite3.SQLITE_CANTOPEN or address.file.is_dir():
        return _why_a_file_cannot_be_opened(address.file)
    return _SQLITE_FAILURES.get(primary_code)


def _why_a_file_cannot_be_opened(file: Path) -> str:
    try:
        if not file.parent.is_dir():
            return "cannot be made: its directory does not exist"
        if file.is_dir():
            return "is a directory"
        if not file.exists() and os.access(file.parent, os.W_OK, effective_ids=True):
            return "does not exist; `gql-api migrate` makes it"
    except PermissionError:
        return "cannot be reached by this user"
    return "cannot be opened by this user: both the file and its directory must be writable"


def _postgresql_failure(error: BaseException) -> str | None:
    if isinstance(error, TimeoutError):
        return "did not answer in time"
    if isinstance(error, OSError):
        return "cannot be reached"
    state = getattr(error, "sqlstate", None)
    if state is None:
        # asyncpg raises InterfaceError itself, without a code: here for a connection that was closed under it.
        # InternalClientError is what it says of one that broke between two of its messages.
        lost = isinstance(error, asyncpg.InternalClientError) or (
            isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)
        )
        return "broke the connection" if lost else None
    return _POSTGRESQL_FAILURES.get(state) or _POSTGRESQL_FAILURES.get(state[:2])


class ConstraintViolated(Exception):
    """A statement would break a constraint; `constraint` is its name, None where SQLite does not tell it."""

    def __init__(self, constraint: str | None) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class TransactionOverrun(Exception):
    """Others stood in the way: a deadlock, a failed serialization, a migration in the midst. Nothing was done."""


_SQLITE_UNIQUE: Final = "UNIQUE constraint failed: "
_OVERRUN_SQLSTATES: Final = frozenset({"40001", "40P01"})


def explain_refusal(error: BaseException) -> ConstraintViolated | TransactionOverrun | None:
    """Say what the database had against a statement, alike for both databases; None if it is nothing of that kind."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return ConstraintViolated(error.constraint_name)
    if isinstance(error, sqlite3.IntegrityError):
        message = str(error)
        if not message.startswith(_SQLITE_UNIQUE):
            return ConstraintViolated(None)
        # SQLite names the column, after which our constraints are named.
        table, _, column = message.removeprefix(_SQLITE_UNIQUE).partition(".")
        return ConstraintViolated(NAMING_CONVENTION["uq"] % {"table_name": table, "column_0_N_name": column})
    # A statement that was prepared before a migration is prepared anew the next time, but not within a transaction.
    is_overrun = isinstance(error, asyncpg.InvalidCachedStatementError)
    return TransactionOverrun() if is_overrun or getattr(error, "sqlstate", None) in _OVERRUN_SQLSTATES else None
