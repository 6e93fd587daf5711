"""The link goes to an address on file and to no other, the code into the ticket, each once."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP

import pytest
from counter_hall import NOW, ON_FILE, Office

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Match
from dsr.search import found_as_json
from dsr.settings import Controller


def test_link_by_mail_and_code_by_ticket(office: Office) -> None:
    case = office.case("dsr-linkandcode")
    delivered = office.deliver(case)
    (mail,), (answer,) = office.post.mails, office.post.answers
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    link = re.search(r"http://127\.0\.0\.1:1/\?lang=sv#([\w-]{32})\.(\d+)", text)
    code = re.search(r"^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$", answer.text, re.MULTILINE)
    assert mail["To"] == ON_FILE
    assert link
    assert code
    assert link.group(0) in html
    assert code.group(0) not in text + html
    assert link.group(1) not in answer.text
    assert int(link.group(2)) == int(delivered.expires_at.timestamp()) == int((NOW + timedelta(days=14)).timestamp())
    assert "4 december 2026 kl. 10:30 CET" in text
    assert "4 december 2026 kl. 10:30 CET" in answer.text
    assert (answer.close, answer.ticket_id, answer.channel) == (True, "1001", "zendesk")
    assert "IMY" in answer.text
    assert "dpo@controller.example" in answer.text
    assert office.links.redeem(link.group(1), code.group(0), NOW).request_id == "dsr-linkandcode"
    assert [e.kind for e in office.ledger.events("dsr-linkandcode") if e.kind != "written"] == ["delivered", "answered"]


def test_the_answer_tells_nobody_the_address(office: Office) -> None:
    office.deliver(office.case("dsr-noaddress"))
    assert "@kvarnberget" not in office.post.answers[0].text


@pytest.mark.parametrize(
    ("stated", "held", "to"),
    [
        # Only in the ticket: never.
        ("impostor@evil.example", {"salesforce_contact": [ON_FILE]}, ON_FILE),
        ("impostor@evil.example", {"pardot_prospect": [ON_FILE], "webinar_registration": []}, ON_FILE),
        # On file, but the master record has another by now: the old mailbox may be somebody else's.
        ("old@former.example", {"salesforce_contact": [ON_FILE], "salesforce_lead": ["old@former.example"]}, ON_FILE),
        # On file and no master record.
        ("old@former.example", {"salesforce_lead": ["old@former.example"], "pardot_prospect": [ON_FILE]},
         "old@former.example"),
        (ON_FILE, {"salesforce_contact": [ON_FILE, "aaa@kvarnberget.example"]}, ON_FILE),
    ],
)  # fmt: skip
def test_only_an_address_on_file(office: Office, stated: str, held: dict[str, list[str]], to: str) -> None:
    office.deliver(office.case("dsr-onfile00", stated=stated, held=held))
    assert [mail["To"] for mail in office.post.mails] == [to]
    assert stated == to or stated not in office.post.mails[0].as_string()


def test_a_contact_in_the_recycle_bin_is_not_up_to_date(office: Office) -> None:
    """A contact that was merged into another keeps the former address: its mailbox may be somebody else's."""
    case = office.case("dsr-merged", stated="old@former.example")
    matches = [
        Match("dsr-merged", "salesforce_contact", record_id, frozenset({address}), frozenset({address}), "", reference)
        for record_id, address, reference in (
            ("003L", Identifier("email", "old@former.example"), {"deleted": True}),
            ("003W", Identifier("email", ON_FILE), {}),
        )
    ]
    case.write_json("found/salesforce", found_as_json(Found("salesforce", tuple(matches))))
    office.deliver(case)
    assert [mail["To"] for mail in office.post.mails] == [ON_FILE]


def test_no_address_on_file_is_for_a_person(office: Office) -> None:
    case = office.case("dsr-nobodyknows", held={"salesforce_contact": []})
    with pytest.raises(PermanentError, match=r"address\.absent"):
        office.deliver(case)
    assert (office.post.mails, office.post.answers) == ([], [])


@pytest.mark.parametrize(
    "bad",
    ["a@b.example\r\nBcc: all@evil.example", "a@b.example\nX: y", "a b@c.example", "a@b.example\u2028x", "@b.example",
     "a@", "a\x00@b.example", "a@evil.example,b.example", "a@@,b.example"],
)  # fmt: skip
def test_an_address_that_would_be_more_than_one_header(office: Office, bad: str) -> None:
    case = office.case("dsr-injection", stated=bad, held={"salesforce_contact": [bad]})
    with pytest.raises(PermanentError, match=r"address\.invalid"):
        office.deliver(case)
    assert office.post.mails == []


