"""Numbers for Prometheus' textfile collector. No address, subject or id of a mail: a mailbox is a hash of its name.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
Collector: https://github.com/prometheus/node_exporter#textfile-collector
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connectors.base.services import Log
from sync.alarms import AlarmKind, Credential
from sync.coverage import Whereabouts
from sync.lanes import LANE_STATES
from sync.pull import label
from sync.store import Store

Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the numbers are of. `mailboxes` are addresses with the names of their connections."""

    mailboxes: Mapping[str, str]
    lanes: Sequence[str]
    targets: Sequence[str]
    credentials: Sequence[Credential] = ()


class MetricsFile:
    """Writes the numbers to a file that is replaced as a whole. A file that cannot be written stops nothing."""

    def __init__(self, path: Path, store: Store, named: Named, log: Log) -> None:
        self._path = path
        self._store = store
        self._named = named
        self._log = log
        self._failed = False

    async def write(self, now: datetime) -> None:
        text = await exposition(self._store, self._named, now)
        try:
            replace(self._path, text)
        except OSError as error:
            if not self._failed:
                self._log.error("metrics.not_written", error=error.strerror)
            self._failed = True
        else:
            self._failed = False


def replace(path: Path, text: str) -> None:
    """Readers see the old file or the new one. The collector reads `*.prom` only, so the new one has another end."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        # Never what lies there already: in a folder of many it may be another's file, or a pipe that nobody reads.
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644), "w") as file:
            file.write(text)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


async def exposition(store: Store, named: Named, now: datetime) -> str:
    """All numbers as text."""
    families = (
        _family("tradepost_written_timestamp_seconds", "When this file was written.", [({}, now.timestamp())]),
        *(await _coverage(store, named)),
        *(await _lanes(store, named)),
        _family("tradepost_items", "Writes by target, kind and state.", await _items(store, named)),
        _family("tradepost_alarms", "Alarms that are open, by kind.", await _alarms(store)),
        _family(
            "tradepost_credential_end_timestamp_seconds",
            "When what a connection signs in with ends, where that is known.",
            [({"connection": one.connection}, one.ends_at.timestamp()) for one in named.credentials],
        ),
    )
    return "".join(families)


async def _coverage(store: Store, named: Named) -> Iterable[str]:
    mails: list[Sample] = []
    counted: list[Sample] = []
    cursors: list[Sample] = []
    reports = {report.mailbox: report for report in await store.report.coverage()}
    known = {mailbox.name: mailbox for mailbox in await store.mailboxes.all()}
    for address, connection in named.mailboxes.items():
        who = {"mailbox": label(address), "connection": connection}
        if report := reports.get(address):
            mails += [({**who, "state": where}, report.coverage[where]) for where in Whereabouts]
            counted.append((who, report.counted_at.timestamp()))
        if (mailbox := known.get(address)) and mailbox.cursor_at:
            cursors.append((who, mailbox.cursor_at.timestamp()))
    return (
        _family("tradepost_mails", "Mails that the provider lists, by where they are.", mails),
        _family("tradepost_counted_timestamp_seconds", "When the mailbox was last counted.", counted),
        _family("tradepost_cursor_timestamp_seconds", "Up to when the mailbox's changes are read.", cursors),
    )


async def _lanes(store: Store, named: Named) -> Iterable[str]:
    states: list[Sample] = []
    beats: list[Sample] = []
    known = {lane.name: lane for lane in await store.report.lanes()}
    for name in named.lanes:
        if lane := known.get(name):
            who = {"lane": _hidden(name)}
            states += [({**who, "state": state}, float(lane.state == state)) for state in LANE_STATES]
            beats.append((who, lane.beat_at.timestamp()))
    return (
        _family("tradepost_lane", "1 for the state that the lane is in.", states),
        _family("tradepost_lane_beat_timestamp_seconds", "When the lane last gave a sign.", beats),
    )


def _hidden(lane: str) -> str:
    """A lane's name without an address."""
    kind, _, subject = lane.partition(":")
    return f"mail:{label(subject)}" if kind == "mail" else lane


async def _items(store: Store, named: Named) -> list[Sample]:
    return [
        ({"target": target, "kind": kind, "state": state}, number)
        for (target, kind, state), number in (await store.report.counts()).items()
        if target in named.targets
    ]


async def _alarms(store: Store) -> list[Sample]:
    found = Counter(alarm.kind for alarm in await store.alarms.open())
    return [({"kind": kind}, found[kind]) for kind in AlarmKind]


def _family(name: str, about: str, samples: Sequence[Sample]) -> str:
    lines = [f"# HELP {name} {about}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inner}}} {value:.15g}" if inner else f"{name} {value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
