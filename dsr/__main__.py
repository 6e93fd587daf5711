"""`python -m dsr`: the download page, the database, the register of processing, and a look at what there is. Settings
come from DSR_… variables."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dsr import (
    database,
    doubt_command,
    erased_command,
    holds_command,
    keys_command,
    list_command,
    metrics_command,
    requests_command,
    retained_command,
    sources_command,
    store_command,
    tickets_command,
)
from dsr.errors import DsrError
from dsr.overview import Overview
from dsr.settings import Settings
from dsr.source import Source

_DONE: Final = 0
_FAILED: Final = 1
_LETTERS: Final = "All that persons, recipients and officers are told."
_REGISTER: Final = "The register of processing (Art. 30): purposes, legal bases, recipients, storage periods."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it held, 1 when not, with the reason on standard error."""
    args = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except DsrError as error:
        print(f"dsr: {error}", file=sys.stderr)
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dsr", description=__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    portal = commands.add_parser("portal", help="serve the download page", description="Serve the download page.")
    portal.add_argument("--port", type=int, default=8088, help="port to listen on (default 8088)")
    portal.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    portal.set_defaults(command=_portal)
    db = commands.add_parser("db", help="the ledger's database", description="The ledger's database.")
    actions = db.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "bring the tables to the newest form; safe to run again, and by several at once"
    actions.add_parser("upgrade", help=text, description=text).set_defaults(command=_upgrade)
    requests_command.add_parsers(commands, _kinds)
    _register_parser(commands)
    holds_command.add_parser(commands, _datasets)
    doubt_command.add_parser(commands)
    letters = commands.add_parser("letters", help="what persons and recipients are told", description=_LETTERS)
    actions = letters.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "write every letter, mail and answer in a ticket, in both languages, with made-up data"
    show = actions.add_parser("preview", help=text, description=text)
    show.add_argument(
        "folder", type=Path, nargs="?", help="where to write them, with an index; without, they are listed"
    )
    show.set_defaults(command=_letters_preview)
    keys_command.add_parser(commands)
    list_command.add_parser(commands)
    metrics_command.add_parser(commands)
    text = "print the public keys that packages' signatures are checked with, and say how to make a new one"
    commands.add_parser("signing-key", help=text, description=text).set_defaults(command=_signing_key)
    erased_command.add_parsers(commands, _kinds)
    retained_command.add_parser(commands, _kinds)
    sources_command.add_parser(commands, _kinds)
    store_command.add_parser(commands)
    tickets_command.add_parser(commands)
    text = "print one Airflow pool per source system, as `airflow pools import` reads it"
    commands.add_parser("pools", help=text, description=text).set_defaults(command=_pools)
    return parser


def _register_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    register = commands.add_parser("register", help="the register of processing", description=_REGISTER)
    actions = register.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "say, row by row, what is missing or wrong; 0 only when nothing is and a person has confirmed every row"
    check = actions.add_parser("check", help=text, description=text)
    check.add_argument("--json", action="store_true", help="one JSON object, for programs")
    check.set_defaults(command=_register_check)
    text = "state that a row describes what is done; any later edit of the row, or of its recipients, undoes it"
    confirm = actions.add_parser("confirm", help=text, description=text)
    confirm.add_argument("row", help="id of the row")
    confirm.add_argument("--by", required=True, help="who confirms it: a role or an id, such as dpo")
    confirm.set_defaults(command=_register_confirm)
    for action in (check, confirm):
        action.add_argument("--folder", help="the register's folder (default DSR_REGISTER, else the shipped example)")
    text = "copy the shipped example into a new folder, to make one's own of it"
    copy = actions.add_parser("copy", help=text, description=text)
    copy.add_argument("folder", help="a folder that is new or empty")
    copy.set_defaults(command=_register_copy)


def _letters_preview(args: argparse.Namespace) -> int:
    from dsr.report.preview import index, preview
    from dsr.report.specimens import specimens

    settings = Settings.from_environment(need=())
    if args.folder is None:
        for group, entries in index(specimens(settings)):
            print(group)
            for entry in entries:
                print(f"  {entry.name:<55} {entry.way:<17} {' '.join(entry.languages)}")
        return _DONE
    count = preview(args.folder, settings)
    print(f"{count} letters in {args.folder}; open {args.folder / 'index.html'}")
    return _DONE