def test_a_hostile_controller_name_stays_in_its_header(office: Office) -> None:
    hostile = Controller('Ådal\r\nBcc: all@evil.example "x" <y@z.example>', "dpo@c.example", "Storgatan")
    office.deliver(office.case("dsr-hostilename"), settings=replace(office.settings, controller=hostile))
    parsed = message_from_bytes(office.post.mails[0].as_bytes(), policy=SMTP)
    assert parsed["Bcc"] is None
    assert [a.addr_spec for a in parsed["From"].addresses] == ["privacy@controller.example"]
    assert "<y@z.example>" not in parsed.get_body(("html",)).get_content()


def test_an_international_address(office: Office) -> None:
    case = office.case("dsr-idnaddress", stated="åsa@ådal.example", held={"salesforce_contact": ["åsa@ådal.example"]})
    office.deliver(case)
    assert b"@xn--dal-tla.example" in office.post.mails[0].as_bytes()


@pytest.mark.parametrize("broken", [0, 1])
def test_a_retry_sends_the_same_link_and_code_once(office: Office, broken: int) -> None:
    """Cut off before the mail, or between mail and answer; the retry comes a day later."""
    case = office.case(f"dsr-retry-{broken}")
    office.post.fails = [TransientError("smtp.451", "mail")]
    if broken:
        first_mail = office.post.mail

        def mail_works(message: object) -> None:
            office.post.mails.append(message)

        office.post.mail = mail_works
    with pytest.raises(TransientError):
        office.deliver(case)
    if broken:
        office.post.mail = first_mail
    first = office.deliver(case, NOW + timedelta(days=1))
    again = office.deliver(case, NOW + timedelta(days=2))
    assert first == again
    assert first.expires_at == NOW + timedelta(days=14)
    assert (len(office.post.mails), len(office.post.answers)) == (1, 1)
    link = re.search(r"#([\w-]{32})\.", office.post.mails[0].get_body(("plain",)).get_content())
    code = re.search(r"^[0-9A-Z-]{14}$", office.post.answers[0].text, re.MULTILINE)
    assert office.links.redeem(link.group(1), code.group(0), NOW)
    assert [e.kind for e in office.ledger.events(case.case_id) if e.kind != "written"] == ["delivered", "answered"]


def test_after_its_end_all_goes_out_anew(office: Office) -> None:
    """A run that is started over after the link has ended must not take the old mail for an answer."""
    case = office.case("dsr-anewanew")
    office.deliver(case)
    later = NOW + timedelta(days=15)
    assert office.deliver(case, later).expires_at == later + timedelta(days=14)
    links = {re.search(r"#([\w-]{32})", m.get_body(("plain",)).get_content()).group(1) for m in office.post.mails}
    assert (len(links), len(office.post.answers)) == (2, 2)


def test_link_and_code_are_not_kept(office: Office) -> None:
    case = office.case("dsr-forgotten")
    office.deliver(case)
    assert case.read_json("delivery/state").keys() == {"sha256", "expires_at"}


def secrets_of(office: Office, number: int) -> tuple[str, str]:
    """Link and code of a mail and the answer of the same number."""
    link = re.search(r"#([\w-]{32})\.", office.post.mails[number].get_body(("plain",)).get_content())
    code = re.search(r"^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$", office.post.answers[number].text, re.MULTILINE)
    assert link
    assert code
    return link.group(1), code.group(0)


@pytest.mark.parametrize("half", [False, True])
def test_a_package_composed_anew_is_told_anew(office: Office, half: bool) -> None:
    """With a link, a mail and an answer of its own, which hold its password, even when the answer to the first one had
    not come through; the former link ends. No receiver takes the second answer for the first one repeated."""
    case = office.case("dsr-anew-half" if half else "dsr-anew-told", encryption="zip", password="OLD-PASSWORD")
    office.deliver(case)
    if half:
        case.remove("delivery/answered")
    office.describe(case, b"another package", "zip")
    case.write_json("package.password", "NEW-PASSWORD")
    office.deliver(case, NOW + timedelta(hours=1))
    office.deliver(case, NOW + timedelta(hours=2))
    first, second = office.post.answers
    assert ("OLD-PASSWORD" in first.text, "NEW-PASSWORD" in second.text) == (True, True)
    assert first.answer_id != second.answer_id
    assert len({mail["Message-ID"] for mail in office.post.mails}) == len(office.post.mails) == 2
    assert not case.exists("package.password")
    assert case.read_json("delivery/released") == {"sha256": case.read_json("package.json")["sha256"]}
    assert office.links.redeem(*secrets_of(office, 0), NOW) is None
    assert office.links.redeem(*secrets_of(office, 1), NOW).request_id == case.case_id


