"""Plain HTTP as extraction tools, automation tools and small wrappers make it, judges the simulated account.

How each of them pages, and which paths it calls, is taken from its public source: dlt's verified source, Airbyte's
source-hubspot, Singer's and Meltano's tap-hubspot, n8n's node. None of their code is here.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import sleep  # noqa: TID251 - clients wait in real time
from typing import Any

import httpx

from tests.judges.ground import Ground
from tests.judges.judge import Judge
from tradepost.sandbox.hubspot import HubSpotPortal

ACTIVITIES = ("calls", "emails", "meetings", "notes", "tasks", "communications", "postal_mail")
KINDS = ("contacts", "companies", "deals", "tickets", "products", "line_items", "quotes", "leads", *ACTIVITIES)
SINGULAR = ("contact", "company", "deal", "ticket", "product", "line_item", "quote", "lead", "call", "email", "task")
AT = "2026-03-02T08:00:00Z"


@dataclass(slots=True)
class Desk:
    place: Ground
    portal: HubSpotPortal
    http: httpx.Client

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._told(self.http.get(path, params=query or None), status)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        return self._told(self.http.post(path, json=body), status)

    def _told(self, answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, (answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    def by_link(self, path: str, **query: Any) -> list[Any]:
        """Pages as dlt follows them: by `paging.next.link`, as it stands."""
        page = self.get(path, **query)
        rows = list(page["results"])
        while link := page.get("paging", {}).get("next", {}).get("link"):
            page = self._told(self.http.get(link), 200)
            rows += page["results"]
        return rows

    def by_after(self, path: str, **query: Any) -> list[Any]:
        """Pages as Airbyte and Meltano follow them: by `paging.next.after`."""
        page = self.get(path, **query)
        rows = list(page["results"])
        while after := page.get("paging", {}).get("next", {}).get("after"):
            page = self.get(path, **query, after=after)
            rows += page["results"]
        return rows

    def search(self, kind: str, **body: Any) -> list[Any]:
        """A search to its end, which waits when the account's searches are used up."""
        self.act(self.portal.catch_up_search)
        rows: list[Any] = []
        after: Any = None
        while True:
            whole = body | ({"after": after} if after else {})
            answer = self.http.post(f"/crm/v3/objects/{kind}/search", json=whole)
            if answer.status_code == 429:
                assert answer.json()["policyName"] == "SECONDLY"
                sleep(0.25)
                continue
            page = self._told(answer, 200)
            rows += page["results"]
            after = page.get("paging", {}).get("next", {}).get("after")
            if after is None:
                assert page["total"] == len(rows)
                return rows

    def named(self, kind: str) -> list[str]:
        return [row["name"] for row in self.get(f"/properties/v2/{kind}/properties")]


@contextmanager
def _open(place: Ground, portal: HubSpotPortal) -> Iterator[Desk]:
    trust = ssl.create_default_context(cafile=place.ca)
    url, key = place.served.urls["hubspot"], {"Authorization": f"Bearer {portal.key.key}"}
    with httpx.Client(base_url=url, headers=key, verify=trust, timeout=30, trust_env=False) as http:
        yield Desk(place, portal, http)


judge = Judge("extraction tools (plain HTTP)", _open)


@judge("as dlt: whole objects with associations by the page's own link, owners with a slash, pipelines, labels")
def dlt(desk: Desk) -> None:
    living = {row["id"] for row in desk.act(desk.portal.records, "contacts")}
    people = desk.by_link("/crm/v3/objects/contacts", associations="deals,products,tickets,quotes", limit=100)
    assert {row["id"] for row in people} == living
    assert len(people) == len(living) > 200
    linked = [row for row in people if "deals" in row.get("associations", {})]
    assert {row["id"] for row in linked} == {each for each in living if desk.act(desk.portal.linked, each, "deals")}
    assert len(linked) >= 3
    assert all(isinstance(end["id"], str) for row in linked for end in row["associations"]["deals"]["results"])
    assert len(desk.by_link("/crm/v3/objects/deals", properties="dealname,dealstage", limit=2)) == 3
    (firm,) = desk.by_link(
        "/crm/v3/objects/companies", properties="name,hs_lastmodifieddate", associations="contacts,deals"
    )
    assert firm["properties"]["name"] == "Hanseatic Imports GmbH"
    assert len({each["id"] for each in firm["associations"]["deals"]["results"]}) == 3
    assert len(desk.by_link("/crm/v3/owners/", limit=1)) == 2
    assert [each["email"] for each in desk.by_link("/crm/v3/owners/", archived="true")] == ["left@ours.example"]
    for kind in ("deals", "tickets"):
        assert all(stage["id"] for each in desk.by_link(f"/crm/v3/pipelines/{kind}") for stage in each["stages"])
    assert desk.get("/crm/v3/properties/deal/dealstage")["options"][0]["value"] == "appointmentscheduled"
    desk.get("/crm/v3/properties/contact/nonsense", 404)


