"""Whatever stands in a body: a ticket comes out, or a refusal that shows none of it."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from age_keys import recipient
from hypothesis import given
from hypothesis import strategies as st

from dsr.channels import from_environment
from dsr.channels.options import is_age_recipient
from dsr.channels.ticket import Refused
from dsr.vocabulary import PACKAGE_ENCRYPTIONS, RIGHTS, UNCLEAR
from sandbox.tickets.sender import OPENDSR_DOMAIN, ticket_body

CHANNELS = from_environment({"DSR_OPENDSR_DOMAIN": OPENDSR_DOMAIN})
AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += paths(inner, (*path, name))
    return found


@pytest.mark.parametrize("channel", sorted(CHANNELS))
@given(data=st.data(), value=VALUES)
def test_one_field_replaced_by_anything(channel: str, data: st.DataObject, value: Any) -> None:
    ticket = "DSR-1" if channel == "jira" else "1001"
    asked = {"right": "portability", "encryption": "age", "age_recipient": recipient("x"), "transmit_to": "other-bank"}
    body = ticket_body(channel, ticket, email="a.b@c.example", name="A B", phone="+46701740605", **asked, at=AT)
    *parents, last = data.draw(st.sampled_from(paths(body)))
    place: Any = body
    for name in parents:
        place = place[name]
    place[last] = value
    try:
        parsed = CHANNELS[channel].parse(json.dumps(body).encode())
    except Refused:
        return
    assert all(isinstance(v, str) and v.strip() == v != "" for v in parsed.subject.values())
    assert "@" in parsed.subject["email"]
    assert len(parsed.subject["email"].splitlines()) == 1
    assert parsed.right in RIGHTS if not parsed.unclear else parsed.right == UNCLEAR
    assert set(parsed.among) <= set(RIGHTS)
    assert parsed.package.get("encryption", "none") in PACKAGE_ENCRYPTIONS
    assert (parsed.package.get("encryption") == "age") == is_age_recipient(parsed.package.get("age_recipient", ""))
    assert re.fullmatch(r"|[a-z0-9][a-z0-9-]{0,62}", parsed.transmit_to)
    assert parsed.right in ("portability", UNCLEAR) or not parsed.transmit_to
    assert parsed.received_at is None or parsed.received_at.tzinfo is not None


@given(st.binary(max_size=200))
def test_bytes_of_any_kind(raw: bytes) -> None:
    for channel in CHANNELS.values():
        with pytest.raises(Refused):
            channel.parse(raw)
