"""Settings: what is missing or wrong is named, what is secret stays hidden."""

import base64

import pytest

from dsr.errors import PermanentError
from dsr.setting_values import SettingError
from dsr.settings import Settings, subkey

SECRET = base64.b64encode(b"\xfb\xff" * 16).decode()
ENV = {
    "DSR_CASE_STORE": "s3://id:case-secret@bucket/x",
    "DSR_LEDGER_URL": "postgresql+psycopg://dsr:db-secret@h/dsr",
    "DSR_MASTER_KEY": SECRET,
    "DSR_PORTAL_URL": "https://my.example/",
    "DSR_AIRFLOW_URL": "https://airflow.example",
    "DSR_AIRFLOW_USER": "dsr",
    "DSR_AIRFLOW_PASSWORD": "airflow-secret",
    "DSR_MAIL_FROM": "privacy@example.se",
    "DSR_CONTROLLER_NAME": "Exempel AB",
    "DSR_CONTROLLER_MAIL": "dpo@example.se",
    "DSR_CONTROLLER_ADDRESS": "Gatan 1, Stockholm",
    "DSR_CHANNEL_STANDARD_WEBHOOKS_SECRET": "whsec_channel-secret",
    "DSR_CHANNEL_JIRA_SECRET": "",
}


def test_all_there() -> None:
    settings = Settings.from_environment(ENV)
    assert settings.master_key == b"\xfb\xff" * 16
    assert settings.portal_url == "https://my.example"
    assert settings.channel_secrets == {"standard_webhooks": "whsec_channel-secret"}
    assert settings.controller.mail == "dpo@example.se"
    assert (settings.country, settings.zone.key, settings.package_days, settings.code_attempts) == (
        "SE",
        "Europe/Stockholm",
        14,
        10,
    )


def test_secrets_are_not_shown() -> None:
    shown = repr(Settings.from_environment(ENV))
    assert "secret" not in shown.replace("channel_secrets", "")
    assert SECRET not in shown


@pytest.mark.parametrize("variable", [v for v in ENV if not v.startswith("DSR_CHANNEL")])
def test_a_missing_one_is_named(variable: str) -> None:
    name = variable.removeprefix("DSR_").lower()
    with pytest.raises(
        PermanentError, match=rf"settings: setting\.{name} \({variable}: not set; expected \w+"
    ) as caught:
        Settings.from_environment({**ENV, variable: "  "})
    assert caught.value.code == f"setting.{name}"


def test_a_process_need_not_hold_what_it_has_no_use_for() -> None:
    env = {"DSR_LEDGER_URL": ENV["DSR_LEDGER_URL"]}
    settings = Settings.from_environment(env, need=["ledger_url"])
    assert (settings.master_key, settings.airflow_password, settings.case_store) == (b"", "", "")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DSR_MASTER_KEY", "c2VjcmV0"),
        ("DSR_MASTER_KEY", "not base64 secret!"),
        ("DSR_TIMEZONE", "Europe/Secret"),
        ("DSR_TIMEZONE", "../secret"),
        ("DSR_PACKAGE_DAYS", "-3"),
        ("DSR_PACKAGE_DAYS", "secret"),
        ("DSR_CODE_ATTEMPTS", "²"),
    ],
)
def test_a_wrong_one_is_named_and_not_shown(variable: str, value: str) -> None:
    with pytest.raises(SettingError, match=variable) as caught:
        Settings.from_environment({**ENV, variable: value})
    assert value not in str(caught.value)


def test_subkeys_differ_by_purpose_and_master() -> None:
    keys = {subkey(master, purpose) for master in (b"a" * 32, b"b" * 32) for purpose in ("ledger", "links")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert subkey(b"a" * 32, "ledger") == subkey(b"a" * 32, "ledger")
    with pytest.raises(SettingError):
        subkey(b"", "ledger")
