"""Account Engagement's conventions for reading, as its API reference gives them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pardot_server import PardotServer, serving

from sandbox.ids import salesforce_contact_id, salesforce_lead_id, with_checksum
from sandbox.pardot.errors import ApiError
from sandbox.pardot.objects import OBJECTS
from sandbox.pardot.selection import parse
from sandbox.pardot.signin import BUSINESS_UNIT, CLIENT_ID, CLIENT_SECRET


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PardotServer]:
    """One business unit for this module."""
    with serving(tmp_path_factory.mktemp("pardot")) as server:
        yield server


@pytest.fixture
def server(running: PardotServer) -> Iterator[PardotServer]:
    """It, with defaults before and after."""
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def api(server: PardotServer) -> Iterator[httpx.Client]:
    """A signed-in client."""
    with server.client() as client:
        yield client


def get(api: httpx.Client, path: str, **params: Any) -> Any:
    """The JSON of a successful read."""
    return api.get(path, params=params).raise_for_status().json()


def code(response: httpx.Response) -> tuple[int, int]:
    """Status and the vendor's number."""
    assert set(response.json()) == {"code", "message"}
    return response.status_code, response.json()["code"]


# sign-in


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "no"}, "invalid_client"),
    ],
)
def test_sign_in_refuses(server: PardotServer, form: dict[str, str], error: str) -> None:
    """400 with the org's error word."""
    response = httpx.post(f"{server.url}/services/oauth2/token", data=form)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_sign_in_takes_basic_or_form(server: PardotServer) -> None:
    """Both places for the secret; sign-in is no API call."""
    url, grant = f"{server.url}/services/oauth2/token", {"grant_type": "client_credentials"}
    by_header = httpx.post(url, data=grant, auth=(CLIENT_ID, CLIENT_SECRET)).json()
    by_form = httpx.post(url, data=grant | {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}).json()
    assert by_header["token_type"] == by_form["token_type"] == "Bearer"
    assert "pardot_api" in by_header["scope"]
    assert server.calls() == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Authorization": ""}, (401, 49)),
        ({"Authorization": "Bearer stale"}, (401, 184)),
        ({"Pardot-Business-Unit-Id": "0Uv000000000000AAA"}, (400, 201)),
    ],
)
def test_headers_are_checked(api: httpx.Client, headers: dict[str, str], expected: tuple[int, int]) -> None:
    """Token and business unit."""
    assert code(api.get("/objects/lists", params={"fields": "id"}, headers=headers)) == expected


def test_business_unit_header_is_mandatory(api: httpx.Client) -> None:
    """181 without it."""
    del api.headers["Pardot-Business-Unit-Id"]
    assert code(api.get("/objects/lists", params={"fields": "id"})) == (400, 181)
    assert len(BUSINESS_UNIT) == 18


def test_access_tokens_expire(server: PardotServer, api: httpx.Client) -> None:
    """After two hours."""
    server.system.settings.clock = 7201
    assert code(api.get("/objects/lists", params={"fields": "id"})) == (401, 184)


# fields


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"fields": ""},
        {"fields": "id,hair"},
        {"fields": "id,campaign"},
        {"fields": "campaign.hair"},
        {"fields": "prospect.campaign.profile.name"},
        {"fields": "id", "limit": "1001"},
        {"fields": "id", "limit": "0"},
        {"fields": "id", "limit": "-1"},
        {"fields": "id", "orderBy": "email"},
        {"fields": "id", "orderBy": "id sideways"},
        {"fields": "id", "hair": "red"},
        {"fields": "id", "detailsGreaterThan": "1"},
        {"fields": "id", "prospectId": "x"},
        {"fields": "id", "prospectIdList": "1,2"},
        {"fields": "id", "createdAtAfter": "2026-01-01T00:00:00"},
        {"fields": "id", "deleted": "all"},
        {"fields": "id", "offset": "1"},
    ],
)
def test_what_it_does_not_know_is_an_error(api: httpx.Client, params: dict[str, str]) -> None:
    """Never ignored: `fields` is mandatory, names and values are checked. Activities have no recycle bin."""
    assert code(api.get("/objects/visitor-activities", params=params)) == (400, 71)


