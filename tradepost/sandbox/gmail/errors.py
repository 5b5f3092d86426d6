"""Gmail's error bodies.

Source: https://developers.google.com/workspace/gmail/api/guides/handle-errors; where the guide shows no body, the
ones seen in the field are named beside each function.
"""

from __future__ import annotations

from typing import Any

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

# reason -> (usual status, message, domain): what a fault may ask for by its code.
_KNOWN: dict[str, tuple[int, str, str]] = {
    "badRequest": (400, "Bad Request", "global"),
    "invalidArgument": (400, "Request contains an invalid argument.", "global"),
    "failedPrecondition": (400, "Precondition check failed.", "global"),
    "authError": (401, "Invalid Credentials", "global"),
    "insufficientPermissions": (403, "Request had insufficient authentication scopes.", "global"),
    "domainPolicy": (403, "The domain administrators have disabled Gmail apps.", "global"),
    "forbidden": (403, "Delegation denied", "global"),
    "dailyLimitExceeded": (403, "Daily Limit Exceeded", "usageLimits"),
    "userRateLimitExceeded": (403, "User Rate Limit Exceeded", "usageLimits"),
    "rateLimitExceeded": (403, "Rate Limit Exceeded", "usageLimits"),
    "notFound": (404, "Requested entity was not found.", "global"),
    "backendError": (503, "Backend Error", "global"),
}

_DEFAULT_REASON = {400: "badRequest", 401: "authError", 403: "forbidden", 404: "notFound", 429: "rateLimitExceeded"}


class ApiError(Exception):
    """An answer that is an error: its HTTP status and everything its body shows."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        status: str = "",
        location: tuple[str, str] | None = None,
        outer: str = "",
        details: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.domain = domain
        self.status = status or _STATUS_NAMES.get(code, "INTERNAL")
        self.location = location  # (locationType, location)
        self.outer = outer or message  # the message beside the code, where it differs from the one in `errors`
        self.details = details
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON object of the answer. Without a reason there is no `errors` list, as the batch front-end answers."""
        error: dict[str, Any] = {"code": self.code, "message": self.outer}
        if self.reason:
            entry = {"message": self.message, "domain": self.domain, "reason": self.reason}
            if self.location:
                entry |= {"location": self.location[1], "locationType": self.location[0]}
            error["errors"] = [entry]
        error["status"] = self.status
        if self.details is not None:
            error["details"] = self.details
        return {"error": error}


def documented(status: int, code: str = "") -> ApiError:
    """The body Gmail sends with this status, for the reason `code` when it is given."""
    reason = code or _DEFAULT_REASON.get(status, "backendError")
    usual, message, domain = _KNOWN.get(reason, (status, reason, "global"))
    if status == 429 and not code:
        return too_many_concurrent()
    if reason == "authError":
        return unauthenticated()
    return ApiError(status or usual, reason, message, domain=domain)


def not_found() -> ApiError:
    return ApiError(404, "notFound", "Requested entity was not found.")


def invalid(message: str) -> ApiError:
    return ApiError(400, "invalidArgument", message)


def bad_request(message: str) -> ApiError:
    """What Google's front-end says of a parameter it cannot bind."""
    return ApiError(400, "badRequest", message)


def failed_precondition() -> ApiError:
    """The user has no mailbox: mail service off, or a service account acting as itself."""
    return ApiError(400, "failedPrecondition", "Precondition check failed.", status="FAILED_PRECONDITION")


def forbidden(message: str) -> ApiError:
    return ApiError(403, "forbidden", message)


def unauthenticated() -> ApiError:
    return ApiError(
        401,
        "authError",
        "Invalid Credentials",
        location=("header", "Authorization"),
        outer="Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
        "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'},
    )


def login_required() -> ApiError:
    return ApiError(
        401,
        "required",
        "Login Required.",
        location=("header", "Authorization"),
        outer="Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )


def insufficient_scopes(method: str, allowed: tuple[str, ...]) -> ApiError:
    return ApiError(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        outer="Request had insufficient authentication scopes.",
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
                "metadata": {"service": "gmail.googleapis.com", "method": method},
            }
        ],
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="insufficient_scope", '
            f'scope="{" ".join(allowed)}"'
        },
    )


def quota_exceeded(limit: str, project: str, status: int) -> ApiError:
    """Seen as 403 and as 429.

    https://github.com/GAM-team/got-your-back/issues/309, https://github.com/mxngls/gmail-cleaner/issues/5.
    """
    message = (
        f"Quota exceeded for quota metric 'Queries' and limit '{limit}' of service 'gmail.googleapis.com' "
        f"for consumer 'project_number:{project}'."
    )
    return ApiError(status, "rateLimitExceeded", message, domain="usageLimits")


def daily_limit() -> ApiError:
    return ApiError(403, "dailyLimitExceeded", "Daily Limit Exceeded", domain="usageLimits")


def too_many_concurrent() -> ApiError:
    """https://github.com/googleapis/google-api-dotnet-client/issues/1982."""
    return ApiError(429, "rateLimitExceeded", "Too many concurrent requests for user")
