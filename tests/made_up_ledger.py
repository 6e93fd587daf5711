"""A ledger of requests that nobody made: what the events of hundreds of them look like over the months, in one unbroken
chain. By itself, `python tests/made_up_ledger.py postgresql://… 500`, it fills a ledger to look at the pages with."""

import hashlib
import hmac
import json
import random
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import rfc8785
from sqlalchemy import make_url

from dsr import database
from dsr.settings import subkey
from dsr.steps.assess import deadlines

SOURCES: Final = ("salesforce", "pardot", "webinar", "calls", "invoicing", "mail")
_WEIGHTS: Final = {"access": 50, "erasure": 22, "objection": 10, "portability": 6, "rectification": 6, "restriction": 3,
                   "withdrawal": 3}  # fmt: skip
Story = Iterator[tuple[float, str, Mapping[str, Any]]]
"""(days after the one before, kind, detail) of each event."""


def fill(url: str, count: int, now: datetime, *, days: int = 400, seed: int = 7, key: bytes | None = None) -> None:
    """Fills an empty ledger with that many requests received in the days before `now`. `key`: the ledger's own; None =
    that of a master key of zeros."""
    choose = random.Random(seed)
    told = []
    for number in range(count):
        received = now - timedelta(days=days * choose.random() ** 1.3)
        told += [
            (at, f"dsr-made-{number:06}", kind, detail) for at, kind, detail in request(choose, received) if at <= now
        ]
    told.sort(key=lambda event: event[:2])
    _write(url, told, subkey(bytes(32), "ledger") if key is None else key)


def request(choose: random.Random, received: datetime) -> Iterator[tuple[datetime, str, Mapping[str, Any]]]:
    """The events of one request."""
    right = choose.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    unclear = choose.random() < 0.05
    dates, at = deadlines(received, "SE", "Europe/Stockholm"), received
    detail = {"channel": choose.choice(["zendesk", "jira"]), "right": "unclear" if unclear else right}
    detail |= {"received_at": received.isoformat(), "target": dates.target.isoformat()}
    yield received, "request_received", detail | {"legal_latest": dates.legal_latest.isoformat()}
    for pause, kind, more in _story(choose, right, unclear, dates):
        at += timedelta(days=pause)
        yield at, kind, more


def _story(choose: random.Random, right: str, unclear: bool, dates: Any) -> Story:
    yield 0, "triaged", {"questions": ["right"] if unclear else [], "within_year": 1}
    yield 0.0001, "run_started", {}
    if unclear:
        yield 1, "decision", {"decision": "triage", "choice": "take", "right": right, "reason": "none", "by": "officer"}
    if choose.random() < 0.03:
        yield 0.01, "linked", {"to": "dsr-made-000000"}
        yield 0.01, "answered", {"outcome": "linked"}
        yield 0, "closed", {"outcome": "linked"}
        return
    found = choose.random() > 0.12
    down = choose.choice(SOURCES) if choose.random() < 0.08 else ""
    for source in SOURCES:
        status = "failed" if source == down else "found" if found and choose.random() < 0.6 else "none"
        yield 0.001, "source_searched", {"source": source, "status": status, "matches": 1 if status == "found" else 0}
    if choose.random() < 0.02:
        yield 0.01, "failed", {"task": "combine"}
        return
    yield from (_disclosing if right in ("access", "portability") else _changing)(choose, right, found, down, dates)


def _disclosing(choose: random.Random, right: str, found: bool, down: str, dates: Any) -> Story:
    for source in SOURCES:
        if source == down:
            yield 0.001, "source_failed", {"source": source, "code": "http.503"}
        else:
            detail = {"source": source, "status": "found" if found else "none", "records": choose.randint(0, 90)}
            yield 0.002, "source_extracted", detail | {"attachments": choose.randint(0, 3)}
    if down:
        yield choose.uniform(0.5, 3), "decision", _said("incomplete", "release_without") | {"sources": [down]}
    if not found:
        yield 0.01, "answered", {"outcome": "nothing_held", "doubtful": 0, "not_reviewed": 0, "incomplete": []}
    else:
        yield choose.uniform(0.1, 9), "review_viewed", {"page": 1, "items": 12, "records": 0, "by": "officer"}
        yield 0.05, "decision", _said("review", "all_is_reviewed")
        yield 0.001, "composed", {"sha256": "ab" * 32, "bytes": 88_000, "files": 14, "encryption": "none"}
        if choose.random() < 0.08:
            yield from _extended(choose, dates)
        yield choose.uniform(0.1, 14) ** (1.6 if choose.random() < 0.08 else 1), "decision", _said("release", "approve")
        yield 0.001, "delivered", {"by": "mail", "expires_at": "2027-01-01T00:00:00+00:00", "incomplete": []}
        yield (
            0.001,
            "answered",
            {"outcome": "link", "doubtful": 0, "not_reviewed": 0, "incomplete": [down] if down else []},
        )
    yield 0.001, "closed", {"outcome": "answered"}
    yield 0.001, "shredded", {"outcome": "delivered"}
    if found and choose.random() < 0.8:
        yield choose.uniform(0.1, 10), "downloaded", {"bytes": 88_000}


