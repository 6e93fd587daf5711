"""What the person is told: the mail with the link, and the answer in the ticket."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Any, Final

from dsr.errors import PermanentError
from dsr.report.letters import Texts, render
from dsr.settings import Settings

_PLACE: Final = "answers"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


@dataclass(frozen=True)
class Summary:
    """What the search came to, over all sources, by their names in words. `held`: something surely the person's was
    found; `doubtful`: how many records were left out because they may be another's; `erased_before`: data of whoever
    stated this address was erased at an earlier time, and what is kept of it no search finds; `unreviewed`: how many
    texts and files stayed out since nobody has looked at them yet."""

    held: bool
    doubtful: int
    searched: tuple[str, ...]
    incomplete: tuple[str, ...]
    erased_before: bool = False
    unreviewed: int = 0

    @property
    def outcome(self) -> str:
        """ "link", "only_doubtful" or "nothing_held"."""
        if self.held:
            return "link"
        return "only_doubtful" if self.doubtful else "nothing_held"


@dataclass(frozen=True)
class Access:
    """What the person gets to the package with. `url` holds the link's secret; `expires_at` is in the controller's
    zone; `encryption` is "none", "zip" or "age", and `password` that of "zip", "" when an earlier answer gave it."""

    url: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime
    encryption: str = "none"
    password: str = field(default="", repr=False)

    @property
    def secret(self) -> str:
        """What of `url` nobody else may have."""
        return self.url.partition("#")[2].partition(".")[0]


@dataclass(frozen=True)
class Transfer:
    """Where the person wants the data sent on to (Art. 20(2) GDPR), by the recipient's key; `possible`: it follows."""

    recipient: str
    possible: bool


@dataclass(frozen=True)
class Letter:
    """Who writes about which request in which language. `right`: "access" or "portability"; `received`: when the
    request came, aware, None = it isn't said."""

    request_id: str
    language: str
    settings: Settings
    right: str = "access"
    received: datetime | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any], settings: Settings) -> "Letter":
        """About the request of a case."""
        at = datetime.fromisoformat(request["received_at"])
        return cls(request["request_id"], request["language"], settings, request["right"], at)

    def mail(self, to: str, access: Access, summary: Summary, at: datetime) -> EmailMessage:
        """Text and HTML with the link, without code and password. Nothing from the ticket goes into it, and no value
        into a header but the address. PermanentError("address.invalid") when that is none."""
        texts = self._texts()
        values: dict[str, object] = {
            "t": texts,
            "subject": texts(f"mail.subject_{self.right}"),
            "intro": texts(f"mail.intro_{self.right}"),
            "save": texts(f"mail.save_{access.encryption}"),
            "link": access.url,
            "expires": texts.moment(access.expires_at),
            "extra": _missing(texts, summary),
            "authority": self._authority(texts),
            "reference": self._reference(texts),
        }
        # Another link is another mail: servers drop a second one of the same id.
        identity = f"{self.request_id}.{int(access.expires_at.timestamp())}"
        message = envelope(self.settings, to, texts(f"mail.subject_{self.right}"), at, identity, self.request_id)
        return filled(message, self.language, render("mail.txt.j2", **values), render("mail.html.j2", **values))

    def ticket(self, access: Access | None, summary: Summary, transfer: Transfer | None = None) -> str:
        """The answer in the ticket. It never says which address the link went to: whoever reads the ticket may be
        another. `access` is None without a link."""
        texts = self._texts()
        if access is not None:
            expires = texts("answer.link_expiry", expires=texts.moment(access.expires_at))
            paragraphs = [texts("answer.link"), access.code, expires, texts("answer.link_no_mail")]
            paragraphs += _sealed(texts, access)
            if self.right == "portability":
                paragraphs.append(texts("answer.portability"))
            if transfer is not None:
                key = "answer.transfer" if transfer.possible else "answer.transfer_impossible"
                paragraphs.append(texts(key, recipient=transfer.recipient))
            paragraphs += _missing(texts, summary)
            if summary.doubtful:
                paragraphs.append(texts("answer.doubtful"))
            if summary.unreviewed:
                paragraphs.append(texts("answer.unreviewed", count=str(summary.unreviewed)))
        elif summary.outcome == "only_doubtful":
            paragraphs = [texts("answer.only_doubtful"), texts("answer.only_doubtful_next"), *_missing(texts, summary)]
        else:
            paragraphs = [*nothing_found(texts, summary), *_missing(texts, summary), texts("answer.nothing_other")]
        values = {"t": texts, "authority": self._authority(texts), "reference": self._reference(texts)}
        return render("answer.txt.j2", paragraphs=paragraphs, **values)

    def _texts(self) -> Texts:
        return Texts(self.language, controller_values(self.settings))

    def _reference(self, texts: Texts) -> str:
        return texts.reference(self.request_id, self.received.astimezone(self.settings.zone) if self.received else None)

    def _authority(self, texts: Texts) -> str:
        return texts.authority(self.settings.country)


