"""The promises of the main path, on a whole company in virtual time."""

from __future__ import annotations

import email
import email.policy
import hashlib
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import pytest

from sync.coverage import Whereabouts
from sync.keeper import count
from sync.model import ItemState
from tests.box import Box, day
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import START, run

APPLY = {"stages": [{"when": "quotation_sent", "to": "Proposal/Price Quote", "mode": "apply"}]}


def letter(box, sender, to, subject, text="Hello,\n\nplease have a look.\n", *, ago=0.0, message_id=None, answers=None):
    """A plain mail between people of the set, by short name or address."""
    mail = EmailMessage(policy=email.policy.SMTP)

    def address(who):
        return who if "@" in who else person(who)["address"]

    mail["From"], mail["To"] = address(sender), ", ".join(address(t) for t in to)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(box.clock.now() - timedelta(seconds=ago))
    mail["Message-ID"] = message_id or f"<{hashlib.sha256(subject.encode()).hexdigest()[:16]}@test.example>"
    if answers:
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(text)
    return mail.as_bytes()


async def items(box, kind=None):
    async with box.engine() as engine:
        found = await engine.store.report.items(tuple(ItemState))
    return [i for i in found if kind is None or i.kind == kind]


async def explain(box, provider_id):
    async with box.engine() as engine:
        (identity,) = await engine.store.report.find(provider_id)
        return await engine.store.report.explain(identity)


def test_what_is_synced_is_not_written_again_and_one_more_mail_makes_one_activity(tmp_path):
    async def main():
        box = Box(tmp_path, start=day(START, 120))
        for old in box.history():
            box.deliver(old)
        assert not await box.once()
        first = box.activities()
        before = box.writes()
        assert not await box.once()
        assert box.writes() == before
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "klaus", ["lily"], "One more"))
        assert not await box.once()
        assert (first, box.activities()) == (first, first + 1)
        for name, sums in (await box.coverage()).items():
            assert sums["missing"] == sums["parked"] == 0, name
            assert sums["listed"] == sum(sums[w] for w in Whereabouts) > 10

    run(main())


def test_backfill_live_feed_and_four_colleagues_copies_leave_one_activity(tmp_path):
    """One copy's Message-ID was rewritten by a relay on the way."""

    async def main():
        box = Box(tmp_path, start=day(START, 30))
        gmail = box.company.gmail
        gmail.add_mailbox("anna@minghui-lighting.example")
        box = Box(tmp_path, start=day(START, 30), company=lambda _: box.company)
        assert not await box.once()
        await box.clock.sleep(60)
        raw = letter(box, "klaus", ["lily", "tom", "sales", "anna@minghui-lighting.example"], "To all of you")
        rewritten = raw.replace(b"Message-ID: <", b"Message-ID: <relay.7f3a.")
        for address in box.company.mailboxes[:3]:
            gmail.deliver(address, raw)
        gmail.deliver("anna@minghui-lighting.example", rewritten)
        assert not await box.once()
        async with box.engine() as engine:
            for puller in engine.pullers.values():
                await engine.store.mailboxes.add_run(
                    "backfill", puller.name, START - timedelta(days=30), box.clock.now() + timedelta(days=1), START
                )
            assert not await box.once(engine)
        assert box.activities() == 1
        (row,) = box.rows("SELECT Subject, Incoming FROM EmailMessage")
        assert (row["Subject"], row["Incoming"]) == ("To all of you", True)
        assert all(sums["synced"] == 1 == sums["listed"] for sums in (await box.coverage()).values())

    run(main())


def test_a_persons_stage_between_decision_and_push_stands_and_explain_says_so(tmp_path):
    async def main():
        box = Box(tmp_path, rules=APPLY)
        deal, org = box.company.book.deals["nordlicht-panels"], box.company.org
        assert not await box.once()
        await box.clock.sleep(60)
        sent = box.company.gmail.deliver_to_recipients(
            letter(
                box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Dear Klaus,\n\nour quotation is attached.\n"
            )
        )
        async with box.engine() as engine:
            (runner,) = engine.crm
            decide = runner.lane._decider.step

            async def decide_then_a_person_acts():
                done = await decide()
                if done:
                    org.update(deal, {"StageName": "Negotiation/Review"}, by=box.company.book.users["lily"])
                return done

            runner.lane._decider.step = decide_then_a_person_acts
            assert not await box.once(engine)
        assert org.record(deal)["StageName"] == "Negotiation/Review"
        assert org.statistics()["client"]["stage_changes"] == 0
        report = await explain(box, next(iter(sent.values())))
        move = next(i for i in report.items if i.kind == "move_deal")
        assert (move.state, move.reason) == (ItemState.DROPPED, "person_moved_deal")
        assert any(n.event == "item.dropped" and n.details["reason"] == "person_moved_deal" for n in report.journal)

    run(main())


