"""hold: what others may be spoken of in waits for a person: every text of a held field, every file, once each.

An item that an earlier search of the same case has shown keeps its number, and so what was decided about it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from dsr import review, rows, schema
from dsr.casefile import CaseFile
from dsr.collected import Collected, KeptAttachment
from dsr.review import Concluded, Entry, Item, Place

_SPEAKER: Final = "speaker"


def hold(case: CaseFile) -> int:
    """Puts every item of the document's records and files under review; how many there are. When there is none, the
    review is over by that. Older conclusions are void. PermanentError("case.absent") before `combine`."""
    for prefix in review.FOLLOWING:
        case.remove(prefix)
    document = case.read_json("document")
    pages = _Pages(case)
    for source, dataset, fields in _held(document):
        for batch in rows.batches(case, source, dataset, fields):
            pages.texts(source, dataset, batch)
    for source, kept in _files(case, document):
        pages.file(source, kept)
    pages.finish()
    if not pages.found:
        Concluded({}).save(case)
    return pages.found


def _held(document: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Source, dataset and its disclosed fields, where some of them are held."""
    for category in document["categories"]:
        for dataset in category["datasets"]:
            if schema.held(dataset["name"]).intersection(dataset["fields"]):
                yield dataset["source"], dataset["name"], dataset["fields"]


def _files(case: CaseFile, document: Mapping[str, Any]) -> Iterator[tuple[str, KeptAttachment]]:
    """The files that the document lists, with their sources."""
    listed = {(a["source"], a["dataset"], a["attachment_id"]) for a in document["attachments"]}
    for source in dict.fromkeys(a["source"] for a in document["attachments"]):
        for kept in Collected.from_json(case.read_json(f"collected/{source}")).attachments:
            if (source, kept.dataset, kept.attachment_id) in listed:
                yield source, kept


@dataclass
class _Pages:
    """Writes items as they come, a page at a time, and the index at the end."""

    case: CaseFile
    found: int = 0
    _waiting: list[Item] = field(default_factory=list)
    _page: int = 1

    def __post_init__(self) -> None:
        self._known = review.entries(self.case, gone=True)
        self._pages: dict[str, int] = {}
        self._places: dict[str, Counter[tuple[str, str, str]]] = {}

    def texts(self, source: str, dataset: str, batch: pa.RecordBatch) -> None:
        """The texts of a batch; those without a letter or digit say nothing of anybody."""
        for name in batch.schema.names:
            if name in schema.held(dataset):
                self._column(source, dataset, batch, name)

    def _column(self, source: str, dataset: str, batch: pa.RecordBatch, name: str) -> None:
        form = review.JSON if schema.is_json(batch.schema.field(name)) else review.TEXT
        speakers = batch.column(_SPEAKER) if _SPEAKER in batch.schema.names else None
        encoded = batch.column(name).dictionary_encode()
        rows_of = encoded.indices.to_pylist()
        first = {at: row for row, at in reversed(list(enumerate(rows_of))) if at is not None}
        counts = Counter(rows_of)
        for at, text in enumerate(encoded.dictionary.to_pylist()):
            if review.says_something(text):
                key = review.key_of(text, form)
                if self._is_new(key, (source, dataset, name), counts[at]):
                    speaker = str(speakers[first[at]].as_py()) if speakers is not None else ""
                    self._add(Item(self._number(key), key, form, text, speaker))

    def file(self, source: str, kept: KeptAttachment) -> None:
        """A file, one of the same bytes is the same; and what it is called, which may name somebody, too."""
        if review.says_something(kept.title):
            named = review.key_of(kept.title, review.TEXT)
            if self._is_new(named, (source, kept.dataset, review.FILE_NAME), 1):
                self._add(Item(self._number(named), named, review.TEXT, kept.title))
        key = review.key_of_file(kept.sha256)
        if self._is_new(key, (source, kept.dataset, ""), 1):
            described = {name: getattr(kept, name) for name in ("media_type", "extension", "bytes", "mixed")}
            described["object"] = kept.name
            self._add(Item(self._number(key), key, review.FILE, kept.title, file=described))

    def finish(self) -> None:
        """Writes what waits, and the index."""
        self._flush()
        index = {key: Entry(entry.number, 0) for key, entry in self._known.items()}
        for key, page in self._pages.items():
            places = tuple(Place(*where, count) for where, count in self._places[key].items())
            index[key] = Entry(self._number(key), page, places)
        self.case.write_json(review.INDEX, {key: entry.as_json() for key, entry in index.items()})

    def _is_new(self, key: str, place: tuple[str, str, str], count: int) -> bool:
        new = key not in self._places
        self._places.setdefault(key, Counter())[place] += count
        return new

    def _number(self, key: str) -> int:
        if key not in self._known:
            self._known[key] = Entry(len(self._known) + 1, 0)
        return self._known[key].number

    def _add(self, item: Item) -> None:
        self.found += 1
        self._pages[item.key] = self._page
        self._waiting.append(item)
        if len(self._waiting) == review.PAGE:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self.case.write_json(review.page_name(self._page), [vars(item) for item in self._waiting])
            self._waiting, self._page = [], self._page + 1
