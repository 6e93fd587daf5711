"""What a case file promises: what goes in comes out, nobody else reads it, nothing half-written is ever seen."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr.casefile import CaseFile, CaseStore
from dsr.errors import PermanentError, TransientError
from dsr.objectstore import ObjectStore, Pending

CASE = "case-0001"
CHUNK = 64 * 1024
MIB = 1024 * 1024
EDGES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, MIB - 1, MIB, MIB + 1, 3 * MIB + 17]


def put(case: CaseFile, name: str, content: bytes) -> None:
    with case.writer(name) as file:
        file.write(content)


def get(case: CaseFile, name: str) -> bytes:
    with case.reader(name) as file:
        return file.read()


def read_into(case: CaseFile, name: str, seen: bytearray) -> None:
    with case.reader(name) as file:
        while piece := file.read(50_000):
            seen += piece


def fail_after(case: CaseFile, name: str, size: int) -> None:
    with case.writer(name) as file:
        file.write(b"x" * size)
        raise ZeroDivisionError


def stored(root: Path, name: str, case_id: str = CASE) -> Path:
    return root / "cases" / "cases" / case_id / f"{name}.age"


@settings(max_examples=40, deadline=None)
@given(pieces=st.lists(st.binary(max_size=300) | st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, MIB]), max_size=6))
def test_any_bytes_in_any_pieces_come_back(pieces) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, bytes(32)).create(CASE)
        blobs = [piece if isinstance(piece, bytes) else os.urandom(piece) for piece in pieces]
        with case.writer("blob") as file:
            for blob in blobs:
                assert file.write(blob) == len(blob)
        assert get(case, "blob") == b"".join(blobs)


@pytest.mark.parametrize("size", EDGES)
def test_sizes_around_the_edges_come_back(cases: CaseStore, size: int) -> None:
    content = os.urandom(size)
    case = cases.create(CASE)
    put(case, "blob", content)
    with case.reader("blob") as file:
        pieces = iter(lambda: file.read(10_007), b"")
        assert b"".join(pieces) == content


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(value=json_values)
def test_json_comes_back_unchanged(value) -> None:
    with tempfile.TemporaryDirectory() as folder:
        case = CaseStore(folder, bytes(32)).create(CASE)
        case.write_json("value", value)
        assert case.read_json("value") == value


def test_json_keeps_big_numbers_and_odd_characters(cases: CaseStore) -> None:
    case = cases.create(CASE)
    value = {"n": 2**80, "s": "\ud800", "å": "שלום"}
    case.write_json("value", value)
    assert case.read_json("value") == value


def test_arrow_streams_are_written_and_read_in_place(cases: CaseStore) -> None:
    case = cases.create(CASE)
    batch = pa.record_batch({"n": pa.array(range(500_000))})
    with case.writer("rows/salesforce/0000") as file, pa.ipc.new_stream(file, batch.schema) as sink:
        sink.write_batch(batch)
        sink.write_batch(batch)
    with case.reader("rows/salesforce/0000") as file, pa.ipc.open_stream(file) as stream:
        assert [b.num_rows for b in stream] == [500_000, 500_000]


def test_objects_are_standard_age_files_of_the_case(cases: CaseStore, tmp_path: Path) -> None:
    case = cases.create(CASE)
    put(case, "blob", b"Anna Andersson" * 100_000)
    put(case, "small", b"Anna Andersson")
    for name in ("blob", "small"):
        raw = stored(tmp_path, name).read_bytes()
        assert raw.startswith(b"age-encryption.org/v1\n-> X25519 ")
        assert b"Anna" not in raw
        with pytest.raises(pyrage.DecryptError):
            pyrage.decrypt(raw, [pyrage.x25519.Identity.generate()])


def test_names_are_sorted_and_filtered(cases: CaseStore) -> None:
    case = cases.create(CASE)
    assert case.names() == []
    for name in ("found/zoom", "found/a.b", "request", "package", "package.json", "found"):
        case.write_json(name, 1)
    assert case.names() == ["found", "found/a.b", "found/zoom", "package", "package.json", "request"]
    assert case.names("found/") == ["found/a.b", "found/zoom"]
    assert case.exists("found")
    assert not case.exists("foun")
    assert case.remove("found/") == 2
    assert case.names("found") == ["found"]


def test_absent_object(cases: CaseStore) -> None:
    with pytest.raises(PermanentError, match=r"case\.absent"):
        cases.create(CASE).read_json("nothing")


@pytest.mark.parametrize("name", ["", "/a", "a/", "../a", "a/../b", "a//b", ".a", "a b", "å", "a\n", "a" * 201])
def test_names_that_could_leave_the_case_are_refused(cases: CaseStore, name: str) -> None:
    case = cases.create(CASE)
    for use in (case.read_json, case.exists, lambda n: case.write_json(n, 1)):
        with pytest.raises(PermanentError, match=r"case\.name"):
            use(name)


@pytest.mark.parametrize("case_id", ["", "short", "../../etc", "a" * 65, "anna@example.se", "case_0001", "case-0001\n"])
def test_case_ids_are_opaque(cases: CaseStore, case_id: str) -> None:
    for use in (cases.create, cases.open):
        with pytest.raises(PermanentError, match=r"case\.id"):
            use(case_id)


def test_create_is_idempotent_also_under_a_race(cases: CaseStore) -> None:
    made: list[CaseFile] = []
    threads = [threading.Thread(target=lambda: made.append(cases.create(CASE))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, case in enumerate(made):
        case.write_json(f"n/{i}", i)
    assert [cases.open(CASE).read_json(f"n/{i}") for i in range(16)] == list(range(16))
    assert cases.cases() == [CASE]


def test_a_writer_needs_no_master_key_and_cannot_read(cases: CaseStore, tmp_path: Path) -> None:
    cases.create(CASE)
    blind = CaseStore(str(tmp_path / "cases"))
    put(blind.open(CASE), "blob", b"x" * 2 * MIB)
    blind.open(CASE).write_json("value", 1)
    with pytest.raises(PermanentError, match=r"key\.absent"):
        blind.open(CASE).read_json("value")
    with pytest.raises(PermanentError, match=r"key\.absent"):
        blind.create("case-0002")
    assert cases.open(CASE).read_json("value") == 1
    assert get(cases.open(CASE), "blob") == b"x" * 2 * MIB


def test_another_master_key_opens_nothing(cases: CaseStore, tmp_path: Path) -> None:
    cases.create(CASE)
    with pytest.raises(PermanentError, match=r"key\.refused"):
        CaseStore(str(tmp_path / "cases"), b"\xff" * 32).open(CASE)


def test_a_key_exchanged_with_another_cases_is_refused(cases: CaseStore, tmp_path: Path) -> None:
    cases.create(CASE)
    cases.create("case-0002")
    keys = tmp_path / "cases" / "keys"
    (keys / CASE).write_bytes((keys / "case-0002").read_bytes())
    with pytest.raises(PermanentError, match=r"key\.refused"):
        cases.open(CASE)


def test_a_planted_public_half_is_refused(cases: CaseStore, tmp_path: Path) -> None:
    cases.create(CASE)
    key = tmp_path / "cases" / "keys" / CASE
    own = cases.open(CASE)._open_key().recipient
    planted = str(pyrage.x25519.Identity.generate().to_public())
    key.write_bytes(key.read_bytes().replace(str(own).encode(), planted.encode()))
    with pytest.raises(PermanentError, match=r"key\.refused"):
        cases.open(CASE)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"format": 1, "recipient": "age1", "nonce": 1}'])
def test_a_broken_key_is_a_clear_error(cases: CaseStore, tmp_path: Path, content: bytes) -> None:
    cases.create(CASE)
    (tmp_path / "cases" / "keys" / CASE).write_bytes(content)
    with pytest.raises(PermanentError, match=r"casefile\.tampered"):
        cases.open(CASE)


@pytest.mark.parametrize("size", [0, 10, CHUNK, MIB - 300, 4 * CHUNK + 5, 3 * MIB])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("change", ["cut", "flip", "add"])
def test_a_changed_object_is_never_taken_for_the_real_one(
    cases: CaseStore, tmp_path: Path, size: int, place: float, change: str
) -> None:
    case = cases.create(CASE)
    content = os.urandom(size)
    put(case, "blob", content)
    path = stored(tmp_path, "blob")
    raw = bytearray(path.read_bytes())
    at = min(int(len(raw) * place), len(raw) - 1)
    if change == "cut":
        del raw[at:]
    elif change == "flip":
        raw[at] ^= 0x41
    else:
        raw.insert(at, 0x41)
    path.write_bytes(raw)
    seen = bytearray()
    with pytest.raises(PermanentError, match=r"casefile\.tampered"):
        read_into(case, "blob", seen)
    assert content.startswith(seen)


def test_a_cut_shows_through_arrow_too(cases: CaseStore, tmp_path: Path) -> None:
    case = cases.create(CASE)
    batch = pa.record_batch({"n": pa.array(range(500_000))})
    with case.writer("rows") as file, pa.ipc.new_stream(file, batch.schema) as sink:
        sink.write_batch(batch)
    path = stored(tmp_path, "rows")
    path.write_bytes(path.read_bytes()[:-CHUNK])
    with pytest.raises(PermanentError, match=r"casefile\.tampered"), case.reader("rows") as file:
        pa.ipc.open_stream(file).read_all()


def test_another_cases_object_cannot_take_its_place(cases: CaseStore, tmp_path: Path) -> None:
    one, other = cases.create(CASE), cases.create("case-0002")
    one.write_json("value", "one")
    other.write_json("value", "other")
    stored(tmp_path, "value").write_bytes(stored(tmp_path, "value", "case-0002").read_bytes())
    with pytest.raises(PermanentError, match=r"casefile\.tampered"):
        one.read_json("value")


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_a_failed_writer_leaves_what_was_there(cases: CaseStore, tmp_path: Path, size: int) -> None:
    case = cases.create(CASE)
    case.write_json("value", "old")
    for name in ("value", "fresh"):
        with pytest.raises(ZeroDivisionError):
            fail_after(case, name, size)
    assert case.read_json("value") == "old"
    assert case.names() == ["value"]
    assert [p.name for p in stored(tmp_path, "value").parent.iterdir()] == ["value.age"]


def test_closing_the_file_early_does_not_show_it_early(cases: CaseStore) -> None:
    case = cases.create(CASE)
    with case.writer("value") as file:
        file.write(b"1")
        file.close()
        assert not case.exists("value")
    assert get(case, "value") == b"1"


def test_what_a_killed_writer_wrote_is_not_there(cases: CaseStore, tmp_path: Path) -> None:
    case = cases.create(CASE)
    script = (
        "import sys, time\nfrom dsr.casefile import CaseStore\n"
        f"case = CaseStore({str(tmp_path / 'cases')!r}).open({CASE!r})\n"
        "with case.writer('rows/a') as file:\n"
        "    file.write(b'x' * 5_000_000)\n    print('written', flush=True)\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert case.names() == []
    assert not case.exists("rows/a")
    put(case, "rows/a", b"again")
    assert get(case, "rows/a") == b"again"
    case.close()
    assert not list((tmp_path / "cases" / "cases").iterdir())


def test_readers_of_an_old_object_are_not_disturbed_by_its_replacement(cases: CaseStore) -> None:
    case = cases.create(CASE)
    put(case, "blob", b"a" * 3 * MIB)
    with case.reader("blob") as file:
        start = file.read(10)
        put(case, "blob", b"b" * 3 * MIB)
        assert start + file.read() == b"a" * 3 * MIB
    assert get(case, "blob") == b"b" * 3 * MIB


def test_a_reader_may_stop_early_and_leaves_no_thread(cases: CaseStore) -> None:
    case = cases.create(CASE)
    put(case, "blob", os.urandom(8 * MIB))
    before = threading.active_count()
    for _ in range(20):
        with case.reader("blob") as file:
            file.read(10)
    assert threading.active_count() <= before


def test_after_closing_nothing_opens(cases: CaseStore, tmp_path: Path) -> None:
    case = cases.create(CASE)
    put(case, "blob", b"x" * 2 * MIB)
    case.close()
    case.close()
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert cases.cases() == []
    with pytest.raises(PermanentError, match=r"case\.closed"):
        cases.open(CASE)
    with pytest.raises(PermanentError, match=r"case\.closed"):
        case.read_json("blob")
    with pytest.raises(PermanentError, match=r"case\.closed"):
        put(case, "blob", b"")


def test_a_crash_while_closing_leaves_only_noise(cases: CaseStore, tmp_path: Path, monkeypatch) -> None:
    case = cases.create(CASE)
    case.write_json("value", 1)
    cases.create("case-0002").write_json("value", 2)
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "remove_folder", _die)
        with pytest.raises(KeyboardInterrupt):
            case.close()
    assert stored(tmp_path, "value").exists()
    with pytest.raises(PermanentError, match=r"case\.closed"):
        cases.open(CASE)
    assert cases.cases() == ["case-0002"]
    assert cases.sweep(datetime.now(UTC)) == 1
    assert not stored(tmp_path, "value").exists()
    assert cases.open("case-0002").read_json("value") == 2


def test_no_copy_of_the_key_outlives_the_case(cases: CaseStore, tmp_path: Path) -> None:
    case = cases.create(CASE)
    keys = tmp_path / "cases" / "keys"
    (keys / f"{CASE}.0011223344556677.part").write_bytes((keys / CASE).read_bytes())  # its writer was killed
    case.close()
    assert list(keys.iterdir()) == []


def test_what_a_killed_writer_left_goes_in_time(cases: CaseStore, tmp_path: Path) -> None:
    """Also of a case that lives for years; one that is being written stays."""
    case, now = cases.create(CASE), datetime.now(UTC)
    case.write_json("value", 1)
    left = stored(tmp_path, "value")
    part = left.with_name(f"{left.name}.0011223344556677.part")
    part.write_bytes(b"begun")
    assert cases.sweep(now) == 0
    assert part.exists()
    assert cases.sweep(now + timedelta(days=2)) == 0
    assert not part.exists()
    assert case.read_json("value") == 1


def test_a_stale_writer_cannot_bring_a_closed_case_back(cases: CaseStore) -> None:
    stale = cases.create(CASE)
    cases.open(CASE).close()
    stale.write_json("value", 1)
    with pytest.raises(PermanentError, match=r"case\.closed"):
        cases.open(CASE)
    assert cases.cases() == []
    assert cases.sweep(datetime.now(UTC)) == 1


def test_a_full_disk_is_a_transient_error(cases: CaseStore, monkeypatch) -> None:
    case = cases.create(CASE)
    for size in (10, 5 * MIB):
        with monkeypatch.context() as patch:
            patch.setattr(Pending, "__init__", _on_a_full_disk)
            with pytest.raises(TransientError, match=r"store\.unavailable"):
                put(case, "blob", b"x" * size)
    assert case.names() == []


def test_nothing_secret_in_representations(cases: CaseStore) -> None:
    case = cases.create(CASE)
    assert "AGE-SECRET-KEY" not in repr(vars(case)) + repr(case._open_key())


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def _on_a_full_disk(self: Pending, *_: object, **__: object) -> None:
    self.file = os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)
    self._part = Path("/nonexistent/part")
    self._local = True
