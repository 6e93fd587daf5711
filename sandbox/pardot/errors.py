"""Account Engagement's numbered errors: `{"code":49,"message":"Access Denied"}`, each with its HTTP status.

Numbers and meanings are the vendor's; where its documentation leaves the status open (181, 201, 219), 400 stands.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_ERRORS = {
    9: (400, "Duplicate record"),
    49: (401, "Access Denied"),
    61: (400, "Invalid request body"),
    66: (429, "You have exceeded your concurrent request limit. Please wait before trying again."),
    71: (400, "Input contains invalid or missing parameters"),
    108: (405, "The requested record is in use and can't be deleted"),
    109: (404, "Requested record was not found"),
    122: (429, "Daily API rate limit met."),
    132: (400, "The record has been archived or deleted"),
    181: (400, "Business Unit ID not found in headers. Please include Pardot-Business-Unit-Id"),
    184: (401, "Access token is invalid, unknown, or malformed"),
    192: (404, "Unknown API endpoint"),
    201: (400, "Business unit not found"),
    202: (429, "Your account has exceeded the API request limit for one minute."),
    209: (400, "Too many filters; at most 3 distinct fields may be filtered"),
    210: (400, "The page token is invalid"),
    211: (400, "The page token has expired"),
    219: (400, "The record has been deleted"),
}


class ApiError(Exception):
    """One of the vendor's errors. `detail` is added to the message, for example the name of a wrong parameter."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status, message = _ERRORS[code]
        self.message = f"{message}: {detail}" if detail else message


def respond(_: Request, error: Exception) -> Response:
    """Starlette's exception handler for ApiError."""
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse({"code": error.code, "message": error.message}, error.status)