def test_without_a_person_in_between_the_deal_moves_once(tmp_path):
    async def main():
        box = Box(tmp_path, rules=APPLY)
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(
            letter(
                box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Dear Klaus,\n\nour quotation is attached.\n"
            )
        )
        assert not await box.once()
        assert not await box.once()
        assert box.company.org.record(box.company.book.deals["nordlicht-panels"])["StageName"] == "Proposal/Price Quote"
        assert box.company.org.statistics()["client"]["stage_changes"] == 1

    run(main())


@pytest.mark.parametrize("fate", ["stays", "moved"])
def test_a_contact_made_later_gets_the_earlier_mail_with_its_date(tmp_path, fate):
    async def main():
        box = Box(tmp_path, new_sender="wait")
        assert not await box.once()
        await box.clock.sleep(60)
        sent_at = box.clock.now()
        got = box.company.gmail.deliver_to_recipients(letter(box, "jin", ["sales"], "Modules from Korea"))
        assert not await box.once()
        assert box.activities() == 0
        report = await explain(box, next(iter(got.values())))
        assert (report.verdicts[0].state, report.verdicts[0].reason) == ("waiting", "no_customer")
        await box.clock.sleep(timedelta(days=9).total_seconds())  # the body is forgotten by then
        async with box.engine() as engine:
            await engine.keeper_lane.forget()
            assert await engine.store.bodies.get(report.identity) is None
        if fate == "moved":
            (mailbox, mail_id), *_ = got.items()
            box.company.gmail.add_label(mailbox, "Suppliers")
            box.company.gmail.move(mailbox, mail_id, add=["Suppliers"], remove=["INBOX"])
        box.company.org.add_contact("Park", person("jin")["address"])
        assert not await box.once()
        (row,) = box.rows("SELECT MessageDate, TextBody FROM EmailMessage")
        assert row["MessageDate"].startswith(sent_at.strftime("%Y-%m-%dT%H:%M:%S"))
        assert "please have a look" in row["TextBody"]

    run(main())


def test_a_contact_made_after_the_mail_was_deleted_finds_it_parked_with_the_reason(tmp_path):
    async def main():
        box = Box(tmp_path, new_sender="wait")
        assert not await box.once()
        await box.clock.sleep(60)
        got = box.company.gmail.deliver_to_recipients(letter(box, "jin", ["sales"], "Modules from Korea"))
        assert not await box.once()
        await box.clock.sleep(timedelta(days=9).total_seconds())
        async with box.engine() as engine:
            await engine.keeper_lane.forget()
        report = await explain(box, next(iter(got.values())))
        for mailbox, mail_id in got.items():
            box.company.gmail.delete(mailbox, mail_id)
        box.company.org.add_contact("Park", person("jin")["address"])
        assert not await box.once()
        assert box.activities() == 0
        async with box.engine() as engine:
            report = await engine.store.report.explain(report.identity)
        item = next(i for i in report.items if i.kind == "log_email")
        assert (item.state, item.reason) == (ItemState.PARKED, "body_gone")

    run(main())


def test_explain_names_rule_and_evidence_for_every_kind_of_fate(tmp_path):
    async def main():
        box = Box(tmp_path, new_sender="wait", rules={"exclusions": [{"skip": "mail", "subject": ["*private*"]}]})
        assert not await box.once()
        await box.clock.sleep(60)
        gmail = box.company.gmail
        subjects = {
            "logged": ("klaus", "Panels"),
            "excluded": ("klaus", "A private matter"),
            "waiting": ("jin", "Modules"),
            "ambiguous": ("hotel1", "Corridor lights"),
        }
        ids = {}
        for name, (who, subject) in subjects.items():
            ids[name] = next(iter(gmail.deliver_to_recipients(letter(box, who, ["lily"], subject)).values()))
        assert not await box.once()
        told = {name: (await explain(box, ids[name])) for name in subjects}
        verdicts = {name: (r.verdicts[0].state, r.verdicts[0].reason) for name, r in told.items()}
        assert verdicts == {
            "logged": ("log", ""),
            "excluded": ("excluded", "rule_skip"),
            "waiting": ("waiting", "no_customer"),
            "ambiguous": ("waiting", "ambiguous_customer"),
        }
        rules = {name: {e.rule for e in r.verdicts[0].evidence} for name, r in told.items()}
        assert all(rules.values())
        assert "address_exact" in rules["logged"] | {e.rule for i in told["logged"].items for e in i.evidence}
        assert "ambiguous_address" in rules["ambiguous"]
        candidates = dict(
            next(e for e in told["ambiguous"].verdicts[0].evidence if e.rule == "ambiguous_address").details
        )
        assert box.company.book.contacts["hotel1"] in candidates["candidates"]

    run(main())


