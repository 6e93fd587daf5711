"""The same promises on an S3 store, through SeaweedFS."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from running_store import new_bucket, store_uri
from served import served
from test_casefile_memory import grown

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError, TransientError
from dsr.mirrored import Mirrored, mirror
from dsr.objectstore import ObjectStore
from sandbox.recordings.proxy import Proxy
from sandbox.seaweed import SeaweedFS
from sandbox.wire import Fault, Wire, Wiretap

CASE = "case-0001"


@pytest.fixture(scope="module")
def bucket(weed: SeaweedFS) -> Any:
    return new_bucket(weed, "casefiles")


@pytest.fixture
def uri(weed: SeaweedFS, bucket) -> Iterator[str]:
    yield store_uri(weed, bucket.name)
    bucket.objects.delete()


def put(case: CaseFile, name: str, content: bytes) -> None:
    with case.writer(name) as file:
        file.write(content)


def test_a_copy_in_another_place_and_the_way_back(uri: str, bucket, master_key: bytes, tmp_path: Path) -> None:
    """Cases to another prefix of the bucket, keys to a folder: what is written over and destroyed goes along."""
    store, copy = ObjectStore(uri), ObjectStore(uri.replace("/dsr?", "/copy?"))
    kept, cases = ObjectStore(str(tmp_path)), CaseStore(uri, master_key)
    for case_id in (CASE, "case-0002"):
        cases.create(case_id).write_json("request", {"of": case_id})
    assert mirror(store, copy, "cases") == Mirrored(2, 0)
    assert mirror(store, kept, "keys") == Mirrored(2, 0)
    cases.open("case-0002").close()
    cases.open(CASE).write_json("request", {"of": CASE[::-1]})
    assert mirror(store, copy, "cases").removed == mirror(store, kept, "keys").removed == 1
    bucket.objects.filter(Prefix="dsr/").delete()
    assert cases.cases() == []
    mirror(copy, store, "cases")
    mirror(kept, store, "keys")
    assert cases.cases() == [CASE]
    assert cases.open(CASE).read_json("request") == {"of": CASE[::-1]}
    cases.probe()
    assert store.names("probes") == []


def test_the_life_of_a_case(uri: str, bucket, master_key: bytes) -> None:
    store = CaseStore(uri, master_key)
    case = store.create(CASE)
    big = os.urandom(25_000_000)
    put(case, "package", big)
    put(CaseStore(uri).open(CASE), "rows/a/0000", b"")
    case.write_json("request", {"a": 1})
    case.write_json("request", {"a": 2})
    again = CaseStore(uri, master_key).create(CASE)
    assert again.read_json("request") == {"a": 2}
    with again.reader("package") as file:
        assert file.read() == big
    assert again.names() == ["package", "request", "rows/a/0000"]
    assert store.cases() == [CASE]
    assert all(o.key.startswith(("dsr/keys/", "dsr/cases/case-0001/")) for o in bucket.objects.all())
    assert again.remove("rows/") == 1
    again.close()
    again.close()
    assert [o.key for o in bucket.objects.all() if o.size] == []
    assert store.cases() == []
    assert store.sweep(datetime.now(UTC)) == 0
    with pytest.raises(PermanentError, match=r"case\.closed"):
        store.open(CASE)
    with pytest.raises(PermanentError, match=r"case\.absent"):
        CaseStore(uri, master_key).create("case-0002").read_json("request")


@pytest.fixture
def far(weed: SeaweedFS, uri: str, bucket, master_key: bytes) -> Iterator[tuple[CaseFile, Wiretap]]:
    """A case of 60 rows, and the wire between it and the store."""
    tap = Wiretap()
    with served(Wire(Proxy(urlsplit(weed.endpoint).port or 0), "store", tap)) as url:
        case = CaseStore(store_uri(weed, bucket.name, urlsplit(url).netloc), master_key).create(CASE)
        for number in range(60):
            put(case, f"rows/a/{number:04d}", b"x")
        yield case, tap


def test_many_objects_of_a_store_that_is_far_go_side_by_side(far: tuple[CaseFile, Wiretap]) -> None:
    """A closed case has hundreds; one after the other each would take its calls' time."""
    case, tap = far
    tap.latency = 0.1
    tap.calls.clear()
    began = time.monotonic()
    assert case.remove("rows/") == 60
    assert time.monotonic() - began < 0.5 * tap.latency * len(tap.calls)
    assert case.names("rows/") == []


