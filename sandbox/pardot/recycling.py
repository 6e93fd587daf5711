"""The recycle bin of prospects: into it, out of it, and for good. Nothing of it reaches what hangs on a prospect."""

from datetime import datetime

from sandbox.pardot.crm import Crm
from sandbox.pardot.data import Data, Record
from sandbox.pardot.errors import ApiError
from sandbox.pardot.settings import Settings

_HANGING = ("visitors", "visits", "visitor-activities", "list-memberships", "emails", "lifecycle-histories")


class RecycleBin:
    """Prospects stay in it until they are deleted for good or come back."""

    def __init__(self, data: Data, settings: Settings, crm: Crm) -> None:
        self._data, self._settings, self._crm = data, settings, crm

    def bin(self, record: Record) -> None:
        """Move a prospect into it."""
        self._data.put("prospects", {**record, "isDeleted": True})

    def restore(self, record: Record) -> Record:
        """Take a prospect out of it."""
        return self._data.put("prospects", {**record, "isDeleted": False})

    def latest(self, address: str, *, binned: bool) -> Record | None:
        """The prospect of that address with the latest activity, in the bin or not; None without one."""
        found = [
            r for r in self._data["prospects"].values()
            if bool(r["isDeleted"]) is binned and str(r["email"]).lower() == address.lower()
        ]  # fmt: skip
        return max(found, key=lambda r: datetime.fromisoformat(r.get("lastActivityAt") or r["createdAt"]), default=None)

    def undelete(self, address: str) -> Record:
        """Take the latest of that address out of it. ApiError 109 when there is none in it."""
        record = self.latest(address, binned=True)
        if record is None:
            raise ApiError(109)
        return self.restore(record)

    def one_of_a_job(self, prospect_id: str, *, for_good: bool) -> str:
        """Delete one in a bulk action; why not, or "". For good goes only what is in the bin and not in the CRM."""
        record = self._data["prospects"].get(prospect_id)
        if record is None:
            return "not found"
        if for_good != bool(record["isDeleted"]):
            return "not in the recycle bin" if for_good else "already deleted"
        if not for_good:
            self.bin(record)
            return ""
        if self._crm.holds(record):
            return "the prospect is linked to a Salesforce lead or contact that exists"
        self._data.drop("prospects", prospect_id)
        if self._settings.orphans_anonymous:
            self._detach(int(prospect_id))
        return ""

    def _detach(self, prospect_id: int) -> None:
        for collection in _HANGING:
            for record in list(self._data[collection].values()):
                if record.get("prospectId") == prospect_id:
                    self._data.put(collection, {**record, "prospectId": None})
