"""The promises of the main path hold for every pair of a mail provider and a CRM.

Each vendor is met in the default run; `make pairs` (TRADEPOST_PAIRS=all) takes all six pairs.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from sync.coverage import Whereabouts
from sync.model import ItemState
from tests.box import Box, day
from tests.paths.test_main_path import explain, letter
from tradepost.sandbox.company import PAIRS, Company, exporter
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START, run

SOME = [("gmail", "zoho"), ("graph", "hubspot"), ("graph", "salesforce")]  # Gmail to Salesforce: test_main_path.py
CHOSEN = PAIRS if os.environ.get("TRADEPOST_PAIRS") == "all" else SOME
pytestmark = pytest.mark.parametrize(("source", "target"), CHOSEN, ids=["-".join(p) for p in CHOSEN])

LAG = 900.0  # seconds: longer than any simulated CRM takes to show a change in its feed or search


def company(source: str, target: str):
    return lambda world: exporter(world, mail=(source,), crms=(target,))


def records_of(box: Box, message: str) -> list:
    """The activities that show a mail, one for each record it is on where the CRM keeps one a record."""
    return [one for mail, one in box.company.logged(next(iter(box.company.crms))) if mail == message]


def message_of(raw: bytes) -> str:
    return (
        next(line for line in raw.decode("ascii", "replace").splitlines() if line.startswith("Message-ID"))
        .partition("<")[2]
        .strip("> \r")
    )


def test_a_second_run_writes_nothing_and_one_more_mail_makes_one_activity(tmp_path, source, target):
    async def main():
        box = Box(tmp_path, start=day(START, 40), company=company(source, target))
        for old in box.history()[-40:]:
            box.deliver(old)
        await box.settle()
        await box.clock.sleep(3600)
        await box.settle()
        first, before = box.activities(), box.writes()
        assert first > 5
        assert not await box.once()
        assert box.writes() == before
        await box.clock.sleep(60)
        raw = letter(box, "klaus", ["lily"], "One more")
        box.post(raw)
        await box.settle()
        assert len(records_of(box, message_of(raw))) == 1
        assert box.activities() == first + 1
        for name, sums in (await box.coverage()).items():
            assert sums["missing"] == sums["parked"] == 0, name
            assert sums["listed"] == sum(sums[w] for w in Whereabouts), name

    run(main())


def test_backfill_live_feed_and_four_colleagues_copies_leave_one_activity(tmp_path, source, target):
    """One copy's Message-ID was rewritten by a relay on the way."""

    async def main():
        def with_anna(world) -> Company:
            made = company(source, target)(world)
            next(iter(made.mail.values())).add_mailbox("anna@minghui-lighting.example")
            return made

        box = Box(tmp_path, start=day(START, 30), company=with_anna)
        assert not await box.once()
        await box.clock.sleep(60)
        raw = letter(box, "klaus", ["lily", "tom", "sales", "anna@minghui-lighting.example"], "To all of you")
        rewritten = raw.replace(b"Message-ID: <", b"Message-ID: <relay.7f3a.")
        box.company.remember(raw)
        for address in box.company.mailboxes:
            copy = rewritten if address.startswith("anna") else raw
            box.company.host_of(address).deliver_to(address, copy)
        await box.settle()
        async with box.engine() as engine:
            for puller in engine.pullers.values():
                await engine.store.mailboxes.add_run(
                    "backfill", puller.name, START - timedelta(days=30), box.clock.now() + timedelta(days=1), START
                )
        await box.settle()
        (one,) = box.company.crm.mails()
        assert (one.subject, one.incoming, one.records) == (
            "To all of you",
            True,
            (box.company.book.contacts["klaus"],),
        )
        assert all(sums["synced"] == 1 == sums["listed"] for sums in (await box.coverage()).values())

    run(main())


def test_a_persons_stage_between_decision_and_push_stands_and_explain_says_so(tmp_path, source, target):
    async def main():
        box = Box(tmp_path, moves={"quotation_sent": "apply"}, company=company(source, target))
        crm, deal = box.company.crm, box.company.book.deals["nordlicht-panels"]
        assert not await box.once()
        await box.clock.sleep(60)
        sent = box.post(
            letter(box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Our quotation is attached.\n")
        )
        async with box.engine() as engine:
            (runner,) = engine.crm
            decide = runner.lane._decider.step

            async def decide_then_a_person_acts():
                done = await decide()
                if done:
                    crm.move_deal(deal, crm.stages.named("late"))
                return done

            runner.lane._decider.step = decide_then_a_person_acts
            assert not await box.once(engine)
        await box.settle()
        assert crm.deal(deal).stage == crm.stages.named("late")
        assert not [by_us for _, by_us in crm.deal(deal).moves[1:] if by_us]
        report = await explain(box, next(iter(sent.values())))
        move = next(i for i in report.items if i.kind == "move_deal")
        assert (move.state, move.reason) == (ItemState.DROPPED, "person_moved_deal")

    run(main())


def test_without_a_person_in_between_the_deal_moves_once(tmp_path, source, target):
    async def main():
        box = Box(tmp_path, moves={"quotation_sent": "apply"}, company=company(source, target))
        crm, deal = box.company.crm, box.company.book.deals["nordlicht-panels"]
        assert not await box.once()
        await box.clock.sleep(60)
        box.post(letter(box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Our quotation is attached.\n"))
        await box.settle()
        await box.settle()
        assert crm.deal(deal).stage == crm.stages.quoted
        assert [by_us for _, by_us in crm.deal(deal).moves[1:]] == [True]

    run(main())


@pytest.mark.parametrize("fate", ["stays", "moved", "deleted"])
def test_a_contact_made_later_gets_the_earlier_mail_with_its_date(tmp_path, source, target, fate):
    async def main():
        box = Box(tmp_path, new_sender="wait", company=company(source, target))
        assert not await box.once()
        await box.clock.sleep(60)
        sent_at = box.clock.now()
        got = box.post(letter(box, "jin", ["sales"], "Modules from Korea"))
        assert not await box.once()
        assert box.activities() == 0
        report = await explain(box, next(iter(got.values())))
        assert (report.verdicts[0].state, report.verdicts[0].reason) == ("waiting", "no_customer")
        await box.clock.sleep(timedelta(days=9).total_seconds())  # the body is forgotten by then
        async with box.engine() as engine:
            await engine.keeper_lane.forget()
        ((mailbox, mail_id),) = got.items()
        if fate == "moved":
            box.company.host_of(mailbox).move(mailbox, mail_id, "Suppliers")
        elif fate == "deleted":
            box.company.host_of(mailbox).delete_forever(mailbox, mail_id)
        box.company.crm.add_contact("Park", person("jin")["address"])
        await box.clock.sleep(LAG)
        await box.once()
        if fate == "deleted":
            async with box.engine() as engine:
                (item,) = [i for i in await engine.store.report.items(tuple(ItemState)) if i.kind == "log_email"]
            assert (item.state, item.reason, box.activities()) == (ItemState.PARKED, "body_gone", 0)
        else:
            (one,) = box.company.crm.mails()
            assert one.sent_at.replace(microsecond=0) == sent_at.replace(microsecond=0)

    run(main())
