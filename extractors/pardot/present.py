"""What of the selected records is there now, a call for 200 of them. Reads may be a minute behind writes."""

from collections.abc import Iterable
from typing import Any

from extractors.pardot.client import Client
from extractors.pardot.fields import Listing
from extractors.pardot.finding import id_lists

Record = dict[str, Any]


def present(client: Client, listing: Listing, ids: Iterable[str], fields: Iterable[str] = ()) -> dict[str, Record]:
    """The records by id, those in the recycle bin too; who isn't in it is gone. `fields` come on top."""
    wanted, more = sorted(set(ids), key=int), tuple(fields)
    pages = (page for some in id_lists(wanted) for page in client.query(listing, more, idList=some))
    return {str(record["id"]): record for page in pages for record in page}
