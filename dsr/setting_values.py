"""What stands in one variable, read and checked; see `dsr.settings`."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dsr.errors import PermanentError
from dsr.referring import is_address
from dsr.vocabulary import RECIPIENT_KEY, RIGHTS

KEY_BYTES: Final = 32
NEW_KEY: Final = 'python -c "import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())"'


class SettingError(PermanentError):
    """A setting is absent or can't be used: code `setting.<name>`. The text says which variable and what goes there,
    never the value that stood there."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"setting.{name}", "settings")
        self.variable = f"DSR_{name.upper()}"
        self.why = why

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.variable}: {self.why})"


def key_of(values: Mapping[str, str], name: str) -> bytes:
    """32 bytes in base64, either alphabet."""
    try:
        key = base64.b64decode(values[name].replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise SettingError(name, f"not base64; make one with {NEW_KEY}") from None
    if len(key) != KEY_BYTES:
        raise SettingError(name, f"not 32 bytes; make one with {NEW_KEY}")
    return key


def listed(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def yes_or_no(values: Mapping[str, str], name: str) -> bool:
    """yes or no."""
    if values[name].lower() not in ("yes", "no"):
        raise SettingError(name, "neither yes nor no")
    return values[name].lower() == "yes"


def timezone_of(name: str) -> str:
    """A name of the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingError("timezone", "not a name of the IANA time zone database, such as Europe/Stockholm") from None
    return name


def count_of(values: Mapping[str, str], name: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    text = values[name]
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingError(name, f"not a whole number from {least} to {most}")
    return int(text)


def counts_of(values: Mapping[str, str], name: str, least: int, most: int) -> tuple[int, ...]:
    """Whole numbers within bounds, with commas between them; each once, the largest first."""
    texts = listed(values[name])
    if not texts or not all(text.isascii() and text.isdigit() and least <= int(text) <= most for text in texts):
        raise SettingError(name, f"not whole numbers from {least} to {most} with commas between them")
    return tuple(sorted({int(text) for text in texts}, reverse=True))


def addresses_of(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Mail addresses with commas between them; () for none."""
    addresses = listed(values[name])
    if not all(map(is_address, addresses)):
        raise SettingError(name, "not mail addresses with commas between them")
    return addresses


def recipients_of(text: str) -> tuple[str, ...]:
    """Keys of other controllers. SettingError for one that can't be such a key."""
    keys = listed(text)
    if not all(re.fullmatch(RECIPIENT_KEY, key) for key in keys):
        raise SettingError("recipients", "not keys of recipients (a-z, 0-9, hyphens) with commas between them")
    return keys


def rights_of(text: str) -> tuple[str, ...]:
    """Rights of `vocabulary.RIGHTS`. SettingError for none, and for another."""
    rights = listed(text)
    if not rights or not set(rights) <= set(RIGHTS):
        raise SettingError("rights", f"not some of {', '.join(RIGHTS)} with commas between them")
    return rights
