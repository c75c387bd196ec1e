"""The SQL of assignments: one pair of student and course, then many.

Statements that differ between the databases are built by name of the dialect, once each.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import (
    FromClause,
    Insert,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from gql_api.database.conditions import is_element
from gql_api.database.rows import CourseRow
from gql_api.services.event_statements import Change, assigning, recording_assignments, removing
from gql_api.services.pairs import pairs_table
from gql_api.services.tables import COURSE_COLUMNS, COURSES, STUDENT_COLUMNS, STUDENT_COURSES, STUDENTS

_STUDENT_ID: Final = bindparam("student_id", type_=STUDENTS.c.id.type)
_COURSE_ID: Final = bindparam("course_id", type_=COURSES.c.id.type)
_LINK: Final = STUDENT_COURSES.c
_THIS_PAIR: Final = and_(_LINK.student_id == _STUDENT_ID, _LINK.course_id == _COURSE_ID)


def _read_pair(course: FromClause) -> Select[*tuple[Any, ...]]:
    # Outer joins to a row that is always there: one row comes back whichever of the three are missing.
    row = select(literal_column("1")).subquery("row")
    return (
        select(*(course.c[name] for name in CourseRow._fields), *STUDENT_COLUMNS, _LINK.assigned_at)
        .select_from(row)
        .outerjoin(course, course.c.id == _COURSE_ID)
        .outerjoin(STUDENTS, STUDENTS.c.id == _STUDENT_ID)
        .outerjoin(STUDENT_COURSES, _THIS_PAIR)
    )


def _lock_course() -> FromClause:
    course = select(*COURSE_COLUMNS).where(COURSES.c.id == _COURSE_ID)
    limited = course.where(COURSES.c.capacity.is_not(None)).with_for_update(key_share=True).cte("limited")
    unlimited = course.where(COURSES.c.capacity.is_(None)).with_for_update(read=True).cte("unlimited")
    return union_all(select(limited), select(unlimited)).subquery("course")


READ_PAIR: Final = _read_pair(COURSES)
"""The course `course_id`, the student `student_id`, and `assigned_at`: always one row, NULL where there is none."""

READ_PAIR_AND_LOCK: Final = _read_pair(_lock_course())
"""READ_PAIR, with the course locked: for oneself if it has a capacity (FOR NO KEY UPDATE), shared if not (FOR SHARE).

