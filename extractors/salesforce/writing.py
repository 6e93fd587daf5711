"""Lists of records deleted, changed and made: Collections of 200, five of them in one Composite call.

What the vendor says of each record is kept as its code; "" = done. A row that somebody else holds is tried again.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from dsr.errors import TransientError
from extractors.salesforce.client import QUERIES_PER_CALL, VERSION, Client
from extractors.salesforce.failures import PLACE, check

PER_LIST: Final = 200
_WAITS: Final = (0.5, 2.0)
"""Seconds before a locked row is tried again; after that the whole call is for later."""
_LOCKED: Final = "UNABLE_TO_LOCK_ROW"
_PATH: Final = f"/services/data/v{VERSION}/composite/sobjects"
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,50}")

Record = Mapping[str, Any]


class Writer:
    """Writes to one org. `wait` sleeps."""

    def __init__(self, client: Client, wait: Callable[[float], None] = time.sleep) -> None:
        self._client, self._wait = client, wait

    def delete(self, ids: Sequence[str]) -> dict[str, str]:
        """Into the recycle bin, in this order; id → code."""
        return self._keyed([(i, i) for i in dict.fromkeys(ids)], _deletion)

    def change(self, records: Iterable[tuple[str, str, Record]]) -> dict[str, str]:
        """Fields of (object, id, fields); id → code."""
        rows = [(i, {"attributes": {"type": name}, "id": i, **fields}) for name, i, fields in records]
        return self._keyed(rows, lambda some: ("PATCH", _PATH, {"allOrNone": False, "records": some}))

    def create(self, records: Sequence[tuple[str, Record]]) -> list[str]:
        """New records of (object, fields); their codes, in order."""
        rows = [(str(n), {"attributes": {"type": name}, **fields}) for n, (name, fields) in enumerate(records)]
        return list(self._keyed(rows, lambda some: ("POST", _PATH, {"allOrNone": False, "records": some})).values())

    def _keyed(
        self, items: Sequence[tuple[str, Any]], request: Callable[[list[Any]], tuple[str, str, Any]]
    ) -> dict[str, str]:
        """Key → code, of (key, what to send)."""
        codes = dict.fromkeys((key for key, _ in items), "")
        left = list(items)
        for wait in (*_WAITS, None):
            codes.update(self._once(left, request))
            left = [item for item in left if codes[item[0]] == _LOCKED]
            if not left:
                return codes
            if wait is not None:
                self._wait(wait)
        raise TransientError("row_locked", PLACE)

    def _once(
        self, items: Sequence[tuple[str, Any]], request: Callable[[list[Any]], tuple[str, str, Any]]
    ) -> dict[str, str]:
        lists = [items[n : n + PER_LIST] for n in range(0, len(items), PER_LIST)]
        codes: dict[str, str] = {}
        for start in range(0, len(lists), QUERIES_PER_CALL):
            some = lists[start : start + QUERIES_PER_CALL]
            answers = self._client.send([request([value for _, value in part]) for part in some])
            for part, (status, body) in zip(some, answers, strict=True):
                check(status, body)
                if not isinstance(body, list) or len(body) != len(part):
                    raise TransientError("body.invalid", PLACE)
                codes |= {key: _code(result) for (key, _), result in zip(part, body, strict=True)}
        return codes


def reason_of(code: str) -> str:
    """A vendor's code as the reason of an outcome: nothing else of an answer is trusted."""
    return code.lower() if _CODE.fullmatch(code) else "refused"


def _deletion(ids: list[str]) -> tuple[str, str, Any]:
    return "DELETE", f"{_PATH}?ids={','.join(ids)}&allOrNone=false", None


def _code(result: Mapping[str, Any]) -> str:
    if result.get("success"):
        return ""
    errors = result.get("errors") or [{}]
    return str(errors[0].get("statusCode") or "UNKNOWN")
