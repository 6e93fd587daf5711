"""E-mail addresses and telephone numbers in a text."""

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers

from dsr.mailboxes import is_role_mailbox

_AT: Final = re.compile(
    r"(?<=[\w.%+'&~!#$*/=?^`{|}\-\u0300-\u036f])[@\uff20](?=[^\W_][\w\-\u0300-\u036f]*\.[^\W_])"
    r"|\s?[(\[{]\s?(?:at|a|snabel-?a)\s?[)\]}]\s?"
    r"|\s(?:snabel-a|snabel a)\s",
    re.IGNORECASE,
)
_LOCAL: Final = re.compile(r"[\w.%+'&~!#$*/=?^`{|}\-\u0300-\u036f]+")
_LABELS: Final = re.compile(r"[^\W_][\w\-\u0300-\u036f]*(?:\.[^\W_][\w\-\u0300-\u036f]*)*")
_TOP: Final = re.compile(r"[^\W\d_]{2,}")
"""The letters that a domain ends in; what follows belongs to the text ("firma.se-adressen")."""
_SPELT: Final = re.compile(r"\s?[(\[{]\s?(?:dot|punkt)\s?[)\]}]\s?|\s(?:dot|punkt)\s", re.IGNORECASE)
_QUOTING: Final = "'/=*!#$?^`{|}&~%."
"""Allowed in a local part, but at its ends they belong to the text around it."""
_DOTS: Final = 4
"""How many dots of an address may be spelt out on each side."""

_RUN: Final = re.compile(r"(?<![\w@])[+＋(]{0,3}\d[\d \u00a0\u00ad\u200b\u2060\u3000().~/\-‐-―−]*")
_DATE: Final = re.compile(r"(?<!\d)(?:19|20)\d\d([-/.])\d\d\1\d\d(?!\d)")
_BETWEEN: Final = " \u00a0\u00ad\u200b\u2060\u3000.~/-‐‑‒–—―−"
_MOST: Final = 40
"""Characters of a telephone number. A longer run of digits is a table, and read number by number."""
_SHAPE: Final = re.compile(r"(?<![\d+])(?:\+|00?)[1-9](?:[ .\-/]?\d){6,14}(?!\d)")
_ASKED: Final = 10_000
"""Runs of digits in one text that the library is asked about; from then on the shape decides."""


def emails(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and normal form of every address, obfuscated ones too: "karin (at) firma.se", "karin snabel-a firma
    punkt se". The domain has a dot and ends in letters. Work grows with the text alone: what lies between two signs is
    looked at once for each."""
    last = 0
    for at in _AT.finditer(text):
        spelt = at[0] not in "@\uff20"
        start, local = _before(text, last, at.start(), spelt=spelt)
        end, domain = _behind(text, at.end(), spelt=spelt)
        last = at.end()
        if local and domain:
            yield start, end, f"{local}@{domain}".casefold()


def _before(text: str, first: int, end: int, *, spelt: bool) -> tuple[int, str]:
    """Where the local part before a sign begins, and the part."""
    backwards = _LOCAL.match(text[first:end][::-1])
    local = backwards[0][::-1] if backwards else ""
    start = end - len(local)
    if spelt:
        for _ in range(_DOTS):
            dot = re.search(r"([\w\-+]{1,64})(\s(?:punkt|dot)\s|\s?[(\[{](?:dot|punkt)[)\]}]\s?)\Z",
                              text[max(first, start - 80) : start], re.IGNORECASE)  # fmt: skip
            if not dot:
                break
            start -= len(dot[0])
            local = f"{dot[1]}.{local}"
    stripped = local.lstrip(_QUOTING)
    return start + len(local) - len(stripped), stripped.rstrip(".")


def _behind(text: str, start: int, *, spelt: bool) -> tuple[int, str]:
    """Where the domain behind a sign ends, and the domain; "" when it is none."""
    found = _LABELS.match(text, start)
    if not found:
        return start, ""
    end, domain = found.end(), found[0]
    for _ in range(_DOTS if spelt else 0):
        dot = _SPELT.match(text, end)
        more = _LABELS.match(text, dot.end()) if dot else None
        if not more:
            break
        end, domain = more.end(), f"{domain}.{more[0]}"
    head, point, last = domain.rpartition(".")
    top = _TOP.match(last)
    return (end - len(last) + top.end(), f"{head}.{top[0]}") if point and top else (end, "")


def somebodys(address: str) -> bool:
    """Whether an address is a human's, not a function's."""
    return not is_role_mailbox(address)


def phones(text: str, country: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and E.164 of every valid number; "" for the last when only its shape says that it is one."""
    for asked, run in enumerate(_runs(text)):
        start, end = run
        if end - start > _MOST or asked >= _ASKED:
            yield from ((start + m.start(), start + m.end(), "") for m in _SHAPE.finditer(text[start:end]))
            continue
        for match in phonenumbers.PhoneNumberMatcher(text[start:end], country):
            number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            yield start + match.start, start + match.end, number


def written(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and digits of every run of digits that could be a number, a plus and "(0)" left out."""
    for start, end in _runs(text):
        if end - start <= _MOST:
            yield start, end, digits(text[start:end].replace("(0)", ""))


def digits(text: str) -> str:
    """The digits alone, leading zeros left out."""
    return "".join(str(int(c)) for c in text if c.isdecimal()).lstrip("0")


def forms(number: str) -> set[str]:
    """What `written` may give for an E.164 number: with and without the country code."""
    try:
        national = str(phonenumbers.parse(number).national_number)
    except phonenumbers.NumberParseException:
        national = digits(number)
    return {national, digits(number)}


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Runs of digits with seven digits or more: dates part them, and what stands at their ends without being part of
    them is left out."""
    for found in _RUN.finditer(text):
        last = found.start()
        for date in (*_DATE.finditer(text, *found.span()), None):
            end = date.start() if date else found.end()
            run = text[last:end]
            start = last + len(run) - len(run.lstrip(_BETWEEN))
            stop = last + len(run.rstrip(_BETWEEN + "("))
            following = text[stop : stop + 1]
            glued = following == "@" or following == "_" or following.isalpha()
            if stop - start >= 7 and not glued and sum(map(str.isdecimal, text[start:stop])) >= 7:
                yield start, stop
            last = date.end() if date else end
