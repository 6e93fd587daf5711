"""Values of records as HTML: escaped by markupsafe, cleaned of what a browser wouldn't show, cut where too long.

Values are never links, never markup, never attributes: what they hold is text in an element of its own.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup, escape

from dsr.report.html.wording import Wording

PREVIEW: Final = 280
"""Characters up to which a text stands in full; longer ones unfold."""
_BEGINNING: Final = 160
_DEEPEST: Final = 6
_MOST_ITEMS: Final = 50
# Tab and line feed stay. U+FFFE and U+FFFF are no characters.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d*[1-9])?)?)(?:\.?0*)?([Zz]|[+-]\d\d:?\d\d)?"
)
_UTC: Final = ("Z", "z", "+00:00", "+0000", "-00:00")


class Json(str):
    """JSON text of a nested value."""

    __slots__ = ()


def clean(text: str) -> str:
    """The text with control characters and lone surrogates as U+FFFD, line ends as line feeds."""
    if text.isprintable():
        return text
    return _UNSEEN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def clip(text: str, most: int = PREVIEW) -> str:
    """The text, cleaned, with an ellipsis after so many characters."""
    text = clean(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def cell(value: object, wording: Wording, limit: int) -> Markup:
    """One value that is not null. `limit`: characters of a text that are shown at all; the rest is in the files."""
    if isinstance(value, Json):
        return _nested(value, wording, limit)
    if isinstance(value, bool):
        return escape(wording.text("value.yes" if value else "value.no"))
    text = clean(str(value))
    return escape(text) if len(text) <= PREVIEW else _long(text, wording, limit)


def plain_cells(values: Sequence[object]) -> list[str] | None:
    """HTML as `cell` gives it, of each value of one column, all of one type, with nothing for null; None when a value
    needs words or more than its text. Each different value is made once, and all are escaped together."""
    known = next((value for value in values if value is not None), "")
    if isinstance(known, Json | bool):
        return None
    texts = values if isinstance(known, str) else [None if value is None else str(value) for value in values]
    different = dict.fromkeys(texts)
    cleaned = [clean(str(value)) for value in different if value is not None]
    if max(map(len, cleaned), default=0) > PREVIEW:
        return None
    # Clean texts hold no NUL.
    escaped = str(escape("\0".join(cleaned))).split("\0")
    made = dict(zip((value for value in different if value is not None), escaped, strict=False))
    return [made.get(value, "") for value in texts]


def moment(text: str) -> str:
    """A time in RFC 3339 as people read it: blank for T, UTC for Z, no empty fractions. Other text as it is."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return text
    day, time, zone = found.groups()
    if zone is None:
        return f"{day} {time}"
    return f"{day} {time} {'UTC' if zone in _UTC else zone}"


def _long(text: str, wording: Wording, limit: int) -> Markup:
    rest = len(text) - limit
    cut = (
        Markup('<p class="cut">{}</p>').format(wording.text("value.cut", rest=wording.number(rest)))
        if rest > 0
        else Markup("")
    )
    return Markup('<details class="long"><summary>{}…</summary><p class="whole" dir="auto">{}</p>{}</details>').format(
        text[:_BEGINNING].rstrip(), text[:limit], cut
    )


def _nested(text: Json, wording: Wording, limit: int) -> Markup:
    """Objects as definition lists, arrays as lists; what is too long, too deep or no JSON as its text."""
    if len(text) <= limit:
        try:
            return _tree(json.loads(text, parse_int=str, parse_float=str), wording, 0)
        except (ValueError, RecursionError):
            pass_on = str(text)
    else:
        pass_on = str(text)
    shown = clean(pass_on)
    return escape(shown) if len(shown) <= PREVIEW else _long(shown, wording, limit)


def _tree(value: Any, wording: Wording, depth: int) -> Markup:
    if isinstance(value, dict) and value and depth < _DEEPEST:
        pairs = [
            Markup('<div><dt dir="auto">{}</dt><dd dir="auto">{}</dd></div>').format(
                clip(key), _tree(part, wording, depth + 1)
            )
            for key, part in list(value.items())[:_MOST_ITEMS]
        ]
        return Markup('<dl class="nested">{}{}</dl>').format(Markup("").join(pairs), _more(value, wording, "div"))
    if isinstance(value, list) and value and depth < _DEEPEST:
        items = [
            Markup('<li dir="auto">{}</li>').format(_tree(part, wording, depth + 1)) for part in value[:_MOST_ITEMS]
        ]
        return Markup('<ul class="nested">{}{}</ul>').format(Markup("").join(items), _more(value, wording, "li"))
    if value is None or value in ({}, []):
        return Markup('<span class="none">{}</span>').format(wording.text("value.none"))
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return cell(value, wording, len(value) if isinstance(value, str) else PREVIEW)


def _more(value: dict[str, Any] | list[Any], wording: Wording, element: str) -> Markup:
    rest = len(value) - _MOST_ITEMS
    if rest <= 0:
        return Markup("")
    words = wording.text("value.more", rest=wording.number(rest))
    if element == "div":
        return Markup("<div><dt>…</dt><dd>{}</dd></div>").format(words)
    return Markup("<li>{}</li>").format(words)
