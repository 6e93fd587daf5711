"""Art. 19: every recipient is told once, with proof, through the wire; whoever can't be told is never said to be."""

import base64
import json
import logging
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from notice_office import EMAIL, HASH, NOW, OTHER, Office

from dsr.errors import PermanentError, TransientError
from dsr.notices import Receipt
from dsr.steps.notify import recipients_told

CRM = ("salesforce_contact", "erase", "done")
EVENTS = ("webinar_registration", "erase", "done")
BOOKS = ("invoicing_invoice", "restrict", "done")
CANARY = (EMAIL, OTHER, "Öhrnqvist", "1740605", "ny.adress")


def test_every_recipient_of_what_was_changed_is_told_with_a_receipt(office: Office) -> None:
    case = office.case(by=(EMAIL, OTHER, "info@kvarnberget.example"))
    told = office.notify(case, CRM, EVENTS, ("invoicing_contact", "erase", "done"))
    assert (told.told, told.pending, told.failed) == (("salesforce", "zoom"), ("salesforce", "zoom"), ())
    assert told.nobody == ("skatteverket",)
    requests = office.requests()
    assert len(requests) == 2
    for kept in requests:
        sent = kept["request"]
        assert (sent["regulation"], sent["subject_request_type"]) == ("gdpr", "erasure")
        assert uuid.UUID(kept["id"]).version == 4
        values = [one["identity_value"] for one in sent["subject_identities"]]
        assert HASH in values
        assert len(values) == 2  # not the mailbox that many read
        assert not [text for text in CANARY if text in json.dumps(sent, ensure_ascii=False)]
        assert case.case_id not in json.dumps(sent)
    for one in recipients_told(case):
        if one.status == "none":
            assert one.reason["sv"]
            continue
        receipt = Receipt.from_json(one.receipt)
        assert receipt.proves(NOW)
        assert "encoded_request" not in one.receipt
        forged = Receipt.from_json({**one.receipt, "body_sha256": "0" * 64})
        assert not forged.proves(NOW)
    kinds = [kind for kind, _ in office.events(case)]
    assert kinds == ["notified", "notified"]


def test_told_again_is_told_once(office: Office) -> None:
    case = office.case()
    first = office.notify(case, CRM)
    assert office.notify(case, CRM, at=NOW + timedelta(days=1)) == first
    (kept,) = office.requests()
    assert kept["posted"] == 1
    assert len(office.events(case)) == 1


def test_a_lost_answer_is_one_request_there(office: Office) -> None:
    case = office.case()
    office.behave(lose=1)
    with pytest.raises(TransientError):
        office.notify(case, CRM)
    assert recipients_told(case) == ()
    assert office.events(case) == []
    assert office.notify(case, CRM, at=NOW + timedelta(minutes=5)).told == ("salesforce",)
    (kept,) = office.requests()
    assert kept["posted"] == 2


def test_a_processor_that_says_it_has_it_already(office: Office) -> None:
    case = office.case()
    office.behave(lose=1, forgets=1)
    with pytest.raises(TransientError):
        office.notify(case, CRM)
    assert office.notify(case, CRM).told == ("salesforce",)
    (one,) = recipients_told(case)
    assert Receipt.from_json(one.receipt).proves(NOW)
    assert len(office.requests()) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [({"status": 500}, "http.500"), ({"kind": "reset"}, ""), ({"kind": "truncate"}, ""), ({"status": 429}, "http.429")],
)
def test_what_passes_is_tried_again(fault: dict[str, Any], code: str, office: Office) -> None:
    case = office.case()
    office.sandbox.fault(system="processor", method="POST", times=1, **fault)
    with pytest.raises(TransientError) as caught:
        office.notify(case, CRM, EVENTS)
    assert caught.value.code == code or not code
    assert len(office.requests()) == 1  # the other recipient was told all the same
    assert office.notify(case, CRM, EVENTS).told == ("salesforce", "zoom")
    assert [kept["posted"] for kept in office.requests()] == [1, 1]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"signature": "bad"}, "signature.wrong"),
    ({"signature": "absent"}, "signature.wrong"),
    ({"domain": "opendsr.evil.example"}, "domain.wrong"),
    ({"redirect": "https://evil.example/v2/requests"}, "http.307"),
    ({"redirect": "/v2/requests"}, "http.307"),
    ({"certificate": "https://evil.example/certificate.pem"}, "certificate.invalid"),
    ({"certificate": ""}, ""),
    ({"kinds": ["access"]}, "notice.unsupported"),
    ({"encoded": base64.b64encode(b'{"another":"request"}').decode()}, "receipt.mismatch"),
]


