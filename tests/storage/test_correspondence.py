"""What was written stays in the case file, once, and the ledger has its digest."""

import hashlib
from datetime import datetime

import pytest
from sqlalchemy import Engine

from dsr import correspondence
from dsr.casefile import CaseStore
from dsr.errors import TransientError
from dsr.ledger import Ledger

TEXT = "Hej! Koden är …".encode()


def test_a_copy_and_its_digest(cases: CaseStore, engine: Engine, now: datetime) -> None:
    case, ledger = cases.create("dsr-written-1"), Ledger(engine)
    for _ in range(2):
        correspondence.keep(case, ledger, "answer", "ticket", TEXT, now)
    sha256 = hashlib.sha256(TEXT).hexdigest()
    assert case.names() == [f"correspondence/{sha256[:16]}"]
    with case.reader(case.names()[0]) as file:
        assert file.read() == TEXT
    (event,) = ledger.events(case.case_id)
    assert (event.kind, event.detail) == ("written", {"kind": "answer", "by": "ticket", "sha256": sha256})
    correspondence.keep(case, ledger, "answer", "mail", b"Hej!", now)
    assert len(ledger.events(case.case_id)) == len(case.names()) == 2


def test_cut_off_before_the_event(cases: CaseStore, engine: Engine, now: datetime) -> None:
    case, ledger = cases.create("dsr-written-2"), Ledger(engine)

    class Broken(Ledger):
        def append(self, *_: object, **__: object) -> None:
            raise TransientError("database.unavailable", "ledger")

    with pytest.raises(TransientError):
        correspondence.keep(case, Broken(engine), "answer", "mail", TEXT, now)
    correspondence.keep(case, ledger, "answer", "mail", TEXT, now)
    assert len(ledger.events(case.case_id)) == len(case.names()) == 1
