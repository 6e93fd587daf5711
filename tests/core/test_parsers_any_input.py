"""Whatever is given to a parser, it gives a value or says by its own error that it is none: nothing else gets out."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from dsr.anchor import Anchor, anchored, anchors
from dsr.channels import from_environment as channels_from_environment
from dsr.connections import from_environment
from dsr.errors import DsrError, PermanentError
from dsr.jsontext import embeddable, parse
from dsr.ledger import Head
from dsr.notices.receipt import Signed
from dsr.notices.signature import Certificate
from dsr.post import mail_server
from dsr.referring import customers_of
from dsr.register import yamltext
from dsr.settings import Settings
from dsr.signing import Signer, signed_by
from dsr.source import Connection
from dsr.web.form import secret_of
from dsr.web.visitor import address_of, is_own
from extractors.pardot import client as pardot
from extractors.recordings import records
from extractors.recordings.exports import spans
from extractors.recordings.voice import without_agent
from extractors.salesforce import failures
from extractors.webinars import client as webinars

AT = datetime(2026, 11, 20, tzinfo=UTC)
SIGNER = Signer(bytes(32))
DEEP = "[" * 4_000

texts = st.text() | st.from_regex(r"[a-z]{0,6}(://)?[\[\]@:/?#%a-z0-9]{0,20}") | st.just(DEEP)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
jsons = values.map(json.dumps) | texts
bodies = jsons.map(lambda text: text.encode("utf-8", "replace")) | st.binary()


@given(jsons, st.booleans())
def test_a_connection(text: str, as_extra: bool) -> None:
    given_ = json.dumps({"host": "h", "extra": text}) if as_extra else text
    with suppress(PermanentError):
        found = from_environment("dsr_x", {"AIRFLOW_CONN_DSR_X": given_})
        assert found is None or (isinstance(found, Connection) and isinstance(found.extra, dict))


@given(st.dictionaries(st.sampled_from(["host", "port", "login", "password", "schema", "extra"]), values))
def test_a_connection_of_any_form(fields: Any) -> None:
    with suppress(PermanentError):
        found = from_environment("dsr_x", {"AIRFLOW_CONN_DSR_X": json.dumps(fields)})
        assert found is not None
        assert all(isinstance(getattr(found, name), str) for name in ("host", "login", "password", "schema"))


@given(texts | texts.map(lambda t: f"smtp://{t}") | texts.map(lambda t: f"smtps://{t}?tls={t}"))
def test_a_mail_server(text: str) -> None:
    with suppress(PermanentError):
        assert mail_server(text).host


@given(jsons)
def test_settings_that_are_json(text: str) -> None:
    with suppress(DsrError):
        channels_from_environment({"DSR_CHANNEL_JIRA_FIELDS": text})
    with suppress(ValueError):
        customers_of(text)


@given(st.integers(0, 10**18 - 1), st.binary(min_size=32, max_size=32), st.integers(0, 90), texts)
def test_an_anchor(count: int, digest: bytes, cut: int, text: str) -> None:
    """Put down and read again; and never one that was changed."""
    line = anchored(Head(count, digest.hex()), SIGNER, AT)
    assert list(anchors(f"{text.replace('dsr-ledger', '')}\n{line}", [SIGNER.public_key])) == [
        Anchor(Head(count, digest.hex()), AT)
    ]
    for changed in (line[:cut] + line[cut + 1 :], text):
        with pytest.raises(PermanentError, match=r"anchor\.(signature|absent)"):
            list(anchors(changed, [SIGNER.public_key]))


@given(st.lists(texts, max_size=3), texts, texts)
def test_a_signature_of_a_line(keys: list[str], text: str, signature: str) -> None:
    assert not signed_by([*keys, SIGNER.public_key], text, signature)


@given(st.binary() | st.just(b"-----BEGIN CERTIFICATE-----\n") | texts.map(lambda t: t.encode("utf-8", "replace")))
def test_a_certificate(pem: bytes) -> None:
    with pytest.raises(PermanentError, match=r"certificate\.invalid"):
        Certificate(pem, "opendsr.example", AT, "x")


@given(
    bodies
    | st.fixed_dictionaries(
        {"subject_request_id": st.just("n") | values},
        optional=dict.fromkeys(["encoded_request", "received_time", "controller_id", "request_status"], values),
    ).map(lambda v: json.dumps(v).encode())
)
def test_a_processor_s_answer(body: bytes) -> None:
    answer = Signed(body, "0" * 64, "", "", "opendsr.example", "x")
    for ask in (
        lambda: answer.receipt("n", b"sent"),
        lambda: answer.status("n"),
        lambda: answer.status_receipt("n", AT),
    ):
        with pytest.raises(PermanentError, match=r"(receipt|status)\."):
            ask()


@given(jsons)
def test_json_of_a_cell(text: str) -> None:
    """Embedded it is always a part of a document."""
    with suppress(ValueError):
        parse(text)
    assert json.loads(f"[{embeddable(text)}]")


@given(st.lists(jsons, max_size=3).map(" ".join).map(lambda t: t.encode("utf-8", "replace")) | bodies)
def test_a_delivery_of_call_records(body: bytes) -> None:
    with suppress(PermanentError):
        assert all(isinstance(record, dict) for record in records.concatenated(body))
    with suppress(PermanentError):
        assert "".join(span.text for span in spans(body)).encode() == body


@given(st.lists(st.binary(max_size=64), max_size=6), st.booleans())
def test_sound_that_is_none(chunks: list[bytes], like_sound: bool) -> None:
    """Nothing, or a file with a header of its own."""
    begun: Iterator[bytes] = iter([b"RIFF\0\0\0\0WAVE", *chunks] if like_sound else chunks)
    made = without_agent(begun)
    assert made is None or b"".join(made).startswith(b"RIFF")


@pytest.mark.parametrize("code", [lambda b: pardot.error_code(400, b), lambda b: webinars.error_code(400, b)])
@given(body=bodies)
def test_a_vendor_s_error(code: Callable[[bytes], str | None], body: bytes) -> None:
    found = code(body)
    assert found is None or found.isascii()


@given(values)
def test_salesforce_s_error(body: Any) -> None:
    with pytest.raises(DsrError) as caught:
        failures.check(400, body)
    assert caught.value.code.replace(".", "").replace("_", "").isalnum()


@given(texts)
def test_yaml_of_a_register(text: str) -> None:
    with suppress(yamltext.YamlError):
        yamltext.parse(text)


@given(texts)
def test_a_link_that_somebody_typed(text: str) -> None:
    assert isinstance(secret_of(text), str)


header = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40) | st.sampled_from(
    ["http://[", "[::1]:x"]
)


@given(st.lists(header, max_size=3), header, header)
def test_who_calls(forwarded: list[str], origin: str, host: str) -> None:
    """Whatever headers say."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    headers += [(b"origin", origin.encode()), (b"host", host.encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": ("127.0.0.1", 1)})
    everybody = Settings.from_environment({"DSR_TRUSTED_PROXIES": "127.0.0.0/8"}, need=()).portal.proxies
    assert address_of(request, everybody)
    assert is_own(request) in (True, False)


@given(st.binary(max_size=80).map(lambda raw: base64.b64encode(raw).decode()) | texts)
def test_a_public_key(key: str) -> None:
    assert not signed_by([key], "text", base64.b64encode(bytes(64)).decode())
