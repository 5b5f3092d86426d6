"""The Microsoft identity platform's token endpoint (v2.0, and v1 as older clients use it).

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, .../v2-oauth2-device-code,
.../v2-oauth2-auth-code-flow and .../certificate-credentials.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import jwt

from tradepost.sandbox.graph import assertion
from tradepost.sandbox.graph.clouds import Cloud, resource_of
from tradepost.sandbox.graph.oauth_errors import OAuthError
from tradepost.sandbox.graph.people import App, Directory, User
from tradepost.sandbox.graph.strictness import Strictness

LIFE = timedelta(seconds=3599)
REFRESH_LIFE = timedelta(days=90)
CODE_LIFE = timedelta(minutes=10)
DEVICE_LIFE = timedelta(minutes=15)
POLL_SECONDS = 5
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OPENID = frozenset({"openid", "profile", "offline_access", "email"})


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `user` is '' for an app's own; `permissions` are roles or scopes; `audience` a resource."""

    app: str
    user: str
    permissions: frozenset[str]
    audience: str
    expires: datetime
    grant: str = ""  # the refresh token it came from


@dataclass(slots=True)
class Grant:
    """What a refresh token stands for."""

    app: str
    user: str
    scopes: tuple[str, ...]
    audience: str
    expires: datetime
    revoked: bool = False


@dataclass(slots=True)
class Device:
    """A sign-in with a code. `user` is '' until somebody approves."""

    app: str
    scope: str
    user_code: str
    expires: datetime
    user: str = ""
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    app: str
    user: str
    scope: str
    redirect_uri: str
    challenge: str
    method: str
    expires: datetime
    nonce: str = ""


