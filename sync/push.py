"""One target's way out: confirm what is unknown, then send what is due. One call at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from connectors.base.crm import CrmTarget
from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    NotPermitted,
    OutcomeUnknown,
    Transient,
)
from connectors.base.model import (
    Absent,
    Attempt,
    Body,
    CannotTell,
    Capability,
    CompleteTask,
    Finding,
    Found,
    LinkEmail,
    LogEmail,
    Partial,
    Receipt,
    Remove,
    Write,
    WriteKind,
)
from connectors.base.services import Clock, Log
from mappings.fields import logged_body
from mappings.model import Reason
from sync import outbox
from sync.keys import again, key
from sync.mistakes import POISON, mistake
from sync.model import ItemState
from sync.outbox import Change, OnUnknown
from sync.store import Store
from sync.store.outbox import Item

CONFIRM_AT_ONCE, CONFIRM_OF = 100, 500  # items looked up together, and those they are chosen from
FIRST_LOOK, SECOND_LOOK = 8, 200  # due items that are read to make a batch of
LATER_GENERATIONS = 3  # times that one mail is undone and written again, at most, in a time that was lost
SECOND_LOOK_WAIT = timedelta(hours=1)  # after a second look that failed

# Above this share of the account's pool history waits, so that live mail and the customer's other programs have room.
HISTORY_CEILING = 0.9


@dataclass(frozen=True, slots=True)
class BodyGone:
    """The mail was deleted everywhere before its body could be read again."""


LoadBody = Callable[[str], Awaitable[tuple[str, str] | BodyGone]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """What the configuration says of delivery to one target."""

    on_unknown: OnUnknown = OnUnknown.PARK
    language: str = "en"


def _unknown(told: ConnectorError) -> OutcomeUnknown:
    """A mistake in the middle of a write: nobody knows how far it came."""
    return OutcomeUnknown(operation=told.operation, code=told.code)


def by_record(items: Sequence[Item]) -> list[Item]:
    """Live ones first, and each followed by those of its record: a target may read a record's list once for all."""
    order: dict[object, int] = {}
    for item in items:
        order.setdefault(_record(item.write), len(order))
    return sorted(items, key=lambda item: (item.history, order[_record(item.write)]))


def _record(write: Write) -> object:
    """The record that a look-up of a mail goes to; other kinds are asked for by kind."""
    if not isinstance(write, LogEmail):
        return write.kind
    return write.participants[0].ref if write.participants else write.deal


