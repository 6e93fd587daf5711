"""What the vendor writes by itself when a record is written: copies of a person's fields, relations, field history."""

import base64
import hashlib
import secrets
from collections.abc import Mapping

from sandbox.ids import salesforce_id
from sandbox.salesforce.catalogue import CATALOGUE
from sandbox.salesforce.objects import ObjectType
from sandbox.salesforce.table import STAFF, Table
from sandbox.state import Document

_SAME = ("FirstName", "LastName", "Name", "Salutation", "Title", "Email", "Phone", "MobilePhone", "LeadSource",
         "HasOptedOutOfEmail", "DoNotCall", "Description")  # fmt: skip
_PLACE = ("Street", "City", "PostalCode", "Country")
_MEMBER_OF = {
    "Contact": {**{n: n for n in _SAME}, **{f"Mailing{n}": n for n in _PLACE}},
    "Lead": {**{n: n for n in (*_SAME, *_PLACE)}, "Company": "CompanyOrAccount"},
}
"""Person's field → the campaign member's, which only shows it."""
_CASE = {"Phone": "ContactPhone", "MobilePhone": "ContactMobile", "Email": "ContactEmail", "Fax": "ContactFax"}
_PERSON = {
    f"Person{n}": n
    for n in ("Email", "MobilePhone", "HomePhone", "Title", "Birthdate", "MailingStreet", "MailingCity", "MailingState",
              "MailingPostalCode", "MailingCountry", "HasOptedOutOfEmail", "DoNotCall", "IndividualId")
}  # fmt: skip
"""A person account's field → its contact's: the same field under two names."""
_NUMBERS = {"Case": "CaseNumber", "Order": "OrderNumber", "Quote": "QuoteNumber"}
_FIRST_NUMBER = 50_000_000
_HISTORY = {"Contact": ("ContactHistory", "ContactId"), "Lead": ("LeadHistory", "LeadId")}


def follow(table: Table, kind: ObjectType, before: Document, after: Document) -> None:
    """Bring what hangs on a record in line with it; `before` is {} for a new one."""
    if before:
        _track(table, kind, before, after)
    if kind.name in _MEMBER_OF:
        _copy(table, "CampaignMember", f"{kind.name}Id", before, after, _MEMBER_OF[kind.name])
    if kind.name == "Contact":
        _copy(table, "Case", "ContactId", before, after, _CASE)
        if after.get("IsPersonAccount"):
            _copy(table, "Account", "PersonContactId", before, after, {v: k for k, v in _PERSON.items()})
    if kind.name == "Account" and after.get("PersonContactId") and (changed := _changed(before, after, _PERSON)):
        contact = table.of(CATALOGUE["Contact"])[after["PersonContactId"]]
        renewed = {**contact, **changed, "SystemModstamp": table.stamp()}
        table.put(CATALOGUE["Contact"], renewed)
        _track(table, CATALOGUE["Contact"], contact, renewed)
        _copy(table, "CampaignMember", "ContactId", contact, renewed, _MEMBER_OF["Contact"])
        _copy(table, "Case", "ContactId", contact, renewed, _CASE)
    if kind.name == "ContentVersion" and before and after.get("IsLatest"):
        _copy(table, "ContentDocument", "LatestPublishedVersionId", before, after, {"Title": "Title"})
    if kind.name == "ContentDocument" and before:
        versions = table.children(CATALOGUE["ContentVersion"], "ContentDocumentId", after["Id"])
        for version in [v for v in versions if v.get("IsLatest")]:
            table.put(CATALOGUE["ContentVersion"], {**version, "Title": after["Title"]})
    if kind.name in ("Task", "Event") and before.get("WhoId") != after.get("WhoId"):
        _relate(table, kind, before, after)


def filled(table: Table, kind: ObjectType, before: Document, after: Document) -> Document:
    """A record with what the vendor computes of it: a name of its parts, copies, sizes."""
    if {"firstname", "lastname", "name"} <= set(kind.by_name) and kind.name in ("Contact", "Lead", "Individual"):
        after = {**after, "Name": " ".join(p for p in (after.get("FirstName"), after.get("LastName")) if p)}
    if not before and kind.name in _NUMBERS:
        after = {**after, _NUMBERS[kind.name]: f"{_FIRST_NUMBER + len(table.of(kind)):08d}"}
    if kind.name == "Case" and before.get("ContactId") != after.get("ContactId"):
        after = {**after, **_shown(table, "Contact", after.get("ContactId"), _CASE)}
    if kind.name == "CampaignMember" and not before:
        for person in ("Contact", "Lead"):
            if key := after.get(f"{person}Id"):
                shown = _shown(table, person, key, _MEMBER_OF[person])
                after = {**after, **shown, "LeadOrContactId": key, "Type": person}
    if kind.name == "Attachment" and before.get("Body") != after.get("Body"):
        after = {**after, "BodyLength": len(base64.b64decode(after.get("Body") or ""))}
    return _version(table, after) if kind.name == "ContentVersion" and not before else after


