"""Copies of the mails about a case, kept with it (`dsr.correspondence`) without the secrets that stood in them."""

import html
from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime
from email.message import EmailMessage

from dsr.casefile import CaseFile
from dsr.correspondence import BLANK, keep
from dsr.ledger import Ledger

SendMail = Callable[[EmailMessage], None]


def keep_mail(
    case: CaseFile, ledger: Ledger, kind: str, message: EmailMessage, *, at: datetime, secrets: Sequence[str] = ()
) -> None:
    """Keeps the copy of a mail that was sent. `kind`: what it is, a code; `secrets`: codes and the secret parts of
    links that stand in it. To be called before the mark by which the mail isn't sent again: who is cut off in between
    sends it again and keeps both."""
    keep(case, ledger, kind, "mail", copied(message, secrets), at)


def copied(message: EmailMessage, secrets: Sequence[str] = ()) -> bytes:
    """The mail as it goes over the wire (RFC 5322), with `correspondence.BLANK` wherever one of the secrets stood."""
    copy = deepcopy(message, {id(message.policy): message.policy})
    for part in copy.walk():
        if part.get_content_maintype() == "text":
            language, text = part["Content-Language"], part.get_content()
            for secret in filter(None, secrets):
                text = text.replace(secret, BLANK).replace(html.escape(secret), BLANK)
            part.set_content(text, subtype=part.get_content_subtype())
            if language:
                part["Content-Language"] = language  # setting content removes it
    return copy.as_bytes()
