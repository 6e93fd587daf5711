"""An interface tried out by schemathesis from its OpenAPI document: what must never come of anything that is sent."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import BaseRoute, Route

Json = dict[str, Any]
Prepare = Callable[[requests.PreparedRequest], None]
"""Makes a request one that is let in: signs it, signs in."""

_CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_SHORTEST: Final = 12
"""Characters of a text that can't be in an answer by chance."""


def tried(document: Mapping[str, Any], url: str, prepare: Prepare, examples: int, own: tuple[str, ...] = ()) -> int:
    """Sends that many requests to each operation, some as the document has them and some not, some prepared and some
    not; how many were sent. Fails on a 500, on anything that the document doesn't name, and when a text that was sent
    comes back. `own`: parts of paths whose answers may say what was sent."""
    sent = 0
    schema = schemathesis.openapi.from_dict(dict(document))
    for result in schema.get_all_operations():
        operation = result.ok()
        modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
        cases = modes.flatmap(operation.as_strategy)

        @given(case=cases, prepared=st.booleans())
        @settings(
            max_examples=examples,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        def one(case: Any, prepared: bool) -> None:
            nonlocal sent
            request = requests.Request(**_plain(case.as_transport_kwargs(base_url=url))).prepare()
            if prepared:
                prepare(request)
            with requests.Session() as session:
                session.trust_env = False
                response = session.send(request, timeout=30, allow_redirects=False)
            sent += 1
            case.validate_response(response, checks=_CHECKS)
            if not any(part in case.path for part in own):
                echoed = [text for text in _texts(case.body) if text in response.text]
                assert not echoed, (case.path, echoed)

        one()
    return sent


def _plain(kwargs: Mapping[str, Any]) -> Json:
    """Without what belongs to the session."""
    known = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    return {name: kwargs[name] for name in known if name in kwargs}


def _texts(value: Any) -> Iterator[str]:
    """Long texts among the values that were sent, names of fields not."""
    if isinstance(value, str) and len(value.strip()) >= _SHORTEST:
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def pages(routes: list[BaseRoute], statuses: tuple[int, ...], fields: tuple[str, ...]) -> Json:
    """The document of pages for people, who need none: every route with any path, any query and any form. `statuses`
    they may answer with; `fields` that their forms have."""
    text: Json = {"type": "string"}
    answers = {str(status): {"description": "a page, a file, or nothing"} for status in statuses}
    form = {"type": "object", "properties": dict.fromkeys(fields, text), "additionalProperties": text}
    paths: Json = {}
    for route in routes:
        assert isinstance(route, Route)
        named = [{"in": "path", "name": n, "required": True, "schema": text} for n in route.param_convertors]
        asked = [{"in": "query", "name": n, "schema": text} for n in ("lang", "q", *fields[:3])]
        for method in sorted((route.methods or set()) - {"HEAD"}):
            body = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": form}}}}
            operation = {"parameters": [*named, *asked], "responses": answers, **(body if method == "POST" else {})}
            paths.setdefault(route.path_format, {})[method.lower()] = operation
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "paths": paths}
