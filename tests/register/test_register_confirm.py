"""A confirmation is a person's, keeps the officer's text, and ends with the next edit."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import PermanentError
from dsr.register import Register
from dsr.register.confirming import confirm, copy
from dsr.register.yamltext import end, parse, top_level
from dsr.source import Declaration

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Edit = Callable[[str, str, str], None]


def test_confirming_settles_the_row_and_leaves_its_text_alone(folder: Path) -> None:
    path = folder / "activities" / "crm.yaml"
    before = path.read_text(encoding="utf-8")
    assert confirm(folder, "crm", "dpo", AT) == path
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before.rstrip("\n"))
    register = Register.load(folder)
    confirmed = register.activity("crm").confirmed
    assert confirmed is not None
    assert (confirmed.by, confirmed.at) == ("dpo", "2026-11-22T12:00:00Z")
    assert register.unsettled(["crm", "calls", "crm"]) == register.unsettled(["calls"])
    assert register.unsettled(["calls"])[0].confirmed is False


def test_all_confirmed_is_all_settled(folder: Path, declarations: list[Declaration]) -> None:
    for row in Register.load(folder).activities:
        confirm(folder, row, "data protection officer", AT)
    register = Register.load(folder)
    assert register.problems(declarations) == ()
    assert register.unsettled(register.activities) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "undone"),
    [
        ("activities/crm.yaml", "duration: P2Y", "duration: P3Y", True),
        ("activities/crm.yaml", "Två år efter", "Tre år efter", True),
        ("recipients.yaml", "country: US", "country: CA", True),
        ("recipients.yaml", "country: SE", "country: NO", False),
        ("activities/crm.yaml", "# What it is done for", "# What it's done for", False),
        ("activities/sales.yaml", "duration: P2Y", "duration: P3Y", False),
    ],
)
def test_an_edit_undoes_it_when_it_changes_what_was_confirmed(
    folder: Path, declarations: list[Declaration], edit: Edit, name: str, old: str, new: str, undone: bool
) -> None:
    confirm(folder, "crm", "dpo", AT)
    edit(name, old, new)
    register = Register.load(folder)
    assert (register.activity("crm").confirmed is None) is undone
    codes = {problem.code: problem.words for problem in register.problems(declarations) if problem.row == "crm"}
    assert set(codes) == ({"confirmation.stale"} if undone else set())
    if undone:
        assert "Changed since dpo confirmed it on 2026-11-22" in codes["confirmation.stale"]
        confirm(folder, "crm", "deputy", AT)
        assert Register.load(folder).activity("crm").confirmed is not None


def test_a_blank_row_is_refused_and_left_as_it_is(folder: Path, edit: Edit) -> None:
    edit("activities/crm.yaml", "exists: false", "exists:")
    before = (folder / "activities" / "crm.yaml").read_bytes()
    with pytest.raises(PermanentError, match=r"crm: row\.blank \(blank or only half filled: automated_decisions\)"):
        confirm(folder, "crm", "dpo", AT)
    assert (folder / "activities" / "crm.yaml").read_bytes() == before


@pytest.mark.parametrize("by", ["", " ", "dpo\nid: x", "a" * 90, 'dpo"', "dpo}", "#"])
def test_who_confirms_is_a_role_or_an_id(folder: Path, by: str) -> None:
    with pytest.raises(PermanentError, match=r"confirm\.by"):
        confirm(folder, "crm", by, AT)


@pytest.mark.parametrize(
    "last",
    [
        "confirmed:  # by hand\n\n# the end\n",
        "confirmed: ~ # by hand\n# the end\n",
        "confirmed:\n  by: old  # by hand\n  at: '2020-01-01T00:00:00Z'\n  sha256: " + "0" * 64 + "\n\n# the end\n",
        "# by hand\n# the end",
        "confirmed: {by: x, at: '2020-01-01T00:00:00Z', sha256: '" + "0" * 64 + "'}   # by hand\n# the end",
        'confirmed: null  # by hand\n# the end\nid: "calls"\n',
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_whatever_way_the_officer_writes_it(folder: Path, last: str, newline: str) -> None:
    path = folder / "activities" / "calls.yaml"
    text = path.read_text(encoding="utf-8").removesuffix("confirmed:\n")
    if last.endswith('"calls"\n'):
        text = text.replace("id: calls\n", "")
    path.write_bytes((text + last).replace("\n", newline).encode())
    confirm(folder, "calls", "dpo", AT)
    after = path.read_bytes().decode()
    assert Register.load(folder).activity("calls").confirmed is not None
    assert after.count("confirmed:") == 1
    assert "# the end" in after
    assert ("# by hand" in after) or "by: old" in last
    assert after.startswith(text.replace("\n", newline))
    assert after.count("\r\n") == (after.count("\n") if newline == "\r\n" else 0)


def test_copying_needs_an_empty_folder(tmp_path: Path) -> None:
    assert copy(tmp_path) > 10
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".yaml", ".csv", ".txt"}
    with pytest.raises(PermanentError, match="must be new or empty"):
        copy(tmp_path)


def test_a_folder_that_can_t_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(PermanentError, match=r"folder\.unwritable"):
        copy(tmp_path / "file" / "mine")


@given(st.text(alphabet="NOonyes1234567890:.-truefalsTF_", min_size=1, max_size=12))
def test_plain_words_stay_text(text: str) -> None:
    """`NO`, `yes`, `1:20` and `2022-11-04` read as they look; `null` is blank."""
    line = f"key: {text}\n"
    if ": " in text or text.startswith(("-", ":")) or text.endswith(":"):
        return
    value = parse(line)["key"]
    assert value == {"true": True, "false": False, "null": None}.get(text, text)


def test_the_end_of_a_block_is_before_the_comments_that_follow_it() -> None:
    text = "a:\n  b: 1\n  c:\n    - 2\n\n# tail\nd: 3\n"
    _, node = top_level(text).value[0]
    assert text[: end(node)] == "a:\n  b: 1\n  c:\n    - 2"
