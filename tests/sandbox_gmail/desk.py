"""A Workspace domain with two sales people, and a client that signs in as one of them on virtual time."""

from __future__ import annotations

import base64
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email import message_from_string
from email.message import EmailMessage
from functools import cache
from random import Random
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tradepost.sandbox.gmail.auth import AUDIENCE, JWT_GRANT
from tradepost.sandbox.gmail.strictness import Strictness
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock, run

ANNA, BO = "anna@ours.example", "bo@ours.example"
G = "https://www.googleapis.com/auth/gmail."
FULL = "https://mail.google.com/"
ALL_SCOPES = (FULL, f"{G}modify", f"{G}readonly", f"{G}metadata", f"{G}settings.basic")


def make_mail(
    subject: str = "Quotation 10",
    *,
    sender: str = "Li Wei <li@buyer.example>",
    to: str = ANNA,
    text: str = "Dear Anna, please quote.",
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
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def unpad(data: str) -> bytes:
    return base64.urlsafe_b64decode(data + "===")


@cache
def private_key(pem: str) -> Any:
    """The key of a PEM file; reading one takes longer than signing with it."""
    return load_pem_private_key(pem.encode(), None)


@dataclass
class Desk:
    vendor: GmailVendor
    clock: VirtualClock
    http: httpx.AsyncClient
    tokens: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    async def token_answer(self, user: str = ANNA, scopes: Sequence[str] = (FULL,), **claims: Any) -> httpx.Response:
        key = self.vendor.key_file("https://oauth2.googleapis.com", scopes=ALL_SCOPES)
        now = int(self.clock.now().timestamp())
        made = {"iss": key["client_email"], "sub": user, "scope": " ".join(scopes), "aud": AUDIENCE}
        given: dict[str, Any] = made | {"iat": now, "exp": now + 3600} | claims
        signed = jwt.encode(
            {k: v for k, v in given.items() if v is not None}, private_key(key["private_key"]), algorithm="RS256"
        )
        return await self.http.post(f"{AUDIENCE}", data={"grant_type": JWT_GRANT, "assertion": signed})

    async def token(self, user: str = ANNA, scopes: Sequence[str] = (FULL,)) -> str:
        key = (user, tuple(scopes))
        if key not in self.tokens:
            answer = await self.token_answer(user, scopes)
            assert answer.status_code == 200, answer.text
            self.tokens[key] = answer.json()["access_token"]
        return self.tokens[key]

    async def call(
        self,
        path: str,
        *,
        method: str = "GET",
        user: str = ANNA,
        scopes: Sequence[str] = (FULL,),
        json: Any = None,
        **params: Any,
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {await self.token(user, scopes)}"}
        url = f"https://gmail.googleapis.com/gmail/v1/users/me/{path}"
        return await self.http.request(method, url, params=params, headers=headers, json=json)

    async def get(self, path: str, **more: Any) -> dict[str, Any]:
        answer = await self.call(path, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def post(self, path: str, json: Any = None, **more: Any) -> dict[str, Any]:
        return await self.get(path, method="POST", json=json, **more)

    async def ids(self, q: str = "", **more: Any) -> list[str]:
        params = {"q": q} if q else {}
        return [m["id"] for m in (await self.get("messages", **params, **more)).get("messages", [])]

    async def batch(
        self, paths: Sequence[str], *, user: str = ANNA, method: str = "GET", url: str = ""
    ) -> httpx.Response:
        parts = [
            f"--b\r\nContent-Type: application/http\r\nContent-ID: <x + {n}>\r\n\r\n{method} /gmail/v1/users/me/{path} HTTP/1.1\r\n\r\n\r\n"
            for n, path in enumerate(paths)
        ]
        return await self.http.post(
            url or "https://gmail.googleapis.com/batch/gmail/v1",
            content="".join(parts) + "--b--",
            headers={
                "Authorization": f"Bearer {await self.token(user)}",
                "Content-Type": "multipart/mixed; boundary=b",
            },
        )

    def fault(self, **more: Any) -> None:
        self.vendor.world.faults.add(Fault(vendor="gmail", **more))


Scenario = Callable[[Desk], Awaitable[None]]


async def on_fresh_desk(scenario: Scenario, strictness: Strictness | None = None) -> None:
    """Run a scenario in a fresh domain; on virtual time the caller has started."""
    clock = VirtualClock()
    vendor = GmailVendor(World(clock=clock, random=Random(1)), strictness=strictness)
    vendor.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna", labels=["Orders/2026"])
    vendor.add_mailbox(BO)
    hosts = ("gmail.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
    transport = InProcessTransport(dict.fromkeys(hosts, vendor), clock)
    async with httpx.AsyncClient(transport=transport, timeout=30) as http:
        await scenario(Desk(vendor, clock, http))
    await transport.drain()


def runner(strictness: Strictness) -> Callable[[Scenario], None]:
    """Runs a scenario on virtual time in a fresh domain with these rules."""
    return lambda scenario: run(on_fresh_desk(scenario, strictness))


def parcel() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@buyer.example", ANNA, "询价单 <urgent>"
    mail.set_content("Grüße & 您好", cte="base64")
    mail.add_alternative("<p>Hello</p>", subtype="html")
    mail.add_attachment(b"%PDF tiny", maintype="application", subtype="pdf", filename="报价.pdf")
    return mail.as_bytes()


def raw_body(raw: bytes, **more: object) -> dict[str, object]:
    return {"raw": urlsafe_b64encode(raw).decode().rstrip("=")} | more


def parts_of(answer: httpx.Response) -> list[tuple[str, int, str]]:
    """(Content-ID, status, body) of each part."""
    assert answer.status_code == 200, answer.text
    whole = message_from_string(f"Content-Type: {answer.headers['content-type']}\n\n{answer.text}")
    found = []
    for part in whole.get_payload():
        assert part.get_content_type() == "application/http"
        head, _, body = part.get_payload().replace("\r\n", "\n").partition("\n\n")
        found.append((str(part["Content-ID"]), int(head.split()[1]), body))
    return found


def statuses(answer: httpx.Response) -> list[int]:
    return [status for _, status, _ in parts_of(answer)]


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["errors"][0]["domain"], error["errors"][0]["reason"]


async def history_id(desk: Desk) -> str:
    found: str = (await desk.get("profile"))["historyId"]
    return found


async def history(desk: Desk, start: str, **more: Any) -> list[dict[str, Any]]:
    page = await desk.get("history", startHistoryId=start, **more)
    found = page.get("history", [])
    while "nextPageToken" in page:
        page = await desk.get("history", startHistoryId=start, pageToken=page["nextPageToken"], **more)
        found += page.get("history", [])
    return found
