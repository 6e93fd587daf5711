"""What a request is about: the controller's own processing unless it says otherwise. The rules are the same for every
channel; a channel only knows where in its body each stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from dsr.channels.ticket import Relation
from dsr.vocabulary import ABOUT, CUSTOMER_KEY

POINTERS: Final[Mapping[str, str]] = {"about": "#/about", "customer": "#/customer"}
"""Where these stand in a body of our own making."""


def relation(
    about: str | None, customer: str | None, pointers: Mapping[str, str] = POINTERS
) -> tuple[Relation, list[tuple[str, str]]]:
    """What the request says, without case; and all that is wrong with it, at `pointers`, in the form of
    `Refused.problems`."""
    said = Relation((about or "").strip().lower(), (customer or "").strip().lower())
    return said, [(pointers[name], what) for name, what in _problems(said)]


def _problems(said: Relation) -> Iterator[tuple[str, str]]:
    if said.about and said.about not in ABOUT:
        yield "about", "is not one of the accepted values"
    if said.customer and said.about != "on_behalf":
        yield "customer", "is for what is done on behalf of a customer only"
    elif said.customer and not re.fullmatch(CUSTOMER_KEY, said.customer):
        yield "customer", "is no key of a customer: small letters, digits and hyphens, a letter among them"
