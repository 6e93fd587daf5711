"""Account Engagement as a source: through the wire, against the population's own truth."""

import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conformance import SourceConformance, find_all, plain, records
from pardot_server import PardotServer, serving
from running_sandbox import Sandbox

from dsr.errors import PermanentError, TransientError
from dsr.model import Found, Identifier, Match, Subject, Withheld
from dsr.source import Connection
from extractors.pardot import Pardot
from sandbox.ids import salesforce_contact_id, salesforce_lead_id
from sandbox.wire import Fault

DATASETS = [d.name for d in Pardot.declaration.datasets]


class TestConformance(SourceConformance):
    """What every source promises, over TLS."""

    source = Pardot
    system = "pardot"

    def test_revoked_tokens_are_replaced(self, sandbox: Sandbox) -> None:
        """Between find and extract, by the admin port."""
        source = self.connect(sandbox)
        found = find_all(source, sandbox, "same_name")
        sandbox.admin.delete("/pardot/tokens").raise_for_status()
        assert records(source.extract(found))["pardot_prospect"]

    def test_limits_can_be_set_by_the_admin_port(self, sandbox: Sandbox) -> None:
        """A day's calls used up: transient, with a long wait; defaults bring it back."""
        try:
            assert sandbox.admin.put("/pardot/settings", json={"per_day": 0}).json()["per_day"] == 0
            with pytest.raises(TransientError) as error:
                find_all(self.connect(sandbox), sandbox, "same_name")
            assert error.value.code == "pardot.122"
            assert sandbox.admin.put("/pardot/settings", json={"hair": 1}).status_code == 400
        finally:
            sandbox.admin.put("/pardot/settings", json={}).raise_for_status()
        assert find_all(self.connect(sandbox), sandbox, "same_name").matches


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PardotServer]:
    """One business unit for this module."""
    with serving(tmp_path_factory.mktemp("pardot")) as server:
        yield server


@pytest.fixture
def server(running: PardotServer) -> Iterator[PardotServer]:
    """It, with defaults before and after."""
    running.reset()
    yield running
    running.reset()


def subject(*identifiers: tuple[str, str], request_id: str = "dsr-00000001") -> Subject:
    """A subject of these identifiers."""
    return Subject(request_id, frozenset(Identifier(kind, value) for kind, value in identifiers))


def of_person(server: PardotServer, key: str, request_id: str = "dsr-00000001") -> Subject:
    """A subject of all that a person is known by in the CRM."""
    emails = [("email", e) for e in server.population.person(key).emails]
    return subject(*emails, ("salesforce_contact", salesforce_contact_id(key)), request_id=request_id)


def truth_of(server: PardotServer, key: str, dataset: str) -> dict[str, dict[str, Any]]:
    """source id → fields."""
    wanted = [t for t in server.truth if (t.person, t.dataset, t.expected) == (key, dataset, "package")]
    return {t.source_id: plain(dict(t.fields)) for t in wanted}


def with_texts(pieces: Iterable[Any]) -> str:
    """Everything that an extraction yields, as one text."""
    return json.dumps(records(pieces), ensure_ascii=False)


def answer(server: PardotServer, path: str, body: Any, status: int = 200, times: int = -1) -> None:
    """Let the vendor answer this."""
    server.tap.faults.append(Fault("pardot", path=path, status=status, body=json.dumps(body), times=times))


# find


def test_finds_by_address_without_case_and_by_links(server: PardotServer) -> None:
    """The address finds the current prospect, the Salesforce contact the binned one of the former address too."""
    source = Pardot.connect(server.connection())
    canary = server.population.canary
    (first,) = source.find([subject(("email", canary.email))]).matches
    assert first.person == canary.name
    assert first.by == {Identifier("email", canary.email)}
    assert first.holds >= {
        Identifier("phone", canary.mobile),
        Identifier("salesforce_contact", salesforce_contact_id("canary")),
        Identifier("salesforce_lead", salesforce_lead_id("canary")),
        Identifier("pardot_prospect", first.record_id),
    }
    both = source.find([subject(("salesforce_contact", salesforce_contact_id("canary")))]).matches
    assert {m.record_id for m in both} == set(truth_of(server, "canary", "pardot_prospect"))
    assert {i.value for m in both for i in m.holds if i.kind == "email"} == set(canary.emails)
    (own,) = source.find([subject(("pardot_prospect", first.record_id))]).matches
    assert own.record_id == first.record_id


