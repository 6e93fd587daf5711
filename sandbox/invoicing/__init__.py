"""Invoicing: a real PostgreSQL with the canonical schema."""
