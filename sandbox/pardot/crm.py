"""The Salesforce org that the business unit is connected to: the sandbox's own, when it lies in the same folder."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sandbox.pardot.data import Record
from sandbox.pardot.settings import Settings

LINKS = ("salesforceContactId", "salesforceLeadId", "salesforceId")
"""Fields of a prospect that name its lead or contact."""


class Crm:
    """Reads leads and contacts of the sandbox's Salesforce from its state; without one, no CRM is connected."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._path, self._settings = folder / "salesforce.sqlite3", settings

    @property
    def connected(self) -> bool:
        """Whether there is a Salesforce beside this."""
        return self._path.exists()

    def people(self) -> Iterator[tuple[str, Record]]:
        """("Contact" or "Lead", record), deleted ones too."""
        if not self.connected:
            return
        with closing(self._open()) as db:
            for name, text in db.execute("SELECT c, v FROM doc WHERE c IN ('Contact', 'Lead') ORDER BY rowid"):
                yield name, json.loads(text)

    def holds(self, prospect: Record) -> bool:
        """Whether a lead or contact of the prospect is still there, in the recycle bin too if `crm_bin_holds`."""
        ids = {prospect.get(name) for name in LINKS} - {None}
        if not ids or not self.connected:
            return False
        keys = [(kind, str(key)) for kind in ("Contact", "Lead") for key in ids]
        with closing(self._open()) as db:
            rows = [row for key in keys for row in db.execute("SELECT v FROM doc WHERE c = ? AND k = ?", key)]
        records = [json.loads(text) for (text,) in rows]
        return any(not r["IsDeleted"] or self._settings.crm_bin_holds for r in records)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
