"""A CRM target on a real account: everything is written to one customer that is made for it and marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from connectors.base.crm import CrmTarget
from connectors.base.errors import BadReply, ConnectorError, CursorExpired, OutcomeUnknown
from connectors.base.model import (
    Absent,
    Address,
    Attempt,
    Body,
    Capability,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    Effect,
    Found,
    LogEmail,
    Lookup,
    Participant,
    Receipt,
    RecordRef,
    Remove,
    Role,
    TargetAccount,
    Write,
    WriteKind,
)
from connectors.base.services import Clock
from sync.keys import key
from tradepost.testing.expect import expect, is_a, same
from tradepost.testing.live import Unsafe
from tradepost.testing.suite import Need, Skip, Suite, Verdict, tried_in_order

MOST_PAGES = 3  # of a real account's customers
LOOK_EVERY = 10.0
FIND_WITHIN = 300.0  # seconds that a search may lag behind
NOTHING = Capability(exists=False)


@dataclass(frozen=True, slots=True)
class Made:
    """A record that we made; `sure` is False where the answer was lost."""

    write: CreateCustomer | LogEmail | CreateTask
    what: str
    record: str = ""
    url: str = ""
    sure: bool = True


@dataclass(slots=True)
class LiveCrm:
    """One account, one run. `mark` is in the name of everything that is made."""

    connect: Callable[[], CrmTarget]
    clock: Clock
    mark: str
    unsafe: Unsafe
    target: CrmTarget = field(init=False)
    account: TargetAccount = field(init=False)
    customer: RecordRef | None = None
    made: list[Made] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Nobody's: https://www.rfc-editor.org/rfc/rfc2606#section-3."""
        return f"tradepost-conformance-{self.mark}@example.com"

    def can(self, kind: WriteKind) -> Capability:
        return self.account.capabilities.get(kind, NOTHING)

    def key(self, kind: WriteKind, name: str) -> str:
        return key(self.account.account_id, kind, f"conformance {self.mark} {name}")

    # ------------------------------------------------------------------------------------------------------- writing

    async def write(self, *writes: Write) -> tuple[Receipt, ...]:
        """Send, note what was made, and insist on receipts. None of the customer's automations is to start."""
        attempts = [Attempt(w, history=True) for w in writes]
        try:
            answers = tuple(await self.target.write_many(attempts))
        except ConnectorError as error:
            answers = (error,) * len(writes)
        for write, answer in zip(writes, answers, strict=True):
            self._note(write, answer)
        return tuple(is_a(a, Receipt, f"the answer to {w.kind}") for w, a in zip(writes, answers, strict=True))

    def _note(self, write: Write, answer: Receipt | ConnectorError) -> None:
        if not isinstance(write, CreateCustomer | LogEmail | CreateTask):
            return
        what = self.address if isinstance(write, CreateCustomer) else _title(write)
        if isinstance(answer, Receipt) and answer.effect is Effect.CREATED:
            self.made.append(Made(write, what, answer.record, answer.url))
        elif isinstance(answer, OutcomeUnknown | BadReply):
            self.made.append(Made(write, what, sure=False))
        if isinstance(answer, Receipt):
            self.receipts[write.key] = answer

    async def found(self, write: Write) -> Found:
        """Look a write up until it is found; insists that it is, once it has settled."""
        began = self.clock.monotonic()
        attempt = Attempt(write, first_sent_at=self.clock.now() - timedelta(minutes=1))
        while True:
            (finding,) = await self.target.find_written([attempt])
            waited = self.clock.monotonic() - began
            if isinstance(finding, Found) or waited > self.can(write.kind).settles_after + LOOK_EVERY:
                return is_a(finding, Found, "the look-up")
            await self.clock.sleep(LOOK_EVERY)

    def own(self) -> RecordRef:
        """The customer that everything hangs on."""
        if self.customer is None:
            raise Skip("there is no customer of our own")
        return self.customer

    def mail(self, name: str) -> LogEmail:
        now = self.clock.now()
        return LogEmail(
            key=self.key(WriteKind.LOG_EMAIL, name),
            mail=f"conformance {self.mark} {name}",
            message_id=f"{self.mark}.{name}@conformance.example.com",
            thread=f"conformance {self.mark}",
            sent_at=now.replace(microsecond=0) - timedelta(days=1),
            incoming=True,
            subject=f"[Tradepost conformance {self.mark}] 报价单 {name}",
            from_=Address(self.address, "Tradepost conformance"),
            to=(Address("sales@example.com"),),
            participants=(Participant(self.own(), Role.FROM, self.address),),
            body=Body("A mail that Tradepost's conformance kit has made. It may be deleted."),
        )

    def task(self, name: str) -> CreateTask:
        due = self.clock.now() + timedelta(days=1)
        return CreateTask(
            key=self.key(WriteKind.CREATE_TASK, name),
            title=f"[Tradepost conformance {self.mark}] {name}",
            text="A task that Tradepost's conformance kit has made. It may be deleted.",
            due_at=due,
            due_on=due.date(),
            record=self.own(),
        )

    # ------------------------------------------------------------------------------------------------------ cleaning up

    async def clear_up(self) -> list[Made]:
        """Remove what was made, the newest first; the answer is what is left behind."""
        left = [made for made in reversed(self.made) if not made.sure or not await self._removed(made)]
        return [made for made in left if not await self._went_along(made)]

    async def _went_along(self, made: Made) -> bool:
        """Some records go with the customer that they hang on."""
        if not made.sure or self.can(made.write.kind).lookup is Lookup.NONE:
            return False
        try:
            (finding,) = await self.target.find_written([Attempt(made.write, first_sent_at=self.clock.now())])
        except ConnectorError:
            return False
        return isinstance(finding, Absent)

    async def _removed(self, made: Made) -> bool:
        if not self.can(WriteKind.REMOVE).exists:
            return False
        write = Remove(key=self.key(WriteKind.REMOVE, made.record), made_by=made.write.kind, record=made.record)
        try:
            (answer,) = await self.target.write_many([Attempt(write, history=True)])
        except ConnectorError:
            return False
        return isinstance(answer, Receipt)


