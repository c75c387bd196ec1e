"""What is stored, by sourcedId: what an import of the sample bundle has to do with."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS


class Stored(NamedTuple):
    """Students as (sourced_id, name, email), courses as (sourced_id, code, title, credits, capacity), assignments as
    (student's sourced_id, course's sourced_id, assigned_at).
    """

    students: set[tuple[Any, ...]]
    courses: set[tuple[Any, ...]]
    assignments: set[tuple[Any, ...]]


NOTHING_STORED = Stored(set(), set(), set())


def day(text: str) -> datetime:
    """Midnight of a day, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


async def stored(engine: AsyncEngine) -> Stored:
    """All that is stored."""
    students, courses, links = STUDENTS.c, COURSES.c, STUDENT_COURSES
    pairs = links.join(STUDENTS, students.id == links.c.student_id).join(COURSES, courses.id == links.c.course_id)
    statements = (
        select(students.sourced_id, students.name, students.email),
        select(courses.sourced_id, courses.code, courses.title, courses.credits, courses.capacity),
        select(students.sourced_id, courses.sourced_id, links.c.assigned_at).select_from(pairs),
    )
    async with engine.connect() as connection:
        found = []
        for statement in statements:
            rows = [tuple(row) for row in await connection.execute(statement)]
            assert len(set(rows)) == len(rows)
            found.append(set(rows))
    return Stored(*found)


async def every_row(engine: AsyncEngine) -> list[list[tuple[Any, ...]]]:
    """All rows with all columns, ids and times included."""
    async with engine.connect() as connection:
        return [
            [tuple(row) for row in await connection.execute(table.select().order_by(*table.primary_key))]
            for table in (STUDENTS, COURSES, STUDENT_COURSES)
        ]
