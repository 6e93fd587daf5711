"""Sources whose errors can't carry anybody's data: only coded ones come out."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Final, Self, cast

from dsr.effort import waited, waiting
from dsr.errors import PermanentError
from dsr.model import Attachment, Budget, Checked, Found, IndexEntry, Outcome, Piece, Subject
from dsr.source import Connection, Declaration, IndexedSource, Source
from dsr_coded import Coded

_VERBS: Final = ("erase", "restrict", "rectify")


class Guarded:
    """A source whose verbs raise coded errors only, an error of connecting included: so one source's fault stays
    that source's, and is put down as such. How long each verb is waited for is noted (`dsr.effort`)."""

    declaration: ClassVar[Declaration]

    def __init__(self, kind: type[Source], connection: Connection) -> None:
        self._kind, self._connection = kind, connection

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """Not how these are made."""
        raise PermanentError("connection.unusable", connection.conn_id)

    def check(self) -> Checked:
        """As `Source.check`."""
        with self._coded(), waiting(self.declaration.name):
            return self._client.check()

    def find(self, subjects: Sequence[Subject]) -> Found:
        """As `Source.find`."""
        with self._coded(), waiting(self.declaration.name):
            return self._client.find(subjects)

    @property
    def known(self) -> Callable[[str, Collection[str]], Found]:
        """As of `IndexedSource`; an AttributeError where the source has no such verb."""
        if not hasattr(self._kind, "known"):
            raise AttributeError("known")

        def verb(request_id: str, record_ids: Collection[str]) -> Found:
            with self._coded(), waiting(self.declaration.name):
                found: Found = cast(Any, self._client).known(request_id, record_ids)
                return found

        return verb

    @property
    def budget(self) -> Callable[[], Budget]:
        """As of `Budgeted`; an AttributeError where the source has no such verb."""
        if not hasattr(self._kind, "budget"):
            raise AttributeError("budget")

        def verb() -> Budget:
            with self._coded(), waiting(self.declaration.name):
                left: Budget = cast(Any, self._client).budget()
                return left

        return verb

    def extract(self, found: Found) -> Iterator[Piece]:
        """As `Source.extract`."""
        with self._coded():
            for piece in waited(self.declaration.name, self._client.extract(found)):
                yield _guarded_piece(piece, self.declaration.name)

    def index(self, since: datetime | None) -> Iterator[IndexEntry]:
        """As `IndexedSource.index`."""
        with self._coded():
            yield from waited(self.declaration.name, cast(IndexedSource, self._client).index(since))

    def __getattr__(self, name: str) -> Any:
        """The verbs that change the system, where the source has them; see `dsr.source.Acting`."""
        if name not in _VERBS or not hasattr(self._kind, name):
            raise AttributeError(name)

        def verb(*args: Any, **options: Any) -> Iterator[Outcome]:
            with self._coded():
                yield from waited(self.declaration.name, getattr(self._client, name)(*args, **options))

        return verb

    @cached_property
    def _client(self) -> Source:
        return self._kind.connect(self._connection)

    def _coded(self) -> Coded:
        return Coded(self.declaration.name)


def guarded(kind: type[Source], connection: Connection) -> Source:
    """A class of its own, since a declaration belongs to the class."""

    class Named(Guarded):
        declaration = kind.declaration

    return Named(kind, connection)


def _guarded_piece(piece: Piece, place: str) -> Piece:
    """An attachment's bytes come when they are read, not when it is yielded."""
    if not isinstance(piece, Attachment):
        return piece

    def chunks() -> Iterator[bytes]:
        with Coded(place):
            yield from waited(place, piece.chunks)

    return replace(piece, chunks=chunks())
