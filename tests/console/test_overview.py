"""How all requests stand: the kept rows are what the events say, whenever and by however many they are brought up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from console_desk import ALL, NOW
from made_up_ledger import fill
from sqlalchemy import Engine, text

from dsr.database import connect
from dsr.ledger import Ledger
from dsr.overview import ANSWERED, CLOSED, OPEN, SORTS, Asked, Overview, Row
from dsr.settings import subkey

KEY = subkey(bytes(32), "ledger")
WHOLE = Asked(ALL, NOW.date())


@pytest.fixture(scope="module")
def engine(new_ledger: Callable[[], str]) -> Engine:
    """A ledger of 300 requests."""
    url = new_ledger()
    fill(url, 300, NOW)
    return connect(url)


def test_the_made_up_chain_holds(engine: Engine) -> None:
    """Or nothing below says anything."""
    assert Ledger(engine, KEY).verify() > 3000


def test_rows_are_what_the_events_say(engine: Engine) -> None:
    """Each of them, however the events were taken in."""
    ledger, overview = Ledger(engine, KEY), Overview(engine)
    overview.bring_up()
    by_request: dict[str, list[object]] = {}
    for event in ledger.events():
        by_request.setdefault(event.request_id, []).append(event)
    made = {request_id: Row.of(events) for request_id, events in by_request.items()}  # type: ignore[arg-type]
    assert {row.request_id: row for row in overview.rows(WHOLE)} == made


def test_it_is_brought_up_bit_by_bit_and_by_several_at_once(new_ledger: Callable[[], str]) -> None:
    """What came later is taken in, no search is counted twice, and no row is older than the last event."""
    url = new_ledger()
    fill(url, 40, NOW)
    engine = connect(url)
    ledger, overview = Ledger(engine, KEY), Overview(engine)
    with ThreadPoolExecutor(4) as several:
        assert set(several.map(lambda _: overview.bring_up(), range(4))) == {0}
    assert _searches(engine) == sum(event.kind == "source_searched" for event in ledger.events())
    open_one = overview.rows(replace(WHOLE, phase=OPEN))[0]
    ledger.append(open_one.request_id, "answered", {"outcome": "link"}, at=NOW)
    assert overview.row(open_one.request_id) == open_one, "not before it is brought up"
    assert overview.bring_up() == 0
    answered = overview.row(open_one.request_id)
    assert answered is not None
    assert (answered.outcome, answered.answered_at, answered.phase) == ("disclosed", NOW, ANSWERED)


def test_other_rows_are_made_anew(new_ledger: Callable[[], str]) -> None:
    """By a version of this program whose rows are others."""
    url = new_ledger()
    fill(url, 20, NOW)
    engine = connect(url)
    overview = Overview(engine)
    overview.bring_up()
    rows, searches = overview.rows(WHOLE), _searches(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE overview SET outcome = 'another'"))
        connection.execute(text("UPDATE overview_state SET form = -1"))
    overview.bring_up()
    assert (overview.rows(WHOLE), _searches(engine)) == (rows, searches)


def test_which_are_asked_for(engine: Engine) -> None:
    """Each filter leaves those that it names, all of them; every order is one."""
    overview = Overview(engine)
    overview.bring_up()
    rows = overview.rows(WHOLE)
    today = NOW.date()
    for asked, holds in (
        (replace(WHOLE, phase=OPEN), lambda row: row.phase == OPEN),
        (replace(WHOLE, phase=ANSWERED), lambda row: row.phase == ANSWERED),
        (replace(WHOLE, phase=CLOSED), lambda row: row.phase == CLOSED),
        (replace(WHOLE, overdue=True), lambda row: not row.settled and row.latest < today),
        (replace(WHOLE, waits="officer"), lambda row: row.waits == "officer"),
        (replace(WHOLE, rights=frozenset({"erasure"})), lambda row: row.right == "erasure"),
        (replace(WHOLE, ids=(rows[3].request_id,)), lambda row: row == rows[3]),
    ):
        expected = [row for row in rows if holds(row)]
        assert expected, "the made-up ledger has none of these, so nothing is tested"
        assert overview.rows(asked) == expected
        assert overview.count(asked) == len(expected)
    in_pages = [row for offset in range(0, 300, 50) for row in overview.rows(WHOLE, 50, offset)]
    assert in_pages == rows
    for sort in SORTS:
        assert sorted(overview.rows(replace(WHOLE, sort=sort)), key=str) == sorted(rows, key=str)
    left = [row.latest for row in rows if not row.settled]
    assert left == sorted(left)
    assert [row.settled for row in rows] == sorted(row.settled for row in rows)


def _searches(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT sum(count) FROM overview_searches")).scalar_one())