def envelope(
    settings: Settings, to: str, subject: str, at: datetime, message_id: str, thread: str = ""
) -> EmailMessage:
    """A mail without its text. `thread`: mails with the same one, a request's id, stand together in the reader's mail
    program (RFC 5322, 3.6.4); all are replies to an id that no mail has, so that none must be the first. "" = it stands
    alone. PermanentError("address.invalid") when `to` is no address."""
    address, sender = _address(to), settings.mail_from
    message = EmailMessage(policy=SMTP if address.addr_spec.isascii() else SMTPUTF8)
    # Python's reader of headers decodes an encoded word (RFC 2047) in a name: line breaks could come out of it.
    name = " ".join(settings.controller.name.split()).replace("=?", "= ?")
    message["From"] = Address(name, addr_spec=sender)
    message["To"] = address
    message["Subject"] = subject
    message["Date"] = at
    domain = sender.rpartition("@")[2]
    message["Message-ID"] = f"<{message_id}@{domain}>"
    if thread:
        message["In-Reply-To"] = message["References"] = f"<{thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    return message


def filled(message: EmailMessage, language: str, text: str, html: str = "") -> EmailMessage:
    """The mail with its text, and the same as HTML. The language comes last: setting content removes such headers."""
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
        # Not drawn by chance: the same mail is the same bytes, and so is its copy.
        message.set_boundary("=_" + hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32])
    message["Content-Language"] = language
    return message


def controller_values(settings: Settings) -> Mapping[str, str]:
    """The names that every text may use: controller_name, controller_mail, controller_address."""
    return {f"controller_{part}": getattr(settings.controller, part) for part in ("name", "mail", "address")}


def _sealed(texts: Texts, access: Access) -> list[str]:
    """How to open what is encrypted; [] for what isn't."""
    if access.encryption == "none":
        return []
    if access.encryption == "age":
        return [texts("answer.sealed_age")]
    given = [texts("answer.sealed_zip"), access.password] if access.password else [texts("answer.sealed_zip_again")]
    return [*given, texts("answer.sealed_zip_open")]


def nothing_found(texts: Texts, summary: Summary) -> list[str]:
    """That a search found nothing, where, and what that doesn't mean."""
    held = "nothing_found" if summary.erased_before else "nothing"
    paragraphs = [texts("answer.nothing_incomplete" if summary.incomplete else f"answer.{held}")]
    if summary.searched:
        paragraphs.append(texts("answer.nothing_searched", sources=", ".join(summary.searched)))
    return [*paragraphs, texts("answer.erased_before")] if summary.erased_before else paragraphs


def _missing(texts: Texts, summary: Summary) -> list[str]:
    return [texts("incomplete.sources", sources=", ".join(summary.incomplete))] if summary.incomplete else []


def _address(spec: str) -> Address:
    """As a header value, the domain in its ASCII form. What is no address, one with a line break in it above all,
    is an error: it came from a source's record, and those can hold anything."""
    local, _, domain = spec.rpartition("@")
    if not (local and spec.isprintable() and " " not in spec):
        raise PermanentError("address.invalid", _PLACE)
    try:
        named = domain.encode("idna").decode()
        # Nothing but a host's name: "evil.example,own.example" would be two recipients.
        if _HOST.fullmatch(named) is None:
            raise PermanentError("address.invalid", _PLACE)
        return Address(username=local, domain=named)
    except ValueError:
        raise PermanentError("address.invalid", _PLACE) from None
