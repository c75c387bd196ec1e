"""What an import would break in the target: addresses and codes that others have, and seats that are not there.

Found while the target is locked against other writers, so that what is found holds until the commit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Column, Select, Table, delete, exists, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_api.rosters.incoming import ASSIGNMENTS_IN, COURSES_IN, PAIRS_IN, STUDENTS_IN
from gql_api.rosters.references import sentence
from gql_api.rosters.scratch import BATCH_ROWS, FaultInFile, Scratch, Standing
from gql_api.rosters.staging import shortened
from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS


async def remove_clashing_records(connection: AsyncConnection, scratch: Scratch, *, has_email: bool) -> None:
    """Report students and courses that cannot be stored beside what is there, and their assignments with them.

    What is reported is incoming no longer.
    """
    # First, because a row that is left out does not give up its code.
    await _remove(connection, scratch, _Place("courses", "metadata.capacity"), COURSES_IN, _with_too_few_seats())
    await _remove_taken(connection, scratch, _Place("courses", "courseCode"), COURSES_IN, COURSES.c.code)
    if has_email:
        await _remove_taken(connection, scratch, _Place("users", "email"), STUDENTS_IN, STUDENTS.c.email)
    for column, cell, target, file in (
        ("userSourcedId", ASSIGNMENTS_IN.c.student_sourced_id, STUDENTS_IN, "users"),
        ("classSourcedId", ASSIGNMENTS_IN.c.course_sourced_id, COURSES_IN, "courses"),
    ):
        rule = literal(f"needs a row of {file}.csv that is left out")
        found = select(ASSIGNMENTS_IN.c.line, rule, cell).where(~exists().where(target.c.sourced_id == cell))
        await _remove(connection, scratch, _Place("enrollments", column, Standing.DEPENDENT), ASSIGNMENTS_IN, found)


async def remove_overfilling_pairs(connection: AsyncConnection, scratch: Scratch) -> None:
    """Report new assignments for which their course has no seat, the latest ones first; courses are merged already."""
    link = (STUDENT_COURSES.c.student_id == PAIRS_IN.c.student_id) & (
        STUDENT_COURSES.c.course_id == PAIRS_IN.c.course_id
    )
    order = (PAIRS_IN.c.assigned_at.nulls_last(), PAIRS_IN.c.line)
    new = (
        select(PAIRS_IN.c.line, PAIRS_IN.c.course_id, COURSES.c.code, COURSES.c.capacity)
        .add_columns(func.row_number().over(partition_by=PAIRS_IN.c.course_id, order_by=order).label("place"))
        .join(COURSES, COURSES.c.id == PAIRS_IN.c.course_id)
        .where(COURSES.c.capacity.is_not(None), ~exists().where(link))
        .subquery()
    )
    taken = (
        select(STUDENT_COURSES.c.course_id, func.count().label("seats"))
        .where(STUDENT_COURSES.c.course_id.in_(select(new.c.course_id)))
        .group_by(STUDENT_COURSES.c.course_id)
        .subquery()
    )
    rule = sentence("needs a seat, but all ", new.c.capacity, " of this course are taken")
    found = (
        select(new.c.line, rule, new.c.code)
        .outerjoin(taken, taken.c.course_id == new.c.course_id)
        .where(new.c.place + func.coalesce(taken.c.seats, 0) > new.c.capacity)
    )
    await _remove(connection, scratch, _Place("enrollments", "classSourcedId"), PAIRS_IN, found)


class _Place(NamedTuple):
    file: str
    column: str
    standing: Standing = Standing.FAULTY


def _with_too_few_seats() -> Select[tuple[int, str, int]]:
    """Find courses whose new capacity is smaller than the number of students they have."""
    taken = select(func.count()).where(STUDENT_COURSES.c.course_id == COURSES.c.id).scalar_subquery()
    return (
        select(
            COURSES_IN.c.line, sentence("must be at least ", taken, ": so many seats are taken"), COURSES_IN.c.capacity
        )
        .join(COURSES, COURSES.c.sourced_id == COURSES_IN.c.sourced_id)
        .where(COURSES_IN.c.capacity.is_distinct_from(COURSES.c.capacity), COURSES_IN.c.capacity < taken)
    )


async def _remove_taken(
    connection: AsyncConnection, scratch: Scratch, place: _Place, incoming: Table, taken_by: Column[str]
) -> None:
    """Remove what has the unique value of another stored record.

    If everything can be imported, a record that gets another value by this import gives its old one up. As soon as
    anything is left out that is no longer certain, so then what is stored counts as taken.
    """
    stored, cell = taken_by.table, incoming.c[taken_by.name]
    rule = sentence("must be unique, but the record with databaseId ", stored.c.id, " has this already")
    taken = (
        select(incoming.c.line, rule, cell)
        .join(stored, taken_by == cell)
        .where(stored.c.sourced_id.is_distinct_from(incoming.c.sourced_id))
    )
    if not scratch.has_faults():
        itself = incoming.alias("itself")
        given_up = exists().where(itself.c.sourced_id == stored.c.sourced_id)
        await _remove(connection, scratch, place, incoming, taken.where(~given_up))
    if scratch.has_faults():
        await _remove(connection, scratch, place, incoming, taken)


async def _remove(
    connection: AsyncConnection, scratch: Scratch, place: _Place, incoming: Table, found: Select[Any]
) -> None:
    """Report incoming rows that a statement finds (their lines, rules and values), and delete them."""
    anything = False
    async with connection.stream(found) as result:
        async for rows in result.partitions(BATCH_ROWS):
            anything = True
            scratch.report(
                FaultInFile(place.file, line, place.column, rule, shortened(str(value)), place.standing)
                for line, rule, value in rows
            )
    if anything:
        lines = found.with_only_columns(found.selected_columns[0])
        await connection.execute(delete(incoming).where(incoming.c.line.in_(lines)))
