"""`python -m dsr sources`: what the source systems are and hold; `check`: whether they let us in, and what they hold
that nobody has declared."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from dsr import database
from dsr.checks import NOT_CONNECTED, Check, Checks
from dsr.connections import from_environment
from dsr.errors import DsrError
from dsr.settings import Settings
from dsr.source import Declaration, Source
from dsr.steps.check_source import check_source

Kinds = Callable[[], Mapping[str, type[Source]]]
_DONE: Final = 0
_FAILED: Final = 1
_CHECK: Final = """Looks at the systems whose connections are in the environment (AIRFLOW_CONN_DSR_…, as Airflow reads
them), by a few calls that read nobody's data; of the others, and without any, it shows the last look that Airflow took
(dsr_sources). 1 when one of them fails or holds something new that nobody has declared."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", kinds: Kinds) -> None:
    """Adds the command; `kinds`: the source classes by name."""
    text = "list the source systems, what they hold, and the Airflow connection that each needs"
    parser = commands.add_parser("sources", help=text, description=text)
    parser.set_defaults(command=lambda _: _list(kinds()))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    text = "look whether they let us in, and whether they hold what nobody has declared"
    check = actions.add_parser("check", help=text, description=_CHECK)
    check.add_argument("--json", action="store_true", help="one JSON object, for programs")
    check.set_defaults(command=lambda args: _check(kinds(), as_json=args.json))


def _list(kinds: Mapping[str, type[Source]]) -> int:
    for kind in kinds.values():
        declaration = kind.declaration
        _say(f"{declaration.name}: {declaration.title} ({declaration.role})")
        _say(f"  connection {declaration.connection_id}, type {declaration.connection_type}")
        for field, meaning in declaration.connection_fields.items():
            _say(f"    {field}: {meaning}")
        _say(f"  found by {', '.join(declaration.finds_by)}{' through the index' if declaration.indexed else ''}")
        for dataset in declaration.datasets:
            _say(f"  - {dataset.name}: {dataset.title} [{dataset.category}]")
        for exclusion in declaration.exclusions:
            _say(f"  not read: {exclusion.what}: {exclusion.reason}")
        _say()
    return _DONE


def _check(kinds: Mapping[str, type[Source]], *, as_json: bool) -> int:
    checks = Checks(database.connect(Settings.from_environment(need=("ledger_url",)).ledger_url))
    for kind in kinds.values():
        _look(kind, checks)
    last = checks.last()
    if as_json:
        _say(json.dumps({"sources": [_as_json(kind.declaration, last) for kind in kinds.values()]}, indent=1))
    else:
        _print(kinds, last)
    wrong = [check for check in last.values() if check.fresh or check.code not in ("", NOT_CONNECTED)]
    return _FAILED if wrong else _DONE


def _look(kind: type[Source], checks: Checks) -> None:
    """If there is a connection in the environment. What went wrong is noted, and shown with the others."""
    name, at = kind.declaration.name, datetime.now(UTC)
    try:
        connection = from_environment(kind.declaration.connection_id, os.environ)
        client = kind.connect(connection) if connection else None
    except DsrError as error:
        checks.note(Check(name, at, error.code))
        return
    if client is not None:
        try:
            check_source(name, client, checks, at)
        except DsrError as error:
            sys.stderr.write(f"dsr: {error}\n")


def _as_json(declaration: Declaration, last: Mapping[str, Check]) -> Mapping[str, object]:
    """`at` null = never looked at."""
    check = last.get(declaration.name)
    return check.as_json() if check else {"source": declaration.name, "at": None}


def _print(kinds: Mapping[str, type[Source]], last: Mapping[str, Check]) -> None:
    row = "{:<12}  {:<16}  {:<28}  {:>10}  {}"
    _say(row.format("source", "looked at (UTC)", "stands", "undeclared", "calls left"))
    for name in kinds:
        check = last.get(name)
        if check is None:
            _say(row.format(name, "never", "", "", "").rstrip())
            continue
        left = f"{check.calls_left} of {check.calls_a_day}" if check.calls_left is not None else ""
        shown = check.code or "connected"
        _say(row.format(name, f"{check.at:%Y-%m-%d %H:%M}", shown, len(check.undeclared), left).rstrip())
        for undeclared in check.undeclared:
            _say(f"  {'new: ' if undeclared in check.fresh else ''}{undeclared}")


def _say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
