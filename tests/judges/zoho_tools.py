"""Plain HTTP as extraction tools, automation tools and small wrappers make it, judges the simulated organisation.

How each of them pages, and which paths it calls, is taken from its public source: Airbyte's source-zoho-crm, Singer's
tap-zoho-crm, n8n's node. None of their code is here.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.judges.ground import Ground
from tests.judges.judge import Judge
from tests.judges.names import session
from tradepost.sandbox.zoho import ZohoOrg

JSON_TYPES = {"string", "integer", "double", "boolean", "jsonarray", "jsonobject"}
MAIL = {
    "from": {"user_name": "李娜", "email": "li@buyer.example"},
    "to": [{"user_name": "Anna", "email": "anna@lantern.example"}],
    "subject": "报价 Offer",
    "content": "<p>Dear Anna</p>",
    "mail_format": "html",
    "date_time": "2026-03-02T09:30:00+08:00",
    "sent": False,
    "original_message_id": "<tools@buyer.example>",
}


@dataclass(slots=True)
class Desk:
    place: Ground
    org: ZohoOrg
    http: httpx.Client

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    def form(self, **more: str) -> dict[str, str]:
        client = self.org.client
        secrets = {"client_id": client.client_id, "client_secret": client.secret, "grant_type": "refresh_token"}
        return secrets | {"refresh_token": self.act(self.org.new_refresh_token)} | more

    def call(self, method: str, path: str, status: int = 200, body: Any = None, **more: Any) -> Any:
        content = {} if body is None else {"json": body}
        answer = self.http.request(method, f"/crm/v8/{path}", **content, **more)
        assert answer.status_code == status, (answer.status_code, answer.text[:400])
        return answer.json() if answer.content else None

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self.call("GET", path, status, params=query)

    def refused(self, method: str, path: str, status: int, code: str, body: Any = None, **more: Any) -> Any:
        """The details of the refusal, whole or of the only item."""
        told = self.call(method, path, status, body, **more)
        items = next((told[name] for name in ("data", "Emails") if isinstance(told.get(name), list)), [told])
        (item,) = items
        assert (item["code"], item["status"]) == (code, "error"), item
        return item["details"]

    def made(self, module: str, **values: Any) -> str:
        (done,) = self.call("POST", module, 201, {"data": [values]})["data"]
        assert done["code"] == "SUCCESS"
        return str(done["details"]["id"])

    def ids(self, module: str) -> list[str]:
        return [row["id"] for row in self.act(self.org.records, module)]


@contextmanager
def _open(place: Ground, org: ZohoOrg) -> Iterator[Desk]:
    trust = ssl.create_default_context(cafile=place.ca)
    with httpx.Client(base_url=place.served.urls["zoho"], verify=trust, timeout=30, trust_env=False) as http:
        desk = Desk(place, org, http)
        token = http.post("/oauth/v2/token", data=desk.form()).json()
        http.headers["Authorization"] = f"Zoho-oauthtoken {token['access_token']}"
        yield desk


judge = Judge("extraction tools (plain HTTP)", _open)


@judge("gets tokens with the parameters in a form or in the query; Bearer will do; refusals come with status 200")
def tokens(desk: Desk) -> None:
    for how in ({"data": desk.form()}, {"params": desk.form()}):
        answer = desk.http.post("/oauth/v2/token", **how)  # type: ignore[arg-type]
        told = answer.json()
        assert (answer.status_code, told["token_type"], told["expires_in"]) == (200, "Bearer", 3600)
        assert told["api_domain"] == desk.place.served.urls["zoho"]
        mine = desk.http.get(
            "/crm/v8/users?type=CurrentUser", headers={"Authorization": f"Bearer {told['access_token']}"}
        )
        assert mine.json()["users"][0]["email"] == "tradepost@lantern.example"
    for form, word in (
        (desk.form(client_secret="x"), "invalid_client_secret"),
        (desk.form(refresh_token="x"), "invalid_code"),
    ):
        answer = desk.http.post("/oauth/v2/token", data=form)
        assert (answer.status_code, answer.json()["error"]) == (200, word)
        assert "access_token" not in answer.json()


@judge("is denied the eleventh token within ten minutes, with status 200")
def eleven(desk: Desk) -> None:
    form = desk.form()
    told = [desk.http.post("/oauth/v2/token", data=form) for _ in range(11)]
    assert {each.status_code for each in told} == {200}
    assert ["access_token" in each.json() for each in told] == [True] * 10 + [False]
    assert told[-1].json()["error"] == "Access Denied"
    assert (
        desk.http.post("/oauth/v2/token/revoke", params={"token": form["refresh_token"]}).json()["status"] == "success"
    )
    assert desk.http.post("/oauth/v2/token", data=form).json() == {"error": "invalid_code"}


@judge(
    "signs in at the accounts host of its data centre, uses the API host it is told; another centre does not know it"
)
def centres(desk: Desk) -> None:
    port = desk.place.port("zoho")
    names = ("accounts.zoho.com.cn", "accounts.zoho.eu", "www.zohoapis.com.cn", "www.zohoapis.eu")
    with session(desk.place.ca, dict.fromkeys(names, port)) as http:
        told = http.post("https://accounts.zoho.com.cn/oauth/v2/token", data=desk.form()).json()
        assert told["api_domain"] == "https://www.zohoapis.com.cn"
        key = {"Authorization": f"Zoho-oauthtoken {told['access_token']}"}
        found = http.get(f"{told['api_domain']}/crm/v8/org", headers=key).json()["org"][0]
        assert found["company_name"] == "Lantern Trading Co., Ltd."
        assert http.get("https://www.zohoapis.eu/crm/v8/org", headers=key).status_code == 401
        assert "access_token" not in http.post("https://accounts.zoho.eu/oauth/v2/token", data=desk.form()).json()
        assert (
            http.get("https://accounts.zoho.com.cn/oauth/serverinfo").json()["locations"]["cn"]
            == "https://accounts.zoho.com.cn"
        )


@judge("as Airbyte: modules, each of them alone, fields of all with types it can map, users' fields too")
def discovery(desk: Desk) -> None:
    for module in (each for each in desk.get("settings/modules")["modules"] if each["api_supported"]):
        name = module["api_name"]
        (alone,) = desk.get(f"settings/modules/{name}")["modules"]
        assert (alone["api_name"], alone["module_name"], alone["api_supported"]) == (name, module["module_name"], True)
        for each in desk.get("settings/fields", module=name)["fields"]:
            assert each["json_type"] in JSON_TYPES, each
            assert {"length", "decimal_place", "system_mandatory", "display_label", "data_type"} <= set(each)
            assert all({"display_value", "actual_value"} <= set(value) for value in each["pick_list_values"])
    assert "email" in [each["api_name"] for each in desk.get("settings/fields", module="users")["fields"]]
    desk.refused("GET", "settings/fields", 400, "REQUIRED_PARAM_MISSING")


@judge("as Airbyte: whole modules by page numbers with every field, and only what is newer than a time")
def by_pages(desk: Desk) -> None:
    for module in ("Contacts", "Accounts", "Leads", "Deals", "Tasks"):
        names = [each["api_name"] for each in desk.get("settings/fields", module=module)["fields"]][:50]
        found, page = [], 1
        old = {"If-Modified-Since": "1970-01-01T00:00:01+00:00"}
        while True:
            path = f"/crm/v8/{module}"
            answer = desk.http.get(path, params={"fields": ",".join(names), "page": page}, headers=old)
            if answer.status_code in (204, 304):
                break
            told = answer.json()
            found += told["data"]
            assert told["info"]["count"] == len(told["data"])
            if not told["info"]["more_records"]:
                break
            page = told["info"]["page"] + 1
        living = [row["id"] for row in desk.act(desk.org.records, module) if not row.get("$converted")]
        assert sorted(row["id"] for row in found) == sorted(living), module
        assert all(isinstance(row["id"], str) and set(names) <= set(row) for row in found)
        future = {"If-Modified-Since": "2099-01-01T00:00:00+00:00"}
        assert desk.http.get(f"/crm/v8/{module}?fields=id", headers=future).status_code == 304
    time = desk.get("Contacts", fields="Modified_Time")["data"][0]["Modified_Time"]
    assert time[-6:] == "+08:00"
    assert "." not in time
    desk.refused("GET", "Contacts", 400, "LIMIT_EXCEEDED", params={"fields": ",".join(f"F{n}" for n in range(51))})


@judge(
    "as Singer: pages by token with fields in portions of fifty that fit together; users, roles, profiles, currencies"
)
def by_tokens(desk: Desk) -> None:
    names = [each["api_name"] for each in desk.get("settings/fields", module="Contacts")["fields"]]
    portions = [names[n : n + 50] for n in range(0, len(names), 50)]
    merged: dict[str, dict[str, Any]] = {}
    token: dict[str, str] = {}
    while True:
        for portion in portions:
            told = desk.get("Contacts", fields=",".join(portion), per_page=200, **token)
            for row in told["data"]:
                merged.setdefault(row["id"], {}).update(row)
        if not told["info"]["next_page_token"]:
            break
        token = {"page_token": told["info"]["next_page_token"]}
    assert set(merged) == set(desk.ids("Contacts"))
    assert all(set(names) <= set(row) for row in merged.values())
    other = {"fields": "Email", "sort_by": "Created_Time", **token}
    desk.refused("GET", "Contacts", 400, "TOKEN_BOUND_DATA_MISMATCH", params=other)
    assert len(desk.get("users", type="AllUsers", per_page=200)["users"]) == 4
    assert desk.get("settings/roles")["roles"]
    assert desk.get("settings/profiles")["profiles"]
    assert desk.get("org/currencies", 204) is None


@judge("as n8n: version 2, names of modules in small letters, lists without naming fields")
def older(desk: Desk) -> None:
    found, page = [], 1
    while True:
        told = desk.http.get("/crm/v2/contacts", params={"per_page": 200, "page": page}).json()
        found += told["data"]
        if not told["info"]["more_records"]:
            break
        page += 1
    assert {row["id"] for row in found} == set(desk.ids("Contacts"))
    assert found[0]["Account_Name"]["name"] == "Hanseatic Imports GmbH" if found[0]["Account_Name"] else True
    put = {"data": [{"Account_Name": "Wrapped GmbH", "Phone": "1"}]}
    first, again = (desk.http.post("/crm/v2/accounts/upsert", json=put).json()["data"][0] for _ in range(2))
    assert (first["action"], again["action"], first["details"]["id"]) == ("insert", "update", again["details"]["id"])
    one = desk.http.get(f"/crm/v2/accounts/{first['details']['id']}").json()["data"][0]
    assert (one["Account_Name"], one["Phone"]) == ("Wrapped GmbH", "1")
    assert "Account_Name" in [
        f["api_name"] for f in desk.http.get("/crm/v2/settings/fields?module=accounts").json()["fields"]
    ]
    assert desk.http.delete(f"/crm/v2/accounts/{first['details']['id']}").json()["data"][0]["code"] == "SUCCESS"
    assert desk.http.get(f"/crm/v2/accounts/{first['details']['id']}").status_code == 204


@judge("logs a mail, finds it again, links it to a deal and takes the link off; the same mail again is a second one")
def mails(desk: Desk) -> None:
    firm, closing = desk.ids("Accounts")[0], {"Stage": "Qualification", "Closing_Date": "2026-09-01"}
    deal, other = (desk.made("Deals", Deal_Name=f"{name} 订单", **closing) for name in ("One", "Other"))
    person = desk.made("Contacts", Last_Name="Tools", Account_Name={"id": firm})
    path = f"Contacts/{person}/actions/associate_email"
    (done,) = desk.call("POST", path, 201, {"Emails": [MAIL]})["Emails"]
    message = done["details"]["message_id"]
    assert len(desk.get(f"Contacts/{person}/Emails")["Emails"]) == 1
    desk.call("POST", path, 201, {"Emails": [MAIL]})
    assert len(desk.get(f"Contacts/{person}/Emails")["Emails"]) == 2
    me = desk.get("users", type="CurrentUser")["users"][0]["id"]
    link = {"message_id": message, "owner": {"id": me}, "linked_record": {"module": {"api_name": "Deals"}, "id": deal}}
    (linked,) = desk.call("POST", f"Contacts/{person}/Emails/actions/link_record", 200, {"Emails": [link]})["Emails"]
    assert linked["code"] == "SUCCESS"
    shown = {each["message_id"]: each["linked_record"] for each in desk.get(f"Contacts/{person}/Emails")["Emails"]}
    assert shown[message]["id"] == deal
    assert message in [each["message_id"] for each in desk.get(f"Deals/{deal}/Emails")["Emails"]]
    link["linked_record"] = {"module": {"api_name": "Deals"}, "id": other}
    desk.call("POST", f"Contacts/{person}/Emails/actions/link_record", 200, {"Emails": [link]})
    assert desk.get(f"Deals/{deal}/Emails", 204) is None
    (moved,) = desk.get(f"Deals/{other}/Emails")["Emails"]
    assert (moved["message_id"], desk.get(f"Accounts/{firm}/Emails", 204)) == (message, None)
    off = {"message_ids": message, "owner_id": me}
    desk.call("DELETE", f"Contacts/{person}/Emails/actions/link_record", 200, params=off)
    assert desk.get(f"Contacts/{person}/Emails/{message}")["Emails"][0]["subject"] == MAIL["subject"]
    two = {"Emails": [MAIL, MAIL]}
    assert desk.refused("POST", path, 400, "INVALID_DATA", two)["maximum_length"] == 1
    bare = {"Emails": [{name: value for name, value in MAIL.items() if name != "original_message_id"}]}
    assert desk.refused("POST", path, 400, "MANDATORY_NOT_FOUND", bare)["api_name"] == "original_message_id"
    late = {"Emails": [MAIL | {"date_time": "2026-03-02T09:30:00"}]}
    assert desk.refused("POST", path, 400, "INVALID_DATA", late)["api_name"] == "date_time"
    asked = {"orginal_message_id": MAIL["original_message_id"]}
    desk.refused("GET", "actions/email_available", 404, "INVALID_URL_PATTERN", params=asked)
    desk.act(desk.org.set_unknown, "email_available", True)
    assert desk.get("actions/email_available", **asked)["record"]["id"] == person


@judge(
    "locks a record and is stopped by the lock; changes only what nobody changed meanwhile; a stage of another pipeline"
)
def stops(desk: Desk) -> None:
    one = desk.made("Contacts", Last_Name="Lock", Title="Old")
    reason = {"data": [{"locked_reason__s": "judged"}]}
    (done,) = desk.call("POST", f"Contacts/{one}/Locking_Information__s", 201, reason)["data"]
    change = {"data": [{"id": one, "Title": "New"}]}
    desk.refused("PUT", "Contacts", 403, "RECORD_LOCKED", change)
    desk.call("DELETE", f"Contacts/{one}/Locking_Information__s/{done['details']['id']}")
    desk.get(f"Contacts/{one}/Locking_Information__s", 204)
    old = {"If-Unmodified-Since": "2020-01-01T00:00:00+08:00"}
    desk.refused("PUT", f"Contacts/{one}", 412, "ALREADY_MODIFIED", change, headers=old)
    assert desk.act(desk.org.record, "Contacts", one)["Title"] == "Old"
    desk.call("PUT", f"Contacts/{one}", 200, change)
    assert desk.act(desk.org.record, "Contacts", one)["Title"] == "New"
    desk.act(desk.org.add_pipeline, "Spare parts 备件", ["Asked", "Sent"])
    deal = {"Deal_Name": "Wrong", "Closing_Date": "2026-09-01", "Pipeline": desk.org.state.pipelines[0].name}
    desk.refused("POST", "Deals", 400, "MAPPING_MISMATCH", {"data": [deal | {"Stage": "Asked"}]})
    desk.refused("POST", "Deals", 400, "INVALID_DATA", {"data": [deal | {"Stage": "Nonsense"}]})


@judge("finds what is new late, is stopped at the limits of searches, and meets deals that match by name")
def limits(desk: Desk) -> None:
    desk.act(desk.org.set_unknown, "search_lag_seconds", 60.0)
    late = desk.made("Contacts", Last_Name="Late", Email="late@buyer.example")
    desk.get("Contacts/search", 204, email="late@buyer.example")
    coql = "select id from Contacts where Email = 'late@buyer.example'"
    assert desk.call("POST", "coql", 200, {"select_query": coql})["data"] == [{"id": late}]
    desk.act(desk.org.set_unknown, "search_lag_seconds", 0.0)
    assert [row["id"] for row in desk.get("Contacts/search", email="LATE@buyer.example")["data"]] == [late]
    many = "or".join(f"(Last_Name:equals:L{number})" for number in range(16))
    desk.refused("GET", "Contacts/search", 400, "CRITERIA_LIMIT_EXCEEDED", params={"criteria": f"({many})"})
    desk.refused("GET", "Contacts/search", 400, "LIMIT_REACHED", params={"word": "buyer", "page": 11})
    whole = {"select_query": "select id from Contacts where id is not null limit 2001"}
    desk.refused("POST", "coql", 400, "LIMIT_EXCEEDED", whole)
    deal = {"Deal_Name": "By name 订单", "Stage": "Qualification", "Closing_Date": "2026-09-01"}
    put = [desk.call("POST", "Deals/upsert", 200, {"data": [deal]})["data"][0] for _ in range(2)]
    assert [each["action"] for each in put] == ["insert", "update"]
    assert put[1]["duplicate_field"] == "Deal_Name"


@judge("ties calls together in one, which is undone as a whole when a part fails")
def composite(desk: Desk) -> None:
    parts = [
        {"sub_request_id": "1", "method": "POST", "uri": "/crm/v8/Contacts", "body": {"data": [{"Last_Name": "Tied"}]}},
        {
            "sub_request_id": "2",
            "method": "GET",
            "uri": "/crm/v8/Contacts/@{1:$.data[0].details.id}",
            "params": {"fields": "Last_Name"},
        },
    ]
    both = desk.call("POST", "__composite_requests", 200, {"__composite_requests": parts})["__composite_requests"]
    assert both[1]["details"]["response"]["body"]["data"][0]["Last_Name"] == "Tied"
    before = len(desk.ids("Contacts"))
    wrong = [
        parts[0],
        {"sub_request_id": "2", "method": "POST", "uri": "/crm/v8/Contacts", "body": {"data": [{"Email": "x"}]}},
    ]
    whole = {"rollback_on_fail": True, "__composite_requests": wrong}
    told = desk.call("POST", "__composite_requests", 400, whole)["__composite_requests"]
    assert told[0]["code"] == "ROLLBACK_PERFORMED"
    assert len(desk.ids("Contacts")) == before


@judge("is told of paths, methods, headers and JSON that are wrong, and of too many calls at once")
def wrong(desk: Desk) -> None:
    desk.refused("GET", "nonsense/1/2/3/4/5", 404, "INVALID_URL_PATTERN")
    desk.refused("GET", "Nonsense", 400, "INVALID_MODULE", params={"fields": "id"})
    desk.refused("PATCH", "Contacts", 400, "INVALID_REQUEST_METHOD", {})
    broken = desk.http.post("/crm/v8/Contacts", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "INVALID_DATA")
    bare = desk.http.get("/crm/v8/org", headers={"Authorization": ""})
    assert (bare.status_code, bare.json()["code"]) == (401, "AUTHENTICATION_FAILURE")
    assert desk.http.get("/crm/v9/org").status_code == 404
    desk.act(desk.org.set_edition, "free")
    desk.act(desk.org.set_service_seconds, 0.5)
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: desk.http.get("/crm/v8/org").status_code, range(8)))
    desk.act(desk.org.set_service_seconds, 0.0)
    desk.act(desk.org.set_edition, "ultimate")
    assert set(codes) == {200, 429}
    assert codes.count(200) >= 5
