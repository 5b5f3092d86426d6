"""A CRM target on its bench: writes of every kind, made ready to be sent, and the vendor's own view of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from connectors.base.crm import CrmTarget
from connectors.base.errors import ConnectorError
from connectors.base.model import (
    Address,
    Attempt,
    Body,
    Capability,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Finding,
    LinkEmail,
    LogEmail,
    Lookup,
    MoveDeal,
    Page,
    Participant,
    Receipt,
    RecordKind,
    RecordRef,
    Remove,
    Role,
    SetFields,
    TargetAccount,
    WriteKind,
)
from tradepost.sandbox.hosts import LoggedMail, SeenTask
from tradepost.sandbox.kernel import World
from tradepost.testing.bench import MOST_PAGES, Bench, Spoil, opened
from tradepost.testing.expect import Broken, is_a
from tradepost.testing.rig import CrmRig
from tradepost.testing.suite import Need, Suite

T = TypeVar("T")
Answer = Receipt | ConnectorError
NOTHING = Capability(exists=False)
SENT_AT = datetime(2026, 2, 11, 9, 30, 15, tzinfo=UTC)
LI = "li@acme.example"


@dataclass(frozen=True, slots=True)
class Ready:
    """A write that can be sent, and how often the vendor shows what it does: before, once and never twice."""

    attempt: Attempt
    shown: Callable[[], int]


class CrmBench(Bench[CrmRig]):
    """What a check of a CRM target is handed. `account` is what `check` answered."""

    target: CrmTarget
    account: TargetAccount

    async def start(self) -> None:
        self.target = self.connect()
        self.account = await self.target.check()

    def connect(self) -> CrmTarget:
        """One more connection, as after a restart."""
        target: CrmTarget = self.spoiled(self.rig.open(self.services()))
        return target

    @property
    def host(self) -> Any:
        return self.rig.host

    def can(self, kind: WriteKind) -> Capability:
        """What is declared for a kind of write."""
        return self.account.capabilities.get(kind, NOTHING)

    @asynccontextmanager
    async def twin(self) -> AsyncIterator[CrmBench]:
        """The same bench once more, from the beginning."""
        other = CrmBench(self.make, self.spoil, self.seed)
        async with opened(other, other.start):
            yield other

    # --------------------------------------------------------------------------------------------------------- asking

    async def all_of(
        self, feed: Callable[[str | None], Awaitable[Page[T]]], cursor: str | None = None
    ) -> tuple[dict[str, T], str]:
        """The last word on each record of a feed, read to its end, and the cursor there."""
        rows: dict[str, T] = {}
        for _ in range(MOST_PAGES):
            page = await feed(cursor)
            if page.more and page.cursor == cursor:
                raise Broken("there is more, and the cursor has not advanced")
            cursor = page.cursor
            rows |= {record_id(row): row for row in page.rows}
            if not page.more:
                return rows, cursor
        raise Broken("the feed does not end")

    # -------------------------------------------------------------------------------------------------------- writing

    async def write(self, *attempts: Attempt) -> tuple[Answer, ...]:
        """Send; an error raised for all of them is the answer of each."""
        try:
            answers = tuple(await self.target.write_many(attempts))
        except ConnectorError as error:
            answers = (error,) * len(attempts)
        if unmet := [f.operation for f in self.world.faults.pending() if f.times == 1]:
            raise Broken(f"no request called {unmet[0]} was made: the rig's `calls` tell otherwise")
        if len(answers) != len(attempts):
            raise Broken(f"{len(answers)} answers to {len(attempts)} writes")
        return answers

    async def only(self, attempt: Attempt) -> Answer:
        return (await self.write(attempt))[0]

    async def done(self, attempt: Attempt) -> Receipt:
        """Send, and insist on a receipt. Time passes until it can be asked for."""
        receipt = is_a(await self.only(attempt), Receipt, f"writing {attempt.write.kind}")
        await self.later()
        return receipt

    async def find(self, *attempts: Attempt) -> tuple[Finding, ...]:
        findings = tuple(await self.target.find_written(attempts))
        if len(findings) != len(attempts):
            raise Broken(f"{len(findings)} findings for {len(attempts)} writes")
        return findings

    async def settle(self, kind: WriteKind) -> None:
        """Wait as long as the target asks for this kind after an unknown outcome, and no longer."""
        await self.clock.sleep(self.can(kind).settles_after)

    # -------------------------------------------------------------------------------------------------------- records

    def contact(self, name: str = "Li Wei", address: str = LI, **more: str) -> RecordRef:
        return RecordRef(RecordKind.CONTACT, str(self.host.add_contact(name, address, **more)))

    def mail(self, n: int = 1, *people: RecordRef, **changes: Any) -> Attempt:
        """An incoming mail of the first of `people` to us; the others get copies."""
        addresses = [LI, *(f"copy{i}@acme.example" for i in range(1, len(people)))]
        participants = tuple(
            Participant(ref, Role.FROM if i == 0 else Role.CC, addresses[i]) for i, ref in enumerate(people)
        )
        fields: dict[str, Any] = {
            "key": key(n),
            "mail": f"identity{n}",
            "message_id": f"m{n}@acme.example",
            "thread": "t1",
            "sent_at": SENT_AT,
            "incoming": True,
            "subject": f"Quotation {n} 报价单",
            "from_": Address(LI, "Li Wei"),
            "to": (Address("sales@ours.example", "Sales"),),
            "cc": tuple(Address(p.address) for p in participants[1:]),
            "participants": participants,
            "body": Body("Please quote for lamps.", "<p>Please quote for lamps.</p>"),
        }
        return Attempt(LogEmail(**fields | changes))

    def task(self, n: int = 2, record: RecordRef | None = None, **changes: Any) -> Attempt:
        due = self.clock.now() + timedelta(days=2)
        fields: dict[str, Any] = {
            "key": key(n),
            "title": f"Answer Li {n}",
            "text": "A quotation is asked for.",
            "due_at": due,
            "due_on": due.date(),
            "record": record,
        }
        return Attempt(CreateTask(**fields | changes))

    def deal(self, **more: str) -> str:
        """A deal of a company and its contact, at the stage `open`."""
        company = self.host.add_company("Acme", "acme.example")
        contact = self.host.add_contact("Li Wei", LI, company=company)
        stage = {"stage": self.host.stages.open}
        return str(self.host.add_deal("Lamps", **{"company": company, "contact": contact, **stage, **more}))

    def move(self, deal: str, n: int = 3, **changes: str) -> Attempt:
        stages = self.host.stages
        fields = {"expect_stage": stages.open, "to_stage": stages.quoted, "pipeline": self.pipeline()}
        return Attempt(MoveDeal(key=key(n), deal=deal, **fields | changes))

    def pipeline(self) -> str:
        """The pipeline of the host's stages."""
        wanted = self.host.stages.open
        return next((p.id for p in self.account.pipelines if wanted in {s.id for s in p.stages}), "")

    def mails(self, subject: str) -> list[LoggedMail]:
        """What the vendor shows under a subject and has from us."""
        return [m for m in self.host.mails() if m.subject == subject and m.by_us]

    def tasks(self, title: str) -> list[SeenTask]:
        return [t for t in self.host.tasks() if t.title == title and t.by_us]

    # ----------------------------------------------------------------------------------------------------- every kind

    async def ready(self, kind: WriteKind) -> Ready:
        """A write of that kind, with what it needs at the vendor."""
        made = await _MAKERS[kind](self)
        await self.later()
        return made


