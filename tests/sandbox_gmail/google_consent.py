"""The consent page of an installed application, and what becomes of it."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.sandbox_gmail.desk import Desk, G
from tradepost.sandbox.gmail.auth import AUDIENCE

READONLY = f"{G}readonly"
VERIFIER = "v" * 50
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def desktop_client(desk: Desk) -> dict[str, str]:
    return dict(desk.vendor.client_file("https://accounts.google.com")["installed"])


def consent_query(client: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "client_id": client["client_id"],
        "redirect_uri": "http://127.0.0.1:8765/",
        "response_type": "code",
        "scope": READONLY,
        "access_type": "offline",
        "prompt": "consent",
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | more


async def consent(desk: Desk, client: dict[str, str], **more: str) -> httpx.Response:
    return await desk.http.get("https://accounts.google.com/o/oauth2/v2/auth", params=consent_query(client, **more))


def landing(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def swap(desk: Desk, client: dict[str, str], code: str, **more: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "redirect_uri": "http://127.0.0.1:8765/",
        "code_verifier": VERIFIER,
    } | more
    return await desk.http.post(AUDIENCE, data=form)
