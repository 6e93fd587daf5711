"""Composite (up to 25 requests in one call, references between them) and Collections (up to 200 records)."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.salesforce.errors import VendorError
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.rest import RestApi
from sandbox.salesforce.table import full_id, type_of
from sandbox.salesforce.wire import Answer, Call

MAX_REQUESTS = 25
MAX_QUERIES = 5
MAX_COLLECTION = 200
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"(\w+)|\[(\d+)\]")
_ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


class Composite:
    """Adds its resources to a RestApi."""

    def __init__(self, api: RestApi) -> None:
        self._api = api
        api.routes += [
            ("POST", r"composite", self._composite),
            ("DELETE", r"composite/sobjects", self._delete_many),
            ("PATCH", r"composite/sobjects", self._change_many),
            ("POST", r"composite/sobjects", self._create_many),
        ]

    def _composite(self, call: Call, _: re.Match[str]) -> Answer:
        body = call.object_body()
        requests = body.get("compositeRequest")
        if call.inside or not isinstance(requests, list) or not requests:
            raise VendorError(400, "INVALID_INPUT", "compositeRequest is needed")
        if len(requests) > MAX_REQUESTS:
            raise VendorError(400, "LIMIT_EXCEEDED", f"A composite request takes at most {MAX_REQUESTS} subrequests.")
        heavy = [r for r in requests if re.search(r"/(query|queryAll|composite/sobjects)(/|\?|$)", str(r.get("url")))]
        if len(heavy) > MAX_QUERIES:
            message = f"A composite request takes at most {MAX_QUERIES} query and collection subrequests."
            raise VendorError(400, "LIMIT_EXCEEDED", message)
        names = [r.get("referenceId") for r in requests]
        if len(set(names)) != len(names) or not all(isinstance(n, str) and re.fullmatch(r"\w+", n) for n in names):
            raise VendorError(400, "INVALID_INPUT", "referenceId must be given, unique and alphanumeric")
        answers: list[tuple[str, Answer]] = []
        if body.get("allOrNone"):
            try:
                with self._api.records.transaction():
                    answers = self._play(requests)
                    if any(a.status >= 400 for _, a in answers):
                        raise VendorError(400, "PROCESSING_HALTED", _ROLLED_BACK)
            except VendorError as error:
                answers = [(n, a if a.status >= 400 else Answer(400, error.body())) for n, a in answers]
        else:
            answers = self._play(requests)
        shown = [{"body": a.body, "httpHeaders": {}, "httpStatusCode": a.status, "referenceId": n} for n, a in answers]
        return Answer(200, {"compositeResponse": shown})

    def _play(self, requests: list[dict[str, Any]]) -> list[tuple[str, Answer]]:
        results: dict[str, Answer] = {}
        for request in requests:
            results[request["referenceId"]] = self._one(request, results)
        return list(results.items())

    def _one(self, request: dict[str, Any], results: dict[str, Answer]) -> Answer:
        try:
            url = _resolve(str(request.get("url", "")), results)
            text = json.dumps(request.get("body"))
            body = json.loads(_resolve(text, results, lambda v: json.dumps(str(v))[1:-1]))
        except VendorError as error:
            return Answer(error.status, error.body())
        parts = urlsplit(url)
        headers = {k.lower(): v for k, v in (request.get("httpHeaders") or {}).items()}
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        return self._api.answer(Call(str(request.get("method")), parts.path, params, headers, body, inside=True))

    def _delete_many(self, call: Call, _: re.Match[str]) -> Answer:
        ids = [i for i in call.params.get("ids", "").split(",") if i]
        _check_size(ids)

        def delete(text: Any) -> str:
            record_id = full_id(text)
            kind = self._api.visible(type_of(record_id).name)
            self._check_known(kind, record_id)
            self._api.records.delete(kind, record_id)
            return record_id

        return self._each(ids, delete, call.params.get("allOrNone", "false").lower() == "true")

    def _change_many(self, call: Call, _: re.Match[str]) -> Answer:
        body = call.object_body()
        rows = body.get("records")
        _check_size(rows)

        def change(row: Any) -> str:
            kind, values = self._row(row)
            record_id = str(values.pop("id", "") or values.pop("Id", "") or "")
            if not record_id:
                raise VendorError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
            record_id = full_id(record_id)
            self._check_known(kind, record_id)
            self._api.records.change(kind, record_id, values)
            return record_id

        return self._each(rows or [], change, bool(body.get("allOrNone")))

    def _create_many(self, call: Call, _: re.Match[str]) -> Answer:
        body = call.object_body()
        rows = body.get("records")
        _check_size(rows)

        def create(row: Any) -> str:
            return self._api.records.create(*self._row(row))

        return self._each(rows or [], create, bool(body.get("allOrNone")))

    def _row(self, row: Any) -> tuple[ObjectType, dict[str, Any]]:
        if not isinstance(row, dict) or not isinstance(row.get("attributes"), dict):
            raise VendorError(400, "INVALID_INPUT", "attributes.type must be specified")
        return self._api.visible(str(row["attributes"].get("type", ""))), dict(row)

    def _check_known(self, kind: ObjectType, record_id: str) -> None:
        """In lists the vendor calls an id that leads nowhere by another name than in a path."""
        if record_id not in self._api.records.of(kind):
            raise VendorError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])

    def _each(self, items: list[Any], act: Callable[[Any], str], all_or_none: bool) -> Answer:
        results: list[dict[str, Any]] = []

        def run() -> None:
            for item in items:
                try:
                    results.append({"id": act(item), "success": True, "errors": []})
                except VendorError as error:
                    results.append(error.in_collection())

        if not all_or_none:
            run()
            return Answer(200, results)
        rolled_back = VendorError(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records"
                                  " were valid and the request was using AllOrNone header", [])  # fmt: skip
        try:
            with self._api.records.transaction():
                run()
                if not all(r["success"] for r in results):
                    raise rolled_back
        except VendorError:
            results = [r if not r["success"] else rolled_back.in_collection() for r in results]
        return Answer(200, results)


def _check_size(items: Any) -> None:
    if not isinstance(items, list) or not items:
        raise VendorError(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [ids]", [])
    if len(items) > MAX_COLLECTION:
        message = f"The max batch size is {MAX_COLLECTION}."
        raise VendorError(400, "EXCEEDED_MAX_SIZE_REQUEST", message)


def _resolve(text: str, results: dict[str, Answer], write: Callable[[Any], str] = str) -> str:
    """`@{ref.path[0].field}` replaced by the value in an earlier answer."""

    def value(match: re.Match[str]) -> str:
        name, _, path = match[1].partition(".")
        found: Any = results[name].body if name in results and results[name].status < 400 else None
        for word, number in _STEP.findall(path):
            found = _step(found, word, number)
        if found is None:
            message = f"Invalid reference specified. No value for {match[1]} found in {name}."
            raise VendorError(400, "PROCESSING_HALTED", message)
        return write(found)

    return _REFERENCE.sub(value, text)


def _step(found: Any, word: str, number: str) -> Any:
    if number:
        return found[int(number)] if isinstance(found, list) and int(number) < len(found) else None
    return found.get(word) if isinstance(found, dict) else None
