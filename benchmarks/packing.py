"""What packing costs, and that its memory stays flat: `combine` and `compose` over millions of rows, and over
gigabytes of attachments, both made while they are read. `python -m benchmarks.packing --help`.

Beside it stream-zip alone packs the same bytes: as it comes, with zlib, which the limit is drawn from, and with our own
compressor (ISA-L), of which no limit is drawn: it is faster than a single hash. Speed is CPU seconds of all threads,
which a busy machine changes less than the clock on the wall. Each measurement runs in a process of its own; "idle" is
what that holds once everything is imported and its made-up batches are loaded. The package goes through the case file's
encryption and is then counted, not kept. Results are printed and written to var/bench/packing.json.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from stream_zip import ZIP_64, stream_zip

from benchmarks.engine import AT, REGISTER, ROOT, SETTINGS, request
from benchmarks.generated import (
    BATCH,
    BLOCK,
    DIFFERENT,
    Counting,
    GeneratedCase,
    Stream,
    attachment_streams,
    collected_attachments,
    collected_rows,
    prepare,
    row_streams,
)
from benchmarks.measured import peak_mib
from benchmarks.reviewed import hold_for_review, let_go
from benchmarks.synthetic import EMAIL, TABLES, SyntheticInvoices, rows_from
from dsr import archive, schema, tabular
from dsr.collected import Collected
from dsr.model import Found, Identifier, Piece, Rows, Subject
from dsr.search import SearchResult, found_as_json, stamp
from dsr.steps import assess, collect, combine, compose

LIMITS: Final = {"peak_over_idle_mib": 200.0, "times_stream_zip": 2.0}
ROWS: Final = 800_000
GIGABYTES: Final = 5.0
"""The sizes unless others are asked for: a few minutes, and enough attachments to need ZIP64."""
_ENOUGH: Final = 400_000_000
_KINDS: Final = {
    "rows": "combine and compose, rows",
    "rows_zlib": "stream-zip as it comes",
    "rows_alone": "stream-zip with ISA-L",
    "files": "combine and compose, attachments",
    "files_zlib": "stream-zip as it comes",
    "files_alone": "stream-zip with ISA-L",
    "collect": "collect, rows",
}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows over four tables (default {ROWS:,})")
    parser.add_argument("--gigabytes", type=float, default=GIGABYTES, help=f"of attachments (default {GIGABYTES})")
    parser.add_argument("--full", action="store_true", help="10 million rows and 20 GB; about twenty minutes")
    parser.add_argument("--child", choices=tuple(_KINDS), help=argparse.SUPPRESS)
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.full:
        options.rows, options.gigabytes = 10_000_000, 20.0
    batches = max(1, options.rows // len(TABLES) // BATCH)
    sizes = _sizes(options.gigabytes)
    if options.child:
        print(json.dumps(_child(options.child, options.made, batches, sizes)))
        return 0
    with tempfile.TemporaryDirectory() as made:
        prepare(Path(made))
        sized = [f"--rows={options.rows}", f"--gigabytes={options.gigabytes}", f"--made={made}"]
        results: dict[str, Any] = {kind: _measure(kind, sized) for kind in _KINDS}
    for kind in ("rows", "files"):
        for other in ("zlib", "alone"):
            results[f"{kind}_times_{other}"] = round(_pace(results[kind]) / _pace(results[f"{kind}_{other}"]), 2)
    results["held"] = _held(results)
    target = ROOT / "var" / "bench" / "packing.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n")
    _show(results)
    return 0 if all(results["held"].values()) else 1


def _sizes(gigabytes: float) -> list[int]:
    """One file beyond 4 GiB, when there is enough, and the rest in files of a gigabyte."""
    whole = int(gigabytes * 1e9)
    first = min(whole, 4_600_000_000)
    rest, last = divmod(whole - first, 1_000_000_000)
    return [first, *[1_000_000_000] * rest, *([last] if last > BLOCK else [])]


def _measure(kind: str, sized: list[str]) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.packing", "--child", kind, *sized]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    run: dict[str, Any] = json.loads(done.stdout)
    print(f"{_KINDS[kind]:<36}{run['wall_s']:9.1f} s wall {run['cpu_s']:9.1f} s CPU", flush=True)
    return run


def _child(kind: str, made: Path, batches: int, sizes: list[int]) -> dict[str, Any]:
    if kind == "rows":
        return _packed(row_streams(made, batches), collected_rows(made, batches, AT))
    if kind == "files":
        return _packed(attachment_streams(sizes), collected_attachments(sizes, AT))
    if kind == "collect":
        return _collected(batches)
    streams = _text_streams(made, batches) if kind.startswith("rows") else list(attachment_streams(sizes).values())
    return _alone(streams, archive.stream if kind.endswith("alone") else stream_zip)


class Clock:
    """Wall and CPU seconds of the whole process, and its peak memory over what it held when the clock was made."""

    def __init__(self) -> None:
        # Resets the peak that the kernel has noted (proc(5)): what was needed to prepare doesn't count.
        Path("/proc/self/clear_refs").write_text("5")
        self.idle = peak_mib()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """Since it was made."""
        return {
            "wall_s": round(time.perf_counter() - self._wall, 2),
            "cpu_s": round(time.process_time() - self._cpu, 2),
            "idle_mib": round(self.idle, 1),
            "peak_over_idle_mib": round(peak_mib() - self.idle, 1),
        }


def _packed(streams: Mapping[str, Stream], collected: Collected) -> dict[str, Any]:
    """Both steps over a generated case."""
    with tempfile.TemporaryDirectory() as folder:
        case = GeneratedCase(folder, streams)
        case.write_json("request", request())
        case.write_json("search/invoicing", SearchResult("invoicing", "found", AT, 1, 0).as_json())
        case.write_json("collected/invoicing", collected.as_json())
        declarations = [SyntheticInvoices.declaration]
        clock = Clock()
        combine.combine(case, declarations, REGISTER, portable=assess.portable, at=AT)
        hold_for_review(case)
        combined = clock.read()
        let_go(case)
        compose.compose(case, declarations, at=AT, settings=SETTINGS)
        whole = clock.read()
    assert case.package is not None
    listed, zip64 = case.package.directory()
    return {
        **whole,
        "combine_s": combined["wall_s"],
        "compose_s": round(whole["wall_s"] - combined["wall_s"], 2),
        "compose_cpu_s": round(whole["cpu_s"] - combined["cpu_s"], 2),
        "bytes": sum(info.file_size for info in listed),
        "package_bytes": case.package.size,
        "largest_file": max(info.file_size for info in listed),
        "files": len(listed),
        "zip64": zip64,
    }


def _alone(streams: Sequence[Stream], pack: Callable[[Iterable[Any]], Iterable[bytes]]) -> dict[str, Any]:
    """stream-zip over the same bytes, or over the first of each where it would take very long; what it writes is
    counted."""
    if pack is stream_zip:
        most = _ENOUGH // BLOCK // len(streams)
        streams = [dataclasses.replace(stream, count=min(stream.count, most)) for stream in streams]
    counting, size = Counting(), 0

    def pieces(stream: Stream) -> Iterator[bytes]:
        nonlocal size
        for piece in stream.pieces():
            size += len(piece)
            yield piece

    at = AT.replace(tzinfo=None)
    members = ((f"{number}", at, 0o600, ZIP_64, pieces(stream)) for number, stream in enumerate(streams))
    clock = Clock()
    for chunk in pack(members):
        counting.write(chunk)
    return {**clock.read(), "bytes": size, "package_bytes": counting.size}


def _text_streams(made: Path, batches: int) -> list[Stream]:
    """The JSON and the CSV of the rows, made beforehand."""
    stamped, streams = stamp(AT) or "", []
    for name, stream in zip(TABLES, row_streams(made, DIFFERENT).values(), strict=True):
        with pa.ipc.open_stream(b"".join(stream.pieces())) as reader:
            listed = list(reader)
        json_pieces = [bytes(tabular.json_text(batch, name, "invoicing", stamped)) for batch in listed]
        csv_pieces = [bytes(tabular.csv_text(batch, "invoicing", stamped)[0]) for batch in listed]
        streams += [Stream(json_pieces, batches), Stream(csv_pieces, batches)]
    return streams


class _ManyRows(SyntheticInvoices):
    """Yields as many rows as asked for, each with an id of its own."""

    batches = 0

    def extract(self, found: Found) -> Iterator[Piece]:
        """All tables."""
        for name in TABLES:
            batch = rows_from(name, range(BATCH))
            place = batch.schema.get_field_index(schema.SOURCE_ID)
            for number in range(self.batches):
                ids = pc.utf8_lpad(pa.array(range(number * BATCH, (number + 1) * BATCH)).cast(pa.string()), 18, "0")
                yield Rows("dsr-benchmark", name, batch.set_column(place, batch.schema.field(place), ids))


def _collected(batches: int) -> dict[str, Any]:
    """`collect` of so many rows; what it writes is encrypted and counted."""
    with tempfile.TemporaryDirectory() as folder:
        case = GeneratedCase(folder, {})
        source = _ManyRows()
        source.batches = batches
        case.write_json("request", request())
        found = source.find([Subject("dsr-benchmark", frozenset({Identifier("email", EMAIL)}))])
        case.write_json("found/invoicing", found_as_json(found))
        case.write_json("search/invoicing", SearchResult("invoicing", "found", AT, 1, 0).as_json())
        clock = Clock()
        counts = collect.collect(case, source, at=AT)
        return {**clock.read(), "rows": counts.records, "bytes": case.counting.size}


def _pace(run: Mapping[str, Any]) -> float:
    """CPU seconds per byte that goes in; of both steps only those of `compose`."""
    return float(run.get("compose_cpu_s", run["cpu_s"]) / run["bytes"])


def _held(results: dict[str, Any]) -> dict[str, bool]:
    flat = ("rows", "files", "collect")
    return {
        **{f"{kind} peak": results[kind]["peak_over_idle_mib"] <= LIMITS["peak_over_idle_mib"] for kind in flat},
        **{f"{kind} speed": results[f"{kind}_times_zlib"] <= LIMITS["times_stream_zip"] for kind in ("rows", "files")},
    }


def _show(results: dict[str, Any]) -> None:
    print(f"\n{'':36}{'GB in':>8}{'GB out':>8}{'wall s':>9}{'CPU s':>9}{'MiB over idle':>15}  ZIP64")
    for kind, title in _KINDS.items():
        run = results[kind]
        form = {True: "yes", False: "no", None: ""}[run.get("zip64")]
        print(
            f"{title:36}{run['bytes'] / 1e9:8.2f}{run.get('package_bytes', 0) / 1e9:8.2f}{run['wall_s']:9.1f}"
            f"{run['cpu_s']:9.1f}{run['peak_over_idle_mib']:15.0f}  {form}"
        )
    for kind in ("rows", "files"):
        run, zlib, isal = results[kind], results[f"{kind}_times_zlib"], results[f"{kind}_times_alone"]
        print(
            f"compose, {kind}: {run['compose_s']:.1f} s wall, {run['compose_cpu_s']:.1f} s CPU; per byte {zlib} times "
            f"stream-zip as it comes, {isal} times stream-zip with ISA-L"
        )
    for name, held in results["held"].items():
        limit = LIMITS["peak_over_idle_mib" if name.endswith("peak") else "times_stream_zip"]
        print(f"{'held  ' if held else 'BROKEN'} {name} <= {limit}")


if __name__ == "__main__":
    raise SystemExit(main())
