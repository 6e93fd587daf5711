"""Who was told, by the ledger and the register: never more than is known, and nobody passed over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsr.ledger import Event
from dsr.recipients import UNSETTLED, UNTOLD, informed
from dsr.register import Register
from extractors import SOURCES

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECLARATIONS = [source.declaration for source in SOURCES]
RECEIVED = {"channel": "zendesk", "right": "erasure", "received_at": "2026-11-10T08:00:00+00:00",
            "target": "2026-12-07", "legal_latest": "2026-12-10"}  # fmt: skip
MAIL = {"recipient": "post", "by": "mail", "kind": "erasure", "notice": "urn:uuid:a"}


def events(*said: tuple[str, dict[str, Any]], right: str = "erasure") -> list[Event]:
    """Of one request, an hour apart."""
    told = [("request_received", {**RECEIVED, "right": right}), *said]
    return [
        Event(n, "dsr-told-0001", kind, detail, AT + timedelta(hours=n), "") for n, (kind, detail) in enumerate(told)
    ]


def done(dataset: str, effect: str = "erase", outcome: str = "done", count: int = 2) -> tuple[str, dict[str, Any]]:
    """That records of a dataset were changed."""
    return "enforced", {"source": "s", "dataset": dataset, "effect": effect, "outcome": outcome, "count": count}


def stands(found: list[Event], register: Register | None) -> list[tuple[str, str, str, str]]:
    """Recipient, kind, status, code."""
    listed = [one.told for one in informed(found, register, DECLARATIONS)]
    return [(told.recipient, told.kind, told.status, told.code) for told in listed]


@pytest.fixture(scope="module")
def register() -> Register:
    """The example."""
    return Register.load()


def test_the_last_word_holds_and_the_first_day() -> None:
    failed = {name: value for name, value in MAIL.items() if name != "by"} | {"code": "smtp.450"}
    (one,) = informed(events(("notice_failed", failed), ("notified", MAIL)), None, DECLARATIONS)
    assert (one.told.status, one.told.at, one.told.by, one.told.code) == ("sent", AT + timedelta(hours=2), "mail", "")
    pending = {**MAIL, "by": "opendsr", "status": "pending"}
    cancelled = {**failed, "code": "notice.cancelled"}
    (one,) = informed(events(("notified", pending), ("notice_failed", cancelled)), None, DECLARATIONS)
    assert (one.told.status, one.told.at) == ("cancelled", AT + timedelta(hours=1))
    assert (one.told.name, one.address) == ("post", "")


def test_nobody_is_passed_over_who_got_the_data(register: Register) -> None:
    """By the register as it is now: need not be told, can't be told, or no event says that they were."""
    erased = events(done("invoicing_invoice"), done("salesforce_contact", "anonymise", "scheduled"))
    assert stands(erased, register) == [
        ("salesforce", "erasure", "failed", UNTOLD),
        ("skatteverket", "erasure", "none", ""),
    ]
    rows = {key: replace(row, recipients=tuple(replace(r, notify=None) for r in row.recipients))
            for key, row in register.activities.items()}  # fmt: skip
    unsettled = replace(register, activities=rows)
    assert {code for *_, code in stands(erased, unsettled)} == {UNSETTLED}
    assert stands(erased, None) == []


def test_what_article_19_does_not_cover_names_nobody(register: Register) -> None:
    """What is only restricted because it may not be erased yet, a stop of marketing, and what didn't happen."""
    restricted = done("salesforce_contact", "restrict")
    for right, told in (("erasure", []), ("withdrawal", []), ("objection", []), ("restriction", ["restriction"])):
        assert [kind for _, kind, *_ in stands(events(restricted, right=right), register)] == told
    examined = events(restricted, ("answered", {"outcome": "meanwhile"}), right="objection")
    assert [kind for _, kind, *_ in stands(examined, register)] == ["restriction"]
    for other in (done("salesforce_contact", outcome="manual"), done("salesforce_contact", count=0),
                  done("salesforce_contact", "keep"), done("gone_dataset")):  # fmt: skip
        assert stands(events(other), register) == []
