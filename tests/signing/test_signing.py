"""Signatures of packages: two other implementations of minisign accept them, and nothing that was changed passes."""

import base64
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import minisign
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.__main__ import main
from dsr.errors import PermanentError
from dsr.setting_values import SettingError
from dsr.settings import Settings, subkey
from dsr.signing import Signer, published, trusted_comment, verify

SEED = bytes(range(32, 64))
MASTER = bytes(range(32))
SETTINGS = Settings(case_store="", ledger_url="", master_key=MASTER)
COMMENT = trusted_comment("dsr-abc", "zip", "ab" * 32, datetime(2026, 1, 2, 3, 4, 5, 6, timezone(timedelta(hours=1))))


def signed(content: bytes, comment: str = COMMENT, seed: bytes = SEED) -> str:
    return Signer(seed).sign(hashlib.blake2b(content).digest(), comment)


def pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@given(st.binary(max_size=20_000))
def test_py_minisign_accepts(content: bytes) -> None:
    signature = minisign.Signature.from_bytes(signed(content).encode())
    key = minisign.PublicKey.from_bytes(Signer(SEED).public_key.encode())
    key.verify(content, signature)
    assert signature.is_prehashed()
    assert signature.trusted_comment == COMMENT
    assert verify(Signer(SEED).public_key, signed(content), pieces(content)) == COMMENT


@given(st.binary(max_size=5000))
def test_what_py_minisign_signs_is_accepted(content: bytes) -> None:
    pair = minisign.KeyPair.generate()
    signature = bytes(pair.secret_key.sign(content, trusted_comment="theirs")).decode()
    assert verify(bytes(pair.public_key).decode(), signature, [content]) == "theirs"
    assert verify(pair.public_key.to_base64().decode(), signature, [content]) == "theirs"


@pytest.mark.skipif(shutil.which("minisign") is None, reason="no minisign program here")
def test_the_program_accepts(tmp_path: Path) -> None:
    """With the key file that the page publishes, former keys in it, and with the key on the command line."""
    content, settings = b"package" * 100_000, replace(SETTINGS, signing_key=SEED)
    former = Signer(MASTER).public_key.splitlines()[1]
    (tmp_path / "a.zip").write_bytes(content)
    (tmp_path / "a.zip.minisig").write_text(signed(content))
    (tmp_path / "signing-key.pub").write_text(published(replace(settings, former_public_keys=(former,))))
    key = Signer(SEED).public_key.splitlines()[1]
    for given_key in (["-p", "signing-key.pub"], ["-P", key]):
        done = _run(tmp_path, "minisign", "-V", "-m", "a.zip", *given_key)
        assert (done.returncode, COMMENT in done.stdout) == (0, True), done.stderr
    assert Signer(SEED).public_key.splitlines()[0].rpartition(" ")[2] in signed(content)
    (tmp_path / "a.zip").write_bytes(content[:-1] + b"!")
    assert _run(tmp_path, "minisign", "-V", "-m", "a.zip", "-P", key).returncode != 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program here")
def test_openssl_accepts(tmp_path: Path) -> None:
    """For those who have nothing else: the signature and the key taken out of their lines."""
    content = b"package"
    (tmp_path / "hash").write_bytes(hashlib.blake2b(content).digest())
    (tmp_path / "sig").write_bytes(base64.b64decode(signed(content).splitlines()[1])[10:])
    raw = base64.b64decode(Signer(SEED).public_key.splitlines()[1])[10:]
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + raw)
    done = _run(tmp_path, "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER",
                "-rawin", "-in", "hash", "-sigfile", "sig")  # fmt: skip
    assert done.returncode == 0, done.stderr


@given(st.binary(min_size=1, max_size=300), st.data())
def test_any_other_byte_is_found_out(content: bytes, data: st.DataObject) -> None:
    place, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(content)
    changed[place] ^= 1 << bit
    for other in (bytes(changed), content + b"\0", content[:-1]):
        assert _wrong(signed(content), other)


@given(st.data())
def test_a_changed_signature_is_found_out(data: st.DataObject) -> None:
    text = signed(b"content")
    start = text.index("\n") + 1  # the first line is the untrusted comment
    place = data.draw(st.integers(start, len(text) - 2))
    letter = data.draw(st.characters(exclude_categories=["Cs"]))
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text and changed.split() != text.split() and not _same_base64(changed, text):
        assert _wrong(changed, b"content")


@pytest.mark.parametrize("text", ["", "\n\n\n\n", "a\nb\nc\nd\n", signed(b"x", seed=MASTER), signed(b"x")[:-10]])
def test_what_is_no_signature_of_ours(text: str) -> None:
    assert _wrong(text, b"x")


