"""Why a record was taken for the person's or left out: evidence that a person can read, and a number to sort it by.

The rules of `dsr.identity` decide; nothing here does. Codes may stand anywhere, in the ledger and on Airflow's pages;
`as_json` holds names and identifiers, too, and belongs into the case file only (evidence/<source>).

The score, 0 to 100, is how likely a record looks to be theirs: the points of the best thing that leads to it, more for
a second one that only they have, and the points of what its name says; less for an address that is somebody's. The
benchmark `benchmarks.matching` shows which share of each band is theirs.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dsr.evidence import VENDOR_LINKS, Name, Sighting, agrees, comparable, is_common, kindred, misspelt
from dsr.identity import Decision
from dsr.model import Identifier, IndexEntry, Match

PROVEN: Final = "proven"
LEADS: Final[Mapping[str, int]] = {
    "anchor": 65, "alone": 60, PROVEN: 60, "shared": 40, "stated": 40, "common": 25, "crowd": 0,
}  # fmt: skip
"""What leads to a record, with its points. anchor: the address that the request came from; alone: only this person has
it; proven: the same, but only a form stated it until they showed that they hold the phone; shared: others have it, too,
or that can't be told; stated: only a form says that it is theirs; common: by nature, a role's mailbox or a fixed line;
crowd: of these, what several others are seen to use."""

NAMES: Final[Mapping[str, int]] = {
    "same_name": 35,
    "part_of_name": 25,
    "misspelt_name": 20,
    "uncompared_name": 0,
    "no_name": 0,
    "unread": 0,
    "kindred_name": -15,
    "other_name": -50,
}
"""What its name says beside the names that the person is known by. kindred_name: the same given name only;
uncompared_name: nothing is theirs, so there is nothing to compare with; unread: only the index knows of the record."""

THEIRS, DOUBTFUL, ANYBODYS = "theirs", "doubtful", "anybodys"
JUDGED_THEIRS, JUDGED_NOT = "judged_theirs", "judged_not"
_CERTAIN: Final = (THEIRS, JUDGED_THEIRS, JUDGED_NOT)

_SECOND: Final = 10
_OWN_ADDRESS: Final = -25
_FOR: Final = ("same_name", "part_of_name")


@dataclass(frozen=True)
class Finding:
    """One record in the light of a decision.

    verdict   "theirs", "doubtful" or "anybodys" (doubtful, and no person could tell either); of a record that was
              doubtful, JUDGED_THEIRS or JUDGED_NOT when a person has decided
    score     0 to 100, see above
    led       what of theirs it answers to, each with one of `LEADS`; sorted, the strongest first
    against   what speaks against it or is missing: of `NAMES`, "own_address" (it carries an address that isn't theirs),
              "unchecked" (anybody can make such a record)
    person    the name as the record holds it; "" when it holds none
    single    the record is a person's, with an id of its own, so that it can be read by itself: only then can a person
              decide whose it is. A mail or a company's record leads to those of others
    """

    source: str
    dataset: str
    record_id: str
    verdict: str
    score: int
    led: tuple[tuple[Identifier, str], ...] = field(repr=False)
    against: tuple[str, ...] = ()
    person: str = field(default="", repr=False)
    single: bool = False

    @property
    def decidable(self) -> bool:
        """Whether a person is asked whose it is: the run waits at *review* until they have said."""
        return self.verdict == DOUBTFUL and self.single

    @property
    def codes(self) -> tuple[str, ...]:
        """What led to it and what is against it, without any value: "phone.crowd", "no_name"."""
        return (*dict.fromkeys(f"{i.kind}.{state}" for i, state in self.led), *self.against)

    def as_json(self) -> dict[str, Any]:
        """With all values: for the case file (`schemas/evidence.schema.json`)."""
        return {
            "dataset": self.dataset,
            "record_id": self.record_id,
            "verdict": self.verdict,
            "score": self.score,
            "person": self.person,
            "single": self.single,
            "led": [{"kind": i.kind, "value": i.value, "as": state} for i, state in self.led],
            "against": list(self.against),
        }

    @classmethod
    def from_json(cls, source: str, value: Mapping[str, Any]) -> "Finding":
        """Back from `as_json`."""
        led = tuple((Identifier(i["kind"], i["value"]), i["as"]) for i in value["led"])
        rest = {name: value[name] for name in ("dataset", "record_id", "verdict", "score", "person", "single")}
        return cls(source, **rest, led=led, against=tuple(value["against"]))


def explained(anchor: Identifier, decision: Decision, sighting: Sighting) -> Finding:
    """What speaks for and against a record that was read."""
    names = {s.name for s in decision.theirs if s.name}
    theirs = any(s.key == sighting.key for s in decision.theirs)
    name = _name(sighting.name, names)
    against = [name] if name not in _FOR else []
    if sighting.addresses and not sighting.addresses & (decision.trusted | {anchor}):
        against.append("own_address")
    if sighting.unchecked:
        against.append("unchecked")
    # Its own id says nothing: it leads to itself once the record is theirs.
    led = _led(anchor, decision, {i for i in sighting.identifiers if i.value != sighting.match.record_id})
    verdict = THEIRS if theirs else ANYBODYS if decision.is_anybodys(sighting) else DOUBTFUL
    dataset, record_id, person = sighting.match.dataset, sighting.match.record_id, sighting.match.person
    score = _score(led, name, own_address="own_address" in against)
    single = bool(own_id(sighting.match))
    return Finding(sighting.source, dataset, record_id, verdict, score, led, tuple(against), person, single)


def own_id(match: Match) -> frozenset[Identifier]:
    """The vendor's id by which a person's record is known, if it bears one; a customer's record is a company's."""
    kinds = VENDOR_LINKS - {"invoicing_customer"}
    return frozenset(i for i in match.holds if i.kind in kinds and i.value == match.record_id)


def unread(source: str, anchor: Identifier, decision: Decision, entries: Iterable[IndexEntry]) -> Finding:
    """The same of a record that only the index knows of: its entries for what is shared."""
    known = list(entries)
    led = _led(anchor, decision, {entry.identifier for entry in known})
    verdict = ANYBODYS if all(state == "crowd" for _, state in led) else DOUBTFUL
    score = _score(led, "unread", own_address=False)
    return Finding(source, known[0].dataset, known[0].record_id, verdict, score, led, ("unread",))


def reasons(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of the doubtful records each code speaks about; {} when there are none."""
    return dict(sorted(Counter(code for f in findings if f.verdict not in _CERTAIN for code in f.codes).items()))


def _led(
    anchor: Identifier, decision: Decision, identifiers: Iterable[Identifier]
) -> tuple[tuple[Identifier, str], ...]:
    leading = [i for i in identifiers if i == anchor or i in decision.trusted or i in decision.shared]
    states = [(i, _state(anchor, decision, i)) for i in leading]
    return tuple(sorted(states, key=lambda pair: (-LEADS[pair[1]], pair[0])))


def _state(anchor: Identifier, decision: Decision, identifier: Identifier) -> str:
    if identifier in decision.trusted:
        return "anchor" if identifier == anchor else PROVEN if identifier in decision.proven else "alone"
    if identifier in decision.crowd:
        return "crowd"
    if identifier in decision.stated:
        return "stated"
    return "common" if is_common(identifier) else "shared"


def _name(name: Name, known: set[Name]) -> str:
    if not name:
        return "no_name"
    if not known:
        return "uncompared_name"
    if any(set(name) == set(k) for k in known):
        return "same_name"
    if agrees(name, known) or any(comparable(name, k) for k in known):
        return "part_of_name"
    if any(misspelt(name, k) for k in known):
        return "misspelt_name"
    return "kindred_name" if any(kindred(name, k) for k in known) else "other_name"


def _score(led: tuple[tuple[Identifier, str], ...], name: str, *, own_address: bool) -> int:
    alone = sum(state in ("anchor", "alone", PROVEN) for _, state in led)
    points = max((LEADS[state] for _, state in led), default=0) + NAMES[name]
    points += _SECOND * (alone > 1) + _OWN_ADDRESS * own_address
    return max(0, min(100, points))
