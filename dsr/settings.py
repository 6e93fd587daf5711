"""What an installation is told from outside: addresses, secrets, names. Read once, from the environment.

    DSR_CASE_STORE     folder or pyarrow.fs URI of the case files
    DSR_LEDGER_URL     postgresql://user:password@host/database
    DSR_MASTER_KEY     32 random bytes in base64; every other key is derived from it or wrapped by it
    DSR_…              see `_NEEDED` and `_OPTIONAL`
    DSR_CHANNEL_<NAME>_SECRET   secret of a ticket channel, any number of them

Secrets and addresses with credentials hide in `repr`.
"""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dsr import oidc, portal_limits, texting
from dsr.oidc import BadOidc, Oidc
from dsr.portal_limits import PortalLimits
from dsr.referring import Customer, Recruiting, customers_of, is_address
from dsr.setting_values import (
    KEY_BYTES,
    NEW_KEY,
    SettingError,
    addresses_of,
    count_of,
    counts_of,
    key_of,
    listed,
    recipients_of,
    rights_of,
    timezone_of,
    yes_or_no,
)
from dsr.texting import Texting
from dsr.vocabulary import RIGHTS

_NEEDED: Final = {
    "case_store": "a folder, or s3://bucket/prefix?endpoint_override=…&scheme=https; the bucket must not be versioned",
    "ledger_url": "postgresql://user:password@host:5432/database",
    "master_key": f"32 bytes in base64; make one with {NEW_KEY}",
    "portal_url": "the address that a person's browser reaches the download page at, https://…",
    "airflow_url": "the address of Airflow's api-server, https://…",
    "airflow_user": "the service user that starts runs",
    "airflow_password": "that user's password",
    "mail_from": "the sender of mails to persons, an address that is read",
    "controller_name": "the controller's legal name, Art. 13(1)(a) GDPR",
    "controller_mail": "mail address of the data protection officer or privacy team, Art. 13(1)(b) GDPR",
    "controller_address": "the controller's postal address, Art. 13(1)(a) GDPR",
}
_OF_ONE_USE: Final = {
    "case_key": f"32 bytes in base64; make one with {NEW_KEY}",
    "mail_url": "the mail server of the download page, smtps://user:password@host:465 or smtp://host:587 (STARTTLS)",
}
"""Only needed where it is asked for."""
_OPTIONAL: Final = {
    "country": "SE",
    "timezone": "Europe/Stockholm",
    "package_days": "14",
    "code_attempts": "10",
    "challenge_days": "7",
    "package_encryption": "none",
    "signing_key": "",
    "former_case_keys": "",
    "former_public_keys": "",
    "register": "",
    "recipients": "",
    "rights": ",".join(RIGHTS),
    "officers": "",
    "reviewers": "",
    "review_four_eyes": "no",
    "alarm_days": "3",
    "remind_days": "14,7,3,1",
    "remind_to": "",
    "anchor_to": "",
    "identity_asked_within": "3",
    "frequent_from": "6",
    "budget_reserve": "20",
    "customers": "",
    "recruiting_mail": "",
    "recruiting_notice": "",
    **oidc.SETTINGS,
    **portal_limits.SETTINGS,
    **texting.SETTINGS,
}
ENCRYPTIONS: Final = ("none", "zip")
"""What an installation may do with packages by itself; "age" needs a person's key and is theirs to ask for."""


@dataclass(frozen=True)
class Controller:
    """Who answers for the processing: legal name, mail of the data protection officer, postal address."""

    name: str = ""
    mail: str = ""
    address: str = ""


