"""A company whose backfill is undone, and everything its CRM shows, for comparison."""

from __future__ import annotations

import email.policy
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from tests.box import Box
from tests.sweep import scenario
from tests.sweep.scenario import Plan
from tradepost.sandbox.company import exporter
from tradepost.sandbox.trade.build import Letter, person
from tradepost.sandbox.virtual import START

PAIRS = (("gmail", "salesforce"), ("graph", "hubspot"), ("gmail", "zoho"))
ALL = timedelta(days=400)
AGAIN = 660.0  # seconds until what is unknown may be looked up
ROUNDS = 500  # of them: nearly four days, in which a vendor grants a day's calls anew


def company(source, target):
    return lambda world: exporter(world, mail=(source,), crms=(target,))


def small(folder, source="gmail", target="salesforce", **config) -> Box:
    """Two mailboxes, one customer with a deal."""
    plan = Plan(source=source, target=target)
    return Box(folder, company=lambda world: scenario.company(world, plan), native_logging="ignore", **config)


def people(box):
    return f"ann@{box.company.domain}", f"bob@{box.company.domain}", "carl@acme.example"


async def old_mail(box, count):
    """Mail that only a backfill reads; all but the first lies in two mailboxes."""
    ann, bob, carl = people(box)
    for n in range(count):
        ago = timedelta(days=9 - n)
        raw = scenario.mail(n, box, carl, [ann, bob] if n else [ann], f"Position {n}", ago=ago)
        box.post(raw, at=box.clock.now() - ago)
    assert not await box.once()


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
            await engine.store.mailboxes.add_run("backfill", name, since, until, box.clock.now())
            for name in engine.pullers
        ]
        if await box.once(engine) or await _open(engine):
            await box.clock.sleep(AGAIN)
        else:
            return runs
    await box.settle(rounds=ROUNDS)
    return runs


async def undo(box, runs, **engine_):
    """What `tradepost undo` asks for, to its end; the standing and what has become of every item."""
    for _ in range(ROUNDS):
        await box.transport.drain()
        async with box.engine(**engine_) as engine:
            await engine.store.undo.begin(runs, box.clock.now())
            async for _ in engine.store.undo.advance(runs, box.clock.now()):
                pass
            await box.once(engine)
            standing = await engine.store.undo.standing(runs)
            if not standing.open:
                return standing, await engine.store.undo.plan(runs, undone=True)
        await box.clock.sleep(AGAIN)
    raise AssertionError("the undo never ends")


async def _open(engine):
    states = ("ready", "sending", "unknown")
    return any(n for (_, _, state), n in (await engine.store.report.counts()).items() if state in states)


def old_letters(box, count):
    """Historic mails spread over a year, people and mailboxes; each is a thread of its own."""
    held = Counter(person(name)["address"] for name in (*box.company.book.contacts, *box.company.book.leads))
    senders = sorted(name for name in box.company.book.contacts if held[person(name)["address"]] == 1)
    ours = ("lily", "tom", "sales")
    for n in range(count):
        ago = timedelta(days=390) * (n + 1) / (count + 1) + timedelta(days=2)
        raw = letter(box, n, ago=ago, sender=senders[n % len(senders)], to=ours[n % len(ours)])
        yield Letter("", START - ago, raw, live=False)


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


__all__ = ["AGAIN", "PAIRS", "Box", "backfill", "company", "old_letters", "old_mail", "people", "seen", "small", "undo"]
