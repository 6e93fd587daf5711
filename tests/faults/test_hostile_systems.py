"""A system that means harm, or is in somebody else's hands, is contained: no memory, no credentials, no call elsewhere,
and an end with a code that says so."""

import json
import tracemalloc
from typing import Any

import httpx
import pytest
from playing import PARTIES, attempted
from ticket_office import Office
from wrongs import Wrong

from dsr.channels import written
from dsr.errors import TransientError
from extractors import http
from extractors.http import HttpClient
from extractors.pardot.client import Client as Pardot
from extractors.pardot.fields import Listing
from extractors.recordings import store
from extractors.salesforce import client
from extractors.webinars.client import Zoom

JSON = (
    "salesforce_read",
    "salesforce_change",
    "pardot_read",
    "webinars_read",
    "recordings_read",
    "processor",
    "receiver",
)
"""Parties of whose answers something is read."""
EVERY = tuple(key for key in PARTIES if not key.startswith("invoicing") and key not in ("mail", "store"))
METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
DEEP = "[" * 200_000
_CAP = 4 * 1024 * 1024


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limit with another number."""
    for module in (http, client, store):
        monkeypatch.setattr(module, "MAX_BODY", _CAP)


def ends(party: Any, **fault: Any) -> str:
    """How an attempt ended in which that was answered; a second one, with all well again, must be done."""
    made, go_wrong = party
    made.begin()
    with go_wrong(Wrong("hostile", "", fault)) as played:
        ended = attempted(made)
        assert played()
    if ended != "done":
        made.assert_nothing()
    assert attempted(made) == "done"
    made.assert_once()
    return ended


@pytest.mark.thorough
@pytest.mark.parametrize("key", JSON)
def test_an_endless_answer(key: str, party: Any, small: None) -> None:
    """Memory stays flat: what is held is what the limit allows, twice while it is copied."""
    tracemalloc.start()
    try:
        ended = ends(party, kind="endless", headers={"etag": '"e"'})  # without which S3's clients stop sooner
        assert tracemalloc.get_traced_memory()[1] < 8 * _CAP
    finally:
        tracemalloc.stop()
    assert ended in ("stop: body.too_large", "a person: body.too_large", "stop: object.too_large", "again: timeout")


@pytest.mark.thorough
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("key", JSON)
def test_an_answer_nested_without_end(key: str, status: int, party: Any) -> None:
    ended = ends(party, status=status, body=DEEP)
    assert not ended.startswith("again: unexpected"), ended


@pytest.mark.thorough
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("key", EVERY)
def test_a_redirect_to_where_clouds_keep_credentials(key: str, status: int, party: Any) -> None:
    """Nothing is fetched from there, and nothing said to be done. S3's client asks the same host again instead."""
    ended = ends(party, status=status, headers={"location": METADATA, "x-amz-bucket-region": "evil"})
    assert ended != "done" or key.startswith("recordings") or key == "bucket"


@pytest.mark.parametrize("channel", ["zendesk", "jira", "freshdesk"])
def test_a_list_that_leads_in_circles(channel: str, ticket_office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments of a ticket, which are read when nobody knows whether an answer came through."""
    monkeypatch.setattr(written, "_MOST_PAGES", 5)
    office = ticket_office
    case, ticket = office.case(), office.systems.open(channel)
    office.systems.break_(channel, "reset", times=1, method="PUT" if channel == "zendesk" else "POST")
    assert office.post(case, channel, ticket, "Svar") != ""
    page = {
        "zendesk": {"comments": [{"body": "x", "public": True}], "next_page": f"{_host(office, channel)}/api/v2/again"},
        "jira": {"values": [{"body": "x", "public": True}], "isLastPage": False},
        "freshdesk": [{"body_text": "x", "private": False}] * 100,
    }
    office.systems.break_(channel, method="GET", status=200, body=json.dumps(page[channel]))
    assert office.pass_(minutes=20) == ["pages.endless"]
    read = sum(call.method == "GET" for call in office.systems.tap.calls if call.system == channel)
    assert read % 5 == 0  # for each ticket that has something to be written yet
    assert read > 0
    office.systems.mend()
    assert office.pass_(minutes=20) == []
    assert [c.text for c in office.systems.comments(channel, ticket)] == ["Svar"]


@pytest.mark.parametrize("where", ["https://evil.example/x", METADATA, "https://127.0.0.1:1/x"])
def test_a_next_page_on_another_host(where: str, ticket_office: Office) -> None:
    """Not even asked for, so that no credentials go there."""
    office = ticket_office
    case, ticket = office.case(), office.systems.open("zendesk")
    office.systems.break_("zendesk", "reset", times=1, method="PUT")
    assert office.post(case, "zendesk", ticket, "Svar") != ""
    body = json.dumps({"comments": [], "next_page": where})
    office.systems.break_("zendesk", method="GET", status=200, body=body)
    assert office.pass_(minutes=20) == ["redirect.refused"]


def _host(office: Office, channel: str) -> str:
    return office.systems.connections[f"dsr_{channel}"].host


@pytest.mark.parametrize("page", [{"values": [{"id": 1}], "nextPageToken": "x"}, {"values": [], "nextPageToken": "x"}])
def test_pardot_s_pages_that_lead_in_circles(page: dict[str, Any]) -> None:
    """The same token again; with rows that are the same again in each sequence, too."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=page)

    http_ = HttpClient("https://pardot.example", place="pardot", transport=httpx.MockTransport(answer))
    listing = Listing("objects/visits", ("id",))
    with pytest.raises(TransientError, match=r"pages\.endless"):
        list(Pardot(http_).query(listing))
    assert len(asked) == 2
    last = httpx.MockTransport(lambda _: httpx.Response(200, json={"values": [{"id": 1}]}))
    with pytest.raises(TransientError, match=r"pages\.endless"):
        list(Pardot(HttpClient("https://pardot.example", place="pardot", transport=last), sequence=1).query(listing))


def test_zoom_s_pages_that_lead_in_circles() -> None:
    page = {"registrants": [], "next_page_token": "again"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=page))
    zoom = Zoom(HttpClient("https://zoom.example", place="webinars", transport=transport))
    with pytest.raises(TransientError, match=r"pages\.endless"):
        list(zoom.list("/webinars/1/registrants", "registrants"))


@pytest.mark.parametrize(
    ("base", "instance", "good"),
    [
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com", True),
        ("https://login.salesforce.com", "https://na1.salesforce.com", True),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443", True),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8444", False),
        ("https://acme.my.salesforce.com", "http://acme.my.salesforce.com", False),
        ("https://acme.my.salesforce.com", "https://evil.example", False),
        ("https://acme.my.salesforce.com", "https://evilsalesforce.com", False),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com@evil.example", False),
        ("https://acme.my.salesforce.com", "https://x:y@na1.salesforce.com", False),
        ("https://acme.my.salesforce.com", "https://169.254.169.254", False),
        ("https://acme.my.salesforce.com", "https://[", False),
        ("https://acme.my.salesforce.com", "", False),
    ],
)
def test_the_host_that_sign_in_names_gets_the_token_only_if_it_is_the_vendor_s(
    base: str, instance: str, good: bool
) -> None:
    assert client._is_theirs(instance, base) == good
