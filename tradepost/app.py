"""A working process around the engine: directory, lock, key, store, connections; opened together, closed together."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path
from random import SystemRandom

from cryptography.fernet import Fernet

from connectors.base.services import Clock, Log
from connectors.http import Sender
from connectors.oauth import SecretError
from sync.store import StateError, Store
from tradepost.clock import SystemClock
from tradepost.config import Settings
from tradepost.cpu import PoolCpu
from tradepost.daemon import Engine, Parts, assemble, state_file
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.packaging import refuse_foreign_owners
from tradepost.service.lock import WorkerLock
from tradepost.vault import FileVault


@asynccontextmanager
async def working(settings: Settings, log: Log, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """Become the one worker of the state file and put the engine together.

    Raises `UserError` when another process works, a secret cannot be read, or the state file cannot be used.
    """
    refuse_foreign_owners()
    directory = state_directory(settings)
    lock = WorkerLock(directory)
    lock.acquire()
    try:
        async with connections(settings, log, clock or SystemClock()) as parts:
            with _open_store(settings, directory) as store, _secrets():
                engine = assemble(settings, parts, store)
                try:
                    yield engine
                finally:
                    await engine.close()
    finally:
        lock.release()


@asynccontextmanager
async def connections(settings: Settings, log: Log, clock: Clock) -> AsyncIterator[Parts]:
    """What connectors are built from, without a store: enough for `check`, `login` and `setup`."""
    directory = state_directory(settings)
    chance = SystemRandom()
    sender = Sender(clock=clock, random=chance, log=log)
    cpu = PoolCpu()
    try:
        vault = FileVault(directory / "tokens.db", state_key(settings, directory))
        yield Parts(sender=sender, clock=clock, random=chance, cpu=cpu, log=log, vault=vault)
    finally:
        cpu.close()
        await sender.close()


@contextmanager
def looking(settings: Settings) -> Iterator[Store]:
    """The state file for reading only, beside a daemon or without one. Raises `UserError` when there is none yet."""
    try:
        store = Store.look(state_file(settings))
    except StateError as error:
        raise UserError(sentence("state.unusable", error=error)) from None
    try:
        yield store
    finally:
        store.close()


def state_directory(settings: Settings) -> Path:
    """The folder of state, tokens and lock, made (0700) when it is not there. Raises `UserError`."""
    directory = settings.state_directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(directory, os.W_OK | os.X_OK)
    except OSError as error:
        raise UserError(sentence("state.no_directory", directory=directory, error=error.strerror)) from None
    if not writable:
        raise UserError(sentence("state.no_directory", directory=directory, error=os.strerror(13)))
    return directory


def state_key(settings: Settings, directory: Path) -> bytes:
    """The key that encrypts texts and tokens: from the configured secret, else a file that is made once (0600)."""
    if settings.state.key is not None:
        with _secrets():
            return urlsafe_b64encode(sha256(settings.state.key.read().encode()).digest())
    path = directory / "key"
    try:
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_bytes().strip()
    key = Fernet.generate_key()
    with os.fdopen(fd, "wb") as file:
        file.write(key + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return key


@contextmanager
def _open_store(settings: Settings, directory: Path) -> Iterator[Store]:
    try:
        store = Store.open(state_file(settings), key=state_key(settings, directory))
    except StateError as error:
        raise UserError(sentence("state.unusable", error=error)) from None
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _secrets() -> Iterator[None]:
    """A secret that cannot be read is a mistake of the configuration, not of ours."""
    try:
        yield
    except SecretError as error:
        raise UserError(sentence(f"secret.{error.code}", where=error.where)) from None
