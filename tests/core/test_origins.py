"""What stays behind when a person takes their data elsewhere, whatever the basis of the processing."""

from dataclasses import dataclass

import pytest

from dsr import schema
from dsr.register import Register
from dsr.steps.assess import portable
from extractors import SOURCES

DATASETS = {dataset.name: dataset for source in SOURCES for dataset in source.declaration.datasets}
OURS = (
    *("webinar_registration.join_url", "webinar_panelist.join_url", "webinar_question.answer"),
    *("webinar_question.answers", "salesforce_opportunity.Name", "pardot_opportunity.name", "salesforce_quote.Name"),
    *("salesforce_order.Name", "salesforce_consent.Name", "salesforce_contact_point_consent.Name"),
    *("pardot_email.textMessage", "pardot_email.htmlMessage", "invoicing_customer.payment_terms_days"),
    *("salesforce_task.Subject", "salesforce_event.Subject", "salesforce_case_comment.CommentBody"),
    *("salesforce_lead_history.OldValue", "salesforce_lead_history.NewValue", "salesforce_contact_history.OldValue"),
    *("salesforce_contact_history.NewValue", "call_record.Agent"),
)
"""Ways in that live on (whoever holds the link is taken for the person), and what the controller's staff wrote."""


@dataclass(frozen=True)
class Consent:
    """The widest basis there is."""

    automated: bool = True
    portable_basis: bool = True


def _portable(field: str) -> bool:
    dataset, _, name = field.partition(".")
    return name in portable(DATASETS[dataset], Consent()).fields


def _profiled() -> list[str]:
    activities = Register.load().activities.values()
    return [dimension.value for activity in activities for dimension in activity.profiling if dimension.value]


def test_no_conclusion_of_the_profiling_is_portable() -> None:
    """The register says for each how it is concluded: it is the controller's, not provided."""
    assert _profiled()
    assert [field for field in _profiled() if _portable(field)] == []


@pytest.mark.parametrize("field", OURS)
def test_what_is_ours_or_opens_a_door_is_not_portable(field: str) -> None:
    """Access keeps it: it is there, in the schema."""
    dataset, _, name = field.partition(".")
    assert name in schema.load(dataset)["properties"]
    assert not _portable(field)


def test_no_link_that_is_a_key_is_portable() -> None:
    """Zoom: whoever has a join_url takes part in the person's name."""
    links = [f"{name}.{field}" for name in DATASETS for field in schema.load(name)["properties"] if field == "join_url"]
    assert links
    assert not any(map(_portable, links))
