"""Assignments: students take courses, and leave them.

No course ever has more students than seats, however many ask at once. Whoever takes a seat of a course that can fill up
holds the lock of the course's row from before counting until the transaction ends, and counts in a later statement than
the one that waited for the lock: a statement on PostgreSQL sees the database as it was when the statement began, so
counting while locking would overlook the seat that the lock's last holder took. A course without a capacity is locked
too, but shared: its students wait for nobody, only a change of its capacity waits for them. On SQLite a transaction
writes alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, TypeAlias

from gql_api.database.conditions import json_list
from gql_api.database.failure import ConstraintViolated
from gql_api.database.rows import CourseRow, StudentRow
from gql_api.database.transaction import Answer
from gql_api.errors import CourseFull, CourseNotFound, InvalidInput, StudentNotFound
from gql_api.services import assignment_statements as statements
from gql_api.services.audit import actor_parameters
from gql_api.services.event_statements import carry_out
from gql_api.services.input_rules import is_key
from gql_api.services.pairs import Pair, pair_parameters
from gql_api.services.unit_of_work import Overtaken, UnitOfWork

PAIRS_MAX: Final = 1000
"""How many pairs one `assign_courses` takes: its locks are held for some tens of milliseconds then."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A student takes a course, since `assigned_at`; `already_assigned` if this was so before it was asked for."""

    student: StudentRow
    course: CourseRow
    assigned_at: datetime
    already_assigned: bool


@dataclass(frozen=True, slots=True)
class Unassignment:
    """A student does not take a course, but did since `assigned_at`, if that is not None."""

    student: StudentRow
    course: CourseRow
    assigned_at: datetime | None

    @property
    def was_assigned(self) -> bool:
        """Whether this has changed anything."""
        return self.assigned_at is not None


Refusal: TypeAlias = StudentNotFound | CourseNotFound | CourseFull
"""Why a pair was not assigned."""


async def assign_course(uow: UnitOfWork, *, student_id: int, course_id: int) -> Assignment:
    """Assign a student to a course; asked again, it gives the first assignment, even when the course is full by then.

    One statement where it may be alone (`UnitsOfWork.run_alone`) and nothing speaks against it, otherwise two, on
    SQLite a third that records the event. A course with a capacity stays locked until the unit of work ends.

    Raises:
        StudentNotFound: no student has this id.
        CourseNotFound: no course has this id.
        CourseFull: all seats are taken, and none of them by this student.
        Overtaken: the pair was assigned by another caller, and unassigned again, while this one waited.
    """
    _check_keys(student_id, course_id)
    pair = {"student_id": student_id, "course_id": course_id}
    if uow.is_alone and (done := await _assign_at_once(uow, pair)) is not None:
        return done
    student, course, assigned_at = _rows(await uow.execute(statements.READ_PAIR_TO_ASSIGN[uow.dialect_name], pair))
    if course is None:
        # No such course, or the lock that befitted it no longer does.
        course = await _lock_course(uow, course_id)
    if assigned_at is not None:
        return Assignment(student, course, assigned_at, already_assigned=True)
    assigned_at = await _take_seat(uow, pair, course.capacity)
    if assigned_at is not None:
        return Assignment(student, course, assigned_at, already_assigned=False)
    # No seat; or another caller assigned this pair while our first statement waited, which did not see it therefore.
    assigned_at = (await uow.execute(statements.READ_ASSIGNED_AT, pair)).scalar_one_or_none()
    if assigned_at is not None:
        return Assignment(student, course, assigned_at, already_assigned=True)
    if course.capacity is None:
        raise Overtaken
    raise CourseFull(course_id=course_id, capacity=course.capacity)


