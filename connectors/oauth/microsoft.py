"""Microsoft's identity platform through msal: an app by secret or certificate, a person once by device code.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import msal
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted, Transient
from connectors.base.services import HttpSpec, Services
from connectors.oauth import msal_bridge
from connectors.oauth.core import CachedTokens, Grant, TokenSpec, store
from connectors.oauth.secret_ref import SecretError

_LOGIN = "Sign this mailbox in again: tradepost login."
_MEND_CERTIFICATE = "It must hold an RSA private key and its certificate, as PEM or PFX; give its passphrase if any."
_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A private key and its certificate, both PEM."""

    private_key: str = field(repr=False)
    public: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftApp:
    """An app registration. `authority` is the host root without the directory; `scopes` are what tokens are asked for.

    `credential` is a client secret, or a certificate; None for a public client.
    """

    authority: str
    tenant: str
    client_id: str
    scopes: tuple[str, ...]
    credential: str | Certificate | None = field(default=None, repr=False)

    @property
    def vault_name(self) -> str:
        return f"microsoft:{self.authority}:{self.tenant}:{self.client_id}:{' '.join(self.scopes)}"


# ---------------------------------------------------------------------------------------------------------- certificate


@lru_cache(maxsize=8)
def certificate(content: bytes, passphrase: str, where: str) -> Certificate:
    """Read PEM, PFX, or PFX in base64. Raises `SecretError`, without any of it, naming `where`."""
    try:
        key, found = _key_and_certificate(content, passphrase.encode() or None)
    except (ValueError, TypeError):  # TypeError: there is a passphrase, or none where one is given
        raise SecretError(
            "certificate_unreadable", "The certificate cannot be read", where, _MEND_CERTIFICATE
        ) from None
    if not isinstance(key, RSAPrivateKey) or found is None or found.public_key() != key.public_key():
        what = "The certificate lacks its RSA private key, or it is another's"
        raise SecretError("certificate_unreadable", what, where, _MEND_CERTIFICATE)
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Certificate(plain, found.public_bytes(Encoding.PEM).decode())


def _key_and_certificate(content: bytes, passphrase: bytes | None) -> tuple[object, x509.Certificate | None]:
    if b"-----BEGIN" in content:
        key = _KEY.search(content)
        if key is None:
            raise ValueError("no key")
        return load_pem_private_key(key[0], passphrase), x509.load_pem_x509_certificate(content)
    if content[:1] != b"\x30":  # no DER sequence: base64 of one
        content = b64decode(b"".join(content.split()), validate=True)
    found = pkcs12.load_key_and_certificates(content, passphrase)
    return found[0], found[1]


# --------------------------------------------------------------------------------------------------------------- tokens


class MicrosoftAppTokens(CachedTokens):
    """Tokens of an app for all mailboxes it may read. `shared_tokens` gives one instance to all of a connection's."""

    def __init__(self, services: Services, spec: TokenSpec, app: MicrosoftApp) -> None:
        super().__init__(services, spec, app.vault_name)
        self._app = app

    async def _ask(self) -> Grant:
        app = self._app

        def ask() -> Mapping[str, Any]:
            wire = msal_bridge.Wire(app.authority)
            client = msal.ConfidentialClientApplication(
                app.client_id,
                client_credential=_credential(app),
                authority=f"{wire.shown}/{app.tenant}",
                http_client=wire,
                instance_discovery=False,  # else it asks login.microsoftonline.com about other hosts
                azure_region=False,  # else it reads MSAL_FORCE_REGION from the environment
            )
            return dict(client.acquire_token_for_client(scopes=list(app.scopes)))

        return await _granted(self._services, self._spec, ask, app)


