"""What the person is told when a right that changes data was exercised: what was done, what was not and why, that a
restriction ends or stays; and about every right, that it is refused or that more time is needed. Every letter ends with
the complaint and the court (`answer.txt.j2`); one that says no, or not all, gives its reasons (Art. 12(4) GDPR).

A letter takes what it says from the certificate that verification made:

    {"lines": [{"source", "title": {sv, en}, "dataset", "what": {sv, en}, "effect", "outcome", "count", "ground",
                "ground_words": {sv, en}, "until"}], "remaining": [the same], "manual": [the same],
     "doubtful": [{"title", "count"}], "unplaced": [the same], "nothing": [title]}

"what" is the dataset's title; it and the last three may be absent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.notices import LIFTED
from dsr.notices.told import Told
from dsr.purposes import scopes_of
from dsr.refusal import REASONS, reasons
from dsr.report.answers import controller_values
from dsr.report.doings import Doings, Line
from dsr.report.letters import LINK, Texts, catalogue, render
from dsr.report.ticket_text import day_in_words, ticket_text
from dsr.settings import Settings

OF: Final = "acting"
EXTENSIONS: Final = ("complexity", "number")
"""The only two reasons of Art. 12(3)."""
LIFTINGS: Final = ("accuracy_verified", "claims_ended", "requested", "lawful")
KINDS: Final = ("done", "refused", "extended", "lifting", "kept", "recipients", "meanwhile")
"""Kinds of letters, for `mail`."""

_WORDLESS: Final = ("erase", "anonymise", "restrict", "rectify", "scheduled", "expire")
"""Parts that need no reason: what was asked for is done, or happens by itself."""
_PLACE: Final = "letter"


@dataclass(frozen=True)
class ActingLetter:
    """The letters about one request in one language, "sv" or "en". `right`: one of `vocabulary.RIGHTS`; about access
    and portability only `refused` and `extended`. `ground`: as the request states it, needed for an objection.
    `received`: when the request came, aware; None = it isn't said. `listed`: the request puts whoever asks on the
    suppression list."""

    request_id: str
    language: str
    settings: Settings
    right: str
    ground: str = ""
    received: datetime | None = None
    listed: bool = True

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings, right: str = "") -> "ActingLetter":
        """About the request of a case. `right`: as a person has decided; "" = as the case has it."""
        at, right = datetime.fromisoformat(request["received_at"]), right or request["right"]
        listed = bool(scopes_of({**request, "right": right}))
        return cls(request["request_id"], request["language"], settings, right, request.get("ground", ""), at, listed)

    def done(self, certificate: Mapping[str, Any], recipients: Sequence[Told] = ()) -> str:
        """What was done by system, in counts, and what wasn't, on which ground and until when; in full, in part or not
        at all, as the certificate has it. `recipients`: as `notify.recipients_told` gives them.

        PermanentError("ground.absent") when something is kept without a ground in words: never a refusal without its
        reason.
        """
        doings, texts = Doings.of(certificate, self.language, self.right), self._texts()
        paragraphs = [self._intro(texts, doings)]
        paragraphs += [self._part(texts, doings, name) for name in doings.parts]
        if doings.nothing:
            paragraphs.append("\n".join([texts("more.nothing"), *(f"- {title}" for title in doings.nothing)]))
        paragraphs += self._more(texts, doings)
        paragraphs += self._recipients(texts, recipients)
        if doings.refusing:
            paragraphs.append(texts("more.remedy"))
        if doings.unfinished:
            paragraphs.append(texts("more.again"))
        return self._rendered(paragraphs)

    def refused(self, why: Sequence[str]) -> str:
        """That nothing is done, and why: some of `refusal.reasons` for this right. PermanentError("reason.absent") for
        none, ("reason.unknown") for what is no reason, ("reason.unfit") for one that this right doesn't know."""
        texts = self._texts()
        return self._rendered([texts(f"refused.{self.right}"), *self._reasons(texts, why), texts("refused.remedy")])

    def overridden(self, why: str, on: date, at: date) -> str:
        """That an objection under Art. 21(1) is refused, why, and on which day the restriction ends that held while it
        was examined. PermanentError as `refused` and `lifting`."""
        texts = self._texts()
        ending = texts("lifting.examined", on=self._beforehand(on, at))
        paragraphs = [texts("refused.objection"), *self._reasons(texts, [why]), ending]
        return self._rendered([*paragraphs, texts("lifting.after"), texts("refused.remedy")])

    def extended(self, deadlines: Mapping[str, str], why: Sequence[str], received: date, at: date) -> str:
        """That up to two months more are needed, and why: some of `EXTENSIONS`. `deadlines`: the case's; `received` and
        `at`: days in the controller's time zone. PermanentError("extension.late") once the first month is over
        (Art. 12(3), third sentence), as Regulation 1182/71 counts it."""
        latest, until = (date.fromisoformat(deadlines[name]) for name in ("legal_latest", "extended_latest"))
        if at > latest:
            raise PermanentError("extension.late", _PLACE)
        texts = self._texts()
        days = {name: self._day(day) for name, day in (("received", received), ("before", latest), ("until", until))}
        intro = texts("extended.intro", **days, asked=texts(f"extended.{self.right}"))
        given = [f"- {texts(f'extended.{code}')}" for code in _known(why, EXTENSIONS)]
        listed = "\n".join([texts("extended.why"), *given])
        return self._rendered([intro, listed, texts("extended.wait"), texts("extended.remedy")])

    def lifting(self, on: date, reason: str, at: date) -> str:
        """That a restriction ends on that day, told before (Art. 18(3)): PermanentError("lifting.late") otherwise.
        `reason`: one of `LIFTINGS`."""
        texts = self._texts()
        intro = texts("lifting.intro", on=self._beforehand(on, at))
        (code,) = _known([reason], LIFTINGS)
        why = f"{texts('lifting.why')}\n- {texts(f'lifting.{code}')}"
        return self._rendered([intro, why, texts("lifting.after"), texts("lifting.against")])

    def kept(self) -> str:
        """That a restriction stays until further notice, which ends the request."""
        texts = self._texts()
        return self._rendered([texts("kept.intro"), texts("more.restriction"), texts("kept.next")])

    def meanwhile(self, until: date) -> str:
        """That an objection under Art. 21(1) came, that the data is restricted while it is examined (Art. 18(1)(d)),
        and by when the answer comes. Only once the restriction is in force."""
        texts = self._texts()
        next_step = texts("meanwhile.next", until=self._day(until))
        return self._rendered([texts("meanwhile.intro"), texts("meanwhile.restricted"), next_step])

    def recipients(self, recipients: Sequence[Told]) -> str:
        """Who was told (Art. 19, second sentence), for the person who asks."""
        texts = self._texts()
        told = [
            "- " + texts("told.line", name=one.name, date=self._day(one.at), what=texts(f"told.{one.kind}"))
            for one in recipients
            if one.reached and one.at
        ]
        listed = ["\n".join(told)] if told else []
        return self._rendered([texts("told.intro"), *listed, *self._untold(texts, recipients)])

    def _reasons(self, texts: Texts, why: Sequence[str]) -> list[str]:
        known = _known(why, REASONS)
        if not set(known) <= set(reasons(self.right, self.ground)):
            raise PermanentError("reason.unfit", _PLACE)
        # Some read otherwise for one right than for another: each rests on an article of its own.
        words, keys = catalogue(self.language, OF)["reason"], [(code, f"{code}_{self.right}") for code in known]
        return [texts(f"reason.{own if own in words else code}") for code, own in keys]

    def _beforehand(self, on: date, at: date) -> str:
        if at >= on:
            raise PermanentError("lifting.late", _PLACE)
        return self._day(on)

    @property
    def _asked(self) -> str:
        if self.right != "objection":
            return self.right
        return "objection_marketing" if self.ground == "direct_marketing" else "objection_interest"

    def _intro(self, texts: Texts, doings: Doings) -> str:
        """Whoever reads no further must not believe that something is gone that was only anonymised or ordered."""
        erasing = doings.erasing if self.right == "erasure" and doings.extent != "none" else ""
        return texts("intro." + "_".join(filter(None, (self._asked, erasing, doings.extent))))

    def _part(self, texts: Texts, doings: Doings, name: str) -> str:
        stopped = name == "restrict" and self._asked in ("objection_marketing", "withdrawal")
        lines = [texts("part.stopped" if stopped else f"part.{name}")]
        for line in doings.parts[name]:
            values = {"title": line.title, "count": _count(texts, line)}
            until = self._day(line.until) if line.until else ""
            if name == "unplaced":
                lines.append(texts("line.bare", title=line.title))
                continue
            if not line.ground or name in _WORDLESS:
                lines.append(texts("line.until" if until else "line.plain", **values, until=until))
                continue
            lines.append(texts("line.kept_until" if until else "line.kept", **values, ground=line.ground, until=until))
        return "\n".join(lines)

    def _more(self, texts: Texts, doings: Doings) -> list[str]:
        """What holds beside the counts."""
        names = []
        if self.right == "erasure" and any(line.until for line in doings.parts.get("kept", ())):
            names.append("held")
        if doings.absent:
            names.append("absent")
        if "restrict" in doings.parts and self._asked != "objection_marketing" and self.right != "withdrawal":
            names.append("restriction")
        if self.right == "rectification" and "rectify" in doings.parts:
            names.append("invoices")
        if self.right in ("erasure", "objection", "withdrawal") and doings.changed and self.listed:
            names.append("suppression")
        if self._asked in ("objection_marketing", "withdrawal"):
            names.append("transactional")
        if self.right == "withdrawal":
            names.append("before")
        return [texts(f"more.{name}") for name in names]

    def _recipients(self, texts: Texts, recipients: Sequence[Told]) -> list[str]:
        # That an earlier restriction has ended is nothing that was done now.
        recipients = [one for one in recipients if one.kind != LIFTED]
        reached = sorted((one.at, one.name) for one in recipients if one.reached and one.at)
        days = {name: self._day(at) for at, name in reached}
        told = ["- " + texts("recipients.told_line", name=name, date=day) for name, day in sorted(days.items())]
        listed = ["\n".join([texts("recipients.told"), *told])] if told else []
        return [*listed, *self._untold(texts, recipients)] if recipients else []

    def _untold(self, texts: Texts, recipients: Sequence[Told]) -> list[str]:
        reasons = {one.name: one.reason.get(self.language, "") for one in recipients if one.status == "none"}
        none = ["- " + texts("recipients.none_line", name=name, reason=why) for name, why in sorted(reasons.items())]
        failed = sorted({f"- {one.name}" for one in recipients if one.status in ("failed", "cancelled")})
        found = ["\n".join([texts("recipients.none"), *none])] if none else []
        found += ["\n".join([texts("recipients.failed"), *failed])] if failed else []
        return found if recipients else [texts("recipients.nobody")]

    def _day(self, day: date) -> str:
        return day_in_words(self.settings, self.language, day)

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings), OF)

    def _rendered(self, paragraphs: Sequence[str]) -> str:
        return ticket_text(self.settings, self.language, self.request_id, paragraphs, self.received)


def page(text: str, title: str, language: str) -> str:
    """A letter's text as HTML: paragraphs, lists where lines begin with a dash, a link where a line is nothing else."""
    found = [paragraph.split("\n") for paragraph in text.strip().split("\n\n")]
    blocks = [
        ([line for line in lines if not line.startswith("- ")], [line[2:] for line in lines if line.startswith("- ")])
        for lines in found
    ]
    links = {line for lines, _ in blocks for line in lines if LINK.fullmatch(line)}
    return render("letter.html.j2", blocks=blocks, title=title, language=language, links=links)


def _count(texts: Texts, line: Line) -> str:
    """How many records, and of which kinds."""
    count = texts("count.one" if line.count == 1 else "count.other", count=str(line.count))
    if not line.kinds:
        return count
    kinds = [texts("count.kind", kind=kind, count=str(number)) for kind, number in line.kinds]
    return texts("count.of", count=count, kinds=line.kinds[0][0] if len(kinds) == 1 else "; ".join(kinds))


def _known(codes: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    """In the order of `known`, each once."""
    if not codes:
        raise PermanentError("reason.absent", _PLACE)
    if not set(codes) <= set(known):
        raise PermanentError("reason.unknown", _PLACE)
    return [code for code in known if code in codes]
