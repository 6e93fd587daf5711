"""Which records are one person's: a pure decision over all that the sources reported.

The anchor is the e-mail address that the request came from. A record is theirs when an identifier that only one
person has leads to it; what such a record carries is trusted next, until nothing new appears. An identifier is
shared, and leads nowhere, when it is common by nature (`evidence.is_common`) or when a record that answers to it
contradicts the person: another name, or an own address that is not theirs, and no vendor's link between them.
Names never lead, they only contradict. What a record states that anybody can make by filling in a form (`unchecked`)
leads nowhere, unless a vendor's link joins it to a checked one, or the person has shown that they hold the phone
(`possessed`): else whoever types another's number would get what hangs on it. In doubt a record stays out: another's
data in a package is the worst error, and one record too few is counted as doubtful and so seen.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from dsr.evidence import (
    VENDOR_LINKS,
    Name,
    Sighting,
    agrees,
    comparable,
    is_common,
    kindred,
    misspelt,
    spells,
    strangers,
)
from dsr.model import Identifier

_CROWD: Final = 3
"""So many others behind a switchboard, and nobody can tell whose a call without a name is."""


@dataclass(frozen=True)
class Decision:
    """What follows from the sightings.

    theirs    surely the person's; doubtful: answers to something of theirs but not surely (records that clearly are
              somebody else's are in neither)
    trusted   identifiers that only this person has
    shared    identifiers that their records carry and that lead nowhere
    stated    those of the shared ones that could be theirs alone, but that only a form says are theirs
    provable  those of the stated ones that are numbers and would lead on if they showed that they hold the phone
    proven    those of the trusted ones that are theirs by nothing but that
    crowd     those of the shared ones, common by nature, that several other people are seen to use: a record that bears
              no name and answers to nothing else could be any of theirs
    ask       identifiers that their records carry and that no source has been asked for: look them up and decide anew
    """

    theirs: tuple[Sighting, ...] = ()
    doubtful: tuple[Sighting, ...] = ()
    trusted: frozenset[Identifier] = field(default=frozenset(), repr=False)
    shared: frozenset[Identifier] = field(default=frozenset(), repr=False)
    stated: frozenset[Identifier] = field(default=frozenset(), repr=False)
    provable: frozenset[Identifier] = field(default=frozenset(), repr=False)
    proven: frozenset[Identifier] = field(default=frozenset(), repr=False)
    crowd: frozenset[Identifier] = field(default=frozenset(), repr=False)
    ask: frozenset[Identifier] = field(default=frozenset(), repr=False)

    def is_anybodys(self, sighting: Sighting) -> bool:
        """Whether a doubtful record bears no name and answers to nothing of theirs but what a crowd uses: no person
        could tell either whose it is."""
        leading = sighting.identifiers & (self.trusted | self.shared)
        return not sighting.name and bool(leading) and leading <= self.crowd


def decide(
    anchor: Identifier,
    sightings: Iterable[Sighting],
    asked: frozenset[Identifier],
    unproven: frozenset[Identifier] = frozenset(),
    possessed: frozenset[Identifier] = frozenset(),
) -> Decision:
    """The decision. An identifier can only be trusted once all sources were `asked` for it, since only then it shows
    who else answers to it. `unproven`: those that a source which failed was never asked for; they lead to records
    that bear the person's name and to no other. `possessed`: numbers whose phone the person has shown to hold, which
    vouches for those that their records state and for nothing else. The order of the sightings doesn't matter."""
    return _Case(anchor, sightings, asked, unproven, possessed).decide()


