"""Every command of docs/security.md is run as it stands there, by what a person who checks us would have at hand."""

import base64
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import operations
import pytest
from served import served
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dsr import __main__ as commands
from dsr import database
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey
from dsr.signing import Signer, published, trusted_comment

BY_PROGRAMS, BY_HAND = operations.blocks("What is signed", operations.SECURITY)
(ANCHORED,) = operations.blocks("The ledger, noted outside", operations.SECURITY)
INLINE = re.compile(r"`(python -m dsr [^`]+)`")
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NAME = "dsr-0123456789abcdef.zip"
SETTINGS = Settings(case_store="", ledger_url="", master_key=bytes(32), signing_key=bytes(range(32)))
MINISIGN = f"""#!{sys.executable}
import sys
import minisign
options = dict(zip(sys.argv[2::2], sys.argv[3::2]))
key = minisign.PublicKey.from_bytes(b"\\n".join(open(options["-p"], "rb").read().splitlines()[:2]))
key.verify_file(options["-m"], minisign.Signature.from_file(options["-m"] + ".minisig"))
"""
"""Another implementation of minisign, where the program isn't installed."""


def test_every_block_is_run_here() -> None:
    found = operations.blocks(text=operations.SECURITY)
    assert found == [BY_PROGRAMS, BY_HAND, ANCHORED]
    assert len(found) == operations.SECURITY.count("```") / 2


@pytest.mark.parametrize("line", sorted(set(INLINE.findall(operations.SECURITY))))
def test_what_is_named_in_passing_is_a_command(line: str) -> None:
    args = commands._parser().parse_args(shlex.split(line)[3:])
    assert callable(args.command)


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str], int]:
    """Runs a block in an empty folder, every line of it; how it ended."""
    programs = tmp_path / "bin"
    programs.mkdir()
    if shutil.which("minisign") is None:
        (programs / "minisign").write_text(MINISIGN)
        (programs / "minisign").chmod(0o755)

    def run(block: str) -> int:
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        paths = {"PATH": path, "PYTHONPATH": str(operations.ROOT)}
        commands_ = ["bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(commands_, cwd=tmp_path, env={**os.environ, **paths}, capture_output=True)
        sys.stderr.write(done.stderr.decode())
        return done.returncode

    return run


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """What a person has downloaded: package, signature, checksum."""
    path, content = tmp_path / NAME, os.urandom(300_000)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    comment = trusted_comment("dsr-0123456789abcdef", "zip", digest, AT)
    signature = Signer(SETTINGS.signing_key).sign(hashlib.blake2b(content).digest(), comment)
    Path(f"{path}.minisig").write_text(signature)
    Path(f"{path}.sha256").write_text(f"{digest}  {NAME}\n")
    return path


def published_key() -> str:
    former = Signer(bytes(range(32, 64))).public_key.splitlines()[1]
    return published(replace(SETTINGS, former_public_keys=(former,)))


def changed(package: Path) -> None:
    content = bytearray(package.read_bytes())
    content[1000] ^= 1
    package.write_bytes(bytes(content))


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl program here")
def test_a_package_is_checked_by_programs(shell: Callable[[str], int], package: Path) -> None:
    async def key(_: object) -> PlainTextResponse:
        return PlainTextResponse(published_key())

    with served(Starlette(routes=[Route("/signing-key.pub", key)])) as url:
        block = BY_PROGRAMS.replace("https://<portal>", url).replace("dsr-….zip", NAME)
        assert shell(block) == 0
        changed(package)
        assert shell(block) != 0
        for line in block.splitlines()[1:]:
            assert shell(line) != 0, line


@pytest.mark.skipif(shutil.which("xxd") is None, reason="no xxd program here")
def test_a_package_is_checked_by_hand(shell: Callable[[str], int], package: Path) -> None:
    """With the key in use the first of two that are published: `sed -n 2p`."""
    (package.parent / "signing-key.pub").write_text(published_key())
    block = BY_HAND.replace("dsr-….zip", NAME)
    assert shell(block) == 0
    changed(package)
    assert shell(block) != 0


def test_the_ledger_is_noted_and_compared(
    shell: Callable[[str], int], new_ledger: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_ledger()
    monkeypatch.setenv("DSR_LEDGER_URL", url)
    monkeypatch.setenv("DSR_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    ledger = Ledger(database.connect(url), subkey(bytes(32), "ledger"))
    for number in range(2):
        ledger.append(f"dsr-noted-{number:08}", "run_started", at=AT)
        assert shell(ANCHORED) == 0
    assert len((tmp_path / "anchors.txt").read_text().splitlines()) == 2
    monkeypatch.setenv("DSR_LEDGER_URL", new_ledger())  # one in which all of that never happened
    assert shell(ANCHORED.splitlines()[1]) != 0
