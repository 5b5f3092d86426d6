"""Where tokens that vendors hand out are kept: encrypted, in a file of their own."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from connectors.base.errors import AuthFailed
from sync.store.db import room


class MemoryVault:
    """`connectors.base.services.TokenVault` that forgets with the process; for tests and simulation."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[str, datetime | None]] = {}

    async def get(self, name: str) -> tuple[str, datetime | None] | None:
        return self._tokens.get(name)

    async def put(self, name: str, token: str, expires_at: datetime | None) -> None:
        self._tokens[name] = (token, expires_at)

    def __repr__(self) -> str:
        return f"MemoryVault({len(self._tokens)} tokens)"


class FileVault:
    """`TokenVault` in a SQLite file (mode 0600), every row encrypted with `key`.

    `key` is a Fernet key: 32 bytes in URL-safe base64. Names, which may hold addresses, are stored as hashes. A row
    that another key wrote raises `AuthFailed`. Calls are synchronous inside and take well under a millisecond.
    """

    def __init__(self, path: Path, key: str | bytes) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise ValueError(
                "The key of tokens.db is not 32 bytes in URL-safe base64; make one with: "
                "head -c 32 /dev/urandom | base64 | tr '+/' '-_'"
            ) from None
        self._path = path
        with room(path):
            _private(path)
            self._open()

    def _open(self) -> None:
        self._db = sqlite3.connect(self._path, isolation_level=None)
        # A rotated refresh token must survive a power cut: its predecessor is worthless by then.
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA secure_delete=ON")
        self._db.execute("CREATE TABLE IF NOT EXISTS token (name TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT")

    async def get(self, name: str) -> tuple[str, datetime | None] | None:
        """The token under `name` with its expiry, or None."""
        row = self._db.execute("SELECT sealed FROM token WHERE name = ?", (_hashed(name),)).fetchone()
        if row is None:
            return None
        try:
            token, expiry = json.loads(self._fernet.decrypt(row[0]))
        except (InvalidToken, ValueError):
            raise AuthFailed(
                f"{self._path.name} was written with another key: put that key back, or delete the file and sign in "
                "again (tradepost login)."
            ) from None
        return token, None if expiry is None else datetime.fromtimestamp(expiry, UTC)

    async def put(self, name: str, token: str, expires_at: datetime | None) -> None:
        """Keep `token`; on the disk when this returns. Raises `StateFull`."""
        expiry = None if expires_at is None else expires_at.timestamp()
        sealed = self._fernet.encrypt(json.dumps([token, expiry]).encode())
        with room(self._path):
            self._db.execute("INSERT OR REPLACE INTO token (name, sealed) VALUES (?, ?)", (_hashed(name), sealed))

    def close(self) -> None:
        """May be called twice."""
        self._db.close()

    def __repr__(self) -> str:
        return f"FileVault({self._path})"


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _private(path: Path) -> None:
    """Make the file, or take others' rights from it, before anything is written."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    path.chmod(0o600)