@judge("as dlt: histories of properties, fifty a page")
def histories(desk: Desk) -> None:
    rows = desk.by_link("/crm/v3/objects/contacts", propertiesWithHistory="email,firstname", limit=50)
    told = [entry for row in rows for entry in row["propertiesWithHistory"]["email"]]
    assert len(told) >= len([row for row in rows if row["properties"]["email"]]) > 200
    assert all(entry["value"] and entry["timestamp"] and entry["sourceType"] for entry in told)
    assert "50" in desk.get("/crm/v3/objects/contacts", 400, propertiesWithHistory="email", limit=100)["message"]


@judge("as Airbyte: properties of every kind and every activity, in plural and in singular")
def every_property(desk: Desk) -> None:
    for kind in (*KINDS, *SINGULAR):
        names = desk.named(kind)
        clock = "lastmodifieddate" if kind in ("contact", "contacts") else "hs_lastmodifieddate"
        assert {clock, "hs_object_id"} <= set(names), kind
        rows = desk.get(f"/crm/v3/properties/{kind}")["results"]
        assert {row["name"] for row in rows} == set(names), kind
    row = next(row for row in desk.get("/properties/v2/contacts/properties") if row["name"] == "email")
    assert (row["type"], row["fieldType"], row["groupName"]) == ("string", "text", "contactinformation")
    assert desk.get("/properties/v1/contacts/properties")[0]["name"]


@judge("as Airbyte and Meltano: searches by the last change, with every property there is, until nothing is left")
def incremental(desk: Desk) -> None:
    mail = {"hs_timestamp": AT, "hs_email_direction": "EMAIL", "hs_email_subject": "Offer"}
    made = desk.post("/crm/v3/objects/emails", {"properties": mail}, 201)["id"]
    for kind, clock in (
        ("contacts", "lastmodifieddate"),
        ("companies", "hs_lastmodifieddate"),
        ("emails", "hs_lastmodifieddate"),
    ):
        names = desk.named(kind)
        since = [{"propertyName": clock, "operator": "GTE", "value": "1577836800000"}]
        sorts = [{"propertyName": clock, "direction": "ASCENDING"}]
        rows = desk.search(kind, filters=since, sorts=sorts, properties=names, limit=100)
        times = [row["properties"][clock] for row in rows]
        assert times == sorted(times)
        assert {row["id"] for row in rows} == {row["id"] for row in desk.act(desk.portal.records, kind)}
        assert all(set(names) == set(row["properties"]) for row in rows)
        future = [{"filters": [{"propertyName": clock, "operator": "GTE", "value": "2099-01-01T00:00:00.000Z"}]}]
        assert desk.search(kind, filterGroups=future, sorts=sorts, properties=names) == []
        window = {"propertyName": clock, "operator": "LTE", "value": times[-1]}
        above = {"propertyName": "hs_object_id", "operator": "GTE", "value": "0"}
        by_id = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        ids = [
            row["id"]
            for row in desk.search(kind, filterGroups=[{"filters": [*since, window, above]}], sorts=by_id, limit=200)
        ]
        assert ids == sorted(ids, key=int)
        assert len(ids) == len(rows)
    assert desk.http.delete(f"/crm/v3/objects/emails/{made}").status_code == 204


