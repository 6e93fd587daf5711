"""The business unit's data: complete for the canary, hard neighbours, the same every time."""

import json
from dataclasses import asdict

from sandbox.pardot.objects import BY_NAME
from sandbox.pardot.seed import PAGE_VIEWS_OF_CANARY, seed
from sandbox.pardot.truth import truth
from sandbox.people import populate

POPULATION = populate(40)
TODAY = "2026-11-20"
TRUTH = truth(POPULATION, TODAY)


def test_every_field_of_a_prospect_is_filled_for_the_canary() -> None:
    """A field that is empty for everybody would be tested by nothing."""
    records = [t.fields for t in TRUTH if t.person == "canary" and t.dataset == "pardot_prospect"]
    empty = {name for name in records[0] if all(r[name] is None for r in records)}
    assert empty == set()


def test_the_canary_has_every_kind_of_record() -> None:
    """All datasets, all kinds of activity, more page views than a page of results holds."""
    own = [t for t in TRUTH if t.person == "canary" and t.expected == "package"]
    assert len({t.dataset for t in own}) == 11
    kinds = {t.fields["type"] for t in own if t.dataset == "pardot_visitor_activity"}
    assert kinds == {1, 2, 3, 4, 6, 8, 11, 20, 35}
    assert sum(t.dataset == "pardot_page_view" for t in own) == PAGE_VIEWS_OF_CANARY + 5 + 4 > 1000


def test_the_former_address_leads_to_the_canary_only_by_the_crm() -> None:
    """The binned prospect has it, and the same Salesforce contact."""
    prospects = [t.fields for t in TRUTH if t.person == "canary" and t.dataset == "pardot_prospect"]
    binned = [p for p in prospects if p["isDeleted"]]
    assert [p["email"] for p in binned] == [POPULATION.canary.emails[1]]
    linked = [p for p in prospects if p["salesforceContactId"] == binned[0]["salesforceContactId"]]
    assert len(linked) == 2


def test_one_record_is_one_persons() -> None:
    """No id twice within a dataset, and every entry is somebody's."""
    keys = [(t.dataset, t.source_id) for t in TRUTH]
    assert len(keys) == len(set(keys))
    assert {t.person for t in TRUTH} == {p.key for p in POPULATION.people}


def test_the_same_every_time() -> None:
    """From the population alone."""
    assert [asdict(t) for t in truth(populate(40), TODAY)] == [asdict(t) for t in TRUTH]
    json.dumps([asdict(t) for t in TRUTH])


def test_documents_hold_only_fields_of_their_object() -> None:
    """What the API can't show about a person must not be seeded."""
    for entry in (e for e in seed(POPULATION, TODAY).entries if e.person):
        fields = set(BY_NAME[entry.collection].fields) | {k for k in entry.document if k.endswith("__c")}
        assert set(entry.document) <= fields, entry.collection
