"""A download that broke off goes on where it stopped; a large package comes in parts; both give the very file."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from counter_hall import Clock, Office
from hypothesis import given
from hypothesis import strategies as st
from served import served
from test_portal import CODE, link_of, opened, visiting

from dsr.web.portal import create_app
from dsr.web.ranges import Span, Unsatisfiable, asked_for

SIZE = 300_000


def reference(first: int | None, last: int | None, size: int) -> Span | None:
    """RFC 9110, 14.1.2, by the sets of positions: None when no byte is named."""
    if first is None:
        named = range(size)[-last:] if last else range(0)
    else:
        named = range(first, size if last is None else min(last + 1, size))
    return Span(named.start, named.stop) if named else None


@given(
    st.none() | st.integers(0, 3000), st.none() | st.integers(0, 3000), st.integers(0, 2000), st.sampled_from(["", " "])
)
def test_range_arithmetic(first: int | None, last: int | None, size: int, blank: str) -> None:
    ends = ["" if end is None else str(end) for end in (first, last)]
    header = f"bytes={blank}{ends[0]}-{ends[1]}{blank}"
    backwards = first is not None and last is not None and last < first
    if backwards or (first is None and last is None):
        assert asked_for(header, size) is None
    elif (expected := reference(first, last, size)) is not None:
        assert asked_for(header, size) == expected
    else:
        with pytest.raises(Unsatisfiable):
            asked_for(header, size)


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,4-5", "bytes=a-b", "bytes=5-2", "bytes=0--1",
     "bytes=٣-٤", "bytes=0-" + "9" * 40, "bytes=1-2;x"],
)  # fmt: skip
def test_what_may_be_ignored_gives_the_whole(header: str | None) -> None:
    assert asked_for(header, 100) is None


@given(st.text(max_size=30), st.integers(0, 100))
def test_no_header_breaks_it(header: str, size: int) -> None:
    try:
        span = asked_for(header, size)
    except Unsatisfiable:
        return
    assert span is None or 0 <= span.start < span.end <= size


@pytest.fixture
def fetching(portal: str, office: Office) -> Iterator[tuple[httpx.Client, bytes]]:
    content = opened(office, "dsr-ranges00", SIZE)
    with visiting(portal, "dsr-ranges00") as client:
        yield client, content
    office.links.forget("dsr-ranges00")


def test_any_range_is_that_of_the_file(fetching: tuple[httpx.Client, bytes]) -> None:
    client, content = fetching
    size = len(content)
    whole = client.head("/package/dsr-ranges00.zip")
    assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(size), b"")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'

    @given(st.integers(0, size + 10), st.none() | st.integers(0, size + 10))
    def check(first: int, last: int | None) -> None:
        header = f"bytes={first}-{'' if last is None else last}"
        answer = client.get("/package/dsr-ranges00.zip", headers={"range": header})
        if last is not None and last < first:
            assert (answer.status_code, answer.content) == (200, content)
        elif first >= size:
            assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
        else:
            end = size - 1 if last is None else min(last, size - 1)
            assert answer.status_code == 206
            assert answer.headers["content-range"] == f"bytes {first}-{end}/{size}"
            assert answer.headers["content-length"] == str(end + 1 - first)
            assert answer.content == content[first : end + 1]

    check()


def test_goes_on_only_with_the_same_file(fetching: tuple[httpx.Client, bytes]) -> None:
    client, content = fetching
    tag = client.head("/package/dsr-ranges00.zip").headers["etag"]
    for condition, status in (
        (tag, 206),
        (f"W/{tag}", 200),
        ('"another"', 200),
        ("Fri, 20 Nov 2026 09:00:00 GMT", 200),
    ):
        answer = client.get("/package/dsr-ranges00.zip", headers={"range": "bytes=1000-", "if-range": condition})
        assert (answer.status_code, answer.content) == (status, content[1000:] if status == 206 else content)


def test_head_has_no_ranges(fetching: tuple[httpx.Client, bytes], office: Office) -> None:
    client, content = fetching
    before = len(office.ledger.events("dsr-ranges00"))
    answer = client.head("/package/dsr-ranges00.zip", headers={"range": "bytes=10-20"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(content)))
    assert len(office.ledger.events("dsr-ranges00")) == before


def test_the_ledger_has_begin_and_end_once(portal: str, office: Office) -> None:
    """However often a download breaks off, and whatever pieces it is had in."""
    content = opened(office, "dsr-noted000", SIZE)
    last = len(content) - 1
    with visiting(portal, "dsr-noted000") as client:
        for place in range(0, 200_000, 10_000):
            client.get("/package/dsr-noted000.zip", headers={"range": f"bytes={place}-{place + 9_999}"})
        assert [e.kind for e in office.ledger.events("dsr-noted000")] == ["download_begun"]
        for _ in range(3):
            client.get("/package/dsr-noted000.zip", headers={"range": "bytes=200000-"})
    events = [(e.kind, e.detail["first"], e.detail["last"]) for e in office.ledger.events("dsr-noted000")]
    assert events == [("download_begun", 0, 9_999), ("downloaded", 200_000, last)]


def test_nothing_is_given_that_the_ledger_can_not_be_told(portal: str, office: Office, monkeypatch: Any) -> None:
    opened(office, "dsr-untold00")
    from dsr.errors import TransientError

    def away(*_: object, **__: object) -> None:
        raise TransientError("database.unavailable", "ledger")

    with visiting(portal, "dsr-untold00") as client:
        with monkeypatch.context() as broken:
            broken.setattr(office.ledger, "append", away)
            assert client.get("/package/dsr-untold00.zip").status_code == 503
        assert office.ledger.events("dsr-untold00") == []
        assert client.get("/package/dsr-untold00.zip").status_code == 200
    assert [e.kind for e in office.ledger.events("dsr-untold00")] == ["download_begun", "downloaded"]


def test_an_object_that_was_changed_breaks_off(portal: str, office: Office) -> None:
    """Nothing of a chunk that isn't what was written comes out, and what came is shorter than was said."""
    content = opened(office, "dsr-changed0", SIZE)
    (path,) = Path(office.settings.case_store).glob("cases/dsr-changed0/package.age")
    raw = bytearray(path.read_bytes())
    raw[-200_000] ^= 1
    path.write_bytes(raw)
    with visiting(portal, "dsr-changed0") as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/package/dsr-changed0.zip")
    assert [e.kind for e in office.ledger.events("dsr-changed0")] == ["download_begun"]
    path.write_bytes(raw[:-1000])
    with visiting(portal, "dsr-changed0") as client:
        assert client.get("/package/dsr-changed0.zip").status_code == 503
    assert len(content) > SIZE


