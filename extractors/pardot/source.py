"""Account Engagement as a source: find prospects, extract what hangs on them; erase, restrict and rectify them.

Calls for one subject: one per address and Salesforce id to find it; then, per prospect, one for the prospect and six
for what is listed by prospect; one per browser for its page views; one per e-mail that was written to the person
alone; and the pages beyond the first. Two calls at a time. Shared by a batch: custom fields, stages,
external activities, opportunities.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dsr.errors import PermanentError
from dsr.model import Budget, Checked, Found, Outcome, Piece, Subject
from dsr.schema import load
from dsr.selection import Selection
from dsr.source import Connection, Declaration
from extractors.pardot import fields
from extractors.pardot.declaration import DECLARATION
from extractors.pardot.values import rows

if TYPE_CHECKING:
    from extractors.ahead import Ahead
    from extractors.pardot.client import Client

API = "/api/v5"
AT_ONCE = 2
"""Calls of one request. The vendor answers five of a business unit at once and refuses the sixth: the pool has two
places, each of which makes two; the fifth is for whoever identifies."""
FIELDS_PER_CALL = 150
"""Custom fields asked for at once, so that a URL stays well under 8 KB."""

Record = dict[str, Any]
_BY_PROSPECT = (
    ("pardot_visit", fields.VISIT),
    ("pardot_list_membership", fields.LIST_MEMBERSHIP),
)


class Pardot:
    """One business unit. `client` is the wire."""

    declaration: ClassVar[Declaration] = DECLARATION

    def __init__(self, client: "Client", region: str = "SE", external_activities: bool = True) -> None:
        self.client = client
        self._region, self._external = region, external_activities

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """A client of the connection's business unit. PermanentError("connection.<field>") when one lacks."""
        from extractors.http import HttpClient
        from extractors.pardot.client import PLACE, Client, ClientCredentials, error_code

        extra = connection.extra
        needed = {
            "host": connection.host,
            "login": connection.login,
            "password": connection.password,
            "business_unit_id": str(extra.get("business_unit_id") or ""),
            "token_url": str(extra.get("token_url") or ""),
        }
        for name, value in needed.items():
            if not value:
                raise PermanentError(f"connection.{name}", PLACE)
        host = connection.host if "://" in connection.host else f"https://{connection.host}"
        port = f":{connection.port}" if connection.port else ""
        if host.startswith("https:") and not needed["token_url"].startswith("https:"):
            raise PermanentError("connection.token_url", PLACE)  # the secret would travel in the clear
        http = HttpClient(
            f"{host.rstrip('/')}{port}{API}",
            place=PLACE,
            headers={"Pardot-Business-Unit-Id": needed["business_unit_id"]},
            auth=ClientCredentials(needed["token_url"], connection.login, connection.password),
            ca=str(extra.get("ca") or ""),
            error_code=error_code,
        )
        region, external = str(extra.get("region") or "SE"), extra.get("external_activities", True)
        return cls(Client(http), region, external not in (False, "false"))

    def check(self) -> Checked:
        """Two calls: for the prospects' custom fields, those that the schema doesn't name, and for what is left of the
        day's calls; see `Source.check`."""
        known = load("pardot_prospect")["properties"]
        names = {name for listed in self._custom_fields() for name in listed}
        budget = self.client.budget()
        undeclared = tuple(sorted(f"prospect.{name}" for name in names if name not in known))
        return Checked(undeclared, budget.left, budget.a_day or None)

    def budget(self) -> Budget:
        """See `Budgeted.budget`."""
        return self.client.budget()

    def find(self, subjects: Sequence[Subject]) -> Found:
        """Prospects, those in the recycle bin too, by address, Salesforce id or own id."""
        from extractors.pardot.finding import matches

        return Found(self.declaration.name, tuple(matches(self.client, subjects, self._region)))

    def extract(self, found: Found) -> Iterator[Piece]:
        """Everything that hangs on the matched prospects, a page at a time."""
        from extractors.ahead import Ahead
        from extractors.pardot.shared import external_activities, lifecycle, opportunities

        owners: dict[int, list[str]] = defaultdict(list)
        for match in found.matches:
            if match.request_id not in owners[int(match.record_id)]:
                owners[int(match.record_id)].append(match.request_id)
        prospects: dict[int, Record] = {}
        for record in self._prospects(sorted(owners)):
            prospects[record["id"]] = record
            yield from rows("pardot_prospect", [record], owners[record["id"]])
        if prospects.keys() != owners.keys():
            raise PermanentError("prospect.gone", self.declaration.name)  # purged since it was found: find again
        if not prospects:
            return
        deals: dict[int, list[str]] = defaultdict(list)
        with Ahead(AT_ONCE) as ahead:
            swept = [ahead.begin(lifecycle(self.client, prospects, owners))]
            if self._external:
                swept.append(ahead.begin(external_activities(self.client, prospects, owners)))
            for key in prospects:
                yield from self._of_prospect(key, owners[key], deals, ahead)
            for pieces in (ahead.begin(opportunities(self.client, deals)), *swept):
                yield from pieces

    def erase(self, selections: Sequence[Selection]) -> Iterator[Outcome]:
        """Labels and memberships, then prospects: recycle bin, then for good, which takes the vendor days. Salesforce
        must have deleted for good before. Up to 20 prospects cost a call each, more of them two jobs in all."""
        from extractors.pardot.erasing import erase

        return erase(self.client, selections)

    def restrict(
        self, selections: Sequence[Selection], purposes: Sequence[str], *, lift: bool = False
    ) -> Iterator[Outcome]:
        """No marketing, no choice by profile, and a mark in the prospect's notes; see `restricting`."""
        from extractors.pardot.restricting import restrict

        return restrict(self.client, selections, purposes, lift=lift)

    def rectify(
        self, selections: Sequence[Selection], corrections: Mapping[str, Mapping[str, Mapping[str, Any]]]
    ) -> Iterator[Outcome]:
        """The prospect's own fields."""
        from extractors.pardot.rectifying import rectify

        return rectify(self.client, selections, corrections)

    def _prospects(self, ids: Sequence[int]) -> Iterator[Record]:
        """The prospects in full. A query leaves custom fields with several values out, so with such fields about,
        each prospect is read by id; one in the recycle bin that can't be, names them as `unreadFields`."""
        from extractors.pardot.finding import id_lists

        if not ids:
            return
        single, multiple = self._custom_fields()
        if not multiple and len(single) <= FIELDS_PER_CALL:
            for some in id_lists([str(key) for key in ids]):
                for page in self.client.query(fields.PROSPECT, single, idList=some):
                    yield from page
            return
        for key in ids:
            record = self._read(key, single + multiple)
            if record is not None:
                yield record
                continue
            for page in self.client.query(fields.PROSPECT, single, idList=str(key)):
                yield from ({**queried, "unreadFields": multiple} for queried in page)

    def _read(self, key: int, custom: Sequence[str]) -> Record | None:
        """A prospect by id, in as many calls as its custom fields need; None when it can't be read in the bin."""
        record: Record = {}
        for start in range(0, max(len(custom), 1), FIELDS_PER_CALL):
            listing = fields.CUSTOM_VALUES if start else fields.PROSPECT
            part = self.client.read_if_readable(listing, key, custom[start : start + FIELDS_PER_CALL])
            if part is None:
                return None
            record |= part
        return record

    def _custom_fields(self) -> tuple[list[str], list[str]]:
        """API names of the prospects' custom fields: with one value, with several."""
        single: list[str] = []
        multiple: list[str] = []
        for page in self.client.query(fields.CUSTOM_FIELD):
            for one in page:
                several = one["type"] in fields.MULTI_VALUE_TYPES or one["isRecordMultipleResponses"]
                (multiple if several else single).append(f"{one['fieldId']}__c")
        return single, multiple

    def _of_prospect(
        self, key: int, requests: list[str], deals: dict[int, list[str]], ahead: "Ahead"
    ) -> Iterator[Piece]:
        """What is listed by prospect; `deals` collects the opportunities that activities name."""
        theirs = {"prospectId": str(key)}
        plain = [(name, ahead.begin(self.client.query(listing, **theirs))) for name, listing in _BY_PROSPECT]
        visitors = ahead.begin(self.client.query(fields.VISITOR, **theirs))
        emails = ahead.begin(self.client.query(fields.EMAIL, **theirs))
        activities = ahead.begin(self.client.query(fields.ACTIVITY, **theirs))
        tags = ahead.begin(self.client.query(fields.TAG, objectType="Prospect", objectId=str(key)))
        for dataset, pages in (*plain, ("pardot_tag", tags)):
            for page in pages:
                yield from rows(dataset, page, requests)
        for page in visitors:
            yield from rows("pardot_visitor", page, requests)
            by_visitor = [self.client.query(fields.PAGE_VIEW, visitorId=str(visitor["id"])) for visitor in page]
            for views in ahead.one_by_one(by_visitor):
                yield from rows("pardot_page_view", views, requests)
        for page in emails:
            yield from rows("pardot_email", ahead.each(self._with_text, page), requests)
        for page in activities:
            for deal in {a["opportunityId"] for a in page if a.get("opportunityId")}:
                deals[deal] += [r for r in requests if r not in deals[deal]]
            yield from rows("pardot_visitor_activity", page, requests)

    def _with_text(self, email: Record) -> Record:
        """An e-mail; with its text when it went to this person alone, which is one more call."""
        if email.get("listEmailId"):
            return email
        return {**email, **self.client.read(fields.EMAIL_TEXT, email["id"])}
