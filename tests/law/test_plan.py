"""Art. 7(3), 16-18, 21 GDPR: what a right does to each record, spelled out in tables made without the code."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr import schema
from dsr.bonds import Bond, PlanContext
from dsr.errors import PermanentError
from dsr.register import Register
from dsr.source import Dataset
from dsr.steps.assess import Verdict, bonds_of, corrections_of, last_day, plan_rows
from dsr.vocabulary import EFFECTS
from extractors import SOURCES

DATASETS = {d.name: d for source in SOURCES for d in source.declaration.datasets}
REGISTER = Register.load()
DAY = date(2026, 11, 22)
REQUIRED = "gdpr:JustificationA17LegallyRequired"
CLAIMS = "gdpr:JustificationA17LegalClaims"
HOLD = Bond(CLAIMS, date(2027, 6, 30), "hold.legal")
Row = dict[str, Any]


def planned(name: str, *records: Row, right: str = "erasure", way: str = "", **context: Any) -> list[tuple[Any, ...]]:
    """(effect, ground, until, reason) of each record; their ids count from 0."""
    dataset = DATASETS[name]
    if way:
        dataset = Dataset(**{**vars(dataset), "erasure": way})
    batch = schema.batch(name, [(str(number), record) for number, record in enumerate(records)])
    activity = REGISTER.activity(dataset.processing)
    found = plan_rows(dataset, batch, activity, right=right, context=PlanContext(**{"day": DAY, **context}))
    assert found.num_rows == len(records)
    return [tuple(row.values()) for row in found.to_pylist()]


def invoice(end: str | None, issued: str | None = "2025-02-03", booked: str | None = None) -> Row:
    return {"invoice_id": 1, "fiscal_year_end": end, "issued_at": issued, "booked_at": booked}


@pytest.mark.parametrize(
    ("end", "kept_until"),
    [
        ("2025-01-31", "2032-12-31"),
        ("2025-06-30", "2032-12-31"),
        ("2025-12-31", "2032-12-31"),
        ("2026-06-30", "2033-12-31"),
        ("2024-02-29", "2031-12-31"),
        ("2019-12-31", "2026-12-31"),
        ("2019-01-01", "2026-12-31"),
    ],
)
def test_accounts_are_kept_to_the_end_of_the_seventh_year(end: str, kept_until: str) -> None:
    """Bookkeeping Act 7:2, on an issued invoice."""
    assert planned("invoicing_invoice", invoice(end)) == [("restrict", REQUIRED, kept_until, "retention.duty")]


@pytest.mark.parametrize(
    ("issued", "booked", "effect"),
    [
        (None, None, "erase"),
        ("", "", "erase"),
        ("2025-02-03", None, "restrict"),
        (None, "2025-02-03T10:00:00Z", "restrict"),
    ],
)
def test_a_draft_is_no_account(issued: str | None, booked: str | None, effect: str) -> None:
    assert planned("invoicing_invoice", invoice("2025-12-31", issued, booked))[0][0] == effect


@pytest.mark.parametrize("end", [None, "", "soon", "9999-12-31", "2025-13-01"])
def test_accounts_of_which_nobody_can_say_until_when_are_kept(end: str | None) -> None:
    assert planned("invoicing_invoice", invoice(end)) == [("restrict", REQUIRED, None, "retention.undated")]


@pytest.mark.parametrize(("day", "effect"), [("2032-12-31", "restrict"), ("2033-01-01", "erase")])
def test_the_day_after_the_duty_ends_it_is_erased(day: str, effect: str) -> None:
    assert planned("invoicing_invoice", invoice("2025-12-31"), day=date.fromisoformat(day))[0][0] == effect


PARTS = ("invoicing_invoice_line", "invoicing_payment", "invoicing_reminder", "invoicing_document")
KEYS = {name: next(iter(schema.load(name)["properties"])) for name in PARTS}


@pytest.mark.parametrize("name", PARTS)
def test_what_belongs_to_an_invoice_goes_with_it(name: str) -> None:
    """Kept with a kept one, erased with a draft, kept when the invoice was not read, erased when it is of none."""
    duty = Bond(REQUIRED, date(2032, 12, 31), "retention.duty")
    parents = {"invoicing_invoice": {"1": duty, "2": None, "4": HOLD}}
    rows = [{KEYS[name]: n, "invoice_id": n} for n in (1, 2, 3, 4)] + [{KEYS[name]: 5, "invoice_id": None}]
    assert planned(name, *rows, parents=parents) == [
        ("restrict", REQUIRED, "2032-12-31", "retention.duty"),
        ("erase", "gdpr:A17", None, ""),
        ("restrict", REQUIRED, None, "retention.parent_absent"),
        ("restrict", CLAIMS, "2027-06-30", "hold.legal"),
        ("erase", "gdpr:A17", None, ""),
    ]


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("invoicing_contact", "anonymise"),
        ("invoicing_customer", "anonymise"),
        ("invoicing_address", "erase"),
        ("invoicing_bank_account", "erase"),
        ("invoicing_email_dispatch", "erase"),
        ("salesforce_contact", "erase"),
        ("salesforce_contact_history", "expire"),
        ("salesforce_account", "manual"),
        ("pardot_prospect", "erase"),
        ("call_record", "erase"),
    ],
)
def test_register_data_is_not_kept_by_a_duty_on_accounts(name: str, effect: str) -> None:
    """The way that a dataset declares, though its row of the register also holds a duty."""
    assert [row[0] for row in planned(name, {})] == [effect]


def test_a_private_customers_account_is_their_own() -> None:
    """An organisation's account is everybody's who works there; a private customer's is theirs alone, unless held."""
    private, organisation, unknown = {"IsPersonAccount": True}, {"IsPersonAccount": False}, {"IsPersonAccount": None}
    got = planned("salesforce_account", private, organisation, unknown, {})
    assert [row[0] for row in got] == ["erase", "manual", "manual", "manual"]
    assert [row[0] for row in planned("salesforce_account", private, hold=HOLD)] == ["restrict"]


