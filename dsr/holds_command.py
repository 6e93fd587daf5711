"""`python -m dsr holds`: adds, lists and ends legal holds."""

import argparse
import sys
import unicodedata
from collections.abc import Callable, Container
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

import phonenumbers

from dsr import database
from dsr.errors import PermanentError
from dsr.holds import CLAIMS, GROUNDS, KINDS, Holds
from dsr.ledger import Ledger
from dsr.model import Identifier
from dsr.settings import Settings, subkey

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = "Legal holds: what must not be erased or rewritten while a claim or a duty needs it (Art. 17(3) GDPR)."
_DONE: Final = 0


def add_parser(commands: "Commands", datasets: Callable[[], Container[str]]) -> None:
    """The command with its actions. `datasets`: gives the "<source>/<dataset>" that there are."""
    holds = commands.add_parser("holds", help="legal holds: add, list, end", description=_ABOUT)
    actions = holds.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = (
        "hold all that is a person's, or one record with what it is part of; what holds it is read from standard input"
    )
    add = actions.add_parser("add", help=text, description=text)
    about = add.add_mutually_exclusive_group(required=True)
    about.add_argument("--person", choices=KINDS, help="the identifier's kind; its value comes on standard input")
    about.add_argument("--record", metavar="SOURCE/DATASET", help="the record's id comes on standard input")
    add.add_argument("--ground", choices=GROUNDS, default=CLAIMS, help=f"a term of DPV (default {CLAIMS})")
    add.add_argument("--until", type=date.fromisoformat, help="the last day, YYYY-MM-DD; without it until it is ended")
    add.set_defaults(command=lambda args: _add(args, datasets()))
    text = "list the holds that stand, with what they are on as a hash"
    listing = actions.add_parser("list", help=text, description=text)
    listing.add_argument("--all", action="store_true", help="those that have ended too")
    listing.set_defaults(command=_list)
    text = "end a hold; what it kept is erased in the next night, unless something else keeps it"
    end = actions.add_parser("end", help=text, description=text)
    end.add_argument("hold", help="the hold's id")
    end.set_defaults(command=_end)
    for action in (add, end):
        action.add_argument("--by", required=True, help="who decides it: a role or an id, such as dpo")


def identifier(kind: str, text: str, country: str) -> Identifier:
    """In its normal form (see `Identifier`). PermanentError("hold.value") when the text is no such thing."""
    value = unicodedata.normalize("NFC", text.strip())
    if kind == "email":
        value = value.lower() if value.count("@") == 1 else ""
    elif kind == "phone":
        value = _phone(value, country)
    if not value:
        raise PermanentError("hold.value", "holds")
    return Identifier(kind, value)


def _phone(text: str, country: str) -> str:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _add(args: argparse.Namespace, datasets: Container[str]) -> int:
    settings, holds = _holds()
    value, at = sys.stdin.readline().strip(), datetime.now(UTC)
    if args.person:
        its = identifier(args.person, value, settings.country)
        hold_id = holds.add_person(its, by=args.by, at=at, ground=args.ground, until=args.until)
    else:
        source, _, dataset = args.record.partition("/")
        if args.record not in datasets:  # it would hold nothing, and nobody would notice
            raise PermanentError("hold.dataset", "holds")
        hold_id = holds.add_record(source, dataset, value, by=args.by, at=at, ground=args.ground, until=args.until)
    _say(hold_id)
    return _DONE


def _list(args: argparse.Namespace) -> int:
    settings, holds = _holds()
    today = datetime.now(settings.zone).date()
    row = "{:<22}  {:<38}  {:<10}  {:<16}  {}"
    _say(row.format("hold", "ground", "until", "added (UTC)", "on"))
    for hold in holds.all():
        if args.all or hold.stands(today):
            on = f"{hold.source}/{hold.dataset}" if hold.source else "a person"
            until = hold.until.isoformat() if hold.until else "-"
            state = "" if hold.stands(today) else " (ended)"
            added = f"{hold.added_at:%Y-%m-%d %H:%M}"
            _say(row.format(hold.hold_id, hold.ground, until, added, f"{on} {hold.subject[:12]}{state}"))
    return _DONE


def _end(args: argparse.Namespace) -> int:
    _, holds = _holds()
    holds.end(args.hold, by=args.by, at=datetime.now(UTC))
    _say(f"{args.hold} has ended.")
    return _DONE


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _holds() -> tuple[Settings, Holds]:
    settings = Settings.from_environment(need=("ledger_url", "master_key"))
    ledger = Ledger(database.connect(settings.ledger_url), subkey(settings.master_key, "ledger"))
    return settings, Holds(ledger, subkey(settings.master_key, "holds"))
