"""The register as the steps use it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.register import checking, files
from dsr.register.activity import Activity, activity, row_digest, words
from dsr.register.files import Files
from dsr.register.nouns import Authority, Controller, Notice, Notification, Problem, Recipient, Right, Unsettled
from dsr.register.terms import Terms
from dsr.source import Declaration


@dataclass(frozen=True)
class Register:
    """The register of processing (Art. 30), read once.

    activities  row id → activity, sorted by id; broken: ids of rows that could not be read, () after `load`
    adequate    countries outside the EU/EEA for which the Commission decided on adequacy (Art. 45(3))
    digest      SHA-256 in hex of the files' content: what an answer states it was made under
    """

    controller: Controller
    notice: Notice
    authority: Authority
    rights: tuple[Right, ...]
    recipients: Mapping[str, Recipient]
    activities: Mapping[str, Activity]
    terms: Terms
    domestic: frozenset[str]
    adequate: frozenset[str]
    digest: str
    broken: frozenset[str] = frozenset()

    @classmethod
    def load(cls, folder: str | Path | None = None) -> "Register":
        """The register in a folder; None or "" = the example that is shipped. PermanentError("register.invalid",
        <file or row>) for the first file that can't be read; `python -m dsr register check` says what is wrong."""
        found = files.read(files.folder(folder))
        if found.problems:
            raise PermanentError("register.invalid", found.problems[0].row)
        register = _LAST.get(found.digest) or cls.of(found)
        _LAST.clear()
        _LAST[found.digest] = register
        return register

    @classmethod
    def of(cls, found: Files) -> "Register":
        """The register of what could be read; `found.usable` must hold."""
        shared = found.shared
        recipients = {key: _recipient(key, raw) for key, raw in shared["recipients"].items()}
        domestic = frozenset(shared["countries"]["eea"])
        activities = {
            row: activity(raw, recipients, domestic, row_digest(raw, shared["recipients"]))
            for row, raw in sorted(found.activities.items())
        }
        return cls(
            _controller(shared["controller"]),
            _notice(shared["notice"]),
            _authority(shared["rights"]["authority"]),
            tuple(
                Right(item["term"], words(item["title"]), words(item["words"])) for item in shared["rights"]["rights"]
            ),
            recipients,
            activities,
            found.terms,
            domestic,
            frozenset(shared["countries"]["adequate"]),
            found.digest,
            found.broken,
        )

    def activity(self, row_id: str) -> Activity:
        """The row of that id. KeyError when there is none."""
        return self.activities[row_id]

    def unsettled(self, row_ids: Iterable[str]) -> tuple[Unsettled, ...]:
        """Those of the rows under which no answer leaves without a person's decision, in the order given, each once:
        absent, blank in some part, or not confirmed as they read now."""
        found = []
        for row_id in dict.fromkeys(row_ids):
            row = self.activities.get(row_id)
            if row is None:
                found.append(Unsettled(row_id, ("row",), False))
            elif row.blank or row.confirmed is None:
                found.append(Unsettled(row_id, row.blank, row.confirmed is not None))
        return tuple(found)

    def problems(self, declarations: Iterable[Declaration]) -> tuple[Problem, ...]:
        """Everything missing or wrong, by row."""
        return checking.problems(self, declarations)


_LAST: Final[dict[str, Register]] = {}
"""What was loaded last, by its digest: whoever forks many processes makes it once, see `dsr_preload`."""


def check(
    folder: str | Path | None, declarations: Iterable[Declaration], name: str = "", dpo_mail: str = ""
) -> tuple[Problem, ...]:
    """All problems of a register's folder, those of its files first. name, dpo_mail: the controller's as the
    installation's settings have them, which letters state; "" = not set."""
    return read(folder, declarations, name, dpo_mail)[1]


def read(
    folder: str | Path | None, declarations: Iterable[Declaration], name: str = "", dpo_mail: str = ""
) -> tuple[Register | None, tuple[Problem, ...]]:
    """As much of the register as can be read, None = nothing, and its problems as `check` gives them."""
    found = files.read(files.folder(folder))
    if not found.usable:
        return None, found.problems
    register = Register.of(found)
    differing = checking.differences(register, name, dpo_mail)
    return register, (*found.problems, *differing, *register.problems(declarations))


def _recipient(key: str, raw: Mapping[str, Any]) -> Recipient:
    name, role, country = (raw.get(part) or "" for part in ("name", "role", "country"))
    return Recipient(key, name, role, country, words(raw.get("words")), _notification(raw.get("notify")))


def _notification(raw: Mapping[str, Any] | None) -> Notification | None:
    if not raw:
        return None
    connection, to = (raw.get(part) or "" for part in ("connection", "to"))
    language, identities = raw.get("language") or "en", raw.get("identities") or "sha256"
    return Notification(raw["by"], connection, to, language, identities, words(raw.get("reason")))


def _controller(raw: Mapping[str, Any]) -> Controller:
    name, registration, address, mail, dpo_mail = (
        raw.get(part) or "" for part in ("name", "registration", "address", "mail", "dpo_mail")
    )
    return Controller(name, registration, address, mail, dpo_mail, words(raw.get("security")))


def _notice(raw: Mapping[str, Any]) -> Notice:
    return Notice(words(raw.get("title")), *(raw.get(name) or "" for name in ("updated", "sha256", "url")))


def _authority(raw: Mapping[str, Any]) -> Authority:
    return Authority(words(raw.get("name")), raw.get("address") or "", raw.get("mail") or "", words(raw.get("words")))