def test_only_the_package_that_was_released_gets_a_link(office: Office) -> None:
    case = office.case("dsr-unreleased")
    for released in (None, "", "0" * 64):
        with pytest.raises(PermanentError, match=r"release\.not_approved"):
            office.deliver(case, released=released)
    assert (office.post.mails, office.post.answers, case.exists("delivery/released")) == ([], [], False)


def test_another_outcome_is_told_too(office: Office) -> None:
    """A run that is started over finds what an earlier one did not, and the other way round."""
    case = office.case("dsr-otherwise")
    office.deliver(case)
    for name in case.names("search/"):
        case.write_json(name, {**case.read_json(name), "status": "none", "matches": 0})
    for _ in range(2):
        office.deliver(case, NOW + timedelta(hours=1), released=None)
    assert ["har inga personuppgifter om dig" in answer.text for answer in office.post.answers] == [False, True]
    assert len({answer.answer_id for answer in office.post.answers}) == 2


@pytest.mark.parametrize("language", ["sv", "en"])
def test_nothing_held_is_an_answer_too(office: Office, language: str) -> None:
    case = office.case("dsr-nothing-" + language, held={}, language=language)
    delivered = office.deliver(case)
    assert (delivered.outcome, delivered.expires_at) == ("nothing_held", None)
    assert office.post.mails == []
    (answer,) = office.post.answers
    expected = {"sv": "har inga personuppgifter om dig", "en": "hold no personal data about you"}[language]
    assert expected in answer.text
    assert "IMY" in answer.text
    assert "dpo@controller.example" in answer.text
    assert "Salesforce CRM" in answer.text
    assert "#" not in answer.text
    assert answer.close


@pytest.mark.parametrize("language", ["sv", "en"])
def test_whom_we_erased_is_not_told_that_nothing_is_held(office: Office, language: str) -> None:
    """What a law keeps is still there, and no search finds it any more by what the person states."""
    case = office.case("dsr-erased-" + language, held={}, language=language)
    assert office.deliver(case, erased_before=True).outcome == "nothing_held"
    (answer,) = office.post.answers
    absolute = {"sv": "har inga personuppgifter om dig", "en": "hold no personal data about you"}[language]
    assert absolute not in answer.text
    assert {"sv": "måste bevara", "en": "have to keep"}[language] in answer.text


def test_nothing_in_what_could_be_searched(office: Office) -> None:
    case = office.case("dsr-nothingbut", held={}, statuses={"pardot": "failed", "invoicing": "not_connected"})
    delivered = office.deliver(case)
    (answer,) = office.post.answers
    assert delivered.incomplete == ("invoicing", "pardot")
    assert "I de system som vi kunde söka i" in answer.text
    assert "Ännu saknas: invoicing, Account Engagement" in answer.text
    assert not answer.close


def test_only_doubtful_is_not_nothing(office: Office) -> None:
    delivered = office.deliver(office.case("dsr-doubtful", held={}, doubtful=3))
    (answer,) = office.post.answers
    assert delivered.outcome == "only_doubtful"
    assert "inga personuppgifter" not in answer.text
    assert not answer.close
    assert office.post.mails == []


def test_what_is_missing_is_said_in_both(office: Office) -> None:
    case = office.case("dsr-incomplete", statuses={"pardot": "failed"}, language="en")
    delivered = office.deliver(case)
    assert delivered.incomplete == ("pardot",)
    for text in (office.post.mails[0].get_body(("plain",)).get_content(), office.post.answers[0].text):
        assert "Missing so far: Account Engagement." in text
    assert not office.post.answers[0].close
    assert office.ledger.events(case.case_id)[-1].detail["incomplete"] == ["pardot"]


def test_found_but_never_read_counts_as_missing(office: Office) -> None:
    case = office.case("dsr-unreadyet")
    case.remove("collected/salesforce")
    assert office.deliver(case).incomplete == ("salesforce",)


def test_without_search_or_package_nothing_goes_out(office: Office) -> None:
    case = office.case("dsr-nopackage")
    case.remove("package.json")
    with pytest.raises(PermanentError, match=r"package\.absent"):
        office.deliver(case)
    case.remove("search/")
    with pytest.raises(PermanentError, match=r"search\.absent"):
        office.deliver(case)
    assert (office.post.mails, office.post.answers) == ([], [])


