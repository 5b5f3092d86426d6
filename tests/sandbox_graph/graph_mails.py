"""Mails and signatures that several tests need."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from email.message import EmailMessage
from typing import Any

import jwt

from tradepost.sandbox.graph import assertion

LOGIN = "https://login.microsoftonline.com"


def _inline() -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@buyer.example", "anna@ours.example", "with a logo"
    mail.set_content("See.")
    mail.add_alternative('<p>See <img src="cid:logo"></p>', subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png")
    return mail.as_bytes()


INLINE_ONLY = _inline()
OPAQUE = (
    b"From: li@buyer.example\r\nTo: anna@ours.example\r\nSubject: sealed\r\nMessage-ID: <sealed@buyer.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(b"\x30\x80sealed") + b"\r\n"
)


def with_files(*names: str, inner: bytes = b"") -> bytes:
    """A mail with a PDF for each name and, if given, another mail inside."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "li@buyer.example", "anna@ours.example", "papers"
    mail.set_content("See attached.")
    for name in names:
        mail.add_attachment(f"contents of {name}".encode(), "application", "pdf", filename=name)
    if inner:
        from email import message_from_bytes
        from email.policy import default

        mail.add_attachment(message_from_bytes(inner, policy=default))
    return mail.as_bytes()


def signed_assertion(pem: str, client_id: str, tenant: str, now: int, *, key: str = "", **claims: Any) -> str:
    """A client assertion as msal makes it, by the PEM's key or by that of a certificate nobody registered."""
    private, certificate = _split(pem) if not key else (assertion.key_pair(key)[0], _split(pem)[1])
    thumbprint = next(name for name in assertion.thumbprints(certificate) if len(name) == 64)
    made = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{LOGIN}/{tenant}/oauth2/v2.0/token",
        "exp": now + 600,
        "nbf": now,
        "jti": "1",
    } | claims
    named = urlsafe_b64encode(bytes.fromhex(thumbprint)).decode().rstrip("=")
    return jwt.encode(made, private, algorithm="PS256", headers={"x5t#S256": named})


def _split(pem: str) -> tuple[str, str]:
    blocks = re.findall(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----\n?", pem, re.DOTALL)
    return blocks[0], blocks[1]