def test_dot_notation_resolves_links(api: httpx.Client) -> None:
    """Linked records come along; a link to nothing is null."""
    params = {"fields": "type,form.name,file.name,prospect.campaign.name", "type": "4", "limit": "1"}
    (value,) = get(api, "/objects/visitor-activities", **params)["values"]
    assert value["form"] == {"name": "White paper: certificates"}
    assert value["file"] is None
    assert value["prospect"] == {"campaign": {"name": "Smart ID 2026"}}


def test_queries_omit_custom_fields_of_several_values(server: PardotServer, api: httpx.Client) -> None:
    """A read by id gives them all."""
    fields = "id,language__c,favouriteTopics__c,answersGiven__c"
    email = server.population.canary.email
    (queried,) = get(api, "/objects/prospects", fields=fields, email=email)["values"]
    assert set(queried) == {"id", "language__c"}
    read = get(api, f"/objects/prospects/{queried['id']}", fields=fields)
    assert read["favouriteTopics__c"][0] == "IoT-säkerhet"
    assert len(read["answersGiven__c"]) == 2


def test_texts_of_emails_are_given_by_id_only(server: PardotServer, api: httpx.Client) -> None:
    """A query that asks for them is refused."""
    assert code(api.get("/objects/emails", params={"fields": "id,textMessage"})) == (400, 71)
    (email, *_) = get(api, "/objects/emails", fields="id,listEmailId", limit=1)["values"]
    assert get(api, f"/objects/emails/{email['id']}", fields="textMessage")["textMessage"]


# filters


@pytest.mark.parametrize("address", ["asa.ohrnqvist@kvarnberget.example", "ASA.OHRNQVIST@Kvarnberget.Example"])
def test_email_is_exact_without_case(api: httpx.Client, address: str) -> None:
    """One prospect: not the plus address, not the longer domain."""
    values = get(api, "/objects/prospects", fields="email", email=address)["values"]
    assert values == [{"email": "asa.ohrnqvist@kvarnberget.example"}]


def test_salesforce_id_of_fifteen_or_eighteen_characters(api: httpx.Client) -> None:
    """The linked contact, with and without the recycle bin."""
    contact = salesforce_contact_id("canary")
    for text in (contact, contact[:15]):
        assert len(get(api, "/objects/prospects", fields="id", salesforceId=text)["values"]) == 1
        assert len(get(api, "/objects/prospects", fields="id", salesforceId=text, deleted="all")["values"]) == 2
        (binned,) = get(api, "/objects/prospects", fields="isDeleted", salesforceId=text, deleted="true")["values"]
        assert binned == {"isDeleted": True}


def test_comparisons(api: httpx.Client) -> None:
    """Ids and times, exclusive and inclusive, across offsets."""
    path = "/objects/lifecycle-histories"
    everything = get(api, path, fields="id,createdAt", orderBy="createdAt DESC,id")["values"]
    ids = sorted(v["id"] for v in everything)
    assert [v["id"] for v in get(api, path, fields="id", idGreaterThan=ids[0])["values"]] == ids[1:]
    assert [v["id"] for v in get(api, path, fields="id", idLessThanOrEqualTo=ids[1])["values"]] == ids[:2]
    assert [v["id"] for v in get(api, path, fields="id", idList=f"{ids[2]},{ids[0]},1")["values"]] == [ids[0], ids[2]]
    latest = everything[0]["createdAt"]
    assert get(api, path, fields="id", createdAtAfter=latest)["values"] == []
    assert get(api, path, fields="id", createdAtAfterOrEqualTo=latest)["values"] != []
    since = "2026-01-01T00:00:00-12:00"
    later = get(api, path, fields="createdAt", createdAtAfterOrEqualTo=since)["values"]
    assert len(later) == sum(v["createdAt"] >= "2026-01-01T13:00:00+01:00" for v in everything)


