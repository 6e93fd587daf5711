"""`python -m dsr tickets`: what waits to be written into tickets, and the word that it was given in another way."""

import argparse
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine

from dsr import database
from dsr.alone import alone
from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.officer import as_code
from dsr.outbox import Outbox, by_hand, waiting_in
from dsr.settings import Settings, subkey
from dsr.waiting import WaitingRequests

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = "Answers that could not be written into their ticket yet; the DAG dsr_tickets goes on trying."
_DONE: Final = 0
_ROW: Final = "{:<32} {:<18} {:<16} {:<16} {}"


def add_parser(commands: "Commands") -> None:
    """The command with its actions."""
    tickets = commands.add_parser("tickets", help="answers that wait to be written into tickets", description=_ABOUT)
    actions = tickets.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "list the requests whose tickets wait for something, since when, and what is in the way"
    actions.add_parser("list", help=text, description=text).set_defaults(command=_list)
    text = "show what waits for one ticket, codes and passwords among it: for the person's eyes only"
    show = actions.add_parser("show", help=text, description=text)
    text = "state that the person was given all that waits by a way that is theirs; the ticket doesn't get it then"
    given = actions.add_parser("given", help=text, description=text)
    given.add_argument("--by", required=True, help="who has given it to them: a role or an id, such as dpo")
    for action, command in ((show, _show), (given, _given)):
        action.add_argument("request", help="the request's id")
        action.set_defaults(command=command)


def _list(_: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("ledger_url",))
    rows: list[tuple[str, ...]] = [("request", "channel", "since", "tried again", "code")]
    for waiting in WaitingRequests(database.connect(settings.ledger_url)).all():
        times = (f"{moment.astimezone(settings.zone):%Y-%m-%d %H:%M}" for moment in (waiting.since, waiting.due))
        code = waiting.code if waiting.answer else f"{waiting.code} (a note only)"
        rows.append((waiting.request_id, waiting.channel, *times, code))
    sys.stdout.writelines(f"{_ROW.format(*row).rstrip()}\n" for row in rows)
    return _DONE


def _show(args: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("case_store", "ledger_url", "master_key"))
    case = CaseStore(settings.case_store, *settings.case_keys).open(args.request)
    for answer in waiting_in(case):
        if answer.public:
            sys.stdout.write(
                f"--- {answer.kind}, {answer.at.astimezone(settings.zone):%Y-%m-%d %H:%M}\n{answer.text}\n"
            )
    return _DONE


def _given(args: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("case_store", "ledger_url", "master_key"))
    engine = database.connect(settings.ledger_url)
    outbox, by, at = _outbox(settings, engine), as_code(args.by), datetime.now(UTC)
    try:
        case = CaseStore(settings.case_store, *settings.case_keys).open(args.request)
    except PermanentError as error:
        if error.code != "case.closed":
            raise
        outbox.given_up(args.request, by, at)
        sys.stdout.write(f"{args.request}: the case file is gone; nothing waits any more.\n")
        return _DONE
    count = outbox.given(case, by, at)
    sys.stdout.write(f"{args.request}: {count} given by hand.\n")
    return _DONE


def _outbox(settings: Settings, engine: Engine) -> Outbox:
    ledger = Ledger(engine, subkey(settings.master_key, "ledger"))
    return Outbox(WaitingRequests(engine), ledger, by_hand, partial(alone, engine, what="outbox"))
