"""Signed and encrypted packages, with the right key and with others."""

from pathlib import Path

import pytest
from made_up_packages import LEDGER, PUBLIC_KEY, source, written
from made_up_sources import request
from pyrage.x25519 import Identity

import dsr
from dsr.casefile import CaseFile
from dsr.reading import PackageError
from dsr.signing import Signer


def code(path: Path, **more: object) -> str:
    """Why it is refused."""
    with pytest.raises(PackageError) as caught:
        dsr.read_package(path, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_signatures(case: CaseFile, tmp_path: Path) -> None:
    """Key and signature as text or as paths; another key, another file, no signature."""
    path = written(case, tmp_path, source())
    key, signature = tmp_path / "minisign.pub", Path(f"{path}.minisig")
    key.write_text(PUBLIC_KEY)
    bare = PUBLIC_KEY.splitlines()[1]
    for public_key in (PUBLIC_KEY, bare, key, str(key)):
        for given in (None, signature, str(signature), signature.read_text()):
            with dsr.read_package(path, public_key=public_key, signature=given) as contents:
                assert contents.verified == "signed"
                assert contents.request_id in contents.signed_says
    other = Signer(bytes(range(32))).public_key
    assert code(path, public_key=other) == "signature.wrong"
    assert code(path, public_key=PUBLIC_KEY, signature="untrusted comment: x\nabc\n") == "signature.wrong"
    assert code(path, public_key=tmp_path / "nowhere.pub") == "signature.unreadable"
    path.write_bytes(path.read_bytes() + b"\0")
    assert code(path, public_key=PUBLIC_KEY) == "signature.wrong"
    signature.unlink()
    assert code(path, public_key=PUBLIC_KEY) == "signature.missing"


def test_a_zip_with_a_password(case: CaseFile, tmp_path: Path) -> None:
    """Opens with its password, signed as it is; not with another, not without."""
    case.write_json("request", {**request(), "package": {"encryption": "zip"}})
    path = written(case, tmp_path, source())
    password = case.read_json("package.password")
    with dsr.read_package(path, password=password, public_key=PUBLIC_KEY) as contents:
        assert contents.verified == "signed"
        assert len(contents.frames[LEDGER]) == 2
        with contents.open(contents.attachments[0]) as stream:
            assert stream.read(4) == b"RIFF"
    assert code(path, password="wrong") == "password.wrong"
    assert code(path) == "password.missing"


def test_a_package_to_an_age_key(case: CaseFile, tmp_path: Path) -> None:
    """With the identity as text or as a file; not with another, not without, not when it is damaged."""
    identity = Identity.generate()
    sealed = {"encryption": "age", "age_recipient": str(identity.to_public())}
    case.write_json("request", {**request(), "package": sealed})
    path = written(case, tmp_path, source())
    assert path.name.endswith(".zip.age")
    keys = tmp_path / "keys.txt"
    keys.write_text(f"# created today\n{Identity.generate()}\n{identity}\n")
    for given in (str(identity), keys, str(keys)):
        with dsr.read_package(path, age_identity=given, public_key=PUBLIC_KEY) as contents:
            assert contents.verified == "signed"
            assert len(contents.frames[LEDGER]) == 2
    assert code(path) == "identity.missing"
    assert code(path, age_identity=str(Identity.generate())) == "identity.wrong"
    assert code(path, age_identity="AGE-SECRET-KEY-1QQ") == "identity.invalid"
    assert code(path, age_identity=tmp_path / "nowhere") == "identity.invalid"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    Path(f"{path}.sha256").unlink()
    assert code(path, age_identity=str(identity)) == "identity.wrong"
