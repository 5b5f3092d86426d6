"""Trees, searches, files, tabs, recent records, conditional descriptions and the identity URL."""

from __future__ import annotations

import base64
import json

import pytest


def leaf(reference: str, **fields):
    return {"attributes": {"type": "Contact", "referenceId": reference}, **fields}


def tree(*children, reference="r1"):
    attributes = {"type": "Account", "referenceId": reference}
    return {"attributes": attributes, "Name": "Root", "Contacts": {"records": list(children)}}


def test_a_tree_is_made_with_its_children_or_not_at_all(on_site):
    async def scenario(site) -> None:
        body = {"records": [tree(leaf("c1", LastName="A"), leaf("c2", LastName="B"))]}
        made = (await site.call("POST", "composite/tree/Account", body)).json()
        assert [each["referenceId"] for each in made["results"]] == ["r1", "c1", "c2"]
        assert site.org.record(made["results"][1]["id"])["AccountId"] == made["results"][0]["id"]
        body = {"records": [tree(leaf("c1", LastName="A"), leaf("c2"))]}
        answer = await site.call("POST", "composite/tree/Account", body)
        assert answer.status_code == 400
        (result,) = answer.json()["results"]
        assert (result["referenceId"], result["errors"][0]["statusCode"]) == ("c2", "REQUIRED_FIELD_MISSING")
        assert len(site.org.query("SELECT Id FROM Account")) == 1

    on_site(scenario)


@pytest.mark.parametrize(
    "records",
    [
        [tree(leaf("r1", LastName="A"))],  # one reference twice
        [tree(*(leaf(f"c{n}", LastName="A") for n in range(200)))],
        [leaf("c1", LastName="A")],  # of another object
        [tree(leaf("c1", LastName="A")) | {"Nopes": {"records": [leaf("x", LastName="x")]}}],
        [],
    ],
)
def test_a_tree_that_is_none_is_refused(on_site, records):
    async def scenario(site) -> None:
        assert (await site.call("POST", "composite/tree/Account", {"records": records})).status_code == 400
        assert site.org.query("SELECT Id FROM Account") == []

    on_site(scenario)


def test_words_are_found_in_their_fields_and_objects(on_site):
    async def scenario(site) -> None:
        site.org.add_account("Harbour Pumps", Description="sells valves")
        site.org.add_contact("Valve", "valve@pumps.example")
        site.org.add_contact("Pumps gone")
        site.org.delete(site.org.query("SELECT Id FROM Contact WHERE LastName = 'Pumps gone'")[0]["Id"])

        async def found(sosl: str) -> list[str]:
            answer = await site.call("GET", "search", params={"q": sosl})
            return sorted(each["attributes"]["type"] for each in answer.json()["searchRecords"])

        assert await found("FIND {pumps}") == ["Account", "Contact"]
        assert await found("FIND {pumps} IN NAME FIELDS") == ["Account"]
        assert await found("FIND {pumps} IN EMAIL FIELDS RETURNING Contact(Id, Email), Account") == ["Contact"]
        assert await found("FIND {\"harbour pumps\" valves} RETURNING Account(Name WHERE Name LIKE 'H%' LIMIT 1)") == [
            "Account"
        ]
        assert await found("FIND {val*} RETURNING Contact LIMIT 0") == []
        assert await found("FIND {pump}") == []
        body = {"q": "valve*", "in": "NAME", "sobjects": [{"name": "Contact", "fields": ["LastName"], "limit": 5}]}
        rows = (await site.call("POST", "parameterizedSearch", body)).json()["searchRecords"]
        assert [row["LastName"] for row in rows] == ["Valve"]

    on_site(scenario)


@pytest.mark.parametrize(
    "sosl", ["", "FIND x", "FIND {x}", "FIND {pumps} RETURNING", "FIND {pumps} RETURNING Nope(Id)"]
)
def test_a_search_that_is_none_is_refused(on_site, sosl):
    async def scenario(site) -> None:
        status, code, _ = await site.refusal("GET", "search", params={"q": sosl})
        assert (status, code) in {(400, "MALFORMED_SEARCH"), (400, "INVALID_TYPE")}

    on_site(scenario)


