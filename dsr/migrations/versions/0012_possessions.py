"""Whether who asks holds the phone of a number that only a form states."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TABLE = "possessions"


def upgrade() -> None:
    """Hashes only, as with challenges."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _TABLE,
        sa.Column("link", sa.LargeBinary, primary_key=True, comment="hash of the link"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("contact", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the address that was written to"),
        sa.Column("number", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the number that is asked about"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column(
            "code",
            sa.LargeBinary,
            comment="hash of the code that was sent last, keyed by the link; NULL = none is out",
        ),
        sa.Column("code_until", moment, comment="the code is good until then"),
        sa.Column("texts", sa.Integer, nullable=False, server_default="0", comment="texts sent so far"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="wrong answers so far"),
        sa.Column("proven_at", moment, comment="when the person had the phone in hand; NULL = not yet"),
    )
    for name in ("contact", "number", "request_id"):
        op.create_index(f"possessions_{name}", _TABLE, [name, "created_at"])


def downgrade() -> None:
    """What was proven stays in the ledger."""
    op.drop_table(_TABLE)
