"""The sandbox's Zoom answers as the vendor does: sign-in, lists, paging, limits, reports, recordings."""

import base64
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from zoom_server import ZoomServer, serving

from sandbox.webinars.builder import HOST
from sandbox.webinars.oauth import ACCOUNT_ID, CLIENT_ID, CLIENT_SECRET
from sandbox.webinars.seed import ALL, ANCIENT, BUDGET, DELETED, FRAMEWORK, LAUNCH, OLD, PARTNERS, STEEL


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZoomServer]:
    """One account for this module."""
    with serving(tmp_path_factory.mktemp("zoom"), people=140) as server:
        yield server


@pytest.fixture
def zoom(running: ZoomServer) -> Iterator[ZoomServer]:
    """It, with defaults before and after."""
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def client(zoom: ZoomServer) -> Iterator[httpx.Client]:
    """Signed in."""
    with zoom.client() as made:
        yield made


def once(uuid: str) -> str:
    """A UUID encoded once."""
    return quote(uuid, safe="")


def twice(uuid: str) -> str:
    """A UUID encoded twice."""
    return once(once(uuid))


def sign_in(zoom: ZoomServer, basic: str, form: dict[str, str], **kw: Any) -> httpx.Response:
    """POST /oauth/token."""
    context = ssl.create_default_context(cafile=zoom.authority)
    headers = {"Authorization": f"Basic {base64.b64encode(basic.encode()).decode()}"}
    return httpx.post(f"{zoom.url}/oauth/token", headers=headers, data=form, verify=context, **kw)


FORM = {"grant_type": "account_credentials", "account_id": ACCOUNT_ID}


