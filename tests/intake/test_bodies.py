"""Whatever stands in a body: a ticket comes out, or a refusal that shows none of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr.channels import CHANNELS
from dsr.channels.ticket import Refused
from sandbox.tickets.sender import ticket_body

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
    body = ticket_body(channel, ticket, email="a.b@c.example", name="A B", phone="+46701740605", at=AT)
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
    assert parsed.right == "access"
    assert parsed.received_at is None or parsed.received_at.tzinfo is not None


@given(st.binary(max_size=200))
def test_bytes_of_any_kind(raw: bytes) -> None:
    for channel in CHANNELS.values():
        with pytest.raises(Refused):
            channel.parse(raw)
