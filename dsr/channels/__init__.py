"""The ways by which tickets come in, in one list. A new one is its module, its schema and one line here."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Final

from dsr.channels.freshdesk import Freshdesk
from dsr.channels.jira import Jira
from dsr.channels.opendsr import OpenDsrChannel
from dsr.channels.standard_webhooks import StandardWebhooks
from dsr.channels.ticket import Channel
from dsr.channels.zendesk import Zendesk
from dsr.setting_values import SettingError

_LISTED: Final[tuple[Channel, ...]] = (StandardWebhooks(), Zendesk(), Jira(), Freshdesk(), OpenDsrChannel())

CHANNELS: Final[Mapping[str, Channel]] = {channel.name: channel for channel in _LISTED}
"""By name, the last part of the webhook's path."""

_CUSTOM_FIELD: Final = re.compile(r"customfield_[0-9]{1,10}")
_NAMES: Final = tuple(f.name for f in fields(Jira))
_EXPECTED: Final = (
    'a JSON object of fields and their ids, such as {"right": "customfield_10201"}, no id twice; fields: '
    + ", ".join(_NAMES)
)


def from_environment(env: Mapping[str, str] | None = None) -> Mapping[str, Channel]:
    """The channels, Jira's with the ids of the site's custom fields that `DSR_CHANNEL_JIRA_FIELDS` names, those of
    `Jira` for the others, and OpenDSR's with our domain and the hosts that callbacks may go to. None = this process's
    environment. SettingError("setting.channel_jira_fields").

    Zendesk's and Freshdesk's fields stand in the body that is written there; our own form has no other names.
    """
    given = os.environ if env is None else env
    hosts = tuple(given.get("DSR_OPENDSR_CALLBACK_HOSTS", "").lower().replace(",", " ").split())
    opendsr = OpenDsrChannel(given.get("DSR_OPENDSR_DOMAIN", "").strip().lower(), hosts)
    listed = {**CHANNELS, opendsr.name: opendsr}
    text = given.get("DSR_CHANNEL_JIRA_FIELDS", "").strip()
    if not text:
        return listed
    jira = replace(Jira(), **_custom_fields(text))
    if len({getattr(jira, name) for name in _NAMES}) < len(_NAMES):
        raise SettingError("channel_jira_fields", _EXPECTED)
    return {**listed, jira.name: jira}


def _custom_fields(text: str) -> dict[str, str]:
    try:
        named = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingError("channel_jira_fields", _EXPECTED) from None
    if not isinstance(named, dict) or not named.keys() <= set(_NAMES):
        raise SettingError("channel_jira_fields", _EXPECTED)
    if not all(isinstance(name, str) and _CUSTOM_FIELD.fullmatch(name) for name in named.values()):
        raise SettingError("channel_jira_fields", _EXPECTED)
    return named
