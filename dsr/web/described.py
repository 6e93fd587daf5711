"""The OpenAPI 3.1 document of the ways in for programs, served beside them as `/dsr/openapi.json`: for whoever connects
a ticket system, and for tools that try an interface out. It doesn't say which channels are switched on.
"""

from collections.abc import Mapping
from typing import Any, Final

from dsr import schema
from dsr.channels import CHANNELS
from dsr.channels.opendsr import NAME as OPENDSR

Json = dict[str, Any]

_VERSION: Final = "1"
"""Of the interface: a body that is taken today is taken by all later ones of this number."""

_SIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    "standard_webhooks": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "zendesk": (
        "x-zendesk-webhook-invocation-id",
        "x-zendesk-webhook-signature-timestamp",
        "x-zendesk-webhook-signature",
    ),
    "jira": ("x-atlassian-webhook-identifier", "x-hub-signature"),
    "freshdesk": ("x-dsr-secret",),
}
"""The headers by which a channel's calls are known to be authentic."""
_PROBLEMS: Final = {
    400: "No JSON",
    401: "Not authentic, or not in time",
    404: "No such channel",
    409: "This delivery came before with another body",
    413: "The body is too large",
    422: "The body doesn't fit; each fault is named by its place, without a value",
    503: "Not at the moment: send it again",
}
_OPENDSR_ERRORS: Final = {
    400: "No request of the standard, hashed identities, too late to cancel",
    401: "Not signed in",
    404: "No such request of that sender",
    409: "The same id with another body",
    413: "The body is too large",
    503: "Not at the moment: send it again",
}
_TEXT: Final[Json] = {"type": "string"}
_DATE: Final[Json] = {"type": "string", "format": "date"}


def _object(properties: Mapping[str, Json], **more: Any) -> Json:
    return {"type": "object", "required": sorted(properties), "properties": dict(properties), **more}


_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": _object({"pointer": _TEXT, "detail": _TEXT})},
    },
}
_ERROR: Final = _object(
    {
        "error": _object(
            {
                "code": {"type": "integer"},
                "message": _TEXT,
                "errors": {"type": "array", "items": _object({"domain": _TEXT, "reason": _TEXT, "message": _TEXT})},
            }
        )
    }
)
_ACCEPTED: Final = _object({"request_id": _TEXT, "due": _object({"target": _DATE, "legal_latest": _DATE})})
_STANDS: Final = {
    "controller_id": _TEXT,
    "expected_completion_time": {"type": "string", "format": "date-time"},
    "subject_request_id": _TEXT,
}


def document(*, opendsr: bool) -> Json:
    """The document. `opendsr`: whether that interface is there."""
    paths: Json = {f"/requests/{name}": {"post": _webhook(name)} for name in CHANNELS if name != OPENDSR}
    well = _json(_object({"ok": {"const": True}}))
    paths["/healthz"] = {"get": _operation("Whether this process answers", {200: well})}
    if opendsr:
        paths |= _opendsr()
    schemes: Json = {name: {"type": "apiKey", "in": "header", "name": headers[-1]} for name, headers in _SIGNED.items()}
    schemes["opendsr"] = {"type": "http", "scheme": "basic"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Data subject requests", "version": _VERSION, "description": __doc__},
        "servers": [{"url": "/dsr"}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }


def _webhook(name: str) -> Json:
    headers = [{"in": "header", "name": h, "schema": _TEXT} for h in _SIGNED[name][:-1]]
    answers = {202: _json(_ACCEPTED, "Taken; the same delivery again gets the same answer")}
    answers |= {status: _json(_PROBLEM, what, "application/problem+json") for status, what in _PROBLEMS.items()}
    return {
        **_operation(f"A ticket from {name}", answers),
        "parameters": headers,
        "security": [{name: []}],
        "requestBody": _body(f"ticket-{name}"),
    }


def _opendsr() -> Json:
    status = _json(_object({**_STANDS, "request_status": _TEXT, "api_version": _TEXT}))
    receipt = _json(_object({**_STANDS, "received_time": _TEXT, "encoded_request": _TEXT}))
    errors = {code: _json(_ERROR, what) for code, what in _OPENDSR_ERRORS.items()}
    one = [{"in": "path", "name": "id", "required": True, "schema": {"type": "string", "format": "uuid"}}]
    discovery = _json({"type": "object"})
    pem = {"description": "PEM", "content": {"application/x-pem-file": {"schema": _TEXT}}}
    create = {**_operation("A request", {201: receipt, **errors}), "requestBody": _body(f"ticket-{OPENDSR}")}
    signed_in: Json = {"security": [{"opendsr": []}]}
    return {
        "/opendsr/discovery": {"get": _operation("What is taken", {200: discovery, 503: errors[503]})},
        "/opendsr/certificate.pem": {"get": _operation("By what answers are signed", {200: pem})},
        "/opendsr/requests": {"post": {**create, **signed_in}},
        "/opendsr/requests/{id}": {
            "parameters": one,
            "get": {**_operation("Where a request stands", {200: status, **errors}), **signed_in},
            "delete": {**_operation("A request is taken back", {202: status, **errors}), **signed_in},
        },
    }


def _operation(summary: str, answers: Mapping[int, Json]) -> Json:
    return {"summary": summary, "responses": {str(status): answer for status, answer in answers.items()}}


def _json(of: Json, description: str = "As asked", media_type: str = "application/json") -> Json:
    return {"description": description, "content": {media_type: {"schema": of}}}


def _body(name: str) -> Json:
    # Without its own id and draft: within the document, which says what it is.
    own = {key: value for key, value in schema.load(name).items() if key not in ("$id", "$schema")}
    return {"required": True, "content": {"application/json": {"schema": own}}}
