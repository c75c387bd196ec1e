"""What an import brings, as temporary tables of the target: loaded whole, then merged by a few statements."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_api.database.address import Dialect
from gql_api.models.model import Text, UtcDateTime
from gql_api.rosters.bulk_load import load
from gql_api.rosters.progress import ProgressReport
from gql_api.rosters.scratch import Scratch
from gql_api.rosters.selection import selected_assignments
from gql_api.services.tables import COURSES, STUDENTS

_METADATA: Final = MetaData()  # not the models': these tables live for one transaction, and no migration knows them


def _temporary(name: str, *columns: Column[Any]) -> Table:
    return Table(name, _METADATA, *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def _line() -> Column[Any]:
    """The line of the bundle's file, to report it."""
    return Column("line", Integer, nullable=False)


STUDENTS_IN: Final = _temporary(
    "incoming_students",
    _line(),
    Column("sourced_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, index=True),
)
COURSES_IN: Final = _temporary(
    "incoming_courses",
    _line(),
    Column("sourced_id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("credits", Integer),
    Column("capacity", Integer),
)
ASSIGNMENTS_IN: Final = _temporary(
    "incoming_assignments",
    Column("student_sourced_id", Text, nullable=False),
    Column("course_sourced_id", Text, nullable=False),
    Column("assigned_at", UtcDateTime),
    _line(),
    Column("enrollments", Integer, nullable=False),
)
"""What `SelectedAssignment` says."""

PAIRS_IN: Final = _temporary(
    "incoming_pairs",
    Column("student_id", BigInteger, primary_key=True),
    Column("course_id", BigInteger, primary_key=True),
    Column("assigned_at", UtcDateTime),
    _line(),
    Column("enrollments", Integer, nullable=False),
)
"""ASSIGNMENTS_IN by our own ids, filled once all students and courses have theirs."""


async def create_incoming(connection: AsyncConnection) -> None:
    """Create the tables, empty."""
    await connection.run_sync(_METADATA.create_all, checkfirst=False)


async def drop_incoming(connection: AsyncConnection) -> None:
    """Drop the tables on SQLite, where they would last as long as the connection; PostgreSQL does so on commit."""
    if connection.dialect.name == Dialect.SQLITE:
        await connection.run_sync(_METADATA.drop_all, checkfirst=False)


async def load_incoming(connection: AsyncConnection, scratch: Scratch, progress: ProgressReport) -> int:
    """Fill STUDENTS_IN, COURSES_IN and ASSIGNMENTS_IN with what was selected of a bundle.

    Returns:
        How many enrolments make the assignments.
    """
    for label, table, selected, total in (
        ("Loading students", STUDENTS_IN, scratch.students, scratch.count(scratch.students)),
        ("Loading courses", COURSES_IN, scratch.courses, scratch.count(scratch.courses)),
    ):
        with progress.step(label, total) as step:
            await load(connection, table, table.columns.keys(), scratch.rows(select(selected)), step)
    with progress.step("Loading assignments", scratch.count(scratch.files["enrollments"])) as step:
        names = ASSIGNMENTS_IN.columns.keys()
        await load(connection, ASSIGNMENTS_IN, names, selected_assignments(scratch), step)
    await _estimate(connection, STUDENTS_IN, COURSES_IN, ASSIGNMENTS_IN)
    return await connection.scalar(select(func.sum(ASSIGNMENTS_IN.c.enrollments))) or 0


async def fill_pairs(connection: AsyncConnection) -> None:
    """Fill PAIRS_IN from ASSIGNMENTS_IN, once all incoming students and courses are stored."""
    assignments, pairs = ASSIGNMENTS_IN.c, PAIRS_IN.c
    found = (
        select(STUDENTS.c.id, COURSES.c.id, assignments.assigned_at, assignments.line, assignments.enrollments)
        .join(STUDENTS, STUDENTS.c.sourced_id == assignments.student_sourced_id)
        .join(COURSES, COURSES.c.sourced_id == assignments.course_sourced_id)
        .order_by(STUDENTS.c.id, COURSES.c.id)
    )
    await connection.execute(insert(PAIRS_IN).from_select(pairs.keys(), found))
    await _estimate(connection, PAIRS_IN)


async def _estimate(connection: AsyncConnection, *tables: Table) -> None:
    # Nobody else ever analyzes a temporary table; the planner takes one that was just filled for almost empty.
    if connection.dialect.name == Dialect.POSTGRESQL:
        for table in tables:
            await connection.execute(text(f"ANALYZE {table.name}"))