def _changing(choose: random.Random, right: str, found: bool, down: str, dates: Any) -> Story:
    if down:
        yield 0.1, "failed", {"task": "make_plan"}
        yield 2, "source_searched", {"source": down, "status": "none", "matches": 0}
    plan = {"digest": "cd" * 32, "right": right, "effects": {"erase": choose.randint(1, 60)}}
    yield 0.01, "planned", plan
    if right not in ("objection", "withdrawal"):
        yield 0.001, "identity_asked", {"outcome": "sent", "factors": 1}
        if choose.random() < 0.1:
            yield choose.uniform(8, 20), "decision", {**_said("prepare", "refuse"), "reason": "identity"}
            yield 0.01, "answered", {"outcome": "refused"}
            yield 0.001, "refused", {"reason": "identity"}
            yield 0.01, "closed", {"outcome": "answered"}
            return
        yield choose.uniform(0.1, 6), "identity_verified", {"by": "person", "method": "link", "ok": True}
        yield choose.uniform(0.1, 4), "decision", {**_said("prepare", "approve"), "digest": "cd" * 32}
        if choose.random() < 0.08:
            yield from _extended(choose, dates)
        second = {"decision": "approve", "choice": "approve", "by": "second", "digest": "cd" * 32}
        yield choose.uniform(0.1, 8) ** (1.7 if choose.random() < 0.1 else 1), "decision", second
    if right != "rectification":
        yield 0.001, "suppressed", {"scope": "all", "count": 2}
    for source in SOURCES[:4]:
        detail = {"source": source, "attempt": 1, "effect": "erase", "outcome": "done", "count": choose.randint(1, 20)}
        yield 0.01, "enforced", detail
    yield 0.01, "verified", {"ok": True, "right": {"erase": 20}, "remaining": {}}
    yield 0.01, "notified", {"recipient": "mailer", "by": "mail", "kind": "erasure", "notice": "urn:uuid:made-up"}
    yield 0.01, "certified", {"sha256": "ef" * 32}
    yield 0.01, "answered", {"outcome": "done", "digest": "cd" * 32}
    if right == "restriction":
        yield choose.uniform(20, 200), "decision", {**_said("lift", "lift"), "reason": "claims_ended"}
        yield 0.01, "lift_announced", {"on": "2027-01-01", "reason": "claims_ended"}
        yield 7, "lifted", {"source": "salesforce", "outcome": "done", "count": 2}
    yield 0.01, "closed", {"outcome": "answered"}


def _extended(choose: random.Random, dates: Any) -> Story:
    reason = choose.choice(["complexity", "number"])
    yield 0.5, "extended", {"reason": reason, "by": "officer", "latest": dates.extended_latest.isoformat()}


def _said(decision: str, choice: str) -> dict[str, str]:
    return {"decision": decision, "choice": choice, "by": "officer"}


def _write(url: str, told: list[Any], key: bytes) -> None:
    """As the ledger chains them, all at once."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    previous, seq = "0" * 64, 0
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        columns = "seq, request_id, kind, detail, at, previous, hash"
        with cursor.copy(f"COPY events ({columns}) FROM STDIN") as copy:
            for seq, (at, request_id, kind, detail) in enumerate(told, 1):
                moment = at.astimezone(UTC).isoformat(timespec="microseconds")
                content = {"request_id": request_id, "kind": kind, "detail": detail, "at": moment, "seq": seq}
                digest = hashlib.sha256(rfc8785.dumps({**content, "previous": previous})).hexdigest()
                copy.write_row((seq, request_id, kind, json.dumps(detail), moment, previous, digest))
                previous = digest
        signature = hmac.digest(key, f"{seq}:{previous}".encode(), "sha256").hex()
        cursor.execute("UPDATE ledger_head SET count = %s, hash = %s, signature = %s", (seq, previous, signature))
        cursor.execute("ANALYZE events")


if __name__ == "__main__":
    database.upgrade(database.connect(sys.argv[1]))
    fill(sys.argv[1], int(sys.argv[2]), datetime.now(UTC))
