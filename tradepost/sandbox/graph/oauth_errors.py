"""What the Microsoft identity platform answers when it refuses.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes. Texts as the service sends them where that
page or the field shows them.
"""

from __future__ import annotations

from typing import Any

# number -> (error, status, text); {} takes the detail
_KNOWN: dict[int, tuple[str, int, str]] = {
    16: ("invalid_request", 400, "The request is malformed. {}"),
    50011: (
        "invalid_request",
        400,
        (
            "The redirect URI '{}' specified in the request does not match the redirect URIs configured for the "
            "application."
        ),
    ),
    50059: (
        "invalid_request",
        400,
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
    ),
    50173: (
        "invalid_grant",
        400,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    54005: (
        "invalid_grant",
        400,
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
    ),
    65001: (
        "invalid_grant",
        400,
        (
            "The user or administrator has not consented to use the application with ID '{}'. Send an interactive "
            "authorization request for this user and resource."
        ),
    ),
    65004: ("access_denied", 400, "User declined to consent to access the app."),
    70003: ("unsupported_grant_type", 400, "The app requested an unsupported grant type '{}'."),
    70008: ("invalid_grant", 400, "The provided authorization code or refresh token has expired."),
    70011: (
        "invalid_scope",
        400,
        (
            "The provided request must include a 'scope' input parameter. The provided value for "
            "the input parameter 'scope' is not valid. The scope {} is not valid."
        ),
    ),
    70016: (
        "authorization_pending",
        400,
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    70018: ("authorization_declined", 400, "The user has denied the authorization request."),
    70019: ("bad_verification_code", 400, "Verification code expired or unknown."),
    70020: ("expired_token", 400, "The provided value for the input parameter 'device_code' has expired."),
    70000: ("invalid_grant", 400, "Provided grant is invalid or malformed."),
    90002: (
        "invalid_request",
        400,
        (
            "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct "
            "cloud. Check with your subscription administrator, this may happen if there are no active subscriptions "
            "for the tenant."
        ),
    ),
    90014: ("invalid_request", 400, "The required field '{}' is missing from the credential."),
    500011: (
        "invalid_resource",
        400,
        (
            "The resource principal named {} was not found in the tenant. This can happen if the application has not "
            "been installed by the administrator of the tenant or consented to by any user in the tenant."
        ),
    ),
    501481: (
        "invalid_grant",
        400,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    700016: (
        "unauthorized_client",
        400,
        (
            "Application with identifier '{}' was not found in the directory. This can happen if the application has "
            "not been installed by the administrator of the tenant or consented to by any user in the tenant."
        ),
    ),
    700021: ("invalid_client", 401, "Client assertion application identifier doesn't match 'client_id' parameter."),
    700023: ("invalid_client", 401, "Client assertion audience claim does not match Realm issuer."),
    700024: ("invalid_client", 401, "Client assertion is not within its valid time range."),
    700027: (
        "invalid_client",
        401,
        "The certificate with identifier used to sign the client assertion is not registered on application. {}",
    ),
    900144: ("invalid_request", 400, "The request body must contain the following parameter: '{}'."),
    1002012: (
        "invalid_scope",
        400,
        (
            "The provided value for scope {} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI)."
        ),
    ),
    7000112: ("unauthorized_client", 400, "Application '{}' is disabled."),
    7000215: (
        "invalid_client",
        401,
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            "not the client secret ID, for a secret added to app '{}'."
        ),
    ),
    7000218: (
        "invalid_client",
        401,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: (
        "invalid_client",
        401,
        (
            "The provided client secret keys for app '{}' are expired. Visit the Azure portal to create new keys for "
            "your app."
        ),
    ),
    90033: ("temporarily_unavailable", 503, "A transient error has occurred. Please try again."),
}


class OAuthError(Exception):
    """An AADSTS error by its number."""

    def __init__(self, number: int, detail: str = "") -> None:
        error, status, text = _KNOWN.get(number, ("invalid_request", 400, "The request is invalid. {}"))
        super().__init__(number)
        self.number = number
        self.error = error
        self.status = status
        self.text = text.replace("{}", detail).strip()

    def body(self, now: str, trace: str, correlation: str, host: str) -> dict[str, Any]:
        described = f"AADSTS{self.number}: {self.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        return {
            "error": self.error,
            "error_description": described,
            "error_codes": [self.number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{host}/error?code={self.number}",
        }


def documented(status: int, code: str) -> OAuthError:
    """By number (`7000215` or `AADSTS7000215`) or by name; a 5xx is a passing trouble."""
    digits = code.upper().removeprefix("AADSTS")
    if digits.isdigit():
        found = OAuthError(int(digits))
    else:
        number = next((n for n, (error, _, _) in _KNOWN.items() if error == code), 90033 if status >= 500 else 16)
        found = OAuthError(number)
    found.status = status or found.status
    return found
