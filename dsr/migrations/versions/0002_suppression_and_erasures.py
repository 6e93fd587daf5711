"""Who must not be imported again, and which records were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Makes the tables of `dsr.tables`."""
    op.create_table(
        "suppression",
        sa.Column("identifier", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value"),
        sa.Column("scope", sa.Text, primary_key=True, comment="all or marketing"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("lifted_at", _MOMENT, comment="when it ended; null while it holds"),
        sa.Column("lifted_reason", sa.Text, nullable=False, server_default="", comment="a code"),
    )
    op.create_index("suppression_request_id", "suppression", ["request_id"])
    op.create_table(
        "erasures",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("record", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of source, dataset and record id"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("effect", sa.Text, nullable=False, comment="erase or anonymise"),
        sa.Column("version", sa.LargeBinary, nullable=False, comment="HMAC-SHA256 of the approved version"),
        sa.Column("digest", sa.Text, nullable=False, comment="of the approved plan"),
        sa.Column("sealed", sa.LargeBinary, nullable=False, comment="the record's id, AES-256-GCM"),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.Column("erased_at", _MOMENT, comment="when it was seen to be gone; null until then"),
    )
    op.create_index("erasures_source", "erasures", ["source", "request_id"])


def downgrade() -> None:
    """Drops both: erased persons could be imported again."""
    op.drop_table("erasures")
    op.drop_table("suppression")
