"""Strangers, leads and clocks, end to end."""

from __future__ import annotations

from datetime import timedelta

from tests.box import Box
from tests.paths.test_main_path import items, letter
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import run


def test_a_stranger_becomes_a_lead_and_his_mail_is_logged_on_it(tmp_path):
    async def main():
        box = Box(tmp_path, new_sender="create")
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "jin", ["sales"], "Modules from Korea"))
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "jin", ["lily"], "Did you get my mail?"))
        await box.settle()
        assert not await box.once()
        rows = box.rows("SELECT Id, Company, Email FROM Lead")
        leads = [row for row in rows if row["Email"] == person("jin")["address"]]
        assert len(leads) == 1
        assert leads[0]["Company"] == "hanbit-led.example"
        assert box.activities() == 2
        relations = box.rows("SELECT RelationId, RelationType FROM EmailMessageRelation")
        assert [r["RelationId"] for r in relations if r["RelationType"] == "FromAddress"] == [leads[0]["Id"]] * 2

    run(main())


def test_a_stranger_whom_somebody_entered_a_second_ago_is_no_stranger(tmp_path):
    """The mirror is a round behind; the CRM is asked before a lead is made."""

    async def main():
        box = Box(tmp_path, new_sender="create")
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "jin", ["sales"], "Modules from Korea"))
        async with box.engine() as engine:
            (runner,) = engine.crm
            refresh = runner.lane._mirror.refresh

            async def refresh_then_a_person_enters_him():
                await refresh()
                if not box.rows("SELECT Id FROM Contact WHERE LastName = 'Park'"):
                    box.company.org.add_contact("Park", person("jin")["address"])

            runner.lane._mirror.refresh = refresh_then_a_person_enters_him
            assert not await box.once(engine)
        await box.clock.sleep(60)
        assert not await box.once()
        assert [r for r in box.rows("SELECT Email FROM Lead") if r["Email"] == person("jin")["address"]] == []
        assert box.activities() == 1

    run(main())


def test_a_converted_leads_next_mail_goes_to_the_contact(tmp_path):
    async def main():
        box = Box(tmp_path)
        assert not await box.once()
        await box.clock.sleep(60)
        converted = box.company.org.convert_lead(box.company.book.leads["ivan"])
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "ivan", ["tom"], "After the conversion"))
        assert not await box.once()
        rows = box.rows("SELECT RelationId FROM EmailMessageRelation WHERE RelationType = 'FromAddress'")
        assert [r["RelationId"] for r in rows] == [converted.contact_id]

    run(main())


def test_silence_asks_three_times_and_the_answer_closes_all(tmp_path):
    async def main():
        box = Box(tmp_path)
        assert not await box.once()
        await box.clock.sleep(60)
        sent = letter(box, "lily", ["klaus"], "Any news?", message_id="<news@test.example>")
        box.company.gmail.deliver_to_recipients(sent)
        seen = []
        async with box.engine() as engine:
            for _ in range(40):
                for runner in (*engine.mail, *engine.crm):
                    runner.lane.poll_now()
                assert not await box.once(engine)
                seen.append(len(box.rows("SELECT Id FROM Task WHERE TaskSubtype = 'Task'")))
                await box.clock.sleep(timedelta(days=1).total_seconds())
        assert seen[2] == 0
        assert seen[-1] == 3
        assert seen.index(1) in (3, 4, 5)
        assert 6 <= seen.index(2) - seen.index(1) <= 10
        reply = letter(box, "klaus", ["lily"], "Re: Any news?", answers="<news@test.example>")
        box.company.gmail.deliver_to_recipients(reply)
        assert not await box.once()
        kinds = [i for i in await items(box, "create_task") if i.rule.startswith("silence")]
        assert len(kinds) == 3
        assert all(box.company.org.record(i.record)["IsClosed"] for i in kinds)

    run(main())


def test_an_auto_reply_answers_nothing(tmp_path):
    async def main():
        box = Box(tmp_path)
        assert not await box.once()
        await box.clock.sleep(60)
        enquiry = letter(box, "klaus", ["lily"], "A question", message_id="<q@test.example>")
        box.company.gmail.deliver_to_recipients(enquiry)
        assert not await box.once()
        auto = letter(box, "lily", ["klaus"], "Automatic reply: A question", answers="<q@test.example>")
        auto = b"Auto-Submitted: auto-replied\r\n" + auto
        await box.clock.sleep(30)
        box.company.gmail.deliver_to_recipients(auto)
        assert not await box.once()
        (task,) = await items(box, "create_task")
        assert box.company.org.record(task.record)["IsClosed"] is False
        await box.clock.sleep(600)
        answer = letter(box, "tom", ["klaus"], "Re: A question", answers="<q@test.example>")
        box.company.gmail.deliver_to_recipients(answer)
        assert not await box.once()
        assert box.company.org.record(task.record)["IsClosed"] is True

    run(main())


def test_the_platforms_own_task_is_not_doubled(tmp_path):
    async def main():
        box = Box(tmp_path)
        assert not await box.once()
        await box.clock.sleep(60)
        box.company.gmail.deliver_to_recipients(letter(box, "klaus", ["lily"], "One timeline entry"))
        assert not await box.once()
        tasks = box.rows("SELECT TaskSubtype FROM Task WHERE TaskSubtype = 'Email'")
        assert len(tasks) == box.activities() == 1

    run(main())