@pytest.mark.parametrize(("behaviour", "code"), BAD)
def test_an_answer_that_proves_nothing_is_not_told(behaviour: dict[str, Any], code: str, office: Office) -> None:
    case = office.case()
    office.behave(**behaviour)
    done = office.notify(case, CRM)
    if not code:
        assert done.told == ("salesforce",)
        return
    assert (done.told, done.failed) == ((), (("salesforce", code),))
    office.notify(case, CRM)  # noted once
    ((kind, detail),) = office.events(case)
    assert (kind, detail["code"], detail["recipient"]) == ("notice_failed", code, "salesforce")
    assert [one.status for one in recipients_told(case)] == ["failed"]
    office.behave()
    assert office.notify(case, CRM).failed == ()
    assert office.events(case)[-1][0] == "notified"
    assert len(office.requests()) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "connection.missing"),
        ({"extra": {"domain": "opendsr.other.example"}}, "certificate.invalid"),
        ({"extra": {"domain": ""}}, "connection.domain"),
        ({"extra": {"certificate_sha256": ["0" * 64]}}, "certificate.invalid"),
        ({"password": "wrong"}, "http.401"),
        ({"host": ""}, "connection.host"),
    ],
)
def test_a_connection_that_is_wrong(change: dict[str, Any], code: str, office: Office) -> None:
    case = office.case()
    office.changes["dsr_notice_salesforce"] = change
    assert office.notify(case, CRM, EVENTS).failed == (("salesforce", code),)
    assert office.requests()[0]["posted"] == 1  # the other's


def test_an_authority_that_is_not_trusted(office: Office) -> None:
    office.changes["dsr_notice_salesforce"] = {"extra": {"ca": ""}}
    with pytest.raises(TransientError):
        office.notify(office.case(), CRM)
    assert office.requests() == []


def test_the_last_try_puts_down_who_could_not_be_told(office: Office) -> None:
    case = office.case()
    office.sandbox.fault(system="processor", status=503)
    done = office.notify(case, CRM, final=True)
    assert (done.told, done.failed) == ((), (("salesforce", "http.503"),))


def test_the_status_is_followed_to_its_end(office: Office) -> None:
    case = office.case()
    office.behave(begins_after=60, ends_after=3600)
    office.notify(case, CRM)
    with pytest.raises(TransientError, match=r"notice\.pending") as caught:
        office.follow(case)
    wait = caught.value.retry_after
    assert wait is not None
    assert timedelta(minutes=15) <= wait <= timedelta(hours=12)
    office.sandbox.admin.put("/clock", json={"offset": 600})
    with pytest.raises(TransientError):
        office.follow(case)
    assert recipients_told(case)[0].status == "in_progress"
    office.sandbox.admin.put("/clock", json={"offset": 4000})
    assert office.follow(case).pending == ()
    assert recipients_told(case)[0].status == "completed"
    assert [detail.get("status") for _, detail in office.events(case)] == ["pending", "completed"]
    office.follow(case)
    assert len(office.events(case)) == 2


def test_a_status_without_a_right_signature_changes_nothing(office: Office) -> None:
    case = office.case()
    office.notify(case, CRM)
    office.behave(signature="bad", begins_after=0, ends_after=0)
    with pytest.raises(PermanentError, match=r"notice\.failed"):
        office.follow(case)
    assert recipients_told(case)[0].status == "pending"


