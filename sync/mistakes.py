"""A mistake of ours, told by its kind, place and number: what it says may quote a mail."""

from __future__ import annotations

import hashlib
import traceback
from pathlib import Path

from connectors.base.errors import Transient
from connectors.base.services import Log

FRAMES = 12  # of a traceback that are told

# What a mistake raises, whatever it works on; not what tells of a machine or a state file in trouble.
POISON = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Mistake(Transient):
    """Something of ours broke. It names its kind (`operation`) and its number (`code`), and nothing else."""


def mistake(error: Exception, log: Log, event: str, **ids: object) -> Mistake:
    """Log a mistake as `event`, and answer what others may read of it.

    The number is the same for the same kind at the same place, so that one report finds all of them in the log.
    """
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    kind = type(error).__name__
    number = hashlib.sha256("\n".join((kind, *places)).encode()).hexdigest()[:8]
    log.error(event, **ids, error=kind, number=number, frames=places)
    return Mistake(operation=kind, code=number)
