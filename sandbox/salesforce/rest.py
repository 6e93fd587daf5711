"""The REST API below `/services/data/v67.0`: query, sobjects, binaries, limits; Composite is in its own module."""

import base64
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.errors import VendorError, not_found
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.query import Evaluator, Path
from sandbox.salesforce.records import Records
from sandbox.salesforce.relations import described
from sandbox.salesforce.settings import Settings
from sandbox.salesforce.soql import parse
from sandbox.salesforce.table import object_type
from sandbox.salesforce.wire import Answer, Call
from sandbox.state import Document

VERSION = "67.0"
_MAX_BATCH = 2000
_MIN_BATCH = 200

Handler = Callable[[Call, re.Match[str]], Answer]


class RestApi:
    """Routes a call to its resource. `routes` is open for the modules that add theirs (Composite), `outside` for those
    whose resources can't be called inside of Composite (jobs)."""

    def __init__(self, records: Records, settings: Settings) -> None:
        self.records, self.settings = records, settings
        self.outside: list[tuple[str, str, Handler]] = []
        self.evaluator = Evaluator(records, VERSION, settings)
        self._cursors: dict[str, list[Document]] = {}
        sobject = r"sobjects/(\w+)"
        self.routes: list[tuple[str, str, Handler]] = [
            ("GET", r"", self._resources),
            ("GET", r"limits", self._limits),
            ("GET", r"(query|queryAll)", self._query),
            ("GET", r"(?:query|queryAll)/(\w+)-(\d+)", self._more),
            ("GET", r"sobjects", self._objects),
            ("GET", sobject, self._about),
            ("GET", rf"{sobject}/describe", self._describe),
            ("POST", sobject, self._create),
            ("GET", rf"{sobject}/(\w+)", self._read),
            ("PATCH", rf"{sobject}/(\w+)", self._change),
            ("DELETE", rf"{sobject}/(\w+)", self._delete),
            ("GET", rf"{sobject}/(\w+)/(VersionData|Body)", self._binary),
        ]

    def answer(self, call: Call) -> Answer:
        """The answer to a call, errors in the vendor's form."""
        try:
            return self._route(call)
        except VendorError as error:
            return Answer(error.status, error.body())

    def _route(self, call: Call) -> Answer:
        if call.path.rstrip("/") == "/services/data":
            return Answer(200, [{"label": "Summer '26", "url": f"/services/data/v{VERSION}", "version": VERSION}])
        versioned = re.fullmatch(r"/services/data/v(\d+\.\d)(/.*)?", call.path)
        if versioned is None or versioned[1] != VERSION:
            raise not_found()
        rest, other_method = (versioned[2] or "").strip("/"), False
        for method, pattern, handler in self.routes + ([] if call.inside else self.outside):
            match = re.fullmatch(pattern, rest)
            if match and method == call.method:
                return handler(call, match)
            other_method = other_method or bool(match)
        if other_method:
            message = f"HTTP Method '{call.method}' not allowed. Allowed are HEAD,GET,POST,PATCH,PUT,DELETE"
            raise VendorError(405, "METHOD_NOT_ALLOWED", message)
        raise not_found()

    def _resources(self, _: Call, __: re.Match[str]) -> Answer:
        root = f"/services/data/v{VERSION}"
        return Answer(
            200, {name: f"{root}/{name}" for name in ("sobjects", "query", "queryAll", "composite", "jobs", "limits")}
        )

    def _limits(self, _: Call, __: re.Match[str]) -> Answer:
        limit, used = self.settings.daily_limit, self.settings.used
        return Answer(200, {"DailyApiRequests": {"Max": limit, "Remaining": max(0, limit - used)}})

    def _query(self, call: Call, match: re.Match[str]) -> Answer:
        text = call.params.get("q")
        if not text:
            raise VendorError(400, "MALFORMED_QUERY", "A query string has to be specified")
        query = parse(text)
        rows = self.evaluator.rows(query, match[1] == "queryAll")
        if query.fields is None:
            return Answer(200, {"totalSize": len(rows), "done": True, "records": []})
        cursor = "0r8" + secrets.token_hex(8)
        return self._page(call, cursor, rows, 0)

    def _more(self, call: Call, match: re.Match[str]) -> Answer:
        rows = self._cursors.get(match[1])
        if rows is None:
            raise VendorError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, match[1], rows, int(match[2]))

    def _page(self, call: Call, cursor: str, rows: list[Document], start: int) -> Answer:
        end = start + self._batch_size(call)
        body: Document = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            self._cursors[cursor] = rows
            # As with the vendor: `query` also when the rows come from queryAll.
            body["nextRecordsUrl"] = f"/services/data/v{VERSION}/query/{cursor}-{end}"
        return Answer(200, body)

    def _batch_size(self, call: Call) -> int:
        """Rows of a page; the vendor may give fewer than asked for, `Settings.page_size` makes it so."""
        asked = re.search(r"batchSize=(\d+)", call.headers.get("sforce-query-options", ""))
        size = min(max(int(asked[1]), _MIN_BATCH), _MAX_BATCH) if asked else _MAX_BATCH
        return min(size, self.settings.page_size)

    def _objects(self, _: Call, __: re.Match[str]) -> Answer:
        visible = [t for t in CATALOGUE.values() if t.name not in self.settings.hidden_objects]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [t.brief(VERSION) for t in visible]})

    def visible(self, name: str) -> ObjectType:
        """The object of that name, if the user may see it. NOT_FOUND otherwise."""
        kind = object_type(name)
        if kind.name in self.settings.hidden_objects:
            raise not_found()
        return kind

    def _about(self, _: Call, match: re.Match[str]) -> Answer:
        return Answer(200, {"objectDescribe": self.visible(match[1]).brief(VERSION), "recentItems": []})

    def _describe(self, _: Call, match: re.Match[str]) -> Answer:
        kind = self.visible(match[1])
        hidden = self.settings.hidden_fields
        fields = [f.describe() for f in kind.fields if f"{kind.name}.{f.name}" not in hidden]
        return Answer(
            200, {**kind.brief(VERSION), "fields": fields, "childRelationships": described(kind, self.settings)}
        )

    def _create(self, call: Call, match: re.Match[str]) -> Answer:
        record_id = self.records.create(self.visible(match[1]), call.object_body())
        return Answer(201, {"id": record_id, "success": True, "errors": []})

    def _read(self, call: Call, match: re.Match[str]) -> Answer:
        kind = self.visible(match[1])
        record = self.records.get(kind, match[2])
        wanted = call.params.get("fields", "")
        names = [n.strip() for n in wanted.split(",")] if wanted else [f.name for f in kind.fields]
        unknown = [n for n in names if n.lower() not in kind.by_name]
        if unknown:
            raise VendorError(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on sobject of type {kind.name}")
        paths: list[Path] = [(kind.by_name[n.lower()],) for n in names]
        return Answer(200, self.evaluator.show(kind, record, paths))

    def _change(self, call: Call, match: re.Match[str]) -> Answer:
        kind = self.visible(match[1])
        self._check_unmodified(call, kind, match[2])
        self.records.change(kind, match[2], call.object_body())
        return Answer(204)

    def _delete(self, call: Call, match: re.Match[str]) -> Answer:
        kind = self.visible(match[1])
        self._check_unmodified(call, kind, match[2])
        self.records.delete(kind, match[2])
        return Answer(204)

    def _check_unmodified(self, call: Call, kind: ObjectType, record_id: str) -> None:
        """412 when the record was changed after `If-Unmodified-Since`; to the second, as HTTP dates go."""
        header = call.headers.get("if-unmodified-since")
        if header is None:
            return
        try:
            since = parsedate_to_datetime(header)
        except ValueError:
            raise VendorError(400, "INVALID_HTTP_HEADER", "If-Unmodified-Since is not an HTTP date") from None
        record = self.records.get(kind, record_id)
        changed = record.get("LastModifiedDate") or record.get("SystemModstamp") or record["CreatedDate"]
        if datetime.fromisoformat(changed).replace(microsecond=0) > since:
            raise VendorError(412, "PRECONDITION_FAILED", "The record was modified since the date in the header")

    def _binary(self, call: Call, match: re.Match[str]) -> Answer:
        kind = self.visible(match[1])
        field = kind.by_name.get(match[3].lower())
        if field is None or field.kind != "base64" or call.inside:
            raise not_found()
        record: dict[str, Any] = self.records.get(kind, match[2])
        return Answer(200, base64.b64decode(record.get(match[3]) or ""), "application/octet-stream")
