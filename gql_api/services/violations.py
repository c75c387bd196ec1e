"""Which constraint a statement broke, told alike on both databases, and what that means in the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from gql_api.errors import CodeTaken, EmailTaken, SourcedIdTaken
from gql_api.models.model import NAMING_CONVENTION

_CONFLICTS: Final = {
    "students_email_key": ("email", EmailTaken),
    "students_sourced_id_key": ("sourced_id", SourcedIdTaken),
    "courses_code_key": ("code", CodeTaken),
    "courses_sourced_id_key": ("sourced_id", SourcedIdTaken),
}

_SQLITE_UNIQUE: Final = "UNIQUE constraint failed: "


@contextmanager
def unless_taken(values: Mapping[str, Any]) -> Iterator[None]:
    """Run the statement that stores these values, by column, and tell a broken unique constraint as a fact.

    The constraint decides: a value that was free when we asked may be taken by the time it is stored.

    Raises:
        EmailTaken, CodeTaken, SourcedIdTaken: whichever constraint the database says was broken.
    """
    try:
        yield
    except IntegrityError as error:
        match _CONFLICTS.get(violated_constraint(error) or ""):
            case (column, fact):
                raise fact(values[column]) from error
            case _:
                raise


def violated_constraint(error: IntegrityError) -> str | None:
    """The constraint's name; None where SQLite does not tell, as of foreign keys."""
    message = str(error.orig)
    if message.startswith(_SQLITE_UNIQUE):
        # SQLite names the column, after which our constraints are named.
        table, _, column = message.removeprefix(_SQLITE_UNIQUE).partition(".")
        return NAMING_CONVENTION["uq"] % {"table_name": table, "column_0_N_name": column}
    # SQLAlchemy keeps asyncpg's own error, which has the name, as the cause of the one it shows.
    name: str | None = getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
    return name
