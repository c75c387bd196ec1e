r"""create function seats_left_once_locked.

What: on PostgreSQL, the function `seats_left_once_locked(course)`: it locks the row of a course, then counts its
    assignments, and gives back how many seats are left: NULL without a capacity, 0 if there is no such course.
Why: an assignment may then be one statement, in autocommit, where it was BEGIN, a lock, an INSERT and COMMIT. Whoever
    counts in the statement that waits for the lock sees the database as it was before the wait, and would give the last
    seat away twice. In a function that is VOLATILE each statement sees what was committed when it begins (PostgreSQL's
    documentation, section 38.7), so the count sees what the lock's last holder did.
Locks: none. The function's own are those of an assignment: FOR NO KEY UPDATE of the course, FOR SHARE if it has no
    capacity, until the transaction ends.
Verification: `SELECT seats_left_once_locked(1)`.
Way back: `alembic downgrade 0004` drops the function; older programs do not know it, newer ones need it.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FUNCTION = """
CREATE FUNCTION seats_left_once_locked(wanted bigint) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    seats integer;
    taken bigint;
BEGIN
    PERFORM FROM courses WHERE id = wanted AND capacity IS NULL FOR SHARE;
    IF FOUND THEN
        RETURN NULL;
    END IF;
    SELECT capacity INTO seats FROM courses WHERE id = wanted FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    IF seats IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT count(*) INTO taken FROM student_courses WHERE course_id = wanted;
    RETURN greatest(seats - taken, 0);
END $$
"""


def upgrade() -> None:
    """Create the function."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(FUNCTION)


def downgrade() -> None:
    """Drop the function."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION seats_left_once_locked(bigint)")