def _title(write: LogEmail | CreateTask) -> str:
    return write.subject if isinstance(write, LogEmail) else write.title


async def judge_crm(live: LiveCrm, tell: Callable[[Verdict], None]) -> tuple[tuple[Verdict, ...], list[Made]]:
    """Try all of it in order, and clear up whatever happens: verdicts, and what is left behind.

    Raises the `ConnectorError` of a connection that cannot be had at all.
    """
    live.target = live.connect()
    try:
        live.account = await live.target.check()
        try:
            verdicts = await tried_in_order(LIVE_CRM.checks, live, tell)
        finally:
            left = await live.clear_up()
        return verdicts, left
    finally:
        await live.target.close()


LIVE_CRM: Suite[LiveCrm] = Suite("CRM target, live")


def _does(*kinds: WriteKind) -> Need[LiveCrm]:
    def why(live: LiveCrm) -> str:
        return next((f"{k} is not declared" for k in kinds if not live.can(k).exists), "")

    return why


def _keyed(kind: WriteKind) -> Need[LiveCrm]:
    return lambda live: "" if live.can(kind).unique_key else f"unique_key is not declared for {kind}"


def _looks_up(kind: WriteKind) -> Need[LiveCrm]:
    return lambda live: "" if live.can(kind).lookup is not Lookup.NONE else f"lookup is not declared for {kind}"


asking = LIVE_CRM.topic("asking")


@asking("same_account")
async def _(live: LiveCrm) -> None:
    expect(live.account.account_id, "the account has no id")
    other = live.connect()
    try:
        same((await other.check()).account_id, live.account.account_id, "the id for a new connection")
    finally:
        await other.close()


@asking("declared")
async def _(live: LiveCrm) -> None:
    same(dict((await live.target.check()).capabilities), dict(live.account.capabilities), "capabilities, asked again")


@asking("nothing_asked")
async def _(live: LiveCrm) -> None:
    same(tuple(await live.target.write_many(())), (), "answers")
    same(tuple(await live.target.find_written(())), (), "findings")
    same(tuple(await live.target.find_customers((), ())), (), "customers")


@asking("feeds")
async def _(live: LiveCrm) -> None:
    before = live.unsafe.sent
    expect(await live.target.users(), "there are no users")
    for feed in (live.target.customers, live.target.deals):
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await feed(cursor)
            expect(page.cursor, "a page has no cursor")
            cursor = page.cursor
            if not page.more:
                break
    live.unsafe.none_since(before)


