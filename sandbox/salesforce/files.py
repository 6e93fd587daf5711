"""Files: ContentVersion through ContentDocumentLink, and classic attachments."""

import base64
import hashlib
from collections.abc import Iterator

from sandbox.ids import salesforce_id
from sandbox.salesforce.org import Portrait, Record


def records(people: list[Portrait]) -> Iterator[Record]:
    """All records of this kind, of everybody."""
    for p in people:
        if p.known:
            yield from _file(p, "avtal", p.contact, 2 if p.rich else 1)
            yield from _file(p, "bilaga", p.id("Case"), 1)
            yield _attachment(p, "contact", p.contact)
    canary = people[0]
    yield from _file(canary, "offert", canary.id("Quote"), 1)
    yield from _file(canary, "lead", canary.lead, 1)
    yield _attachment(canary, "case", canary.id("Case"))
    yield _attachment(canary, "mail", canary.id("EmailMessage"))


def content(p: Portrait, name: str, version: int) -> bytes:
    """The bytes of a file: they name the person, and are no text."""
    return b"%PDF-1.7\n\x00\xff" + p.text(f"{name} v{version}").encode() + bytes(range(256)) * (4 if p.rich else 1)


def _file(p: Portrait, name: str, linked: str, versions: int) -> Iterator[Record]:
    document = salesforce_id("069", f"{p.person.key}:{name}")
    yield p.record("ContentDocumentLink", name, 210, about={}, LinkedEntityId=linked, ContentDocumentId=document,
                   ShareType="V", Visibility="AllUsers")  # fmt: skip
    latest = content(p, name, versions)
    yield p.record(
        "ContentDocument", name, 210, id=document, about={}, Title=p.text(name)[:200], FileType="PDF",
        FileExtension="pdf", ContentSize=len(latest),
        LatestPublishedVersionId=p.id("ContentVersion", f"{name}:{versions}"),
    )  # fmt: skip
    for n in range(1, versions + 1):
        body = content(p, name, n)
        yield p.record(
            "ContentVersion", f"{name}:{n}", 210 - n, ContentDocumentId=document, IsLatest=n == versions,
            VersionNumber=str(n), Title=p.text(name)[:200], PathOnClient=f"{name} {p.person.name}.pdf",
            FileType="PDF", FileExtension="pdf", ContentSize=len(body), VersionData=base64.b64encode(body).decode(),
            Checksum=hashlib.md5(body, usedforsecurity=False).hexdigest(), Description=p.text("Fil"),
            FirstPublishLocationId=linked if linked.startswith(("003", "00Q", "500")) else None,
        )  # fmt: skip


def _attachment(p: Portrait, name: str, parent: str) -> Record:
    body = content(p, f"attachment {name}", 1)
    return p.record(
        "Attachment", name, 205, ParentId=parent, Name=f"{p.text(name)[:80]}.pdf".replace("\n", " "),
        Body=base64.b64encode(body).decode(),
        ContentType="application/pdf", BodyLength=len(body), Description=p.text("Bilaga")[:400],
    )  # fmt: skip
