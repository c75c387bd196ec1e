"""Changes of assignments that record an event for each row they make or remove, in the same transaction.

PostgreSQL does both in one statement: the events are written from what the change gives back (a data-modifying WITH),
so exactly what changed is recorded, and recording costs no round trip. SQLite cannot; there a second statement records,
before the change if it removes, after it if it adds. That is as exact: a transaction on SQLite writes alone.

Where the unit of work has an actor, the audit gets its entries likewise: in the same statement on PostgreSQL, by one
more on SQLite.

By the time an event takes its `id`, the change has waited for whoever stood in its way. So of two events that concern
the same assignment, or the same seat, the one that came later has the greater `id`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import CTE, ColumnElement, Executable, FromClause, Insert, Select, delete, insert, literal, select
from sqlalchemy.sql.dml import ReturningInsert

from gql_api.models import AssignmentEventKind, AuditAction
from gql_api.services.audit import actor_parameters, entries_of, record_each
from gql_api.services.tables import ASSIGNMENT_EVENTS, COURSES, STUDENT_COURSES, STUDENTS
from gql_api.services.unit_of_work import UnitOfWork

_LINK: Final = STUDENT_COURSES.c
_CHANGED: Final = (_LINK.student_id, _LINK.course_id, _LINK.assigned_at)
_ACTIONS: Final = {
    AssignmentEventKind.ASSIGNED: AuditAction.ASSIGN_COURSE,
    AssignmentEventKind.UNASSIGNED: AuditAction.UNASSIGN_COURSE,
}


class Changed(NamedTuple):
    """An assignment that was made or removed."""

    student_id: int
    course_id: int
    assigned_at: datetime


class Change(NamedTuple):
    """A change of assignments on one database, and what has to run around it so that it is recorded.

    Attributes:
        kind: what it does.
        statement: gives back `student_id`, `course_id` and `assigned_at` of each assignment it changed.
        audited: runs in its place for an actor, and writes the audit's entries, too; None where it cannot.
        record_before: runs first, where not None.
        record_after: runs afterwards, where not None and anything was changed.
    """

    kind: AssignmentEventKind
    statement: Executable
    audited: Executable | None = None
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
    given = {**parameters, **(limits or {})}
    if uow.actor is None or change.audited is None:
        answer = await uow.execute(change.statement, given)
    else:
        answer = await uow.execute(change.audited, given | actor_parameters(uow.actor))
    rows = [Changed._make(row) for row in answer]
    if rows:
        if change.record_after is not None:
            await uow.execute(change.record_after, parameters)
        if change.audited is None:
            await record_each(uow, _ACTIONS[change.kind], [(row.student_id, row.course_id) for row in rows])
        uow.announce()
    return rows


def assigning(dialect_name: str, insertion: Insert, these: FromClause) -> Change:
    """Make assignments by this insertion; where it was carried out, `these` are the rows it can have made."""
    kind = AssignmentEventKind.ASSIGNED
    change: ReturningInsert[*tuple[Any, ...]] = insertion.returning(*_CHANGED)
    if dialect_name == "postgresql":
        changed = change.cte("changed")
        return Change(kind, _recorded(changed, kind), _audited(changed, kind))
    return Change(kind, change, record_after=_record(these, kind))


def removing(dialect_name: str, which: ColumnElement[bool]) -> Change:
    """Remove the assignments for which this is true."""
    kind = AssignmentEventKind.UNASSIGNED
    change = delete(STUDENT_COURSES).where(which).returning(*_CHANGED)
    if dialect_name == "postgresql":
        changed = change.cte("changed")
        return Change(kind, _recorded(changed, kind), _audited(changed, kind))
    these = select(*_CHANGED).where(which).subquery("changed")
    return Change(kind, change, record_before=_record(these, kind))


def recording_assignments(made: FromClause, *, is_audited: bool) -> list[CTE]:
    """The parts of a statement on PostgreSQL that record these assignments, which another part of it makes."""
    event = _record(made, AssignmentEventKind.ASSIGNED).cte("recorded")
    return [event, entries_of(AuditAction.ASSIGN_COURSE, made).cte("audited")] if is_audited else [event]


def _recorded(changed: Any, kind: AssignmentEventKind) -> Select[Any]:
    return select(*changed.c).add_cte(_record(changed, kind).cte("recorded"))


def _audited(changed: Any, kind: AssignmentEventKind) -> Select[Any]:
    return _recorded(changed, kind).add_cte(entries_of(_ACTIONS[kind], changed).cte("audited"))


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