def test_a_merged_contact_gets_the_mail_that_was_decided_for_its_loser(tmp_path):
    async def main():
        box = Box(tmp_path)
        org, contacts = box.company.org, box.company.book.contacts
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "petra", ["lily"], "Before the merge"))
        async with box.engine() as engine:
            (runner,) = engine.crm
            decide = runner.lane._decider.step
            acted = []

            async def decide_then_merge():
                done = await decide()
                if done and not acted:
                    acted.append(True)
                    org.merge(contacts["klaus"], [contacts["petra"]])
                    org.update(contacts["klaus"], {"Email": person("petra")["address"]})
                return done

            runner.lane._decider.step = decide_then_merge
            await box.once(engine)
        await box.settle()
        rows = box.rows("SELECT RelationId FROM EmailMessageRelation WHERE RelationType = 'FromAddress'")
        assert [row["RelationId"] for row in rows] == [contacts["klaus"]]
        assert box.activities() == 1

    run(main())


def test_an_expired_history_loses_nothing(tmp_path):
    async def main():
        box = Box(tmp_path)
        assert not await box.once()
        await box.clock.sleep(timedelta(days=30).total_seconds())
        for n in range(7):
            box.company.gmail.deliver_to_recipients(letter(box, "klaus", ["lily", "tom"], f"While you were away {n}"))
            await box.clock.sleep(86_400)
        for mailbox in box.company.mailboxes:
            box.company.gmail.expire_history(mailbox)
        assert not await box.once()
        assert box.activities() == 7
        assert all(sums["missing"] == 0 for sums in (await box.coverage()).values())

    run(main())


def test_a_count_asks_for_what_is_missing(tmp_path):
    """A feed that never told of a mail is found out by the provider's own listing."""

    async def main():
        box = Box(tmp_path, start=day(START, 10))
        assert not await box.once()
        mailbox = box.company.mailboxes[0]
        gmail = box.company.gmail
        gmail.deliver(mailbox, letter(box, "klaus", ["lily"], "Unseen", ago=7200), at=START - timedelta(hours=2))
        async with box.engine() as engine:
            baseline = await engine.sources[mailbox].baseline()
            await engine.store.mailboxes.advance(mailbox, baseline, (), box.clock.now())
            await box.clock.sleep(660)
            report = await count(engine.store, engine.pullers[mailbox], clock=box.clock)
            assert report.coverage[Whereabouts.MISSING] == 1
            assert not await box.once(engine)
            report = await count(engine.store, engine.pullers[mailbox], clock=box.clock)
            assert report.coverage[Whereabouts.MISSING] == 0
        assert box.activities() == 1

    run(main())


def test_nothing_is_written_while_writes_are_off(tmp_path):
    async def main():
        box = Box(tmp_path, start=day(START, 120), writes="off")
        for old in box.history()[:40]:
            box.deliver(old)
        assert not await box.once()
        assert box.writes() == 0
        assert len(await items(box, "log_email")) > 20

    run(main())


def test_history_only_logs(tmp_path):
    async def main():
        box = Box(tmp_path, start=day(START, 120), rules=APPLY)
        for old in box.history():
            box.deliver(old)
        assert not await box.once()
        await box.clock.sleep(timedelta(days=20).total_seconds())
        assert not await box.once()
        assert {i.kind for i in await items(box)} == {"log_email"}

    run(main())


def test_a_persons_later_move_ends_the_proposal(tmp_path):
    """A changed deal wakes the threads that belong to it."""

    async def main():
        box = Box(tmp_path)
        deal, org = box.company.book.deals["nordlicht-panels"], box.company.org
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(
            letter(
                box, "lily", ["klaus"], "Our quotation for 1,200 panels", "Dear Klaus,\n\nour quotation is attached.\n"
            )
        )
        assert not await box.once()
        (task,) = [i for i in await items(box, "create_task") if i.rule.startswith("stage:")]
        assert org.record(task.record)["IsClosed"] is False
        await box.clock.sleep(60)
        org.update(deal, {"StageName": "Negotiation/Review"}, by=box.company.book.users["lily"])
        await box.clock.sleep(60)
        assert not await box.once()
        assert org.record(task.record)["IsClosed"] is True

    run(main())
