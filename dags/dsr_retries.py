"""When a task is tried again: what is permanent never, what asks for a pause after it, everything else with backoff.

DSR_TASK_RETRIES (4)  DSR_TASK_RETRY_SECONDS (30, doubled each time)  DSR_DELIVERY_RETRIES (100)
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from airflow.sdk import get_current_context
from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

from dsr.errors import PermanentError, TransientError


class HonourRetryAfter(RetryPolicy):
    """Permanent errors fail at once; where the other side said how long to wait, that long it is; else backoff."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """Evaluated in the task's process with the error itself."""
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(exception.code)
        if isinstance(exception, TransientError) and exception.retry_after is not None:
            return RetryDecision.retry(exception.retry_after, exception.code)
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """It has no settings."""
        return {"__type": type(self).__name__}


DEFAULT_ARGS: Final[Mapping[str, Any]] = {
    "retries": int(os.environ.get("DSR_TASK_RETRIES", "4")),
    "retry_delay": timedelta(seconds=float(os.environ.get("DSR_TASK_RETRY_SECONDS", "30"))),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(hours=1),
    "retry_policy": HonourRetryAfter(),
    "execution_timeout": timedelta(hours=6),
}


REQUESTS_AT_ONCE: Final = 1_000_000
"""Runs of a DAG that Airflow lets go on at the same time: all of them. Nearly all wait for a person and hold nothing;
one above the number would not begin until another has ended, which may take weeks."""
DELIVERY_RETRIES: Final = int(os.environ.get("DSR_DELIVERY_RETRIES", "100"))
"""A mail server may be down for days: with the longest delay of an hour, four of them."""

LIST_RETRIES: Final = 5000
"""A list waits for what a vendor allows a day, an hour each time, for weeks; and for vendors as `ENFORCE_RETRIES`."""
ENFORCE_RETRIES: Final = 400
"""A vendor may need weeks: with six hours between, more than three months."""
ENFORCE_AGAIN: Final = timedelta(seconds=float(os.environ.get("DSR_ENFORCE_AGAIN_SECONDS", "21600")))
"""How long to wait before a vendor is asked again whether it has done what it put off."""


def is_last_try() -> bool:
    """Whether there is no retry left for this task instance."""
    instance = get_current_context()["ti"]
    return bool(instance.try_number > instance.max_tries)
