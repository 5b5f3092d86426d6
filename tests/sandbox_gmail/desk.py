"""A Workspace domain with two sales people, and a client that signs in as one of them on virtual time."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from random import Random
from typing import Any

import httpx
import jwt

from tradepost.sandbox.gmail.auth import AUDIENCE, JWT_GRANT
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import VirtualClock

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
        signed = jwt.encode({k: v for k, v in given.items() if v is not None}, key["private_key"], algorithm="RS256")
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


async def on_fresh_desk(scenario: Callable[[Desk], Awaitable[None]]) -> None:
    """Run a scenario in a fresh domain; on virtual time the caller has started."""
    clock = VirtualClock()
    vendor = GmailVendor(World(clock=clock, random=Random(1)))
    vendor.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna", labels=["Orders/2026"])
    vendor.add_mailbox(BO)
    hosts = ("gmail.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")
    transport = InProcessTransport(dict.fromkeys(hosts, vendor), clock)
    async with httpx.AsyncClient(transport=transport, timeout=30) as http:
        await scenario(Desk(vendor, clock, http))
    await transport.drain()
