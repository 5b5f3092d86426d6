"""Writing. Activities go in batches: with a unique key as upserts and then their links, else with the links inline.
What people edit too is changed one by one (see `hubspot_change`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    Conflict,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    Rejected,
    Transient,
)
from connectors.base.model import Attempt, CreateTask, Effect, LinkEmail, LogEmail, Receipt
from connectors.crm.hubspot_account import AccountFacts, HubSpotAccount
from connectors.crm.hubspot_api import MAX_BATCH, HubSpotApi, refused, stops_all
from connectors.crm.hubspot_change import HubSpotChanger
from connectors.crm.hubspot_find import RECORD, HubSpotFinder, targets_of_attempt
from connectors.crm.hubspot_lookup import Target
from connectors.crm.hubspot_map import LINKS
from connectors.crm.hubspot_native import HubSpotNative
from connectors.crm.hubspot_parse import Fault, Outcome, bare_code, error_of, unknown
from connectors.crm.hubspot_writes_map import (
    Activity,
    KeyMode,
    Sending,
    batches,
    mail_activity,
    task_activity,
)
from connectors.http import as_unknown

T = TypeVar("T")
Answer = Receipt | ConnectorError
_CLASHES = frozenset({"CONFLICT", "CONFLICTING_UNIQUE_VALUE", "OBJECT_ALREADY_EXISTS"})


@dataclass(frozen=True, slots=True)
class Made:
    """An activity that exists, and what it must still be linked with. `fresh`: it came to be in this very call."""

    at: int
    key: str
    name: str
    record: str
    missing: tuple[Target, ...]
    effect: Effect
    note: str = ""
    fresh: bool = False


class HubSpotWriter:
    """The write side of one account."""

    def __init__(
        self,
        api: HubSpotApi,
        account: HubSpotAccount,
        finder: HubSpotFinder,
        native: HubSpotNative,
        changer: HubSpotChanger,
        *,
        skip_logged: bool,
    ) -> None:
        self._api = api
        self._account = account
        self._finder = finder
        self._native = native
        self._changer = changer
        self._skip_logged = skip_logged

    async def write_many(self, attempts: Sequence[Attempt]) -> tuple[Answer, ...]:
        """See `CrmTarget.write_many`. Raises only before anything was sent, or when one call held them all.

        What is half done stays unknown until it is whole: said to have been refused, it would be begun anew.
        """
        if not any(a.done_steps for a in attempts):
            return await self._write_many(attempts)
        try:
            answers = await self._write_many(attempts)
        except ConnectorError as error:
            answers = (error,) * len(attempts)
        return tuple(_half(a, answer) for a, answer in zip(attempts, answers, strict=True))

    async def _write_many(self, attempts: Sequence[Attempt]) -> tuple[Answer, ...]:
        answers: dict[int, Answer] = {}
        planned = {i: a for i, a in enumerate(attempts) if isinstance(a.write, LogEmail | CreateTask | LinkEmail)}
        try:
            sendings, made = await self._plan(planned, answers)
        except ConnectorError as error:
            if len(planned) == len(attempts):
                raise
            answers |= dict.fromkeys(planned, error)
            sendings, made = [], []
        for name in ("emails", "tasks"):
            for batch in batches([s for s in sendings if s.activity.name == name], MAX_BATCH):
                made += await self._send(name, batch, answers)
        await self._link(made, answers)
        for i, attempt in enumerate(attempts):
            if i not in answers:
                answers[i] = _stopped(answers) or await self._changer.answer(attempt)
        return _all_or_raise(tuple(answers[i] for i in range(len(attempts))))

    # --------------------------------------------------------------------------------------------------------- planning

    async def _plan(
        self, attempts: Mapping[int, Attempt], answers: dict[int, Answer]
    ) -> tuple[list[Sending], list[Made]]:
        """Make the activities; what needs no sending, or cannot be done any more, is answered. Only asks."""
        if not attempts:
            return [], []
        today = await self._finder.resolve(t for a in attempts.values() for t in targets_of_attempt(a))
        natives = await self._natives(attempts, today)
        sendings, made = [], []
        for at, attempt in attempts.items():
            targets = targets_of_attempt(attempt)
            alive = tuple(dict.fromkeys((name, today[name, id_]) for name, id_ in targets if today[name, id_]))
            step = await self._step(at, attempt, alive, whole=len(alive) == len(set(targets)), natives=natives)
            if isinstance(step, Sending):
                sendings.append(step)
            elif isinstance(step, Made):
                made.append(step)
            else:
                answers[at] = step
        return sendings, made

    async def _natives(self, attempts: Mapping[int, Attempt], today: Mapping[Target, str]) -> dict[str, str]:
        """Mails of these that somebody else's tool has logged, unless we have begun to log them ourselves."""
        fresh = {a.write.key: a for a in attempts.values() if isinstance(a.write, LogEmail) and not a.record}
        mails = [a.write for a in fresh.values() if isinstance(a.write, LogEmail)]
        if not self._skip_logged or not mails:
            return {}
        contacts = {
            key: frozenset(today[t] for t in targets_of_attempt(attempt) if t[0] == "contacts" and today[t])
            for key, attempt in fresh.items()
        }
        return await self._native.logged(mails, contacts)

    async def _step(
        self, at: int, attempt: Attempt, alive: tuple[Target, ...], *, whole: bool, natives: Mapping[str, str]
    ) -> Sending | Made | Answer:
        write, facts = attempt.write, await self._account.facts()
        if isinstance(write, LinkEmail):
            return await self._plan_link(at, write, alive)
        if write.key in natives:
            return await self._finder.receipt(
                write.key, "emails", natives[write.key], Effect.EXISTING, "already_logged"
            )
        activity = replace(_activity(attempt, facts), targets=alive)
        if RECORD in attempt.done_steps and attempt.record:
            # What hung on a record that is gone by now cannot be finished, the rest can.
            note = activity.note if whole else "record_gone"
            return Made(at, write.key, activity.name, attempt.record, alive, Effect.CREATED, note)
        if not whole:
            return Gone("A record that it belongs to is deleted.", operation=f"{activity.name}.batch")
        mode = facts.shape(activity.name).mode
        doubtful = attempt.first_sent_at is not None and mode is not KeyMode.UNIQUE
        size = 3 * sum(len(v) for v in activity.properties.values()) + 500
        return Sending(at, activity, alone=doubtful, size=size)

    async def _plan_link(self, at: int, write: LinkEmail, alive: tuple[Target, ...]) -> Made | Answer:
        record = await self._finder.logged(write)
        if not record or not alive:
            what = "The logged mail is gone." if not record else "The record to link is deleted."
            return Gone(what, operation="associations.batch.create")
        there = (await self._finder.linked("emails", {record: alive}))[record]
        missing = tuple(t for t in alive if t not in there)
        if not missing:
            return await self._finder.receipt(write.key, "emails", record, Effect.UNCHANGED)
        return Made(at, write.key, "emails", record, missing, Effect.CHANGED)

    # ---------------------------------------------------------------------------------------------------------- sending

    async def _send(self, name: str, batch: Sequence[Sending], answers: dict[int, Answer]) -> list[Made]:
        """Send one call; what it made. After a refusal of the whole nothing is written: halves show whose it is."""
        stopped = _stopped(answers)
        if stopped:
            answers |= {s.at: stopped for s in batch}
            return []
        mode = (await self._account.facts()).shape(name).mode
        verb = "upsert" if mode is KeyMode.UNIQUE else "create"
        inputs = {f"w{s.at}": s.activity.input(mode) for s in batch}
        keys = {s.activity.key: f"w{s.at}" for s in batch}
        try:
            answer = await self._api.batch(name, verb, inputs, keys)
        except ConnectorError as error:
            if not refused(error) or len(batch) == 1:
                return await self._failed(name, batch, error, answers)
            return [m for half in _halves(batch) for m in await self._send(name, half, answers)]
        made, left = [], []
        for one in batch:
            outcome = answer.by_trace.get(f"w{one.at}")
            if outcome is None:
                left.append(one)
            elif outcome.fault:
                made += await self._failed(name, [one], _of(outcome.fault, name, verb), answers)
            else:
                made.append(_made(one, outcome, mode))
        if left and answer.faults and mode is KeyMode.UNIQUE and len(batch) > 1:
            # Upserts may be repeated, so whose refusal it was is found out by sending less at a time.
            return [*made, *[m for half in _halves(left) for m in await self._send(name, half, answers)]]
        answers |= {s.at: unknown(f"{name}.batch.{verb}") for s in left}
        return made

    async def _failed(
        self, name: str, batch: Sequence[Sending], error: ConnectorError, answers: dict[int, Answer]
    ) -> list[Made]:
        """Answer with the error; where it says that our key is taken, the record is there and is asked for."""
        if len(batch) == 1 and isinstance(error, Rejected) and (bare_code(error) in _CLASHES or error.status == 409):
            one = batch[0]
            try:
                known = (await self._finder.by_key(name, [one.activity.key])).get(one.activity.key)
            except ConnectorError as asked:
                error, known = as_unknown(asked), None
            if known:
                targets = () if known.deleted else one.activity.targets
                note = "record_deleted" if known.deleted else one.activity.note
                return [Made(one.at, one.activity.key, name, known.id, targets, Effect.EXISTING, note, fresh=True)]
        answers |= {s.at: error for s in batch}
        return []

    # ---------------------------------------------------------------------------------------------------------- linking

    async def _link(self, made: Sequence[Made], answers: dict[int, Answer]) -> None:
        """Link activities with their records, all of one pair of objects in one call; then they are done."""
        failed: dict[int, ConnectorError] = {}
        for name, other in sorted({(m.name, o) for m in made for o, _ in m.missing}):
            pairs = [(m, record) for m in made for o, record in m.missing if o == other]
            await self._link_pairs(name, other, pairs, failed)
        for m in made:
            error = failed.get(m.at)
            if error is None:
                answers[m.at] = await self._finder.receipt(m.key, m.name, m.record, m.effect, m.note)
            else:
                # The record is there now: whatever went wrong with its links, it must be looked up, not made again.
                answers[m.at] = as_unknown(error) if m.fresh and not isinstance(error, OutcomeUnknown) else error

    async def _link_pairs(
        self, name: str, other: str, pairs: Sequence[tuple[Made, str]], failed: dict[int, ConnectorError]
    ) -> None:
        stop = next((e for e in failed.values() if stops_all(e)), None)
        if stop:
            failed |= {m.at: stop for m, _ in pairs}
            return
        forward = (name, other) in LINKS
        from_, to = (name, other) if forward else (other, name)
        both = [(m.record, record) if forward else (record, m.record) for m, record in pairs]
        try:
            await self._api.link(from_, to, LINKS[from_, to], both)
        except ConnectorError as error:
            if not refused(error) or len(pairs) == 1:
                failed |= {m.at: error for m, _ in pairs}
                return
            # Associating again what is associated changes nothing, so halves may be sent whatever was done.
            for half in _halves(pairs):
                await self._link_pairs(name, other, half, failed)


