"""How prospects come and come back by themselves: the synchronisation with the CRM, a form that is filled in."""

from collections import Counter
from typing import Any

from sandbox.pardot import assets
from sandbox.pardot.crm import LINKS, Crm
from sandbox.pardot.data import Data, Record
from sandbox.pardot.recycling import RecycleBin

_FIELDS = {
    "Email": "email", "FirstName": "firstName", "LastName": "lastName", "Phone": "phone", "Title": "jobTitle",
    "MailingStreet": "addressOne", "MailingCity": "city", "MailingPostalCode": "zip", "Street": "addressOne",
    "City": "city", "PostalCode": "zip", "HasOptedOutOfEmail": "optedOut", "DoNotCall": "isDoNotCall",
}  # fmt: skip
"""Field of a lead or contact → the prospect's. The CRM's value wins."""
_FLAGS = ("HasOptedOutOfEmail", "DoNotCall")


class Arrivals:
    """Plays both on demand, see `Pardot.admin_routes`."""

    def __init__(self, data: Data, bin_: RecycleBin, crm: Crm) -> None:
        self._data, self._bin, self._crm = data, bin_, crm

    def sync(self, touched: list[str], *, create: bool) -> dict[str, int]:
        """One run of the connector. What was written in the CRM since the last run, or is named, comes over.

        A binned prospect whose lead or contact was written comes back, unless another prospect of it is live. One whose
        leads and contacts are all deleted goes into the bin. `create`: leads and contacts without a prospect get one.
        A second run without changes between does nothing.
        """
        done: Counter[str] = Counter(created=0, updated=0, restored=0, binned=0)
        seen = self._data["crm-seen"]
        live = set()
        for kind, person in self._crm.people():
            if person["IsDeleted"]:
                continue
            live.add(person["Id"])
            version = person["SystemModstamp"]
            known = seen.get(person["Id"], {"version": person["CreatedDate"]})["version"]
            if person["Id"] in touched or version != known or create:
                self._bring(kind, person, done, forced=person["Id"] in touched or version != known, create=create)
            if version != known:
                seen[person["Id"]] = {"version": version}
        if self._crm.connected:
            self._bin_the_deleted(live, done)
        return dict(done)

    def submit(self, email: str, kind: int, values: dict[str, Any]) -> dict[str, Any]:
        """A form filled in (type 4) or a link in an e-mail clicked (1) by that address: a binned prospect comes back,
        an unknown address becomes a prospect. The activity's and the prospect's id."""
        record, state = self._bin.latest(email, binned=False), "known"
        if record is None and (binned := self._bin.latest(email, binned=True)) is not None:
            record, state = self._bin.restore(binned), "restored"
        if record is None:
            record, state = self._new({"email": email, **values}), "created"
        now = self._data.now()
        self._data.put("prospects", {**record, **values, "lastActivityAt": now})
        activity = {
            "id": self._data.new_id("visitor-activities"), "prospectId": record["id"], "type": kind,
            "typeName": {1: "Click", 4: "Success"}.get(kind, "Visit"), "formId": assets.FORM if kind == 4 else None,
            "campaignId": assets.CAMPAIGN, "createdAt": now, "updatedAt": now,
        }  # fmt: skip
        self._data.put("visitor-activities", activity)
        return {"prospectId": record["id"], "activityId": activity["id"], "prospect": state}

    def _bring(self, kind: str, person: Record, done: Counter[str], *, forced: bool, create: bool) -> None:
        linked = self._linked(person["Id"])
        if not linked and person.get("Email"):
            match = self._bin.latest(person["Email"], binned=False) or self._bin.latest(person["Email"], binned=True)
            linked = [match] if match and forced else []
            if match is None and create:
                self._new({"email": person["Email"], **_values(kind, person)})
                done["created"] += 1
        if not forced:
            return
        alive = [r for r in linked if not r["isDeleted"]]
        for record in alive or linked[:1]:
            if record["isDeleted"]:
                record = self._bin.restore(record)
                done["restored"] += 1
            changes = _values(kind, person)
            if any(record.get(name) != value for name, value in changes.items()):
                self._data.put("prospects", {**record, **changes, "salesforceLastSync": self._data.now()})
                done["updated"] += 1

    def _bin_the_deleted(self, live: set[str], done: Counter[str]) -> None:
        for record in list(self._data["prospects"].values()):
            links = {record.get(name) for name in LINKS} - {None}
            if links and not links & live and not record["isDeleted"]:
                self._bin.bin(record)
                done["binned"] += 1

    def _linked(self, person_id: str) -> list[Record]:
        return [r for r in self._data["prospects"].values() if person_id in [r.get(name) for name in LINKS]]

    def _new(self, values: Record) -> Record:
        now = self._data.now()
        flags = dict.fromkeys(("isDeleted", "optedOut", "isDoNotEmail", "isDoNotCall"), False)
        record = {"id": self._data.new_id("prospects"), **flags, "lastActivityAt": None, **values,
                  "campaignId": assets.CAMPAIGN, "createdAt": now, "updatedAt": now}  # fmt: skip
        return self._data.put("prospects", record)


def _values(kind: str, person: Record) -> Record:
    shown = {to: person.get(name) for name, to in _FIELDS.items() if name in person}
    flags = {_FIELDS[name]: bool(person.get(name)) for name in _FLAGS}
    link = {f"salesforce{kind}Id": person["Id"], "salesforceId": person["Id"]}
    return {**shown, **flags, **link}
