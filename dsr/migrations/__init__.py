"""Alembic's migrations of the ledger's database; `database.upgrade` runs them from the installed package."""