def _half(attempt: Attempt, answer: Answer) -> Answer:
    if attempt.done_steps and isinstance(answer, Transient | AuthFailed | NotPermitted | BadReply):
        return as_unknown(answer)
    return answer


def _activity(attempt: Attempt, facts: AccountFacts) -> Activity:
    write = attempt.write
    if isinstance(write, LogEmail):
        return mail_activity(write, facts.shape("emails"))
    assert isinstance(write, CreateTask)  # noqa: S101 - the caller chose by kind
    return task_activity(write, facts.shape("tasks"))


def _made(one: Sending, outcome: Outcome, mode: KeyMode) -> Made:
    """An existing record with the key is told by `new: false` of an upsert."""
    activity = one.activity
    brought = activity.linked(mode)
    missing = tuple(t for t in activity.targets if t not in brought)
    effect = Effect.EXISTING if outcome.row.get("new") is False else Effect.CREATED
    return Made(one.at, activity.key, activity.name, outcome.record, missing, effect, activity.note, fresh=True)


def _of(fault: Fault, name: str, verb: str) -> ConnectorError:
    operation = f"{name}.batch.{verb}"
    return error_of(fault, operation=operation, status=207) or unknown(operation, 207)


def _halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    return items[: len(items) // 2], items[len(items) // 2 :]


def _stopped(answers: Mapping[int, Answer]) -> ConnectorError | None:
    """The error after which nothing more is sent in this round."""
    return next((a for a in answers.values() if isinstance(a, ConnectorError) and stops_all(a)), None)


def _all_or_raise(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    """Raise the one error of a call that failed as a whole; what concerns one record only is an answer."""
    first = answers[0] if answers else None
    whole = isinstance(first, ConnectorError) and not isinstance(first, Rejected | Gone | Conflict)
    if isinstance(first, ConnectorError) and whole and all(a is first for a in answers):
        raise first
    return answers
