"""What is sent over SMTP can be read on the admin interface, byte for byte and parsed; sign-in is optional."""

import smtplib
from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import httpx
import pytest
from served import served
from starlette.applications import Starlette

from sandbox.mail.system import LOGIN, PASSWORD, Mail
from sandbox.people import populate
from sandbox.system import Options


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mail]:
    system = Mail(Options(tmp_path), populate(1))
    system.start()
    yield system
    system.stop()
    system.stop()


@pytest.fixture
def admin(mail: Mail) -> Iterator[httpx.Client]:
    with served(Starlette(routes=mail.admin_routes())) as url, httpx.Client(base_url=url) as client:
        yield client


def send(mail: Mail, message: EmailMessage, login: str = LOGIN, password: str = PASSWORD) -> None:
    fields = mail.connections()["dsr_mail"]
    with smtplib.SMTP(fields["host"], fields["port"], timeout=10) as server:
        if login:
            server.login(login, password)
        server.send_message(message)


def a_message() -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Ådal", addr_spec="privacy@controller.example")
    message["To"] = "asa@kvarnberget.example"
    message["Subject"] = "Dina uppgifter åäö"
    message.set_content(".\nen rad\n..två\n")
    message.add_alternative("<p>hej å</p>", subtype="html")
    return message


def test_a_message_can_be_read(mail: Mail, admin: httpx.Client) -> None:
    send(mail, a_message())
    send(mail, a_message(), login="")
    kept, _ = admin.get("/mail/messages").json()
    assert kept["to"] == ["asa@kvarnberget.example"]
    assert kept["from"] == "privacy@controller.example"
    assert kept["subject"] == "Dina uppgifter åäö"
    assert kept["text"] == ".\nen rad\n..två\n"
    assert kept["html"].strip() == "<p>hej å</p>"
    assert ["To", "asa@kvarnberget.example"] in kept["headers"]
    assert kept["raw"].startswith("From: ")
    assert admin.delete("/mail/messages").status_code == 204
    assert admin.get("/mail/messages").json() == []


def test_refusals(mail: Mail) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        send(mail, a_message(), password="wrong")
    assert caught.value.smtp_code == 535
    bad = a_message()
    bad.replace_header("To", "asa@refused.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mail, bad)
    assert len(mail.messages) == 0


def test_messages_survive_a_restart(mail: Mail, tmp_path: Path) -> None:
    send(mail, a_message())
    assert len(Mail(Options(tmp_path), populate(1)).messages) == 1
