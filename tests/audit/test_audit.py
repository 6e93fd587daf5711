"""`make audit`: a planted secret is found, what is known isn't told again, a service that can't be asked is named."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import audit

ROOT = audit.ROOT
PLANTED = f'aws_secret = "{"wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzzKEYEXAMP"}"\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with one harmless file and a baseline of it."""
    (tmp_path / "settings.py").write_text('name = "harmless"\n')
    for command in (["init", "-q"], ["add", "settings.py"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    audit.accept(tmp_path, "baseline.json")
    return tmp_path


def test_a_planted_secret_is_found_and_an_accepted_one_is_not_told_again(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.secrets(repository, "baseline.json") == 0
    (repository / "settings.py").write_text(f'name = "harmless"\n{PLANTED}')
    assert audit.secrets(repository, "baseline.json") == 1
    said = capsys.readouterr().out
    assert "settings.py:2" in said
    assert "wJalr" not in said, "it isn't repeated"
    audit.accept(repository, "baseline.json")
    assert "wJalr" not in (repository / "baseline.json").read_text()
    (repository / "settings.py").write_text(f"\n\n{PLANTED}")
    kept = (repository / "baseline.json").read_bytes()
    assert audit.secrets(repository, "baseline.json") == 0
    assert (repository / "baseline.json").read_bytes() == kept


def test_our_own_baseline_names_only_files_that_are_there() -> None:
    named = json.loads((ROOT / audit.BASELINE).read_text())["results"]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_locked_package_is_asked_about() -> None:
    wanted = audit.locked(ROOT / "uv.lock")
    assert len(wanted) > 200
    assert any(one.startswith("apache-airflow==3") for one in wanted)
    assert not any(one.startswith("dsr==") for one in wanted)


def played(monkeypatch: pytest.MonkeyPatch, *answers: list[dict[str, Any]] | None) -> None:
    """pip-audit says these, one after the other; None = it breaks off."""
    left = list(answers)

    def run(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        told = left.pop(0)
        return subprocess.CompletedProcess([], 1, json.dumps({"dependencies": told}) if told is not None else "", "")

    monkeypatch.setattr(subprocess, "run", run)


WEAK = {"name": "urllib3", "version": "1.26.4", "vulns": [{"id": "PYSEC-2021-108"}]}
SOUND = {"name": "httpx", "version": "0.28.1", "vulns": []}
TWICE_WEAK = {**SOUND, "name": "weak", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
SKIPPED = {"name": "urllib3", "skip_reason": "Dependency not found on PyPI and could not be audited: urllib3 (1.26.4)"}


@pytest.mark.parametrize("answer", [None, [SKIPPED], [{**WEAK, "vulns": []}]])
def test_a_service_that_knows_nothing_is_no_good_news(
    answer: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is asked then."""
    played(monkeypatch, answer)
    assert audit.packages("pypi") == 0
    assert "NOT ASKED" in capsys.readouterr().out


def test_a_finding_is_named_and_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    played(monkeypatch, [WEAK], [SOUND, TWICE_WEAK, SKIPPED])
    assert audit.packages("osv") == 1
    said = capsys.readouterr().out
    assert "weak==0.28.1: CVE-1 CVE-2" in said
    assert "2 of " in said
