"""The sandbox's SOQL: a real grammar, so that an extractor's mistake is an error here as it is at the vendor."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.query import Evaluator
from sandbox.salesforce.records import Records
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.soql import Condition, Junction, Pattern, parse
from sandbox.state import Store

SOME = "SELECT LastName FROM Contact WHERE {}"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANY_TEXT)
def test_quoted_text_comes_back_as_it_was(text: str) -> None:
    """Whatever simple-salesforce quotes is one literal, and the same text."""
    query = parse(format_soql("SELECT Id FROM Contact WHERE Email = {}", text))
    assert query.where == Condition(("Email",), "=", text)


@given(st.lists(ANY_TEXT, min_size=1, max_size=5))
def test_quoted_lists_come_back_as_they_were(texts: list[str]) -> None:
    """IN lists too."""
    assert parse(format_soql("SELECT Id FROM Contact WHERE Email IN {}", texts)).where == Condition(
        ("Email",), "IN", texts
    )


@given(ANY_TEXT)
def test_escaped_like_text_has_no_wildcards(text: str) -> None:
    """`{:like}` of simple-salesforce makes every % and _ an ordinary character."""
    where = parse(format_soql("SELECT Id FROM Contact WHERE Email LIKE '{:like}%'", text)).where
    assert where == Condition(("Email",), "LIKE", Pattern((*text, ...)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("TRUE", True), ("false", False), ("12", 12), ("-1.5", -1.5), ("2024-02-29", date(2024, 2, 29)),
        ("2024-02-29T10:00:00Z", datetime(2024, 2, 29, 10, tzinfo=UTC)),
        ("2024-02-29T10:00:00.000+0000", datetime(2024, 2, 29, 10, tzinfo=UTC)), (r"'\u00e5\\\'\"'", "å\\'\""),
    ],
)  # fmt: skip
def test_literals(text: str, value: object) -> None:
    """Each kind of value."""
    where = parse(SOME.format(f"Some__c = {text}")).where
    assert isinstance(where, Condition)
    assert where.value == value
    assert type(where.value) is type(value)


def test_parentheses_not_and_order() -> None:
    """The whole of a statement."""
    query = parse(
        "select Id, Account.Name from Order where not (A = 1 or B like 'x_\\%') and C not in ('a') "
        "order by Name desc nulls last, Id limit 5 offset 3"
    )
    assert isinstance(query.where, Junction)
    assert query.where.word == "AND"
    assert (query.source, query.limit, query.offset, len(query.order)) == ("Order", 5, 3, 2)
    assert query.order[0].descending
    assert query.order[0].nulls_last
    assert parse("SELECT COUNT() FROM Case").fields is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3",
        "SELECT Id FROM Contact WHERE A = 1 OR B = 2 AND C = 3",
        "SELECT Id FROM Contact WHERE Id IN ()",
        "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM Case)",
        "SELECT Id, (SELECT Id FROM Cases) FROM Contact",
        "SELECT Id FROM Contact WHERE CreatedDate = TODAY",
        "SELECT Id FROM Contact WHERE Email = 'a' b'",
        "SELECT Id FROM Contact WHERE Email = 'a\nb'",
        r"SELECT Id FROM Contact WHERE Email = 'a\qb'",
        r"SELECT Id FROM Contact WHERE Email = 'a\%b'",
        'SELECT Id FROM Contact WHERE Email = "a"',
        "SELECT Email, COUNT(Id) FROM Contact GROUP BY Email",
        "SELECT * FROM Contact",
        "SELECT Id FROM Contact; DELETE",
        "SELECT Id FROM Contact WHERE Birthdate = 2024-02-30",
        "SELECT Id FROM Contact WHERE Email = '" + "a" * 100_000 + "'",
        "",
    ],
)
def test_what_is_not_covered_is_an_error(text: str) -> None:
    """Never ignored, never answered with too much."""
    with pytest.raises(VendorError) as error:
        parse(text)
    assert (error.value.status, error.value.code) == (400, "MALFORMED_QUERY")


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """Three contacts, one of them deleted."""
    records = Records(Store(tmp_path_factory.mktemp("soql"), "salesforce"))
    kind, account = CATALOGUE["Contact"], CATALOGUE["Account"]
    home = records.create(account, {"Name": "Hus"})
    records.create(kind, {"LastName": "B", "Email": "B@x.example", "AccountId": home, "Birthdate": "1980-01-01"})
    records.create(kind, {"LastName": "a_c", "Email": "a@x.example", "DoNotCall": True, "Shoe_Size__c": 40})
    gone = records.create(kind, {"LastName": "Gone", "Description": "long"})
    records.delete(kind, gone)
    return Evaluator(records, "67.0", Settings())


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Email = 'b@X.example'", ["B"]),
        ("Email != 'b@x.example'", ["a_c"]),
        ("Email NOT IN ('a@x.example')", ["B"]),
        ("Account.Name = 'hus'", ["B"]),
        ("AccountId = null", ["a_c"]),
        ("LastName LIKE 'A%'", ["a_c"]),
        ("LastName LIKE 'a\\_c'", ["a_c"]),
        ("LastName LIKE '_'", ["B"]),
        ("Phone LIKE '%'", []),
        ("DoNotCall = false", ["B"]),
        ("Shoe_Size__c > 39.5", ["a_c"]),
        ("Birthdate < 1981-01-01", ["B"]),
        ("CreatedDate > 2020-01-01T00:00:00Z", ["B", "a_c"]),
        ("NOT (Email = 'a@x.example' OR LastName = 'x')", ["B"]),
    ],
)
def test_conditions(org: Evaluator, where: str, names: list[str]) -> None:
    """Text without case, null apart, relationships one level up."""
    rows = org.rows(parse(SOME.format(where)), include_deleted=False)
    assert [r["LastName"] for r in rows] == names


def test_order_limit_and_deleted_rows(org: Evaluator) -> None:
    """Nulls come first unless told otherwise; only queryAll shows what is in the bin."""
    rows = org.rows(parse("SELECT LastName, IsDeleted FROM Contact ORDER BY Email"), include_deleted=True)
    assert [(r["LastName"], r["IsDeleted"]) for r in rows] == [("Gone", True), ("a_c", False), ("B", False)]
    query = parse("SELECT LastName FROM Contact ORDER BY Email DESC NULLS LAST LIMIT 1 OFFSET 1")
    assert [r["LastName"] for r in org.rows(query, include_deleted=True)] == ["a_c"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM Kontakt", "INVALID_TYPE"),
        ("SELECT Hair FROM Contact", "INVALID_FIELD"),
        ("SELECT Boss.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Email = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE DoNotCall = 'true'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Birthdate = '1980-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM ContentDocumentLink", "MALFORMED_QUERY"),
        ("SELECT Id FROM ContentDocumentLink WHERE ShareType = 'V'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
    ],
)
def test_names_and_types_are_checked(org: Evaluator, text: str, code: str) -> None:
    """The vendor's codes."""
    with pytest.raises(VendorError) as error:
        org.rows(parse(text), include_deleted=False)
    assert error.value.code == code


def test_ids_of_15_and_18_characters_are_the_same(org: Evaluator) -> None:
    """The last three only repeat what the case of the first 15 says."""
    full = org.rows(parse("SELECT Id FROM Contact WHERE LastName = 'B'"), include_deleted=False)[0]["Id"]
    for text in (full, full[:15]):
        assert org.rows(parse(SOME.format(f"Id = '{text}'")), include_deleted=False)
    assert not org.rows(parse(SOME.format(f"Id = '{full[:15].swapcase()}'")), include_deleted=False)


def test_state_survives_a_restart(tmp_path: Path) -> None:
    """What was written is there again."""
    store = Store(tmp_path, "salesforce")
    record_id = Records(store).create(CATALOGUE["Contact"], {"LastName": "Kvar \u202e"})
    again = Records(Store(tmp_path, "salesforce")).get(CATALOGUE["Contact"], record_id)
    assert again["LastName"] == "Kvar \u202e"
    assert json.dumps(again)
