"""Each request puts a person on the suppression list by itself, so that the end of one doesn't take another's away."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = "suppression"
_KEY = ["identifier", "scope"]


def upgrade() -> None:
    """The request becomes part of the key."""
    op.drop_constraint(f"{_TABLE}_pkey", _TABLE, type_="primary")
    op.create_primary_key(f"{_TABLE}_pkey", _TABLE, [*_KEY, "request_id"])


def downgrade() -> None:
    """Of several requests' entries the one that holds, else the latest, stays."""
    op.execute(
        f"DELETE FROM {_TABLE} one USING {_TABLE} other WHERE one.identifier = other.identifier "  # noqa: S608
        "AND one.scope = other.scope AND (one.lifted_at IS NULL, one.since, one.request_id) "
        "< (other.lifted_at IS NULL, other.since, other.request_id)"
    )
    op.drop_constraint(f"{_TABLE}_pkey", _TABLE, type_="primary")
    op.create_primary_key(f"{_TABLE}_pkey", _TABLE, _KEY)
