"""`python -m dsr`: the download page, the database, and a look at what there is. Settings come from DSR_… variables."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Final

from dsr import database
from dsr.errors import DsrError
from dsr.ledger import Event, Ledger
from dsr.settings import Settings, subkey

_DONE: Final = 0
_FAILED: Final = 1
_LEDGER: Final = ("ledger_url", "master_key")


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
    text = "check that nothing in the ledger was edited, removed, added or moved"
    commands.add_parser("verify-ledger", help=text, description=text).set_defaults(command=_verify)
    text = "list the requests with their dates and what happened last"
    requests = commands.add_parser("requests", help=text, description=text)
    requests.add_argument("--open", action="store_true", help="only those that are neither answered nor closed")
    requests.set_defaults(command=_requests)
    text = "list the source systems, what they hold, and the Airflow connection that each needs"
    commands.add_parser("sources", help=text, description=text).set_defaults(command=_sources)
    text = "print one Airflow pool per source system, as `airflow pools import` reads it"
    commands.add_parser("pools", help=text, description=text).set_defaults(command=_pools)
    return parser


def _portal(args: argparse.Namespace) -> int:
    import uvicorn

    from dsr.web.portal import create_app

    # No access log: the ledger has what counts, and an address in a log is a person's data.
    uvicorn.run(create_app(), host=args.host, port=args.port, access_log=False, server_header=False)
    return _DONE


def _upgrade(_: argparse.Namespace) -> int:
    settings = Settings.from_environment(need=("ledger_url",))
    database.upgrade(database.connect(settings.ledger_url))
    print("The ledger's database is up to date.")
    return _DONE


def _verify(_: argparse.Namespace) -> int:
    ledger = _ledger()
    count, head = ledger.verify(), ledger.head()
    print(f"{count} events, unbroken. Head: {head.hash}")
    return _DONE


def _requests(args: argparse.Namespace) -> int:
    by_request: dict[str, list[Event]] = {}
    for event in _ledger().events():
        by_request.setdefault(event.request_id, []).append(event)
    row = "{:<30}  {:<8}  {:<16}  {:<10}  {:<10}  {}"
    print(row.format("request", "right", "received (UTC)", "target", "latest", "last event"))
    for request_id, events in by_request.items():
        received = next((e for e in events if e.kind == "request_received"), None)
        done = {"answered", "closed"} & {e.kind for e in events}
        if received is None or (args.open and done):
            continue
        known = received.detail
        last = f"{events[-1].kind} {events[-1].at:%Y-%m-%d %H:%M}"
        since = known["received_at"][:16].replace("T", " ")
        print(row.format(request_id, known["right"], since, known["target"], known["legal_latest"], last))
    return _DONE


def _sources(_: argparse.Namespace) -> int:
    from extractors import SOURCES  # the only place here that knows them

    for source in SOURCES:
        declaration = source.declaration
        print(f"{declaration.name}: {declaration.title} ({declaration.role})")
        print(f"  connection {declaration.connection_id}, type {declaration.connection_type}")
        for field, meaning in declaration.connection_fields.items():
            print(f"    {field}: {meaning}")
        print(f"  found by {', '.join(declaration.finds_by)}{' through the index' if declaration.indexed else ''}")
        for dataset in declaration.datasets:
            print(f"  - {dataset.name}: {dataset.title} [{dataset.category}]")
        for exclusion in declaration.exclusions:
            print(f"  not read: {exclusion.what}: {exclusion.reason}")
        print()
    return _DONE


def _pools(_: argparse.Namespace) -> int:
    from dsr.pools import pools
    from extractors import SOURCES

    print(json.dumps(pools(source.declaration for source in SOURCES), indent=1))
    return _DONE


def _ledger() -> Ledger:
    settings = Settings.from_environment(need=_LEDGER)
    return Ledger(database.connect(settings.ledger_url), subkey(settings.master_key, "ledger"))


if __name__ == "__main__":
    sys.exit(main())