class _Case:
    """The state of one decision: who is theirs so far, under which names and by which identifiers."""

    def __init__(
        self,
        anchor: Identifier,
        sightings: Iterable[Sighting],
        asked: frozenset[Identifier],
        unproven: frozenset[Identifier],
        possessed: frozenset[Identifier],
    ) -> None:
        self.anchor, self.asked, self.unproven, self.possessed = anchor, asked, unproven, possessed
        self.all = sorted(sightings, key=lambda s: s.key)
        self.answers: dict[Identifier, list[Sighting]] = defaultdict(list)
        for sighting in self.all:
            for identifier in sighting.identifiers:
                self.answers[identifier].append(sighting)
        self.theirs: dict[tuple[str, str, str], Sighting] = {}
        self.trusted: set[Identifier] = set()
        self.proven: set[Identifier] = set()
        self.names: set[Name] = set()
        self.families = [{s.name for s in group if s.name} for group in self._linked_groups()]

    def decide(self) -> Decision:
        if is_common(self.anchor) or self._anchor_is_shared():
            return Decision(doubtful=tuple(self.all))
        self._accept({self.anchor: self._of_the_anchor()})
        while accepted := self._round():
            self._accept(accepted)
        held = self._held()
        shared = frozenset(i for i in held if i.kind != "salesforce_account" and i in self.asked)
        ask = frozenset(i for i in held if i.kind != "salesforce_account" and i not in self.asked)
        others = [s for s in self.all if s.key not in self.theirs]
        doubtful = tuple(s for s in others if not self._is_anothers(s))
        stated = frozenset(i for i in shared if not is_common(i) and not self._is_vouched_for(i))
        provable = frozenset(i for i in stated if self._is_provable(i) and self._is_unshared(i))
        crowd = frozenset(i for i in shared if self._is_a_crowds(i))
        trusted, proven = frozenset(self.trusted), frozenset(self.proven)
        return Decision(tuple(self.theirs.values()), doubtful, trusted, shared, stated, provable, proven, crowd, ask)

    def _held(self) -> set[Identifier]:
        """What their records carry and is not trusted."""
        return {i for s in self.theirs.values() for i in s.identifiers} - self.trusted

    def _accept(self, accepted: dict[Identifier, list[Sighting]]) -> None:
        self.proven |= {i for i in self.possessed & accepted.keys() if not self._is_vouched_for(i)}
        self.trusted |= accepted.keys()
        for sightings in accepted.values():
            self.theirs |= {s.key: s for s in sightings}
        self.names = {s.name for s in self.theirs.values() if s.name}

    def _anchor_is_shared(self) -> bool:
        """Whether the records behind the anchor bear names of two people. Two names of one human are told from that
        by a vendor's link: prospect and contact joined by the vendor, one under the name before a marriage; or by the
        address, when it is made of one of them and the other has the same given name."""
        names = {s.name for s in self.answers.get(self.anchor, []) if s.name}
        spelt = {name for name in names if spells(self.anchor, name)}
        return any(
            self._conflict(a, b, self.anchor) and not (spelt & {a, b} and kindred(a, b))
            for a, b in combinations(names, 2)
        )

    def _of_the_anchor(self) -> list[Sighting]:
        """What answers to the anchor, less those of another family name than the one that the address is made of."""
        found = self.answers.get(self.anchor, [])
        spelt = {s.name for s in found if s.name and spells(self.anchor, s.name)}
        return [s for s in found if not s.name or not any(self._conflict(s.name, n, self.anchor) for n in spelt)]

    def _conflict(self, one: Name, other: Name, by: Identifier | None = None) -> bool:
        """Whether two names are two humans'. `by`: what both records answer to."""
        if comparable(one, other) or any(_covers(f, one) and _covers(f, other) for f in self.families):
            return False
        return by is None or not _one_misspelt(by, one, other)

    def _linked_groups(self) -> list[list[Sighting]]:
        """Records that vendors' links join, two or more; a group whose names can't be one human's is not believed."""
        groups: list[list[Sighting]] = []
        waiting = {s.key: s for s in self.all}
        while waiting:
            _, first = waiting.popitem()
            group, at = [first], 0
            while at < len(group):
                for link in _links(group[at]):
                    group += [waiting.pop(s.key) for s in self.answers[link] if s.key in waiting]
                at += 1
            names = {s.name for s in group if s.name}
            if len(group) > 1 and all(kindred(a, b) for a, b in combinations(names, 2)):
                groups.append(group)
        return groups

    def _round(self) -> dict[Identifier, list[Sighting]]:
        """What may be trusted next, with the records that each leads to. Two candidates whose new records contradict
        each other are both left, so that no order of looking decides."""
        accepted: dict[Identifier, list[Sighting]] = {}
        for identifier in sorted(self._held() & self.asked):
            proven = identifier in self.possessed and self._is_provable(identifier)
            vouched = proven or self._is_vouched_for(identifier)
            if is_common(identifier) or not vouched or not self._is_unshared(identifier):
                continue
            joining = [s for s in self.answers[identifier] if self._may_join(identifier, s)]
            accepted[identifier] = joining
        new = {s.name for sightings in accepted.values() for s in sightings if s.name} - self.names
        torn = {name for pair in combinations(new, 2) if self._conflict(*pair) for name in pair}
        return {i: found for i, found in accepted.items() if not torn & {s.name for s in found}}

    def _is_vouched_for(self, identifier: Identifier) -> bool:
        """Whether a record that somebody checked carries it, or one that a vendor's link joins to such a record."""
        if identifier.kind in VENDOR_LINKS:
            return True
        checked = [s for s in self.theirs.values() if not s.unchecked]
        links = {link for s in checked for link in _links(s)}
        return any(
            identifier in s.identifiers for s in self.theirs.values() if not s.unchecked or links & set(_links(s))
        )

    def _is_provable(self, identifier: Identifier) -> bool:
        """Whether it counts that they hold the phone: the records behind the number can be compared with them, and all
        systems were asked. Who bears no name may not have another's by lending a phone."""
        if identifier.kind != "phone" or identifier in self.unproven:
            return False
        return bool(self.names) or not any(s.name for s in self.answers[identifier])

    def _is_a_crowds(self, identifier: Identifier) -> bool:
        others = {s.name for s in self.answers[identifier] if self._is_anothers(s)}
        return is_common(identifier) and len(others) >= _CROWD

    def _is_unshared(self, identifier: Identifier) -> bool:
        """Whether nobody else answers to it. A vendor's id is judged record by record, see `_may_join`."""
        if identifier.kind in VENDOR_LINKS:
            return True
        return all(s.key in self.theirs or not self._contradicts(s, identifier) for s in self.answers[identifier])

    def _contradicts(self, sighting: Sighting, by: Identifier) -> bool:
        addresses = sighting.addresses - {by}
        foreign = bool(addresses) and not addresses & self.trusted
        if foreign or not sighting.name or not self.names or agrees(sighting.name, self.names):
            return foreign
        return not any(_one_misspelt(by, sighting.name, known) for known in self.names)

    def _may_join(self, identifier: Identifier, sighting: Sighting) -> bool:
        """Whether an unshared identifier makes this record theirs."""
        if sighting.key in self.theirs:
            return True
        if identifier in self.unproven and identifier.kind not in VENDOR_LINKS:
            # Who else has it is not known, so a record without a name may be that other's.
            return bool(sighting.name and self.names) and identifier.kind != "customer_number"
        if identifier.kind == "customer_number":
            # A company's number: only for a record with their full name, and only while no namesake is about.
            if self.unproven:
                return False
            known = {frozenset(name) for name in self.names}
            return len(sighting.name) > 1 and frozenset(sighting.name) in known and not self._has_namesake()
        if identifier.kind in VENDOR_LINKS:
            if sighting.name:
                return not self.names or any(kindred(sighting.name, n) for n in self.names)
            # Without a name it may be anybody's among those whom the vendor linked to it.
            named = [s.name for s in self.answers[identifier] if s.name]
            return all(any(kindred(name, n) for n in self.names) for name in named)
        return True

    def _has_namesake(self) -> bool:
        """Whether somebody of a name like theirs, with an own address or mobile that is not theirs, was seen."""
        return any(
            s.name and agrees(s.name, self.names) and s.own and not s.own & self.trusted
            for s in self.all
            if s.key not in self.theirs
        )

    def _is_anothers(self, sighting: Sighting) -> bool:
        """Whether a record clearly is somebody else's: another name and an address or mobile of its own; or, where
        nothing but a switchboard or a company's number leads to it, another family name."""
        if not sighting.name or not self.names:
            return False
        if all(strangers(sighting.name, n) for n in self.names) and self._is_led_to_by_a_company(sighting):
            return True
        return bool(sighting.own - self.trusted) and not any(_may_be_one(sighting.name, n) for n in self.names)

    def _is_led_to_by_a_company(self, sighting: Sighting) -> bool:
        held = {i for s in self.theirs.values() for i in s.identifiers} & sighting.identifiers
        return all(i.kind == "customer_number" or (i.kind == "phone" and is_common(i)) for i in held)


def _links(sighting: Sighting) -> list[Identifier]:
    return [i for i in sighting.identifiers if i.kind in VENDOR_LINKS]


def _may_be_one(one: Name, other: Name) -> bool:
    return kindred(one, other) or misspelt(one, other)


def _one_misspelt(by: Identifier, one: Name, other: Name) -> bool:
    """Whether one name is the other misspelt, at an address that is made of one of them."""
    return misspelt(one, other) and (spells(by, one) or spells(by, other))


def _covers(family: set[Name], name: Name) -> bool:
    return any(set(name) <= set(known) for known in family)
