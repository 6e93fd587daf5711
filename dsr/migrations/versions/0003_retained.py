"""Which records an erasure left since a law, a hold or a lock keeps them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the tables of `dsr.tables`."""
    op.create_table(
        "retained",
        sa.Column("record", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of source, dataset and record id"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("ground", sa.Text, nullable=False, comment="a DPV term; empty when the system itself keeps it"),
        sa.Column("reason", sa.Text, nullable=False, comment="a code"),
        sa.Column("until", sa.Date, comment="the last day that it is kept; null = no end is known"),
        sa.Column("digest", sa.Text, nullable=False, comment="of the approved plan"),
        sa.Column(
            "version", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the version; empty when it was not read"
        ),
        sa.Column(
            "sealed", sa.LargeBinary, nullable=False, comment="the record's id and how to know it again, AES-256-GCM"
        ),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.Column("asked_at", _MOMENT, comment="when its erasure was asked for; null = not yet"),
        sa.Column("left_at", _MOMENT, comment="since when it waits for a person; null = it doesn't"),
    )
    op.create_index("retained_source", "retained", ["source", "request_id"])
    op.create_index("retained_request_id", "retained", ["request_id"])
    op.create_table(
        "retained_ways",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False, comment="ids that lead to the records, AES-256-GCM"),
    )
    op.create_table(
        "retained_subjects",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column(
            "subject", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value, as legal holds have it"
        ),
    )


def downgrade() -> None:
    """Drops them: what is kept would be forgotten, and never be erased."""
    for table in ("retained_subjects", "retained_ways", "retained"):
        op.drop_table(table)
