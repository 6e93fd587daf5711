"""`python -m dsr suppressed` and `replay`: who must not come back with an import, and what with a restore."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from dsr import database
from dsr.connections import from_environment
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.settings import Settings, subkey
from dsr.source import Source

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Kinds = Callable[[], Mapping[str, type[Source]]]
"""Gives all sources by name; connecting one makes no call."""
_DONE: Final = 0
_FAILED: Final = 1
_LEDGER: Final = ("ledger_url", "master_key")
_BY_HAND: Final = (
    "Nobody can tell from here whether these are back. If such a system was restored, a person looks in it: give the "
    "addresses and numbers that it shows to `python -m dsr suppressed --stdin`, and delete by hand the records of those"
    ' that it answers "suppressed all" for.'
)


def add_parsers(commands: "Commands", kinds: Kinds) -> None:
    """Both commands."""
    text = "say of persons whether they were erased or have objected, before they are imported"
    suppressed = commands.add_parser("suppressed", help=text, description=text)
    ways = suppressed.add_mutually_exclusive_group(required=True)
    ways.add_argument("--stdin", action="store_true", help="read an e-mail address or phone number per line")
    ways.add_argument("--export", action="store_true", help="print the list as keyed hashes, CSV")
    suppressed.add_argument("--column", default="", help="with --stdin: the lines are CSV, ask for this column")
    suppressed.set_defaults(command=_suppressed)
    text = "after a system was restored: erase again what had been erased in it; 1 when something needs a person"
    replay = commands.add_parser("replay", help=text, description=f"{text}. Connections: AIRFLOW_CONN_DSR_<SOURCE>.")
    replay.add_argument("--source", help="only this system (default: all that something was erased in)")
    replay.add_argument("--dry-run", action="store_true", help="only say what is back")
    replay.add_argument("--confirm-newer", action="store_true", help="also erase what may be newer than the erasure")
    replay.set_defaults(command=lambda args: _replay(args, kinds()))


def connected(kind: type[Source]) -> Source:
    """The source by its connection for writing, or else the one for reading, of the environment.
    PermanentError("connection.missing", <source>) when there is neither."""
    name = kind.declaration.name
    connection = from_environment(f"dsr_{name}_write", os.environ) or from_environment(f"dsr_{name}", os.environ)
    if connection is None:
        raise PermanentError("connection.missing", name)
    return kind.connect(connection)


def _suppressed(args: argparse.Namespace) -> int:
    from dsr.listing import asked, exported
    from dsr.suppression import Suppression

    settings = Settings.from_environment(need=_LEDGER)
    engine = database.connect(settings.ledger_url)
    suppression = Suppression(engine, subkey(settings.master_key, "suppression"))
    answers = exported(suppression) if args.export else asked(sys.stdin, suppression, settings.country, args.column)
    for answer in answers:
        _say(answer)
    return _DONE


def _replay(args: argparse.Namespace, kinds: Mapping[str, type[Source]]) -> int:
    from dsr.erasures import Erasures
    from dsr.reapproval import erased_under
    from dsr.steps.replay import ordered, replay

    settings = Settings.from_environment(need=_LEDGER)
    engine = database.connect(settings.ledger_url)
    ledger, erasures = (
        Ledger(engine, subkey(settings.master_key, "ledger")),
        Erasures(engine, subkey(settings.master_key, "erasures")),
    )
    wanted = [args.source] if args.source else erasures.sources()
    open_ones, unlooked = 0, Counter[tuple[str, str]]()
    for declaration in ordered([kinds[name].declaration for name in wanted if name in kinds]):
        name = declaration.name
        lines = replay(
            connected(kinds[name]),
            erasures,
            ledger,
            partial(erased_under, ledger),
            at=datetime.now(UTC),
            dry_run=args.dry_run,
            confirmed=args.confirm_newer,
        )
        for line in lines:
            ended = sum(o.count for o in line.outcomes if o.outcome in ("done", "absent"))
            open_ones += line.back - ended
            unlooked.update({(name, dataset): count for dataset, count in line.unlooked.items()})
            if line.back:
                _say(f"{name}  {line.request_id}  back {line.back}, refused {line.refused}, erased again {ended}")
    absent = [name for name in wanted if name not in kinds]
    for (name, dataset), count in sorted(unlooked.items()):
        titles = {d.name: d.title for d in kinds[name].declaration.datasets}
        _say(f"{name}  {titles.get(dataset, dataset)}: {count} erased, can't be looked for")
    for name in absent:
        _say(f"{name}  no such system is declared here: nothing in it can be looked for")
    if unlooked or absent:
        _say(_BY_HAND)
    left = "Nothing is left of what could be looked for." if unlooked or absent else "Nothing is left that was erased."
    _say(f"{open_ones} records are back and not erased again." if open_ones else left)
    return _FAILED if open_ones or unlooked or absent else _DONE


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
