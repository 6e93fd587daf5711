"""`extract`: contact records, transcripts and sound of the calls that are certain."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from dsr.errors import PermanentError
from dsr.model import Attachment, Found, Match, Piece, Rows, Withheld
from dsr.schema import batch
from dsr.source import matches_by_request
from extractors.ahead import Ahead
from extractors.recordings import records
from extractors.recordings.sidecars import DATASET
from extractors.recordings.store import PLACE, Store
from extractors.recordings.voice import without_agent

_LINES: Final = "call_transcript_line"
_THIRD_PARTY: Final = "third_party"
_AT_ONCE: Final = 4


def read(store: Store, found: Found, *, mute_agent: bool) -> Iterator[Piece]:
    """Pieces of all requests, call by call; an object with many calls' records is read once for all of them. While one
    call is taken, records and transcripts of the next are got; sound is only got when it is its turn."""
    with Ahead(_AT_ONCE) as ahead:
        known = _records(store, found, ahead)
        for request_id, matches in matches_by_request(found).items():
            calls = {match.record_id: match for match in matches}.values()
            yield from ahead.one_by_one(
                _call(store, request_id, match, known, mute_agent=mute_agent) for match in calls
            )


def _records(store: Store, found: Found, ahead: Ahead) -> dict[str, records.Json]:
    """The newest record of each wanted call, by contact id. Nobody else's record is kept."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for match in found.matches:
        for key in match.reference.get("record_keys", ()):
            wanted[key].add(match.reference["contact_id"])

    def theirs(key: str) -> list[records.Json]:
        read = records.concatenated(store.read(key) or b"")
        return [record for record in read if record.get("ContactId", "") in wanted[key]]

    newest: dict[str, records.Json] = {}
    for record in chain.from_iterable(ahead.each(theirs, wanted)):
        newest[record["ContactId"]] = records.newest(newest.get(record["ContactId"]), record)
    return newest


def _call(
    store: Store, request_id: str, match: Match, known: Mapping[str, records.Json], *, mute_agent: bool
) -> Iterator[Piece]:
    reference = match.reference
    contact_id = str(reference["contact_id"])
    record = known.get(contact_id) or records.from_sidecar(store.read_object(reference["sidecar_key"], "sidecar") or {})
    analysis = store.read_object(reference["transcript_key"], "transcript") if reference.get("transcript_key") else None
    if analysis is not None and not isinstance(analysis.get("Transcript"), list):
        raise PermanentError("transcript.unreadable", PLACE)  # something else than a call that nobody said a word in
    shown, withheld = records.disclosed(record, analysis)
    yield Rows(request_id, DATASET, batch(DATASET, [(contact_id, shown)]))
    if analysis is not None:
        lines, others = records.lines(contact_id, analysis)
        yield Rows(request_id, _LINES, batch(_LINES, lines))
        if others:
            yield Withheld(request_id, _LINES, _THIRD_PARTY, others)
    if reference.get("audio_key"):
        key = str(reference["audio_key"])
        chunks, mixed = store.stream(key), False
        if chunks is not None and mute_agent:
            chunks = without_agent(chunks)
            mixed, withheld = chunks is None, withheld + (chunks is not None)
            chunks = store.stream(key) if mixed else chunks
        if chunks is not None:
            title, name = key.rpartition("/")[2], f"call-{contact_id}"
            yield Attachment(request_id, DATASET, contact_id, name, "audio/wav", "wav", title, chunks, mixed)
    if withheld:
        yield Withheld(request_id, DATASET, _THIRD_PARTY, withheld)
