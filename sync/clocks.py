"""The two clocks of a conversation: until we answer the customer, and until he answers us. Pure.

Only live mail starts a clock; older mail may stop one. Only what a person wrote counts, on both sides. A mail of ours
answers a customer when it goes to him, not when it merely hangs in the thread: a forward to the factory is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.base.model import CompleteTask, CreateTask, Role, WriteKind
from mappings.domains import work_domain
from mappings.fields import TaskText, answer_task, finding_words, silence_task
from mappings.match import group_of, word
from mappings.model import Direction, Evidence, FindingKind, MailKind, Reason
from mappings.reading.trust import poses_as_ours
from mappings.rules import show_duration
from sync.filing import is_stranger
from sync.model import Intent, ItemState, NewSender, ThreadMail, VerdictState
from sync.owners import owner_of
from sync.situation import OPEN_STATES, SENT_STATES, Situation

FIRST_RESPONSE = "first_response"
SILENCE = "silence"

MOST_STEPS = 10  # the highest number the rules allow

URGENT = (FindingKind.URGENT, FindingKind.COMPLAINT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule wants: new writes, keys of unsent ones that are overtaken, and when to look again."""

    intents: tuple[Intent, ...] = ()
    drops: tuple[tuple[str, Reason], ...] = ()
    wake_at: datetime | None = None


# --------------------------------------------------------------------------------------------------------------- turns


@dataclass(frozen=True, slots=True)
class _Turn:
    """One person's mail in the conversation. `parties` are words for who is on the other side."""

    mail: ThreadMail
    ours: bool
    parties: frozenset[str]


@dataclass(slots=True)
class _Run:
    """Mails of one side that the other has not answered yet, and who the other parties are."""

    parties: frozenset[str]
    mails: list[ThreadMail] = field(default_factory=list)


def _turns(situation: Situation) -> list[_Turn]:
    """What people wrote, in the order it was said: a mail comes after every mail it refers to, whatever clocks say."""
    sent = {m.facts.message_id: m.facts.sent_at for m in situation.mails if m.facts.message_id}
    outside = (m for m in situation.mails if m.facts.direction is not Direction.INTERNAL)
    said = (m for m in outside if m.facts.kind is MailKind.HUMAN and not poses_as_ours(m.facts))
    humans = sorted(said, key=lambda m: _said(m, sent))
    return [_Turn(m, m.facts.direction is Direction.OUTGOING, _parties(situation, m)) for m in humans]


def _said(mail: ThreadMail, sent: Mapping[str, datetime]) -> tuple[datetime, bool, datetime, str]:
    """A place in the conversation: after the latest mail referred to, even where its date is not earlier."""
    facts = mail.facts
    latest = max((sent[r] for r in facts.references if r in sent), default=None)
    pushed = latest is not None and latest >= facts.sent_at
    return max(facts.sent_at, latest or facts.sent_at), pushed, facts.sent_at, facts.identity


def _parties(situation: Situation, mail: ThreadMail) -> frozenset[str]:
    """Words for the outsiders of a mail: addresses, work domains, customers. Of an incoming one, its sender's only."""
    facts = mail.facts
    if facts.direction is Direction.OUTGOING:
        addresses = [e.address.email for e in facts.externals]
        people = situation.participants(mail)
    else:
        addresses = [facts.author.email, facts.from_.email, *(a.email for a in facts.reply_to)]
        people = tuple(p for p in situation.participants(mail) if p.role is Role.FROM)
    rows = [situation.customers.get(p.ref) for p in people]
    words = [f"a:{a}" for a in addresses if a]
    words += [f"d:{d}" for a in addresses if (d := work_domain(a)) and d not in situation.rules.own.domains]
    words += [f"c:{word(group_of(row))}" for row in rows if row]
    return frozenset(words)


# ------------------------------------------------------------------------------------------------------ first response


def first_response(situation: Situation) -> Outcome:
    """One task for each round of a customer's mails that nobody has answered; closed by any human answer of ours."""
    rule = situation.rules.rules.first_response
    waiting, answered = _rounds(situation)
    intents: list[Intent] = []
    drops: list[tuple[str, Reason]] = []
    for mails in answered:
        done = _close(situation, mails, (FIRST_RESPONSE,), "answered")
        intents += done.intents
        drops += done.drops
    if rule.enabled and situation.can(WriteKind.CREATE_TASK):
        for mails in waiting:
            opening = [m for m in mails if _opens(situation, m)]
            if opening and not _has_task(situation, mails, FIRST_RESPONSE):
                intents.append(_answer(situation, opening))
    return Outcome(tuple(intents), tuple(drops))


