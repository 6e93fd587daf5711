"""Tables of the overview of all requests, which is made from the ledger's events (see `dsr.overview`)."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Index, SmallInteger, Table, Text

from dsr.tables import MOMENT, metadata

overview = Table(
    "overview",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="the last event that this row knows of"),
    Column("right", Text, nullable=False),
    Column("received_at", MOMENT, nullable=False),
    Column("target", Date, nullable=False),
    Column("legal_latest", Date, nullable=False, comment="the last day of the first month"),
    Column("latest", Date, nullable=False, comment="the last day by law, as extended"),
    Column("extended_for", Text, nullable=False, comment="a reason's code; empty = not extended"),
    Column("settled", Boolean, nullable=False, comment="answered or closed, so that no day counts any more"),
    Column("answered_at", MOMENT, comment="when the person had the answer proper; null = not yet, or never"),
    Column("closed", Boolean, nullable=False),
    Column("outcome", Text, nullable=False, comment="a code; empty = none yet"),
    Column("refused_for", Text, nullable=False, comment="a reason's code; empty = not refused"),
    Column("place", Text, nullable=False, comment="the step where it is; empty = closed"),
    Column("waits", Text, nullable=False, comment="whom for; empty = nobody"),
    Column("sources", Text, nullable=False, comment="those that it waits for, with spaces between them"),
    Column("failed", Text, nullable=False, comment="stopped, or the task that its run failed in; empty = neither"),
    Column("run", Text, nullable=False, comment="which run it has: its right's, or triage"),
    Index("overview_latest", "latest", "request_id"),
    Index("overview_received_at", "received_at"),
)

overview_searches = Table(
    "overview_searches",
    metadata,
    Column("source", Text, primary_key=True),
    Column("day", Date, primary_key=True, comment="in UTC"),
    Column("status", Text, primary_key=True, comment="found, none, failed or not_connected"),
    Column("count", BigInteger, nullable=False),
)

overview_state = Table(
    "overview_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("form", SmallInteger, nullable=False, comment="of the rows; another one has them made anew"),
    Column("seq", BigInteger, nullable=False, comment="the last event that the overview knows of"),
    CheckConstraint("id = 1", name="overview_state_single"),
)