def test_sign_in(zoom: ZoomServer) -> None:
    good = sign_in(zoom, f"{CLIENT_ID}:{CLIENT_SECRET}", FORM)
    assert good.status_code == 200
    assert (good.json()["token_type"], good.json()["expires_in"]) == ("bearer", 3600)
    assert "refresh_token" not in good.json()
    assert sign_in(zoom, f"{CLIENT_ID}:{CLIENT_SECRET}", {}, params=FORM).status_code == 200
    for basic, form in ((f"{CLIENT_ID}:x", FORM), (f"x:{CLIENT_SECRET}", FORM), (":", FORM)):
        bad = sign_in(zoom, basic, form)
        assert bad.status_code == 400
        assert bad.json() == {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
    assert sign_in(zoom, f"{CLIENT_ID}:{CLIENT_SECRET}", {**FORM, "account_id": "x"}).status_code == 400
    assert sign_in(zoom, f"{CLIENT_ID}:{CLIENT_SECRET}", {**FORM, "grant_type": "password"}).status_code == 400
    assert zoom.calls() == []


def test_tokens_are_checked_and_expire(zoom: ZoomServer, client: httpx.Client) -> None:
    assert client.get("/users").status_code == 200
    refused = client.get("/users", headers={"Authorization": "Bearer x"})
    assert (refused.status_code, refused.json()) == (401, {"code": 124, "message": "Invalid access token."})
    assert client.get("/users", headers={"Authorization": ""}).status_code == 401
    zoom.system.account.offset = 3600.0
    assert client.get("/users").json() == {"code": 124, "message": "Access token is expired."}


def test_lists_of_webinars_forget_after_thirty_days(client: httpx.Client) -> None:
    listed = client.get("/users/me/webinars").json()["webinars"]
    assert [w["id"] for w in listed] == [LAUNCH.number, BUDGET.number, PARTNERS.number]
    assert all(isinstance(w["id"], int) and "gone" not in w for w in listed)
    upcoming = client.get(f"/users/{HOST['id']}/webinars", params={"type": "upcoming"}).json()["webinars"]
    assert [w["id"] for w in upcoming] == [BUDGET.number, PARTNERS.number]
    assert client.get("/users/nobody/webinars").status_code == 404


def test_errors_have_the_vendors_numbers(client: httpx.Client) -> None:
    for path, status, code in (
        ("/webinars/1", 404, 3001),
        (f"/webinars/{DELETED.number}/registrants", 404, 3001),
        (f"/webinars/{FRAMEWORK.number}/registrants/nobody", 400, 3079),
        (f"/webinars/{FRAMEWORK.number}/registrants?status=cancelled", 400, 300),
        (f"/webinars/{FRAMEWORK.number}/registrants?page_size=301", 400, 300),
        (f"/meetings/{once(LAUNCH.instances[0])}/recordings", 404, 3301),
        ("/nothing/here", 404, 2300),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert set(answer.json()) == {"code", "message"}
    assert client.get("/webinars/1").json()["message"] == "Webinar does not exist: 1."


def test_registrants_come_by_status_approved_by_default(client: httpx.Client, zoom: ZoomServer) -> None:
    def emails(webinar: int, **params: str) -> set[str]:
        rows = client.get(f"/webinars/{webinar}/registrants", params={"page_size": "300", **params}).json()
        return {r["email"] for r in rows["registrants"]}

    canary, same_name = zoom.population.canary, zoom.population.person("same_name")
    colleague = zoom.population.person("colleague")
    assert emails(BUDGET.number) == emails(BUDGET.number, status="approved") == {colleague.email}
    assert emails(BUDGET.number, status="pending") == {canary.email}
    assert emails(BUDGET.number, status="denied") == {same_name.email}
    one = client.get(f"/webinars/{BUDGET.number}/registrants", params={"status": "pending"}).json()["registrants"][0]
    assert client.get(f"/webinars/{BUDGET.number}/registrants/{one['id']}").json() == one
    panelists = client.get(f"/webinars/{PARTNERS.number}/panelists").json()
    assert canary.email in {p["email"] for p in panelists["panelists"]}


def test_pages_hold_thirty_and_their_tokens_a_quarter_of_an_hour(zoom: ZoomServer, client: httpx.Client) -> None:
    path = f"/webinars/{FRAMEWORK.number}/registrants"
    first = client.get(path).json()
    assert (len(first["registrants"]), first["page_size"]) == (30, 30)
    assert first["total_records"] > 30
    everybody, token = list(first["registrants"]), first["next_page_token"]
    while token:
        page = client.get(path, params={"next_page_token": token}).json()
        everybody += page["registrants"]
        token = page["next_page_token"]
    assert len({r["id"] for r in everybody}) == len(everybody) == first["total_records"]
    expired = {"code": 300, "message": "The next page token is invalid or expired."}
    other = client.get(f"/webinars/{STEEL.number}/registrants", params={"next_page_token": first["next_page_token"]})
    assert (other.status_code, other.json()) == (400, expired)
    zoom.system.account.offset = 15 * 60.0
    late = client.get(path, params={"next_page_token": first["next_page_token"]})
    assert (late.status_code, late.json()) == (400, expired)


def test_limits_are_per_category_and_second(zoom: ZoomServer, client: httpx.Client) -> None:
    zoom.system.account.now = lambda: 1_790_000_000.0  # type: ignore[method-assign]
    try:
        zoom.reset()
        zoom.system.api.tokens = type(zoom.system.api.tokens)(zoom.system.account.now)
        with zoom.client() as client:
            light = [client.get(f"/webinars/{FRAMEWORK.number}") for _ in range(81)]
            assert [a.status_code for a in light] == [200] * 80 + [429]
            assert light[0].headers["x-ratelimit-category"] == "Light"
            assert (light[0].headers["x-ratelimit-limit"], light[0].headers["x-ratelimit-remaining"]) == ("80", "79")
            message = "You have reached the maximum per-second rate limit for this API. Try again later."
            assert light[80].json() == {"code": 429, "message": message}
            assert "retry-after" not in light[80].headers
            assert client.get("/users").headers["x-ratelimit-category"] == "Medium"
            heavy = f"/report/webinars/{once(FRAMEWORK.instances[0])}/polls"
            assert [client.get(heavy).status_code for _ in range(41)] == [200] * 40 + [429]
            zoom.system.account.now = lambda: 1_790_000_001.0  # type: ignore[method-assign]
            zoom.system.api.limits._now = zoom.system.account.now
            zoom.system.api.limits.daily = 40
            answer = client.get(heavy)
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "2026-09-22T00:00:00Z"
            assert answer.headers["x-ratelimit-type"] == "Daily-limit"
            assert client.get("/users").status_code == 200
    finally:
        del zoom.system.account.now
        zoom.system.api.tokens = type(zoom.system.api.tokens)(zoom.system.account.now)


def test_uuids_with_slashes_must_be_encoded_twice(client: httpx.Client) -> None:
    leading, double = STEEL.instances
    plain, single = FRAMEWORK.instances[0], LAUNCH.instances[0]
    assert leading.startswith("/")
    assert "//" in double
    assert "/" in single
    for uuid, path, status in (
        (leading, once(leading), 404),
        (leading, twice(leading), 200),
        (double, once(double), 404),
        (double, twice(double), 200),
        (plain, once(plain), 200),
        (single, once(single), 200),
    ):
        answer = client.get(f"/report/webinars/{path}/participants")
        assert answer.status_code == status, path
        assert status == 404 or client.get(f"/report/webinars/{path}").json()["uuid"] == uuid


def test_instances_and_history(client: httpx.Client) -> None:
    rows = client.get(f"/past_webinars/{STEEL.number}/instances").json()["webinars"]
    assert [r["uuid"] for r in rows] == list(STEEL.instances)
    assert client.get(f"/past_webinars/{BUDGET.number}/instances").json() == {"webinars": []}
    seen = set()
    for start, end in (("2026-05-25", "2026-06-24"), ("2026-06-25", "2026-07-25"), ("2026-10-21", "2026-11-20")):
        params = {"from": start, "to": end, "meeting_type": "webinar"}
        rows = client.get("/report/history_meetings", params=params).json()["history_meetings"]
        assert all(start <= r["start_time"][:10] <= end for r in rows)
        seen |= {r["meeting_id"] for r in rows}
    assert seen == {DELETED.number, STEEL.number, LAUNCH.number}
    for params in (
        {"from": "2026-09-01", "to": "2026-11-01"},
        {"from": "2026-05-01", "to": "2026-05-25"},
        {"from": "x", "to": "2026-05-25"},
        {},
    ):
        assert client.get("/report/history_meetings", params=params).status_code == 400


@pytest.mark.parametrize("part", ["participants", "polls", "qa", "survey", "absentees"])
def test_reports_reach_half_a_year_past_webinars_a_year(client: httpx.Client, part: str) -> None:
    report, past = [f"/{base}/%s/{part}" for base in ("report/webinars", "past_webinars")]
    recent, old, ancient = (once(w.instances[0]) for w in (FRAMEWORK, OLD, ANCIENT))
    if part != "absentees":
        assert client.get(report % recent).status_code == 200
        assert client.get(report % old).json()["code"] == 300
        answer = client.get(report % ancient)
        assert answer.json() == {"code": 12702, "message": "Can not access a webinar a year ago."}
    if part != "survey":
        assert client.get(past % old).status_code == 200
        assert client.get(past % ancient).json()["code"] == 12702


def test_registrant_ids_of_a_report_must_be_asked_for(client: httpx.Client) -> None:
    path = f"/report/webinars/{once(FRAMEWORK.instances[0])}/participants"
    assert "registrant_id" not in client.get(path).json()["participants"][0]
    rows = client.get(path, params={"include_fields": "registrant_id"}).json()["participants"]
    assert all(r["registrant_id"] for r in rows)
    assert any(r["user_email"] == "" for r in rows)


def test_absentees_signed_up_and_did_not_come(zoom: ZoomServer, client: httpx.Client) -> None:
    path = f"/past_webinars/{once(LAUNCH.instances[0])}/absentees"
    emails = {r["email"] for r in client.get(path, params={"page_size": 300}).json()["registrants"]}
    assert zoom.population.canary.email in emails
    assert zoom.population.person("same_name").email not in emails


def test_what_is_in_it_for_the_hard_cases(zoom: ZoomServer) -> None:
    """The traps that the extractor is tested with are really there."""
    account, canary = zoom.system.account, zoom.population.canary
    rows = {w: [r for u in w.instances for r in account["report"][u]["participants"]] for w in ALL}
    assert any(r["registrant_id"] and not r["user_email"] for r in rows[FRAMEWORK])
    nameless = [r for r in rows[STEEL] if r["name"] == canary.name and not r["registrant_id"] + r["user_email"]]
    assert len(nameless) == 1
    shared = [r["registrant"] for r in account["registrant"].values() if r["registrant"]["email"].startswith("info@")]
    assert [(r["first_name"], r["last_name"]) for r in shared] == [(canary.given, canary.family)]
    expected = {(t.dataset, t.expected) for t in zoom.truth if t.person == "canary"}
    assert ("webinar_registration", "doubtful") in expected
    assert ("webinar_attendance", "doubtful") in expected
    assert ("webinar_chat_message", "withheld") in expected


def test_truth_is_one_record_for_one_person(zoom: ZoomServer) -> None:
    keys = [(t.dataset, t.source_id) for t in zoom.truth]
    assert len(keys) == len(set(keys))