async def unassign_course(uow: UnitOfWork, *, student_id: int, course_id: int) -> Unassignment:
    """Let a student leave a course, whose seat is free again; leaving a course that one does not take is no error.

    Raises:
        StudentNotFound: no student has this id.
        CourseNotFound: no course has this id.
    """
    _check_keys(student_id, course_id)
    pair = {"student_id": student_id, "course_id": course_id}
    student, course, _ = _rows(await uow.execute(statements.READ_PAIR, pair))
    if course is None:
        raise CourseNotFound
    removed = await carry_out(uow, statements.delete_pair(uow.dialect_name), pair)
    return Unassignment(student, course, removed[0].assigned_at if removed else None)


async def assign_courses(uow: UnitOfWork, pairs: Sequence[Pair]) -> list[Assignment | Refusal]:
    """Assign many pairs, as if `assign_course` were called for one after the other, and give the results in that order.

    Five statements at most, six on SQLite, whatever the number of pairs. All the courses named stay locked until the
    unit of work ends. They are locked in the order of their ids, so that batches that overlap wait, but never in a
    circle.

    Raises:
        InvalidInput: there are no pairs, or more than PAIRS_MAX.
        Overtaken: someone who does not heed the locks of courses has assigned one of the pairs meanwhile.
    """
    if not 1 <= len(pairs) <= PAIRS_MAX:
        raise InvalidInput("assignments", f"assignments has {len(pairs)} entries; it must have 1 to {PAIRS_MAX}.")
    courses = await _lock_courses(uow, {pair.course_id for pair in pairs})
    students = await _keep_students(uow, {pair.student_id for pair in pairs})
    known = [pair for pair in dict.fromkeys(pairs) if pair.student_id in students and pair.course_id in courses]
    assigned_at = await _assigned_at_by_pair(uow, known)
    seats_free = await _seats_free_by_course_id(uow, courses.values())
    verdicts = _decide(pairs, students, courses, assigned_at.keys(), seats_free)
    assigned_at |= await _insert(uow, [pair for pair, verdict in verdicts if verdict is _Verdict.NEW])
    return [
        Assignment(
            students[pair.student_id],
            courses[pair.course_id],
            assigned_at[pair],
            already_assigned=verdict is _Verdict.ALREADY_ASSIGNED,
        )
        if isinstance(verdict, _Verdict)
        else verdict
        for pair, verdict in verdicts
    ]


def _check_keys(student_id: int, course_id: int) -> None:
    if not is_key(student_id):
        raise StudentNotFound
    if not is_key(course_id):
        raise CourseNotFound


async def _assign_at_once(uow: UnitOfWork, pair: Mapping[str, int]) -> Assignment | None:
    """Assign without a transaction around it; None if nothing was done, for whatever reason."""
    try:
        if uow.actor is None:
            answer = await uow.execute_alone(statements.ASSIGN_AT_ONCE, pair)
        else:
            answer = await uow.execute_alone(statements.ASSIGN_AT_ONCE_AUDITED, {**pair, **actor_parameters(uow.actor)})
    except ConstraintViolated:
        return None  # the student was deleted meanwhile
    *read, newly_assigned_at = (None,) if answer is None else answer.one()
    if newly_assigned_at is not None:
        uow.announce()
    elif not read or read[-1] is None:
        return None
    course, student = (
        CourseRow._make(read[: len(CourseRow._fields)]),
        StudentRow._make(read[len(CourseRow._fields) : -1]),
    )
    already_assigned = newly_assigned_at is None
    return Assignment(student, course, newly_assigned_at or read[-1], already_assigned=already_assigned)


def _rows(result: Answer) -> tuple[StudentRow, CourseRow | None, datetime | None]:
    *course_and_student, assigned_at = result.one()
    course, student = course_and_student[: len(CourseRow._fields)], course_and_student[len(CourseRow._fields) :]
    if student[0] is None:
        raise StudentNotFound
    return StudentRow._make(student), None if course[0] is None else CourseRow._make(course), assigned_at


async def _lock_course(uow: UnitOfWork, course_id: int) -> CourseRow:
    row = (await uow.execute(statements.LOCK_COURSE, {"course_id": course_id})).one_or_none()
    if row is None:
        raise CourseNotFound
    return CourseRow._make(row)


