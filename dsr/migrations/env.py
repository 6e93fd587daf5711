"""Runs the migrations on the connection that `database.upgrade` hands over, inside its transaction."""

from alembic import context

from dsr import overview_tables  # noqa: F401  (its tables are among the metadata)
from dsr.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
