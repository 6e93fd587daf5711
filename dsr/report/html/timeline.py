"""When the records happened: a strip of bars per category, drawn as SVG, and the same as a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dsr.report.html.reading import Reading
from dsr.report.html.wording import Wording

_MOST_MONTHS: Final = 96
_MOST_YEARS: Final = 20
_HEIGHT: Final = 44.0
_LEAST: Final = 2.0
_TICKS: Final = 5


@dataclass(frozen=True)
class Bar:
    """A bar: left edge and width in per cent of the strip, top and height in pixels."""

    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True)
class Lane:
    """One category: its title, its records per period of the table, and its bars with what they show in words."""

    name: str
    title: str
    total: int
    words: str
    bars: Sequence[Bar]
    counts: Sequence[int]


@dataclass(frozen=True)
class Timeline:
    """`periods`: the years or months that hold records, for the table. `ticks`: labels under the strips with their
    place in per cent. `undated`: records of datasets that have a time, without one."""

    unit: str
    periods: Sequence[str]
    ticks: Sequence[tuple[str, str]]
    lanes: Sequence[Lane]
    undated: int
    clipped: bool


def timeline(
    categories: Iterable[Mapping[str, Any]], readings: Mapping[tuple[str, str], Reading], made: str, wording: Wording
) -> Timeline | None:
    """None when no record has a time. Periods are months for up to eight years, else years; the strips reach back
    twenty years from `made` (RFC 3339), the table names all periods."""
    months, undated = {}, 0
    for category in categories:
        counted: Counter[str] = Counter()
        for dataset in category["datasets"]:
            reading = readings[dataset["source"], dataset["name"]]
            counted += reading.months
            undated += reading.undated
        if counted:
            months[category["name"], wording.own({"en": category["title"], "sv": category["title_sv"]})] = counted
    if not months:
        return None
    every = sorted(set().union(*months.values()))
    by_month = _number(every[-1]) - _number(every[0]) < _MOST_MONTHS
    width = 7 if by_month else 4
    periods = sorted({month[:width] for month in every})
    axis = _axis(periods, made[:4], by_month=by_month)
    lanes = [_lane(key, counted, periods, axis, width, wording) for key, counted in months.items()]
    clipped = not set(periods) <= set(axis)
    return Timeline("month" if by_month else "year", periods, _ticks(axis), lanes, undated, clipped)


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def _axis(periods: Sequence[str], year: str, *, by_month: bool) -> list[str]:
    """Periods of the strips without a gap."""
    if by_month:
        numbers = range(_number(periods[0]), _number(periods[-1]) + 1)
        return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in numbers]
    last = min(int(periods[-1]), int(year) + 1)
    first = max(int(periods[0]), last - _MOST_YEARS + 1)
    return [f"{number:04d}" for number in range(min(first, last), last + 1)]


def _lane(
    key: tuple[str, str],
    months: Counter[str],
    periods: Sequence[str],
    axis: Sequence[str],
    width: int,
    wording: Wording,
) -> Lane:
    counted: Counter[str] = Counter()
    for month, count in months.items():
        counted[month[:width]] += count
    highest = max((counted[period] for period in axis), default=0)
    step = 100 / len(axis)
    bars = []
    for at, period in enumerate(axis):
        if counted[period]:
            height = max(_LEAST, _HEIGHT * counted[period] / highest)
            bars.append(
                Bar(f"{at * step + step * 0.1:.3f}", f"{step * 0.8:.3f}", f"{_HEIGHT - height:.1f}", f"{height:.1f}")
            )
    most = min(period for period in counted if counted[period] == max(counted.values()))
    words = wording.text(
        "timeline.lane_one" if len(counted) == 1 else "timeline.lane",
        total=wording.number(counted.total()),
        first=min(counted),
        last=max(counted),
        most=most,
        highest=wording.number(counted[most]),
    )
    return Lane(*key, counted.total(), words, bars, [counted[period] for period in periods])


def _ticks(axis: Sequence[str]) -> list[tuple[str, str]]:
    every = -(-len(axis) // _TICKS)
    return [(period, f"{100 * at / len(axis):.3f}") for at, period in enumerate(axis) if at % every == 0]
