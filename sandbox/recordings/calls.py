"""The calls of a population: what Amazon Connect would have written about each, and the truth."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.people import Expected, Person, Population, Truth
from sandbox.seaweed import CALLS

BUCKET = CALLS
INSTANCE = "kvarnberget"
OUR_NUMBER = "+46850009000"
_AGENT_TIMES = ("ConnectedToAgentTimestamp", "AgentInteractionDuration", "NumberOfHolds")
"""What of the agent's part is about the call and not about the agent."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One leg of a call. `number` is the customer's; `binned`: its objects lie under delete markers; `mono`: both
    voices in one channel; `misnamed`: the number that a first, superseded sidecar gave; `chain`: ids of the legs
    before and after and of the first. `locked`: GOVERNANCE or COMPLIANCE (its sound can't be deleted for seven
    years) or HOLD (a legal hold on its transcript). `restored`: its transcript was binned once and put back.
    `broken_off`: an upload of its sound that nobody finished lies there still."""

    person: Person
    call_id: str
    at: datetime
    number: str
    words: str
    attributes: dict[str, str] = field(default_factory=dict)
    method: str = "INBOUND"
    expected: Expected = "package"
    binned: bool = False
    mono: bool = False
    misnamed: str = ""
    chain: dict[str, str] = field(default_factory=dict)
    locked: str = ""
    restored: bool = False
    broken_off: bool = False

    @property
    def locked_until(self) -> datetime:
        """End of the retention that a lock gives, UTC."""
        return self.at.replace(year=self.at.year + 7, month=1, day=1, hour=0, minute=0)

    @property
    def day(self) -> str:
        """Folder of the day: 2026/03/05."""
        return f"{self.at:%Y/%m/%d}"

    @property
    def sidecar_key(self) -> str:
        """Where the sidecar lies."""
        return f"meta/dt={self.at:%Y-%m-%d}/{self.call_id}.json"

    @property
    def audio_key(self) -> str:
        """Where the sound lies; the key holds a colon, as Connect's do."""
        return f"connect/{INSTANCE}/CallRecordings/{self.day}/{self.call_id}_{self.at:%Y%m%dT%H:%M}_UTC.wav"

    @property
    def transcript_key(self) -> str:
        """Where Contact Lens put its analysis."""
        return f"Analysis/Voice/{self.day}/{self.call_id}_analysis_{self.at:%Y-%m-%dT%H:%M:%SZ}.json"

    @property
    def redacted_keys(self) -> tuple[str, str]:
        """Where the redacted sound and analysis lie."""
        stem = f"Analysis/Voice/Redacted/{self.day}/{self.call_id}"
        stamp = f"{self.at:%Y-%m-%dT%H:%M:%SZ}"
        return f"{stem}_call_recording_redacted_{stamp}.wav", f"{stem}_analysis_redacted_{stamp}.json"

    @property
    def records_key(self) -> str:
        """The Firehose object with the contact records of that hour, other people's among them."""
        return f"contact-records/{self.at:%Y/%m/%d/%H}/stream-1-{self.at:%Y-%m-%d-%H}-00-00-{INSTANCE}"

    @property
    def late_records_key(self) -> str:
        """The object that brought the newest update, delivered twice."""
        return f"{self.records_key}-updates"

    def record(self) -> Json:
        """The contact record in its last state."""
        end = self.at + timedelta(minutes=4, seconds=11)
        return {
            "AWSAccountId": "123456789012",
            "AWSContactTraceRecordFormatVersion": "2017-03-10",
            "ContactId": self.call_id,
            **self.chain,
            "Channel": "VOICE",
            "InitiationMethod": self.method,
            "InitiationTimestamp": _stamp(self.at),
            "ConnectedToSystemTimestamp": _stamp(self.at),
            "DisconnectTimestamp": _stamp(end),
            "LastUpdateTimestamp": _stamp(end + timedelta(minutes=3)),
            "DisconnectReason": "CUSTOMER_DISCONNECT",
            "CustomerEndpoint": {"Address": self.number, "Type": "TELEPHONE_NUMBER"},
            "SystemEndpoint": {"Address": OUR_NUMBER, "Type": "TELEPHONE_NUMBER"},
            "Queue": {"Name": "Order", "EnqueueTimestamp": _stamp(self.at), "Duration": 12},
            "Agent": {
                "ARN": f"arn:aws:connect:eu-north-1:123456789012:instance/{INSTANCE}/agent/7",
                "Username": "svea.handlaggare",
                "ConnectedToAgentTimestamp": _stamp(self.at + timedelta(seconds=12)),
                "AgentInteractionDuration": 239,
                "NumberOfHolds": 1,
            },
            "Attributes": self.attributes,
            "Recordings": [
                {"Location": f"{BUCKET}/{self.audio_key}", "Status": "AVAILABLE", "MediaStreamType": "AUDIO",
                 "ParticipantType": "ALL"}
            ],
        }  # fmt: skip

    def early_record(self) -> Json:
        """The record as it was first delivered: no end, no attributes, an older stamp."""
        left_out = ("DisconnectTimestamp", "DisconnectReason", "Attributes", "Recordings")
        early = {k: v for k, v in self.record().items() if k not in left_out}
        return early | {"LastUpdateTimestamp": _stamp(self.at + timedelta(seconds=30))}

    def analysis(self, words: str = "") -> Json:
        """Contact Lens's output: three lines, and what it made of the call."""
        said = (("AGENT", "Kundtjänst, vad kan jag hjälpa till med?"), ("CUSTOMER", words or self.words),
                ("AGENT", "Jag ordnar det, du får ett mejl."))  # fmt: skip
        return {
            "Version": "1.1.0",
            "AccountId": "123456789012",
            "Channel": "VOICE",
            "ContentMetadata": {"Output": "Raw"},
            "JobStatus": "COMPLETED",
            "LanguageCode": "sv-SE",
            "Participants": [{"ParticipantId": role, "ParticipantRole": role} for role in ("AGENT", "CUSTOMER")],
            "Categories": {"MatchedCategories": ["order"]},
            "ConversationCharacteristics": {
                "TotalConversationDurationMillis": 251000,
                "Sentiment": {"OverallSentiment": {"AGENT": 0.4, "CUSTOMER": 2.5}},
            },
            "Transcript": [
                {"Id": f"{self.call_id[:8]}-{n}", "ParticipantId": role, "Content": text,
                 "BeginOffsetMillis": 1000 * n, "EndOffsetMillis": 1000 * n + 900, "Sentiment": "NEUTRAL",
                 "LoudnessScore": [60.5, 61.25]}
                for n, (role, text) in enumerate(said)
            ],
        }  # fmt: skip

    def sidecar(self, number: str = "") -> Json:
        """What our own pipeline noted about the call: the numbers and where everything lies."""
        audio, transcript = self.redacted_keys
        return {
            "contact_id": self.call_id,
            "customer_number": number or self.number,
            "direction": "outbound" if self.method == "OUTBOUND" else "inbound",
            "agent": "svea.handlaggare",
            "queue": "Order",
            "started_at": _stamp(self.at),
            "ended_at": _stamp(self.at + timedelta(minutes=4, seconds=11)),
            "attributes": self.attributes,
            "record_keys": [self.records_key, self.late_records_key],
            "audio_key": self.audio_key,
            "transcript_key": self.transcript_key,
            "redacted_audio_key": audio,
            "redacted_transcript_key": transcript,
        }

    def truth(self) -> Iterator[Truth]:
        """What the package must show of the call; the agent's name, mood and voice are withheld."""
        record, analysis = self.record(), self.analysis()
        record["Agent"] = {k: v for k, v in record["Agent"].items() if k in _AGENT_TIMES}
        analysis["ConversationCharacteristics"]["Sentiment"]["OverallSentiment"].pop("AGENT")
        unmapped = {k: record.pop(k) for k in ("AWSAccountId", "AWSContactTraceRecordFormatVersion")}
        lines = analysis.pop("Transcript")
        record["Analysis"] = {k: v for k, v in analysis.items() if k != "Participants"}
        key = self.person.key
        yield Truth(key, "call_record", self.call_id, record | {"unmapped": unmapped}, self.expected)
        if self.expected != "package":
            return
        for what in ("Username", "ARN", "AGENT", "voice"):
            yield Truth(key, "call_record", f"{self.call_id}:{what}", {}, "withheld")
        for line in lines:
            shown = {k: line[k] for k in ("Id", "Content", "BeginOffsetMillis", "EndOffsetMillis", "Sentiment")}
            shown |= {"ContactId": self.call_id, "speaker": line["ParticipantId"].lower(),
                      "unmapped": {"LoudnessScore": line["LoudnessScore"]}}  # fmt: skip
            yield Truth(key, "call_transcript_line", f"{self.call_id}/{line['Id']}", shown)


