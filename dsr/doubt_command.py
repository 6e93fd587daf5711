"""`python -m dsr doubt`: whoever is in doubt about who asks stops a request, even after it was approved."""

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dsr import database
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = (
    "State that it is in doubt who asks (Art. 12(6) GDPR). From then on nothing of the request is erased or rectified, "
    "whatever was approved; what was not begun stays undone. It goes on once an officer has verified the person anew "
    "and prepared the plan again: clear open_case of the request's run with all downstream."
)
_DONE: Final = 0


def add_parser(commands: "Commands") -> None:
    """The command."""
    doubt = commands.add_parser("doubt", help="stop a request: it is in doubt who asks", description=_ABOUT)
    doubt.add_argument("request", help="the request's id")
    doubt.add_argument("--by", required=True, help="who is in doubt: a role or an id, such as dpo")
    doubt.set_defaults(command=_doubt)


def doubt(ledger: Ledger, request_id: str, by: str, at: datetime) -> None:
    """Puts the doubt into the ledger (event `identity_verified`, `ok` false). PermanentError("request.unknown") when
    there is no such request."""
    if not ledger.events(request_id):
        raise PermanentError("request.unknown", "doubt")
    ledger.append(request_id, "identity_verified", {"by": by, "method": "doubt", "ok": False}, at=at)


def _doubt(args: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("ledger_url", "master_key"))
    ledger = Ledger(database.connect(settings.ledger_url), subkey(settings.master_key, "ledger"))
    doubt(ledger, args.request, args.by, datetime.now(UTC))
    sys.stdout.write(f"{args.request}: nothing more of it is erased or rectified.\n")
    return _DONE