No course comes back either if it gained or lost its capacity while this waited for the lock that befitted it before.
"""

READ_PAIR_TO_ASSIGN: Final = {"postgresql": READ_PAIR_AND_LOCK, "sqlite": READ_PAIR}
"""What an assignment begins with, by dialect: on SQLite everything is locked already, and this takes half the time."""

LOCK_COURSE: Final = select(*COURSE_COLUMNS).where(COURSES.c.id == _COURSE_ID).with_for_update(key_share=True)
"""The course `course_id`, locked for oneself: nobody else gives away or takes its seats until the transaction ends."""

COUNT_SEATS_TAKEN: Final = select(func.count()).select_from(STUDENT_COURSES).where(_LINK.course_id == _COURSE_ID)
"""How many students the course `course_id` has."""

READ_ASSIGNED_AT: Final = select(_LINK.assigned_at).where(_THIS_PAIR)
"""Since when the pair is assigned; no row if it is not."""


def _assign_at_once(*, is_audited: bool) -> Select[*tuple[Any, ...]]:
    seats_left = func.seats_left_once_locked(COURSES.c.id, type_=Integer()).label("seats_left")
    course = select(*COURSE_COLUMNS, seats_left).where(COURSES.c.id == _COURSE_ID).cte("course")
    seat_is_free = or_(course.c.seats_left.is_(None), course.c.seats_left > 0)
    pair = select(STUDENTS.c.id, course.c.id).where(STUDENTS.c.id == _STUDENT_ID, seat_is_free)
    made = _insert_unless_there("postgresql", pair).returning(_LINK.student_id, _LINK.course_id, _LINK.assigned_at)
    new = made.cte("new")
    everything = _read_pair(course).add_columns(new.c.assigned_at.label("newly_assigned_at")).outerjoin(new, true())
    return everything.add_cte(*recording_assignments(new, is_audited=is_audited))


@cache
def insert_pair(dialect_name: str) -> Change:
    """Assigns the pair if fewer than `capacity` seats are taken, or `capacity` is NULL.

    No row comes back if there was no seat, or the pair is there already.
    """
    capacity = bindparam("capacity", type_=COURSES.c.capacity.type)
    seat_is_free = or_(capacity.is_(None), COUNT_SEATS_TAKEN.scalar_subquery() < capacity)
    pair = select(_STUDENT_ID, _COURSE_ID).where(seat_is_free)
    this_pair = select(STUDENT_COURSES).where(_THIS_PAIR).subquery("this_pair")
    return assigning(dialect_name, _insert_unless_there(dialect_name, pair), this_pair)


@cache
def delete_pair(dialect_name: str) -> Change:
    """Unassigns the pair; no row comes back if it was not assigned."""
    return removing(dialect_name, _THIS_PAIR)


@cache
def lock_courses(dialect_name: str) -> Select[*tuple[Any, ...]]:
    """The courses in the list `ids`, each locked for oneself, in the order of their ids."""
    return (
        select(*COURSE_COLUMNS)
        .where(is_element(COURSES.c.id, "ids", dialect_name))
        .order_by(COURSES.c.id)
        .with_for_update(key_share=True)
    )


@cache
def keep_students(dialect_name: str) -> Select[*tuple[Any, ...]]:
    """The students in the list `ids`, locked against being deleted, and nothing else (FOR KEY SHARE)."""
    return (
        select(*STUDENT_COLUMNS)
        .where(is_element(STUDENTS.c.id, "ids", dialect_name))
        .order_by(STUDENTS.c.id)
        .with_for_update(read=True, key_share=True)
    )


@cache
def read_assigned_at(dialect_name: str) -> Select[*tuple[Any, ...]]:
    """Those of the bound pairs that are assigned, and since when."""
    pairs = pairs_table(dialect_name)
    same = and_(_LINK.student_id == pairs.c.student_id, _LINK.course_id == pairs.c.course_id)
    return select(_LINK.student_id, _LINK.course_id, _LINK.assigned_at).select_from(pairs.join(STUDENT_COURSES, same))


@cache
def count_seats_taken(dialect_name: str) -> Select[*tuple[Any, ...]]:
    """How many students each of the courses in the list `ids` has; those that have none do not come back."""
    return (
        select(_LINK.course_id, func.count())
        .where(is_element(_LINK.course_id, "ids", dialect_name))
        .group_by(_LINK.course_id)
    )


@cache
def insert_pairs(dialect_name: str) -> Change:
    """Assigns the bound pairs; those that were assigned before do not come back."""
    pairs = pairs_table(dialect_name)
    # WHERE, because SQLite would take the ON of ON CONFLICT for the condition of a join.
    new = select(pairs.c.student_id, pairs.c.course_id).where(true())
    return assigning(dialect_name, _insert_unless_there(dialect_name, new), read_assigned_at(dialect_name).subquery())


def _insert_unless_there(dialect_name: str, pairs: Select[*tuple[Any, ...]]) -> Insert:
    columns = ["student_id", "course_id"]
    if dialect_name == "postgresql":
        return postgresql.insert(STUDENT_COURSES).from_select(columns, pairs).on_conflict_do_nothing()
    return sqlite.insert(STUDENT_COURSES).from_select(columns, pairs).on_conflict_do_nothing()


ASSIGN_AT_ONCE: Final = _assign_at_once(is_audited=False)
"""Assigns the pair, if there is a seat, and records the event: all in one statement, for PostgreSQL alone.

Gives back what READ_PAIR does, as of before, and `newly_assigned_at`, NULL if nothing was done. The course is locked by
`seats_left_once_locked`, which counts in a statement of its own after it has the lock: the count is never too small.
"""

ASSIGN_AT_ONCE_AUDITED: Final = _assign_at_once(is_audited=True)
"""ASSIGN_AT_ONCE for an actor: the audit's entry is written, too. Run with `audit.actor_parameters`."""
