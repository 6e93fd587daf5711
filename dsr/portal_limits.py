"""How long, how much and how often on the download page; whose word on where a visitor comes from is taken.

DSR_SESSION_MINUTES   for how long the package can be fetched after link and code were entered
DSR_PACKAGE_PART_MB   a larger package can also be had in parts of so many MB (10⁶ bytes)
DSR_PRESIGN_FROM_MB   from so many MB on an S3 store itself hands out packages that are encrypted to the person, by an
                      address that works for a minute; 0 = never, the page streams them (see `dsr.handed`)
DSR_ADDRESS_ATTEMPTS  wrong codes, and codes by mail, from one address within …
DSR_ADDRESS_MINUTES   … so many minutes
DSR_TRUSTED_PROXIES   networks of the proxies whose X-Forwarded-For counts (10.0.0.0/8, …); none = the connection's
                      own address counts. Behind a proxy that isn't named here all visitors are one address
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self

from dsr.setting_values import SettingError, count_of, listed

SETTINGS: Final[Mapping[str, str]] = {
    "session_minutes": "60",
    "package_part_mb": "2000",
    "presign_from_mb": "0",
    "address_attempts": "30",
    "address_minutes": "10",
    "trusted_proxies": "",
}
"""Setting → what it is when it isn't set."""
_MB: Final = 1_000_000


@dataclass(frozen=True)
class PortalLimits:
    """See the module. `part_bytes`: the largest part of a package; `presign_from`: bytes, 0 = never."""

    session: timedelta = timedelta(hours=1)
    part_bytes: int = 2000 * _MB
    attempts: int = 30
    within: timedelta = timedelta(minutes=10)
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    presign_from: int = 0

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """From the settings of `SETTINGS`. SettingError for the first one that can't be used."""
        return cls(
            timedelta(minutes=count_of(values, "session_minutes", 5, 60)),
            count_of(values, "package_part_mb", 1, 1_000_000) * _MB,
            count_of(values, "address_attempts", 1, 1_000_000),
            timedelta(minutes=count_of(values, "address_minutes", 1, 24 * 60)),
            _networks(values["trusted_proxies"]),
            count_of(values, "presign_from_mb", 0, 1_000_000) * _MB,
        )

    def presigns(self, size: int, encryption: str) -> bool:
        """Whether the store hands out a package of that size in bytes, encrypted in that way, where it can."""
        return 0 < self.presign_from <= size and encryption != "none"


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(map(ip_network, listed(text)))
    except ValueError:
        why = "not networks such as 10.0.0.0/8 or addresses, with commas between them"
        raise SettingError("trusted_proxies", why) from None