@pytest.mark.parametrize("way", ["delete", "anonymise", "expire", "manual"])
@pytest.mark.parametrize("name", ["invoicing_invoice", "salesforce_contact"])
def test_a_legal_hold_wins_over_all(name: str, way: str) -> None:
    """On the person, or on the one record."""
    kept = ("restrict", CLAIMS, "2027-06-30", "hold.legal")
    assert planned(name, invoice("2025-12-31"), way=way, hold=HOLD) == [kept]
    first, second = planned(name, invoice("2025-12-31"), invoice("2025-12-31"), way=way, held={"0": HOLD})
    assert first == kept
    assert second != kept


@pytest.mark.parametrize(
    ("ground", "term"),
    [
        ("not_needed", "gdpr:JustificationA17NonNecessity"),
        ("consent_withdrawn", "gdpr:JustificationA17NoLegalBasis"),
        ("objection", "gdpr:JustificationA17ObjectA21"),
        ("unlawful", "gdpr:JustificationA17UnlawfulProcessing"),
        ("legal_obligation", "gdpr:JustificationA17LegalErasure"),
        ("child", "gdpr:JustificationA17ChildData"),
        ("", "gdpr:A17"),
    ],
)
def test_why_it_is_erased(ground: str, term: str) -> None:
    assert planned("salesforce_contact", {}, ground=ground) == [("erase", term, None, "")]


@pytest.mark.parametrize(
    "name", ["invoicing_invoice", "salesforce_account", "salesforce_contact_history", "pardot_visit"]
)
@pytest.mark.parametrize(
    ("right", "ground", "term"),
    [
        ("restriction", "accuracy_contested", "just:ContestAccuracy"),
        ("restriction", "legal_claims", "just:LegalClaimImpaired"),
        ("restriction", "", "gdpr:A18"),
        ("objection", "direct_marketing", "just:Objection"),
        ("objection", "legitimate_interest", "just:Objection"),
        ("withdrawal", "", "gdpr:A7-3"),
    ],
)
@pytest.mark.parametrize("hold", [None, HOLD])
def test_restricting_reaches_everything(name: str, right: str, ground: str, term: str, hold: Bond | None) -> None:
    """A hold is no reason to go on using the data."""
    row = planned(name, invoice("2025-12-31"), right=right, ground=ground, hold=hold)
    assert row == [("restrict", term, None, "")]


