"""Notices that still have to reach their recipient: `untold/<notice id>`, with all that it takes to send them once the
working data is gone. Each lies there from its first failure until it was told; who was told and who wasn't, with the
reason, is in `dsr.notices.told`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from dsr.casefile import CaseFile
from dsr.notices.notice import Notice
from dsr.register import Register

_FOLDER: Final = "untold/"


def keep(case: CaseFile, notice: Notice) -> None:
    """Keep it to be sent later; twice is fine."""
    value = {
        "request_id": notice.request_id,
        "recipient": notice.recipient.id,
        "kind": notice.kind,
        "activities": list(notice.activities),
        "received_at": notice.received_at.isoformat(),
        "emails": list(notice.emails),
        "corrections": dict(notice.corrections),
        "number": notice.number,
        "ends": notice.ends,
    }
    case.write_json(f"{_FOLDER}{notice.notice_id}", value)


def forget(case: CaseFile, notice_id: str) -> None:
    """It was told, or there is nothing to tell any more; twice is fine."""
    case.remove(f"{_FOLDER}{notice_id}")


def untold(case: CaseFile, register: Register) -> Iterator[Notice]:
    """Those that are kept, in the words and by the ways of the register as it is now. A recipient that it no longer
    names is passed over: `lost`."""
    for name in case.names(_FOLDER):
        value = case.read_json(name)
        if value["recipient"] in register.recipients:
            yield _notice(value, register)


def lost(case: CaseFile, register: Register) -> tuple[str, ...]:
    """Keys of recipients that can't be told because the register no longer names them, sorted."""
    keys = {case.read_json(name)["recipient"] for name in case.names(_FOLDER)}
    return tuple(sorted(keys - set(register.recipients)))


def _notice(value: dict[str, Any], register: Register) -> Notice:
    rows = tuple(value["activities"])
    titles = tuple(register.activities[row].title if row in register.activities else _coded(row) for row in rows)
    return Notice(
        value["request_id"],
        register.recipients[value["recipient"]],
        value["kind"],
        rows,
        titles,
        datetime.fromisoformat(value["received_at"]),
        tuple(value["emails"]),
        value["corrections"],
        value["number"],
        value["ends"],
    )


def _coded(row: str) -> dict[str, str]:
    return {"sv": row, "en": row}
