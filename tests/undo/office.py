"""A company whose backfill is undone, and everything its CRM shows, for comparison."""

from __future__ import annotations

import email.policy
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from tests.box import Box
from tradepost.sandbox.company import exporter
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START

PAIRS = (("gmail", "salesforce"), ("graph", "hubspot"), ("gmail", "zoho"))
ALL = timedelta(days=400)


def company(source, target):
    return lambda world: exporter(world, mail=(source,), crms=(target,))


def seen(box):
    """What a person sees in the CRM, without ids of what was made: mails, open and closed tasks, deals, statistics."""
    crm = box.company.crm
    mails = sorted((m.subject, m.sent_at, m.sender, m.incoming, m.records, m.deal, m.by_us) for m in crm.mails())
    tasks = sorted((t.title, t.closed, t.records, t.deal, t.by_us) for t in crm.tasks())
    deals = sorted((d, crm.deal(i).stage) for d, i in box.company.book.deals.items())
    return mails, tasks, deals


async def backfill(box, since=START - ALL, until=None):
    """What `tradepost backfill` asks for, to its end; the runs' ids."""
    until = until or box.clock.now()
    async with box.engine() as engine:
        runs = [
            await engine.store.mail.add_run("backfill", name, since, until, box.clock.now()) for name in engine.pullers
        ]
    await box.settle()
    return runs


async def undo(box, runs):
    """What `tradepost undo` asks for, to its end; the standing and what has become of every item."""
    async with box.engine() as engine:
        await engine.store.undo.begin(runs, box.clock.now())
    for _ in range(40):
        async with box.engine() as engine:
            async for _ in engine.store.undo.advance(runs, box.clock.now()):
                pass
        await box.settle()
        async with box.engine() as engine:
            standing = await engine.store.undo.standing(runs)
            if not standing.open:
                return standing, await engine.store.undo.plan(runs, undone=True)
    raise AssertionError("the undo never ends")


def letter(box, number, *, ago, sender="klaus", to="lily", answers=""):
    made = EmailMessage(policy=email.policy.SMTP)
    who, whom = person(sender), person(to)
    made["From"], made["To"] = who["address"], whom["address"]
    made["Subject"] = f"Position {number}"
    made["Date"] = format_datetime(START - ago)
    made["Message-ID"] = f"<old{number}@mails.example>"
    if answers:
        made["References"] = answers
    made.set_content(f"About position {number}.\n")
    return made.as_bytes()


__all__ = ["PAIRS", "Box", "backfill", "company", "letter", "seen", "undo"]
