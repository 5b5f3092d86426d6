"""The identity platform's pages over HTTP: discovery, tokens, device codes, the sign-in page.

https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc. Addresses in answers are those of the host asked.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tradepost.sandbox.graph import assertion
from tradepost.sandbox.graph.auth import Tokens
from tradepost.sandbox.graph.clouds import CLOUDS, Cloud, cloud_of
from tradepost.sandbox.graph.oauth_errors import OAuthError
from tradepost.sandbox.graph.people import Directory

_ANY_TENANT = frozenset({"common", "organizations"})
_PATHS = (
    ("oauth2.openid-configuration", r"/([^/]+)(?:/v2\.0)?/\.well-known/openid-configuration"),
    ("oauth2.token", r"/([^/]+)/oauth2(?:/v2\.0)?/token"),
    ("oauth2.devicecode", r"/([^/]+)/oauth2(?:/v2\.0)?/devicecode"),
    ("oauth2.authorize", r"/([^/]+)/oauth2(?:/v2\.0)?/authorize"),
    ("oauth2.logout", r"/([^/]+)/oauth2(?:/v2\.0)?/logout"),
    ("oauth2.keys", r"/([^/]+)/discovery(?:/v2\.0)?/keys"),
    ("oauth2.instance", r"/([^/]+)/discovery/instance"),
    ("oauth2.userrealm", r"/([^/]+)/userrealm/.*"),
    ("oauth2.devicelogin", r"/(devicelogin)"),
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _PATHS)


def find(path: str) -> tuple[str, str] | None:
    """(operation, tenant) of an identity platform's path."""
    for name, pattern in _COMPILED:
        if found := pattern.fullmatch(path):
            return name, found[1]
    return None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to the platform. `root` is scheme and host as they were asked."""

    operation: str
    method: str
    tenant: str
    root: str
    host: str
    query: QueryParams
    form: Mapping[str, str]
    now: datetime
    v1: bool = False

    @property
    def cloud(self) -> Cloud:
        return cloud_of(self.host)


@dataclass(slots=True)
class Consent:
    """What the person at the sign-in page does: nothing (the page is shown), or at once signs in or refuses."""

    user: str = ""
    deny: bool = False


@dataclass(slots=True)
class Platform:
    directory: Directory
    tokens: Tokens
    random: Random
    consent: Consent = field(default_factory=Consent)

    def answer(self, ask: Ask) -> Response:
        try:
            return self._answer(ask)
        except OAuthError as error:
            return self.refuse(error, ask)

    def refuse(self, error: OAuthError, ask: Ask) -> Response:
        if ask.operation == "oauth2.authorize":
            page = f"<html><body><h1>Sorry, we're having trouble signing you in.</h1>AADSTS{error.number}</body></html>"
            return HTMLResponse(page)
        trace, correlation = (str(UUID(int=self.random.getrandbits(128), version=4)) for _ in range(2))
        body = error.body(ask.now.strftime("%Y-%m-%d %H:%M:%SZ"), trace, correlation, ask.root)
        return JSONResponse(body, error.status, _NO_STORE)

    def _answer(self, ask: Ask) -> Response:
        match ask.operation:
            case "oauth2.instance":
                return self._instance(ask)
            case "oauth2.userrealm":
                return JSONResponse({"ver": "1.0", "account_type": "Managed", "cloud_instance_name": ask.host})
            case "oauth2.devicelogin":
                return HTMLResponse("<html><body><h1>Enter code</h1></body></html>")
            case "oauth2.keys":
                return JSONResponse(assertion.jwks())
        tenant = self._tenant(ask)
        match ask.operation:
            case "oauth2.openid-configuration":
                return JSONResponse(configuration(ask.root, tenant, ask.cloud))
            case "oauth2.token":
                return self._token(ask, tenant)
            case "oauth2.devicecode":
                return JSONResponse(self.tokens.start_device(ask.form, ask.root, ask.now), headers=_NO_STORE)
            case "oauth2.authorize":
                return self._authorize(ask)
        return HTMLResponse("<html><body>You signed out of your account</body></html>")

    def _tenant(self, ask: Ask) -> str:
        """The tenant's id, or the common name as it was asked. Raises `OAuthError`."""
        name = ask.tenant.lower()
        if name in _ANY_TENANT:
            return name
        if name not in self.directory.names:
            raise OAuthError(90002, ask.tenant)
        return self.directory.tenant

    def _token(self, ask: Ask, tenant: str) -> Response:
        if ask.method != "POST":
            raise OAuthError(900144, "grant_type")
        if tenant in _ANY_TENANT and ask.form.get("grant_type") == "client_credentials":
            raise OAuthError(50059)
        found = self.tokens.exchange(ask.form, ask.cloud, f"{ask.root}/{ask.tenant}", ask.now)
        if ask.v1:
            expires = int(ask.now.timestamp()) + found["expires_in"]
            found |= {"expires_in": str(found["expires_in"]), "ext_expires_in": str(found["ext_expires_in"])}
            found |= {"expires_on": str(expires), "resource": ask.form.get("resource", "")}
        return JSONResponse(found, headers=_NO_STORE)

    # --------------------------------------------------------------------------------------------------- sign-in page

    def _authorize(self, ask: Ask) -> Response:
        query = ask.query
        app = self.directory.apps.get(query.get("client_id", "").lower())
        if app is None:
            raise OAuthError(700016, query.get("client_id", ""))
        target = urlsplit(query.get("redirect_uri", ""))
        local = target.scheme == "http" and target.hostname in ("localhost", "127.0.0.1")
        if not local and query.get("redirect_uri") not in app.redirect_uris:
            raise OAuthError(50011, query.get("redirect_uri", ""))
        if query.get("response_type") != "code":
            raise OAuthError(900144, "response_type")
        if self.consent.deny or query.get("deny"):
            return self._redirect(query, {"error": "access_denied", "error_description": "AADSTS65004"})
        user = self.directory.find(self.consent.user or query.get("login_hint", ""))
        if user is None:
            return HTMLResponse(_sign_in_page(query, [u.upn for u in self.directory.users.values()]))
        return self._redirect(query, {"code": self.tokens.new_code(app, user, query, ask.now)})

    @staticmethod
    def _redirect(query: QueryParams, answer: dict[str, str]) -> Response:
        state = {"state": query["state"]} if "state" in query else {}
        glue = "&" if urlsplit(query["redirect_uri"]).query else "?"
        return RedirectResponse(f"{query['redirect_uri']}{glue}{urlencode(answer | state)}", 302)

    # ------------------------------------------------------------------------------------------------------ discovery

    def _instance(self, ask: Ask) -> Response:
        """Which hosts are one authority: https://learn.microsoft.com/entra/msal/dotnet (instance discovery)."""
        asked = urlsplit(ask.query.get("authorization_endpoint", ""))
        known = {host for cloud in CLOUDS for host in cloud.logins}
        if asked.hostname and asked.hostname not in known and asked.netloc != ask.host:
            body = {"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."}
            return JSONResponse(body | {"error_codes": [50049]}, 400)
        tenant = asked.path.strip("/").split("/")[0] or "common"
        metadata = [
            {"preferred_network": c.logins[0], "preferred_cache": c.logins[-1], "aliases": list(c.logins)}
            for c in CLOUDS
            if c.logins
        ]
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{ask.root}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": metadata,
            }
        )


_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def configuration(root: str, tenant: str, cloud: Cloud) -> dict[str, Any]:
    """The OpenID document, with the fields Microsoft's has."""
    base = f"{root}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{cloud.graph}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": cloud.logins[0] if cloud.logins else "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph_host,
    }


def _sign_in_page(query: QueryParams, users: list[str]) -> str:
    links = [
        f'<li><a href="?{html.escape(urlencode(dict(query) | {"login_hint": user}))}">{html.escape(user)}</a></li>'
        for user in users
    ]
    deny = html.escape(urlencode(dict(query) | {"deny": "1"}))
    return f'<html><body><h1>Pick an account</h1><ul>{"".join(links)}</ul><a href="?{deny}">Cancel</a></body></html>'