def key(n: int) -> str:
    return f"v1:{n:064x}"


def record_id(row: Any) -> str:
    return str(row.ref.id if hasattr(row, "ref") else row.id)


async def _log(bench: CrmBench) -> Ready:
    attempt = bench.mail(11, bench.contact())
    return Ready(attempt, lambda: len(bench.mails("Quotation 11 报价单")))


async def _link(bench: CrmBench) -> Ready:
    first, second = bench.contact(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    logged = await bench.done(bench.mail(12, first))
    person = Participant(second, Role.CC, "chen@acme.example")
    write = LinkEmail(key=key(13), mail="identity12", logged_key=key(12), participants=(person,), logged=logged.record)
    return Ready(Attempt(write), lambda: sum(second.id in m.records for m in bench.mails("Quotation 12 报价单")))


async def _create_task(bench: CrmBench) -> Ready:
    attempt = bench.task(14, bench.contact())
    return Ready(attempt, lambda: len(bench.tasks("Answer Li 14")))


async def _complete_task(bench: CrmBench) -> Ready:
    contact = bench.contact()
    await bench.later()
    made = await bench.done(bench.task(15, contact))
    write = CompleteTask(key=key(16), task_key=key(15), task=made.record)
    return Ready(Attempt(write), lambda: sum(t.closed for t in bench.tasks("Answer Li 15")))


async def _move(bench: CrmBench) -> Ready:
    deal = bench.deal()

    def shown() -> int:
        return sum(by_us and stage == bench.host.stages.quoted for stage, by_us in bench.host.deal(deal).moves)

    return Ready(bench.move(deal, 17), shown)


async def _set_fields(bench: CrmBench) -> Ready:
    contact = bench.contact()
    write = SetFields(key=key(18), record=contact, fields=((bench.rig.field, "Purchasing"),))
    return Ready(Attempt(write), lambda: int(bench.rig.value(contact.id, bench.rig.field) == "Purchasing"))


async def _create_customer(bench: CrmBench) -> Ready:
    address = "omar@bazaar.example"
    write = CreateCustomer(key=key(19), email=address, name="Omar Haddad", company_name="Bazaar")
    return Ready(Attempt(write), lambda: len(bench.rig.bearers(address)))


async def _remove(bench: CrmBench) -> Ready:
    contact = bench.contact()
    await bench.later()
    kind = bench.rig.removes
    made = await bench.done(bench.mail(20, contact) if kind is WriteKind.LOG_EMAIL else bench.task(20, contact))
    write = Remove(key=key(21), made_by=kind, record=made.record)
    return Ready(
        Attempt(write), lambda: int(not bench.mails("Quotation 20 报价单") and not bench.tasks("Answer Li 20"))
    )


_MAKERS: Mapping[WriteKind, Callable[[CrmBench], Awaitable[Ready]]] = {
    WriteKind.LOG_EMAIL: _log,
    WriteKind.LINK_EMAIL: _link,
    WriteKind.CREATE_TASK: _create_task,
    WriteKind.COMPLETE_TASK: _complete_task,
    WriteKind.MOVE_DEAL: _move,
    WriteKind.SET_FIELDS: _set_fields,
    WriteKind.CREATE_CUSTOMER: _create_customer,
    WriteKind.REMOVE: _remove,
}

DOING: Mapping[WriteKind, str] = {
    WriteKind.LOG_EMAIL: "logging a mail",
    WriteKind.LINK_EMAIL: "adding a record to a logged mail",
    WriteKind.CREATE_TASK: "creating a task",
    WriteKind.COMPLETE_TASK: "completing a task",
    WriteKind.MOVE_DEAL: "moving a deal",
    WriteKind.SET_FIELDS: "filling a field",
    WriteKind.CREATE_CUSTOMER: "creating a customer",
    WriteKind.REMOVE: "removing what we made",
}
CREATING = (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK, WriteKind.CREATE_CUSTOMER)


def crm_bench(
    make: Callable[[World], CrmRig], spoil: Spoil | None = None
) -> Callable[[], AbstractAsyncContextManager[CrmBench]]:
    """Opens fresh benches for `suite.judge`."""

    def fresh() -> AbstractAsyncContextManager[CrmBench]:
        bench = CrmBench(make, spoil)
        return opened(bench, bench.start)

    return fresh


CRM: Suite[CrmBench] = Suite("CRM target")
"""The promises of `CrmTarget`."""


# --------------------------------------------------------------------------------------------------------------- needs


def does(*kinds: WriteKind) -> Need[CrmBench]:
    """The target declares these kinds of write. Filling fields and removing need a way to look at them, too."""

    def why(bench: CrmBench) -> str:
        missing = [k for k in kinds if not bench.can(k).exists]
        if missing:
            return f"{missing[0]} is not declared" + _because(bench.can(missing[0]))
        return "" if WriteKind.SET_FIELDS not in kinds or bench.rig.field else "the vendor has no field to fill"

    return why


def keyed(kind: WriteKind) -> Need[CrmBench]:
    def why(bench: CrmBench) -> str:
        can = bench.can(kind)
        return "" if can.unique_key else f"unique_key is not declared for {kind}" + _because(can)

    return why


def looks_up(kind: WriteKind) -> Need[CrmBench]:
    def why(bench: CrmBench) -> str:
        can = bench.can(kind)
        return "" if can.lookup is not Lookup.NONE else f"lookup is not declared for {kind}" + _because(can)

    return why


def spans(kind: WriteKind) -> Need[CrmBench]:
    def why(bench: CrmBench) -> str:
        return "" if bench.can(kind).spans_records else f"spans_records is not declared for {kind}"

    return why


def batches(kind: WriteKind) -> Need[CrmBench]:
    def why(bench: CrmBench) -> str:
        return "" if bench.can(kind).batch > 1 else f"batch is not declared for {kind}"

    return why


def in_steps(kind: WriteKind) -> Need[CrmBench]:
    def why(bench: CrmBench) -> str:
        return "" if len(bench.rig.calls.get(kind, ())) > 1 else f"{kind} is one request: nothing can be half done"

    return why


def _because(can: Capability) -> str:
    return f" ({can.reason})" if can.reason else ""


def resent(attempt: Attempt, *, sent_at: datetime) -> Attempt:
    """The same write as the engine looks it up later."""
    return replace(attempt, first_sent_at=sent_at)


def unique(texts: Sequence[str]) -> bool:
    return len(set(texts)) == len(texts)
