"""A very large package comes from the object store itself where the operator wants that: only what is encrypted to the
person, by an address that works for a minute, and as long as the case is there."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from counter_hall import MASTER, NOW, Clock, Office, a_zip
from running_store import new_bucket, store_uri
from served import served
from test_portal import CODE, link_of, visiting

from dsr import handed
from dsr.casefile import CaseStore
from dsr.portal_limits import PortalLimits
from dsr.web.portal import create_app
from sandbox.seaweed import SeaweedFS

LIMITS = PortalLimits(attempts=100_000, presign_from=200_000)
BIG = a_zip(300_000)


@pytest.fixture(scope="module")
def bucket(weed: SeaweedFS) -> Any:
    return new_bucket(weed, "handing")


@pytest.fixture
def hall(office: Office, weed: SeaweedFS, bucket: Any) -> Office:
    """Its cases on S3."""
    settings = replace(office.settings, portal=LIMITS)
    return replace(office, settings=settings, cases=CaseStore(store_uri(weed, bucket.name), MASTER))


@pytest.fixture
def url(hall: Office, clock: Clock) -> Iterator[str]:
    with served(create_app(hall.counter(clock))) as address:
        yield address


def delivered(hall: Office, request_id: str, package: bytes, encryption: str = "zip") -> None:
    """A package that was released and delivered; to be had with CODE."""
    password = "pass-word" if encryption == "zip" else ""
    case = hall.case(request_id, package=package, encryption=encryption, password=password)
    hall.deliver(case)
    hall.links.forget(request_id)
    hall.links.create(request_id, link_of(request_id), CODE, NOW + timedelta(days=14), NOW)


def test_the_store_gives_it_for_a_minute(hall: Office, url: str, bucket: Any) -> None:
    delivered(hall, "dsr-handed00", BIG)
    with visiting(url, "dsr-handed00") as client:
        assert client.head("/package/dsr-handed00.zip").headers["content-length"] == str(len(BIG))
        answer = client.get("/package/dsr-handed00.zip")
        again = client.get("/package/dsr-handed00.zip", headers={"range": "bytes=1000-"})
        part = client.get("/package/dsr-handed00.zip.sha256")
    assert (answer.status_code, answer.headers["cache-control"]) == (303, "no-store")
    address = answer.headers["location"]
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["60"]
    given = httpx.get(address)
    assert given.content == BIG
    assert given.headers["content-disposition"] == 'attachment; filename="dsr-handed00.zip"'
    rest = httpx.get(again.headers["location"], headers={"range": "bytes=1000-"})
    assert (rest.status_code, rest.content) == (206, BIG[1000:])
    assert hashlib.sha256(BIG).hexdigest() in part.text
    noted = [(e.kind, e.detail.get("by")) for e in hall.ledger.events("dsr-handed00")]
    assert noted[-2:] == [("download_begun", "store"), ("downloaded", None)]  # the latter of the checksum
    assert httpx.get(address.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")).status_code == 403
    assert httpx.get(address.partition("?")[0]).status_code == 403
    hall.cases.open("dsr-handed00").close()
    assert httpx.get(address).status_code == 404
    assert [o.key for o in bucket.objects.filter(Prefix="dsr/cases/dsr-handed00") if o.size] == []


@pytest.mark.parametrize(
    ("request_id", "package", "encryption"),
    [("dsr-handed01", BIG, "none"), ("dsr-handed02", a_zip(1000), "zip")],
)
def test_what_is_open_or_small_comes_through_the_page(
    hall: Office, url: str, bucket: Any, request_id: str, package: bytes, encryption: str
) -> None:
    """What anybody could read never lies in the store."""
    delivered(hall, request_id, package, encryption)
    with visiting(url, request_id) as client:
        answer = client.get(f"/package/{request_id}.zip")
    assert (answer.status_code, answer.content) == (200, package)
    lying = [o.key for o in bucket.objects.filter(Prefix=f"dsr/cases/{request_id}") if o.size]
    assert lying
    assert [key for key in lying if not key.endswith(".age")] == []


def test_not_asked_for_it_does_not(office: Office, hall: Office, clock: Clock) -> None:
    """By default, and in a folder, which can't."""
    assert PortalLimits().presigns(10**12, "age") is False
    delivered(replace(hall, settings=office.settings), "dsr-handed03", BIG)
    with served(create_app(hall.counter(clock))) as url, visiting(url, "dsr-handed03") as client:
        assert client.get("/package/dsr-handed03.zip").content == BIG
    local = replace(office, settings=hall.settings)
    delivered(local, "dsr-handed04", BIG)
    with served(create_app(local.counter(clock))) as url, visiting(url, "dsr-handed04") as client:
        assert client.get("/package/dsr-handed04.zip").content == BIG


def test_a_replaced_package_leaves_no_copy(hall: Office, url: str, bucket: Any) -> None:
    delivered(hall, "dsr-handed05", BIG)
    case, newer = hall.cases.open("dsr-handed05"), a_zip(400_000)
    with visiting(url, "dsr-handed05") as client:
        case.remove("package.json")
        assert client.get("/package/dsr-handed05.zip").status_code == 403
    with case.writer("package") as file:
        file.write(newer)
    hall.describe(case, newer, "zip")
    case.write_json("package.password", "an-other")
    hall.deliver(case)
    lying = [o.key for o in bucket.objects.filter(Prefix="dsr/cases/dsr-handed05/handed") if o.size]
    assert [key.rpartition("/")[2] for key in lying] == [hashlib.sha256(newer).hexdigest()]


def test_copied_once(hall: Office, bucket: Any) -> None:
    """However often the delivery is tried."""
    case = hall.case("dsr-handed06", package=BIG, encryption="age")
    facts = case.read_json("package.json")
    assert handed.lay_out(case, facts, LIMITS)
    (first,) = bucket.objects.filter(Prefix="dsr/cases/dsr-handed06/handed")
    assert handed.lay_out(case, facts, LIMITS)
    (second,) = bucket.objects.filter(Prefix="dsr/cases/dsr-handed06/handed")
    assert first.last_modified == second.last_modified
