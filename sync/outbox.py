"""What an answer means for an outbox item. Pure: the only place where an item's next state is decided.

ready ──tx3──> sending ──answer──> done | ready (later) | unknown | parked | dropped
sending ──crash──> unknown ──settled, looked up──> done | ready | parked
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    Conflict,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unsupported,
)
from connectors.base.model import (
    Absent,
    CannotTell,
    Capability,
    Effect,
    Finding,
    Found,
    Lookup,
    Partial,
    Receipt,
    WriteKind,
)
from mappings.model import Reason
from sync.model import ItemState

MOST_TRIES = 12
WHOLE_TRIES = 2  # so many times items are sent or looked up as they come; then fewer and fewer of them at once
QUICK_TRIES = 8  # by then poison is as good as alone
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=2)


class OnUnknown(StrEnum):
    """What to do where no look-up can tell whether a write happened."""

    PARK = "park"
    RESEND = "resend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An item's next state. `rematch` asks for its thread to be decided again; `pause` for its lane to stop."""

    state: ItemState
    due_at: datetime | None = None
    count_try: bool = False
    reason: Reason | None = None
    detail: str = ""
    receipt: Receipt | None = None
    half_record: str = ""
    steps: tuple[str, ...] = ()
    rematch: bool = False
    never_sent: bool = False
    pause: ConnectorError | None = None
    look_again_at: datetime | None = None
    extras: tuple[str, ...] = ()
    generation: int | None = None  # of the key under which the record was found


# Of these a target without unique keys may come to hold two, and nobody is told.
MAKES_RECORD = (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK, WriteKind.CREATE_CUSTOMER)


def second_look(kind: WriteKind, effect: Effect, capability: Capability, now: datetime) -> datetime | None:
    """When to look a finished write up once more: where a request that a proxy delivers twice makes two records."""
    safe = capability.unique_key or capability.lookup is Lookup.NONE or effect is not Effect.CREATED
    return None if safe or kind not in MAKES_RECORD else now + timedelta(seconds=capability.settles_after)


def doubted(sent_at: datetime | None) -> bool:
    """Whether an unknown item was never sent by this memory, but perhaps by one that was lost (restore, rebuild)."""
    return sent_at is None


def is_gone(finding: Finding) -> bool:
    """Whether a look-up shows no record, or only one in the vendor's recycle bin."""
    return isinstance(finding, Absent) or (isinstance(finding, Found) and finding.receipt.note == "record_deleted")


