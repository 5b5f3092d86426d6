"""Tokens at rest: for this user only, unreadable without the key, there again after a restart."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from connectors.base.errors import AuthFailed
from tradepost.sandbox.virtual import run
from tradepost.vault import FileVault, MemoryVault

WHEN = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def _open(path: Path, key: bytes) -> FileVault:
    return FileVault(path / "tokens.db", key)


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_what_was_put_is_found_and_replaced(tmp_path, kind) -> None:
    async def main() -> None:
        vault = _open(tmp_path, Fernet.generate_key()) if kind == "file" else MemoryVault()
        assert await vault.get("a") is None
        await vault.put("a", "token-ä", WHEN)
        await vault.put("b", "other", None)
        assert await vault.get("a") == ("token-ä", WHEN)
        await vault.put("a", "newer", None)
        assert await vault.get("a") == ("newer", None)
        assert await vault.get("b") == ("other", None)
        assert "newer" not in repr(vault)
        if isinstance(vault, FileVault):
            vault.close()
            vault.close()

    run(main())


def test_tokens_survive_a_restart_and_show_neither_value_nor_name_on_disk(tmp_path) -> None:
    key = Fernet.generate_key()

    async def main() -> None:
        vault = _open(tmp_path, key)
        await vault.put("login:anna@acme.example", "s3cr3t", None)
        # Not closed: a crash.
        on_disk = b"".join(p.read_bytes() for p in tmp_path.iterdir())
        assert b"s3cr3t" not in on_disk
        assert b"anna" not in on_disk
        again = _open(tmp_path, key)
        assert await again.get("login:anna@acme.example") == ("s3cr3t", None)
        again.close()
        vault.close()

    run(main())


def test_the_file_is_for_its_owner_only_even_when_it_was_not(tmp_path) -> None:
    path = tmp_path / "tokens.db"
    _open(tmp_path, Fernet.generate_key()).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    _open(tmp_path, Fernet.generate_key()).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_key_is_told_with_the_way_out(tmp_path) -> None:
    async def main() -> None:
        vault = _open(tmp_path, Fernet.generate_key())
        await vault.put("a", "s3cr3t", None)
        vault.close()
        other = _open(tmp_path, Fernet.generate_key())
        try:
            with pytest.raises(AuthFailed, match="another key"):
                await other.get("a")
        finally:
            other.close()

    run(main())


def test_a_key_of_the_wrong_form_is_told_with_the_way_to_make_one(tmp_path) -> None:
    with pytest.raises(ValueError, match="urandom") as caught:
        _open(tmp_path, b"hunter2")
    assert "hunter2" not in str(caught.value)
