"""The systems that hold personal data, as the tests of faults use them: one reading and one change of each."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from acting_conformance import lines, selections_of
from conformance import find_all, records
from parties import Party, moved
from running_sandbox import Sandbox

from dsr.model import Found
from dsr.source import Acting
from dsr.vocabulary import OUTCOMES
from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from extractors.webinars import Webinars

PERSON = "same_name"
"""Somebody of whom every system holds a bit of everything."""
_MADE_ANEW = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "updatedAt", "last_modified", "LastModified")


class Reading(Party):
    """What `extract` gives of one person, byte for byte as often as it is asked."""

    source: ClassVar[type[Acting]]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self._got, self._wanted = sandbox, dict[str, Any](), dict[str, Any]()
        self._fields: Mapping[str, Any] = {}
        self._found: Found | None = None
        self.connection_id = self.source.declaration.connection_id

    def _connected(self) -> Acting:
        return self.source.connect(self.sandbox.connection(self.connection_id, **self._fields))

    def begin(self) -> None:
        source = self._connected()
        self._found = find_all(source, self.sandbox, PERSON)
        self._wanted = records(source.extract(self._found))

    def attempt(self) -> None:
        assert self._found is not None
        self._got = {}
        self._got = records(self._connected().extract(self._found))

    def assert_once(self) -> None:
        assert self._wanted
        assert self._got == self._wanted

    def assert_nothing(self) -> None:
        """A reading leaves nothing anywhere: what was not read to its end is nowhere."""
        assert self._got == {}

    @contextmanager
    def elsewhere(self, port: int) -> Iterator[None]:
        fields = self.sandbox.endpoints["connections"][self.connection_id]
        self._fields = {k: v for k, v in moved(fields, port).items() if k != "conn_type"}
        yield
        self._fields = {}


class Changing(Reading):
    """An erasure of what can be deleted of one person: the whole system is compared with how it stands when nothing
    goes wrong."""

    _end: ClassVar[dict[str, Counter[str]]] = {}
    """How the system stands after an erasure in which nothing went wrong."""

    def begin(self) -> None:
        name = self.source.declaration.name
        write = f"{self.source.declaration.connection_id}_write"
        if write in self.sandbox.endpoints["connections"]:
            self.connection_id = write
        self._snapshot = self.sandbox.admin.post("/snapshots", params={"system": name}).json()["id"]
        source = self._connected()
        effects = {d.name: "erase" for d in self.source.declaration.datasets if d.erasure == "delete"}
        self._selections = selections_of(source, find_all(source, self.sandbox, PERSON), effects)
        assert self._selections
        if name not in self._end:
            self.attempt()
            self._end[name] = self._stands()
            self._restore()

    def attempt(self) -> None:
        for _ in range(20):
            outcomes = list(self._connected().erase(self._selections))
            assert all(o.outcome in OUTCOMES for o in outcomes)
            if all(o.outcome != "scheduled" for o in outcomes):
                return
        if self.source is not Pardot:
            raise AssertionError("still scheduled")

    def assert_once(self) -> None:
        now, end = self._stands(), self._end[self.source.declaration.name]
        assert now == end, f"beside: {sorted(now - end)[:3]}, lacks: {sorted(end - now)[:3]}"

    def assert_nothing(self) -> None:
        """What was changed before stays changed; nothing but what was selected may be (see `assert_once`)."""

    def end(self) -> None:
        self._restore()
        self.sandbox.admin.delete(f"/snapshots/{self._snapshot}").raise_for_status()

    def _restore(self) -> None:
        self.sandbox.admin.post(f"/snapshots/{self._snapshot}/restore").raise_for_status()

    def _stands(self) -> Counter[str]:
        """Without what a vendor makes anew each time."""
        found: Counter[str] = Counter()
        for line in lines(self.sandbox, self.source.declaration.name):
            entry = json.loads(line)
            content = {k: v for k, v in entry["content"].items() if k not in _MADE_ANEW}
            if entry["kind"] in self.vendors:
                entry["id"] = ""
                content = {}
            # What is written anew, be it to restore it, is another version of the same object.
            name = entry["id"].partition("?versionId=")[0]
            if name.startswith(self.neighbours):
                continue
            found[json.dumps([entry["kind"], name, content, entry["deleted"]], sort_keys=True)] += 1
        return found

    vendors: ClassVar[tuple[str, ...]] = ()
    """Kinds that the vendor makes along the way, and names anew each time."""
    neighbours: ClassVar[tuple[str, ...]] = ()
    """How the names of what others keep in the same store begin."""


class SalesforceReading(Reading):
    key, title, system, source = "salesforce_read", "Salesforce, reading", "salesforce", Salesforce
    hit: ClassVar = {"path": "/composite"}


class SalesforceChanging(Changing):
    key, title, system, source = "salesforce_change", "Salesforce, changing", "salesforce", Salesforce
    hit: ClassVar = {"method": "POST", "path": "/jobs/ingest"}
    vendors = ("ContactHistory", "LeadHistory", "job")


class PardotReading(Reading):
    key, title, system, source = "pardot_read", "Pardot, reading", "pardot", Pardot
    hit: ClassVar = {"path": "/objects/"}


class PardotChanging(Changing):
    key, title, system, source = "pardot_change", "Pardot, changing", "pardot", Pardot
    hit: ClassVar = {"method": "DELETE", "path": "/objects/list-memberships"}


class WebinarsReading(Reading):
    key, title, system, source = "webinars_read", "Zoom, reading", "webinars", Webinars
    hit: ClassVar = {"path": "/v2/past_webinars"}


class WebinarsChanging(Changing):
    key, title, system, source = "webinars_change", "Zoom, changing", "webinars", Webinars
    hit: ClassVar = {"method": "DELETE", "path": "/registrants"}


class RecordingsReading(Reading):
    key, title, system, source = "recordings_read", "call recordings (S3), reading", "recordings", Recordings
    hit: ClassVar = {"method": "GET", "path": "Analysis/Voice"}
    skew: ClassVar = {"status": 403, "body": "<Error><Code>RequestTimeTooSkewed</Code></Error>"}


class RecordingsChanging(Changing):
    key, title, system, source = "recordings_change", "call recordings (S3), changing", "recordings", Recordings
    hit: ClassVar = {"method": "POST", "path": "delete"}
    neighbours = ("another-controller/",)
    skew: ClassVar = {"status": 403, "body": "<Error><Code>RequestTimeTooSkewed</Code></Error>"}


READ: tuple[type[Reading], ...] = (SalesforceReading, PardotReading, WebinarsReading, RecordingsReading)
CHANGE: tuple[type[Changing], ...] = (SalesforceChanging, PardotChanging, WebinarsChanging, RecordingsChanging)
