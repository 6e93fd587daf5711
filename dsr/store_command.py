"""`python -m dsr store`: a copy of the case store, bringing it back, and what came back with it."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dsr import database
from dsr.casefile import CaseStore
from dsr.ledger import Ledger
from dsr.mirrored import CASES, KEYS, mirror
from dsr.objectstore import ObjectStore
from dsr.overview import OPEN, Asked, Overview
from dsr.restored import destroy_again, look
from dsr.settings import Settings, subkey
from dsr.vocabulary import RIGHTS, UNCLEAR

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = (
    "A copy of the case store (DSR_CASE_STORE). Cases and keys go to two places that lie apart: neither says anything "
    "without the other, and both say nothing without DSR_CASE_KEY or DSR_MASTER_KEY."
)
_DONE: Final = 0
_FAILED: Final = 1
_WORDS: Final = {
    "destroyed": "case files that had been destroyed are back",
    "shredded": "case files have working data again that had been removed",
    "unknown": "case files are of requests that the ledger doesn't know: it is older than the store",
    "unreadable": "case files that none of the keys given here opens",
    "packageless": "answers have a link that still lives and no package: clear open_case of their runs",
    "lost": "requests without an answer have no case file: have their tickets sent again",
}


def add_parser(commands: "Commands") -> None:
    """The command with its actions."""
    store = commands.add_parser("store", help="copy the case store, and bring it back", description=_ABOUT)
    actions = store.add_subparsers(title="actions", required=True, metavar="ACTION")
    for name, text, command in (
        ("copy", "bring a copy in line with the store; what was destroyed goes from it too", _copy),
        ("restore", "bring the store in line with a copy; then look with `store check`", _restore),
    ):
        action = actions.add_parser(name, help=text, description=f"{text}. {_ABOUT}")
        action.add_argument("--cases", required=True, help="where the copy's cases are, an address as DSR_CASE_STORE")
        action.add_argument("--keys", required=True, help="where the copy's keys are, in another place")
        action.set_defaults(command=command)
    text = "after a restore: say what is back that had been destroyed, and what is missing; 1 when there is any"
    check = actions.add_parser("check", help=text, description=text)
    check.add_argument("--destroy", action="store_true", help="destroy again what had been destroyed")
    check.add_argument("--json", action="store_true", help="one JSON object, for programs")
    check.set_defaults(command=_check)


def _copy(args: argparse.Namespace) -> int:
    store = ObjectStore(Settings.from_environment(need=("case_store",)).case_store)
    # Keys last: a case that is made meanwhile has its key before its objects, so none is copied without.
    for folder, where in ((CASES, args.cases), (KEYS, args.keys)):
        _say(folder, "copied", *_counts(store, ObjectStore(where), folder))
    return _DONE


def _restore(args: argparse.Namespace) -> int:
    store = ObjectStore(Settings.from_environment(need=("case_store",)).case_store)
    for folder, where in ((CASES, args.cases), (KEYS, args.keys)):
        _say(folder, "brought back", *_counts(ObjectStore(where), store, folder))
    return _DONE


def _counts(original: ObjectStore, copy: ObjectStore, folder: str) -> tuple[int, int]:
    done = mirror(original, copy, folder)
    return done.copied, done.removed


def _say(folder: str, verb: str, copied: int, removed: int) -> None:
    sys.stdout.write(f"{folder}: {copied} {verb}, {removed} removed\n")


def _check(args: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("case_store", "ledger_url", "master_key"))
    engine = database.connect(settings.ledger_url)
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    cases, at, overview = CaseStore(settings.case_store, *settings.case_keys), datetime.now(UTC), Overview(engine)
    overview.bring_up()
    asked = Asked(frozenset({*RIGHTS, UNCLEAR}), at.astimezone(settings.zone).date(), phase=OPEN)
    found = look(cases, ledger, [row.request_id for row in overview.rows(asked)], at)
    if args.destroy:
        destroy_again(cases, ledger, found, at)
    listed = {name: ids for name, ids in asdict(found).items() if ids}
    if args.json:
        sys.stdout.write(json.dumps({**listed, "destroyed_again": args.destroy}, indent=1) + "\n")
    for name, ids in () if args.json else listed.items():
        sys.stdout.write(f"{len(ids)} {_WORDS[name]}:\n" + "".join(f"  {case_id}\n" for case_id in ids))
    if args.destroy:
        listed = {name: ids for name, ids in listed.items() if name not in ("destroyed", "shredded")}
    return _FAILED if listed else _DONE
