"""A light look at the org: what is left of the day's calls, and which fields and objects nobody has declared."""

from collections.abc import Collection
from typing import Any

from dsr.errors import TransientError
from dsr.model import Budget, Checked
from dsr.schema import load
from extractors.salesforce.client import Client
from extractors.salesforce.failures import PLACE, USED_UP
from extractors.salesforce.layout import DESCRIBED, USUAL_OBJECTS, Layout
from extractors.salesforce.plan import datasets


def checked(client: Client, layout: Layout, more: Collection[str]) -> Checked:
    """See `Source.check`. Of a declared object, the org's own fields that its schema doesn't name; objects of the
    org's own making that lead to a person, unless `more` says that they are known. Their values come with the answer to
    a person, under `unmapped` and as further records: nothing is left out, but nobody has said what it is."""
    left, a_day = _calls(client)
    known = {*DESCRIBED, *USUAL_OBJECTS, *more}
    found = {name for name in layout.lookups if name not in known}
    for name, dataset in datasets():
        properties = load(dataset)["properties"]
        found |= {f"{name}.{field}" for field in layout.fields(name) if _is_own(field) and field not in properties}
    return Checked(tuple(sorted(found)), left, a_day)


def budget(client: Client) -> Budget:
    """See `Budgeted.budget`."""
    try:
        left, a_day = _calls(client)
    except TransientError as error:
        if error.code != USED_UP:
            raise
        return Budget(0, 0)
    if left is None or a_day is None:
        raise TransientError("body.invalid", PLACE)
    return Budget(left, a_day)


def _calls(client: Client) -> tuple[int | None, int | None]:
    """Left and allowed, of the last 24 hours; None = not said."""
    limits = client.call("GET", "limits")
    calls = limits.get("DailyApiRequests") if isinstance(limits, dict) else None
    if not isinstance(calls, dict):
        raise TransientError("body.invalid", PLACE)
    return _count(calls.get("Remaining")), _count(calls.get("Max"))


def _is_own(field: str) -> bool:
    """Whether it is a field of the org's own making, or of a package that it has installed; the vendor's own change
    with its releases, and are theirs to document."""
    return field.endswith(("__c", "__pc"))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
