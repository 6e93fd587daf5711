"""What a person looks at before it is disclosed, and what they decided: the nouns of the review, kept in the case file.

Texts and files in which other people may be spoken of (`schema.held`, every attachment) are held until a person has
looked at them (Art. 15(4), 20(4) GDPR). An item is one text or one file, however often the records hold it: what is
decided counts for all places of that case where the same stands.

    review/index               every item by the SHA-256 of its content, with its number and places
    review/items/<nnnn>        the items themselves, PAGE of them in each
    review/decisions/<number>  what was decided about one of them, by whom
    review/concluded           what the review came to: the only thing that `dsr.clearing` goes by
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from dsr import masking
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.masking import Mask
from dsr.search import stamp

FOLDER: Final = "review/"
FOLLOWING: Final = ("review/items/", "review/concluded")
"""What a new search makes void. Decisions stay: they are about the content of items."""
INDEX: Final = "review/index"
CONCLUDED: Final = "review/concluded"
PAGE: Final = 50

TEXT, JSON, FILE = "text", "json", "file"
RELEASED, MASKED, WITHHELD = "released", "masked", "withheld"
VERDICTS: Final = (RELEASED, MASKED, WITHHELD)
GROUNDS: Final = ("third_party", "confidential")
"""Why a person may withhold an item."""
NOT_REVIEWED: Final = "not_reviewed"
FILE_NAME: Final = "file name"
"""In place of a field, for what a file is called."""

_LETTER_OR_DIGIT: Final = re.compile(r"[^\W_]")


def says_something(text: str) -> bool:
    """Whether a text can say anything of anybody: it has a letter or a digit. Others are not held."""
    return _LETTER_OR_DIGIT.search(text) is not None


def readable(form: str, text: str, masks: Sequence[Mask]) -> bool:
    """Whether what is left when these parts are replaced can still be read: of a nested value, it is still one."""
    if form == JSON:
        try:
            orjson.loads(masking.apply(text, masks))
        except orjson.JSONDecodeError:
            return False
    return form != FILE


def key_of(text: str, form: str) -> str:
    """By which a text is known: its form, and the SHA-256 of its UTF-8, hex."""
    return f"{form}.{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def key_of_file(sha256: str) -> str:
    """By which a file with these bytes is known; never that of a text."""
    return f"file.{sha256}"


@dataclass(frozen=True)
class Place:
    """Where an item stands, and in how many records of that dataset. `field` is "" for a file."""

    source: str
    dataset: str
    field: str
    count: int


@dataclass(frozen=True)
class Item:
    """One text or file.

    number   from 1, the same for the same content as long as the case lives
    form     TEXT, JSON (text of a nested value) or FILE
    text     what it says; of a file its name
    speaker  who says it, where its record names a speaker; else ""
    file     of a file: its object in the case file, media type, extension, bytes, and `mixed` (`model.Attachment`);
             else {}
    """

    number: int
    key: str
    form: str
    text: str = field(repr=False)
    speaker: str = ""
    file: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Verdict:
    """What a person decided about an item.

    verdict   one of `VERDICTS`; ground: one of `GROUNDS` or NOT_REVIEWED, of what is withheld, else ""
    masks     of what is masked: the parts of the text that are replaced, at least one
    by        the code of who decided; at: when, aware
    seconded  the code of who looked a second time and agreed; "" = nobody has
    """

    key: str
    verdict: str
    by: str
    at: datetime
    ground: str = ""
    masks: tuple[Mask, ...] = field(default=(), repr=False)
    seconded: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the case file."""
        return {**vars(self), "at": stamp(self.at), "masks": [vars(mask) for mask in self.masks]}

    @classmethod
    def not_reviewed(cls, key: str) -> "Verdict":
        """Of an item that nobody has looked at when the review was ended: it stays out."""
        return cls(key, WITHHELD, "", datetime.min.replace(tzinfo=UTC), NOT_REVIEWED)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Verdict":
        """Back from `as_json`."""
        masks = tuple(Mask(**mask) for mask in value["masks"])
        return cls(**{**value, "at": datetime.fromisoformat(value["at"]), "masks": masks})


@dataclass(frozen=True)
class Entry:
    """An item without its content: what the index has. `page` 0: it was seen by an earlier search only."""

    number: int
    page: int
    places: tuple[Place, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the case file."""
        return {**vars(self), "places": [vars(place) for place in self.places]}


def entries(case: CaseFile, *, gone: bool = False) -> dict[str, Entry]:
    """All items by key, in the order of their pages; with those that are `gone` if that is asked for. {} before
    anything was held."""
    kept = case.read_json(INDEX) if case.exists(INDEX) else {}
    read = {
        key: Entry(e["number"], e["page"], tuple(Place(**place) for place in e["places"])) for key, e in kept.items()
    }
    return {key: entry for key, entry in read.items() if gone or entry.page}


def page_name(page: int) -> str:
    """The object of a page of items; pages count from 1."""
    return f"review/items/{page:05d}"


def page(case: CaseFile, number: int) -> list[Item]:
    """The items of a page; [] when there is none of that number."""
    name = page_name(number)
    return [Item(**value) for value in case.read_json(name)] if case.exists(name) else []


def item(case: CaseFile, number: int) -> Item:
    """The item of that number. PermanentError("review.item") when there is none."""
    for entry in entries(case).values():
        if entry.number == number:
            for found in page(case, entry.page):
                if found.number == number:
                    return found
    raise PermanentError("review.item", "review")


def verdicts(case: CaseFile) -> Iterator[tuple[int, Verdict]]:
    """All that was decided, by number of the item."""
    for name in case.names("review/decisions/"):
        yield int(name.rpartition("/")[2]), Verdict.from_json(case.read_json(name))


def verdict(case: CaseFile, number: int) -> Verdict | None:
    """What was decided about an item; None when nothing was."""
    name = _decision_name(number)
    return Verdict.from_json(case.read_json(name)) if case.exists(name) else None


def decide(case: CaseFile, number: int, decided: Verdict) -> None:
    """Keeps a decision, in place of an earlier one."""
    case.write_json(_decision_name(number), decided.as_json())


def _decision_name(number: int) -> str:
    return f"review/decisions/{number:07d}"


@dataclass(frozen=True)
class Concluded:
    """What the review of a case came to.

    verdicts  by key of the item; an item without one was not reviewed, and stays out
    by        the code of who ended it; "" when there was nothing to review
    """

    verdicts: Mapping[str, Verdict] = field(repr=False)
    by: str = ""

    def save(self, case: CaseFile) -> None:
        """Into the case file."""
        case.write_json(CONCLUDED, {"by": self.by, "verdicts": [v.as_json() for v in self.verdicts.values()]})

    @classmethod
    def load(cls, case: CaseFile) -> "Concluded":
        """PermanentError("review.missing") when nobody has ended the review of what was last found."""
        if not case.exists(CONCLUDED):
            raise PermanentError("review.missing", "review")
        kept = case.read_json(CONCLUDED)
        decided = (Verdict.from_json(value) for value in kept["verdicts"])
        return cls({verdict.key: verdict for verdict in decided}, kept["by"])


def ended(case: CaseFile) -> bool:
    """Whether somebody has ended the review; where there was nothing to look at, nobody has."""
    return case.exists(CONCLUDED) and Concluded.load(case).by != ""
