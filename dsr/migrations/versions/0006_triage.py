"""Who has asked for what, by hashes, so that the same request isn't answered twice; which ID tokens were used."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REQUESTERS = "requesters"
_TOKENS = "id_tokens"


def upgrade() -> None:
    """Hashes only."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _REQUESTERS,
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("address", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the stated address"),
        sa.Column(
            "going", sa.Text, nullable=False, server_default="", comment="right it goes its way by; empty = none"
        ),
        sa.Column("place", sa.BigInteger, nullable=False, server_default="0", comment="order in which they set out"),
        sa.Column("at", moment, nullable=False),
    )
    op.create_index("requesters_address", _REQUESTERS, ["address", "at"])
    op.create_table(
        _TOKENS,
        sa.Column("token", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of the token's issuer and id"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("until", moment, nullable=False, comment="it is expired by then"),
    )


def downgrade() -> None:
    """What was joined and who was verified stays in the ledger."""
    op.drop_table(_TOKENS)
    op.drop_table(_REQUESTERS)
