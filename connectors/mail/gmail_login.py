"""Signing one mailbox in, once, by its owner: https://developers.google.com/identity/protocols/oauth2/native-app."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from connectors.base.errors import AuthFailed, Unsupported
from connectors.base.login import Paste, Show
from connectors.base.services import Services
from connectors.mail import gmail_parse as parse
from connectors.mail.gmail_api import call_of, gmail_users, result_of
from connectors.mail.gmail_config import TOKEN_URL, GmailConfig, InstalledAppAuth, open_session, token_spec
from connectors.oauth import FixedToken, Grant, InstalledApp, authorization_url, exchange_code, keep_login

_MAX_REQUEST = 16 * 1024
_PAGE = (
    "<!DOCTYPE html><meta charset=utf-8><title>Tradepost</title><p>You can close this page and go back to Tradepost."
    "<p>可以关闭此页面，回到 Tradepost。"
).encode()


async def login(
    config: GmailConfig, address: str, services: Services, show: Show, *, paste: Paste | None = None, port: int = 0
) -> str:
    """Have the owner of `address` consent, check whose mailbox it is, keep the sign-in; answers the mailbox's address.

    Listens on 127.0.0.1 (`port` 0: any that is free) for the browser to come back. Raises `AuthFailed`, `NotPermitted`,
    `Transient`, and `Unsupported` for a connection that signs in with a service account.
    """
    auth = config.auth
    if not isinstance(auth, InstalledAppAuth):
        raise Unsupported("This connection signs in with a service account; nobody needs to log in.")
    app = InstalledApp(
        client_id=auth.client_id,
        client_secret=auth.client_secret.read(),
        scopes=config.scopes,
        authorization_url=config.authorization_url,
    )
    async with _Landing(port) as landing:
        request = authorization_url(app, landing.uri, login_hint=address)
        show(request.url)
        answer = await _first(landing, paste)
    grant = await exchange_code(services, token_spec(config, TOKEN_URL), app, request, answer)
    found = await _owner(config, services, auth.client_id, grant)
    if address.lower() not in found:
        raise AuthFailed("The consent is for another mailbox; sign in again and choose the right account.")
    await keep_login(services, auth.client_id, address, grant)
    return found[0]


class _Landing:
    """A page on the loopback interface that the browser is sent back to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.answer: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=_MAX_REQUEST)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            target = head.split(" ", 2)[1] if head.startswith("GET ") else ""
            answer = _answer_in(target)
            status = b"200 OK" if answer else b"404 Not Found"  # browsers ask for /favicon.ico too
            page = _PAGE if answer else b""
            writer.write(
                b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n"
                b"Content-Length: " + str(len(page)).encode() + b"\r\n\r\n" + page
            )
            await writer.drain()
            if answer and not self.answer.done():
                self.answer.set_result(answer)
        writer.close()


def _answer_in(address: str) -> Mapping[str, str]:
    """The query of the address the browser was sent to; empty for any other address."""
    query = dict(parse_qsl(urlsplit(address.strip()).query))
    return query if "state" in query and ("code" in query or "error" in query) else {}


async def _first(landing: _Landing, paste: Paste | None) -> Mapping[str, str]:
    """The browser's own answer, or the one typed in, whichever comes first."""
    if paste is None:
        return await landing.answer
    typing = asyncio.ensure_future(_typed(paste))
    try:
        await asyncio.wait([landing.answer, typing], return_when=asyncio.FIRST_COMPLETED)
        return (landing.answer if landing.answer.done() else typing).result()
    finally:
        typing.cancel()


async def _typed(paste: Paste) -> Mapping[str, str]:
    answer = _answer_in(await paste())
    if not answer:
        raise AuthFailed("That is not the address the browser ended at; it holds state= and code=.")
    return answer


async def _owner(config: GmailConfig, services: Services, client: str, grant: Grant) -> tuple[str, ...]:
    """Addresses of the mailbox the grant is for, its own first."""
    users = gmail_users(config.base_url)
    granted = FixedToken(grant.access_token, "Google refuses the token it has just granted; sign in again.")
    http = open_session(config, "", services, granted, client)
    try:
        profile, send_as = users.getProfile(userId="me"), users.settings().sendAs().list(userId="me")
        return parse.own_addresses(
            parse.checked(parse.Profile, result_of(profile, await http.send(call_of(profile))), "getProfile"),
            parse.checked(parse.SendAsList, result_of(send_as, await http.send(call_of(send_as))), "sendAs.list"),
        )
    finally:
        await http.close()
