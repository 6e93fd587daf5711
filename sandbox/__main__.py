"""`python -m sandbox`: the source systems, ticket systems, mail and texts on loopback, with state."""

import argparse
import asyncio
import json
from pathlib import Path

from sandbox.serve import serve
from sandbox.system import Options
from sandbox.wire import Fault


def main() -> None:
    """Parse the options and serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the systems' data")
    parser.add_argument("--people", type=int, default=500, help="size of the population (default 500)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same data (default 1)")
    parser.add_argument("--rows-for-canary", type=int, default=0, help="extra rows per invoicing table")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="wait before every answer over HTTP")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="JSON",
        help='play a failure, e.g. \'{"system":"pardot","status":503,"times":2}\'; may be given several times',
    )  # fmt: skip
    args = parser.parse_args()
    options = Options(args.state.resolve(), args.people, args.seed, args.rows_for_canary, args.latency_ms)
    asyncio.run(serve(options, [Fault(**json.loads(text)) for text in args.fault]))


if __name__ == "__main__":
    main()