def test_a_file_has_a_document_versions_and_places_where_it_is_shown(on_site):
    async def scenario(site) -> None:
        firm = await site.create("Account", Name="Acme")
        data = base64.b64encode(b"one").decode()
        first = await site.create("ContentVersion", PathOnClient="a.pdf", VersionData=data, FirstPublishLocationId=firm)
        (row,) = await site.rows(
            "SELECT Title, ContentSize, FileType, VersionNumber, ContentDocumentId FROM ContentVersion"
        )
        document = row.pop("ContentDocumentId")
        assert row == {"Title": "a", "ContentSize": 3, "FileType": "PDF", "VersionNumber": "1"}
        assert (await site.call("GET", f"sobjects/ContentVersion/{first}/VersionData")).content == b"one"
        read = (await site.call("GET", f"sobjects/ContentVersion/{first}")).json()
        assert read["VersionData"].endswith(f"{first}/VersionData")
        data = base64.b64encode(b"three").decode()
        await site.create("ContentVersion", PathOnClient="b.pdf", VersionData=data, ContentDocumentId=document)
        rows = await site.rows("SELECT VersionNumber, IsLatest FROM ContentVersion ORDER BY VersionNumber")
        assert [(r["VersionNumber"], r["IsLatest"]) for r in rows] == [("1", False), ("2", True)]
        assert len(await site.rows("SELECT Id FROM ContentDocument")) == 1
        links = await site.rows("SELECT LinkedEntityId FROM ContentDocumentLink")
        assert {link["LinkedEntityId"] for link in links} == {firm, site.user}
        assert (await site.refusal("POST", "sobjects/ContentVersion", {"PathOnClient": "x"}))[
            1
        ] == "REQUIRED_FIELD_MISSING"
        wrong = {"PathOnClient": "x", "VersionData": "%%"}
        assert (await site.refusal("POST", "sobjects/ContentVersion", wrong))[1] == "JSON_PARSER_ERROR"

    on_site(scenario)


def test_a_file_may_come_as_multipart(on_site):
    async def scenario(site) -> None:
        parts = {
            "entity_content": (None, json.dumps({"PathOnClient": "报价.pdf"}), "application/json"),
            "VersionData": ("x.pdf", b"\x00\xff\r\nbinary", "application/octet-stream"),
        }
        answer = await site.http.post(f"/services/data/v{site.version}/sobjects/ContentVersion", files=parts)
        made = answer.json()["id"]
        assert (await site.call("GET", f"sobjects/ContentVersion/{made}/VersionData")).content == b"\x00\xff\r\nbinary"
        url = f"/services/data/v{site.version}/sobjects/Contact"
        assert (await site.http.post(url, files=parts)).status_code == 415

    on_site(scenario)


def test_tabs_recent_records_and_limits_are_told(on_site):
    async def scenario(site) -> None:
        tabs = (await site.call("GET", "tabs")).json()
        assert "Opportunity" in [tab["sobjectName"] for tab in tabs]
        mine = await site.create("Account", Name="Mine")
        site.org.add_account("Not mine")
        assert [each["Id"] for each in (await site.call("GET", "recent")).json()] == [mine]
        basic = (await site.call("GET", "sobjects/Account")).json()
        assert [each["Name"] for each in basic["recentItems"]] == ["Mine"]
        limits = (await site.call("GET", "limits")).json()
        assert limits["DailyApiRequests"]["Remaining"] < limits["DailyApiRequests"]["Max"]
        assert set((await site.call("GET", "")).json()) >= {"jobs", "search", "recent", "tabs"}

    on_site(scenario)


def test_a_description_is_sent_again_only_when_it_changed(on_site):
    async def scenario(site) -> None:
        first = await site.call("GET", "sobjects/Contact/describe")
        since = {"If-Modified-Since": first.headers["last-modified"]}
        assert (await site.call("GET", "sobjects/Contact/describe", headers=since)).status_code == 304
        await site.org.state.clock.sleep(5)
        site.org.add_custom_field("Contact", "New__c")
        assert (await site.call("GET", "sobjects/Contact/describe", headers=since)).status_code == 200
        assert (await site.call("GET", "sobjects/Lead/describe", headers=since)).status_code == 304
        assert (await site.call("HEAD", "sobjects/Lead/describe")).content == b""

    on_site(scenario)


def test_the_identity_url_of_a_token_says_who_signed_in(on_site):
    async def scenario(site) -> None:
        found = (await site.http.get(f"/id/{site.org.org_id}/{site.user}")).json()
        assert (found["user_id"], found["username"]) == (site.user, site.org.integration_username)
        other = await site.http.get(f"/id/{site.org.org_id}/{site.org.admin_id}")
        assert (other.status_code, other.text) == (403, "Bad_Id")

    on_site(scenario)


def test_a_record_behind_a_polymorphic_reference_is_a_name(on_site):
    async def scenario(site) -> None:
        person = await site.create("Contact", LastName="A")
        await site.create("Task", Subject="Call", WhoId=person)
        (row,) = (await site.query("SELECT Who.Name, Owner.Name FROM Task"))["records"]
        assert row["Who"]["attributes"]["type"] == "Name"
        assert row["Who"]["attributes"]["url"].endswith(f"/Contact/{person}")
        assert row["Owner"]["attributes"]["type"] == "User"

    on_site(scenario)
