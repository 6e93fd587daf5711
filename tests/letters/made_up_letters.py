"""Letters about made-up requests."""

from typing import Any

from dsr.report.acting import ActingLetter
from dsr.report.specimens import MAIL, TICKET, specimens
from dsr.settings import Controller, Settings

SETTINGS = Settings(
    "", "", b"", mail_from="privacy@controller.example",
    controller=Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm"),
)  # fmt: skip
REQUEST = "dsr-exampleexampleexampleexa"
TITLE = {"sv": "Fakturering", "en": "Invoicing"}
LAW = {"sv": "Bokföringslagen kräver det.", "en": "The Bookkeeping Act demands it."}
WORDS = {
    "sv": {"complaint": "Integritetsskyddsmyndigheten (IMY), Box 8114, 104 20 Stockholm, imy@imy.se",
           "own": "tillsynsmyndigheten där du bor eller arbetar", "court": "domstol"},
    "en": {"complaint": "Swedish Authority for Privacy Protection (IMY), Box 8114, SE-104 20 Stockholm, imy@imy.se",
           "own": "supervisory authority where you live or work", "court": "a court"},
}  # fmt: skip
ALL = list(specimens(SETTINGS))
TO_PERSONS = [specimen for specimen in ALL if specimen.way in (TICKET, MAIL)]
DEADLINES = {"target": "2026-12-25", "legal_latest": "2026-12-28", "extended_latest": "2027-02-25"}


def line(effect: str, outcome: str = "done", count: int = 3, **more: Any) -> dict[str, Any]:
    words: dict[str, Any] = {"ground": "", "ground_words": {}, "until": None}
    what = {"source": "invoicing", "title": TITLE, "dataset": f"invoicing_{effect}_{outcome}", "effect": effect}
    return {**what, "outcome": outcome, "count": count, **words, **more}


def certificate(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "remaining": [], "manual": [], **more}


def letter(right: str = "erasure", language: str = "en", ground: str = "") -> ActingLetter:
    return ActingLetter(REQUEST, language, SETTINGS, right, ground)
