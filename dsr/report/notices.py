"""The mail by which a recipient without an OpenDSR endpoint is told (Art. 19 GDPR): the person's address as a hash,
what happened to which data, and whom to ask. No value of the person's is in it, since mail is read on its way."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Final

from dsr.errors import PermanentError
from dsr.notices.notice import Notice
from dsr.report.answers import controller_values, envelope, filled
from dsr.report.letters import Texts, render
from dsr.settings import Settings

OF: Final = "acting"


def mail(notice: Notice, settings: Settings, at: datetime) -> EmailMessage:
    """In the recipient's language, to the address that the register names. PermanentError("address.invalid") when the
    register names none."""
    way = notice.recipient.notify
    if way is None or not way.to:
        raise PermanentError("address.invalid", "notify")
    texts = Texts(way.language, controller_values(settings), OF)
    subject = texts(f"notice.subject_{notice.kind}", reference=notice.notice_id)
    message = envelope(settings, way.to, subject, at, notice.notice_id)
    message["Reply-To"] = Address(addr_spec=settings.controller.mail)
    return filled(message, way.language, body(notice, settings))


def body(notice: Notice, settings: Settings) -> str:
    """The mail's text."""
    way = notice.recipient.notify
    language = way.language if way else "en"
    texts = Texts(language, controller_values(settings), OF)
    activities = ", ".join(titles[language] for titles in notice.titles)
    paragraphs = [
        texts("notice.greeting", recipient=notice.recipient.name),
        texts(f"notice.what_{notice.kind}", activities=activities, ends=notice.ends),
    ]
    if notice.fields:
        paragraphs.append(texts("notice.fields", fields="\n".join(f"- {name}" for name in notice.fields)))
    paragraphs += [
        texts(f"notice.ask_{notice.kind}"),
        texts("notice.identity"),
        "\n".join(notice.hashes),
        texts("notice.contact"),
        texts("notice.reference", reference=notice.notice_id),
    ]
    return render("notice.txt.j2", paragraphs=paragraphs)
