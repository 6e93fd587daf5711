"""Who asks confirms once, in time, with what was sent, and nobody by trying."""

import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
from counter_hall import MASTER, NOW
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine

from dsr import database
from dsr.challenges import CODE_LIVES, MOST_CODES, Challenges
from dsr.errors import PermanentError
from dsr.links import new_code as long_code
from dsr.links import new_link
from dsr.settings import subkey

DAYS = timedelta(days=7)
PEPPER = subkey(MASTER, "challenges")


@pytest.fixture
def engine(ledger_url: str) -> Iterator[Engine]:
    made = database.connect(ledger_url)
    yield made
    made.dispose()


@pytest.fixture
def challenges(engine: Engine) -> Challenges:
    return Challenges(engine, PEPPER, attempts=4)


def asked(challenges: Challenges, second: str = "", address: str = "") -> tuple[str, str]:
    """A link and its request, sent to an address that no other test has."""
    request_id, link = f"dsr-{secrets.token_hex(8)}", new_link()
    to = address or f"{secrets.token_hex(6)}@kvarn.example"
    challenges.create(request_id, link, to, second, expires_at=NOW + DAYS, at=NOW)
    return request_id, link


def code_of(challenges: Challenges, link: str, at: timedelta = timedelta(0)) -> str:
    drawn = challenges.send_code(link, NOW + at)
    assert drawn is not None
    return drawn[1]


def test_the_code_is_good_once(challenges: Challenges) -> None:
    request_id, link = asked(challenges)
    code = code_of(challenges, link)
    assert challenges.confirmed(request_id) is None
    typed = code.lower().replace("-", " ").replace("0", "o")
    assert challenges.confirm(link, typed, "", NOW) == (request_id, False)
    assert challenges.confirm(link, code, "", NOW) is None
    assert challenges.send_code(link, NOW) is None
    assert challenges.confirmed(request_id).confirmed_at == NOW  # type: ignore[union-attr]


def test_ten_minutes_and_no_longer(challenges: Challenges) -> None:
    _, link = asked(challenges)
    code = code_of(challenges, link)
    assert challenges.confirm(link, code, "", NOW + CODE_LIVES) is None
    assert challenges.confirm(link, code_of(challenges, link), "", NOW + CODE_LIVES - timedelta(seconds=1)) is not None


def test_a_new_code_ends_the_one_before(challenges: Challenges) -> None:
    _, link = asked(challenges)
    first, last = code_of(challenges, link), code_of(challenges, link)
    assert challenges.confirm(link, first, "", NOW) is None
    assert challenges.confirm(link, last, "", NOW) is not None


def test_where_more_is_at_stake_both_codes_are_needed(challenges: Challenges) -> None:
    second = long_code()
    request_id, link = asked(challenges, second)
    code = code_of(challenges, link)
    for other in ("", code, long_code()):
        assert challenges.confirm(link, code, other, NOW) is None
    assert challenges.confirm(link, code, second, NOW) == (request_id, True)


def test_a_link_stands_four_wrong_answers(challenges: Challenges) -> None:
    _, link = asked(challenges)
    code = code_of(challenges, link)
    for _ in range(4):
        assert challenges.confirm(link, "0000-0000", "", NOW) is None
    assert challenges.confirm(link, code, "", NOW) is None
    assert challenges.send_code(link, NOW) is None


def test_an_address_stands_only_so_much_over_all_requests(challenges: Challenges) -> None:
    """Whoever files request after request gets no more tries for it."""
    address = "once.more@kvarn.example"
    tries = 0
    for _ in range(12):
        _, link = asked(challenges, address=address.upper() if tries % 2 else address)
        for _ in range(3):
            if challenges.send_code(link, NOW) is not None:
                tries += 1
                challenges.confirm(link, "0000-0000", "", NOW)
    assert tries == 20
    _, other = asked(challenges)
    assert challenges.send_code(other, NOW) is not None
    later, link = asked(challenges, address=address)
    assert challenges.send_code(link, NOW + timedelta(days=6)) is None
    challenges.create(later, new := new_link(), address, "", expires_at=NOW + 6 * DAYS, at=NOW + 5 * DAYS)
    assert challenges.send_code(new, NOW + 5 * DAYS) is not None


