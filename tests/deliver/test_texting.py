"""Texts go to mobiles of countries that are allowed, through the gateway as it speaks, and no error names a number."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import served
from starlette.applications import Starlette

from dsr.errors import DsrError, PermanentError, TransientError
from dsr.setting_values import SettingError
from dsr.settings import Settings
from dsr.texting import SETTINGS, Texting, text_sender
from sandbox.people import populate
from sandbox.sms.system import PASSWORD, USER, Behaviour, Texts
from sandbox.system import Options
from sandbox.wire import Fault, Wire, Wiretap

NUMBER = "+46701740605"
TEXT = "Ådal: koden 7K3F-9QXM & så vidare"


@pytest.fixture
def gateway(tmp_path: Path) -> Texts:
    return Texts(Options(tmp_path), populate(1))


@pytest.fixture
def tap() -> Wiretap:
    return Wiretap()


@pytest.fixture
def texting(gateway: Texts, tap: Wiretap) -> Iterator[Texting]:
    with served(Wire(gateway.app, "sms", tap)) as url:
        host = url.partition("://")[2]
        yield Texting("Controller", url=f"http://{USER}:{PASSWORD}@{host}/a1/sms")


def test_a_text_arrives_as_it_was_written(texting: Texting, gateway: Texts, tap: Wiretap) -> None:
    text_sender(texting)(NUMBER, TEXT)
    [sent] = gateway.messages.values()
    assert (sent["from"], sent["to"], sent["message"]) == ("Controller", NUMBER, TEXT)
    assert [(call.method, call.path, call.status) for call in tap.calls] == [("POST", "/a1/sms", 200)]


def test_the_sandbox_shows_what_came(gateway: Texts, texting: Texting) -> None:
    text_sender(texting)(NUMBER, TEXT)
    with served(Starlette(routes=gateway.admin_routes())) as url, httpx.Client(base_url=url) as admin:
        assert [text["message"] for text in admin.get("/sms/messages").json()] == [TEXT]
        assert admin.post("/sms/behaviour", json={"empty": True}).json() == {"empty": True, "unreachable": []}
        admin.delete("/sms/messages")
        assert admin.get("/sms/messages").json() == []


@pytest.mark.parametrize(("fault", "kind", "code"), [
    ({"status": 500}, TransientError, "http.500"),
    ({"status": 503, "body": "<html>"}, TransientError, "http.503"),
    ({"status": 429}, TransientError, "http.429"),
    ({"status": 400, "body": f"bad number {NUMBER}"}, PermanentError, "http.400"),
    ({"status": 307, "headers": {"location": "http://127.0.0.1:1/"}}, PermanentError, "http.307"),
    ({"status": 200, "body": "OK"}, TransientError, "answer.invalid"),
    ({"status": 200, "body": "[" * 60_000}, TransientError, "answer.invalid"),
    ({"kind": "reset"}, TransientError, "connection.failed"),
    ({"kind": "truncate"}, TransientError, "connection.failed"),
    ({"kind": "lost"}, TransientError, "connection.failed"),
    ({"kind": "endless"}, TransientError, "answer.invalid"),
])  # fmt: skip
def test_what_goes_wrong_is_a_code_and_is_not_tried_again(
    texting: Texting, tap: Wiretap, fault: dict[str, Any], kind: type[DsrError], code: str
) -> None:
    tap.faults.append(Fault("sms", **fault))
    with pytest.raises(kind) as caught:
        text_sender(texting)(NUMBER, TEXT)
    assert caught.value.code == code
    assert NUMBER[3:] not in str(caught.value)
    assert len(tap.calls) <= 1  # an endless one is put down when it ends


@pytest.mark.parametrize(("behaviour", "code"), [
    (Behaviour(empty=True), "http.403"), (Behaviour(unreachable=[NUMBER]), "sms.failed"),
])  # fmt: skip
def test_what_the_gateway_refuses(texting: Texting, gateway: Texts, behaviour: Behaviour, code: str) -> None:
    gateway.behaviour = behaviour
    with pytest.raises(PermanentError) as caught:
        text_sender(texting)(NUMBER, TEXT)
    assert caught.value.code == code


def test_a_wrong_sign_in_and_a_dead_gateway(texting: Texting) -> None:
    for url, code in (
        (texting.url.replace(PASSWORD, "x"), "http.401"),
        ("http://u:p@127.0.0.1:1/", "connection.failed"),
    ):
        with pytest.raises(DsrError) as caught:
            text_sender(replace(texting, url=url))(NUMBER, TEXT)
        assert caught.value.code == code


@pytest.mark.parametrize(("number", "reached"), [
    (NUMBER, True),
    ("+46851740610", False),  # a fixed line
    ("+46900123456", False),  # a premium number
    ("+4699999999", False),
    ("+46101234567", False),
    ("+46751234567", False),  # a personal number, which the caller pays for
    ("+4790123456", False),  # another country's mobile
    ("+881612345678", False),  # a satellite's
    ("+1900555012", False),
    ("0701740605", False),
    (NUMBER + "\r\nBcc: x", False),
    (NUMBER + "&to=+4790123456", False),
    ("+46" + "7" * 5_000, False),
    ("+٤٦٧٠١٧٤٠٦٠٥", False),
    ("", False),
])  # fmt: skip
def test_only_mobiles_of_allowed_countries_get_a_text(
    gateway: Texts, texting: Texting, number: str, reached: bool
) -> None:
    assert texting.reaches(number) is reached
    if not reached:
        with pytest.raises(PermanentError, match=r"sms\.number"):
            text_sender(texting)(number, TEXT)
        assert list(gateway.messages.values()) == []


def test_prefixes_are_a_setting_and_without_a_sender_nobody_is_reached() -> None:
    assert Texting("Controller", ("+46", "+47")).reaches("+4790123456")
    assert not Texting("", ("+46",)).reaches(NUMBER)


@pytest.mark.parametrize(("name", "value"), [
    ("sms_from", "ab"), ("sms_from", "Ådal"), ("sms_from", "A\r\nB"), ("sms_from", "TwelveLetter"),
    ("sms_prefixes", "0046"), ("sms_prefixes", ","), ("sms_prefixes", "+46,x"),
    ("sms_url", "http://u:p@sms.example/a1/sms"), ("sms_url", "https://sms.example/a1/sms"), ("sms_url", "x"),
    ("sms_url", "https://u:p@[/"),
])  # fmt: skip
def test_settings_that_can_t_be_used(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Texting.of({**SETTINGS, name: value})
    assert caught.value.variable == f"DSR_{name.upper()}"
    assert value not in str(caught.value)


def test_off_unless_it_is_set_and_never_half() -> None:
    assert Settings.from_environment({}, need=()).texting == Texting()
    with pytest.raises(SettingError, match="DSR_SMS_URL"):
        text_sender(Texting("Controller"))
    shown = Settings.from_environment({"DSR_SMS_URL": "https://u:secret@sms.example/a1/sms"}, need=())
    assert "secret" not in repr(shown)
