"""Sends a mail through the Airflow connection `dsr_mail`, read as Airflow's SMTP provider reads it, or through a mail
server that a process without Airflow was told.

Extra fields: `disable_ssl` (then STARTTLS unless `disable_tls`), `ca` (file of the authority to trust), `timeout` s.
Replies are kept out of errors: they repeat the recipient's address.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from dsr.errors import PermanentError, TransientError
from dsr.source import Connection
from dsr.trust import trusting

_PLACE: Final = "mail"
_TIMEOUT_S: Final = 30.0
_PERMANENT: Final = range(500, 600)


def smtp_sender(connection: Connection) -> Callable[[EmailMessage], None]:
    """A function that sends one message. TransientError or PermanentError with the server's code (RFC 5321 §4.2.1:
    4yz = again later, 5yz = never)."""

    def send(message: EmailMessage) -> None:
        with _coded(), _session(connection) as smtp:
            smtp.send_message(message)

    return send


def mail_server(url: str) -> Connection:
    """`smtps://user:password@host:465`, or `smtp://host:587` with STARTTLS, without it when `?tls=no`; `?ca=` names the
    file of the authority to trust. PermanentError("setting.mail_url") for anything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise PermanentError("setting.mail_url", _PLACE) from None
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise PermanentError("setting.mail_url", _PLACE)
    query = dict(parse_qsl(parts.query))
    plain = parts.scheme == "smtp"
    extra = {"disable_ssl": plain, "disable_tls": plain and query.get("tls") == "no", "ca": query.get("ca", "")}
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Connection("dsr_mail", host, port, login, password, extra=extra)


@contextlib.contextmanager
def _session(connection: Connection) -> Iterator[smtplib.SMTP]:
    extra = connection.extra
    timeout = float(extra.get("timeout") or _TIMEOUT_S)
    if not extra.get("disable_ssl"):
        trust = _trust(connection)
        client: smtplib.SMTP = smtplib.SMTP_SSL(connection.host, connection.port or 465, timeout=timeout, context=trust)
    else:
        client = smtplib.SMTP(connection.host, connection.port or 587, timeout=timeout)
    with client:
        if extra.get("disable_ssl") and not extra.get("disable_tls"):
            client.starttls(context=_trust(connection))
        if connection.login:
            client.login(connection.login, connection.password)
        yield client


def _trust(connection: Connection) -> ssl.SSLContext:
    return trusting("smtp", str(connection.extra.get("ca") or ""))


@contextlib.contextmanager
def _coded() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _reply(max(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _reply(error.smtp_code) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError):
        raise PermanentError("smtp.refused", _PLACE) from None
    except (smtplib.SMTPException, OSError):
        raise TransientError("connection.failed", _PLACE) from None


def _reply(code: int) -> PermanentError | TransientError:
    if code < 0:  # smtplib's word for a line that is no reply
        return TransientError("answer.invalid", _PLACE)
    kind = PermanentError if code in _PERMANENT else TransientError
    return kind(f"smtp.{code}", _PLACE)
