"""Contact records and analyses as Amazon Connect writes them, without what is the employee's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dsr.errors import PermanentError
from extractors.recordings.store import PLACE

AGENT_TIMES: Final = frozenset(
    {
        "ConnectedToAgentTimestamp",
        "AgentInteractionDuration",
        "AgentPauseDurationInSeconds",
        "AfterContactWorkDuration",
        "AfterContactWorkStartTimestamp",
        "AfterContactWorkEndTimestamp",
        "CustomerHoldDuration",
        "LongestHoldDuration",
        "NumberOfHolds",
    }
)
"""What of a record's `Agent` is about the call; all else (user name, ARN, groups, devices) is about the employee."""

_AGENT_ROLE: Final = "AGENT"
_ROLES: Final = {
    "CUSTOMER": "customer",
    _AGENT_ROLE: "agent",
    "SUPERVISOR": "agent",
    "SYSTEM": "system",
    "CUSTOM_BOT": "system",
}
_DECODER: Final = json.JSONDecoder()

Json = dict[str, Any]


def concatenated(body: bytes) -> Iterator[Json]:
    """The objects of a Firehose delivery, which stand one after the other, with or without blanks between.

    PermanentError("record.unreadable") when something else does.
    """
    try:
        text, at = body.decode(), 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            value, at = _DECODER.raw_decode(text, at)
            if isinstance(value, dict):
                yield value
    except (ValueError, RecursionError):
        raise PermanentError("record.unreadable", PLACE) from None


def newest(known: Json | None, record: Json) -> Json:
    """The later of two deliveries of a record. Connect's stamps are ISO 8601 in UTC and compare as text."""
    if known is None or str(record.get("LastUpdateTimestamp", "")) > str(known.get("LastUpdateTimestamp", "")):
        return record
    return known


def disclosed(record: Json, analysis: Json | None) -> tuple[Json, int]:
    """The record and what a machine made of the call, without what is the employee's; how many items that was."""
    shown, withheld = dict(record), 0
    agent = record.get("Agent")
    if isinstance(agent, dict):
        shown["Agent"] = {k: v for k, v in agent.items() if k in AGENT_TIMES}
        withheld += len(agent) - len(shown["Agent"])
    elif agent:
        shown["Agent"], withheld = None, 1
    if analysis is not None:
        whole = {k: v for k, v in analysis.items() if k not in ("Transcript", "Participants")}
        shown["Analysis"], hidden = _without_agent(whole, _agent_ids(analysis))
        withheld += hidden
    return shown, withheld


def lines(contact_id: str, analysis: Json) -> tuple[list[tuple[str, Json]], int]:
    """`(source id, line)` of a transcript, speakers by their role; and how many lines somebody else spoke."""
    roles = {p.get("ParticipantId"): p.get("ParticipantRole", "") for p in analysis.get("Participants", ())}
    found, withheld = [], 0
    for line in analysis.get("Transcript", ()):
        speaker = _ROLES.get(roles.get(line.get("ParticipantId"), ""))
        if speaker is None:
            withheld += 1
            continue
        shown = {k: v for k, v in line.items() if k != "ParticipantId"}
        found.append((f"{contact_id}/{line.get('Id', '')}", shown | {"ContactId": contact_id, "speaker": speaker}))
    return found, withheld


def from_sidecar(sidecar: Mapping[str, Any]) -> Json:
    """What is known of a call whose contact record is gone."""
    return {
        "ContactId": sidecar.get("contact_id"),
        "Channel": "VOICE",
        "InitiationTimestamp": sidecar.get("started_at"),
        "DisconnectTimestamp": sidecar.get("ended_at"),
        "CustomerEndpoint": {"Address": sidecar.get("customer_number"), "Type": "TELEPHONE_NUMBER"},
        "Attributes": sidecar.get("attributes"),
    }


def _agent_ids(analysis: Json) -> set[str]:
    """How the analysis refers to employees: by the role, and by ids of participants in that role."""
    given = {
        p.get("ParticipantId") for p in analysis.get("Participants", ()) if p.get("ParticipantRole") == _AGENT_ROLE
    }
    return {_AGENT_ROLE, *given}


def _without_agent(value: Any, agents: set[str]) -> tuple[Any, int]:
    """The value without entries that are keyed by, or belong to, an employee; how many those were."""
    count = 0
    if isinstance(value, dict):
        kept = {}
        for key, inner in value.items():
            if key in agents:
                count += 1
                continue
            kept[key], hidden = _without_agent(inner, agents)
            count += hidden
        return kept, count
    if isinstance(value, list):
        items = []
        for inner in value:
            if isinstance(inner, dict) and inner.get("ParticipantId") in agents:
                count += 1
                continue
            item, hidden = _without_agent(inner, agents)
            items.append(item)
            count += hidden
        return items, count
    return value, 0
