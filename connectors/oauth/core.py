"""What all token sources share: one request at a time, a cache in memory and vault, errors a person can act on."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from connectors.base.errors import AuthFailed, BadReply, ConnectorError, OutcomeUnknown, Transient
from connectors.base.services import Call, HttpSpec, Reply, Services
from connectors.oauth.secret_ref import SecretError

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 2.1

Refused = Callable[[str, str], ConnectorError]
"""From RFC 6749 5.2's `error` and the lower-case `error_description` to what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSpec:
    """A token endpoint and how to reach it. `name` is the connection's, for logs.

    `share` is the part of a token's life for which it is used; the last two minutes are never.
    """

    name: str
    url: str
    share: float = 1.0
    timeout: float = 30.0
    proxy: str = field(default="", repr=False)
    ca_bundle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token endpoint handed out. `good_until` lies a little before the real end; None where none is told."""

    access_token: str = field(repr=False)
    good_until: datetime | None = None
    refresh_token: str = field(default="", repr=False)
    instance_url: str = ""
    scopes: tuple[str, ...] = ()


class _Answer(BaseModel):
    """RFC 6749 5.1, with Salesforce's `instance_url` and Zoho's name for it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$")
    expires_in: float | None = Field(default=None, gt=0, le=10 * 366 * 86400)
    refresh_token: str = ""
    instance_url: str = Field(default="", validation_alias=AliasChoices("instance_url", "api_domain"))
    scope: str = ""


async def ask(
    services: Services, spec: TokenSpec, form: Mapping[str, str], refused: Refused, *, safe: bool = True
) -> Grant:
    """One request to a token endpoint.

    Raises what `refused` makes of an error, and `Transient` for all that is no answer: asking for a token writes
    nothing, so a caller's own write is never in doubt because of it.
    """
    call = Call(
        operation="oauth2.token",
        method="POST",
        url=spec.url,
        safe=safe,
        form=form,
        headers={"accept": "application/json"},
        accept=frozenset({200}),
        authorised=False,
    )
    began = services.clock.now()
    http = services.open_http(_http_spec(spec, refused))
    try:
        reply = await http.send(call)
        if refusal := _refusal_with_200(reply, refused):
            raise refusal
        return _grant(_Answer.model_validate(reply.json()), began, spec.share)
    except ValidationError:
        raise Transient("The token endpoint's answer holds no usable token.", operation=call.operation) from None
    except (OutcomeUnknown, BadReply) as error:
        raise Transient(error.hint, operation=call.operation, status=error.status) from None
    finally:
        await http.close()


def trustworthy(url: str, token_url: str, domains: tuple[str, ...]) -> bool:
    """Whether tokens may go to an address that a token endpoint names: the vendor's own over TLS, or its own origin."""
    try:
        named, asked = httpx.URL(url), httpx.URL(token_url)
    except httpx.InvalidURL:
        return False
    if not named.host or named.userinfo:
        return False
    ours = any(named.host == domain or named.host.endswith(f".{domain}") for domain in domains)
    origins = [(each.scheme, each.host, each.port) for each in (named, asked)]
    return origins[0] == origins[1] or (ours and named.scheme == "https" and named.port is None)


def _http_spec(spec: TokenSpec, refused: Refused) -> HttpSpec:
    return HttpSpec(
        name=spec.name,
        base_url=spec.url,
        classify=lambda _, reply: _refusal(reply, refused),
        timeout=spec.timeout,
        proxy=spec.proxy,
        ca_bundle=spec.ca_bundle,
    )


def _grant(answer: _Answer, began: datetime, share: float) -> Grant:
    lifetime = answer.expires_in
    used = None if lifetime is None else min(max(lifetime - 120.0, lifetime / 2), lifetime * share)
    good = None if used is None else began + timedelta(seconds=used)
    return Grant(
        access_token=answer.access_token,
        good_until=good,
        refresh_token=answer.refresh_token,
        instance_url=answer.instance_url.rstrip("/"),
        scopes=tuple(answer.scope.split()),
    )


def _refusal_with_200(reply: Reply, refused: Refused) -> ConnectorError | None:
    """Zoho refuses with status 200: https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html."""
    body = reply.json()
    if (
        not isinstance(body, dict)
        or "access_token" in body
        or not isinstance(body.get("error"), str)
        or not body["error"]
    ):
        return None
    return _meaning(body, refused)


