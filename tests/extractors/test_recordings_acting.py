"""Call recordings changed: a real S3 server with locks, every version of it compared before and after."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import boto3
import pytest
from acting_conformance import ActingConformance, counts
from acting_conformance import lines as lines_of
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from made_up_selections import selection_of
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Identifier, Outcome, Subject
from dsr.selection import Selection
from dsr.source import Acting, Connection
from extractors.recordings import Recordings
from extractors.recordings.exports import spans
from extractors.recordings.restricting import lifted, restricted, restrictions
from extractors.recordings.versions import Versions
from sandbox.comparison import Change, difference
from sandbox.people import populate
from sandbox.recordings.calls import BUCKET, Call
from sandbox.recordings.system import Recordings as System
from sandbox.system import Options

RECORD, LINE = "call_record", "call_transcript_line"
BOTH = {RECORD: "erase", LINE: "erase"}
Became = dict[tuple[str, str, date | None], int]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A store of its own for this module, and a copy of all of it."""
    system = System(Options(tmp_path_factory.mktemp("calls"), people=20), populate(20))
    system.start()
    system.save("whole")
    _WHOLE[:] = lines(system)
    yield system
    system.stop()


@pytest.fixture
def whole(made: System) -> System:
    """It, with every call as it was in the beginning."""
    if difference(_WHOLE, lines(made)):
        made.load_saved("whole")
    return made


_WHOLE: list[str] = []
"""What it held in the beginning."""


@pytest.fixture
def one(made: System) -> Call:
    """A call that is as it was in the beginning, in an hour in which others called too."""
    hours = Counter(c.late_records_key for c in made.calls)
    for call in made.calls:
        plain = call.expected == "package" and call.person.key != "canary" and not call.misnamed
        if plain and hours[call.late_records_key] > 1 and call.call_id not in _USED and is_there(made, call):
            _USED.add(call.call_id)
            return call
    made.load_saved("whole")
    _USED.clear()
    return next(c for c in made.calls if c.person.key != "canary" and hours[c.late_records_key] > 1)


_USED: set[str] = set()


def is_there(system: System, call: Call) -> bool:
    """Whether no other test has erased it."""
    return system.client().list_objects_v2(Bucket=BUCKET, Prefix=call.sidecar_key)["KeyCount"] == 1


def connect(system: System) -> Recordings:
    """With the keys for writing."""
    fields = {k: v for k, v in system.connections()["dsr_recordings_write"].items() if k != "conn_type"}
    return Recordings.connect(Connection("dsr_recordings_write", **fields))


def lines(system: System) -> list[str]:
    """Everything that the store holds, bodies by their hash."""
    return [entry.line() for entry in system.entries()]


def calls_of(system: System, key: str = "canary") -> list[Call]:
    """A person's own calls."""
    return [c for c in system.calls if c.person.key == key and c.expected == "package"]


def chosen(
    system: System, calls: Sequence[Call], effects: Mapping[str, str], request_id: str = "dsr-conformance"
) -> Selection:
    """All of these calls."""
    source = connect(system)
    person = calls[0].person
    ids = {Identifier("call_contact", f"{c.day}/{c.call_id}") for c in calls}
    known = {Identifier("phone", c.number) for c in calls} | {Identifier("email", e.lower()) for e in person.emails}
    found = source.find([Subject(request_id, frozenset(ids | known))])
    assert {m.reference["contact_id"] for m in found.matches} == {c.call_id for c in calls}
    return selection_of(source, found, effects, request_id)


def became(outcomes: Sequence[Outcome], dataset: str) -> Became:
    """(outcome, reason, until) → count."""
    counts: Counter[tuple[str, str, date | None]] = Counter()
    for o in outcomes:
        if o.dataset == dataset:
            counts[o.outcome, o.reason, o.until] += o.count
    return dict(counts)


def body(system: System, key: str) -> bytes:
    """The newest version."""
    content: bytes = system.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return content


