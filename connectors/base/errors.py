"""What can go wrong at a seam: one class per consequence in the engine.

An error never carries a body, a header, an address or a secret. `hint` is for the person, the type is for the engine.
"""

from __future__ import annotations

from datetime import datetime


class ConnectorError(Exception):
    """Base of everything a connector may raise.

    Attributes:
        operation: the vendor's name of the call, such as ``messages.list``.
        status: HTTP status, or None where there was no answer.
        code: the vendor's own error code, such as ``REQUEST_LIMIT_EXCEEDED``.
        request_id: the vendor's id of the request, for their support.
        hint: one sentence a person can act on.
    """

    def __init__(
        self,
        hint: str = "",
        *,
        operation: str = "",
        status: int | None = None,
        code: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(hint)
        self.hint = hint
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        where = " ".join(p for p in (self.operation, str(self.status or ""), self.code) if p)
        name = type(self).__name__
        return f"{name}: {where}: {self.hint}" if where else f"{name}: {self.hint}"


class Transient(ConnectorError):
    """Nothing happened and it may work later. The item waits, growing; after bounded tries it is parked."""


class RateLimited(Transient):
    """A quota is used up. The whole lane waits until `retry_at`; the try is not counted."""

    def __init__(self, hint: str = "", *, retry_at: datetime | None = None, **context: object) -> None:
        super().__init__(hint, **context)  # type: ignore[arg-type]
        self.retry_at = retry_at


class OutcomeUnknown(ConnectorError):
    """A write may or may not have happened. The item is looked up after it has settled, never simply sent again."""


class AuthFailed(ConnectorError):
    """The credentials are refused. The lane pauses; items stay as they are."""


class NotPermitted(ConnectorError):
    """Signed in, but not allowed. The lane pauses; the hint names the missing scope, role or field."""


class Rejected(ConnectorError):
    """The vendor will never take this item. It is parked with the vendor's code."""


class Gone(ConnectorError):
    """The record referred to is deleted or merged. The item is dropped and its thread matched again."""


class Conflict(ConnectorError):
    """Somebody else changed the record first, and wins. The item is dropped and `explain` says so."""


class CursorExpired(ConnectorError):
    """The position is too old. The engine takes a new baseline and lists the window again."""


class Unsupported(ConnectorError):
    """The engine asked for something the connector did not declare: a mistake of ours."""


class BadReply(ConnectorError):
    """The answer makes no sense. On a write it counts as `OutcomeUnknown`."""
