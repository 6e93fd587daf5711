"""`python -m dsr keys rewrap`: the keys of all case files, wrapped anew after the key that wraps them was changed."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from dsr.casefile import CaseStore
from dsr.errors import PermanentError
from dsr.settings import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = (
    "Wrap the key of every case file with DSR_CASE_KEY. Set that to a new key, put the one before into "
    "DSR_FORMER_CASE_KEYS (none is needed where DSR_MASTER_KEY did until now), restart all processes, then run this; "
    "when it ends with 0 the former key opens nothing any more and can be destroyed. Safe to run again and beside "
    "running requests. It doesn't touch what the cases hold, and nothing of the ledger."
)
_DONE: Final = 0
_FAILED: Final = 1


def add_parser(commands: "Commands") -> None:
    """The commands."""
    keys = commands.add_parser("keys", help="the keys of the case files", description=_ABOUT)
    actions = keys.add_subparsers(title="actions", required=True, metavar="ACTION")
    text = "wrap the keys of all case files with DSR_CASE_KEY, so that a former one opens nothing any more"
    actions.add_parser("rewrap", help=text, description=_ABOUT).set_defaults(command=_rewrap)


def _rewrap(_: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("case_store", "case_key"))
    counts = {"anew": 0, "already": 0, "refused": 0}
    cases = CaseStore(settings.case_store, *settings.case_keys)
    for case_id in cases.cases():
        counts[_rewrapped(cases, case_id)] += 1
    words = "{anew} case keys wrapped anew, {already} were already, {refused} that none of the keys given here opens."
    sys.stdout.write(words.format(**counts) + "\n")
    return _FAILED if counts["refused"] else _DONE


def _rewrapped(cases: CaseStore, case_id: str) -> str:
    try:
        return "anew" if cases.rewrap(case_id) else "already"
    except PermanentError as error:
        if error.code == "case.closed":
            return "already"
        sys.stderr.write(f"{case_id}: {error.code}\n")
        return "refused"
