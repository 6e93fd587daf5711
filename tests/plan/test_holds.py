"""Legal holds: on a person or a record, until a day or until ended, without personal data, in the ledger's chain."""

import base64
import io
from datetime import date, timedelta

import pyarrow as pa
import pytest
from planned_cases import AT, KEY, PaperLedger

from dsr import database
from dsr.__main__ import main
from dsr.errors import PermanentError
from dsr.holds import STREAM, Holds, HoldsInForce
from dsr.ledger import Ledger
from dsr.model import Identifier
from dsr.settings import subkey

CUSTOMER = Identifier("customer_number", "K-100123")
OTHER = Identifier("customer_number", "K-100124")
MASTER = bytes(range(32))
DAY = AT.date()


@pytest.fixture
def holds() -> Holds:
    return Holds(PaperLedger(), KEY)  # type: ignore[arg-type]


def test_on_a_person_by_any_of_their_identifiers(holds: Holds) -> None:
    hold_id = holds.add_person(CUSTOMER, by="dpo", at=AT)
    force = holds.in_force(DAY)
    found = force.on_person([OTHER, CUSTOMER])
    assert found is not None
    assert (found.hold_id, found.until) == (hold_id, None)
    assert force.on_person([OTHER]) is None
    assert force.on_person([Identifier("phone", CUSTOMER.value)]) is None
    assert HoldsInForce().on_person([CUSTOMER]) is None


def test_on_a_record_and_no_other(holds: Holds) -> None:
    holds.add_record("invoicing", "invoicing_invoice", "17", by="dpo", at=AT)
    force = holds.in_force(DAY)
    assert set(force.on_records("invoicing", "invoicing_invoice", pa.array(["16", "17", "171"]))) == {"17"}
    assert force.on_records("invoicing", "invoicing_payment", pa.array(["17"])) == {}
    assert force.on_records("salesforce", "invoicing_invoice", pa.array(["17"])) == {}


def test_it_stands_through_its_last_day(holds: Holds) -> None:
    holds.add_person(CUSTOMER, by="dpo", at=AT, until=DAY)
    assert holds.in_force(DAY).on_person([CUSTOMER])
    assert holds.in_force(DAY + timedelta(days=1)).on_person([CUSTOMER]) is None


def test_of_several_the_longest_stands(holds: Holds) -> None:
    for until in (date(2028, 1, 1), date(2030, 1, 1), date(2029, 1, 1)):
        holds.add_person(CUSTOMER, by="dpo", at=AT, until=until)
    found = holds.in_force(DAY).on_person([CUSTOMER])
    assert found is not None
    assert found.until == date(2030, 1, 1)
    holds.add_person(CUSTOMER, by="dpo", at=AT)
    holds.add_person(CUSTOMER, by="dpo", at=AT, until=date(2031, 1, 1))
    found = holds.in_force(DAY).on_person([CUSTOMER])
    assert found is not None
    assert found.until is None


def test_it_can_be_ended_once(holds: Holds) -> None:
    hold_id = holds.add_person(CUSTOMER, by="dpo", at=AT)
    holds.end(hold_id, by="dpo", at=AT)
    assert holds.in_force(DAY).on_person([CUSTOMER]) is None
    assert [hold.ended for hold in holds.all()] == [True]
    for absent in (hold_id, "hold-0000000000000000"):
        with pytest.raises(PermanentError, match=r"hold\.absent"):
            holds.end(absent, by="dpo", at=AT)


def test_what_is_no_hold(holds: Holds) -> None:
    with pytest.raises(PermanentError, match=r"hold\.kind"):
        holds.add_person(Identifier("salesforce_contact", "003"), by="dpo", at=AT)
    with pytest.raises(PermanentError, match=r"hold\.ground"):
        holds.add_person(CUSTOMER, by="dpo", at=AT, ground="because")
    with pytest.raises(PermanentError, match=r"hold\.record"):
        holds.add_record("invoicing", "invoicing_invoice", "", by="dpo", at=AT)


def test_the_command_line(ledger_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Added, listed, ended; nothing of whom it is about anywhere; the chain holds."""
    monkeypatch.setenv("DSR_LEDGER_URL", ledger_url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(MASTER).decode())

    def run(*arguments: str, given: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given + "\n"))
        code = main(["holds", *arguments])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    code, hold_id = run("add", "--person", "phone", "--until", "2099-12-31", "--by", "dpo", given="070-174 06 05")
    assert code == 0
    record = ("add", "--record", "invoicing/invoicing_invoice", "--by", "dpo")
    assert run(*record, given="17")[0] == 0
    assert run("add", "--record", "invoicing/invoicing_invoices", "--by", "dpo", given="17")[0] == 1
    assert run("add", "--person", "email", "--by", "dpo", given="nobody")[0] == 1
    code, shown = run("list")
    assert code == 0
    assert hold_id.strip() in shown
    assert "invoicing/invoicing_invoice" in shown
    assert "2099-12-31" in shown
    engine = database.connect(ledger_url)
    ledger = Ledger(engine, subkey(MASTER, "ledger"))
    book = Holds(ledger, subkey(MASTER, "holds"))
    assert book.in_force(DAY).on_person([Identifier("phone", "+46701740605")])
    assert run("end", hold_id.strip(), "--by", "dpo")[0] == 0
    assert book.in_force(DAY).on_person([Identifier("phone", "+46701740605")]) is None
    assert hold_id.strip() not in run("list")[1]
    assert hold_id.strip() in run("list", "--all")[1]
    assert run("end", hold_id.strip(), "--by", "dpo")[0] == 1
    assert ledger.verify() == len(ledger.events(STREAM)) == 3
    assert "0701740605" not in str(ledger.events()).replace("-", "").replace(" ", "")
    assert "+4670" not in str(ledger.events())
    engine.dispose()
