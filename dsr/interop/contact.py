"""The profile as a vCard.

Version 3.0 (RFC 2426), not 4.0: Outlook reads nothing newer, iCloud and Google Contacts write 3.0 themselves, and
Android's and iOS's importers take every property used here from it. What 4.0 adds (RFC 6350) isn't needed.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from typing import Any, Final

from dsr.interop.text import block, line

_OTHER_NAMES: Final = {"sv": "Även antecknad som: {names}", "en": "Also recorded as: {names}"}
_MORE: Final = {
    "sv": "Det finns fler uppgifter än som ryms här. De finns i profile.json och i posterna.",
    "en": "There are more values than fit here. They are in profile.json and in the records.",
}
_SHOWN: Final = ("name", "email", "phone", "address", "organisation", "title")


def card(document: Mapping[str, Any]) -> bytes:
    """The person's card with every value of the profile; b"" when it has none that a card shows.

    Several values of one kind become several properties, the ones that most records bear first. A card has one name:
    the others stand in its note. A full name is not taken apart into given and family name, which can't be done
    surely: it stands as a whole where readers show it.
    """
    attributes = document["profile"]["attributes"]
    values = {attribute: _values(attributes, attribute) for attribute in _SHOWN}
    if not any(values.values()):
        return b""
    vobject: Any = import_module("vobject")  # when needed: 50 ms that every task would pay for
    made = vobject.vCard()
    names = values["name"] or next(found[:1] for found in values.values() if found)
    _add(made, "fn", line(names[0]))
    _add(made, "n", vobject.vcard.Name(given=line(names[0])))
    for email in values["email"]:
        _add(made, "email", line(email), "INTERNET")
    for phone in values["phone"]:
        _add(made, "tel", line(phone), "VOICE")
    for address in values["address"]:
        _add(made, "adr", vobject.vcard.Address(street=block(address)))
    for organisation in values["organisation"]:
        _add(made, "org", [line(organisation)])
    for title in values["title"]:
        _add(made, "title", line(title))
    notes = list(_notes(document, values["name"][1:], attributes))
    if notes:
        _add(made, "note", "\n".join(notes))
    request_id = document["request"]["request_id"]
    _add(made, "uid", sha256(f"{request_id}\0contact".encode()).hexdigest()[:32])
    _add(made, "rev", document["made_at"])
    return str(made.serialize()).encode()


def _values(attributes: Mapping[str, Any], attribute: str) -> list[str]:
    """The values that say something, the most frequent first."""
    listed = attributes.get(attribute, {"values": []})["values"]
    ordered = sorted(listed, key=lambda value: (-value["records"], value["value"]))
    return [value["value"] for value in ordered if line(value["value"])]


def _notes(document: Mapping[str, Any], names: list[str], attributes: Mapping[str, Any]) -> Iterator[str]:
    language = document["request"]["language"]
    if names:
        yield _OTHER_NAMES[language].format(names="; ".join(map(line, names)))
    if any(attributes.get(attribute, {}).get("more_values") for attribute in _SHOWN):
        yield _MORE[language]


def _add(made: Any, name: str, value: Any, kind: str = "") -> None:
    added = made.add(name)
    added.value = value
    if kind:
        added.type_param = kind
