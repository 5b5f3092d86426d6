"""Whether a disturbed week ended as it must: held against the undisturbed week and against plain rules."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from mappings.model import Reason
from tests.simulate.looks import Ending, Parked
from tests.simulate.script import Fate, Script, fates, steady_threads, still_deals, threads_of_closed_deals

REFUSED = (Reason.REJECTED, Reason.TRIES_EXHAUSTED, Reason.BODY_GONE, Reason.MAIL_UNREADABLE)
_THREAD = re.compile(r"\b([THW]\d+)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One promise that was not kept. `what` is its name; the others count in the table under it."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


@dataclass(slots=True)
class Verdict:
    """`gaps` are cases that lie inside what the target declares and that the product has found and parked."""

    wrong: list[Wrong] = field(default_factory=list)
    gaps: list[Wrong] = field(default_factory=list)

    def count(self, what: str) -> int:
        return sum(one.what == what for one in self.wrong)


def judge(script: Script, twin: Ending, ending: Ending) -> Verdict:
    """All invariants."""
    verdict = Verdict()
    _mails(script, twin, ending, verdict)
    _tasks(script, twin, ending, verdict)
    _deals(script, twin, ending, verdict)
    _sums(ending, verdict)
    return verdict


def judge_twin(script: Script, twin: Ending) -> Verdict:
    """What must hold of the undisturbed week too; every mail that must be there is, whoever ran."""
    return judge(script, twin, twin)


# --------------------------------------------------------------------------------------------------------------- mails


def _mails(script: Script, twin: Ending, ending: Ending, verdict: Verdict) -> None:
    by_mail: dict[str, Counter[str]] = {}
    for (message_id, place), n in ending.logged.items():
        by_mail.setdefault(message_id, Counter())[place] += n
    told = fates(script)
    for mail in script.mails:
        there = by_mail.pop(mail.message_id, Counter())
        fate = told[mail.number]
        for place, n in there.items():
            if n > 1:
                _doubled(verdict, ending, mail.message_id, place, n)
        if fate is Fate.NEVER and there:
            verdict.wrong.append(Wrong(what="excluded", why=f"mail {mail.number} ({mail.kind}) must not be in the CRM"))
        if fate is Fate.ONCE:
            _lost(verdict, twin, ending, mail.message_id, there)
    for message_id in by_mail:
        verdict.wrong.append(Wrong(what="invented", why=f"an activity shows {message_id!r}, which nobody sent"))


def _lost(verdict: Verdict, twin: Ending, ending: Ending, message_id: str, there: Counter[str]) -> None:
    gone = twin.shown.get(message_id, frozenset()) - ending.shown.get(message_id, frozenset())
    if there and not gone:
        return
    why = f"mail {message_id} is not in the CRM" if not there else f"mail {message_id} is not shown by {sorted(gone)}"
    waits = [p for p in ending.parked if p.message_id == message_id or p.kind == "link_email"]
    _case(verdict, Wrong(what="lost", why=why), waits, ending, "log_email")


def _doubled(verdict: Verdict, ending: Ending, message_id: str, place: str, n: int) -> None:
    records = ending.entries[message_id, place]
    # Zoho's own screens and its API name an activity differently; there the mail tells.
    mine = [p for p in ending.parked if p.kind == "remove"]
    why = f"mail {message_id} is {n} times in the CRM" + (f" on {place}" if place else "")
    waits = [p for p in mine if p.record in records or p.message_id == message_id]
    _case(verdict, Wrong(what="doubled", why=why), waits if len(waits) >= n - 1 else [], ending, "log_email")


def _case(verdict: Verdict, wrong: Wrong, waits: list[Parked], ending: Ending, kind: str) -> None:
    """A difference that waits for a person, of a kind that the target declares a gap for, is a gap case.

    What a vendor refused to the end waits for a person too, whatever the kind.
    """
    refused = wrong.what == "lost" and any(p.reason in REFUSED for p in waits)
    (verdict.gaps if waits and (refused or kind in ending.unkeyed) else verdict.wrong).append(wrong)


# --------------------------------------------------------------------------------------------------------------- tasks


def thread_of(title: str) -> str:
    """The thread that a task of ours is about."""
    found = _THREAD.findall(title)
    return found[-1] if found else ""


def _tasks(script: Script, twin: Ending, ending: Ending, verdict: Verdict) -> None:
    same = Counter((task.title, text) for task, text in ending.tasks)
    records: dict[tuple[str, str], list[str]] = {}
    for task, text in ending.tasks:
        records.setdefault((task.title, text), []).append(task.record)
    for key, n in same.items():
        if n > 1:
            waits = [p for p in ending.parked if p.record in records[key]]
            wrong = Wrong(what="doubled", why=f"task {key[0]!r} is there {n} times")
            _case(verdict, wrong, waits if len(waits) >= n - 1 else [], ending, "create_task")
    steady = steady_threads(script) - _before_opening(script, ending)
    mine, theirs, closed = _open(ending), _open(twin), threads_of_closed_deals(script)
    for thread in sorted(steady):
        if mine[thread] == theirs[thread]:
            continue
        if thread in closed and mine[thread] > theirs[thread]:
            continue  # first decided when the deal was closed already, it is followed up like one without a deal
        what = "lost" if mine[thread] < theirs[thread] else "open"
        waits = [p for p in ending.parked if p.kind in ("create_task", "complete_task")]
        wrong = Wrong(what=what, why=f"thread {thread} has {mine[thread]} open tasks, undisturbed {theirs[thread]}")
        _case(verdict, wrong, waits, ending, "create_task")


def _before_opening(script: Script, ending: Ending) -> frozenset[str]:
    """Threads of this week that hold a mail which came before any of its mailboxes could be opened for the first time."""
    early = set()
    for event in script.events:
        if event.mail is None or event.at < 0:
            continue
        opened = [ending.opened[name] for name in (*event.mail.to, *event.mail.cc) if name in ending.opened]
        if opened and event.at + event.mail.late < min(opened):
            early.add(event.mail.thread)
    return frozenset(early)


def _open(ending: Ending) -> Counter[str]:
    return Counter(thread_of(task.title) for task, _ in ending.tasks if not task.closed)


# --------------------------------------------------------------------------------------------------------------- deals


def _deals(script: Script, twin: Ending, ending: Ending, verdict: Verdict) -> None:
    still = still_deals(script)
    for firm, deal in ending.deals.items():
        for why in _overwritten(deal.moves, ending.stage_order):
            verdict.wrong.append(Wrong(what="overwritten", why=f"deal {firm}: {why}"))
        ours = Counter(stage for stage, by_us in deal.moves[1:] if by_us)
        if firm in still:
            if deal.stage != twin.deals[firm].stage:
                waits = [p for p in ending.parked if p.kind == "move_deal"]
                wrong = Wrong(
                    what="lost", why=f"deal {firm} stands at {deal.stage}, undisturbed at {twin.deals[firm].stage}"
                )
                _case(verdict, wrong, waits, ending, "move_deal")
            for stage, n in ours.items():
                if n > 1:
                    verdict.wrong.append(Wrong(what="doubled", why=f"deal {firm} was moved to {stage} {n} times"))


def _overwritten(moves: tuple[tuple[str, bool], ...], order: tuple[str, ...]) -> list[str]:
    """Where a move of ours went back, or out of a closed stage, and no later one of ours took it back at once."""
    wrong = []
    persons = moves[0][0]
    for n, (stage, ours) in enumerate(moves):
        if not ours:
            persons = stage
            continue
        if n == 0 or stage == persons:
            continue
        before = moves[n - 1][0]
        closed = before == order[-1] or before not in order
        backward = closed or stage not in order or order.index(stage) <= order.index(before)
        back = n + 1 < len(moves) and moves[n + 1] == (before, True)
        if backward and not back:
            wrong.append(f"we moved it from {before} to {stage}")
    return wrong


# ---------------------------------------------------------------------------------------------------------------- sums


def _sums(ending: Ending, verdict: Verdict) -> None:
    add = verdict.wrong.append
    for mailbox in ending.held:
        if ending.missing.get(mailbox, 1):
            add(Wrong(what="missing", why=f"{mailbox}: missing {ending.missing.get(mailbox, 'never counted')}"))
        if ending.listed.get(mailbox) != ending.held[mailbox]:
            add(
                Wrong(
                    what="missing", why=f"{mailbox} holds {ending.held[mailbox]}, listed {ending.listed.get(mailbox)}"
                )
            )
    if ending.written_while_off:
        add(Wrong(what="while_off", why=f"{ending.written_while_off} write calls while writes were off"))
    if ending.bodies_left:
        add(Wrong(what="bodies", why=f"{ending.bodies_left} bodies are older than seven days"))
    for what, whys in (("late", ending.late), ("disorder", ending.disorder), ("mistake", ending.mistakes)):
        for why in whys:
            add(Wrong(what=what, why=why))
    if ending.stuck:
        add(Wrong(what="stuck", why=ending.stuck))
