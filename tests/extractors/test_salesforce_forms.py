"""SOQL texts and normal forms of the Salesforce extractor, for any input; the sandbox's parser is the judge."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dsr.model import Identifier
from extractors.salesforce.finding import Finder
from extractors.salesforce.layout import Layout
from extractors.salesforce.soql import MAX_CHARACTERS, Term, statements
from extractors.salesforce.values import email, full_id, moment, phone
from sandbox.salesforce.soql import Condition, parse


def test_long_lists_are_cut_into_several_statements() -> None:
    """None above the vendor's limit, no value lost."""
    terms = [Term("Email", f"{n:06d}@{'x' * 100}.example") for n in range(3000)]
    texts = list(statements("Contact", ["Id"], terms))
    assert len(texts) > 3
    assert all(len(t) <= MAX_CHARACTERS for t in texts)
    conditions = [parse(t).where for t in texts]
    found = [v for c in conditions if isinstance(c, Condition) for v in c.value]
    assert sorted(found) == sorted(t.value for t in terms)
    assert list(statements("Contact", ["Id"], [])) == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4, unique=True))
@hypothesis_settings(max_examples=200)
def test_no_value_leaves_its_literal(values: list[str]) -> None:
    """Whatever is looked for, the statement has one condition with just these values."""
    (text,) = statements("Lead", ["Id"], [Term("Email", v) for v in values])
    assert parse(text).where == Condition(("Email",), "IN", values)


@given(st.text())
@hypothesis_settings(max_examples=300)
def test_normal_forms_never_fail(text: str) -> None:
    """Any text: a normal form of a normal form is itself, and can be sent."""
    for form in (email, full_id, lambda t: phone(t, "SE")):
        value = form(text)
        assert form(value) == value
        assert value == value.encode().decode()
    assert isinstance(moment(text), str)


def test_times_are_rfc_3339() -> None:
    """The vendor's form and others."""
    assert moment("2024-01-02T03:04:05.000+0000") == "2024-01-02T03:04:05.000+00:00"
    assert moment("2024-01-02T03:04:05Z") == "2024-01-02T03:04:05Z"
    assert moment("soon") == "soon"


def test_fields_of_somebody_else_find_nobody() -> None:
    """Who stands as assistant in a colleague's record must not be taken for the colleague."""
    others = ("Assistant_Email__c", "Manager_Email__c", "EmergencyEmail__c", "Buddy_Email__c")
    names = ("Email", "Second_Email__c", *others)
    fields = {name: {"type": "email", "filter": True} for name in names}
    layout = Layout({"objects": {"Contact": fields}, "lookups": {}})
    finder = Finder(None, layout, "SE", ["Contact.Buddy_Email__c"])  # type: ignore[arg-type]
    question, *_ = finder._questions({Identifier("email", "asa@kvarn.example")})
    assert {term.field for term in question[2]} == {"Email", "Second_Email__c"}
    assert not set(others) & set(question[1])
