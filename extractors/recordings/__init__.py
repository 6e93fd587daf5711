"""Call recordings: Amazon Connect's layout on any S3 store, found through one sidecar per call.

There is no look-up by number: `dsr_upkeep` keeps the keyed-hash index from `index`, and `find` checks each call that
the index names against its sidecar as it is now.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Self

from dsr.errors import PermanentError
from dsr.model import Found, IndexEntry, Piece, Subject
from dsr.source import Connection, Declaration
from extractors.recordings.declaration import DECLARATION

if TYPE_CHECKING:
    from extractors.recordings.store import Store

_VOICES = ("mute", "keep")


class Recordings:
    """The source `recordings`, see `dsr.source.IndexedSource`."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(self, store: "Store", *, mute_agent: bool = True) -> None:
        self._store, self._mute_agent = store, mute_agent

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

    def extract(self, found: Found) -> Iterator[Piece]:
        """Records, transcripts and sound of the calls; at most four S3 calls each, two more for a binned object."""
        from extractors.recordings import reading

        return reading.read(self._store, found, mute_agent=self._mute_agent)
