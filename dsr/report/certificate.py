"""The certificate in words: what was done in each system, what remains, why, until when, and what is still to do."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from babel.dates import format_date

from dsr.report.answers import controller_values
from dsr.report.letters import LANGUAGES, Texts, catalogue, render
from dsr.settings import Settings

_LOCALES: Final[Mapping[str, str]] = {"sv": "sv", "en": "en_GB"}


def as_text(certificate: Mapping[str, Any], language: str, settings: Settings) -> str:
    """Plain text. `certificate`: as `schemas/certificate.schema.json` says; `language`: "sv" or "en"."""
    return render("certificate.txt.j2", **_view(certificate, language, settings))


def as_html(certificate: Mapping[str, Any], language: str, settings: Settings) -> str:
    """A page of its own, without anything from outside."""
    return render("certificate.html.j2", **_view(certificate, language, settings))


def letter_form(certificate: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """What the letters tell of it (`report.acting.ActingLetter.done`): by system, with the reasons in words."""
    texts = [Texts(language, controller_values(settings), "certificate") for language in LANGUAGES]
    lines = [
        {
            "source": system["source"],
            "title": system["title"],
            "dataset": dataset["dataset"],
            "effect": line["effect"],
            "outcome": _outcome(line),
            "count": line["count"],
            "ground": line["reason"],
            "ground_words": {text.language: _why(line, text) for text in texts},
            "until": line["until"],
        }
        for system in certificate["systems"]
        for dataset in system["datasets"]
        for line in dataset["lines"]
    ]
    return {"lines": lines, "remaining": [], "manual": []}


def _outcome(line: Mapping[str, Any]) -> str:
    """As in `vocabulary.OUTCOMES`: whether what was planned has come about, or what keeps it from that."""
    if line["state"] == "done" or line["effect"] in ("restrict", "keep", "expire"):
        return "done"
    if line["effect"] == "manual" or line["reason"] in ("manual", "verb.absent"):
        return "manual"
    first = line["reason"].partition(".")[0]
    return first if first in ("changed", "scheduled") else "retained"


def _view(certificate: Mapping[str, Any], language: str, settings: Settings) -> dict[str, Any]:
    texts = Texts(language, controller_values(settings), "certificate")
    made = datetime.fromisoformat(certificate["made_at"]).astimezone(settings.zone)
    systems = [
        {"title": system["title"][language], "datasets": [_dataset(d, texts) for d in system["datasets"]]}
        for system in certificate["systems"]
    ]
    common = Texts(language, controller_values(settings))
    return {
        "t": texts,
        "language": language,
        "controller": certificate["controller"],
        "right": texts(f"right.{certificate['right']}"),
        "made": texts.moment(made),
        "systems": systems,
        "complaint": common("common.complaint", authority=common.authority(settings.country)),
        "questions": common("common.questions"),
        "reference": common("common.reference", request_id=certificate["request_id"]),
    }


def _dataset(dataset: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    return {
        "title": dataset["title"][texts.language],
        "lines": [_line(line, texts) for line in dataset["lines"]],
        "instructions": dataset.get("instructions", {}).get(texts.language, ""),
    }


def _line(line: Mapping[str, Any], texts: Texts) -> dict[str, str]:
    """What became of them, how many, and the reason where they are still there."""
    state, known = f"{line['effect']}_{line['state']}", catalogue(texts.language, "certificate")
    words = texts(f"became.{state}" if state in known["became"] else f"became.{line['state']}")
    number = f"{line['count']:,}".replace(",", "\u00a0" if texts.language == "sv" else ",")
    why = _why(line, texts)
    if why and line["until"]:
        day = format_date(date.fromisoformat(line["until"]), "long", locale=_LOCALES[texts.language])
        why = f"{why} {texts('page.until', day=day)}"
    return {"words": words, "count": number, "why": why}


def _why(line: Mapping[str, Any], texts: Texts) -> str:
    """Why they are still there; "" where they are not."""
    if line["state"] != "remains":
        return ""
    code = line["reason"].rpartition(":")[2].replace(".", "_")
    if code in catalogue(texts.language, "certificate")["why"]:
        return texts(f"why.{code}")
    return texts("why.other", code=line["reason"])
