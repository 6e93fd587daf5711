"""Nobody is given up in silence: whoever could not be told is told later, or stays an officer's; and whoever was told
of a restriction hears when it is lifted."""

from datetime import timedelta

import pytest
from notice_office import EMAIL, HASH, NOW, Office

from dsr.casefile import CaseFile
from dsr.errors import PermanentError, TransientError
from dsr.report import made_up
from dsr.report.acting import ActingLetter
from dsr.steps import close
from dsr.steps.notify import lifted, recipients_told

CRM = ("salesforce_contact", "erase", "done")
EVENTS = ("webinar_registration", "erase", "done")
RESTRICTED = ("salesforce_contact", "restrict", "done")
RESTRICTED_EVENTS = ("webinar_registration", "restrict", "done")
BY_MAIL = "    by: mail\n    to: privacy@crm.example\n    language: en"
BOTH = "    by: opendsr\n    connection: dsr_notice_salesforce\n    to: privacy@crm.example\n    language: sv"


def kinds(office: Office, case: CaseFile) -> list[str]:
    return [kind for kind, _ in office.events(case)]


def test_one_whose_answers_prove_nothing_does_not_end_the_following_of_others(office: Office) -> None:
    case = office.case()
    office.notify(case, CRM, EVENTS)
    office.changes["dsr_notice_salesforce"] = {}
    with pytest.raises(TransientError, match=r"notice\.failed") as waiting:
        office.follow(case)
    assert waiting.value.retry_after
    office.sandbox.admin.put("/clock", json={"offset": 4000})
    with pytest.raises(PermanentError, match=r"notice\.failed"):
        office.follow(case)
    assert {one.recipient: one.status for one in recipients_told(case)} == {
        "salesforce": "pending", "zoom": "completed",
    }  # fmt: skip
    del office.changes["dsr_notice_salesforce"]
    office.follow(case)
    assert {one.status for one in recipients_told(case)} == {"completed"}


def test_a_cancelled_notice_is_named_once_and_the_others_are_followed(office: Office) -> None:
    case = office.case()
    office.notify(case, CRM, EVENTS)
    first = office.requests()[0]
    office.sandbox.admin.put(f"/processor/requests/{first['id']}", json={"status": "cancelled"})
    with pytest.raises(TransientError, match=r"notice\.failed"):
        office.follow(case)
    told = recipients_told(case)
    (cancelled,) = (one.name for one in told if one.status == "cancelled")
    letter = ActingLetter(case.case_id, "en", office.settings, "erasure")
    assert letter.recipients(told).count(cancelled) == 1
    assert letter.done(made_up.certificate("erase", whole=True), told).count(cancelled) == 1


def test_who_could_not_be_told_is_told_later_when_the_working_data_is_gone(office: Office) -> None:
    case = office.case()
    office.changes["dsr_notice_salesforce"] = {}
    assert office.notify(case, CRM, EVENTS).failed == (("salesforce", "connection.missing"),)
    with pytest.raises(PermanentError, match=r"notice\.failed"):
        office.tell_again(case)
    assert kinds(office, case) == ["notice_failed", "notified"]
    assert close.shred(case)
    assert not case.names("found/")
    del office.changes["dsr_notice_salesforce"]
    with pytest.raises(TransientError, match=r"notice\.pending"):
        office.tell_again(case)
    office.sandbox.admin.put("/clock", json={"offset": 4000})
    assert office.tell_again(case).failed == ()
    assert not case.names("untold/")
    requests = office.requests()
    assert [kept["posted"] for kept in requests] == [1, 1]
    assert HASH in str(requests)
    assert kinds(office, case) == ["notice_failed", "notified", "notified", "notified"]
    office.follow(case)
    assert {one.status for one in recipients_told(case)} == {"completed"}


def test_where_all_were_told_there_is_nothing_to_do_again(office: Office) -> None:
    case = office.case()
    office.notify(case, CRM)
    before = office.events(case)
    assert office.tell_again(case).failed == ()
    assert office.events(case) == before
    assert office.requests()[0]["posted"] == 1


def test_what_passes_is_tried_until_it_is_told_and_noted_once(office: Office) -> None:
    office.told_by("salesforce", BY_MAIL)
    fields = office.sandbox.endpoints["connections"]["dsr_mail"]
    port, fields["port"] = fields["port"], 1
    case = office.case()
    try:
        assert office.notify(case, CRM, final=True).failed
        for _ in range(3):
            with pytest.raises(TransientError):
                office.tell_again(case)
        with pytest.raises(TransientError):
            office.tell_again(case, final=True)
    finally:
        fields["port"] = port
    assert kinds(office, case) == ["notice_failed"]
    office.tell_again(case)
    office.tell_again(case)
    assert len(office.mails()) == 1
    assert kinds(office, case) == ["notice_failed", "written", "notified"]


