"""The bytes of a configuration file."""

from __future__ import annotations

from pathlib import Path

from tradepost.config.yaml_marks import MAX_BYTES, Document, decode, flawed, read
from tradepost.errors import UserError
from tradepost.messages import sentence


def read_document(path: Path) -> Document:
    """The file as data with places. Raises `UserError` when there is no such file or it may not be read."""
    try:
        with path.open("rb") as stream:
            text = decode(stream.read(MAX_BYTES + 1))
    except FileNotFoundError:
        raise UserError(sentence("config.missing_file", file=path)) from None
    except IsADirectoryError:
        raise UserError(sentence("config.is_directory", file=path)) from None
    except PermissionError:
        raise UserError(sentence("config.unreadable", file=path)) from None
    except (OSError, ValueError) as error:
        raise UserError(sentence("config.read_error", file=path, error=type(error).__name__)) from None
    return read(text) if isinstance(text, str) else flawed(text)
