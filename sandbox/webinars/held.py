"""What the account holds, entry by entry: reports are taken apart into the rows that are about single people."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.entries import Entry, owners
from sandbox.people import Population, Truth
from sandbox.state import Store

SYSTEM = "webinars"


def entries(store: Store, population: Population, truths: Sequence[Truth]) -> Iterator[Entry]:
    """By kind and id. People: whom the truth names for a row, else whose address stands in it."""
    whose = _People(population, truths)
    for kind, documents in store.collections().items():
        for key, document in documents:
            if kind == "report":
                yield from _report(whose, key, document)
            elif kind == "file":
                content = {k: v for k, v in document.items() if k != "content"}
                content["sha256"] = hashlib.sha256(base64.b64decode(document["content"])).hexdigest()
                yield Entry(SYSTEM, kind, key, content, "", document["trashed"])
            elif kind in ("registrant", "panelist"):
                name = key.replace(":", f":{kind[0]}:", 1)
                yield Entry(SYSTEM, kind, key, document, whose.of(name, document[kind]["email"]))
            else:
                yield Entry(SYSTEM, kind, key, document, "", bool(document.get("gone")))


class _People:
    def __init__(self, population: Population, truths: Sequence[Truth]) -> None:
        self._by_id = owners(truths)
        self._by_seat = {i.partition(":a:")[2]: people for i, people in self._by_id.items() if ":a:" in i}
        self._by_email = {email: p.key for p in population.people for email in p.emails}

    def of(self, source_id: str, email: str) -> str:
        return self._by_id.get(source_id) or self._by_email.get(email, "")

    def in_seat(self, seat: str, email: str) -> str:
        """`seat`: uuid, user id and time of a row of the participants report."""
        return self._by_seat.get(seat) or self._by_email.get(email, "")


def _report(whose: _People, uuid: str, report: dict[str, Any]) -> Iterator[Entry]:
    """Participants, questions, poll answers and survey answers of one instance; who asked and who answered are in one
    entry."""
    for row in report["participants"]:
        name = f"{uuid}:{row['user_id']}:{row['join_time']}"
        yield Entry(SYSTEM, "report_participant", name, row, whose.in_seat(name, row["user_email"]))
    parts = (("qa", "questions"), ("polls", "questions"), ("survey", "survey_answers"))
    for part, rows in parts:
        for number, row in enumerate(report[part][rows], 1):
            yield Entry(SYSTEM, f"report_{part}", f"{uuid}:{number}", row, whose.of("", row.get("email", "")))
