"""Call recordings as a source: a real S3 server behind the wire, against the population's own truth."""

import io
import json
import logging
import struct
import wave
from array import array
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import jsonschema_rs
import pytest
from botocore.config import Config
from conformance import SourceConformance, find_all, records
from running_sandbox import Sandbox

from dsr import schema
from dsr.errors import PermanentError, TransientError
from dsr.model import Attachment, Identifier, Subject, Withheld
from dsr.search import found_as_json, found_from_json
from extractors.recordings import Recordings
from extractors.recordings.records import concatenated, disclosed, lines, newest
from extractors.recordings.voice import without_agent
from sandbox.people import populate
from sandbox.recordings.audio import call as stereo
from sandbox.recordings.audio import mono_call

CANARY = populate(8).canary
CONN_ID = "dsr_recordings"
_DENIED = "<Error><Code>AccessDenied</Code></Error>"


@pytest.fixture
def source(sandbox: Sandbox) -> Recordings:
    """A client of the running sandbox."""
    return Recordings.connect(sandbox.connection(CONN_ID))


def calls_of(sandbox: Sandbox, key: str, expected: str = "package") -> dict[str, dict[str, Any]]:
    return sandbox.truth_of(key, "call_record", expected)


class TestConformance(SourceConformance):
    """What every source promises."""

    source = Recordings
    system = "recordings"


def test_known_by_ids_alone_whomever_they_name(sandbox: Sandbox, source: Recordings) -> None:
    """As after a restore, when nobody is known any more; nothing else, and nothing for an id that is nobody's."""
    mine = set(calls_of(sandbox, "canary"))
    found = source.known("dsr-back", [*mine, "11111111-2222-3333-4444-555555555555", "../../secret"])
    assert {match.record_id.rpartition("/")[2] for match in found.matches} == mine
    assert {match.request_id for match in found.matches} == {"dsr-back"}
    rows = set(records(source.extract(found))["call_record"])
    assert rows == mine
    assert source.known("dsr-back", []).matches == ()


class TestIndex:
    """What the index is filled with."""

    def test_every_call_under_its_number(self, sandbox: Sandbox, source: Recordings) -> None:
        """Binned ones too; a corrected sidecar only under the number that it names now."""
        entries = {(e.identifier, e.record_id.rpartition("/")[2]) for e in source.index(None)}
        for truth in sandbox.truth:
            if truth.dataset == "call_record" and truth.expected in ("package", "doubtful"):
                number = Identifier("phone", truth.fields["CustomerEndpoint"]["Address"])
                assert (number, truth.source_id) in entries
        mine = {c for i, c in entries if i == Identifier("phone", CANARY.mobile)}
        assert mine <= set(calls_of(sandbox, "canary"))
        assert (Identifier("email", CANARY.email), next(iter(calls_of(sandbox, "canary")))) in entries

    def test_only_what_is_new(self, source: Recordings) -> None:
        """Since long ago: all; since the future: nothing."""
        everything = list(source.index(None))
        now = datetime.now(UTC)
        assert list(source.index(now - timedelta(days=2))) == everything
        assert list(source.index(now + timedelta(days=2))) == []

    def test_record_id_is_enough(self, source: Recordings) -> None:
        """`2026/03/05/<id>`, and no reference."""
        for entry in source.index(None):
            assert entry.dataset == "call_record"
            assert len(entry.record_id.split("/")) == 4
            assert entry.reference == {}