def test_all_that_answer_are_reported_also_the_other_user_of_a_mailbox(server: PardotServer) -> None:
    """A shared address shows both prospects, so that `identify` sees that it is shared."""
    shared = f"info@{server.population.canary.company.domain}"
    found = Pardot.connect(server.connection()).find([subject(("email", shared))])
    assert sorted(m.person for m in found.matches) == sorted(
        [server.population.canary.name, server.population.person("colleague").name]
    )


def test_what_the_vendor_returns_must_answer_to_the_identifier(server: PardotServer) -> None:
    """A vendor that compares loosely, or ignores the filter, finds nobody."""
    others = [{"id": 7, "email": "asa.ohrnqvist@kvarnberget.example.org"}, {"id": 8, "email": None}]
    answer(server, "objects/prospects", {"nextPageToken": None, "values": others})
    source = Pardot.connect(server.connection())
    assert source.find([subject(("email", "asa.ohrnqvist@kvarnberget.example"))]).matches == ()


def test_ids_of_fifteen_characters_are_the_same_ids(server: PardotServer) -> None:
    """Salesforce ids compare in their 18-character form, whichever the vendor returns."""
    contact = salesforce_contact_id("canary")
    record = {"id": 9, "email": "x@y.example", "salesforceId": contact[:15], "salesforceContactId": contact[:15]}
    answer(server, "objects/prospects", {"nextPageToken": None, "values": [record]})
    (match,) = Pardot.connect(server.connection()).find([subject(("salesforce_contact", contact))]).matches
    assert Identifier("salesforce_contact", contact) in match.holds


@pytest.mark.parametrize(
    "identifier",
    [
        ("email", ""),
        ("email", " "),
        ("email", "%"),
        ("email", "asa.ohrnqvist@kvarnberget.example,info@kvarnberget.example"),
        ("email", "a@b.example&deleted=all&id=70010001"),
        ("email", "'; DROP TABLE prospects; --"),
        ("email", "å" * 4000),
        ("salesforce_contact", "003&fields=id"),
        ("salesforce_lead", "%"),
        ("pardot_prospect", "70010001,70010002"),
        ("pardot_prospect", "٣"),
        ("phone", "+46701740605"),
    ],
)
def test_hostile_identifiers_find_nobody(server: PardotServer, identifier: tuple[str, str]) -> None:
    """Nothing widens the search; what the vendor can't look up is not asked for."""
    assert Pardot.connect(server.connection()).find([subject(identifier)]).matches == ()


# extract


@pytest.mark.parametrize("key", ["canary", "same_name", "namesake_colleague", "plus_address", "formula", "p000003"])
def test_extracts_the_truth_field_by_field(server: PardotServer, key: str) -> None:
    """Every record, every field with its type, nothing more."""
    source = Pardot.connect(server.connection())
    got = records(source.extract(source.find([of_person(server, key)])))
    for dataset in DATASETS:
        assert got.get(dataset, {}) == truth_of(server, key, dataset), dataset


def test_neighbours_never(server: PardotServer) -> None:
    """No string that points to somebody else."""
    source = Pardot.connect(server.connection())
    text = with_texts(source.extract(source.find([of_person(server, "canary")])))
    assert server.population.canary.iban not in text  # Pardot holds none; the test below would not miss it
    for foreign in server.population.foreign():
        assert json.dumps(foreign, ensure_ascii=False)[1:-1] not in text


