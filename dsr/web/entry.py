"""Staff entry: an officer enters a request that came by letter, by phone, in person or to the mailbox.

GET  /entry                        an empty form
POST /entry                        form: token, step (check, change, enter) and the fields of `entry_form.Typed`
GET  /entry/{request_id}           what was entered, and by when it is to be answered

What is typed is personal data: it goes into the case file. It is never in an address, and nothing of it is kept before
the last step.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsr.channels import staff
from dsr.channels.acting import GROUNDS, PURPOSES
from dsr.channels.ticket import Delivery
from dsr.errors import PermanentError, TransientError
from dsr.letterbox import ENTERED, by_officer
from dsr.report.letters import render
from dsr.standing import Standing, unsent
from dsr.steps import assess
from dsr.triage import linked_to
from dsr.vocabulary import UNCLEAR
from dsr.web.console import Desk, Visitor, form_of
from dsr.web.entry_form import Stated, Typed, Wrong, read
from dsr.web.entry_words import ABOUT_WORDS, GROUND_WORDS, PURPOSE_WORDS, RIGHT_WORDS
from dsr.web.taking import Taking

_HERE: Final = "entry"
_AT_ONCE: Final = 2


def routes(desk: Desk, taking: Taking) -> list[Route]:
    """Of these pages. `taking`: makes a case of what is entered."""
    pages = _Pages(desk, taking)
    return [
        Route("/entry", pages.form, methods=["GET"]),
        Route("/entry", pages.send, methods=["POST"]),
        Route("/entry/{request_id}", pages.entered, methods=["GET"]),
    ]


class _Pages:
    def __init__(self, desk: Desk, taking: Taking) -> None:
        self._desk, self._taking = desk, taking
        # As the webhook: starting a run calls the very server whose threads these would otherwise be.
        self._threads = anyio.CapacityLimiter(_AT_ONCE)

    async def form(self, request: Request) -> Response:
        """An empty form."""
        visitor = await self._desk.starter(request)
        return self._shown(request, visitor, Typed.new(), {})

    async def send(self, request: Request) -> Response:
        """Any step of it: what is wrong, a second look, or the case."""
        visitor = await self._desk.starter(request)
        form = await form_of(request)
        self._desk.check(request, visitor.code, _HERE, form.get("token", [""])[0])
        typed, step = Typed.of(form), form.get("step", [""])[0]
        if step == "change":
            return self._shown(request, visitor, typed, {})
        found = await run_in_threadpool(self._read, typed, visitor)
        if isinstance(found, Wrong):
            return self._shown(request, visitor, typed, found.words)
        if step != "enter":
            return await run_in_threadpool(self._asked_again, request, visitor, typed, found)
        try:
            request_id = await run_sync(partial(self._enter, visitor, typed, found), limiter=self._threads)
        except PermanentError as error:
            if error.code != "delivery.conflict":
                raise
            again = "This form was entered before, with other content: open a new one for another request."
            return self._shown(request, visitor, typed, {"way": again})
        except TransientError as error:
            # The same form goes on where this stopped.
            later = f"It could not be kept ({error.code}). Try again in a moment: the form is as you left it."
            return self._shown(request, visitor, typed, {"way": later})
        return RedirectResponse(f"{_root(request)}/entry/{request_id}", 303)

    async def entered(self, request: Request) -> Response:
        """What the ledger says of an entered request."""
        visitor = await self._desk.visitor(request)
        request_id = request.path_params["request_id"]
        events = await run_in_threadpool(self._desk.ledger.events, request_id)
        standing = Standing.of(events)
        if standing is None or not by_officer(events) or standing.right not in visitor.sees:
            raise HTTPException(404, "No request was entered under this id.")
        entered = next((event.detail for event in events if event.kind == ENTERED), {})
        body = render(
            "entered.html.j2",
            root=_root(request),
            here=_HERE,
            request_id=request_id,
            # Cut off before it was noted who entered it, the request is there all the same.
            way=staff.WAYS.get(entered.get("way", ""), ""),
            by=entered.get("by", ""),
            received=standing.received_at.astimezone(self._desk.settings.zone),
            right=RIGHT_WORDS[standing.right],
            deadline=standing.deadline,
            linked=linked_to(events),
            started=any(event.kind == "run_started" for event in events),
            waiting=len(unsent(events)),
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _read(self, typed: Typed, visitor: Visitor) -> Stated | Wrong:
        found = read(typed, self._desk.settings, self._desk.now())
        if isinstance(found, Stated) and found.ticket.right not in visitor.starts:
            return Wrong({"rights": "You may not start requests of this right."})
        return found

    def _asked_again(self, request: Request, visitor: Visitor, typed: Typed, found: Stated) -> Response:
        settings = self._desk.settings
        due = assess.deadlines(found.received_at, settings.country, settings.timezone)
        body = render(
            "entry_confirm.html.j2",
            root=_root(request),
            here=_HERE,
            token=self._desk.token(visitor.code, _HERE),
            typed=typed,
            pairs=typed.pairs(),
            asked="; ".join(RIGHT_WORDS.get(right, right) for right in typed.rights),
            stops="; ".join(PURPOSE_WORDS[purpose] for purpose in found.ticket.acting.purposes),
            received=found.received_at,
            due=due,
            passed=due.legal_latest < self._desk.now().astimezone(settings.zone).date(),
            **_words(settings.rights),
        )
        return Response(body, media_type="text/html; charset=utf-8")

    def _enter(self, visitor: Visitor, typed: Typed, found: Stated) -> str:
        content = staff.body_of({**typed.value(found.received_at), "way": typed.way})
        accepted = self._taking.take(
            found.ticket,
            Delivery(f"{visitor.code}:{typed.key}"),
            hashlib.sha256(content).hexdigest(),
            self._desk.now(),
            lambda request_id: self._note(request_id, visitor.code, typed.way),
        )
        return accepted.request_id

    def _note(self, request_id: str, by: str, way: str) -> None:
        """Who entered it, once."""
        ledger = self._desk.ledger
        if not any(event.kind == ENTERED for event in ledger.events(request_id)):
            ledger.append(request_id, ENTERED, {"by": by, "way": way}, at=self._desk.now())

    def _shown(self, request: Request, visitor: Visitor, typed: Typed, wrong: Mapping[str, str]) -> Response:
        settings = self._desk.settings
        body = render(
            "entry.html.j2",
            root=_root(request),
            here=_HERE,
            token=self._desk.token(visitor.code, _HERE),
            typed=typed,
            wrong=wrong,
            at={one.name: wrong.get(one.name, "") for one in fields(Typed)},
            today=self._desk.now().astimezone(settings.zone).date().isoformat(),
            recipients=[("", "to nobody else"), *((key, key) for key in settings.recipients)],
            customers=[("", ""), *((key, customer.name) for key, customer in settings.customers.items())],
            grounds={right: codes for right, codes in GROUNDS.items() if right in settings.rights},
            purposes=PURPOSES,
            **_words(settings.rights),
        )
        return Response(body, 422 if wrong else 200, media_type="text/html; charset=utf-8")


def _words(rights: tuple[str, ...]) -> dict[str, Any]:
    return {
        "ways": staff.WAYS,
        "rights": {right: RIGHT_WORDS[right] for right in (*rights, UNCLEAR)},
        "ground_words": GROUND_WORDS,
        "purpose_words": PURPOSE_WORDS,
        "about_words": ABOUT_WORDS,
    }


def _root(request: Request) -> str:
    """Where the pages are mounted."""
    return str(request.scope.get("root_path", ""))
