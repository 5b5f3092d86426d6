"""Refusals as the API words them.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Refused(Exception):
    """A request, or one record of it, is refused. `fields` is None where the API leaves the list out."""

    def __init__(
        self,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        *,
        status: int = 400,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields
        self.status = status
        self.extra = dict(extra or {})

    def body(self) -> list[dict[str, Any]]:
        """The body of an answer about one thing."""
        row: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            row["fields"] = list(self.fields)
        return [row | self.extra]

    def row(self) -> dict[str, Any]:
        """The entry in the `errors` of one record among many."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or [])} | self.extra


def not_found(message: str = "The requested resource does not exist") -> Refused:
    return Refused("NOT_FOUND", message, status=404)


def no_such_column(field: str, sobject: str) -> Refused:
    """The same answer for a field that does not exist and one that the user may not see."""
    return Refused("INVALID_FIELD", f"No such column '{field}' on sobject of type {sobject}")


def not_writable(fields: Sequence[str]) -> Refused:
    text = (
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set."
    )
    return Refused("INVALID_FIELD_FOR_INSERT_UPDATE", text, list(fields))


def entity_deleted() -> Refused:
    return Refused("ENTITY_IS_DELETED", "entity is deleted", [], status=404)


def method_not_allowed(method: str, allowed: str) -> Refused:
    return Refused("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are {allowed}", status=405)
