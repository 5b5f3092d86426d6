"""Plain HTTP as extraction tools, automation tools and other programs make it, judges the simulated tenant.

How each of them signs in, pages and batches, and which paths it calls, is taken from its public source: Airbyte's
source-outlook, Singer's tap-ms-graph, n8n's Outlook node, Twenty's import, LlamaIndex's reader. None of their code is here.
"""

from __future__ import annotations

import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.judges.graph_desk import ANNA, BO, IMMUTABLE, PDF, SHARED, at, make_mail
from tests.judges.ground import Ground
from tests.judges.judge import Judge
from tradepost.sandbox.graph import GraphVendor

FIELDS = "id,subject,from,toRecipients,receivedDateTime,bodyPreview,isRead,hasAttachments,internetMessageId"
TEXT = 'outlook.body-content-type="text"'
JSON = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Desk:
    """`token` is who asks; an app unless told otherwise."""

    place: Ground
    vendor: GraphVendor
    http: httpx.Client
    tokens: dict[str, str] = field(default_factory=dict)

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    def sign_in(self, tenant: str = "", status: int = 200, path: str = "oauth2/v2.0/token", **form: str) -> Any:
        app = self.act(self.vendor.registered)
        own = {"client_id": app.client_id, "client_secret": app.secrets[-1].value} | form
        answer = self.http.post(f"/{tenant or self.vendor.directory.tenant}/{path}", data=own)
        assert answer.status_code == status, answer.text
        return answer.json()

    def app(self) -> str:
        if "" not in self.tokens:
            scope = "https://graph.microsoft.com/.default"
            self.tokens[""] = self.sign_in(grant_type="client_credentials", scope=scope)["access_token"]
        return self.tokens[""]

    def person(self, user: str, *scopes: str) -> str:
        """A person's token by a refresh token, at /common, as tools keep it."""
        if user not in self.tokens:
            names = scopes or ("Mail.ReadWrite", "Mail.Send", "User.Read")
            held = self.act(self.vendor.refresh_token, user, scopes=names)
            wide = " ".join(f"https://graph.microsoft.com/{name}" for name in names)
            made = self.sign_in("common", grant_type="refresh_token", refresh_token=held, scope=wide)
            assert made["refresh_token"]
            self.tokens[user] = made["access_token"]
        return self.tokens[user]

    def ask(self, method: str, path: str, *, user: str = "", prefer: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.person(user) if user else self.app()}"} | more.pop("headers", {})
        headers |= {"Prefer": prefer} if prefer else {}
        url = path if path.startswith("http") else f"/v1.0{path}" if not path.startswith("/beta") else path
        return self.http.request(method, url, headers=headers, **more)

    def get(self, path: str, status: int = 200, *, user: str = "", prefer: str = "", **query: Any) -> Any:
        params = {f"${name}" if name.islower() else name: value for name, value in query.items()} or None
        answer = self.ask("GET", path, user=user, prefer=prefer, params=params)
        assert answer.status_code == status, (answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any, status: int = 200, **more: Any) -> Any:
        answer = self.ask("POST", path, json=body, **more)
        assert answer.status_code == status, (answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    def all(self, path: str, **more: Any) -> list[Any]:
        """Pages as all of them follow them: by `@odata.nextLink`, as it stands, without any query of one's own."""
        user, prefer = more.get("user", ""), more.get("prefer", "")
        page = self.get(path, **more)
        rows = list(page["value"])
        while link := page.get("@odata.nextLink"):
            assert link.startswith(str(self.http.base_url)), link
            page = self.get(link, user=user, prefer=prefer)
            rows += page["value"]
        return rows

    def batch(self, parts: list[dict[str, Any]], status: int = 200, *, user: str = "") -> dict[str, Any]:
        told = self.post("/$batch", {"requests": parts}, status, user=user)
        return {part["id"]: part for part in told["responses"]} if status == 200 else told["error"]


@contextmanager
def _open(place: Ground, vendor: GraphVendor) -> Iterator[Desk]:
    trust = ssl.create_default_context(cafile=place.ca)
    with httpx.Client(base_url=place.served.urls["graph"], verify=trust, timeout=30, trust_env=False) as http:
        yield Desk(place, vendor, http)


judge = Judge("extraction tools (plain HTTP)", _open)

# ---------------------------------------------------------------------------------------------------- reading it all


@judge("as Airbyte: a refresh token at /common, profile, folders, all mails by nextLink, each mail by its id")
def airbyte(desk: Desk) -> None:
    anna = desk.get("/me", user=ANNA)
    assert (anna["mail"], anna["userPrincipalName"], anna["jobTitle"]) == (ANNA, ANNA, None)
    names = [row["displayName"] for row in desk.all("/me/mailFolders", user=ANNA)]
    assert {"Inbox", "Sent Items"} <= set(names)
    assert len(names) == len(set(names))
    rows = desk.all("/me/messages", user=ANNA, select=FIELDS)
    held = desk.act(lambda: [item.head.message_id for item in desk.vendor.mailbox(ANNA).items.values()])
    whole = {row["id"] for row in rows}
    assert len(rows) == len(whole)
    assert {row["internetMessageId"].strip("<>") for row in rows} <= set(held)
    assert len(rows) > 26
    assert set(rows[0]) == {*FIELDS.split(","), "@odata.etag"}
    one = desk.get(f"/me/messages/{rows[0]['id']}", user=ANNA)
    assert (one["subject"], one["body"]["contentType"]) == (rows[0]["subject"], "html")
    assert "attachments" not in one


@judge("as Singer: an app's token, all users at 999 a page, all mails of each who has a mailbox")
def singer(desk: Desk) -> None:
    users = desk.all("/users", top=999)
    assert {ANNA, BO, SHARED} <= {row["mail"] for row in users}
    counts = {}
    for row in users:
        answer = desk.ask("GET", f"/users/{row['id']}/messages", params={"$top": 999})
        counts[row["mail"]] = len(answer.json()["value"]) if answer.status_code == 200 else answer.status_code
    held = desk.act(lambda: {name: len(desk.vendor.mailbox(name).items) for name in (ANNA, BO, SHARED)})
    assert counts[BO] <= held[BO]
    assert 26 < counts[ANNA] <= held[ANNA]
    assert counts["van@ours.example"] == 404
    for path in ("/groups", f"/users/{ANNA}/memberOf"):
        assert desk.get(path)["value"] == []
    error = desk.ask("GET", "/users", headers={"Authorization": "Bearer x"})
    assert (error.status_code, error.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


@judge("as n8n: a hundred a page with empty filters, filters by state and time, subfolders, attachments, MIME")
def n8n(desk: Desk) -> None:
    simple = "id,conversationId,subject,bodyPreview,from,toRecipients,categories,hasAttachments"
    rows = desk.all("/me/messages", user=ANNA, top=100, select=simple, filter="")
    assert len(rows) > 26
    span = "receivedDateTime ge 2026-03-01T02:00:00.000Z and receivedDateTime le 2026-03-01T04:00:00.000Z"
    found = desk.all("/me/messages", user=ANNA, top=100, select=simple, filter=f"isRead eq false and {span}")
    assert {row["subject"] for row in found} <= {"Offer 2 报价", "Offer 3 报价", "Offer 4 报价", "Offer 10 报价"}
    assert {"Offer 3 报价", "Offer 4 报价"} <= {row["subject"] for row in found}
    named = "(from/emailAddress/address eq 'li@buyer.example' or from/emailAddress/name eq '李娜') and hasAttachments eq true"
    (papers,) = [r for r in desk.all("/me/messages", user=ANNA, filter=named) if r["subject"] == "Offer 3 报价"]
    own = f"/me/messages/{papers['id']}"
    (file,) = desk.all(f"{own}/attachments", user=ANNA, top=100)
    assert (b64decode(file["contentBytes"]), file["@odata.type"]) == (PDF, "#microsoft.graph.fileAttachment")
    raw = desk.ask("GET", f"{own}/attachments/{file['id']}/$value", user=ANNA)
    assert (raw.content, raw.headers["content-type"]) == (PDF, "application/pdf")
    mime = desk.ask("GET", f"{own}/$value", user=ANNA)
    assert b"Message-ID: <judge.3@buyer.example>" in mime.content
    tree = desk.all("/me/mailFolders", user=ANNA, top=100)
    buyers = next(row for row in tree if row["displayName"] == "Buyers")
    assert buyers["childFolderCount"] == 1
    (asia,) = desk.get(f"/me/mailFolders/{buyers['id']}/childFolders", user=ANNA)["value"]
    (old,) = desk.all(f"/me/mailFolders/{asia['id']}/messages", user=ANNA, top=100)
    assert old["subject"] == "Old order"


@judge("as n8n's trigger: what came since the last look, by time, newest look exclusive")
def trigger(desk: Desk) -> None:
    since, until = "2026-05-01T00:00:00Z", "2026-05-01T00:00:01Z"
    made = [desk.act(desk.vendor.deliver_to, ANNA, make_mail(1464 + n), at=at(1464)) for n in range(2)]
    ask = {"filter": f"receivedDateTime ge {since} and receivedDateTime lt {until}", "top": 100}
    rows = desk.all("/me/messages", user=ANNA, prefer=IMMUTABLE, **ask)
    assert sorted(row["id"] for row in rows) == sorted(made)
    assert sorted(row["subject"] for row in rows) == ["Offer 1464 报价", "Offer 1465 报价"]
    late = {"filter": f"receivedDateTime ge {until} and receivedDateTime lt 2026-05-02T00:00:00Z"}
    assert desk.all("/me/messages", user=ANNA, **late) == []
    folder = desk.get("/me/mailFolders/inbox", user=ANNA)["id"]
    inside = {"filter": f"({ask['filter']}) and parentFolderId eq '{folder}'"}
    assert len(desk.all("/me/messages", user=ANNA, **inside)) == 2


@judge("as Twenty: ids of a folder by delta at beta, 999 a page, then twenty mails a batch as text")
def twenty(desk: Desk) -> None:
    prefer = f"odata.maxpagesize=999, {IMMUTABLE}"
    rows, page = [], desk.get("/beta/me/mailfolders/inbox/messages/delta?$select=id", user=ANNA, prefer=prefer)
    rows += page["value"]
    while "@odata.deltaLink" not in page:
        page = desk.get(page["@odata.nextLink"], user=ANNA, prefer=prefer)
        rows += page["value"]
    ids = list(dict.fromkeys(row["id"] for row in rows))
    held = desk.all("/me/mailFolders/inbox/messages", user=ANNA, prefer=IMMUTABLE, select="id,subject", top=500)
    named = {row["id"]: row["subject"] for row in held}
    assert set(ids) == set(named)
    assert "Offer 12 报价" in named.values()
    head = {"Content-Type": "application/json", "Prefer": f"{TEXT}, {IMMUTABLE}"}
    seen: dict[str, Any] = {}
    for start in range(0, len(ids), 20):
        some = ids[start : start + 20]
        parts = [
            {"id": str(n), "method": "GET", "url": f"/me/messages/{name}", "headers": head}
            for n, name in enumerate(some, 1)
        ]
        told = desk.batch(parts, user=ANNA)
        assert {part["status"] for part in told.values()} == {200}
        seen |= {some[int(n) - 1]: part["body"] for n, part in told.items()}
    assert {mail["id"]: mail["subject"] for mail in seen.values()} == named
    assert any(mail["body"]["content"].strip() == "Dear Anna, please quote 12." for mail in seen.values())
    assert {mail["body"]["contentType"] for mail in seen.values()} == {"text"}
    new = desk.act(desk.vendor.deliver_to, ANNA, make_mail(70), at=at(70))
    desk.act(desk.vendor.move, ANNA, ids[0], "archive")
    page = desk.get(page["@odata.deltaLink"], user=ANNA, prefer=prefer)
    told = list(page["value"])
    while "@odata.deltaLink" not in page:
        page = desk.get(page["@odata.nextLink"], user=ANNA, prefer=prefer)
        told += page["value"]
    assert {row["id"] for row in told if "@removed" in row} == {ids[0]}
    assert {row["id"] for row in told if "@removed" not in row} == {new}


@judge("by each spelling of delta, of a folder and of a mailbox")
def spellings(desk: Desk) -> None:
    folder = desk.get(f"/users/{ANNA}/mailFolders/inbox")["id"]
    user = desk.get(f"/users/{ANNA}", select="id")["id"]
    found = []
    for base in (
        f"/users/{ANNA}/mailFolders/inbox",
        f"/users/{user}/mailfolders/INBOX",
        f"/Users('{ANNA}')/mailFolders('Inbox')",
        f"/users/{ANNA}/mailFolders/{folder}",
        f"/users/sales@ours.example/mailFolders('{folder}')",
    ):
        for name in ("delta", "delta()", "microsoft.graph.delta()"):
            rows = desk.all(f"{base}/messages/{name}", prefer="odata.maxpagesize=100", select="id")
            found.append({row["id"] for row in rows})
    assert all(each == found[0] != set() for each in found)
    for name in ("delta", "delta()", "microsoft.graph.delta()"):
        assert folder in {row["id"] for row in desk.all(f"/users/{ANNA}/mailFolders/{name}")}
    error = desk.get(f"/users/{ANNA}/messages/delta", 400)["error"]
    assert "Change tracking is not supported" in error["message"]


@judge(
    "as small readers: an app of the older sign-in, a folder's newest, times in another zone, whole folders expanded"
)
def readers(desk: Desk) -> None:
    old = desk.sign_in(path="oauth2/token", grant_type="client_credentials", resource="https://graph.microsoft.com")
    assert (old["resource"], old["expires_in"]) == ("https://graph.microsoft.com", "3599")
    head = {"Authorization": f"Bearer {old['access_token']}"}
    path = f"/v1.0/users/{ANNA}/mailFolders/Inbox/messages?$top=5&$orderby=receivedDateTime desc"
    answer = desk.http.get(path, headers=head)
    times = [row["receivedDateTime"] for row in answer.json()["value"]]
    assert (len(times), times) == (5, sorted(times, reverse=True))
    ask = {"filter": "internetMessageId eq '<judge.9@buyer.example>'", "select": "receivedDateTime"}
    (here,) = desk.get(f"/users/{ANNA}/messages", **ask)["value"]
    (there,) = desk.get(f"/users/{ANNA}/messages", prefer='outlook.timezone="China Standard Time"', **ask)["value"]
    assert (here["receivedDateTime"], there["receivedDateTime"]) == (
        "2026-03-01T09:00:00Z",
        "2026-03-01T17:00:00+08:00",
    )
    whole = desk.get(f"/users/{ANNA}/mailFolders", expand="childFolders", top=50, includeHiddenFolders="true")["value"]
    (buyers,) = [row for row in whole if row["displayName"] == "Buyers"]
    assert [row["displayName"] for row in buyers["childFolders"]] == ["Asia"]
    found = desk.get(f"/users/{ANNA}/messages", search='"from:li AND subject:order"', top=25, select="subject")
    assert "Old order" in [row["subject"] for row in found["value"]]
    with_files = desk.get(f"/users/{ANNA}/messages", filter="hasAttachments eq true", expand="attachments", top=50)[
        "value"
    ]
    (papers,) = [row for row in with_files if row["subject"] == "Offer 3 报价"]
    assert b64decode(papers["attachments"][0]["contentBytes"]) == PDF


# ------------------------------------------------------------------------------------------------------------- batches


@judge("sends a batch with dependencies, writes, MIME and misses, and gets a status for each")
def mixed(desk: Desk) -> None:
    mail = desk.act(desk.vendor.deliver_to, ANNA, make_mail(71), at=at(71))
    own = f"/users/{ANNA}/messages/{mail}"
    told = desk.batch(
        [
            {"id": "1", "method": "PATCH", "url": own, "headers": JSON, "body": {"isRead": True}},
            {"id": "2", "method": "GET", "url": f"{own}?$select=isRead", "dependsOn": ["1"]},
            {"id": "3", "method": "GET", "url": f"{own}/$value"},
            {"id": "4", "method": "GET", "url": f"/users/{ANNA}/messages/nonsense"},
            {"id": "5", "method": "GET", "url": own, "dependsOn": ["4"]},
            {"id": "6", "method": "GET", "url": "/me"},
            {"id": "7", "method": "GET", "url": f"users/{BO}?$select=mail"},
            {"id": "8", "method": "GET", "url": "/v1.0/users"},
        ]
    )
    assert {n: part["status"] for n, part in told.items()} == {
        "1": 200,
        "2": 200,
        "3": 200,
        "4": 400,
        "5": 424,
        "6": 400,
        "7": 200,
        "8": 400,
    }
    assert (told["2"]["body"]["isRead"], told["7"]["body"]["mail"]) == (True, BO)
    assert b"judge.71@buyer.example" in b64decode(told["3"]["body"])
    assert told["4"]["body"]["error"]["code"] == "ErrorInvalidIdMalformed"
    assert told["8"]["body"]["error"]["message"] == "Resource not found for the segment 'v1.0'."


@judge("sees a crowded mailbox refuse parts of a batch, and single calls beyond the fourth")
def crowded(desk: Desk) -> None:
    desk.act(desk.vendor.set_limits, concurrent=2)
    parts = [{"id": str(n), "method": "GET", "url": f"/users/{ANNA}/messages?$top=1"} for n in range(4)]
    told = desk.batch(parts)
    refused = [part for part in told.values() if part["status"] == 429]
    assert (len(refused), len(told)) == (2, 4)
    assert all(int(part["headers"]["Retry-After"]) >= 1 for part in refused)
    assert refused[0]["body"]["error"]["code"] == "ApplicationThrottled"
    assert "MailboxConcurrency" in refused[0]["body"]["error"]["message"]
    desk.act(desk.vendor.set_limits, concurrent=4, service_seconds=0.3)
    desk.app()
    with ThreadPoolExecutor(6) as six:
        codes = [a.status_code for a in six.map(lambda _: desk.ask("GET", f"/users/{ANNA}/messages"), range(6))]
    assert sorted(codes) == [200, 200, 200, 200, 429, 429]
    desk.act(desk.vendor.set_limits, service_seconds=0.0)


@judge("is refused batches that are wrong as a whole: too many, doubled ids, absolute, bare writes, nonsense")
def wrong_batches(desk: Desk) -> None:
    one = {"id": "1", "method": "GET", "url": f"/users/{ANNA}"}
    assert desk.batch([one | {"id": str(n)} for n in range(21)], 400)["code"] == "MaximumValueExceeded"
    base = f"{desk.http.base_url}v1.0" if str(desk.http.base_url).endswith("/") else f"{desk.http.base_url}/v1.0"
    for parts in (
        [one, one],
        [one | {"url": f"{base}/users/{ANNA}"}],
        [one | {"url": f"https://graph.microsoft.com/v1.0/users/{ANNA}"}],
        [{"id": "1", "method": "POST", "url": f"/users/{ANNA}/messages/x/send"}],
        [one | {"dependsOn": ["7"]}],
        [{"method": "GET", "url": "/me"}],
        [],
    ):
        assert desk.batch(parts, 400)["code"] == "BadRequest", parts
    answer = desk.ask("POST", "/$batch", content=b"{", headers=JSON)
    assert answer.status_code == 400


# -------------------------------------------------------------------------------------------------------------- writing


@judge("as automation tools: sends MIME and JSON, drafts by MIME, links a file, categorises, moves by name")
def automation(desk: Desk) -> None:
    raw = b64encode(make_mail(72, subject="By MIME", to=BO))
    answer = desk.ask("POST", "/me/sendMail", user=ANNA, content=raw, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.content) == (202, b"")
    newest = desk.get(f"/users/{BO}/mailFolders/inbox/messages", top=1, select="subject,from")["value"][0]
    assert newest["subject"] == "By MIME"
    wish = {"subject": "By JSON", "toRecipients": [{"emailAddress": {"address": BO}}]}
    wish |= {"body": {"contentType": "HTML", "content": "<b>Hello 你好</b>"}}
    desk.post("/me/sendMail", {"message": wish, "saveToSentItems": "true"}, 202, user=ANNA)
    (sent,) = desk.get("/me/mailFolders/SentItems/messages", user=ANNA, top=1)["value"]
    assert (sent["subject"], "你好" in sent["body"]["content"]) == ("By JSON", True)
    answer = desk.ask("POST", "/me/messages", user=ANNA, content=raw, headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["isDraft"], answer.json()["subject"]) == (201, True, "By MIME")
    draft = f"/me/messages/{answer.json()['id']}"
    assert answer.headers["location"].endswith(f"/messages/{answer.json()['id']}")
    link = {"@odata.type": "#microsoft.graph.referenceAttachment", "name": "list", "sourceUrl": "https://x.example/1"}
    made = desk.post(f"{draft}/attachments", link, 201, user=ANNA)
    refused = desk.ask("GET", f"{draft}/attachments/{made['id']}/$value", user=ANNA)
    assert refused.status_code == 405
    patched = desk.ask("PATCH", draft, user=ANNA, json={"categories": ["Blue"], "flag": {"flagStatus": "complete"}})
    assert (patched.json()["categories"], patched.json()["flag"]["flagStatus"]) == (["Blue"], "complete")
    moved = desk.post(f"{draft}/move", {"DestinationId": "deleteditems"}, 201, user=ANNA)
    assert desk.ask("DELETE", f"/me/messages/{moved['id']}", user=ANNA).status_code == 204
    assert desk.get(f"/me/messages/{moved['id']}", 404, user=ANNA)["error"]["code"] == "ErrorItemNotFound"


@judge("is told of versions, paths, methods, JSON and options that are wrong")
def wrong(desk: Desk) -> None:
    answer = desk.ask("GET", f"{desk.http.base_url}/v9/users".replace("//v9", "/v9"))
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid version.")
    assert desk.get("/nonsense", 400)["error"]["message"] == "Resource not found for the segment 'nonsense'."
    assert desk.get(f"/users/{ANNA}/messages/x/nonsense", 400)["error"]["code"] == "RequestBroker--ParseUri"
    assert desk.ask("PUT", f"/users/{ANNA}/messages", json={}).status_code == 405
    assert desk.ask("POST", f"/users/{ANNA}/messages", content=b"{", headers=JSON).status_code == 400
    for query in ({"top": "x"}, {"top": 0}, {"filter": "isRead eq"}, {"orderby": "nonsense"}, {"nonsense": 1}):
        assert desk.get(f"/users/{ANNA}/messages", 400, **query)["error"]["innerError"]["request-id"]
    bare = desk.http.get("/v1.0/me")
    assert (bare.status_code, bare.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    asked = {"client-request-id": "7f1b1b6e-0000-4000-8000-000000000001"}
    answer = desk.ask("GET", f"/users/{ANNA}", headers=asked)
    assert (answer.headers["client-request-id"], bool(answer.headers["request-id"])) == (*asked.values(), True)
    told = desk.sign_in(status=401, grant_type="client_credentials", scope="x/.default", client_secret="no")
    assert told["error_uri"].endswith("code=7000215")
