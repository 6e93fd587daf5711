"""What a person types as recipient: one pattern for it everywhere, and no look-up by what is not on the list."""

from typing import Any

import jsonschema_rs
import pytest
from airflow.sdk import Connection as AirflowConnection
from hypothesis import example, given
from hypothesis import strategies as st

from dsr import schema
from dsr.channels.options import options
from dsr.setting_values import SettingError
from dsr.settings import Settings
from dsr_recipients import allowed

KEYS = ("request", "ticket-standard_webhooks")


@pytest.mark.parametrize("typed", ["anna-svensson", "198001019999", "EXAMPLE", "example ", "../x", "exampl", ""])
def test_nothing_is_looked_up_by_what_is_not_on_the_list(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """The name of a connection that is looked up stands in Airflow's access log."""
    asked: list[str] = []

    def look(name: str) -> Any:
        asked.append(name)
        return AirflowConnection(conn_id=name, conn_type="http", host="recipient.example")

    monkeypatch.setattr(AirflowConnection, "get", look)
    assert allowed(typed, ("example", "bucket")) is None
    assert asked == []
    assert allowed("example", ("example", "bucket")) is not None
    assert asked == ["dsr_recipient_example"]


@given(st.text(st.sampled_from("a0-z9A_ \n"), max_size=70))
@example("0701740605")
@example("a" * 63)
@example("a" * 64)
@example("0-0a\n")
def test_one_pattern_everywhere(key: str) -> None:
    """A number alone, which could be a person's, is a key nowhere."""
    _, problems = options("portability", {"transmit_to": key})
    valid = key.strip() != "" and not problems
    for name in KEYS:
        part = schema.load(name)["properties"]["transmit_to"]
        judge = jsonschema_rs.Draft202012Validator({"type": "string", "pattern": part["pattern"]})
        assert judge.is_valid(key) == (valid and key == key.strip()), name
    assert not valid or any("a" <= letter <= "z" for letter in key)


def test_the_list_is_a_setting() -> None:
    given = {"DSR_RECIPIENTS": " example, bucket ,"}
    assert Settings.from_environment(given, need=()).recipients == ("example", "bucket")
    assert Settings.from_environment({}, need=()).recipients == ()
    with pytest.raises(SettingError) as raised:
        Settings.from_environment({"DSR_RECIPIENTS": "0701740605"}, need=())
    assert raised.value.variable == "DSR_RECIPIENTS"
    assert "0701740605" not in str(raised.value)
