"""All letters in a folder, to be clicked through: `python -m dsr letters preview FOLDER`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from dsr.report.letters import LANGUAGES, render
from dsr.report.specimens import Specimen, specimens
from dsr.settings import Settings

GROUPS: Final = {
    "first": "Before a request is worked on",
    "identity": "Who asks",
    "number": "Whether a phone is theirs",
    "access": "Access (Art. 15)",
    "portability": "Portability (Art. 20)",
    "erasure": "Erasure (Art. 17)",
    "restriction": "Restriction (Art. 18)",
    "rectification": "Rectification (Art. 16)",
    "objection": "Objection (Art. 21)",
    "withdrawal": "Withdrawal of consent (Art. 7(3))",
    "unclear": "The right isn't clear",
    "others": "To recipients, customers and recruiting",
    "officers": "To officers",
}
"""First word of a specimen's name → what the group is called, in the order of the index."""
WORDS: Final = {
    "joined": "joined to a request that is open",
    "customer": "referred to the customer",
    "customer unnamed": "referred to the customer, who is not named",
    "recruiting": "handed to recruiting",
    "which": "asks which right is meant",
    "taken": "says as which right it is taken",
    "asked": "asks by mail whether it is them",
    "unknown": "nothing is held, by mail",
    "code": "the code by mail, or by text",
    "ticket": "says in the ticket that a mail was sent",
    "full": "done in full",
    "partial": "done in part",
    "anonymised": "nothing erased, all made anonymous",
    "none": "not done, with the reasons",
    "recipients": "which recipients were told",
    "kept": "stays restricted",
    "meanwhile": "restricted while it is examined",
}
"""What the end of a name says in full, where it alone says too little."""
WAYS: Final = {
    "ticket": "in the ticket",
    "mail": "mail",
    "text": "text message",
    "others": "mail to others",
    "officers": "mail to officers",
}


@dataclass(frozen=True)
class Entry:
    """One line of the index. `languages`: language → the specimen."""

    name: str
    title: str
    way: str
    languages: Mapping[str, Specimen]


def index(found: Iterable[Specimen]) -> Sequence[tuple[str, Sequence[Entry]]]:
    """(group in words, its entries), in the order of `GROUPS`."""
    by_name: dict[str, dict[str, Specimen]] = {}
    for specimen in found:
        by_name.setdefault(specimen.name, {})[specimen.language] = specimen
    order = list(GROUPS)
    entries = sorted((_entry(name, of) for name, of in by_name.items()), key=lambda entry: order.index(_group(entry)))
    return [(GROUPS[group], list(of)) for group, of in groupby(entries, _group)]


def preview(folder: Path, settings: Settings) -> int:
    """Write every one as `<name>.<language>.html`, and as `.txt` where it has a text, and an `index.html` that leads to
    them; how many letters. They load nothing from anywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(specimens(settings))
    for specimen in found:
        (folder / f"{specimen.stem}.html").write_text(specimen.html, encoding="utf-8")
        if specimen.text:
            (folder / f"{specimen.stem}.txt").write_text(specimen.text, encoding="utf-8")
    page = render("letters.html.j2", groups=index(found), languages=LANGUAGES, count=len(found))
    (folder / "index.html").write_text(page, encoding="utf-8")
    return len(found)


def _group(entry: Entry) -> str:
    return entry.name.partition("-")[0]


def _entry(name: str, of: Mapping[str, Specimen]) -> Entry:
    """Its title: the name without the group's word, its end said in full."""
    title = name.partition("-")[2].replace("-", " ")
    ends = [end for end in WORDS if title == end or (title.endswith(f" {end}") and "link" not in title)]
    if ends:
        end = max(ends, key=len)
        title = f"{title.removesuffix(end).strip()}: {WORDS[end]}".removeprefix(": ")
    return Entry(name, title[:1].upper() + title[1:], WAYS[next(iter(of.values())).way], of)