def _version(table: Table, version: Document) -> Document:
    """A new file: the document of which this is the first version, and its link to where it was put."""
    content, at = base64.b64decode(version.get("VersionData") or ""), version["CreatedDate"]
    extension = str(version.get("PathOnClient") or "").rpartition(".")[2]
    stamps = {k: version[k] for k in ("CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")}
    document_id = salesforce_id("069", secrets.token_hex(8))
    common = {"Title": version["Title"], "FileType": extension.upper(), "FileExtension": extension,
              "ContentSize": len(content), "ContentModifiedDate": at}  # fmt: skip
    document = {"Id": document_id, "IsDeleted": False, **common, **stamps, "SystemModstamp": at,
                "LatestPublishedVersionId": version["Id"]}  # fmt: skip
    table.put(CATALOGUE["ContentDocument"], document)
    if place := version.get("FirstPublishLocationId"):
        link = {"Id": salesforce_id("06A", secrets.token_hex(8)), "IsDeleted": False, "LinkedEntityId": place,
                "ContentDocumentId": document_id, "ShareType": "V", "Visibility": "AllUsers",
                "SystemModstamp": at}  # fmt: skip
        table.put(CATALOGUE["ContentDocumentLink"], link)
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    own = {"ContentDocumentId": document_id, "IsLatest": True, "VersionNumber": "1", "Checksum": checksum}
    return {**version, **common, **own}


def _changed(before: Document, after: Document, names: Mapping[str, str]) -> Document:
    return {to: after.get(name) for name, to in names.items() if before.get(name) != after.get(name)}


def _shown(table: Table, kind: str, record_id: str | None, names: Mapping[str, str]) -> Document:
    record = table.of(CATALOGUE[kind]).get(record_id or "", {})
    return {to: record.get(name) for name, to in names.items()}


def _copy(table: Table, child: str, field: str, before: Document, after: Document, names: Mapping[str, str]) -> None:
    """Fields that the children only show; their stamps stay, as with a formula."""
    if changed := _changed(before, after, names):
        for row in table.children(CATALOGUE[child], field, after["Id"]):
            table.put(CATALOGUE[child], {**row, **changed})


def _track(table: Table, kind: ObjectType, before: Document, after: Document) -> None:
    """A row of field history for each tracked field that changed."""
    if kind.name not in _HISTORY:
        return
    name, link = _HISTORY[kind.name]
    for field in table.settings.tracked.get(kind.name, ()):
        old, new = before.get(field), after.get(field)
        if (old or None) != (new or None):
            data = "Boolean" if kind.by_name[field.lower()].kind == "boolean" else "Text"
            row = {"Id": salesforce_id("017", secrets.token_hex(8)), "IsDeleted": False, link: after["Id"],
                   "Field": field, "DataType": data, "OldValue": old, "NewValue": new,
                   "CreatedDate": after["LastModifiedDate"], "CreatedById": STAFF}  # fmt: skip
            table.put(CATALOGUE[name], row)


def _relate(table: Table, kind: ObjectType, before: Document, after: Document) -> None:
    """The relation of a task or event to its first person follows WhoId."""
    relation, link = CATALOGUE[f"{kind.name}Relation"], f"{kind.name}Id"
    rows = {r.get("RelationId"): r for r in table.children(relation, link, after["Id"])}
    old, new = before.get("WhoId"), after.get("WhoId")
    if old in rows:
        table.drop(relation, rows[old]["Id"])
    if new and new not in rows:
        at = after["SystemModstamp"]
        stamps = {"CreatedDate": at, "CreatedById": STAFF, "LastModifiedDate": at, "LastModifiedById": STAFF}
        row_id = salesforce_id(relation.prefix, secrets.token_hex(8))
        row = {"Id": row_id, "IsDeleted": False, link: after["Id"], "RelationId": new, "IsWhat": False}
        table.put(relation, {**row, **stamps, "SystemModstamp": at})
