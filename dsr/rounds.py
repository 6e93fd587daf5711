"""The rounds of a case: each plan begins one, and nothing that an older plan has led to counts in it.

round   {"digest"}: of the plan that the working data is about
ended   {"digest"}: the round came to its end by its own way; absent while it hasn't
"""

from collections.abc import Iterable
from typing import Any, Final

from dsr import rows
from dsr.casefile import CaseFile

_ROUND: Final = "round"
_ENDED: Final = "ended"
_LIFTED: Final = "lifted/"
_LIFTING: Final = "lift/"
_TOLD: Final = ("told/done", "told/refused", "told/lifting", "told/kept")
_RESULTS: Final = ("verified", "certificate", *_TOLD, _LIFTING, _LIFTED, _ENDED)
_LEFT: Final = ("changed", "blocked", "manual")
"""Outcomes of records that a later round may still act on."""
_LIFTABLE: Final = ("restriction", "objection", "withdrawal")


def digest_of(case: CaseFile) -> str:
    """The digest of the plan that the case has; "" when there is none."""
    return str(case.read_json("plan")["digest"]) if case.exists("plan") else ""


def start(case: CaseFile, digest: str) -> None:
    """A plan was made. When it is another, what the older one has led to goes; how often a source was written to stays
    known. When it is the same, only sources that left something alone begin anew; all of them when what it had led to
    was lifted."""
    enforced = {name: case.read_json(name) for name in case.names("enforced/")}
    verified = case.read_json("verified")["ok"] if case.exists("verified") else None
    of = {kept["digest"] for kept in enforced.values()} - {""}
    lifted = bool(case.names(_LIFTED))
    if lifted or of - {digest} or (case.exists(_ROUND) and case.read_json(_ROUND)["digest"] != digest):
        sources = {name.split("/")[1].removesuffix(".fresh") for name in case.names("rows/") if ".fresh/" in name}
        for source in sorted(sources):
            case.remove(rows.folder(f"{source}.fresh"))
            case.remove(rows.folder(f"{source}.changed"))
        for prefix in ("fresh/", *_RESULTS):
            case.remove(prefix)
        for name, kept in enforced.items() if lifted else ():
            case.write_json(name, kept | {"digest": ""})
    elif not verified:
        case.remove("verified")
        for name, kept in enforced.items():
            if kept["status"] == "done" and any(o["outcome"] in _LEFT for o in kept["outcomes"]):
                case.write_json(name, kept | {"digest": ""})
                case.remove(f"fresh/{name.removeprefix('enforced/')}")
    case.write_json(_ROUND, {"digest": digest})


def end(case: CaseFile) -> None:
    """The round came to its end by its own way: answered, refused, lifted."""
    case.write_json(_ENDED, {"digest": digest_of(case)})


def ended(case: CaseFile) -> bool:
    """Whether it did."""
    return case.exists(_ENDED)


def begun(case: CaseFile) -> bool:
    """Whether any system was written to for this case, under any of its plans."""
    return any(case.read_json(name)["touched"] for name in case.names("enforced/"))


def written(case: CaseFile, sources: Iterable[str]) -> frozenset[str]:
    """Those of these sources that were written to in this round."""
    digest = digest_of(case)
    kept = {name: case.read_json(f"enforced/{name}") for name in sources if case.exists(f"enforced/{name}")}
    return frozenset(name for name, its in kept.items() if its["digest"] == digest and its["begun_at"])


def unfinished(case: CaseFile) -> bool:
    """Whether changes were begun that nobody has seen to be right yet, or that may still be taken back."""
    if not begun(case):
        return False
    verified: dict[str, Any] = case.read_json("verified") if case.exists("verified") else {"ok": False}
    return not verified["ok"] or (case.read_json("request")["right"] in _LIFTABLE and not ended(case))
