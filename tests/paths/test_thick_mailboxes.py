"""What only shows with many mails: long threads, limits by the minute, copies that do not say the same."""

from __future__ import annotations

import email.policy
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from sync.store import threads
from tests.box import Box, day
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import START, run

LILY, TOM = "lily@minghui-lighting.example", "tom@minghui-lighting.example"
BUYER = "klaus@nordlicht.example"


def company(*mailboxes):
    def made(world):
        found = empty(world)
        for address in mailboxes:
            found.gmail.add_mailbox(address)
            found.book.users[address] = found.crm.add_user(address, address)
        return found

    return made


def mail(sender, to, number, *, ago=timedelta(days=1), answers="", cc="", bcc=""):
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, f"Number {number}"
    made["Date"] = format_datetime(START - ago)
    made["Message-ID"] = f"<{number}@mails.example>"
    for name, value in (("Cc", cc), ("Bcc", bcc), ("References", answers)):
        if value:
            made[name] = value
    made.set_content(f"This is mail {number}.\n")
    return made.as_bytes()


def put_thread(box, count):
    for n in range(count):
        answers = "<0@mails.example>" if n else ""
        ago = timedelta(days=20) - timedelta(minutes=n)
        box.company.gmail.deliver(LILY, mail(BUYER, LILY, n, ago=ago, answers=answers), at=START - ago)


def test_every_mail_of_a_thread_that_is_longer_than_one_decision_sees_is_logged(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "THREAD_BOUND", 5)

    async def main():
        box = Box(tmp_path, company=company(LILY), start=day(START, 30))
        box.company.org.add_contact("Klaus", BUYER)
        put_thread(box, 23)
        assert not await box.once()
        assert box.activities() == 23
        (sums,) = (await box.coverage()).values()
        assert (sums["synced"], sums["listed"]) == (23, 23)

    run(main())


def test_a_contact_made_later_gets_every_mail_of_a_long_thread(tmp_path, monkeypatch):
    monkeypatch.setattr(threads, "THREAD_BOUND", 5)

    async def main():
        box = Box(tmp_path, company=company(LILY), start=day(START, 30), new_sender="wait")
        put_thread(box, 23)
        assert not await box.once()
        (sums,) = (await box.coverage()).values()
        assert (sums["waiting"], box.activities()) == (23, 0)
        async with box.engine() as engine:
            ids = await engine.pullers[LILY].listing(START - timedelta(days=30), START)
            fates = await engine.store.report.fates(LILY, ids)
        assert {fate.reason for fate in fates.values()} == {"no_customer"}  # and not "in_delivery" for ever
        box.company.org.add_contact("Klaus", BUYER)
        await box.clock.sleep(60)
        assert not await box.once()
        assert box.activities() == 23

    run(main())


def test_one_run_reads_a_mailbox_that_is_larger_than_a_minutes_quota(tmp_path):
    """And does not stop at a limit that others have used up."""

    async def main():
        box = Box(tmp_path, company=company(LILY), start=day(START, 30))
        box.company.org.add_contact("Klaus", BUYER)
        box.company.gmail.set_quota(user_per_minute=1000)  # a sixth of what the configuration counts on
        for n in range(120):
            box.company.gmail.deliver(LILY, mail(BUYER, LILY, n), at=START - timedelta(days=1))
        assert not await box.once()
        assert box.activities() == 120
        assert "lane.waiting" in [event for _, event, _ in box.events.lines]  # the limit was met

    run(main())


def test_a_limit_that_does_not_end_ends_the_run_with_the_trouble(tmp_path):
    async def main():
        box = Box(tmp_path, company=company(LILY), start=day(START, 30))
        box.company.gmail.set_quota(project_per_day=3)
        (trouble,) = await box.once()
        assert type(trouble.error).__name__ == "RateLimited"

    run(main())


def hidden(box, order):
    """Lily writes to Tom; only her own copy says that the buyer got it too."""
    copies = {LILY: mail(LILY, TOM, 1, bcc=BUYER), TOM: mail(LILY, TOM, 1)}
    for address in order:
        labels = ["SENT"] if address == LILY else None
        box.company.gmail.deliver(address, copies[address], labels=labels, at=START - timedelta(days=1))


def test_a_hidden_recipient_is_found_whichever_copy_is_read_first(tmp_path):
    async def main(order, folder):
        box = Box(folder, company=company(*order), start=day(START, 30))
        box.company.org.add_contact("Klaus", BUYER)
        hidden(box, order)
        assert not await box.once()
        (row,) = box.rows("SELECT Incoming, Subject FROM EmailMessage")
        assert row["Incoming"] is False
        async with box.engine() as engine:
            (identity,) = await engine.store.report.find("1@mails.example")
            story = await engine.store.report.explain(identity)
        assert [p.address for p in story.items[0].write.participants] == [BUYER]

    for order in ((LILY, TOM), (TOM, LILY)):
        run(main(order, tmp_path / order[0].partition("@")[0]))


def test_a_copy_that_adds_a_recipient_later_adds_the_record(tmp_path):
    async def main():
        box = Box(tmp_path, company=company(LILY, TOM), start=day(START, 30))
        other = "anna@fjord.example"
        for address in (BUYER, other):
            box.company.org.add_contact(address.partition("@")[0], address)
        box.company.gmail.deliver(TOM, mail(LILY, BUYER, 1, cc=TOM), at=START - timedelta(days=1))
        assert not await box.once()
        sent = mail(LILY, BUYER, 1, cc=TOM, bcc=other)
        box.company.gmail.deliver(LILY, sent, labels=["SENT"])
        await box.clock.sleep(60)
        assert not await box.once()
        assert box.activities() == 1
        rows = box.rows("SELECT RelationId FROM EmailMessageRelation WHERE RelationId != null")
        people = {box.company.org.record(row["RelationId"]).get("Email") for row in rows}
        assert {BUYER, other} <= people

    run(main())
