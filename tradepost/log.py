"""Events with fixed names and ids, one JSON object a line. Contents, addresses and secrets do not get through.

Callers log ids only; what happens here is the second wall behind them.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import structlog

from connectors.base.errors import ConnectorError
from connectors.base.services import Clock, Log

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
REFUSED = "[refused]"
MAX_TEXT = 400
MAX_LOOKED_AT = 2_000  # characters of one text that are searched: vendors choose some of them, and looking takes time
MAX_PARTS = 50

_EVENT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_REFUSED_KEY = re.compile(
    r"^(from|to|cc|bcc)$|(^|_)(subjects?|body|bodies|text|html|content|address(es)?|emails?|sender|recipients?"
    r"|token|secret|password|authorization|cookie|assertion|headers?|payload|snippet)$"
)
_ID_KEY = re.compile(r"(^|_)(id|ids|key|keys|mail|thread|record|item|identity|cursor|page)$")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]+@[^\s<>()\[\],;:\"@]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic|zoho-oauthtoken)\s+[\w.~+/=!-]{8,}")
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?")
_GOOGLE = re.compile(r"\b(ya29\.|1//)[\w-]{10,}")
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")  # to a terminal
_HEX = re.compile(r"[0-9a-f-]+")

EventDict = MutableMapping[str, Any]


def open_log(stream: TextIO, clock: Clock, level: str = "info", form: Literal["json", "console"] = "json") -> Log:
    """A log that writes to a stream. Nothing global is changed."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    logger = structlog.wrap_logger(
        _Patient(stream),
        processors=[structlog.processors.add_log_level, _stamp(clock), redact, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
    )
    return cast("Log", logger)


class _Patient(structlog.WriteLogger):
    """A line that cannot be written is lost: a full disk under the log must not stop the work."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def _stamp(clock: Clock) -> Any:
    def stamp(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {"at": clock.now().isoformat(timespec="milliseconds"), **event}

    return stamp


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Names that are no names, refused keys and whatever looks like an address or a token do not pass."""
    name = event.get("event")
    clean: EventDict = {"at": event.get("at", ""), "level": event.get("level", "")}
    clean["event"] = name if isinstance(name, str) and _EVENT.fullmatch(name) else "log.unnamed"
    for key, value in event.items():
        if key == "exc_info":
            clean.update(_failure(value))
        elif key not in clean:
            clean[key] = REFUSED if _REFUSED_KEY.search(key.lower()) else _value(value, key)
    return clean


def _value(value: object, key: str) -> object:
    if isinstance(value, Enum):
        return _value(value.value, key)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _COMMANDS.sub("\ufffd", mask(value, ids=bool(_ID_KEY.search(key)))[:MAX_TEXT])
    if isinstance(value, BaseException):
        return mask(str(value))[:MAX_TEXT] if isinstance(value, ConnectorError) else type(value).__name__
    if isinstance(value, Mapping):
        pairs = [(str(k), v) for k, v in value.items()][:MAX_PARTS]
        return {mask(k): REFUSED if _REFUSED_KEY.search(k.lower()) else _value(v, k) for k, v in pairs}
    if isinstance(value, list | tuple):
        return [_value(part, key) for part in value[:MAX_PARTS]]
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return f"[{type(value).__name__}]"  # a repr may hold a mail


def mask(text: str, *, ids: bool = False) -> str:
    """A text without addresses and tokens. With `ids`, long words stay: providers' ids look like tokens.

    Of a text beyond all measure the beginning, without the word that was cut: half an address looks like none.
    """
    if len(text) > MAX_LOOKED_AT:
        text = "".join(text[:MAX_LOOKED_AT].rpartition(" ")[:2]) + "[long]"
    for pattern, instead in ((_BEARER, "[token]"), (_JWT, "[token]"), (_GOOGLE, "[token]"), (_ADDRESS, "[address]")):
        text = pattern.sub(instead, text)
    return text if ids else _LONG.sub(lambda found: found[0] if _HEX.fullmatch(found[0]) else "[long]", text)


def _failure(exc_info: object) -> dict[str, object]:
    """Kind and place of an exception; its words may quote a mail."""
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if error is True:
        error = sys.exc_info()[1]
    if not isinstance(error, BaseException):
        return {}
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return {
        "exception": type(error).__name__,
        "frames": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }


class LibraryHandler(logging.Handler):
    """Passes on what libraries log: who, where, and the template, never the arguments.

    A message without arguments may have been put together before, so only its place is told.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        ids: dict[str, object] = {"logger": record.name, "place": f"{record.module}:{record.lineno}"}
        if record.args:
            ids["template"] = str(record.msg)
        if record.exc_info:
            ids["exc_info"] = record.exc_info
        (self._log.error if record.levelno >= logging.ERROR else self._log.warning)("library.log", **ids)


def route_libraries(log: Log) -> None:
    """Make this the only way out for the standard library's logging, and for warnings."""
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [LibraryHandler(log)]
    root.setLevel(logging.WARNING)
