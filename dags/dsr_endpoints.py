"""The endpoints of recipients that are told over OpenDSR: what all notices of one task share."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import TYPE_CHECKING

from dsr.source import Connection

if TYPE_CHECKING:
    from dsr.notices import OpenDsr
    from dsr.notices.telling import Away


class Endpoints:
    """Connection → its endpoint, the same each time: it remembers what an endpoint says of itself."""

    def __init__(self, needed: Callable[[str], Connection]) -> None:
        """`needed` gives a connection by its id; PermanentError("connection.missing") when there is none."""
        self._needed = needed
        self._made: dict[str, OpenDsr] = {}

    @cached_property
    def away(self) -> "Away":
        """See there."""
        from dsr.notices.telling import Away

        return Away()

    def __call__(self, conn_id: str) -> "OpenDsr":
        """Makes no call. Errors as `OpenDsr.connect`."""
        from dsr.notices import OpenDsr
        from extractors.outbound import outbound_client

        if conn_id not in self._made:
            connection = self._needed(conn_id)
            private = connection.extra.get("private") is True
            self._made[conn_id] = OpenDsr.connect(connection, partial(outbound_client, private=private))
        return self._made[conn_id]
