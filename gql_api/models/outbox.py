"""The outbox: which assignments were made and removed, written by the transactions that did so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gql_api.models.model import Key, Model, Text, UtcDateTime, utc_now

_KEY = BigInteger().with_variant(Integer, "sqlite")

KIND_LENGTH_MAX = 16
"""Characters in the name of a kind of event."""


class AssignmentEventKind(StrEnum):
    """What happened to an assignment."""

    ASSIGNED = "ASSIGNED"
    UNASSIGNED = "UNASSIGNED"


class AssignmentEvent(Model):
    """An assignment was made or removed.

    On PostgreSQL `id` says in which order events were written, `position` in which order they were seen committed: it
    is NULL until somebody looks (`database/event_log.py`). On SQLite, which has one writer at a time, both are the same
    and `position` stays NULL.

    An event outlives its student and its course. So it refers to them by key alone, and carries of each what no student
    and no course is without.
    """

    __tablename__ = "assignment_events"

    id: Mapped[Key]
    position: Mapped[int | None] = mapped_column(_KEY, unique=True)
    kind: Mapped[str] = mapped_column(String(KIND_LENGTH_MAX))
    student_id: Mapped[int] = mapped_column(_KEY)
    course_id: Mapped[int] = mapped_column(_KEY)
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime)
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=utc_now())
    student_name: Mapped[str] = mapped_column(Text)
    student_created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    course_code: Mapped[str] = mapped_column(Text)
    course_title: Mapped[str] = mapped_column(Text)
    course_created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("kind IN ('ASSIGNED', 'UNASSIGNED')", name="kind"),
        {"sqlite_autoincrement": True},  # a client resumes by an event's number: it must never come to mean another
    )
