"""A released package reaches the controller that the person named, once, whole, with a receipt; through the wire."""

import json
import logging
from contextlib import suppress
from datetime import timedelta

import pytest
from dispatch import CHUNK, NOW, PERSON, SIGNATURE, Dispatch, noise
from hypothesis import given
from hypothesis import strategies as st

from dsr.errors import PermanentError, TransientError
from dsr.package import COPY
from dsr.steps.transmit import decline, give_up
from dsr.transmission import Receipt


def test_the_whole_package_with_a_receipt(dispatch: Dispatch) -> None:
    content = noise(5 * CHUNK + 17)
    case = dispatch.case(content)
    sent = dispatch.transmit(case)
    (upload,) = dispatch.uploads()
    assert dispatch.content(upload["id"]) == content
    assert (sent.recipient, sent.receipt_id, sent.fresh) == ("example", upload["receipt_id"], True)
    kept = case.read_json("transmission/receipt")
    assert kept["receipt"]["bytes"] == len(content)
    digest = Receipt.from_json(kept["receipt"], "x").digest
    detail = {"recipient": "example", "sha256": upload["sha256"], "bytes": len(content), "receipt_sha256": digest}
    assert dispatch.events(case) == [("transmitted", detail)]
    (answer,) = dispatch.answers
    assert (answer.close, answer.ticket_id, answer.channel) == (True, "1001", "zendesk")
    for fact in ("Exempelmottagaren AB", "20 november 2026 kl. 10:30 CET", upload["sha256"], upload["receipt_id"]):
        assert fact in answer.text
    assert not case.exists("transmission/state")


def test_a_second_call_sends_nothing(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(CHUNK))
    first = dispatch.transmit(case)
    dispatch.sandbox.forget()
    second = dispatch.transmit(case, at=NOW + timedelta(days=1))
    assert dispatch.sandbox.calls("receiver") == []
    assert (second.receipt_id, second.fresh) == (first.receipt_id, False)
    assert len(dispatch.answers) == len(dispatch.events(case)) == 1


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("drop_at", [1, CHUNK + 5, 3 * CHUNK, 5 * CHUNK + 16])
def test_dropped_in_the_middle_then_resumed(dispatch: Dispatch, drop_at: int, checksum: bool) -> None:
    content = noise(5 * CHUNK + 17)
    case = dispatch.case(content)
    dispatch.behave(drop_at=drop_at, checksum=checksum)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    assert dispatch.events(case) == dispatch.answers == []
    dispatch.transmit(case)
    (upload,) = dispatch.uploads()
    assert dispatch.content(upload["id"]) == content
    assert len(content) <= upload["received"] <= len(content) + CHUNK
    if not checksum:
        assert upload["received"] == len(content)
    creations = [c for c in dispatch.sandbox.calls("receiver") if c["method"] == "POST"]
    assert len(creations) == 1


def test_killed_after_the_last_byte(dispatch: Dispatch) -> None:
    """The receipt could not be fetched; the next call finds the finished upload."""
    case = dispatch.case(noise(2 * CHUNK))
    dispatch.sandbox.fault(system="receiver", method="GET", status=503, times=1)
    with pytest.raises(TransientError, match=r"http\.503"):
        dispatch.transmit(case)
    dispatch.sandbox.forget()
    sent = dispatch.transmit(case)
    assert sent.receipt_id == dispatch.uploads()[0]["receipt_id"]
    assert [c["method"] for c in dispatch.sandbox.calls("receiver")] == ["OPTIONS", "HEAD", "GET"]


def test_killed_between_receipt_and_ledger_or_answer(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(CHUNK))
    original, dispatch.answers = dispatch.answers, _Broken()
    with pytest.raises(TransientError, match=r"http\.503"):
        dispatch.transmit(case)
    dispatch.answers = original
    dispatch.transmit(case, at=NOW + timedelta(days=2))
    assert len(dispatch.events(case)) == len(dispatch.answers) == 1
    assert "20 november 2026" in dispatch.answers[0].text


