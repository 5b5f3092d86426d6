"""A company that erases a customer, and where his address may still stand."""

from __future__ import annotations

import email.policy
import os
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from mappings.model import Own
from sync.eraser import Eraser
from tests.box import Box
from tests.undo.office import backfill, company, seen
from tradepost.sandbox.company import PAIRS
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START

KEY = bytes(range(32))
CHOSEN = PAIRS if os.environ.get("TRADEPOST_PAIRS") == "all" else [("graph", "hubspot")]
IDS = ["-".join(pair) for pair in CHOSEN]
KLAUS, PETRA = person("klaus")["address"], person("petra")["address"]
LIVE = timedelta(0)
MAILBOXES = [person(who)["address"] for who in ("lily", "tom")]


def letter(box, number, sender, to, *, cc=(), ago=LIVE, subject="", answers=""):
    """A plain mail between people of the set, by short name or address; its time is before the company's first day."""
    made = EmailMessage(policy=email.policy.SMTP)

    def address(who):
        return who if "@" in who else f"{person(who)['name']} <{person(who)['address']}>"

    made["From"], made["To"] = address(sender), ", ".join(map(address, to))
    if cc:
        made["Cc"] = ", ".join(map(address, cc))
    made["Subject"] = subject or f"Position {number}"
    made["Date"] = format_datetime(START - ago if ago else box.clock.now())
    made["Message-ID"] = f"<m{number}@mails.example>"
    if answers:
        made["References"] = made["In-Reply-To"] = answers
    made.set_content(f"About position {number}.\n")
    return made.as_bytes()


def deliver_history(box):
    """Five old mails: three of Klaus alone, one of Klaus and Petra, one of Petra."""
    days = [timedelta(days=n) for n in (9, 8, 7, 6, 5)]
    raws = (
        letter(box, 1, "klaus", ["lily"], ago=days[0]),
        letter(box, 2, "lily", ["klaus"], ago=days[1], answers="<m1@mails.example>"),
        letter(box, 3, "klaus", ["lily"], cc=["petra"], ago=days[2], subject=f"To {KLAUS} and Petra"),
        letter(box, 4, "petra", ["lily"], ago=days[3]),
        letter(box, 5, "klaus", ["tom"], ago=days[4]),
    )
    for raw, ago in zip(raws, days, strict=True):
        box.post(raw, at=START - ago)


async def begin(box, address, **engine):
    async with box.engine(**engine) as made:
        eraser = Eraser(made.store, made.pullers, clock=box.clock)
        await eraser.begin(address, KEY)
        return await eraser.go_on()


async def erase(box, address):
    """What `tradepost erase` asks for, to its end; what there is of the person then."""
    await begin(box, address)
    return await through(box, address)


async def through(box, address):
    """A service that goes on with what was begun."""
    for _ in range(40):
        await box.settle()
        async with box.engine() as engine:
            done = await Eraser(engine.store, engine.pullers, clock=box.clock).go_on()
            standing = await engine.store.erase.standing(address)
            if done and standing.done and not standing.open:
                return await engine.store.erase.look(address, Own(frozenset(), frozenset({box.company.domain})))
    raise AssertionError("the erasure never ends")


def places(box, *words):
    return traces(box.state.parent, *words)


def traces(folder, *words):
    """Files of a state folder in which any of these stands, in whatever case."""
    found = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        held = path.read_bytes().lower()
        if hits := [word for word in words if word.lower().encode() in held]:
            found[path.name] = hits
    return found


def subjects(box):
    return sorted({one.subject for one in box.company.crm.mails()})


__all__ = ["CHOSEN", "IDS", "KEY", "KLAUS", "PETRA", "START", "Box", "backfill", "company", "seen"]
