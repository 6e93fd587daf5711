"""`python -m dsr register …` as an officer meets it: words, places and exit codes; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsr.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, what was printed, what was said on standard error."""
    code = main(["register", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DSR_")]:
        monkeypatch.delenv(name)


def test_the_example_is_not_in_order_until_a_person_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check")
    assert code == 1
    assert "the shipped example" in out
    assert "\ncrm\n  - Not confirmed: nobody has said that it describes what is done." in out
    assert out.endswith("8 to settle, in 8 rows or files.\n")


def test_from_copy_to_confirmed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = str(tmp_path / "mine")
    assert run(capsys, "copy", mine)[0] == 0
    assert run(capsys, "copy", mine)[0] == 1
    monkeypatch.setenv("DSR_REGISTER", mine)
    for row in ("crm", "sales", "support", "events", "marketing", "marketing_profiling", "invoicing"):
        assert run(capsys, "confirm", row, "--by", "dpo")[0] == 0
    code, out, _ = run(capsys, "check")
    assert (code, out.count("  - ")) == (1, 1)
    assert run(capsys, "confirm", "calls", "--by", "dpo", "--folder", mine)[0] == 0
    code, out, _ = run(capsys, "check", "--folder", mine)
    assert (code, out) == (0, f"Register: {mine}\nNothing is missing.\n")


def test_the_shipped_example_is_not_confirmed_by_accident(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "confirm", "crm", "--by", "dpo")
    assert code == 1
    assert "Copy it first" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("confirm", "nobody", "--by", "dpo"), "nobody: row.absent (the rows are calls, crm,"),
        (("confirm", "crm", "--by", "a: b"), "confirm.by (state a role or an id"),
    ],
)
def test_refusals_say_why(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(capsys, *arguments, "--folder", str(folder))
    assert code == 1
    assert said in err


def test_a_broken_file_is_told_in_words(folder: Path) -> None:
    (folder / "activities" / "crm.yaml").write_text("id: [crm\npurposes: x\n", encoding="utf-8")
    (folder / "activities" / "sales.yaml").write_text("- a\n- b\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("DSR_")}
    command = [sys.executable, "-m", "dsr", "register", "check", "--folder", str(folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "activities/crm.yaml is not valid YAML: line 2, column 9: " in done.stdout
    assert "activities/sales.yaml at the top: must be `name: value` lines." in done.stdout