@judge("as Airbyte: associations of what was found by v4 batches, archived records, schemas, owners of both kinds")
def around(desk: Desk) -> None:
    deals = [row["id"] for row in desk.by_after("/crm/v3/objects/deals", limit=100)]
    body = {"inputs": [{"id": each} for each in deals]}
    linked = desk.post("/crm/v4/associations/deals/contacts/batch/read", body)["results"]
    assert sorted(row["from"]["id"] for row in linked) == sorted(deals)
    assert all(isinstance(end["toObjectId"], int) and end["associationTypes"] for row in linked for end in row["to"])
    partly = desk.post("/crm/v4/associations/deals/tickets/batch/read", body, 207)
    assert (partly["results"], partly["numErrors"]) == ([], 3)
    gone = desk.post("/crm/v3/objects/deals", {"properties": {"dealname": "Gone", "dealstage": "closedlost"}}, 201)[
        "id"
    ]
    desk.http.delete(f"/crm/v3/objects/deals/{gone}")
    (row,) = desk.by_after("/crm/v3/objects/deals", archived="true", limit=100, properties="dealname")
    assert (row["id"], row["archived"], row["properties"]["dealname"]) == (gone, True, "Gone")
    assert row["archivedAt"] >= row["createdAt"]
    assert gone not in [each["id"] for each in desk.by_after("/crm/v3/objects/deals")]
    assert desk.get("/crm/v3/schemas") == {"results": []}
    assert len(desk.by_after("/crm/v3/owners", limit=100)) == 2
    assert [row["archived"] for row in desk.by_after("/crm/v3/owners", limit=100, archived="true")] == [True]
    assert desk.get("/crm/v3/lists/", 200)["lists"] == []


@judge("as Meltano: each kind by its list, pipelines of v1, users")
def lists(desk: Desk) -> None:
    for kind in (*KINDS, "feedback_submissions", "goal_targets"):
        rows = desk.by_after(f"/crm/v3/objects/{kind}", limit=100)
        assert [row["id"] for row in rows] == [row["id"] for row in desk.act(desk.portal.records, kind)]
    for kind in ("deals", "tickets"):
        new, old = (
            desk.get(f"/crm/v3/pipelines/{kind}")["results"],
            desk.get(f"/crm-pipelines/v1/pipelines/{kind}")["results"],
        )
        assert [each["pipelineId"] for each in old] == [each["id"] for each in new]
        assert [s["stageId"] for s in old[0]["stages"]] == [s["id"] for s in new[0]["stages"]]
        assert isinstance(old[0]["createdAt"], int)
    assert desk.get("/settings/v3/users")["results"][0]["superAdmin"] is True


@judge("as Singer: a token by form at v1, bare lists of older owners")
def singer(desk: Desk) -> None:
    app = desk.portal.app
    form = {"grant_type": "refresh_token", "refresh_token": desk.portal.refresh_token, "redirect_uri": app.redirect_uri}
    form |= {"client_id": app.client_id, "client_secret": app.client_secret}
    for answer in (desk.http.post("/oauth/v1/token", data=form), desk.http.post("/oauth/v1/token", params=form)):
        told = answer.json()
        assert (answer.status_code, told["expires_in"], told["refresh_token"]) == (200, 1800, desk.portal.refresh_token)
        owner = desk.http.get("/owners/v2/owners", headers={"Authorization": f"Bearer {told['access_token']}"})
        assert [each["email"] for each in owner.json()] == ["admin@harbour-trading.example", "anna@ours.example"]
    assert [each["isActive"] for each in desk.get("/owners/v2/owners", includeInactive="true")] == [True, True, False]


@judge("as n8n and small wrappers: whose key it is, look-up by address, upsert by address, links by v3 names")
def wrapper(desk: Desk) -> None:
    portal = desk.portal.state.settings.portal_id
    assert desk.get("/account-info/v3/details")["portalId"] == desk.get("/integrations/v1/me")["portalId"] == portal
    assert desk.get("/account-info/v3/api-usage/daily/private-apps")["results"][0]["currentUsage"] > 0
    row = {"id": "wrap@buyer.example", "idProperty": "email", "properties": {"firstname": "Wrap"}}
    first = desk.post("/crm/v3/objects/contacts/batch/upsert", {"inputs": [row]})["results"][0]
    again = desk.post("/crm/v3/objects/contacts/batch/upsert", {"inputs": [row]})["results"][0]
    assert (first["new"], again["new"], first["id"]) == (True, False, again["id"])
    found = desk.get("/crm/v3/objects/contacts/WRAP@buyer.example", idProperty="email", properties="firstname")
    assert (found["id"], found["properties"]["firstname"]) == (first["id"], "Wrap")
    (firm,) = desk.get("/crm/v3/objects/companies")["results"]
    link = f"/crm/v3/objects/contacts/{first['id']}/associations/companies/{firm['id']}/contact_to_company"
    assert firm["id"] in str(desk._told(desk.http.put(link), 200)["associations"])
    (end,) = desk.get(f"/crm/v3/objects/contacts/{first['id']}/associations/companies", limit=1)["results"][:1]
    assert end["id"] == firm["id"]
    assert desk.http.delete(link).status_code == 204
    sorts = ['{"propertyName":"createdate","direction":"DESCENDING"}']
    assert desk.search("contacts", query="wrap", sorts=sorts, properties=["email"])[0]["id"] == first["id"]
    assert desk.http.delete(f"/crm/v3/objects/contacts/{first['id']}").status_code == 204


