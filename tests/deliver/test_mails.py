"""What goes over the wire, and the copy of it that stays with the case: one recipient and our own headers whatever the
values hold, one thread per request, no secret in a copy."""

import email
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Any

import pytest
from counter_hall import NOW, Office
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsr.allowances import Allowances
from dsr.casefile import CaseFile
from dsr.errors import PermanentError, TransientError
from dsr.mailing import copied, keep_mail
from dsr.post import smtp_sender
from dsr.report.answers import Access, Letter, Summary
from dsr.report.identity import IdentityLetter
from dsr.report.number import NumberLetter
from dsr.settings import Controller, Settings
from dsr.source import Connection
from dsr.steps.ask_identity import ask_identity
from dsr.steps.close import shred
from dsr.web.confirm import Desk, send_code
from extractors import SOURCES
from sandbox.mail.system import Mail
from sandbox.people import populate
from sandbox.system import Options

REQUEST = "dsr-exampleexampleexampleexa"
SETTINGS = Settings(
    "", "", b"", mail_from="privacy@controller.example",
    controller=Controller("Controller Ådal AB", "dpo@controller.example", "Storgatan 1, 111 11 Stockholm"),
)  # fmt: skip
SUMMARY = Summary(held=True, doubtful=0, searched=("Salesforce",), incomplete=())
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Content-Language",
    "Content-Type", "MIME-Version",
}  # fmt: skip
NASTY = st.sampled_from(
    ("\r\nBcc: evil@x.example", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028", ",", ";", "<", ">", '"', "\\", "@", ":",
     "=?utf-8?q?=0d=0aBcc:_evil@x.example?=", " ", "å", "é", "\u202e", "(", ")", "%0a", ".", "..")
)  # fmt: skip
PIECES = st.lists(st.one_of(NASTY, st.text(max_size=6)), max_size=5).map("".join)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    system = Mail(Options(tmp_path_factory.mktemp("mail")), populate(1))
    system.start()
    yield system
    system.stop()


def sent(server: Mail, message: EmailMessage) -> dict[str, Any]:
    """What the server took."""
    fields = server.connections()["dsr_mail"]
    connection = Connection("dsr_mail", fields["host"], fields["port"], fields["login"], fields["password"],
                            extra=fields["extra"])  # fmt: skip
    before = set(server.messages)
    smtp_sender(connection)(message)
    (key,) = set(server.messages) - before
    return dict(server.messages[key])


def access_mail(to: str, made: Settings = SETTINGS, language: str = "sv") -> EmailMessage:
    url = f"https://data.controller.example/?lang={language}#{'s' * 32}.1765432100"
    access = Access(url, "7K3F-9QXM-2HTP", NOW + timedelta(days=14))
    return Letter(REQUEST, language, made).mail(to, access, SUMMARY, NOW)


def headers_of(raw: str) -> dict[str, str]:
    parsed = email.message_from_string(raw, policy=SMTPUTF8)
    names = list(parsed)
    assert len(names) == len(set(names)), "a header came twice"
    return {name: str(value) for name, value in parsed.items()}


def test_a_mail_says_who_what_when_in_which_language_and_that_it_is_automatic(server: Mail) -> None:
    for language in ("sv", "en"):
        found = sent(server, access_mail("asa@kvarnberget.example", language=language))
        headers = headers_of(found["raw"])
        assert set(headers) == HEADERS
        assert headers["Auto-Submitted"] == "auto-generated"
        assert headers["Content-Language"] == language
        assert headers["Date"] == "Fri, 20 Nov 2026 09:30:00 +0000"
        assert headers["From"] == "Controller Ådal AB <privacy@controller.example>"
        assert found["text"]
        assert f'<html lang="{language}">' in found["html"]


@settings(max_examples=150, deadline=None)
@example(local="", domain="@", name="=?utf-8?q?=0d=0aBcc:_evil@x.example?=" + 3 * "\r\nBcc: evil@x.example")
@example(local="", domain="", name="x =?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?= x")
@example(local="=?utf-8?q?=0d=0aBcc:_evil@x.example?=", domain="", name="")
@given(local=PIECES, domain=PIECES, name=PIECES)
def test_no_value_makes_a_header_or_a_recipient_of_its_own(server: Mail, local: str, domain: str, name: str) -> None:
    """Addresses come from sources' records, names from settings; both can hold anything."""
    to = f"{local}@{domain}x.example"
    made = replace(SETTINGS, controller=replace(SETTINGS.controller, name=name or "x"))
    try:
        found = sent(server, access_mail(to, made))
    except PermanentError as error:
        refused = error.code  # here, or by the server: no mail at all
    else:
        refused = ""
    if refused:
        assert refused == "address.invalid" or refused.startswith("smtp.5")
        return
    assert len(found["to"]) == 1
    assert found["to"][0].rpartition("@")[2] == to.rpartition("@")[2].encode("idna").decode()
    assert set(headers_of(found["raw"])) == HEADERS


def test_addresses_as_people_have_them_arrive(server: Mail) -> None:
    for to in ("asa@kvarnberget.example", "åsa@kvarnberget.example", "asa@räksmörgås.example", "o'brien+x@a.example"):
        found = sent(server, access_mail(to))
        domain = to.rpartition("@")[2].encode("idna").decode()
        assert found["to"] == [f"{to.rpartition('@')[0]}@{domain}"]


