"""Versions, limits, headers, names of calls, and what goes wrong on the way.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

import asyncio
import json
from random import Random

import httpx
import jwt
import pytest

from tradepost.clock import SystemClock
from tradepost.sandbox.control import control_app
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.salesforce import ConnectedClient, SalesforceOrg, SalesforceVendor
from tradepost.sandbox.salesforce.operations import classify
from tradepost.sandbox.serve import serve
from tradepost.sandbox.transport import InProcessTransport


def test_versions_are_listed_to_anybody(on_site):
    async def scenario(site):
        found = (await site.http.get("/services/data/")).json()
        assert found[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
        labels = {v["version"]: v["label"] for v in found}
        assert (labels["66.0"], labels["67.0"], labels["68.0"]) == ("Spring '26", "Summer '26", "Winter '27")
        assert len(found) == 38

    on_site(scenario, signed_in=False)


def test_every_answer_tells_how_much_of_the_pool_is_used(on_site):
    async def scenario(site):
        site.org.set_daily_limit(used=10, maximum=15_000)
        assert (await site.call("GET", "limits")).headers["Sforce-Limit-Info"] == "api-usage=11/15000"
        answer = await site.call("GET", "sobjects/Nope")
        assert (answer.status_code, answer.headers["Sforce-Limit-Info"]) == (404, "api-usage=12/15000")
        body = (await site.call("GET", "limits")).json()
        assert body["DailyApiRequests"] == {"Max": 15_000, "Remaining": 14_987}

    on_site(scenario)


def test_bodies_must_be_json(on_site):
    async def scenario(site):
        path = "/services/data/v66.0/sobjects/Contact"
        kind = {"Content-Type": "application/json"}
        assert (await site.http.post(path, content=b"{", headers=kind)).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
        assert (await site.http.post(path, content=b"[" * 100_000, headers=kind)).json()[0][
            "errorCode"
        ] == "JSON_PARSER_ERROR"
        assert (await site.http.post(path, content=b"", headers=kind)).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
        assert (await site.http.post(path, data={"LastName": "x"})).status_code == 415

    on_site(scenario)


def test_a_method_can_be_given_as_a_parameter(on_site):
    async def scenario(site):
        made = await site.create("Contact", LastName="x")
        answer = await site.call("POST", f"sobjects/Contact/{made}?_HttpMethod=PATCH", {"LastName": "y"})
        assert answer.status_code == 204
        assert site.org.record(made)["LastName"] == "y"
        assert site.world.requests.records[-1].operation == "sobject.update"

    on_site(scenario)


def _composite(*methods):
    return json.dumps({"compositeRequest": [{"method": m, "url": "x", "referenceId": "r"} for m in methods]}).encode()


def _graphs(*methods):
    parts = [{"method": m, "url": "x", "referenceId": "r"} for m in methods]
    return json.dumps({"graphs": [{"graphId": "g", "compositeRequest": parts}]}).encode()


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/services/oauth2/token", b"", ("oauth.token", "read")),
        ("GET", "/services/oauth2/userinfo", b"", ("oauth.userinfo", "read")),
        ("GET", "/services/data/", b"", ("versions", "read")),
        ("GET", "/services/data/v66.0/limits/", b"", ("limits", "read")),
        ("GET", "/services/data/v66.0/query/", b"", ("query", "read")),
        ("GET", "/services/data/v66.0/queryAll", b"", ("queryAll", "read")),
        ("GET", "/services/data/v66.0/query/01gxx-2000", b"", ("queryMore", "read")),
        ("GET", "/services/data/v66.0/sobjects", b"", ("describeGlobal", "read")),
        ("GET", "/services/data/v66.0/sobjects/Task/describe", b"", ("describe", "read")),
        ("GET", "/services/data/v66.0/sobjects/Task/updated/", b"", ("getUpdated", "read")),
        ("GET", "/services/data/v66.0/sobjects/Task/deleted/", b"", ("getDeleted", "read")),
        ("POST", "/services/data/v66.0/sobjects/Task/", b"{}", ("sobject.create", "write")),
        ("GET", "/services/data/v66.0/sobjects/Task/00T1", b"", ("sobject.retrieve", "read")),
        ("PATCH", "/services/data/v66.0/sobjects/Task/00T1", b"{}", ("sobject.update", "write")),
        ("DELETE", "/services/data/v66.0/sobjects/Task/00T1", b"", ("sobject.delete", "write")),
        ("PATCH", "/services/data/v66.0/sobjects/Task/Key__c/a%2Fb", b"{}", ("sobject.upsert", "write")),
        ("POST", "/services/data/v66.0/composite/sobjects", b"{}", ("collections.create", "write")),
        ("PATCH", "/services/data/v66.0/composite/sobjects/Task/Key__c", b"{}", ("collections.upsert", "write")),
        ("POST", "/services/data/v66.0/composite/sobjects/Task", b"{}", ("collections.retrieve", "read")),
        ("DELETE", "/services/data/v66.0/composite/sobjects", b"", ("collections.delete", "write")),
        ("POST", "/services/data/v66.0/composite", _composite("GET", "GET"), ("composite", "read")),
        ("POST", "/services/data/v66.0/composite", _composite("GET", "POST"), ("composite", "write")),
        ("POST", "/services/data/v66.0/composite", b"nonsense", ("composite", "write")),
        ("POST", "/services/data/v66.0/composite/graph", _graphs("GET"), ("composite.graph", "read")),
        ("POST", "/services/data/v66.0/composite/graph", _graphs("GET", "PATCH"), ("composite.graph", "write")),
        ("POST", "/services/data/v66.0/tooling/sobjects/CustomField", b"{}", ("tooling.sobjects.CustomField", "write")),
    ],
)
def test_calls_are_named_as_in_the_documents(method, path, body, expected):
    assert classify(method, path, body) == expected


def test_requests_are_logged_with_name_kind_and_status(on_site):
    async def scenario(site):
        site.world.requests.clear()
        await site.query("SELECT Id FROM Contact")
        await site.call("POST", "sobjects/Contact", {"LastName": "x"})
        await site.call("POST", "sobjects/Contact", {})
        seen = [(r.vendor, r.operation, r.kind, r.status) for r in site.world.requests.records]
        assert seen == [
            ("salesforce", "query", "read", 200),
            ("salesforce", "sobject.create", "write", 201),
            ("salesforce", "sobject.create", "write", 400),
        ]

    on_site(scenario)


@pytest.mark.parametrize(
    ("status", "code", "answered"),
    [
        (401, "", "INVALID_SESSION_ID"),
        (403, "", "REQUEST_LIMIT_EXCEEDED"),
        (403, "CONCURRENT", "REQUEST_LIMIT_EXCEEDED"),
        (400, "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW"),
        (500, "", "UNKNOWN_EXCEPTION"),
        (503, "", "SERVER_UNAVAILABLE"),
        (400, "STORAGE_LIMIT_EXCEEDED", "STORAGE_LIMIT_EXCEEDED"),
    ],
)
def test_ordered_faults_answer_with_the_documented_body(on_site, status, code, answered):
    async def scenario(site):
        fault = Fault(vendor="salesforce", operation="sobject.create", effect=Effect.STATUS, status=status, code=code)
        site.world.faults.add(fault)
        assert (await site.refusal("POST", "sobjects/Contact", {"LastName": "x"}))[:2] == (status, answered)
        assert site.org.statistics()["records"]["Contact"] == 0

    on_site(scenario)


def test_an_edge_error_is_a_page(on_site):
    async def scenario(site):
        site.world.faults.add(Fault(vendor="salesforce", effect=Effect.STATUS, status=502))
        answer = await site.call("GET", "limits")
        assert (answer.status_code, answer.headers["content-type"][:9]) == (502, "text/html")

    on_site(scenario)


def test_two_runs_of_one_story_leave_the_same_org(on_site):
    dumps = []

    async def scenario(site):
        li = site.org.add_contact("Li", "li@x.example")
        await site.create("EmailMessage", Subject="x", ToIds=[li], Tradepost_Key__c="k")
        await site.refusal("POST", "sobjects/EmailMessage", {"Tradepost_Key__c": "k"})
        await site.create("Task", Subject="y", WhoId=li)
        dumps.append(json.dumps([site.org.dump(), site.org.statistics()]))

    on_site(scenario)
    on_site(scenario)
    assert dumps[0] == dumps[1]


def test_people_can_be_played_over_the_control_api(on_site):
    async def scenario(site):
        app = control_app(site.world, {"salesforce": site.vendor})
        transport = InProcessTransport({"control": app}, site.world.clock)
        async with httpx.AsyncClient(transport=transport, base_url="http://control/_sandbox") as http:

            async def act(method, **arguments):
                return (await http.post(f"/salesforce/{method}", json=arguments)).json()

            li = (await act("add_contact", last_name="Li", email="li@x.example", Title="Buyer"))["result"]
            assert site.org.record(li)["Title"] == "Buyer"
            await act("update", record_id=li, fields={"Title": "Boss"})
            assert (await act("record", record_id=li))["result"]["Title"] == "Boss"
            assert "Required fields are missing" in (await act("create", sobject="Contact", fields={}))["error"]
            await act("configure", page_size=7)
            assert site.org.settings.page_size == 7
            assert "no such switch" in (await act("configure", colour="red"))["error"]
            await act("revoke", user_id=site.user, permissions=["ApiEnabled"])
            assert (await site.call("GET", "limits")).status_code == 403
            overview = (await http.get("/")).json()["salesforce"]
            assert set(overview) == set(site.vendor.CONTROLS)
            assert all(method["does"] for method in overview.values())

    on_site(scenario)


def test_the_credentials_sign_in_where_the_org_is_served(key_pair):
    async def main():
        world = World(clock=SystemClock(), random=Random(1))
        client = ConnectedClient(client_id="app", client_secret="secret", certificate=key_pair.certificate)
        client._private_key = key_pair.private_key
        vendor = SalesforceVendor(world, SalesforceOrg(world.clock, client=client))
        async with serve(world, [vendor]) as served, httpx.AsyncClient() as http:
            base = served.urls["salesforce"]
            facts = served.credentials["salesforce"]
            expires = world.clock.now().timestamp() + 60
            claims = {"iss": facts["client_id"], "sub": facts["username"], "aud": base, "exp": expires}
            assertion = jwt.encode(claims, facts["private_key"], algorithm="RS256")
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
            token = (await http.post(f"{facts['login_url']}/services/oauth2/token", data=form)).json()
            assert token["instance_url"] == base
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            key = await http.get(
                f"{base}/services/data/v66.0/sobjects/Contact/Email/a%2Fb%40x.example", headers=headers
            )
            assert key.status_code == 404
            assert key.headers["Sforce-Limit-Info"] == "api-usage=1/100000"

    asyncio.run(main())
