"""`python -m embedded`: the stack on this machine."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from embedded import demo
from embedded.airflow import ROOT
from embedded.journey import warm_up
from embedded.stack import Options, Stack

_UP = ROOT / "var" / "embedded"
_DEMO = ROOT / "var" / "demo"


def main() -> int:
    """Run one command; 0 when everything held."""
    args = _parser().parse_args()
    console = Console(highlight=False)
    options = Options(args.people, args.seed, args.rows_for_canary, args.latency_ms) if "people" in args else Options()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if args.command == "demo":
            return demo.run(args.folder or _DEMO, options, console, args.right)
        return _up_down_status(args, options, console)
    except RuntimeError as error:
        console.print(f"[bold red]failed:[/] {escape(str(error))}", markup=True, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("interrupted; everything that was started is stopped")
        return 130


def _up_down_status(args: argparse.Namespace, options: Options, console: Console) -> int:
    folder: Path = args.folder or _UP
    stack = Stack(folder, options, lambda line: console.print(f"  {line}"))
    if args.command == "down":
        stack.down()
        console.print("stopped")
    elif args.command == "status":
        running = stack.running()
        console.print(f"running: {', '.join(running)}" if running else "not running")
        if running:
            _show(stack, console)
    elif stack.running():
        console.print("runs already; `make down` stops it")
        _show(stack, console)
    else:
        stack.up()
        warm_up(stack)
        _show(stack, console)
    return 0


def _show(stack: Stack, console: Console) -> None:
    stack.adopt()
    passwords = stack.secrets.passwords
    lines = [
        f"\nAirflow   {stack.airflow_url}",
        *(f"          {user} / {passwords[user]}" for user in ("officer", "engineer")),
        f"Webhook   {stack.airflow_url}/dsr/requests/standard_webhooks   also zendesk, jira, freshdesk; secrets below",
        f"Portal    {stack.portal_url}",
        f"Sandbox   {stack.endpoints['admin']}   /mail/messages /sms/messages /calls; people: sandbox/people.py",
        f"Secrets   {stack.folder / 'secrets.json'}",
        f"Logs      {stack.folder / 'logs'}",
    ]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("up", "start the stack and leave it running"),
        ("demo", "fulfil one request, from webhook to downloaded package or certificate, then stop everything"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--people", type=int, default=500, help="size of the sandbox's population (default 500)")
        command.add_argument("--seed", type=int, default=1, help="same seed, same people (default 1)")
        command.add_argument("--rows-for-canary", type=int, default=0, help="extra invoicing rows for the person asked")
        command.add_argument("--latency-ms", type=float, default=0.0, help="how slowly the systems answer")
    text = "what is asked for (default access)"
    commands.choices["demo"].add_argument("--right", choices=demo.RIGHTS, default="access", help=text)
    commands.add_parser("down", help="stop it")
    commands.add_parser("status", help="what runs, and where")
    for command in commands.choices.values():
        command.add_argument("--folder", type=Path, help="where state is kept (default var/embedded, var/demo)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
