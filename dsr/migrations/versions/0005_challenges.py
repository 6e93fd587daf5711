"""Who asks is asked to confirm it, by a contact on file."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLE = "challenges"


def upgrade() -> None:
    """Hashes only, as with download links."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("link", sa.LargeBinary, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("contact", sa.LargeBinary, nullable=False),
        sa.Column("second", sa.LargeBinary),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("code", sa.LargeBinary),
        sa.Column("code_until", moment),
        sa.Column("codes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("reminders", sa.Integer, nullable=False, server_default="0"),
        sa.Column("confirmed_at", moment),
    )
    op.create_index("challenges_contact", _TABLE, ["contact", "created_at"])
    op.create_index("challenges_request_id", _TABLE, ["request_id"])


def downgrade() -> None:
    """Who has confirmed stays in the ledger."""
    op.drop_table(_TABLE)