@asking("cursor_survives")
async def _(live: LiveCrm) -> None:
    page = await live.target.customers(None)
    again = await live.target.customers(page.cursor)
    other = live.connect()
    try:
        restarted = await other.customers(page.cursor)
    finally:
        await other.close()
    told = {row.ref for row in restarted.rows}
    expect({row.ref for row in again.rows} <= told, "a new connection tells less from the same cursor")


@asking("no_cursor")
async def _(live: LiveCrm) -> None:
    try:
        await live.target.customers("nonsense")
    except CursorExpired:
        return
    expect(False, "a text that is no cursor is answered")  # noqa: FBT003 - there is nothing to compare


writing = LIVE_CRM.topic("writing")


@writing("own_customer", _does(WriteKind.CREATE_CUSTOMER))
async def _(live: LiveCrm) -> None:
    same(tuple(await live.target.find_customers([live.address], [])), (), "customers with an address that is new")
    made = CreateCustomer(
        key=live.key(WriteKind.CREATE_CUSTOMER, "customer"),
        email=live.address,
        name=f"Tradepost conformance {live.mark}",
        company_name="Tradepost conformance",
    )
    (receipt,) = await live.write(made)
    same(receipt.effect, Effect.CREATED, "the effect")
    began = live.clock.monotonic()
    while not (found := await live.target.find_customers([live.address], [])):
        expect(live.clock.monotonic() - began < FIND_WITHIN, "the new customer is not found by address")
        await live.clock.sleep(LOOK_EVERY)
    same([c.emails for c in found], [(live.address,)], "the addresses of the customer found")
    same(found[0].ref.id, receipt.record, "the customer found")
    live.customer = found[0].ref
    (again,) = await live.write(made)
    same((again.effect, again.record), (Effect.EXISTING, receipt.record), "effect and record, made again")


@writing("mail_once", _does(WriteKind.LOG_EMAIL))
async def _(live: LiveCrm) -> None:
    (receipt,) = await live.write(live.mail("1"))
    same((receipt.effect, receipt.key), (Effect.CREATED, live.mail("1").key), "effect and key")
    expect(receipt.record, "the receipt names no record")


@writing("mail_again", _does(WriteKind.LOG_EMAIL), _keyed(WriteKind.LOG_EMAIL))
async def _(live: LiveCrm) -> None:
    (again,) = await live.write(live.mail("1"))
    same(again.effect, Effect.EXISTING, "the effect, logged again")


@writing("mail_found", _does(WriteKind.LOG_EMAIL), _looks_up(WriteKind.LOG_EMAIL))
async def _(live: LiveCrm) -> None:
    first = live.mail("1")
    if first.key not in live.receipts:
        raise Skip("no mail was logged")
    same((await live.found(first)).receipt.record, live.receipts[first.key].record, "the record found")
    never = Attempt(live.mail("never"), first_sent_at=live.clock.now())
    (finding,) = await live.target.find_written([never])
    is_a(finding, Absent, "the look-up of a mail that was never sent")


@writing("tasks_in_order", _does(WriteKind.CREATE_TASK))
async def _(live: LiveCrm) -> None:
    wanted = [live.task("b"), live.task("a")]
    size = live.can(WriteKind.CREATE_TASK).batch
    receipts = await live.write(*wanted) if size > 1 else (*await live.write(wanted[0]), *await live.write(wanted[1]))
    same([r.key for r in receipts], [w.key for w in wanted], "the keys of the receipts")
    same(len({r.record for r in receipts}), 2, "records")


@writing("task_again", _does(WriteKind.CREATE_TASK), _keyed(WriteKind.CREATE_TASK))
async def _(live: LiveCrm) -> None:
    (again,) = await live.write(live.task("a"))
    same(again.effect, Effect.EXISTING, "the effect, created again")


@writing("task_closed", _does(WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK))
async def _(live: LiveCrm) -> None:
    task = live.task("a")
    made = live.receipts.get(task.key)
    if made is None:
        raise Skip("no task was created")
    close = CompleteTask(key=live.key(WriteKind.COMPLETE_TASK, "a"), task_key=task.key, task=made.record)
    (first,) = await live.write(close)
    (second,) = await live.write(replace(close))
    same((first.effect, second.effect), (Effect.CHANGED, Effect.UNCHANGED), "the effects, closed twice")


leaving = LIVE_CRM.topic("leaving")


@leaving("closing_twice")
async def _(live: LiveCrm) -> None:
    other = live.connect()
    await other.users()
    await other.close()
    await other.close()
