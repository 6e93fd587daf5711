"""Requests that change data, through the wire of every channel: what is kept, what is refused, and which DAG runs."""

from typing import Any

import httpx
import pytest
from front_desk import NOW, SECRETS, FakeAirflow
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from dsr import schema
from dsr.channels.acting import GROUNDS, PURPOSES, acting
from dsr.channels.corrections import ATTRIBUTES, corrected
from dsr.channels.ticket import Refused
from dsr.register.terms import Terms
from dsr.web.intake import Desk
from extractors import SOURCES
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

POINTERS = {
    "jira": {"right": 10101, "encryption": 10105, "ground": 10108, "purposes": 10109, "corrections": 10110},
}


def body_for(channel: str, **asked: Any) -> dict[str, Any]:
    ticket = "DSR-1" if channel == "jira" else "1001"
    return ticket_body(channel, ticket, email="asa@kvarnberget.example", at=NOW, **asked)


def send(url: str, channel: str, body: Any, delivery: str = "acting") -> httpx.Response:
    headers, raw = signed(channel, body, SECRETS[channel], NOW, f"{channel}-{delivery}")
    return httpx.post(f"{url}/requests/{channel}", headers=headers, content=raw, timeout=30)


def pointer(channel: str, field: str) -> str:
    number = POINTERS.get(channel, {}).get(field)
    return f"#/issue/fields/customfield_{number}" if number else f"#/{field}"


KEPT: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"right": "erasure"}, "dsr_erasure", {}),
    ({"right": "erasure", "ground": "consent_withdrawn"}, "dsr_erasure", {"ground": "consent_withdrawn"}),
    ({"right": "restriction"}, "dsr_restriction", {}),
    (
        {"right": "restriction", "ground": "legal_claims", "purposes": ["dpv:CustomerCare"]},
        "dsr_restriction",
        {"ground": "legal_claims", "purposes": ["dpv:CustomerCare"]},
    ),
    ({"right": "objection", "ground": "direct_marketing"}, "dsr_objection", {"ground": "direct_marketing"}),
    (
        {"right": "objection", "ground": "legitimate_interest", "purposes": ["dpv:Personalisation", "dpv:Marketing"]},
        "dsr_objection",
        {"ground": "legitimate_interest", "purposes": ["dpv:Personalisation", "dpv:Marketing"]},
    ),
    (
        {"right": "withdrawal", "purposes": ["dpv:DirectMarketing"]},
        "dsr_objection",
        {"purposes": ["dpv:DirectMarketing"]},
    ),
    (
        {
            "right": "rectification",
            "corrections": {
                "email": " Asa.Ny@Kvarnberget.example ",
                "name": "A\u030asa O\u0308hrnqvist: D'Arcy",
                "phone": "070-174 06 05",
                "salesforce_contact.Title": "Chef, R&D",
            },
        },
        "dsr_rectification",
        {
            "corrections": {
                "email": "Asa.Ny@kvarnberget.example",
                "name": "Åsa Öhrnqvist: D'Arcy",
                "phone": "+46701740605",
                "salesforce_contact": {"Title": "Chef, R&D"},
            }
        },
    ),
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("asked", "dag", "kept"), KEPT)
def test_what_is_asked_for_is_kept(
    channel: str, asked: dict[str, Any], dag: str, kept: dict[str, Any], intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    response = send(intake, channel, body_for(channel, **asked))
    assert response.status_code == 202, response.text
    request_id = response.json()["request_id"]
    request = desk.cases.open(request_id).read_json("request")
    Draft202012Validator(schema.load("request"), format_checker=FormatChecker()).validate(request)
    assert request["right"] == asked["right"]
    assert {name: request[name] for name in ("corrections", "purposes", "ground") if name in request} == kept
    run = airflow.runs[request_id]
    assert run["dag"] == dag
    assert run["conf"].keys() == {"request_id", "received_at"}
    received = desk.ledger.events(request_id)[0]
    assert received.detail.keys() == {"channel", "right", "received_at", "target", "legal_latest"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"right": "rectification"}, "corrections"),
    ({"right": "erasure", "corrections": {"email": "secret@value.example"}}, "corrections"),
    ({"right": "access", "ground": "unlawful"}, "ground"),
    ({"right": "objection"}, "ground"),
    ({"right": "objection", "ground": "unsubscribe"}, "ground"),
    ({"right": "objection", "ground": "unlawful"}, "ground"),
    ({"right": "erasure", "ground": "legal_claims"}, "ground"),
    ({"right": "withdrawal", "purposes": ["dpv:DirectMarketing"], "ground": "objection"}, "ground"),
    ({"right": "withdrawal"}, "purposes"),
    ({"right": "restriction", "purposes": ["dpv:SecretValue"]}, "purposes"),
    ({"right": "erasure", "purposes": ["dpv:Marketing"]}, "purposes"),
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("asked", "field"), REFUSED)
def test_what_does_not_fit_the_right_names_its_field(
    channel: str, asked: dict[str, Any], field: str, intake: str, desk: Desk, airflow: FakeAirflow
) -> None:
    response = send(intake, channel, body_for(channel, **asked))
    assert response.status_code == 422
    assert pointer(channel, field) in [error["pointer"] for error in response.json()["errors"]]
    assert "secret" not in response.text.lower()
    assert (airflow.starts, desk.cases.cases()) == (0, [])