def _rounds(situation: Situation) -> tuple[list[list[ThreadMail]], list[list[ThreadMail]]]:
    """Rounds of incoming mail: those that wait for us, and those we answered."""
    runs: list[_Run] = []
    answered: list[list[ThreadMail]] = []
    for turn in _turns(situation):
        theirs = [run for run in runs if run.parties & turn.parties]
        if turn.ours:
            answered += [run.mails for run in theirs]
            runs = [run for run in runs if run not in theirs]
        elif situation.verdicts[turn.mail.facts.identity].state is not VerdictState.EXCLUDED:
            run = theirs[0] if theirs else _Run(frozenset())
            runs += [] if theirs else [run]
            run.parties |= turn.parties
            run.mails.append(turn.mail)
    return [run.mails for run in runs], answered


def _opens(situation: Situation, mail: ThreadMail) -> bool:
    """Whether a mail of theirs starts the clock: live, and from a customer, from one of several that fit, or new.

    Nobody is reminded of somebody who was erased.
    """
    verdict = situation.verdicts[mail.facts.identity]
    if not mail.live or (mail.facts.erased and not mail.facts.author.email):
        return False
    if verdict.state is VerdictState.LOG or verdict.reason is Reason.AMBIGUOUS_CUSTOMER:
        return True
    return is_stranger(situation, mail) and situation.new_sender(mail) is NewSender.TASK


def _answer(situation: Situation, opening: Sequence[ThreadMail]) -> Intent:
    mail, rule = opening[0], situation.rules.rules.first_response
    calendar, language = situation.rules.calendar, situation.target.language
    urgent = [f for m in opening for f in m.facts.findings if f.kind in URGENT]
    due = min(answer_due(situation, m) for m in opening)
    found = situation.matches[mail.facts.identity]
    stranger = is_stranger(situation, mail)
    author = mail.facts.author if mail.facts.author.email else mail.facts.from_
    text = answer_task(
        language,
        who=author.name or author.email,
        subject=mail.facts.subject,
        sent=calendar.local(mail.facts.sent_at),
        due=calendar.local(due),
        urgent=finding_words(urgent, URGENT, language),
        newcomer=author.email if stranger else "",
        candidates=[word(ref) for ref in found.candidates],
    )
    span = rule.urgent if urgent else rule.ordinary
    evidence = [Evidence(FIRST_RESPONSE, (("mail", mail.facts.identity), ("within", show_duration(span))))]
    evidence += [Evidence("urgent", tuple(("word", f.word) for f in urgent))] if urgent else []
    evidence += [Evidence("new_sender")] if stranger else []
    return _task(situation, mail, FIRST_RESPONSE, text, due, urgent=bool(urgent), evidence=(*evidence, *found.evidence))


def answer_due(situation: Situation, mail: ThreadMail) -> datetime:
    """When a mail must be answered.

    Urgent mail and complaints: the set time of working hours after arrival. All others: the set time around the clock,
    moved to the next beginning of work when nobody is there then.
    """
    rule, calendar, arrived = situation.rules.rules.first_response, situation.rules.calendar, mail.facts.sent_at
    urgent = any(f.kind in URGENT for f in mail.facts.findings)
    if not rule.working_hours:
        return arrived + (rule.urgent if urgent else rule.ordinary)
    return calendar.add_working(arrived, rule.urgent) if urgent else calendar.next_working(arrived + rule.ordinary)


# ------------------------------------------------------------------------------------------------------------- silence


def silence(situation: Situation) -> Outcome:
    """Tasks for our last mail while it stays unanswered; closed by the customer's answer or by our next mail."""
    rule = situation.rules.rules.silence
    intents: list[Intent] = []
    drops: list[tuple[str, Reason]] = []
    wakes: list[datetime] = []
    waiting, over = _unanswered(situation)
    steps = tuple(f"{SILENCE}:{n}" for n in range(1, MOST_STEPS + 1))
    done = _close(situation, over, steps, "silence_ended")
    intents += done.intents
    drops += done.drops
    deal_closed = situation.deal is not None and situation.deal.closed
    if rule.enabled and not deal_closed and situation.can(WriteKind.CREATE_TASK):
        for mail in waiting:
            task, wake = _remind(situation, mail)
            intents += [task] if task else []
            wakes += [wake] if wake else []
    return Outcome(tuple(intents), tuple(drops), min(wakes, default=None))


