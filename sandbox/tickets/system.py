"""The ticket systems of the sandbox, for the process that runs them all."""

from sandbox.tickets.callback import Callback
from sandbox.tickets.freshdesk import Freshdesk
from sandbox.tickets.jira import Jira
from sandbox.tickets.zendesk import Zendesk

__all__ = ["Callback", "Freshdesk", "Jira", "Zendesk"]
