"""certify: writes the certificate of what was done and seen to be done, as JSON and in words, in both languages.

It rests on what `verify` saw, not on what the systems said. It never calls anonymised what is not erased.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from dsr import plan
from dsr.casefile import CaseFile
from dsr.certified import KIND, dataset_of, kept, unplaced_of
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.plan import UNPLACED, PlanSummary
from dsr.report.certificate import as_html, as_text
from dsr.report.letters import LANGUAGES
from dsr.search import SearchResult, stamp
from dsr.settings import Settings
from dsr.source import Declaration

CERTIFICATE: Final = "certificate"
"""The JSON; beside it certificate.<language>.txt and .html."""
_LEFT_TO: Final = {"manual": "manual", "expire": "retained"}
"""Effects that a person or time brings about → the reason that is told."""
_REACHED: Final = ("erase", "anonymise", "rectify")
"""Effects after which there is nothing left to name; the others' records are among those that remain."""


def certify(
    case: CaseFile, declarations: Sequence[Declaration], ledger: Ledger, *, settings: Settings, at: datetime
) -> str:
    """SHA-256 in hex of the certificate's RFC 8785 form. The ledger gets it too, with all that the certificate says, so
    that it can be read when the case file is gone (event `certified`). Made once: later calls give the same.
    PermanentError("certificate.unverified") when not all was seen to be as planned."""
    if not case.exists(CERTIFICATE):
        if not case.exists("verified") or not case.read_json("verified")["ok"]:
            raise PermanentError("certificate.unverified", CERTIFICATE)
        case.write_json(CERTIFICATE, _certificate(case, declarations, settings.controller.name, at))
    certificate = case.read_json(CERTIFICATE)
    for language in LANGUAGES:
        for extension, render in (("txt", as_text), ("html", as_html)):
            with case.writer(f"{CERTIFICATE}.{language}.{extension}") as file:
                file.write(render(certificate, language, settings).encode())
    detail = kept(certificate)
    digest = str(detail["sha256"])
    if not any(e.kind == KIND and e.detail["sha256"] == digest for e in ledger.events(case.case_id)):
        ledger.append(case.case_id, KIND, detail, at=at)
    return digest


def _certificate(case: CaseFile, declarations: Sequence[Declaration], controller: str, at: datetime) -> dict[str, Any]:
    verified, planned, request = case.read_json("verified"), plan.read(case), case.read_json("request")
    systems = []
    for declaration in declarations:
        datasets = [
            dataset_of(d.name, _lines(verified, planned, declaration.name, d.name), d) for d in declaration.datasets
        ]
        told = [d for d in datasets if d["lines"]]
        name = f"search/{declaration.name}"
        search = SearchResult.from_json(case.read_json(name)) if case.exists(name) else None
        if not told and (search is None or search.status not in ("found", "none")):
            continue
        system = {"source": declaration.name, "title": dict(declaration.titles), "datasets": told}
        systems.append({**system, "doubtful": search.doubtful} if search and search.doubtful else system)
    certificate = {
        "request_id": request["request_id"],
        "right": request["right"],
        "made_at": stamp(at.replace(microsecond=0)),
        "controller": controller,
        "systems": systems,
    }
    unplaced = [unplaced_of(w.dataset, w.field) for w in planned.warnings if w.code == UNPLACED]
    return {**certificate, "unplaced": unplaced} if unplaced else certificate


def _lines(verified: Mapping[str, Any], planned: PlanSummary, source: str, dataset: str) -> list[dict[str, Any]]:
    """What was reached, what is left to others, then what else remains. What a person or time has to do is told as it
    was planned: once the record that it hung on is gone, no search shows it any more."""

    def mine(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [e for e in entries if (e["source"], e["dataset"]) == (source, dataset) and e["count"] > 0]

    done = [
        {"effect": e["effect"], "state": "done", "count": e["count"], "reason": "", "until": None}
        for e in mine(verified["right"])
        if e["effect"] in _REACHED
    ]
    to_others = [
        {"effect": c.effect, "state": "remains", "count": c.count, "reason": _LEFT_TO[c.effect], "until": c.until}
        for c in planned.counts
        if (c.source, c.dataset) == (source, dataset) and c.effect in _LEFT_TO and c.count > 0
    ]
    told = {line["effect"] for line in to_others}
    left = [
        {
            "effect": e["effect"],
            "state": "remains",
            **{name: e[name] for name in ("count", "reason", "until")},
            **{name: e[name] for name in ("outcome", "ground") if e.get(name)},
        }
        for e in mine(verified["remaining"])
        if e["reason"] != "altered" and e["effect"] not in told
    ]
    return done + to_others + left
