"""What a reviewer is offered for a text, from all that one case knows about the person and about others around them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dsr import masking, review
from dsr.casefile import CaseFile
from dsr.masking import KnownPeople, Mask, Person, Turn
from dsr.review import FILE, MASKED, RELEASED, WITHHELD, Item, Place

_OTHERS = "others/"
_A_COMPANYS = "organisation_number"
"""A legal person's number is nobody's personal data; a sole trader's is a personal number, and found as that."""


@dataclass(frozen=True)
class Proposal:
    """What is offered: a verdict, and the parts of the text that others may be spoken of in. Those that are `mentioned`
    stand in the person's own words, and are only shown."""

    verdict: str
    masks: tuple[Mask, ...] = field(default=(), repr=False)

    @property
    def hidden(self) -> tuple[Mask, ...]:
        """The masks that the verdict comes with."""
        return tuple(mask for mask in self.masks if not mask.mentioned)


class Proposing:
    """Offers a verdict and masks for the items of one case; `country` is the controller's, for telephone numbers."""

    def __init__(self, case: CaseFile, country: str) -> None:
        self._own, self._country = _own(case), country
        self._known = KnownPeople(_others(case))

    def __call__(self, item: Item, place: Place) -> Proposal:
        """Own words are offered as they are; what somebody else said is to be withheld, where others are named they are
        to be masked. `place`: where the item stands."""
        if item.form == FILE:
            return Proposal(WITHHELD if item.file["mixed"] else RELEASED)
        row = {"speaker": item.speaker} if item.speaker else {}
        voice = masking.row_voice(place.dataset, place.field, row)
        if voice == "other":
            return Proposal(WITHHELD)
        masks = self._masks(item.text, voice)
        if voice == "own" or not [mask for mask in masks if not mask.mentioned]:
            return Proposal(RELEASED, masks)
        return Proposal(MASKED, masks) if review.readable(item.form, item.text, masks) else Proposal(WITHHELD)

    def _masks(self, text: str, voice: str) -> tuple[Mask, ...]:
        spoken = masking.turns(text, self._known, self._own)
        if not spoken and voice == "own":
            spoken = (Turn(0, len(text), voice),)
        if spoken:
            masks = masking.propose_turns(text, self._known, self._own, spoken, self._country)
        else:
            masks = masking.propose(text, self._known, self._own, self._country)
        return tuple(mask for mask in masks if mask.kind != _A_COMPANYS)


def _own(case: CaseFile) -> Person:
    """The person as the request and their records name them."""
    stated: Mapping[str, str] = case.read_json("request")["subject"]
    attributes = case.read_json("document")["profile"]["attributes"]

    def values(attribute: str, stated_as: str) -> tuple[str, ...]:
        known = [value["value"] for value in attributes.get(attribute, {"values": []})["values"]]
        return tuple(dict.fromkeys([*filter(None, [stated.get(stated_as)]), *known]))

    return Person(
        names=values("name", "name"),
        emails=tuple(address.lower() for address in values("email", "email")),
        phones=values("phone", "phone"),
        addresses=values("address", "address"),
        numbers=values("customer_number", "customer_number"),
    )


def _others(case: CaseFile) -> Iterator[Person]:
    """Who else was seen while the person was looked for."""
    for name in case.names(_OTHERS):
        seen: Sequence[Mapping[str, Any]] = case.read_json(name)
        for other in seen:
            yield Person(names=(other["name"],), emails=tuple(other["email"]), phones=tuple(other["phone"]))
