r"""create audit_entries table.

What: the table `audit_entries`: who changed what, and who read which class lists, a row each, written by the
    transaction that does so. Triggers refuse every change and removal of rows. It holds keys, which refer to nothing,
    and neither names nor addresses; the indexes (student_id, id) and (course_id, id) find what concerns one of them.
Why: student records are personal data: whoever answers for them has to be able to tell what was done with them, also
    after a student or a course is gone, and nobody should be able to tidy that up by accident.
Locks: none that others could wait for, since nobody knows this table yet. SQLite: the write lock of the file, for a few
    milliseconds.
Verification: the revision ends by checking `INTEGRITY_RULES`; `gql-api verify` repeats that, and looks for the
    triggers. By hand: `UPDATE audit_entries SET actor = actor` says that the audit is append-only.
Way back: `alembic downgrade 0003` drops the table and with it the audit; all else stays. To keep it:
    `COPY audit_entries TO …` on PostgreSQL, `.dump audit_entries` in the sqlite3 shell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_api.database.integrity import IntegrityRule, require_integrity

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = {"postgresql": sa.text("now()"), "sqlite": sa.text("(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")}
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ACTIONS = (
    "'CREATE_STUDENT', 'UPDATE_STUDENT', 'DELETE_STUDENT', 'EXPORT_STUDENT', 'ERASE_STUDENT', 'CREATE_COURSE',"
    " 'UPDATE_COURSE', 'DELETE_COURSE', 'ASSIGN_COURSE', 'UNASSIGN_COURSE', 'READ_CLASS_LIST', 'FOLLOW_ASSIGNMENTS',"
    " 'IMPORT'"
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
        # For each statement, because TRUNCATE knows no rows.
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change()",
    ),
}

INTEGRITY_RULES = (
    IntegrityRule(
        "events_name_no_erased_student",
        "No event from before a student was erased holds the student's name.",
        "SELECT assignment_events.id AS event_id, assignment_events.student_id FROM assignment_events"
        " JOIN audit_entries ON audit_entries.student_id = assignment_events.student_id"
        " WHERE audit_entries.action = 'ERASE_STUDENT'"
        " AND assignment_events.occurred_at < audit_entries.occurred_at"
        " AND assignment_events.student_name <> '[erased]'",
    ),
)


def upgrade() -> None:
    """Create the table and what guards it."""
    dialect_name = op.get_context().dialect.name
    op.create_table(
        "audit_entries",
        sa.Column("id", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), server_default=NOW[dialect_name], nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("student_id", KEY, nullable=True),
        sa.Column("course_id", KEY, nullable=True),
        sa.Column("request_id", sa.String(128), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_entries_pkey")),
        sa.CheckConstraint(f"action IN ({ACTIONS})", name=op.f("audit_entries_action_check")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("audit_entries_student_id_id_idx"), "audit_entries", ["student_id", "id"])
    op.create_index(op.f("audit_entries_course_id_id_idx"), "audit_entries", ["course_id", "id"])
    for statement in APPEND_ONLY[dialect_name]:
        op.execute(statement)
    if not op.get_context().as_sql:
        require_integrity(op.get_bind(), INTEGRITY_RULES)


def downgrade() -> None:
    """Drop the table and what guards it."""
    op.drop_table("audit_entries")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_entries_refuse_change()")
