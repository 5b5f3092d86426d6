"""What a spoiled connector is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from tradepost.testing.bench import Spoil

B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Spoiled(Generic[B]):
    """A mistake, put into a whole connector, and the check that must catch it.

    `in_steps` marks one that shows only where a mail is logged in more than one request.
    """

    name: str
    spoil: Spoil
    caught_by: str
    in_steps: bool = False

    def __str__(self) -> str:
        return self.name
