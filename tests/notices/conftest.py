"""Fixtures of this folder; they stand in a module of their own so that tests can import what they are made of."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from notice_office import notice_ledger_url, office

__all__ = ["notice_ledger_url", "office"]
