"""Whom a person is referred to whose request isn't ours to answer, or not here: the customers on whose behalf we
process (Art. 28(3)(e) GDPR), and recruiting, whose notice is another."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dsr.vocabulary import CUSTOMER_KEY

EXPECTED: Final = 'a JSON object of customers: {"key": {"name": "…", "mail": "privacy@customer.example"}}'
_ADDRESS: Final = re.compile(r"[^\s@<>(),;:\"\\\[\]]{1,64}@[^\s@<>(),;:\"\\\[\]/]{1,190}")
_LONGEST: Final = 200


@dataclass(frozen=True)
class Customer:
    """A controller for whom we are a processor: what a letter calls them, and where they read what concerns data
    protection."""

    name: str
    mail: str


@dataclass(frozen=True)
class Recruiting:
    """Who answers for applications: an address that is read, and where the notice about them stands; "" = the
    controller's own address, and not said."""

    mail: str = ""
    notice: str = ""


def customers_of(text: str) -> Mapping[str, Customer]:
    """The customers in a setting's text, by key; {} when it is empty. ValueError(`EXPECTED`) when it can't be used."""
    if not text:
        return {}
    try:
        named = json.loads(text)
        return {key: _customer(key, entry) for key, entry in named.items()}
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        raise ValueError(EXPECTED) from None


def _customer(key: str, entry: Mapping[str, str]) -> Customer:
    made = Customer(**entry)
    printed = all(isinstance(text, str) and text.isprintable() for text in (made.name, made.mail))
    if not (printed and re.fullmatch(CUSTOMER_KEY, key) and 0 < len(made.name) <= _LONGEST):
        raise ValueError(key)
    if not is_address(made.mail):
        raise ValueError(key)
    return made


def is_address(text: str) -> bool:
    """Whether a mail can be sent there, as far as its form says."""
    return _ADDRESS.fullmatch(text) is not None
