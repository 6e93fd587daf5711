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
            "what": dataset["title"],
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
    doubtful = [
        {"title": system["title"], "count": system["doubtful"]}
        for system in certificate["systems"]
        if system.get("doubtful")
    ]
    unplaced = [{"title": field["title"], "count": 1} for field in certificate.get("unplaced", ())]
    told = {"lines": lines, "remaining": [], "manual": [], "doubtful": doubtful, "unplaced": unplaced}
    return {**told, "nothing": _nothing(certificate)}


def attribute_titles(name: str) -> dict[str, str]:
    """What an attribute of the person is called (`channels.corrections.ATTRIBUTES`), by language."""
    return {language: catalogue(language, "certificate")["attribute"][name] for language in LANGUAGES}


def _nothing(certificate: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Titles of the systems that were searched and hold nothing."""
    return [s["title"] for s in certificate["systems"] if not s["datasets"] and not s.get("doubtful")]


def _outcome(line: Mapping[str, Any]) -> str:
    """As in `vocabulary.OUTCOMES`: what keeps the plan from having come about, by the system's own word where there is
    one; or that it has."""
    if line.get("outcome"):
        return str(line["outcome"])
    if line["effect"] == "manual" or line["reason"] in ("manual", "verb.absent"):
        return "manual"
    if line["state"] == "done" or line["effect"] in ("restrict", "keep", "expire"):
        return "done"
    first = line["reason"].partition(".")[0]
    return first if first in ("changed", "scheduled") else "retained"


def _view(certificate: Mapping[str, Any], language: str, settings: Settings) -> dict[str, Any]:
    texts = Texts(language, controller_values(settings), "certificate")
    made = datetime.fromisoformat(certificate["made_at"]).astimezone(settings.zone)
    systems = [
        {
            "title": system["title"][language],
            "datasets": [_dataset(d, texts) for d in system["datasets"]],
            "doubtful": _number(system.get("doubtful", 0), language),
        }
        for system in certificate["systems"]
        if system["datasets"] or system.get("doubtful")
    ]
    common = Texts(language, controller_values(settings))
    return {
        "t": texts,
        "language": language,
        "controller": certificate["controller"],
        "right": texts(f"right.{certificate['right']}"),
        "made": texts.moment(made),
        "systems": systems,
        "unplaced": [field["title"][language] for field in certificate.get("unplaced", ())],
        "nothing": [title[language] for title in _nothing(certificate)],
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
    unmarked = line["effect"] == "restrict" and line.get("outcome")
    state = "restrict_open" if unmarked else f"{line['effect']}_{line['state']}"
    known = catalogue(texts.language, "certificate")
    words = texts(f"became.{state}" if state in known["became"] else f"became.{line['state']}")
    why = _why(line, texts)
    if why and line["until"]:
        day = format_date(date.fromisoformat(line["until"]), "long", locale=_LOCALES[texts.language])
        why = f"{why} {texts('page.until', day=day)}"
    return {"words": words, "count": _number(line["count"], texts.language), "why": why}


def _number(count: int, language: str) -> str:
    """With its thousands apart; "" for none."""
    return f"{count:,}".replace(",", "\u00a0" if language == "sv" else ",") if count else ""


def _why(line: Mapping[str, Any], texts: Texts) -> str:
    """Why they are still there, and the ground that they are kept on beside it; "" where they are not."""
    if line["state"] != "remains":
        return ""
    codes = [code for code in (line.get("ground", ""), line["reason"]) if code]
    return " ".join(_reason(code, line.get("outcome", ""), texts) for code in codes)


def _reason(code: str, outcome: str, texts: Texts) -> str:
    """In words. A code without words of its own is told after what its outcome means."""
    known, name = catalogue(texts.language, "certificate")["why"], code.rpartition(":")[2].replace(".", "_")
    if name in known:
        return texts(f"why.{name}")
    other = texts("why.other", code=code)
    return f"{texts(f'why.{outcome}')} {other}" if outcome in known and ":" not in code else other