class TestFinding:
    """Whom a call belongs to."""

    def test_checks_that_the_sidecar_still_names_the_number(self, sandbox: Sandbox, source: Recordings) -> None:
        """An index entry alone is nothing: the neighbour's call was once noted under the canary's number."""
        theirs = {e.record_id for e in source.index(None)}
        near = [r for r in theirs if r.rpartition("/")[2] in calls_of(sandbox, "near_address")]
        identifiers = {Identifier("phone", CANARY.mobile), *(Identifier("call_contact", r) for r in near)}
        assert len(near) == 2
        assert source.find([Subject("dsr-1", frozenset(identifiers))]).matches == ()

    def test_says_what_the_record_holds(self, sandbox: Sandbox, source: Recordings) -> None:
        """The number, the noted address and name."""
        match = next(m for m in find_all(source, sandbox, "canary").matches if m.person)
        assert match.person == CANARY.name
        assert Identifier("phone", CANARY.mobile) in match.holds
        assert Identifier("email", CANARY.email) in match.holds
        assert match.by <= match.holds

    def test_switchboard_reports_everybody(self, sandbox: Sandbox, source: Recordings) -> None:
        """All calls of the shared number, by nothing but the number."""
        number = Identifier("phone", CANARY.company.switchboard)
        ids = {Identifier("call_contact", e.record_id) for e in source.index(None) if e.identifier == number}
        found = source.find([Subject("dsr-1", frozenset({number, *ids}))])
        assert len({m.person for m in found.matches}) > 1
        assert all(m.by == {number} for m in found.matches)

    def test_hostile_record_ids(self, sandbox: Sandbox, source: Recordings) -> None:
        """No path leads out of the sidecars; such ids cost no call."""
        texts = (
            "../../etc/passwd",
            "2026/03/05/../x",
            "2026/03/05/",
            "x",
            "\0",
            "２０２６/03/05/a",
            "a/b/c/d",
            "2026/03/05/a%2f",
        )
        ids = {Identifier("call_contact", t) for t in texts}
        subject = Subject("dsr-1", frozenset({Identifier("phone", CANARY.mobile), *ids}))
        assert source.find([subject]).matches == ()
        assert sandbox.calls("recordings") == []

    def test_gone_call_is_no_match(self, source: Recordings) -> None:
        """The index may be older than an erasure."""
        gone = Identifier("call_contact", "2026/03/05/00000000-0000-4000-8000-000000000000")
        assert source.find([Subject("dsr-1", frozenset({gone, Identifier("phone", CANARY.mobile)}))]).matches == ()


