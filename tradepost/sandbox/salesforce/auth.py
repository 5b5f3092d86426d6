"""OAuth 2.0 at /services/oauth2: JWT bearer, client credentials, refresh token; sessions and user info.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.values import render

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")
LONGEST_ASSERTION = timedelta(minutes=5)
# Of an assertion with a longer life "expired authorization code" is reported as well.


class OAuthRefused(Exception):
    """`{"error", "error_description"}` with HTTP 400 unless said otherwise."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


@dataclass(slots=True, kw_only=True)
class ConnectedClient:
    """An External Client App.

    `certificate` is a PEM certificate or public key for the JWT flow; where it is empty a key pair is made when first
    asked for. `run_as` is the username of the client credentials flow, empty when none is set. `approved` are the
    usernames pre-authorised for the JWT flow.
    """

    client_id: str
    client_secret: str
    run_as: str = ""
    approved: set[str] = field(default_factory=set)
    certificate: str = ""
    scopes: str = "api"
    rotates: bool = False  # one-time refresh tokens; a used one revokes the family
    _private_key: str = ""

    @property
    def knows_private_key(self) -> bool:
        """False where only a certificate was handed in."""
        return not self.certificate or bool(self._private_key)

    @property
    def private_key(self) -> str:
        """The PEM private key that belongs to `certificate`. Raises when the certificate was handed in."""
        if not self.certificate:
            self._make_keys()
        if not self._private_key:
            raise ValueError("The certificate was handed in; its private key is not known here.")
        return self._private_key

    def public_key(self) -> Any:
        if not self.certificate:
            self._make_keys()
        pem = self.certificate.encode()
        if b"BEGIN CERTIFICATE" in pem:
            return x509.load_pem_x509_certificate(pem).public_key()
        return serialization.load_pem_public_key(pem)

    def _make_keys(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = serialization.NoEncryption()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        self._private_key = key.private_bytes(pem, pkcs8, plain).decode()
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        self.certificate = key.public_key().public_bytes(pem, info).decode()


@dataclass(slots=True)
class Session:
    user_id: str
    client_id: str
    last_used: datetime


@dataclass(frozen=True, slots=True)
class Host:
    """The address a request came to: the org's own, or one of the common login hosts."""

    name: str
    base_url: str  # what the org calls itself in answers

    @property
    def common(self) -> bool:
        return self.name in LOGIN_HOSTS


class Auth:
    """Clients, sessions and refresh tokens of one org."""

    def __init__(self, state: OrgState, org_id: str, *, is_sandbox: bool) -> None:
        self.clients: dict[str, ConnectedClient] = {}
        self.sessions: dict[str, Session] = {}
        self.issued = 0
        self._state, self._org_id = state, org_id
        self._login_host = LOGIN_HOSTS[is_sandbox]
        self._refresh: dict[str, tuple[str, str] | None] = {}  # token -> client, user; None once used

    # -------------------------------------------------------------------------------------------- tokens

    def token(self, body: bytes, headers: Mapping[str, str], host: Host) -> dict[str, str]:
        """Answer POST /services/oauth2/token. Raises `OAuthRefused`."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        match form.get("grant_type"):
            case "client_credentials":
                user, client = self._client_credentials(form, headers, host)
            case grant if grant == JWT_GRANT:
                user, client = self._assertion(form.get("assertion", ""), host)
            case "refresh_token":
                return self._refreshed(form, headers, host)
            case "password":
                # Blocked by default in orgs since Summer '23.
                raise OAuthRefused("invalid_grant", "authentication failure")
            case _:
                raise OAuthRefused("unsupported_grant_type", "grant type not supported")
        return self._issue(user, client, host)

    def authorize(self, client_id: str, username: str) -> str:
        """A refresh token, as the web server flow ends with one."""
        user = self._user(username)
        if user is None:
            raise ValueError(f"no user {username}")
        return self._new_refresh(client_id, user["Id"])

    def _client(self, form: Mapping[str, str], headers: Mapping[str, str]) -> ConnectedClient:
        """The client by id and secret, in the form or in a Basic header."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthRefused("invalid_client", "invalid client credentials") from None
        client = self.clients.get(client_id)
        if client is None:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(client.client_secret.encode(), secret.encode()):
            raise OAuthRefused("invalid_client", "invalid client credentials")
        return client

    def _client_credentials(
        self, form: Mapping[str, str], headers: Mapping[str, str], host: Host
    ) -> tuple[Row, ConnectedClient]:
        if host.common and self._state.strictness.client_credentials_at_my_domain:
            raise OAuthRefused("invalid_grant", "request not supported on this domain")
        client = self._client(form, headers)
        user = self._user(client.run_as) if client.run_as else None
        if user is None:
            raise OAuthRefused("invalid_grant", "no client credentials user enabled")
        return self._active(user), client

    def _assertion(self, assertion: str, host: Host) -> tuple[Row, ConnectedClient]:
        try:
            unverified = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.InvalidTokenError:
            raise OAuthRefused("invalid_grant", "invalid assertion") from None
        client = self.clients.get(str(unverified.get("iss", "")))
        if client is None:
            raise OAuthRefused("invalid_client_id", "client identifier invalid")
        claims = _verified(assertion, client)
        self._check_times(claims)
        if str(claims.get("aud", "")).rstrip("/") not in {f"https://{self._login_host}", host.base_url}:
            raise OAuthRefused("invalid_grant", "audience is invalid")
        user = self._user(str(claims.get("sub", "")))
        if user is None or not self._approved(user, client):
            raise OAuthRefused("invalid_grant", "user hasn't approved this consumer")
        return self._active(user), client

    def _approved(self, user: Row, client: ConnectedClient) -> bool:
        return user["Username"] in client.approved or not self._state.strictness.preauthorised_users

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._state.now().timestamp()
        try:
            expires = float(claims["exp"])  # clients send it as text too
        except (KeyError, TypeError, ValueError):
            raise OAuthRefused("invalid_grant", "invalid assertion") from None
        timely = now < expires <= now + LONGEST_ASSERTION.total_seconds()
        if not timely and self._state.strictness.assertion_times:
            raise OAuthRefused("invalid_grant", "expired authorization code")

    def _refreshed(self, form: Mapping[str, str], headers: Mapping[str, str], host: Host) -> dict[str, str]:
        client = self._client(form, headers)
        token = form.get("refresh_token", "")
        grant = self._refresh.get(token)
        if grant is None or grant[0] != client.client_id:
            if token in self._refresh:  # a used one came back: the family is revoked
                self._refresh.clear()
            raise OAuthRefused("invalid_grant", "expired access/refresh token")
        user = self._state.store.get("User", grant[1])
        answer = self._issue(self._active(user or {"IsActive": False}), client, host)
        if client.rotates:
            self._refresh[token] = None
            answer["refresh_token"] = self._new_refresh(*grant)
        return answer

    def _new_refresh(self, client_id: str, user_id: str) -> str:
        self.issued += 1
        token = f"5Aep861{_digest(self._org_id, 'refresh', self.issued)}"
        self._refresh[token] = (client_id, user_id)
        return token

    def _issue(self, user: Row, client: ConnectedClient, host: Host) -> dict[str, str]:
        """The token answer; there is no expires_in."""
        self.issued += 1
        token = f"{self._org_id[:15]}!AQ{_digest(self._org_id, 'access', self.issued)}"
        self.sessions[token] = Session(user["Id"], client.client_id, self._state.now())
        identity = f"{host.base_url}/id/{self._org_id}/{user['Id']}"
        at = str(int(self._state.now().timestamp() * 1000))
        signed = hmac.new(client.client_secret.encode(), f"{identity}{at}".encode(), hashlib.sha256).digest()
        return {
            "access_token": token,
            "signature": base64.b64encode(signed).decode(),
            "scope": client.scopes,
            "instance_url": host.base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": at,
        }

    def _user(self, username: str) -> Row | None:
        return next(iter(self._state.store.find("User", "Username", username)), None)

    def _active(self, user: Row) -> Row:
        if not user["IsActive"]:
            raise OAuthRefused("inactive_user", "user is inactive")
        return user

    # -------------------------------------------------------------------------------------------- sessions

    def session(self, headers: Mapping[str, str]) -> Session | None:
        """The living session of a request, kept alive by it. A session dies of inactivity."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        session = self.sessions.get(token.strip()) if scheme.lower() in {"bearer", "oauth"} else None
        if session is None:
            return None
        user = self._state.store.get("User", session.user_id)
        keeps, idle = self._state.strictness, self._state.now() - session.last_used
        over = idle >= self._state.settings.session_timeout and keeps.session_expiry
        left = user is None or (not user["IsActive"] and keeps.deactivated_user_ends_session)
        if over or left:
            del self.sessions[token.strip()]
            return None
        session.last_used = self._state.now()
        return session

    def user_info(self, headers: Mapping[str, str], base_url: str) -> dict[str, Any]:
        """Answer GET /services/oauth2/userinfo. Raises `OAuthRefused` 403 (the text Bad_OAuth_Token)."""
        session = self.session(headers)
        if session is None:
            raise OAuthRefused("Bad_OAuth_Token", "Bad_OAuth_Token", 403)
        user = self._state.store.tables["User"][session.user_id]
        paths = {"rest": "/services/data/v{version}/", "sobjects": "/services/data/v{version}/sobjects/"}
        paths["query"] = "/services/data/v{version}/query/"
        return {
            "sub": f"{base_url}/id/{self._org_id}/{user['Id']}",
            "user_id": user["Id"],
            "organization_id": self._org_id,
            "preferred_username": user["Username"],
            "nickname": user["CommunityNickname"],
            "name": user["Name"],
            "email": user["Email"],
            "email_verified": True,
            "given_name": user["FirstName"],
            "family_name": user["LastName"],
            "zoneinfo": user["TimeZoneSidKey"],
            "urls": {name: f"{base_url}{path}" for name, path in paths.items()},
            "active": True,
            "user_type": "STANDARD",
            "language": user["LanguageLocaleKey"],
            "locale": user["LocaleSidKey"],
            "utcOffset": 0,
        }

    def identity(self, headers: Mapping[str, str], base_url: str, path: tuple[str, ...]) -> dict[str, Any]:
        """Answer the identity URL, `/id/{org}/{user}`, which a token answer names. Raises `OAuthRefused` 403.

        https://help.salesforce.com/s/articleView?id=sf.remoteaccess_using_openid.htm
        """
        info = self.user_info(headers, base_url)
        if path != (self._org_id, info["user_id"]):
            raise OAuthRefused("Bad_Id", "Bad_Id", 403)
        user = self._state.store.tables["User"][info["user_id"]]
        same = ("user_id", "organization_id", "email", "email_verified", "urls", "active", "user_type", "language")
        return {name: info[name] for name in (*same, "locale", "utcOffset")} | {
            "id": info["sub"],
            "asserted_user": True,
            "username": user["Username"],
            "nick_name": user["CommunityNickname"],
            "display_name": user["Name"],
            "first_name": user["FirstName"],
            "last_name": user["LastName"],
            "timezone": user["TimeZoneSidKey"],
            "last_modified_date": render(user["LastModifiedDate"]),
        }

    def revoke(self, token: str) -> bool:
        """Whether there was something to revoke."""
        return self.sessions.pop(token, None) is not None or self._refresh.pop(token, None) is not None


def _verified(assertion: str, client: ConnectedClient) -> dict[str, Any]:
    """The claims of an assertion signed with the client's key. Times are checked by the injected clock elsewhere."""
    unchecked = {"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False}
    try:
        claims: dict[str, Any] = jwt.decode(assertion, client.public_key(), algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]
    except jwt.InvalidTokenError:
        raise OAuthRefused("invalid_grant", "invalid assertion") from None
    return claims


def _digest(*parts: object) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()
