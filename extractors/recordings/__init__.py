"""Call recordings: Amazon Connect's layout on any S3 store, found through one sidecar per call.

There is no look-up by number: `dsr_upkeep` keeps the keyed-hash index from `index`, and `find` checks each call that
the index names against its sidecar as it is now.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dsr.errors import PermanentError
from dsr.model import Checked, Found, IndexEntry, Outcome, Piece, Subject
from dsr.selection import Selection
from dsr.source import Connection, Declaration
from extractors.recordings.declaration import DECLARATION
from extractors.tally import by_hand

if TYPE_CHECKING:
    from extractors.recordings.store import Store

_VOICES = ("mute", "keep")


class Recordings:
    """The source `recordings`, see `dsr.source.IndexedSource`."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(self, store: "Store", *, mute_agent: bool = True, clock: Callable[[], datetime] | None = None) -> None:
        """`clock` gives an aware time, by which a retention has ended or not."""
        self._store, self._mute_agent = store, mute_agent
        self._clock = clock or (lambda: datetime.now(UTC))

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client. PermanentError("connection.<field>") when one lacks or says what nobody understands."""
        from extractors.recordings.store import Store

        voice = connection.extra.get("agent_voice", "mute")
        needed = {"login": connection.login, "password": connection.password, "bucket": connection.extra.get("bucket")}
        for name, value in {**needed, "agent_voice": voice in _VOICES}.items():
            if not value:
                raise PermanentError(f"connection.{name}", cls.declaration.name)
        return cls(Store.connect(connection), mute_agent=voice == "mute")

    def check(self) -> Checked:
        """One call, for the first entry of the list that the index is read from; see `Source.check`. What a store of
        objects holds beside calls is not declared field by field, so that nothing can be compared."""
        self._store.reach()
        return Checked()

    def index(self, since: datetime | None) -> Iterator[IndexEntry]:
        """The numbers, and the addresses noted during the call, of every call whose sidecar was written since then;
        of binned calls too."""
        from extractors.recordings import sidecars

        return sidecars.index(self._store, since)

    def find(self, subjects: Sequence[Subject]) -> Found:
        """The calls that the index named (`call_contact`) and whose sidecar still names the subject; one S3 call
        each."""
        from extractors.recordings import sidecars

        return Found(self.declaration.name, tuple(sidecars.find(self._store, subjects)))

    def known(self, request_id: str, record_ids: Collection[str]) -> Found:
        """See `dsr.source.IndexedSource`; a call for a thousand sidecars, and one for each that is there."""
        from extractors.recordings import sidecars

        return Found(self.declaration.name, tuple(sidecars.known(self._store, request_id, record_ids)))

    def extract(self, found: Found) -> Iterator[Piece]:
        """Records, transcripts and sound of the calls; at most four S3 calls each, two more for a binned object."""
        from extractors.recordings import reading

        return reading.read(self._store, found, mute_agent=self._mute_agent)

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Every version of the calls' objects, their records in shared deliveries, and the sidecars last. What a lock
        keeps is left and told."""
        from extractors.recordings import erasing
        from extractors.recordings.versions import Versions

        return erasing.erase(Versions(self._store, self._clock()), selections)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """Tags every version of the calls' objects, or takes that tag away."""
        from extractors.recordings import restricting
        from extractors.recordings.versions import Versions

        return restricting.restrict(Versions(self._store, self._clock()), selections, purposes, lift=lift)

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Nothing: what was said can't be corrected, a statement can only be kept beside it."""
        if any(values for by_dataset in corrections.values() for values in by_dataset.values()):
            raise PermanentError("field.not_rectifiable", self.declaration.name)
        return by_hand(self.declaration.name, selections, "rectify")
