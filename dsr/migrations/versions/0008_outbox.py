"""Whose ticket waits for an answer that could not be written, and how far each ticket was told; ids and codes only."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OUTBOX = "outbox"
_TOLD = "told_stages"


def upgrade() -> None:
    """Tickets of requests that are under way are told nothing but the answer: nobody knows how far they were told."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        _OUTBOX,
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("answer", sa.Boolean, nullable=False, comment="the person waits for something; else only notes"),
        sa.Column("since", moment, nullable=False),
        sa.Column("due", moment, nullable=False, comment="when it is tried next"),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0", comment="in vain so far"),
        sa.Column("code", sa.Text, nullable=False, server_default="", comment="of the last error; empty = not tried"),
        sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false(), comment="a person has to see to it"),
    )
    op.create_index("outbox_due", _OUTBOX, ["due"])
    op.create_table(
        _TOLD,
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("stages", sa.Integer, nullable=False, comment="how many its ticket was told, or passed over"),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="of the last event that was looked at"),
    )
    op.create_index("told_stages_seq", _TOLD, ["seq"])
    op.execute(
        "INSERT INTO told_stages (request_id, stages, seq) "
        "SELECT request_id, 1000, max(seq) FROM events GROUP BY request_id"  # more stages than there are
    )


def downgrade() -> None:
    """What waits in case files stays there, and nobody finds it."""
    op.drop_table(_TOLD)
    op.drop_table(_OUTBOX)
