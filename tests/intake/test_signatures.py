"""The vendors' own vectors, and that nothing else passes: a bit, a second too late, a header less."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.channels import CHANNELS, jira, zendesk
from dsr.channels.signature import secrets_of
from dsr.channels.ticket import Refused
from sandbox.tickets.sender import CHANNELS as SENT
from sandbox.tickets.sender import SIGNING, signed, ticket_body

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw"


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def sent(channel: str, at: datetime = NOW, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
    body = ticket_body(channel, "DSR-1" if channel == "jira" else "1001", email="a@b.example", at=at)
    headers, raw = signed(channel, body, secret, at, "delivery-1")
    return lower(headers), raw


def test_vector_of_standard_webhooks() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,q6KMVIJHk4Gs770FfR5f591Ftx7uVJSGl5wHV1ri978=",
    }
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw", datetime.fromtimestamp(1614265330, UTC)
    delivery = CHANNELS["standard_webhooks"].verify(headers, b'{"test": 2432232314}', [secret], at)
    assert delivery.delivery_id == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_vector_of_zendesk() -> None:
    headers = {
        "x-zendesk-webhook-invocation-id": "i1",
        "x-zendesk-webhook-signature-timestamp": "2021-03-25T05:09:27Z",
        "x-zendesk-webhook-signature": "OhyuASlMysBOYZdC/6lrc3gA+Lv49zMKyTnxzdRguy4=",
    }
    secret, at = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC)
    assert CHANNELS["zendesk"].verify(headers, b"{}", [secret], at).delivery_id == "i1"
    assert zendesk.sign(secret, b"2021-03-25T05:09:27Z{}") == headers["x-zendesk-webhook-signature"]


def test_vector_of_jira() -> None:
    assert jira.sign("It's a Secret to Everybody", b"Hello World!") == (
        "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    )


@pytest.mark.parametrize("channel", SENT)
def test_what_the_sender_signs_passes(channel: str) -> None:
    headers, raw = sent(channel)
    delivery = CHANNELS[channel].verify(headers, raw, [SECRET], NOW).delivery_id
    assert delivery == ("delivery-1" if channel in SIGNING else sha256(raw).hexdigest())


@pytest.mark.parametrize("channel", SIGNING)
@given(data=st.data())
def test_any_changed_bit_is_noticed(channel: str, data: st.DataObject) -> None:
    headers, raw = sent(channel)
    position = data.draw(st.integers(0, len(raw) * 8 - 1))
    changed = bytearray(raw)
    changed[position // 8] ^= 1 << position % 8
    with pytest.raises(Refused, match=r"signature\.wrong"):
        CHANNELS[channel].verify(headers, bytes(changed), [SECRET], NOW)


@pytest.mark.parametrize("channel", SENT)
def test_every_header_is_needed(channel: str) -> None:
    headers, raw = sent(channel)
    for name in headers.keys() - {"content-type", "x-zendesk-webhook-id"}:
        rest = {n: v for n, v in headers.items() if n != name}
        with pytest.raises(Refused, match=r"signature\.missing"):
            CHANNELS[channel].verify(rest, raw, [SECRET], NOW)


@pytest.mark.parametrize("channel", ["standard_webhooks", "zendesk"])
@pytest.mark.parametrize("seconds", [-301, 301])
def test_five_minutes_either_way(channel: str, seconds: int) -> None:
    headers, raw = sent(channel)
    inside = NOW + timedelta(seconds=seconds // 301 * 299)
    CHANNELS[channel].verify(headers, raw, [SECRET], inside)
    with pytest.raises(Refused, match=r"signature\.stale"):
        CHANNELS[channel].verify(headers, raw, [SECRET], NOW + timedelta(seconds=seconds))


def test_jira_has_the_time_of_its_retries() -> None:
    headers, raw = sent("jira")
    CHANNELS["jira"].verify(headers, raw, [SECRET], NOW + timedelta(minutes=75))
    for moment in (NOW + timedelta(hours=2, seconds=1), NOW - timedelta(seconds=301)):
        with pytest.raises(Refused, match=r"signature\.stale"):
            CHANNELS["jira"].verify(headers, raw, [SECRET], moment)


@pytest.mark.parametrize("channel", SENT)
def test_old_and_new_secret_are_both_valid(channel: str) -> None:
    other = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldw=="
    headers, raw = sent(channel)
    for setting in (f"{other},{SECRET}", f"{SECRET} {other}", f" {SECRET} "):
        CHANNELS[channel].verify(headers, raw, secrets_of(setting), NOW)
    with pytest.raises(Refused, match=r"signature\.wrong"):
        CHANNELS[channel].verify(headers, raw, [other], NOW)


def test_a_secret_with_blanks_counts_as_a_whole() -> None:
    assert secrets_of("It's a Secret to Everybody")[0] == "It's a Secret to Everybody"
    assert secrets_of("  ") == ()


def test_the_standards_several_signatures() -> None:
    headers, raw = sent("standard_webhooks")
    headers["webhook-signature"] = f"v1,AAAA v2,x {headers['webhook-signature']} v1a,zzz"
    CHANNELS["standard_webhooks"].verify(headers, raw, [SECRET], NOW)


@pytest.mark.parametrize("stamp", ["", "abc", "-5", "9" * 40, "٣", "1e9", "2026-03-05"])
def test_odd_stamps(stamp: str) -> None:
    headers, raw = sent("standard_webhooks")
    headers["webhook-timestamp"] = stamp
    with pytest.raises(Refused, match=r"signature\.(stale|missing|wrong)"):
        CHANNELS["standard_webhooks"].verify(headers, raw, [SECRET], NOW)


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_freshdesk_signs_in_or_sends_a_header() -> None:
    """Freshdesk signs nothing; the same content is the same delivery."""
    _, raw = sent("freshdesk")
    verify = CHANNELS["freshdesk"].verify
    secret = "with:colon and åäö"
    ways = ({"x-dsr-secret": "plain"}, basic("dsr", "plain"), basic("", "plain"))
    assert {verify(way, raw, ["other", "plain"], NOW).delivery_id for way in ways} == {sha256(raw).hexdigest()}
    assert verify(basic("dsr", secret), raw, [secret], NOW)
    assert verify(basic("dsr", "plain"), raw + b" ", ["plain"], NOW).delivery_id != sha256(raw).hexdigest()


@pytest.mark.parametrize(
    "headers",
    [
        {"x-dsr-secret": "plai"},
        {"x-dsr-secret": "plain2"},
        basic("dsr", "wrong"),
        basic("plain", ""),
        basic("plain", "x"),
        {"authorization": "Bearer plain"},
        {"authorization": "Basic %%%"},
        {"authorization": "Basic " + base64.b64encode(b"\xff:plain").decode()},
        {"x-dsr-secret": "pläin"},
    ],
)
def test_freshdesk_with_a_wrong_secret(headers: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"signature\.wrong"):
        CHANNELS["freshdesk"].verify(headers, b"{}", ["plain"], NOW)


def test_freshdesk_without_a_secret() -> None:
    for headers in ({}, {"x-dsr-secret": " "}, {"authorization": ""}):
        with pytest.raises(Refused, match=r"signature\.missing"):
            CHANNELS["freshdesk"].verify(headers, b"{}", ["plain"], NOW)
