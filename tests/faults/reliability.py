"""Writes docs/reliability.md from what the tests expect: `python tests/faults/reliability.py`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

from matrix import ELSEWHERE, EXPECTED, NOT_THERE, TITLES
from wrongs import WRONGS

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "docs" / "reliability.md"
_CELLS: Final = "tests/faults/test_cells.py"
_HEAD: Final = """# What happens when something fails
Made from the tests by `python tests/faults/reliability.py`; a test fails when this page says something else than they.

A task that fails says by a code whether trying again helps. *Again*: Airflow tries it again, with growing pauses or
after the time that the other side asked for, and after the last time a person decides. *Stop*: a person decides at
once; the code says what to put right. An answer for a ticket waits in the outbox meanwhile and holds nobody up.
Whichever it is, the tests then let the same call through: it is done, once, with nothing lost, nothing left in
temporary files, and no word of a person in the error.

## Calls to other systems
| What goes wrong | Where | What happens |
|---|---|---|
"""
_TAIL: Final = """
Each cell is one test: `{cells}::test_it[<what>-<where>]`. Not there:

| What | Where | Why |
|---|---|---|
"""
_REST: Final = """
## All else
| What goes wrong | What happens | Test |
|---|---|---|
"""


def said(outcome: str) -> str:
    """An expected outcome in words."""
    word, _, code = outcome.partition(": ")
    code, _, wait = code.partition(" after ")
    if word == "done":
        return "done within the same call"
    words = {"again": "tried again", "stop": "stops for a person", "a person": "waits for a person, the rest goes on"}
    return f"{words[word]}{f' after the {wait} asked for' if wait else ''} (`{code}`)"


def named(keys: Sequence[str]) -> str:
    """Their titles; of a system that is named for reading and for changing, once."""
    found = []
    for key in keys:
        base, _, use = key.rpartition("_")
        title = TITLES[key].partition(",")[0]
        if use == "change" and f"{base}_read" in keys:
            continue
        both = use == "read" and f"{base}_change" in keys
        found.append(title if both else TITLES[key])
    return "; ".join(found)


def rows() -> Iterator[str]:
    """What goes wrong × where it ends alike."""
    for wrong in WRONGS:
        alike: dict[str, list[str]] = {}
        for (key, what), outcome in EXPECTED.items():
            if what == wrong.key:
                alike.setdefault(outcome, []).append(key)
        title = wrong.title
        for outcome, where in alike.items():
            yield f"| {title} | {named(where)} | {said(outcome)} |"
            title = ""


def document() -> str:
    """The whole page."""
    absent = (f"| {w.title} | {named(keys)} | {why} |"
              for w in WRONGS for keys, why in NOT_THERE.get(w.key, ()))  # fmt: skip
    rest = (f"| {what} | {happens} | `{test}` |" for what, happens, test in ELSEWHERE)
    parts = [
        _HEAD,
        "\n".join(rows()),
        "\n",
        _TAIL.format(cells=_CELLS),
        "\n".join(absent),
        "\n",
        _REST,
        "\n".join(rest),
    ]
    return "".join(parts) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
