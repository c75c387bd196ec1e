"""What a broken constraint means in the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from gql_api.database.failure import ConstraintViolated
from gql_api.errors import CodeTaken, EmailTaken, SourcedIdTaken

_CONFLICTS: Final = {
    "students_email_key": ("email", EmailTaken),
    "students_sourced_id_key": ("sourced_id", SourcedIdTaken),
    "courses_code_key": ("code", CodeTaken),
    "courses_sourced_id_key": ("sourced_id", SourcedIdTaken),
}


@contextmanager
def unless_taken(values: Mapping[str, Any]) -> Iterator[None]:
    """Run the statement that stores these values, by column, and tell a broken unique constraint as a fact.

    The constraint decides: a value that was free when we asked may be taken by the time it is stored.

    Raises:
        EmailTaken, CodeTaken, SourcedIdTaken: whichever constraint the database says was broken.
    """
    try:
        yield
    except ConstraintViolated as error:
        match _CONFLICTS.get(error.constraint or ""):
            case (column, fact):
                raise fact(values[column]) from error
            case _:
                raise
