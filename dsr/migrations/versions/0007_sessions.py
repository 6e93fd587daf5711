"""Who has entered link and code and may fetch the package now; how often addresses have tried."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SESSIONS = "sessions"
_ALLOWANCES = "allowances"


def upgrade() -> None:
    """Hashes only."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _SESSIONS,
        sa.Column("session", sa.LargeBinary, primary_key=True, comment="hash of the cookie"),
        sa.Column("link", sa.LargeBinary, nullable=False, comment="hash of the link it came by; it ends with that"),
        sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of the package it is for, hex"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("ended_at", moment, comment="when the person was done; null = not said"),
        sa.Column(
            "noted",
            postgresql.ARRAY(sa.Text),
            nullable=False,
            server_default=sa.text("'{}'::text[]"),
            comment="codes; in the ledger",
        ),
    )
    op.create_index("sessions_link", _SESSIONS, ["link", "created_at"])
    op.create_index("sessions_expires_at", _SESSIONS, ["expires_at"])
    op.create_table(
        _ALLOWANCES,
        sa.Column("address", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of what was tried and from where"),
        sa.Column("since", moment, nullable=False, comment="they are counted from then"),
        sa.Column("used", sa.Integer, nullable=False, comment="attempts since"),
    )
    op.create_index("allowances_since", _ALLOWANCES, ["since"])


def downgrade() -> None:
    """Whoever is fetching has to enter link and code again."""
    op.drop_table(_ALLOWANCES)
    op.drop_table(_SESSIONS)