class TestExtracting:
    """Records, transcripts, sound."""

    def test_calls_per_call_are_constant(self, sandbox: Sandbox, source: Recordings) -> None:
        """One to find; record objects, transcript and sound to extract; three more for a binned object's version."""
        ids = {e.record_id for e in source.index(None) if e.identifier == Identifier("phone", CANARY.mobile)}
        costs = []
        for some in (sorted(ids)[:2], sorted(ids)):
            identifiers = {Identifier("phone", CANARY.mobile), *(Identifier("call_contact", r) for r in some)}
            sandbox.admin.delete("/calls")
            found = source.find([Subject("dsr-1", frozenset(identifiers))])
            assert len(found.matches) == len(some)
            finding = len(sandbox.calls("recordings"))
            list(source.extract(found))
            costs.append((len(some), finding, len(sandbox.calls("recordings")) - finding))
        binned = 1
        for count, finding, extracting in costs:
            assert finding <= count + 2 * binned
            assert extracting <= 4 * count + 4 * binned

    def test_two_askers_share_the_record_objects(self, sandbox: Sandbox, source: Recordings) -> None:
        """A delivery with many people's records is read once for all."""
        one = find_all(source, sandbox, "canary", "dsr-1")
        two = find_all(source, sandbox, "canary", "dsr-2")
        sandbox.admin.delete("/calls")
        list(source.extract(replace(one, matches=one.matches + two.matches)))
        read = [c["path"] for c in sandbox.calls("recordings") if "/contact-records/" in c["path"]]
        assert len(read) == len(set(read))

    def test_rows_obey_their_schemas(self, sandbox: Sandbox, source: Recordings) -> None:
        """Formats asserted."""
        for dataset, rows in records(source.extract(find_all(source, sandbox, "canary"))).items():
            checker = jsonschema_rs.Draft202012Validator(schema.load(dataset), validate_formats=True)
            for row in rows.values():
                checker.validate(row)

    def test_nothing_of_the_employee(self, sandbox: Sandbox, source: Recordings) -> None:
        """No name, no rated mood, no voice; all of it counted. The words stay, under the role."""
        pieces = list(source.extract(find_all(source, sandbox, "canary")))
        rows = records(p for p in pieces if not isinstance(p, Attachment))
        text = json.dumps(rows)
        assert "svea.handlaggare" not in text
        assert '"AGENT"' not in text
        assert {r["speaker"] for r in rows["call_transcript_line"].values()} == {"customer", "agent"}
        wanted = [t for t in sandbox.truth if (t.person, t.expected) == ("canary", "withheld") and "call" in t.dataset]
        mixed = sum(p.mixed for p in pieces if isinstance(p, Attachment))
        assert sum(p.count for p in pieces if isinstance(p, Withheld)) + mixed == len(wanted)

    def test_sound_is_the_customers_side(self, sandbox: Sandbox, source: Recordings) -> None:
        """Left as it was, right silent, same length; the one in which both can't be told apart is marked as that."""
        given = [(b"".join(p.chunks), p.mixed) for p in source.extract(find_all(source, sandbox, "canary"))
                 if isinstance(p, Attachment)]  # fmt: skip
        assert [file for file, mixed in given if mixed] == [mono_call()]
        files = [file for file, mixed in given if not mixed]
        assert len(files) == len(calls_of(sandbox, "canary")) - 1
        (left, _), (heard, silent) = _sides(stereo()), _sides(files[0])
        assert all(file == files[0] for file in files)
        assert heard == left
        assert set(silent) == {0}

    def test_whole_recordings_when_the_controller_says_so(self, sandbox: Sandbox) -> None:
        """`agent_voice: keep`."""
        extra = sandbox.endpoints["connections"][CONN_ID]["extra"]
        keeping = Recordings.connect(sandbox.connection(CONN_ID, extra={**extra, "agent_voice": "keep"}))
        files = {b"".join(p.chunks) for p in keeping.extract(find_all(keeping, sandbox, "canary"))
                 if isinstance(p, Attachment)}  # fmt: skip
        assert files == {stereo(), mono_call()}

    def test_superseded_transcripts_are_not_given(self, sandbox: Sandbox, source: Recordings) -> None:
        """Only the newest version counts."""
        text = json.dumps(records(source.extract(find_all(source, sandbox, "canary"))), ensure_ascii=False)
        assert "Detta utläste maskinen fel" not in text
        assert "[PII]" not in text
        assert "Det här samtalet slängdes." in text

    def test_nobody_elses_strings(self, sandbox: Sandbox, source: Recordings) -> None:
        """The record objects hold many people; the rows hold one."""
        text = json.dumps(records(source.extract(find_all(source, sandbox, "canary"))), ensure_ascii=False)
        assert not [v for v in sandbox.population.foreign() if v in text]

    def test_the_way_through_the_case_file(self, sandbox: Sandbox, source: Recordings) -> None:
        """Found becomes JSON and back."""
        found = find_all(source, sandbox, "canary")
        back = found_from_json(json.loads(json.dumps(found_as_json(found))))
        assert records(source.extract(back)) == records(source.extract(found))

    def test_nothing_is_logged(self, sandbox: Sandbox, source: Recordings, caplog: pytest.LogCaptureFixture) -> None:
        """At INFO; boto3's DEBUG shows keys, never bodies."""
        caplog.set_level(logging.INFO)
        records(source.extract(find_all(source, sandbox, "canary")))
        assert not [v for v in CANARY.identifying() if v in caplog.text]


