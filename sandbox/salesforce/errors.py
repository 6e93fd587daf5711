"""The vendor's way to say no: a status and a list of `{message, errorCode, fields?}`."""

from collections.abc import Sequence
from typing import Any


class VendorError(Exception):
    """Ends a request with the vendor's error body."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.fields = status, code, message, fields

    def body(self) -> list[dict[str, Any]]:
        """As a response of its own shows it."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def in_collection(self) -> dict[str, Any]:
        """As one entry of a Collections answer shows it, where the names differ."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {"success": False, "errors": [error]}


def malformed(message: str) -> VendorError:
    """400 MALFORMED_QUERY."""
    return VendorError(400, "MALFORMED_QUERY", message)


def invalid_field(message: str) -> VendorError:
    """400 INVALID_FIELD."""
    return VendorError(400, "INVALID_FIELD", message)


def not_found() -> VendorError:
    """404 NOT_FOUND, as for any path that leads nowhere."""
    return VendorError(404, "NOT_FOUND", "The requested resource does not exist")
