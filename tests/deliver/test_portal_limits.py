"""Guessing from one place is stopped in time, over processes and restarts, and nobody else is; a form from elsewhere
does nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import count

import httpx
import pytest
from counter_hall import MASTER, NOW, Clock, Office
from hypothesis import given
from hypothesis import strategies as st
from served import served
from sqlalchemy import select
from starlette.requests import Request
from test_portal import CODE, link_of, opened

from dsr.allowances import Allowances
from dsr.portal_limits import SETTINGS, PortalLimits
from dsr.setting_values import SettingError
from dsr.settings import subkey
from dsr.tables import allowances as table
from dsr.web.portal import create_app
from dsr.web.visitor import address_of, is_own

MINUTES = timedelta(minutes=10)
PROXY = PortalLimits(attempts=3, within=MINUTES, proxies=(ip_network("127.0.0.0/8"),))
ADDRESSES = (f"198.51.100.{number}" for number in count(1))


def kept(office: Office, most: int = 3) -> Allowances:
    return Allowances(office.engine, subkey(MASTER, "allowances"), most, MINUTES)


def post(url: str, path: str, address: str, **form: str) -> httpx.Response:
    headers = {"x-forwarded-for": address, "accept-language": "sv"}
    return httpx.post(f"{url}{path}", data=form, headers=headers)


def test_guesses_from_one_address_are_capped_and_no_others(office: Office, clock: Clock) -> None:
    """Over two processes, with the same answer as ever; not the link's own attempts, nor another address, nor that one
    when its time is over."""
    opened(office, "dsr-capped00")
    guesser, other = next(ADDRESSES), next(ADDRESSES)
    right = {"link": link_of("dsr-capped00"), "code": CODE}
    app = [create_app(office.counter(clock, portal=PROXY)) for _ in range(2)]
    with served(app[0]) as one, served(app[1]) as two:
        guesses = [post(one, "/package", guesser, link="x" * 32, code=f"{n:012}") for n in range(2)]
        guesses.append(post(two, "/package", guesser, link="x" * 32, code=CODE))
        guesses.append(post(two, "/package", guesser, **right))
        assert {(g.status_code, g.text.replace("x" * 32, "").replace(right["link"], "")) for g in guesses} == {
            (403, guesses[0].text.replace("x" * 32, ""))
        }
        assert post(one, "/package", other, **right).status_code == 303
        clock.now = NOW + MINUTES
        assert post(one, "/package", guesser, **right).status_code == 303
    assert office.ledger.events("dsr-capped00") == []


def test_what_is_right_or_no_guess_does_not_count(office: Office, clock: Clock) -> None:
    opened(office, "dsr-notcount")
    address, right = next(ADDRESSES), {"link": link_of("dsr-notcount"), "code": CODE}
    with served(create_app(office.counter(clock, portal=PROXY))) as url:
        for _ in range(5):
            assert post(url, "/package", address, **right).status_code == 303
            assert post(url, "/package", address).status_code == 403
            assert post(url, "/package", address, link="x" * 32).status_code == 403


def test_a_link_without_a_code_is_no_guess(office: Office, clock: Clock) -> None:
    """It uses up nothing of the link, and the ledger, which nothing is ever taken out of, doesn't grow by it."""
    opened(office, "dsr-nocode00")
    link, address = link_of("dsr-nocode00"), next(ADDRESSES)
    expires = NOW + timedelta(days=7)
    office.challenges.create("dsr-nocode01", "n" * 32, "nocode@kvarn.example", "", expires_at=expires, at=NOW)
    with served(create_app(office.counter(clock, portal=PROXY))) as url:
        for _ in range(office.settings.code_attempts):
            assert post(url, "/package", address, link=link).status_code == 403
            assert post(url, "/confirm", address, link="n" * 32).status_code == 403
        assert post(url, "/package", address, link=link, code=CODE).status_code == 303
        code = office.challenges.send_code("n" * 32, NOW)
        assert code is not None
        assert post(url, "/confirm", address, link="n" * 32, code=code[1]).status_code == 200
    assert office.ledger.events("dsr-nocode00") == []
    assert [event.kind for event in office.ledger.events("dsr-nocode01")] == ["identity_verified"]


def test_a_link_stays_when_its_address_is_stopped(office: Office, clock: Clock) -> None:
    """Whoever is stopped uses up nothing of the link's own attempts."""
    opened(office, "dsr-linkstays")
    address, other = next(ADDRESSES), next(ADDRESSES)
    with served(create_app(office.counter(clock, portal=PROXY))) as url:
        for n in range(20):
            post(url, "/package", address, link=link_of("dsr-linkstays"), code=f"{n:012}")
        events = office.ledger.events("dsr-linkstays")
        assert len(events) == PROXY.attempts < office.settings.code_attempts
        assert post(url, "/package", other, link=link_of("dsr-linkstays"), code=CODE).status_code == 303


def test_codes_by_mail_and_confirmations_are_capped_too(office: Office, clock: Clock) -> None:
    request_id, link = "dsr-confirmcap", "c" * 32
    expires = NOW + timedelta(days=7)
    office.challenges.create(request_id, link, "cap@kvarn.example", "", expires_at=expires, at=NOW)
    case = office.case(request_id, language="en")
    case.write_json("identity/asked", {"address": "cap@kvarn.example"})
    guesser, other = next(ADDRESSES), next(ADDRESSES)
    app = create_app(office.counter(clock, portal=PROXY))
    with served(app) as url:
        for _ in range(5):
            assert post(url, "/confirm", guesser, link="y" * 32, code="0000-0000").status_code == 403
        code = office.challenges.send_code(link, NOW)
        assert code is not None
        stopped = post(url, "/confirm", guesser, link=link, code=code[1])
        assert stopped.status_code == 403
        for _ in range(5):
            assert post(url, "/confirm/code", guesser, link="y" * 32).status_code == 200
        before = len(office.post.mails)
        assert post(url, "/confirm/code", guesser, link=link).status_code == 200
    # The server has ended, and with it what it does after an answer.
    assert len(office.post.mails) == before
    with served(app) as url:
        assert post(url, "/confirm", other, link=link, code=code[1]).status_code == 200


