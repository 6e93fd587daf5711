"""Find: one Composite call with five queries for a whole batch; what answers is compared here, in normal form."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dsr.model import Identifier, Match, Subject
from extractors.salesforce.client import Client
from extractors.salesforce.layout import Layout
from extractors.salesforce.soql import Term, statements
from extractors.salesforce.values import email, full_id, national_digits, normal, phone

CONTACT: Final = "salesforce_contact"
LEAD: Final = "salesforce_lead"
ACCOUNT: Final = "salesforce_account"
_OF_OTHERS: Final = re.compile(
    r"assistant|manager|supervisor|emergency|spouse|next_?of_?kin|referr(er|al|ed)|chef|anh[oö]rig", re.IGNORECASE
)
"""Names of fields with a number or an address that is somebody else's: the vendor's own and what orgs add. Whoever
stands in one would else be taken for the person whose record it is."""
_LINKS: Final = {
    "Contact": ("Id", "MasterRecordId", "IndividualId", "AccountId", "IsPersonAccount", "IsDeleted", "Name"),
    "Lead": ("Id", "MasterRecordId", "IndividualId", "ConvertedContactId", "Name"),
}

Row = dict[str, Any]
Known = dict[Identifier, set[str]]
"""Identifier → ids of Individuals and person accounts that records with it belong to: no kind of identifier."""


@dataclass
class _Candidate:
    """A record as found: what it carries, and to which Individuals or person accounts it belongs."""

    dataset: str
    record_id: str
    holds: set[Identifier] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)
    person: str = ""
    reference: dict[str, Any] = field(default_factory=dict)


class Finder:
    """Looks up batches of subjects. It remembers between rounds which Individual a record belongs to, so that the
    next round also brings the other records and addresses of that Individual."""

    def __init__(self, client: Client, layout: Layout, region: str, others: Collection[str] = ()) -> None:
        self._client, self._layout, self._region, self._others = client, layout, region, frozenset(others)
        self._parents: Known = {}
        self._private: set[str] = set()

    def find(self, subjects: Sequence[Subject]) -> list[Match]:
        """Every record that answers to any identifier, one match per subject and record."""
        wanted = {s.request_id: self._normal(s.identifiers) for s in subjects}
        known = {i for identifiers in wanted.values() for i in identifiers}
        queries = [(name, text) for name, fields, terms in self._questions(known)
                   for text in statements(name, fields, terms)]  # fmt: skip
        parents = {i: set(ids) for i, ids in self._parents.items()}
        matches: dict[tuple[str, str, str], Match] = {}
        for name, rows in self._client.rows(queries):
            for row in rows:
                for candidate in self._candidates(name, row, known):
                    self._remember(candidate)
                    for request_id, identifiers in wanted.items():
                        by = _by(candidate, identifiers, parents)
                        if by:
                            key = (request_id, candidate.dataset, candidate.record_id)
                            matches[key] = _match(request_id, candidate, by)
        return list(_mail_once(matches.values()))

    def _normal(self, identifiers: Iterable[Identifier]) -> dict[Identifier, set[Identifier]]:
        """Normal form → the subject's own identifiers that have it."""
        forms: dict[Identifier, set[Identifier]] = {}
        for identifier in identifiers:
            form = normal(identifier, self._region)
            if form:
                forms.setdefault(form, set()).add(identifier)
        return forms

    def _questions(self, known: set[Identifier]) -> Iterator[tuple[str, list[str], list[Term]]]:
        """(object, fields, terms) of the five queries; those without terms fall away."""
        values = {kind: sorted(i.value for i in known if i.kind == kind)
                  for kind in ("email", "phone", CONTACT, LEAD, ACCOUNT)}  # fmt: skip
        parents = sorted({p for i in known for p in self._parents.get(i, ())})
        individuals = [p for p in parents if p.startswith("0PK")]
        accounts = sorted({*values[ACCOUNT], *(p for p in parents if p.startswith("001"))})
        ids = {
            "Contact": (("Id", values[CONTACT]), ("MasterRecordId", values[CONTACT]), ("AccountId", accounts)),
            "Lead": (("Id", values[LEAD]), ("MasterRecordId", values[LEAD]), ("ConvertedContactId", values[CONTACT])),
        }
        for name, keys in ids.items():
            emails, phones = self._fields(name, "email"), self._fields(name, "phone")
            links = [f for f in _LINKS[name] if self._layout.kind(name, f)]
            terms = [Term(f, v) for f in emails for v in values["email"]]
            terms += [Term(f, national_digits(v), digits=True) for f in phones for v in values["phone"]]
            terms += [Term(f, v) for f, some in (*keys, ("IndividualId", individuals)) if f in links for v in some]
            if name == "Contact" and "IsPersonAccount" not in links:
                terms = [t for t in terms if t.field != "AccountId"]
            yield name, list(dict.fromkeys([*links, *emails, *phones])), terms
        if self._layout.has("ContactPointEmail"):
            terms = [Term("EmailAddress", v) for v in values["email"]] + [Term("ParentId", v) for v in parents]
            yield "ContactPointEmail", ["Id", "ParentId", "EmailAddress"], terms
        if self._layout.has("EmailMessage"):
            terms = [Term("RelationAddress", v) for v in values["email"]]
            terms += [Term("RelationId", v) for v in (*values[CONTACT], *values[LEAD])]
            yield "EmailMessageRelation", ["Id", "EmailMessageId", "RelationId", "RelationAddress"], terms
        if self._layout.has("Case"):
            terms = [Term("SuppliedEmail", v) for v in values["email"]]
            terms += [Term("SuppliedPhone", national_digits(v), digits=True) for v in values["phone"]]
            yield "Case", ["Id", "SuppliedName", "SuppliedEmail", "SuppliedPhone"], terms

    def _fields(self, name: str, kind: str) -> list[str]:
        fields = self._layout.searchable(name, kind)
        return [f for f in fields if f"{name}.{f}" not in self._others and not _OF_OTHERS.search(f)]

    def _carried(self, name: str, row: Row) -> set[Identifier]:
        """Addresses and numbers in a row."""
        emails = {email(row.get(f)) for f in self._fields(name, "email")}
        phones = {phone(row.get(f), self._region) for f in self._fields(name, "phone")}
        return {Identifier("email", e) for e in emails - {""}} | {Identifier("phone", p) for p in phones - {""}}

    def _candidates(self, name: str, row: Row, known: set[Identifier]) -> Iterator[_Candidate]:
        record_id = full_id(row["Id"])
        if name in _LINKS:
            yield from self._person(name, record_id, row)
        elif name == "ContactPointEmail":
            parent, holds = full_id(row["ParentId"]), {Identifier("email", email(row["EmailAddress"]))}
            # A company's account may have contact points too, each of somebody else.
            one_person = parent.startswith("0PK") or parent in self._private
            yield _Candidate("salesforce_contact_point_email", record_id, holds, {parent} if one_person else set())
        elif name == "Case":
            holds = {Identifier("email", email(row["SuppliedEmail"]))}
            holds.add(Identifier("phone", phone(row["SuppliedPhone"], self._region)))
            holds = {i for i in holds if i.value}
            yield _Candidate("salesforce_case", record_id, holds, person=row["SuppliedName"] or "")
        else:
            # Only a person already known is taken as link: whom somebody else related a mail to proves nothing.
            related = {Identifier(kind, full_id(row["RelationId"])) for kind in (CONTACT, LEAD)} & known
            address = email(row["RelationAddress"])
            holds = related | ({Identifier("email", address)} if address else set())
            yield _Candidate("salesforce_email", record_id, holds)

    def _person(self, name: str, record_id: str, row: Row) -> Iterator[_Candidate]:
        own, links = (CONTACT, ((CONTACT, "MasterRecordId"),)) if name == "Contact" else (
            LEAD, ((LEAD, "MasterRecordId"), (CONTACT, "ConvertedContactId")))  # fmt: skip
        holds = self._carried(name, row) | {Identifier(own, record_id)}
        holds |= {Identifier(kind, full_id(row.get(f))) for kind, f in links if full_id(row.get(f))}
        individual, account = full_id(row.get("IndividualId")), full_id(row.get("AccountId"))
        private = bool(row.get("IsPersonAccount")) and bool(account)
        reference: dict[str, Any] = {"individual": individual} if individual else {}
        if row.get("IsDeleted"):
            reference["deleted"] = True
        parents = {individual, account if private else ""} - {""}
        if private:
            self._private.add(account)
            holds.add(Identifier(ACCOUNT, account))
            yield _Candidate(ACCOUNT, account, set(holds), set(parents), row["Name"] or "")
        yield _Candidate(own, record_id, holds, parents, row["Name"] or "", reference)

    def _remember(self, candidate: _Candidate) -> None:
        """Through its own id, a contact or lead leads to its Individual; a contact point through its address."""
        through = {"salesforce_contact_point_email": "email"}.get(candidate.dataset, candidate.dataset)
        for identifier in candidate.holds:
            own = through == "email" or identifier.value == candidate.record_id
            if identifier.kind == through and own and candidate.parents:
                self._parents.setdefault(identifier, set()).update(candidate.parents)


def _by(candidate: _Candidate, identifiers: dict[Identifier, set[Identifier]], parents: Known) -> set[Identifier]:
    """The subject's identifiers, as the subject has them, to which the record answers."""
    return {
        own
        for form, owns in identifiers.items()
        if form in candidate.holds or candidate.parents & parents.get(form, set())
        for own in owns
    }


def _match(request_id: str, c: _Candidate, by: set[Identifier]) -> Match:
    return Match(request_id, c.dataset, c.record_id, frozenset(by), frozenset(c.holds), c.person, c.reference)


def _mail_once(matches: Iterable[Match]) -> Iterator[Match]:
    """One match per address for all the mail to or from it: the mail itself is read in `extract`."""
    seen: set[tuple[str, frozenset[Identifier]]] = set()
    for match in matches:
        key = (match.request_id, match.holds)
        if match.dataset != "salesforce_email" or key not in seen:
            yield match
            if match.dataset == "salesforce_email":
                seen.add(key)
