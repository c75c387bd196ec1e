"""What a bundle brings into the target's tables, in the caller's transaction.

Records are matched by sourcedId. New ones are created, changed ones updated, and what is stored but not in the bundle
is left alone. A column that the bundle's file does not have changes nothing that is stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    Column,
    ColumnElement,
    FromClause,
    String,
    Table,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from gql_api.database.address import Dialect
from gql_api.rosters.bulk_load import prepare
from gql_api.rosters.clashes import remove_clashing_records, remove_overfilling_pairs
from gql_api.rosters.incoming import (
    COURSES_IN,
    PAIRS_IN,
    STUDENTS_IN,
    create_incoming,
    drop_incoming,
    fill_pairs,
    load_incoming,
)
from gql_api.rosters.progress import ProgressReport
from gql_api.rosters.scratch import Scratch
from gql_api.services.tables import COURSES, STUDENT_COURSES, STUDENTS


@dataclass(frozen=True, slots=True)
class OptionalColumns:
    """Which of the columns that a bundle may lack it has."""

    email: bool
    credits: bool
    capacity: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the records of one kind; `absent` are stored with a sourcedId, but not in the bundle."""

    created: int
    updated: int
    unchanged: int
    absent: int


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of all.

    Attributes:
        enrollments: how many made the assignments.
        enrollments_selected: the same, and those whose assignment then clashed with what is stored.
    """

    students: Changes
    courses: Changes
    assignments: Changes
    enrollments: int
    enrollments_selected: int

    @property
    def changed_anything(self) -> bool:
        """Whether any record was created or updated."""
        return any(kind.created or kind.updated for kind in (self.students, self.courses, self.assignments))


NOTHING: Final = Merged(Changes(0, 0, 0, 0), Changes(0, 0, 0, 0), Changes(0, 0, 0, 0), 0, 0)


async def merge(
    connection: AsyncConnection,
    scratch: Scratch,
    optional: OptionalColumns,
    progress: ProgressReport,
    *,
    skip_invalid: bool,
) -> Merged | None:
    """Merge what was selected in the scratch database into the target.

    Other writers wait until the transaction ends; readers do not.

    Args:
        connection: whose transaction this becomes part of.
        scratch: with students and courses selected; clashes with what is stored are reported there.
        optional: which columns the bundle has.
        progress: is told about every step.
        skip_invalid: leave out what clashes, and merge the rest.

    Returns:
        None if something clashes and is not to be skipped: the transaction must be rolled back then.

    Raises:
        DatabaseUnusable: the database is away, or other writers did not finish in time.
    """
    await prepare(connection)
    await create_incoming(connection)
    enrollments_selected = await load_incoming(connection, scratch, progress)
    with progress.step("Merging", 5) as step:
        await _lock(connection)
        await remove_clashing_records(connection, scratch, has_email=optional.email)
        step.advance(1)
        if scratch.has_faults() and not skip_invalid:
            return None
        columns = ["name", *(["email"] if optional.email else [])]
        students = await _merge_records(connection, STUDENTS, STUDENTS_IN, columns, STUDENTS.c.email)
        step.advance(1)
        columns = ["code", "title", *(["credits"] if optional.credits else [])]
        columns += ["capacity"] if optional.capacity else []
        courses = await _merge_records(connection, COURSES, COURSES_IN, columns, COURSES.c.code)
        step.advance(1)
        await fill_pairs(connection)
        await remove_overfilling_pairs(connection, scratch)
        step.advance(1)
        if scratch.has_faults() and not skip_invalid:
            return None
        assignments = await _merge_assignments(connection)
        enrollments = await connection.scalar(select(func.sum(PAIRS_IN.c.enrollments))) or 0
        await drop_incoming(connection)
        step.advance(1)
    return Merged(students, courses, assignments, enrollments, enrollments_selected)


async def _lock(connection: AsyncConnection) -> None:
    """Keep other writers out; on SQLite the transaction has done so from its beginning.

    EXCLUSIVE also shuts out those who lock a course's row to take a seat: they would count seats, and then wait for us.
    It comes first, since everybody else who needs two of these tables begins with courses, or only reads students.
    """
    if connection.dialect.name == Dialect.POSTGRESQL:
        await connection.execute(text("LOCK TABLE courses IN EXCLUSIVE MODE"))
        await connection.execute(text("LOCK TABLE student_courses, students IN SHARE ROW EXCLUSIVE MODE"))


async def _merge_records(
    connection: AsyncConnection, stored: Table, incoming: Table, columns: Sequence[str], unique: Column[str]
) -> Changes:
    """Create and update; `unique` is the column, besides sourced_id, that no two records may share."""
    same = stored.c.sourced_id == incoming.c.sourced_id
    differs = or_(*(stored.c[name].is_distinct_from(incoming.c[name]) for name in columns))
    incoming_total = await _count(connection, incoming)
    matched = await _count(connection, incoming.join(stored, same))
    rostered = await _count(connection, stored, stored.c.sourced_id.is_not(None))
    updated = await _count(connection, incoming.join(stored, same), differs)
    if updated:
        # Two records may exchange their values, which no single UPDATE can do: let go of the old ones first.
        placeholder = null() if unique.nullable else literal("\x01") + cast(stored.c.id, String)
        letting_go = update(stored).where(same, unique.is_distinct_from(incoming.c[unique.name]))
        if unique.name in columns:
            await connection.execute(letting_go.values({unique: placeholder}))
        await connection.execute(
            update(stored).where(same, differs).values({stored.c[name]: incoming.c[name] for name in columns})
        )
    names = ["sourced_id", *columns]
    new = select(*(incoming.c[name] for name in names)).where(~exists().where(same)).order_by(incoming.c.line)
    await connection.execute(insert(stored).from_select(names, new))
    return Changes(incoming_total - matched, updated, matched - updated, rostered - matched)


async def _merge_assignments(connection: AsyncConnection) -> Changes:
    """Create and update; one without a stated day keeps its time, or if it is new gets the present one."""
    links = STUDENT_COURSES
    same = and_(links.c.student_id == PAIRS_IN.c.student_id, links.c.course_id == PAIRS_IN.c.course_id)
    differs = and_(PAIRS_IN.c.assigned_at.is_not(None), links.c.assigned_at != PAIRS_IN.c.assigned_at)
    incoming_total = await _count(connection, PAIRS_IN)
    matched = await _count(connection, PAIRS_IN.join(links, same))
    rostered = await _count(
        connection,
        links.join(STUDENTS, STUDENTS.c.id == links.c.student_id).join(COURSES, COURSES.c.id == links.c.course_id),
        STUDENTS.c.sourced_id.is_not(None),
        COURSES.c.sourced_id.is_not(None),
    )
    updated = await _count(connection, PAIRS_IN.join(links, same), differs)
    if updated:
        statement = update(links).where(same, differs).values(assigned_at=PAIRS_IN.c.assigned_at)
        await connection.execute(statement)
    now = literal(datetime.now(UTC), links.c.assigned_at.type)
    new = (
        select(PAIRS_IN.c.student_id, PAIRS_IN.c.course_id, func.coalesce(PAIRS_IN.c.assigned_at, now))
        .where(~exists().where(same))
        .order_by(PAIRS_IN.c.student_id, PAIRS_IN.c.course_id)
    )
    await connection.execute(insert(links).from_select(["student_id", "course_id", "assigned_at"], new))
    return Changes(incoming_total - matched, updated, matched - updated, rostered - matched)


async def _count(connection: AsyncConnection, rows: FromClause, *conditions: ColumnElement[bool]) -> int:
    counted = await connection.scalar(select(func.count()).select_from(rows).where(*conditions))
    return counted or 0
