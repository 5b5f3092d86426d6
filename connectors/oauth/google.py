"""Google service accounts with domain-wide delegation.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from connectors.base.errors import AuthFailed, ConnectorError, NotPermitted
from connectors.base.services import Services
from connectors.oauth.core import JWT_GRANT, CachedTokens, Grant, TokenSpec, ask, private_key, signed
from connectors.oauth.secret_ref import SecretError

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, and the audience whatever the address
LIFETIME = 3600  # seconds; the longest Google takes


class ServiceAccountKey(BaseModel):
    """A key file as the Google Cloud console hands it out."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    type: Literal["service_account"]
    client_email: str = Field(min_length=3)
    client_id: str = ""
    private_key: SecretStr
    private_key_id: str = ""
    token_uri: str = TOKEN_URL

    @classmethod
    def from_json(cls, text: str, where: str = "service account key") -> Self:
        """Read and check a key file. Raises `SecretError`; `where` says whence it came."""
        try:
            key = cls.model_validate_json(text)
        except ValidationError as error:
            wrong = ", ".join(sorted({".".join(map(str, e["loc"])) for e in error.errors(include_input=False)} - {""}))
            what = f"This is not a service account's JSON key file{f': check {wrong}' if wrong else ''}"
            mend = "Make one in the Google Cloud console: IAM > Service accounts > Keys > Add key > JSON."
            raise SecretError("google_key_file", what, where, mend) from None
        private_key(key.private_key.get_secret_value(), where)
        return key


class GoogleServiceAccountTokens(CachedTokens):
    """Tokens for one mailbox (`subject`). An empty `spec.url` means the key file's own endpoint."""

    def __init__(
        self, services: Services, spec: TokenSpec, key: ServiceAccountKey, *, subject: str, scopes: Sequence[str]
    ) -> None:
        spec = spec if spec.url else replace(spec, url=key.token_uri)
        subject = subject.lower()
        asked = hashlib.sha256(" ".join(sorted(scopes)).encode()).hexdigest()[:16]
        super().__init__(services, spec, f"google:{spec.url}:{key.client_email}:{subject}:{asked}")
        self._key = key
        self._signer = private_key(key.private_key.get_secret_value(), "service account key")
        self._subject = subject
        self._scopes = tuple(scopes)

    async def _ask(self) -> Grant:
        form = {"grant_type": JWT_GRANT, "assertion": self._assertion()}
        return await ask(self._services, self._spec, form, self._refused)

    def _assertion(self) -> str:
        now = int(self._services.clock.now().timestamp())
        claims = {
            "iss": self._key.client_email,
            "sub": self._subject,
            "scope": " ".join(self._scopes),
            "aud": TOKEN_URL,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return signed(claims, self._signer, self._key.private_key_id)

    def _refused(self, code: str, description: str) -> ConnectorError:
        match code:
            case "unauthorized_client" | "access_denied" | "invalid_scope":
                return NotPermitted(
                    "Domain-wide delegation is missing: in the Google Admin console under Security > Access and data "
                    "control > API controls > Domain-wide delegation, add client ID "
                    f"{self._key.client_id or '(see the key file)'} with exactly these scopes: "
                    f"{', '.join(self._scopes)}."
                )
            case "admin_policy_enforced" | "org_internal":
                return NotPermitted(
                    "A policy of your Workspace domain forbids this app; its administrator can allow it."
                )
            case "invalid_grant":
                return AuthFailed(_invalid_grant(description))
        return AuthFailed("Google refuses the service account; make a new key and replace the key file.")


def _invalid_grant(description: str) -> str:
    if "email" in description or "user id" in description:
        return "Google knows no active mailbox of that address in this domain; check the mailbox's address."
    if "signature" in description or "account not found" in description:
        return "Google does not know this key any more; make a new key of the service account and replace the file."
    return (
        "Google refuses the signed request; most often this machine's clock is wrong: keep it by NTP, then try again."
    )
