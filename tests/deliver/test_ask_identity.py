"""The question goes to a contact that was on file, to nobody else, and its answer counts when it is theirs."""

import re
import secrets
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from counter_hall import NOW, ON_FILE, Clock, Office

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import PermanentError, TransientError
from dsr.ledger import Event
from dsr.rows import RowsWriter
from dsr.schema import SOURCE_ID
from dsr.standing import identified
from dsr.steps import ask_identity as step
from dsr.steps.close import shred
from dsr.steps.tell import ask as say
from extractors import SOURCES

sys.path.insert(0, str(Path(__file__).parents[2] / "dags"))

from dsr_tables import contact_line

DECLARATIONS = [source.declaration for source in SOURCES]
SHORT, LONG = re.compile(r"(?m)^[0-9A-Z]{4}-[0-9A-Z]{4}\r?$"), re.compile(r"(?m)^[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}\r?$")
SHOWN = re.compile(r'(?<=name="link" value=")[^"]*')
LINK = re.compile(r"https?://\S+/confirm\?\S+")


def a_case(office: Office, right: str = "restriction", **more: Any) -> CaseFile:
    return office.case(f"dsr-{secrets.token_hex(8)}", right=right, language="en", **more)


def ask(office: Office, case: CaseFile, at: datetime = NOW) -> str:
    def tell(text: str, code: str) -> None:
        say(case, "identity", text, mark=step.TOLD, answer=office.post.answer, at=at)

    return step.ask_identity(
        case, DECLARATIONS, challenges=office.challenges, ledger=office.ledger, send_mail=office.post.mail, tell=tell,
        at=at, settings=office.settings,
    )  # fmt: skip


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def link_of(office: Office) -> str:
    [found] = LINK.findall(text_of(office.post.mails[-1]))
    return str(found)


def code_by_mail(office: Office, send: Callable[[], object]) -> str:
    """The code that comes once `send` has asked for it; the mail follows the page's answer."""
    before, ends = len(office.post.mails), time.monotonic() + 10
    send()
    while len(office.post.mails) == before:
        assert time.monotonic() < ends, "no mail"
        time.sleep(0.01)
    [code] = SHORT.findall(text_of(office.post.mails[-1]))
    return str(code).strip()


def was_changed(case: CaseFile, field: str, days: int) -> None:
    """A field of their contact, so many days ago."""
    name = "salesforce_contact_history"
    values = {SOURCE_ID: "h1", "Field": field, "CreatedDate": (NOW - timedelta(days=days)).isoformat()}
    columns = schema.arrow_schema(name)
    row = pa.RecordBatch.from_pylist([{c.name: values.get(c.name) for c in columns}], schema=columns)
    with RowsWriter(case, "salesforce") as writer:
        writer.add(name, row)


def by_portal(office: Office, case: CaseFile) -> None:
    """The customer portal's word, as it was taken when the request came in."""
    detail = {"method": "customer_portal", "by": "person", "ok": True, "factors": 2}
    office.ledger.append(case.case_id, "identity_verified", detail, at=NOW)


def kinds(office: Office, case: CaseFile) -> list[str]:
    return [event.kind for event in office.ledger.events(case.case_id) if event.kind != "written"]


def words(office: Office, case: CaseFile) -> list[Event]:
    return [event for event in office.ledger.events(case.case_id) if event.kind.startswith("identity")]


Post = Callable[..., httpx.Response]


@pytest.fixture
def post(portal: str) -> Post:
    def send(path: str, **form: str) -> httpx.Response:
        return httpx.post(f"{portal}{path}", params={"lang": "en"}, data=form)

    return send


def test_it_goes_to_the_address_on_file_and_never_to_the_ticket_s(office: Office) -> None:
    case = a_case(office, stated="new.address@attacker.example")
    assert ask(office, case) == "sent"
    [mail] = office.post.mails
    assert str(mail["To"]) == ON_FILE
    assert "attacker" not in mail.as_string()
    [event] = words(office, case)
    assert event.detail == {"outcome": "sent", "expires_at": "2026-11-27T09:30:00+00:00", "factors": 1}
    assert not identified(office.ledger.events(case.case_id))


def test_the_ticket_says_the_same_whether_there_is_a_contact_or_not(office: Office) -> None:
    for held in ({"salesforce_contact": [ON_FILE]}, {"call_record": []}):
        assert ask(office, a_case(office, "erasure", held=held)) == ("sent" if ON_FILE in str(held) else "no_contact")
    known, unknown = (LONG.sub("CODE", a.text).replace("dsr-", "") for a in office.post.answers)
    reference = re.compile(r"Reference: \w+")
    assert reference.sub("", known) == reference.sub("", unknown)
    assert known.count("CODE") == 1
    assert len(office.post.mails) == 1