@pytest.mark.parametrize("channel", CHANNELS)
def test_everything_that_is_wrong_is_said_at_once(channel: str, intake: str) -> None:
    wrong = {"encryption": "zip", "ground": "secret", "purposes": ["secret"], "corrections": {"email": "secret"}}
    response = send(intake, channel, body_for(channel, right="objection", **wrong))
    told = {error["pointer"] for error in response.json()["errors"]}
    email = "#/corrections/email" if channel == "standard_webhooks" else pointer(channel, "corrections")
    package = pointer(channel, "encryption") if channel == "jira" else "#/package/encryption"
    assert told == {package, *(pointer(channel, f) for f in ("ground", "purposes", "corrections")), email}
    assert "secret" not in response.text


HOSTILE: list[tuple[str, Any]] = [
    ("email", "secret"),
    ("email", "secret@x.example\r\nBcc: y@x.example"),
    ("email", "secret@x.example, y@x.example"),
    ("email", "Secret <secret@x.example>"),
    ("email", "\u212a.secret@x.example"),
    ("email", 1),
    ("phone", "call secret"),
    ("phone", "+46 70 174 06 05 06 07 08 09 10"),
    ("phone", "12345"),
    ("name", ""),
    ("name", "  "),
    ("name", "secret" * 100),
    ("name", "secret\u202egnp.exe"),
    ("name", "sec\u200bret"),
    ("name", "secret\x00"),
    ("name", "<script>secret</script>"),
    ("name", "{{ secret }}"),
    ("name", "=HYPERLINK(secret)"),
    ("language", "secret language"),
    ("salesforce_contact.Title", None),
    ("salesforce_contact.Title", ["secret"]),
    ("salesforce_contact.Title", {"secret": 1}),
    ("salesforce_contact.Title", "sec\u2028ret"),
    ("salesforce_contact.Title", 2**60),
    ("salesforce_contact.__class__.secret", "x"),
    ("salesforce_contact/../secret.Title", "x"),
    ("secret@value.example", "x"),
    ("birthday", "secret"),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_no_value_of_a_register_looks_like_that(key: str, value: Any, intake: str, airflow: FakeAirflow) -> None:
    body = body_for("standard_webhooks", right="rectification", corrections={key: value})
    response = send(intake, "standard_webhooks", body)
    assert response.status_code == 422
    (error,) = response.json()["errors"]
    assert error["pointer"].startswith("#/corrections")
    assert "secret" not in response.text
    assert airflow.starts == 0


@pytest.mark.parametrize("channel", ["zendesk", "jira"])
@pytest.mark.parametrize(
    "text", ["secret", "secret@x.example\nemail: a@b.example", "email: a@b.example\nemail: c@d.example"]
)
def test_lines_that_nobody_can_be_sure_about(channel: str, text: str, intake: str, airflow: FakeAirflow) -> None:
    body = body_for(channel, right="rectification")
    if channel == "zendesk":
        body["corrections"] = text
    else:
        body["issue"]["fields"]["customfield_10110"] = text
    response = send(intake, channel, body)
    assert response.status_code == 422
    assert {error["pointer"] for error in response.json()["errors"]} == {pointer(channel, "corrections")}
    assert "secret" not in response.text
    assert airflow.starts == 0


def test_too_many_at_once(intake: str) -> None:
    body = body_for("standard_webhooks", right="rectification", corrections={f"a_b.F{n}": "x" for n in range(51)})
    assert send(intake, "standard_webhooks", body).status_code == 422


@given(
    st.dictionaries(
        st.text(max_size=20) | st.sampled_from(ATTRIBUTES), st.text(max_size=30) | st.none() | st.integers()
    )
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_kept_fits_the_schema(given_: dict[str, Any]) -> None:
    kept, problems = corrected(given_)
    assert bool(given_) == bool(kept or problems)
    if kept:
        rules = schema.load("request")["properties"]["corrections"]
        Draft202012Validator(rules).validate(kept)
    text = repr(problems)
    assert not [v for v in given_.values() if isinstance(v, str) and len(v) > 8 and v.strip() and v in text]


@given(st.text(max_size=60))
def test_any_text_as_corrections_is_read_or_refused(text: str) -> None:
    try:
        made = acting("rectification", text, None, None, "zendesk")
    except Refused:
        return
    assert made.corrections


def test_the_lists_are_those_of_the_schema_and_of_dpv() -> None:
    rules = schema.load("request")
    assert set(rules["properties"]["ground"]["enum"]) == {code for codes in GROUNDS.values() for code in codes}
    assert tuple(rules["properties"]["purposes"]["items"]["enum"]) == PURPOSES
    assert set(rules["properties"]["corrections"]["properties"]) == set(ATTRIBUTES)
    from importlib.resources import files

    terms = Terms.parse(files("register").joinpath("dpv-2.3.csv").read_text(encoding="utf-8"))
    assert [term for term in PURPOSES if term not in terms] == []


def test_every_attribute_of_a_declaration_can_be_corrected() -> None:
    declared = {a for s in SOURCES for d in s.declaration.datasets for a in d.profile.values()}
    assert declared <= set(ATTRIBUTES)
