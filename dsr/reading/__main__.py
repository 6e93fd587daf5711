"""`python -m dsr.reading PATH`: verifies a package and says what is in it, in numbers and names of systems only.

Exit code 0: whole (a package that says that sources are missing is whole; the text names them). 1: not whole, or
can't be opened. 2: the command was not understood.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from dsr.reading import Limits, PackageContents, PackageError, read_package


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the summary, or on stderr what is wrong; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        password = _first_line(options.password_file) if options.password_file else None
        with read_package(
            options.path,
            public_key=options.public_key,
            signature=options.signature,
            password=password,
            age_identity=options.age_identity,
            limits=Limits(
                files=options.most_files,
                bytes=options.most_bytes,
                ratio=options.most_ratio,
                whole=options.most_json_bytes,
            ),
        ) as contents:
            print(summary(contents))
    except PackageError as error:
        print(f"NOT VERIFIED ({error.code}). {error.words}", file=sys.stderr)
        return 1
    except (ImportError, OSError) as error:
        print(f"NOT VERIFIED. {error}", file=sys.stderr)
        return 1
    return 0


def summary(contents: PackageContents) -> str:
    """What is in the package, as text for a terminal; no personal data."""
    signed = {
        "signed": "signature and all hashes are right",
        "hashed": "all hashes are right; WHO MADE IT IS NOT KNOWN (no public key was given)",
    }
    lines = [
        f"Request    {contents.request_id}",
        f"Right      {contents.right}",
        f"Made at    {contents.made_at.isoformat()}",
        f"Verified   {signed[contents.verified]}",
        f"Complete   {'yes' if contents.complete else 'NO, missing: ' + ', '.join(contents.missing)}",
    ]
    if contents.signed_says:
        lines.append(f"Signed for {contents.signed_says}")
    width = max((len(name) for name in contents.rows), default=0)
    lines += ["", "Dataset".ljust(width) + "  Records  Source"]
    lines += [f"{name:{width}}  {rows:7}  {contents.source(name)}" for name, rows in contents.rows.items()]
    size = sum(attachment.bytes for attachment in contents.attachments)
    lines += ["", f"{len(contents.attachments)} attachments, {size} bytes"]
    changed = sum(contents.neutralised.cells.values())
    lines.append(f"{changed} cells of CSV files have a leading ' against formulas; the JSON files are as they were")
    return "\n".join(line if line.isprintable() else ascii(line) for line in lines)


def _first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].strip() if path.stat().st_size else ""


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m dsr.reading", description="Verifies a package and says what is in it.")
    parser.add_argument("path", type=Path, help="the .zip or .zip.age as received, or the unpacked folder")
    parser.add_argument("--public-key", type=Path, help="the sender's minisign.pub")
    parser.add_argument("--signature", type=Path, help="the signature; PATH.minisig when left out")
    parser.add_argument("--password-file", type=Path, help="its first line is the password of an encrypted ZIP")
    parser.add_argument("--age-identity", type=Path, help="a file with AGE-SECRET-KEY-1…, for .zip.age")
    own = Limits()
    parser.add_argument("--most-files", type=int, default=own.files, help="files it may hold (%(default)s)")
    parser.add_argument("--most-bytes", type=int, default=own.bytes, help="bytes it may unpack to (%(default)s)")
    parser.add_argument(
        "--most-ratio",
        type=int,
        default=own.ratio,
        help="unpacked bytes per packed byte of all files but the attachments (%(default)s)",
    )
    parser.add_argument(
        "--most-json-bytes", type=int, default=own.whole, help="bytes of a JSON file read as a whole (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