def test_at_most_three_filtered_fields(api: httpx.Client) -> None:
    """Two bounds on one field count once."""
    path, three = "/objects/visitor-activities", {"prospectId": 1, "visitorId": 1, "type": 1}
    assert get(api, path, fields="id", **three, typeGreaterThan=1)["values"] == []
    assert code(api.get(path, params={"fields": "id", **three, "formId": 1})) == (400, 209)


def test_page_views_have_no_filter_by_prospect_and_histories_neither(api: httpx.Client) -> None:
    """By visitor or visit only; histories only by time."""
    for path in ("/objects/visitor-page-views", "/objects/lifecycle-histories", "/external-activities"):
        assert code(api.get(path, params={"fields": "id", "prospectId": "70010001"})) == (400, 71)


@given(st.sampled_from(sorted(OBJECTS)), st.text(min_size=1), st.text())
def test_no_filter_ever_widens(path: str, name: str, value: str) -> None:
    """Any parameter either is refused or narrows what an empty query gives."""
    records = [{"id": 1, "isDeleted": False}, {"id": 2, "isDeleted": False}]
    try:
        chosen = parse(OBJECTS[path], {"fields": "id", name: value}).apply(records)
    except ApiError:
        chosen = []
    assert set(chosen) <= {1, 2}


# pages


def test_pages_follow_by_token_or_url(api: httpx.Client) -> None:
    """Every record once, in order, by either."""
    path, fields = "/objects/visitor-page-views", "id"
    whole = [v["id"] for v in get(api, path, fields=fields, visitorId="80010001", limit=1000)["values"]]
    by_token, by_url = [], []
    page = get(api, path, fields=fields, visitorId="80010001", limit=300, orderBy="id ASC")
    url_page = page
    while True:
        by_token += [v["id"] for v in page["values"]]
        by_url += [v["id"] for v in url_page["values"]]
        if page["nextPageToken"] is None:
            break
        page = get(api, path, fields=fields, nextPageToken=page["nextPageToken"])
        url_page = api.get(url_page["nextPageUrl"]).json()
    assert page["nextPageUrl"] is None
    assert by_token == by_url == sorted(set(by_token))
    assert by_token[:1000] == whole
    assert len(by_token) == 1203


def test_with_a_token_only_fields_may_follow(api: httpx.Client) -> None:
    """Not even the filters of the first page; other fields are fine."""
    page = get(api, "/objects/prospects", fields="id", limit=1)
    token = page["nextPageToken"]
    for more in ({"limit": "1"}, {"orderBy": "id"}, {"deleted": "false"}, {"email": "x"}):
        params = {"fields": "id", "nextPageToken": token, **more}
        assert code(api.get("/objects/prospects", params=params)) == (400, 71)
    assert set(get(api, "/objects/prospects", fields="id,email", nextPageToken=token)["values"][0]) == {"id", "email"}
    assert code(api.get("/objects/visits", params={"fields": "id", "nextPageToken": token})) == (400, 210)
    assert code(api.get("/objects/prospects", params={"fields": "id", "nextPageToken": "x"})) == (400, 210)


def test_page_tokens_expire_after_four_hours(server: PardotServer, api: httpx.Client) -> None:
    """211, not the rest of the pages."""
    server.system.settings.access_life = 5 * 3600
    with server.client() as long_lived:
        token = get(long_lived, "/objects/prospects", fields="id", limit=1)["nextPageToken"]
        server.system.settings.clock = 4 * 3600 - 60
        params = {"fields": "id", "nextPageToken": token}
        assert get(long_lived, "/objects/prospects", **params)["values"]
        server.system.settings.clock = 4 * 3600 + 60
        assert code(long_lived.get("/objects/prospects", params=params)) == (400, 211)


def test_a_sequence_ends_silently_at_its_limit(server: PardotServer, api: httpx.Client) -> None:
    """No token, no error: whoever doesn't count gets too few."""
    server.system.settings.sequence = 250
    path = "/objects/visitor-page-views"
    first = get(api, path, fields="id", limit=200)
    second = get(api, path, fields="id", nextPageToken=first["nextPageToken"])
    assert (len(second["values"]), second["nextPageToken"]) == (50, None)


