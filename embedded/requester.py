"""Plays everybody outside: the ticket system that sends the webhook, and the person who reads mail and ticket and
fetches the package. Sees only what they would see."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from dsr.report.letters import LANGUAGES, catalogue
from embedded.process import StackError
from embedded.stack import Stack
from sandbox.tickets.sender import signed, ticket_body

_CHANNEL: Final = "standard_webhooks"
_DATABASE: Final = "invoicing"
_CODE: Final = re.compile(r"(?<![0-9A-Z-])[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}(?![0-9A-Z-])")
_SHORT_CODE: Final = re.compile(r"(?m)^[0-9A-Z]{4}-[0-9A-Z]{4}\r?$")
_PATIENCE: Final = 30.0
_OFFERED: Final = re.compile(r'id="download" href="([^"]+)"')
_LINK: Final = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Receipt:
    """What the webhook answered. `due`: {"target", "legal_latest"} as ISO dates."""

    request_id: str
    due: dict[str, str]


def is_question(text: str) -> bool:
    """Whether a text in the ticket only says that the person was asked whether it is them."""
    return text.startswith(tuple(catalogue(language, "identity")["ticket"]["asked"] for language in LANGUAGES))


def is_acknowledgement(text: str) -> bool:
    """Whether a text in the ticket only says that the request has come."""
    intros = (catalogue(language, "triage")["acknowledged"]["intro"] for language in LANGUAGES)
    return text.startswith(tuple(intro.partition("{")[0] for intro in intros))


class Requester:
    """Uses the stack from outside."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = httpx.Client(timeout=60.0, trust_env=False, verify=stack.trust)
        self._admin = httpx.Client(base_url=stack.endpoints["admin"], timeout=30.0, trust_env=False)

    def ask(
        self, email: str, *, ticket_id: str, language: str = "sv", name: str = "", right: str = "access", **options: Any
    ) -> Receipt:
        """A ticket: send me what you hold about this address, or what else the right is. `options`: encryption,
        age_recipient, transmit_to, ground, purposes and corrections, as `ticket_body` takes them. StackError when it
        isn't taken."""
        at = datetime.now(UTC)
        stated: dict[str, Any] = {"email": email, "name": name, "language": language, "right": right, **options}
        body = ticket_body(_CHANNEL, ticket_id, **stated, at=at)
        secret = self._stack.secrets.channels[_CHANNEL.upper()]
        headers, raw = signed(_CHANNEL, body, secret, at, f"msg-{ticket_id}-{time.time_ns()}")
        url = f"{self._stack.airflow_url}/dsr/requests/{_CHANNEL}"
        answer = self._http.post(url, headers=headers, content=raw)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise StackError(f"the webhook answered {answer.status_code}: {answer.text[:500]}")
        accepted = answer.json()
        return Receipt(accepted["request_id"], accepted["due"])

    def mails(self, request_id: str) -> list[dict[str, Any]]:
        """The mails about a request, oldest first."""
        messages: list[dict[str, Any]] = self._admin.get("/mail/messages").raise_for_status().json()
        return [message for message in messages if request_id in message["raw"]]

    def answers(self, request_id: str) -> list[dict[str, Any]]:
        """What was written into the ticket, but for the question who asks and the acknowledgement: [{"text", "closed",
        …}]."""
        texts = self._written(request_id)
        return [data for data in texts if not is_question(data["text"]) and not is_acknowledgement(data["text"])]

    def _written(self, request_id: str) -> list[dict[str, Any]]:
        messages = self._admin.get("/callback/messages").raise_for_status().json()
        found = [message["body"]["data"] for message in messages if message["body"]["type"] == "dsr.request.answered"]
        return [data for data in found if data["request_id"] == request_id]

    def link_and_code(self, request_id: str) -> tuple[str, str]:
        """The link out of the mail and the code out of the ticket. StackError when one of them isn't there."""
        links = [m for mail in self.mails(request_id) for m in _LINK.findall(mail["text"]) if "#" in m]
        codes = [m for answer in self.answers(request_id) for m in _CODE.findall(answer["text"])]
        if not links or not codes:
            raise StackError(f"{request_id}: {len(links)} links by mail, {len(codes)} codes in the ticket")
        return links[-1], codes[-1]

    def confirm(self, request_id: str) -> None:
        """Answer the question whether it is them: open the page of the mail, have a code sent, enter it, and that of
        the ticket if there is one. StackError when the page doesn't take it."""
        links = [m for mail in self.mails(request_id) for m in _LINK.findall(mail["text"]) if "/confirm" in m]
        if not links:
            raise StackError(f"{request_id}: nobody was asked by mail")
        page = urlsplit(links[-1])
        origin, before = f"{page.scheme}://{page.netloc}", len(self._codes(request_id))
        self._http.get(f"{origin}/confirm", params={"lang": "en"}).raise_for_status()
        self._http.post(f"{origin}/confirm/code", data={"link": links[-1]}).raise_for_status()
        ends = time.monotonic() + _PATIENCE
        while len(codes := self._codes(request_id)) == before:
            if time.monotonic() > ends:
                raise StackError(f"{request_id}: no code came by mail")
            time.sleep(0.1)
        second = [m for answer in self._written(request_id) for m in _CODE.findall(answer["text"])]
        form = {"link": links[-1], "code": codes[-1], "second": second[-1] if second else ""}
        answer = self._http.post(f"{origin}/confirm", data=form)
        if answer.status_code != httpx.codes.OK:
            raise StackError(f"the page answered {answer.status_code}")

    def _codes(self, request_id: str) -> list[str]:
        return [m for mail in self.mails(request_id) for m in _SHORT_CODE.findall(mail["text"])]

    def download(self, link: str, code: str, target: Path) -> None:
        """Do as a browser would: open the page, send link and code, follow to the package's page, keep the file that it
        offers, sign out. StackError when one of them isn't given."""
        page = urlsplit(link)
        origin, trust = f"{page.scheme}://{page.netloc}", self._stack.trust
        with httpx.Client(base_url=origin, timeout=60.0, trust_env=False, verify=trust) as browser:
            browser.get("/", params={"lang": "en"}).raise_for_status()
            form = {"link": link, "code": code}
            opened = browser.post("/package", params={"lang": "en"}, data=form, follow_redirects=True)
            if opened.status_code != httpx.codes.OK:
                raise StackError(f"the portal answered {opened.status_code}")
            offered = _OFFERED.search(opened.text)
            if offered is None:
                raise StackError("the package's page offers no file")
            with browser.stream("GET", offered.group(1)) as answer, target.open("wb") as file:
                if answer.status_code != httpx.codes.OK:
                    raise StackError(f"the portal answered {answer.status_code}")
                for chunk in answer.iter_bytes():
                    file.write(chunk)
            browser.post("/package/end", follow_redirects=True).raise_for_status()

    def calls(self, system: str) -> int:
        """How many calls the system counted since `forget_calls`; of the database, how many statements."""
        if system == _DATABASE:
            return len(self._admin.get("/invoicing/statements").raise_for_status().json())
        log = self._admin.get("/calls", params={"system": system}).raise_for_status().json()
        return sum(bool(call["api"]) for call in log)

    def forget_calls(self) -> None:
        """Empty the call logs."""
        self._admin.delete("/calls").raise_for_status()
        self._admin.delete("/invoicing/statements").raise_for_status()

    def fault(self, **fields: Any) -> None:
        """Let a system fail; see `sandbox.wire.Fault`, for the database `sandbox.invoicing.faults`."""
        database = fields.get("system") == _DATABASE
        self._admin.post("/invoicing/faults" if database else "/faults", json=fields).raise_for_status()

    def mend(self) -> None:
        """End all faults."""
        self._admin.delete("/faults").raise_for_status()
        self._admin.delete("/invoicing/faults").raise_for_status()
