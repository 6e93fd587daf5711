"""The sandbox's receiver speaks tus 1.0.0: an independent client (tuspy) gets on with it; it says no as it should."""

import base64
import hashlib
import io
import ssl

import httpx
import pytest
from dispatch import CHUNK, Dispatch, noise
from tusclient.client import TusClient

from sandbox.receiver.system import TOKEN

AUTH = {"authorization": f"Bearer {TOKEN}"}
TUS = {**AUTH, "Tus-Resumable": "1.0.0"}
PATCH = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


@pytest.fixture
def receiver(dispatch: Dispatch) -> httpx.Client:
    fields = dispatch.sandbox.endpoints["connections"]["dsr_recipient_example"]
    return httpx.Client(
        base_url=f"{fields['host']}:{fields['port']}", verify=ssl.create_default_context(cafile=fields["extra"]["ca"])
    )


def test_an_independent_client(dispatch: Dispatch, receiver: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = dispatch.sandbox.endpoints["authority"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca)
    content = noise(2 * CHUNK + 3)
    client = TusClient(f"{receiver.base_url}/files/".replace("//files", "/files"), headers=AUTH)
    client.uploader(
        file_stream=io.BytesIO(content), chunk_size=CHUNK, metadata={"request": "dsr-x"}, upload_checksum=False
    ).upload()
    (upload,) = dispatch.uploads()
    assert dispatch.content(upload["id"]) == content
    assert upload["sha256"] == hashlib.sha256(content).hexdigest()


def created(receiver: httpx.Client, length: int = 5) -> str:
    answer = receiver.post("/files/", headers=TUS | {"Upload-Length": str(length)})
    assert answer.status_code == 201
    return str(answer.headers["Location"])


def test_refusals(dispatch: Dispatch, receiver: httpx.Client) -> None:
    url = created(receiver)
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    assert receiver.post("/files/").status_code == 401
    assert receiver.post("/files/", headers=AUTH).status_code == 412
    assert receiver.post("/files/", headers=TUS).status_code == 400
    assert receiver.patch(url, headers=TUS, content=b"hello").status_code == 415
    assert receiver.patch(url, headers=PATCH | {"Upload-Offset": "3"}, content=b"lo").status_code == 409
    assert (
        receiver.patch(url, headers=PATCH | {"Upload-Checksum": f"sha256 {wrong}"}, content=b"hello").status_code == 460
    )
    assert receiver.patch(url, headers=PATCH | {"Upload-Checksum": "crc32 AAAA"}, content=b"hello").status_code == 400
    assert receiver.head(url, headers=TUS).headers["Upload-Offset"] == "0"
    assert receiver.get(f"{url}/receipt", headers=AUTH).status_code == 404
    assert receiver.patch(url, headers=PATCH, content=b"hello and more").headers["Upload-Offset"] == "5"
    assert receiver.get(f"{url}/receipt", headers=AUTH).json()["bytes"] == 5
    assert receiver.head("/files/none", headers=TUS).status_code == 404
    dispatch.behave(limit=4)
    assert receiver.post("/files/", headers=TUS | {"Upload-Length": "5"}).status_code == 413


def test_unfinished_uploads_end(dispatch: Dispatch, receiver: httpx.Client) -> None:
    url = created(receiver)
    dispatch.behave(advance=25 * 3600)
    assert receiver.head(url, headers=TUS).status_code == 410
