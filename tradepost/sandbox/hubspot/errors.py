"""Refusals as HubSpot words them.

https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

VALIDATION = "VALIDATION_ERROR"
NOT_FOUND = "OBJECT_NOT_FOUND"


class Refused(Exception):
    """A request, or one input of a batch, is refused. Empty fields are left out of the body."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        category: str = VALIDATION,
        sub_category: str = "",
        context: Mapping[str, Sequence[str]] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
        links: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.category = category
        self.sub_category = sub_category
        self.context = {name: list(values) for name, values in (context or {}).items()}
        self.errors = [dict(error) for error in errors]
        self.links = dict(links or {})
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self, correlation_id: str) -> dict[str, Any]:
        """The body of an answer that is all refusal."""
        found: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        return found | self._details() | self.extra

    def entry(self, more: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
        """The entry in `errors` of a batch's answer (StandardError); `more` adds to its context."""
        context = {**self.context, **{name: list(values) for name, values in (more or {}).items()}}
        base = {"status": "error", "message": self.message, "errors": [], "links": {}}
        return base | self._details() | {"context": context}

    def _details(self) -> dict[str, Any]:
        fields = {
            "category": self.category,
            "subCategory": self.sub_category,
            "context": self.context,
            "errors": self.errors,
            "links": self.links,
        }
        return {name: value for name, value in fields.items() if value}


def not_found(message: str = "resource not found") -> Refused:
    return Refused(message, status=404, category=NOT_FOUND)


def bad_json(message: str) -> Refused:
    """A body that cannot be read; such answers have no category."""
    return Refused(f"Invalid input JSON on line 1, column 1: {message}", category="")


def missing_scopes(names: Sequence[str]) -> Refused:
    each = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": names},
    }
    return Refused(
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        "https://developers.hubspot.com/scopes.",
        status=403,
        category="MISSING_SCOPES",
        errors=[each],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def unauthorised(message: str = "", category: str = "INVALID_AUTHENTICATION") -> Refused:
    text = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return Refused(message or text, status=401, category=category)


def rate_limited(policy: str, request_id: str = "") -> Refused:
    """`policy` is DAILY, TEN_SECONDLY_ROLLING or SECONDLY. No Retry-After: it is not promised on a 429.

    https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
    """
    extra = {"errorType": "RATE_LIMIT", "policyName": policy} | ({"requestId": request_id} if request_id else {})
    return Refused(f"You have reached your {policy.lower()} limit.", status=429, category="", extra=extra)


class InvalidValues(Refused):
    """Property values that are refused; `problems` are the vendor's own rows of `invalid`."""

    def __init__(self, problems: Sequence[Mapping[str, Any]]) -> None:
        self.problems = [dict(problem) for problem in problems]
        rows = json.dumps(self.problems, separators=(",", ":"), ensure_ascii=False)
        super().__init__(f"Property values were not valid: {rows}")


def invalid(name: str, code: str, message: str, portal_id: int) -> dict[str, Any]:
    """One row of `Property values were not valid`."""
    return {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
        "portalId": portal_id,
    }


def broken_rule(code: str, names: Sequence[str]) -> Refused:
    """An administrator's rule.

    https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
    """
    text = (
        "Missing required property" if code == "MISSING_REQUIRED_PROPERTY" else "Missing conditional required property"
    )
    rows = [{"message": text, "code": code, "context": {"propertyName": [name]}} for name in names]
    return Refused(text, errors=rows)
