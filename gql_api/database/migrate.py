"""Bringing the schema to the newest revision, one process at a time.

The revisions stand in `migrations/`; its env.py runs them, on a connection that is made here.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_api.database.address import DatabaseAddress, Dialect, parse_database_url
from gql_api.database.engine import Timeouts, create_engine
from gql_api.errors import DatabaseUnusable

WAIT_SECONDS: Final = 60.0
"""How long a migration waits for another one of the same database."""

# Changing a table waits for those who use it, and whoever comes later waits behind: give up soon, and leave them be.
# The statements themselves may take their time.
_TIMEOUTS: Final = Timeouts(lock_seconds=5.0, statement_seconds=0, idle_in_transaction_seconds=0)

_ADVISORY_LOCK: Final = int.from_bytes(b"gql_api", "big")

# alembic's `context` and `op` are globals of the process: two migrations in one process would take each other's.
_ONE_AT_A_TIME: Final = threading.Lock()


async def upgrade_to_head(url: str, *, wait_seconds: float = WAIT_SECONDS) -> tuple[str, ...]:
    """Run the revisions that the database lacks, all in one transaction; on SQLite the file is made if need be.

    Any number of processes may do this at once: one migrates, the others wait for it and find nothing left to do. It
    runs in a thread of its own, so the event loop is free; once begun it is not cut off by a cancellation.

    Args:
        url: the database; see `parse_database_url`.
        wait_seconds: how long to wait for another process that is migrating.

    Returns:
        The revisions that were run, oldest first; none if the schema was at head.

    Raises:
        SettingInvalid: the URL cannot be used.
        DatabaseUnusable: the database is newer than this program, away, locked, read-only or damaged, or a revision
            failed. Nothing has been changed.
    """
    address = parse_database_url(url)
    return await asyncio.to_thread(_upgrade, address, url, wait_seconds)


def _upgrade(address: DatabaseAddress, url: str, wait_seconds: float) -> tuple[str, ...]:
    config = alembic_config(url, wait_seconds=wait_seconds)
    if not _ONE_AT_A_TIME.acquire(timeout=wait_seconds):
        raise DatabaseUnusable(f"Another migration in this process has taken more than {wait_seconds:g} seconds.")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if isinstance(error.__cause__, ResolutionError):
            raise DatabaseUnusable(newer_message(str(address), error.__cause__.argument)) from error
        raise
    except DBAPIError as error:
        raise DatabaseUnusable(f"{address} could not be migrated; nothing was changed. {error.orig}") from error
    finally:
        _ONE_AT_A_TIME.release()
    return tuple(config.attributes["applied"])


def alembic_config(url: str, *, wait_seconds: float = WAIT_SECONDS, directory: Path | None = None) -> Config:
    """Configure alembic's commands for this database; they block, so call them in a thread.

    Args:
        url: the database; see `parse_database_url`.
        wait_seconds: how long to wait for another process that is migrating.
        directory: where the revisions are, if not in this program's own `migrations_directory()`.
    """
    config = Config(attributes={"database_url": url, "wait_seconds": wait_seconds, "applied": []})
    config.set_main_option("script_location", str(directory or migrations_directory()).replace("%", "%%"))
    return config


@asynccontextmanager
async def migration_connection(url: str, *, wait_seconds: float = WAIT_SECONDS) -> AsyncIterator[AsyncConnection]:
    """Connect for migrating; nobody else does so, to the same database, until the connection is closed.

    On PostgreSQL a lock of the session keeps others out. On SQLite it is the transaction's own lock, and foreign keys
    are not enforced: a table is altered by making it anew, and dropping the old one would delete, by cascade, the rows
    that refer to it (https://www.sqlite.org/lang_altertable.html#otheralter). `check_references` makes good for that.
    """
    engine = create_engine(
        url,
        pool_size=1,
        busy_timeout_seconds=wait_seconds,
        timeouts=_TIMEOUTS,
        application_name="gql-api migrate",
        create_missing_file=True,
    )
    if engine.dialect.name == Dialect.SQLITE:
        event.listen(engine.sync_engine, "connect", _leave_references_unchecked)
    try:
        async with engine.connect() as connection:
            if engine.dialect.name == Dialect.POSTGRESQL:
                await connection.execute(text(f"SET LOCAL lock_timeout = {round(wait_seconds * 1000)}"))
                await connection.execute(text(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})"))
                await connection.commit()
            yield connection
    finally:
        await engine.dispose()


def check_references(connection: Connection) -> None:
    """Look for rows whose foreign keys lead nowhere, which SQLite does not do while it migrates.

    Raises:
        DatabaseUnusable: there are such rows; the transaction is to be rolled back.
    """
    if connection.dialect.name != Dialect.SQLITE:
        return
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if lost is not None:
        raise DatabaseUnusable(
            f"The migration was given up: rows of {lost[0]} refer to rows of {lost[2]} that are gone."
        )


@cache
def revisions() -> tuple[Script, ...]:
    """All revisions of this program, oldest first; read once in the life of the process."""
    return tuple(reversed(list(ScriptDirectory(str(migrations_directory())).walk_revisions())))


def migrations_directory() -> Path:
    """Where the revisions are: in the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def newer_message(name: str, revision: str) -> str:
    """Say that a database holds a revision that this program does not know."""
    return (
        f"The database {name} is at revision {revision}, which this program does not know: "
        f"it is newer than the program, whose newest revision is {revisions()[-1].revision}. Update the program."
    )


def _leave_references_unchecked(connection: Any, _entry: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = OFF")
    cursor.close()