class Pusher:
    """Sends one target's items.

    `load_body` gives (text, html) of a mail, from the store or fetched again; it raises `ConnectorError` when the
    mailbox cannot be asked now.
    """

    def __init__(
        self,
        name: str,
        target: CrmTarget,
        store: Store,
        *,
        clock: Clock,
        random: Random,
        log: Log,
        load_body: LoadBody,
        settings: PushSettings,
    ) -> None:
        self.name = name
        self._target = target
        self._store = store
        self._clock = clock
        self._random = random
        self._log = log
        self._load_body = load_body
        self._settings = settings
        self._capabilities: Mapping[WriteKind, Capability] = {}
        self._paused: Mapping[WriteKind, str] = {}
        self._account_id = ""
        self.mirror_behind = False  # a record was gone that the mirror still shows; whoever refreshes it says False

    async def start(self) -> None:
        """Read the declared capabilities, and treat what a crash left `sending` as unknown."""
        account = await self._store.mirror.account(self.name)
        self._capabilities = dict(account.capabilities) if account else {}
        self._account_id = account.account_id if account else ""
        self._paused = await self._store.mirror.paused_kinds(self.name)
        settles = {kind: capability.settles_after for kind, capability in self._capabilities.items()}
        if left := await self._store.outbox.recover(self.name, settles):
            self._log.warning("outbox.recovered", target=self.name, items=left)

    @property
    def kinds(self) -> tuple[WriteKind, ...]:
        """The kinds of write that exist here and are not paused, in a fixed order."""
        return tuple(k for k in WriteKind if k in self._capabilities and k not in self._paused)

    async def next_due(self) -> datetime | None:
        """When the earliest item may be handled."""
        moments = [
            await self._store.outbox.next_due(self.name, self.kinds),
            await self._store.outbox.next_look(self.name, self.kinds),
        ]
        return min((m for m in moments if m is not None), default=None)

    async def step(self) -> bool:
        """Do one round; False when nothing is due. Raises the `ConnectorError` that must pause the lane."""
        return await self._confirm() or await self._send() or await self._look_again()

    # ---------------------------------------------------------------------------------------------------------- confirm

    async def _confirm(self) -> bool:
        now = self._clock.now()
        due = await self._due(ItemState.UNKNOWN, now, CONFIRM_OF)
        if not due:
            return False
        items = by_record(due)[:CONFIRM_AT_ONCE]
        items = items[: outbox.together(items[0].tries, len(items))]
        attempts = [await self._attempt(item, item.write) for item in items]
        try:
            found, generations = await self._find_later(items, attempts, await self._find(attempts))
            findings = await self._own_ones(items, found)
        except ConnectorError as error:
            changes = {
                i.key: outbox.after_failed_lookup(error, tries=i.tries, now=now, random=self._random) for i in items
            }
        else:
            changes = {
                item.key: replace(
                    outbox.after_lookup(finding, now=now, on_unknown=self._on_unknown(item), tries=item.tries),
                    generation=generation,
                )
                for item, finding, generation in zip(items, findings, generations, strict=True)
            }
        await self._settle(changes, items)
        for item in items:
            if changes[item.key].extras:
                await self._remove_extras(item, changes[item.key].extras)
        return True

    async def _find_later(
        self, items: Sequence[Item], attempts: Sequence[Attempt], found: Sequence[Finding]
    ) -> tuple[list[Finding], list[int]]:
        """A memory that was lost may have undone a write and sent it again under a later key: look for those too.

        Returns the findings and the generation of each item's key.
        """
        findings, generations = list(found), [item.generation for item in items]
        open_ = [n for n, item in enumerate(items) if self._may_be_undone(item) and outbox.is_gone(findings[n])]
        for step in range(1, LATER_GENERATIONS + 1):
            if not open_:
                break
            later = [replace(attempts[n].write, key=again(items[n].key, items[n].generation + step)) for n in open_]
            told = await self._find([replace(attempts[n], write=w) for n, w in zip(open_, later, strict=True)])
            for n, finding in zip(open_, told, strict=True):
                if isinstance(finding, Found | Partial):
                    findings[n], generations[n] = finding, items[n].generation + step
            open_ = [n for n in open_ if outbox.is_gone(findings[n])]
        return findings, generations

    def _may_be_undone(self, item: Item) -> bool:
        return outbox.doubted(item.sent_at) and self._capabilities[item.kind].removable

    # ------------------------------------------------------------------------------------------------------ second look

    async def _look_again(self) -> bool:
        """Where no unique key protects, see whether a finished write has left more than one record."""
        if self._target.usage >= HISTORY_CEILING:
            return False
        now = self._clock.now()
        due = await self._store.outbox.to_look_again(self.name, now, kinds=self.kinds, limit=CONFIRM_OF)
        if not due:
            return False
        await self._look_at(by_record(due)[:CONFIRM_AT_ONCE])
        return True

    async def _look_at(self, items: Sequence[Item]) -> None:
        """One that cannot be looked up must not keep the others from it: after such an error they go by halves."""
        later = self._clock.now() + SECOND_LOOK_WAIT
        try:
            findings = await self._find([await self._attempt(item, item.write) for item in items])
        except (Transient, AuthFailed, NotPermitted):
            await self._store.outbox.looked_again([i.key for i in items], later)
            raise
        except ConnectorError as error:
            if len(items) == 1:
                self._log.warning("second_look.failed", target=self.name, item=items[0].key, code=error.code)
                await self._store.outbox.looked_again([items[0].key], later)
                return
            middle = len(items) // 2
            await self._look_at(items[:middle])
            await self._look_at(items[middle:])
            return
        for item, finding in zip(items, findings, strict=True):
            if isinstance(finding, Found) and finding.extras:
                await self._remove_extras(item, (finding.receipt.record, *finding.extras))
            elif isinstance(finding, CannotTell):
                self._log.warning("second_look.cannot_tell", target=self.name, item=item.key, reason=finding.why)
        await self._store.outbox.looked_again([i.key for i in items], None)

    def _on_unknown(self, item: Item) -> OnUnknown:
        """After a restore or rebuild, what cannot be looked up waits for a person: there may be very many."""
        return OnUnknown.PARK if outbox.doubted(item.sent_at) else self._settings.on_unknown

    async def _own_ones(self, items: Sequence[Item], found: Sequence[Finding]) -> list[Finding]:
        """Each item's own finding; one record answers for one item only."""
        taken: dict[tuple[WriteKind, str], str] = {}
        findings: list[Finding] = []
        for item, one in zip(items, found, strict=True):
            finding = await self._own(item, one, taken)
            if isinstance(finding, Found) and item.kind in outbox.MAKES_RECORD:
                taken[(item.kind, finding.receipt.record)] = item.key
            if isinstance(finding, Found) and outbox.doubted(item.sent_at):
                # What looks like a second record may be another mail's that has not been read again yet.
                finding = replace(finding, extras=())
            findings.append(finding)
        return findings

    async def _own(self, item: Item, finding: Finding, taken: Mapping[tuple[WriteKind, str], str]) -> Finding:
        """Without unique keys a look-up may show the record of another item that looks the same; that one is not ours.

        Twins do: two mails of one sender, second and subject, or two tasks of one wording.
        """
        if not isinstance(finding, Found) or item.kind not in outbox.MAKES_RECORD:
            return finding
        if self._capabilities[item.kind].unique_key:
            return finding
        records = (finding.receipt.record, *finding.extras)
        others = await self._store.outbox.holders(self.name, item.kind, records)
        others |= {r: taken[item.kind, r] for r in records if (item.kind, r) in taken}
        mine = [r for r in records if others.get(r, item.key) == item.key]
        if not mine:
            return Absent()
        same = mine[0] == finding.receipt.record
        receipt = finding.receipt if same else replace(finding.receipt, record=mine[0], url="")
        return Found(receipt, tuple(mine[1:]))

    async def _remove_extras(self, item: Item, records: Sequence[str]) -> None:
        """Have all of these removed that no item answers for."""
        kept = await self._store.outbox.holders(self.name, item.kind, records)
        writes = [
            Remove(key=key(self._account_id, WriteKind.REMOVE, item.key, record), made_by=item.kind, record=record)
            for record in records
            if record not in kept
        ]
        possible = WriteKind.REMOVE in self.kinds
        await self._store.outbox.remove_extras(item, writes, self._clock.now(), possible=possible)
        self._log.warning("item.doubled", target=self.name, item=item.key, kind=item.kind.value, records=len(writes))

    # ------------------------------------------------------------------------------------------------------------- send

    async def _send(self) -> bool:
        now = self._clock.now()
        batch = self._batch(await self._ready(now))
        if not batch:
            return False
        attempts, parked = await self._load(batch)
        if parked:
            await self._settle(parked, [i for i in batch if i.key in parked])
        batch = [item for item in batch if item.key in attempts]
        if not batch:
            return True
        marked = await self._store.outbox.sending([item.key for item in batch], self._clock.now())
        batch = [item for item in batch if item.key in marked]
        if not batch:
            return True
        answers = await self._write([attempts[item.key] for item in batch])
        now = self._clock.now()
        changes = {
            item.key: outbox.resumed(
                outbox.after_write(
                    item.kind,
                    answer,
                    tries=item.tries,
                    now=now,
                    capability=self._capabilities[item.kind],
                    random=self._random,
                ),
                item.half_record,
                item.steps,
            )
            for item, answer in zip(batch, answers, strict=True)
        }
        await self._settle(changes, batch)
        return True

    async def _due(self, state: ItemState, now: datetime, limit: int) -> Sequence[Item]:
        """What may go on; history waits while little of the target's calls is left."""
        history = self._target.usage < HISTORY_CEILING
        return await self._store.outbox.due(self.name, now, state=state, kinds=self.kinds, history=history, limit=limit)

    async def _ready(self, now: datetime) -> Sequence[Item]:
        """What may be sent now. Where writes travel alone there is no use in reading many each time."""
        found: Sequence[Item] = ()
        for limit in (FIRST_LOOK, SECOND_LOOK):
            found = await self._due(ItemState.READY, now, limit)
            if found and self._capabilities[found[0].kind].batch == 1:
                break
        return found

    def _batch(self, due: Sequence[Item]) -> list[Item]:
        """The first due item and those that may travel with it: same kind, no order key twice."""
        if not due:
            return []
        kind = due[0].kind
        batch: list[Item] = []
        orders: set[str] = set()
        for item in due:
            if item.kind is not kind or (item.order_key and item.order_key in orders):
                continue
            batch.append(item)
            orders.add(item.order_key)
            if len(batch) >= self._capabilities[kind].batch:
                break
        return batch[: outbox.together(batch[0].tries, len(batch))]

    async def _load(self, batch: Sequence[Item]) -> tuple[dict[str, Attempt], dict[str, Change]]:
        """What to send, and what cannot be sent because its mail is gone."""
        attempts: dict[str, Attempt] = {}
        changes: dict[str, Change] = {}
        for item in batch:
            write = item.write
            if isinstance(write, LogEmail):
                try:
                    body = await self._load_body(item.mail)
                except ConnectorError as error:
                    changes[item.key] = outbox.body_unreachable(
                        error, tries=item.tries, now=self._clock.now(), random=self._random
                    )
                    continue
                if isinstance(body, BodyGone):
                    changes[item.key] = Change(state=ItemState.PARKED, reason=Reason.BODY_GONE)
                    continue
                write = replace(write, body=self._render(write, body))
            attempts[item.key] = await self._attempt(item, write)
        return attempts, changes

    def _render(self, write: LogEmail, body: tuple[str, str]) -> Body:
        limit = self._capabilities[WriteKind.LOG_EMAIL].max_text
        return logged_body(*body, attachments=write.attachments, limit=limit, language=self._settings.language)

    async def _attempt(self, item: Item, write: Write) -> Attempt:
        if isinstance(write, CompleteTask):
            write = replace(write, task=await self._store.outbox.record_of(write.task_key))
        elif isinstance(write, LinkEmail):
            write = replace(write, logged=await self._store.outbox.record_of(write.logged_key))
        return Attempt(write, item.first_sent_at, item.half_record, item.steps, item.history)

    async def _write(self, attempts: Sequence[Attempt]) -> Sequence[Receipt | ConnectorError]:
        try:
            return await self._target.write_many(attempts)
        except ConnectorError as error:
            return [error] * len(attempts)
        except POISON as error:
            return [_unknown(mistake(error, self._log, "target.broken", target=self.name))] * len(attempts)

    async def _find(self, attempts: Sequence[Attempt]) -> Sequence[Finding]:
        """Raises `ConnectorError`s only."""
        try:
            return await self._target.find_written(attempts)
        except POISON as error:
            told = mistake(error, self._log, "target.broken", target=self.name)
            raise BadReply(operation=told.operation, code=told.code) from None

    async def _settle(self, changes: Mapping[str, Change], items: Sequence[Item]) -> None:
        await self._store.outbox.settle(changes, self._clock.now())
        for item in items:
            change = changes[item.key]
            reason = change.reason.value if change.reason else change.detail
            self._log.info(
                f"item.{change.state.value}", target=self.name, item=item.key, kind=item.kind.value, reason=reason
            )
        self.mirror_behind = self.mirror_behind or any(change.rematch for change in changes.values())
        for change in changes.values():
            if change.pause is not None:
                raise change.pause
