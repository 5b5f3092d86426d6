"""The file manager's files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any

from tradepost.sandbox.hubspot.times import stamp


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """One file. `folder` is its path, / at the top."""

    id: str
    name: str
    extension: str
    content: bytes
    access: str
    folder: str
    created_at: datetime
    archived: bool = False

    @property
    def md5(self) -> str:
        return md5(self.content, usedforsecurity=False).hexdigest()

    @property
    def path(self) -> str:
        return f"{self.folder.rstrip('/')}/{self.name}.{self.extension}"

    def json(self, portal_id: int) -> dict[str, Any]:
        url = f"https://{portal_id}.fs1.hubspotusercontent-na1.net/hubfs/{portal_id}{self.path}"
        return {
            "id": self.id,
            "createdAt": stamp(self.created_at),
            "updatedAt": stamp(self.created_at),
            "archived": self.archived,
            "name": self.name,
            "path": self.path,
            "size": len(self.content),
            "type": "IMG" if self.extension in {"png", "jpg", "jpeg", "gif"} else "DOCUMENT",
            "extension": self.extension,
            "fileMd5": self.md5,
            "defaultHostingUrl": url,
            "url": url,
            "isUsableInContent": False,
            "access": self.access,
            "sourceGroup": "CONTENT",
        }
