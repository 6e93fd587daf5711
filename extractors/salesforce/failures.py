"""What Salesforce's and requests' errors mean. Their own texts hold the query, so the person: none leaves here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import requests
from simple_salesforce.exceptions import SalesforceError

from dsr.errors import DsrError, PermanentError, TransientError
from extractors.http import raise_for_status, retry_after

PLACE: Final = "salesforce"
LIMIT_WAIT: Final = timedelta(minutes=15)
"""The daily limit counts the last 24 hours, so calls come free again little by little; no header says when."""

USED_UP: Final = "rate_limited"
"""The code when none of the day's calls is left."""
_AGAIN: Final = {
    "REQUEST_LIMIT_EXCEEDED": USED_UP,
    "UNABLE_TO_LOCK_ROW": "row_locked",
    "SERVER_UNAVAILABLE": "server_unavailable",
    "QUERY_TIMEOUT": "query_timeout",
    "INVALID_QUERY_LOCATOR": "query_locator_expired",
    "UNKNOWN_EXCEPTION": "server_error",
}
"""Error codes that pass, whatever their status."""
_CODES: Final = {
    "MALFORMED_QUERY": "malformed_query",
    "INVALID_FIELD": "invalid_field",
    "INVALID_TYPE": "invalid_type",
    "INVALID_SESSION_ID": "invalid_session",
    "ENTITY_IS_DELETED": "entity_is_deleted",
    "API_DISABLED_FOR_ORG": "api_disabled",
    "API_CURRENTLY_DISABLED": "api_disabled",
    "INSUFFICIENT_ACCESS": "insufficient_access",
    "QUERY_TOO_COMPLICATED": "query_too_complicated",
    "FEATURENOTENABLED": "feature_not_enabled",
    "INVALIDENTITY": "entity_not_supported",
    "invalid_grant": "signin.invalid_grant",
    "invalid_client": "signin.invalid_client",
    "invalid_client_id": "signin.invalid_client_id",
    "unsupported_grant_type": "signin.unsupported_grant_type",
    "unauthorized_client": "signin.unauthorized_client",
}
"""Error codes that say more than the status; others are not shown, since nothing of a body is trusted."""


def error_code(body: Any) -> str:
    """The vendor's error code in a body: `[{"errorCode"}]` of the REST API or `{"error"}` of sign-in; "" for none."""
    first = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, Mapping):
        return ""
    return str(first.get("errorCode") or first.get("error") or "")


def check(status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Raise what an answer that isn't 2xx means; see `_AGAIN` and, for all else, `extractors.http`."""
    vendor = error_code(body)
    if status >= 300 and vendor in _AGAIN:
        wait = LIMIT_WAIT if vendor == "REQUEST_LIMIT_EXCEEDED" else retry_after(headers or {}, datetime.now(UTC))
        raise TransientError(_AGAIN[vendor], PLACE, wait)
    raise_for_status(PLACE, status, headers or {}, b"", _CODES.get(vendor))


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the client libraries become ours, without theirs as cause."""
    try:
        yield
    except SalesforceError as error:
        raise _refused(error) from None
    except requests.RequestException as error:
        raise _broken(error) from None
    except RecursionError:  # of a JSON that is nested too deeply
        raise TransientError("body.invalid", PLACE) from None


def _refused(error: SalesforceError) -> DsrError:
    try:
        check(error.status, error.content)
    except DsrError as meaning:
        return meaning
    return TransientError("answer.unexpected", PLACE)


def _broken(error: requests.RequestException) -> DsrError:
    if isinstance(error, requests.Timeout):
        return TransientError("timeout", PLACE)
    if isinstance(error, requests.TooManyRedirects):
        return PermanentError("redirect.refused", PLACE)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return PermanentError("connection.host", PLACE)
    if isinstance(error, requests.exceptions.JSONDecodeError | requests.exceptions.ChunkedEncodingError):
        return TransientError("body.invalid", PLACE)
    return TransientError("connection.failed", PLACE)