def test_a_notice_that_the_processor_cancelled_is_a_persons_business(office: Office) -> None:
    case = office.case()
    office.notify(case, CRM)
    (kept,) = office.requests()
    office.sandbox.admin.put(f"/processor/requests/{kept['id']}", json={"status": "cancelled"})
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"notice\.failed"):
            office.follow(case)
    assert [kind for kind, _ in office.events(case)] == ["notified", "notice_failed"]
    (one,) = recipients_told(case)
    assert (one.status, one.code, one.reached) == ("cancelled", "notice.cancelled", False)


def test_what_article_19_covers_and_what_not(office: Office) -> None:
    nothing = [
        ("erasure", {}, [BOOKS]),  # kept and restricted meanwhile: no restriction under Art. 18
        ("erasure", {}, [("salesforce_contact", "erase", o) for o in ("changed", "blocked", "retained", "manual")]),
        ("erasure", {}, [("salesforce_contact", "keep", "done"), ("salesforce_contact", "expire", "done")]),
        ("objection", {"ground": "direct_marketing"}, [("salesforce_contact", "restrict", "done")]),
        ("withdrawal", {"purposes": ["dpv:DirectMarketing"]}, [("salesforce_contact", "restrict", "done")]),
    ]
    for right, more, changed in nothing:
        done = office.notify(office.case(right, **more), *changed)
        assert (done.told, done.failed, done.nobody) == ((), (), ())
    something = [
        ("restriction", {}, ("salesforce_contact", "restrict", "done"), "restriction"),
        ("objection", {"ground": "legitimate_interest"}, ("salesforce_contact", "restrict", "done"), "restriction"),
        ("erasure", {}, ("salesforce_contact", "anonymise", "scheduled"), "erasure"),
    ]
    for right, more, change, kind in something:
        office.notify(office.case(right, **more), change)
        assert office.requests()[-1]["request"]["subject_request_type"] == kind


@pytest.mark.parametrize("way", ["sha256", "raw"])
def test_a_rectification_tells_values_only_to_whom_the_register_says(way: str, office: Office) -> None:
    office.told_by("salesforce", f"    by: opendsr\n    connection: dsr_notice_salesforce\n    identities: {way}")
    corrections = {"email": "ny.adress@kvarnberget.example", "salesforce_contact": {"Title": "VD"}}
    case = office.case("rectification", corrections=corrections)
    office.notify(case, ("salesforce_contact", "rectify", "done"))
    (kept,) = office.requests()
    extension = kept["request"]["extensions"]["opendsr.processor.example"]
    flat = {"email": "ny.adress@kvarnberget.example", "salesforce_contact.Title": "VD"}
    assert extension["rectified"] == (flat if way == "raw" else sorted(flat))
    (identity,) = kept["request"]["subject_identities"]
    assert identity["identity_value"] == (EMAIL if way == "raw" else HASH)
    assert ("ny.adress" in json.dumps(kept["request"])) == (way == "raw")


@pytest.mark.parametrize("language", ["sv", "en"])
def test_by_mail_a_hash_and_whom_to_ask(language: str, office: Office) -> None:
    office.told_by("salesforce", f"    by: mail\n    to: privacy@crm.example\n    language: {language}")
    case = office.case("rectification", corrections={"email": "ny.adress@kvarnberget.example"})
    done = office.notify(case, ("salesforce_contact", "rectify", "done"))
    assert (done.told, done.pending) == (("salesforce",), ())
    office.notify(case, ("salesforce_contact", "rectify", "done"))
    (mail,) = office.mails()
    assert mail["to"] == ["privacy@crm.example"]
    assert HASH in mail["text"]
    for word in ("Controller Ådal AB", "dpo@controller.example", "Salesforce.com, Inc.", "19", "- email"):
        assert word in mail["text"]
    assert not [text for text in CANARY if text in mail["text"] or text in mail["raw"]]
    assert ["Content-Language", language] in [list(pair) for pair in mail["headers"]]
    assert recipients_told(case)[0].status == "sent"


