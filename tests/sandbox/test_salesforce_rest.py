"""The sandbox's Salesforce through unmodified simple-salesforce and plain HTTP: sign-in, reading, deleting, limits."""

import base64
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from running_sandbox import Sandbox
from salesforce_server import serving, settings, simple_salesforce
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.format import format_soql

from sandbox.ids import salesforce_contact_id, salesforce_id

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An org of our own, to be changed."""
    with serving(tmp_path_factory.mktemp("salesforce"), people=20) as running:
        yield running


@pytest.fixture(scope="module")
def sf(org: Sandbox) -> Salesforce:
    """Signed in by JWT bearer."""
    return simple_salesforce(org)


@pytest.fixture(scope="module")
def http(org: Sandbox) -> Iterator[httpx.Client]:
    """Plain HTTP, not signed in."""
    connection = org.connection("dsr_salesforce")
    context = ssl.create_default_context(cafile=connection.extra["ca"])
    with httpx.Client(base_url=f"{connection.host}:{connection.port}", verify=context) as client:
        yield client


def token(http: httpx.Client, **form: str) -> httpx.Response:
    """The sign-in's answer."""
    return http.post("/services/oauth2/token", data=form)


def claims(org: Sandbox, **changes: Any) -> dict[str, Any]:
    """A good assertion's claims, but for `changes`."""
    connection = org.connection("dsr_salesforce")
    good = {"iss": connection.extra["consumer_key"], "sub": connection.login, "aud": "https://login.salesforce.com",
            "exp": int(time.time()) + 120}  # fmt: skip
    return {**good, **changes}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sub": "somebody@else.example"}, "invalid_grant"),
        ({"iss": "3MVGother"}, "invalid_client_id"),
        ({"aud": "https://evil.example"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": 4_000_000_000}, "invalid_grant"),
    ],
)
def test_assertions_are_checked(org: Sandbox, http: httpx.Client, changes: dict[str, Any], error: str) -> None:
    """Each claim; 400 with `error` and `error_description`."""
    with open(org.connection("dsr_salesforce").extra["private_key_file_path"]) as file:
        assertion = jwt.encode(claims(org, **changes), file.read(), "RS256")
    answer = token(http, grant_type=JWT_GRANT, assertion=assertion)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_signatures_are_checked(org: Sandbox, http: httpx.Client) -> None:
    """Another key, the none algorithm, and the public key as a shared secret."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for assertion in (
        jwt.encode(claims(org), other, "RS256"),
        jwt.encode(claims(org), None, "none"),
        jwt.encode(claims(org), "x" * 32, "HS256"),
        "nonsense",
    ):
        answer = token(http, grant_type=JWT_GRANT, assertion=assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_client_credentials(org: Sandbox, http: httpx.Client) -> None:
    """By Basic header or in the form; a wrong secret is refused."""
    app = org.admin.get("/salesforce/settings").json()
    basic = base64.b64encode(f"{app['consumer_key']}:{app['consumer_secret']}".encode()).decode()
    answer = http.post(
        "/services/oauth2/token", data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}
    )
    assert set(answer.json()) >= {"access_token", "instance_url", "token_type", "scope", "id"}
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert http.get("/services/data/v67.0/sobjects", headers=headers).status_code == 200
    wrong = token(http, grant_type="client_credentials", client_id=app["consumer_key"], client_secret="x")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client")


def test_without_a_session_nothing_is_told(http: httpx.Client) -> None:
    """401 with the vendor's body."""
    answer = http.get("/services/data/v67.0/sobjects", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_revoked_session_is_renewed_by_the_client(org: Sandbox) -> None:
    """simple-salesforce signs in again on INVALID_SESSION_ID."""
    sf = simple_salesforce(org)
    org.admin.post("/salesforce/revoke").raise_for_status()
    assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] > 0


def test_objects_and_describe(sf: Salesforce) -> None:
    """What there is, with types, filters and children."""
    names = {o["name"]: o for o in sf.describe()["sobjects"]}
    assert {"Contact", "Lead", "Case", "ContentVersion", "Certificate__c"} <= set(names)
    assert names["Contact"]["keyPrefix"] == "003"
    described = sf.Contact.describe()
    fields = {f["name"]: f for f in described["fields"]}
    assert fields["Email"]["type"] == "email"
    assert not fields["Description"]["filterable"]
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["MailingCity"]["compoundFieldName"] == "MailingAddress"
    assert {"childSObject": "Case", "field": "ContactId"}.items() <= next(
        c.items() for c in described["childRelationships"] if c["childSObject"] == "Case"
    )
    assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000


