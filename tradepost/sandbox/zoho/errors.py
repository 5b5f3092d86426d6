"""Zoho CRM's answers to what it does not do.

https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html
"""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


class Refused(Exception):
    """One `{code, details, message, status}`: of a whole call with `http`, or of one record of a write."""

    def __init__(self, code: str, message: str, details: Body | None = None, *, http: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.details, self.http = code, message, details or {}, http

    def body(self) -> Body:
        return {"code": self.code, "details": self.details, "message": self.message, "status": "error"}


def success(details: Body, message: str, code: str = "SUCCESS", **more: Any) -> Body:
    """The other kind of item."""
    return {"code": code, **more, "details": details, "message": message, "status": "success"}


def wrong_url() -> Refused:
    return Refused("INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one", http=404)


def wrong_method() -> Refused:
    return Refused("INVALID_REQUEST_METHOD", "The http request method type is not a valid one")


def wrong_module(http: int = 400, **details: Any) -> Refused:
    found = details or {"resource_path_index": 0}
    return Refused("INVALID_MODULE", "the module name given seems to be invalid", found, http=http)


def wrong_id(index: int = 1) -> Refused:
    return Refused("INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": index})


def wrong_related_id(index: int = 1) -> Refused:
    return Refused("INVALID_DATA", "the related id given seems to be invalid", {"resource_path_index": index})


def param_missing(name: str) -> Refused:
    details = {"param_name": name, "param": name}
    return Refused("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", details)


def wrong_param(name: str, **details: Any) -> Refused:
    return Refused("INVALID_DATA", "invalid data", {"param_name": name, **details})


def wrong_data(api_name: str, path: str, **details: Any) -> Refused:
    return Refused("INVALID_DATA", "invalid data", {"api_name": api_name, "json_path": path, **details})


def mandatory(api_name: str, path: str) -> Refused:
    details = {"api_name": api_name, "json_path": path}
    return Refused("MANDATORY_NOT_FOUND", "required field not found", details)


def too_many(limit: int, **details: Any) -> Refused:
    return Refused("LIMIT_EXCEEDED", "you have exceeded the limit", {"limit": limit, **details})


def no_permission(*permissions: str) -> Refused:
    return Refused("NO_PERMISSION", "permission denied", {"permissions": list(permissions)}, http=403)


def ambiguous(*params: str) -> Refused:
    details = {"ambiguity_due_to": [{"param_name": name} for name in params]}
    return Refused("AMBIGUITY_DURING_PROCESSING", "ambiguity while processing the request", details)
