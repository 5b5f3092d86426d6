"""Secrets by reference. The configuration says where a secret lies, never what it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

MAX_BYTES = 1024 * 1024
COMMAND_SECONDS = 30.0

_FORMS = (
    "{env: NAME} (environment), {file: /path} (a file), {credential: NAME} (systemd LoadCredential), "
    "or {command: [program, argument]} (its output)"
)


_HIDDEN = "(hidden)"


class SecretError(Exception):
    """A secret that cannot be read. Never carries any of it.

    `code` is for the message catalogue; `what`, `where` and `mend` are the same in English.
    """

    def __init__(self, code: str, what: str, where: str, mend: str) -> None:
        super().__init__(f"{what} ({where}). {mend}")
        self.code = code
        self.what = what
        self.where = where
        self.mend = mend


class SecretRef(BaseModel):
    """Exactly one of `env`, `file`, `credential`, `command`.

    Reading belongs to start-up: it reads files and waits for commands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str | None = Field(default=None, min_length=1, description="Name of an environment variable.")
    file: Path | None = Field(default=None, description="A file that holds the secret.")
    credential: str | None = Field(
        default=None, pattern=r"^[^/]+$", description="Name of a systemd credential (LoadCredential=)."
    )
    command: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="A program and its arguments; the secret is what it prints. No shell."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _exactly_one(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Errors are without their input: `hide_input_in_errors` counts only for a configuration's outermost model."""
        if isinstance(value, str | int | float | bytes):
            raise _refused("secret_literal", f"A secret is not written here itself; say where it lies: {_FORMS}.")
        try:
            made = handler(value)
        except ValidationError as error:
            raise _without_input(error) from None
        given = [name for name in cls.model_fields if getattr(made, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "nothing"
            raise _refused("secret_ref", f"Say in exactly one way where the secret lies: {_FORMS}; found {found}.")
        return made

    def __repr__(self) -> str:
        return f"SecretRef({self.where})"

    __str__ = __repr__

    @property
    def where(self) -> str:
        """The place in words; of a command only the program, since arguments may tell."""
        if self.command is not None:
            return f"command: {self.command[0]}"
        name = next(n for n in ("env", "file", "credential") if getattr(self, n) is not None)
        return f"{name}: {getattr(self, name)}"

    def read(self) -> str:
        """The secret, without the line break at its end. Raises `SecretError`."""
        try:
            text = self.read_bytes().decode("utf-8-sig").rstrip("\r\n")
        except UnicodeDecodeError:
            raise self._error("secret_text", "The secret is not UTF-8 text", "Store it as text.") from None
        if not text.strip():
            raise self._error("secret_empty", "The secret is empty", "Put the value there.")
        return text

    def read_bytes(self) -> bytes:
        """The secret as it lies there, for keys that are no text. Raises `SecretError`."""
        raw = self._raw()
        if len(raw) > MAX_BYTES:
            raise self._error("secret_large", "The secret is larger than a megabyte", "Is it the right place?")
        return raw

    def _raw(self) -> bytes:
        readers: list[Callable[[], bytes | None]] = [self._env, self._file, self._credential, self._command]
        return next(raw for reader in readers if (raw := reader()) is not None)

    def _env(self) -> bytes | None:
        if self.env is None:
            return None
        value = os.environ.get(self.env)
        if value is None:
            mend = "Set it in the service's environment (EnvironmentFile=), or name another."
            raise self._error("secret_env", "The environment variable is not set", mend)
        return value.encode("utf-8", "surrogateescape")

    def _file(self) -> bytes | None:
        return None if self.file is None else self._read_path(self.file, "Check the path and who may read it.")

    def _credential(self) -> bytes | None:
        if self.credential is None:
            return None
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        mend = f"Add LoadCredential={self.credential}:/path to the unit, and start Tradepost through systemd."
        if directory is None:
            raise self._error("secret_credentials", "systemd has handed over no credentials", mend)
        return self._read_path(Path(directory) / self.credential, mend)

    def _read_path(self, path: Path, mend: str) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise self._error("secret_file", f"The file cannot be read: {error.strerror}", mend) from None

    def _command(self) -> bytes | None:
        if self.command is None:
            return None
        try:
            done = subprocess.run(  # noqa: S603 - the configuration's own command, without a shell
                self.command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
            )
        except OSError as error:
            raise self._error(
                "secret_command", f"The program cannot be started: {error.strerror}", "Check its path."
            ) from None
        except subprocess.TimeoutExpired:
            mend = "It must end by itself and ask nothing."
            raise self._error("secret_command", "The program has not ended in 30 seconds", mend) from None
        if done.returncode != 0:
            what = f"The program failed with exit code {done.returncode}"
            raise self._error("secret_command", what, "Run it as the service's user to see why.")
        return done.stdout

    def _error(self, code: str, what: str, mend: str) -> SecretError:
        return SecretError(code, what, self.where, mend)


def _refused(code: str, text: str) -> ValidationError:
    details = InitErrorDetails(type=PydanticCustomError(code, text), loc=(), input=_HIDDEN)
    return ValidationError.from_exception_data("SecretRef", [details])


def _without_input(error: ValidationError) -> ValidationError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    details = [
        InitErrorDetails(type=PydanticCustomError(e["type"], e["msg"]), loc=e["loc"], input=_HIDDEN) for e in found
    ]
    return ValidationError.from_exception_data("SecretRef", details)