@pytest.mark.parametrize("encryption", ["none", "age"])
def test_parts_joined_are_the_file(office: Office, clock: Clock, encryption: str, tmp_path: Path) -> None:
    request_id = f"dsr-parts-{encryption}"
    content = opened(office, request_id, 250_000)
    office.describe(office.cases.open(request_id), content, encryption)
    limits = replace(office.settings.portal, part_bytes=100_000)
    with served(create_app(office.counter(clock, portal=limits))) as url, visiting(url, request_id) as client:
        page = client.get("/package?lang=en").text
        names = re.findall(r'href="/package/(\S+\.[0-9]{3})" download', page)
        assert len(names) == 3
        assert f"copy /b {'+'.join(names)} {names[0][:-4]}" in page
        assert ("7-Zip" in page) == (encryption == "none")
        assert f'href="/package/{names[0][:-4]}"' in page
        parts = [client.get(f"/package/{name}") for name in names]
        assert [len(part.content) for part in parts] == [100_000, 100_000, len(content) - 200_000]
        assert len({part.headers["etag"] for part in parts}) == 3
        middle = client.get(f"/package/{names[1]}", headers={"range": "bytes=10-19"})
        assert (middle.status_code, middle.content) == (206, content[100_010:100_020])
        assert middle.headers["content-range"] == "bytes 10-19/100000"
        assert client.get(f"/package/{names[0][:-4]}").content == content
        assert client.get(f"/package/{names[0][:-4]}.004").status_code == 403
    assert b"".join(part.content for part in parts) == content
    for name, part in zip(names, parts, strict=True):
        (tmp_path / name).write_bytes(part.content)
    subprocess.run(["sh", "-c", f"cat {names[0][:-4]}.[0-9]* > joined"], cwd=tmp_path, check=True)
    assert (tmp_path / "joined").read_bytes() == content


def test_several_processes_share_a_session(office: Office, clock: Clock) -> None:
    """What one process has opened, another knows, and one that started later."""
    content = opened(office, "dsr-processes", SIZE)
    with served(create_app(office.counter(clock))) as one, served(create_app(office.counter(clock))) as two:
        answer = httpx.post(f"{one}/package", data={"link": link_of("dsr-processes"), "code": CODE})
        cookies = {"dsr-session": answer.cookies["dsr-session"]}
        first = httpx.get(f"{one}/package/dsr-processes.zip", cookies=cookies, headers={"range": "bytes=0-99999"})
        rest = httpx.get(f"{two}/package/dsr-processes.zip", cookies=cookies, headers={"range": "bytes=100000-"})
    assert first.content + rest.content == content
