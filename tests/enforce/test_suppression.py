"""Who must not be taken in again."""

import base64
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_acting import ASA, AT, BO, MadeUp, World, case_of
from made_up_sources import email, phone

from dsr.errors import PermanentError
from dsr.ledger import Ledger
from dsr.listing import asked, exported
from dsr.model import Identifier
from dsr.settings import subkey
from dsr.steps.suppress import suppress
from dsr.suppression import Suppression, identifier_of


def test_scopes(suppression: Suppression, request_id: str) -> None:
    one, other = email(f"{request_id}@x.example"), email(f"{request_id}@y.example")
    suppression.add([one], "marketing", request_id, AT)
    suppression.add([one], "all", request_id, AT)
    assert suppression.asks([one, other]) == {"all", "marketing"}
    assert suppression.asks([other]) == frozenset()
    with pytest.raises(PermanentError, match=r"suppression\.scope"):
        suppression.add([one], "everything", request_id, AT)


def test_a_company_s_number_is_never_listed(suppression: Suppression, request_id: str) -> None:
    number = Identifier("customer_number", request_id)
    assert suppression.add([number], "all", request_id, AT) == 0
    assert suppression.asks([number]) == frozenset()


def test_consent_anew(suppression: Suppression, request_id: str) -> None:
    one = email(f"{request_id}@x.example")
    suppression.add([one], "all", request_id, AT)
    with pytest.raises(PermanentError, match=r"suppression\.reason"):
        suppression.remove([one], "all", "she said so", AT)
    assert suppression.remove([one], "all", "consent.given", AT) == 1
    assert suppression.remove([one], "all", "consent.given", AT) == 0
    assert suppression.asks([one]) == frozenset()
    suppression.add([one], "all", request_id, AT + timedelta(days=1))
    assert suppression.asks([one]) == {"all"}


def test_the_person_of_a_case(tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str) -> None:
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "erase", request_id)
    assert suppress(case, suppression, ledger, at=AT) == suppress(case, suppression, ledger, at=AT) == 1
    assert "all" in suppression.asks([email(ASA)])
    assert suppression.asks([email(BO)]) == frozenset()
    assert [e.detail for e in ledger.events(request_id) if e.kind == "suppressed"] == [{"scope": "all", "count": 1}]


def test_a_shared_mailbox_is_never_listed(
    tmp_path: Path, suppression: Suppression, ledger: Ledger, request_id: str
) -> None:
    case = case_of(tmp_path, MadeUp(World.of()), lambda d, i: "erase", request_id)
    asked_by = case.read_json("request")
    case.write_json("request", {**asked_by, "subject": {"email": "info@kvarn.example"}})
    suppress(case, suppression, ledger, at=AT)
    assert suppression.asks([email("info@kvarn.example")]) == frozenset()


def test_lines(suppression: Suppression, request_id: str) -> None:
    suppression.add([email("eva@list.example"), phone("+46701234567")], "all", request_id, AT)
    lines = ["Eva@LIST.example \n", "070-123 45 67\n", "olle@list.example\n", "\n", "Eva Lind\n"]
    answers = ["suppressed all", "suppressed all", "allowed", "unreadable", "unreadable"]
    assert list(asked(iter(lines), suppression, "SE")) == answers
    table = ["name,mail\n", '"Lind, Eva",eva@list.example\n', "Olle,olle@list.example\n", "nobody\n"]
    assert list(asked(iter(table), suppression, "SE", "mail")) == ["suppressed all", "allowed", "unreadable"]


def test_many_lines_are_streamed(suppression: Suppression) -> None:
    """The first answers are there long before the last lines."""
    read = 0

    def lines() -> Any:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield f"p{number}@many.example\n"

    assert next(asked(lines(), suppression, "SE")) == "allowed"
    assert read <= 500


@given(text=st.text(max_size=60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gets_an_answer(suppression: Suppression, text: str) -> None:
    [answer] = list(asked([text], suppression, "SE"))
    found = identifier_of(text, "SE")
    assert (answer == "unreadable") == (found is None)


def test_the_command(engine: Any, request_id: str) -> None:
    key = bytes(range(32))
    listed = Suppression(engine, subkey(key, "suppression"))
    listed.add([email("kim@command.example")], "marketing", request_id, AT)
    env = {
        "DSR_LEDGER_URL": engine.url.set(drivername="postgresql").render_as_string(hide_password=False),
        "DSR_MASTER_KEY": base64.b64encode(key).decode(),
        "PATH": "/usr/bin:/bin",
    }

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "dsr", "suppressed", *arguments]
        return subprocess.run(command, input=text, env=env, capture_output=True, text=True, check=False)

    answered = run("--stdin", text="kim@command.example\nbo@command.example\n")
    assert (answered.returncode, answered.stdout) == (0, "suppressed marketing\nallowed\n")
    hashes = run("--export").stdout.splitlines()
    assert hashes == list(exported(listed))
    assert any(line.startswith(f"{listed.hash(email('kim@command.example')).hex()},marketing,") for line in hashes)
