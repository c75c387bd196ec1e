"""Whether a live database is sound: its file, its schema, and every rule that its revisions declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.address import DatabaseAddress, Dialect
from gql_api.database.comparison import schema_differences
from gql_api.database.integrity import EXAMPLES_MAX, Violations, find_violations, rules_of
from gql_api.database.migrate import revisions
from gql_api.database.schema_state import read_schema_status
from gql_api.errors import DatabaseUnusable

STATUS_TIMEOUT_SECONDS: Final = 30.0
"""How long `verify` waits for the database to answer at all."""

_NOT_VALID_ON_POSTGRESQL: Final = text(
    "SELECT format('index %s', indexrelid::regclass) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
    " WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
    " UNION ALL SELECT format('constraint %s of %s', conname, conrelid::regclass) FROM pg_constraint"
    " WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
)


class Verdict(StrEnum):
    """The outcome of one check."""

    PASSED = "ok"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: in snake case.
        meaning: what must hold, as a sentence.
        verdict: whether it does; skipped where the schema is not at head, so that nothing can be said.
        count: the faults that were found.
        examples: the first few of them.
    """

    name: str
    meaning: str
    verdict: Verdict
    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one database; as text, what `gql-api verify` prints."""

    database: str
    checks: tuple[Check, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every check was made and passed."""
        return all(check.verdict is Verdict.PASSED for check in self.checks)

    def __str__(self) -> str:
        failed = sum(check.verdict is Verdict.FAILED for check in self.checks)
        summary = "sound" if self.is_sound else f"{failed} of {len(self.checks)} checks failed"
        return "\n".join([f"{self.database}: {summary}", *self._lines()])

    def _lines(self) -> Iterator[str]:
        width = max(len(check.name) for check in self.checks)
        for check in self.checks:
            yield f"  {check.verdict:<7}  {check.name:<{width}}  {check.meaning}"
            yield from (f"           - {example}" for example in check.examples)
            if check.count > len(check.examples):
                yield f"           - and {check.count - len(check.examples)} more"


class _Inspection(NamedTuple):
    name: str
    meaning: str
    find: Callable[[Connection], Violations]


async def verify(engine: AsyncEngine, *, examples_max: int = EXAMPLES_MAX) -> Report:
    """Look at everything; whatever is wrong with the database stands in the report, also that it is away.

    Only reads, each check by a statement of its own outside of any transaction, so that nobody has to wait. Reads all
    rows of all tables once, and on SQLite all pages of the file.

    Args:
        engine: made by `create_engine`; its limit on the time of a statement is lifted while this runs.
        examples_max: faults that are shown of each kind; all are counted.

    Raises:
        DatabaseUnusable: the database went away while it was looked at.
    """
    inspections = _inspections(engine.dialect.name, examples_max)
    status = await read_schema_status(engine, timeout_seconds=STATUS_TIMEOUT_SECONDS)
    faults = [] if status.is_ready else [status.message]
    checks = [_judge("revision", "The schema is at the newest revision.", _counted(faults, examples_max))]
    if status.is_ready:
        async with engine.connect() as connection:
            reading = await connection.execution_options(isolation_level="AUTOCOMMIT")
            checks += await reading.run_sync(partial(_inspect, inspections=inspections))
    else:
        checks += [Check(inspection.name, inspection.meaning, Verdict.SKIPPED) for inspection in inspections]
    return Report(str(DatabaseAddress(engine.url)), tuple(checks))


def _inspections(dialect_name: str, examples_max: int) -> Iterator[_Inspection]:
    if dialect_name == Dialect.SQLITE:
        yield _Inspection("file", "SQLite finds no damage in the file.", partial(_damage, examples_max))
        yield _Inspection("references", "Every foreign key leads to a row.", partial(_lost_references, examples_max))
    else:
        yield _Inspection("validity", "All indexes and constraints are valid.", partial(_not_valid, examples_max))
    yield _Inspection("schema", "The schema is what the models say.", partial(_differences, examples_max))
    for rule in rules_of(revision.module for revision in revisions()):
        yield _Inspection(rule.name, rule.meaning, partial(find_violations, rule=rule, examples_max=examples_max))


def _inspect(connection: Connection, *, inspections: Iterable[_Inspection]) -> list[Check]:
    with _statements_taking_their_time(connection):
        return [_made(inspection, connection) for inspection in inspections]


def _made(inspection: _Inspection, connection: Connection) -> Check:
    try:
        found = inspection.find(connection)
    except DatabaseUnusable as error:
        found = Violations(1, (error.message,))
    except DBAPIError as error:
        found = Violations(1, (f"This could not be checked: {error.orig}",))
    return _judge(inspection.name, inspection.meaning, found)


def _judge(name: str, meaning: str, found: Violations) -> Check:
    verdict = Verdict.FAILED if found.rows else Verdict.PASSED
    return Check(name, meaning, verdict, found.rows, found.examples)


@contextmanager
def _statements_taking_their_time(connection: Connection) -> Iterator[None]:
    if connection.dialect.name != Dialect.POSTGRESQL:
        yield
        return
    connection.exec_driver_sql("SET statement_timeout = 0")
    try:
        yield
    finally:
        connection.exec_driver_sql("RESET statement_timeout")


def _damage(examples_max: int, connection: Connection) -> Violations:
    # Without a limit of its own the pragma stops at the hundredth fault.
    messages = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
    return _counted([] if messages == ["ok"] else messages, examples_max)


def _lost_references(examples_max: int, connection: Connection) -> Violations:
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return _counted([f"a row of {row[0]} refers to a row of {row[2]} that is not there" for row in rows], examples_max)


def _not_valid(examples_max: int, connection: Connection) -> Violations:
    return _counted(list(connection.execute(_NOT_VALID_ON_POSTGRESQL).scalars()), examples_max)


def _differences(examples_max: int, connection: Connection) -> Violations:
    return _counted(schema_differences(connection), examples_max)


def _counted(faults: list[str], examples_max: int) -> Violations:
    return Violations(len(faults), tuple(faults[:examples_max]))
