"""simple-salesforce, REST and Bulk 2.0, judges the simulated org."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import requests
from simple_salesforce import Salesforce
from simple_salesforce.bulk2 import Operation
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceOperationError,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from tests.judges.ground import Ground
from tests.judges.judge import Bench, Judge
from tests.judges.names import session
from tradepost.sandbox.kernel import Vendor, World
from tradepost.sandbox.salesforce import SalesforceOrg, SalesforceVendor

KEY = {"type": "Text", "length": 80, "externalId": True, "unique": True, "caseSensitive": True}
CONTACTS = 450
DOMAIN = "harbour-trading.my"


@dataclass(slots=True)
class Desk:
    """A signed-in client; `http` is the requests session that every client here shares."""

    place: Ground
    org: SalesforceOrg
    sf: Salesforce
    http: requests.Session

    def signed_in(self, **how: Any) -> Salesforce:
        return Salesforce(session=self.http, **how)

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)


def _make(world: World) -> tuple[Sequence[Vendor], SalesforceOrg]:
    vendor = SalesforceVendor(world)
    org = vendor.org
    for sobject in ("Activity", "EmailMessage", "Contact", "Account"):
        org.add_custom_field(sobject, "Judge_Key__c", grant_to=[org.integration_user_id], **KEY)
    firm = org.add_account("Hanseatic Imports GmbH", Website="hanseatic.example")
    for number in range(CONTACTS):
        org.add_contact(f"Buyer {number:03}", f"buyer{number}@hanseatic.example", account_id=firm)
    return [vendor], org


@contextmanager
def _open(place: Ground, org: SalesforceOrg) -> Iterator[Desk]:
    port = place.port("salesforce")
    hosts = {org.my_domain: port, "login.salesforce.com": port}
    with session(place.ca, hosts) as http:
        secrets = {"consumer_key": org.client.client_id, "consumer_secret": org.client.client_secret}
        sf = Salesforce(session=http, domain=DOMAIN, version="66.0", **secrets)
        yield Desk(place, org, sf, http)


judge = Judge("simple-salesforce", _open)
BENCH = Bench("salesforce", _make, (judge,))


def raises(kind: type[Exception], work: Callable[[], Any], word: str = "") -> Any:
    """The error as the client surfaces it."""
    try:
        work()
    except kind as error:
        told = str(error)
        assert word in told, told
        return error
    raise AssertionError(f"{kind.__name__} expected")


# ------------------------------------------------------------------------------------------------------------ signing in


@judge("signs in with client credentials in a Basic header, and finds its instance")
def client_credentials(desk: Desk) -> None:
    assert desk.sf.sf_instance == desk.org.my_domain
    assert desk.sf.oauth2("userinfo")["organization_id"] == desk.org.org_id


@judge("signs in with a JWT at the common login host")
def jwt_bearer(desk: Desk) -> None:
    key, client = desk.act(lambda: desk.org.client.private_key), desk.org.client
    by_jwt = {"username": desk.org.integration_username, "consumer_key": client.client_id, "privatekey": key}
    sf = desk.signed_in(**by_jwt)
    assert sf.query("SELECT Id FROM Organization")["totalSize"] == 1
    by_jwt["username"] = "stranger@harbour-trading.example"
    raises(SalesforceAuthenticationFailed, lambda: desk.signed_in(**by_jwt), "invalid_grant")


@judge("signs in with the secret in the form, as other clients do, and follows the identity URL")
def form_body(desk: Desk) -> None:
    form = {"grant_type": "client_credentials", "client_id": desk.org.client.client_id}
    form["client_secret"] = desk.org.client.client_secret
    answer = desk.http.post(f"https://{desk.org.my_domain}/services/oauth2/token", form).json()
    assert answer["token_type"] == "Bearer"
    assert "expires_in" not in answer
    sf = desk.signed_in(session_id=answer["access_token"], instance_url=answer["instance_url"], version="60.0")
    assert sf.Account.describe()["name"] == "Account"
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    identity = desk.http.get(answer["id"].replace("https://login.salesforce.com", sf.auth_site), headers=headers)
    assert identity.json()["username"] == desk.org.integration_username


@judge("is refused a wrong secret, the username-password flow, and client credentials at the login host")
def refused_logins(desk: Desk) -> None:
    client = {"consumer_key": desk.org.client.client_id, "consumer_secret": "wrong", "domain": DOMAIN}
    raises(SalesforceAuthenticationFailed, lambda: desk.signed_in(**client), "invalid_client")
    client["consumer_secret"] = desk.org.client.client_secret
    by_password = client | {"username": desk.org.integration_username, "password": "secret"}
    raises(SalesforceAuthenticationFailed, lambda: desk.signed_in(**by_password), "invalid_grant")


@judge("signs in again by itself when the session has died; a bare session is reported as expired")
def expired(desk: Desk) -> None:
    bare = desk.signed_in(session_id=desk.sf.session_id, instance=desk.org.my_domain)
    desk.act(desk.org.expire_sessions)
    raises(SalesforceExpiredSession, lambda: bare.query("SELECT Id FROM User"), "INVALID_SESSION_ID")
    assert desk.sf.query("SELECT Id FROM User LIMIT 1")["done"] is True


@judge("lists versions and speaks any living one; a retired one is gone")
def versions(desk: Desk) -> None:
    known = [each["version"] for each in desk.http.get(f"https://{desk.org.my_domain}/services/data/").json()]
    for version in (known[0], "59.0", known[-1]):
        sf = desk.signed_in(session_id=desk.sf.session_id, instance=desk.org.my_domain, version=version)
        assert sf.query("SELECT Id FROM Account")["records"][0]["attributes"]["url"].startswith(
            f"/services/data/v{version}"
        )
        assert "query" in sf.restful("")
    old = desk.signed_in(session_id=desk.sf.session_id, instance=desk.org.my_domain, version="29.0")
    raises(SalesforceGeneralError, lambda: old.query("SELECT Id FROM Account"), "UNSUPPORTED_API_VERSION")


# ------------------------------------------------------------------------------------------------------------- reading


@judge("describes all objects, which of them can be queried, and single ones with fields and children")
def describes(desk: Desk) -> None:
    whole = desk.sf.describe()
    named = {each["name"]: each for each in whole["sobjects"]}
    assert {"Account", "Contact", "Lead", "Opportunity", "Task", "EmailMessage", "User", "ContentVersion"} <= set(named)
    assert all(each["queryable"] is True for each in named.values())
    fields = {each["name"]: each for each in desk.sf.Contact.describe()["fields"]}
    assert fields["Email"]["idLookup"] is True
    assert fields["Judge_Key__c"]["externalId"] is True
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert desk.sf.Contact.metadata()["objectDescribe"]["keyPrefix"] == "003"
    assert desk.sf.Contact.describe_layout("")["layouts"]
    raises(SalesforceResourceNotFound, desk.sf.Nonsense.describe, "NOT_FOUND")


@judge("asks for a description only if it has changed")
def conditional_describe(desk: Desk) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")  # noqa: TID251
    header = {"If-Modified-Since": later}
    error = raises(SalesforceGeneralError, lambda: desk.sf.Contact.describe(headers=header))
    assert error.status == 304


@judge("queries page by page to the end, by locator and by URL")
def paging(desk: Desk) -> None:
    header = {"Sforce-Query-Options": "batchSize=200"}
    first = desk.sf.query("SELECT Id, Email FROM Contact ORDER BY Email", headers=header)
    assert (first["totalSize"], len(first["records"]), first["done"]) == (CONTACTS, 200, False)
    second = desk.sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    third = desk.sf.query_more(second["nextRecordsUrl"].rpartition("/")[2])
    rows = first["records"] + second["records"] + third["records"]
    assert len({row["Id"] for row in rows}) == CONTACTS
    assert third["done"] is True
    assert len(desk.sf.query_all("SELECT Id FROM Contact", headers=header)["records"]) == CONTACTS
    raises(SalesforceMalformedRequest, lambda: desk.sf.query_more("01gHs0000000000AAA-200"), "INVALID_QUERY_LOCATOR")


@judge("queries with relations, subqueries, groups, dates and counts")
def soql(desk: Desk) -> None:
    sf = desk.sf
    one = sf.query("SELECT Id, Account.Name, Owner.Email FROM Contact WHERE Email = 'buyer7@hanseatic.example'")
    assert one["records"][0]["Account"]["Name"] == "Hanseatic Imports GmbH"
    below = sf.query("SELECT Name, (SELECT Email FROM Contacts LIMIT 3) FROM Account")
    assert len(below["records"][0]["Contacts"]["records"]) == 3
    grouped = sf.query("SELECT AccountId, COUNT(Id) n FROM Contact GROUP BY AccountId")
    assert grouped["records"][0]["n"] == CONTACTS
    assert sf.query("SELECT COUNT() FROM Contact WHERE CreatedDate = TODAY")["totalSize"] == CONTACTS
    since = "SELECT Id FROM Contact WHERE SystemModstamp >= 2020-01-01T00:00:00Z ORDER BY SystemModstamp, Id LIMIT 5"
    assert len(sf.query(since)["records"]) == 5


@judge("sees deleted records only through queryAll")
def deleted(desk: Desk) -> None:
    made = desk.sf.Contact.create({"LastName": "Short lived"})["id"]
    assert desk.sf.Contact.delete(made) == 204
    query = f"SELECT Id FROM Contact WHERE Id = '{made}'"  # noqa: S608 - SOQL of the sandbox
    assert desk.sf.query(query)["totalSize"] == 0
    assert desk.sf.query(query, include_deleted=True)["totalSize"] == 1
    assert desk.sf.query_all(query, include_deleted=True)["records"]
    raises(SalesforceResourceNotFound, lambda: desk.sf.Contact.get(made))
    raises(SalesforceResourceNotFound, lambda: desk.sf.Contact.delete(made), "ENTITY_IS_DELETED")


@judge("finds records by words, with and without conditions, and by parameters")
def search(desk: Desk) -> None:
    found = desk.sf.quick_search("Hanseatic")["searchRecords"]
    assert {each["attributes"]["type"] for each in found} == {"Account", "Contact"}
    wanted = "FIND {Hanseatic} IN NAME FIELDS RETURNING Account(Id, Name WHERE Website != null LIMIT 5), Lead LIMIT 9"
    assert [each["Name"] for each in desk.sf.search(wanted)["searchRecords"]] == ["Hanseatic Imports GmbH"]
    params = {"q": "buyer9@hanseatic.example", "sobject": "Contact", "Contact.fields": "Id,Email", "in": "EMAIL"}
    assert [e["Email"] for e in desk.sf.restful("parameterizedSearch/", params)["searchRecords"]] == [params["q"]]
    raises(SalesforceMalformedRequest, lambda: desk.sf.quick_search("x"), "MALFORMED_SEARCH")


@judge("reads limits, tabs and recently used records")
def overview(desk: Desk) -> None:
    daily = desk.sf.limits()["DailyApiRequests"]
    assert 0 < daily["Remaining"] < daily["Max"]
    assert desk.sf.api_usage["api-usage"].total == daily["Max"]
    assert "Contact" in [tab["sobjectName"] for tab in desk.sf.restful("tabs")]
    made = desk.sf.Account.create({"Name": "Just made"})["id"]
    assert made in [each["Id"] for each in desk.sf.restful("recent", {"limit": 20})]
    assert made in [each["Id"] for each in desk.sf.Account.metadata()["recentItems"]]
    desk.sf.Account.delete(made)


# ------------------------------------------------------------------------------------------------------------- writing


@judge("creates, reads, changes and deletes a record")
def crud(desk: Desk) -> None:
    made = desk.sf.Lead.create({"LastName": "李娜", "Company": "海贸", "Email": "li@haimao.example"})
    assert made == {"id": made["id"], "success": True, "errors": []}
    assert desk.sf.Lead.get(made["id"])["Name"] == "李娜"
    assert desk.sf.Lead.update(made["id"], {"Title": "采购"}) == 204
    assert desk.sf.Lead.get_by_custom_id("Email", "li@haimao.example")["Title"] == "采购"
    head = desk.sf.Lead._call_salesforce("HEAD", desk.sf.Lead.base_url + made["id"])
    assert (head.status_code, head.content) == (200, b"")
    assert desk.sf.Lead.delete(made["id"]) == 204


@judge("upserts by an external id: made, changed, doubled")
def upsert(desk: Desk) -> None:
    def write(**fields: Any) -> requests.Response:
        return desk.sf.Contact.upsert("Judge_Key__c/k-1", fields, raw_response=True)

    assert write(LastName="Keyed").status_code == 201
    again = write(Title="Buyer")
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert desk.sf.Contact.get_by_custom_id("Judge_Key__c", "k-1")["Title"] == "Buyer"
    twice = {"LastName": "Keyed too", "Judge_Key__c": "k-1"}
    raises(SalesforceMalformedRequest, lambda: desk.sf.Contact.create(twice), "DUPLICATE_VALUE")
    raises(SalesforceMalformedRequest, lambda: write(Judge_Key__c="k-1", LastName="x"), "should not be specified")
    raises(SalesforceResourceNotFound, lambda: desk.sf.Contact.upsert("Nope__c/1", {}), "NOT_FOUND")
    desk.sf.Contact.delete("Judge_Key__c/k-1")
    for _ in range(2):
        desk.sf.Contact.create({"LastName": "Twin", "Email": "twin@hanseatic.example"})
    many = raises(
        SalesforceMoreThanOneRecord, lambda: desk.sf.Contact.get_by_custom_id("Email", "twin@hanseatic.example")
    )
    assert len(many.content) == 2


@judge("changes an account only if nobody did meanwhile: If-Match and If-Unmodified-Since")
def compare_and_set(desk: Desk) -> None:
    made = desk.sf.Account.create({"Name": "Guarded"})["id"]
    url = desk.sf.Account.base_url + made
    tag = desk.sf.Account._call_salesforce("GET", url).headers["ETag"]
    change = partial(desk.sf.Account.update, made)
    assert change({"Phone": "1"}, headers={"If-Match": tag}) == 204
    error = raises(SalesforceGeneralError, lambda: change({"Phone": "2"}, headers={"If-Match": tag}))
    assert error.status == 412
    old = {"If-Unmodified-Since": "Mon, 02 Mar 2020 10:00:00 GMT"}
    assert raises(SalesforceGeneralError, lambda: change({"Phone": "3"}, headers=old)).status == 412
    new = {"If-Modified-Since": "Tue, 02 Mar 2100 10:00:00 GMT"}
    assert raises(SalesforceGeneralError, lambda: desk.sf.Account.get(made, headers=new)).status == 304


@judge("logs a mail as EmailMessage: the platform makes the Task, a sent one cannot be changed")
def mail(desk: Desk) -> None:
    (person,) = desk.sf.query("SELECT Id FROM Contact WHERE Email = 'buyer1@hanseatic.example'")["records"]
    body = {"Subject": "报价 100", "TextBody": "Dear Anna", "Status": "3", "Incoming": True}
    body |= {"FromAddress": "buyer1@hanseatic.example", "ToAddress": "anna@ours.example", "Judge_Key__c": "mail-1"}
    body |= {"MessageIdentifier": "<j.1@hanseatic.example>", "MessageDate": "2026-03-01T08:00:00.000Z"}
    made = desk.sf.EmailMessage.create(body)["id"]
    relation = {"EmailMessageId": made, "RelationType": "FromAddress", "RelationId": person["Id"]}
    desk.sf.EmailMessageRelation.create(relation | {"RelationAddress": "buyer1@hanseatic.example"})
    task = desk.sf.query(f"SELECT ActivityId FROM EmailMessage WHERE Id = '{made}'")["records"][0]  # noqa: S608
    assert desk.sf.Task.get(task["ActivityId"])["TaskSubtype"] == "Email"
    raises(SalesforceMalformedRequest, lambda: desk.sf.EmailMessage.update(made, {"Subject": "x"}), "INVALID_FIELD_FOR")
    raises(SalesforceMalformedRequest, lambda: desk.sf.EmailMessage.create(body), "DUPLICATE_VALUE")
    by_id = "SELECT Id FROM EmailMessage WHERE MessageIdentifier = '<j.1@hanseatic.example>'"
    assert desk.sf.query(by_id)["totalSize"] == 1


@judge("makes and completes tasks and moves deals, whose history tells")
def tasks_and_deals(desk: Desk) -> None:
    deal = desk.sf.Opportunity.create({"Name": "Pumps", "StageName": "Prospecting", "CloseDate": "2026-12-31"})["id"]
    assert desk.sf.Opportunity.update(deal, {"StageName": "Closed Won"}) == 204
    moved = desk.sf.query(f"SELECT StageName FROM OpportunityHistory WHERE OpportunityId = '{deal}'")  # noqa: S608
    assert [row["StageName"] for row in moved["records"]] == ["Prospecting", "Closed Won"]
    task = desk.sf.Task.create({"Subject": "Call", "WhatId": deal, "ActivityDate": "2026-03-02"})["id"]
    desk.sf.Task.update(task, {"Status": "Completed"})
    assert desk.sf.Task.get(task)["IsClosed"] is True


@judge("writes collections of mixed records, with single failures and all or none")
def collections(desk: Desk) -> None:
    def write(method: str, path: str, records: list[dict[str, Any]], *, whole: bool = False) -> list[dict[str, Any]]:
        body = json.dumps({"allOrNone": whole, "records": records})
        return desk.sf.restful(f"composite/sobjects{path}", method=method, data=body)

    good = {"attributes": {"type": "Contact"}, "LastName": "Collected", "Judge_Key__c": "c-1"}
    bad = {"attributes": {"type": "Account"}}
    some = write("POST", "", [good, bad])
    assert [each["success"] for each in some] == [True, False]
    assert some[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    none = write("POST", "", [{**good, "Judge_Key__c": "c-2"}, bad], whole=True)
    assert none[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    made = some[0]["id"]
    assert write("PATCH", "", [{"attributes": {"type": "Contact"}, "id": made, "Title": "New"}])[0]["success"]
    keyed = write("PATCH", "/Contact/Judge_Key__c", [good | {"Title": "Newer"}, {**good, "Judge_Key__c": "c-3"}])
    assert [each["created"] for each in keyed] == [False, True]
    rows = desk.sf.restful("composite/sobjects/Contact", {"ids": f"{made},003Hs00000000zzAAA", "fields": "Id,Title"})
    assert [row and row["Title"] for row in rows] == ["Newer", None]
    asked = json.dumps({"ids": [made], "fields": ["Title"]})
    assert desk.sf.restful("composite/sobjects/Contact", method="POST", data=asked)[0]["Title"] == "Newer"
    gone = desk.sf.restful("composite/sobjects", {"ids": made, "allOrNone": "false"}, method="DELETE")
    assert gone == [{"id": made, "success": True, "errors": []}]
    raises(SalesforceMalformedRequest, lambda: write("POST", "", [good] * 201), "LIMIT_EXCEEDED")


@judge("writes composite requests with references, batches, graphs and trees")
def composites(desk: Desk) -> None:
    base = f"/services/data/v{desk.sf.sf_version}"

    def send(path: str, body: dict[str, Any]) -> Any:
        return desk.sf.restful(f"composite{path}", method="POST", data=json.dumps(body))

    firm = {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "firm", "body": {"Name": "Composed"}}
    person = {"method": "POST", "url": f"{base}/sobjects/Contact", "referenceId": "person"}
    person |= {"body": {"LastName": "Composed", "AccountId": "@{firm.id}"}}
    done = send("", {"allOrNone": True, "compositeRequest": [firm, person]})["compositeResponse"]
    assert [each["httpStatusCode"] for each in done] == [201, 201]
    wrong = person | {"body": {"AccountId": "@{firm.id}"}}
    halted = send("", {"allOrNone": True, "compositeRequest": [firm, wrong]})["compositeResponse"]
    assert [each["body"][0]["errorCode"] for each in halted] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    graphs = send("/graph", {"graphs": [{"graphId": "g1", "compositeRequest": [firm, person]}]})["graphs"]
    assert graphs[0]["isSuccessful"] is True
    asked = {"method": "GET", "url": f"v{desk.sf.sf_version}/query?q=SELECT+Id+FROM+User"}
    batch = send("/batch", {"batchRequests": [asked, {"method": "GET", "url": f"v{desk.sf.sf_version}/nope"}]})
    assert [each["statusCode"] for each in batch["results"]] == [200, 404]
    assert batch["hasErrors"] is True
    child = {"attributes": {"type": "Contact", "referenceId": "t2"}, "LastName": "Leaf"}
    tree = {"attributes": {"type": "Account", "referenceId": "t1"}, "Name": "Tree", "Contacts": {"records": [child]}}
    grown = send("/tree/Account", {"records": [tree]})
    assert [each["referenceId"] for each in grown["results"]] == ["t1", "t2"]
    del child["LastName"]
    raises(SalesforceMalformedRequest, lambda: send("/tree/Account", {"records": [tree]}), "hasErrors")


@judge("uploads a file as base64 and as multipart, reads its bytes, and finds where it is shown")
def files(desk: Desk) -> None:
    path = desk.place.folder / "offer.pdf"
    path.write_bytes(b"%PDF-1.7 offer")
    raises(
        SalesforceMalformedRequest,
        lambda: desk.sf.ContentVersion.upload_base64(str(path), "VersionData"),
        "PathOnClient",
    )
    (firm,) = desk.sf.query("SELECT Id FROM Account WHERE Name = 'Hanseatic Imports GmbH'")["records"]
    facts = {"Title": "Offer", "PathOnClient": "offer.pdf", "FirstPublishLocationId": firm["Id"]}
    parts = {
        "entity_content": (None, json.dumps(facts), "application/json"),
        "VersionData": ("offer.pdf", path.read_bytes(), "application/octet-stream"),
    }
    headers = {"Authorization": f"Bearer {desk.sf.session_id}"}
    answer = desk.http.post(desk.sf.base_url + "sobjects/ContentVersion", files=parts, headers=headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()["id"]
    assert desk.sf.ContentVersion.get_base64(made, "VersionData") == b"%PDF-1.7 offer"
    version = desk.sf.ContentVersion.get(made)
    assert (version["ContentSize"], version["FileType"], version["IsLatest"]) == (14, "PDF", True)
    where = f"ContentDocumentId = '{version['ContentDocumentId']}'"
    links = desk.sf.query(f"SELECT LinkedEntityId FROM ContentDocumentLink WHERE {where}")  # noqa: S608
    assert firm["Id"] in [row["LinkedEntityId"] for row in links["records"]]


# ---------------------------------------------------------------------------------------------------------------- bulk


@judge("extracts with Bulk 2.0: page by page, with deleted ones, downloaded to a file")
def bulk_query(desk: Desk) -> None:
    bulk = desk.sf.bulk2.Contact
    pages = list(bulk.query("SELECT Id, Email, Account.Name, CreatedDate FROM Contact", max_records=200, wait=0))
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page))]
    assert len(pages) >= 3
    assert len({row["Id"] for row in rows}) == len(rows) >= CONTACTS
    assert rows[0]["Account.Name"] == "Hanseatic Imports GmbH"
    assert rows[0]["CreatedDate"].endswith("Z")
    deleted = "".join(bulk.query_all("SELECT Id, IsDeleted FROM Contact", wait=0))
    assert '"true"' in deleted
    stored = bulk.download("SELECT Id FROM Account", path=str(desk.place.folder), wait=0)
    assert Path(stored[0]["file"]).read_bytes().startswith(b'"Id"')


@judge("aborts, lists and deletes query jobs, and sees one fail; what bulk cannot query is refused")
def bulk_jobs(desk: Desk) -> None:
    client = desk.sf.bulk2.Contact._client
    job = client.create_job(Operation.query, "SELECT Id FROM Contact")
    assert job["state"] == "UploadComplete"
    raises(SalesforceMalformedRequest, lambda: client.get_query_results(job["id"]), "INVALIDJOBSTATE")
    assert client.abort_job(job["id"], is_query=True)["state"] == "Aborted"
    assert job["id"] in [each["id"] for each in desk.sf.restful("jobs/query")["records"]]
    assert desk.sf.restful(f"jobs/query/{job['id']}", method="DELETE") is None
    raises(SalesforceResourceNotFound, lambda: client.get_job(job["id"], is_query=True), "NOT_FOUND")
    wrong = partial(client.create_job, Operation.query)
    raises(SalesforceMalformedRequest, lambda: wrong("SELECT COUNT(Id) FROM Contact"), "API_ERROR")
    raises(SalesforceMalformedRequest, lambda: wrong("SELECT Nope FROM Contact"), "INVALID_FIELD")
    raises(SalesforceMalformedRequest, lambda: wrong("SELECT Id FROM TaskStatus"), "INVALIDENTITY")
    desk.act(desk.org.configure, bulk_failure="QUERY_TIMEOUT: Your query request was running for too long.")
    raises(
        SalesforceOperationError, lambda: list(desk.sf.bulk2.Contact.query("SELECT Id FROM Lead", wait=0)), "TIMEOUT"
    )


@judge("loads with Bulk 2.0: insert, upsert, update, delete, with failed rows; an ingest can be aborted")
def bulk_ingest(desk: Desk) -> None:
    bulk = desk.sf.bulk2.Contact
    rows = [{"LastName": f"Loaded {n}", "Judge_Key__c": f"b-{n}", "Email": "" if n else "nonsense"} for n in range(4)]
    (done,) = bulk.insert(records=rows, wait=0)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (4, 1)
    told = bulk.get_all_ingest_records(done["job_id"])
    assert [row["sf__Created"] for row in told["successfulRecords"]] == ["true"] * 3
    assert told["failedRecords"][0]["sf__Error"].startswith("INVALID_EMAIL_ADDRESS:")
    assert told["unprocessedRecords"] == []
    (done,) = bulk.upsert(records=[{"Judge_Key__c": "b-1", "Title": "#N/A"}], external_id_field="Judge_Key__c", wait=0)
    assert bulk.get_all_ingest_records(done["job_id"])["successfulRecords"][0]["sf__Created"] == "false"
    ids = [row["sf__Id"] for row in told["successfulRecords"]]
    bulk.update(records=[{"Id": ids[0], "Title": "Bulk"}], wait=0)
    assert desk.sf.Contact.get(ids[0])["Title"] == "Bulk"
    bulk.delete(records=[{"Id": each} for each in ids], wait=0)
    raises(SalesforceResourceNotFound, lambda: desk.sf.Contact.get(ids[0]))
    raises(SalesforceOperationError, lambda: bulk.insert(records=[{"Nope": "1"}], wait=0), "Field name not found")
    raises(SalesforceMalformedRequest, lambda: bulk.hard_delete(records=[{"Id": ids[0]}], wait=0), "FEATURENOTENABLED")
    job = bulk._client.create_job(Operation.insert)
    assert bulk._client.abort_job(job["id"], is_query=False)["state"] == "Aborted"
    assert desk.sf.restful("jobs/ingest")["done"] is True
    assert desk.sf.restful(f"jobs/ingest/{job['id']}", method="DELETE") is None


@judge("learns from /deleted and /updated what happened meanwhile")
def replication(desk: Desk) -> None:
    now = datetime.now(UTC)  # noqa: TID251 - the client reads the real clock too
    span = (now - timedelta(hours=2), now + timedelta(minutes=2))
    gone = [each["id"] for each in desk.sf.Contact.deleted(*span)["deletedRecords"]]
    short = desk.sf.query("SELECT Id FROM Contact WHERE LastName = 'Short lived'", include_deleted=True)["records"]
    assert short[0]["Id"] in gone
    changed = desk.sf.Contact.updated(*span)["ids"]
    assert len(changed) >= CONTACTS
    assert not set(gone) & set(changed)
    raises(SalesforceMalformedRequest, lambda: desk.sf.Contact.updated(now - timedelta(days=90), now), "INVALID_REPLI")


# ------------------------------------------------------------------------------------------------------------ refusals


@judge("is told what is wrong with a query or a record, class by class")
def wrong(desk: Desk) -> None:
    sf = desk.sf
    for query, code in (
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
    ):
        raises(SalesforceMalformedRequest, partial(sf.query, query), code)
    for fields, code in (
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x" * 90}, "STRING_TOO_LONG"),
        ({"LastName": "x", "Nope": 1}, "INVALID_FIELD"),
        ({"LastName": "x", "Email": "nonsense"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "AccountId": "001x"}, "MALFORMED_ID"),
        ({"LastName": "x", "CreatedDate": "2020-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ):
        raises(SalesforceMalformedRequest, partial(sf.Contact.create, fields), code)
    raises(SalesforceResourceNotFound, lambda: sf.Contact.get("003Hs00000000zzAAA"), "NOT_FOUND")
    raises(SalesforceResourceNotFound, lambda: sf.restful("nonsense"), "NOT_FOUND")
    raises(SalesforceGeneralError, lambda: sf.restful("limits", method="POST"), "METHOD_NOT_ALLOWED")


@judge("meets locks, inactive owners, rules and duplicates as an org reports them")
def rules(desk: Desk) -> None:
    sf, org = desk.sf, desk.org
    made = sf.Account.create({"Name": "Locked"})["id"]
    desk.act(org.lock, made, 0.4)
    raises(SalesforceMalformedRequest, lambda: sf.Account.update(made, {"Phone": "1"}), "UNABLE_TO_LOCK_ROW")
    left = desk.act(org.add_user, "left@harbour-trading.example", active=False)
    raises(SalesforceMalformedRequest, lambda: sf.Lead.create(_LEAD | {"OwnerId": left}), "INACTIVE_OWNER_OR_USER")
    desk.act(org.fail_next, "Lead", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "Leads need a country.")
    raises(SalesforceMalformedRequest, lambda: sf.Lead.create(_LEAD), "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    desk.act(org.configure, duplicate_rules="alert")
    doubled = {"LastName": "Again", "Email": "buyer2@hanseatic.example"}
    raises(SalesforceMalformedRequest, lambda: sf.Contact.create(doubled), "DUPLICATES_DETECTED")
    sf.Contact.create(doubled, headers={"Sforce-Duplicate-Rule-Header": "allowSave=true"})
    desk.act(org.configure, duplicate_rules="off")


_LEAD = {"LastName": "New", "Company": "New Co"}


@judge("meets the daily limit, missing rights and a server that is away")
def limits(desk: Desk) -> None:
    desk.act(desk.org.set_daily_limit, used=100_000)
    raises(SalesforceRefusedRequest, lambda: desk.sf.query("SELECT Id FROM User"), "REQUEST_LIMIT_EXCEEDED")
    desk.act(desk.org.set_daily_limit, used=10)
    desk.act(desk.org.close_object, desk.org.integration_user_id, "Campaign", "crud")
    raises(SalesforceResourceNotFound, desk.sf.Campaign.describe, "NOT_FOUND")
    desk.act(desk.org.revoke, desk.org.integration_user_id, "ApiEnabled")
    raises(SalesforceRefusedRequest, lambda: desk.sf.query("SELECT Id FROM User"), "API_DISABLED_FOR_ORG")
    desk.act(desk.org.grant, desk.org.integration_user_id, "ApiEnabled")
    for status, code in ((500, "UNKNOWN_EXCEPTION"), (503, "SERVER_UNAVAILABLE")):
        desk.place.fault("salesforce", "query", status)
        raises(SalesforceGeneralError, lambda: desk.sf.query("SELECT Id FROM User"), code)
    desk.place.fault("salesforce", "query", 420)
    raises(SalesforceError, lambda: desk.sf.query("SELECT Id FROM User"), "Edge")


@judge("makes a custom field through the Tooling API and reads it back")
def tooling(desk: Desk) -> None:
    body = {"FullName": "Lead.Judged__c", "Metadata": {"type": "Text", "length": 40, "label": "Judged"}}
    made = desk.sf.toolingexecute("sobjects/CustomField", "POST", body)
    assert made["success"] is True
    found = desk.sf.toolingexecute("query/?q=SELECT+Id+FROM+CustomField+WHERE+DeveloperName='Judged'")
    assert [row["Id"] for row in found["records"]] == [made["id"]]
    raises(
        SalesforceMalformedRequest, lambda: desk.sf.toolingexecute("sobjects/CustomField", "POST", body), "DUPLICATE"
    )


@judge("gives its session back")
def revoke(desk: Desk) -> None:
    sf = desk.signed_in(session_id=desk.sf.session_id, instance=desk.org.my_domain)
    assert desk.http.post(sf.oauth2_url + "revoke", {"token": sf.session_id}).status_code == 200
    raises(SalesforceExpiredSession, lambda: sf.query("SELECT Id FROM User"), "INVALID_SESSION_ID")