@dataclass(frozen=True)
class Settings:
    """The settings of one process; see the module for the variables.

    channel_secrets  channel's name in lower case → secret; a channel without an entry is switched off
    country          ISO 3166 code whose public holidays move deadlines
    timezone         IANA name of the zone in which days and deadlines are counted
    package_days     how many days the download link lives
    code_attempts    how many wrong codes a link stands before it locks
    challenge_days   for how many days whoever asks may confirm that it is them
    mail_url         the mail server of the download page; see `dsr.post.mail_server`
    package_encryption  "none" or "zip" (AES-256 with a password), for requests that don't say
    signing_key      Ed25519 seed that packages are signed with; None = derived from the master key
    case_keys        what wraps the case files' keys: the present one (DSR_CASE_KEY), then those that did before
                     (DSR_FORMER_CASE_KEYS), then the master key, which does where there is no other
    former_public_keys  minisign public keys (RW…) of former signing keys, published beside the present one
    register         folder of the register of processing; "" = the shipped example, which nobody has confirmed
    recipients       keys of the other controllers that packages may be sent to (Art. 20(2) GDPR), each with a
                     connection `dsr_recipient_<key>` in Airflow; () = nobody. What a person names is compared with
                     these before anything is looked up by it
    rights           rights of `vocabulary.RIGHTS` that requests are taken for; others are refused
    reviewers        Airflow's ids of the users who review what others are spoken of in (DSR_REVIEWERS, else
                     DSR_OFFICERS); () = whoever may decide about the run
    review_four_eyes whether somebody else has to look at each of these decisions
    alarm_days       how many days before its target an open request raises an alarm
    remind_days      how many days before its target somebody is reminded of an open request, the most first
    remind_to        the mail addresses that reminders go to, the privacy team's; () = nobody's
    anchor_to        those that learn every night where the ledger ends, the auditor's; () = nobody's
    identity_asked_within  within how many days of receipt who asks has to be asked for it to suspend the time
    frequent_from    from the how-manieth request of the same address within twelve months a person looks at it before
                     anything is read (Art. 12(5) GDPR); 0 = never
    budget_reserve   percent of the calls that a vendor allows a day which erasure lists leave to others
    customers        controllers for whom we process, by key: whoever asks about that is referred to them
    recruiting       whom applicants are referred to
    oidc             the customer portal whose word on who asks is taken; None = none's
    portal, texting  limits of the download page; texts to mobile phones, off unless there is a sender
    """

    case_store: str = field(repr=False)
    ledger_url: str = field(repr=False)
    master_key: bytes = field(repr=False)
    portal_url: str = ""
    airflow_url: str = ""
    airflow_user: str = ""
    airflow_password: str = field(default="", repr=False)
    channel_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    mail_from: str = ""
    controller: Controller = field(default_factory=Controller)
    country: str = "SE"
    timezone: str = "Europe/Stockholm"
    package_days: int = 14
    code_attempts: int = 10
    challenge_days: int = 7
    mail_url: str = field(default="", repr=False)
    package_encryption: str = "none"
    signing_key: bytes | None = field(default=None, repr=False)
    case_keys: tuple[bytes, ...] = field(default=(), repr=False)
    former_public_keys: tuple[str, ...] = ()
    register: str = ""
    recipients: tuple[str, ...] = ()
    rights: tuple[str, ...] = RIGHTS
    reviewers: tuple[str, ...] = ()
    review_four_eyes: bool = False
    alarm_days: int = 3
    remind_days: tuple[int, ...] = (14, 7, 3, 1)
    remind_to: tuple[str, ...] = ()
    anchor_to: tuple[str, ...] = ()
    identity_asked_within: int = 3
    frequent_from: int = 6
    budget_reserve: int = 20
    customers: Mapping[str, Customer] = field(default_factory=dict)
    recruiting: Recruiting = field(default_factory=Recruiting)
    oidc: Oidc | None = None
    portal: PortalLimits = field(default_factory=PortalLimits)
    texting: Texting = field(default_factory=Texting)

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None, *, need: Collection[str] | None = None) -> Self:
        """The settings in `env`; None = this process's environment.

        `need` names the settings that must be there, so that a process isn't made to hold secrets it has no use
        for: the download page needs no Airflow password. None = all. Others are "" when absent.
        SettingError for the first one that is absent or can't be used.
        """
        env = os.environ if env is None else env
        found = {name: env.get(f"DSR_{name.upper()}", "").strip() for name in (*_NEEDED, *_OF_ONE_USE, *_OPTIONAL)}
        expected = _NEEDED | _OF_ONE_USE
        for name in _NEEDED if need is None else need:
            if not found[name]:
                raise SettingError(name, f"not set; expected {expected.get(name, 'a value')}")
        values = {name: value or _OPTIONAL.get(name, "") for name, value in found.items()}
        return cls(
            case_store=values["case_store"],
            ledger_url=values["ledger_url"],
            master_key=key_of(values, "master_key") if values["master_key"] else b"",
            portal_url=values["portal_url"].rstrip("/"),
            airflow_url=values["airflow_url"].rstrip("/"),
            airflow_user=values["airflow_user"],
            airflow_password=values["airflow_password"],
            channel_secrets=_channels(env),
            mail_from=values["mail_from"],
            controller=Controller(*(values[f"controller_{part}"] for part in ("name", "mail", "address"))),
            country=values["country"].upper(),
            timezone=timezone_of(values["timezone"]),
            package_days=count_of(values, "package_days", 1, 90),
            code_attempts=count_of(values, "code_attempts", 1, 100),
            challenge_days=count_of(values, "challenge_days", 1, 28),
            mail_url=values["mail_url"],
            package_encryption=_encryption(values["package_encryption"].lower()),
            signing_key=key_of(values, "signing_key") if values["signing_key"] else None,
            case_keys=_case_keys(values),
            former_public_keys=listed(values["former_public_keys"]),
            register=values["register"],
            recipients=recipients_of(values["recipients"]),
            rights=rights_of(values["rights"]),
            reviewers=listed(values["reviewers"] or values["officers"]),
            review_four_eyes=yes_or_no(values, "review_four_eyes"),
            alarm_days=count_of(values, "alarm_days", 0, 30),
            remind_days=counts_of(values, "remind_days", 0, 60),
            remind_to=addresses_of(values, "remind_to"),
            anchor_to=addresses_of(values, "anchor_to"),
            identity_asked_within=count_of(values, "identity_asked_within", 0, 30),
            frequent_from=count_of(values, "frequent_from", 0, 1000),
            budget_reserve=count_of(values, "budget_reserve", 0, 90),
            customers=_customers(values["customers"]),
            recruiting=_recruiting(values["recruiting_mail"], values["recruiting_notice"]),
            oidc=_oidc(values),
            portal=PortalLimits.of(values),
            texting=Texting.of(values),
        )

    @property
    def zone(self) -> ZoneInfo:
        """`timezone` as an object."""
        return ZoneInfo(self.timezone)


