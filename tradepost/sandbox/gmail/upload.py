"""Resumable uploads: a session is opened with the mail's facts, then its bytes come in one piece or in many.

https://developers.google.com/workspace/gmail/api/guides/uploads#resumable
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tradepost.sandbox.gmail.batch import Inquiry, Reply
from tradepost.sandbox.gmail.errors import ApiError, bad_request, not_found

GRAIN = 256 * 1024  # every piece but the last is a multiple of this
LIFE = timedelta(days=7)
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass(slots=True)
class Session:
    """An upload under way. `inquiry` opened it; `meta` is its JSON body."""

    inquiry: Inquiry
    meta: dict[str, Any]
    opened: datetime
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """The open sessions of one vendor. `ticket` gives what makes an id unguessable."""

    def __init__(self, ticket: Callable[[], str]) -> None:
        self._open: dict[str, Session] = {}
        self._ticket = ticket

    def begin(self, inquiry: Inquiry, meta: dict[str, Any], now: datetime, most: int) -> Reply:
        """Open a session; its address is in `Location`. `most` is the largest mail in bytes."""
        length = inquiry.headers.get("x-upload-content-length", "")
        if length.isdigit() and int(length) > most:
            raise ApiError(413, "uploadTooLarge", f"Media larger than {most} bytes", status="INVALID_ARGUMENT")
        name = f"ABg5-U{self._ticket()}{self._ticket()}"
        self._open[name] = Session(inquiry, meta, now)
        query = f"{inquiry.query}&upload_id={name}"
        headers = {"Location": f"{inquiry.base}{inquiry.path}?{query}", "X-GUploader-UploadID": name}
        return Reply(200, headers, b"")

    def take(self, inquiry: Inquiry, now: datetime) -> Reply | Session:
        """One PUT at a session's address: what is still missing (308), or the session when all is there."""
        name = inquiry.query.get("upload_id", "")
        session = self._open.get(name)
        if session is None or now - session.opened > LIFE:
            raise not_found()
        if inquiry.http == "DELETE":
            del self._open[name]
            return Reply(499, {}, b"")
        if inquiry.http != "PUT":
            raise bad_request("A session takes PUT.")
        if self._add(session, inquiry):
            del self._open[name]
            return session
        got = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
        return Reply(308, {"X-GUploader-UploadID": name, **got}, b"")

    @staticmethod
    def _add(session: Session, inquiry: Inquiry) -> bool:
        """Append a piece; whether the mail is complete. Raises 400 for a piece that does not follow."""
        text = inquiry.headers.get("content-range", "")
        if not text:
            session.data = bytearray(inquiry.body)
            return True
        match = _RANGE.fullmatch(text.strip())
        if match is None:
            raise bad_request("Failed to parse Content-Range header.")
        total = None if match[3] == "*" else int(match[3])
        if match[1] is None:
            return total is not None and len(session.data) == total
        first, last = int(match[1]), int(match[2])
        if first != len(session.data) or last - first + 1 != len(inquiry.body):
            raise bad_request("Invalid request. Content-Range does not match what was received.")
        done = total is not None and last + 1 == total
        if not done and len(inquiry.body) % GRAIN:
            text = f"Invalid request. There were {len(inquiry.body)} byte(s) in the request body."
            raise bad_request(f"{text} A piece must be a multiple of {GRAIN} bytes.")
        session.data += inquiry.body
        return done
