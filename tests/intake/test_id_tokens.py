"""The customer portal's word on who asks, through the wire: taken when all of it is right, once; else the request goes
on as if it had none, and nothing of the token is kept anywhere."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import MASTER, NOW, SECRETS, FakeAirflow
from served import served
from starlette.applications import Starlette

from dsr import database
from dsr.idtoken import IdTokens
from dsr.issuerkeys import IssuerKeys, KeysUnavailable
from dsr.ledger import Event
from dsr.oidc import Oidc
from dsr.setting_values import SettingError
from dsr.settings import Settings, subkey
from dsr.standing import identified
from dsr.triage import linked_to
from dsr.web.intake import Desk, create_app
from sandbox.issuer import JWKS_PATH, Issuer
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

EMAIL = "asa.ohrnqvist@kvarnberget.example"
ISSUER, AUDIENCE = "https://portal.example", "dsr"


@pytest.fixture(scope="module")
def made() -> Issuer:
    return Issuer(ISSUER, AUDIENCE)


@pytest.fixture
def issuer(made: Issuer) -> Issuer:
    made.fails = made.fetched = 0
    return made


@pytest.fixture
def jwks(issuer: Issuer) -> Iterator[str]:
    with served(Starlette(routes=issuer.routes())) as url:
        yield f"{url}{JWKS_PATH}"


class Counter:
    """A desk whose clock moves, and which knows the portal."""

    def __init__(self, desk: Desk, jwks: str, at: datetime = NOW) -> None:
        self.at, self.desk = at, desk
        oidc = Oidc(ISSUER, AUDIENCE, jwks)
        tokens = IdTokens(oidc, database.connect(desk.settings.ledger_url), subkey(MASTER, "id_tokens"))
        self.app = create_app(replace(desk, tokens=tokens, now=lambda: self.at))
        self.sent = 0

    def ask(
        self, url: str, token: str, right: str = "restriction", channel: str = "standard_webhooks", *,
        ends: bool = True, **asked: Any,
    ) -> list[Event]:  # fmt: skip
        """A ticket with a token; the events that came of it. `ends`: so that the next one is a request of its own."""
        self.sent += 1
        asked = {"email": EMAIL, "right": right, **asked}
        ticket = f"DSR-{self.sent}" if channel == "jira" else f"{self.sent}"
        body = ticket_body(channel, ticket, id_token=token, at=self.at, **asked)
        headers, raw = signed(channel, body, SECRETS[channel], self.at, f"token-{self.sent}-{self.at.isoformat()}")
        answer = httpx.post(f"{url}/requests/{channel}", headers=headers, content=raw, timeout=30)
        assert answer.status_code == 202, answer.text
        assert answer.json().keys() == {"request_id", "due"}
        events = self.desk.ledger.events(answer.json()["request_id"])
        if ends:
            self.desk.ledger.append(events[0].request_id, "closed", {"outcome": "ended"}, at=self.at)
        return events


@pytest.fixture
def counter(desk: Desk, jwks: str) -> Counter:
    return Counter(desk, jwks)


@pytest.fixture
def url(counter: Counter) -> Iterator[str]:
    with served(counter.app) as address:
        yield address


def said(events: list[Event]) -> str:
    """ "verified", or the code."""
    (word,) = [e for e in events if e.kind in ("identity_verified", "identity_refused")]
    assert word.detail["method"] == "customer_portal"
    assert identified(events) == (word.kind == "identity_verified")
    return str(word.detail.get("code", "verified"))


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_who_is_signed_in_is_verified_and_the_token_kept_nowhere(
    channel: str, algorithm: str, counter: Counter, issuer: Issuer, url: str, airflow: FakeAirflow, tmp_path: Path
) -> None:
    token = issuer.token(EMAIL.upper(), at=NOW, algorithm=algorithm)
    events = counter.ask(url, token, channel=channel)
    assert said(events) == "verified"
    (word,) = [e for e in events if e.kind == "identity_verified"]
    assert word.detail == {"method": "customer_portal", "by": "person", "ok": True, "factors": 1}
    assert [e.kind for e in events] == ["request_received", "triaged", "identity_verified", "run_started"]
    case = counter.desk.cases.open(events[0].request_id)
    kept = json.dumps([case.read_json(name) for name in case.names()])
    assert not any(part in kept + json.dumps(airflow.runs) for part in token.split("."))


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"iss": "https://evil.example"}, "token.issuer"),
    ("another audience", {"aud": "shop"}, "token.audience"),
    ("several audiences, not for us", {"aud": ["dsr", "shop"]}, "token.audience"),
    ("for another of them", {"aud": ["dsr", "shop"], "azp": "shop"}, "token.audience"),
    ("expired", {"exp": int(NOW.timestamp()) - 61}, "token.time"),
    ("not issued yet", {"iat": int(NOW.timestamp()) + 120}, "token.time"),
    ("not valid yet", {"nbf": int(NOW.timestamp()) + 120}, "token.time"),
    ("issued long ago", {"iat": int(NOW.timestamp()) - 86401}, "token.time"),
    ("signed in long ago", {"auth_time": int(NOW.timestamp()) - 3601}, "token.signed_in"),
    ("to sign in later", {"auth_time": int(NOW.timestamp()) + 120}, "token.signed_in"),
    ("another's address", {"email": "eva@kvarnberget.example"}, "token.email"),
    ("no text as address", {"email": ["asa.ohrnqvist@kvarnberget.example"]}, "token.email"),
    ("nobody has verified it", {"email_verified": False}, "token.email_unverified"),
    ("a text that says so", {"email_verified": "true"}, "token.email_unverified"),
    ("not said", {"email_verified": None}, "token.email_unverified"),
    ("without its own id", {"jti": None}, "token.malformed"),
    ("without the time of signing in", {"auth_time": None}, "token.malformed"),
    ("no number as time", {"exp": True}, "token.malformed"),
    ("out of all time", {"exp": 10**30}, "token.malformed"),
    ("without an end", {"exp": None}, "token.malformed"),
    ("without anybody", {"sub": None}, "token.malformed"),
]


@pytest.mark.parametrize(("what", "claims", "code"), BAD)
def test_what_is_wrong_with_it_is_a_code_and_the_request_goes_on_unverified(
    what: str, claims: dict[str, Any], code: str, counter: Counter, issuer: Issuer, url: str, airflow: FakeAirflow
) -> None:
    events = counter.ask(url, issuer.token(**{"email": EMAIL, **claims}, at=NOW))
    assert said(events) == code
    assert airflow.runs[events[0].request_id]["dag"] == "dsr_restriction"


def test_forged_ones_count_for_nothing(counter: Counter, issuer: Issuer, url: str) -> None:
    good = issuer.token(EMAIL, at=NOW)
    other = Issuer(ISSUER, AUDIENCE, keys=Issuer(ISSUER, AUDIENCE).keys)
    head, _, signature = good.split(".")
    forged = {
        issuer.unsigned(EMAIL, at=NOW): "token.algorithm",
        issuer.by_public_key(EMAIL, at=NOW): "token.algorithm",
        other.token(EMAIL, at=NOW): "token.signature",
        ".".join([head, issuer.token("eva@x.example", at=NOW).split(".")[1], signature]): "token.signature",
        issuer.token(EMAIL, at=NOW, kid="unknown"): "token.key",
        issuer.token(EMAIL, at=NOW, algorithm="ES256", kid="RS256"): "token.key",
        good[:-5]: "token.malformed",  # no base64 has that length
        "a.b.c": "token.malformed",
        "no token at all": "token.malformed",
        "….…": "token.malformed",
    }
    assert {token: said(counter.ask(url, token)) for token in forged} == forged
    assert said(counter.ask(url, good)) == "verified"


def test_it_counts_for_one_request_and_a_bad_use_does_not_use_it_up(counter: Counter, issuer: Issuer, url: str) -> None:
    token = issuer.token(EMAIL, at=NOW)
    assert said(counter.ask(url, token, email="eva@kvarnberget.example")) == "token.email"
    assert said(counter.ask(url, token)) == "verified"
    assert said(counter.ask(url, token)) == "token.replayed"
    assert said(counter.ask(url, token, right="access")) == "token.replayed"
    by_nonce = issuer.token(EMAIL, at=NOW, jti=None, nonce="n-0S6_WzA2Mj")
    assert [said(counter.ask(url, by_nonce)) for _ in range(2)] == ["verified", "token.replayed"]


def test_a_joined_ticket_verifies_nothing_and_its_token_is_used_up(counter: Counter, issuer: Issuer, url: str) -> None:
    """Whoever wrote the open one may be somebody else; and whoever reads the joined one can't put its token into
    another ticket."""
    token = issuer.token(EMAIL, at=NOW)
    first = counter.ask(url, "", ends=False)
    again = counter.ask(url, token, ends=False)
    assert linked_to(again) == first[0].request_id
    for request in (first, again):
        events = counter.desk.ledger.events(request[0].request_id)
        assert not any(e.kind.startswith("identity") for e in events)
    assert said(counter.ask(url, token, right="erasure")) == "token.replayed"


def test_the_same_delivery_again_says_the_same(counter: Counter, issuer: Issuer, url: str) -> None:
    body = ticket_body("standard_webhooks", "7", email=EMAIL, id_token=issuer.token(EMAIL, at=NOW), at=NOW)
    headers, raw = signed("standard_webhooks", body, SECRETS["standard_webhooks"], NOW, "again")
    answers = [httpx.post(f"{url}/requests/standard_webhooks", headers=headers, content=raw) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert said(counter.desk.ledger.events(answers[0].json()["request_id"])) == "verified"


def test_to_erase_one_factor_is_not_enough_nor_for_what_may_become_that(
    counter: Counter, issuer: Issuer, url: str
) -> None:
    for right in ("erasure", "", "access, erasure"):
        assert said(counter.ask(url, issuer.token(EMAIL, at=NOW), right)) == "token.one_factor"
    for more in ({"amr": ["pwd", "mfa"]}, {"acr": "mfa"}):
        events = counter.ask(url, issuer.token(EMAIL, at=NOW, **more), "erasure")
        assert said(events) == "verified"
        assert next(e for e in events if e.kind == "identity_verified").detail["factors"] == 2
    assert said(counter.ask(url, issuer.token(EMAIL, at=NOW, amr="mfa"), "erasure")) == "token.one_factor"


def test_keys_are_fetched_once_and_when_they_cannot_be_the_person_is_asked(
    counter: Counter, issuer: Issuer, url: str
) -> None:
    issuer.fails = 503
    assert said(counter.ask(url, issuer.token(EMAIL, at=NOW))) == "token.keys"
    issuer.fails = 0
    assert said(counter.ask(url, issuer.token(EMAIL, at=NOW))) == "token.keys", "not asked for again within a minute"
    counter.at += timedelta(minutes=2)
    assert said(counter.ask(url, issuer.token(EMAIL, at=counter.at))) == "verified"
    for kid in ("x", "y", "z"):
        assert said(counter.ask(url, issuer.token(EMAIL, at=counter.at, kid=kid))) == "token.key"
    assert issuer.fetched == 2
    counter.at += timedelta(minutes=30)
    issuer.fails = 500
    assert said(counter.ask(url, issuer.token(EMAIL, at=counter.at))) == "verified", "known keys stay known for a while"
    counter.at += timedelta(minutes=40)
    assert said(counter.ask(url, issuer.token(EMAIL, at=counter.at))) == "token.keys"


def test_keys_of_a_file_and_what_is_no_key_set(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(issuer.jwks()))
    found = IssuerKeys(str(path)).key("RS256", "RS256", NOW)
    assert found is not None
    assert IssuerKeys(str(path)).key("", "ES256", NOW) is not None
    assert IssuerKeys(str(path)).key("RS256", "ES256", NOW) is None
    path.write_text('{"keys": [1, {"kty": "oct", "k": "c2VjcmV0", "kid": "RS256"}, {"kty": "RSA", "kid": "RS256"}]}')
    assert IssuerKeys(str(path)).key("RS256", "RS256", NOW) is None
    for text in ("", "[]", '{"keys": 3}', "[" * 100_000):
        path.write_text(text)
        with pytest.raises(KeysUnavailable):
            IssuerKeys(str(path)).key("RS256", "RS256", NOW)


def test_without_an_issuer_no_token_counts(desk: Desk, issuer: Issuer) -> None:
    with served(create_app(desk)) as url:
        body = ticket_body("zendesk", "9", email=EMAIL, id_token=issuer.token(EMAIL, at=NOW), at=NOW)
        headers, raw = signed("zendesk", body, SECRETS["zendesk"], NOW, "off")
        answer = httpx.post(f"{url}/requests/zendesk", headers=headers, content=raw)
    assert said(desk.ledger.events(answer.json()["request_id"])) == "token.switched_off"


OIDC = {"DSR_OIDC_ISSUER": ISSUER, "DSR_OIDC_AUDIENCE": AUDIENCE, "DSR_OIDC_JWKS": "https://portal.example/jwks"}


def test_the_settings() -> None:
    made = Settings.from_environment({**OIDC, "DSR_OIDC_SECOND_FACTORS": "mfa, urn:x"}, need=()).oidc
    assert made == Oidc(ISSUER, AUDIENCE, OIDC["DSR_OIDC_JWKS"], second_factors=("mfa", "urn:x"))
    assert Settings.from_environment({"DSR_OIDC_AUDIENCE": "x"}, need=()).oidc is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DSR_OIDC_AUDIENCE", ""),
        ("DSR_OIDC_JWKS", ""),
        ("DSR_OIDC_JWKS", "http://portal.example/jwks"),
        ("DSR_OIDC_JWKS", "jwks.json"),
        ("DSR_OIDC_ALGORITHMS", "RS256,none"),
        ("DSR_OIDC_ALGORITHMS", "HS256"),
        ("DSR_OIDC_MAX_AGE", "0"),
        ("DSR_OIDC_MAX_AGE", "an hour"),
    ],
)
def test_a_setting_that_would_let_others_in_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name):
        Settings.from_environment({**OIDC, name: value}, need=())
