"""Microsoft Graph's error bodies.

https://learn.microsoft.com/graph/errors. Texts that page does not give are as seen in the field, named beside each; the
few that nobody has shown are marked "text not confirmed".
"""

from __future__ import annotations

from typing import Any

# code -> (usual status, message): what a fault may ask for by its code.
_KNOWN: dict[str, tuple[int, str]] = {
    "BadRequest": (400, "Invalid request."),
    "ErrorInvalidRequest": (400, "The request is invalid."),
    "ErrorInvalidIdMalformed": (400, "Id is malformed."),
    "InefficientFilter": (400, "The restriction or sort order is too complex for this operation."),
    "InvalidAuthenticationToken": (401, "Access token has expired or is not yet valid."),
    "ErrorAccessDenied": (403, "Access is denied. Check credentials and try again."),
    "accessDenied": (403, "Access denied"),
    "Authorization_RequestDenied": (403, "Insufficient privileges to complete the operation."),
    "ErrorQuotaExceeded": (403, "Cannot save changes made to an item to store."),
    "ErrorItemNotFound": (404, "The specified object was not found in the store."),
    "ResourceNotFound": (404, "Resource could not be discovered."),
    "MailboxNotEnabledForRESTAPI": (
        404,
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    ),
    "ErrorIrresolvableConflict": (
        409,
        (
            "The send or update operation could not be performed because the change key passed in the request does not "
            "match the current change key for the item."
        ),
    ),
    "SyncStateNotFound": (410, "The sync state generation is not found; generation=1."),
    "syncStateNotFound": (410, "The sync state generation is not found; generation=1."),
    "resyncRequired": (410, "Resync required."),
    "ApplicationThrottled": (429, "Application is over its MailboxConcurrency limit."),
    "activityLimitReached": (429, "The app or user has been throttled."),
    "TooManyRequests": (429, "Too many requests."),
    "ErrorInternalServerError": (500, "An internal server error occurred. The operation failed."),
    "generalException": (500, "General exception while processing."),
    "ErrorMimeContentConversionFailed": (500, "MIME content conversion failed."),
    "serviceNotAvailable": (503, "The service is not available."),
    "MailboxInfoStale": (
        503,
        "Target resource 'mailbox' hosted on database 'NAMPR00DG000-db000' is currently on backend 'Unknown'",
    ),
    "UnknownError": (503, ""),
}
_DEFAULT_CODE = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "ErrorAccessDenied",
    404: "ErrorItemNotFound",
    409: "ErrorIrresolvableConflict",
    410: "SyncStateNotFound",
    412: "ErrorIrresolvableConflict",
    429: "ApplicationThrottled",
    500: "ErrorInternalServerError",
    503: "serviceNotAvailable",
    504: "UnknownError",
}
_WAIT = {429: "1", 503: "5"}
AUTHORIZATION_URI = "https://login.microsoftonline.com/common/oauth2/authorize"


