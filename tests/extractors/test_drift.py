"""What the systems hold that nobody has declared, seen through the wire; and what asking for it costs."""

from running_sandbox import Sandbox

from extractors.pardot import Pardot
from extractors.recordings import Recordings
from extractors.salesforce import Salesforce
from extractors.webinars import Webinars


def test_salesforce(sandbox: Sandbox) -> None:
    """The org's own fields and objects that lead to a person, and what is left of the day's calls; not the vendor's."""
    looked = Salesforce.connect(sandbox.connection("dsr_salesforce")).check()
    assert {"Contact.Shoe_Size__c", "Lead.Campaign_Note__c", "Certificate__c"} <= set(looked.undeclared)
    assert all(name.endswith("__c") for name in looked.undeclared)
    assert looked.calls_a_day is not None
    assert looked.calls_left is not None
    assert 0 < looked.calls_left < looked.calls_a_day
    connection = sandbox.connection("dsr_salesforce")
    known = {**connection.extra, "more_objects": ["Certificate__c"]}
    again = Salesforce.connect(sandbox.connection("dsr_salesforce", extra=known)).check()
    assert set(looked.undeclared) - set(again.undeclared) == {"Certificate__c"}


def test_pardot(sandbox: Sandbox) -> None:
    """Custom fields of prospects, and what is left of the day's calls."""
    looked = Pardot.connect(sandbox.connection("dsr_pardot")).check()
    assert "prospect.budgetBand__c" in looked.undeclared
    assert looked.calls_a_day == 100_000
    assert looked.calls_left is not None
    assert 0 < looked.calls_left < looked.calls_a_day
    assert len(sandbox.calls("pardot")) == 2


def test_systems_that_describe_nothing(sandbox: Sandbox) -> None:
    """One call, and nothing to compare."""
    for kind, name in ((Webinars, "webinars"), (Recordings, "recordings")):
        assert kind.connect(sandbox.connection(f"dsr_{name}")).check().undeclared == ()
        assert len(sandbox.calls(name)) == 1
