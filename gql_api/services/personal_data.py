"""What a person may ask for: everything that is stored about them, and that it be forgotten (GDPR, articles 15 and 17).

Forgotten are the name, the e-mail address and the sourcedId, in the student's record and in the outbox, which repeats
names. The record itself stays, under its key, with its assignments: counts and seats are what they were. So does the
audit, which holds keys alone.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Select, Update, bindparam, null, or_, select, text, union_all, update

from gql_api.errors import StudentNotFound
from gql_api.models import AuditAction
from gql_api.services.audit import record
from gql_api.services.input_rules import is_key
from gql_api.services.tables import ASSIGNMENT_EVENTS, AUDIT_ENTRIES, COURSES, STUDENT_COURSES, STUDENTS
from gql_api.services.unit_of_work import UnitOfWork

ERASED_NAME: Final = "[erased]"
"""What stands in the place of an erased name: every student has one."""

_ID: Final = bindparam("whose", type_=STUDENTS.c.id.type)
_ENTRIES: Final = AUDIT_ENTRIES.c

_STUDENT: Final = select(
    STUDENTS.c.id.label("databaseId"),
    STUDENTS.c.name,
    STUDENTS.c.email,
    STUDENTS.c.sourced_id.label("sourcedId"),
    STUDENTS.c.created_at.label("createdAt"),
).where(STUDENTS.c.id == _ID)

_ASSIGNMENTS: Final = (
    select(
        COURSES.c.id.label("courseId"),
        COURSES.c.code,
        COURSES.c.title,
        STUDENT_COURSES.c.assigned_at.label("assignedAt"),
    )
    .join_from(STUDENT_COURSES, COURSES)
    .where(STUDENT_COURSES.c.student_id == _ID)
    .order_by(COURSES.c.id)
)

_EVENTS: Final = (
    select(
        ASSIGNMENT_EVENTS.c.kind,
        ASSIGNMENT_EVENTS.c.student_name.label("name"),
        ASSIGNMENT_EVENTS.c.course_id.label("courseId"),
        ASSIGNMENT_EVENTS.c.course_code.label("code"),
        ASSIGNMENT_EVENTS.c.course_title.label("title"),
        ASSIGNMENT_EVENTS.c.assigned_at.label("assignedAt"),
        ASSIGNMENT_EVENTS.c.occurred_at.label("occurredAt"),
    )
    .where(ASSIGNMENT_EVENTS.c.student_id == _ID)
    .order_by(ASSIGNMENT_EVENTS.c.id)
)

# Two queries, since no index serves both.
_CONCERNING: Final = union_all(
    select(AUDIT_ENTRIES).where(_ENTRIES.student_id == _ID),
    select(AUDIT_ENTRIES)
    .join(STUDENT_COURSES, _ENTRIES.course_id == STUDENT_COURSES.c.course_id)
    .where(
        STUDENT_COURSES.c.student_id == _ID,
        _ENTRIES.student_id.is_(None),
        or_(
            *(
                _ENTRIES.action == str(action)
                for action in (AuditAction.READ_CLASS_LIST, AuditAction.FOLLOW_ASSIGNMENTS)
            )
        ),
        _ENTRIES.occurred_at >= STUDENT_COURSES.c.assigned_at,
    ),
).subquery("concerning")

_AUDIT: Final = select(
    _CONCERNING.c.occurred_at.label("occurredAt"),
    _CONCERNING.c.actor,
    _CONCERNING.c.role,
    _CONCERNING.c.action,
    _CONCERNING.c.course_id.label("courseId"),
    _CONCERNING.c.request_id.label("requestId"),
    _CONCERNING.c.details,
).order_by(_CONCERNING.c.id)


_LOCK_EVENTS: Final = text("LOCK TABLE assignment_events IN SHARE ROW EXCLUSIVE MODE")

_ERASE_STUDENT: Final[Update] = (
    update(STUDENTS)
    .where(
        STUDENTS.c.id == _ID,
        or_(STUDENTS.c.name != ERASED_NAME, STUDENTS.c.email.is_not(None), STUDENTS.c.sourced_id.is_not(None)),
    )
    .values(name=ERASED_NAME, email=null(), sourced_id=null())
)

_ERASE_EVENTS: Final[Update] = (
    update(ASSIGNMENT_EVENTS)
    .where(ASSIGNMENT_EVENTS.c.student_id == _ID, ASSIGNMENT_EVENTS.c.student_name != ERASED_NAME)
    .values(student_name=ERASED_NAME)
)

_TRACES: Final = union_all(
    *(
        select(select(column.label("id")).where(column == _ID).limit(1).subquery().c.id)
        for column in (STUDENTS.c.id, ASSIGNMENT_EVENTS.c.student_id, _ENTRIES.student_id)
    )
)


class Erasure(NamedTuple):
    """What was erased.

    Attributes:
        record: whether the student's record held anything; False also if it was deleted before.
        events: how many events held the name.
    """

    record: bool
    events: int

    @property
    def changed_anything(self) -> bool:
        """Whether there was anything to erase."""
        return self.record or self.events > 0


async def export_student(uow: UnitOfWork, *, student_id: int) -> dict[str, Any]:
    """Give everything that is stored about a student, by the names that the API uses; the audit takes note of it.

    `student` is None if the student was deleted, but events or the audit still tell of them. The audit's entries are
    those about the student, this export included, and since when they take a course those about its class list.

    Raises:
        StudentNotFound: nothing is stored about a student with this id.
    """
    await _require_traces(uow, student_id)
    await record(uow, AuditAction.EXPORT_STUDENT, student_id=student_id)
    student = await _read(uow, _STUDENT, student_id)
    entries = await _read(uow, _AUDIT, student_id)
    return {
        "student": student[0] if student else None,
        "assignments": await _read(uow, _ASSIGNMENTS, student_id),
        "events": await _read(uow, _EVENTS, student_id),
        "audit": [{**entry, "details": orjson.loads(entry["details"] or "null")} for entry in entries],
    }


async def erase_student(uow: UnitOfWork, *, student_id: int) -> Erasure:
    """Erase what is personal of a student; asked again, it finds nothing to erase, and the audit takes no note of it.

    On PostgreSQL nobody makes or removes an assignment meanwhile, for some milliseconds: a statement that has read the
    name already could record it in an event after we have looked for such. Who holds the student's row and waits for us
    is a deadlock, which the unit of work's next attempt gets out of.

    Raises:
        StudentNotFound: nothing is stored about a student with this id.
    """
    await _require_traces(uow, student_id)
    if uow.dialect_name == "postgresql":
        await uow.execute(_LOCK_EVENTS)
    whose = {"whose": student_id}
    erased = (await uow.execute(_ERASE_STUDENT, whose)).row_count
    events = (await uow.execute(_ERASE_EVENTS, whose)).row_count
    erasure = Erasure(record=erased > 0, events=events)
    if erasure.changed_anything:
        await record(uow, AuditAction.ERASE_STUDENT, student_id=student_id, details={"events": events})
    return erasure


async def student_name(uow: UnitOfWork, *, student_id: int) -> str | None:
    """The name under which a student is stored; None if they were deleted, but something still tells of them.

    Raises:
        StudentNotFound: nothing is stored about a student with this id.
    """
    await _require_traces(uow, student_id)
    found = await _read(uow, _STUDENT, student_id)
    return found[0]["name"] if found else None


async def _require_traces(uow: UnitOfWork, student_id: int) -> None:
    if not is_key(student_id) or not list(await uow.execute(_TRACES, {"whose": student_id})):
        raise StudentNotFound


async def _read(uow: UnitOfWork, statement: Select[Any], student_id: int) -> list[dict[str, Any]]:
    names = statement.selected_columns.keys()
    return [dict(zip(names, row, strict=True)) for row in await uow.execute(statement, {"whose": student_id})]
