"""Processing information: what Art. 15 asks to be told, from the register alone, for exactly this answer's systems."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import rdflib
from clear import cleared
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr import schema
from dsr.processing import information, linked
from dsr.register import PREFIXES, Register
from dsr.register.files import Files, folder, read
from dsr.source import Declaration
from dsr.vocabulary import CATEGORIES
from extractors import SOURCES

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DECLARATIONS = [source.declaration for source in SOURCES]
EXAMPLE = read(folder(None))
PARTS = ["title", "purposes", "legal_basis", "categories", "data_subjects", "recipients", "retention", "sources",
         "automated_decisions", "profiling", "transfers"]  # fmt: skip
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def document(held: Rows, right: str = "access", **status: str) -> dict[str, Any]:
    """As much of a document as is read: datasets held by category, and each source's status."""
    listed: dict[str, list[dict[str, str]]] = {category: [] for category in CATEGORIES}
    for declaration in DECLARATIONS:
        for dataset in declaration.datasets:
            if dataset.name in held:
                listed[dataset.category].append({"name": dataset.name, "source": declaration.name})
    return {
        "request": {"request_id": "dsr-abcdefghijklmnopqrstuvwxyz", "right": right},
        "categories": [{"name": name, "datasets": entries} for name, entries in listed.items() if entries],
        "search": [{"source": d.name, "status": status.get(d.name, "none")} for d in DECLARATIONS],
    }


def rows_of(held: Rows) -> Callable[[str, str], Iterator[pa.RecordBatch]]:
    """One row per batch."""
    return lambda source, dataset: (
        schema.batch(dataset, [(f"{dataset}-{number}", row)]) for number, row in enumerate(held[dataset])
    )


def made(held: Rows, right: str = "access", register: Register | None = None, **status: str) -> dict[str, Any]:
    """The information, checked by jsonschema, which is the reference."""
    register = register or Register.of(EXAMPLE)
    value = information(document(held, right, **status), DECLARATIONS, register, cleared(rows_of(held)), AT)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    plain = schema.load("processing-information")
    jsonschema.Draft202012Validator(plain, format_checker=checker).validate(json.loads(json.dumps(value)))
    return value


def register_with(changes: Mapping[str, Mapping[str, Any]]) -> Register:
    """The example with other values in some rows' parts."""
    rows = {row: {**raw, **changes.get(row, {})} for row, raw in EXAMPLE.activities.items()}
    return Register.of(Files(EXAMPLE.shared, rows, EXAMPLE.terms, EXAMPLE.broken, EXAMPLE.problems, EXAMPLE.digest))


PROSPECT = {"email": "a@b.example", "language__c": "sv", "industry": "Energy", "lifecycleStageName": "Lead",
            "country": "Sweden", "score": 42, "company": ""}  # fmt: skip


def test_everything_that_article_15_asks_for() -> None:
    value = made({"salesforce_contact": [{}], "pardot_prospect": [PROSPECT]})
    crm = value["activities"][0]
    assert crm["id"] == "crm"
    assert crm["datasets"] == ["salesforce_contact"]
    assert {
        "term": "pd:EmailAddressWork",
        "label": {"sv": "E-postadress i arbetet", "en": "Email Address Work"},
    } in crm["personal_data"]
    assert crm["purposes"][0]["term"] == "dpv:CustomerRelationshipManagement"
    assert crm["legal_basis"][0]["interest"]["sv"].startswith("Att kunna vårda")
    assert [r["name"] for r in crm["recipients"]] == ["Salesforce.com, Inc."]
    assert [(t["country"], t["tool"]) for t in crm["transfers"]] == [("US", "gdpr:SCCByCommission")]
    assert crm["retention"][0]["duration"] == "P2Y"
    assert len(crm["sources"]) == 2
    assert crm["automated_decisions"]["exists"] is False
    assert value["controller"]["dpo_mail"] == "dpo@nexusgroup.com"
    assert value["notice"]["updated"] == "2022-11-04"
    assert value["authority"]["mail"] == "imy@imy.se"
    assert value["categories"] == [
        {
            "name": "contact-identification",
            "title": {"sv": "Kontakt- och identifieringsuppgifter", "en": CATEGORIES["contact-identification"]},
            "datasets": ["salesforce_contact", "pardot_prospect"],
            "activities": ["crm", "marketing"],
        }
    ]


