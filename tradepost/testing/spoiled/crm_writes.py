"""CRM targets that write badly."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from connectors.base.errors import BadReply, Conflict, ConnectorError, OutcomeUnknown, Rejected, Transient
from connectors.base.model import (
    Absent,
    Attempt,
    CompleteTask,
    Effect,
    Finding,
    Found,
    LogEmail,
    MoveDeal,
    Partial,
    Receipt,
    SetFields,
    TargetAccount,
    Write,
)
from tradepost.testing.crm_bench import CrmBench
from tradepost.testing.spoiled.crm_feeds import Whole, catches
from tradepost.testing.spoiled.model import Spoiled

WRITES: list[Spoiled[CrmBench]] = []
Answers = tuple[Receipt | ConnectorError, ...]


class _Rewrites(Whole):
    """Sends other writes than those it was given."""

    def rewrite(self, write: Write) -> Write:
        raise NotImplementedError

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        return await super().write_many([replace(a, write=self.rewrite(a.write)) for a in attempts])


class _Retells(Whole):
    """Gives other answers than those it got."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:
        raise NotImplementedError

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        try:
            answers = await super().write_many(attempts)
        except ConnectorError as error:
            answers = (error,) * len(attempts)
        return tuple(self.retell(a, b) for a, b in zip(attempts, answers, strict=True))


@catches("A deal moves from the stage we expect to the next, once", WRITES)
class _SendsLabels(_Rewrites):
    """Sends labels for stage ids."""

    def rewrite(self, write: Write) -> Write:
        if not isinstance(write, MoveDeal):
            return write
        labels = {s.id: s.label for p in self.bench.account.pipelines for s in p.stages}
        return replace(write, to_stage=labels.get(write.to_stage, write.to_stage))


@catches("Where a person moved the deal first, the person wins", WRITES)
class _OverPersons(_Rewrites):
    """Moves a deal wherever it stands."""

    def rewrite(self, write: Write) -> Write:
        if not isinstance(write, MoveDeal):
            return write
        return replace(write, expect_stage=self.bench.host.deal(write.deal).stage)


@catches("A field that a person has filled stays as it is", WRITES)
class _Overwrites(_Rewrites):
    """Overwrites fields that a person has filled."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, only_if_empty=False) if isinstance(write, SetFields) else write


@catches("A mail keeps its date, direction, sender and subject", WRITES)
class _Today(_Rewrites):
    """Logs a mail under today's date."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, sent_at=self.bench.clock.now()) if isinstance(write, LogEmail) else write


@catches("An outgoing mail is told as outgoing", WRITES)
class _Incoming(_Rewrites):
    """Logs every mail as incoming."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, incoming=True) if isinstance(write, LogEmail) else write


@catches("A mail hangs on its deal as well", WRITES)
class _NoDeal(_Rewrites):
    """Leaves the deal out."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, deal="") if isinstance(write, LogEmail) else write


@catches("One mail is shown on all of its records", WRITES)
class _FirstRecord(_Rewrites):
    """Logs a mail on its first record only."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, participants=write.participants[:1]) if isinstance(write, LogEmail) else write


@catches("Chinese, Arabic, emoji and control characters arrive, or at least do not stop a mail", WRITES)
class _Ascii(_Rewrites):
    """Writes ASCII only."""

    def rewrite(self, write: Write) -> Write:
        if not isinstance(write, LogEmail):
            return write
        return replace(write, subject=write.subject.encode("ascii", "replace").decode())


@catches("Creating a task a second time with its key changes nothing and is no error", WRITES)
class _NewKeys(_Rewrites):
    """Makes a new key at every try."""

    def rewrite(self, write: Write) -> Write:
        return replace(write, key=f"v1:{uuid.uuid4().hex}")

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        answers = await super().write_many(attempts)
        return tuple(
            replace(b, key=a.write.key) if isinstance(b, Receipt) else b for a, b in zip(attempts, answers, strict=True)
        )


@catches("Answers come in the order of the writes", WRITES)
class _Reversed(Whole):
    """Trusts the order of a batch's answers."""

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        answers = await super().write_many(list(reversed(attempts)))
        return tuple(
            replace(b, key=a.write.key) if isinstance(b, Receipt) else b for a, b in zip(attempts, answers, strict=True)
        )


@catches("A bad write among good ones spoils only itself", WRITES)
class _AllOrNothing(Whole):
    """Tells one bad write's error for the whole batch."""

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        answers = await super().write_many(attempts)
        for answer in answers:
            if isinstance(answer, ConnectorError):
                raise answer
        return answers


@catches("A lost answer to creating a task is an unknown outcome, and is not sent again", WRITES)
class _Retries(Whole):
    """Retries an unknown outcome."""

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        try:
            answers = await super().write_many(attempts)
        except OutcomeUnknown:
            return await super().write_many(attempts)
        if any(isinstance(a, OutcomeUnknown) for a in answers):
            return await super().write_many(attempts)
        return answers