def test_the_ledger_knows_no_person(office: Office) -> None:
    case = office.case("dsr-ledgeronly")
    office.deliver(case)
    told = repr(office.ledger.events(case.case_id))
    assert "@" not in told
    assert "kvarnberget" not in told
    office.ledger.verify()


PASSWORD = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23-4567"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_password_goes_with_the_code_and_not_with_the_link(office: Office, language: str) -> None:
    case = office.case(f"dsr-sealed-{language}", encryption="zip", password=PASSWORD, language=language)
    office.deliver(case)
    (mail,), (answer,) = office.post.mails, office.post.answers
    assert f"\n{PASSWORD}\n" in answer.text
    assert "7-Zip" in answer.text
    assert PASSWORD not in mail.as_string()
    for part in ("plain", "html"):
        text = mail.get_body((part,)).get_content()
        assert PASSWORD not in text
        assert {"sv": "lösenordet står i ditt ärende", "en": "the password is in your ticket"}[language] in text
    assert not case.exists("package.password")
    assert PASSWORD not in "".join(json.dumps(case.read_json(name)) for name in case.names("delivery"))
    assert PASSWORD not in repr(office.ledger.events(case.case_id))


def test_the_password_stays_until_the_ticket_has_it(office: Office) -> None:
    case = office.case("dsr-sealretry", encryption="zip", password=PASSWORD)
    sent, office.post.fails = office.post.mail, [TransientError("http.503", "zendesk")]
    office.post.mail = lambda message: office.post.mails.append(message)
    with pytest.raises(TransientError):
        office.deliver(case)
    assert case.read_json("package.password") == PASSWORD
    office.post.mail = sent
    office.deliver(case)
    office.deliver(case, NOW + timedelta(days=1))
    assert [PASSWORD in answer.text for answer in office.post.answers] == [True]


def test_a_new_link_to_the_same_file_points_to_the_password_given(office: Office) -> None:
    case = office.case("dsr-sealagain", encryption="zip", password=PASSWORD)
    office.deliver(case)
    office.deliver(case, NOW + timedelta(days=15))
    assert "detsamma som i vårt tidigare svar" in office.post.answers[1].text
    office.describe(case, b"another package", "zip")
    with pytest.raises(PermanentError, match=r"password\.absent"):
        office.deliver(case, NOW + timedelta(days=30))


def test_without_its_password_an_encrypted_package_does_not_go_out(office: Office) -> None:
    with pytest.raises(PermanentError, match=r"password\.absent"):
        office.deliver(office.case("dsr-sealedshut", encryption="zip"))
    assert (office.post.mails, office.post.answers) == ([], [])


def test_a_package_for_a_key_says_so(office: Office) -> None:
    office.deliver(office.case("dsr-sealedage", encryption="age", language="en"))
    assert "encrypted with age to the key that you gave" in office.post.answers[0].text
    assert "encrypted to the key that you gave" in office.post.mails[0].get_body(("plain",)).get_content()


def test_an_open_package_speaks_of_no_password(office: Office) -> None:
    office.deliver(office.case("dsr-unsealed", language="en"))
    for text in (office.post.answers[0].text, office.post.mails[0].get_body(("plain",)).get_content()):
        assert not re.search("password|encrypt", text)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_portability_says_what_it_is(office: Office, language: str) -> None:
    office.deliver(office.case(f"dsr-portable-{language}", right="portability", language=language))
    (mail,), (answer,) = office.post.mails, office.post.answers
    assert re.search(r"artikel 20 i GDPR|Article 20 GDPR", answer.text)
    assert re.search(r"artikel 15|Article 15", answer.text)
    assert mail["Subject"] == {"sv": "Dina uppgifter att ta med kan hämtas",
                               "en": "Your data to take with you can be downloaded"}[language]  # fmt: skip
    assert answer.close


def test_the_ticket_stays_open_until_the_data_is_with_the_recipient(office: Office) -> None:
    case = office.case("dsr-transmits", right="portability", transmit_to="new-bank", language="en")
    office.deliver(case, transmit_title="The New Bank")
    (answer,) = office.post.answers
    assert "transmit the data to The New Bank. That comes next" in answer.text
    assert not answer.close
    assert office.ledger.events(case.case_id)[-1].detail["transmits"] is True


def test_a_recipient_that_cannot_be_reached_is_said(office: Office) -> None:
    case = office.case("dsr-transmitsnot", right="portability", transmit_to="new-bank", language="en")
    office.deliver(case)
    (answer,) = office.post.answers
    assert "new-bank. We cannot" in answer.text
    assert "IMY" in answer.text  # Art. 12(4): whoever is refused hears where to complain
    assert answer.close
