"""Texts to mobile phones: what an installation is told about them, and the gateway that sends them.

DSR_SMS_FROM      who the text is from, 3 to 11 letters and digits, or a number in E.164; empty = no text is ever sent,
                  and nobody is asked to show that they hold a phone
DSR_SMS_PREFIXES  beginnings of the numbers that texts may go to, with commas between them. Mobile numbers only: what
                  costs more than a text (premium numbers, satellites) gets none
DSR_SMS_URL       the gateway with its sign-in, https://user:password@api.46elks.com/a1/sms; needed by the download page
                  alone, which sends the texts

The form of a call is that of 46elks (https://46elks.com/docs/send-sms): POST with the form fields `from`, `to` (E.164)
and `message`, HTTP basic auth, a JSON object with `id` and `status` as the answer. That a refusal is an HTTP status
from 400 on, and what `status` says of a text that can't be sent ("failed"), is from memory.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import httpx
import phonenumbers

from dsr.errors import PermanentError, TransientError
from dsr.setting_values import SettingError, listed

SETTINGS: Final[Mapping[str, str]] = {"sms_from": "", "sms_prefixes": "+46", "sms_url": ""}
"""Setting → what it is when it isn't set."""
SendText = Callable[[str, str], None]
"""Number in E.164 and text. TransientError or PermanentError when it couldn't be sent."""
_PLACE: Final = "sms"
_SENDER: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,10}|\+[1-9][0-9]{6,14}")
_PREFIX: Final = re.compile(r"\+[1-9][0-9]{0,6}")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_TIMEOUT_S: Final = 10.0
_MOST_BYTES: Final = 64 * 1024
_AGAIN: Final = (408, 425, 429)


@dataclass(frozen=True)
class Texting:
    """See the module. `sender`: DSR_SMS_FROM, "" = off."""

    sender: str = ""
    prefixes: tuple[str, ...] = ("+46",)
    url: str = field(default="", repr=False)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """From the settings of `SETTINGS`. SettingError for the first one that can't be used."""
        sender, prefixes, url = values["sms_from"], listed(values["sms_prefixes"]), values["sms_url"]
        if sender and not _SENDER.fullmatch(sender):
            raise SettingError("sms_from", "neither 3 to 11 letters and digits nor a number such as +46700000000")
        if not prefixes or not all(map(_PREFIX.fullmatch, prefixes)):
            raise SettingError("sms_prefixes", "not beginnings of numbers such as +46 with commas between them")
        if url and not _is_gateway(url):
            raise SettingError("sms_url", "not https://user:password@host/path")
        return cls(sender, prefixes, url)

    def reaches(self, number: str) -> bool:
        """Whether texts may go to that number: a mobile's, of a country that is allowed, while a sender is set."""
        if not self.sender or not _E164.fullmatch(number) or not number.startswith(self.prefixes):
            return False
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            return False
        mobile = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
        return mobile and phonenumbers.is_valid_number(parsed)


def text_sender(texting: Texting, transport: httpx.BaseTransport | None = None) -> SendText:
    """A function that sends one text to a number that `texting` reaches; once, since another try is the person's to ask
    for. No error says more than a code: "http.<status>", "connection.failed", "answer.invalid", "sms.failed",
    "sms.number". SettingError when there is a sender and no gateway. `transport`: for tests of what no server does on
    purpose."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if texting.sender and not texting.url:
        raise SettingError("sms_url", "not set; expected https://user:password@host/path, as DSR_SMS_FROM is set")

    def send(number: str, text: str) -> None:
        if not texting.reaches(number):
            raise PermanentError("sms.number", _PLACE)
        status, body = _post(texting, {"from": texting.sender, "to": number, "message": text}, transport)
        _need_taken(status, body)

    return send


def _post(texting: Texting, form: Mapping[str, str], transport: httpx.BaseTransport | None) -> tuple[int, bytes]:
    parts, body = urlsplit(texting.url), bytearray()
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    who = httpx.BasicAuth(unquote(parts.username or ""), unquote(parts.password or ""))
    try:
        with (
            httpx.Client(timeout=_TIMEOUT_S, transport=transport, auth=who) as client,
            client.stream("POST", address, data=form, headers={"accept-encoding": "identity"}) as response,
        ):
            for chunk in response.iter_raw():  # packed, it is no JSON: nothing is unpacked without end
                body += chunk
                if len(body) > _MOST_BYTES:
                    break
            return response.status_code, bytes(body)
    except httpx.HTTPError:
        raise TransientError("connection.failed", _PLACE) from None


def _need_taken(status: int, body: bytes) -> None:
    if status in _AGAIN or status >= 500:
        raise TransientError(f"http.{status}", _PLACE)
    if not 200 <= status < 300:
        raise PermanentError(f"http.{status}", _PLACE)
    try:
        told = json.loads(body)
        taken, state = isinstance(told["id"], str), told.get("status", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise TransientError("answer.invalid", _PLACE) from None
    if not taken or state == "failed":
        raise PermanentError("sms.failed", _PLACE)


def _is_gateway(url: str) -> bool:
    """Plain http only on this machine: the codes go over it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    return secure and bool(host) and bool(parts.username) and not parts.query and not parts.fragment