def test_all_mails_of_one_request_stand_in_one_thread() -> None:
    """Whichever came first: all are replies to the same id."""
    letter = IdentityLetter(REQUEST, "en", SETTINGS, "erasure")
    to, ends = "asa@kvarnberget.example", NOW + timedelta(days=7)
    mails = [
        access_mail(to),
        letter.asking(to, "https://x.example/confirm#s.1", ends, NOW, second=True),
        letter.asking(to, "https://x.example/confirm#s.1", ends, NOW, second=True, reminder=1),
        letter.code(to, "7K3F-9QXM", ends, NOW),
        letter.unknown(to, replace(SUMMARY, held=False), NOW),
        NumberLetter(REQUEST, "en", SETTINGS).asking(to, [("45", "https://x.example/number#s.1")], ends, NOW),
    ]
    root = f"<{REQUEST}@controller.example>"
    assert {(str(m["References"]), str(m["In-Reply-To"])) for m in mails} == {(root, root)}
    assert len({str(m["Message-ID"]) for m in mails}) == len(mails)
    other = replace(letter, request_id="dsr-other").unknown(to, replace(SUMMARY, held=False), NOW)
    assert str(other["References"]) != root


def test_the_same_mail_is_the_same_bytes() -> None:
    """So that a copy made again is the same copy."""
    assert copied(access_mail("a@x.example")) == copied(access_mail("a@x.example"))


def copies(case: CaseFile) -> list[bytes]:
    found = []
    for name in case.names("correspondence/"):
        with case.reader(name) as file:
            found.append(file.read())
    return found


def shown(content: bytes) -> str:
    """Headers and decoded parts."""
    message = email.message_from_bytes(content, policy=SMTP)
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*(f"{name}: {value}" for name, value in message.items()), *parts])


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_answers_copy_stays_with_the_case_without_the_link(office: Office, language: str) -> None:
    case = office.case(f"dsr-{secrets.token_hex(8)}", language=language)
    office.deliver(case)
    (mail,) = office.post.mails
    link = mail.get_body(("plain",)).get_content().split("#")[1].split(".")[0]  # type: ignore[union-attr]
    (copy,) = copies(case)
    told, original = shown(copy), shown(mail.as_bytes())
    assert link in original
    assert link not in told
    assert link.encode() not in copy
    assert told == original.replace(link, "…")
    written = [e.detail for e in office.ledger.events(case.case_id) if e.kind == "written"]
    assert {"kind": "answer", "by": "mail", "sha256": hashlib.sha256(copy).hexdigest()} in written
    shred(case)
    assert copies(case) == [copy], "it outlives the working data"
    case.close()
    assert case.case_id not in office.cases.cases()


def test_copies_of_the_question_and_of_codes_hold_neither(office: Office) -> None:
    case = office.case(f"dsr-{secrets.token_hex(8)}", right="erasure")
    outcome = ask_identity(
        case, [source.declaration for source in SOURCES], challenges=office.challenges, ledger=office.ledger,
        send_mail=office.post.mail, tell=lambda *_: None, at=NOW, settings=office.settings,
    )  # fmt: skip
    assert outcome == "sent"
    link = case.read_json("identity/asked")["link"]
    allowances = Allowances(office.engine, bytes(32), 10, timedelta(minutes=10))
    desk = Desk(
        office.settings, office.challenges, office.cases, office.ledger, office.post.mail, allowances, lambda: NOW
    )  # fmt: skip
    send_code(desk, link, "198.51.100.7")
    asked, code = office.post.mails
    secret = code.get_body(("plain",)).get_content().split("\n\n")[1].strip()  # type: ignore[union-attr]
    told = {shown(copy) for copy in copies(case)}
    assert told == {shown(asked.as_bytes()).replace(link, "…"), shown(code.as_bytes()).replace(secret, "…")}
    assert not any(hidden in text for text in told for hidden in (link, secret))
    kinds = [e.detail["kind"] for e in office.ledger.events(case.case_id) if e.kind == "written"]
    assert kinds == ["identity_asked", "identity_code"]


def test_a_mail_that_was_not_sent_leaves_no_copy(office: Office) -> None:
    case = office.case(f"dsr-{secrets.token_hex(8)}")
    office.post.fails = [TransientError("smtp.451", "mail")]
    with pytest.raises(TransientError):
        office.deliver(case)
    assert copies(case) == []
    office.deliver(case, NOW + timedelta(hours=1))
    assert len(copies(case)) == 1


def test_a_secret_that_html_writes_otherwise_is_blanked_too(office: Office) -> None:
    case = office.case(f"dsr-{secrets.token_hex(8)}")
    message = access_mail("a@x.example")
    body = message.get_body(("html",))
    assert body is not None
    body.set_content("<p>A&amp;B&lt;C</p>", subtype="html")
    keep_mail(case, office.ledger, "answer", message, at=NOW, secrets=("A&B<C",))
    assert "<p>…</p>" in shown(copies(case)[0])
