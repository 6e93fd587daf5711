"""`python -m dsr retained`: what erasures left since something keeps it, until when, and what is overdue."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine

from dsr import database
from dsr.erased_command import Kinds, connected
from dsr.errors import PermanentError
from dsr.holds import Holds
from dsr.kept import is_due
from dsr.ledger import Ledger
from dsr.retained import Retained
from dsr.settings import Settings, subkey

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_ABOUT: Final = """What erasures left since a law, a legal hold or the system itself keeps it: how many records of which
dataset, on which ground, until when, and what is overdue. The upkeep erases it when that ends; 1 when something is
overdue or needs a person. With --request it does one request at once, by the connections AIRFLOW_CONN_DSR_<SOURCE>
(_WRITE), and says what became of it."""
_DONE: Final = 0
_FAILED: Final = 1
_ROW: Final = "{:<12}  {:<26}  {:<38}  {:<10}  {:>7}  {:>7}"


@dataclass(frozen=True, order=True)
class Line:
    """Records that are kept alike. ground: a DPV term, or the system's own code; until: ISO date, "" = no end known;
    overdue: how many of them should be gone by now."""

    source: str
    dataset: str
    ground: str
    until: str
    count: int
    overdue: int


def add_parser(commands: "Commands", kinds: Kinds) -> None:
    """The command."""
    text = "what erasures left since something keeps it, until when, and what is overdue"
    parser = commands.add_parser("retained", help=text, description=_ABOUT)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--overdue", action="store_true", help="say which requests have overdue records, and where")
    parser.add_argument("--request", metavar="ID", help="erase what nothing keeps any more of this request, at once")
    parser.add_argument("--source", help="with --request: only in this system")
    text = "with --request: somebody has looked; what has changed goes too, with parts that came in since"
    parser.add_argument("--confirm-changed", action="store_true", help=text)
    text = "with --request: somebody has looked; what can't be found any more is gone, and is taken off the list"
    parser.add_argument("--confirm-gone", action="store_true", help=text)
    parser.set_defaults(command=lambda args: _retained(args, kinds))


def listed(retained: Retained, holds: Holds, day: date) -> Iterator[tuple[str, Line]]:
    """(request id, line) of all that is kept. PermanentError("retained.tampered")."""
    in_force = holds.in_force(day)
    for source in retained.sources():
        for request_id in retained.requests(source):
            subjects, counts = retained.subjects(request_id), Counter[tuple[str, str, str, bool]]()
            for kept in retained.kept(source, request_id):
                until = kept.until.isoformat() if kept.until else ""
                overdue = is_due(kept, source, day, in_force, subjects)
                counts[kept.dataset, kept.ground or kept.reason, until, overdue] += 1
            for (dataset, ground, until, overdue), count in sorted(counts.items()):
                yield request_id, Line(source, dataset, ground, until, count, count if overdue else 0)


def summed(lines: Iterable[Line]) -> list[Line]:
    """Lines alike made one, sorted."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    overdue: Counter[tuple[str, str, str, str]] = Counter()
    for line in lines:
        alike = (line.source, line.dataset, line.ground, line.until)
        counts[alike] += line.count
        overdue[alike] += line.overdue
    return [Line(*alike, count, overdue[alike]) for alike, count in sorted(counts.items())]


def _retained(args: argparse.Namespace, kinds: Kinds) -> int:
    if not args.request and (args.confirm_changed or args.confirm_gone or args.source):
        raise PermanentError("retained.request", "retained")
    settings = Settings.from_environment(need=("ledger_url", "master_key"))
    engine = database.connect(settings.ledger_url)
    return _end(args, kinds, settings, engine) if args.request else _list(args, settings, engine)


def _list(args: argparse.Namespace, settings: Settings, engine: Engine) -> int:
    retained, holds = _stores(settings, engine)
    lines = list(listed(retained, holds, datetime.now(UTC).astimezone(settings.zone).date()))
    overdue = [(request_id, line) for request_id, line in lines if line.overdue]
    shown = overdue if args.overdue else [("", line) for line in summed(line for _, line in lines)]
    if args.json:
        named = ({"request": request_id} if request_id else {} for request_id, _ in shown)
        _say(json.dumps([name | vars(line) for name, (_, line) in zip(named, shown, strict=True)], indent=1))
    else:
        _say(_ROW.format("source", "dataset", "ground", "until", "records", "overdue"))
        for request_id, line in shown:
            until = line.until or "-"
            row = _ROW.format(line.source, line.dataset, line.ground, until, line.count, line.overdue)
            _say(f"{row}  {request_id}".rstrip())
    return _FAILED if overdue else _DONE


def _end(args: argparse.Namespace, kinds: Kinds, settings: Settings, engine: Engine) -> int:
    from dsr.assessing import Law
    from dsr.erasures import Erasures
    from dsr.reapproval import erased_under
    from dsr.register import Register
    from dsr.steps import assess
    from dsr.steps import end_retention as step
    from dsr.steps.replay import ordered

    retained, holds = _stores(settings, engine)
    ledger, erasures = _ledger(settings, engine), Erasures(engine, subkey(settings.master_key, "erasures"))
    stores = step.Stores(retained, erasures, ledger, partial(erased_under, ledger))
    at, known = datetime.now(UTC), kinds()
    day = at.astimezone(settings.zone).date()
    law, register = Law(assess.plan_rows, assess.bonds_of), Register.load(settings.register or None)
    today = step.Today(at, settings.zone, law, register, holds.in_force(day))
    confirmed = [c for c, said in ((step.CHANGED, args.confirm_changed), (step.GONE, args.confirm_gone)) if said]
    wanted = [args.source] if args.source else [name for name in retained.sources() if name in known]
    failed = False
    for declaration in ordered([known[name].declaration for name in wanted if name in known]):
        source = connected(known[declaration.name]) if retained.kept(declaration.name, args.request) else None
        if source is None:
            continue
        for ended in step.end_retention(source, stores, today, request_id=args.request, confirmed=confirmed):
            failed |= ended.needs_person or ended.again
            for name, count in ended.counts.items():
                _say(f"{ended.source}  {count} {name}: {step.COUNTS[name]}")
            if ended.failed:
                _say(f"{ended.source}  failed: {ended.failed}")
    return _FAILED if failed else _DONE


def _stores(settings: Settings, engine: Engine) -> tuple[Retained, Holds]:
    retained = Retained(engine, subkey(settings.master_key, "retained"))
    return retained, Holds(_ledger(settings, engine), subkey(settings.master_key, "holds"))


def _ledger(settings: Settings, engine: Engine) -> Ledger:
    return Ledger(engine, subkey(settings.master_key, "ledger"))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
