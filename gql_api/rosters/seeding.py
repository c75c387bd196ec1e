"""`gql-api seed`: an invented population into an empty database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Table, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gql_api.database.address import Dialect
from gql_api.errors import DatabaseNotEmpty
from gql_api.rosters.bulk_load import analyze, load, prepare
from gql_api.rosters.progress import SILENT, ProgressReport
from gql_api.rosters.synthetic import AssignmentInvented, CourseInvented, Population, StudentInvented
from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS

DEMO: Final = Population(students=300, courses=24, per_student=3, seed=1)
"""What a first look at the API is given: some of its courses are full."""


async def seed(engine: AsyncEngine, population: Population, progress: ProgressReport = SILENT) -> int:
    """Fill an empty database, in one transaction; the same population gives the same rows on every database.

    Other writers wait meanwhile. Ids that are handed out later go on after the last one.

    Args:
        engine: of a database at head.
        population: what to invent.
        progress: is told about every step.

    Returns:
        The number of assignments.

    Raises:
        DatabaseNotEmpty: there are students or courses, and none of them would be distinguishable from the invented.
        DatabaseUnusable: the database is away, locked, read-only or out of room. Nothing has been changed.
    """
    seats_taken: Counter[int] = Counter()
    async with engine.connect() as connection:
        await prepare(connection)
        await _require_empty(connection)
        for label, table, row_type, rows, total in (
            ("Inventing courses", COURSES, CourseInvented, population.invent_courses(), population.courses),
            ("Inventing students", STUDENTS, StudentInvented, population.invent_students(), population.students),
            (
                "Inventing assignments",
                STUDENT_COURSES,
                AssignmentInvented,
                _counted(population.invent_assignments(), seats_taken),
                population.students * population.per_student,
            ),
        ):
            with progress.step(label, total) as step:
                await load(connection, table, row_type._fields, rows, step)
        await _limit_courses(connection, population, seats_taken)
        await _continue_ids(connection, STUDENTS, population.students)
        await _continue_ids(connection, COURSES, population.courses)
        with progress.step("Committing", 1):
            await connection.commit()
    await analyze(engine)
    return seats_taken.total()


async def seed_demo(engine: AsyncEngine) -> bool:
    """Fill the database with DEMO unless there is anything in it.

    Returns:
        Whether it was empty.

    Raises:
        DatabaseUnusable: see `seed`.
    """
    try:
        await seed(engine, DEMO)
    except DatabaseNotEmpty:
        return False
    return True


async def _require_empty(connection: AsyncConnection) -> None:
    if connection.dialect.name == Dialect.POSTGRESQL:
        await connection.execute(text("LOCK TABLE courses, student_courses, students IN EXCLUSIVE MODE"))
    for table in (STUDENTS, COURSES):
        if (await connection.execute(select(table.c.id).limit(1))).first() is not None:
            raise DatabaseNotEmpty(
                f"The database has {table.name} already; only an empty one is seeded, "
                "so that what was invented never mixes with what was not."
            )


def _counted(assignments: Iterable[AssignmentInvented], seats_taken: Counter[int]) -> Iterator[AssignmentInvented]:
    for assignment in assignments:
        seats_taken[assignment.course_id] += 1
        yield assignment


async def _limit_courses(connection: AsyncConnection, population: Population, seats_taken: Counter[int]) -> None:
    rows = [{"course": course_id, "seats": seats} for course_id, seats in population.capacities(seats_taken)]
    if rows:
        statement = update(COURSES).where(COURSES.c.id == bindparam("course")).values(capacity=bindparam("seats"))
        await connection.execute(statement, rows)


async def _continue_ids(connection: AsyncConnection, table: Table, last_id: int) -> None:
    # SQLite has taken note of the ids by itself.
    if connection.dialect.name == Dialect.POSTGRESQL and last_id:
        sequence = "SELECT setval(pg_get_serial_sequence(:table, 'id'), :last_id)"
        await connection.execute(text(sequence), {"table": table.name, "last_id": last_id})
