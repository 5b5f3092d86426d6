"""A working process around the engine: directory, lock, key, store, connections; opened together, closed together."""

from __future__ import annotations

import errno
import os
import stat
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import SystemRandom
from tempfile import mkstemp

from cryptography.fernet import Fernet

from connectors.base.services import Clock, Log
from connectors.http import Sender
from connectors.oauth import SecretError
from sync import restore
from sync.store import StateError, StateFull, Store
from sync.store.db import private, room
from tradepost.clock import SystemClock
from tradepost.config import Settings
from tradepost.cpu import PoolCpu
from tradepost.daemon import Engine, Parts, assemble, state_file
from tradepost.errors import NoRoom, UserError, reason
from tradepost.lock import WorkerLock
from tradepost.messages import known, sentence
from tradepost.packaging import refuse_foreign_owners
from tradepost.phrases import Phrase
from tradepost.vault import FileVault


@asynccontextmanager
async def working(settings: Settings, log: Log, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """Become the one worker of the state file and put the engine together.

    Raises `UserError` when another process works, a secret cannot be read, or the state file cannot be used.
    """
    with holding(settings):
        async with opened(settings, log, clock or SystemClock()) as engine:
            yield engine


@contextmanager
def holding(settings: Settings) -> Iterator[None]:
    """Be the one worker of the state file. Raises `UserError` when another process is."""
    refuse_foreign_owners()
    directory = state_directory(settings)
    lock = WorkerLock(directory)
    with roomy(), room(directory):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def opened(settings: Settings, log: Log, clock: Clock) -> AsyncIterator[Engine]:
    """The engine over its state file, for whoever holds the lock. Raises `UserError`."""
    async with connections(settings, log, clock) as parts:
        with open_store(settings) as store:
            engine = assembled(settings, parts, store)
            try:
                yield engine
            finally:
                await engine.close()


async def rehearse(settings: Settings, log: Log, clock: Clock, store: Store) -> None:
    """Put an engine together beside the one that works, and away again: a reload may rely on it. Raises `UserError`."""
    async with connections(settings, log, clock) as parts:
        await assembled(settings, parts, store).close()


def assembled(settings: Settings, parts: Parts, store: Store) -> Engine:
    """`daemon.assemble`, where a secret, certificate file or proxy that cannot be used is a mistake of the person."""
    with usable():
        return assemble(settings, parts, store)


@asynccontextmanager
async def connections(settings: Settings, log: Log, clock: Clock) -> AsyncIterator[Parts]:
    """What connectors are built from, without a store: enough for `check`, `login` and `setup`."""
    directory = state_directory(settings)
    chance = SystemRandom()
    sender = Sender(clock=clock, random=chance, log=log)
    cpu = PoolCpu()
    try:
        vault = _open_vault(settings, directory)
        yield Parts(sender=sender, clock=clock, random=chance, cpu=cpu, log=log, vault=vault)
    finally:
        cpu.close()
        await sender.close()


def _open_vault(settings: Settings, directory: Path) -> FileVault:
    try:
        with usable(), roomy():
            return FileVault(directory / "tokens.db", state_key(settings, directory))
    except OSError as error:  # most often files that a command run as root has made
        raise UserError(sentence("state.unusable", error=f"{error.filename}: {error.strerror}")) from None


@contextmanager
def looking(settings: Settings, *, key: bytes | None = None) -> Iterator[Store]:
    """The state file for reading only, beside a daemon or without one; texts only with the key.

    Raises `UserError` when there is none yet, or no room to look.
    """
    with _at_hand(lambda: Store.look(state_file(settings), key=key)) as store:
        yield store


def state_directory(settings: Settings) -> Path:
    """The folder of state, tokens and lock, made (0700) when it is not there. Raises `UserError`."""
    directory = settings.state_directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _shut(directory)
        writable = os.access(directory, os.W_OK | os.X_OK)
    except OSError as error:
        raise UserError(sentence("state.no_directory", directory=directory, error=reason(error))) from None
    if not writable:
        why = reason(PermissionError(errno.EACCES, ""))
        raise UserError(sentence("state.no_directory", directory=directory, error=why))
    return directory


def _shut(directory: Path) -> None:
    """Nobody else puts files into the folder. One that is shared on purpose (/tmp and its kind) is left as it is."""
    mode = directory.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        with suppress(OSError):  # not ours to change
            directory.chmod(stat.S_IMODE(mode) & ~(stat.S_IWGRP | stat.S_IWOTH))


def state_key(settings: Settings, directory: Path) -> bytes:
    """The key that encrypts texts and tokens: from the configured secret, else a file that is made once (0600)."""
    if settings.state.key is not None:
        with usable():
            return urlsafe_b64encode(sha256(settings.state.key.read().encode()).digest())
    path = directory / "key"
    if not path.exists():
        with roomy(), room(path):
            _make_key(path)
    private(path)
    return path.read_bytes().strip()


def _make_key(path: Path) -> None:
    """A new key, there as a whole or not at all; one that another process has made meanwhile stays."""
    fd, made = mkstemp(dir=path.parent, prefix=".key")  # mode 0600
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(made)
    finally:
        Path(made).unlink()


def key_place(settings: Settings) -> str:
    """Where the key is that `state_key` reads, in words for a person; never the key."""
    return settings.state.key.where if settings.state.key else str(settings.state_directory / "key")


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
    """The state file, for whoever holds the lock. Raises `UserError`, and `NoRoom` for what is done with it too."""
    key = state_key(settings, state_directory(settings))
    restore.unstage(state_file(settings))  # a restore that was killed leaves a whole state, with all that it says
    with _at_hand(lambda: Store.open(state_file(settings), key=key)) as store:
        yield store


@contextmanager
def _at_hand(opened: Callable[[], Store]) -> Iterator[Store]:
    """A store until it is done with. Raises `UserError` for a state file that is none, `NoRoom` on a full disk."""
    try:
        with roomy():
            store = opened()
    except StateError as error:
        raise UserError(sentence("state.unusable", error=Phrase(str(error)))) from None
    try:
        with roomy():
            yield store
    finally:
        store.close()


@contextmanager
def roomy() -> Iterator[None]:
    """Around what opens or makes our own files: raises `NoRoom` when the disk is full."""
    try:
        yield
    except StateFull as error:
        raise NoRoom(sentence("state.full", file=error.path)) from None


@contextmanager
def usable() -> Iterator[None]:
    """Around what opens connections: what cannot be used is a mistake of the configuration, not of ours."""
    try:
        yield
    except SecretError as error:
        name = f"secret.{error.code}"
        raise UserError(
            sentence(name, where=error.where)
            if known(name)
            else sentence("connection.unusable", error=Phrase(str(error)))
        ) from None
    except ValueError as error:  # a certificate file, a proxy or a quota; the text says which and holds no secret
        raise UserError(sentence("connection.unusable", error=Phrase(str(error)))) from None
