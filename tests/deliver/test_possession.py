"""A phone is shown to be held once, in time, by the code that came to it, and by nobody who tries."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from counter_hall import MASTER, NOW
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, func, select

from dsr import database
from dsr.challenges import CODE_LIVES
from dsr.errors import PermanentError
from dsr.links import link_hash, new_link
from dsr.possession import MOST_TEXTS, Possessions
from dsr.settings import subkey
from dsr.tables import possessions as table

DAYS = timedelta(days=7)
PEPPER = subkey(MASTER, "possessions")


@pytest.fixture
def engine(ledger_url: str) -> Iterator[Engine]:
    made = database.connect(ledger_url)
    yield made
    made.dispose()


@pytest.fixture
def possessions(engine: Engine) -> Possessions:
    return Possessions(engine, PEPPER, attempts=4)


def a_number() -> str:
    return f"+4670{secrets.randbelow(10**7):07d}"


def asked(of: Possessions, *, request_id: str = "", address: str = "", number: str = "") -> tuple[str, str]:
    """A link and its request; what isn't given is nobody else's."""
    request_id, link = request_id or f"dsr-{secrets.token_hex(8)}", new_link()
    to = address or f"{secrets.token_hex(6)}@kvarn.example"
    of.create(request_id, link, to, number or a_number(), expires_at=NOW + DAYS, at=NOW)
    return request_id, link


def code_of(of: Possessions, link: str) -> str:
    drawn = of.send_code(link, NOW)
    assert drawn is not None
    return drawn[1]


def test_the_code_is_good_once(possessions: Possessions) -> None:
    request_id, link = asked(possessions)
    code = code_of(possessions, link)
    assert possessions.proven(request_id) == frozenset()
    assert possessions.prove(link, code.lower().replace("-", " "), NOW) == request_id
    assert possessions.prove(link, code, NOW) is None
    assert possessions.send_code(link, NOW) is None
    assert possessions.proven(request_id) == {link_hash(link)}


def test_ten_minutes_the_last_code_and_no_other(possessions: Possessions) -> None:
    request_id, link = asked(possessions)
    first, last = code_of(possessions, link), code_of(possessions, link)
    assert possessions.prove(link, last, NOW + CODE_LIVES) is None
    assert possessions.prove(link, first, NOW) is None
    assert possessions.prove(link, last, NOW + CODE_LIVES - timedelta(seconds=1)) == request_id


def test_a_code_is_good_for_its_own_link_alone(possessions: Possessions) -> None:
    """Not for another number of the same request either."""
    request_id, link = asked(possessions)
    _, other = asked(possessions, request_id=request_id)
    code = code_of(possessions, other)
    assert possessions.prove(link, code, NOW) is None
    assert possessions.prove(link, "", NOW) is None
    assert possessions.prove(other, code, NOW) == request_id
    assert possessions.proven(request_id) == {link_hash(other)}


def test_ended_or_unknown_it_opens_nothing(possessions: Possessions) -> None:
    _, link = asked(possessions)
    assert possessions.send_code(link, NOW + DAYS) is None
    assert possessions.send_code(new_link(), NOW) is None
    assert possessions.prove(new_link(), "7K3F-9QXM", NOW) is None
    with pytest.raises(PermanentError, match="conflict"):
        possessions.create("dsr-somebody-else", link, "a@b.example", "+46701740605", expires_at=NOW + DAYS, at=NOW)


def test_texts_are_capped_per_link_request_contact_and_number(possessions: Possessions) -> None:
    """Request upon request, link upon link gives no more of them."""

    def texts(**same: str) -> int:
        links = [asked(possessions, **same)[1] for _ in range(4)]
        return sum(possessions.send_code(link, NOW) is not None for link in links for _ in range(MOST_TEXTS + 2))

    assert texts(request_id=f"dsr-{secrets.token_hex(8)}") == 6
    assert texts(address="pumped@kvarn.example") == 6
    assert texts(number=a_number()) == 5
    _, link = asked(possessions)
    assert sum(possessions.send_code(link, NOW) is not None for _ in range(9)) == MOST_TEXTS


def test_wrong_answers_are_capped_likewise(engine: Engine, possessions: Possessions) -> None:
    """Whoever types all codes finds none."""

    def tries(**same: str) -> int:
        links = [asked(possessions, **same)[1] for _ in range(9)]
        for link in links * 5:
            assert possessions.prove(link, "0000-0000", NOW) is None
        query = select(func.sum(table.c.attempts)).where(table.c.link.in_([link_hash(link) for link in links]))
        with database.transaction(engine, "test") as connection:
            return int(connection.execute(query).scalar_one())

    number = a_number()
    assert tries(number=number) == 10
    assert tries(address="tried@kvarn.example") == 20
    assert tries(request_id=f"dsr-{secrets.token_hex(8)}") == 10
    _, link = asked(possessions, number=number)
    assert possessions.send_code(link, NOW) is None, "a number that was tried too often gets no text by another request"


def test_pressed_many_times_at_once_it_sends_no_more(possessions: Possessions) -> None:
    number = a_number()
    links = [asked(possessions, number=number)[1] for _ in range(8)] * 4
    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda link: possessions.send_code(link, NOW), links))
    assert sum(found is not None for found in drawn) == 5


def test_restarted_it_counts_on_and_another_key_opens_nothing(engine: Engine, possessions: Possessions) -> None:
    _, link = asked(possessions)
    code = code_of(possessions, link)
    assert Possessions(engine, subkey(bytes(32), "possessions"), 4).prove(link, code, NOW) is None
    for _ in range(3):
        assert Possessions(engine, PEPPER, 4).prove(link, "1111-1111", NOW) is None
    assert Possessions(engine, PEPPER, 4).prove(link, code, NOW) is None


def test_what_ended_is_forgotten_later(possessions: Possessions) -> None:
    request_id, link = asked(possessions)
    assert request_id in possessions.pending(NOW)
    assert request_id not in possessions.pending(NOW + DAYS)
    possessions.forget(NOW)
    assert possessions.owner(link) == request_id
    assert possessions.forget(NOW + DAYS + timedelta(seconds=1)) >= 1
    assert possessions.owner(link) is None


class Proving(RuleBasedStateMachine):
    """Links, codes, wrong answers, time and others' links in any order. The machine keeps its own account."""

    engine: Engine

    @initialize()
    def begin(self) -> None:
        self.of, self.now = Possessions(self.engine, PEPPER, attempts=3), NOW
        self.request_id, self.address = f"dsr-{secrets.token_hex(8)}", f"{secrets.token_hex(8)}@kvarn.example"
        self.number = a_number()
        self.link, self.ends = new_link(), NOW + DAYS
        self.code, self.until, self.proven, self.wrong, self.texts = "", NOW, False, 0, 0
        self.of.create(self.request_id, self.link, self.address, self.number, expires_at=self.ends, at=NOW)

    def is_open(self) -> bool:
        return not self.proven and self.now < self.ends and self.wrong < 3

    @rule()
    def send(self) -> None:
        drawn = self.of.send_code(self.link, self.now)
        assert (drawn is not None) == (self.is_open() and self.texts < MOST_TEXTS)
        if drawn:
            self.code, self.until, self.texts = drawn[1], self.now + CODE_LIVES, self.texts + 1

    @rule(right=st.booleans())
    def answer(self, right: bool) -> None:
        fits = bool(self.code) and right and self.now < self.until
        opened, found = self.is_open(), self.of.prove(self.link, self.code if right else "ZZZZ-0000", self.now)
        assert (found is not None) == (opened and fits)
        if found:
            self.proven = True
        elif opened:
            self.wrong += 1

    @rule(minutes=st.sampled_from([1, 9, 11, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        self.now = min(self.now + timedelta(minutes=minutes), NOW + timedelta(days=25))

    @rule()
    def by_another(self) -> None:
        """Another's request about the same number: its code proves nothing here."""
        _, link = asked(self.of)
        code = code_of(self.of, link)
        assert self.of.prove(self.link, code, self.now) is None
        self.wrong += self.is_open()

    @invariant()
    def nobody_else_says_so(self) -> None:
        if hasattr(self, "request_id"):
            assert bool(self.of.proven(self.request_id)) == self.proven


def test_any_order(engine: Engine) -> None:
    Proving.engine = engine
    given = settings(max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Proving, settings=given)