def _unanswered(situation: Situation) -> tuple[list[ThreadMail], list[ThreadMail]]:
    """Live mails of ours to customers: those that still wait for an answer, and those that no longer do."""
    runs: list[_Run] = []
    over: list[ThreadMail] = []
    for turn in _turns(situation):
        ended = [run for run in runs if run.parties & turn.parties]
        over += [m for run in ended for m in run.mails]
        runs = [run for run in runs if run not in ended]
        if turn.ours and situation.logged(turn.mail) and situation.participants(turn.mail):
            runs.append(_Run(turn.parties, [turn.mail]))
    return [m for run in runs for m in run.mails if m.live], over


def _remind(situation: Situation, mail: ThreadMail) -> tuple[Intent | None, datetime | None]:
    """The reminder that is due for a mail of ours, if it is not made yet, and when the next one will be.

    Reminders that were missed while nothing ran are left out: one is enough.
    """
    rule, sent = situation.rules.rules.silence, mail.facts.sent_at
    at = [situation.rules.calendar.next_working(sent + rule.after + n * rule.again) for n in range(rule.most)]
    due = [n for n, moment in enumerate(at) if moment <= situation.now]
    wake = next((moment for moment in at if moment > situation.now), None)
    if not due:
        return None, wake
    step = due[-1] + 1
    name = f"{SILENCE}:{step}"
    if _task_key(situation, mail, name) in situation.items:
        return None, wake
    people = situation.participants(mail)
    row = situation.customers.get(people[0].ref)
    shown = next((e.address.name for e in mail.facts.externals if e.address.email == people[0].address), "")
    text = silence_task(
        situation.target.language,
        who=(row.name if row else "") or shown or people[0].address,
        subject=mail.facts.subject,
        sent=situation.rules.calendar.local(sent),
        days=(at[step - 1] - sent) // timedelta(days=1),
        step=step,
        most=rule.most,
    )
    why = Evidence(SILENCE, (("mail", mail.facts.identity), ("step", str(step))))
    return _task(situation, mail, name, text, at[step - 1], evidence=(why,)), wake


# --------------------------------------------------------------------------------------------------------------- tasks


def _task_key(situation: Situation, mail: ThreadMail, rule: str) -> str:
    return situation.key(WriteKind.CREATE_TASK, mail.facts.identity, rule=rule)


def _has_task(situation: Situation, mails: Sequence[ThreadMail], rule: str) -> bool:
    """Whether a task was ever made for one of these mails; a late-coming older mail does not make another."""
    return any(_task_key(situation, m, rule) in situation.items for m in mails)


def _task(
    situation: Situation,
    mail: ThreadMail,
    rule: str,
    text: TaskText,
    due: datetime,
    *,
    urgent: bool = False,
    evidence: tuple[Evidence, ...] = (),
) -> Intent:
    owner, why = owner_of(situation, mail)
    key = _task_key(situation, mail, rule)
    write = CreateTask(
        key=key,
        title=text.title,
        text=text.text,
        due_at=due,
        due_on=situation.rules.calendar.day(due),
        urgent=urgent,
        record=situation.person(mail),
        deal=situation.link.deal,
        owner=owner,
    )
    return Intent(write=write, rule=rule, mail=mail.facts.identity, order_key=f"task:{key}", evidence=(*evidence, why))


def _close(situation: Situation, mails: Sequence[ThreadMail], rules: Sequence[str], why: str) -> Outcome:
    """End the tasks of these mails: unsent ones are dropped, sent ones completed."""
    found = [
        done for m in mails for rule in rules if (done := close_task(situation, _task_key(situation, m, rule), why, m))
    ]
    return Outcome(
        tuple(f for f in found if isinstance(f, Intent)), tuple(f for f in found if not isinstance(f, Intent))
    )


def close_task(
    situation: Situation, task_key: str, why: str, mail: ThreadMail | None
) -> Intent | tuple[str, Reason] | None:
    """End one task: the key to drop while it is unsent, the write that completes it, or None when that is decided."""
    item = situation.items.get(task_key)
    if item is None or item.state is ItemState.DROPPED:
        return None
    if item.state in OPEN_STATES:
        return task_key, Reason.OVERTAKEN
    key = situation.key(WriteKind.COMPLETE_TASK, task_key)
    if key in situation.items or item.state not in SENT_STATES or not situation.can(WriteKind.COMPLETE_TASK):
        return None
    identity = mail.facts.identity if mail else item.mail
    return Intent(
        write=CompleteTask(key=key, task_key=task_key),
        rule=item.rule or FIRST_RESPONSE,
        mail=identity,
        order_key=f"task:{task_key}",
        needs=(task_key,),
        evidence=(Evidence(why, (("task", task_key),)),),
    )
