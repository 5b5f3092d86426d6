"""A tenant with two sales people, and a client that signs in to it on virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from random import Random
from typing import Any

import httpx

from tradepost.sandbox.graph import GraphVendor, Strictness
from tradepost.sandbox.kernel import Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

ANNA, BO, SHARED = "anna@ours.example", "bo@ours.example", "orders@ours.example"
GRAPH, LOGIN = "https://graph.microsoft.com", "https://login.microsoftonline.com"
IMMUTABLE = 'IdType="ImmutableId"'
EVERYTHING = ("Mail.ReadWrite", "Mail.Send", "User.Read.All", "MailboxSettings.Read")


def make_mail(
    subject: str = "Quotation 10",
    *,
    sender: str = "Li Wei <li@buyer.example>",
    to: str = ANNA,
    text: str = "Dear Anna, please quote.",
    html: str = "",
    message_id: str = "",
    references: str = "",
    **headers: str,
) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = "Mon, 02 Mar 2026 07:00:00 +0000"
    if message_id:
        mail["Message-ID"] = f"<{message_id}>"
    if references:
        mail["References"] = " ".join(f"<{r}>" for r in references.split())
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    return mail.as_bytes()


def said(answer: httpx.Response) -> tuple[int, str]:
    """(status, error code) of an answer of Graph or of the identity platform; no code where it is no error."""
    error = answer.json().get("error", "") if answer.content else ""
    return answer.status_code, error if isinstance(error, str) else error["code"]


@dataclass
class Desk:
    vendor: GraphVendor
    clock: VirtualClock
    http: httpx.AsyncClient
    transport: InProcessTransport
    tokens: dict[str, str] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------------------- signing in

    async def token_answer(self, host: str = LOGIN, *, tenant: str = "", **form: Any) -> httpx.Response:
        app = self.vendor.registered()
        made = {
            "grant_type": "client_credentials",
            "client_id": app.client_id,
            "client_secret": app.secrets[-1].value,
            "scope": f"{GRAPH}/.default",
        } | form
        url = f"{host}/{tenant or self.vendor.directory.tenant}/oauth2/v2.0/token"
        return await self.http.post(url, data={k: v for k, v in made.items() if v is not None})

    async def token(self, *, fresh: bool = False) -> str:
        if fresh or "" not in self.tokens:
            answer = await self.token_answer()
            assert answer.status_code == 200, answer.text
            self.tokens[""] = answer.json()["access_token"]
        return self.tokens[""]

    async def user_token(self, user: str, *scopes: str) -> str:
        """A token of a signed-in user."""
        refresh = self.vendor.refresh_token(user, scopes=scopes or ("Mail.Read",))
        answer = await self.token_answer(
            grant_type="refresh_token", refresh_token=refresh, scope=None, client_secret=None
        )
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["access_token"]
        return found

    # ------------------------------------------------------------------------------------------------------------ calls

    async def call(
        self,
        path: str,
        *,
        method: str = "GET",
        user: str = ANNA,
        prefer: str = "",
        token: str = "",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        **params: Any,
    ) -> httpx.Response:
        """`path` is below the user, or below the version when it starts with a slash, or whole."""
        url = path
        if path.startswith("/"):
            url = f"{GRAPH}/v1.0{path}"
        elif not path.startswith("http"):
            url = f"{GRAPH}/v1.0/users/{user}/{path}" if path else f"{GRAPH}/v1.0/users/{user}"
        sent = {"Authorization": f"Bearer {token or await self.token()}", **(headers or {})}
        if prefer:
            sent["Prefer"] = prefer
        query = {f"${k}" if k not in ("changeType", "includeHiddenFolders") else k: v for k, v in params.items()}
        return await self.http.request(method, url, params=query or None, headers=sent, json=json, content=content)

    async def get(self, path: str, **more: Any) -> dict[str, Any]:
        answer = await self.call(path, **more)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def post(self, path: str, json: Any = None, **more: Any) -> dict[str, Any]:
        return await self.get(path, method="POST", json=json or {}, **more)

    async def error(self, path: str, **more: Any) -> tuple[int, str]:
        """(status, code) of an answer, which must be an error."""
        answer = await self.call(path, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["error"]["code"]

    async def pages(self, path: str, **more: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        prefer = more.get("prefer", "")
        found = [await self.get(path, **more)]
        while "@odata.nextLink" in found[-1]:
            found.append(await self.get(found[-1]["@odata.nextLink"], prefer=prefer))
        return found

    async def all(self, path: str, **more: Any) -> list[dict[str, Any]]:
        return [row for page in await self.pages(path, **more) for row in page["value"]]

    async def round(self, link: str = "", *, prefer: str = IMMUTABLE, **more: Any) -> tuple[list[dict[str, Any]], str]:
        """A whole round of the inbox's delta, or from a link on: (items as they came, deltaLink)."""
        pages = await self.pages(link or "mailFolders/inbox/messages/delta", prefer=prefer, **more)
        return [row for page in pages for row in page["value"]], pages[-1]["@odata.deltaLink"]

    async def batch(self, requests: Sequence[Mapping[str, Any]], **more: Any) -> httpx.Response:
        return await self.call("/$batch", method="POST", json={"requests": list(requests)}, **more)

    async def gets(self, paths: Sequence[str], *, user: str = ANNA) -> dict[str, dict[str, Any]]:
        """A batch of reads: id, counted from 1 -> answer."""
        parts = [{"id": str(n), "method": "GET", "url": f"/users/{user}/{path}"} for n, path in enumerate(paths, 1)]
        answer = await self.batch(parts)
        assert answer.status_code == 200, answer.text
        return {part["id"]: part for part in answer.json()["responses"]}

    def fault(self, **more: Any) -> None:
        self.vendor.world.faults.add(Fault(vendor="graph", **more))


Scenario = Callable[[Desk], Awaitable[None]]


async def on_fresh_desk(scenario: Scenario, strict: Strictness) -> None:
    """Run a scenario in a fresh tenant; on virtual time the caller has started."""
    clock = VirtualClock()
    vendor = GraphVendor(World(clock=clock, random=Random(1)), strict=strict)
    vendor.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna Berg")
    vendor.add_mailbox(BO, language="zh")
    vendor.register_app("tradepost", roles=EVERYTHING, scopes=(*EVERYTHING, "Mail.Read", "Mail.Read.Shared"))
    transport = InProcessTransport(dict.fromkeys(vendor.hosts, vendor), clock)
    async with httpx.AsyncClient(transport=transport, timeout=30) as http:
        await scenario(Desk(vendor, clock, http, transport))
    await transport.drain()


def runner(strict: Strictness | None = None) -> Callable[[Scenario], None]:
    """What the fixture `on_desk` gives: runs a scenario with a fresh tenant."""
    return lambda scenario: run(on_fresh_desk(scenario, strict or Strictness()))