def _signing_key(_: argparse.Namespace) -> int:
    from dsr.setting_values import NEW_KEY
    from dsr.signing import published

    settings = Settings.from_environment(need=("master_key",))
    print(published(settings), end="")
    source = "DSR_SIGNING_KEY" if settings.signing_key else "DSR_MASTER_KEY, as DSR_SIGNING_KEY is not set"
    print(
        f"\nThe first is in use; it comes from {source}. To change it: keep its line that begins with RW in\n"
        f"DSR_FORMER_PUBLIC_KEYS, set DSR_SIGNING_KEY to what this command prints, and restart:\n\n  {NEW_KEY}",
        file=sys.stderr,
    )
    return _DONE


def _portal(args: argparse.Namespace) -> int:
    import uvicorn

    from dsr.telemetry import switched_on
    from dsr.web.portal import create_app

    if switched_on(os.environ):
        from dsr.exporting import trace_as

        trace_as("dsr-portal", os.environ)

    # No access log: the ledger has what counts, and an address in a log is a person's data. Whose X-Forwarded-For
    # counts is a setting of ours (`dsr.portal_limits`).
    uvicorn.run(
        create_app(), host=args.host, port=args.port, access_log=False, server_header=False, proxy_headers=False
    )
    return _DONE


def _upgrade(_: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("ledger_url",))
    engine = database.connect(settings.ledger_url)
    database.upgrade(engine)
    Overview(engine).bring_up()
    print("The ledger's database is up to date.")
    return _DONE


def _kinds() -> Mapping[str, type[Source]]:
    from extractors import SOURCES

    return {kind.declaration.name: kind for kind in SOURCES}


def _datasets() -> frozenset[str]:
    from extractors import SOURCES

    return frozenset(f"{s.declaration.name}/{d.name}" for s in SOURCES for d in s.declaration.datasets)


def _pools(_: argparse.Namespace) -> int:
    from dsr.pools import pools
    from extractors import SOURCES

    print(json.dumps(pools(source.declaration for source in SOURCES), indent=1))
    return _DONE


def _register_check(args: argparse.Namespace) -> int:
    from dsr.register import check
    from extractors import SOURCES

    settings = Settings.from_environment(need=())
    folder = args.folder or settings.register
    controller = settings.controller
    problems = check(folder, [source.declaration for source in SOURCES], controller.name, controller.mail)
    if args.json:
        found = [{"row": problem.row, "code": problem.code, "words": problem.words} for problem in problems]
        print(json.dumps({"register": str(folder or ""), "problems": found}, ensure_ascii=False, indent=1))
        return _FAILED if problems else _DONE
    print(f"Register: {folder or 'the shipped example (DSR_REGISTER is not set)'}")
    row = ""
    for problem in problems:
        if problem.row != row:
            row = problem.row
            print(f"\n{row}")
        print(f"  - {problem.words}")
    rows = len({problem.row for problem in problems})
    print(f"\n{len(problems)} to settle, in {rows} rows or files." if problems else "Nothing is missing.")
    return _FAILED if problems else _DONE


def _register_confirm(args: argparse.Namespace) -> int:
    from dsr.register.confirming import confirm

    folder = args.folder or Settings.from_environment(need=()).register
    if not folder:
        print("dsr: the shipped example is nobody's register. Copy it first: python -m dsr register copy FOLDER;"
              " then set DSR_REGISTER, or give --folder.", file=sys.stderr)  # fmt: skip
        return _FAILED
    path = confirm(folder, args.row, args.by, datetime.now(UTC).replace(microsecond=0))
    print(f"{args.row} is confirmed by {args.by}: {path}")
    return _DONE


def _register_copy(args: argparse.Namespace) -> int:
    from dsr.register.confirming import copy

    count = copy(args.folder)
    print(f"{count} files copied. Adapt them, set DSR_REGISTER={args.folder}, then: python -m dsr register check")
    return _DONE


if __name__ == "__main__":
    sys.exit(main())
