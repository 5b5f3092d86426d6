"""Checks, named as sentences; suites, which list them in order; and how one is judged. Needs no test framework."""

from __future__ import annotations

import traceback
import unittest
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from tradepost.sandbox.virtual import run
from tradepost.testing.expect import Broken

B = TypeVar("B")

Need = Callable[[B], str]
"""Why a check does not concern a connector (a capability that it does not declare), or an empty text."""


class Skip(Exception):
    """Raised inside a check that finds out late that it does not concern the connector; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Check(Generic[B]):
    """One promise of a seam, and how it is tried on a bench. `topic` groups checks in tables."""

    topic: str
    name: str
    do: Callable[[B], Awaitable[None]]
    needs: tuple[Need[B], ...] = ()

    def __str__(self) -> str:
        return self.name


Do = Callable[[B], Awaitable[None]]


@dataclass(slots=True)
class Suite(Generic[B]):
    """All promises of one seam, in order."""

    name: str
    _checks: dict[str, Check[B]] = field(default_factory=dict)

    def topic(self, topic: str) -> Callable[..., Callable[[Do[B]], Do[B]]]:
        """A decorator for the checks of a topic: `@topic("A sentence", need, ...)`."""

        def check(name: str, *needs: Need[B]) -> Callable[[Do[B]], Do[B]]:
            def register(do: Do[B]) -> Do[B]:
                if name in self._checks:
                    raise ValueError(f"two checks are called {name!r}")
                self._checks[name] = Check(topic, name, do, needs)
                return do

            return register

        return check

    @property
    def checks(self) -> tuple[Check[B], ...]:
        return tuple(self._checks.values())

    def named(self, name: str) -> Check[B]:
        """Raises `KeyError`."""
        return self._checks[name]


class Result(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one check. `why` tells what was found, or the capability that is not declared."""

    check: Check[Any]
    result: Result
    why: str = ""


Open = Callable[[], Awaitable[Any]]


def judge(check: Check[Any], bench: Callable[[], Any]) -> Verdict:
    """Try one check on a bench of its own, on virtual time. Raises nothing but what stops the program.

    `bench` gives an async context manager whose value the check takes.
    """

    async def whole() -> Verdict:
        async with bench() as opened:
            return await tried(check, opened)

    try:
        return run(whole())
    except Exception as error:  # noqa: BLE001 - whatever a connector lets out is a finding
        return Verdict(check, Result.FAILED, _said(error))


async def tried(check: Check[B], bench: B) -> Verdict:
    """Try one check on a bench that is there, and may have served others."""
    try:
        for need in check.needs:
            if why := need(bench):
                return Verdict(check, Result.SKIPPED, why)
        await check.do(bench)
    except Skip as skip:
        return Verdict(check, Result.SKIPPED, str(skip))
    except Exception as error:  # noqa: BLE001 - whatever a connector lets out is a finding
        return Verdict(check, Result.FAILED, _said(error))
    return Verdict(check, Result.PASSED)


async def tried_in_order(checks: Iterable[Check[B]], bench: B, tell: Callable[[Verdict], None]) -> tuple[Verdict, ...]:
    """Try checks one after the other on the same bench; `tell` hears of each at once."""
    verdicts: list[Verdict] = []
    for check in checks:
        verdicts.append(await tried(check, bench))
        tell(verdicts[-1])
    return tuple(verdicts)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error} ({_place(error)})"[:400]


def _place(error: BaseException) -> str:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def judge_all(checks: Iterable[Check[Any]], bench: Callable[[], Any]) -> tuple[Verdict, ...]:
    """Try checks one after the other, each on a bench of its own."""
    return tuple(judge(check, bench) for check in checks)


def demand(verdict: Verdict) -> None:
    """For a test framework: raises `Broken` for a failure, `unittest.SkipTest`, which pytest knows too, for a skip."""
    if verdict.result is Result.SKIPPED:
        raise unittest.SkipTest(verdict.why)
    if verdict.result is Result.FAILED:
        raise Broken(f"{verdict.check.name}: {verdict.why}")


def failures(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    return tuple(v for v in verdicts if v.result is Result.FAILED)
