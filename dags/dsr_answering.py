"""How an answer gets into a ticket: the one place where channels, connections and clients come together."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from dsr_coded import Coded

if TYPE_CHECKING:
    from dsr.channels.ticket import Answer
    from dsr.source import Connection


def write(needed: "Callable[[str], Connection]", answer: "Answer", before: int | None) -> None:
    """Writes it through the connection `dsr_<channel>`, which `needed` gives by its id; `before` as `Channel.answer`
    has it. Who works on tickets sees nothing of what an officer has entered: there is none."""
    from dsr.channels import CHANNELS, staff
    from extractors.http import HttpClient
    from extractors.outbound import outbound_client

    if answer.channel == staff.NAME:
        return
    with Coded(answer.channel):
        channel, connection = CHANNELS[answer.channel], needed(f"dsr_{answer.channel}")
        private = connection.extra.get("private") is True
        http = partial(outbound_client, private=private) if channel.outside else HttpClient
        channel.answer(connection, answer, http, before)