def test_what_the_store_keeps_is_an_error_and_goes_the_next_time(far: tuple[CaseFile, Wiretap]) -> None:
    case, tap = far
    tap.faults.append(Fault("store", "status", method="DELETE", after=7, times=1, status=403))
    with pytest.raises(TransientError, match=r"store\.unavailable"):
        case.remove("rows/")
    left = case.names("rows/")
    assert left
    assert case.remove("rows/") == len(left)


def test_many_threads_write_at_once_from_the_first_moment(uri: str, master_key: bytes) -> None:
    """As a burst of webhooks after a start does."""
    for _ in range(3):
        store = CaseStore(uri, master_key)
        with ThreadPoolExecutor(12) as threads:
            made = list(threads.map(store.create, [f"case-at-once-{n:02}" for n in range(12)]))
            list(threads.map(lambda case: case.write_json("request", {"id": case.case_id}), made))
        assert [case.read_json("request")["id"] for case in made] == [case.case_id for case in made]
        for case in made:
            case.close()


def test_from_any_place(uri: str, bucket, master_key: bytes) -> None:
    """A download goes on where it broke off; one of a case that is closed meanwhile ends."""
    case, big = CaseStore(uri, master_key).create(CASE), os.urandom(3_000_000)
    put(case, "package", big)
    with case.anywhere("package") as file:
        assert file.size == len(big)
        assert b"".join(file.read(2_000_001, len(big))) == big[2_000_001:]
        pieces = file.read(0, len(big))
        assert next(pieces) == big[: 256 * 1024]
        bucket.objects.delete()
        with pytest.raises((PermanentError, TransientError)):
            list(pieces)
    with pytest.raises(PermanentError, match=r"case\.absent"), case.anywhere("package"):
        pass


@pytest.mark.parametrize("size", [10, 25_000_000])
def test_a_failed_writer_leaves_what_was_there(uri: str, bucket, master_key: bytes, size: int) -> None:
    case = CaseStore(uri, master_key).create(CASE)
    case.write_json("value", "old")
    for name in ("value", "fresh"):
        with pytest.raises(ZeroDivisionError):
            fail_after(case, name, size)
    assert case.read_json("value") == "old"
    assert case.names() == ["value"]


def fail_after(case: CaseFile, name: str, size: int) -> None:
    with case.writer(name) as file:
        file.write(b"x" * size)
        raise ZeroDivisionError


def test_a_cut_object_is_tampered(uri: str, bucket, master_key: bytes) -> None:
    case = CaseStore(uri, master_key).create(CASE)
    put(case, "blob", os.urandom(3_000_000))
    stored = bucket.Object(f"dsr/cases/{CASE}/blob.age")
    stored.put(Body=stored.get()["Body"].read()[:-100_000])
    with pytest.raises(PermanentError, match=r"casefile\.tampered"), case.reader("blob") as file:
        file.read()


def test_a_store_out_of_reach_or_closed_to_us_is_transient(uri: str, master_key: bytes) -> None:
    CaseStore(uri, master_key).create(CASE)
    wrong = "s3://a:b@cases/dsr?" + uri.partition("?")[2]
    nowhere = "s3://a:b@cases/dsr?endpoint_override=127.0.0.1:1&scheme=http&region=any"
    for address in (wrong, nowhere):
        with pytest.raises(TransientError, match=r"store\.unavailable") as caught:
            CaseStore(address, master_key).open(CASE)
        assert caught.value.__suppress_context__


@pytest.mark.parametrize("uri", ["s3://", "s3://bucket/x?no_such_option=1", "nope://x", "s3://bucket?scheme"])
def test_an_address_that_makes_no_sense(uri: str) -> None:
    with pytest.raises(PermanentError, match=r"setting\.case_store"):
        CaseStore(uri)


@pytest.mark.slow
@pytest.mark.thorough
def test_200_mb_on_s3(uri: str) -> None:
    assert grown(uri) < 40_000_000