def _meaning(body: Mapping[str, Any], refused: Refused) -> ConnectorError:
    # HubSpot's older refusals name it `status`.
    code, description = str(body.get("error") or body["status"]), str(body.get("error_description", ""))
    error = refused(code, description.lower())
    error.code = code if re.fullmatch(r"[\w.-]{1,60}", code) else ""
    return error


def _refusal(reply: Reply, refused: Refused) -> ConnectorError | None:
    """The meaning of an error answer; the general rule only for a failing or busy server."""
    if reply.status in (408, 429) or not 400 <= reply.status < 500:
        return None
    try:
        return _meaning(reply.json(), refused)
    except (BadReply, LookupError, TypeError, AttributeError):
        return AuthFailed("The address for tokens answers, but not as a token endpoint does; check it.")


class FixedToken:
    """`connectors.base.services.TokenSource` of one token; `refused` is what a person is told when it holds no more."""

    def __init__(self, token: str, refused: str) -> None:
        self._token = token
        self._refused = refused

    async def token(self) -> str:
        return self._token

    async def renew(self, rejected: str) -> str:  # noqa: ARG002 - there is no other
        """Raises `AuthFailed`."""
        raise AuthFailed(self._refused)


class CachedTokens:
    """`connectors.base.services.TokenSource`; a subclass says how to ask. One instance per account.

    `vault_name` is stable across restarts and renamed connections.
    """

    def __init__(self, services: Services, spec: TokenSpec, vault_name: str) -> None:
        self._services = services
        self._spec = spec
        self._vault_name = vault_name
        self._grant: Grant | None = None
        self._rejected = ""  # refused by the vendor, and not replaced yet; the vault still has it
        self._lock = asyncio.Lock()

    async def _ask(self) -> Grant:
        raise NotImplementedError

    async def token(self) -> str:
        """A token believed to be good. Raises `AuthFailed`, `NotPermitted` or `Transient`."""
        async with self._lock:
            grant = self._fresh(self._grant) or self._fresh(await self._stored()) or await self._ask_and_store()
            self._grant = grant
            return grant.access_token

    async def renew(self, rejected: str) -> str:
        """Another token than `rejected`; several callers refused with the same one cause one request."""
        async with self._lock:
            known = self._fresh(self._grant) or self._fresh(await self._stored())
            if known is None or known.access_token == rejected:
                self._rejected = rejected
                known = await self._ask_and_store()
            self._grant = known
            return known.access_token

    def _fresh(self, grant: Grant | None) -> Grant | None:
        if grant is None or (grant.good_until is not None and grant.good_until <= self._services.clock.now()):
            return None
        return None if self._rejected and grant.access_token == self._rejected else grant

    async def _ask_and_store(self) -> Grant:
        self._grant = None
        grant = await self._ask()
        self._rejected = ""
        await store(self._services, self._vault_name, grant)
        return grant

    async def _stored(self) -> Grant | None:
        found = await self._services.vault.get(self._vault_name)
        try:
            return None if found is None else Grant(good_until=found[1], **json.loads(found[0]))
        except (ValueError, TypeError):
            return None


async def store(services: Services, vault_name: str, grant: Grant) -> None:
    """Keep the access token, and what belongs to it alone, until it ends."""
    kept = {"access_token": grant.access_token, "instance_url": grant.instance_url}
    await services.vault.put(vault_name, json.dumps(kept), grant.good_until)


@lru_cache(maxsize=64)
def private_key(pem: str, where: str) -> RSAPrivateKey:
    """Read an RSA key in PEM; once, however many mailboxes sign with it. Raises `SecretError` naming `where`."""
    mend = "It must be an RSA private key in PEM, without a passphrase (-----BEGIN PRIVATE KEY-----)."
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):  # TypeError: there is a passphrase
        raise SecretError("key_unreadable", "The private key cannot be read", where, mend) from None
    if not isinstance(key, RSAPrivateKey):
        raise SecretError("key_unreadable", "The private key is not an RSA key", where, mend)
    return key


def signed(claims: Mapping[str, Any], key: RSAPrivateKey, key_id: str = "") -> str:
    """A JWT, RS256. The times are in the claims, from the injected clock."""
    return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": key_id} if key_id else None)
