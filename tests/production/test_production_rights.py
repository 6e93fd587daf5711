"""The whole way for every right, in the production shape: the promises that `tests/airflow` shows on one machine's
LocalExecutor, kept by Celery workers, PostgreSQL, Redis and an S3 store behind a proxy as well."""

import secrets
from typing import Final

import httpx
import pytest
from observed import Observed
from test_acting_ways import (
    test_a_rectification_reads_as_asked_for_wherever_the_field_is,
    test_a_restriction_is_lifted_on_the_day_that_was_announced_and_not_before,
    test_an_erasure_says_what_is_kept_why_and_until_when,
    test_an_objection_is_upheld_or_refused_after_it_was_restricted_at_once,
    test_an_objection_to_marketing_and_a_withdrawal_wait_for_nobody,
    test_every_run_ends_well_and_its_working_data_is_gone,
    test_killed_in_three_tasks_it_ends_as_if_it_had_not_been,
    test_nobody_elses_record_is_touched,
    test_recipients_are_told_once_with_a_receipt_and_followed_to_the_end,
    test_what_the_vendor_deletes_later_is_asked_for_until_it_is_gone,
)
from test_taking_along import test_the_subset_goes_to_the_person_and_to_the_other_controller
from test_whole_way import (
    test_link_without_its_code_gives_nothing,
    test_package_holds_everything_and_nobody_else,
)

__all__ = [
    "test_a_rectification_reads_as_asked_for_wherever_the_field_is",
    "test_a_restriction_is_lifted_on_the_day_that_was_announced_and_not_before",
    "test_an_erasure_says_what_is_kept_why_and_until_when",
    "test_an_objection_is_upheld_or_refused_after_it_was_restricted_at_once",
    "test_an_objection_to_marketing_and_a_withdrawal_wait_for_nobody",
    "test_every_run_ends_well_and_its_working_data_is_gone",
    "test_killed_in_three_tasks_it_ends_as_if_it_had_not_been",
    "test_link_without_its_code_gives_nothing",
    "test_nobody_elses_record_is_touched",
    "test_package_holds_everything_and_nobody_else",
    "test_recipients_are_told_once_with_a_receipt_and_followed_to_the_end",
    "test_the_subset_goes_to_the_person_and_to_the_other_controller",
    "test_what_the_vendor_deletes_later_is_asked_for_until_it_is_gone",
]

pytestmark = [pytest.mark.production, pytest.mark.timeout(1800)]

_ATTEMPTS: Final = 30
"""That one address has (DSR_ADDRESS_ATTEMPTS)."""


def test_wrong_codes_are_counted_by_where_they_come_from_whatever_is_claimed(stack: Observed) -> None:
    """Through the proxy, which says who comes; a package was delivered by now."""
    delivered = [event.request_id for event in stack.events() if event.kind == "delivered"][-1]
    link, code = stack.requester.link_and_code(delivered)

    def entered(address: str, link: str) -> int:
        transport = httpx.HTTPTransport(local_address=address, verify=stack.running.trust)
        claimed = {"X-Forwarded-For": f"192.0.2.{secrets.randbelow(255)}", "X-Forwarded-Proto": "http"}
        with httpx.Client(base_url=stack.running.portal_url, transport=transport, headers=claimed) as visitor:
            return visitor.post("/package", data={"link": link, "code": code}).status_code

    guessed = f"{stack.running.portal_url}/#{secrets.token_urlsafe(32)}"
    assert {entered("127.0.0.2", guessed) for _ in range(_ATTEMPTS)} == {403}
    assert entered("127.0.0.2", link) == 403
    assert entered("127.0.0.3", link) == 303