def subkey(master: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from the master key (HKDF-SHA256, RFC 5869). The purposes in use are
    `casefile`, `challenges`, `ledger`, `links`, `signing`, `subjects` and others; a key of one tells nothing about
    another's."""
    if len(master) != KEY_BYTES:
        raise SettingError("master_key", f"not 32 bytes; make one with {NEW_KEY}")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"dsr/{purpose}/1".encode()).derive(master)


def _case_keys(values: Mapping[str, str]) -> tuple[bytes, ...]:
    """The master key last: it wrapped all keys while there was no other, and opens what nobody has wrapped anew."""
    present = [key_of(values, name) for name in ("case_key",) if values[name]]
    former = [key_of({"former_case_keys": text}, "former_case_keys") for text in listed(values["former_case_keys"])]
    master = [key_of(values, "master_key")] if values["master_key"] else []
    return (*present, *former, *master)


def _customers(text: str) -> Mapping[str, Customer]:
    try:
        return customers_of(text)
    except ValueError as error:
        raise SettingError("customers", str(error)) from None


def _recruiting(mail: str, notice: str) -> Recruiting:
    if mail and not is_address(mail):
        raise SettingError("recruiting_mail", "not a mail address")
    if notice and not re.fullmatch(r"https?://[!-~]+", notice):
        raise SettingError("recruiting_notice", "not the address of a page, https://…")
    return Recruiting(mail, notice)


def _oidc(values: Mapping[str, str]) -> Oidc | None:
    try:
        return Oidc.of(values)
    except BadOidc as error:
        raise SettingError(error.name, error.why) from None


def _encryption(name: str) -> str:
    if name not in ENCRYPTIONS:
        raise SettingError("package_encryption", f"not one of {', '.join(ENCRYPTIONS)}")
    return name


def _channels(env: Mapping[str, str]) -> dict[str, str]:
    prefix, suffix = "DSR_CHANNEL_", "_SECRET"
    return {
        name.removeprefix(prefix).removesuffix(suffix).lower(): value.strip()
        for name, value in env.items()
        if name.startswith(prefix) and name.endswith(suffix) and value.strip()
    }
