"""A party of the tests of faults, ready, and how something goes wrong with it."""

import glob
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
from books import LINED, OnALine
from botocore.config import Config
from line import nobody
from parties import Party
from receivers import TICKETS, Airflow, Bucket, Gateway, Processor, Receiver, Store, Ticket, Waits
from running_sandbox import Sandbox
from sources import CHANGE, READ
from wrongs import SECONDS, WAIT, Wrong

from dsr import texting
from dsr.errors import DsrError, TransientError
from dsr_coded import Coded
from extractors import bucket, http, outbound
from extractors.recordings import store
from extractors.salesforce import client
from sandbox.wire import Fault, Wiretap

_PATIENCE_S: Final = 0.8
_LONGEST_S: Final = 2.0

PARTIES: dict[str, type[Party]] = {
    kind.key: kind for kind in (*READ, *CHANGE, *LINED, *TICKETS, Processor, Receiver, Bucket, Store, Gateway, Airflow)
}
Played = Callable[[], bool]
GoWrong = Callable[[Wrong], AbstractContextManager[Played]]
"""A block in which that goes wrong, once; the function says whether it has."""


@pytest.fixture
def party(
    request: pytest.FixtureRequest, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Party, GoWrong]]:
    """It, ready, and how to let it go wrong. Temporary files have a folder of their own: others test beside."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kind, need = PARTIES[key], request.getfixturevalue
    made: Any
    if issubclass(kind, Ticket):
        made, tap = kind(need("ticket_office")), need("systems").tap
    elif kind is Store:
        uri, tap = need("stored")
        made = Store(uri, tap)
    elif kind is Gateway:
        url, gateway, tap = need("texted")
        made = Gateway(url, gateway)
    elif kind is Airflow:
        url, airflow, tap = need("started")
        made = Airflow(url, airflow)
    else:
        needed = {Processor: "notice_office", Receiver: "dispatch", Bucket: "dispatch"}
        name = "notice_office" if kind.key == "mail" else needed.get(kind, "sandbox")
        made, tap = kind(need(name)), None
    yield made, _injector(made, tap, need)
    made.end()


@contextmanager
def impatient() -> Iterator[None]:
    """The same clients, whose patience ends sooner."""
    brief = Config(read_timeout=_PATIENCE_S)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(http.HttpClient.__init__.__kwdefaults__, {"timeout": _PATIENCE_S}))
        for module in (outbound, texting):
            stack.enter_context(mock.patch.object(module, "_TIMEOUT_S", _PATIENCE_S))
        stack.enter_context(mock.patch.object(client, "_TIMEOUT", (1.0, _PATIENCE_S)))
        for module in (bucket, store):
            stack.enter_context(mock.patch.object(module, "_CONFIG", module._CONFIG.merge(brief)))
        for module in (http, client):
            stack.enter_context(mock.patch.object(module, "LONGEST_READ_S", _LONGEST_S))
        yield


def _injector(party: Party, tap: Wiretap | None, need: Callable[[str], Any]) -> GoWrong:
    @contextmanager
    def wrong(what: Wrong) -> Iterator[Played]:
        patience = impatient() if what.fault.get("kind") in ("slow", "drip") else nullcontext()
        with patience, playing(what) as played:
            yield played

    @contextmanager
    def playing(what: Wrong) -> Iterator[Played]:
        played = party.skew if what.key == "skew" and party.skew else what.played()
        if isinstance(party, OnALine):
            with party.wrong(what.key) as played:
                yield played
        elif not what.fault:
            with nobody() as port, party.elsewhere(port):
                yield lambda: True
        elif tap is not None:
            tap.faults.append(fault := Fault(system=party.system, times=1, **{**party.hit, **played}))
            yield lambda: fault.times == 0
            tap.faults.clear()
        else:
            sandbox: Sandbox = need("sandbox")
            sandbox.fault(system=party.system, times=1, **{**party.hit, **played})
            yield lambda: sandbox.admin.get("/faults").json()[0]["times"] == 0
            sandbox.admin.delete("/faults")

    return wrong


def attempted(party: Party) -> str:
    """How an attempt ended: "done", or the code of its error with the word whether trying again helps."""
    try:
        with Coded(party.key):  # as every task is
            party.attempt()
    except Waits as error:
        return f"a person: {error.code}"
    except DsrError as error:
        assert_says_nothing(error)
        word = "again" if isinstance(error, TransientError) else "stop"
        if isinstance(error, TransientError) and error.retry_after is not None:
            return f"{word}: {error.code} after {_about(error.retry_after)}"
        return f"{word}: {error.code}"
    return "done"


def _about(wait: timedelta) -> str:
    for known in (timedelta(seconds=SECONDS), WAIT):
        if known - timedelta(seconds=10) <= wait <= known:
            return f"{int(known.total_seconds())} s"
    return f"{round(wait.total_seconds())} s"


def assert_says_nothing(error: DsrError) -> None:
    """A code and a place, and no other error's text behind it."""
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert "@" not in f"{error} {error!r}"


def left() -> set[str]:
    """Files in the folder for temporary ones that are ours."""
    return set(glob.glob(f"{tempfile.gettempdir()}/dsr-*"))
