"""The source: its verbs, over the parts of this package."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dsr.model import Budget, Checked, Found, Outcome, Piece, Subject
from dsr.selection import Selection
from dsr.source import Connection, Declaration
from extractors.salesforce.declaration import DECLARATION

if TYPE_CHECKING:
    from extractors.salesforce.client import Client
    from extractors.salesforce.finding import Finder
    from extractors.salesforce.layout import Layout


class Salesforce:
    """See `dsr.source.Acting`. Calls: sign-in and two for describes once; one per round of `find`; five for
    `extract` of a batch, plus one per file, plus one for every five further pages of 2,000 rows. Changes go 1,000
    records a call; what is erased costs some five calls per kind of record for the job that purges it."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(self, client: "Client", extra: dict[str, Any]) -> None:
        self._client = client
        self._region = str(extra.get("region") or "SE")
        self._absent = frozenset(extra.get("absent_objects") or ())
        self._more = frozenset(extra.get("more_objects") or ())
        self._others = frozenset(str(f) for f in extra.get("others_fields") or ())
        self._roles = frozenset(str(a).strip().lower() for a in extra.get("role_mailboxes") or ())
        self._emptied = frozenset(str(f) for f in extra.get("anonymise_fields") or ())
        self._erasable = frozenset(str(name) for name in extra.get("erasable_objects") or ())
        self._mark_field = str(extra.get("restriction_field") or "")
        self._patience = float(extra.get("bulk_seconds", 60))
        self._layout: Layout | None = None
        self._finder: Finder | None = None

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client; see `Source.connect`."""
        from extractors.salesforce.client import Client

        return cls(Client(connection), dict(connection.extra))

    def check(self) -> Checked:
        """Sign-in, describes and limits; see `Source.check`."""
        from extractors.salesforce.checking import checked

        return checked(self._client, self._described(), self._more)

    def budget(self) -> Budget:
        """One call and sign-in; see `Budgeted.budget`."""
        from extractors.salesforce.checking import budget

        return budget(self._client)

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Contacts, leads, person accounts, contact points, web cases and mail addresses; see `Source.find`."""
        from extractors.salesforce.finding import Finder

        if not any(i.kind in self.declaration.finds_by for s in subjects for i in s.identifiers):
            return Found(self.declaration.name)
        layout = self._described()
        self._finder = self._finder or Finder(self._client, layout, self._region, self._others)
        return Found(self.declaration.name, tuple(self._finder.find(subjects)), layout.cache)

    def extract(self, found: Found) -> Iterator[Piece]:
        """All that hangs on the matches; see `Source.extract`."""
        from extractors.salesforce.disclosure import Disclosure
        from extractors.salesforce.layout import Layout
        from extractors.salesforce.reading import Reading

        if not found.matches:
            return
        layout = Layout(found.cache) if "objects" in found.cache else self._described()
        disclosure = Disclosure(layout, self._roles)
        yield from Reading(self._client, layout, disclosure, found.matches).pieces()

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Anonymises, then deletes and purges; see `Acting.erase`. Reasons: the instructions of the datasets."""
        from extractors.salesforce.anonymising import anonymise
        from extractors.salesforce.erasing import Erasing

        if not selections:
            return
        layout = self._layout_of(selections)
        # First, since a case that names a contact keeps it from being deleted.
        yield from anonymise(self._client, layout, selections, self._emptied)
        erasing = Erasing(self._client, layout, self._roles, self._patience, self._erasable)
        yield from erasing.outcomes(selections)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """Opt-outs, consents and marks; see `Acting.restrict`."""
        from extractors.salesforce.restricting import Restricting

        if selections:
            layout = self._layout_of(selections)
            yield from Restricting(self._client, layout, self._mark_field, purposes).outcomes(selections, lift)

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Writes and reads back; see `Acting.rectify`."""
        from extractors.salesforce.rectifying import check, rectify

        check(self.declaration, selections, corrections)
        if selections:
            yield from rectify(self._client, self._layout_of(selections), selections, corrections)

    def _layout_of(self, selections: Sequence[Selection]) -> "Layout":
        """As it was when the records were found, if that knows what changing needs."""
        from extractors.salesforce.layout import Layout

        cache = next((s.found.cache for s in selections if "cascades" in s.found.cache), None)
        return Layout(cache) if cache else self._described()

    def _described(self) -> "Layout":
        from extractors.salesforce.layout import Layout

        if self._layout is None:
            self._layout = Layout.load(self._client, self._absent, self._more)
        return self._layout
