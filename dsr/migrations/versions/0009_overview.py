"""How every request stands, made from the events and kept beside them; which request a ticket became, by hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The overview is empty at first: whoever looks at it, and `python -m dsr db upgrade`, brings it up to the events.
    The tickets of requests that came before can't be looked up: no table ever had them."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "overview",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="the last event that this row knows of"),
        sa.Column("right", sa.Text, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("target", sa.Date, nullable=False),
        sa.Column("legal_latest", sa.Date, nullable=False, comment="the last day of the first month"),
        sa.Column("latest", sa.Date, nullable=False, comment="the last day by law, as extended"),
        sa.Column("extended_for", sa.Text, nullable=False, comment="a reason's code; empty = not extended"),
        sa.Column("settled", sa.Boolean, nullable=False, comment="answered or closed, so that no day counts any more"),
        sa.Column("answered_at", moment, comment="when the person had the answer proper; null = not yet, or never"),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False, comment="a code; empty = none yet"),
        sa.Column("refused_for", sa.Text, nullable=False, comment="a reason's code; empty = not refused"),
        sa.Column("place", sa.Text, nullable=False, comment="the step where it is; empty = closed"),
        sa.Column("waits", sa.Text, nullable=False, comment="whom for; empty = nobody"),
        sa.Column("sources", sa.Text, nullable=False, comment="those that it waits for, with spaces between them"),
        sa.Column(
            "failed", sa.Text, nullable=False, comment="stopped, or the task that its run failed in; empty = neither"
        ),
        sa.Column("run", sa.Text, nullable=False, comment="which run it has: its right's, or triage"),
    )
    op.create_index("overview_latest", "overview", ["latest", "request_id"])
    op.create_index("overview_received_at", "overview", ["received_at"])
    _beside()


def _beside() -> None:
    op.create_table(
        "overview_searches",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True, comment="in UTC"),
        sa.Column("status", sa.Text, primary_key=True, comment="found, none, failed or not_connected"),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "overview_state",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("form", sa.SmallInteger, nullable=False, comment="of the rows; another one has them made anew"),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="the last event that the overview knows of"),
        sa.CheckConstraint("id = 1", name="overview_state_single"),
    )
    op.execute("INSERT INTO overview_state VALUES (1, 0, 0)")
    hashed = "HMAC-SHA256 of the ticket's id; null = entered before there was this column"
    op.add_column("requesters", sa.Column("ticket", sa.LargeBinary, comment=hashed))
    op.create_index("requesters_ticket", "requesters", ["ticket"])


def downgrade() -> None:
    """All of the overview can be made again; the hashes of tickets can't."""
    op.drop_column("requesters", "ticket")
    for table in ("overview_state", "overview_searches", "overview"):
        op.drop_table(table)
