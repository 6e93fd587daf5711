"""What the sandbox's Zoom deletes, keeps for a while, and never deletes; and how calls are counted."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from served import served
from starlette.applications import Starlette
from zoom_server import ZoomServer, serving

from sandbox.webinars.seed import FRAMEWORK, LAUNCH

DAY = 86400.0
PATH = f"/meetings/{quote(FRAMEWORK.instances[0], safe='')}/recordings"
MONTH = {"from": "2026-09-01", "to": "2026-10-01", "trash": "true"}


@pytest.fixture
def zoom(tmp_path: Path) -> Iterator[ZoomServer]:
    with serving(tmp_path, people=12) as server:
        yield server


@pytest.fixture
def client(zoom: ZoomServer) -> Iterator[httpx.Client]:
    with zoom.client() as made:
        yield made


def binned(client: httpx.Client) -> dict[str, str]:
    """File → when it came into the bin."""
    meetings = client.get("/users/me/recordings", params=MONTH).json()["meetings"]
    return {f["id"]: f["deleted_time"] for m in meetings for f in m["recording_files"]}


def test_the_bin_keeps_thirty_days_by_the_sandboxs_clock(zoom: ZoomServer, client: httpx.Client) -> None:
    chat = next(f for f in client.get(PATH).json()["recording_files"] if f["file_type"] == "CHAT")
    clock = zoom.system.account.clock
    clock.move(5 * DAY)
    assert client.delete(f"{PATH}/{chat['id']}").status_code == 204
    assert binned(client) == {chat["id"]: "2026-11-25T12:00:00Z"}
    clock.move(20 * DAY)
    assert client.delete(f"{PATH}/{chat['id']}").status_code == 204, "once more: it stays as long as it would have"
    clock.move(34 * DAY)
    assert client.put(f"{PATH}/{chat['id']}/status", json={"action": "recover"}).status_code == 204
    assert binned(client) == {}
    assert client.delete(f"{PATH}/{chat['id']}").status_code == 204
    clock.move(64 * DAY)
    assert binned(client) == {}
    assert client.put(f"{PATH}/{chat['id']}/status", json={"action": "recover"}).status_code == 404
    assert not any(e.kind == "file" and e.id == chat["id"] for e in zoom.system.entries())


def test_reports_fall_out_of_reach_as_time_goes_by(zoom: ZoomServer, client: httpx.Client) -> None:
    path = f"/report/webinars/{LAUNCH.number}/participants"
    assert client.get(path).status_code == 200
    zoom.system.account.clock.move(200 * DAY)
    assert client.get(path).json()["code"] == 300


def test_what_is_over_can_not_be_deleted(zoom: ZoomServer, client: httpx.Client) -> None:
    """No such endpoint; the registrant who is deleted stays in both, and nothing else changes."""
    before = {(e.kind, e.id): e for e in zoom.system.entries()}
    uuid = quote(LAUNCH.instances[0], safe="")
    for path in (f"/report/webinars/{LAUNCH.number}/participants", f"/past_webinars/{uuid}/participants",
                 f"/past_webinars/{uuid}/qa", f"/report/webinars/{LAUNCH.number}"):  # fmt: skip
        assert client.delete(path).status_code == 404
    registrants = client.get(f"/webinars/{LAUNCH.number}/registrants").json()["registrants"]
    seats = client.get(f"/report/webinars/{LAUNCH.number}/participants", params={"include_fields": "registrant_id"})
    attended = {p["registrant_id"] for p in seats.json()["participants"]}
    gone = next(r for r in registrants if r["id"] in attended)
    assert client.delete(f"/webinars/{LAUNCH.number}/registrants/{gone['id']}").status_code == 204
    after = client.get(f"/report/webinars/{LAUNCH.number}/participants", params={"include_fields": "registrant_id"})
    assert after.json()["participants"] == seats.json()["participants"]
    now = {(e.kind, e.id): e for e in zoom.system.entries()}
    assert set(before) - set(now) == {("registrant", f"{LAUNCH.number}:{gone['id']}")}
    assert all(now[key] == before[key] for key in now)


def test_calls_and_violations_are_counted_by_class(zoom: ZoomServer, client: httpx.Client) -> None:
    path = f"/report/webinars/{LAUNCH.number}"
    with served(Starlette(routes=zoom.system.admin_routes())) as url, httpx.Client(base_url=url) as admin:
        admin.post("/webinars/limits", json={"heavy_daily": 2})
        admin.delete("/webinars/limits")
        assert [client.get(path).status_code for _ in range(3)] == [200, 200, 429]
        client.get(f"/webinars/{LAUNCH.number}")
        counted = admin.get("/webinars/limits").json()
    assert (counted["taken"], counted["refused"]) == ({"heavy": 2, "light": 1}, {"heavy": 1})
    assert counted["daily"] == 2
