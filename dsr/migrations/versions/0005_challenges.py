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
        sa.Column("link", sa.LargeBinary, primary_key=True, comment="hash of the link"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("contact", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the address that was written to"),
        sa.Column(
            "second", sa.LargeBinary, comment="hash of the code in the ticket, keyed by the link; NULL = none is needed"
        ),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column(
            "code",
            sa.LargeBinary,
            comment="hash of the code that was mailed last, keyed by the link; NULL = none is out",
        ),
        sa.Column("code_until", moment, comment="the code is good until then"),
        sa.Column("codes", sa.Integer, nullable=False, server_default="0", comment="codes mailed so far"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="wrong answers so far"),
        sa.Column("reminders", sa.Integer, nullable=False, server_default="0", comment="mails that reminded of it"),
        sa.Column("confirmed_at", moment, comment="when the person confirmed; NULL = not yet"),
    )
    op.create_index("challenges_contact", _TABLE, ["contact", "created_at"])
    op.create_index("challenges_request_id", _TABLE, ["request_id"])


def downgrade() -> None:
    """Who has confirmed stays in the ledger."""
    op.drop_table(_TABLE)
