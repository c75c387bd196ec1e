"""Changes of assignments that record an event for each row they make or remove, in the same transaction.

PostgreSQL does both in one statement: the events are written from what the change gives back (a data-modifying WITH),
so exactly what changed is recorded, and recording costs no round trip. SQLite cannot; there a second statement records,
before the change if it removes, after it if it adds. That is as exact: a transaction on SQLite writes alone.

By the time an event takes its `id`, the change has waited for whoever stood in its way. So of two events that concern
the same assignment, or the same seat, the one that came later has the greater `id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Executable, FromClause, Insert, delete, insert, literal, select
from sqlalchemy.sql.dml import ReturningInsert

from gql_api.models import AssignmentEventKind
from gql_api.services.tables import ASSIGNMENT_EVENTS, COURSES, STUDENT_COURSES, STUDENTS
from gql_api.services.unit_of_work import UnitOfWork

_LINK: Final = STUDENT_COURSES.c
_CHANGED: Final = (_LINK.student_id, _LINK.course_id, _LINK.assigned_at)


class Changed(NamedTuple):
    """An assignment that was made or removed."""

    student_id: int
    course_id: int
    assigned_at: datetime


class Change(NamedTuple):
    """A change of assignments on one database, and what has to run around it so that it is recorded.

    Attributes:
        statement: gives back `student_id`, `course_id` and `assigned_at` of each assignment it changed.
        record_before: runs first, where not None.
        record_after: runs afterwards, where not None and anything was changed.
    """

    statement: Executable
    record_before: Executable | None = None
    record_after: Executable | None = None


async def carry_out(
    uow: UnitOfWork, change: Change, parameters: Mapping[str, Any], *, limits: Mapping[str, Any] | None = None
) -> Sequence[Changed]:
    """Change, record, and give back the rows that were changed.

    Args:
        uow: the unit of work that this becomes part of; it announces itself when it is committed.
        change: what to do.
        parameters: say which assignments are meant, to all the statements.
        limits: say to the change alone which of them it may make.
    """
    if change.record_before is not None:
        await uow.execute(change.record_before, parameters)
    rows = [Changed._make(row) for row in await uow.execute(change.statement, {**parameters, **(limits or {})})]
    if rows:
        if change.record_after is not None:
            await uow.execute(change.record_after, parameters)
        uow.announce()
    return rows


def assigning(dialect_name: str, insertion: Insert, these: FromClause) -> Change:
    """Make assignments by this insertion; where it was carried out, `these` are the rows it can have made."""
    change: ReturningInsert[*tuple[Any, ...]] = insertion.returning(*_CHANGED)
    if dialect_name == "postgresql":
        return Change(_recorded(change.cte("changed"), AssignmentEventKind.ASSIGNED))
    return Change(change, record_after=_record(these, AssignmentEventKind.ASSIGNED))


def removing(dialect_name: str, which: ColumnElement[bool]) -> Change:
    """Remove the assignments for which this is true."""
    change = delete(STUDENT_COURSES).where(which).returning(*_CHANGED)
    if dialect_name == "postgresql":
        return Change(_recorded(change.cte("changed"), AssignmentEventKind.UNASSIGNED))
    these = select(*_CHANGED).where(which).subquery("changed")
    return Change(change, record_before=_record(these, AssignmentEventKind.UNASSIGNED))


def _recorded(changed: Any, kind: AssignmentEventKind) -> Executable:
    return select(*changed.c).add_cte(_record(changed, kind).cte("recorded"))


def _record(changed: FromClause, kind: AssignmentEventKind) -> Insert:
    columns: dict[str, ColumnElement[Any]] = {
        "kind": literal(str(kind)),
        "student_id": changed.c.student_id,
        "course_id": changed.c.course_id,
        "assigned_at": changed.c.assigned_at,
        "student_name": STUDENTS.c.name,
        "student_created_at": STUDENTS.c.created_at,
        "course_code": COURSES.c.code,
        "course_title": COURSES.c.title,
        "course_created_at": COURSES.c.created_at,
    }
    rows = select(*columns.values()).select_from(
        changed.join(STUDENTS, STUDENTS.c.id == changed.c.student_id).join(COURSES, COURSES.c.id == changed.c.course_id)
    )
    return insert(ASSIGNMENT_EVENTS).from_select(list(columns), rows)