class _Broken(list):
    def append(self, _: object) -> None:
        raise TransientError("http.503", "zendesk")


def test_a_server_that_takes_less_than_it_was_given(dispatch: Dispatch) -> None:
    content = noise(CHUNK + 1000)
    case = dispatch.case(content)
    dispatch.behave(accept=300_000, checksum=False)
    dispatch.transmit(case)
    assert dispatch.content(dispatch.uploads()[0]["id"]) == content


def test_an_upload_that_ended_there_begins_anew(dispatch: Dispatch) -> None:
    content = noise(3 * CHUNK)
    case = dispatch.case(content)
    dispatch.behave(drop_at=2 * CHUNK)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    dispatch.behave(advance=25 * 3600)
    dispatch.transmit(case)
    gone, whole = dispatch.uploads()
    assert (gone["offset"], dispatch.content(whole["id"])) == (None, content)


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ({"method": "POST", "status": 401}, PermanentError, "http.401"),
        ({"method": "POST", "status": 403}, PermanentError, "http.403"),
        ({"method": "POST", "status": 413}, PermanentError, "http.413"),
        ({"method": "PATCH", "status": 500}, TransientError, "http.500"),
        ({"method": "PATCH", "status": 409}, TransientError, "http.409"),
        ({"method": "PATCH", "status": 460}, TransientError, "http.460"),
        ({"method": "PATCH", "status": 404}, TransientError, "upload.gone"),
        ({"method": "OPTIONS", "status": 204}, PermanentError, "tus.unsupported"),
        ({"method": "PATCH", "status": 204}, PermanentError, "offset.invalid"),
        ({"method": "PATCH", "status": 204, "headers": {"Upload-Offset": "9" * 30}}, PermanentError, "offset.invalid"),
        ({"method": "PATCH", "status": 204, "headers": {"Upload-Offset": "0"}}, PermanentError, "offset.invalid"),
        ({"method": "POST", "status": 201}, PermanentError, "location.refused"),
        ({"method": "GET", "status": 404}, PermanentError, "receipt.absent"),
        ({"method": "GET", "status": 200, "body": "[]"}, PermanentError, "receipt.invalid"),
    ],
)  # fmt: skip
def test_what_the_other_side_answers(dispatch: Dispatch, fault: dict, error: type, code: str) -> None:
    """Permanent ones are in the ledger, transient ones end well at the next call; no data is lost or doubled."""
    content = noise(2 * CHUNK + 1)
    case = dispatch.case(content)
    dispatch.sandbox.fault(system="receiver", times=1, **fault)
    with pytest.raises(error) as raised:
        dispatch.transmit(case)
    assert raised.value.code == code
    failed = [("transmission_failed", {"recipient": "example", "code": code})]
    assert dispatch.events(case) == (failed if error is PermanentError else [])
    assert dispatch.answers == []
    dispatch.transmit(case)
    assert dispatch.content(dispatch.uploads()[-1]["id"]) == content


def test_waits_as_long_as_asked(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10))
    dispatch.sandbox.fault(system="receiver", method="POST", status=429, headers={"Retry-After": "90"}, times=1)
    with pytest.raises(TransientError) as raised:
        dispatch.transmit(case)
    assert raised.value.retry_after == timedelta(seconds=90)


