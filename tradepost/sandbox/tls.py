"""A certificate authority of the sandbox's own, for clients that speak nothing but HTTPS.

The authority's key signs one server certificate and is never stored, so that trusting it opens nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=365)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
VENDORS = (
    "gmail.googleapis.com",
    "www.googleapis.com",
    "oauth2.googleapis.com",
    "accounts.google.com",
    "login.salesforce.com",
    "test.salesforce.com",
    "*.my.salesforce.com",
    "api.hubapi.com",
    "*.zoho.com",
    "*.zoho.eu",
    "*.zoho.com.cn",
    "www.zohoapis.com",
    "www.zohoapis.eu",
    "www.zohoapis.com.cn",
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "login.microsoft.com",
    "microsoftgraph.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
)
"""Public names under which the sandbox may be reached by clients whose name resolution is overridden."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: the authority's certificate, which clients are told to trust, and the server's with its key."""

    ca: Path
    certificate: Path
    key: Path


def make_tls(folder: Path, now: datetime, names: Sequence[str] = ()) -> Tls:
    """Make an authority and a certificate for loopback, the vendors' public names and `names`; valid for a year."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Tradepost sandbox CA")
    usage = _usage(signs_certificates=True)
    ca = (
        _builder(issuer, issuer, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    alternatives = [_general(name) for name in dict.fromkeys((*LOOPBACK, *VENDORS, *names))]
    server = (
        _builder(_name("localhost"), issuer, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return Tls(
        _write(folder / "sandbox-ca.pem", ca.public_bytes(serialization.Encoding.PEM), 0o644),
        _write(folder / "sandbox-server.pem", server.public_bytes(serialization.Encoding.PEM), 0o644),
        _write(folder / "sandbox-server.key", pem, 0o600),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> Path:
    path.touch(mode=mode)
    path.write_bytes(content)
    return path