class MicrosoftDeviceTokens(CachedTokens):
    """Tokens of a person who signed in once by `device_login`. The vault keeps msal's cache with the refresh token."""

    def __init__(self, services: Services, spec: TokenSpec, app: MicrosoftApp, *, account: str) -> None:
        super().__init__(services, spec, _device_name(app, account))
        self._app = app

    async def _ask(self) -> Grant:
        stored = await self._services.vault.get(f"{self._vault_name}:cache")
        if stored is None:
            raise AuthFailed("Nobody has signed in for this mailbox yet: tradepost login.")
        app, cache = self._app, msal.SerializableTokenCache()

        def ask() -> Mapping[str, Any]:
            cache.deserialize(stored[0])
            client = _public_client(app, cache)
            account = next(iter(client.get_accounts()), None)
            # Forced: what msal keeps is what we no longer believe in, or what was refused.
            found = client.acquire_token_silent_with_error(list(app.scopes), account=account, force_refresh=True)
            return dict(found or {"error": "invalid_grant"})

        grant = await _granted(self._services, self._spec, ask, app)
        if cache.has_state_changed:
            await self._services.vault.put(f"{self._vault_name}:cache", cache.serialize(), None)
        return grant


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """A sign-in that was granted and is not kept yet. `cache` is msal's, with the refresh token."""

    grant: Grant
    cache: str = field(repr=False)


async def device_login(
    services: Services, spec: TokenSpec, app: MicrosoftApp, show: Callable[[str, str], object]
) -> DeviceLogin:
    """Sign a person in: `show(address, code)` once, then wait until the code was typed there. See `keep_device_login`.

    Raises `AuthFailed` when the person refuses or lets the code grow old, `NotPermitted` where the app may not.
    """
    cache = msal.SerializableTokenCache()

    def ask() -> Mapping[str, Any]:
        client = _public_client(app, cache)
        flow = client.initiate_device_flow(list(app.scopes))
        if "user_code" not in flow:
            return dict(flow)
        show(str(flow["verification_uri"]), str(flow["user_code"]))
        return dict(client.acquire_token_by_device_flow(flow))

    grant = await _granted(services, spec, ask, app)
    return DeviceLogin(grant, cache.serialize())


async def keep_device_login(services: Services, app: MicrosoftApp, account: str, login: DeviceLogin) -> None:
    """Store a sign-in where `MicrosoftDeviceTokens` of the same app and account finds it."""
    name = _device_name(app, account)
    await services.vault.put(f"{name}:cache", login.cache, None)
    await store(services, name, login.grant)


_SHARED: WeakValueDictionary[tuple[int, TokenSpec, MicrosoftApp], MicrosoftAppTokens] = WeakValueDictionary()


def shared_tokens(services: Services, spec: TokenSpec, app: MicrosoftApp) -> MicrosoftAppTokens:
    """One token source for all mailboxes of an app: else each would ask for a token of its own when one ends.

    A source holds the vault it is filed under, so that no other vault can have its `id` meanwhile.
    """
    key = (id(services.vault), spec, app)
    found = _SHARED.get(key)
    if found is None:
        found = _SHARED[key] = MicrosoftAppTokens(services, spec, app)
    return found


# --------------------------------------------------------------------------------------------------------------- asking


def _public_client(app: MicrosoftApp, cache: msal.SerializableTokenCache) -> Any:
    wire = msal_bridge.Wire(app.authority)
    return msal.PublicClientApplication(
        app.client_id,
        authority=f"{wire.shown}/{app.tenant}",
        token_cache=cache,
        http_client=wire,
        instance_discovery=False,
    )


def _credential(app: MicrosoftApp) -> str | dict[str, str] | None:
    if isinstance(app.credential, Certificate):
        return {"private_key": app.credential.private_key, "public_certificate": app.credential.public}
    return app.credential


def _device_name(app: MicrosoftApp, account: str) -> str:
    return f"{app.vault_name}:{account.lower()}"


async def _granted(
    services: Services, spec: TokenSpec, ask: Callable[[], Mapping[str, Any]], app: MicrosoftApp
) -> Grant:
    http = services.open_http(
        HttpSpec(
            name=spec.name,
            base_url=app.authority,
            classify=lambda *_: None,
            timeout=spec.timeout,
            proxy=spec.proxy,
            ca_bundle=spec.ca_bundle,
        )
    )
    began = services.clock.now()
    try:
        answer = await msal_bridge.run(ask, http, services.clock)
    finally:
        await http.close()
    if "error" in answer:
        raise _refused(answer, app)
    token, lifetime = str(answer.get("access_token", "")), answer.get("expires_in")
    if not re.fullmatch(r"[\x21-\x7e]+", token) or not isinstance(lifetime, int | float) or not 0 < lifetime < 10**8:
        raise Transient("The identity platform's answer holds no usable token.", operation="oauth2.token")
    # A device flow takes minutes, hence "now" at its end; any other request was asked just before.
    since = began if app.credential is not None else services.clock.now()
    return Grant(access_token=token, good_until=since + timedelta(seconds=max(lifetime - 120.0, lifetime / 2)))


# Numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_AUTH = {
    7000215: "The client secret is not accepted: put the secret's Value (not its Secret ID) there.",
    7000222: "The client secret has expired: make a new one (App registrations > Certificates & secrets).",
    7000218: "The app is asked for a secret: in App registrations > Authentication, allow public client flows.",
    700027: "The app does not know the certificate: upload it (App registrations > Certificates & secrets).",
    700024: "The signed request is out of its time; keep this machine's clock by NTP.",
    700016: "The directory knows no such app: check client_id and tenant, and that an administrator has consented.",
    7000112: "The app is disabled in the directory: Entra admin center > Enterprise applications > Properties.",
    90002: "Microsoft knows no such directory; check `tenant` and `cloud`.",
    900023: "Microsoft knows no such directory; check `tenant` and `cloud`.",
    70008: f"The sign-in has ended. {_LOGIN}",
    700082: f"The sign-in has ended after long silence. {_LOGIN}",
    50173: f"The sign-in was revoked. {_LOGIN}",
    50076: f"The account now asks for a second factor. {_LOGIN}",
    50079: f"The account now asks for a second factor. {_LOGIN}",
    70043: f"A policy of the directory has ended the sign-in. {_LOGIN}",
    50057: "The account is disabled.",
}
_PERMIT = {
    65001: "Nobody has consented to {scopes}: an administrator grants it under App registrations > API permissions.",
    90094: "Only an administrator can consent to {scopes}: App registrations > API permissions > Grant admin consent.",
    50105: "The account is not assigned to the app: Enterprise applications > Users and groups.",
    53003: "Conditional access forbids this sign-in; its administrator can except the app.",
    500011: "The directory does not know the service {scopes} is asked of; check `cloud` and `scope`.",
    1002012: "The scope {scopes} cannot be asked for by an app alone; it ends with /.default.",
    70011: "The scope {scopes} is not valid; check `scope`.",
    530036: "A policy of the directory forbids signing in by a code; its administrator can except the app.",
}
_WORDS = {
    "authorization_declined": "The sign-in was refused on the consent page.",
    "access_denied": "The sign-in was refused on the consent page.",
    "expired_token": "The code grew old before it was typed; sign in again.",
    "authorization_pending": "The code grew old before it was typed; sign in again.",
    "slow_down": "The code grew old before it was typed; sign in again.",
    "invalid_grant": f"The sign-in has ended or was revoked. {_LOGIN}",
    "interaction_required": f"The account asks for something new at sign-in. {_LOGIN}",
    "invalid_client": "The app's secret or certificate is not accepted; check client_id and its credential.",
    "unauthorized_client": "The app may not sign in this way; check client_id, and that it allows public client flows.",
}


def _refused(answer: Mapping[str, Any], app: MicrosoftApp) -> ConnectorError:
    """What an error of the token endpoint means, by its AADSTS number, else by OAuth's word."""
    word, number = str(answer.get("error", ""))[:60], _number(answer)
    code = f"AADSTS{number}" if number else word if re.fullmatch(r"[\w.-]{1,60}", word) else ""
    if number in _PERMIT:
        return NotPermitted(_PERMIT[number].format(scopes=", ".join(app.scopes)), operation="oauth2.token", code=code)
    if word == "temporarily_unavailable":
        return Transient("The identity platform is busy.", operation="oauth2.token", code=code)
    hint = (
        _AUTH.get(number) or _WORDS.get(word) or "Microsoft refuses the sign-in; check tenant, client_id and `cloud`."
    )
    return AuthFailed(hint, operation="oauth2.token", code=code)


def _number(answer: Mapping[str, Any]) -> int:
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    found = re.search(r"AADSTS(\d{4,9})", str(answer.get("error_description", ""))[:200])
    return int(found[1]) if found else 0