@judge("by dated paths: sign-in, account, objects, search, links, owners, properties, pipelines")
def dated(desk: Desk) -> None:
    app = desk.portal.app
    secrets = {"client_id": app.client_id, "client_secret": app.client_secret}
    form = secrets | {"grant_type": "refresh_token", "refresh_token": desk.portal.refresh_token}
    made = desk._told(desk.http.post("/oauth/2026-09/token", data=form), 200)
    assert made["hub_id"] == desk.get("/account-info/2026-09/details")["portalId"]
    asked = desk.http.post("/oauth/2026-09/token/introspect", data=secrets | {"token": made["access_token"]}).json()
    assert (asked["active"], asked["app_id"]) == (True, int(app.id))
    assert desk.http.post("/oauth/2026-09/token", params=form).status_code == 400
    info = desk.post("/oauth/v2/private-apps/get/access-token-info", {"tokenKey": desk.portal.key.key})
    assert str(info["appId"]) == desk.portal.key.id
    base = "/crm/objects/2026-09"
    person = desk.post(f"{base}/0-1", {"properties": {"email": "Dated@Buyer.Example"}, "associations": []}, 201)
    assert person["warnings"][0]["context"]["normalizedValue"] == "dated@buyer.example"
    deal = desk.get(f"{base}/deal", limit=1)["results"][0]["id"]
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 4}]
    row = {"from": {"id": person["id"]}, "to": {"id": deal}, "types": types}
    done = desk.post("/crm/associations/2026-09/contacts/deals/batch/create", {"inputs": [row]})
    assert done["results"][0]["toObjectId"] == deal
    read = desk.post("/crm/associations/2026-03/contacts/deals/batch/read", {"inputs": [{"id": person["id"]}]})
    assert [end["toObjectId"] for end in read["results"][0]["to"]] == [deal]
    desk.act(desk.portal.catch_up_search)
    body = {
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "dated@buyer.example"}]}]
    }
    while (answer := desk.http.post(f"{base}/contacts/search", json=body)).status_code == 429:
        sleep(0.25)
    assert answer.json()["results"][0]["id"] == person["id"]
    assert len(desk.get("/crm/owners/2026-09")["results"]) == 2
    assert len(desk.get("/crm/properties/2026-09/contacts")["results"]) == len(desk.named("contacts"))
    assert desk.get("/crm/pipelines/2026-09/deals")["results"][0]["id"] == "default"
    assert desk.http.delete(f"{base}/contacts/{person['id']}").status_code == 204


@judge("is told of paths, methods, media and JSON that are wrong, with a correlation id")
def wrong(desk: Desk) -> None:
    told = desk.get("/crm/v3/nonsense", 404)
    assert told["correlationId"]
    assert desk.http.put("/crm/v3/objects/contacts", json={}).status_code == 405
    assert (
        desk.http.post("/crm/v3/objects/contacts", content=b"a=b", headers={"Content-Type": "text/plain"}).status_code
        == 415
    )
    broken = desk.http.post("/crm/v3/objects/contacts", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, "Invalid input JSON" in broken.json()["message"]) == (400, True)
    assert "Unable to infer object type" in desk.get("/crm/v3/objects/nonsense", 400)["message"]
    desk.get("/crm/v3/objects/contacts", 400, after="nonsense")
    asked = desk.http.get("/crm/v3/objects/contacts", params={"hapikey": "x"}, headers={"Authorization": ""})
    assert (asked.status_code, asked.json()["category"]) == (401, "INVALID_AUTHENTICATION")
