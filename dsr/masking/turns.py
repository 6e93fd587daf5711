"""Whose words: turns in call transcripts, chats, questions and answers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsr.evidence import agrees, name_of
from dsr.masking.marking import joined
from dsr.masking.masks import Mask, Person
from dsr.masking.people import KnownPeople
from dsr.masking.proposing import propose

VOICES: Final = ("own", "staff", "system", "other", "unknown")
"""Who speaks: the subject, an employee of the controller, a machine, somebody else, nobody can tell."""

_ROLES: Final = {
    "customer": "own",
    "kund": "own",
    "kunden": "own",
    "agent": "staff",
    "supervisor": "staff",
    "handlaggare": "staff",
    "medarbetare": "staff",
    "kundtjanst": "staff",
    "support": "staff",
    "system": "system",
    "bot": "system",
}
"""How transcripts name a speaker by role, without accents."""
_FIELDS: Final = {
    "webinar_chat_message": {"message": "own"},
    "webinar_question": {"question": "own", "answer": "staff", "answers": "staff"},
    "webinar_poll_answer": {"answer": "own"},
    "webinar_survey_answer": {"answer": "own"},
}
_SPEAKER: Final = "speaker"
"""The field of a row that tells by role who spoke; transcripts of calls have it."""

_CHAT: Final = re.compile(r"^\d{1,3}:\d{2}:\d{2}[ \t]*\t[ \t]*(?P<name>[^\t\r\n]{0,200}):[ \t]*\t", re.MULTILINE)
_VOICE: Final = re.compile(r"^<v(?:\.[^\s>]{0,60})?[ \t]+(?P<name>[^>\r\n]{1,200})>", re.MULTILINE)
_LINE: Final = re.compile(r"^(?P<name>[^:\t\r\n]{1,80}):[ \t]+(?=\S)", re.MULTILINE)
_TIMES: Final = re.compile(r"^[\d:.]{9,16}[ \t]+-->[^\r\n]{1,200}(?:\r?\n|\Z)", re.MULTILINE)
_BLANK_LINE: Final = re.compile(r"\n\r?\n|\Z")
_TAG: Final = "</v>"


@dataclass(frozen=True)
class Turn:
    """`text[start:end]` are the words of one speaker (without the head that names them, if there is one).
    `head`: where the head with the speaker's name is, (start, end); None when there is none."""

    start: int
    end: int
    voice: str
    head: tuple[int, int] | None = None


def turns(text: str, known: KnownPeople, own: Person) -> tuple[Turn, ...]:
    """The turns of a conversation held in one text, in order: a Zoom chat file (`00:01:01<TAB>Name:<TAB>text`), WebVTT
    (`Name: text` or `<v Name>` in a cue), or lines that begin `Name:` with a name or role that is known. Lines without
    such a head belong to the turn before; in WebVTT a cue without one is nobody's. What stands before the first head
    is nobody's, too. () = the text has no such form.

    Whose a name is: the subject's when it agrees with one of theirs and could be no other known person's; a name that
    could be both is "unknown", one that nobody bears is "other"."""
    if text.lstrip("\ufeff").startswith("WEBVTT"):
        return tuple(_cues(text, known, own))
    heads = list(_CHAT.finditer(text))
    if not heads:
        heads = [head for head in _LINE.finditer(text) if _is_known(head["name"], known, own)]
    found = []
    if heads and text[: heads[0].start()].strip():
        found.append(Turn(0, heads[0].start(), "unknown"))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        found.append(Turn(head.end(), end, voice(head["name"], known, own), head.span("name")))
    return tuple(found)


def voice(name: str, known: KnownPeople, own: Person) -> str:
    """Whose a speaker's name or role is; see `turns`."""
    words = name_of(name)
    if len(words) == 1 and words[0] in _ROLES:
        return _ROLES[words[0]]
    if not words:
        return "unknown"
    others = known.comparable(words)
    if agrees(words, [n for n in map(name_of, own.names) if n]):
        return "unknown" if others else "own"
    return "staff" if others and not any(others.values()) else "other"


def row_voice(dataset: str, field: str, row: Mapping[str, Any]) -> str:
    """The voice of a text field of a row: by the row's `speaker` where it has one (transcripts of calls: customer,
    agent, system), else by dataset and field (webinars). "unknown" for all that is no turn. With it, the whole text is
    one turn: `propose_turns(text, known, own, [Turn(0, len(text), voice)])`."""
    if _SPEAKER in row:
        return _ROLES.get(str(row[_SPEAKER]).casefold(), "unknown")
    return _FIELDS.get(dataset, {}).get(field, "unknown")


def propose_turns(
    text: str, known: KnownPeople, own: Person, spoken: Sequence[Turn], country: str = "SE", *, staff: bool = False
) -> tuple[Mask, ...]:
    """`propose` for a conversation: turns of others (and of nobody knows whom) are proposed as a whole, with the head
    that names them; so are employees' when `staff`; else what they said is treated like any text. In the subject's own
    turns everything of others is proposed as `mentioned`."""
    whole = ("other", "unknown", "staff") if staff else ("other", "unknown")
    others = [turn for turn in spoken if turn.voice in whole]
    masks = [Mask(*edges, "other_speaker") for turn in others for edges in _edges(text, turn)]
    masks += [
        Mask(*turn.head, "staff") for turn in spoken if turn.head and turn.voice == "staff" and not staff
        and len(name_of(text[slice(*turn.head)])) > 1
    ]  # fmt: skip
    owned = [(turn.start, turn.end) for turn in spoken if turn.voice == "own"]
    at = 0
    for mask in propose(text, known, own, country):
        while at < len(owned) and owned[at][1] <= mask.start:
            at += 1
        mentioned = at < len(owned) and owned[at][0] <= mask.start and mask.end <= owned[at][1]
        masks.append(Mask(mask.start, mask.end, mask.kind, mentioned))
    return tuple(joined(text, masks))


def _edges(text: str, turn: Turn) -> Iterator[tuple[int, int]]:
    """What of a turn is masked: its head, and its words without the blanks and the tag at their end."""
    if turn.head:
        yield turn.head
    end = turn.start + len(text[turn.start : turn.end].rstrip().removesuffix(_TAG))
    if turn.start < end:
        yield turn.start, end


def _cues(text: str, known: KnownPeople, own: Person) -> Iterator[Turn]:
    """A turn per cue of WebVTT: what lies between its times and the next empty line, or the next times."""
    cues = list(_TIMES.finditer(text))
    for times, following in zip(cues, [*(cue.start() for cue in cues[1:]), len(text)], strict=False):
        blank = _BLANK_LINE.search(text, times.end(), following)
        end = blank.start() if blank else following
        head = _VOICE.match(text, times.end(), end) or _LINE.match(text, times.end(), end)
        if head:
            yield Turn(head.end(), end, voice(head["name"], known, own), head.span("name"))
        elif times.end() < end:
            yield Turn(times.end(), end, "unknown")


def _is_known(name: str, known: KnownPeople, own: Person) -> bool:
    """Whether a name or role before a colon is one, so that "OBS: ring" is no turn."""
    words = name_of(name)
    if len(words) == 1 and words[0] in _ROLES:
        return True
    return bool(words) and (known.has(words) or any(set(words) <= set(name_of(own_name)) for own_name in own.names))
