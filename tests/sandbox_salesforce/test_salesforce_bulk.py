"""Bulk API 2.0 jobs, on virtual time."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tradepost.sandbox.salesforce import bulk_csv

CSV = {"content-type": "text/csv"}


async def started(site, soql: str, operation: str = "query", **more: Any) -> dict[str, Any]:
    answer = await site.call("POST", "jobs/query", {"operation": operation, "query": soql, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def loaded(site, lines: str, operation: str = "insert", sobject: str = "Contact", **more: Any) -> str:
    body = {"operation": operation, "object": sobject, "contentType": "CSV", **more}
    job = (await site.call("POST", "jobs/ingest", body)).json()
    put = await site.call("PUT", f"jobs/ingest/{job['id']}/batches", content=lines.encode(), headers=CSV)
    assert (put.status_code, put.content) == (201, b"")
    assert (await site.call("PATCH", f"jobs/ingest/{job['id']}", {"state": "UploadComplete"})).status_code == 200
    await site.org.state.clock.sleep(1)
    assert (await site.call("GET", "limits")).status_code == 200  # any call finds the work done
    return job["id"]


async def result(site, job: str, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((await site.call("GET", f"jobs/ingest/{job}/{name}")).text)))


def test_a_query_job_waits_works_and_then_has_results(on_site):
    async def scenario(site) -> None:
        firm = site.org.add_account("Acme")
        site.org.add_contact("Buyer", "a@b.example", account_id=firm)
        job = await started(site, "SELECT id, Account.Name, CreatedDate, Title FROM Contact")
        states = []
        for _ in range(3):
            states.append((await site.call("GET", f"jobs/query/{job['id']}")).json()["state"])
            await site.org.state.clock.sleep(0.4)
        assert states == ["UploadComplete", "InProgress", "JobComplete"]
        answer = await site.call("GET", f"jobs/query/{job['id']}/results")
        assert answer.headers["sforce-locator"] == "null"
        assert answer.headers["sforce-numberofrecords"] == "1"
        head, row = answer.text.splitlines()
        assert head == '"Id","Account.Name","CreatedDate","Title"'
        assert row.startswith('"003')
        assert '"Acme"' in row
        assert row.endswith('Z",""')

    on_site(scenario)


def test_results_are_paged_by_an_opaque_locator_to_the_end(on_site):
    async def scenario(site) -> None:
        for number in range(7):
            site.org.add_contact(f"Buyer {number}")
        job = await started(site, "SELECT LastName FROM Contact ORDER BY LastName")
        await site.org.state.clock.sleep(1)
        found, locator = [], ""
        while locator != "null":
            more = f"&locator={locator}" if locator else ""
            page = await site.call("GET", f"jobs/query/{job['id']}/results?maxRecords=3{more}")
            found += page.text.splitlines()[1:]
            locator = page.headers["sforce-locator"]
        assert found == [f'"Buyer {number}"' for number in range(7)]
        assert (await site.refusal("GET", f"jobs/query/{job['id']}/results?locator=nonsense"))[0] == 400

    on_site(scenario)


def test_query_all_jobs_see_deleted_records_and_others_do_not(on_site):
    async def scenario(site) -> None:
        gone = site.org.add_contact("Gone")
        site.org.delete(gone)
        for operation, lines in (("query", 1), ("queryAll", 2)):
            job = await started(site, "SELECT Id FROM Contact", operation)
            await site.org.state.clock.sleep(1)
            assert len((await site.call("GET", f"jobs/query/{job['id']}/results")).text.splitlines()) == lines

    on_site(scenario)


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT(Id) FROM Contact", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Contact OFFSET 5", "API_ERROR"),
        ("SELECT Id FROM TaskStatus", "INVALIDENTITY"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("", "INVALIDJOB"),
    ],
)
def test_what_bulk_does_not_take_is_refused_when_the_job_is_made(on_site, soql, code):
    async def scenario(site) -> None:
        assert (await site.refusal("POST", "jobs/query", {"operation": "query", "query": soql}))[:2] == (400, code)

    on_site(scenario)


def test_jobs_are_aborted_deleted_listed_and_gone_after_a_week(on_site):
    async def scenario(site) -> None:
        job = (await started(site, "SELECT Id FROM Contact"))["id"]
        assert (await site.refusal("GET", f"jobs/query/{job}/results"))[1] == "INVALIDJOBSTATE"
        assert (await site.refusal("DELETE", f"jobs/query/{job}"))[1] == "INVALIDJOBSTATE"
        assert (await site.call("PATCH", f"jobs/query/{job}", {"state": "Aborted"})).json()["state"] == "Aborted"
        await site.org.state.clock.sleep(1)
        assert (await site.call("GET", f"jobs/query/{job}")).json()["state"] == "Aborted"
        assert (await site.refusal("PATCH", f"jobs/query/{job}", {"state": "Aborted"}))[1] == "INVALIDJOBSTATE"
        listed = (await site.call("GET", "jobs/query")).json()
        assert ([each["id"] for each in listed["records"]], listed["done"]) == ([job], True)
        assert (await site.refusal("GET", f"jobs/ingest/{job}"))[0] == 404
        assert (await site.call("DELETE", f"jobs/query/{job}")).status_code == 204
        old = (await started(site, "SELECT Id FROM Contact"))["id"]
        await site.org.state.clock.sleep(timedelta(days=8).total_seconds())
        await site.sign_in()
        assert (await site.refusal("GET", f"jobs/query/{old}"))[0] == 404

    on_site(scenario)


def test_a_job_that_was_ordered_to_fail_tells_why_and_leaves_all_records(on_site):
    async def scenario(site) -> None:
        site.org.configure(bulk_failure="ExceededQuota : too much")
        job = await loaded(site, "LastName\nA\nB\n")
        info = (await site.call("GET", f"jobs/ingest/{job}")).json()
        assert (info["state"], info["errorMessage"]) == ("Failed", "ExceededQuota : too much")
        assert len(await result(site, job, "unprocessedrecords")) == 0
        assert site.org.query("SELECT Id FROM Contact") == []

    on_site(scenario)


def test_an_ingest_saves_each_row_by_itself(on_site):
    async def scenario(site) -> None:
        firm = await site.create("Account", Name="Acme")
        lines = f"LastName,Email,AccountId,Title\nA,a@b.example,{firm},#N/A\nB,nonsense,,\n,c@d.example,,\n"
        job = await loaded(site, lines)
        info = (await site.call("GET", f"jobs/ingest/{job}")).json()
        assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 2)
        (good,) = await result(site, job, "successfulResults")
        assert (good["sf__Created"], good["LastName"]) == ("true", "A")
        bad = await result(site, job, "failedResults")
        assert [row["sf__Error"].split(":")[0] for row in bad] == ["INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING"]
        assert site.org.record(good["sf__Id"])["AccountId"] == firm

    on_site(scenario)


def test_an_upsert_by_key_an_update_and_a_delete(on_site):
    async def scenario(site) -> None:
        key = {"externalIdFieldName": "Tradepost_Key__c"}
        job = await loaded(site, "Tradepost_Key__c,LastName\nk1,A\n", "upsert", **key)
        (made,) = await result(site, job, "successfulResults")
        job = await loaded(site, "Tradepost_Key__c,LastName\nk1,B\n", "upsert", **key)
        (same,) = await result(site, job, "successfulResults")
        assert (same["sf__Id"], same["sf__Created"]) == (made["sf__Id"], "false")
        await loaded(site, f"Id,Title\n{made['sf__Id']},Buyer\n", "update")
        assert site.org.record(made["sf__Id"])["Title"] == "Buyer"
        await loaded(site, f"Id\n{made['sf__Id']}\n", "delete")
        assert site.org.record(made["sf__Id"])["IsDeleted"] is True
        wrong = await loaded(site, f"Id,LastName\n{made['sf__Id']},x\n", "delete")
        assert (await site.call("GET", f"jobs/ingest/{wrong}")).json()["state"] == "Failed"
        assert len(await result(site, wrong, "unprocessedRecords")) == 1

    on_site(scenario)


def test_an_ingest_is_refused_what_it_may_not(on_site):
    async def scenario(site) -> None:
        body = {"operation": "hardDelete", "object": "Contact", "contentType": "CSV"}
        assert (await site.refusal("POST", "jobs/ingest", body))[1] == "FEATURENOTENABLED"
        site.org.grant(site.user, "BulkApiHardDelete")
        gone = await site.create("Contact", LastName="x")
        await loaded(site, f"Id\n{gone}\n", "hardDelete")
        with pytest.raises(KeyError):
            site.org.record(gone)
        upsert = body | {"operation": "upsert", "externalIdFieldName": "LastName"}
        assert (await site.refusal("POST", "jobs/ingest", upsert))[1] == "INVALIDJOB"
        assert (await site.refusal("POST", "jobs/ingest", body | {"object": "Nope"}))[1] == "INVALIDENTITY"
        job = (await site.call("POST", "jobs/ingest", body)).json()["id"]
        assert (await site.refusal("PATCH", f"jobs/ingest/{job}", {"state": "UploadComplete"}))[1] == "INVALIDJOBSTATE"
        assert (await site.refusal("PUT", f"jobs/ingest/{job}/batches", {"a": 1}))[0] == 415

    on_site(scenario)


def test_csv_keeps_what_it_is_given():
    rows = [['中文, "quoted"', None, True, "2026-01-01T00:00:00.000+0000"]]
    data = bulk_csv.write(["A", "B", "C", "D"], rows, "PIPE", "CRLF")
    assert data.count(b"\r\n") == 2
    assert bulk_csv.read(data, "PIPE", "CRLF")[1] == [['中文, "quoted"', "", "true", "2026-01-01T00:00:00.000Z"]]
    for broken in (b"", b"a,b\n1\n", b"\xff\xfe", b"a\r\n1\r\n"):
        with pytest.raises(ValueError, match=r"CSV|LineEnding"):
            bulk_csv.read(broken, "COMMA", "LF")
