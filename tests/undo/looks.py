"""Everything that a CRM's API shows: every list, search and read, as any program may ask for it.

Nothing here passes our connectors. What undoing may leave behind is left out: stamps of the last change, and the sums
that a CRM keeps of its activities.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx

from tests.box import Box

Row = dict[str, Any]
Looks = dict[str, Counter[str]]
"""What was asked for, with how often each row was in the answer."""

WORDS = ("position", "quotation", "klaus")  # what is searched for
# When and by whom a record was last changed or seen; an answer's own address and size.
STAMPS = re.compile(r"(?i)modif|modstamp|updated_?at|lastviewed|lastreferenced|^attributes$|^paging$|^total$|^info$")
# Sums of activities that HubSpot keeps by itself and lets nobody write; whether a deletion takes them back nobody says.
SUMS = re.compile(r"^(notes_last_(contacted|updated)|num_(contacted_)?notes)$")
MADE = re.compile(
    r"(?i)^created|createdate|created_?(at|time)|added_?(at|time)|entered|completed|assigneddate|^hs_object_source|^\$?time$"
)
OUR_KEY = re.compile(r"v1:[0-9a-f]{64}|\[tp:[0-9a-f]+\]")


async def looks(box: Box, *, reads: bool = True) -> Looks:
    """Every list and search of the company's only CRM and, with `reads`, every record by itself."""
    found: Looks = {}
    async with httpx.AsyncClient(transport=box.transport, timeout=60) as http:
        reader = READERS[box.company.crm.name](http, box)
        async for name, rows in reader.lists():
            found[name] = _counted(rows)
            if reads and name.startswith("list "):
                for row in rows:
                    read = await reader.read(name.removeprefix("list "), row)
                    found.setdefault(name.replace("list", "read", 1), Counter()).update(_counted([read]))
    return found


def differences(before: Looks, after: Looks) -> Iterator[str]:
    """A line for each look that is not as before: how many rows went and came, and in what one of them differs."""
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name, Counter()), after.get(name, Counter())
        if was != now:
            gone, new = was - now, now - was
            yield f"{name}: {gone.total()} gone, {new.total()} new: {_told(gone, new)}"


def _told(gone: Counter[str], new: Counter[str]) -> str:
    if not gone or not new:
        return next(iter([*gone, *new]))[:200]
    old, young = (dict(_flat(json.loads(min(some)))) for some in (gone, new))
    names = [name for name in {**old, **young} if old.get(name) != young.get(name)]
    return ", ".join(f"{name}: {old.get(name)!r} -> {young.get(name)!r}" for name in names)[:400]


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}".strip("."))
    else:
        yield name, value


def alike(found: Looks, before: Looks) -> Looks:
    """A state without what tells one making of the same records from another: ids and keys of what is new, times."""
    known, new = _ids(before), _ids(found)
    fresh = new - known
    return {name: Counter(_plain(text, fresh) for text in rows.elements()) for name, rows in found.items()}


def _ids(found: Looks) -> set[str]:
    rows = (json.loads(text) for name, rows in found.items() if name.startswith("list ") for text in rows)
    return {str(row[name]) for row in rows for name in ("Id", "id", "message_id") if row.get(name)}


