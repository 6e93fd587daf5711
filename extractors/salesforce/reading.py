"""Extract: plays the plan for a batch of certain matches and gives each request what is its own."""

import mimetypes
import re
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from typing import Any, Final

from dsr import schema
from dsr.model import Attachment, Match, Piece, Rows, Withheld
from extractors.salesforce.client import Client
from extractors.salesforce.disclosure import Disclosed, Disclosure, Own
from extractors.salesforce.files import whole
from extractors.salesforce.layout import Layout
from extractors.salesforce.plan import BINARIES, OTHER, SIZES, Step, fields, levels
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.values import email, full_id

_KEY_SETS: Final = {
    "salesforce_contact": ("contact", "person", "anyone", "entity"),
    "salesforce_lead": ("lead", "person", "anyone", "entity"),
    "salesforce_account": ("account", "party", "anyone", "entity"),
    "salesforce_contact_point_email": ("point",),
    "salesforce_case": ("case",),
}
"""Dataset of a match → key sets that its id belongs to."""

Row = dict[str, Any]
Pages = dict[tuple[str, str], list[tuple[str, Row]]]
"""(request, dataset) → (record id, fields)."""


class Reading:
    """One extraction of a batch. Keeps ids only, no rows."""

    def __init__(self, client: Client, layout: Layout, disclosure: Disclosure, matches: Iterable[Match]) -> None:
        self._client, self._layout, self._disclosure = client, layout, disclosure
        self._reach: dict[str, dict[str, set[str]]] = {}
        self._own: dict[str, Own] = {}
        self._given: set[tuple[str, str]] = set()
        self._shared: set[tuple[str, str]] = set()
        self._withheld: dict[tuple[str, str], int] = {}
        for match in matches:
            self._start(match)

    def pieces(self) -> Iterator[Piece]:
        """Rows, files, and at the end what was withheld."""
        for level in levels(self._layout):
            queries = [(step, text) for step in level for text in self._statements(step)]
            for step, rows in self._client.rows(queries):
                yield from self._read(step, rows)
        for (request_id, dataset), count in self._withheld.items():
            yield Withheld(request_id, dataset, "third_party", count)

    def _start(self, match: Match) -> None:
        own = self._own.setdefault(match.request_id, Own())
        record_id = full_id(match.record_id)
        for key_set in _KEY_SETS.get(match.dataset, ()):
            self._learn(key_set, record_id, {match.request_id})
        own.ids.add(record_id)
        own.names.add(match.person.strip().casefold())
        own.emails |= {i.value for i in match.holds if i.kind == "email"}
        for identifier in match.by:
            if identifier.kind == "email" and email(identifier.value):
                own.emails.add(email(identifier.value))
                self._learn("address", email(identifier.value), {match.request_id})
        individual = full_id(match.reference.get("individual"))
        if individual:
            own.ids.add(individual)
            for key_set in ("individual", "party", "anyone", "entity"):
                self._learn(key_set, individual, {match.request_id})

    def _learn(self, key_set: str, key: str, request_ids: set[str]) -> None:
        if key:
            self._reach.setdefault(key_set, {}).setdefault(key, set()).update(request_ids)

    def _statements(self, step: Step) -> Iterator[str]:
        terms = [Term(f, key) for f, key_set in step.keys for key in sorted(self._reach.get(key_set, ()))]
        return statements(step.object, fields(self._layout, step), terms)

    def _read(self, step: Step, rows: list[Row]) -> Iterator[Piece]:
        pages: Pages = {}
        files: list[Attachment] = []
        for row in rows:
            record_id, request_ids = full_id(row["Id"]), self._requests(step, row)
            theirs = {r for r in sorted(request_ids) if self._admit(step, r, record_id, row)}
            for request_id in sorted(theirs) if step.dataset else ():
                self._give(step, request_id, record_id, row, pages)
                if step.object in BINARIES and not row.get("IsDeleted"):
                    files.append(self._file(step, request_id, record_id, row))
            for key_set, field in step.teaches:
                self._learn(key_set, full_id(row[field]), theirs)
        for (request_id, dataset), records in pages.items():
            yield Rows(request_id, dataset, schema.batch(dataset, records))
        yield from files

    def _requests(self, step: Step, row: Row) -> set[str]:
        """Whose the record is."""
        found: set[str] = set()
        for field, key_set in step.keys:
            value = email(row[field]) if key_set == "address" else full_id(row[field])
            found |= self._reach.get(key_set, {}).get(value, set())
        return found

    def _admit(self, step: Step, request_id: str, record_id: str, row: Row) -> bool:
        """Whether a request gets the record: not twice, and not what is between others."""
        if not self._first(request_id, record_id):
            return False
        if step.object == "EmailMessage" and request_id in self._reach.get("message", {}).get(record_id, ()):
            return True
        parents = {full_id(row[f]) for f, key_set in step.keys if key_set in ("case", "entity") and f != "Id"}
        shared = any((request_id, parent) in self._shared for parent in parents)
        if shared or (step.object == "EmailMessage" and not self._own[request_id].emails & _addresses(row)):
            self._count(request_id, step.dataset or "salesforce_file", 1)
            return False
        return True

    def _give(self, step: Step, request_id: str, record_id: str, row: Row, pages: Pages) -> None:
        """Put the record, and its parents that come with it, on the request's pages."""
        own = self._own[request_id]
        for relationship, name, dataset in step.nested:
            parent = row.get(relationship)
            if parent and self._first(request_id, full_id(parent["Id"])):
                if name == "Account":
                    own.names.add(str(parent.get("Name") or "").strip().casefold())
                shown = self._disclosure.apply(name, _plain(parent), own)
                self._page(pages, request_id, dataset, full_id(parent["Id"]), shown)
        shown = self._disclosure.apply(step.object, _plain(row), own)
        for relationship, _ in step.beside:
            if row.get(relationship):
                shown.fields[relationship] = {k: v for k, v in row[relationship].items() if k != "attributes"}
        if step.dataset == OTHER:
            shown.fields["Object"] = step.object
        if step.holder and shown.others:
            self._shared.add((request_id, record_id))
        self._page(pages, request_id, step.dataset, record_id, shown)

    def _page(self, pages: Pages, request_id: str, dataset: str, record_id: str, shown: Disclosed) -> None:
        pages.setdefault((request_id, dataset), []).append((record_id, shown.fields))
        self._count(request_id, dataset, shown.withheld)

    def _first(self, request_id: str, record_id: str) -> bool:
        """Whether the request has not been given that record yet."""
        new = (request_id, record_id) not in self._given
        self._given.add((request_id, record_id))
        return new

    def _count(self, request_id: str, dataset: str, count: int) -> None:
        if count:
            key = (request_id, dataset)
            self._withheld[key] = self._withheld.get(key, 0) + count

    def _file(self, step: Step, request_id: str, record_id: str, row: Row) -> Attachment:
        title = str(row.get("PathOnClient") or row.get("Name") or row.get("Title") or record_id)
        _, dot, ending = title.rpartition(".")
        extension = str(row.get("FileExtension") or (ending if dot else "")).lower()
        extension = extension if extension.isalnum() and len(extension) <= 8 else ""
        guessed = mimetypes.guess_type(f"x.{extension}")[0] if extension else None
        media_type = str(row.get("ContentType") or guessed or "application/octet-stream")
        content = self._client.stream(f"sobjects/{step.object}/{record_id}/{BINARIES[step.object]}")
        chunks = whole(content, row.get(SIZES[step.object]), row.get("Checksum"))
        return Attachment(request_id, step.dataset, record_id, record_id, media_type, extension, title, chunks)


def _plain(row: Row) -> Row:
    """The record's own fields, without related records and the vendor's `attributes`."""
    return {k: v for k, v in row.items() if not (isinstance(v, dict) and "attributes" in v) and k != "attributes"}


def _addresses(row: Row) -> set[str]:
    """Everybody who sent or got a mail."""
    lists = (str(row.get(f) or "") for f in ("FromAddress", "ToAddress", "CcAddress", "BccAddress"))
    return {email(parseaddr(part)[1]) for text in lists for part in re.split("[;,]", text)}
