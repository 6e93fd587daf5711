"""Confirming a row: a person says that it describes what is done. The confirmation is bound to what the row says and
to what its recipients are, so that any later edit undoes it. The row's text and comments stay as they are."""

import json
import os
import re
import tempfile
from datetime import datetime
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from dsr.errors import PermanentError
from dsr.register import files, yamltext
from dsr.register.activity import CONFIRMATION
from dsr.register.register import Register
from dsr.search import stamp

_BY: Final = re.compile(r"[^\W_](?:[\w .@/-]{0,78}[^\W_])?")
_SHIPPED: Final = (".yaml", ".csv", ".txt")


class Refused(PermanentError):
    """A row is not confirmed, or nothing is copied. The text says why, in words."""

    def __init__(self, code: str, place: str, why: str) -> None:
        super().__init__(code, place)
        self.why = why

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.why})"


def confirm(folder: str | Path, row: str, by: str, at: datetime) -> Path:
    """Writes the confirmation into the row's file, which it returns. by: a role or an id, not a text.

    Refused("confirm.by") for a `by` that is none, ("register.invalid", <file>) when the register can't be read,
    ("row.absent", row), ("row.blank", row) when a part is blank, ("row.rewrite", row) when the text can't be edited
    without changing more than the confirmation, ("folder.unwritable", row).
    """
    if not _BY.fullmatch(by):
        raise Refused("confirm.by", "register", "state a role or an id of at most 80 letters, such as dpo")
    found = files.read(files.folder(folder))
    if found.problems:
        raise Refused("register.invalid", found.problems[0].row, found.problems[0].words)
    register = Register.of(found)
    if row not in register.activities:
        raise Refused("row.absent", row, f"the rows are {', '.join(register.activities)}")
    activity = register.activity(row)
    if activity.blank:
        raise Refused("row.blank", row, f"blank or only half filled: {', '.join(activity.blank)}")
    path = Path(folder) / files.row_file(row)
    old = path.read_bytes().decode("utf-8")
    new = _with_confirmation(old, by, stamp(at) or "", activity.sha256)
    before, after = yamltext.parse(old), yamltext.parse(new)
    if {k: v for k, v in before.items() if k != CONFIRMATION} != {k: v for k, v in after.items() if k != CONFIRMATION}:
        why = "write a line `confirmed:` at the end of the file, then try again"
        raise Refused("row.rewrite", row, why)
    try:
        _replace(path, new)
    except OSError:
        raise Refused("folder.unwritable", row, f"{path} can't be written") from None
    return path


def copy(folder: str | Path) -> int:
    """Copies the shipped example into a new or empty folder; the number of files.
    Refused("folder.not_empty") when there is something in it already,
    ("folder.unwritable")."""
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused("folder.not_empty", "register", "the folder must be new or empty")
    source = files.folder(None)
    try:
        return _copy(source, target) + _copy(source.joinpath(files.ACTIVITIES), target / files.ACTIVITIES)
    except OSError:
        raise Refused("folder.unwritable", "register", f"{target} can't be written") from None


def _copy(source: Traversable, target: Path) -> int:
    target.mkdir(parents=True, exist_ok=True)
    found = [file for file in source.iterdir() if file.name.endswith(_SHIPPED)]
    for file in found:
        (target / file.name).write_bytes(file.read_bytes())
    return len(found)


def _with_confirmation(text: str, by: str, at: str, sha256: str) -> str:
    value = f"{{by: {json.dumps(by, ensure_ascii=False)}, at: {json.dumps(at)}, sha256: {json.dumps(sha256)}}}"
    for key, node in yamltext.top_level(text).value:
        if key.value == CONFIRMATION:
            return f"{text[: key.end_mark.index]}: {value}{text[yamltext.end(node) :]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if text.endswith("\n") else newline
    return f"{text}{gap}{CONFIRMATION}: {value}{newline}"


def _replace(path: Path, text: str) -> None:
    """All or nothing: a crash leaves the old file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        os.chmod(name, path.stat().st_mode & 0o777)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
