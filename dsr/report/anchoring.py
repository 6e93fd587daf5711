"""The mail that says where the ledger ended in the night: a count, a hash and a time, nothing of anybody's."""

from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Final

from dsr.anchor import anchored
from dsr.ledger import Head
from dsr.report.answers import envelope
from dsr.settings import Settings
from dsr.signing import Signer

_TEXT: Final = """\
Here ended the ledger of requests about personal data at that time, signed:

{line}

Keep this mail where nobody who may write to the ledger's database can change it. Whether a later ledger
still holds what it held then, this says, of a file with one or many such mails:

    python -m dsr verify-ledger --anchor FILE

The signature is of the key {key}, which the download page
publishes. When no such mail comes for a night, ask why: the ledger is walked before it is sent, and what was
edited, taken away or put in stops it.
"""


def anchor_mails(head: Head, signer: Signer, settings: Settings, at: datetime) -> Iterator[EmailMessage]:
    """One to each of `settings.anchor_to`. `at`: aware."""
    text = _TEXT.format(line=anchored(head, signer, at), key=signer.public_key.split()[-1])
    subject = f"Ledger of requests about personal data: {head.count} events"
    for to in settings.anchor_to:
        message = envelope(settings, to, subject, at, f"ledger.{head.count}.{at:%Y%m%d}")
        message.set_content(text, cte="7bit")  # the signed line must not be wrapped
        message["Content-Language"] = "en"
        yield message
