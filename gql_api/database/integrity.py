"""Rules that rows must keep, and finding those that break them.

A rule belongs to the revision that made its tables: it stands there, in `INTEGRITY_RULES`, is checked when the revision
ends, and again on the live database by `gql-api verify`, which gathers the rules of all revisions. So a revision never
depends on code that goes on changing, and no rule is written twice. A revision after which an older rule no longer
holds names it in `INTEGRITY_RULES_RETIRED`.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import NamedTuple

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.engine import Connection

from gql_api.errors import DatabaseUnusable

EXAMPLES_MAX = 5
"""Rows that are shown of each broken rule."""


class IntegrityRule(NamedTuple):
    """A rule, as the SELECT of the rows that break it.

    Attributes:
        name: in snake case; unique among all revisions.
        meaning: what must hold, as a sentence.
        violations: plain SQL that PostgreSQL and SQLite both understand; no ORDER BY, no semicolon.
    """

    name: str
    meaning: str
    violations: str


class Violations(NamedTuple):
    """How many rows break a rule, and the first few of them, each as `column=value, …`."""

    rows: int
    examples: tuple[str, ...]


def find_violations(connection: Connection, rule: IntegrityRule, *, examples_max: int = EXAMPLES_MAX) -> Violations:
    """Read the rows that break the rule; a single statement where none or few do."""
    violations = text(rule.violations).columns().subquery("violation")
    examples = connection.execute(select(literal_column("*")).select_from(violations).limit(examples_max)).mappings()
    shown = tuple(", ".join(f"{name}={value}" for name, value in row.items()) for row in examples)
    if len(shown) < examples_max:
        return Violations(len(shown), shown)
    return Violations(connection.execute(select(func.count()).select_from(violations)).scalar_one(), shown)


def require_integrity(connection: Connection, rules: Iterable[IntegrityRule]) -> None:
    """Check the rules at the end of a revision.

    Raises:
        DatabaseUnusable: rows break a rule; the message lists rules and rows, and the revision is rolled back.
    """
    broken = [
        f"{rule.meaning} {found.rows} rows break this: {'; '.join(found.examples)}."
        for rule in rules
        if (found := find_violations(connection, rule)).rows
    ]
    if broken:
        raise DatabaseUnusable("The migration was given up, nothing was changed. " + " ".join(broken))


def rules_of(revisions: Iterable[ModuleType]) -> tuple[IntegrityRule, ...]:
    """The rules of these revisions, given oldest first, that still hold after the last of them."""
    rules: dict[str, IntegrityRule] = {}
    for revision in revisions:
        for name in getattr(revision, "INTEGRITY_RULES_RETIRED", ()):
            del rules[name]
        rules |= {rule.name: rule for rule in getattr(revision, "INTEGRITY_RULES", ())}
    return tuple(rules.values())