class TestFailures:
    """What S3's troubles become."""

    @pytest.mark.parametrize(
        ("fault", "kind", "code"),
        [
            ({"status": 500}, TransientError, "http.500"),
            ({"status": 503, "body": "<Error><Code>SlowDown</Code></Error>"}, TransientError, "http.503"),
            ({"status": 403}, PermanentError, "http.403"),
            ({"status": 403, "body": _DENIED}, PermanentError, "credentials.refused"),
            ({"kind": "reset"}, TransientError, "connection.failed"),
            ({"kind": "truncate"}, TransientError, "connection.failed"),
            ({"kind": "lost"}, TransientError, "connection.failed"),
            ({"status": 200, "body": ""}, TransientError, "connection.failed"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("path", ["/meta/", "/contact-records/", "/Analysis/", "CallRecordings", "versions"])
    def test_faults(
        self, sandbox: Sandbox, source: Recordings, path: str, fault: dict[str, Any], kind: type[Exception], code: str
    ) -> None:
        """Coded wherever they strike; nothing thinner comes out."""
        identifiers = find_all(source, sandbox, "canary").matches
        ids = {Identifier("call_contact", m.record_id) for m in identifiers}
        sandbox.fault(system="recordings", path=path, **{"kind": "status", **fault})
        subject = Subject("dsr-1", frozenset({Identifier("phone", CANARY.mobile), *ids}))
        with pytest.raises(kind) as error:
            records(source.extract(source.find([subject])))
        if (path, fault) == ("versions", {"kind": "truncate"}):
            code = "http.500"  # what boto3 makes of XML that ends too soon
        assert error.value.code == code  # type: ignore[attr-defined]
        assert error.value.__suppress_context__

    def test_wrong_keys(self, sandbox: Sandbox) -> None:
        """Permanent, from the real server."""
        for change in ({"login": "SANDBOXNOBODY"}, {"password": "wrong"}):
            with pytest.raises(PermanentError) as error:
                list(Recordings.connect(sandbox.connection(CONN_ID, **change)).index(None))
            assert error.value.code == "credentials.refused"

    def test_missing_bucket(self, sandbox: Sandbox) -> None:
        """Permanent."""
        extra = {**sandbox.endpoints["connections"][CONN_ID]["extra"], "bucket": "no-such-bucket"}
        with pytest.raises(PermanentError):
            list(Recordings.connect(sandbox.connection(CONN_ID, extra=extra)).index(None))

    def test_nobody_listens(self, sandbox: Sandbox) -> None:
        """Transient."""
        extra = {**sandbox.endpoints["connections"][CONN_ID]["extra"], "endpoint_url": "http://127.0.0.1:1"}
        with pytest.raises(TransientError) as error:
            list(Recordings.connect(sandbox.connection(CONN_ID, extra=extra)).index(None))
        assert error.value.code == "connection.failed"

    @pytest.mark.parametrize("field", ["login", "password", "bucket", "agent_voice"])
    def test_lacking_fields(self, sandbox: Sandbox, field: str) -> None:
        """Said at once, by name."""
        extra = {**sandbox.endpoints["connections"][CONN_ID]["extra"]}
        changes: dict[str, Any] = {field: ""} if field in ("login", "password") else {"extra": {**extra, field: ""}}
        with pytest.raises(PermanentError) as error:
            Recordings.connect(sandbox.connection(CONN_ID, **changes))
        assert error.value.code == f"connection.{field}"

    def test_the_keys_may_only_read(self, sandbox: Sandbox) -> None:
        """The connection that the source gets can't write."""
        fields = sandbox.endpoints["connections"][CONN_ID]
        client = boto3.client(
            "s3", endpoint_url=fields["extra"]["endpoint_url"], region_name="eu-north-1",
            aws_access_key_id=fields["login"], aws_secret_access_key=fields["password"],
            config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip
        with pytest.raises(client.exceptions.ClientError):
            client.put_object(Bucket=fields["extra"]["bucket"], Key="x", Body=b"x")


class TestRecords:
    """Firehose deliveries and what is the employee's."""

    def test_concatenated_objects(self) -> None:
        """With and without blanks; braces in texts don't part them."""
        body = '{"a":"}{"}{"b":1}\n {"c":"å"}\n'.encode()
        assert list(concatenated(body)) == [{"a": "}{"}, {"b": 1}, {"c": "å"}]
        assert list(concatenated(b"")) == []

    @pytest.mark.parametrize("body", [b'{"a":1}{"b"', b"\xff\xfe", b"nonsense"])
    def test_broken_deliveries_are_no_thinner_answer(self, body: bytes) -> None:
        """Permanent."""
        with pytest.raises(PermanentError):
            list(concatenated(body))

    def test_newest_wins_in_any_order(self) -> None:
        """At least once, in any order."""
        old, new = {"LastUpdateTimestamp": "2026-03-05T09:00:00Z"}, {"LastUpdateTimestamp": "2026-03-05T10:00:00Z"}
        assert newest(newest(None, old), new) == new
        assert newest(newest(None, new), old) == new

    def test_unknown_fields_of_the_agent_are_withheld(self) -> None:
        """What is let through is listed, not what is held back."""
        record = {"Agent": {"Username": "a", "DeviceInfo": {"x": 1}, "NumberOfHolds": 2}}
        analysis = {"Participants": [{"ParticipantId": "u-1", "ParticipantRole": "AGENT"}],
                    "ConversationCharacteristics": {"TalkTime": {"u-1": 3, "CUSTOMER": 4}},
                    "Other": [{"ParticipantId": "u-1"}, {"ParticipantId": "c"}]}  # fmt: skip
        shown, withheld = disclosed(record, analysis)
        assert shown["Agent"] == {"NumberOfHolds": 2}
        assert shown["Analysis"] == {"ConversationCharacteristics": {"TalkTime": {"CUSTOMER": 4}},
                                     "Other": [{"ParticipantId": "c"}]}  # fmt: skip
        assert withheld == 4

    def test_other_speakers_are_withheld(self) -> None:
        """Whoever is neither the customer nor ours."""
        analysis = {"Participants": [{"ParticipantId": "c", "ParticipantRole": "CUSTOMER"}],
                    "Transcript": [{"Id": "1", "ParticipantId": "c"}, {"Id": "2", "ParticipantId": "x"}]}  # fmt: skip
        found, withheld = lines("k", analysis)
        assert [line["Id"] for _, line in found] == ["1"]
        assert withheld == 1


class TestVoice:
    """The right channel is silent, or there is no sound."""

    @pytest.mark.parametrize("size", [1, 3, 7, 44, 4096, 10**6])
    def test_any_pieces(self, size: int) -> None:
        """However the bytes arrive, the result is the same."""
        body = stereo()
        chunks = without_agent(iter([body[i : i + size] for i in range(0, len(body), size)]))
        assert chunks is not None
        assert _sides(b"".join(chunks))[0] == _sides(body)[0]

    def test_other_chunks_are_left_out(self) -> None:
        """A LIST chunk may hold a name."""
        body = stereo()
        note = b"LIST" + struct.pack("<I", 12) + b"INFOIART" + b"Svea"
        noted = body[:36] + note + body[36:] + note
        chunks = without_agent(iter([noted]))
        assert chunks is not None
        result = b"".join(chunks)
        assert b"Svea" not in result
        assert _sides(result)[0] == _sides(body)[0]

    @pytest.mark.parametrize(
        "body",
        [b"", b"RIFF", b"OggS" + bytes(100), mono_call(), stereo()[:30], b"RIFF\0\0\0\0AVI " + bytes(50)],
    )
    def test_what_cannot_be_told_apart(self, body: bytes) -> None:
        """No sound at all."""
        assert without_agent(iter([body])) is None

    def test_a_file_that_ends_early(self) -> None:
        """Silence to the end that the header promises."""
        body = stereo()
        chunks = without_agent(iter([body[:-1001]]))
        assert chunks is not None
        assert len(b"".join(chunks)) == len(body)


def _sides(body: bytes) -> "tuple[array[int], array[int]]":
    with wave.open(io.BytesIO(body)) as reader:
        assert reader.getnchannels() == 2
        samples = array("h", reader.readframes(reader.getnframes()))
    return samples[0::2], samples[1::2]