def test_so_many_codes_are_mailed(challenges: Challenges) -> None:
    _, link = asked(challenges)
    assert sum(challenges.send_code(link, NOW) is not None for _ in range(MOST_CODES + 5)) == MOST_CODES


def test_asking_anew_ends_the_link_before(challenges: Challenges) -> None:
    request_id, first = asked(challenges)
    code = code_of(challenges, first)
    challenges.create(request_id, new_link(), "other@kvarn.example", "", expires_at=NOW + DAYS, at=NOW)
    assert challenges.confirm(first, code, "", NOW + timedelta(seconds=1)) is None
    with pytest.raises(PermanentError, match="conflict"):
        challenges.create("dsr-somebody-else", first, "a@b.example", "", expires_at=NOW + DAYS, at=NOW)


def test_restarted_it_counts_on(engine: Engine, challenges: Challenges) -> None:
    """Nothing is kept in memory; another key opens nothing."""
    _, link = asked(challenges)
    code = code_of(challenges, link)
    assert Challenges(engine, subkey(bytes(32), "challenges"), 4).confirm(link, code, "", NOW) is None
    for _ in range(3):
        Challenges(engine, PEPPER, 4).confirm(link, "1111-1111", "", NOW)
    assert Challenges(engine, PEPPER, 4).confirm(link, code, "", NOW) is None


class Asking(RuleBasedStateMachine):
    """Requests, codes, wrong answers, time and links of others in any order. The machine keeps its own account."""

    engine: Engine

    @initialize(second=st.booleans())
    def begin(self, second: bool) -> None:
        self.of, self.now = Challenges(self.engine, PEPPER, attempts=3), NOW
        self.second = long_code() if second else ""
        self.address = f"{secrets.token_hex(8)}@kvarn.example"
        self.request_id = f"dsr-{secrets.token_hex(8)}"
        self.code, self.until, self.confirmed, self.wrong, self.codes = "", NOW, False, 0, 0
        self.link, self.ends = "", NOW
        self.all_wrong = self.all_codes = 0
        self.ask()

    @rule()
    def ask(self) -> None:
        if self.confirmed:
            return
        self.link, self.ends, self.wrong, self.codes, self.code = new_link(), self.now + DAYS, 0, 0, ""
        self.of.create(self.request_id, self.link, self.address, self.second, expires_at=self.ends, at=self.now)

    def is_open(self) -> bool:
        tried = max(self.all_wrong, self.all_codes) >= 20
        return not self.confirmed and self.now < self.ends and self.wrong < 3 and not tried

    @rule()
    def send(self) -> None:
        drawn = self.of.send_code(self.link, self.now)
        assert (drawn is not None) == (self.is_open() and self.codes < MOST_CODES)
        if drawn:
            self.code, self.until = drawn[1], self.now + CODE_LIVES
            self.codes, self.all_codes = self.codes + 1, self.all_codes + 1

    @rule(right_code=st.booleans(), right_second=st.booleans())
    def answer(self, right_code: bool, right_second: bool) -> None:
        code = self.code if right_code and self.code else "ZZZZ-0000"
        second = self.second if right_second else long_code()
        fits = bool(self.code) and right_code and self.now < self.until and (right_second or not self.second)
        opened, found = self.is_open(), self.of.confirm(self.link, code, second, self.now)
        assert (found is not None) == (opened and fits)
        if found:
            self.confirmed = True
        elif opened:
            self.wrong, self.all_wrong = self.wrong + 1, self.all_wrong + 1

    @rule(minutes=st.sampled_from([1, 9, 11, 60 * 24, 60 * 24 * 8]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        if self.now - NOW > timedelta(days=25):
            self.now = NOW + timedelta(days=25)

    @rule()
    def by_another(self) -> None:
        """Their own link, their own code: nothing of this request comes of it."""
        _, link = asked(self.of)
        drawn = self.of.send_code(link, NOW)
        assert drawn is not None
        assert self.of.confirm(self.link, drawn[1], self.second, self.now) is None
        if self.is_open():
            self.wrong, self.all_wrong = self.wrong + 1, self.all_wrong + 1

    @invariant()
    def nobody_else_says_so(self) -> None:
        if hasattr(self, "request_id"):
            assert (self.of.confirmed(self.request_id) is not None) == self.confirmed


def test_any_order(engine: Engine) -> None:
    Asking.engine = engine
    given = settings(max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Asking, settings=given)
