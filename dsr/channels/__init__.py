"""The ways by which tickets come in, in one list. A new one is its module, its schema and one line here."""

from collections.abc import Mapping
from typing import Final

from dsr.channels.jira import Jira
from dsr.channels.standard_webhooks import StandardWebhooks
from dsr.channels.ticket import Channel
from dsr.channels.zendesk import Zendesk

_LISTED: Final[tuple[Channel, ...]] = (StandardWebhooks(), Zendesk(), Jira())

CHANNELS: Final[Mapping[str, Channel]] = {channel.name: channel for channel in _LISTED}
"""By name, the last part of the webhook's path."""
