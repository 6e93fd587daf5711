"""An age file read from any place gives what pyrage gives, and nothing once a byte of it is another."""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pyarrow as pa
import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrage.x25519 import Identity

from dsr.agefile import AgeFile
from dsr.bech32 import key_bytes
from dsr.casefile import CaseStore
from dsr.errors import PermanentError

CHUNK = 64 * 1024
SIZES = (0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 5 * CHUNK + 7)
IDENTITY = Identity.generate()


@cache
def sealed(size: int) -> tuple[bytes, bytes]:
    """That many bytes, plain and as an age file."""
    plain = Random(size).randbytes(size)
    return plain, pyrage.encrypt(plain, [IDENTITY.to_public()])


def opened(file: bytes, identity: Identity = IDENTITY) -> AgeFile:
    return AgeFile(pa.BufferReader(file), identity)


def whole(file: AgeFile) -> bytes:
    return b"".join(file.read(0, file.size))


@pytest.mark.parametrize("size", SIZES)
def test_as_pyrage_reads_it(size: int) -> None:
    plain, file = sealed(size)
    assert opened(file).size == size
    assert whole(opened(file)) == plain == pyrage.decrypt(file, [IDENTITY])


@given(st.sampled_from(SIZES), st.data())
def test_any_part(size: int, data: st.DataObject) -> None:
    plain, file = sealed(size)
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    pieces = list(opened(file).read(start, end))
    assert b"".join(pieces) == plain[start:end]
    assert all(0 < len(piece) <= 4 * CHUNK for piece in pieces)


def test_among_other_recipients() -> None:
    others = [Identity.generate().to_public() for _ in range(3)]
    file = pyrage.encrypt(b"text", [*others, IDENTITY.to_public()])
    assert whole(opened(file)) == b"text"


@given(st.sampled_from((17, CHUNK, 2 * CHUNK + 9)), st.data())
def test_no_changed_byte_comes_out(size: int, data: st.DataObject) -> None:
    _, file = sealed(size)
    place = data.draw(st.one_of(st.integers(0, 250), st.integers(0, len(file) - 1)))
    changed = file[:place] + bytes([file[place] ^ 1 << data.draw(st.integers(0, 7))]) + file[place + 1 :]
    refused(lambda: whole(opened(changed)))


@given(st.sampled_from((0, 17, CHUNK, 2 * CHUNK + 9)), st.data())
def test_a_cut_shows_before_the_first_byte(size: int, data: st.DataObject) -> None:
    _, file = sealed(size)
    header = file.index(b"\n---") + 48
    ends = st.one_of(st.integers(0, len(file) - 1), st.sampled_from([header + 16 + n * (CHUNK + 16) for n in range(3)]))
    refused(lambda: opened(file[: min(data.draw(ends), len(file) - 1)]))


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 0, 2), (0, 2), (0, 1, 2, 2)])
def test_chunks_moved_doubled_or_taken_out(order: tuple[int, ...]) -> None:
    _, file = sealed(5 * CHUNK + 7)
    start, step = len(file) - (5 * (CHUNK + 16) + 7 + 16), CHUNK + 16
    chunks = [file[start + n * step : start + (n + 1) * step] for n in range(6)]
    moved = file[:start] + b"".join(chunks[n] for n in order) + chunks[5]
    refused(lambda: whole(opened(moved)))


def test_for_another_key() -> None:
    refused(lambda: opened(sealed(17)[1], Identity.generate()))


@given(st.binary(max_size=300))
def test_anything_else(raw: bytes) -> None:
    refused(lambda: opened(raw))
    refused(lambda: opened(b"age-encryption.org/v1\n-> X25519 " + raw))


def refused(read: Callable[[], object]) -> None:
    with pytest.raises(PermanentError) as caught:
        read()
    assert caught.value.code == "casefile.tampered"


def test_the_written_form_of_both_halves() -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.from_private_bytes(key_bytes(str(IDENTITY)))
    assert private.public_key().public_bytes_raw() == key_bytes(str(IDENTITY.to_public()))


def test_of_a_case(tmp_path: Path) -> None:
    case = CaseStore(str(tmp_path), bytes(32)).create("dsr-anywhere")
    with case.writer("package") as file:
        for n in range(3000):
            file.write(n.to_bytes(1000, "big"))
    with case.anywhere("package") as read:
        assert read.size == 3_000_000
        assert b"".join(read.read(2_999_000, 3_000_000)) == (2999).to_bytes(1000, "big")
    with pytest.raises(PermanentError, match=r"case\.absent"), case.anywhere("nothing"):
        pass
    with (
        pytest.raises(PermanentError, match=r"key\.absent"),
        CaseStore(str(tmp_path)).open(case.case_id).anywhere("package"),
    ):
        pass


def test_the_end_of_a_long_file_is_near(tmp_path: Path) -> None:
    """Only the chunks asked for are fetched, so that going on costs what is left and not what was had."""
    fetched: list[int] = []

    class Counting(io.BytesIO):
        def size(self) -> int:
            return len(self.getvalue())

        def read_at(self, nbytes: int, offset: int) -> bytes:
            fetched.append(nbytes)
            self.seek(offset)
            return self.read(nbytes)

    plain, file = sealed(64 * CHUNK)
    tail = b"".join(AgeFile(Counting(file), IDENTITY).read(len(plain) - 10, len(plain)))
    assert tail == plain[-10:]
    assert sum(fetched) < 4 * CHUNK
