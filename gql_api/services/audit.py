"""The audit's entries, written by the transaction whose doings they tell: both are kept, or neither is.

Whoever opens a unit of work says who acts (`UnitOfWork.actor`). Where nobody is identified there is no "who": nothing
is written then, and no statement runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, FromClause, Insert, bindparam, insert, literal, select

from gql_api.models import AuditAction
from gql_api.services.actor import Actor
from gql_api.services.pairs import pair_parameters, pairs_table
from gql_api.services.tables import AUDIT_ENTRIES
from gql_api.services.unit_of_work import UnitOfWork

_COLUMNS: Final = AUDIT_ENTRIES.c
_RECORD: Final = insert(AUDIT_ENTRIES)
_ACTOR: Final[Mapping[str, ColumnElement[Any]]] = {
    "actor": bindparam("actor", type_=_COLUMNS.actor.type),
    "role": bindparam("actor_role", type_=_COLUMNS.role.type),
    "request_id": bindparam("actor_request_id", type_=_COLUMNS.request_id.type),
}


async def record(
    uow: UnitOfWork,
    action: AuditAction,
    *,
    student_id: int | None = None,
    course_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry: one statement, none where nobody is identified.

    Args:
        uow: the unit of work whose actor did it.
        action: what was done.
        student_id: to which student, if it concerns one.
        course_id: to which course, if it concerns one.
        details: what else there is to say; neither names, nor addresses, nor values of fields.
    """
    if uow.actor is not None:
        values = entry_values(uow.actor, action, details)
        await uow.execute(_RECORD, {**values, "student_id": student_id, "course_id": course_id})


async def record_each(uow: UnitOfWork, action: AuditAction, concerned: Sequence[tuple[int | None, int | None]]) -> None:
    """Write an entry for each of these (student, course): one statement, none where nobody is identified."""
    actor = uow.actor
    if actor is not None and concerned:
        statement = _record_pairs(uow.dialect_name, action)
        await uow.execute(statement, actor_parameters(actor) | pair_parameters(uow.dialect_name, concerned))


async def record_class_lists(uow: UnitOfWork, *, course_ids: Sequence[int]) -> None:
    """Write that the class lists of these courses are read: an entry for each, in one statement.

    Committed before the lists are given out: what cannot be recorded is not shown.
    """
    await record_each(uow, AuditAction.READ_CLASS_LIST, [(None, course_id) for course_id in dict.fromkeys(course_ids)])


async def record_following(uow: UnitOfWork, *, student_id: int | None, course_id: int | None) -> None:
    """Write that somebody begins to follow the assignments of a student, of a course, of both, or (None) of any."""
    await record(uow, AuditAction.FOLLOW_ASSIGNMENTS, student_id=student_id, course_id=course_id)


def entries_of(action: AuditAction, concerned: FromClause) -> Insert:
    """An INSERT of an entry for each row of `concerned`; run with `actor_parameters`."""
    columns: dict[str, ColumnElement[Any]] = {
        **_ACTOR,
        "action": literal(str(action)),
        "student_id": concerned.c.student_id,
        "course_id": concerned.c.course_id,
    }
    return insert(AUDIT_ENTRIES).from_select(list(columns), select(*columns.values()).select_from(concerned))


def actor_parameters(actor: Actor) -> dict[str, Any]:
    """What a statement of `entries_of` is run with, besides whatever `concerned` needs."""
    return {"actor": actor.subject, "actor_role": actor.role, "actor_request_id": actor.request_id}


def entry_values(actor: Actor, action: AuditAction, details: Mapping[str, Any] | None) -> dict[str, Any]:
    """The values of an entry that concerns neither one student nor one course, by column."""
    return {
        "actor": actor.subject,
        "role": actor.role,
        "action": str(action),
        "request_id": actor.request_id,
        "details": None if details is None else orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
    }


@cache
def _record_pairs(dialect_name: str, action: AuditAction) -> Insert:
    return entries_of(action, pairs_table(dialect_name))