def test_a_mail_server_that_is_down_is_tried_again(office: Office) -> None:
    office.told_by("salesforce", "    by: mail\n    to: privacy@crm.example\n    language: sv")
    fields = office.sandbox.endpoints["connections"]["dsr_mail"]
    port, fields["port"] = fields["port"], 1
    case = office.case()
    try:
        with pytest.raises(TransientError):
            office.notify(case, CRM)
    finally:
        fields["port"] = port
    assert office.notify(case, CRM).told == ("salesforce",)
    assert len(office.mails()) == 1


def test_a_person_known_only_by_a_shared_mailbox_is_a_persons_business(office: Office) -> None:
    """A recipient that looked info@ up would change others' data."""
    done = office.notify(office.case(by=("info@kvarnberget.example",)), CRM)
    assert done.failed == (("salesforce", "identity.absent"),)
    assert office.requests() == []


def test_a_recipient_of_whom_the_register_says_nothing_is_not_passed_over(office: Office) -> None:
    path = office.folder / "recipients.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  notify:\n    by: opendsr\n    connection: dsr_notice_salesforce\n", ""), "utf-8")
    office.register = type(office.register).load(office.folder)
    assert office.notify(office.case(), CRM).failed == (("salesforce", "notice.unsettled"),)


def test_nothing_of_the_person_in_ledger_logs_and_urls(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    case = office.case(by=(EMAIL, OTHER))
    office.behave(lose=1)
    with pytest.raises(TransientError) as caught:
        office.notify(case, CRM, EVENTS)
    office.notify(case, CRM, EVENTS)
    with pytest.raises(TransientError):
        office.follow(case)
    shown = [repr(office.events(case)), caplog.text, str(caught.value), repr(recipients_told(case))]
    shown += [call["path"] for call in office.sandbox.calls("processor")]
    shown += case.names()
    hidden = (*CANARY, HASH)
    assert not [text for text in hidden for one in shown if text in one]


def test_callbacks_are_signed_and_the_processor_is_as_the_specification_says(office: Office) -> None:
    """The sandbox's own endpoint, spoken to as another controller would."""
    fields = office.sandbox.endpoints["connections"]["dsr_notice_zoom"]
    headers = {"authorization": f"Bearer {fields['password']}"}
    import ssl

    trust = ssl.create_default_context(cafile=fields["extra"]["ca"])
    body: dict[str, Any] = {"regulation": "gdpr", "subject_request_id": str(uuid.UUID(int=5, version=4))}
    body |= {"subject_request_type": "erasure", "submitted_time": "2026-11-20T08:00:00Z"}
    identity = {"identity_type": "email", "identity_value": HASH, "identity_format": "sha256"}
    body |= {"subject_identities": [identity], "status_callback_urls": [f"{fields['host']}/v2/nowhere"]}
    with httpx.Client(base_url=fields["host"], verify=trust, headers=headers) as http:
        office.behave(begins_after=600)
        made = http.post("/v2/requests", json=body)
        assert made.status_code == 201
        assert made.json()["encoded_request"] == base64.b64encode(made.request.content).decode()
        again = http.post("/v2/requests", json=body)
        assert (again.status_code, again.content) == (201, made.content)
        assert http.post("/v2/requests", json={**body, "submitted_time": "2026-11-21T08:00:00Z"}).status_code == 409
        assert http.post("/v2/requests", json={**body, "subject_request_id": "x"}).status_code == 400
        path = f"/v2/requests/{body['subject_request_id']}"
        assert http.get(path).json()["request_status"] == "pending"
        assert http.delete(path).status_code == 202
        assert http.get(path).json()["request_status"] == "cancelled"
        assert http.delete(path).status_code == 400
        assert http.get("/v2/requests/nothing").status_code == 404
        assert httpx.get(f"{fields['host']}{path}", verify=trust).status_code == 401
    (kept,) = office.requests()
    assert kept["callbacks"][0]["status"] == "cancelled"