async def _take_seat(uow: UnitOfWork, pair: Mapping[str, int], capacity: int | None) -> datetime | None:
    try:
        made = await carry_out(uow, statements.insert_pair(uow.dialect_name), pair, limits={"capacity": capacity})
    except ConstraintViolated as error:
        if error.constraint == "student_courses_student_id_fkey":
            raise StudentNotFound from error  # it was deleted since it was read; the course cannot be, it is locked
        raise
    return made[0].assigned_at if made else None


async def _lock_courses(uow: UnitOfWork, ids: Collection[int]) -> dict[int, CourseRow]:
    result = await uow.execute(statements.lock_courses(uow.dialect_name), _id_list(uow, ids))
    return {row.id: row for row in map(CourseRow._make, result)}


async def _keep_students(uow: UnitOfWork, ids: Collection[int]) -> dict[int, StudentRow]:
    result = await uow.execute(statements.keep_students(uow.dialect_name), _id_list(uow, ids))
    return {row.id: row for row in map(StudentRow._make, result)}


async def _assigned_at_by_pair(uow: UnitOfWork, pairs: Sequence[Pair]) -> dict[Pair, datetime]:
    if not pairs:
        return {}
    result = await uow.execute(statements.read_assigned_at(uow.dialect_name), pair_parameters(uow.dialect_name, pairs))
    return {Pair(student_id, course_id): assigned_at for student_id, course_id, assigned_at in result}


async def _seats_free_by_course_id(uow: UnitOfWork, courses: Iterable[CourseRow]) -> dict[int, float]:
    """How many seats each course has left, infinitely many if it has no capacity."""
    seats_free = {course.id: math.inf if course.capacity is None else course.capacity for course in courses}
    limited = [id_ for id_, seats in seats_free.items() if seats is not math.inf]
    if limited:
        for course_id, seats_taken in await uow.execute(
            statements.count_seats_taken(uow.dialect_name), _id_list(uow, limited)
        ):
            seats_free[course_id] -= seats_taken
    return seats_free


class _Verdict(Enum):
    NEW = auto()
    ALREADY_ASSIGNED = auto()


def _decide(
    pairs: Sequence[Pair],
    students: Collection[int],
    courses: Mapping[int, CourseRow],
    assigned_before: Collection[Pair],
    seats_free: Mapping[int, float],
) -> list[tuple[Pair, _Verdict | Refusal]]:
    """What becomes of each pair, if they come one after the other."""
    assigned = set(assigned_before)
    seats_left = dict(seats_free)

    def verdict(pair: Pair) -> _Verdict | Refusal:
        if pair.student_id not in students:
            return StudentNotFound()
        if pair.course_id not in courses:
            return CourseNotFound()
        if pair in assigned:
            return _Verdict.ALREADY_ASSIGNED
        if seats_left[pair.course_id] < 1:
            return CourseFull(course_id=pair.course_id, capacity=courses[pair.course_id].capacity or 0)
        assigned.add(pair)
        seats_left[pair.course_id] -= 1
        return _Verdict.NEW

    return [(pair, verdict(pair)) for pair in pairs]


async def _insert(uow: UnitOfWork, pairs: Sequence[Pair]) -> dict[Pair, datetime]:
    if not pairs:
        return {}
    parameters = pair_parameters(uow.dialect_name, pairs)
    made = await carry_out(uow, statements.insert_pairs(uow.dialect_name), parameters)
    inserted = {Pair(student_id, course_id): assigned_at for student_id, course_id, assigned_at in made}
    if len(inserted) < len(pairs):
        raise Overtaken
    return inserted


def _id_list(uow: UnitOfWork, ids: Iterable[int]) -> dict[str, Any]:
    keys = sorted(filter(is_key, ids))
    return {"ids": keys if uow.dialect_name == "postgresql" else json_list(keys)}
