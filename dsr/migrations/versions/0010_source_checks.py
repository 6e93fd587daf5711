"""What came of looking at each source system, for the officers' page and the alarm."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHECKS = "source_checks"


def upgrade() -> None:
    """Names of tables and fields, no values."""
    op.create_table(
        _CHECKS,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("code", sa.Text, nullable=False, comment="of the error; empty = all was well"),
        sa.Column("undeclared", JSONB, nullable=False, comment="names of tables and fields that nobody declared"),
        sa.Column("fresh", JSONB, nullable=False, comment="those of them that the last good check did not see"),
        sa.Column("calls_left", sa.BigInteger, comment="of the day's; null = the system doesn't say"),
        sa.Column("calls_a_day", sa.BigInteger),
    )


def downgrade() -> None:
    """The next check makes all of it anew."""
    op.drop_table(_CHECKS)
