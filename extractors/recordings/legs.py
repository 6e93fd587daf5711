"""A call's objects: which keys belong to it, and only to it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dsr.selection import Selection
from extractors.recordings.store import Store
from extractors.recordings.versions import Version, Versions

RECORD: Final = "call_record"
LINE: Final = "call_transcript_line"
_NAMED: Final = ("audio_key", "redacted_audio_key", "transcript_key", "redacted_transcript_key")
_CUSTOMER: Final = "CUSTOMER"
_OURS: Final = ("AGENT", "SUPERVISOR", "SYSTEM", "CUSTOM_BOT", _CUSTOMER)


@dataclass
class Leg:
    """One leg of a call, and what is asked for it.

    requests  those that selected its record; lines: request → ids of the selected transcript lines
    prefixes  under which its objects lie; others' keys begin otherwise
    foreign   its sidecar names an object of another call: nobody touches anything then
    """

    contact_id: str
    reference: Mapping[str, Any]
    requests: list[str] = field(default_factory=list)
    lines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    prefixes: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    foreign: bool = False
    sidecar: list[Version] = field(default_factory=list)
    sound: list[Version] = field(default_factory=list)
    text: list[Version] = field(default_factory=list)

    @property
    def sidecar_key(self) -> str:
        """Where the sidecar lies, also after it was deleted."""
        return str(self.reference["sidecar_key"])

    def owns(self, key: str) -> bool:
        """Whether a key is the leg's by its name: the id, and then no more of an id."""
        name = key.rpartition("/")[2]
        rest = name.removeprefix(self.contact_id)
        return name != rest and not rest[:1].isalnum() and rest[:1] != "-"

    def read(self, store: Store) -> None:
        """Learns the keys from the sidecar as it is now; from the reference when it is gone."""
        named = {**self.reference, **(store.read_object(self.sidecar_key, "sidecar") or {})}
        keys = [str(named[name]) for name in _NAMED if named.get(name)]
        self.foreign = not all(self.owns(key) for key in keys)
        folders = dict.fromkeys(key.rpartition("/")[0] for key in keys)
        folders |= dict.fromkeys(_redacted(folder) for folder in list(folders))
        self.prefixes = tuple(f"{folder}/{self.contact_id}" for folder in folders)
        self.exports = tuple(dict.fromkeys(str(key) for key in named.get("record_keys") or ()))

    def list(self, versions: Versions) -> None:
        """Learns what lies there now."""
        found = {v for prefix in self.prefixes for v in versions.under(prefix) if self.owns(v.key)}
        ordered = sorted(found, key=lambda v: (v.key, v.version_id))
        self.text = [v for v in ordered if v.key.endswith(".json")]
        self.sound = [v for v in ordered if not v.key.endswith(".json")]
        self.sidecar = [v for v in versions.under(self.sidecar_key) if v.key == self.sidecar_key]

    def is_shared(self, analysis: Mapping[str, Any] | None) -> bool:
        """Whether somebody else from outside speaks in it: a second customer, or one whose part nobody knows."""
        roles = [str(p.get("ParticipantRole", "")) for p in (analysis or {}).get("Participants", ())]
        return roles.count(_CUSTOMER) > 1 or any(role not in _OURS for role in roles)


def legs(selections: Sequence[Selection], effect: str) -> list[Leg]:
    """The legs that are selected for that effect, each once, by id."""
    found: dict[str, Leg] = {}
    for selection in selections:
        matches = {str(m.reference["contact_id"]): m.reference for m in selection.found.matches if m.reference}
        for contact_id in selection.ids(RECORD, effect):
            leg = found.setdefault(contact_id, Leg(contact_id, matches[contact_id]))
            leg.requests.append(selection.request_id)
        for line in selection.ids(LINE, effect):
            contact_id = line.partition("/")[0]
            leg = found.setdefault(contact_id, Leg(contact_id, matches[contact_id]))
            leg.lines[selection.request_id].add(line)
    return [found[contact_id] for contact_id in sorted(found)]


def by_export(some: Iterable[Leg]) -> dict[str, list[Leg]]:
    """The deliveries that hold contact records of these legs."""
    found: dict[str, list[Leg]] = defaultdict(list)
    for leg in some:
        for key in leg.exports:
            found[key].append(leg)
    return found


def line_ids(leg: Leg, analysis: Mapping[str, Any] | None) -> Iterator[str]:
    """Ids of the lines of a transcript, as the rows have them."""
    return (f"{leg.contact_id}/{line.get('Id', '')}" for line in (analysis or {}).get("Transcript", ()))


def _redacted(folder: str) -> str:
    """Where redacted copies of what lies in a folder would lie."""
    plain = "Analysis/Voice/"
    return (
        f"{plain}Redacted/{folder[len(plain) :]}" if folder.startswith(plain) and "/Redacted/" not in folder else folder
    )
