"""Erasure lists are found without going through all events."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAME = "events_lists"


def upgrade() -> None:
    """Of the few events that are about a list."""
    op.create_index(_NAME, "events", ["kind", "seq"], postgresql_where=sa.text("kind IN ('list_received', 'listed')"))


def downgrade() -> None:
    """They are found all the same."""
    op.drop_index(_NAME, "events")
