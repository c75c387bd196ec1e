"""Old events are removed: from the beginning of their order, so that what is kept is kept without gaps."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from sqlalchemy import Delete, bindparam, delete, func, select

from gql_api.models.model import UtcDateTime
from gql_api.services.tables import ASSIGNMENT_EVENTS
from gql_api.services.unit_of_work import UnitOfWork

BATCH_SIZE: Final = 1000
"""Events that are looked at, and removed at most, in one unit of work."""

_EVENTS: Final = ASSIGNMENT_EVENTS.c


async def delete_old_events(uow: UnitOfWork, *, before: Any) -> int:
    """Remove the oldest events that occurred before this time, BATCH_SIZE at most, and give their number.

    Nothing behind an event that is kept is removed, and never the newest event, so that a client that holds it can go
    on from there however long nothing has happened. Others may do the same at the same time. Events that have no
    position yet (`database/event_log.py`) are left alone.
    """
    return (await uow.execute(_delete_oldest(uow.dialect_name), {"before": before})).row_count


@cache
def _delete_oldest(dialect_name: str) -> Delete:
    position = _EVENTS.id if dialect_name == "sqlite" else _EVENTS.position
    newest = select(func.max(position)).scalar_subquery()
    oldest = (
        select(_EVENTS.id, _EVENTS.occurred_at, position.label("place"))
        .where(position < newest)
        .order_by(position)
        .limit(BATCH_SIZE)
        .subquery("oldest")
    )
    latest_so_far = func.max(oldest.c.occurred_at, type_=UtcDateTime()).over(order_by=oldest.c.place, rows=(None, 0))
    ages = select(oldest.c.id, latest_so_far.label("latest_so_far")).subquery("ages")
    old = select(ages.c.id).where(ages.c.latest_so_far < bindparam("before", type_=UtcDateTime()))
    return delete(ASSIGNMENT_EVENTS).where(_EVENTS.id.in_(old))
