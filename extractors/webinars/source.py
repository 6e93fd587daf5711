"""Webinars: who signed up, came, asked, answered and chatted (Zoom Webinars API v2).

The API looks nobody up by e-mail or phone. A nightly `index` lists what is new, `find` verifies what the index
names, `extract` reads each webinar's reports once for the whole batch.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dsr.errors import PermanentError
from dsr.model import Checked, Found, IndexEntry, Outcome, Piece, Subject
from dsr.selection import Selection
from dsr.source import Connection, Declaration
from extractors.tally import by_hand
from extractors.webinars.declaration import DECLARATION

if TYPE_CHECKING:
    from extractors.webinars.meetings import Meetings

API, SIGN_IN = "https://api.zoom.us", "https://zoom.us/oauth/token"


class Webinars:
    """See `dsr.source.IndexedSource`. `hosts`: user ids to index, () = all; `clock` gives an aware time."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(
        self, meetings: "Meetings", hosts: Collection[str] = (), clock: Callable[[], datetime] | None = None
    ) -> None:
        self._meetings, self._hosts = meetings, tuple(hosts)
        self._clock = clock or (lambda: datetime.now(UTC))

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client; it signs in at the first call. PermanentError("connection.<field>") when one lacks."""
        from extractors.http import HttpClient
        from extractors.webinars.client import PLACE, ServerToServer, Zoom, error_code
        from extractors.webinars.meetings import Meetings

        extra = connection.extra
        account_id = _text(extra.get("account_id"), "account_id")
        login, password = _text(connection.login, "login"), _text(connection.password, "password")
        token_url, ca = str(extra.get("token_url") or SIGN_IN), str(extra.get("ca") or "")
        common: dict[str, Any] = {"place": PLACE, "ca": ca, "error_code": error_code}
        sign_in = HttpClient(token_url, headers={"Authorization": _basic(login, password)}, **common)
        http = HttpClient(
            f"{_base(connection)}/v2",
            auth=ServerToServer(sign_in, token_url, account_id),
            redirect_hosts=extra.get("download_hosts") or [".zoom.us"],
            **common,
        )
        return cls(Meetings(Zoom(http)), extra.get("hosts") or ())

    def check(self) -> Checked:
        """One call, for whom the index is read; see `Source.check`. The vendor describes no fields."""
        self._meetings.reach(self._hosts)
        return Checked()

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Records that `webinar_registrant` identifiers name and that carry an address or number of the subject."""
        from extractors.webinars.lookup import matches

        return Found(self.declaration.name, tuple(matches(self._meetings, subjects)))

    def extract(self, found: Found) -> Iterator[Piece]:
        """Registrations, attendance, questions, polls, surveys, own chat lines."""
        from extractors.webinars.extraction import extract

        return extract(self._meetings, found.matches)

    def index(self, since: datetime | None) -> Iterator[IndexEntry]:
        """Entries of all webinars that the vendor still lists and of those that ended since."""
        from extractors.webinars.listing import entries

        return entries(self._meetings, self._hosts, since, self._clock())

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Registrations, invitations to speak, chats of nobody else; a call each. The rest is a person's task."""
        from extractors.webinars.erasing import erase

        return erase(self._meetings, selections)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """Nothing: the vendor has no mark for it."""
        return by_hand(self.declaration.name, selections, "restrict")

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """Nothing: a registration can't be changed by API."""
        if any(values for by_dataset in corrections.values() for values in by_dataset.values()):
            raise PermanentError("field.not_rectifiable", self.declaration.name)
        return by_hand(self.declaration.name, selections, "rectify")


def _base(connection: Connection) -> str:
    """The API's address; a host without a scheme is https."""
    host = (connection.host or API).rstrip("/")
    url = host if "://" in host else f"https://{host}"
    return f"{url}:{connection.port}" if connection.port else url


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise PermanentError(f"connection.{name}", DECLARATION.name) from None
    return value


def _basic(login: str, password: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()