def test_what_differs_is_rectified_and_the_rest_is_left() -> None:
    """An attribute of the person, in register data."""
    rows = [{"Email": "old@kvarn.example"}, {"Email": "new@kvarn.example"}, {}]
    assert planned("salesforce_contact", *rows, right="rectification", corrections={"email": "new@kvarn.example"}) == [
        ("rectify", "gdpr:A16", None, ""),
        ("keep", "just:NotRequiredJustification", None, "nothing.to_correct"),
        ("rectify", "gdpr:A16", None, ""),
    ]


def test_an_issued_invoice_is_not_rewritten() -> None:
    """Accounts stay; a draft that the source can't correct is for a person."""
    wish = {"invoicing_invoice": {"buyer_name": "Ny Firma"}}
    rows = [invoice("2025-12-31"), invoice("2025-12-31", None), invoice("2025-12-31") | {"buyer_name": "Ny Firma"}]
    assert planned("invoicing_invoice", *rows, right="rectification", corrections=wish) == [
        ("keep", "just:LegalObligationImpaired", "2032-12-31", "retention.duty"),
        ("manual", "gdpr:A16", None, "field.not_rectifiable"),
        ("keep", "just:NotRequiredJustification", None, "nothing.to_correct"),
    ]


def test_a_name_in_parts_is_for_a_person() -> None:
    """No field holds "name" alone, so no machine can say what goes where."""
    found = planned("invoicing_contact", {"given_name": "Åsa"}, right="rectification", corrections={"name": "Åsa Ek"})
    assert found[0][0] in ("keep", "manual")
    assert corrections_of(DATASETS["invoicing_contact"], {"name": "Åsa Ek"}) == {}


def test_a_held_record_is_not_rectified() -> None:
    wish = {"email": "new@kvarn.example"}
    found = planned("salesforce_contact", {"Email": "old@x.se"}, {"Email": "new@kvarn.example"},
                    right="rectification", corrections=wish, hold=HOLD)  # fmt: skip
    assert found[0] == ("keep", CLAIMS, "2027-06-30", "hold.legal")
    assert found[1][0] == "keep"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"salesforce_contact": {"Nonsense": "x"}}, "correction.field"),
        ({"salesforce_contact": {"Email": True}}, "correction.type"),
        ({"salesforce_contact": {"Email": 3}}, "correction.type"),
    ],
)
def test_corrections_that_fit_nothing(wish: Row, code: str) -> None:
    with pytest.raises(PermanentError, match=code):
        planned("salesforce_contact", {"Email": "a@b.se"}, right="rectification", corrections=wish)


@pytest.mark.parametrize("right", ["access", "portability", "oblivion"])
def test_other_rights_change_nothing(right: str) -> None:
    with pytest.raises(PermanentError, match=r"right\.no_plan"):
        planned("salesforce_contact", {}, right=right)


@pytest.mark.parametrize("effect", ["keep", "restrict"])
def test_keeping_without_a_ground_is_impossible(effect: str) -> None:
    with pytest.raises(PermanentError, match=r"plan\.no_ground"):
        Verdict(effect, "")
    with pytest.raises(PermanentError, match=r"plan\.no_ground"):
        Bond("", None, "hold.legal")
    with pytest.raises(PermanentError, match=r"plan\.effect"):
        Verdict("forget", REQUIRED)


def test_every_ground_is_a_term_of_the_register() -> None:
    from dsr.steps.assess import planning, planning_retention

    terms = {*planning._GROUNDS.values(), *planning._UNSTATED.values(), planning._NOT_REQUIRED, planning._ACCOUNTS}
    assert [
        term for term in sorted({*terms, planning_retention.LEGALLY_REQUIRED, CLAIMS}) if term not in REGISTER.terms
    ] == []


DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))


@given(DAYS)
def test_seven_years_after_the_year(end: date) -> None:
    """Whatever day the financial year ends on, leap days too."""
    assert last_day(end, "P7Y") == date(end.year + 7, 12, 31)


@given(DAYS, st.integers(0, 40), st.integers(0, 30))
def test_months_end_on_the_same_day_number_or_the_months_last(start: date, years: int, months: int) -> None:
    found = last_day(start, f"P{years}Y{months}M", "field")
    assert found is not None
    whole = start.year * 12 + start.month - 1 + years * 12 + months
    assert (found.year * 12 + found.month - 1) == whole
    assert found.day == start.day or (found.day < start.day and (found + timedelta(days=1)).day == 1)


@given(DAYS, st.integers(0, 500), st.integers(0, 5000))
def test_weeks_and_days_are_counted(start: date, weeks: int, days: int) -> None:
    assert last_day(start, f"P{weeks}W{days}D", "field") == start + timedelta(days=weeks * 7 + days)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2026-08-31", "P6M", "2027-02-28"),
        ("2026-11-30", "P1Y1M1D", "2027-12-31"),
    ],
)
def test_periods_by_hand(start: str, duration: str, end: str) -> None:
    assert last_day(date.fromisoformat(start), duration, "field") == date.fromisoformat(end)


@pytest.mark.parametrize("duration", ["", "P", "7Y", "PT1H", "P1.5Y", "P-1Y", "P9999999Y"])
def test_what_is_no_period_has_no_end(duration: str) -> None:
    assert last_day(date(2026, 1, 1), duration) is None


@given(
    name=st.sampled_from(sorted(DATASETS)),
    right=st.sampled_from(["erasure", "restriction", "objection", "withdrawal", "rectification"]),
    count=st.integers(0, 5),
    hold=st.sampled_from([None, HOLD]),
    held=st.sets(st.integers(0, 4)),
    day=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
)
def test_every_record_gets_exactly_one_effect(
    name: str, right: str, count: int, hold: Bond | None, held: set[int], day: date
) -> None:
    """With a ground when it is kept; never erased, anonymised or rewritten under a hold."""
    rows = [invoice("2025-12-31") | {"Email": "a@b.se"}] * count
    its = {str(n): HOLD for n in held}
    found = planned(name, *rows, right=right, hold=hold, held=its, day=day, corrections={"email": "new@x.se"})
    for number, (effect, ground, until, _) in enumerate(found):
        assert effect in EFFECTS
        assert ground or effect not in ("keep", "restrict")
        assert until is None or date.fromisoformat(until)
        if hold or number in held:
            assert effect not in ("erase", "anonymise", "rectify")


def test_a_time_counts_in_the_controllers_zone() -> None:
    """Half past eleven on New Year's Eve in UTC is next year in Stockholm."""
    from dsr.steps.assess.planning_retention import day_of

    stockholm = ZoneInfo("Europe/Stockholm")
    assert day_of("2025-12-31T23:30:00Z", stockholm) == date(2026, 1, 1)
    assert day_of("2025-12-31T23:30:00", stockholm) == date(2025, 12, 31)
    assert day_of("2025-12-31", stockholm) == date(2025, 12, 31)


def test_of_two_duties_the_longer_holds() -> None:
    """And a hold on the parent goes before a duty of the record's own."""
    from dataclasses import replace

    entry = next(r for r in REGISTER.activity("invoicing").retention if r.duty)
    longer = replace(entry, duration="P10Y", field="invoicing_invoice.issued_at", counted_from="field", when=())
    activity = replace(REGISTER.activity("invoicing"), retention=(entry, longer))
    batch = schema.batch("invoicing_invoice", [("1", invoice("2025-12-31")), ("2", invoice("2025-12-31", None))])
    found = bonds_of(DATASETS["invoicing_invoice"], batch, activity, PlanContext(DAY)).rows()
    assert [bond.until if bond else "erased" for bond in found] == [date(2035, 2, 3), None]