def test_a_wrong_token(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10))
    with pytest.raises(PermanentError, match=r"http\.401"):
        dispatch.transmit(case, dispatch.recipient(password="wrong"))


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PATCH", "GET"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(dispatch: Dispatch, method: str, status: int) -> None:
    """Not even to the same host."""
    case = dispatch.case(noise(10))
    headers = {"Location": "/files/elsewhere"}
    dispatch.sandbox.fault(system="receiver", method=method, status=status, headers=headers, times=1)
    with pytest.raises(PermanentError, match=r"redirect\.refused"):
        dispatch.transmit(case)
    assert all("elsewhere" not in call["path"] for call in dispatch.sandbox.calls("receiver"))


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/files/1", "//evil.example/files/1", "http://127.0.0.1/files/1", "https://127.0.0.1:1/f",
        "https://user@127.0.0.1/files/1", "\\\\evil.example\\1", "file:///etc/passwd", "https://[::1/",
        "/" + "a" * 5000, "https://127.0.0.1:99999999/x",
    ],
)  # fmt: skip
def test_an_upload_url_elsewhere_is_refused(dispatch: Dispatch, location: str) -> None:
    case = dispatch.case(noise(10))
    dispatch.behave(location=location)
    with pytest.raises(PermanentError, match=r"location\.refused"):
        dispatch.transmit(case)
    assert [c["method"] for c in dispatch.sandbox.calls("receiver")] == ["OPTIONS", "POST"]
    assert not case.exists("transmission/state")


@pytest.mark.parametrize("lie", [{"sha256": "0" * 63 + "1"}, {"bytes": 9}])
def test_a_receipt_for_other_bytes(dispatch: Dispatch, lie: dict) -> None:
    case = dispatch.case(noise(10))
    dispatch.behave(receipt=lie)
    with pytest.raises(PermanentError, match=r"receipt\.mismatch"):
        dispatch.transmit(case)
    assert dispatch.answers == []
    assert dispatch.events(case)[0][1]["code"] == "receipt.mismatch"
    assert not case.exists("transmission/receipt")


@pytest.mark.parametrize(
    "lie",
    [{"receipt_id": "a\nKlicka här: https://evil.example"}, {"receipt_id": ""}, {"bytes": "10"}, {"bytes": True},
     {"received_at": "i går"}, {"recipient": "x\u2028y"}, {"sha256": None}],
)  # fmt: skip
def test_a_receipt_that_is_none(dispatch: Dispatch, lie: dict) -> None:
    """What another's server says is read by a person in their ticket."""
    case = dispatch.case(noise(10))
    dispatch.behave(receipt=lie)
    with pytest.raises(PermanentError, match=r"receipt\.invalid"):
        dispatch.transmit(case)
    assert dispatch.answers == []


def test_only_what_was_released(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10))
    released = dispatch.released[case.case_id]
    dispatch.released[case.case_id] = "0" * 64
    with pytest.raises(PermanentError, match=r"release\.not_approved"):
        dispatch.transmit(case)
    dispatch.released[case.case_id] = released
    dispatch.pack(case, noise(10, seed=2))
    with pytest.raises(PermanentError, match=r"release\.not_approved"):
        dispatch.transmit(case)
    case.remove(COPY)
    with pytest.raises(PermanentError, match=r"release\.not_approved"):
        dispatch.transmit(case)
    assert dispatch.sandbox.calls("receiver") == []


@pytest.mark.parametrize("other", [noise(3 * CHUNK, 2), noise(3 * CHUNK - 1), noise(3 * CHUNK) + b"x", b""])
def test_a_package_replaced_under_its_old_facts_never_gets_complete(dispatch: Dispatch, other: bytes) -> None:
    case = dispatch.case(noise(3 * CHUNK))
    with case.writer(COPY) as file:
        file.write(other)
    with pytest.raises(PermanentError, match=r"package\.changed"):
        dispatch.transmit(case)
    assert all(upload["offset"] < upload["length"] for upload in dispatch.uploads())


def test_another_package_released_meanwhile_is_sent_anew(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(3 * CHUNK))
    dispatch.behave(drop_at=2 * CHUNK)
    with pytest.raises(TransientError):
        dispatch.transmit(case)
    dispatch.pack(case, noise(2 * CHUNK, 3))
    dispatch.release(case)
    dispatch.transmit(case)
    assert dispatch.content(dispatch.uploads()[-1]["id"]) == noise(2 * CHUNK, 3)