def calls(population: Population, today: str) -> list[Call]:
    """All calls: several of the canary, one or two of each neighbour in the same hours, few of the crowd."""
    chance = population.random("recordings")
    first = datetime.fromisoformat(today).replace(hour=9, tzinfo=UTC) - timedelta(days=260)

    def call(person: Person, day: int, minute: int, words: str, **more: Any) -> Call:
        number = more.pop("number", person.mobile)
        call_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return Call(person, call_id, first + timedelta(days=day, minutes=minute), number, words, **more)

    found = _canarys(population.canary, call)
    for n, neighbour in enumerate(population.neighbours):
        found.append(call(neighbour, n % 4, 10 + n, f"Det är {neighbour.name}, {neighbour.street}."))
    near, colleague = population.person("near_address"), population.person("colleague")
    found.append(call(near, 5, 2, "Fel nummer antecknades först.", misnamed=population.canary.mobile))
    found.append(call(colleague, 0, 40, "Jag ringer från växeln.", number=colleague.company.switchboard,
                      attributes={"customerName": colleague.name}, expected="doubtful"))  # fmt: skip
    found += [call(p, 30 + n % 90, n % 50, "Hej, var är leveransen?") for n, p in enumerate(population.crowd[::10])]
    return found


def _canarys(canary: Person, call: Any) -> list[Call]:
    """A plain call, a transferred chain, one binned, one by an own address at the switchboard, one doubtful."""
    noted = {"customerName": canary.name, "customerEmail": canary.email, "orderNote": '=1+1;"ÅÄÖ"\nrad 2 תודה'}
    plain = call(canary, 0, 3, f"Hej, {canary.name} här, på {canary.street}.", attributes=noted, restored=True)
    start = call(canary, 1, 15, "Koppla mig till ekonomi, tack.", locked="HOLD")
    end = call(canary, 1, 18, "Min faktura är fel.", method="TRANSFER", locked="GOVERNANCE", broken_off=True)
    start = replace(start, chain={"NextContactId": end.call_id})
    end = replace(end, chain={"InitialContactId": start.call_id, "PreviousContactId": start.call_id})
    switchboard = canary.company.switchboard
    return [
        plain,
        start,
        end,
        call(canary, 2, 30, "Det här samtalet slängdes.", binned=True),
        call(canary, 3, 5, "Ni ringde mig.", method="OUTBOUND", mono=True, locked="COMPLIANCE"),
        call(canary, 4, 7, "Jag sitter i växeln.", number=switchboard,
             attributes={"customerEmail": canary.email.upper()}),
        call(canary, 4, 9, "Också från växeln.", number=switchboard, attributes={"customerName": canary.name},
             expected="doubtful"),
    ]  # fmt: skip


def concatenated(records: list[Json]) -> bytes:
    """Records one after the other without a separator, as Firehose delivers them."""
    return b"".join(json.dumps(r, ensure_ascii=False).encode() for r in records)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
