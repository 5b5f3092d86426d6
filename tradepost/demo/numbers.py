"""What Tradepost says beside what the simulated vendors count. The second never comes from our tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from connectors.base.model import WriteKind
from sync.coverage import Coverage, Whereabouts
from sync.keeper import count
from sync.model import ItemState
from tradepost.demo.stage import Stage

OUT_OF_SCOPE = frozenset({"junk", "trash", "draft"})


@dataclass(frozen=True, slots=True)
class Count:
    """One number from both sides. `name` is a sentence's id under `demo.count`, `of` a mailbox, a CRM, or empty."""

    name: str
    ours: int
    sandbox: int
    of: str = ""

    @property
    def same(self) -> bool:
        return self.ours == self.sandbox


@dataclass(frozen=True, slots=True)
class MailboxCount:
    """One mailbox: Tradepost's sums, how many mails its provider holds in scope, how many of those every CRM has."""

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
    held = [stage.original(mail) for mail in in_scope(stage, name)]
    logged = [stage.logged(crm) for crm in stage.crms]
    return MailboxCount(name, report.coverage, len(held), sum(all(mail in crm for crm in logged) for mail in held))


def in_scope(stage: Stage, mailbox: str) -> list[str]:
    """The Message-ID of every mail of a mailbox that Tradepost is to read, as the provider holds it."""
    return [one.message_id for one in stage.company.host_of(mailbox).held(mailbox) if one.place not in OUT_OF_SCOPE]


async def totals(stage: Stage) -> tuple[Count, ...]:
    """Writes that Tradepost calls done, beside the records that each CRM counts as made by our user."""
    items = await stage.engine.store.report.counts()
    return tuple(count for crm in stage.crms for count in _totals(stage, crm, items))


def _totals(stage: Stage, crm: str, items: Mapping[tuple[str, str, str], int]) -> Iterator[Count]:
    def done(kind: WriteKind) -> int:
        return items.get((crm, kind, ItemState.DONE), 0)

    host = stage.company.crms[crm]
    tasks = [task for task in host.tasks() if task.by_us]
    moves = [by_us for deal in stage.company.books[crm].deals.values() for _, by_us in host.deal(deal).moves[1:]]
    yield Count("activities", done(WriteKind.LOG_EMAIL), sum(mail.by_us for mail in host.mails()), crm)
    yield Count("tasks", done(WriteKind.CREATE_TASK), len(tasks), crm)
    yield Count("tasks_completed", done(WriteKind.COMPLETE_TASK), sum(task.closed for task in tasks), crm)
    yield Count("stage_changes", done(WriteKind.MOVE_DEAL), sum(moves), crm)


async def read_so_far(stage: Stage) -> Count:
    """Mails that the runs over history have read, beside those that the mailboxes hold."""
    runs = await stage.engine.store.mailboxes.runs()
    held = sum(len(in_scope(stage, mailbox)) for mailbox in stage.mailboxes)
    return Count("read", sum(r.read for r in runs), held)