def test_held_first_then_what_else_was_searched() -> None:
    ids = [activity["id"] for activity in made({"call_record": [{}], "invoicing_contact": [{}]})["activities"]]
    assert ids[:2] == ["invoicing", "calls"]
    assert set(ids) == set(EXAMPLE.activities)


def test_systems_that_are_not_connected_are_left_out_and_failed_ones_are_not() -> None:
    value = made({"call_record": [{}]}, salesforce="not_connected", pardot="failed")
    assert [(activity["id"], bool(activity["datasets"])) for activity in value["activities"]] == [
        ("calls", True), ("marketing", False), ("marketing_profiling", False), ("invoicing", False), ("events", False),
    ]  # fmt: skip


def test_portability_tells_of_what_is_in_the_package_only() -> None:
    value = made({"pardot_prospect": [PROSPECT]}, "portability")
    assert [activity["id"] for activity in value["activities"]] == ["marketing"]
    assert value["profiling"] == []
    assert [row["row"] for row in value["unsettled"]] == ["marketing"]


def test_nothing_held_is_an_answer_too() -> None:
    value = made({})
    assert value["categories"] == []
    assert all(activity["datasets"] == [] for activity in value["activities"])
    assert [dimension["values"] for dimension in value["profiling"]] == [[], [], []]


def test_profiling_of_the_person() -> None:
    activities = [{"typeName": f"type {n % 30}"} for n in range(100)] + [{"typeName": None}]
    stages = [{"previousStageName": None, "nextStageName": "Visitor"}, {"previousStageName": "Visitor",
               "nextStageName": "Lead"}]  # fmt: skip
    held = {
        "pardot_prospect": [PROSPECT, {"email": "c@d.example", "language__c": "en"}],
        "pardot_visitor_activity": activities,
        "pardot_lifecycle_history": stages,
    }
    language, industry, stage = made(held)["profiling"]
    assert language["values"] == [
        {
            "value": "sv",
            "source": "pardot",
            "dataset": "pardot_prospect",
            "field": "language__c",
            "source_id": "pardot_prospect-0",
        },
        {
            "value": "en",
            "source": "pardot",
            "dataset": "pardot_prospect",
            "field": "language__c",
            "source_id": "pardot_prospect-1",
        },
    ]
    assert [entry["value"] for entry in industry["values"] + stage["values"]] == ["Energy", "Lead"]
    inputs = {entry["field"]: entry for dimension in (language, industry, stage) for entry in dimension["inputs"]}
    assert (inputs["country"]["values"], inputs["country"]["records"]) == (["Sweden"], 1)
    assert (inputs["company"]["values"], inputs["company"]["records"]) == ([], 0)
    assert inputs["score"]["values"] == [42]
    assert inputs["typeName"]["values"] == [f"type {n}" for n in range(20)]
    assert inputs["typeName"]["records"] == 100
    assert inputs["nextStageName"]["values"] == ["Visitor", "Lead"]
    assert (inputs["previousStageName"]["values"], inputs["previousStageName"]["records"]) == (["Visitor"], 1)
    for dimension in (language, industry, stage):
        assert dimension["logic"]["sv"] and dimension["effect"]["en"]  # noqa: PT018


def test_columns_that_were_left_out_have_no_values() -> None:
    rows = schema.batch("pardot_prospect", [("1", PROSPECT)]).select(["_source_id", "country"])
    register = Register.of(EXAMPLE)
    text = document({"pardot_prospect": [PROSPECT]})
    language = information(text, DECLARATIONS, register, cleared(lambda s, d: iter([rows])), AT)["profiling"][0]
    assert language["values"] == []
    assert language["inputs"][0]["values"] == ["Sweden"]