def _plain(text: str, fresh: set[str]) -> str:
    def plain(value: Any, name: str = "") -> Any:
        if MADE.search(name):
            return None
        if isinstance(value, dict):
            return {plain(k): plain(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return sorted((plain(v) for v in value), key=str)
        if not isinstance(value, str):
            return value
        return "new" if value.rpartition("/")[2] in fresh else OUR_KEY.sub("key", value)

    return json.dumps(plain(json.loads(text)), sort_keys=True)


def _counted(rows: list[Row]) -> Counter[str]:
    return Counter(json.dumps(_without_stamps(row), sort_keys=True, ensure_ascii=False) for row in rows)


def _without_stamps(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_stamps(v) for k, v in value.items() if not STAMPS.search(k) and not SUMS.search(k)}
    return [_without_stamps(v) for v in value] if isinstance(value, list) else value


class _Salesforce:
    """https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_list.htm"""

    def __init__(self, http: httpx.AsyncClient, box: Box) -> None:
        self._http, self._org = http, box.company.org
        self._base = f"https://{self._org.my_domain}"

    async def _get(self, path: str, **query: str) -> Any:
        if "Authorization" not in self._http.headers:
            client = self._org.client
            form = {"client_id": client.client_id, "client_secret": client.client_secret}
            answer = await self._http.post(
                f"{self._base}/services/oauth2/token", data={"grant_type": "client_credentials", **form}
            )
            self._http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        path = path if path.startswith("/") else f"/services/data/v66.0/{path}"
        return (await self._http.get(self._base + path, params=query or None)).raise_for_status().json()

    async def lists(self) -> AsyncIterator[tuple[str, list[Row]]]:
        told = await self._get("sobjects")
        for sobject in [one["name"] for one in told["sobjects"] if one["queryable"]]:
            fields = [f["name"] for f in (await self._get(f"sobjects/{sobject}/describe"))["fields"]]
            rows, page = [], await self._get("query", q=f"SELECT {', '.join(fields)} FROM {sobject}")  # noqa: S608 - names that the org told
            rows += page["records"]
            while not page["done"]:
                page = await self._get(page["nextRecordsUrl"])
                rows += page["records"]
            yield f"list {sobject}", rows
        for word in WORDS:
            for sobject in ("Account", "Contact", "Lead", "Opportunity", "Task"):
                q = f"FIND {{{word}}} IN ALL FIELDS RETURNING {sobject}(Id, Name)".replace(
                    "Task(Id, Name)", "Task(Id, Subject)"
                )
                yield f"search {word} {sobject}", (await self._get("search", q=q))["searchRecords"]

    async def read(self, sobject: str, row: Row) -> Row:
        found: Row = await self._get(f"sobjects/{sobject}/{row['Id']}")
        return found


class _HubSpot:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis"""

    VERSION = "2026-09"

    def __init__(self, http: httpx.AsyncClient, box: Box) -> None:
        self._http = http
        self._portal, self._clock = box.company.crm.portal, box.clock
        http.headers["Authorization"] = f"Bearer {self._portal.key.key}"
        self._kinds = ("contacts", "companies", "deals", "leads", "emails", "tasks", "notes", "calls", "meetings")
        self._names: dict[str, str] = {}

    async def _call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        more = {} if body is None else {"json": body}
        while True:
            answer = await self._http.request(method, f"https://api.hubapi.com{path}", params=query or None, **more)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                return answer.raise_for_status().json()
            await self._clock.sleep(1)

    async def lists(self) -> AsyncIterator[tuple[str, list[Row]]]:
        for kind in self._kinds:
            told = await self._call("GET", f"/crm/properties/{self.VERSION}/{kind}")
            self._names[kind] = ",".join(sorted(p["name"] for p in told["results"]))
            rows: list[Row] = []
            after = ""
            while True:
                query = {"limit": "100", **({"after": after} if after else {})}
                page = await self._call("GET", f"/crm/objects/{self.VERSION}/{kind}", **query, **self._wide(kind))
                rows += page["results"]
                after = page.get("paging", {}).get("next", {}).get("after", "")
                if not after:
                    break
            yield f"list {kind}", rows
        for word in WORDS:
            for kind in self._kinds:
                body = {"query": word, "limit": 200, "properties": self._names[kind].split(",")}
                page = await self._call("POST", f"/crm/objects/{self.VERSION}/{kind}/search", body)
                yield f"search {word} {kind}", [{"total": page["total"]}, *page["results"]]

    def _wide(self, kind: str) -> Mapping[str, str]:
        others = ",".join(k for k in self._kinds if k != kind)
        return {"properties": self._names[kind], "associations": others}

    async def read(self, kind: str, row: Row) -> Row:
        path = f"/crm/objects/{self.VERSION}/{kind}/{row['id']}"
        found: Row = await self._call("GET", path, **self._wide(kind))
        return found


class _Zoho:
    """https://www.zoho.com/crm/developer/docs/api/v8/get-records.html"""

    MODULES = ("Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Notes")
    MAILED = ("Leads", "Contacts", "Accounts", "Deals")

    def __init__(self, http: httpx.AsyncClient, box: Box) -> None:
        self._http, self._org = http, box.company.crm.org

    async def _get(self, path: str, **query: str) -> Any:
        if "Authorization" not in self._http.headers:
            host = f"https://accounts.zoho.{self._domain()}"
            client = self._org.client
            form = {"client_id": client.client_id, "client_secret": client.secret, "refresh_token": self._org.token}
            answer = await self._http.post(f"{host}/oauth/v2/token", data={"grant_type": "refresh_token", **form})
            told = answer.raise_for_status().json()
            self._api = str(told["api_domain"])
            self._http.headers["Authorization"] = f"Zoho-oauthtoken {told['access_token']}"
        answer = await self._http.get(f"{self._api}/crm/v8/{path}", params=query or None)
        if answer.status_code == httpx.codes.NO_CONTENT:
            return {}
        return answer.raise_for_status().json()

    def _domain(self) -> str:
        return {"cn": "com.cn", "us": "com", "eu": "eu"}.get(self._org.centre, self._org.centre)

    async def lists(self) -> AsyncIterator[tuple[str, list[Row]]]:
        for module in self.MODULES:
            told = await self._get("settings/fields", module=module)
            names = [f["api_name"] for f in told["fields"] if f["api_name"] != "Tag"]
            rows: dict[str, Row] = {}
            for start in range(0, len(names), 50):  # at most 50 fields a call
                async for row in self._pages(module, "data", fields=",".join(names[start : start + 50])):
                    rows.setdefault(row["id"], {}).update(row)
            yield f"list {module}", list(rows.values())
            if module in self.MAILED:
                for ident in rows:
                    mails = [row async for row in self._pages(f"{module}/{ident}/Emails", "Emails")]
                    yield f"mails {module} {ident}", mails
        for word in WORDS:
            for module in self.MODULES:
                answer = await self._get(f"{module}/search", word=word)
                yield f"search {word} {module}", answer.get("data", [])

    async def _pages(self, path: str, held: str, **query: str) -> AsyncIterator[Row]:
        more: dict[str, str] = {}
        while True:
            page = await self._get(path, **query, **more)
            for row in page.get(held) or ():
                yield row
            info = page.get("info", {})
            token = info.get("next_page_token") or info.get("next_index")
            if not info.get("more_records") or not token:
                return
            more = {"page_token": token} if info.get("next_page_token") else {"index": token}

    async def read(self, module: str, row: Row) -> Row:
        found: Row = (await self._get(f"{module}/{row['id']}"))["data"][0]
        return found


READERS = {"salesforce": _Salesforce, "hubspot": _HubSpot, "zoho": _Zoho}
