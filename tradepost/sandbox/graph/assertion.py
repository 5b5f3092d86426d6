"""Keys and signatures: client assertions, PKCE, the tenant's own key.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tradepost.sandbox.graph.oauth_errors import OAuthError
from tradepost.sandbox.graph.people import App

KEY_ID = "tradepost-sandbox-key"
SKEW = timedelta(minutes=5)
_NO_TIMES = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


def verify(text: str, app: App, issuer: str, now: datetime) -> None:
    """Raises `OAuthError` unless a registered certificate signed it for this authority and now.

    Times are judged by the sandbox's clock, not by the library's.
    """
    try:
        head = jwt.get_unverified_header(text)
    except jwt.PyJWTError as error:
        raise OAuthError(90014, "client_assertion") from error
    claims = _signed(text, head, app)
    if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
        raise OAuthError(700021)
    base = issuer.partition("://")[2]
    wanted = {f"{base}/oauth2/v2.0/token", f"{base}/oauth2/token", f"{base}/v2.0", base}
    if str(claims.get("aud", "")).partition("://")[2] not in wanted:  # http and https alike: the sandbox has no TLS
        raise OAuthError(700023)
    moment = now.timestamp()
    starts, ends = claims.get("nbf", claims.get("iat", moment)), claims.get("exp")
    if not isinstance(ends, int | float) or ends <= moment or starts > moment + SKEW.total_seconds():
        raise OAuthError(700024)


def _signed(text: str, head: dict[str, Any], app: App) -> dict[str, Any]:
    named = str(head.get("x5t#S256") or head.get("x5t") or "")
    try:
        thumbprint = urlsafe_b64decode(named + "===").hex()
    except ValueError:
        thumbprint = ""
    key = app.certificates.get(thumbprint)
    if key is None:
        raise OAuthError(700027, f"Thumbprint of key used by client: '{thumbprint.upper()}'")
    try:
        found: dict[str, Any] = jwt.decode(text, key, algorithms=["RS256", "PS256"], options=_NO_TIMES)  # type: ignore[arg-type]
    except jwt.PyJWTError as error:
        raise OAuthError(700027, "The signature is not valid.") from error
    return found


def check_verifier(challenge: str, method: str, verifier: str) -> None:
    """RFC 7636. Raises `OAuthError`."""
    if not challenge:
        return
    digest = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not verifier or (digest if method == "S256" else verifier) != challenge:
        raise OAuthError(501481)


@cache
def key_pair(name: str) -> tuple[str, str]:  # noqa: ARG001 - another name, another key
    """An RSA key as PEM, private and public; kept for the process, since making one is slow."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def tenant_key() -> tuple[str, str]:
    """What the platform signs id tokens with."""
    return key_pair("tenant")


def jwks() -> dict[str, Any]:
    """The tenant's public key as /discovery/v2.0/keys shows it."""
    public = serialization.load_pem_public_key(tenant_key()[1].encode())
    shown: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))  # type: ignore[arg-type]
    return {"keys": [shown | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}]}


@cache
def certificate(name: str) -> tuple[str, str]:
    """A self-signed certificate as PEM, and its private key; kept for the process."""
    private_pem, _ = key_pair(name)
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(name)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private_pem


def thumbprints(pem: str) -> dict[str, str]:
    """A certificate's SHA-256 and SHA-1 thumbprints in hex, each with its public key as PEM."""
    read = x509.load_pem_x509_certificate(pem.encode())
    public = read.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {read.fingerprint(kind()).hex(): public.decode() for kind in (hashes.SHA256, hashes.SHA1)}
