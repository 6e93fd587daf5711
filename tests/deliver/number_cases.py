"""A case in which a number that only a form states leads to calls, for the tests of how it is shown to be theirs."""

import re
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from counter_hall import NOW, Office

from dsr import provable
from dsr.casefile import CaseFile
from dsr.contact import on_file
from dsr.findings import Finding
from dsr.identity import Decision
from dsr.model import Identifier
from dsr.steps import ask_number as step
from dsr.texting import Texting
from extractors import SOURCES

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

DECLARATIONS = [source.declaration for source in SOURCES]
LINK = re.compile(r"https?://\S+/number\?\S+")
CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}")


def a_number() -> str:
    """That no other test has."""
    return f"+4670174{secrets.randbelow(10**4):04d}"


def texting(office: Office) -> Office:
    """An office that sends texts."""
    return replace(
        office, settings=replace(office.settings, texting=Texting("Controller", url="https://u:p@x.example/"))
    )


def searched(case: CaseFile, numbers: Sequence[str]) -> None:
    """As a search leaves it: behind each number there are calls without a name, behind the first the most."""
    found = frozenset(Identifier("phone", number) for number in numbers)
    findings = [
        Finding("recordings", "call_record", f"c{n}{m}", "doubtful", 40, ((Identifier("phone", number), "stated"),))
        for n, number in enumerate(numbers)
        for m in range(len(numbers) - n)
    ]
    provable.keep(case, Decision(provable=found), (), findings)


def a_case(office: Office, numbers: Sequence[str] = (), **more: Any) -> CaseFile:
    """Which was searched, of somebody whom no other test has: what one contact gets is capped."""
    own = f"{secrets.token_hex(6)}@kvarnberget.example"
    of = {"language": "en", "stated": own, "held": {"salesforce_contact": [own]}, **more}
    case = office.case(f"dsr-{secrets.token_hex(8)}", **of)
    searched(case, numbers or [a_number()])
    return case


def ask(office: Office, case: CaseFile, at: datetime = NOW) -> str:
    """The step."""
    return step.ask_number(
        case, DECLARATIONS, possessions=office.possessions, ledger=office.ledger, send_mail=office.post.mail, at=at,
        settings=office.settings,
    )  # fmt: skip


def contact_of(case: CaseFile) -> str:
    """The address on file."""
    return on_file(case, "")


def text_of(mail: Any) -> str:
    """What is read of a mail."""
    return str(mail.get_body(("plain",)).get_content())


def links_of(office: Office) -> list[str]:
    """In the last mail."""
    return list(map(str, LINK.findall(text_of(office.post.mails[-1]))))


def code_by_text(office: Office, send: Callable[[], object]) -> str:
    """The code that comes once `send` has asked for it; the text follows the page's answer."""
    before, ends = len(office.post.texts), time.monotonic() + 10
    send()
    while len(office.post.texts) == before:
        assert time.monotonic() < ends, "no text"
        time.sleep(0.01)
    [code] = CODE.findall(office.post.texts[-1][1])
    return str(code)


def events(office: Office, case: CaseFile) -> list[tuple[str, dict[str, Any]]]:
    """Of the ledger, about numbers."""
    return [(e.kind, dict(e.detail)) for e in office.ledger.events(case.case_id) if e.kind.startswith("number")]