@pytest.mark.parametrize(("field", "days", "outcome"), [
    ("Email", 29, "contact_changed"), ("Email", 31, "sent"), ("Phone", 1, "sent"),
])  # fmt: skip
def test_an_address_that_was_changed_lately_is_not_asked(office: Office, field: str, days: int, outcome: str) -> None:
    """It may be the work of whoever asks now."""
    case = a_case(office)
    was_changed(case, field, days)
    assert ask(office, case) == outcome
    assert len(office.post.mails) == (outcome == "sent")
    # Whoever releases a package to that address is told, too.
    assert bool(contact_line(case, DECLARATIONS, NOW)) == (outcome == "contact_changed")


def test_a_mail_that_is_refused_for_good_is_a_person_s_task(office: Office) -> None:
    office.post.fails.append(PermanentError("smtp.550", "mail"))
    case = a_case(office)
    assert ask(office, case) == "undeliverable"
    assert [e.detail["outcome"] for e in words(office, case)] == ["undeliverable"]


def test_cut_off_and_tried_again_it_asks_once(office: Office) -> None:
    case = a_case(office, "erasure")
    office.post.fails.append(TransientError("connection.failed", "mail"))
    with pytest.raises(TransientError):
        ask(office, case)
    assert words(office, case) == []
    assert ask(office, case) == ask(office, case) == "sent"
    assert (len(office.post.mails), len(office.post.answers), len(words(office, case))) == (1, 1, 1)


def test_asked_again_after_the_link_has_ended(office: Office, post: Post, clock: Clock) -> None:
    """With another link and another code in the ticket, which are good together."""
    case = a_case(office, "erasure")
    ask(office, case)
    first, clock.now = link_of(office), NOW + timedelta(days=8)
    assert ask(office, case, clock.now) == "sent"
    assert link_of(office) != first
    old, new = (LONG.findall(answer.text)[0] for answer in office.post.answers)
    link = link_of(office)
    code = code_by_mail(office, lambda: post("/confirm/code", link=link))
    assert post("/confirm", link=link, code=code, second=old).status_code == 403
    assert post("/confirm", link=link, code=code, second=new).status_code == 200


def test_reminded_after_two_days_and_after_five(office: Office) -> None:
    case = a_case(office)
    ask(office, case)

    def reminded(days: float) -> bool:
        at = NOW + timedelta(days=days)
        mine = [pending for pending in office.challenges.pending(at) if pending.request_id == case.case_id]
        to = {"ledger": office.ledger, "send_mail": office.post.mail, "at": at, "settings": office.settings}
        return bool(mine) and step.remind(case, mine[0], office.challenges, **to)

    assert [reminded(days) for days in (1, 2, 2.5, 4, 5, 6, 8)] == [False, True, False, False, True, False, False]
    assert len({str(mail["Message-ID"]) for mail in office.post.mails}) == 3
    assert {link for mail in office.post.mails for link in LINK.findall(text_of(mail))} == {link_of(office)}


def test_link_code_and_it_is_them(office: Office, post: Post) -> None:
    case = a_case(office)
    ask(office, case)
    link = link_of(office)
    code = code_by_mail(office, lambda: post("/confirm/code", link=link))
    assert str(office.post.mails[-1]["To"]) == ON_FILE
    assert post("/confirm", link=link, code="0000-0000").status_code == 403
    done = post("/confirm", link=link, code=code)
    assert (done.status_code, "you have confirmed it" in done.text) == (200, True)
    assert [e.kind for e in words(office, case)] == ["identity_asked", "identity_refused", "identity_verified"]
    assert words(office, case)[-1].detail == {"by": "person", "method": "contact_on_file", "ok": True}
    assert identified(office.ledger.events(case.case_id))
    assert post("/confirm", link=link, code=code).status_code == 403
    assert ask(office, case) == "verified"


def test_an_erasure_needs_the_code_of_the_ticket_too(office: Office, post: Post) -> None:
    case = a_case(office, "erasure")
    ask(office, case)
    link, [second] = link_of(office), LONG.findall(office.post.answers[-1].text)
    assert second not in text_of(office.post.mails[-1])
    code = code_by_mail(office, lambda: post("/confirm/code", link=link))
    assert post("/confirm", link=link, code=code, second="").status_code == 403
    assert post("/confirm", link=link, code=code, second=second).status_code == 200
    assert words(office, case)[-1].detail["method"] == "contact_on_file_and_ticket"


