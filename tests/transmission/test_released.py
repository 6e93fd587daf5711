"""What was shown to whoever approved is what may leave, and goes where it was shown to go; a recipient's connection
that can't be used costs the person nothing."""

from dataclasses import replace
from typing import Any

import pytest
from dispatch import NOW, Dispatch

from dsr.casefile import CaseFile
from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.source import Connection
from dsr_recipients import Allowed
from dsr_released import approved_recipient, promised, released, show, shown, wanted_recipient
from dsr_tables import transmission_line

SHA, COPY_SHA = "a" * 64, "b" * 64
SOUND = Allowed(
    "example",
    "http",
    Connection(
        "dsr_recipient_example", host="recipient.example", port=443, password="t", extra={"title": "Example AB"}
    ),
)


class Place:
    """As `Workplace`, with the connection that there is now."""

    def __init__(self, dispatch: Dispatch, now: Allowed | None) -> None:
        self._dispatch, self.now = dispatch, now

    @property
    def ledger(self) -> Ledger:
        return self._dispatch.ledger

    def case(self, request_id: str) -> CaseFile:
        return self._dispatch.cases.open(request_id)

    def recipient(self, key: str) -> Allowed | None:
        return self.now if self.now and self.now.key == key else None


def changed(**fields: Any) -> Allowed:
    return replace(SOUND, connection=replace(SOUND.connection, **fields))


def asked_for(place: Place, case: CaseFile) -> dict[str, Any]:
    """What compose asks a release for."""
    recipient = wanted_recipient(place, case)
    asked = {"sha256": SHA}
    if recipient is not None and recipient.usable:
        asked |= {"transmit_to": recipient.key, "transmit_sha256": COPY_SHA, "fingerprint": recipient.fingerprint}
    return asked


def approved(place: Place, case: CaseFile, before_approval: Any = None) -> dict[str, Any]:
    """Composed, shown, and approved after `before_approval`."""
    case.write_json("package.json", {"sha256": SHA})
    show(place, case.case_id, asked_for(place, case))
    if before_approval:
        before_approval()
    detail = {"decision": "release", "choice": "approve", "by": "officer", **shown(place, case.case_id)}
    place.ledger.append(case.case_id, "decision", detail, at=NOW)
    return released(place, case.case_id)


def test_approved_as_shown(dispatch: Dispatch) -> None:
    case, place = dispatch.case(b"x"), Place(dispatch, SOUND)
    release = approved(place, case)
    assert (release["sha256"], release["transmit_sha256"]) == (SHA, COPY_SHA)
    found = approved_recipient(place, case.case_id, release)
    assert found is not None
    assert found.client().title == "Example AB"
    renewed = Place(dispatch, changed(password="renewed", login="us"))
    assert approved_recipient(renewed, case.case_id, release) is not None


def test_a_connection_made_while_the_release_waits_was_not_approved(dispatch: Dispatch) -> None:
    """The page said that there is none."""
    case, place = dispatch.case(b"x"), Place(dispatch, None)
    release = approved(place, case, lambda: setattr(place, "now", SOUND))
    assert "transmit_to" not in release
    assert approved_recipient(place, case.case_id, release) is None


@pytest.mark.parametrize(
    "now",
    [
        None,
        changed(host="elsewhere.example"),
        changed(port=444),
        changed(schema="http"),
        changed(extra={"title": "Another AB"}),
        changed(extra={"title": "Example AB", "path": "/other/"}),
        changed(extra={"title": "Example AB", "ca": "/tmp/other.pem"}),
        changed(extra={"title": "Example AB", "private": True}),
        replace(SOUND, conn_type="aws"),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_was_changed_is_not_the_one_approved(
    dispatch: Dispatch, now: Allowed | None, when: str
) -> None:
    case, place = dispatch.case(b"x"), Place(dispatch, SOUND)
    release = approved(place, case, (lambda: setattr(place, "now", now)) if when == "before" else None)
    place.now = now
    assert approved_recipient(place, case.case_id, release) is None


def test_another_package_than_the_one_shown_was_not_approved(dispatch: Dispatch) -> None:
    """Composed again by itself while the release waits: what is there at approval is not what was shown."""
    case, place = dispatch.case(b"x"), Place(dispatch, SOUND)
    with pytest.raises(PermanentError, match=r"release\.not_approved"):
        approved(place, case, lambda: case.write_json("package.json", {"sha256": "c" * 64}))


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (changed(extra={}), "connection.title"),
        (changed(password=""), "connection.password"),
        (replace(SOUND, conn_type="sftp"), "connection.conn_type"),
        (replace(SOUND, conn_type="aws"), "connection.bucket"),
    ],
)
def test_a_connection_that_cannot_be_used_is_shown_and_stops_nothing(
    dispatch: Dispatch, bad: Allowed, code: str
) -> None:
    case, place = dispatch.case(b"x"), Place(dispatch, bad)
    line = transmission_line(wanted_recipient(place, case))
    assert f"`{code}`" in line
    assert "dsr_recipient_example" in line
    release = approved(place, case)
    assert release.keys() == {"decision", "choice", "by", "sha256"}
    assert approved_recipient(place, case.case_id, release) is None


def test_what_the_approver_reads(dispatch: Dispatch) -> None:
    assert "no connection" in transmission_line(None)
    line = transmission_line(SOUND)
    assert "Example AB" in line
    assert "recipient.example:443" in line
    extra = {"title": "Arkivet", "bucket": "incoming", "endpoint_url": "https://s3.example"}
    bucket = transmission_line(replace(SOUND, conn_type="aws", connection=Connection("c", extra=extra)))
    assert "https://s3.example incoming" in bucket


def test_whether_the_person_was_told(dispatch: Dispatch) -> None:
    case, place = dispatch.case(b"x"), Place(dispatch, SOUND)
    assert not promised(place, case.case_id)
    place.ledger.append(case.case_id, "answered", {"outcome": "link", "transmits": True}, at=NOW)
    assert promised(place, case.case_id)
