"""The search in rounds over several sources, and what is kept of it."""

import unicodedata
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from made_up_sources import AT, REQUEST_ID, Fake, FakeIndex, declaration, email, phone, record, request

from dsr import schema
from dsr.casefile import CaseFile
from dsr.errors import DsrError, PermanentError, TransientError
from dsr.model import Identifier, IndexEntry
from dsr.search import SearchResult, found_from_json
from dsr.source import Source
from dsr.steps.identify import identify

ASA, FORMER = email("asa@kvarn.example"), email("asa.bergfalk@fornamn.example")
MOBILE, SWITCHBOARD = phone("+46701740605"), phone("+46851740610")
CONTACT = Identifier("salesforce_contact", "003")


def crm(**more: Any) -> Fake:
    """A contact, a lead converted into it, and a colleague behind the same switchboard."""
    people = (
        record("003", "Åsa Öhrnqvist", ASA, MOBILE, SWITCHBOARD, CONTACT),
        record("00Q", "Åsa Bergfalk", FORMER, CONTACT, Identifier("salesforce_lead", "00Q")),
        record("00X", "Birger Qvarnsträng", email("birger@kvarn.example"), SWITCHBOARD),
    )
    return Fake(declaration("salesforce"), people, **more)


def registrations() -> tuple[Fake, FakeIndex]:
    """A system without look-up: one registration under the former address, one of the colleague."""
    source = Fake(
        declaration("webinars", indexed=True, finds_by=("email", "phone", "webinar_registrant")),
        (record("w1", "Asa Bergfalk", FORMER), record("w2", "Birger", email("birger@kvarn.example"))),
    )
    entries = [
        IndexEntry(FORMER, "made_up_person", "w1", {"webinar": 7}),
        IndexEntry(email("birger@kvarn.example"), "made_up_person", "w2"),
        *(IndexEntry(SWITCHBOARD, "made_up_person", f"s{n}") for n in range(21)),
    ]
    return source, FakeIndex({"webinars": entries})


def run(case: CaseFile, *sources: Fake, index: FakeIndex | None = None, final: bool = False) -> dict[str, str]:
    """Identify with these sources and one that isn't connected."""
    declarations = [s.declaration for s in sources] + [declaration("pardot")]
    given: dict[str, Source | None] = {s.declaration.name: s for s in sources}
    return identify(case, given, declarations, index or FakeIndex(), at=AT, final=final)


def test_rounds_over_sources(case: CaseFile) -> None:
    """The link brings the lead, the lead its address, the address a registration in another system."""
    webinars, index = registrations()
    assert run(case, crm(), webinars, index=index) == {
        "salesforce": "found",
        "webinars": "found",
        "pardot": "not_connected",
    }
    found = found_from_json(case.read_json("found/salesforce"))
    assert {m.record_id for m in found.matches} == {"003", "00Q"}
    assert found.cache == {"fields": 3}
    registered = found_from_json(case.read_json("found/webinars")).matches
    assert [(m.record_id, m.reference) for m in registered] == [("w1", {"webinar": 7})]
    search = SearchResult.from_json(case.read_json("search/webinars"))
    assert (search.matches, search.doubtful, search.freshness, search.searched_at) == (1, 21, AT, AT)
    assert not case.exists("found/pardot")


def test_extract_is_told_nothing_that_is_shared(case: CaseFile) -> None:
    """The switchboard is not in what the extractor gets, so it can't follow it."""
    run(case, crm())
    for match in found_from_json(case.read_json("found/salesforce")).matches:
        assert SWITCHBOARD not in match.holds | match.by
        assert match.by
        assert match.request_id == REQUEST_ID
    shared = case.read_json("shared/salesforce")
    assert [SWITCHBOARD.kind, SWITCHBOARD.value] in shared["identifiers"]
    assert shared["records"] >= 1


def test_what_is_kept_obeys_its_schema(case: CaseFile) -> None:
    """schemas/found.schema.json."""
    webinars, index = registrations()
    run(case, crm(), webinars, index=index)
    validator = jsonschema.Draft202012Validator(schema.load("found"))
    for name in case.names("found/"):
        validator.validate(case.read_json(name))


def test_no_call_is_made_twice(case: CaseFile) -> None:
    """Each identifier is asked for once; a switchboard's records are not fetched from a system without look-up."""
    source, (webinars, index) = crm(), registrations()
    run(case, source, webinars, index=index)
    asked = [identifier for identifiers in source.asked for identifier in identifiers]
    assert len(asked) == len(set(asked))
    assert not any(SWITCHBOARD in identifiers for identifiers in webinars.asked)
    assert len(webinars.asked) == 1


def test_what_the_ticket_states_leads_nowhere(case: CaseFile) -> None:
    """An impostor types the phone number and the name of somebody."""
    case.write_json("request", request("impostor@evil.example", phone=MOBILE.value, name="Åsa Öhrnqvist"))
    source = crm()
    assert run(case, source)["salesforce"] == "none"
    assert all(i.kind == "email" for identifiers in source.asked for i in identifiers)


def test_the_address_is_compared_without_case(case: CaseFile) -> None:
    """As the model's case rule says."""
    case.write_json("request", request("  ASA@Kvarn.Example "))
    assert run(case, crm())["salesforce"] == "found"


def test_nobody_known(case: CaseFile) -> None:
    """No failure and nothing kept."""
    case.write_json("request", request("nobody@nowhere.example"))
    webinars, index = registrations()
    assert run(case, crm(), webinars, index=index)["webinars"] == "none"
    assert case.names("found/") == []
    assert case.read_json("search/salesforce") == {
        "source": "salesforce",
        "status": "none",
        "searched_at": "2026-11-20T12:00:00.123456Z",
        "matches": 0,
        "doubtful": 0,
    }


