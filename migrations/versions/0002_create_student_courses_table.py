r"""create student_courses table.

What: the table `student_courses`, which holds who takes which course: `student_id`, `course_id`, `assigned_at`. The
    primary key (student_id, course_id) makes an assignment unique and holds a student's courses together; the index
    (course_id, student_id) serves the other direction. Both keys refer to their tables, and an assignment goes with
    its student or its course (ON DELETE CASCADE).
Why: without it nobody can be assigned to anything. It is a table of its own, and not a list in either of the others,
    because an assignment has data of its own and is looked up from both sides.
Locks: PostgreSQL takes SHARE ROW EXCLUSIVE on `students` and `courses` to attach the foreign keys: reading goes on,
    writing to these two waits until the commit. As the new table is empty nothing is scanned, so that is milliseconds
    whatever the number of students; if the locks cannot be had within 5 seconds the migration gives up, rather than
    letting everybody queue behind it. SQLite: the write lock of the file for as long; reading goes on.
Verification: the revision ends by checking `INTEGRITY_RULES`, and is rolled back with an error if a row breaks one.
    `gql-api verify` repeats that on the live database. By hand: `SELECT count(*) FROM students` and `courses` give
    what they gave before; `\d student_courses` shows two foreign keys and the index.
Way back: `alembic downgrade 0001` drops the table and with it all assignments; students and courses stay. To keep the
    assignments: `COPY student_courses TO …` on PostgreSQL, `.dump student_courses` in the sqlite3 shell.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gql_api.database.integrity import IntegrityRule, require_integrity

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOW = {"postgresql": sa.text("now()"), "sqlite": sa.text("(strftime('%Y-%m-%d %H:%M:%f000', 'now'))")}
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

INTEGRITY_RULES = (
    IntegrityRule(
        "assignments_have_their_student",
        "Every assignment is of a student who exists.",
        # With all columns, SQLite scans the table and meets the students in their own order; the two ids alone it would
        # take from the reverse index, which is smaller, and look up every student at random: ten times slower.
        "SELECT student_id, course_id, assigned_at FROM student_courses"
        " WHERE NOT EXISTS (SELECT 1 FROM students WHERE students.id = student_courses.student_id)",
    ),
    IntegrityRule(
        "assignments_have_their_course",
        "Every assignment is to a course that exists.",
        "SELECT student_id, course_id, assigned_at FROM student_courses"
        " WHERE NOT EXISTS (SELECT 1 FROM courses WHERE courses.id = student_courses.course_id)",
    ),
    IntegrityRule(
        "assignments_are_unique",
        "No student is assigned to a course twice.",
        "SELECT student_id, course_id, count(*) AS times FROM student_courses"
        " GROUP BY student_id, course_id HAVING count(*) > 1",
    ),
    IntegrityRule(
        "courses_are_not_over_full",
        "No course has more students than seats.",
        "SELECT id AS course_id, capacity, coalesce(students, 0) AS seats_taken FROM courses"
        " LEFT JOIN (SELECT course_id, count(*) AS students FROM student_courses GROUP BY course_id) AS taken"
        " ON taken.course_id = courses.id WHERE coalesce(students, 0) > capacity",
    ),
)


def upgrade() -> None:
    """Create the table and its reverse index, then check what is in the database."""
    op.create_table(
        "student_courses",
        sa.Column("student_id", KEY, nullable=False),
        sa.Column("course_id", KEY, nullable=False),
        sa.Column(
            "assigned_at",
            sa.DateTime(timezone=True),
            server_default=NOW[op.get_context().dialect.name],
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("student_id", "course_id", name=op.f("student_courses_pkey")),
        sa.ForeignKeyConstraint(
            ["student_id"], ["students.id"], name=op.f("student_courses_student_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["course_id"], ["courses.id"], name=op.f("student_courses_course_id_fkey"), ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("student_courses_course_id_student_id_idx"), "student_courses", ["course_id", "student_id"])
    if not op.get_context().as_sql:
        require_integrity(op.get_bind(), INTEGRITY_RULES)


def downgrade() -> None:
    """Drop the table and all assignments."""
    op.drop_table("student_courses")
