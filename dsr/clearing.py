"""The only way of records and files out of the case file into a package: what a person has let go, and what never
needed to wait for one.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from dsr import masking, package, review, rows, schema
from dsr.casefile import CaseFile
from dsr.cleared import CLEARING, Cleared, ClearedFile, RowsOf
from dsr.collected import Collected, KeptAttachment
from dsr.errors import PermanentError
from dsr.report.package import GROUNDS, GROUNDS_PORTABILITY, WITHHELD_MARKS
from dsr.review import MASKED, RELEASED, Concluded, Verdict

_CHUNK: Final = 1024 * 1024


def never_held(case: CaseFile, fields: Mapping[str, Sequence[str]]) -> RowsOf:
    """The datasets' rows without the fields that are held: nobody needs to look at these."""

    def rows_of(source: str, dataset: str) -> Iterator[Cleared]:
        if dataset in fields:
            free = [name for name in fields[dataset] if name not in schema.held(dataset)]
            for batch in rows.batches(case, source, dataset, free):
                yield Cleared(batch, CLEARING)

    return rows_of


class Clearing:
    """What the review of one case came to, applied. PermanentError("review.missing") when nobody has ended it."""

    def __init__(self, case: CaseFile) -> None:
        self._case = case
        self._verdicts = Concluded.load(case).verdicts
        self._entries = review.entries(case)
        request = case.read_json("request")
        self._language = request["language"]
        self._words = GROUNDS_PORTABILITY if request["right"] == "portability" else GROUNDS

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document of what is left: files that are withheld are not listed, and all that is withheld or masked is
        counted by dataset and ground."""
        kept = [
            {**a, "title": self._text(a["title"], nested=False)}
            for a in document["attachments"]
            if self._released(a["sha256"])
        ]
        numbered = [
            {**listed, "file": package.attachment_file(number, listed["file"].rpartition(".")[2])}
            for number, listed in enumerate(kept, 1)
        ]
        return {**document, "attachments": numbered, "withheld": self._withheld(document["withheld"])}

    def rows_of(self, fields: Mapping[str, Sequence[str]]) -> RowsOf:
        """Reads the datasets that are disclosed, with those of their fields that are; of others there are no rows."""

        def rows_of(source: str, dataset: str) -> Iterator[Cleared]:
            if dataset in fields:
                held = [name for name in fields[dataset] if name in schema.held(dataset)]
                for batch in rows.batches(self._case, source, dataset, fields[dataset]):
                    for name in held:
                        place = batch.schema.get_field_index(name)
                        described = batch.schema.field(place)
                        batch = batch.set_column(place, described, self._column(described, batch.column(place)))
                    yield Cleared(batch, CLEARING)

        return rows_of

    def files(self, document: Mapping[str, Any]) -> Iterator[ClearedFile]:
        """The files that `document` still lists. PermanentError("attachment.lost") when one isn't what it lists."""
        kept: dict[tuple[str, str, str], KeptAttachment] = {}
        for source in dict.fromkeys(listed["source"] for listed in document["attachments"]):
            for its in Collected.from_json(self._case.read_json(f"collected/{source}")).attachments:
                kept[source, its.dataset, its.attachment_id] = its
        for listed in document["attachments"]:
            its = kept[listed["source"], listed["dataset"], listed["attachment_id"]]
            if not self._released(its.sha256) or its.sha256 != listed["sha256"]:
                raise PermanentError("attachment.lost", "compose")
            yield ClearedFile(listed, self._reader(its), CLEARING)

    def _reader(self, kept: KeptAttachment) -> Callable[[], Iterator[bytes]]:
        def chunks() -> Iterator[bytes]:
            left = kept.bytes
            with self._case.reader(kept.name) as file:
                while chunk := file.read(_CHUNK):
                    left -= len(chunk)
                    yield chunk
            if left:
                raise PermanentError("attachment.lost", "compose")

        return chunks

    def _column(self, described: pa.Field, column: pa.Array) -> pa.Array:
        encoded = column.dictionary_encode()
        nested = schema.is_json(described)
        cleared = [self._text(text, nested=nested) for text in encoded.dictionary.to_pylist()]
        return pa.array(cleared, pa.string()).take(encoded.indices)

    def _text(self, text: str, *, nested: bool) -> str | None:
        if not review.says_something(text):
            return text
        verdict = self._verdict(review.key_of(text, review.JSON if nested else review.TEXT))
        if verdict.verdict == RELEASED:
            return text
        if verdict.verdict == MASKED:
            return masking.apply(text, verdict.masks, self._language)
        return None if nested else WITHHELD_MARKS[self._language][verdict.ground]

    def _released(self, sha256: str) -> bool:
        """Whether a file may leave, which it only does whole."""
        return self._verdict(review.key_of_file(sha256)).verdict == RELEASED

    def _verdict(self, key: str) -> Verdict:
        """What was decided; an item that nobody has looked at is withheld. PermanentError("review.stale") for one that
        was not held when the review began: the records were read again since."""
        if key not in self._entries:
            raise PermanentError("review.stale", "compose")
        return self._verdicts.get(key) or Verdict.not_reviewed(key)

    def _withheld(self, before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What the sources have withheld, and with it what the review has."""
        counts: Counter[tuple[str, str, str]] = Counter()
        for entry in before:
            counts[entry["source"], entry["dataset"], entry["ground"]] += entry["count"]
        for key, held in self._entries.items():
            verdict = self._verdict(key)
            if verdict.verdict != RELEASED:
                ground = "third_party_masked" if verdict.verdict == MASKED else verdict.ground
                for place in held.places:
                    counts[place.source, place.dataset, ground] += place.count
        sources = list(dict.fromkeys([*(e["source"] for e in before), *(source for source, _, _ in sorted(counts))]))
        return [
            {"source": source, "dataset": dataset, "ground": ground, "count": count, "words": self._words[ground]}
            for (source, dataset, ground), count in sorted(counts.items(), key=lambda i: (sources.index(i[0][0]), i[0]))
        ]
