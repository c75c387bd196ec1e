"""The audit: who changed what, and who read which class lists; rows are added, and never changed or removed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import DDL, BigInteger, CheckConstraint, Index, Integer, String, event
from sqlalchemy import Text as UnlimitedText
from sqlalchemy.orm import Mapped, mapped_column

from gql_api.models.model import Key, Model, UtcDateTime, utc_now

_KEY = BigInteger().with_variant(Integer, "sqlite")

ACTION_LENGTH_MAX = 32
ROLE_LENGTH_MAX = 16
REQUEST_ID_LENGTH_MAX = 128


class AuditAction(StrEnum):
    """What was done."""

    CREATE_STUDENT = "CREATE_STUDENT"
    UPDATE_STUDENT = "UPDATE_STUDENT"
    DELETE_STUDENT = "DELETE_STUDENT"
    EXPORT_STUDENT = "EXPORT_STUDENT"
    ERASE_STUDENT = "ERASE_STUDENT"
    CREATE_COURSE = "CREATE_COURSE"
    UPDATE_COURSE = "UPDATE_COURSE"
    DELETE_COURSE = "DELETE_COURSE"
    ASSIGN_COURSE = "ASSIGN_COURSE"
    UNASSIGN_COURSE = "UNASSIGN_COURSE"
    READ_CLASS_LIST = "READ_CLASS_LIST"
    FOLLOW_ASSIGNMENTS = "FOLLOW_ASSIGNMENTS"
    IMPORT = "IMPORT"


class AuditEntry(Model):
    """Something that was done, by whom, and to which student and course.

    No name and no address stands here, nor any value that a field had: only keys, which refer to nothing, so that an
    entry outlives whatever it is about, and says no more once that is erased.

    Attributes:
        actor: the token's subject, or the operating system's name of whoever ran a command; NULL if that has none.
        role: the role of the actor; `operator` of a command.
        request_id: the id under which the request was logged; NULL of a command.
        details: what else there is to say, as a JSON object, such as the names of the fields that were changed.
    """

    __tablename__ = "audit_entries"

    id: Mapped[Key]
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=utc_now())
    actor: Mapped[str | None] = mapped_column(UnlimitedText)
    role: Mapped[str] = mapped_column(String(ROLE_LENGTH_MAX))
    action: Mapped[str] = mapped_column(String(ACTION_LENGTH_MAX))
    student_id: Mapped[int | None] = mapped_column(_KEY)
    course_id: Mapped[int | None] = mapped_column(_KEY)
    request_id: Mapped[str | None] = mapped_column(String(REQUEST_ID_LENGTH_MAX))
    details: Mapped[str | None] = mapped_column(UnlimitedText)

    __table_args__ = (
        CheckConstraint(f"action IN ({', '.join(repr(str(action)) for action in AuditAction)})", name="action"),
        Index(None, "student_id", "id"),
        Index(None, "course_id", "id"),
        {
            "sqlite_autoincrement": True,
            "info": {
                "triggers": {
                    "sqlite": (
                        "audit_entries_refuse_delete",
                        "audit_entries_refuse_replace",
                        "audit_entries_refuse_update",
                    ),
                    "postgresql": ("audit_entries_append_only",),
                }
            },
        },
    )


APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_entries_refuse_update BEFORE UPDATE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        "CREATE TRIGGER audit_entries_refuse_delete BEFORE DELETE ON audit_entries"
        " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
        # REPLACE removes the old row without firing the trigger above.
        "CREATE TRIGGER audit_entries_refuse_replace BEFORE INSERT ON audit_entries"
        " WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id)"
        " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change()",
    ),
}
"""What keeps the rows as they are, by dialect."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(AuditEntry.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
