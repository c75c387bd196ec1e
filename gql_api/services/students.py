"""Students: made, changed, taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import bindparam, delete, insert, select, update

from gql_api.database.rows import StudentRow
from gql_api.errors import StudentNotFound
from gql_api.models import AuditAction
from gql_api.services import input_rules
from gql_api.services.audit import record
from gql_api.services.event_statements import Change, carry_out, removing
from gql_api.services.input_rules import UNCHANGED, Rule, Unchanged, checked, is_key
from gql_api.services.tables import STUDENT_COLUMNS, STUDENT_COURSES, STUDENTS
from gql_api.services.unit_of_work import UnitOfWork
from gql_api.services.violations import unless_taken

_RULES: Final[Mapping[str, tuple[str, Rule]]] = {
    "name": ("name", input_rules.required_text),
    "email": ("email", input_rules.email_address),
    "sourced_id": ("sourcedId", input_rules.sourced_id),
}

_ID: Final = bindparam("student_id", type_=STUDENTS.c.id.type)
_READ: Final = select(*STUDENT_COLUMNS).where(STUDENTS.c.id == _ID)
_LOCK: Final = _READ.with_for_update()
_INSERT: Final = insert(STUDENTS).returning(*STUDENT_COLUMNS)
_UPDATE: Final = update(STUDENTS).where(STUDENTS.c.id == _ID).returning(*STUDENT_COLUMNS)
_DELETE: Final = delete(STUDENTS).where(STUDENTS.c.id == _ID)
_THEIR_ASSIGNMENTS: Final = STUDENT_COURSES.c.student_id == _ID


@dataclass(frozen=True, slots=True)
class DeletedStudent:
    """A student as it last was, and how many assignments went with it."""

    student: StudentRow
    assignments_removed: int


async def create_student(
    uow: UnitOfWork, *, name: str, email: str | None = None, sourced_id: str | None = None
) -> StudentRow:
    """Make a student.

    Raises:
        InvalidInput: a value breaks its rule; see `input_rules`.
        EmailTaken, SourcedIdTaken: another student has the same.
    """
    values = checked(_RULES, {"name": name, "email": email, "sourced_id": sourced_id})
    with unless_taken(values):
        result = await uow.execute(_INSERT, values)
    student = StudentRow._make(result.one())
    await record(uow, AuditAction.CREATE_STUDENT, student_id=student.id)
    return student


async def update_student(
    uow: UnitOfWork,
    *,
    student_id: int,
    name: str | Unchanged | None = UNCHANGED,
    email: str | Unchanged | None = UNCHANGED,
    sourced_id: str | Unchanged | None = UNCHANGED,
) -> StudentRow:
    """Change the fields that are given; None clears a field, save the name, which every student has.

    Raises:
        StudentNotFound: no student has this id.
        InvalidInput: a value breaks its rule; see `input_rules`.
        EmailTaken, SourcedIdTaken: another student has the same.
    """
    values = checked(_RULES, {"name": name, "email": email, "sourced_id": sourced_id})
    if not is_key(student_id):
        raise StudentNotFound
    with unless_taken(values):
        result = await uow.execute(_UPDATE if values else _READ, {"student_id": student_id, **values})
    row = result.one_or_none()
    if row is None:
        raise StudentNotFound
    if values:
        await record(uow, AuditAction.UPDATE_STUDENT, student_id=student_id, details={"fields": sorted(values)})
    return StudentRow._make(row)


async def delete_student(uow: UnitOfWork, *, student_id: int) -> DeletedStudent:
    """Take a student away, and out of all courses, whose seats are free again.

    The student's row is locked first: nobody can assign the student to one more course, which the count would miss.

    Raises:
        StudentNotFound: no student has this id.
    """
    if not is_key(student_id):
        raise StudentNotFound
    identity = {"student_id": student_id}
    row = (await uow.execute(_LOCK, identity)).one_or_none()
    if row is None:
        raise StudentNotFound
    removed = await carry_out(uow, _remove_assignments(uow.dialect_name), identity)
    await uow.execute(_DELETE, identity)
    await record(uow, AuditAction.DELETE_STUDENT, student_id=student_id, details={"assignments": len(removed)})
    return DeletedStudent(StudentRow._make(row), len(removed))


@cache
def _remove_assignments(dialect_name: str) -> Change:
    return removing(dialect_name, _THEIR_ASSIGNMENTS)
