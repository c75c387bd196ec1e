"""Whether the schema is what the models say it is."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Constraint, Identity, Inspector, Table, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine import Dialect as SqlalchemyDialect
from sqlalchemy.exc import SAWarning

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
    """Compare the tables of the models with those of the database, and say each difference in a sentence.

    Looked at are columns with their types, collations and defaults, primary, foreign and unique keys, checks (by name),
    indexes, triggers (by name), and SQLite's kinds of tables. Other tables in the same database are none of our
    business.
    """
    options = comparison_options(connection.dialect.name) | {"include_name": _is_ours}
    with warnings.catch_warnings():
        # For a check that is NOT VALID alembic uses arguments that SQLAlchemy does not know; `verify` looks for those.
        warnings.filterwarnings("ignore", "Can't validate argument '(dialect_options|not_valid)'", SAWarning)
        found = compare_metadata(MigrationContext.configure(connection, opts=options), Model.metadata)
    differences = [_sentence(connection.dialect, *difference) for difference in _flat(found)]
    inspector = inspect(connection)
    for table in Model.metadata.sorted_tables:
        if inspector.has_table(table.name):
            differences += _differences_alembic_overlooks(table, inspector, connection)
    return differences


def _default_differs(
    _context: MigrationContext, _found_column: Any, _column: Any, _found: Any, expected: Any, _rendered: Any
) -> bool | None:
    # SQLite has no identity: an integer primary key is one. None leaves the comparison to alembic.
    return False if isinstance(expected, Identity) else None


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name in Model.metadata.tables


def _flat(differences: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    # alembic puts all that differs in one column into a list of its own
    for difference in differences:
        yield from difference if isinstance(difference, list) else [difference]


def _sentence(dialect: SqlalchemyDialect, kind: str, *facts: Any) -> str:
    verb, thing = kind.split("_", 1)
    if verb == "modify":
        _, table, column, _, found, expected = facts
        found, expected = _shown(found, dialect), _shown(expected, dialect)
        return f"the {thing} of {table}.{column} is {found}; the models say {expected}"
    state = "is missing" if verb == "add" else "is not in the models"
    return f"the {_KINDS.get(thing, thing)} {_name(facts)} {state}"


_KINDS = {"fk": "foreign key"}


def _name(facts: tuple[Any, ...]) -> str:
    item = facts[-1]
    if isinstance(item, Column):
        return f"{facts[-2]}.{item.name}"
    if isinstance(item, Constraint) and item.name is None:
        return f"({', '.join(column.name for column in item.columns)}) of {item.table.name}"  # type: ignore[attr-defined]  # all ours have columns
    return str(item.name)


def _shown(value: Any, dialect: SqlalchemyDialect) -> str:
    sql = getattr(value, "arg", value)  # a server default's expression, a type, or a plain value
    return str(sql.compile(dialect=dialect) if hasattr(sql, "compile") else sql)


def _differences_alembic_overlooks(table: Table, inspector: Inspector, connection: Connection) -> Iterator[str]:
    found_key = inspector.get_pk_constraint(table.name)["constrained_columns"]
    key = [column.name for column in table.primary_key]
    if found_key != key:
        yield f"the primary key of {table.name} is ({', '.join(found_key)}); the models say ({', '.join(key)})"
    if connection.dialect.name == Dialect.SQLITE:
        yield from _differences_of_kind(table, connection)
    yield from _missing_triggers(table, connection)
    for found in inspector.get_columns(table.name):
        column = table.columns.get(found["name"])
        if column is None:
            continue  # alembic has said so
        collations = _collation(found["type"]), _collation(column.type.dialect_impl(connection.dialect))
        if collations[0] != collations[1]:
            yield "the collation of {}.{} is {}; the models say {}".format(table.name, column.name, *collations)


_TRIGGERS = {
    Dialect.SQLITE: text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"),
    Dialect.POSTGRESQL: text(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal AND tgenabled <> 'D'"
    ),
}


def _missing_triggers(table: Table, connection: Connection) -> Iterator[str]:
    expected = table.info.get("triggers", {}).get(connection.dialect.name, ())
    if expected:
        found = set(connection.scalars(_TRIGGERS[Dialect(connection.dialect.name)], {"table": table.name}))
        yield from (f"the trigger {name} of {table.name} is missing or off" for name in expected if name not in found)


def _collation(column_type: Any) -> str | None:
    return getattr(column_type, "collation", None)


def _differences_of_kind(table: Table, connection: Connection) -> Iterator[str]:
    definition = connection.execute(
        text("SELECT upper(sql) FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table.name}
    ).scalar_one()
    options = table.dialect_options["sqlite"]
    for words, expected in (("AUTOINCREMENT", options["autoincrement"]), ("WITHOUT ROWID", not options["with_rowid"])):
        if (words in definition) != bool(expected):
            yield f"the table {table.name} is {'not ' if expected else ''}made {words}; the models say otherwise"
