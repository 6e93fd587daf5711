"""Webinars as a source: through the wire, against the population's own truth."""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from conformance import SourceConformance, plain, records
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from zoom_server import ZoomServer, serving

from dsr import schema
from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, IndexEntry, Match, Rows, Subject, Withheld
from extractors.webinars import Webinars
from extractors.webinars.carried import phone
from extractors.webinars.chat import messages, own_words
from extractors.webinars.listing import _history
from extractors.webinars.references import Reference
from extractors.webinars.seats import Guest, seat
from sandbox.webinars.seed import ANCIENT, DELETED, FRAMEWORK, LAUNCH, OLD, STEEL
from sandbox.wire import Fault

DATASETS = [d.name for d in Webinars.declaration.datasets]


class TestConformance(SourceConformance):
    """What every source promises, over TLS."""

    source = Webinars
    system = "webinars"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZoomServer]:
    """One account for this module."""
    with serving(tmp_path_factory.mktemp("zoom")) as server:
        yield server


@pytest.fixture
def zoom(running: ZoomServer) -> Iterator[ZoomServer]:
    """It, with defaults before and after."""
    running.reset()
    yield running
    running.reset()


@pytest.fixture(scope="module")
def index(running: ZoomServer) -> list[IndexEntry]:
    """All that a first index run yields."""
    running.reset()
    return list(Webinars.connect(running.connection()).index(None))


@pytest.fixture
def source(zoom: ZoomServer) -> Webinars:
    """A client that hasn't signed in yet."""
    return Webinars.connect(zoom.connection())


def subject(index: Iterable[IndexEntry], *known: Identifier, request_id: str = "dsr-00000001") -> Subject:
    """A subject as `identify` passes it: what is known of the person and the records that the index has for it."""
    named = {Identifier("webinar_registrant", e.record_id) for e in index if e.identifier in known}
    return Subject(request_id, frozenset({*known, *named}))


def own(zoom: ZoomServer, key: str) -> list[Identifier]:
    """All that is surely one person's."""
    person = zoom.population.person(key)
    return [*(Identifier("email", e) for e in person.emails), Identifier("phone", person.mobile)]


def truth_of(zoom: ZoomServer, key: str, dataset: str, expected: str = "package") -> dict[str, dict[str, Any]]:
    """source id → fields."""
    wanted = [t for t in zoom.truth if (t.person, t.dataset, t.expected) == (key, dataset, expected)]
    return {t.source_id: plain(dict(t.fields)) for t in wanted}


def only(found: Found, *webinars: Any) -> Found:
    """The matches in these webinars."""
    numbers = {str(w.number) for w in webinars}
    return replace(found, matches=tuple(m for m in found.matches if m.record_id.split(":")[0] in numbers))


def withheld(pieces: Iterable[Any]) -> Counter[str]:
    """Withheld items per dataset."""
    counts: Counter[str] = Counter()
    for piece in pieces:
        if isinstance(piece, Withheld):
            assert piece.ground == "third_party"
            counts[piece.dataset] += piece.count
    return counts


PEOPLE = ("canary", "same_name", "namesake_colleague", "colleague", "plus_address", "near_address", "formula",
          "right_to_left", "p000000", "p000001", "p000004")  # fmt: skip


@pytest.mark.parametrize("key", PEOPLE)
def test_index_find_extract_give_the_truth_field_by_field(
    zoom: ZoomServer, source: Webinars, index: list[IndexEntry], key: str
) -> None:
    got = records(source.extract(source.find([subject(index, *own(zoom, key))])))
    for dataset in DATASETS:
        assert got.get(dataset, {}) == truth_of(zoom, key, dataset), dataset


def test_nothing_is_unmapped_and_every_value_fits_its_schema(
    zoom: ZoomServer, source: Webinars, index: list[IndexEntry]
) -> None:
    pieces = [p for p in source.extract(source.find([subject(index, *own(zoom, "canary"))])) if isinstance(p, Rows)]
    assert {p.dataset for p in pieces} == set(DATASETS)
    for piece in pieces:
        validator = Draft202012Validator(schema.load(piece.dataset), format_checker=FormatChecker())
        for row in piece.batch.to_pylist():
            assert row.pop("unmapped") is None
            row.pop("_source_id")
            fields = {f.name: json.loads(row[f.name]) for f in piece.batch.schema if f.metadata and row.get(f.name)}
            validator.validate({**row, **fields})