@dataclass(slots=True)
class Tokens:
    """Everything the platform handed out. Chance comes from a seed of its own."""

    directory: Directory
    random: Random
    strict: Strictness
    access: dict[str, Token] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    redeemed: set[str] = field(default_factory=set)

    def opaque(self, prefix: str, size: int = 48) -> str:
        return prefix + urlsafe_b64encode(self.random.randbytes(size)).decode().rstrip("=")

    def lookup(self, token: str) -> Token | None:
        return self.access.get(token)

    # --------------------------------------------------------------------------------------------------------- tokens

    def exchange(self, form: Mapping[str, str], cloud: Cloud, issuer: str, now: datetime) -> dict[str, Any]:
        """What the token endpoint answers. `issuer` is the authority with its tenant. Raises `OAuthError`."""
        kind = form.get("grant_type", "")
        if not kind:
            raise OAuthError(900144, "grant_type")
        app = self._app(form)
        if kind == "client_credentials":
            self._authenticate(app, form, issuer, now, needed=True)
            return self._for_app(app, form, cloud, now)
        if kind in (DEVICE_GRANT, "device_code"):
            self._authenticate(app, form, issuer, now, needed=not app.public_client)
            return self._from_device(app, form, cloud, issuer, now)
        if kind == "refresh_token":
            self._authenticate(app, form, issuer, now, needed=not app.public_client)
            return self._from_refresh(app, form, cloud, issuer, now)
        if kind == "authorization_code":
            self._authenticate(app, form, issuer, now, needed=not app.public_client)
            return self._from_code(app, form, cloud, issuer, now)
        raise OAuthError(70003, kind)

    def _app(self, form: Mapping[str, str]) -> App:
        client_id = form.get("client_id", "")
        if not client_id:
            raise OAuthError(900144, "client_id")
        app = self.directory.apps.get(client_id.lower())
        if app is None:
            raise OAuthError(700016, client_id)
        return app

    def _authenticate(self, app: App, form: Mapping[str, str], issuer: str, now: datetime, *, needed: bool) -> None:
        secret = form.get("client_secret", "")
        if "client_assertion" in form and form.get("client_assertion_type") == ASSERTION:
            if self.strict.assertions_verified:
                assertion.verify(form["client_assertion"], app, issuer, now)
        elif secret:
            self._check_secret(app, secret, now)
        elif needed:
            raise OAuthError(7000218)

    def _check_secret(self, app: App, given: str, now: datetime) -> None:
        if not self.strict.secrets_checked:
            return
        found = next((s for s in app.secrets if s.value == given), None)
        if found is None:
            raise OAuthError(7000215, app.client_id)
        if found.expires <= now:
            raise OAuthError(7000222, app.client_id)

    def _for_app(self, app: App, form: Mapping[str, str], cloud: Cloud, now: datetime) -> dict[str, Any]:
        scope = form.get("scope") or (f"{form['resource'].rstrip('/')}/.default" if form.get("resource") else "")
        if not scope:
            raise OAuthError(900144, "scope")
        words = scope.split()
        if len(words) != 1 or not words[0].endswith("/.default"):
            raise OAuthError(1002012, scope)
        audience = resource_of(words[0].removesuffix("/.default"), cloud)
        token = self._issue(app, None, frozenset(app.roles), audience, now)
        return self._answer(token)

    @staticmethod
    def _answer(token: str) -> dict[str, Any]:
        seconds = int(LIFE.total_seconds())
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}

    def _issue(
        self, app: App, user: User | None, permissions: frozenset[str], audience: str, now: datetime, grant: str = ""
    ) -> str:
        """A token shaped like the JWT that Graph's tokens are; nobody but Graph may validate one."""
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self.directory.tenant}/",
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + LIFE).timestamp()),
            "app_displayname": app.name,
            "appid": app.client_id,
            "idtyp": "user" if user else "app",
            "oid": user.id if user else app.object_id,
            "tid": self.directory.tenant,
            "uti": self.opaque("", 16),
            "ver": "1.0",
        }
        claims |= {"scp": " ".join(sorted(permissions)), "upn": user.upn} if user else {"roles": sorted(permissions)}
        head = {"typ": "JWT", "nonce": self.opaque("", 32), "alg": "RS256", "kid": assertion.KEY_ID}
        token = f"{_part(head)}.{_part(claims)}.{self.opaque('', 256)}"
        self.access[token] = Token(app.client_id, user.id if user else "", permissions, audience, now + LIFE, grant)
        return token

    # -------------------------------------------------------------------------------------------------------- devices

    def start_device(self, form: Mapping[str, str], host: str, now: datetime) -> dict[str, Any]:
        """POST /devicecode."""
        app = self._app(form)
        if not form.get("scope"):
            raise OAuthError(900144, "scope")
        if not app.public_client:
            raise OAuthError(7000218)
        code = "".join(self.random.choice("BCDFGHJKLMNPQRSTVWXZ23456789") for _ in range(9))
        device = self.opaque("GAQABIQEAAAD", 96)
        self.devices[device] = Device(app.client_id, form["scope"], code, now + DEVICE_LIFE)
        page = f"{host}/devicelogin" if "microsoftonline" not in host else "https://microsoft.com/devicelogin"
        return {
            "user_code": code,
            "device_code": device,
            "verification_uri": page,
            "expires_in": int(DEVICE_LIFE.total_seconds()),
            "interval": POLL_SECONDS,
            "message": f"To sign in, use a web browser to open the page {page} and enter the code {code} to "
            "authenticate.",
        }

    def answer_device(self, user_code: str, user: str, *, decline: bool = False) -> None:
        """A person enters the code. Raises KeyError for an unknown one."""
        found = next((d for d in self.devices.values() if d.user_code == user_code.strip().upper()), None)
        if found is None:
            raise KeyError(user_code)
        found.user, found.declined = user, decline

    def _from_device(
        self, app: App, form: Mapping[str, str], cloud: Cloud, issuer: str, now: datetime
    ) -> dict[str, Any]:
        name = form.get("device_code") or form.get("code", "")
        device = self.devices.get(name)
        if device is None or device.app != app.client_id:
            raise OAuthError(70019)
        if device.expires <= now:
            raise OAuthError(70020)
        if device.declined:
            raise OAuthError(70018)
        if not device.user:
            raise OAuthError(70016)
        del self.devices[name]
        return self._signed_in(app, device.user, device.scope, cloud, issuer, now)

    # ---------------------------------------------------------------------------------------------------------- users

    def _signed_in(
        self, app: App, user_id: str, scope: str, cloud: Cloud, issuer: str, now: datetime, nonce: str = ""
    ) -> dict[str, Any]:
        user = self.directory.users[user_id]
        names, audience = read_scope(scope, cloud)
        granted = self._consented(app, names)
        refresh = self.opaque("0.AXEA", 96)
        self.grants[refresh] = Grant(app.client_id, user_id, granted, audience, now + REFRESH_LIFE)
        answer = self._for_user(app, user, granted, audience, now, refresh, scope)
        if "offline_access" in scope.split():
            answer["refresh_token"] = refresh
        if "openid" in scope.split():
            answer["id_token"] = self._id_token(app, user, issuer, now, nonce)
        info = json.dumps({"uid": user.id, "utid": self.directory.tenant}).encode()
        return answer | {"client_info": urlsafe_b64encode(info).decode().rstrip("=")}

    @staticmethod
    def _consented(app: App, names: tuple[str, ...]) -> tuple[str, ...]:
        """`.default` stands for all that was consented."""
        if ".default" in names:
            return app.delegated
        if any(name not in app.delegated for name in names):
            raise OAuthError(65001, app.client_id)
        return names

    def _for_user(
        self, app: App, user: User, scopes: tuple[str, ...], audience: str, now: datetime, refresh: str, asked: str
    ) -> dict[str, Any]:
        token = self._issue(app, user, frozenset(scopes), audience, now, refresh)
        return self._answer(token) | {"scope": shown_scope(scopes, audience, asked)}

    def _id_token(self, app: App, user: User, issuer: str, now: datetime, nonce: str) -> str:
        claims = {
            "aud": app.client_id,
            "iss": f"{issuer}/v2.0",
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + timedelta(hours=1)).timestamp()),
            "name": user.name,
            "oid": user.id,
            "preferred_username": user.upn,
            "sub": user.id,
            "tid": self.directory.tenant,
            "ver": "2.0",
        } | ({"nonce": nonce} if nonce else {})
        return jwt.encode(claims, assertion.tenant_key()[0], algorithm="RS256", headers={"kid": assertion.KEY_ID})

    def _from_refresh(
        self, app: App, form: Mapping[str, str], cloud: Cloud, issuer: str, now: datetime
    ) -> dict[str, Any]:
        if not form.get("refresh_token"):
            raise OAuthError(900144, "refresh_token")
        grant = self.grants.get(form["refresh_token"])
        if grant is None or grant.app != app.client_id:
            raise OAuthError(70000)
        if grant.revoked and self.strict.refresh_tokens_revocable:
            raise OAuthError(50173)
        if grant.expires <= now:
            raise OAuthError(70008)
        user = self.directory.users.get(grant.user)
        if user is None:
            raise OAuthError(70000)
        scope = form.get("scope", "")
        names, audience = read_scope(scope, cloud) if scope else (grant.scopes, grant.audience)
        granted = self._consented(app, names) if names else grant.scopes
        fresh = self.opaque("0.AXEA", 96)  # the old one goes on working
        self.grants[fresh] = Grant(app.client_id, grant.user, granted, audience, now + REFRESH_LIFE)
        answer = self._for_user(app, user, granted, audience, now, fresh, scope) | {"refresh_token": fresh}
        if "openid" in scope.split():
            answer["id_token"] = self._id_token(app, user, issuer, now, "")
        info = json.dumps({"uid": user.id, "utid": self.directory.tenant}).encode()
        return answer | {"client_info": urlsafe_b64encode(info).decode().rstrip("=")}

    def _from_code(self, app: App, form: Mapping[str, str], cloud: Cloud, issuer: str, now: datetime) -> dict[str, Any]:
        name = form.get("code", "")
        if name in self.redeemed:
            raise OAuthError(54005)
        code = self.codes.pop(name, None)
        if code is None or code.app != app.client_id:
            raise OAuthError(70000)
        self.redeemed.add(name)
        if code.expires <= now:
            raise OAuthError(70008)
        if form.get("redirect_uri", "") != code.redirect_uri:
            raise OAuthError(50011, form.get("redirect_uri", ""))
        assertion.check_verifier(code.challenge, code.method, form.get("code_verifier", ""))
        return self._signed_in(app, code.user, form.get("scope") or code.scope, cloud, issuer, now, code.nonce)

    def new_code(self, app: App, user: User, query: Mapping[str, str], now: datetime) -> str:
        """An authorization code for a person who consented."""
        name = self.opaque("1.AXEA", 96)
        self.codes[name] = Code(
            app.client_id,
            user.id,
            query.get("scope", ""),
            query.get("redirect_uri", ""),
            query.get("code_challenge", ""),
            query.get("code_challenge_method", "plain"),
            now + CODE_LIFE,
            query.get("nonce", ""),
        )
        return name

    def revoke(self, user: str = "") -> None:
        """An administrator ends sign-in sessions, of one user or of all: refresh tokens die."""
        for grant in self.grants.values():
            grant.revoked = grant.revoked or user in ("", grant.user)


def read_scope(scope: str, cloud: Cloud) -> tuple[tuple[str, ...], str]:
    """The permissions of one resource that a scope parameter names, and the resource. Raises `OAuthError`."""
    names: list[str] = []
    audiences: dict[str, None] = {}
    for word in scope.split():
        if word.lower() in _OPENID:
            continue
        resource, _, name = word.rpartition("/")
        audiences.setdefault(resource_of(resource, cloud) if resource else cloud.graph)
        names.append(name)
    if len(audiences) > 1:
        raise OAuthError(70011, scope)
    return tuple(dict.fromkeys(names)), next(iter(audiences), cloud.graph)


def shown_scope(names: tuple[str, ...], audience: str, asked: str) -> str:
    """What an answer says was granted: a permission asked for by its bare name, as clients of Graph do, is told so.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code shows it, .../v2-oauth2-auth-code-flow the
    whole names.
    """
    words = asked.split()
    told = [name if name in words else f"{audience}/{name}" for name in names]
    whole = [f"{audience}/.default"] if any(word.endswith(".default") for word in words) else []
    return " ".join(["profile", "openid", "email", *told, *whole])


def _part(value: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