def test_calls_for_one_prospect_are_the_minimum(server: PardotServer) -> None:
    """Eight, one for the browser, one for the e-mail to this person alone; four shared; one for the address of the
    external activities."""
    source = Pardot.connect(server.connection())
    found = source.find([subject(("email", server.population.person("same_name").email))])
    assert server.calls() == ["objects/prospects"]
    records(source.extract(found))
    calls = server.calls()
    prospect = found.matches[0].record_id
    own = [f"objects/prospects/{prospect}", "objects/visitor-activities", "objects/visits", "objects/visitors"]
    own += ["objects/list-memberships", "objects/emails", "objects/tagged-objects"]
    assert [calls.count(path) for path in own] == [1] * 7
    shared = ["custom-fields", "lifecycle-histories", "opportunities"]
    assert [calls.count(f"objects/{path}") for path in shared] == [1] * 3
    assert calls.count("external-activities") == 1
    assert calls.count("objects/visitor-page-views") == 1
    assert sum(path.startswith("objects/emails/") for path in calls) == 1
    assert calls.count("objects/prospects") == 2
    assert len(calls) == 8 + 1 + 1 + 4 + 1


def test_calls_of_the_canary(server: PardotServer) -> None:
    """Two prospects, three browsers, one page beyond the first."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "canary")])
    server.tap.calls.clear()
    records(source.extract(found))
    assert server.calls().count("objects/visitor-page-views") == 3 + 1
    assert len(server.calls()) == 2 * 7 + (3 + 1) + 1 + 4 + 1


def test_a_batch_shares_the_sweeps(server: PardotServer) -> None:
    """What can't be asked for by prospect is read once for all."""
    people = [p.key for p in server.population.people][:15]
    source = Pardot.connect(server.connection())
    batch = [of_person(server, key, f"dsr-{n:08d}") for n, key in enumerate(people)]
    found = source.find(batch)
    server.tap.calls.clear()
    pieces = list(source.extract(found))
    calls = server.calls()
    for shared in ("objects/custom-fields", "objects/lifecycle-histories", "external-activities"):
        assert calls.count(shared) == 1
    for n, key in enumerate(people):
        got = records(p for p in pieces if p.request_id == f"dsr-{n:08d}")
        for dataset in DATASETS:
            assert got.get(dataset, {}) == truth_of(server, key, dataset), (key, dataset)


def test_two_requests_of_one_person_each_get_all(server: PardotServer) -> None:
    """A prospect that answers to two subjects is read once and given to both."""
    source = Pardot.connect(server.connection())
    found = source.find(
        [of_person(server, "same_name", "dsr-a0000000"), of_person(server, "same_name", "dsr-b0000000")]
    )
    server.tap.calls.clear()
    pieces = list(source.extract(found))
    first, second = ([p for p in pieces if p.request_id == r] for r in ("dsr-a0000000", "dsr-b0000000"))
    assert records(first) == records(second) != {}
    assert server.calls().count("objects/visits") == 1


def test_without_custom_fields_of_several_values_prospects_come_in_one_call(server: PardotServer) -> None:
    """Then a query gives all, and a batch needs no read by id."""
    answer(server, "objects/custom-fields", {"values": []})
    people = [p.key for p in server.population.people][:15]
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, key, f"dsr-{n:08d}") for n, key in enumerate(people)])
    server.tap.calls.clear()
    got = records(p for p in source.extract(found) if p.request_id == "dsr-00000000")
    assert set(got["pardot_prospect"]) == set(truth_of(server, "canary", "pardot_prospect"))
    assert not [path for path in server.calls() if path.startswith("objects/prospects/")]


def test_a_binned_prospect_that_cannot_be_read_names_what_is_missing(server: PardotServer) -> None:
    """The rest of it comes by query; the fields that only a read gives are named, not passed over."""
    server.system.settings.binned_readable = False
    source = Pardot.connect(server.connection())
    got = records(source.extract(source.find([of_person(server, "canary")])))["pardot_prospect"]
    wanted = truth_of(server, "canary", "pardot_prospect")
    (binned,) = [key for key, fields in wanted.items() if fields["isDeleted"]]
    missing = {"favouriteTopics__c", "productsInUse__c", "answersGiven__c"}
    assert set(got[binned].pop("unreadFields")) == missing
    assert got[binned] == {k: v for k, v in wanted[binned].items() if k not in missing}
    (alive,) = set(wanted) - {binned}
    assert got[alive] == wanted[alive]