def test_a_passing_failure_is_raised_until_the_last_try(case: CaseFile) -> None:
    """Then it is put down as failed, and the other sources still count."""
    broken = Fake(declaration("invoicing"), error=TransientError("http.503", "invoicing"))
    with pytest.raises(TransientError):
        run(case, crm(), broken)
    assert run(case, crm(), broken, final=True) == {
        "salesforce": "found",
        "invoicing": "failed",
        "pardot": "not_connected",
    }
    assert case.read_json("search/invoicing")["code"] == "http.503"


@pytest.mark.parametrize("error", [PermanentError("http.401", "x")])
def test_a_lasting_failure_is_put_down_at_once(case: CaseFile, error: DsrError) -> None:
    """The others go on."""
    assert run(case, crm(), Fake(declaration("invoicing"), error=error))["invoicing"] == "failed"


def test_an_index_that_was_never_read_is_a_failure(case: CaseFile) -> None:
    """Silence of an empty index must not look like "holds nothing"."""
    webinars, index = registrations()
    index.read = None
    assert run(case, webinars, index=index)["webinars"] == "failed"
    assert case.read_json("search/webinars")["code"] == "index.never_read"


def test_again_leaves_nothing_of_the_first_time(case: CaseFile) -> None:
    """A match that is gone is gone from the case file too."""
    run(case, crm())
    assert case.exists("found/salesforce")
    run(case, Fake(declaration("salesforce")))
    assert not case.exists("found/salesforce")
    assert case.read_json("search/salesforce")["status"] == "none"


def test_another_request_s_match_is_refused(case: CaseFile) -> None:
    """A source that mixes up its batch is stopped."""

    class Mixed(Fake):
        def find(self, subjects: Any) -> Any:
            found = super().find(subjects)
            strange = [m.__class__(**{**vars(m), "request_id": "dsr-other"}) for m in found.matches]
            return found.__class__(found.source, tuple(strange))

    source = crm()
    mixed = Mixed(source.declaration, source.people)
    assert run(case, mixed)["salesforce"] == "failed"
    assert case.read_json("search/salesforce")["code"] == "match.foreign"


def test_an_index_that_is_not_kept_up_is_a_failure(case: CaseFile) -> None:
    """Two weeks without a nightly reading: whoever signed up since would be told that nothing is held."""
    webinars, index = registrations()
    index.read = AT - timedelta(days=14)
    assert run(case, webinars, index=index)["webinars"] == "failed"
    assert case.read_json("search/webinars")["code"] == "index.stale"
    index.read = AT - timedelta(days=1)
    assert run(case, webinars, index=index)["webinars"] == "none"


def calls() -> tuple[Fake, FakeIndex]:
    """A call without a name, by the mobile."""
    kinds = ("email", "phone", "webinar_registrant")
    source = Fake(declaration("recordings", indexed=True, finds_by=kinds), (record("call", "", MOBILE),))
    return source, FakeIndex({"recordings": [IndexEntry(MOBILE, "made_up_person", "call")]})


@pytest.mark.parametrize("error", [TransientError("http.503", "x"), PermanentError("http.401", "x")])
def test_a_source_that_failed_can_t_show_who_else_has_a_number(case: CaseFile, error: DsrError) -> None:
    """Its contacts would tell that the mobile is a colleague's too: without them, no call by it is released."""
    recordings, index = calls()
    books = Fake(declaration("invoicing"), (record("i", "Åsa Öhrnqvist", ASA, MOBILE),))
    colleague = record("00X", "Birger Qvarnsträng", email("birger@kvarn.example"), MOBILE)
    crm = Fake(declaration("salesforce"), (record("003", "Åsa Öhrnqvist", ASA, MOBILE), colleague))
    for crm.error in (None, error):
        statuses = run(case, crm, books, recordings, index=index, final=True)
        assert (statuses["invoicing"], statuses["recordings"]) == ("found", "none")
        assert case.read_json("search/recordings")["doubtful"] == 1


def test_a_source_that_fails_in_a_later_round_counts_as_failed(case: CaseFile) -> None:
    """Its first answer brought the mobile; who else has it, it can't say any more."""

    class Tired(Fake):
        def find(self, subjects: Any) -> Any:
            if self.asked:
                raise TransientError("http.503", "salesforce")
            return super().find(subjects)

    recordings, index = calls()
    tired = Tired(declaration("salesforce"), (record("003", "Åsa Öhrnqvist", ASA, MOBILE),))
    assert run(case, tired, recordings, index=index, final=True)["recordings"] == "none"
    assert case.read_json("search/recordings")["doubtful"] == 1


def test_named_records_stay_when_a_source_failed(case: CaseFile) -> None:
    """A registration under their name and their former address is theirs, whoever else failed."""
    webinars, index = registrations()
    broken = Fake(declaration("invoicing"), error=TransientError("http.503", "invoicing"))
    assert run(case, crm(), webinars, broken, index=index, final=True)["webinars"] == "found"


def test_a_search_that_breaks_off_leaves_nothing_of_an_earlier_one(case: CaseFile) -> None:
    """Else what follows would be made of the earlier search, or of half of each."""
    run(case, crm())
    for name in ("collected/salesforce", "document"):
        case.write_json(name, {})
    with pytest.raises(TransientError):
        run(case, Fake(declaration("salesforce"), error=TransientError("http.503", "salesforce")))
    assert case.names() == ["request"]


def test_letters_are_compared_composed(case: CaseFile) -> None:
    """A Mac sends "å" as two characters."""
    case.write_json("request", request(unicodedata.normalize("NFD", "åsa@kvarn.example")))
    assert (
        run(case, Fake(declaration("salesforce"), (record("1", "Åsa", email("åsa@kvarn.example")),)))["salesforce"]
        == "found"
    )