class TestConformance(ActingConformance):
    """What every source promises that changes its system."""

    source = Recordings
    system = "recordings"
    effects = BOTH

    def connect(self, sandbox: Sandbox) -> Acting:
        """With the keys for writing."""
        return Recordings.connect(sandbox.connection("dsr_recordings_write"))

    def selected(self, selections: Iterable[Selection]) -> set[str]:
        """Every object of a selected call."""
        ids = {i.partition("/")[0] for i in super().selected(selections)}
        objects = (json.loads(line)["id"] for line in lines_of(self.sandbox, self.system))
        return {name for name in objects if any(i in name for i in ids)}

    @pytest.fixture(autouse=True)
    def running(self, sandbox: Sandbox) -> None:
        """For `selected`."""
        self.sandbox = sandbox

    def belongs(self, change: Change, content: Mapping[str, Any], selected: Collection[str]) -> bool:
        """Deliveries are rewritten; that others' records in them keep every byte is tested below."""
        return "/contact-records/" in change.id and self.key in change.person.split(",")

    def shape(self, state: Iterable[str]) -> Counter[str]:
        """A new version has a new id."""
        return Counter(re.sub(r"\?versionId=[^\"]*", "", line) for line in super().shape(state).elements())

    def test_done_means_gone(self, sandbox: Sandbox, restored: Callable[[], None]) -> None:
        """No object of a call that is told to be done."""
        (selection,) = self.chosen(sandbox)
        told = counts(self.erase(sandbox, [selection]))
        assert told == {(RECORD, "erase", "done", ""): 1, (LINE, "erase", "done", ""): 3}
        assert self.selected([selection]) == set()


