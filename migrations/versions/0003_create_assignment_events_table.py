r"""create assignment_events table.

What: the table `assignment_events`, an outbox: one row for each assignment that is made or removed, written by the
    transaction that does so. `id` numbers the rows as they are written, the unique `position` as they are seen
    committed. The keys of student and course refer to nothing, and a few columns repeat what every student and course
    has: an event outlives both.
Why: subscribers are to be told of an assignment exactly if it is committed, whichever process did it. Two numbers,
    because on PostgreSQL a sequence gives its values before the commit: of two transactions the one with the smaller
    `id` may commit last, and whoever read up to the greater one would never see it. So a committed row without a
    position is given the next one, by one process at a time, under an advisory lock; positions appear in their own
    order, and reading what lies behind the last position misses nothing. On SQLite a transaction writes alone, `id` is
    the order of the commits, and `position` stays NULL.
Locks: none that others could wait for, since nobody knows this table yet. SQLite: the write lock of the file, for a few
    milliseconds.
Verification: `gql-api verify`, or on PostgreSQL `\d assignment_events`. After an `assignCourse` there is one row.
Way back: `alembic downgrade 0002` drops the table and with it all events; students, courses and assignments stay.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = {"postgresql": sa.text("now()"), "sqlite": sa.text("(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")}
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "assignment_events",
        sa.Column("id", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("position", KEY, nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column("assigned_at", TIME, nullable=False),
        sa.Column("occurred_at", TIME, server_default=NOW[op.get_context().dialect.name], nullable=False),
        sa.Column("student_name", TEXT, nullable=False),
        sa.Column("student_created_at", TIME, nullable=False),
        sa.Column("course_code", TEXT, nullable=False),
        sa.Column("course_title", TEXT, nullable=False),
        sa.Column("course_created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("assignment_events_pkey")),
        sa.UniqueConstraint("position", name=op.f("assignment_events_position_key")),
        sa.CheckConstraint("kind IN ('ASSIGNED', 'UNASSIGNED')", name=op.f("assignment_events_kind_check")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the table and all events."""
    op.drop_table("assignment_events")
