"""The manifest of a run, and how an item leaves it when what it made is taken back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from connectors.base.model import WriteKind
from mappings.model import Reason, ThreadLink
from sync.model import ItemState, VerdictState
from sync.schema import tables as t
from sync.store import codec
from sync.store.drops import drop_dependents
from sync.store.journal import note
from sync.store.links import index_link

WORK, RULES = "run", "rules"  # kinds of runs that live mail causes: one a process, or a process with new rules
_RULES_IN_FORCE = "rules"


def run_of(c: Connection, mail: str) -> int | None:
    """The run that has read a mail last."""
    found: int | None = c.execute(select(func.max(t.copies.c.run)).where(t.copies.c.mail == mail)).scalar_one()
    return found


def work_run(c: Connection, rules: str, now: datetime) -> int:
    """A run for what live mail causes from now on. The first with other rules than the last is a change of rules."""
    here = t.meta.c.name == _RULES_IN_FORCE
    before = c.execute(select(t.meta.c.value).where(here)).scalar_one_or_none()
    c.execute(
        upsert(t.meta)
        .values(name=_RULES_IN_FORCE, value=rules)
        .on_conflict_do_update(index_elements=["name"], set_={"value": rules})
    )
    kind = RULES if before not in {None, rules} else WORK
    row = {"kind": kind, "mailbox": "", "since": now, "until": now, "listed": 0, "read": 0, "done": True}
    return int(c.execute(insert(t.runs).values(**row, created_at=now).returning(t.runs.c.id)).scalar_one())


def taken_back(c: Connection, key: str, now: datetime, reason: Reason = Reason.UNDONE) -> None:
    """What an item made is no longer in the CRM: it may be decided anew, under another key of the vendor's."""
    row = c.execute(select(t.items).where(t.items.c.key == key)).one()
    c.execute(
        update(t.items)
        .where(t.items.c.key == key)
        .values(
            state=ItemState.DROPPED,
            reason=reason,
            generation=t.items.c.generation + (row.first_sent_at is not None),
            first_sent_at=None,
            sent_at=None,
            look_again_at=None,
            ended_at=now,
            tries=0,
            detail="",
            half_record="",
            steps="[]",
            record="",
            effect="",
            url="",
            note="",
        )
    )
    details = {"reason": reason.value}
    note(c, "item.dropped", now, target=row.target, thread=row.thread, mail=row.mail, item=key, details=details)
    drop_dependents(c, key, now)
    if row.kind == WriteKind.LOG_EMAIL and reason is Reason.UNDONE:
        leave_out(c, row.mail, row.target, now)


def leave_out(c: Connection, mail: str, target: str, now: datetime) -> None:
    """A mail of which nothing is left in a CRM is kept out of it until a backfill asks for it again."""
    standing = select(t.items.c.key).where(
        t.items.c.mail == mail,
        t.items.c.target == target,
        t.items.c.kind == WriteKind.LOG_EMAIL,
        t.items.c.state != ItemState.DROPPED,
    )
    if c.execute(standing).first() is not None:
        return
    row = {"state": VerdictState.EXCLUDED, "reason": Reason.UNDONE, "evidence": "[]", "decided_at": now}
    statement = upsert(t.verdicts).values(mail=mail, target=target, **row)
    c.execute(statement.on_conflict_do_update(index_elements=["mail", "target"], set_=row))
    thread = c.execute(select(t.mails.c.thread).where(t.mails.c.identity == mail)).scalar_one_or_none()
    if thread is not None:
        _forget_link(c, thread, target)


def _forget_link(c: Connection, thread: int, target: str) -> None:
    """A thread without any mail left is nobody's."""
    own = (t.verdicts.c.mail == t.mails.c.identity) & (t.verdicts.c.target == target)
    undone = exists().where(own, t.verdicts.c.reason == Reason.UNDONE)
    left = select(t.mails.c.identity).where(t.mails.c.thread == thread, ~undone)
    if c.execute(left.limit(1)).first() is not None:
        return
    here = (t.cases.c.thread == thread) & (t.cases.c.target == target)
    c.execute(update(t.cases).where(here).values(dirty=False, wake_at=None, link=codec.link.dump(ThreadLink())))
    index_link(c, thread, target, ThreadLink())
