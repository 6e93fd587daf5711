"""The queue of what a person looks at before it is disclosed: texts and files in which others may be spoken of.

GET  /review/{request_id}?page=n          a page of items; looking is an event
POST /review/{request_id}/{number}        form: token, state (what was shown), verdict (released, masked, withheld,
                                          agree), ground, m (parts to hide, start-end-kind), also (more words)
POST /review/{request_id}/page/{n}        form: token, state of each: takes what is proposed for the texts shown
GET  /review/{request_id}/files/{number}  a file; looking is an event

What is typed and shown here is personal data: it goes into the case file, and nowhere else.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from dsr import review, reviewing
from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.proposing import Proposal, Proposing
from dsr.report.letters import render
from dsr.review import FILE, MASKED, WITHHELD, Entry, Item
from dsr.web import records
from dsr.web.console import Desk, form_of, opened
from dsr.web.reviewed_item import also_hidden, shown, span_of, state_of

_INLINE: Final = ("audio/", "image/png", "image/jpeg")
_CHUNK: Final = 256 * 1024
_NUMBER: Final = re.compile(r"[0-9]{1,7}")


def routes(desk: Desk) -> list[Route]:
    """Of this page."""
    pages = _Pages(desk)
    return [
        Route("/review/{request_id}", pages.page, methods=["GET"]),
        Route("/review/{request_id}/page/{page:int}", pages.accept, methods=["POST"]),
        Route("/review/{request_id}/files/{number:int}", pages.file, methods=["GET"]),
        Route("/review/{request_id}/{number:int}", pages.decide, methods=["POST"]),
    ]


Form = dict[str, list[str]]


class _Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """A page of the queue."""
        case, user = await opened(self._desk, request)
        number = request.query_params.get("page", "1")
        return await run_in_threadpool(self._page, case, user, int(number) if _NUMBER.fullmatch(number) else 1)

    async def decide(self, request: Request) -> Response:
        """One decision."""
        case, user = await opened(self._desk, request)
        form, number = await form_of(request), request.path_params["number"]
        self._desk.check(request, user, case.case_id, form.get("token", [""])[0])
        await run_in_threadpool(self._decide, case, user, number, form)
        return await self._done(request, case, number)

    async def accept(self, request: Request) -> Response:
        """What is proposed for all that is open on a page."""
        case, user = await opened(self._desk, request)
        form, page = await form_of(request), request.path_params["page"]
        self._desk.check(request, user, case.case_id, form.get("token", [""])[0])
        await run_in_threadpool(self._accept, case, user, page, form)
        return RedirectResponse(f"../../{case.case_id}?page={page}", 303)

    async def file(self, request: Request) -> Response:
        """A file, as it is held."""
        case, user = await opened(self._desk, request)
        item = await run_in_threadpool(review.item, case, request.path_params["number"])
        if item.form != FILE:
            raise HTTPException(404)
        await run_in_threadpool(self._note, case, "review_viewed", {"item": item.number, "by": user})
        kind = item.file["media_type"] if str(item.file["media_type"]).startswith(_INLINE) else ""
        headers = {"content-security-policy": "default-src 'none'; sandbox", "content-length": str(item.file["bytes"])}
        name = f"item-{item.number}.{item.file['extension']}"
        headers["content-disposition"] = f'{"inline" if kind else "attachment"}; filename="{name}"'
        return StreamingResponse(_bytes(case, item), 200, headers, kind or "application/octet-stream")

    def _page(self, case: CaseFile, user: str, number: int) -> Response:
        four_eyes = self._desk.settings.review_four_eyes
        items = review.page(case, number)
        doubtful = records.records(case) if number == 1 else []
        entries = review.entries(case)
        offered = self._offered(case, entries, items)
        standing = dict(review.verdicts(case))
        if items or doubtful:
            seen = {"page": number, "items": len(items), "records": len(doubtful), "by": user}
            self._note(case, "review_viewed", seen)
        body = render(
            "review.html.j2",
            request_id=case.case_id,
            items=[
                shown(item, entries[item.key], offered(item), standing.get(item.number), user, four_eyes)
                for item in items
            ],
            records=doubtful,
            known=records.known(case) if doubtful else None,
            page=number,
            pages=max((entry.page for entry in entries.values()), default=1),
            progress=reviewing.progress(case, four_eyes=four_eyes),
            concluded=case.exists(review.CONCLUDED),
            token=self._desk.token(user, case.case_id),
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _offered(
        self, case: CaseFile, entries: Mapping[str, Entry], items: Sequence[Item]
    ) -> Callable[[Item], Proposal]:
        if not items:
            return lambda item: Proposal("")
        proposing = Proposing(case, self._desk.settings.country)
        return lambda item: proposing(item, entries[item.key].places[0])

    def _decide(self, case: CaseFile, user: str, number: int, form: Form) -> None:
        with self._desk.alone(case.case_id):
            item = review.item(case, number)
            standing = review.verdict(case, number)
            offered = self._offered(case, review.entries(case), [item])(item)
            if form.get("state", [""])[0] != state_of(item, offered, standing):
                raise PermanentError("review.changed", "review")
            self._decided(case, user, item, form)

    def _decided(self, case: CaseFile, user: str, item: Item, form: Form) -> None:
        verdict = form.get("verdict", [""])[0]
        if verdict == "agree":
            reviewing.second(case, item.number, by=user)
            self._note(case, "review_decided", {"item": item.number, "verdict": "agreed", "by": user})
            return
        masks = []
        if verdict == MASKED:
            masks = [span for value in form.get("m", []) if (span := span_of(value))]
            masks += also_hidden(item.text, form.get("also", [""])[0])
        ground = form.get("ground", ["third_party"])[0] if verdict == WITHHELD else ""
        at = self._desk.now()
        decided = reviewing.decide(case, item.number, verdict=verdict, by=user, at=at, ground=ground, masks=masks)
        detail: dict[str, Any] = {"item": item.number, "verdict": verdict, "by": user, "masks": len(decided.masks)}
        self._note(case, "review_decided", detail | ({"ground": ground} if ground else {}))

    def _accept(self, case: CaseFile, user: str, page: int, form: Form) -> None:
        """Takes what is proposed for those that were shown so, and about which nobody has decided since."""
        states, taken = set(form.get("state", [])), 0
        with self._desk.alone(case.case_id):
            decided = dict(review.verdicts(case))
            items = [item for item in review.page(case, page) if item.number not in decided and item.form != FILE]
            offered = self._offered(case, review.entries(case), items)
            for item in items:
                proposal = offered(item)
                if state_of(item, proposal, None) in states:
                    self._take(case, user, item, proposal)
                    taken += 1
            self._note(case, "review_decided", {"page": page, "verdict": "as_proposed", "items": taken, "by": user})

    def _take(self, case: CaseFile, user: str, item: Item, proposal: Proposal) -> None:
        masks = proposal.hidden if proposal.verdict == MASKED else ()
        ground = "third_party" if proposal.verdict == WITHHELD else ""
        at = self._desk.now()
        reviewing.decide(case, item.number, verdict=proposal.verdict, by=user, at=at, ground=ground, masks=masks)

    async def _done(self, request: Request, case: CaseFile, number: int) -> Response:
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(await run_in_threadpool(self._standing, case, number))
        page = next((e.page for e in review.entries(case).values() if e.number == number), 1)
        return RedirectResponse(f"../{case.case_id}?page={page}#item-{number}", 303)

    def _standing(self, case: CaseFile, number: int) -> dict[str, Any]:
        progress = reviewing.progress(case, four_eyes=self._desk.settings.review_four_eyes)
        item, decided = review.item(case, number), review.verdict(case, number)
        offered = self._offered(case, review.entries(case), [item])(item)
        told = {"verdict": decided.verdict if decided else "", "state": state_of(item, offered, decided)}
        return {**told, "open": progress.open, "unseconded": progress.unseconded}

    def _note(self, case: CaseFile, kind: str, detail: dict[str, Any]) -> None:
        self._desk.ledger.append(case.case_id, kind, detail, at=self._desk.now())


def _bytes(case: CaseFile, item: Item) -> Iterator[bytes]:
    with case.reader(item.file["object"]) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
