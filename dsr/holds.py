"""Legal holds: what must not be erased or rewritten for now, since a claim or a duty needs it (Art. 17(3) GDPR).

A hold is on a person, by an identifier (customer number, e-mail address, phone), or on one record of one system. It
lives in the ledger as events of its own, so that nobody can make one disappear unseen; of whom or what it is about the
ledger has a keyed hash only. It ends on its last day, or when somebody ends it.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa

from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.model import Identifier

STREAM: Final = "legal-holds"
"""Stands in the ledger where other events have their request."""
CLAIMS: Final = "gdpr:JustificationA17LegalClaims"
GROUNDS: Final = (CLAIMS, "gdpr:JustificationA17LegallyRequired")
KINDS: Final = ("customer_number", "email", "phone")
_PLACE: Final = "holds"
_HASH: Final = "hmac."


@dataclass(frozen=True)
class Hold:
    """A hold. ground: a DPV term; until: its last day, None = until it is ended; source and dataset: of the record,
    "" for a hold on a person; subject: keyed hash in hex; seq: its event's number in the ledger."""

    hold_id: str
    ground: str
    until: date | None
    source: str
    dataset: str
    subject: str = field(repr=False)
    added_at: datetime
    seq: int
    ended: bool = False

    def stands(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return not self.ended and (self.until is None or day <= self.until)


class HoldsInForce:
    """The holds that stand on a day. `key`: what their hashes were made with."""

    def __init__(self, holds: Iterable[Hold] = (), key: bytes = b"") -> None:
        self._key = key
        self._holds: dict[tuple[str, str], dict[str, Hold]] = {}
        for hold in holds:
            found = self._holds.setdefault((hold.source, hold.dataset), {})
            found[hold.subject] = _longer(found.get(hold.subject), hold)

    def on_person(self, identifiers: Iterable[Identifier]) -> Hold | None:
        """The hold on a person who is known by these, the one that stands longest; None when there is none."""
        persons = self._holds.get(("", ""), {})
        found = None
        for identifier in identifiers if persons else ():
            hold = persons.get(_person(self._key, identifier))
            found = _longer(found, hold) if hold else found
        return found

    def on_subjects(self, subjects: Iterable[bytes]) -> Hold | None:
        """As `on_person`, for a person of whom nothing is known any more but what `Holds.subjects` gave."""
        persons = self._holds.get(("", ""), {})
        found = None
        for subject in subjects if persons else ():
            hold = persons.get(subject.hex())
            found = _longer(found, hold) if hold else found
        return found

    def on_records(self, source: str, dataset: str, ids: pa.Array) -> Mapping[str, Hold]:
        """The records among these that a hold is on, with it; {} when there is none."""
        records = self._holds.get((source, dataset))
        if not records:
            return {}
        hashes = ((record_id, _record(self._key, source, dataset, record_id)) for record_id in ids.to_pylist())
        return {record_id: records[subject] for record_id, subject in hashes if subject in records}

    def on_dataset(self, source: str, dataset: str) -> bool:
        """Whether any record of the dataset may be held."""
        return (source, dataset) in self._holds


class Holds:
    """The holds in the ledger; `key` is `subkey(master_key, "holds")`."""

    def __init__(self, ledger: Ledger, key: bytes) -> None:
        self._ledger, self._key = ledger, key

    def add_person(
        self, identifier: Identifier, *, by: str, at: datetime, ground: str = CLAIMS, until: date | None = None
    ) -> str:
        """Holds all that is a person's, known by a customer number, an address or a phone in its normal form; the
        hold's id. PermanentError("hold.kind") for another kind, ("hold.ground") for an unknown ground."""
        if identifier.kind not in KINDS or not identifier.value:
            raise PermanentError("hold.kind", _PLACE)
        return self._add({"subject": _HASH + _person(self._key, identifier)}, by, at, ground, until)

    def add_record(
        self,
        source: str,
        dataset: str,
        record_id: str,
        *,
        by: str,
        at: datetime,
        ground: str = CLAIMS,
        until: date | None = None,
    ) -> str:
        """Holds one record, what it is part of, and its parts; the hold's id. PermanentError("hold.record")."""
        if not (source and dataset and record_id):
            raise PermanentError("hold.record", _PLACE)
        subject = _HASH + _record(self._key, source, dataset, record_id)
        return self._add({"source": source, "dataset": dataset, "subject": subject}, by, at, ground, until)

    def end(self, hold_id: str, *, by: str, at: datetime) -> None:
        """Ends a hold. PermanentError("hold.absent") when there is none of that id that has not been ended."""
        if not any(hold.hold_id == hold_id and not hold.ended for hold in self.all()):
            raise PermanentError("hold.absent", _PLACE)
        self._ledger.append(STREAM, "hold_ended", {"hold": hold_id, "by": by}, at=at)

    def subjects(self, identifiers: Iterable[Identifier]) -> frozenset[bytes]:
        """The keyed hashes by which a hold would know a person who is known by these; 32 bytes each."""
        return frozenset(bytes.fromhex(_person(self._key, i)) for i in identifiers if i.kind in KINDS)

    def all(self) -> list[Hold]:
        """Every hold there ever was, oldest first."""
        found: dict[str, Hold] = {}
        for event in self._ledger.events(STREAM):
            if event.kind == "hold_added":
                hold = _hold(event)
                found[hold.hold_id] = hold
            elif event.kind == "hold_ended":
                ended = found[event.detail["hold"]]
                found[ended.hold_id] = Hold(**{**vars(ended), "ended": True})
        return list(found.values())

    def in_force(self, day: date) -> HoldsInForce:
        """Those that stand on that day, in the controller's time zone."""
        return HoldsInForce((hold for hold in self.all() if hold.stands(day)), self._key)

    def _add(self, about: Mapping[str, Any], by: str, at: datetime, ground: str, until: date | None) -> str:
        if ground not in GROUNDS:
            raise PermanentError("hold.ground", _PLACE)
        hold_id = f"hold-{secrets.token_hex(8)}"
        detail = {"hold": hold_id, "ground": ground, "by": by, **about}
        if until is not None:
            detail["until"] = until.isoformat()
        self._ledger.append(STREAM, "hold_added", detail, at=at)
        return hold_id


def _hold(event: Event) -> Hold:
    detail = event.detail
    until = date.fromisoformat(detail["until"]) if "until" in detail else None
    subject = str(detail["subject"]).removeprefix(_HASH)
    source, dataset = detail.get("source", ""), detail.get("dataset", "")
    return Hold(detail["hold"], detail["ground"], until, source, dataset, subject, event.at, event.seq)


def _longer(one: Hold | None, other: Hold) -> Hold:
    if one is None or other.until is None:
        return other
    return one if one.until is None or one.until >= other.until else other


def _person(key: bytes, identifier: Identifier) -> str:
    return _hash(key, "person", identifier.kind, identifier.value)


def _record(key: bytes, source: str, dataset: str, record_id: str) -> str:
    return _hash(key, "record", source, dataset, record_id)


def _hash(key: bytes, *parts: str) -> str:
    return hmac.digest(key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()
