r"""create students and courses tables.

What: the tables `students` and `courses`, with their keys, unique e-mail addresses, codes and sourcedIds, checks
    against negative credits and capacities, and the indexes that lists of students are read by.
Why: the baseline; what there is before anyone is assigned to anything.
Locks: none that others could wait for, since nobody knows these tables yet. SQLite: the write lock of the file, for
    a few milliseconds.
Verification: `gql-api verify`, or on PostgreSQL `\d students` and `\d courses`.
Way back: `alembic downgrade base` drops both tables, with all students and courses in them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Revisions spell out what they make instead of taking it from the models: the models go on changing, a revision is
# history.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
NOW = {"postgresql": sa.text("now()"), "sqlite": sa.text("(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")}


def upgrade() -> None:
    """Create both tables."""
    now = NOW[op.get_context().dialect.name]
    op.create_table(
        "students",
        sa.Column("id", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("sourced_id", TEXT, nullable=True),
        sa.Column("created_at", TIME, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("students_pkey")),
        sa.UniqueConstraint("email", name=op.f("students_email_key")),
        sa.UniqueConstraint("sourced_id", name=op.f("students_sourced_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("students_name_id_idx"), "students", ["name", "id"])
    op.create_index(op.f("students_created_at_id_idx"), "students", ["created_at", "id"])
    op.create_table(
        "courses",
        sa.Column("id", KEY, sa.Identity(always=False), nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("credits", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("sourced_id", TEXT, nullable=True),
        sa.Column("created_at", TIME, server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("courses_pkey")),
        sa.CheckConstraint("credits >= 0", name=op.f("courses_credits_check")),
        sa.CheckConstraint("capacity >= 0", name=op.f("courses_capacity_check")),
        sa.UniqueConstraint("code", name=op.f("courses_code_key")),
        sa.UniqueConstraint("sourced_id", name=op.f("courses_sourced_id_key")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop both tables and all that is in them."""
    op.drop_table("courses")
    op.drop_table("students")