@pytest.mark.parametrize("many", [60, pytest.param(10_000, marks=pytest.mark.soak)])
def test_unknown_links_answer_the_same(portal: str, office: Office, many: int) -> None:
    """By the thousand, as one that is known and a code that is wrong."""
    opened(office, "dsr-unknown0")
    answers: set[tuple[int, str, tuple[str, ...]]] = set()
    with httpx.Client(base_url=portal) as client:
        for link in (link_of("dsr-unknown0"), *(f"{n:032}" for n in range(many))):
            answer = client.post("/package", data={"link": link, "code": "0000-0000-0000"})
            answers.add((answer.status_code, answer.text.replace(link, ""), tuple(sorted(answer.headers))))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 403


def test_at_once_they_are_counted_one_by_one(office: Office) -> None:
    allowances = kept(office, 10)
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: allowances.take("package", "203.0.113.1", NOW), range(40)))
    assert sum(allowed) == 10


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.8", "203.0.113.9", False),
        ("", "", True),
        ("", "unix", False),
    ],
)
def test_what_counts_as_one_address(office: Office, one: str, other: str, same: bool) -> None:
    purpose = f"{one}|{other}"
    allowances = kept(office, 1)
    assert allowances.take(purpose, one, NOW)
    assert allowances.take(purpose, other, NOW) != same
    assert allowances.take(f"{purpose} elsewhere", one, NOW)


def test_no_address_is_kept_and_what_is_over_is_forgotten(office: Office) -> None:
    allowances = kept(office)
    allowances.take("package", "203.0.113.77", NOW + timedelta(days=300))
    with office.engine.connect() as connection:
        rows = connection.execute(select(table)).all()
    assert not [row for row in rows if b"203.0.113.77" in bytes(row.address) or len(row.address) != 32]
    allowances.forget(NOW + timedelta(days=300))
    with office.engine.connect() as connection:
        assert len(connection.execute(select(table)).all()) == 1
    assert allowances.forget(NOW + timedelta(days=300) + MINUTES) == 1


def seen(peer: str | None, forwarded: list[str], proxies: str = "10.0.0.0/8,fd00::/8") -> str:
    networks = PortalLimits.of({**SETTINGS, "trusted_proxies": proxies}).proxies
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "headers": headers, "client": (peer, 1) if peer else None}
    return address_of(Request(scope), networks)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),  # no proxy of ours: what it says is its own
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # what the visitor wrote stands before
        ("10.0.0.1", ["192.0.2.66, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        (None, ["198.51.100.1"], ""),
    ],
)
def test_whose_word_on_the_address_counts(peer: str | None, forwarded: list[str], address: str) -> None:
    assert seen(peer, forwarded) == address


@given(st.lists(st.text(st.characters(max_codepoint=255), max_size=20), max_size=4))
def test_what_the_visitor_writes_before_changes_nothing(written: list[str]) -> None:
    headers = [text.encode("latin-1", "replace").decode("latin-1") for text in written]
    assert seen("10.0.0.1", [*headers, "198.51.100.1"]) == "198.51.100.1"
    assert seen("10.0.0.1", [*headers, "198.51.100.1"], "") == "10.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("trusted_proxies", "10.0.0.1/8"), ("trusted_proxies", "proxy"), ("session_minutes", "61"),
     ("session_minutes", "0"), ("package_part_mb", "0"), ("address_attempts", "-1"), ("address_minutes", "1441")],
)  # fmt: skip
def test_settings_that_can_not_be_used(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"DSR_{name.upper()}"):
        PortalLimits.of({**SETTINGS, name: value})
    assert PortalLimits.of(SETTINGS) == PortalLimits()


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),  # as browsers say it for a page without referrer
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "https://data.example"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "https://data.example.evil.example"}, False),
    ],
)
def test_a_form_from_elsewhere(headers: dict[str, str], own: bool) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in {"host": "data.example", **headers}.items()]
    assert is_own(Request({"type": "http", "headers": pairs})) == own


def test_a_form_from_elsewhere_uses_up_nothing(portal: str, office: Office) -> None:
    opened(office, "dsr-elsewhere")
    form = {"link": link_of("dsr-elsewhere"), "code": "0000-0000-0000"}
    for path in ("/package", "/confirm", "/number"):
        for _ in range(office.settings.code_attempts + 1):
            headers = {"sec-fetch-site": "cross-site"}
            assert httpx.post(f"{portal}{path}", data=form, headers=headers).status_code == 403
    assert office.ledger.events("dsr-elsewhere") == []
    assert httpx.post(f"{portal}/package", data={**form, "code": CODE}).status_code == 303


def test_the_limits_of_an_installation(office: Office) -> None:
    values = {"session_minutes": "15", "package_part_mb": "700", "address_attempts": "5", "address_minutes": "60"}
    limits = PortalLimits.of({**SETTINGS, **values, "trusted_proxies": "10.0.0.0/8, 192.0.2.1"})
    assert limits == replace(
        office.settings.portal,
        session=timedelta(minutes=15),
        part_bytes=700_000_000,
        attempts=5,
        within=timedelta(hours=1),
        proxies=(ip_network("10.0.0.0/8"), ip_network("192.0.2.1")),
    )
