"""collect: reads one source into the case file. Can be killed at any moment and run again."""

import hashlib
import re
from collections import Counter
from datetime import datetime
from typing import Final

from dsr import effort, rows
from dsr.casefile import CaseFile
from dsr.collected import Collected, Counts, KeptAttachment
from dsr.errors import PermanentError
from dsr.model import Attachment, Piece, Rows, Withheld
from dsr.search import SearchResult, found_from_json
from dsr.source import Source
from dsr.vocabulary import WITHHELD_GROUNDS

_EXTENSION: Final = re.compile(r"[a-z0-9]{1,8}")


def collect(case: CaseFile, source: Source, *, at: datetime) -> Counts:
    """Streams all that hangs on the certain matches into the case file; what was read, in numbers.

    What an earlier attempt left is removed first and the marker (collected/<source>) is written last: so a case holds
    a source wholly or not at all. A source that holds nothing, or that could not be searched, is not asked.
    PermanentError("record.duplicate") when a dataset holds one id twice, ("piece.foreign") when a piece is another
    request's, ("dataset.undeclared") when nobody has said what it is.
    """
    name = source.declaration.name
    _clear(case, name, at)
    search = SearchResult.from_json(case.read_json(f"search/{name}"))
    if search.status != "found":
        status, code = ("none", "") if search.status == "none" else ("failed", search.code or search.status)
        return _mark(case, Collected(name, status, at, code=code))
    return _mark(case, _read(case, source, at))


def give_up(case: CaseFile, source_name: str, code: str, *, at: datetime) -> None:
    """Records that a source could not be read: `code` is the error's. What was read of it is removed, since a part
    would look like the whole."""
    _clear(case, source_name, at)
    _mark(case, Collected(source_name, "failed", at, code=code))


def _clear(case: CaseFile, name: str, at: datetime) -> None:
    """Removes what an earlier attempt left. A marker that is there already says so until the new one replaces it."""
    if case.exists(f"collected/{name}"):
        _mark(case, Collected(name, "failed", at, code="interrupted"))
    case.remove(rows.folder(name))
    case.remove(f"attachments/{name}/")


def _mark(case: CaseFile, collected: Collected) -> Counts:
    case.write_json(f"collected/{collected.source}", collected.as_json())
    return collected.counts()


def _read(case: CaseFile, source: Source, at: datetime) -> Collected:
    declaration = source.declaration
    found = found_from_json(case.read_json(f"found/{declaration.name}"))
    request_id = case.read_json("request")["request_id"]
    declared = {dataset.name for dataset in declaration.datasets}
    attachments: list[KeptAttachment] = []
    withheld: Counter[tuple[str, str]] = Counter()
    before = effort.so_far(declaration.name)
    with rows.RowsWriter(case, declaration.name) as writer:
        for piece in source.extract(found):
            _check(piece, declaration.name, request_id, declared)
            if isinstance(piece, Rows):
                writer.add(piece.dataset, piece.batch)
            elif isinstance(piece, Attachment):
                attachments.append(_keep(case, declaration.name, piece, len(attachments) + 1))
            else:
                withheld[piece.dataset, piece.ground] += piece.count
    counts, sizes = writer.counts(), writer.sizes()
    took = effort.so_far(declaration.name) - before
    return Collected(declaration.name, "found", at, counts, sizes, tuple(attachments), withheld, effort=took)


def _check(piece: Piece, name: str, request_id: str, declared: set[str]) -> None:
    if piece.request_id != request_id:
        raise PermanentError("piece.foreign", name)
    if piece.dataset not in declared:
        raise PermanentError("dataset.undeclared", name)
    if isinstance(piece, Withheld) and piece.ground not in WITHHELD_GROUNDS:
        raise PermanentError("ground.unknown", name)


def _keep(case: CaseFile, source: str, piece: Attachment, number: int) -> KeptAttachment:
    """Streams a file into an object of a neutral name."""
    name, digest, size = f"attachments/{source}/{number:04d}", hashlib.sha256(), 0
    with case.writer(name) as file:
        for chunk in piece.chunks:
            digest.update(chunk)
            size += len(chunk)
            file.write(chunk)
    extension = piece.extension.lower().lstrip(".")
    return KeptAttachment(
        name,
        piece.dataset,
        piece.record_id,
        piece.attachment_id,
        piece.media_type,
        extension if _EXTENSION.fullmatch(extension) else "bin",
        piece.title,
        size,
        digest.hexdigest(),
        piece.mixed,
    )
