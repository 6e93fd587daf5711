"""`python -m dsr requests`, `show`, `anchor-ledger` and `verify-ledger`: how requests stand, for the terminal and for
programs."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, func, select

from dsr import database
from dsr.anchor import Anchor, anchored, anchors, held
from dsr.errors import PermanentError
from dsr.ledger import Event, Ledger
from dsr.overview import OPEN, Asked, Overview, Row
from dsr.overview_tables import overview
from dsr.register import LANGUAGES, Register
from dsr.settings import Settings, subkey
from dsr.signing import Signer, published
from dsr.source import Source
from dsr.standing import Standing
from dsr.vocabulary import RIGHTS, UNCLEAR

Kinds = Callable[[], Mapping[str, type[Source]]]
_NEED: Final = ("ledger_url", "master_key")
_ALL: Final = frozenset({*RIGHTS, UNCLEAR})
_RUNS_KEPT: Final = timedelta(days=30)
_HEAD: Final = ("request", "right", "received", "target", "latest", "left", "state", "waits for")


def add_parsers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", kinds: Kinds) -> None:
    """The four commands. `kinds`: the source classes by name."""
    text = "list the requests, those with the fewest days left first: where each is, and whom it waits for"
    requests = commands.add_parser("requests", help=text, description=text)
    requests.add_argument("--open", action="store_true", help="only those that are neither answered nor closed")
    requests.add_argument("--right", choices=sorted(_ALL), help="only those about this right")
    text = "only print the moment before which every request is closed, 30 days ago at most: older runs can go"
    requests.add_argument("--kept-since", action="store_true", help=text)
    requests.set_defaults(command=_requests)
    text = "show one request: its way, its dates, and its events in the ledger"
    show = commands.add_parser("show", help=text, description=text)
    show.add_argument("request", help="id of the request")
    text = "instead, which recipients were told of what was changed (Art. 19), by the ledger and the register"
    show.add_argument("--recipients", action="store_true", help=text)
    text = "with --recipients: the letter to the person who asks for them, in this language, to be sent by you"
    show.add_argument("--letter", choices=LANGUAGES, help=text)
    show.set_defaults(command=lambda args: _show(args, kinds))
    text = "check that nothing in the ledger was edited, removed, added or moved"
    verify = commands.add_parser("verify-ledger", help=text, description=text)
    verify.add_argument(
        "--anchor",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a file with lines that `anchor-ledger` gave: check that the ledger still holds what it held then",
    )
    verify.add_argument("--key", action="append", default=[], help="public key (RW…) of the anchors, beside our own")
    verify.set_defaults(command=_verify)
    text = "print where the ledger ends, signed: a line to keep where nobody who writes to the database can"
    commands.add_parser("anchor-ledger", help=text, description=text).set_defaults(command=_anchor)
    for command in (requests, show, verify):
        command.add_argument("--json", action="store_true", help="for a program: JSON, times in UTC")


def _requests(args: argparse.Namespace) -> int:
    settings, ledger = _ledger()
    all_requests = Overview(ledger.engine)
    all_requests.bring_up()
    if args.kept_since:
        _say(_kept_since(ledger.engine).isoformat(timespec="seconds"))
        return 0
    today = _today(settings)
    rights = frozenset({args.right}) if args.right else _ALL
    rows = all_requests.rows(Asked(rights, today, phase=OPEN if args.open else ""))
    if args.json:
        _say(json.dumps([_as_json(row) for row in rows], indent=1))
    else:
        _print_table(_HEAD, [_line(row, today, settings) for row in rows])
    return 0


def _kept_since(engine: Engine) -> datetime:
    """Runs from before belong to no request that is open, or may still be taken up again; UTC. From the overview."""
    with database.transaction(engine, "overview") as connection:
        oldest = connection.execute(select(func.min(overview.c.received_at)).where(~overview.c.closed)).scalar_one()
    latest = datetime.now(UTC) - _RUNS_KEPT
    return min(latest, oldest.astimezone(UTC)) if oldest else latest


def _show(args: argparse.Namespace, kinds: Kinds) -> int:
    from dsr.report.event_words import TITLES, told
    from dsr.way import way

    settings, ledger = _ledger()
    events = ledger.events(args.request)
    row = Row.of(events)
    if row is None:
        raise PermanentError("request.unknown", "ledger")
    ledger.verify_request(args.request)
    if args.recipients or args.letter:
        return _recipients(args, row, events, settings, kinds)
    steps, suspended = way(events).steps, _suspended(events, settings)
    if args.json:
        shown = [{"kind": e.kind, "at": e.at.isoformat(), "detail": dict(e.detail), "hash": e.hash} for e in events]
        found = [{"step": s.key, "state": s.state, "at": s.at.isoformat() if s.at else None} for s in steps]
        _say(
            json.dumps(
                {**_as_json(row), "suspended_latest": suspended or None, "way": found, "events": shown}, indent=1
            )
        )
        return 0
    line = dict(zip(_HEAD, _line(row, _today(settings), settings), strict=True))
    if suspended:
        line["suspended"] = f"until {suspended} by law, since the person was asked in time who they are"
    _say("\n".join(f"{name + ':':<11}{value}".rstrip() for name, value in line.items()) + "\n")
    _print_table(("step", "state", "done"), [(TITLES[s.key], s.state, _moment(s.at, settings)) for s in steps])
    _say()
    entries = [(_moment(e.at, settings), said.words, _more(said.more)) for e in events if (said := told(e))]
    _print_table((f"time ({settings.timezone})", "what happened", ""), entries)
    _say(f"\n{len(events)} events, unaltered.")
    return 0


def _recipients(args: argparse.Namespace, row: Row, events: Sequence[Event], settings: Settings, kinds: Kinds) -> int:
    """A register that can't be read is an error: without it nobody can say that there was nobody to tell."""
    from dsr.recipients import informed, letter, said

    register = Register.load(settings.register or None)
    listed = informed(events, register, [kind.declaration for kind in kinds().values()])
    if args.letter:
        _say(letter(listed, row, args.letter, settings))
    elif args.json:
        _say(json.dumps([{**one.told.as_json(), "address": one.address} for one in listed], indent=1))
    else:
        lines = [(one.told.name, one.address, one.told.kind, _moment(one.told.at, settings), one.told.by,
                  " ".join(filter(None, (said(one.told), one.told.code)))) for one in listed]  # fmt: skip
        _print_table(("recipient", "address", "of", f"told ({settings.timezone})", "by", "how it stands"), lines)
    return 0