def pause(tries: int) -> timedelta:
    """The wait before try number `tries` + 1: doubling, capped."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 12)))


def backoff(tries: int, random: Random) -> timedelta:
    """`pause` with up to a quarter of jitter."""
    wait = pause(tries)
    return wait + wait * random.random() / 4


def after_write(
    kind: WriteKind,
    answer: Receipt | ConnectorError,
    *,
    tries: int,
    now: datetime,
    capability: Capability,
    random: Random,
) -> Change:
    """The next state of an item that was sent."""
    match answer:
        case Receipt():
            again = second_look(kind, answer.effect, capability, now)
            return Change(state=ItemState.DONE, receipt=answer, look_again_at=again)
        case OutcomeUnknown() | BadReply():
            due = now + timedelta(seconds=capability.settles_after)
            return Change(state=ItemState.UNKNOWN, due_at=due, detail=detail(answer))
        case RateLimited():
            due = answer.retry_at or now + backoff(0, random)
            return Change(state=ItemState.READY, due_at=due, detail=detail(answer), pause=answer, never_sent=True)
        case Transient():
            return _later(answer, tries=tries, now=now, random=random)
        case AuthFailed() | NotPermitted():
            return Change(state=ItemState.READY, due_at=now, detail=detail(answer), pause=answer, never_sent=True)
        case Gone():
            return replace(_refused(ItemState.DROPPED, Reason.RECORD_GONE, answer), rematch=True, count_try=True)
        case Conflict():
            reason = Reason.RECORD_CHANGED if kind is WriteKind.REMOVE else Reason.PERSON_MOVED_DEAL
            return _refused(ItemState.DROPPED, reason, answer)
        case Unsupported():
            return _refused(ItemState.PARKED, Reason.UNSUPPORTED, answer)
        case Rejected() | _:
            return _refused(ItemState.PARKED, Reason.REJECTED, answer)


def _refused(state: ItemState, reason: Reason, answer: ConnectorError) -> Change:
    """The vendor said no: nothing was written."""
    return Change(state=state, reason=reason, detail=detail(answer), never_sent=True)


def resumed(change: Change, half_record: str, steps: tuple[str, ...]) -> Change:
    """What was half written before a passing refusal is still half written after it."""
    if change.state is not ItemState.READY or not half_record:
        return change
    return replace(change, half_record=half_record, steps=steps, never_sent=False)


def _later(answer: ConnectorError, *, tries: int, now: datetime, random: Random) -> Change:
    if tries + 1 >= MOST_TRIES:
        return Change(state=ItemState.PARKED, reason=Reason.TRIES_EXHAUSTED, detail=detail(answer), count_try=True)
    due = now + backoff(tries, random)
    return Change(state=ItemState.READY, due_at=due, count_try=True, detail=detail(answer), never_sent=True)


def after_lookup(finding: Finding, *, now: datetime, on_unknown: OnUnknown, tries: int = 0) -> Change:
    """The next state of an item whose outcome was unknown and that was looked up after it had settled.

    One whose every sending ends so is not sent for ever: what breaks the other side each time is parked. Its last tries
    are hours apart, so that a CRM which takes nothing for an afternoon is outlasted.
    """
    due = now + (pause(tries) if tries >= QUICK_TRIES else timedelta())
    match finding:
        case Found(receipt, extras):
            return Change(state=ItemState.DONE, receipt=receipt, extras=extras)
        case Partial(record, done, _):
            change = Change(state=ItemState.READY, due_at=due, half_record=record, steps=done)
        case Absent():
            change = Change(state=ItemState.READY, due_at=due, never_sent=True)
        case CannotTell(why):
            if on_unknown is not OnUnknown.RESEND:
                return Change(state=ItemState.PARKED, reason=Reason.OUTCOME_UNKNOWN, detail=why)
            change = Change(state=ItemState.READY, due_at=due)
    if tries + 1 >= MOST_TRIES:
        change = replace(change, state=ItemState.PARKED, reason=Reason.TRIES_EXHAUSTED, due_at=None)
    return replace(change, count_try=True)


def together(tries: int, most: int) -> int:
    """How many of `most` items travel when the first has failed so often: ever fewer, until poison is alone."""
    return max(1, most >> max(0, tries - WHOLE_TRIES))


def after_failed_lookup(error: ConnectorError, *, tries: int, now: datetime, random: Random) -> Change:
    """The next state when even the look-up failed: still unknown, asked again later, never sent.

    A CRM that is away costs no more tries than leave some for sending; an item that none can be told of is parked.
    """
    if not isinstance(error, Transient | AuthFailed | NotPermitted) and tries + 1 >= MOST_TRIES:
        return Change(state=ItemState.PARKED, reason=Reason.OUTCOME_UNKNOWN, detail=detail(error), count_try=True)
    counted = not isinstance(error, Transient) or tries < MOST_TRIES // 2
    due = error.retry_at if isinstance(error, RateLimited) and error.retry_at else now + backoff(tries, random)
    pause = error if isinstance(error, RateLimited | AuthFailed | NotPermitted) else None
    return Change(state=ItemState.UNKNOWN, due_at=due, count_try=counted, detail=detail(error), pause=pause)


def body_unreachable(error: ConnectorError, *, tries: int, now: datetime, random: Random) -> Change:
    """The next state when the mailbox cannot give the body now: nothing was sent, and the target is not to blame."""
    due = now + max(backoff(tries, random), timedelta(minutes=5))
    return Change(state=ItemState.READY, due_at=due, count_try=True, detail=detail(error), never_sent=True)


def detail(error: ConnectorError) -> str:
    """`code`, and after a colon the hint that names what a person must mend; no contents."""
    return f"{code(error)}: {error.hint}" if error.hint else code(error)


def code(error: ConnectorError) -> str:
    """Class, operation, status and code: what a support person asks for."""
    return " ".join(p for p in (type(error).__name__, error.operation, str(error.status or ""), error.code) if p)


def weaker(before: Capability, now: Capability) -> str:
    """Why a kind of write must pause after `check`, or an empty text. Only what protects against doubling counts."""
    if before.exists and not now.exists:
        return "exists"
    if before.unique_key and not now.unique_key:
        return "unique_key"
    order = ("none", "lagging", "strong")
    if order.index(now.lookup) < order.index(before.lookup):
        return "lookup"
    if before.guarded and not now.guarded:
        return "guarded"
    return ""