class ApiError(Exception):
    """An answer that is an error. `bare` ones have no innerError, as throttling is answered."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None, bare: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.bare = bare

    def body(self, date: str, request_id: str, client_request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if not self.bare:
            error["innerError"] = {
                "date": date,
                "request-id": request_id,
                "client-request-id": client_request_id,
            }
        return {"error": error}


def documented(status: int, code: str = "") -> ApiError:
    """The body Graph sends with this status, with `code` where it is given."""
    name = code or _DEFAULT_CODE.get(status, "UnknownError")
    usual, message = _KNOWN.get(name, (status, ""))
    if name == "InvalidAuthenticationToken":
        return invalid_token(message)
    chosen = status or usual
    headers = {"Retry-After": _WAIT[chosen]} if chosen in _WAIT else {}
    return ApiError(chosen, name, message, headers=headers, bare=chosen == 429)


# ------------------------------------------------------------------------------------------------------ sign-in, rights


def invalid_token(message: str) -> ApiError:
    """https://github.com/microsofthackathons/tdi/issues/24 shows the header."""
    challenge = (
        f'Bearer realm="", authorization_uri="{AUTHORIZATION_URI}", client_id="00000003-0000-0000-c000-000000000000"'
    )
    return ApiError(401, "InvalidAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def access_denied() -> ApiError:
    return documented(403, "ErrorAccessDenied")


def odata_disabled() -> ApiError:
    """https://learn.microsoft.com/graph/auth-limit-mailbox-access."""
    return ApiError(403, "ErrorAccessDenied", "Access to OData is disabled.")


def insufficient_privileges() -> ApiError:
    """The directory's words."""
    return documented(403, "Authorization_RequestDenied")


def me_without_user() -> ApiError:
    return ApiError(400, "BadRequest", "/me request is only valid with delegated authentication flow.")


# --------------------------------------------------------------------------------------------------------------- paths


def unknown_segment(name: str) -> ApiError:
    """https://github.com/microsoftgraph/microsoft-graph-docs/issues/4900: a path Graph does not know is a 400."""
    return ApiError(400, "BadRequest", f"Resource not found for the segment '{name}'.")


def invalid_version() -> ApiError:
    """https://github.com/microsoftgraph/msgraph-sample-blazor-clientside/issues/94."""
    return ApiError(400, "BadRequest", "Invalid version.")


def method_not_allowed() -> ApiError:
    return ApiError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def no_such_user(key: str) -> ApiError:
    """What the directory answers."""
    message = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return ApiError(404, "Request_ResourceNotFound", message)


def invalid_user(key: str) -> ApiError:
    """What Exchange answers for a path below a user it does not know."""
    return ApiError(404, "ErrorInvalidUser", f"The requested user '{key}' is invalid.")


def mailbox_not_enabled() -> ApiError:
    """https://github.com/microsoftgraph/msgraph-sdk-javascript/issues/1756."""
    return documented(404, "MailboxNotEnabledForRESTAPI")


# --------------------------------------------------------------------------------------------------------------- items


def not_found() -> ApiError:
    return documented(404, "ErrorItemNotFound")


def malformed_id() -> ApiError:
    return documented(400, "ErrorInvalidIdMalformed")


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def invalid_request(message: str) -> ApiError:
    return ApiError(400, "ErrorInvalidRequest", message)


def unparsable(message: str) -> ApiError:
    """What Exchange says of a URL it cannot read."""
    return ApiError(400, "RequestBroker--ParseUri", message)


def invalid_filter() -> ApiError:
    """Lambdas over recipients and endswith: https://github.com/microsoftgraph/microsoft-graph-docs/issues/5518."""
    return ApiError(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")


def inefficient_filter() -> ApiError:
    """https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/183."""
    return documented(400, "InefficientFilter")


def quota_exceeded() -> ApiError:
    """https://github.com/MicrosoftDocs/OfficeDocs-O365ServiceDescriptions/issues/207; its status is not confirmed."""
    return documented(403, "ErrorQuotaExceeded")


def sync_state_not_found(code: str, generation: int, location: str) -> ApiError:
    """https://github.com/microsoftgraph/microsoft-graph-docs/issues/2350; the code comes in both spellings."""
    message = f"The sync state generation is not found; generation={generation}."
    return ApiError(410, code, message, headers={"Location": location})


def concurrency(seconds: int = 1) -> ApiError:
    """https://github.com/magodo/terraform-provider-outlook/issues/21: no innerError."""
    message = "Application is over its MailboxConcurrency limit."
    return ApiError(429, "ApplicationThrottled", message, headers={"Retry-After": str(seconds)}, bare=True)


def request_rate(seconds: int, what: str = "RequestRate") -> ApiError:
    """Text not confirmed: modelled on that of concurrency."""
    message = f"Application is over its {what} limit."
    return ApiError(429, "ApplicationThrottled", message, headers={"Retry-After": str(seconds)}, bare=True)
