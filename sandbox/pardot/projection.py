"""Which fields an answer shows: the mandatory `fields` parameter with its dot notation."""

from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import BY_NAME, MULTI_VALUE_TYPES, ApiObject

_DEPTH = 3

Record = dict[str, Any]


class Collections(Protocol):
    """Records by collection and id."""

    def __getitem__(self, collection: str, /) -> Mapping[str, Record]: ...


Tree = dict[str, Any]
"""Field → None, or relation → the Tree of what is wanted of it."""


class Projection:
    """The wanted fields of one request, checked; `show` gives a record as the answer has it.

    A query leaves custom fields with several values out; a read by id gives them all.
    """

    def __init__(self, store: Collections, kind: ApiObject, text: str | None, *, by_id: bool) -> None:
        self._store, self._kind, self._by_id = store, kind, by_id
        paths = [p.strip() for p in (text or "").split(",") if p.strip()]
        if not paths:
            raise ApiError(71, "fields")
        self._tree: Tree = {}
        for path in paths:
            parts = path.split(".")
            if len(parts) > _DEPTH:
                raise ApiError(71, path)
            _plant(self._tree, parts)
        self._check(kind, self._tree)

    def _check(self, kind: ApiObject, tree: Tree) -> None:
        for name, below in tree.items():
            if below is None:
                if name not in kind.fields and name not in custom_fields(self._store, kind):
                    raise ApiError(71, name)
                if name in kind.by_id_only and not (self._by_id and kind is self._kind):
                    raise ApiError(71, name)
            elif name in kind.relations:
                self._check(BY_NAME[kind.relations[name][1]], below)
            else:
                raise ApiError(71, name)

    def show(self, record: Record) -> Record:
        """The wanted fields of a record, links resolved; a link to nothing is null."""
        return self._show(self._kind, record, self._tree, self._by_id)

    def _show(self, kind: ApiObject, record: Record, tree: Tree, by_id: bool) -> Record:
        customs = custom_fields(self._store, kind)
        shown: Record = {}
        for name, below in tree.items():
            if below is None:
                if by_id or not customs.get(name, False):
                    shown[name] = record.get(name)
            else:
                id_field, target = kind.relations[name]
                linked = self._store[target].get(str(record.get(id_field)))
                shown[name] = self._show(BY_NAME[target], linked, below, False) if linked else None
        return shown


def custom_fields(store: Collections, kind: ApiObject) -> dict[str, bool]:
    """API name of each custom field of an object → whether it holds several values; {} except for prospects."""
    if kind.collection != "prospects":
        return {}
    definitions = store["custom-fields"].values()
    return {
        f"{d['fieldId']}__c": d["type"] in MULTI_VALUE_TYPES or bool(d["isRecordMultipleResponses"])
        for d in definitions
    }


def _plant(tree: Tree, parts: list[str]) -> None:
    name, *rest = parts
    if not rest:
        tree.setdefault(name, None)
        return
    below = tree.get(name)
    if below is None:
        below = tree[name] = {}
    _plant(below, rest)