class TestErasing:
    """What goes, what a lock keeps, what of others stays."""

    def test_every_version_goes_and_locks_are_told(self, whole: System) -> None:
        """Hold, governance and compliance each keep what they keep; the rest of those calls goes all the same."""
        mine = calls_of(whole)
        selection, before = chosen(whole, mine, BOTH), lines(whole)
        told = list(connect(whole).erase([selection]))
        locked = {c.locked: c for c in mine if c.locked}
        assert became(told, RECORD) == {
            ("done", "", None): 3,
            ("retained", "s3.legal_hold", None): 1,
            ("retained", "s3.governance", locked["GOVERNANCE"].locked_until.date()): 1,
            ("retained", "s3.compliance", locked["COMPLIANCE"].locked_until.date()): 1,
        }
        assert became(told, LINE) == {("done", "", None): 15, ("retained", "s3.legal_hold", None): 3}
        exports = {key for c in mine for key in (c.records_key, c.late_records_key)}
        for change in difference(before, lines(whole)):
            key = change.id.removeprefix(f"{BUCKET}/").partition("?")[0]
            assert change.person == "canary" or key in exports, change.id
        ids = {c.call_id for c in mine}
        left = [e for e in whole.entries() if any(i in e.id for i in ids)]
        kept = {locked["HOLD"].transcript_key, locked["GOVERNANCE"].audio_key, locked["COMPLIANCE"].audio_key}
        sidecars = {c.sidecar_key for c in locked.values()}
        assert {e.id.removeprefix(f"{BUCKET}/").partition("?")[0] for e in left} == kept | sidecars
        again, once = list(connect(whole).erase([selection])), lines(whole)
        assert became(again, RECORD)["absent", "", None] == 3
        assert {o for o, _, _ in became(again, LINE)} == {"absent", "retained"}
        assert difference(once, lines(whole)) == []

    def test_others_records_keep_every_byte(self, made: System, one: Call) -> None:
        """Of each delivery exactly the person's records are cut out, twice delivered ones twice."""
        mine = [one]
        keys = (mine[0].records_key, mine[0].late_records_key)
        before = {key: body(made, key) for key in keys}
        list(connect(made).erase([chosen(made, mine, BOTH)]))
        for key in keys:
            others = [s.text for s in spans(before[key]) if s.contact_id != mine[0].call_id]
            assert 0 < len(others) < len(list(spans(before[key])))
            assert body(made, key) == "".join(others).encode()
            listed = made.client().list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
            assert len([v for v in listed if v["Key"] == key]) == 1

    def test_delivery_rewritten_by_somebody_else_meanwhile(self, made: System, one: Call) -> None:
        """Put only on what was read: the other's new record isn't lost, and ours is gone from all versions."""
        mine = [one]
        key = mine[0].late_records_key
        source, s3, raced = connect(made), made.client(), []
        put = source._store.client.put_object

        def racing(**order: Any) -> Any:
            if order["Key"] == key and not raced:
                raced.append(body(made, key) + b'{"ContactId": "later"}')
                s3.put_object(Bucket=BUCKET, Key=key, Body=raced[0])
            return put(**order)

        source._store.client.put_object = racing
        told = list(source.erase([chosen(made, mine, BOTH)]))
        assert became(told, RECORD) == {("done", "", None): 1}
        assert raced
        assert body(made, key).endswith(b'{"ContactId": "later"}')
        for version in s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]:
            held = s3.get_object(Bucket=BUCKET, Key=key, VersionId=version["VersionId"])["Body"].read()
            assert mine[0].call_id.encode() not in held

    def test_a_locked_delivery_is_left_whole(self, made: System, one: Call) -> None:
        """A hold on it keeps the person's record: retained, and neither rewritten nor forgotten."""
        mine = [one]
        s3, key = made.client(), mine[0].records_key
        s3.put_object_legal_hold(Bucket=BUCKET, Key=key, LegalHold={"Status": "ON"})
        before = body(made, key)
        told = list(connect(made).erase([chosen(made, mine, BOTH)]))
        assert became(told, RECORD) == {("retained", "s3.legal_hold", None): 1}
        assert body(made, key) == before
        assert body(made, mine[0].sidecar_key)
        s3.put_object_legal_hold(Bucket=BUCKET, Key=key, LegalHold={"Status": "OFF"})
        told = list(connect(made).erase([chosen(made, mine, {RECORD: "erase"})]))
        assert became(told, RECORD) == {("done", "", None): 1}

    def test_after_the_lock_has_ended(self, whole: System) -> None:
        """What the clock says is past is no reason any more; the store has the last word."""
        mine = [c for c in calls_of(whole) if c.locked == "GOVERNANCE"]
        source = connect(whole)
        later = datetime(2050, 1, 1, tzinfo=UTC)
        told = list(Recordings(source._store, clock=lambda: later).erase([chosen(whole, mine, BOTH)]))
        assert became(told, RECORD) == {("blocked", "s3.refused", None): 1}
        assert body(whole, mine[0].audio_key)

    def test_a_sidecar_that_points_to_another_call(self, made: System, one: Call) -> None:
        """Nothing of either is touched."""
        other = next(c for c in made.calls if c.person is not one.person)
        s3 = made.client()
        wrong = {**one.sidecar(), "audio_key": other.audio_key}
        s3.put_object(Bucket=BUCKET, Key=one.sidecar_key, Body=json.dumps(wrong).encode())
        selection, before = chosen(made, [one], BOTH), lines(made)
        told = list(connect(made).erase([selection]))
        assert became(told, RECORD) == {("blocked", "key.foreign", None): 1}
        assert difference(before, lines(made)) == []

    def test_a_call_in_which_somebody_else_speaks_is_for_a_person(self, made: System, one: Call) -> None:
        """A second customer in the transcript."""
        analysis = one.analysis()
        analysis["Participants"].append({"ParticipantId": "SECOND", "ParticipantRole": "CUSTOMER"})
        made.client().put_object(Bucket=BUCKET, Key=one.transcript_key, Body=json.dumps(analysis).encode())
        selection, before = chosen(made, [one], BOTH), lines(made)
        told = list(connect(made).erase([selection]))
        assert became(told, RECORD) == {("manual", "call.others_speak", None): 1}
        assert difference(before, lines(made)) == []

    def test_only_what_is_selected(self, made: System, one: Call) -> None:
        """A kept transcript keeps the sidecar; one line of a transcript can't go alone."""
        told = list(connect(made).erase([chosen(made, [one], {RECORD: "erase"})]))
        assert became(told, RECORD) == {("retained", "call.transcript_kept", None): 1}
        assert body(made, one.transcript_key)
        source = connect(made)
        first = f"{one.call_id}/{one.call_id[:8]}-0"
        found = chosen(made, [one], {LINE: "erase"}).found
        picked = selection_of(source, found, lambda _, key: "erase" if key == first else None)
        assert became(list(source.erase([picked])), LINE) == {("manual", "transcript.in_part", None): 1}
        assert body(made, one.transcript_key)

    def test_many_cost_one_deletion(self, whole: System) -> None:
        """DeleteObjects takes a thousand versions: at most one and a half times as many calls of it for all people as
        for one, though each stands in several deliveries."""

        def deletions(*people: str) -> int:
            selections = [chosen(whole, calls_of(whole, key), BOTH, f"dsr-{key}") for key in people]
            whole._tap.calls.clear()
            told = list(connect(whole).erase(selections))
            assert set(became(told, RECORD)) == {("done", "", None)}
            assert {o.request_id for o in told} == {s.request_id for s in selections}
            return len([c for c in whole._tap.calls if c.method == "POST" and c.path.rstrip("/").endswith(BUCKET)])

        first, *others = [p.key for p in whole._population.neighbours if calls_of(whole, p.key)]
        assert len({c.late_records_key for key in others for c in calls_of(whole, key)}) > 2
        assert len(others) > 5
        assert deletions(*others) <= 1.5 * deletions(first)

    def test_errors_carry_no_person(self, made: System, one: Call) -> None:
        """Codes only."""
        mine = [one]
        selection, source = chosen(made, mine, BOTH), connect(made)

        def refused(**_: Any) -> Any:
            error = {"Error": {"Code": "AccessDenied", "Message": mine[0].number}}
            raise ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": 403}}, "HeadObject")  # type: ignore[arg-type]

        source._store.client.head_object = refused
        with pytest.raises(PermanentError) as error:
            list(source.erase([selection]))
        assert str(error.value) == "recordings: credentials.refused"

    def test_a_store_too_busy_is_asked_again(self, made: System, one: Call) -> None:
        """An error inside the answer of DeleteObjects is no refusal."""
        mine = [one]
        source = connect(made)

        def busy(**order: Any) -> Any:
            return {"Errors": [{**v, "Code": "SlowDown"} for v in order["Delete"]["Objects"]]}

        source._store.client.delete_objects = busy
        with pytest.raises(TransientError, match=r"objects\.remain"):
            list(source.erase([chosen(made, mine, BOTH)]))


