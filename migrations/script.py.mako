r"""${message}.

What: TODO
Why: TODO
Locks: TODO (which tables, which mode, for how long; SQLite always holds the file's write lock)
Verification: TODO (the queries that show that all went well; INTEGRITY_RULES where they must hold for ever)
Way back: TODO (what the downgrade loses)
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade the schema."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take the upgrade back."""
    ${downgrades if downgrades else "pass"}
