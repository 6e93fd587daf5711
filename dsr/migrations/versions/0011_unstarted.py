"""Which accepted requests have no run yet, kept by the database itself with each event that changes it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_UNSTARTED = "unstarted"
_ON_ITS_WAY = "('run_started', 'closed')"

# A delivery that came twice at once may note the receipt again after the start.
_NOTE = f"""
CREATE FUNCTION note_unstarted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind IN {_ON_ITS_WAY} THEN
    DELETE FROM unstarted WHERE request_id = NEW.request_id;
  ELSIF NOT EXISTS (SELECT FROM events WHERE request_id = NEW.request_id AND kind IN {_ON_ITS_WAY}) THEN
    INSERT INTO unstarted (request_id, seq, at) VALUES (NEW.request_id, NEW.seq, NEW.at) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$
"""  # noqa: S608

_BEFORE = f"""
INSERT INTO unstarted (request_id, seq, at)
SELECT request_id, min(seq), min(at) FROM events e WHERE kind = 'request_received'
AND NOT EXISTS (SELECT FROM events o WHERE o.request_id = e.request_id AND o.kind IN {_ON_ITS_WAY}) GROUP BY request_id
"""  # noqa: S608


def upgrade() -> None:
    """A trigger rather than the program: what a process of the version before accepts during the upgrade counts too.
    It comes first and holds appends up until those of before are entered."""
    op.create_table(
        _UNSTARTED,
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="of the event of its receipt; the order of starting"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, comment="when that event was noted"),
    )
    op.create_index("unstarted_seq", _UNSTARTED, ["seq"])
    op.execute(_NOTE)
    op.execute(
        "CREATE TRIGGER events_unstarted AFTER INSERT ON events FOR EACH ROW "
        "WHEN (NEW.kind IN ('request_received', 'run_started', 'closed')) EXECUTE FUNCTION note_unstarted()"
    )
    op.execute(_BEFORE)


def downgrade() -> None:
    """The ledger has it all."""
    op.execute("DROP TRIGGER events_unstarted ON events")
    op.execute("DROP FUNCTION note_unstarted()")
    op.drop_table(_UNSTARTED)
