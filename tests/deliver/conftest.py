"""Fixtures of this folder; they stand in a module of their own so that tests can import what they are made of."""

from counter_hall import clock, ledger_url, office, portal

__all__ = ["clock", "ledger_url", "office", "portal"]
