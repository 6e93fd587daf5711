"""What can't be asked for by prospect: one sweep for a whole batch, of which only what is theirs is kept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dsr.model import Piece, Withheld
from extractors.pardot import fields
from extractors.pardot.client import Client
from extractors.pardot.finding import id_lists
from extractors.pardot.values import rows

Record = dict[str, Any]
_MARGIN = timedelta(days=1)


def lifecycle(client: Client, prospects: Mapping[int, Record], owners: Mapping[int, Sequence[str]]) -> Iterator[Piece]:
    """Stages of the journey, swept from a day before the earliest sign of any of the prospects."""
    since = _earliest(prospects.values())
    filters = {"createdAtAfterOrEqualTo": since} if since else {}
    for page in client.query(fields.LIFECYCLE, **filters):
        theirs: dict[int, list[Record]] = defaultdict(list)
        for record in page:
            if record.get("prospectId") in prospects:
                theirs[record["prospectId"]].append(record)
        for key, records in theirs.items():
            yield from rows("pardot_lifecycle_history", records, owners[key])


def opportunities(client: Client, deals: Mapping[int, Sequence[str]]) -> Iterator[Piece]:
    """Opportunities that the person's activities name. `deals`: id → requests."""
    for ids in id_lists([str(key) for key in sorted(deals)]):
        for page in client.query(fields.OPPORTUNITY, idList=ids):
            for record in page:
                yield from rows("pardot_opportunity", [record], deals.get(record["id"], ()))


def external_activities(
    client: Client, prospects: Mapping[int, Record], owners: Mapping[int, Sequence[str]]
) -> Iterator[Piece]:
    """Activities that other tools reported, swept and told apart by address, since they carry nothing else.

    The vendor takes several prospects with one address. Only if all of them are the person's, is the activity; else
    it is withheld, for nobody can tell whose it is.
    """
    by_address: dict[str, list[int]] = defaultdict(list)
    for key, record in prospects.items():
        by_address[_address(record)].append(key)
    by_address.pop("", None)
    sharing: dict[str, set[int]] = {}
    for page in client.query(fields.EXTERNAL_ACTIVITY):
        theirs: dict[str, list[Record]] = defaultdict(list)
        for record in page:
            if _address(record) in by_address:
                theirs[_address(record)].append(record)
        for address, records in theirs.items():
            if address not in sharing:
                sharing[address] = set(_prospects_with(client, address))
            for request_id in dict.fromkeys(r for key in by_address[address] for r in owners[key]):
                if all(request_id in owners.get(key, ()) for key in sharing[address]):
                    yield from rows("pardot_external_activity", records, [request_id])
                else:
                    yield Withheld(request_id, "pardot_external_activity", "third_party", len(records))


def _prospects_with(client: Client, address: str) -> Iterator[int]:
    for page in client.query(fields.FOUND, email=address):
        yield from (record["id"] for record in page if _address(record) == address)


def _address(record: Mapping[str, Any]) -> str:
    return str(record.get("email") or "").strip().lower()


def _earliest(prospects: Iterable[Record]) -> str:
    """The time from which to sweep, RFC 3339; "" = from the beginning, when a prospect's own time is unknown."""
    moments = []
    for record in prospects:
        texts = [record.get("createdAt"), record.get("firstActivityAt") or record.get("createdAt")]
        try:
            moments += [datetime.fromisoformat(str(text)) for text in texts]
        except ValueError:
            return ""
    if any(m.tzinfo is None for m in moments):
        return ""
    return (min(moments) - _MARGIN).isoformat()
