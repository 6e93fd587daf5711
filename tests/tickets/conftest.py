"""Fixtures of this folder; they stand in a module of their own so that tests can import what they are made of."""

from ticket_office import engine, office, systems

__all__ = ["engine", "office", "systems"]
