"""Which class lists are read: told to the audit before they are given out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from gql_api.identity import StudentsSeen
from gql_api.schema.context import Context
from gql_api.services.audit import record_class_lists, record_following
from gql_api.services.unit_of_work import UnitOfWork


async def note_class_lists(context: Context, course_ids: Sequence[int]) -> None:
    """Record that the students of these courses are read, if by somebody who sees others than themselves.

    One transaction for all courses of a level, committed before the first student is read.

    Raises:
        DatabaseUnusable: it cannot be recorded, so the lists must not be given out.
    """
    if _is_on_record(context):
        await _record(context, partial(record_class_lists, course_ids=course_ids))


async def note_following(context: Context, *, student_id: int | None, course_id: int | None) -> None:
    """Record that assignments are listened to, of these or (None) of any, if by who sees others' than own ones.

    Raises:
        DatabaseUnusable: it cannot be recorded, so nothing must be told.
    """
    if _is_on_record(context):
        await _record(context, partial(record_following, student_id=student_id, course_id=course_id))


async def _record(context: Context, use_case: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    await context.units_of_work.run(use_case, actor=context.actor)
    context.reader.statements += 1


def _is_on_record(context: Context) -> bool:
    return context.actor is not None and context.reader.visibility.sight.students is StudentsSeen.ALL
