"""Google's token endpoint and consent page, as far as Gmail clients meet them.

https://developers.google.com/identity/protocols/oauth2/service-account and .../native-app.
"""

from __future__ import annotations

import hashlib
import html
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tradepost.sandbox.gmail.strictness import Strictness

AUDIENCE = "https://oauth2.googleapis.com/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE = timedelta(seconds=3599)
CODE_LIFE = timedelta(minutes=10)
MAX_ASSERTION = timedelta(hours=1)
SKEW = timedelta(minutes=5)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class OAuthError(Exception):
    """An answer of the token endpoint: status, `error` and `error_description`."""

    def __init__(self, error: str, description: str = "Bad Request", status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account with one key; `scopes` is the admin's list for its domain-wide delegation."""

    email: str
    client_id: str
    key_id: str
    private_pem: str
    public_pem: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """An installed-app OAuth client (type "Desktop app")."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class Token:
    """An access token: whose mailbox it opens ('' for a service account's own), and with which scopes."""

    user: str
    scopes: tuple[str, ...]
    expires: datetime
    grant: str = ""  # the refresh token it came from


@dataclass(frozen=True, slots=True)
class Grant:
    """What a refresh token stands for."""

    client_id: str
    user: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    method: str
    offline: bool
    expires: datetime


@dataclass(slots=True)
class Consent:
    """What the person at the consent page does: nothing (the page is shown), or at once grants or denies as `user`."""

    user: str = ""
    deny: bool = False
    scopes: tuple[str, ...] = ()  # granted instead of those asked for, as when boxes are left unticked


@dataclass(slots=True)
class Directory:
    """Accounts, clients and live tokens. `find_user` gives the primary address of a mailbox of the domain, or None."""

    random: Random
    find_user: Callable[[str], str | None]
    strictness: Strictness = field(default_factory=Strictness)
    accounts: dict[str, ServiceAccount] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    consented: set[tuple[str, str]] = field(default_factory=set)
    consent: Consent = field(default_factory=Consent)

    def _opaque(self, prefix: str, size: int = 48) -> str:
        return prefix + urlsafe_b64encode(self.random.randbytes(size)).decode().rstrip("=")

    # ------------------------------------------------------------------------------------------------------ creation

    def create_service_account(self, name: str, project: str, scopes: tuple[str, ...]) -> ServiceAccount:
        private, public = _key_pair(name)
        email = f"{name}@{project}.iam.gserviceaccount.com"
        client_id = str(10**20 + self.random.randrange(9 * 10**20))
        key_id = self.random.randbytes(20).hex()
        account = ServiceAccount(email, client_id, key_id, private, public, scopes)
        self.accounts[email] = account
        return account

    def create_client(self, project_number: str) -> Client:
        number = self.random.getrandbits(100)
        client = Client(f"{project_number}-{number:x}.apps.googleusercontent.com", self._opaque("GOCSPX-", 21))
        self.clients[client.client_id] = client
        return client

    def delegate(self, email: str, scopes: tuple[str, ...]) -> None:
        """Change the admin's list of a service account. Raises KeyError."""
        self.accounts[email] = replace(self.accounts[email], scopes=scopes)

    def grant(self, client_id: str, user: str, scopes: tuple[str, ...]) -> str:
        """A refresh token for a client. Raises KeyError for an unknown one."""
        refresh = self._opaque("1//0", 64)
        self.grants[refresh] = Grant(self.clients[client_id].client_id, user, scopes)
        return refresh

    # -------------------------------------------------------------------------------------------------------- tokens

    def lookup(self, token: str, now: datetime) -> Token | None:
        found = self.tokens.get(token)
        return found if found and (found.expires > now or not self.strictness.tokens_expire) else None

    def _issue(self, user: str, scopes: tuple[str, ...], now: datetime, grant: str = "") -> dict[str, Any]:
        token = self._opaque("ya29.", 72)
        self.tokens[token] = Token(user, scopes, now + LIFE, grant)
        return {
            "access_token": token,
            "expires_in": int(LIFE.total_seconds()),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }

    def exchange(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """What POST /token answers. Raises `OAuthError`."""
        kind = form.get("grant_type", "")
        if kind == JWT_GRANT:
            return self._from_assertion(form.get("assertion", ""), now)
        if kind == "authorization_code":
            return self._from_code(form, now)
        if kind == "refresh_token":
            return self._from_refresh(form, now)
        raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _from_assertion(self, assertion: str, now: datetime) -> dict[str, Any]:
        account, claims = self._verify(assertion)
        if self.strictness.assertion_times:
            _check_times(claims, now)
        if claims.get("aud") != AUDIENCE and self.strictness.assertion_audience:
            raise OAuthError("invalid_grant", f"Invalid JWT: Failed audience check. The right audience is {AUDIENCE}")
        scopes = tuple(dict.fromkeys(str(claims.get("scope", "")).split()))
        if not scopes:
            raise OAuthError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        subject = str(claims.get("sub") or account.email).lower()
        if subject == account.email.lower():
            return self._shown(self._issue("", scopes, now))
        if self.strictness.delegation_scopes and not set(scopes) <= set(account.scopes):
            raise OAuthError(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized "
                "for any of the scopes requested.",
                401,
            )
        user = self.find_user(subject)
        if user is None:
            raise OAuthError("invalid_grant", "Invalid email or User ID")
        return self._shown(self._issue(user, scopes, now))

    @staticmethod
    def _shown(answer: dict[str, Any]) -> dict[str, Any]:
        """A service account's answer names no scopes."""
        return {name: value for name, value in answer.items() if name != "scope"}

    def _verify(self, assertion: str) -> tuple[ServiceAccount, dict[str, Any]]:
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_request", "Bad Request") from error
        account = self.accounts.get(str(claims.get("iss")))
        if account is None:
            raise OAuthError("invalid_grant", "Invalid grant: account not found")
        try:
            # Times are judged by the injected clock, not by the library's.
            return account, jwt.decode(
                assertion,
                account.public_pem,
                algorithms=["RS256"],
                options={
                    "verify_signature": self.strictness.assertion_signatures,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "verify_aud": False,
                },
            )
        except jwt.PyJWTError as error:
            raise OAuthError("invalid_grant", "Invalid JWT Signature.") from error

    def _client(self, form: Mapping[str, str]) -> Client:
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        if form.get("client_secret") != client.secret:
            raise OAuthError("invalid_client", "Unauthorized", 401)
        return client

    def _from_code(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        client = self._client(form)
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.grant.client_id != client.client_id or code.expires <= now:
            raise OAuthError("invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError("redirect_uri_mismatch")
        _check_verifier(code, form.get("code_verifier", ""))
        if not code.offline:
            return self._issue(code.grant.user, code.grant.scopes, now)
        refresh = self._opaque("1//0", 64)
        self.grants[refresh] = code.grant
        return self._issue(code.grant.user, code.grant.scopes, now, refresh) | {"refresh_token": refresh}

    def _from_refresh(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        client = self._client(form)
        refresh = form.get("refresh_token", "")
        grant = self.grants.get(refresh)
        if grant is None or grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "Token has been expired or revoked.")
        return self._issue(grant.user, grant.scopes, now, refresh)

    def revoke(self, token: str) -> None:
        """Ends a refresh token and the access tokens made from it, or an access token and its refresh token."""
        known = self.tokens.get(token)
        refresh = known.grant if known and known.grant else token
        if known is None and refresh not in self.grants:
            raise OAuthError("invalid_token", "Token expired or revoked")
        self.grants.pop(refresh, None)
        self.tokens = {
            name: value for name, value in self.tokens.items() if name != token and (value.grant or None) != refresh
        }

    # ------------------------------------------------------------------------------------------------------- consent

    def authorize(self, query: Mapping[str, str], now: datetime) -> str:
        """Where the consent page sends the browser; '' when a person has to choose first. Raises `OAuthError`."""
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
        target = urlsplit(query.get("redirect_uri", ""))
        if target.scheme != "http" or target.hostname not in _LOOPBACK:
            raise OAuthError("redirect_uri_mismatch", "The redirect URI in the request does not match.")
        if query.get("response_type") != "code" or not query.get("scope"):
            raise OAuthError("invalid_request", "Required parameter is missing or wrong: response_type, scope")
        deny = self.consent.deny or query.get("deny") == "1"
        user = self.find_user(self.consent.user or query.get("login_hint", ""))
        if deny:
            return _redirect(query, {"error": "access_denied"})
        return self._grant(query, client, user, now) if user else ""

    def _grant(self, query: Mapping[str, str], client: Client, user: str, now: datetime) -> str:
        scopes = self.consent.scopes or tuple(dict.fromkeys(query["scope"].split()))
        first = (client.client_id, user) not in self.consented
        self.consented.add((client.client_id, user))
        anew = first or "consent" in query.get("prompt", "") or not self.strictness.refresh_token_once
        offline = query.get("access_type") == "offline" and anew
        name = self._opaque("4/0A")
        self.codes[name] = Code(
            Grant(client.client_id, user, scopes),
            query["redirect_uri"],
            query.get("code_challenge", ""),
            query.get("code_challenge_method", "plain"),
            offline,
            now + CODE_LIFE,
        )
        return _redirect(query, {"code": name, "scope": " ".join(scopes)})


@cache
def _key_pair(name: str) -> tuple[str, str]:  # noqa: ARG001 - another name, another key
    """An RSA key as PEM, private and public. Kept for the process, since thousands of short simulations want one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def _redirect(query: Mapping[str, str], answer: dict[str, str]) -> str:
    state = {"state": query["state"]} if "state" in query else {}
    glue = "&" if urlsplit(query["redirect_uri"]).query else "?"
    return f"{query['redirect_uri']}{glue}{urlencode(state | answer)}"


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = claims.get("iat"), claims.get("exp")
    moment = now.timestamp()
    right = (
        isinstance(issued, int | float)
        and isinstance(expires, int | float)
        and expires - issued <= MAX_ASSERTION.total_seconds()
        and issued <= moment + SKEW.total_seconds()
        and expires > moment
    )
    if not right:
        raise OAuthError(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat "
            "and exp values in the JWT claim.",
        )


def _check_verifier(code: Code, verifier: str) -> None:
    """RFC 7636."""
    if not code.challenge:
        return
    if not verifier:
        raise OAuthError("invalid_grant", "Missing code verifier.")
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if (digest if code.method == "S256" else verifier) != code.challenge:
        raise OAuthError("invalid_grant", "Invalid code verifier.")


def consent_page(query: Mapping[str, str], users: list[str]) -> str:
    """A page that lets a person choose which mailbox signs in, or refuse."""
    links = [
        f'<li><a href="?{html.escape(urlencode(dict(query) | {"login_hint": user}))}">{html.escape(user)}</a></li>'
        for user in users
    ]
    deny = html.escape(urlencode(dict(query) | {"deny": "1"}))
    scopes = "".join(f"<li>{html.escape(scope)}</li>" for scope in query.get("scope", "").split())
    return (
        "<!DOCTYPE html><html><head><title>Sign in - sandbox</title></head><body><h1>Choose an account</h1>"
        f'<ul>{"".join(links)}</ul><p>It will allow:</p><ul>{scopes}</ul><p><a href="?{deny}">Cancel</a></p></body>'
        "</html>"
    )
