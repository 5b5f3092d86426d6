"""Show 5: a copy, more mail, the state destroyed, the copy put back; and a rebuild from nothing."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from sync import restore
from sync.model import ItemState
from tests.box import KEY, Box, day
from tradepost.sandbox.company import exporter
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START

MAILS = 4  # the show, `python -m tests.restore.run`, has 500
THOROUGH = os.environ.get("TRADEPOST_PAIRS") == "all"  # then every vendor goes through everything

PAIRS = (("gmail", "salesforce"), ("graph", "hubspot"), ("gmail", "zoho"))
PEOPLE = ("klaus", "jin", "lily", "tom")


def box_of(folder: Path, pair: tuple[str, str], *, mode: str = "", **config) -> Box:
    source, target = pair
    return Box(
        folder,
        company=lambda world: exporter(world, mail=(source,), crms=(target,), mode=mode),
        start=day(START, 40),
        **config,
    )


def mail(
    box: Box, number: int, sender: str = "klaus", to: str = "lily", *, subject: str = "", refers: str = ""
) -> bytes:
    """One of many mails; all are about different things."""
    made = EmailMessage()
    made["From"], made["To"] = person(sender)["address"], person(to)["address"]
    made["Subject"] = subject or f"About position {number}"
    made["Message-ID"] = f"<show{number}@outside.example>"
    made["Date"] = format_datetime(box.clock.now())
    if refers:
        made["In-Reply-To"] = made["References"] = f"<{refers}>"
    made.set_content(f"Good day, a word about position {number}.\n")
    return made.as_bytes()


async def live(box: Box, count: int, first: int = 0) -> None:
    """Mails that come while the service runs, every few minutes; some runs are in between."""
    for number in range(first, first + count):
        box.post(mail(box, number, "klaus" if number % 3 else "jin", "lily" if number % 2 else "tom"))
        await box.clock.sleep(40)
        if number % 5 == 3:
            await box.once()
    await box.settle()


def logged(box: Box) -> Counter:
    """How often each mail stands in the CRM on each record."""
    (crm,) = box.company.crms
    return Counter((message, one.records) for message, one in box.company.logged(crm))


def tasks(box: Box) -> list[tuple[str, bool, tuple[str, ...]]]:
    return sorted((t.title, t.closed, t.records) for t in box.company.crm.tasks())


def destroy(box: Box) -> None:
    """The disk is gone; the key and the sign-ins are kept elsewhere."""
    for file in box.state.parent.iterdir():
        file.unlink()


async def put_back(box: Box, copy: Path) -> restore.Placed:
    await restore.stage(copy, box.state, KEY)
    return await restore.put_in_place(
        box.state, KEY, now=box.clock.now(), mailboxes=[m.address for m in box.settings.mailboxes]
    )


async def begin_anew(box: Box) -> None:
    await restore.put_anew(box.state, KEY, now=box.clock.now())


async def states(box: Box) -> Counter:
    async with box.engine() as engine:
        counts = await engine.store.report.counts()
    found: Counter = Counter()
    for (_, _, state), number in counts.items():
        found[ItemState(state)] += number
    return found


LATER = timedelta(hours=2).total_seconds()
