"""Fixtures of this folder; they stand in a module of their own so that tests can import what they are made of."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dispatch import dispatch, dispatch_ledger_url

__all__ = ["dispatch", "dispatch_ledger_url"]