def test_every_field_of_every_schema_but_the_vendors_account_id_is_tried(zoom: ZoomServer) -> None:
    for dataset in DATASETS:
        seen = {field for fields in truth_of(zoom, "canary", dataset).values() for field in fields}
        assert set(schema.load(dataset)["properties"]) - seen <= {"id"}, dataset


def test_nobody_elses_words_or_names_are_in_it(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    found = source.find([subject(index, *own(zoom, "canary"))])
    pieces = list(source.extract(found))
    text = json.dumps(records(pieces), ensure_ascii=False)
    foreign = [*zoom.population.foreign(), "Petra", "arrangor.example", 'God morgon allihop"', "Tack och hej"]
    assert [value for value in foreign if value in text] == []
    assert "info@" not in text
    assert 'Replying to \\"[…]\\"' in text


def test_what_is_withheld_is_counted(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    found = source.find([subject(index, *own(zoom, "canary"))])
    assert withheld(source.extract(only(found, FRAMEWORK))) == {
        "webinar_question": 2,  # two answers' names
        "webinar_attendance": 3,  # MP4, M4A, transcript
        "webinar_chat_message": 4 + 1,  # others' lines, one quotation
    }
    assert withheld(source.extract(only(found, STEEL))) == {
        # MP4; the nameless guest; on the second date a binned MP4 and the colleague on the canary's link
        "webinar_attendance": 4,
        "webinar_chat_message": 2,  # two people bore the name
    }
    assert withheld(source.extract(only(found, LAUNCH))) == {}
    assert withheld(source.extract(only(found, DELETED))) == {"webinar_question": 1}


def test_a_shared_mailbox_is_reported_as_what_it_is(
    zoom: ZoomServer, source: Webinars, index: list[IndexEntry]
) -> None:
    shared = Identifier("email", "info@kvarnberget.example")
    switchboard = Identifier("phone", zoom.population.canary.company.switchboard)
    found = source.find([subject(index, shared, switchboard)])
    (match,) = found.matches
    assert match.by == {shared, switchboard}
    assert match.person == zoom.population.canary.name
    # Left out by identify, its attendance doesn't come in through the canary's own registration.
    mine = source.find([subject(index, *own(zoom, "canary"))])
    assert match.record_id not in {m.record_id for m in mine.matches}
    got = records(source.extract(only(mine, LAUNCH)))
    assert not got["webinar_attendance"].keys() & truth_of(zoom, "canary", "webinar_attendance", "doubtful").keys()


def test_matches_say_what_they_hold(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    canary = zoom.population.canary
    found = source.find([subject(index, Identifier("phone", canary.mobile))])
    in_framework = next(m for m in found.matches if m.record_id.startswith(str(FRAMEWORK.number)))
    assert in_framework.by == {Identifier("phone", canary.mobile)}
    assert in_framework.holds == {
        Identifier("phone", canary.mobile),
        Identifier("email", canary.email),
        Identifier("webinar_registrant", in_framework.record_id),
    }
    assert in_framework.dataset == "webinar_registration"
    assert json.loads(json.dumps(in_framework.reference)) == dict(in_framework.reference)


def test_a_reference_alone_finds_nobody(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    """The record must still carry the identifier: an index may be old, an id may be somebody else's."""
    references = frozenset(Identifier("webinar_registrant", e.record_id) for e in index)
    assert source.find([Subject("dsr-00000001", references)]).matches == ()
    stranger = Identifier("email", "nobody@nowhere.example")
    assert source.find([Subject("dsr-00000001", references | {stranger})]).matches == ()
    # All records, one person's address: exactly theirs.
    canary = frozenset(own(zoom, "canary"))
    found = source.find([Subject("dsr-00000001", references | canary)])
    expected = source.find([subject(index, *canary)])
    assert {m.record_id for m in found.matches} == {m.record_id for m in expected.matches}


def test_a_registration_that_is_gone_is_no_match(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    person = zoom.population.person("near_address")
    mine = subject(index, Identifier("email", person.email))
    before = {m.record_id for m in source.find([mine]).matches}
    gone = min(r for r in before if ":r:" in r and r.startswith(str(LAUNCH.number)))
    webinar, _, registrant = gone.split(":")
    key = f"{webinar}:{registrant}"
    registrants = zoom.system.account["registrant"]
    document = registrants[key]
    with zoom.client() as client:
        assert client.delete(f"/webinars/{webinar}/registrants/{registrant}").status_code == 204
    try:
        assert {m.record_id for m in source.find([mine]).matches} == before - {gone}
    finally:
        registrants[key] = document


@pytest.mark.parametrize(
    "value",
    ["", ":", "1:r:", "1:r:a/b", "1:r:..", "x:r:a", "1:q:a", "1:a:u", "1:a:u:v:w", "1:r:a\n", "1:r:a?x=1", "٣:r:a",
     "../users:r:a", "1:p:%2e%2e", "1" * 40 + ":r:a"],
)  # fmt: skip
def test_hostile_references_are_never_sent(zoom: ZoomServer, source: Webinars, value: str) -> None:
    assert Reference.parse(value) is None
    asking = {Identifier("webinar_registrant", value), Identifier("email", "a@b.example")}
    assert source.find([Subject("dsr-00000001", frozenset(asking))]).matches == ()
    assert zoom.calls() == []


@given(st.text())
def test_any_text_is_a_reference_or_none(text: str) -> None:
    reference = Reference.parse(text)
    assert reference is None or reference.record_id == text


def test_calls_for_one_subject(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    found = only(source.find([subject(index, *own(zoom, "canary"))]), FRAMEWORK)
    zoom.tap.calls.clear()
    assert len(only(source.find([subject([e for e in index if e.record_id.startswith(str(FRAMEWORK.number))],
                                         *own(zoom, "canary"))]), FRAMEWORK).matches) == 1  # fmt: skip
    assert len(zoom.calls()) == 1
    zoom.tap.calls.clear()
    list(source.extract(found))
    kinds = Counter(path.split("/")[-1] if "report" in path else path.split("/")[0] for path in zoom.calls())
    assert kinds == {
        "webinars": 2, "past_webinars": 1, "participants": 1, "qa": 1, "polls": 1, "survey": 1, "meetings": 1,
        "users": 1,
    }  # fmt: skip


def test_a_batch_costs_few_more_calls_than_one(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    def spent(keys: list[str]) -> tuple[int, int]:
        zoom.tap.calls.clear()
        batch = [subject(index, *own(zoom, key), request_id=f"dsr-{key}") for key in keys]
        found = source.find(batch)
        finding = len(zoom.calls())
        pieces = list(source.extract(found))
        for key in keys:
            got = records(p for p in pieces if p.request_id == f"dsr-{key}" and isinstance(p, Rows))
            assert got == {d: t for d in DATASETS if (t := truth_of(zoom, key, d))}
        return finding, len(zoom.calls()) - finding

    one = spent(["canary"])
    everybody = [p.key for p in zoom.population.people]
    many = spent(everybody)
    assert len(everybody) == 40
    assert many[0] <= 3 * one[0]
    assert many[1] <= 2 * one[1]


def test_lists_are_read_page_by_page(tmp_path: Any) -> None:
    with serving(tmp_path, people=1000) as zoom:
        source = Webinars.connect(zoom.connection())
        index = list(source.index(None))
        assert sum(1 for path in zoom.calls() if path.endswith(f"{FRAMEWORK.number}/registrants")) == 3 + 1
        for key in ("canary", "p000985"):
            got = records(source.extract(source.find([subject(index, *own(zoom, key))])))
            assert got == {d: t for d in DATASETS if (t := truth_of(zoom, key, d))}


def test_index_since_asks_for_few_past_instances(zoom: ZoomServer, index: list[IndexEntry]) -> None:
    """Windows are counted from the clock; what is still listed is always read, since people sign up until the end."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    meetings = Webinars.connect(zoom.connection())._meetings
    source = Webinars(meetings, clock=lambda: now)
    recent = list(source.index(now - timedelta(days=1)))
    assert not [path for path in zoom.calls() if path.endswith("/participants")]
    assert zoom.calls().count("report/history_meetings") == 1
    webinars = {e.record_id.split(":")[0] for e in recent}
    assert str(LAUNCH.number) in webinars
    assert str(FRAMEWORK.number) not in webinars
    everything = list(source.index(None))
    assert set(map(repr, everything)) == set(map(repr, index))
    assert {(e.identifier, e.record_id) for e in recent} <= {(e.identifier, e.record_id) for e in everything}


@pytest.mark.parametrize("late", [0, 1, 13, 29, 200])
def test_index_reaches_back_to_the_vendors_limit_whatever_the_clock(zoom: ZoomServer, late: int) -> None:
    """The window that straddles the limit is cut to the day."""
    edge = datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=183)
    instances = zoom.system.account["instance"]
    instances["edge=="] = {
        **next(iter(instances.values())),
        "uuid": "edge==",
        "start_time": f"{edge:%Y-%m-%d}T08:00:00Z",
    }
    try:
        zoom.tap.calls.clear()
        meetings = Webinars.connect(zoom.connection())._meetings
        now = datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(days=late)
        uuids = [row["meeting_uuid"] for row in _history(meetings, None, now)]
    finally:
        del instances["edge=="]
    assert len(uuids) == len(set(uuids))
    assert "edge==" in uuids
    assert OLD.instances[0] not in uuids


def test_index_holds_ids_only(index: list[IndexEntry]) -> None:
    for entry in index:
        assert entry.identifier.kind in ("email", "phone")
        assert Reference.parse(entry.record_id) is not None
        assert "@" not in json.dumps(dict(entry.reference)) + entry.record_id


def by_hand(zoom: ZoomServer, webinar: Any) -> tuple[Found, Identifier]:
    """A match in a webinar that the history no longer lists, as an older index would have it."""
    person = zoom.population.people[-1]
    registrants = zoom.system.account["registrant"].values()
    rid = next(
        r["registrant"]["id"]
        for r in registrants
        if r["webinar_id"] == str(webinar.number) and r["registrant"]["email"] == person.email
    )
    email = Identifier("email", person.email)
    source = Webinars.connect(zoom.connection())
    reference = Identifier("webinar_registrant", f"{webinar.number}:r:{rid}")
    return source.find([Subject("dsr-00000001", frozenset({email, reference}))]), email


def test_beyond_six_months_past_webinars_still_tell(zoom: ZoomServer, source: Webinars) -> None:
    found, _ = by_hand(zoom, OLD)
    got = records(source.extract(found))
    assert {d: len(r) for d, r in got.items()} == {
        "webinar_registration": 1, "webinar_attendance": 1, "webinar_poll_answer": 1,
    }  # fmt: skip
    assert not [path for path in zoom.calls() if path.endswith("survey")]


def test_beyond_a_year_the_registration_is_left(zoom: ZoomServer, source: Webinars) -> None:
    found, _ = by_hand(zoom, ANCIENT)
    assert {d: len(r) for d, r in records(source.extract(found)).items()} == {"webinar_registration": 1}


def test_cancelled_registrations_are_found_in_a_batch_too(
    zoom: ZoomServer, source: Webinars, index: list[IndexEntry]
) -> None:
    """No list has them: cancelling hides, it doesn't erase."""
    keys = [p.key for p in zoom.population.people]
    canary = [m for m in source.find([subject(index, *own(zoom, "canary"))]).matches if ":r:" in m.record_id]
    webinar, _, registrant = next(m.record_id for m in canary if m.record_id.startswith(str(LAUNCH.number))).split(":")
    document = zoom.system.account["registrant"][f"{webinar}:{registrant}"]
    body = {"action": "cancel", "registrants": [{"id": registrant}]}
    with zoom.client() as client:
        assert client.put(f"/webinars/{webinar}/registrants/status", json=body).status_code == 204
    try:
        batch = [subject(index, *own(zoom, key), request_id=f"dsr-{key}") for key in keys]
        assert f"{webinar}:r:{registrant}" in {m.record_id for m in source.find(batch).matches}
    finally:
        zoom.system.account["registrant"][f"{webinar}:{registrant}"] = document


def test_a_registration_by_phone_under_a_shared_address_keeps_its_own_attendance(
    zoom: ZoomServer, source: Webinars, index: list[IndexEntry]
) -> None:
    """identify passes on only trusted identifiers: the shared address is none of them, the person's link is theirs."""
    shared = Identifier("email", "info@kvarnberget.example")
    (match,) = source.find([subject(index, shared)]).matches
    phone_only = frozenset({Identifier("phone", "+46701740605")})
    got = records(source.extract(Found("webinars", (replace(match, by=phone_only, holds=phone_only),))))
    assert set(got["webinar_attendance"]) == set(truth_of(zoom, "canary", "webinar_attendance", "doubtful")) & set(
        got["webinar_attendance"]
    )
    assert len(got["webinar_attendance"]) == 1


# Errors


def run(source: Webinars, known: Subject) -> None:
    """The whole way."""
    list(source.extract(source.find([known])))


def test_a_question_under_a_shared_address_is_only_whose_name_it_bears() -> None:
    """Two who sat under info@: what the other asked is not the guest's, row or no row in the report."""
    info = {"user_email": "info@kvarn.example"}
    asa = {**info, "user_id": "1", "registrant_id": "A", "name": "Åsa"}
    birger = {**info, "user_id": "2", "registrant_id": "B", "name": "Birger"}
    guest = Guest("r", {"A"}, {"A": "info@kvarn.example"}, emails={"asa@kvarn.example"})
    for rows in ([asa, birger], [asa, {"user_id": "2", "name": "Birger"}], [asa]):
        place = seat(guest, "u", rows)
        assert place.rows == [asa]
        assert place.owns({"name": "Birger", "email": "info@kvarn.example"}) is None
    assert place.owns({"name": "Åsa", "email": "info@kvarn.example"})


def test_an_expired_token_is_renewed_once(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    known = subject(index, *own(zoom, "canary"))
    run(source, known)
    zoom.system.account.offset = 3601.0
    run(source, known)
    zoom.system.api.tokens.revoke_all()
    zoom.tap.calls.clear()
    run(source, known)
    assert [c.path for c in zoom.tap.calls].count("/oauth/token") == 1


def test_a_client_that_the_vendor_refuses_is_permanent(zoom: ZoomServer, index: list[IndexEntry]) -> None:
    known = subject(index, *own(zoom, "canary"))
    for broken in (replace(zoom.connection(), password="wrong"), zoom.connection(account_id="other")):
        with pytest.raises(PermanentError, match=r"webinars: oauth\.refused"):
            run(Webinars.connect(broken), known)
    zoom.tap.faults.append(Fault("webinars", path="/v2/", status=401, body='{"code":124,"message":"Invalid"}'))
    with pytest.raises(PermanentError, match=r"webinars: http\.401"):
        run(Webinars.connect(zoom.connection()), known)


def test_a_connection_that_lacks_something_is_permanent(zoom: ZoomServer) -> None:
    for broken, code in (
        (replace(zoom.connection(), login=""), "connection.login"),
        (replace(zoom.connection(), password=""), "connection.password"),
        (zoom.connection(account_id=""), "connection.account_id"),
    ):
        with pytest.raises(PermanentError) as error:
            Webinars.connect(broken)
        assert error.value.code == code


def test_a_daily_limit_asks_to_wait_until_midnight(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    found = source.find([subject(index, *own(zoom, "canary"))])
    zoom.system.api.limits.daily = 0
    with pytest.raises(TransientError) as error:
        list(source.extract(found))
    assert error.value.code == "http.429"
    assert error.value.retry_after is not None
    assert timedelta() < error.value.retry_after <= timedelta(days=1)


def test_per_second_limits_are_waited_out(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    """Fewer than one request asks for at a time."""
    known = subject(index, *own(zoom, "p000000"))
    zoom.system.api.limits.per_second = {"light": 3, "medium": 3, "heavy": 3}
    assert records(source.extract(source.find([known])))
    assert 429 in [c.status for c in zoom.tap.calls]


def test_a_limit_without_headers_that_lasts_is_transient(
    zoom: ZoomServer, index: list[IndexEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Webinars.connect(zoom.connection())
    waits: list[float] = []
    monkeypatch.setattr(source._meetings._zoom, "_sleep", waits.append)
    zoom.tap.faults.append(Fault("webinars", path="/v2/", status=429, body='{"code":429,"message":"x"}'))
    with pytest.raises(TransientError) as error:
        run(source, subject(index, *own(zoom, "canary")))
    assert error.value.retry_after is None
    assert 0 < sum(waits) < 10 * len(set(zoom.calls()))


FAULTS = [
    ({"status": 500}, TransientError, "http.500"),
    ({"status": 503, "headers": {"Retry-After": "30"}}, TransientError, "http.503"),
    ({"kind": "truncate"}, TransientError, "body.invalid"),
    ({"kind": "reset"}, TransientError, "body.invalid"),
    ({"status": 200, "body": "{"}, TransientError, "body.invalid"),
    ({"status": 200, "body": "[]"}, TransientError, "body.invalid"),
    ({"status": 200, "body": '{"code":200,"message":"Webinar plan is missing. x@y"}'}, PermanentError, "zoom.200"),
    ({"status": 400, "body": '{"code":4711,"message":"Invalid access token, x@y"}'}, PermanentError, "zoom.4711"),
    ({"status": 403, "body": "{}"}, PermanentError, "http.403"),
    ({"status": 302, "headers": {"Location": "https://evil.example/"}}, PermanentError, "redirect.refused"),
]


@pytest.mark.parametrize(("fault", "kind", "code"), FAULTS)
@pytest.mark.parametrize("path", ["/registrants", "/participants", "/qa", "/survey", "/v2/meetings", "/instances"])
def test_errors_are_mapped_and_say_nothing(
    zoom: ZoomServer,
    source: Webinars,
    index: list[IndexEntry],
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    kind: type[Exception],
    code: str,
    path: str,
) -> None:
    zoom.tap.faults.append(Fault("webinars", path=path, **fault))
    with caplog.at_level(logging.DEBUG), pytest.raises(kind) as error:
        run(source, subject(index, *own(zoom, "canary")))
    assert str(error.value) in (f"webinars: {code}", "webinars: connection.failed")
    assert error.value.__suppress_context__
    for value in (*zoom.population.canary.identifying(), "x@y"):
        assert value not in repr(error.value) + caplog.text


def test_a_chat_that_is_not_ready_is_transient(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    files = zoom.system.account["file"]
    key = next(k for k, f in files.items() if f["row"]["file_type"] == "CHAT")
    document = files[key]
    files[key] = {**document, "row": {**document["row"], "status": "processing"}}
    try:
        with pytest.raises(TransientError, match=r"recording\.processing"):
            run(source, subject(index, *own(zoom, "canary")))
    finally:
        files[key] = document


def test_recordings_lead_to_the_vendors_hosts_only(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    zoom.tap.faults.append(Fault("webinars", path="/rec/", status=302, headers={"Location": "https://evil.example/"}))
    with pytest.raises(PermanentError, match=r"redirect\.refused"):
        run(source, subject(index, *own(zoom, "canary")))


# Chat and numbers


def test_chat_lines_belong_to_their_heads() -> None:
    text = "\ufeff00:00:01\tAnn:\tone\r\n two\r\n\r\nthree\r\n00:00:02\tBo: the 2nd:\tx:\ty\r\n\r\n"
    assert [(m.number, m.offset, m.name, m.text) for m in messages(text.encode())] == [
        (1, "00:00:01", "Ann", "one\n two\n\nthree"),
        (2, "00:00:02", "Bo: the 2nd", "x:\ty"),
    ]
    assert list(messages(b"")) == []
    assert [m.name for m in messages("någon annan form\r\n".encode())] == [""]


def test_quotations_are_taken_out() -> None:
    assert own_words('Replying to "secret"\nmine') == ('Replying to "[…]"\nmine', True)
    assert own_words('Replying to "two\nlines "in" quotes"\nmine') == ('Replying to "[…]"\nmine', True)
    assert own_words('Reacted to "secret" with 👍') == ('Reacted to "[…]" with 👍', True)
    assert own_words('I said "hi"') == ('I said "hi"', False)


@given(st.binary())
def test_any_bytes_are_a_chat(content: bytes) -> None:
    assert [m.number for m in messages(content)] == list(range(1, len(list(messages(content))) + 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("070-174 06 05", "+46701740605"), ("+46 (0)70 1740605", "+46701740605"), ("+4670-1740605", "+46701740605"),
     ("0046701740605", "+46701740605"), ("12", ""), ("", ""), (None, ""), ("x", ""),
     ("+47 22 22 22 22", "+4722222222")],
)  # fmt: skip
def test_phone_numbers_in_normal_form(text: str | None, expected: str) -> None:
    assert phone(text) == expected


def test_matches_show_nothing_in_repr(zoom: ZoomServer, source: Webinars, index: list[IndexEntry]) -> None:
    found = source.find([subject(index, *own(zoom, "canary"))])
    assert all(isinstance(m, Match) for m in found.matches)
    for value in zoom.population.canary.identifying():
        assert value not in repr(found)