@pytest.mark.parametrize("name", ["prospects", "visitors", "visits", "visitor-activities", "list-memberships"])
def test_incremental_readers_get_by(api: httpx.Client, name: str) -> None:
    """The way other connectors read: by time of change, west of every zone, following URLs; nothing is missed."""
    recyclable = OBJECTS[f"objects/{name}"].recyclable
    params = {"fields": "id,updatedAt", "limit": "60", "orderBy": "updatedAt ASC"}
    params |= {"deleted": "all"} if recyclable else {}
    bounds = {
        "updatedAtAfterOrEqualTo": "2007-01-01T00:00:00-12:00",
        "updatedAtBeforeOrEqualTo": "2027-01-01T00:00:00Z",
    }
    page = api.get(f"/objects/{name}", params=params | bounds).raise_for_status().json()
    seen = list(page["values"])
    while page["nextPageUrl"]:
        page = api.get(page["nextPageUrl"]).raise_for_status().json()
        seen += page["values"]
    everything = get(api, f"/objects/{name}", fields="id", limit=1000, **({"deleted": "all"} if recyclable else {}))
    assert sorted(v["id"] for v in seen) == [v["id"] for v in everything["values"]]
    moments = [datetime.fromisoformat(v["updatedAt"]) for v in seen]
    assert moments == sorted(moments)


# limits


def test_five_calls_at_once(server: PardotServer) -> None:
    """The sixth is turned away with 66 and no Retry-After."""
    server.system.settings.hold = 0.3
    with server.client() as api, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.get("/objects/lists", params={"fields": "id"}), range(8)))
    refused = [a for a in answers if a.status_code == 429]
    assert len(refused) == 3
    assert {a.json()["code"] for a in refused} == {66}
    assert all("retry-after" not in a.headers for a in refused)


def test_calls_per_minute_and_day(server: PardotServer, api: httpx.Client) -> None:
    """202 and 122; both pass with time."""
    settings = server.system.settings
    settings.per_minute = 2
    settings.clock = 86400 * 3
    settings.access_life = 86400 * 9
    with server.client() as client:
        for _ in range(2):
            get(client, "/objects/lists", fields="id")
        refused = client.get("/objects/lists", params={"fields": "id"})
        assert code(refused) == (429, 202)
        assert "retry-after" not in refused.headers
        settings.clock += 61
        used = get(client, "/objects/account", fields="maximumDailyApiCalls,apiCallsUsed")
        assert used["maximumDailyApiCalls"] == 100_000
        settings.per_day = used["apiCallsUsed"]
        assert code(client.get("/objects/lists", params={"fields": "id"})) == (429, 122)
        settings.clock += 86400
        assert get(client, "/objects/lists", fields="id")["values"]


def test_account_reports_usage(api: httpx.Client) -> None:
    """Each call counts, this one too."""
    params = {"fields": "apiCallsUsed"}
    before = get(api, "/objects/account", **params)["apiCallsUsed"]
    assert get(api, "/objects/account", **params)["apiCallsUsed"] == before + 1
    assert code(api.get("/objects/account", params={"fields": "hair"})) == (400, 71)


@pytest.mark.parametrize("path", ["/objects/hairs", "/objects/prospects/1/2", "/nothing", "/objects"])
def test_unknown_endpoints(api: httpx.Client, path: str) -> None:
    """192."""
    assert code(api.get(path, params={"fields": "id"})) == (404, 192)


def test_unknown_records(api: httpx.Client) -> None:
    """109."""
    assert code(api.get("/objects/prospects/1", params={"fields": "id"})) == (404, 109)


# ids that the CRM shares


def test_salesforce_ids_are_well_formed() -> None:
    """Vectors of the checksum from the CRM's documentation; stable and distinct per person."""
    assert with_checksum("0015000000Gv7qJ") == "0015000000Gv7qJAAR"
    assert with_checksum("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert salesforce_contact_id("canary").startswith("003")
    assert salesforce_lead_id("canary").startswith("00Q")
    ids = {salesforce_contact_id(f"p{n:06d}").lower() for n in range(2000)}
    assert len(ids) == 2000
    assert all(len(i) == 18 and with_checksum(i[:15]) for i in ids)