def test_records_look_like_the_vendors(sf: Salesforce, org: Sandbox) -> None:
    """Attributes, explicit nulls, the vendor's date-times, related records nested, compound addresses."""
    person = org.population.canary
    query = "SELECT Id, Email, OtherPhone, CreatedDate, MailingAddress, Account.Name FROM Contact WHERE Id = {}"
    record = sf.query(format_soql(query, salesforce_contact_id("canary")))["records"][0]
    assert record["attributes"]["type"] == "Contact"
    assert record["attributes"]["url"].endswith(f"/sobjects/Contact/{record['Id']}")
    assert record["Email"] == person.email
    assert record["OtherPhone"] is None
    assert record["CreatedDate"].endswith(".123+0000")
    assert record["MailingAddress"]["street"] == person.street
    assert record["Account"]["Name"] == person.company.name


def test_paging(sf: Salesforce, org: Sandbox) -> None:
    """nextRecordsUrl says `query` even for queryAll, and the deleted rows are there."""
    with settings(org, page_size=7):
        page = sf.query("SELECT Id, IsDeleted FROM Contact", include_deleted=True)
        assert not page["done"]
        assert len(page["records"]) == 7
        assert "/query/" in page["nextRecordsUrl"]
        everything = sf.query_all("SELECT Id, IsDeleted FROM Contact", include_deleted=True)
        assert len(everything["records"]) == page["totalSize"] == 21
        assert sum(r["IsDeleted"] for r in everything["records"]) == 1
        assert len(sf.query_all("SELECT Id FROM Contact")["records"]) == 20


def test_batch_size_header(sf: Salesforce, org: Sandbox) -> None:
    """Between 200 and 2,000."""
    with settings(org, page_size=2000):
        for n in range(210):
            sf.Task.create({"Subject": f"{n}", "Status": "Open", "Priority": "Low"})
        page = sf.query("SELECT Id FROM Task", headers={"Sforce-Query-Options": "batchSize=1"})
        assert len(page["records"]) == 200
        assert sf.query("SELECT COUNT() FROM Task")["totalSize"] == page["totalSize"]


