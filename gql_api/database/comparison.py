"""Whether the schema is what the models say it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Identity
from sqlalchemy.engine import Connection

from gql_api.database.address import Dialect
from gql_api.models import Model


def comparison_options(dialect_name: str) -> dict[str, Any]:
    """What alembic compares: here, and in `alembic check` and `alembic revision --autogenerate`."""
    return {
        "target_metadata": Model.metadata,
        "compare_type": True,
        "compare_server_default": _default_differs if dialect_name == Dialect.SQLITE else True,
        "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
    }


def schema_differences(connection: Connection) -> list[str]:
    """Compare tables, columns, types, defaults, keys, checks and indexes with the models; one sentence a difference."""
    context = MigrationContext.configure(connection, opts=comparison_options(connection.dialect.name))
    return [_sentence(difference) for difference in _flat(compare_metadata(context, Model.metadata))]


def _default_differs(
    _context: MigrationContext, _found_column: Any, _column: Any, _found: Any, expected: Any, _rendered: Any
) -> bool | None:
    # SQLite has no identity: an integer primary key is one. None leaves the comparison to alembic.
    return False if isinstance(expected, Identity) else None


def _flat(differences: Any) -> Iterator[tuple[Any, ...]]:
    for difference in differences:
        if isinstance(difference, list):
            yield from difference
        else:
            yield difference


def _sentence(difference: tuple[Any, ...]) -> str:
    return repr(difference)