@pytest.mark.parametrize("way", ["unsettled", "absent"])
def test_a_recipient_that_the_register_leaves_open_is_an_officers(way: str, office: Office) -> None:
    path = office.folder / "recipients.yaml"
    whole = path.read_text(encoding="utf-8")
    load, case = type(office.register).load, office.case()
    path.write_text(whole.replace("  notify:\n    by: opendsr\n    connection: dsr_notice_zoom\n", ""), "utf-8")
    office.register = load(office.folder)
    office.notify(case, EVENTS)
    failed = [detail for kind, detail in office.events(case) if kind == "notice_failed"]
    assert [(d["recipient"], d["code"]) for d in failed] == [("zoom", "notice.unsettled")]
    if way == "absent":
        del office.register.recipients["zoom"]  # type: ignore[attr-defined]
    with pytest.raises(PermanentError, match=r"notice\.failed"):
        office.tell_again(case)
    path.write_text(whole, "utf-8")
    office.register = load(office.folder)
    with pytest.raises(TransientError, match=r"notice\.pending"):
        office.tell_again(case)
    assert [kept["posted"] for kept in office.requests()] == [1, 1]


def restricted(office: Office) -> CaseFile:
    case = office.case("restriction")
    office.notify(case, RESTRICTED, RESTRICTED_EVENTS)
    return case


@pytest.mark.parametrize("way", [BY_MAIL, BOTH])
def test_who_was_told_of_a_restriction_is_told_that_it_is_lifted(way: str, office: Office) -> None:
    """By mail; over OpenDSR nothing says so. Once, and with the reference of what it ends."""
    office.told_by("salesforce", way)
    office.told_by("zoom", BOTH.replace("salesforce", "zoom"))
    case = restricted(office)
    mails, requests = len(office.mails()), len(office.requests())
    (first,) = (one.notice_id for one in recipients_told(case) if one.recipient == "salesforce")
    assert [lifted(case), lifted(case)] == [2, 0]
    for _ in range(2):
        assert office.tell_again(case, ends=True).failed == ()
    sent = office.mails()[mails:]
    assert len(sent) == 2
    (text,) = (mail["text"] for mail in sent if first in mail["text"])
    assert HASH in text
    assert EMAIL not in text
    assert len(office.requests()) == requests
    told = [detail for kind, detail in office.events(case) if kind == "notified" and detail["kind"] == "lifted"]
    assert {(d["recipient"], d["by"]) for d in told} == {("salesforce", "mail"), ("zoom", "mail")}
    assert lifted(case) == 0
    letter = ActingLetter(case.case_id, "en", office.settings, "restriction")
    assert "told of the end of the restriction" in letter.recipients(recipients_told(case))


def test_a_recipient_that_only_has_an_endpoint_is_an_officers(office: Office) -> None:
    case = restricted(office)
    lifted(case)
    with pytest.raises(PermanentError, match=r"notice\.failed"):
        office.tell_again(case, ends=True)
    failed = [detail for kind, detail in office.events(case) if kind == "notice_failed"]
    assert {(d["recipient"], d["code"]) for d in failed} == {
        ("salesforce", "notice.by_hand"), ("zoom", "notice.by_hand"),
    }  # fmt: skip
    office.tell_again(case)  # what notify left has nothing to do with it


def test_who_never_heard_of_the_restriction_hears_nothing_of_its_end(office: Office) -> None:
    office.told_by("salesforce", BY_MAIL)
    case = office.case("restriction", by=("info@kvarnberget.example",))
    assert office.notify(case, RESTRICTED).failed == (("salesforce", "identity.absent"),)
    assert lifted(case) == 0
    for ends in (False, True):
        office.tell_again(case, ends=ends)
    assert office.mails() == []


def test_restricted_again_is_told_again_and_its_end_too(office: Office) -> None:
    office.told_by("salesforce", BY_MAIL)
    case = office.case("restriction")
    for number in (1, 2):
        for _ in range(2):
            office.notify(case, RESTRICTED, at=NOW + timedelta(days=number))
        assert len(office.mails()) == 2 * number - 1
        lifted(case)
        for _ in range(2):
            office.tell_again(case, ends=True)
        assert len(office.mails()) == 2 * number
    references = {one.notice_id for one in recipients_told(case)}
    assert len(references) == 4


def test_an_end_that_was_not_told_yet_is_not_told_once_it_is_restricted_again(office: Office) -> None:
    office.told_by("salesforce", BY_MAIL)
    case = office.case("restriction")
    office.notify(case, RESTRICTED)
    lifted(case)
    office.notify(case, RESTRICTED)
    office.tell_again(case, ends=True)
    assert [mail["subject"].partition(",")[0] for mail in office.mails()] == ["Restriction of personal data"] * 2