def _suspended(events: Sequence[Event], settings: Settings) -> str:
    """The last day by law with the time that the person took to confirm that it is them; "" when none counts."""
    standing, within = Standing.of(events), settings.identity_asked_within
    return str(standing.suspended_deadline(within)) if standing and standing.suspended(within) else ""


def _verify(args: argparse.Namespace) -> int:
    settings, ledger = _ledger()
    try:
        count, head = ledger.verify(), ledger.head()
        last = _anchored(args, settings, ledger)
    except PermanentError as error:
        if args.json and error.code in ("ledger.tampered", "ledger.anchor"):
            _say(json.dumps({"unbroken": False}))
        raise
    if args.json:
        since = {"anchored": last.head.count} if last else {}
        _say(json.dumps({"unbroken": True, "events": count, "head": head.hash, **since}))
    else:
        _say(f"{count} events, unbroken. Head: {head.hash}")
        if last:
            _say(f"As it was noted outside on {last.at:%Y-%m-%d %H:%M} UTC, up to event {last.head.count}.")
    return 0


def _anchored(args: argparse.Namespace, settings: Settings, ledger: Ledger) -> Anchor | None:
    """The last of the anchors given, once all were found to be held; None without."""
    found: list[Anchor] = []
    for path in args.anchor:
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, ValueError):
            raise PermanentError("anchor.absent", "ledger") from None
        found += anchors(text, [published(settings), *args.key])
    for anchor in found:
        held(ledger, anchor)
    return max(found, key=lambda anchor: anchor.head.count, default=None)


def _anchor(_: argparse.Namespace) -> int:
    """Verified first: what was tampered with is not to be vouched for."""
    settings, ledger = _ledger()
    ledger.verify()
    _say(anchored(ledger.head(), Signer.from_settings(settings), datetime.now(UTC)))
    return 0


def _line(row: Row, today: date, settings: Settings) -> tuple[str, ...]:
    from dsr.report.event_words import TITLES

    left = "" if row.settled else str((row.latest - today).days)
    state = TITLES[row.place] if row.place else row.outcome
    state += f" ({row.failed})" if row.failed else ""
    waits = " ".join(filter(None, (row.waits, *row.sources)))
    received = row.received_at.astimezone(settings.zone).date()
    target = row.latest if row.extended_for else row.target
    return (row.request_id, row.right, str(received), str(target), str(row.latest), left, state, waits)


def _print_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Columns as wide as they have to be, the last one as long as it is."""
    table = [head, *lines]
    widths = [max(len(line[n]) for line in table) for n in range(len(head) - 1)]
    for line in table:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        _say("  ".join([*cells, line[-1]]).rstrip())


def _as_json(row: Row) -> dict[str, Any]:
    values = {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(row).items()}
    return {**values, "phase": row.phase}


def _more(more: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{name} {value}" for name, value in more)


def _moment(at: datetime | None, settings: Settings) -> str:
    return f"{at.astimezone(settings.zone):%Y-%m-%d %H:%M}" if at else ""


def _say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")


def _today(settings: Settings) -> date:
    return datetime.now(UTC).astimezone(settings.zone).date()


def _ledger() -> tuple[Settings, Ledger]:
    settings = Settings.from_environment(need=_NEED)
    return settings, Ledger(database.connect(settings.ledger_url), subkey(settings.master_key, "ledger"))
