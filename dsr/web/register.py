"""The register of processing (Art. 30 GDPR), readable, with what is missing first.

GET  /register
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dsr.register import Activity, Problem, Register, read
from dsr.report.letters import render
from dsr.source import Dataset, Declaration
from dsr.vocabulary import CATEGORIES
from dsr.web.console import Desk

_HERE: Final = "register"


@dataclass(frozen=True)
class Shown:
    """A row as the page shows it. `datasets`: a source's title and those of its datasets that refer to the row;
    `problems`: how many."""

    row: Activity
    datasets: tuple[tuple[str, tuple[Dataset, ...]], ...]
    problems: int


def routes(desk: Desk, declarations: Sequence[Declaration]) -> list[Route]:
    """Of this page."""

    async def page(request: Request) -> Response:
        await desk.visitor(request)
        body = await run_in_threadpool(_page, desk, declarations, str(request.scope.get("root_path", "")))
        return Response(body, media_type="text/html; charset=utf-8")

    return [Route("/register", page, methods=["GET"])]


def _page(desk: Desk, declarations: Sequence[Declaration], root: str) -> str:
    settings = desk.settings
    register, problems = read(settings.register, declarations, settings.controller.name, settings.controller.mail)
    by_row = {row: list(found) for row, found in groupby(problems, lambda problem: problem.row)}
    return render(
        "register.html.j2",
        root=root,
        here=_HERE,
        example=not settings.register,
        register=register,
        rows=_rows(register, declarations, by_row) if register else [],
        problems=by_row,
        count=len(problems),
        categories=CATEGORIES,
        label=lambda term: _label(register, term),
    )


def _rows(
    register: Register, declarations: Sequence[Declaration], by_row: Mapping[str, Sequence[Problem]]
) -> list[Shown]:
    found = []
    for row in register.activities.values():
        referring = [(d.title, tuple(s for s in d.datasets if s.processing == row.id)) for d in declarations]
        datasets = tuple((title, listed) for title, listed in referring if listed)
        found.append(Shown(row, datasets, len(by_row.get(row.id, ()))))
    return found


def _label(register: Register | None, term: str) -> Any:
    """A DPV term in words; the term itself when the register's list hasn't got it."""
    if register is None or not term or term not in register.terms:
        return term
    return register.terms.words(term)["en"]
