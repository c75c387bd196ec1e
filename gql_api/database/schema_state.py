"""At which revision the database is, measured by what this program knows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import DatabaseAddress
from gql_api.database.migrate import newer_message, revisions
from gql_api.errors import DatabaseUnusable

_REVISIONS_OF_DATABASE: Final = text("SELECT version_num FROM alembic_version LIMIT 2")
_UNDEFINED_TABLE: Final = "42P01"


class SchemaState(StrEnum):
    """Where a schema stands."""

    AT_HEAD = "at head"
    OLDER = "older"
    NEWER = "newer"
    EMPTY = "empty"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The answer of one moment.

    Attributes:
        state: the verdict.
        revision: of the database; None where it has none or could not be asked.
        message: the verdict as a sentence, with what to do about it; names the database, never its password.
    """

    state: SchemaState
    revision: str | None
    message: str

    @property
    def is_ready(self) -> bool:
        """Whether this program can work with the database."""
        return self.state is SchemaState.AT_HEAD

    def require_head(self) -> None:
        """Go no further unless the schema is at head.

        Raises:
            DatabaseUnusable: it is not; the message says how to mend that.
        """
        if not self.is_ready:
            raise DatabaseUnusable(self.message)


async def read_schema_status(engine: AsyncEngine, *, timeout_seconds: float = 2.0) -> SchemaStatus:
    """Ask the database for its revision: one statement on one row, outside of any transaction, nothing locked.

    Args:
        engine: made by `create_engine`; one of its connections is used for the moment.
        timeout_seconds: how long to wait for a connection and the answer before the database counts as away.
    """
    name = str(DatabaseAddress(engine.url))
    try:
        async with asyncio.timeout(timeout_seconds), engine.connect() as connection:
            reading = await connection.execution_options(isolation_level="AUTOCOMMIT")
            found: Sequence[str] = (await reading.scalars(_REVISIONS_OF_DATABASE)).all()
    except DatabaseUnusable as error:
        return SchemaStatus(SchemaState.AWAY, None, error.message)
    except (TimeoutError, PoolTimeout):
        message = f"The database {name} did not answer within {timeout_seconds:g} seconds."
        return SchemaStatus(SchemaState.AWAY, None, message)
    except DBAPIError as error:
        if not _says_that_the_table_is_missing(error):
            raise
        found = []
    return _compare(name, found)


def _compare(name: str, found: Sequence[str]) -> SchemaStatus:
    known = [revision.revision for revision in revisions()]
    head = known[-1]
    if not found:
        message = f"The database {name} has no schema yet. Run `gql-api migrate`."
        return SchemaStatus(SchemaState.EMPTY, None, message)
    revision = found[0]
    if len(found) > 1 or revision not in known:
        unknown = next((one for one in found if one not in known), revision)
        return SchemaStatus(SchemaState.NEWER, unknown, newer_message(name, unknown))
    if revision == head:
        return SchemaStatus(SchemaState.AT_HEAD, revision, f"The schema is at revision {head}, the newest.")
    message = f"The database {name} is at revision {revision}, older than {head}. Run `gql-api migrate`."
    return SchemaStatus(SchemaState.OLDER, revision, message)


def _says_that_the_table_is_missing(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE or "no such table" in str(error.orig)
