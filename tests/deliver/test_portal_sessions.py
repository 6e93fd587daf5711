"""Who has entered link and code may fetch for a while: a cookie that is theirs alone, that ends in time, and that opens
nothing but what was released to them."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest
from counter_hall import NOW, Clock, Office
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from served import served
from sqlalchemy import select
from test_portal import CODE, ask, link_of, opened, visiting

from dsr.links import Links
from dsr.sessions import MOST, Sessions
from dsr.tables import sessions as table
from dsr.web.portal import create_app

HOUR = timedelta(hours=1)


def test_the_cookie(portal: str, office: Office) -> None:
    """OWASP ASVS 5.0, 3.3.1 to 3.3.4 and 7.2: out of reach of scripts and other sites, 256 bits, nowhere kept."""
    opened(office, "dsr-cookie00")
    answers = [ask(portal, link_of("dsr-cookie00"), CODE) for _ in range(2)]
    values = [answer.cookies["dsr-session"] for answer in answers]
    assert len(set(values)) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", value) for value in values)
    header = answers[0].headers["set-cookie"].lower().split("; ")
    assert set(header[1:]) == {"httponly", "path=/", "samesite=strict"}
    with office.engine.connect() as connection:
        kept = str(connection.execute(select(table)).all())
    assert not [value for value in values if value in kept]


def test_over_https_the_cookie_is_this_hosts_alone(office: Office, clock: Clock) -> None:
    opened(office, "dsr-secure00")
    with served(create_app(office.counter(clock, portal_url="https://data.example"))) as url:
        header = ask(url, link_of("dsr-secure00"), CODE).headers["set-cookie"]
        name, _, value = header.partition(";")[0].partition("=")
        assert name == "__Host-dsr-session"
        assert set(header.lower().split("; ")[1:]) == {"httponly", "path=/", "samesite=strict", "secure"}
        assert httpx.get(f"{url}/package", cookies={name: value}).status_code == 200
        assert httpx.get(f"{url}/package", cookies={"dsr-session": value}).status_code == 403


def test_a_new_session_ends_the_one_before(portal: str, office: Office) -> None:
    opened(office, "dsr-renewed0")
    with visiting(portal, "dsr-renewed0") as client:
        before = client.cookies["dsr-session"]
        client.post("/package", data={"link": link_of("dsr-renewed0"), "code": CODE})
        assert client.cookies["dsr-session"] != before
        assert client.get("/package").status_code == 200
    assert httpx.get(f"{portal}/package", cookies={"dsr-session": before}).status_code == 403


def test_signing_out(portal: str, office: Office) -> None:
    opened(office, "dsr-signedout")
    with visiting(portal, "dsr-signedout") as client, visiting(portal, "dsr-signedout") as other:
        cookie = {"dsr-session": client.cookies["dsr-session"]}
        foreign = client.post("/package/end", headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        assert client.get("/package").status_code == 200
        answer = client.post("/package/end?lang=en")
        assert (answer.status_code, answer.headers["location"]) == (303, "/done?lang=en")
        assert "max-age=0" in answer.headers["set-cookie"].lower()
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
        assert "You have signed out" in client.get("/done?lang=en").text
        assert other.get("/package").status_code == 200
    assert httpx.get(f"{portal}/package/dsr-signedout.zip", cookies=cookie).status_code == 403
    assert httpx.post(f"{portal}/package/end", cookies={"dsr-session": "never"}).status_code == 303
    assert ask(portal, link_of("dsr-signedout"), CODE).status_code == 303


def test_loading_again_and_going_back_do_no_harm(portal: str, office: Office) -> None:
    opened(office, "dsr-again000")
    with visiting(portal, "dsr-again000") as client:
        pages = {client.get(path).text for path in ["/package?lang=sv"] * 3}
        client.get("/")
        assert pages == {client.get("/package?lang=sv").text}
    assert office.ledger.events("dsr-again000") == []


ENDS: dict[str, Callable[[Office, Clock, str], object]] = {
    "the session's time is over": lambda _o, clock, _r: setattr(clock, "now", NOW + HOUR),
    "the link's time is over": lambda _o, clock, _r: setattr(clock, "now", NOW + timedelta(minutes=10)),
    "the link was forgotten": lambda office, _c, request: office.links.forget(request),
    "the case was closed": lambda office, _c, request: office.cases.open(request).close(),
    "composed anew": lambda office, _c, request: office.describe(office.cases.open(request), b"another"),
    "delivered anew": lambda office, _c, request: office.cases.open(request).write_json(
        "delivery/released", {"sha256": "1" * 64}
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_ends_it(portal: str, office: Office, clock: Clock, end: str) -> None:
    request_id = f"dsr-ends-{list(ENDS).index(end)}"
    opened(office, request_id)
    if end == "the link's time is over":
        office.links.forget(request_id)
        office.links.create(request_id, link_of(request_id), CODE, NOW + timedelta(minutes=10), NOW)
    with visiting(portal, request_id) as client:
        page = client.get("/package?lang=en").text
        assert ("until 20 November 2026, 10:40 CET" in page) == (end == "the link's time is over")
        before = clock.now
        ENDS[end](office, clock, request_id)
        paths = "/package", f"/package/{request_id}.zip"
        answers = [client.request(method, path) for method in ("GET", "HEAD") for path in paths]
        clock.now = before
    nobody = httpx.get(f"{portal}/package/unknown", headers={"accept-language": "sv"})
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.text for answer in answers} == {nobody.text, ""}
    assert {tuple(sorted(answer.headers)) for answer in answers} == {tuple(sorted(nobody.headers))}


def test_no_session_is_that_of_another(portal: str, office: Office) -> None:
    content = opened(office, "dsr-mine0000", 1000)
    opened(office, "dsr-theirs00", 2000)
    with visiting(portal, "dsr-mine0000") as client:
        assert client.get("/package/dsr-mine0000.zip").content == content
        assert client.get("/package/dsr-theirs00.zip").status_code == 403
    for cookie in ("", "x", "x" * 43, "x" * 5000, "ä"):
        answer = httpx.get(f"{portal}/package", headers=[("cookie", f"dsr-session={cookie}".encode())])
        assert answer.status_code == 403


def test_a_link_opens_only_so_many(portal: str, office: Office, clock: Clock) -> None:
    """So that what the ledger is told of each session stays little; and after a while it opens again."""
    opened(office, "dsr-somany00")
    statuses = [ask(portal, link_of("dsr-somany00"), CODE).status_code for _ in range(MOST + 2)]
    assert statuses == [303] * MOST + [403] * 2
    clock.now = NOW + HOUR
    assert ask(portal, link_of("dsr-somany00"), CODE).status_code == 303


def test_who_come_at_once_are_counted_one_by_one(office: Office) -> None:
    opened(office, "dsr-atonce00")
    kept = Sessions(office.engine, HOUR)
    with ThreadPoolExecutor(8) as pool:
        cookies = list(pool.map(lambda _: kept.open(link_of("dsr-atonce00"), "0" * 64, NOW), range(MOST + 8)))
    assert sum(cookie is not None for cookie in cookies) == MOST


def test_a_download_ends_with_its_link(portal: str, office: Office, clock: Clock) -> None:
    """One that runs may outlast its session, but not the link."""
    content = opened(office, "dsr-outlasts", 20_000_000)
    with visiting(portal, "dsr-outlasts") as client:
        with client.stream("GET", "/package/dsr-outlasts.zip") as answer:
            pieces = answer.iter_raw()
            got = len(next(pieces))
            clock.now = NOW + 2 * HOUR
            got += sum(map(len, pieces))
        assert got == len(content)
        clock.now = NOW
        with client.stream("GET", "/package/dsr-outlasts.zip") as answer:
            pieces = answer.iter_raw()
            next(pieces)
            clock.now = NOW + timedelta(days=14)
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)


def test_forgotten_when_nothing_depends_on_them(office: Office) -> None:
    opened(office, "dsr-forgotten")
    kept = Sessions(office.engine, HOUR)
    cookie = kept.open(link_of("dsr-forgotten"), "0" * 64, NOW)
    assert cookie is not None
    kept.forget(NOW + 2 * HOUR)
    assert kept.find(cookie, NOW) is not None
    assert kept.forget(NOW + 3 * HOUR) >= 1
    assert kept.find(cookie, NOW) is None


def test_nothing_in_a_url_is_secret_or_personal(portal: str, office: Office) -> None:
    opened(office, "dsr-urls0000")
    with visiting(portal, "dsr-urls0000") as client:
        cookie, page = client.cookies["dsr-session"], client.get("/package").text
    urls = set(re.findall(r'(?:href|action)="([^"]*)"', page))
    allowed = {"/signing-key.pub", "/package?lang=en", "/package/end?lang=sv"}
    assert urls == allowed | {f"/package/dsr-urls0000.zip{suffix}" for suffix in ("", ".minisig", ".sha256")}
    assert cookie not in page
    assert CODE not in page
    assert link_of("dsr-urls0000") not in page


class Life(RuleBasedStateMachine):
    """Sessions against a model of them: open while nothing has ended them, and never again after that."""

    office: Office

    @initialize()
    def begin(self) -> None:
        self.links = Links(self.office.engine)
        self.now, self.count = NOW, 0
        self.kept = Sessions(self.office.engine, timedelta(minutes=30))
        self.open: dict[str, tuple[str, datetime]] = {}
        self.ended: set[str] = set()
        self.born: list[tuple[str, datetime]] = []
        self.until: dict[str, datetime] = {}

    @rule(minutes=st.integers(1, 90))
    def link(self, minutes: int) -> None:
        self.count += 1
        link = f"{id(self)}-{self.count}"
        self.until[link] = self.now + timedelta(minutes=minutes)
        self.links.create(f"dsr-life-{link}", link, CODE, self.now + timedelta(minutes=minutes), self.now)

    @rule(data=st.data())
    def enter(self, data: st.DataObject) -> None:
        if self.until:
            link = data.draw(st.sampled_from(sorted(self.until)))
            cookie = self.kept.open(link, "0" * 64, self.now)
            if cookie is not None:
                ends = min(self.until[link], self.now + timedelta(minutes=30))
                self.open[cookie] = link, ends
                self.born.append((link, self.now))
            else:
                recent = sum(of == link and at > self.now - HOUR for of, at in self.born)
                assert self.until[link] <= self.now or recent >= MOST

    @rule(minutes=st.integers(1, 40))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(data=st.data())
    def sign_out(self, data: st.DataObject) -> None:
        if self.open:
            cookie = data.draw(st.sampled_from(sorted(self.open)))
            self.kept.end(cookie, self.now)
            self.ended.add(cookie)

    @rule(data=st.data())
    def forget_link(self, data: st.DataObject) -> None:
        if self.until:
            link = data.draw(st.sampled_from(sorted(self.until)))
            self.links.forget(f"dsr-life-{link}")
            del self.until[link]
            self.ended |= {cookie for cookie, (of, _) in self.open.items() if of == link}

    @rule()
    def upkeep(self) -> None:
        self.kept.forget(self.now)

    @rule()
    def check(self) -> None:
        for cookie, (link, ends) in self.open.items():
            found = self.kept.find(cookie, self.now)
            assert (found is not None) == (cookie not in self.ended and self.now < ends)
            if found is not None:
                assert found.request_id == f"dsr-life-{link}"
                assert found.expires_at == ends


def test_any_life(office: Office) -> None:
    Life.office = office
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_state_machine_as_test(
        Life, settings=settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    )
