"""What Tradepost says beside what the simulated vendors count. The second never comes from our tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connectors.base.model import WriteKind
from sync.coverage import Coverage, Whereabouts
from sync.keeper import count
from sync.model import ItemState
from tradepost.demo.stage import Stage

OUT_OF_SCOPE = frozenset({"SPAM", "TRASH", "DRAFT"})


@dataclass(frozen=True, slots=True)
class Count:
    """One number from both sides. `name` is a sentence's id under `demo.count`, `of` a mailbox or empty."""

    name: str
    ours: int
    sandbox: int
    of: str = ""

    @property
    def same(self) -> bool:
        return self.ours == self.sandbox


@dataclass(frozen=True, slots=True)
class MailboxCount:
    """One mailbox: Tradepost's sums, how many mails Gmail's side holds in scope, how many of those the CRM has."""

    mailbox: str
    coverage: Coverage
    held: int
    in_crm: int

    @property
    def counts(self) -> tuple[Count, ...]:
        """What must agree; the CRM can only tell that the other mails are not there."""
        outside = sum(self.coverage[w] for w in (Whereabouts.EXCLUDED, Whereabouts.WAITING, Whereabouts.PARKED))
        return (
            Count("listed", self.coverage.listed, self.held, self.mailbox),
            Count("synced", self.coverage[Whereabouts.SYNCED], self.in_crm, self.mailbox),
            Count("outside", outside, self.held - self.in_crm, self.mailbox),
            Count("missing", self.coverage[Whereabouts.MISSING], 0, self.mailbox),
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a moment."""

    mailboxes: tuple[MailboxCount, ...]
    totals: tuple[Count, ...]

    @property
    def counts(self) -> tuple[Count, ...]:
        return (*(c for mailbox in self.mailboxes for c in mailbox.counts), *self.totals)


def differing(counts: Sequence[Count]) -> tuple[Count, ...]:
    """Those on which the two sides do not agree."""
    return tuple(one for one in counts if not one.same)


async def numbers(stage: Stage) -> Numbers:
    """Count on both sides now; the listing includes mail that arrived a moment ago."""
    return Numbers(tuple([await _mailbox(stage, name) for name in stage.mailboxes]), await totals(stage))


async def _mailbox(stage: Stage, name: str) -> MailboxCount:
    engine = stage.engine
    report = await count(
        engine.store, engine.pullers[name], clock=stage.clock, repair=False, settling=timedelta(seconds=0)
    )
    if report is None:
        raise LookupError("The mailbox was never started.")
    held = [row for row in stage.company.gmail.dump()[name] if OUT_OF_SCOPE.isdisjoint(row["labelIds"])]
    logged = {_original(stage, row["MessageIdentifier"]) for row in stage.activities()}
    return MailboxCount(name, report.coverage, len(held), sum(_original(stage, r["messageId"]) in logged for r in held))


def _original(stage: Stage, message_id: object) -> str:
    """The Message-ID under which the sender sent it, whatever a relay made of it."""
    bare = str(message_id or "").strip().strip("<>")
    return stage.rewritten.get(bare, bare)


async def totals(stage: Stage) -> tuple[Count, ...]:
    """Writes that Tradepost calls done, beside the records that the CRM counts as made by our user."""
    items = await stage.engine.store.report.counts()

    def done(kind: WriteKind) -> int:
        return sum(n for (_, k, state), n in items.items() if k == kind and state == ItemState.DONE)

    made = stage.company.org.statistics()["client"]
    return (
        Count("activities", done(WriteKind.LOG_EMAIL), made["created"]["EmailMessage"]),
        Count("tasks", done(WriteKind.CREATE_TASK), made["tasks"].get("Task", 0)),
        Count("tasks_completed", done(WriteKind.COMPLETE_TASK), made["tasks_closed"]),
        Count("stage_changes", done(WriteKind.MOVE_DEAL), made["stage_changes"]),
    )


async def read_so_far(stage: Stage) -> Count:
    """Mails that the runs over history have read, beside those that the mailboxes hold."""
    runs = await stage.engine.store.mail.runs()
    rows = [row for mailbox in stage.company.gmail.dump().values() for row in mailbox]
    return Count("read", sum(r.read for r in runs), sum(OUT_OF_SCOPE.isdisjoint(row["labelIds"]) for row in rows))
