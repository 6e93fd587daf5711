"""What would be deleted along with a record: known before anything is deleted, so that nothing goes unasked.

The vendor deletes the children of a record with it, in silence. A record whose children are not all approved for
erasure themselves is therefore left alone, and so is whatever would take it along.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from dsr.errors import PermanentError
from extractors.salesforce.client import Client
from extractors.salesforce.failures import PLACE
from extractors.salesforce.layout import Layout
from extractors.salesforce.sharing import LINKS, Key
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.standing import Row
from extractors.salesforce.values import full_id

_LINKS: Final = frozenset(link for link, _, _ in LINKS.values())
"""They only say that two records belong together, so they go with either."""


class Hanging:
    """Which record hangs on which."""

    def __init__(self, edges: Iterable[tuple[Key, Key]]) -> None:
        """`edges`: (child, parent)."""
        self._parents: dict[Key, set[Key]] = {}
        for child, parent in edges:
            self._parents.setdefault(child, set()).add(parent)

    def above(self, key: Key) -> set[Key]:
        """All records whose deletion would delete this one."""
        found: set[Key] = set()
        waiting = [key]
        while waiting:
            new = self._parents.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    def left(self, going: Collection[Key]) -> list[Key]:
        """Records that hang on others and are not among those that go."""
        return [child for child in self._parents if child not in going]


def hanging(client: Client, layout: Layout, records: Mapping[str, Collection[str]]) -> Hanging:
    """What hangs, without being deleted yet, on object → ids. PermanentError("field_missing.<object>.<field>") when
    the user can't see which records do."""
    terms: dict[str, list[Term]] = {}
    parents: dict[tuple[str, str], set[str]] = {}
    for name, ids in records.items():
        for child, field in layout.cascades.get(name, ()) if ids else ():
            if child in _LINKS or child.endswith("History"):
                continue
            if not layout.kind(child, field):
                raise PermanentError(f"field_missing.{child}.{field}", PLACE)
            terms.setdefault(child, []).extend(Term(field, i) for i in sorted(ids))
            parents.setdefault((child, field), set()).add(name)
    queries = []
    for child, its in sorted(terms.items()):
        fields = ["Id", "IsDeleted", *dict.fromkeys(term.field for term in its)]
        queries += [(child, text) for text in statements(child, fields, its)]
    return Hanging(_edges(client.rows(queries), parents, records))


def _edges(
    pages: Iterable[tuple[str, list[Row]]],
    parents: Mapping[tuple[str, str], set[str]],
    records: Mapping[str, Collection[str]],
) -> Iterator[tuple[Key, Key]]:
    ids = {name: frozenset(its) for name, its in records.items()}
    for child, rows in pages:
        fields = [(field, sorted(names)) for (kind, field), names in parents.items() if kind == child]
        for row in rows:
            for field, names in fields if not row["IsDeleted"] else ():
                parent = full_id(row.get(field))
                for name in names:
                    if parent in ids[name]:
                        yield (child, full_id(row["Id"])), (name, parent)
