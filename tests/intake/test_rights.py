"""Which rights an installation takes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from front_desk import NOW, SECRETS, FakeAirflow
from served import served

from dsr.setting_values import SettingError
from dsr.settings import Settings
from dsr.vocabulary import RIGHTS
from dsr.web.intake import Desk, create_app
from sandbox.tickets.sender import CHANNELS, signed, ticket_body

NEEDS: dict[str, dict[str, Any]] = {
    "objection": {"ground": "direct_marketing"},
    "withdrawal": {"purposes": ["dpv:DirectMarketing"]},
    "rectification": {"corrections": {"email": "asa@new.example"}},
}


def send(url: str, channel: str, right: str) -> httpx.Response:
    ticket = "DSR-1" if channel == "jira" else "1001"
    asked: dict[str, Any] = {"right": right, **NEEDS.get(right, {})}
    body = ticket_body(channel, ticket, email="asa@kvarnberget.example", at=NOW, **asked)
    headers, raw = signed(channel, body, SECRETS[channel], NOW, f"{channel}-rights-{right}")
    return httpx.post(f"{url}/requests/{channel}", headers=headers, content=raw, timeout=30)


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_right_is_taken_unless_it_is_switched_off(channel: str, desk: Desk, airflow: FakeAirflow) -> None:
    plain = replace(desk, settings=replace(desk.settings, rights=Settings("", "", b"").rights))
    with served(create_app(plain)) as url:
        assert {right: send(url, channel, right).status_code for right in RIGHTS} == dict.fromkeys(RIGHTS, 202)
    assert airflow.starts == len(RIGHTS)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_right_that_is_switched_off_is_refused_and_named(channel: str, desk: Desk, airflow: FakeAirflow) -> None:
    some = ("access", "portability")
    with served(create_app(replace(desk, settings=replace(desk.settings, rights=some)))) as url:
        told = {right: send(url, channel, right) for right in RIGHTS}
    assert {right for right, response in told.items() if response.status_code == 202} == set(some)
    for right in set(RIGHTS) - set(some):
        assert told[right].status_code == 422
        assert told[right].json()["errors"] == [{"pointer": "right", "detail": "is not switched on here"}]
    assert airflow.starts == len(some)
    assert len(desk.cases.cases()) == len(some)


@pytest.mark.parametrize(
    ("text", "rights"),
    [
        ("", RIGHTS),
        ("access", ("access",)),
        (" access , erasure", ("access", "erasure")),
        (",".join(RIGHTS), RIGHTS),
    ],
)
def test_the_setting(text: str, rights: tuple[str, ...]) -> None:
    assert Settings.from_environment({"DSR_RIGHTS": text}, need=[]).rights == rights


@pytest.mark.parametrize("text", ["acess", "access,everything", "access;erasure", ","])
def test_a_right_that_is_none_is_named_by_its_variable(text: str) -> None:
    with pytest.raises(SettingError, match="DSR_RIGHTS"):
        Settings.from_environment({"DSR_RIGHTS": text}, need=[])


def test_the_example_names_them_all() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    assert f"DSR_RIGHTS={','.join(RIGHTS)}" in example.splitlines()
