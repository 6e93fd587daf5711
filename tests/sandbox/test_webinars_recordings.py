"""The sandbox's Zoom: recordings, downloads, and deleting with the vendor's semantics."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from zoom_server import ZoomServer, serving

from sandbox.people import populate
from sandbox.system import Options
from sandbox.webinars.media import m4a, mp4
from sandbox.webinars.seed import FRAMEWORK, LAUNCH, PARTNERS, STEEL, build
from sandbox.webinars.system import Zoom

UUID = quote(FRAMEWORK.instances[0], safe="")
PATH = f"/meetings/{UUID}/recordings"
MONTH = {"from": "2026-09-01", "to": "2026-10-01"}


@pytest.fixture
def zoom(tmp_path: Path) -> Iterator[ZoomServer]:
    """An account that a test may delete from."""
    with serving(tmp_path, people=12) as server:
        yield server


@pytest.fixture
def client(zoom: ZoomServer) -> Iterator[httpx.Client]:
    """Signed in."""
    with zoom.client() as made:
        yield made


def kinds(client: httpx.Client) -> list[str]:
    """Types of the live files."""
    answer = client.get(PATH)
    return sorted(f["file_type"] for f in answer.json().get("recording_files", []))


def test_files_are_listed_and_download_with_the_token_by_a_redirect(client: httpx.Client) -> None:
    recording = client.get(PATH).json()
    files = {f["file_type"]: f for f in recording["recording_files"]}
    assert set(files) == {"MP4", "M4A", "TRANSCRIPT", "CHAT"}
    assert recording["recording_count"] == 4
    assert recording["uuid"] == FRAMEWORK.instances[0]
    for kind, file in files.items():
        first = client.get(file["download_url"])
        assert first.status_code == 302
        content = client.get(file["download_url"], follow_redirects=True).content
        assert len(content) == file["file_size"], kind
    refused = client.get(files["CHAT"]["download_url"], headers={"Authorization": "Bearer x"})
    assert refused.status_code == 401
    once = client.get(files["CHAT"]["download_url"]).headers["location"]
    url = client.base_url.copy_with(raw_path=once.encode())
    assert [client.get(url).status_code for _ in range(2)] == [200, 403]


def test_chat_is_by_several_people(client: httpx.Client, zoom: ZoomServer) -> None:
    files = {f["file_type"]: f for f in client.get(PATH).json()["recording_files"]}
    text = client.get(files["CHAT"]["download_url"], follow_redirects=True).text
    lines = [line.split("\t") for line in text.split("\r\n") if line.count("\t") == 2]
    assert zoom.population.canary.name + ":" in {line[1] for line in lines}
    assert len({line[1] for line in lines}) >= 4
    assert client.get(files["TRANSCRIPT"]["download_url"], follow_redirects=True).text.startswith("WEBVTT")


def test_media_are_what_they_say() -> None:
    for content, brand in ((mp4(), b"isom"), (m4a(), b"M4A ")):
        assert content[4:12] == b"ftyp" + brand
        at, boxes = 0, []
        while at < len(content):
            boxes.append(content[at + 4 : at + 8])
            at += int.from_bytes(content[at : at + 4])
        assert at == len(content)
        assert boxes == [b"ftyp", b"moov", b"mdat"]


def test_lists_take_a_month(client: httpx.Client) -> None:
    meetings = client.get("/users/me/recordings", params=MONTH).json()["meetings"]
    assert [m["id"] for m in meetings] == [FRAMEWORK.number]
    too_long = client.get("/users/me/recordings", params={"from": "2026-09-01", "to": "2026-11-01"})
    assert too_long.status_code == 400
    october = {"from": "2026-10-01", "to": "2026-10-31"}
    assert len(client.get("/users/me/recordings", params=october).json()["meetings"]) == 1
    binned = client.get("/users/me/recordings", params={**october, "trash": "true"}).json()["meetings"]
    assert [m["uuid"] for m in binned] == [STEEL.instances[1]]


def test_deleting_goes_to_the_bin_unless_told_otherwise(client: httpx.Client) -> None:
    chat = next(f for f in client.get(PATH).json()["recording_files"] if f["file_type"] == "CHAT")
    assert client.delete(f"{PATH}/{chat['id']}").status_code == 204
    assert kinds(client) == ["M4A", "MP4", "TRANSCRIPT"]
    assert client.get(chat["download_url"]).status_code == 404
    binned = client.get("/users/me/recordings", params={**MONTH, "trash": "true"}).json()["meetings"]
    assert [f["id"] for f in binned[0]["recording_files"]] == [chat["id"]]
    assert client.put(f"{PATH}/status", json={"action": "recover"}).status_code == 204
    assert kinds(client) == ["CHAT", "M4A", "MP4", "TRANSCRIPT"]

    assert client.delete(f"{PATH}/{chat['id']}", params={"action": "delete"}).status_code == 204
    assert client.put(f"{PATH}/status", json={"action": "recover"}).status_code == 204
    assert kinds(client) == ["M4A", "MP4", "TRANSCRIPT"]
    assert client.delete(PATH).status_code == 204
    assert client.get(PATH).status_code == 404
    assert client.delete(PATH, params={"action": "delete"}).status_code == 204
    assert client.get("/users/me/recordings", params={**MONTH, "trash": "true"}).json()["meetings"] == []
    assert client.delete(PATH, params={"action": "delete"}).status_code == 404
    assert client.delete(PATH, params={"action": "burn"}).status_code == 400


def test_cancelling_hides_deleting_removes_reports_stay(client: httpx.Client) -> None:
    base = f"/webinars/{LAUNCH.number}/registrants"
    rows = client.get(base).json()["registrants"]
    one, other = rows[0], rows[-1]
    body = {"action": "cancel", "registrants": [{"id": one["id"], "email": one["email"]}]}
    assert client.put(f"{base}/status", json=body).status_code == 204
    listed = [r["id"] for s in ("approved", "pending", "denied")
              for r in client.get(base, params={"status": s}).json()["registrants"]]  # fmt: skip
    assert one["id"] not in listed
    assert client.get(f"{base}/{one['id']}").json()["status"] == "cancelled"
    before = client.get(f"/past_webinars/{quote(LAUNCH.instances[0], safe='')}/participants").json()
    assert client.delete(f"{base}/{other['id']}").status_code == 204
    assert client.get(f"{base}/{other['id']}").json()["code"] == 3079
    assert client.delete(f"{base}/{other['id']}").status_code == 400
    after = client.get(f"/past_webinars/{quote(LAUNCH.instances[0], safe='')}/participants").json()
    assert after["participants"] == before["participants"]
    assert client.put(f"{base}/status", json={"action": "erase"}).status_code == 400
    assert client.put(f"{base}/status", content=b"{").status_code == 400


def test_panelists_and_webinars_can_be_deleted(client: httpx.Client) -> None:
    base = f"/webinars/{PARTNERS.number}"
    panelist = client.get(f"{base}/panelists").json()["panelists"][0]
    assert client.delete(f"{base}/panelists/{panelist['id']}").status_code == 204
    assert panelist not in client.get(f"{base}/panelists").json()["panelists"]
    assert client.delete(f"{base}/panelists/{panelist['id']}").status_code == 404
    assert client.delete(base).status_code == 204
    assert client.get(base).json()["code"] == 3001


def test_state_survives_a_restart(zoom: ZoomServer, client: httpx.Client, tmp_path: Path) -> None:
    client.delete(PATH, params={"action": "delete"})
    again = Zoom(Options(tmp_path / "state", 12), zoom.population)
    held = again.account["recording"][FRAMEWORK.instances[0]]["files"]
    assert not set(held) & set(again.account["file"])
    assert list(again.truth()) == zoom.truth


def test_same_seed_same_data() -> None:
    from datetime import date

    one, other = (build(populate(20), date(2026, 11, 20)) for _ in range(2))
    assert one.documents == other.documents
    assert one.truths == other.truths