def test_many_custom_fields_are_read_in_several_calls(server: PardotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no URL gets too long; the record is whole."""
    monkeypatch.setattr("extractors.pardot.source.FIELDS_PER_CALL", 2)
    source = Pardot.connect(server.connection())
    got = records(source.extract(source.find([of_person(server, "canary")])))
    assert got["pardot_prospect"] == truth_of(server, "canary", "pardot_prospect")
    assert sum(path.startswith("objects/prospects/") for path in server.calls()) == 2 * 3


@pytest.mark.parametrize("custom_fields", [True, False])
def test_a_prospect_purged_since_it_was_found_is_a_failure(server: PardotServer, custom_fields: bool) -> None:
    """Not a thinner package."""
    if not custom_fields:
        answer(server, "objects/custom-fields", {"values": []})
    gone = Match("dsr-1", "pardot_prospect", "70999999", frozenset())
    with pytest.raises(PermanentError):
        list(Pardot.connect(server.connection()).extract(Found("pardot", (gone,))))


def test_fields_that_no_schema_knows_are_kept(server: PardotServer) -> None:
    """What the vendor adds, and what has another type than promised, stands in `unmapped`."""
    prospect = int(next(iter(truth_of(server, "p000001", "pardot_prospect"))))
    odd = {"id": 5, "prospectId": prospect, "hair": "röd", "durationInSeconds": "two", "createdAt": "yesterday"}
    answer(server, "objects/visits", {"nextPageToken": None, "values": [odd]})
    source = Pardot.connect(server.connection())
    got = records(source.extract(source.find([of_person(server, "p000001")])))["pardot_visit"]
    kept = {"hair": "röd", "durationInSeconds": "two", "createdAtText": "yesterday"}
    assert got == {"5": {"id": 5, "prospectId": prospect, **kept}}


def test_times_get_their_offset_in_rfc_3339(server: PardotServer) -> None:
    """The vendor's spellings of an offset; fractional digits stay."""
    prospect = int(next(iter(truth_of(server, "p000001", "pardot_prospect"))))
    odd = {
        "id": 5,
        "prospectId": prospect,
        "createdAt": "2026-03-05T10:00:00.120+0100",
        "updatedAt": "2026-03-05 10:00:00Z",
    }
    answer(server, "objects/visits", {"nextPageToken": None, "values": [odd]})
    source = Pardot.connect(server.connection())
    got = records(source.extract(source.find([of_person(server, "p000001")])))["pardot_visit"]["5"]
    assert got["createdAt"] == "2026-03-05T10:00:00.120+01:00"
    assert got["updatedAt"] == "2026-03-05T10:00:00+00:00"


def test_external_activities_of_a_shared_address_are_withheld(server: PardotServer) -> None:
    """Nothing but the address says whose they are, and two people have it."""
    shared = f"info@{server.population.canary.company.domain}"
    source = Pardot.connect(server.connection())
    found = source.find([subject(("email", shared))])
    (own,) = [m for m in found.matches if m.person == server.population.canary.name]
    pieces = list(source.extract(Found("pardot", (own,))))
    assert [(p.ground, p.count) for p in pieces if isinstance(p, Withheld)] == [("third_party", 2)]
    assert "pardot_external_activity" not in records(pieces)


def test_editions_without_external_activities_can_say_so(server: PardotServer) -> None:
    """The connection turns the sweep off; nothing is tried and passed over."""
    source = Pardot.connect(server.connection(external_activities=False))
    got = records(source.extract(source.find([of_person(server, "same_name")])))
    assert "pardot_external_activity" not in got
    assert "external-activities" not in server.calls()


def test_sequences_that_end_at_their_limit_are_continued(server: PardotServer) -> None:
    """The vendor stops a sequence of pages at 100,000 records and doesn't say that there are more."""
    server.system.settings.sequence = 1000
    source = Pardot.connect(server.connection())
    source.client.sequence = 1000
    got = records(source.extract(source.find([of_person(server, "canary")])))
    assert got["pardot_page_view"] == truth_of(server, "canary", "pardot_page_view")


def test_nothing_matched_costs_nothing(server: PardotServer) -> None:
    """No match, no call."""
    source = Pardot.connect(server.connection())
    assert list(source.extract(Found("pardot"))) == []
    assert server.calls() == []


@pytest.mark.parametrize(
    ("path", "record"),
    [
        ("objects/visits", {"id": 1, "prospectId": 70010001}),
        ("objects/visitor-activities", {"id": 1}),
        ("objects/visitor-page-views", {"id": 1, "visitorId": 1, "url": "https://x.example"}),
        ("objects/tagged-objects", {"id": 1, "objectType": "List", "objectId": 70010001}),
        ("objects/opportunities", {"id": 1, "name": "another's"}),
    ],
)
def test_a_record_that_the_filter_should_have_kept_out_stops_everything(
    server: PardotServer, path: str, record: dict[str, Any]
) -> None:
    """A vendor that ignores a filter would put somebody else's data in the package."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "same_name")])
    answer(server, path, {"nextPageToken": None, "values": [record]})
    with pytest.raises(PermanentError) as error:
        list(source.extract(found))
    assert error.value.code == "filter.ignored"


def test_another_record_than_the_one_asked_for_stops_everything(server: PardotServer) -> None:
    """By id too."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "same_name")])
    answer(server, "objects/prospects/", {"id": 1, "email": "another@x.example"})
    with pytest.raises(PermanentError) as error:
        list(source.extract(found))
    assert error.value.code == "filter.ignored"


# errors


@pytest.mark.parametrize(
    ("number", "status", "kind", "seconds"),
    [
        (66, 429, TransientError, 5),
        (202, 429, TransientError, 60),
        (122, 429, TransientError, 3600),
        (210, 400, TransientError, None),
        (211, 400, TransientError, None),
        (183, 500, TransientError, None),
        (62, 409, TransientError, None),
        (181, 400, PermanentError, None),
        (201, 400, PermanentError, None),
        (209, 400, PermanentError, None),
        (109, 404, PermanentError, None),
        (192, 404, PermanentError, None),
    ],
)
def test_the_vendors_numbers(
    server: PardotServer, number: int, status: int, kind: type[TransientError], seconds: int | None
) -> None:
    """The number decides where it says more than the status; the message says nothing."""
    answer(server, "/api/v5", {"code": number, "message": "about asa.ohrnqvist@kvarnberget.example"}, status)
    with pytest.raises(kind) as error:
        Pardot.connect(server.connection()).find([of_person(server, "canary")])
    assert type(error.value) is kind
    assert str(error.value) == f"pardot: pardot.{number}"
    wait = getattr(error.value, "retry_after", None)
    assert (wait.total_seconds() if wait else None) == seconds


def test_a_busy_business_unit_is_waited_for_a_little(server: PardotServer) -> None:
    """Five calls at once are all that the vendor takes; a place is free again in a moment."""
    busy = {"code": 66, "message": "x"}
    answer(server, "objects/prospects", busy, 429, times=2)
    source = Pardot.connect(server.connection())
    assert source.find([of_person(server, "p000001")]).matches
    server.system.settings.hold = 0.02
    with ThreadPoolExecutor(7) as pool:
        sources = [Pardot.connect(server.connection()) for _ in range(7)]
        found = list(pool.map(lambda s: s.find([of_person(server, "p000001")]).matches, sources))
    assert all(found)


@pytest.mark.parametrize("body", ["<html>", "[]", '{"values": 1}', '{"values": [{"email": "x"}]}', '{"values": [1]}'])
def test_answers_that_are_none_are_transient(server: PardotServer, body: str) -> None:
    """Half a page is never taken for a whole one."""
    server.tap.faults.append(Fault("pardot", path="/api/v5", status=200, body=body))
    with pytest.raises(TransientError):
        Pardot.connect(server.connection()).find([of_person(server, "canary")])


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_broken_connections_are_transient(server: PardotServer, kind: str) -> None:
    """In the middle of an extraction too."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "canary")])
    server.tap.faults.append(Fault("pardot", kind=kind, path="visitor-page-views.*nextPageToken"))
    with pytest.raises(TransientError):
        list(source.extract(found))


def test_a_page_token_that_expires_starts_over(server: PardotServer) -> None:
    """Transient: the next try begins with the first page and gives the whole."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "canary")])
    server.system.settings.token_life = -1
    with pytest.raises(TransientError) as error:
        list(source.extract(found))
    assert error.value.code == "pardot.211"
    server.system.settings.token_life = 60
    assert len(records(source.extract(found))["pardot_page_view"]) == len(
        truth_of(server, "canary", "pardot_page_view")
    )


def test_an_expired_access_token_is_fetched_anew_once(server: PardotServer) -> None:
    """A long extraction outlives its token; one that is refused again is a lasting failure."""
    source = Pardot.connect(server.connection())
    found = source.find([of_person(server, "p000001")])
    server.system.settings.clock = 3 * 3600
    assert records(source.extract(found))["pardot_prospect"] == truth_of(server, "p000001", "pardot_prospect")
    sign_ins = [c for c in server.tap.calls if not c.api]
    assert len(sign_ins) == 2
    answer(server, "/api/v5", {"code": 184, "message": "x"}, 401)
    with pytest.raises(PermanentError) as error:
        list(source.extract(found))
    assert error.value.code == "pardot.184"


@pytest.mark.parametrize(("status", "kind"), [(400, PermanentError), (503, TransientError)])
def test_a_refused_sign_in(server: PardotServer, status: int, kind: type[Exception]) -> None:
    """Wrong credentials are permanent, a token endpoint that is down is not."""
    answer(server, "/services/oauth2/token", {"error": "invalid_client"}, status)
    with pytest.raises(kind) as error:
        Pardot.connect(server.connection()).find([of_person(server, "canary")])
    assert str(error.value) == "pardot: token.refused"


def test_wrong_secret_and_unit(server: PardotServer) -> None:
    """Both are permanent."""
    connection = server.connection(business_unit_id="0Uv000000000000AAA")
    with pytest.raises(PermanentError) as error:
        Pardot.connect(connection).find([of_person(server, "canary")])
    assert error.value.code == "pardot.201"


@pytest.mark.parametrize("name", ["business_unit_id", "token_url"])
def test_connect_says_what_lacks(server: PardotServer, name: str) -> None:
    """By the name of the field."""
    with pytest.raises(PermanentError) as error:
        Pardot.connect(server.connection(**{name: ""}))
    assert error.value.code == f"connection.{name}"


def test_the_secret_never_travels_in_the_clear() -> None:
    """A token address without TLS is refused when the API has it."""
    extra = {"business_unit_id": "0Uv", "token_url": "http://login.example/token"}
    with pytest.raises(PermanentError) as error:
        Pardot.connect(Connection("dsr_pardot", "pi.pardot.example", login="a", password="b", extra=extra))
    assert error.value.code == "connection.token_url"


def test_nothing_personal_is_logged(server: PardotServer, caplog: pytest.LogCaptureFixture) -> None:
    """URLs hold addresses; no logger prints them."""
    with caplog.at_level(logging.INFO):
        source = Pardot.connect(server.connection())
        records(source.extract(source.find([of_person(server, "same_name")])))
    assert "strandbagen" not in caplog.text
    assert "%40" not in caplog.text


def test_matches_hide_what_they_hold() -> None:
    """A match in a log line names nobody."""
    match = Match("dsr-1", "pardot_prospect", "1", frozenset({Identifier("email", "x@y.example")}), person="Åsa")
    assert "x@y" not in repr(match)
    assert "Åsa" not in repr(match)
