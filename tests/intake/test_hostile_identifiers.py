"""What is typed into an address, a number or a name to do more than it should is refused, and nothing of it shown."""

import json
from typing import Any

import httpx
import pytest
from front_desk import NOW, SECRETS, FakeAirflow
from hostile_texts import ALLOWED_ADDRESSES, ALLOWED_NUMBERS, REFUSED_ADDRESSES, REFUSED_NAMES, REFUSED_NUMBERS

from dsr.misleading import misleading
from dsr.web.intake import MAX_BODY
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

REFUSED = [
    *(("email", what, text) for what, text in REFUSED_ADDRESSES.items()),
    *((field, what, text) for field in ("phone", "customer_number") for what, text in REFUSED_NUMBERS.items()),
    *(("name", what, text) for what, text in REFUSED_NAMES.items()),
]
STATED = {"email": "asa@kvarn.example", "name": "Åsa", "phone": "070-174 06 05", "customer_number": "K-100417"}
CALLED: Any = {"jira": {"emailAddress": "email", "displayName": "name", "customfield_10102": "phone",
                        "customfield_10103": "customer_number"}}  # fmt: skip
"""What a channel calls a field, where it isn't called as here."""


def sent(intake: str, channel: str, field: str, text: str) -> httpx.Response:
    """The answer to a ticket with this text in this field."""
    body = ticket_body(channel, "DSR-1" if channel == "jira" else "1001", at=NOW, **{**STATED, field: text})
    headers, raw = signed(channel, body, SECRETS[channel], NOW, f"{channel}-hostile")
    return httpx.post(f"{intake}/requests/{channel}", headers=headers, content=raw, timeout=30)


@pytest.mark.parametrize("channel", CHANNELS)
def test_hostile_values_are_refused_by_the_name_of_their_field(channel: str, intake: str, airflow: FakeAirflow) -> None:
    """Whatever the channel; no run is started and no value comes back."""
    for field, what, text in REFUSED:
        response = sent(intake, channel, field, text)
        place = f"{channel}, {field}: {what}"
        if len(text.encode()) > MAX_BODY:
            assert response.status_code == 413, place
        else:
            assert response.status_code == 422, place
            named = [error["pointer"].rpartition("/")[2] for error in response.json()["errors"]]
            assert [CALLED.get(channel, {}).get(name, name) for name in named] == [field], place
        assert text[:100] not in response.text, place
        assert json.dumps(text[:100])[1:-1] not in response.text, place
    assert airflow.starts == 0


@pytest.mark.parametrize("field", STATED)
def test_what_has_the_form_of_an_identifier_is_not_refused(field: str) -> None:
    """A request must not fail because somebody's address or number is unusual; that it finds nobody is shown over the
    wire in `tests/extractors/test_hostile_everywhere.py`."""
    allowed = {"email": (*ALLOWED_ADDRESSES, *REAL), "name": ("Robert'); DROP TABLE--",)}.get(field, ALLOWED_NUMBERS)
    for text in allowed:
        assert misleading({**STATED, field: text}) == [], text


REAL = (
    "åsa.öhrnqvist@kvarn.example",
    "a\u030asa@kvarn.example",
    "анна@пример.example",
    "анна@kvarn.example",
    "山田たろう@kvarn.example",
    "asa+tag@xn--rn-fka.example",
    "nour.الهاشمي@kvarn.example",
)
"""Addresses as people have them (RFC 6532): one script a word, letters composed or not."""