@catches("A broken connection after a write is an unknown outcome", WRITES)
class _LostIsTransient(_Retells):
    """Tells a lost answer as a write that did not happen."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        return Transient(answer.hint) if isinstance(answer, OutcomeUnknown) else answer


@catches("A server's failure after a write is an unknown outcome", WRITES)
class _FailureIsRefusal(_Retells):
    """Tells a server's failure as a refusal."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        failed = isinstance(answer, OutcomeUnknown) and answer.status == 500
        return Rejected("Refused.", status=500) if failed else answer


@catches("An answer that is cut in half is no refusal", WRITES)
class _CutIsRefusal(_Retells):
    """Takes an answer that it cannot read for a refusal."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        return Rejected("Refused.") if isinstance(answer, OutcomeUnknown | BadReply) else answer


@catches("Logging a mail a second time with its key changes nothing and is no error", WRITES)
class _ExistingIsRefusal(_Retells):
    """Tells a key that is taken as a refusal."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        taken = isinstance(answer, Receipt) and answer.effect is Effect.EXISTING
        return Rejected("The key is taken.") if taken else answer


@catches("A stranger who is known by then is not made again", WRITES)
class _ExistingIsCreated(_Retells):
    """Tells a record that was there as one that it made."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        return replace(answer, effect=Effect.CREATED) if isinstance(answer, Receipt) else answer


@catches("Where a person moved the deal first, the person wins", WRITES)
class _ConflictIsDone(_Retells):
    """Tells a person's move as its own success."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:
        if isinstance(answer, Conflict) and isinstance(attempt.write, MoveDeal):
            return Receipt(attempt.write.key, attempt.write.deal, Effect.CHANGED)
        return answer


@catches("Completing respects a person who was first", WRITES)
class _ClosesAgain(_Retells):
    """Claims to have closed a task that a person closed."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:
        if isinstance(answer, Receipt) and isinstance(attempt.write, CompleteTask):
            return replace(answer, effect=Effect.CHANGED)
        return answer


@catches("Logging a mail shows once at the vendor, and the receipt names its key and record", WRITES)
class _NoRecord(_Retells):
    """Gives receipts without a record."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        return replace(answer, record="") if isinstance(answer, Receipt) else answer


@catches("A used-up quota on a write is told, sent once, and nothing is written", WRITES)
class _HastyWriter(_Retells):
    """Tells a used-up quota on a write as an unknown outcome."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:  # noqa: ARG002
        return OutcomeUnknown(answer.hint) if isinstance(answer, Transient) else answer


# ----------------------------------------------------------------------------------------------------------- look-ups


@catches("A late effect of logging a mail is not told as absent once it has settled", WRITES)
class _SettledAtOnce(Whole):
    """Answers Absent before a write has settled."""

    async def check(self) -> TargetAccount:
        account = await super().check()
        hasty = {kind: replace(can, settles_after=0.0) for kind, can in account.capabilities.items()}
        return replace(account, capabilities=hasty)


@catches("What was done of creating a task is found when it has settled", WRITES)
class _NeverFinds(Whole):
    """Answers Absent without looking."""

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        return tuple(Absent() for _ in attempts)


@catches("A lost request for logging a mail is an unknown outcome, then absent, and can be sent again", WRITES)
class _AlwaysFinds(Whole):
    """Takes every unknown outcome for done."""

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        return tuple(Found(Receipt(a.write.key, "?", Effect.EXISTING)) for a in attempts)


@catches("Findings come in the order asked", WRITES)
class _FoundFirst(Whole):
    """Tells what it found before what it did not."""

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        return tuple(sorted(await super().find_written(attempts), key=lambda f: not isinstance(f, Found)))


@catches("A look-up that fails is an error, never an answer", WRITES)
class _FailedIsAbsent(Whole):
    """Tells a look-up that failed as absent."""

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        try:
            return await super().find_written(attempts)
        except ConnectorError:
            return tuple(Absent() for _ in attempts)


_HALF = "What is half done of logging a mail is told as partial, and finished without repeating"


@catches(_HALF, WRITES, in_steps=True)
class _PartialIsDone(Whole):
    """Marks a partial write done."""

    async def find_written(self, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
        findings = await super().find_written(attempts)
        return tuple(
            Found(Receipt(a.write.key, f.record, Effect.EXISTING)) if isinstance(f, Partial) else f
            for a, f in zip(attempts, findings, strict=True)
        )


@catches(_HALF, WRITES, in_steps=True)
class _RepeatsSteps(Whole):
    """Repeats steps that were seen to be done."""

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        return await super().write_many([replace(a, record="", done_steps=()) for a in attempts])


@catches(_HALF, WRITES, in_steps=True)
class _NeverFinishes(Whole):
    """Leaves out the steps that are missing."""

    async def write_many(self, attempts: Sequence[Attempt]) -> Answers:
        half = [a for a in attempts if a.record]
        if half:
            return tuple(Receipt(a.write.key, a.record, Effect.CREATED) for a in half)
        return await super().write_many(attempts)


@catches("No address, subject, text or secret is in a log line or an error", WRITES)
class _QuotesSubjects(_Retells):
    """Quotes the mail in its errors."""

    def retell(self, attempt: Attempt, answer: Receipt | ConnectorError) -> Receipt | ConnectorError:
        if isinstance(answer, ConnectorError) and isinstance(attempt.write, LogEmail):
            return type(answer)(f"Cannot log {attempt.write.subject}.")
        return answer
