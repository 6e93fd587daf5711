"""What a ticket states and what can't be what it looks like: invisible characters, letters that stand for others, the
marks of query languages where nobody writes them. It is refused before it is kept, and never looked up.

Names are not judged but for their length and control characters (the tickets' schemas do that): nobody is looked up by
a name, and people have all kinds.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

_INVISIBLE: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
_VARIATION: Final = "VARIATION SELECTOR"
_MARKS: Final = frozenset("'\"\\<>{}=|%`")
"""In no telephone number and no customer number; in an address a quotation mark or a per cent sign may be real."""


def misleading(stated: Mapping[str, str]) -> list[tuple[str, str]]:
    """Field and what is wrong with it, in words without any value; [] when nothing is. `stated` as `Ticket.subject`."""
    found = [("email", what) for what in _in_address(stated.get("email", ""))]
    for field in ("phone", "customer_number"):
        if _MARKS & set(stated.get(field, "")):
            found.append((field, "holds a character that is in no such number"))
    return found


def _in_address(address: str) -> Iterator[str]:
    composed = unicodedata.normalize("NFC", address)
    names = [unicodedata.name(c, "") for c in composed]
    if any(unicodedata.category(c) in _INVISIBLE for c in composed) or any(n.startswith(_VARIATION) for n in names):
        yield "holds a character that can't be seen"
    elif unicodedata.normalize("NFKC", address) != composed or any(
        not c.isascii() and c.lower().isascii() for c in address
    ):
        # "K" (Kelvin) in lower case is a k, a full-width letter the usual one: another's address, once it is compared.
        yield "holds a character that only looks like a letter"
    elif any(len(_scripts(label)) > 1 for label in composed.replace("@", ".").split(".")):
        yield "mixes letters of several scripts in a word"


def _scripts(word: str) -> set[str]:
    """The scripts of its letters, by the first word of their Unicode names: "LATIN", "CYRILLIC". Signs of Japanese,
    which is written in three, count as one with those of Chinese."""
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in word if unicodedata.category(c).startswith("L")}
    together = {"HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA"}
    return scripts - together | ({"CJK"} if scripts & together else set())