class TestRestricting:
    """Tags, and what the policy makes of them."""

    def test_keeps_other_jobs_out_and_lets_them_in_again(self, whole: System) -> None:
        """Every version of sound, transcript and sidecar; the tags that were there stay."""
        mine = calls_of(whole)
        selection, before = chosen(whole, mine, dict.fromkeys(BOTH, "restrict")), lines(whole)
        told = list(connect(whole).restrict([selection], ()))
        assert became(told, RECORD) == {("done", "export.untagged", None): 6}
        assert became(told, LINE) == {("done", "", None): 18}
        analyst = _analyst(whole)
        for key in (mine[0].audio_key, mine[0].transcript_key, mine[0].sidecar_key):
            with pytest.raises(ClientError):
                analyst.get_object(Bucket=BUCKET, Key=key)
        changed = difference(before, lines(whole))
        assert {c.person for c in changed} == {"canary"}
        assert {c.fields for c in changed} == {("tags",)}
        list(connect(whole).restrict([selection], (), lift=True))
        assert difference(before, lines(whole)) == []
        assert analyst.get_object(Bucket=BUCKET, Key=mine[0].audio_key)["Body"].read()
        again = list(connect(whole).restrict([selection], (), lift=True))
        assert became(again, RECORD) == {("absent", "", None): 6}

    def test_a_restricted_call_can_be_erased(self, made: System, one: Call) -> None:
        """The tag bars reading by others, not this."""
        mine = [one]
        list(connect(made).restrict([chosen(made, mine, dict.fromkeys(BOTH, "restrict"))], ()))
        told = list(connect(made).erase([chosen(made, mine, BOTH)]))
        assert became(told, RECORD) == {("done", "", None): 1}

    @given(
        others=st.dictionaries(st.sampled_from(["queue", "source", "x"]), st.text(max_size=5), max_size=3),
        terms=st.lists(st.sampled_from(["dpv:DirectMarketing", "dpv:Personalisation"]), unique=True),
        first=st.lists(st.sampled_from(["dpv:ServiceProvision"]), unique=True),
    )
    def test_tags_come_and_go_by_request(self, others: dict[str, str], terms: list[str], first: list[str]) -> None:
        """Another request's restriction outlives the lifting of one; nobody's other tags are touched."""
        one = restricted(others, "dsr-1", first)
        two = restricted(one, "dsr-2", terms)
        assert restrictions(two) == {"dsr-1": tuple(first), "dsr-2": tuple(terms)}
        assert two["dsr-restricted"] == ("all" if not terms or not first else " ".join([*first, *terms]))
        assert restricted(two, "dsr-2", terms) == two
        assert lifted(two, "dsr-2") == one
        assert lifted(one, "dsr-1") == others