def test_profiling_reads_ten_million_rows_in_flat_memory() -> None:
    names = pa.array([f"t{n}" for n in range(50)])
    columns = [
        pa.array([str(n) for n in range(16_384)]) if f.name == "_source_id"
        else names.take(pa.array([n % 50 for n in range(16_384)])) if f.name == "typeName"
        else pa.nulls(16_384, f.type)
        for f in schema.arrow_schema("pardot_visitor_activity")
    ]  # fmt: skip
    batch = pa.RecordBatch.from_arrays(columns, schema=schema.arrow_schema("pardot_visitor_activity"))
    held = {"pardot_visitor_activity": [{}]}
    arrow, count = pa.total_allocated_bytes(), 10_000_000 // 16_384
    tracemalloc.start()
    value = information(
        document(held), DECLARATIONS, Register.of(EXAMPLE), cleared(lambda s, d: (batch for _ in range(count))), AT
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (activity,) = [e for d in value["profiling"] for e in d["inputs"] if e["field"] == "typeName"]
    assert (activity["records"], len(activity["values"])) == (count * 16_384, 20)
    assert peak < 8 * 1024 * 1024
    assert pa.total_allocated_bytes() - arrow < 8 * 1024 * 1024


def test_what_is_blank_is_said_and_not_filled_in() -> None:
    register = register_with({"crm": {"retention": None}, "sales": {"recipients": [], "purposes": []}})
    value = made({"salesforce_contact": [{}], "salesforce_order": [{}]}, "portability", register)
    crm, sales = value["unsettled"]
    assert (crm["row"], crm["blank"], crm["confirmed"]) == ("crm", ["retention"], False)
    assert crm["words"]["en"] == (
        "Our register does not state the storage period for the processing “Customer register” yet. You have a right "
        "to know it; write to dpo@nexusgroup.com. What is said about the processing “Customer register” has not been "
        "confirmed by us yet."
    )
    assert "lagringstiden för behandlingen ”Kundregister”" in crm["words"]["sv"]
    assert "the purposes and who receives the data" in sales["words"]["en"]
    assert value["activities"][0]["retention"] == []
    assert value["register"]["confirmed"] is False


def test_a_row_that_the_register_lacks_is_unsettled() -> None:
    rows = {row: raw for row, raw in EXAMPLE.activities.items() if row != "calls"}
    register = Register.of(Files(EXAMPLE.shared, rows, EXAMPLE.terms, frozenset(), (), EXAMPLE.digest))
    value = made({"call_record": [{}]}, "portability", register)
    assert value["activities"] == []
    assert [(row["row"], row["blank"]) for row in value["unsettled"]] == [("calls", ["row"])]
    assert "does not state this processing at all" in value["unsettled"][0]["words"]["en"]


def test_automated_decisions_come_with_their_logic() -> None:
    told = {
        "exists": True,
        **{part: {"sv": f"{part} sv.", "en": f"{part} en."} for part in ("words", "logic", "consequences")},
    }
    register = register_with({"crm": {"automated_decisions": told}})
    value = made({"salesforce_contact": [{}]}, "portability", register)
    assert value["activities"][0]["automated_decisions"] == {
        "exists": True,
        "words": {"sv": "words sv. logic sv. consequences sv.", "en": "words en. logic en. consequences en."},
    }
    assert "crm" in register.activities
    assert register.activity("crm").blank == ()


def test_the_same_input_gives_the_same_bytes() -> None:
    held = {"salesforce_contact": [{}], "pardot_prospect": [PROSPECT]}
    first, second = made(held), made(held)
    assert json.dumps(first) == json.dumps(second)
    assert json.dumps(linked(first)) == json.dumps(linked(second))


def graph(value: Mapping[str, Any]) -> rdflib.Graph:
    """Its JSON-LD as rdflib reads it; the context is inside, so nothing is fetched."""
    return rdflib.Graph().parse(data=json.dumps(linked(value)), format="json-ld")


def iris(found: rdflib.Graph) -> set[str]:
    return {str(part) for triple in found for part in triple if isinstance(part, rdflib.URIRef)}


def test_json_ld_holds_terms_of_the_vocabulary_only() -> None:
    held = {dataset.name: [{}] for declaration in DECLARATIONS for dataset in declaration.datasets}
    found = graph(made({**held, "pardot_prospect": [PROSPECT]}))
    known = {EXAMPLE.terms[term].iri for term in EXAMPLE.terms}
    others = {iri for iri in iris(found) if not iri.startswith("https://w3id.org/dpv")}
    assert iris(found) - others <= known
    assert all(iri.startswith(("http://purl.org/dc/terms/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"))
               for iri in others)  # fmt: skip
    dpv = rdflib.Namespace(PREFIXES["dpv"])
    kind = rdflib.RDF.type
    assert len(list(found.subjects(kind, dpv.PersonalDataProcess))) == len(EXAMPLE.activities)
    assert len(list(found.subjects(kind, dpv.Profiling))) == 3
    assert len(list(found.subjects(kind, dpv.Transfer))) == 7
    for process in found.subjects(kind, dpv.PersonalDataProcess):
        for needed in (dpv.hasPurpose, dpv.hasLegalBasis, dpv.hasPersonalData, dpv.hasStorageCondition,
                       dpv.hasDataSource):  # fmt: skip
            assert (process, needed, None) in found
    durations = {str(o) for o in found.objects(None, dpv.hasDuration)}
    assert durations >= {"P7Y", "P2Y", "P6M"}
    assert "Energy" not in found.serialize(format="nt")


def test_every_term_of_the_real_sources_has_its_words() -> None:
    for declaration in DECLARATIONS:
        for dataset in declaration.datasets:
            for term in dataset.personal_data:
                assert EXAMPLE.terms.words(term)["sv"] != term


words = st.fixed_dictionaries({}, optional={lang: st.none() | st.text(max_size=20) for lang in ("sv", "en")})
purposes = st.fixed_dictionaries({"term": st.sampled_from([None, "dpv:Marketing"]), "words": words})
contents = {
    "title": words,
    "data_subjects": words,
    "purposes": st.lists(purposes, max_size=3),
    "sources": st.lists(st.fixed_dictionaries({"words": words}), max_size=3),
}
part_values = st.sampled_from(PARTS).flatmap(
    lambda part: st.tuples(st.just(part), st.none() | contents.get(part, st.none()))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.dictionaries(
        st.sampled_from(sorted(EXAMPLE.activities)), st.lists(part_values, max_size=4).map(dict), max_size=4
    ),
    names=st.sets(st.sampled_from([dataset.name for d in DECLARATIONS for dataset in d.datasets]), max_size=5),
    right=st.sampled_from(["access", "portability"]),
)
def test_whatever_the_register_says_or_not(changes: dict[str, dict[str, Any]], names: set[str], right: str) -> None:
    register = register_with(changes)
    value = made({name: [{}] for name in names}, right, register)
    unsettled = {row["row"]: row for row in value["unsettled"]}
    for activity in value["activities"]:
        row = register.activity(activity["id"])
        assert activity["blank"] == list(row.blank) == unsettled[row.id]["blank"]
        assert all(unsettled[row.id]["words"].values())
        for part in ("purposes", "sources", "retention", "legal_basis"):
            if part in changes.get(row.id, {}) and not changes[row.id][part]:
                assert activity[part] == []
                assert part in activity["blank"]
    found = graph(value)
    known = {register.terms[term].iri for term in register.terms}
    assert {iri for iri in iris(found) if iri.startswith("https://w3id.org/dpv")} <= known


@pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda d: d.name)
def test_each_source_alone(declaration: Declaration) -> None:
    held = {dataset.name: [{}] for dataset in declaration.datasets}
    value = made(held, "portability")
    assert {name for activity in value["activities"] for name in activity["datasets"]} == set(held)
    assert {name for category in value["categories"] for name in category["datasets"]} == set(held)


@pytest.mark.parametrize(
    ("right", "term"), [("access", "gdpr:SARNotice"), ("portability", "dpv:RightFulfilmentNotice")]
)
def test_the_answer_is_of_the_right_s_kind(right: str, term: str) -> None:
    """DPV has a notice of its own for access; for portability the wider one."""
    value = made({"pardot_prospect": [PROSPECT]}, right)
    assert linked(value)["@graph"][0]["@type"] == term
    assert term in EXAMPLE.terms


def test_one_word_for_the_register_in_swedish() -> None:
    """Art. 30 calls it "register", and so does the report."""
    value = made({"salesforce_contact": [{}]}, register=register_with({"crm": {"purposes": []}}))
    (crm,) = [row for row in value["unsettled"] if row["row"] == "crm"]
    assert crm["words"]["sv"].startswith("Vårt register anger ännu inte")


def test_portability_claims_nothing_about_profiling() -> None:
    """Its values are conclusions and stay out; "no value" would be untrue."""
    value = made({"pardot_lifecycle_history": [{}]}, "portability")
    assert [activity["id"] for activity in value["activities"]] == ["marketing_profiling"]
    assert value["profiling"] == []