def test_the_form_that_is_not_prehashed_is_refused() -> None:
    pair = minisign.KeyPair.generate()
    signature = bytes(pair.secret_key.sign(b"x", prehash=False)).decode()
    with pytest.raises(PermanentError, match=r"signature\.wrong"):
        verify(bytes(pair.public_key).decode(), signature, [b"x"])


def test_the_comment_says_what_was_signed() -> None:
    expected = f"request:dsr-abc file:dsr-abc.zip sha256:{'ab' * 32} made:2026-01-02T02:04:05Z"
    assert expected == COMMENT


def test_the_same_file_gives_the_same_signature() -> None:
    assert signed(b"x") == signed(b"x")


@pytest.mark.parametrize("comment", ["a\nb", "a\u2028b", "a\rtrusted comment: b"])
def test_a_comment_is_one_line(comment: str) -> None:
    with pytest.raises(PermanentError, match=r"signature\.input"):
        signed(b"x", comment)
    with pytest.raises(PermanentError, match=r"signature\.input"):
        Signer(SEED).sign(b"not a hash", "comment")


def test_the_key_comes_from_the_setting_or_from_the_master_key() -> None:
    own = Signer.from_settings(replace(SETTINGS, signing_key=SEED)).public_key
    assert own == Signer(SEED).public_key
    assert Signer.from_settings(SETTINGS).public_key == Signer(subkey(MASTER, "signing")).public_key != own


def test_after_a_change_of_keys_old_signatures_can_be_checked() -> None:
    former = Signer(MASTER).public_key.splitlines()[1]
    keys = published(replace(SETTINGS, signing_key=SEED, former_public_keys=(former,)))
    assert keys.startswith(Signer(SEED).public_key)
    assert verify(keys, signed(b"new"), [b"new"])
    assert verify(keys, signed(b"old", seed=MASTER), [b"old"])


@pytest.mark.parametrize("bad", ["RWx", "untrusted comment: x", signed(b"x").splitlines()[1]])
def test_a_former_key_that_is_none(bad: str) -> None:
    with pytest.raises(SettingError, match="DSR_FORMER_PUBLIC_KEYS"):
        published(replace(SETTINGS, former_public_keys=(bad,)))


def test_settings_from_the_environment() -> None:
    env = {"DSR_SIGNING_KEY": base64.urlsafe_b64encode(SEED).decode(), "DSR_PACKAGE_ENCRYPTION": "ZIP",
           "DSR_FORMER_PUBLIC_KEYS": " RWa , ,RWb"}  # fmt: skip
    settings = Settings.from_environment(env, need=())
    assert (settings.signing_key, settings.package_encryption) == (SEED, "zip")
    assert settings.former_public_keys == ("RWa", "RWb")
    assert repr(SEED) not in repr(settings)
    absent = Settings.from_environment({}, need=())
    assert (absent.signing_key, absent.package_encryption, absent.former_public_keys) == (None, "none", ())
    for name, value in {"DSR_SIGNING_KEY": "secretsecret", "DSR_PACKAGE_ENCRYPTION": "age"}.items():
        with pytest.raises(SettingError, match=name) as raised:
            Settings.from_environment({name: value}, need=())
        assert "secretsecret" not in str(raised.value)


def _wrong(text: str, content: bytes) -> bool:
    with pytest.raises(PermanentError, match=r"signature\.wrong"):
        verify(Signer(SEED).public_key, text, [content])
    return True


def _same_base64(one: str, other: str) -> bool:
    """The last bits of a base64 text mean nothing."""
    first, second = one.splitlines(), other.splitlines()
    if len(first) != 4 or first[2] != second[2]:
        return False
    try:
        return all(base64.b64decode(first[n], validate=True) == base64.b64decode(second[n]) for n in (1, 3))
    except ValueError:
        return False


def _run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_prints_the_keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(MASTER).decode())
    monkeypatch.delenv("DSR_SIGNING_KEY", raising=False)
    assert main(["signing-key"]) == 0
    printed = capsys.readouterr()
    assert printed.out == published(SETTINGS)
    assert base64.b64encode(subkey(MASTER, "signing")).decode() not in printed.out + printed.err
    # What it says to do works: the new key is taken, and old signatures still pass.
    command = printed.err.splitlines()[-1].split("python -c ")[1].strip().strip('"')
    new = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout
    monkeypatch.setenv("DSR_SIGNING_KEY", new)
    monkeypatch.setenv("DSR_FORMER_PUBLIC_KEYS", printed.out.splitlines()[1])
    assert main(["signing-key"]) == 0
    old = Signer.from_settings(SETTINGS).sign(hashlib.blake2b(b"old").digest(), "c")
    assert verify(capsys.readouterr().out, old, [b"old"]) == "c"