class TestDeliveries:
    """Concatenated JSON, cut and put together."""

    @given(
        st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3)),
        st.text(alphabet=" \r\n\t", max_size=3),
    )
    def test_cut_and_joined_is_the_same(self, records: list[dict[str, str]], blank: str) -> None:
        """Byte for byte, whatever stands between the records."""
        whole = (blank + blank.join(json.dumps(r, ensure_ascii=False) for r in records)).encode("utf-8", "replace")
        assert "".join(span.text for span in spans(whole)).encode() == whole

    def test_what_is_no_json_is_not_guessed_at(self) -> None:
        """Better an error than a record that stays."""
        with pytest.raises(PermanentError, match=r"record\.unreadable"):
            list(spans(b'{"ContactId": "a"}{"ContactId'))


def test_rectifying_is_not_possible(made: System, one: Call) -> None:
    """A person's task; a field is refused."""
    selection = chosen(made, [one], {RECORD: "rectify"})
    source = connect(made)
    assert became(list(source.rectify([selection], {})), RECORD) == {("manual", "api.none", None): 1}
    with pytest.raises(PermanentError, match=r"field\.not_rectifiable"):
        source.rectify([selection], {"dsr-conformance": {RECORD: {"Channel": "CHAT"}}})


def test_versions_of_a_key_that_begins_like_another(made: System, one: Call) -> None:
    """A prefix is no key."""
    made.client().put_object(Bucket=BUCKET, Key=f"{one.audio_key}.bak/x", Body=b"x")
    longer = one.audio_key.replace(one.call_id, f"{one.call_id}-2")
    made.client().put_object(Bucket=BUCKET, Key=longer, Body=b"x")
    list(connect(made).erase([chosen(made, [one], BOTH)]))
    assert body(made, longer) == b"x"
    assert body(made, f"{one.audio_key}.bak/x") == b"x"
    assert Versions(connect(made)._store, datetime.now(UTC)).under(one.sidecar_key) == []


def _analyst(system: System) -> Any:
    fields, server = system.connections()["dsr_recordings"], system.server
    return boto3.client(
        "s3",
        endpoint_url=fields["extra"]["endpoint_url"],
        region_name="eu-north-1",
        aws_access_key_id=server.analyst_access_key,
        aws_secret_access_key=server.analyst_secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
