"""How every call to another system ends when that goes wrong: what the tests expect, and what docs/reliability.md says.

done            within the same call: the client waits, signs in anew, or tries again by itself
again: <code>   TransientError; with `after <n> s`, as the other side asked
stop: <code>    PermanentError
a person: <code>  the step goes on with the others and puts down who has to be told by hand
"""

from collections.abc import Mapping
from typing import Final

TITLES: Final[Mapping[str, str]] = {
    "salesforce_read": "Salesforce, reading",
    "salesforce_change": "Salesforce, changing",
    "pardot_read": "Pardot, reading",
    "pardot_change": "Pardot, changing",
    "webinars_read": "Zoom, reading",
    "webinars_change": "Zoom, changing",
    "recordings_read": "call recordings (S3), reading",
    "recordings_change": "call recordings (S3), changing",
    "invoicing_read": "invoicing (PostgreSQL), reading",
    "invoicing_change": "invoicing (PostgreSQL), changing",
    "zendesk": "Zendesk",
    "jira": "Jira",
    "freshdesk": "Freshdesk",
    "standard_webhooks": "a ticket system by Standard Webhooks",
    "processor": "a recipient by OpenDSR",
    "mail": "the mail relay (SMTP)",
    "receiver": "another controller by tus",
    "bucket": "another controller's bucket (S3)",
    "store": "the case store (S3)",
    "texts": "the text gateway (the person tries again)",
    "airflow": "Airflow's REST API",
}
_SOURCES: Final = (
    "salesforce_read salesforce_change pardot_read pardot_change webinars_read webinars_change recordings_read "
    "recordings_change"
)
_TICKETS: Final = "zendesk jira freshdesk standard_webhooks"
_JSON: Final = "salesforce_read salesforce_change pardot_read pardot_change webinars_read webinars_change"
_CRM: Final = "salesforce_read salesforce_change pardot_read pardot_change"
_CRM_READ: Final = "salesforce_read salesforce_change pardot_read"
_S3: Final = "recordings_read recordings_change"
_DATABASE: Final = "invoicing_read invoicing_change"

_OUTCOMES: Final[Mapping[str, Mapping[str, str]]] = {
    "refused": {
        "again: connection.failed": f"{_SOURCES} {_DATABASE} {_TICKETS} processor mail receiver bucket airflow texts",
        "again: store.unavailable": "store",
    },
    "reset": {
        "again: body.invalid": f"{_JSON} {_TICKETS} processor receiver",
        "again: connection.failed": f"{_S3} {_DATABASE} mail bucket airflow texts",
        "done": "store",
    },
    "timeout": {
        "again: timeout": f"{_JSON} {_DATABASE} {_TICKETS} processor receiver",
        "again: connection.failed": f"{_S3} mail bucket airflow texts",
        "done": "store",
    },
    "busy": {
        "again: http.429": f"{_CRM} {_S3} processor receiver bucket airflow texts",
        "again: http.429 after 60 s": _TICKETS,
        "again: connection.failed": _DATABASE,
        "again: smtp.421": "mail",
        "done": "webinars_read webinars_change store",
    },
    "busy_seconds": {
        "again: http.429 after 17 s": f"{_SOURCES} {_TICKETS} processor receiver bucket",
        "again: http.429": "airflow texts",
        "done": "store",
    },
    "busy_date": {
        "again: http.429 after 90 s": f"{_SOURCES} {_TICKETS} processor receiver bucket",
        "again: http.429": "airflow texts",
        "done": "store",
    },
    "error": {
        "again: http.500": f"{_SOURCES} {_TICKETS} processor receiver bucket airflow texts",
        "again: database": _DATABASE,
        "again: smtp.451": "mail",
        "done": "store",
    },
    "down": {
        "again: http.503": f"{_SOURCES} {_TICKETS} processor receiver bucket airflow texts",
        "again: connection.failed": _DATABASE,
        "again: answer.invalid": "mail",
        "done": "store",
    },
    "half": {
        "again: body.invalid": "salesforce_read salesforce_change pardot_read webinars_read",
        "again: connection.failed": f"{_DATABASE} mail",
        "again: http.500": "recordings_change",
        "again: answer.invalid": "zendesk jira freshdesk airflow texts",
        "stop: transcript.unreadable": "recordings_read",
        "a person: signature.wrong": "processor",
        "done": "pardot_change webinars_change standard_webhooks receiver bucket store",
    },
    "shape": {
        "again: body.invalid": "salesforce_read salesforce_change pardot_read webinars_read",
        "again: http.500": "recordings_change bucket",
        "again: answer.invalid": "zendesk jira freshdesk mail airflow texts",
        "stop: table.missing": _DATABASE,
        "stop: answer.unexpected": "webinars_change",
        "stop: offset.invalid": "receiver",
        "again: connection.failed": "recordings_read",
        "again: answer.unexpected": "pardot_change",
        "a person: receipt.invalid": "processor",
        "done": "store",
    },
    "empty": {
        "again: body.invalid": "salesforce_read salesforce_change pardot_read webinars_read",
        "again: connection.failed": f"{_S3} bucket",
        "again: store.unavailable": "store",
        "again: answer.unexpected": "pardot_change webinars_change",
        "again: answer.invalid": "zendesk jira freshdesk airflow texts",
        "stop: offset.invalid": "receiver",
        "a person: receipt.invalid": "processor",
    },
    "drip": {
        "again: timeout": f"{_CRM_READ} webinars_read zendesk jira freshdesk processor",
        "done": f"pardot_change webinars_change {_S3} {_DATABASE} standard_webhooks mail receiver bucket store airflow "
        "texts",
    },
    "token": {
        "stop: http.401": f"salesforce_read pardot_read {_S3} receiver bucket texts",
        "stop: credentials.refused": _DATABASE,
        "again: http.401": _TICKETS,
        "a person: http.401": "processor",
        "a person: smtp.535": "mail",
        "again: store.unavailable": "store",
        "done": "salesforce_change pardot_change webinars_read webinars_change airflow",
    },
    "skew": {
        "again: http.429 after 0 s": "salesforce_read salesforce_change processor receiver",
        "again: http.429": f"pardot_read pardot_change {_TICKETS} airflow texts",
        "again: clock.skewed": f"{_S3} bucket",
        "done": "webinars_read webinars_change store",
    },
    "lost": {
        "again: body.invalid": f"{_JSON} {_TICKETS} processor receiver",
        "again: connection.failed": f"{_S3} invoicing_change mail bucket airflow texts",
        "again: store.unavailable": "store",
    },
}
"""What goes wrong → outcome → for whom."""