def test_records_are_made_changed_and_deleted(sf: Salesforce) -> None:
    """And what the vendor says when it does not go."""
    made = sf.Contact.create({"LastName": "Ny", "FirstName": "Åse", "Email": "ny@x.example"})
    record_id = made["id"]
    assert sf.Contact.update(record_id, {"LastName": "Nyare"}) == 204
    assert sf.Contact.get(record_id[:15])["Name"] == "Åse Nyare"
    for values, code in (
        ({"Hair": "red"}, "INVALID_FIELD"),
        ({"LastName": ""}, "REQUIRED_FIELD_MISSING"),
        ({"CreatedDate": "2020-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"DoNotCall": "yes"}, "JSON_PARSER_ERROR"),
    ):
        with pytest.raises(SalesforceMalformedRequest) as refused:
            sf.Contact.update(record_id, values)
        assert refused.value.content[0]["errorCode"] == code
    with pytest.raises(SalesforceMalformedRequest) as missing:
        sf.Contact.create({"Email": "x@x.example"})
    assert missing.value.content[0]["fields"] == ["LastName"]
    assert sf.Contact.delete(record_id) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        sf.Contact.get(record_id)
    assert gone.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"
    binned = format_soql("SELECT IsDeleted FROM Contact WHERE Id = {}", record_id)
    assert sf.query(binned)["totalSize"] == 0
    assert sf.query(binned, include_deleted=True)["records"][0]["IsDeleted"]
    with pytest.raises(SalesforceResourceNotFound) as unknown:
        sf.Contact.get(salesforce_id("003", "nobody"))
    assert unknown.value.content[0]["errorCode"] == "NOT_FOUND"


def test_a_case_blocks_its_contact(sf: Salesforce) -> None:
    """DELETE_FAILED, naming the case; without the case, what hangs on the contact goes with it."""
    contact = sf.Contact.create({"LastName": "Blockerad"})["id"]
    case = sf.Case.create({"ContactId": contact, "Subject": "x"})["id"]
    task = sf.Task.create({"WhoId": contact, "Status": "Open", "Priority": "Low"})["id"]
    with pytest.raises(SalesforceMalformedRequest) as blocked:
        sf.Contact.delete(contact)
    assert blocked.value.content[0]["errorCode"] == "DELETE_FAILED"
    sf.Case.delete(case)
    sf.Contact.delete(contact)
    with pytest.raises(SalesforceResourceNotFound):
        sf.Task.get(task)


def test_history_can_not_be_deleted(sf: Salesforce) -> None:
    """Field history stays."""
    row = sf.query("SELECT Id FROM ContactHistory LIMIT 1")["records"][0]["Id"]
    with pytest.raises(SalesforceMalformedRequest):
        sf.ContactHistory.delete(row)


def test_binaries(sf: Salesforce) -> None:
    """Raw bytes of files and attachments."""
    version = sf.query("SELECT Id, ContentSize FROM ContentVersion LIMIT 1")["records"][0]
    body = sf.ContentVersion.get_base64(version["Id"], "VersionData")
    assert len(body) == version["ContentSize"]
    assert body.startswith(b"%PDF")
    attachment = sf.query("SELECT Id, BodyLength, Body FROM Attachment LIMIT 1")["records"][0]
    assert len(sf.Attachment.get_base64(attachment["Id"])) == attachment["BodyLength"]
    assert attachment["Body"].endswith(f"/Attachment/{attachment['Id']}/Body")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("sobjects/Kontakt/describe", 404, "NOT_FOUND"),
        ("nothing/here", 404, "NOT_FOUND"),
        ("query?q=SELECT", 400, "MALFORMED_QUERY"),
        ("query", 400, "MALFORMED_QUERY"),
        ("query/0r8abc-2000", 400, "INVALID_QUERY_LOCATOR"),
        ("sobjects/Contact/003?fields=Id", 400, "MALFORMED_ID"),
    ],
)
def test_errors_have_the_vendors_body(sf: Salesforce, path: str, status: int, code: str) -> None:
    """`[{message, errorCode}]`."""
    answer = sf.session.get(sf.base_url + path, headers=sf.headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    assert answer.json()[0]["message"]


def test_other_versions_and_methods(sf: Salesforce) -> None:
    """Only 67.0 is spoken; a wrong method is 405."""
    assert sf.session.get(sf.base_url.replace("67.0", "20.0") + "sobjects", headers=sf.headers).status_code == 404
    with pytest.raises(SalesforceGeneralError) as refused:
        sf.restful("sobjects/Contact/003000000000001AAA", method="PUT", json={})
    assert refused.value.status == 405


def test_long_uris_are_refused(sf: Salesforce) -> None:
    """What Composite is for."""
    query = "SELECT Id FROM Contact WHERE Email IN ('" + "x" * 17_000 + "')"
    with pytest.raises(SalesforceGeneralError) as refused:
        sf.query(query)
    assert refused.value.status == 414


def test_the_daily_limit(sf: Salesforce, org: Sandbox) -> None:
    """Told in a header, then refused with 403; sign-in is not counted."""
    with settings(org, daily_limit=50, used=48):
        sf.query("SELECT COUNT() FROM Contact")
        assert sf.api_usage["api-usage"] == (49, 50)
        sf.query("SELECT COUNT() FROM Contact")
        with pytest.raises(SalesforceRefusedRequest) as refused:
            simple_salesforce(org).query("SELECT COUNT() FROM Contact")
        content = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
        assert refused.value.content == content


def test_hidden_objects_and_fields(sf: Salesforce, org: Sandbox) -> None:
    """As for a user without permission."""
    with settings(org, hidden_objects=["Quote"], hidden_fields=["Contact.Birthdate"]):
        assert "Quote" not in {o["name"] for o in sf.describe()["sobjects"]}
        assert "Birthdate" not in {f["name"] for f in sf.Contact.describe()["fields"]}
        for query, code in (
            ("SELECT Id FROM Quote", "INVALID_TYPE"),
            ("SELECT Birthdate FROM Contact", "INVALID_FIELD"),
        ):
            with pytest.raises(SalesforceMalformedRequest) as refused:
                sf.query(query)
            assert refused.value.content[0]["errorCode"] == code


def test_dates_are_sent_as_the_client_writes_them(sf: Salesforce) -> None:
    """format_soql's own date-time form is understood."""
    since = datetime.now(UTC) - timedelta(days=3650)
    assert sf.query(format_soql("SELECT COUNT() FROM Contact WHERE CreatedDate > {}", since))["totalSize"] >= 20
