"""The errors of dsr: one root, two that matter.

    DsrError
    ├── TransientError   again later; whatever is not known to be permanent counts as this
    └── PermanentError   stop now: the same call can only fail again

A message is a code and a place (source or step), never a value: a person's data must not reach a log by way of
an exception. Raise across a client library with `from None`, since its own message may hold the query.
"""

from datetime import timedelta


class DsrError(Exception):
    """Root of all errors raised on purpose. `str()` is `place: code`.

    code   stable, lower case with dots or underscores: "rate_limited", "http.500", "table.missing"
    place  name of the source, channel or step it happened in; "" when there is none
    """

    def __init__(self, code: str, place: str = "") -> None:
        super().__init__(code, place)
        self.code = code
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.code}" if self.place else self.code


class TransientError(DsrError):
    """Worth another try. `retry_after` is how long the other side asked us to wait; None when it did not say."""

    def __init__(self, code: str, place: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(code, place)
        self.retry_after = retry_after


class PermanentError(DsrError):
    """Trying again can't help: revoked credentials, a missing table, a bad request, a tampered file."""
