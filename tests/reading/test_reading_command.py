"""The command line, and what is needed to run it."""

import subprocess
import sys
from pathlib import Path

import pytest
from made_up_packages import LEDGER, PUBLIC_KEY, source, written
from made_up_sources import NOTE

import dsr
from dsr.casefile import CaseFile
from dsr.reading.__main__ import main


def test_the_summary(case: CaseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Datasets, numbers, how it was verified and what is missing; nothing personal."""
    path, key = written(case, tmp_path, source(), unconnected=["webinars"]), tmp_path / "minisign.pub"
    key.write_text(PUBLIC_KEY)
    assert main([str(path), "--public-key", str(key)]) == 0
    said = capsys.readouterr().out
    assert "signature and all hashes are right" in said
    assert "NO, missing: webinars" in said
    assert f"{LEDGER}        2  salesforce" in said
    assert NOTE in said
    assert not any(text in said for text in ("Åsa", "kvarn", "4670"))
    assert main([str(path)]) == 0
    assert "WHO MADE IT IS NOT KNOWN" in capsys.readouterr().out


def test_what_is_wrong(case: CaseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, in words, with an exit code."""
    path = written(case, tmp_path, source())
    path.write_bytes(path.read_bytes()[:-5])
    assert main([str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("NOT VERIFIED (hash.mismatch). received.zip: the file is not the one")
    assert main([str(tmp_path / "nowhere")]) == 1
    assert main([str(path), "--password-file", str(tmp_path / "nowhere")]) == 1
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2


def test_importing_dsr_is_cheap() -> None:
    """Neither pandas nor pyarrow come with it, and reading needs pandas only for frames."""
    script = (
        "import sys, dsr; assert not {'pandas', 'pyarrow', 'dsr.reading'} & sys.modules.keys(); "
        "dsr.read_package; assert not {'pandas', 'pyzipper', 'airflow'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError):
        dsr.nothing  # noqa: B018


def test_without_the_extra(case: CaseFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verifying works; frames say what to install."""
    path = written(case, tmp_path, source())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with dsr.read_package(path) as contents, pytest.raises(ImportError, match=r"pip install dsr\[analysis\]"):
        _ = contents.frames[LEDGER]


def test_limits(case: CaseFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each by an option."""
    path = str(written(case, tmp_path, source()))
    for option, code in (("--most-files=3", "limit.files"), ("--most-bytes=1000", "limit.bytes"),
                         ("--most-json-bytes=10", "limit.bytes")):  # fmt: skip
        assert main([path, option]) == 1
        assert f"NOT VERIFIED ({code})" in capsys.readouterr().err
    assert main([path, "--most-ratio=5"]) == 0  # of large packages only