EXPECTED: Final[Mapping[tuple[str, str], str]] = {
    (key, wrong): outcome
    for wrong, outcomes in _OUTCOMES.items()
    for outcome, keys in outcomes.items()
    for key in keys.split()
}
NOT_THERE: Final[Mapping[str, tuple[tuple[tuple[str, ...], str], ...]]] = {
    "busy_seconds": ((("invoicing_read", "invoicing_change", "mail"), "the protocol has no word for a time to wait"),),
    "busy_date": ((("invoicing_read", "invoicing_change", "mail"), "the protocol has no word for a time to wait"),),
    "shape": ((("standard_webhooks",), "its answers have no form: the status is all"),),
    "empty": (
        (("invoicing_read", "invoicing_change", "mail"), "the connection would have ended"),
        (("standard_webhooks",), "its answers have no form: the status is all"),
    ),
    "skew": ((("invoicing_read", "invoicing_change", "mail"), "nothing in it depends on a clock"),),
    "lost": ((("invoicing_read",), "reading does nothing that could be lost"),),
}
"""What goes wrong → for whom it can't, and why."""
SAMPLE: Final = frozenset(
    (
        ("pardot_read", "busy_date"),
        ("salesforce_read", "shape"),
        ("webinars_change", "lost"),
        ("zendesk", "lost"),
        ("standard_webhooks", "down"),
        ("receiver", "reset"),
        ("mail", "half"),
        ("airflow", "shape"),
    )
)
"""Cells that are tried each time; the others are in a soak."""
ELSEWHERE: Final = (
    ("The disk is full", "`store.unavailable`, tried again; what was there stays, no part is left",
     "tests/faults/test_storage_faults.py::test_a_disk_without_room"),
    ("The store goes away during the upload of a package, or at its very end",
     "`store.unavailable`, tried again; the package of before stays until the new one is whole",
     "tests/faults/test_storage_faults.py::test_the_store_goes_away_while_a_package_is_uploaded"),
    ("A system fails for good", "the run waits for a person, who is shown which and why; nothing thinner is sent",
     "tests/airflow/test_faults.py::test_source_that_fails_for_good_waits_for_a_person_and_is_named"),
    ("`kill -9` of the process that works on a task, or of its worker", "another goes on; all ends as it would have",
     "tests/airflow/test_faults.py::test_killed_while_reading_ends_right_and_nothing_is_doubled"),
    ("`kill -9` at random moments of every right's way", "another process goes on; all ends as it would have",
     "tests/way/test_killed.py::test_all_ends_as_if_nobody_was_killed"),
    ("Killed after any single call that changes a system", "the next attempt comes to the same end",
     "tests/acting_conformance.py::test_killed_after_any_call"),
    ("Killed at any moment while an erasure list is carried out", "another process goes on; all ends as it must",
     "tests/way/test_erasure_list.py::test_killed_at_any_moment_it_goes_on"),
    ("Killed while more time is given to a request", "another goes on; the person is told once",
     "tests/way/test_killed_beside.py::test_more_time_is_told_once"),
    ("Killed during the nights' upkeep", "the next goes on; the same is erased, indexed and ended",
     "tests/way/test_killed_beside.py::test_nights_erase_what_was_kept_and_index_what_is_new"),
    ("PostgreSQL is restarted while a system is being changed", "all ends as it would have",
     "tests/production/test_production_under_faults.py::test_postgresql_is_restarted"),
    ("PostgreSQL is killed while a system is being changed", "all ends as it would have",
     "tests/production/test_production_under_faults.py::test_postgresql_is_killed"),
    ("The API server, the portal, the DAG processor, the triggerer or the store is killed", "all ends as it would have",
     "tests/production/test_production_under_faults.py::test_a_process_is_killed_and_comes_back"),
    ("Redis is killed and has kept nothing", "all ends as it would have",
     "tests/production/test_production_under_faults.py::test_redis_is_killed_and_has_kept_nothing"),
    ("A worker is killed for good while it changes a system", "another takes its task; all ends as it would have",
     "tests/production/test_production_under_faults.py::test_a_worker_is_killed_and_another_takes_its_task"),
    ("A worker that was given up comes back", "it does nothing twice",
     "tests/production/test_production_under_faults.py::"
     "test_a_worker_that_was_given_up_comes_back_and_does_nothing_twice"),
    ("No worker is there for longer than Airflow waits", "what waited is done when one is back; one answer",
     "tests/production/test_production_under_faults.py::test_no_worker_is_there_for_longer_than_airflow_waits"),
    ("One of two schedulers is killed", "the other goes on; all ends as it would have",
     "tests/production/test_production_under_faults.py::test_one_of_two_schedulers_is_killed"),
    ("A ticket system is down for days", "answers wait in the outbox, then all are written in order, each once",
     "tests/tickets/test_outbox.py::test_down_for_days_then_all_in_order_and_once"),
    ("A processor's answer is lost", "it is asked again under the same id and knows the request",
     "tests/notices/test_notify.py::test_a_lost_answer_is_one_request_there"),
    ("An upload to another controller breaks off", "it goes on where it was",
     "tests/transmission/test_transmit.py::test_dropped_in_the_middle_then_resumed"),
    ("Airflow is away when a request comes in", "it is accepted, and started later",
     "tests/intake/test_webhook.py::test_accepted_while_airflow_is_away_and_started_later"),
    ("Airflow is back, and many requests wait", "they are started in the order of receipt, each once",
     "tests/intake/test_pending.py::test_in_the_order_of_receipt_and_once"),
    ("What starts the requests that wait is killed, or runs twice at once", "the same",
     "tests/intake/test_pending.py::test_killed_in_between_it_goes_on_where_it_stopped"),
    ("The store fails when a request comes in", "503; the ticket system sends it again, and it is taken once",
     "tests/intake/test_webhook.py::test_a_store_that_fails_once_loses_nothing"),
    ("The ledger's database is away", "tried again",
     "tests/storage/test_ledger.py::test_a_database_out_of_reach_is_transient"),
    ("A leap day, the hours that change, holidays between receipt and deadline",
     "the deadline is that of a second implementation, for any moment",
     "tests/intake/test_deadlines.py::test_against_a_second_implementation"),
    ("A leap day between a record and the end of its storage period", "the last day of the month counts",
     "tests/law/test_plan.py::test_periods_by_hand"),
    ("A system answers without end, or nested without end", "`body.too_large`, `body.invalid`; memory stays flat",
     "tests/faults/test_hostile_systems.py::test_an_endless_answer"),
    ("A system's small answer unpacks to a large one", "`body.too_large`, `body.coding`; memory stays flat",
     "tests/faults/test_packed_answers.py::test_a_small_answer_that_unpacks_to_a_large_one"),
    ("A system redirects to where clouds keep credentials", "it is not followed",
     "tests/faults/test_hostile_systems.py::test_a_redirect_to_where_clouds_keep_credentials"),
    ("A list of a system leads in circles", "`pages.endless`, tried again",
     "tests/faults/test_hostile_systems.py::test_a_list_that_leads_in_circles"),
)  # fmt: skip
"""(what goes wrong, what happens, the test that shows it)."""
