"""Ledger, deliveries, links and the subject index; the trigger that lets events only be added."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)

_REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger can only grow' USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    """Makes the tables of `dsr.tables`."""
    _events()
    op.create_table(
        "deliveries",
        sa.Column("key", sa.LargeBinary, primary_key=True, comment="SHA-256 of channel and delivery id"),
        sa.Column("digest", sa.Text, nullable=False, comment="of the delivery's body"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("link", sa.LargeBinary, primary_key=True, comment="hash of the link"),
        sa.Column("code", sa.LargeBinary, nullable=False, comment="hash of the code, keyed by the link"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0", comment="wrong codes so far"),
    )
    op.create_index("links_expires_at", "links", ["expires_at"])
    op.create_index("links_request_id", "links", ["request_id"])
    op.create_table(
        "subject_index",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("identifier", sa.LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value"),
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("reference", JSONB, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "index_freshness",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3 … without gaps"),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, comment="see schemas/event.schema.json"),
        sa.Column("detail", JSONB, nullable=False, comment="codes, counts and hashes"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("previous", sa.Text, nullable=False, comment="hash of the event before, hex; 64 zeros for the first"),
        sa.Column("hash", sa.Text, nullable=False, comment="SHA-256 over the RFC 8785 form of the columns before, hex"),
    )
    op.create_index("events_request_id", "events", ["request_id", "seq"])
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, comment="hash of the last event"),
        sa.Column(
            "signature", sa.Text, nullable=False, comment="HMAC-SHA256 over count and hash, hex; empty when unsigned"
        ),
        sa.CheckConstraint("id = 1", name="ledger_head_single"),
    )
    op.execute("INSERT INTO ledger_head VALUES (1, 0, repeat('0', 64), '')")
    op.execute(_REFUSE)
    op.execute(
        "CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER ledger_head_stays BEFORE DELETE OR TRUNCATE ON ledger_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Drops everything, the evidence too."""
    for table in ("index_freshness", "subject_index", "links", "deliveries", "ledger_head", "events"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
