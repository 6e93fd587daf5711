"""`python -m dsr erasure-list`: takes in a list of people whose data is to go, and shows how lists stand."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dsr import database, listfile
from dsr.errors import DsrError
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DONE: Final = 0
_FAILED: Final = 1
_ABOUT: Final = """People whose data is to go although none of them has asked: their storage period has ended, their
consent ran out. One plan and one approval for all of them, in Airflow."""
_FILE: Final = "CSV (UTF-8) with the column email, and customer_number as a check if you have it; - = standard input"


def add_parser(commands: "Commands") -> None:
    """The command with its actions."""
    from dsr.erasurelist import REASONS

    lists = commands.add_parser("erasure-list", help="erase everybody on a list, with one approval", description=_ABOUT)
    actions = lists.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "only say whether a file can be taken, and what is wrong in which lines"
    check = actions.add_parser("check", help=text, description=text)
    check.add_argument("file", help=_FILE)
    check.set_defaults(command=_check)
    text = "take a list in and start its run: all are searched for and planned, two officers decide, then it is done"
    add = actions.add_parser("add", help=text, description=text)
    add.add_argument("file", help=_FILE)
    reasons = "; ".join(f"{reason}: {words}" for reason, words in REASONS.items())
    add.add_argument("--reason", required=True, choices=REASONS, help=reasons)
    add.add_argument("--by", required=True, help="whose list it is: a role or an id, such as dpo")
    add.set_defaults(command=_add)
    text = "start the run of a list that was taken in while Airflow could not be reached"
    start = actions.add_parser("start", help=text, description=text)
    start.add_argument("list", help="id of the list")
    start.set_defaults(command=_start)
    text = "how a list stands, and of how many people it is known what came of them"
    show = actions.add_parser("show", help=text, description=text)
    show.add_argument("list", help="id of the list")
    show.set_defaults(command=_show)


def _check(args: argparse.Namespace) -> int:
    people = _read(args.file)
    if people is None:
        return _FAILED
    _say(f"{len(people)} people; the file can be taken.")
    return _DONE


def _add(args: argparse.Namespace) -> int:
    from dsr.casefile import CaseStore
    from dsr.officer import as_code
    from dsr.requestid import new_id
    from dsr.steps.take_list import take_list

    people = _read(args.file)
    if people is None:
        return _FAILED
    settings = Settings.from_environment()
    cases, list_id = CaseStore(settings.case_store, *settings.case_keys), new_id("list")
    told: dict[str, Any] = {"reason": args.reason, "by": as_code(args.by), "at": datetime.now(UTC)}
    chunks = take_list(people, list_id, cases=cases, ledger=_ledger(settings), **told)
    _say(f"{len(people)} people in {chunks} chunks are on the list {list_id}.")
    return _begin(settings, list_id)


def _start(args: argparse.Namespace) -> int:
    return _begin(Settings.from_environment(), args.list)


def _begin(settings: Settings, list_id: str) -> int:
    from dsr.airflow_client import AirflowClient

    try:
        AirflowClient(settings.airflow_url, settings.airflow_user, settings.airflow_password).start_list(list_id)
    except DsrError as error:
        sys.stderr.write(
            f"dsr: its run could not be started ({error}); nothing is lost. When Airflow is up again:\n"
            f"  python -m dsr erasure-list start {list_id}\n"
        )
        return _FAILED
    _say("Its run in dsr_erasure_list is started; it will ask two officers before anything is changed.")
    return _DONE


def _show(args: argparse.Namespace) -> int:
    from dsr.listed import RECEIVED, standing
    from dsr.report.event_words import told

    ledger = _ledger(Settings.from_environment(need=("ledger_url", "master_key")))
    events = ledger.events(args.list)
    if not events or events[0].kind != RECEIVED:
        sys.stderr.write("dsr: no list has this id\n")
        return _FAILED
    for event in events:
        said = told(event)
        _say(f"{event.at:%Y-%m-%d %H:%M} UTC  {said.words}")
    for outcome, count in standing(ledger, args.list, int(events[0].detail["people"])).items():
        _say(f"{count:>8} people: {outcome}")
    return _DONE


def _read(name: str) -> list[dict[str, str]] | None:
    """The people in a file; None when it can't be taken, which is said."""
    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        sys.stderr.write(f"dsr: {name} can't be read ({error.strerror})\n")
        return None
    try:
        return listfile.read(content)
    except listfile.BadList as bad:
        for line, column, what in bad.problems:
            sys.stderr.write(f"dsr: {f'line {line}' if line else 'the file'} {column} {what}\n".replace("  ", " "))
        sys.stderr.write("dsr: nothing was taken in\n")
        return None


def _ledger(settings: Settings) -> Ledger:
    return Ledger(database.connect(settings.ledger_url), subkey(settings.master_key, "ledger"))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
