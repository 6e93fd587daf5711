"""The statements that reached the database, read from the server's log. Values are not in it: they are bound."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

_LINE: Final = re.compile(
    r"^(?P<at>[^|\n]+)\|\d+\|(?P<database>[^|]*)\|(?P<user>[^|]*)\|(?P<level>\w+):  (?P<text>.*)$"
)
_STATEMENT: Final = re.compile(r"^(?:statement|execute [^:]*): (.*)$", re.DOTALL)
_BOUNDARIES: Final = ("BEGIN", "COMMIT", "ROLLBACK")


class Statements:
    """The log of some users; `forget` starts anew."""

    def __init__(self, log: Path, users: Iterable[str]) -> None:
        self._log, self._users = log, frozenset(users)
        self._from = 0

    def forget(self) -> None:
        """Leave out what was logged until now."""
        self._from = self._log.stat().st_size if self._log.exists() else 0

    def listed(self) -> list[dict[str, Any]]:
        """`{"at", "user", "statement"}` each, oldest first; without BEGIN, COMMIT and ROLLBACK."""
        found: list[dict[str, Any]] = []
        with self._log.open("rb") as log:
            log.seek(self._from)
            for raw in log:
                line = raw.decode(errors="replace").rstrip("\n")
                match = _LINE.match(line)
                if match is None:
                    if found and line.startswith("\t"):
                        found[-1]["statement"] += "\n" + line[1:]
                    continue
                statement = _STATEMENT.match(match["text"]) if match["user"] in self._users else None
                if statement:
                    found.append({"at": match["at"], "user": match["user"], "statement": statement[1]})
        return [s for s in found if not s["statement"].upper().startswith(_BOUNDARIES)]