def test_only_the_recipient_that_the_request_names(dispatch: Dispatch) -> None:
    for to in ("bucket", ""):
        with pytest.raises(PermanentError, match=r"recipient\.other"):
            dispatch.transmit(dispatch.case(noise(10), to=to), dispatch.recipient("example"))
    assert dispatch.sandbox.calls("receiver") == []


def test_nothing_of_the_person_beside_the_bytes(dispatch: Dispatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    case = dispatch.case(noise(2 * CHUNK))
    dispatch.transmit(case)
    heard = json.dumps(dispatch.sandbox.admin.get("/receiver/heard").json(), ensure_ascii=False)
    (upload,) = dispatch.uploads()
    for value in (*PERSON.values(), "1001", "zendesk"):
        assert value not in heard
        assert value not in json.dumps(upload["metadata"], ensure_ascii=False)
    facts = {"sha256": upload["sha256"], "bytes": str(2 * CHUNK), "filetype": "application/zip"}
    assert upload["metadata"] == {"request": case.case_id, "signature": SIGNATURE, **facts}
    assert upload["id"] not in caplog.text
    assert "receiver-token" not in caplog.text


def test_errors_tell_no_url(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(CHUNK))
    dispatch.sandbox.fault(system="receiver", method="PATCH", kind="reset", times=1)
    with pytest.raises(TransientError) as raised:
        dispatch.transmit(case)
    url = case.read_json("transmission/state")["state"]["url"]
    assert url.rpartition("/")[2] not in f"{raised.value!r}{raised.value.__cause__}"
    assert raised.value.__suppress_context__


def test_the_ticket_stays_open_while_systems_are_missing(dispatch: Dispatch) -> None:
    dispatch.transmit(dispatch.case(noise(10), incomplete=("pardot",), language="en"))
    assert not dispatch.answers[0].close
    assert "20 November 2026, 10:30 CET" in dispatch.answers[0].text


def test_an_encrypted_package_is_said_to_be_one(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10))
    dispatch.pack(case, noise(10), encryption="zip")
    dispatch.transmit(case)
    assert "krypterad" in dispatch.answers[0].text


@pytest.mark.parametrize(("language", "word"), [("sv", "artikel 20.2"), ("en", "technically feasible")])
def test_no_such_recipient(dispatch: Dispatch, language: str, word: str) -> None:
    case = dispatch.case(noise(10), to="anna-svensson", language=language)
    values = {"ledger": dispatch.ledger, "answer": dispatch.answers.append, "at": NOW, "settings": dispatch.settings}
    assert decline(case, **values)
    assert not decline(case, **values)
    assert word in dispatch.answers[0].text
    assert "svensson" not in dispatch.answers[0].text
    assert len(dispatch.answers) == 1
    assert dispatch.events(case) == [("transmission_failed", {"code": "recipient.unknown"})]
    assert case.names(COPY) == []


def test_told_before(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10), to="nobody")
    settings = dispatch.settings
    assert decline(case, ledger=dispatch.ledger, answer=dispatch.answers.append, at=NOW, settings=settings, told=True)
    assert dispatch.answers == []
    assert len(dispatch.events(case)) == 1


def test_given_up(dispatch: Dispatch) -> None:
    case = dispatch.case(noise(10))
    give_up(case, "example", "http.503", ledger=dispatch.ledger, at=NOW)
    assert dispatch.events(case) == [("transmission_failed", {"recipient": "example", "code": "http.503"})]


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.dictionaries(st.text(), s))


@given(
    st.dictionaries(st.sampled_from(["receipt_id", "sha256", "bytes", "received_at", "recipient", "x"]), _JSON) | _JSON
)
@pytest.mark.thorough
def test_no_answer_breaks_the_reading_of_receipts(value: object) -> None:
    with suppress(PermanentError):
        receipt = Receipt.from_json(value, "recipient.x")
        assert receipt.moment.tzinfo is not None
        assert len(receipt.digest) == 64