def test_looking_changes_nothing(office: Office, portal: str, post: Post) -> None:
    """Link previews open every link, and some fetch what its form names."""
    case = a_case(office)
    ask(office, case)
    link = link_of(office).replace(office.settings.portal_url, portal)
    for method in ("GET", "HEAD"):
        for url in (link, f"{portal}/confirm/code", f"{portal}/confirm"):
            assert httpx.request(method, url).status_code == 200
    assert (len(office.post.mails), kinds(office, case)) == (1, ["identity_asked"])
    assert [p.reminders for p in office.challenges.pending(NOW) if p.request_id == case.case_id] == [0]


def test_an_unknown_link_an_ended_one_and_a_good_one_are_answered_alike(
    office: Office, post: Post, clock: Clock
) -> None:
    case = a_case(office)
    ask(office, case)
    good, unknown = link_of(office), link_of(office)[:-30] + "x" * 19 + "." + "1" * 10

    def answered(path: str, link: str) -> str:
        return SHOWN.sub("", post(path, link=link, code="1234-5678").text)

    answers = {answered("/confirm/code", link) for link in (unknown, "", "https://elsewhere.example/#short")}
    code_by_mail(office, lambda: answers.add(answered("/confirm/code", good)))
    clock.now = NOW + timedelta(days=8)
    answers.add(answered("/confirm/code", good))
    assert len(answers) == 1
    assert len({answered("/confirm", link) for link in (good, unknown, "")}) == 1
    assert len(office.post.mails) == 2


def test_what_was_sent_leaves_the_case_with_its_working_data(office: Office, post: Post) -> None:
    case = a_case(office)
    ask(office, case)
    shred(case)
    assert not case.exists(step.ASKED)
    before = len(office.post.mails)
    assert post("/confirm/code", link=link_of(office)).status_code == 200
    assert len(office.post.mails) == before


def test_another_s_code_confirms_nothing(office: Office, post: Post) -> None:
    mine, other = a_case(office), a_case(office)
    ask(office, mine)
    link = link_of(office)
    ask(office, other)
    code = code_by_mail(office, lambda: post("/confirm/code", link=link_of(office)))
    code_by_mail(office, lambda: post("/confirm/code", link=link))
    assert post("/confirm", link=link, code=code).status_code == 403
    assert "identity_verified" not in kinds(office, mine)


def test_a_doubt_takes_it_back(office: Office, post: Post) -> None:
    case = a_case(office)
    ask(office, case)
    link = link_of(office)
    code = code_by_mail(office, lambda: post("/confirm/code", link=link))
    post("/confirm", link=link, code=code)
    doubt = {"by": "officer", "method": "doubt", "ok": False}
    office.ledger.append(case.case_id, "identity_verified", doubt, at=NOW)
    assert not identified(office.ledger.events(case.case_id))
    step.note(office.ledger, case.case_id, both=False, at=NOW)
    assert not identified(office.ledger.events(case.case_id))


def test_the_portals_word_holds_for_the_contact_on_file(office: Office) -> None:
    case = a_case(office, "erasure")
    by_portal(office, case)
    assert ask(office, case) == "verified"
    assert (office.post.mails, office.post.answers) == ([], [])
    assert identified(office.ledger.events(case.case_id))


@pytest.mark.parametrize("held", [{"salesforce_contact": ["asa.new@kvarnberget.example"]}, {"salesforce_contact": []}])
def test_the_portals_word_is_taken_back_where_its_address_is_not_on_file(
    held: dict[str, list[str]], office: Office
) -> None:
    """A former address: its mailbox may be another's by now."""
    case = a_case(office, "erasure", held=held)
    by_portal(office, case)
    assert ask(office, case) == ("sent" if any(held.values()) else "no_contact")
    assert {str(mail["To"]) for mail in office.post.mails} == {*held["salesforce_contact"]}
    assert not identified(office.ledger.events(case.case_id))
    assert words(office, case)[1].detail == {"by": "program", "method": "contact_differs", "ok": False}
    ask(office, case)
    assert kinds(office, case).count("identity_verified") == 2


def test_the_portals_word_is_taken_back_where_the_address_is_new(office: Office) -> None:
    case = a_case(office, "erasure")
    was_changed(case, "Email", 3)
    by_portal(office, case)
    assert ask(office, case) == "contact_changed"
    assert not identified(office.ledger.events(case.case_id))


def test_an_officers_word_is_not_taken_back(office: Office) -> None:
    case = a_case(office, "erasure", held={"salesforce_contact": ["asa.new@kvarnberget.example"]})
    by_portal(office, case)
    ask(office, case)
    detail = {"by": "officer", "method": "officer_in_person", "ok": True}
    office.ledger.append(case.case_id, "identity_verified", detail, at=NOW)
    assert ask(office, case) == "verified"
