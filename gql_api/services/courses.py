"""Courses: made, changed, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from gql_api.database.rows import CourseRow
from gql_api.errors import CapacityBelowSeatsTaken, CourseNotFound
from gql_api.models import AuditAction
from gql_api.services import input_rules
from gql_api.services.assignment_statements import COUNT_SEATS_TAKEN, LOCK_COURSE
from gql_api.services.audit import record
from gql_api.services.event_statements import Change, carry_out, removing
from gql_api.services.input_rules import UNCHANGED, Rule, Unchanged, checked, is_key
from gql_api.services.tables import COURSE_COLUMNS, COURSES, STUDENT_COURSES
from gql_api.services.unit_of_work import UnitOfWork
from gql_api.services.violations import unless_taken

_RULES: Final[Mapping[str, tuple[str, Rule]]] = {
    "code": ("code", input_rules.required_text),
    "title": ("title", input_rules.required_text),
    "credits": ("credits", input_rules.whole_number),
    "capacity": ("capacity", input_rules.whole_number),
    "sourced_id": ("sourcedId", input_rules.sourced_id),
}

_ID: Final = bindparam("course_id", type_=COURSES.c.id.type)
_READ: Final = select(*COURSE_COLUMNS).where(COURSES.c.id == _ID)
_LOCK: Final = _READ.with_for_update()
_INSERT: Final = insert(COURSES).returning(*COURSE_COLUMNS)
_UPDATE: Final = update(COURSES).where(COURSES.c.id == _ID).returning(*COURSE_COLUMNS)
_DELETE: Final = delete(COURSES).where(COURSES.c.id == _ID)
_ITS_ASSIGNMENTS: Final = STUDENT_COURSES.c.course_id == _ID


@dataclass(frozen=True, slots=True)
class DeletedCourse:
    """A course as it last was, and how many assignments went with it."""

    course: CourseRow
    assignments_removed: int


async def create_course(
    uow: UnitOfWork,
    *,
    code: str,
    title: str,
    credits: int | None = None,  # noqa: A002 - the field's name
    capacity: int | None = None,
    sourced_id: str | None = None,
) -> CourseRow:
    """Make a course; without a capacity it never fills up.

    Raises:
        InvalidInput: a value breaks its rule; see `input_rules`.
        CodeTaken, SourcedIdTaken: another course has the same.
    """
    values = checked(
        _RULES,
        {"code": code, "title": title, "credits": credits, "capacity": capacity, "sourced_id": sourced_id},
    )
    with unless_taken(values):
        result = await uow.execute(_INSERT, values)
    course = CourseRow._make(result.one())
    await record(uow, AuditAction.CREATE_COURSE, course_id=course.id)
    return course


async def update_course(
    uow: UnitOfWork,
    *,
    course_id: int,
    code: str | Unchanged | None = UNCHANGED,
    title: str | Unchanged | None = UNCHANGED,
    credits: int | Unchanged | None = UNCHANGED,  # noqa: A002 - the field's name
    capacity: int | Unchanged | None = UNCHANGED,
    sourced_id: str | Unchanged | None = UNCHANGED,
) -> CourseRow:
    """Change the fields that are given; None clears a field, save code and title, which every course has.

    Raises:
        CourseNotFound: no course has this id.
        InvalidInput: a value breaks its rule; see `input_rules`.
        CapacityBelowSeatsTaken: more students than that have a seat already.
        CodeTaken, SourcedIdTaken: another course has the same.
    """
    values = checked(
        _RULES,
        {"code": code, "title": title, "credits": credits, "capacity": capacity, "sourced_id": sourced_id},
    )
    if not is_key(course_id):
        raise CourseNotFound
    new_capacity = values.get("capacity")
    if new_capacity is not None:
        await _check_capacity(uow, course_id, new_capacity)
    with unless_taken(values):
        result = await uow.execute(_UPDATE if values else _READ, {"course_id": course_id, **values})
    row = result.one_or_none()
    if row is None:
        raise CourseNotFound
    if values:
        await record(uow, AuditAction.UPDATE_COURSE, course_id=course_id, details={"fields": sorted(values)})
    return CourseRow._make(row)


async def delete_course(uow: UnitOfWork, *, course_id: int) -> DeletedCourse:
    """Take a course away, and out of the courses of all its students.

    The course's row is locked first: nobody can take one more seat, which the count would miss.

    Raises:
        CourseNotFound: no course has this id.
    """
    if not is_key(course_id):
        raise CourseNotFound
    identity = {"course_id": course_id}
    row = (await uow.execute(_LOCK, identity)).one_or_none()
    if row is None:
        raise CourseNotFound
    removed = await carry_out(uow, _remove_assignments(uow.dialect_name), identity)
    await uow.execute(_DELETE, identity)
    await record(uow, AuditAction.DELETE_COURSE, course_id=course_id, details={"assignments": len(removed)})
    return DeletedCourse(CourseRow._make(row), len(removed))


async def _check_capacity(uow: UnitOfWork, course_id: int, capacity: int) -> None:
    """Lock the course and count: in two statements, so that the count sees the seats taken while we waited."""
    identity = {"course_id": course_id}
    if (await uow.execute(LOCK_COURSE, identity)).one_or_none() is None:
        raise CourseNotFound
    seats_taken: int = (await uow.execute(COUNT_SEATS_TAKEN, identity)).scalar_one()
    if capacity < seats_taken:
        raise CapacityBelowSeatsTaken(capacity=capacity, seats_taken=seats_taken)


@cache
def _remove_assignments(dialect_name: str) -> Change:
    return removing(dialect_name, _ITS_ASSIGNMENTS)
