"""What the tasks say to somebody without a ticket, and that the upkeep keeps it until it is sent."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dsr import letterbox
from dsr.casefile import CaseStore
from dsr.channels.ticket import Answer
from dsr.database import connect
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
REQUEST = "dsr-abcdefghijklmnopqrstuvwxyz"


@pytest.mark.airflow
def test_the_tasks_answer_goes_to_the_officer(
    new_ledger: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any connection; and a case whose text waits isn't old, however long ago it was kept."""
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    import dsr_keeping
    import dsr_workplace

    keys = (bytes(32),)
    settings = Settings(case_store=str(tmp_path), ledger_url=new_ledger(), master_key=keys[0], case_keys=keys)
    engine = connect(settings.ledger_url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    place = dsr_workplace.Workplace()
    place.__dict__ |= {"settings": settings, "engine": engine}
    case = CaseStore(settings.case_store, *settings.case_keys).create(REQUEST)
    case.write_json("request", {"ticket": {"id": "entered-1"}})
    ledger.append(REQUEST, "run_started", at=NOW)
    answer = Answer(REQUEST, f"{REQUEST}-done", "staff", "entered-1", "Your code: K7QX-2M9D", close=True, at=NOW,
                    secrets=("K7QX-2M9D",))  # fmt: skip
    place.answer(answer)
    place.answer(answer)
    (letter,) = letterbox.letters(ledger.events(REQUEST), case)
    assert (letter.number, letter.text, letter.closes) == (1, "Your code: K7QX-2M9D", True)
    later = NOW + timedelta(days=300)
    assert place.undelivered(case)
    on = date(2026, 11, 21)
    letterbox.note_sent(REQUEST, 1, case, ledger, on=on, way="letter", by="officer", at=NOW)
    assert not place.undelivered(case)
    assert dsr_keeping._is_old(ledger.events(REQUEST), later)
    copies = [case.reader(name) for name in case.names("correspondence/")]
    with copies[0] as copy:
        assert copy.read().decode() == "Your code: …"
    assert len(copies) == 1
    assert [e.detail["by"] for e in ledger.events(REQUEST) if e.kind == "written"] == ["hand"]
    engine.dispose()
