"""What weeks of simulation have found, told by itself."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.box import Box, day
from tests.sweep.scenario import mail
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import START, run


def test_mail_of_a_converted_lead_is_not_logged_again_whenever_its_thread_goes_on(tmp_path):
    """Zoho hands a lead's mails to the contact it becomes; the thread is then linked with the contact alone."""
    ids = {}

    def company(world):
        made = empty(world, crms=("zoho",), mode="unkeyed")
        (host,), crm = made.mail.values(), made.crm
        host.add_mailbox(f"ann@{made.domain}")
        crm.add_user(f"ann@{made.domain}", "ann")
        ids["lead"] = crm.add_lead("Nina", "Leadco", "nina@leadco.example")
        return made

    async def main():
        box = Box(tmp_path, company=company, native_logging="ignore")
        await box.settle()
        ann = f"ann@{box.company.domain}"
        for number, (sender, to) in enumerate(
            [("nina@leadco.example", ann), ("nina@leadco.example", ann), (ann, "nina@leadco.example")] * 2, start=10
        ):
            box.post(mail(number, box, sender, [to], "How much are lamps"))
            await box.settle()
            await box.clock.sleep(timedelta(hours=3).total_seconds())
            if number == 12:
                box.company.crm.org.convert_lead(ids["lead"])
        return Counter(message_id for message_id, _ in box.company.logged("crm"))

    assert run(main()) == {f"{n}@sweep.example": 1 for n in range(10, 16)}


def test_zoho_falling_silent_about_credits_ends_the_time_when_history_must_wait(tmp_path):
    """Zoho tells what is left from half on only: a new day's answers hold no word, and the old one must not stay."""

    def company(world):
        made = empty(world, crms=("zoho",), mode="keyed")
        (host,) = made.mail.values()
        host.add_mailbox(f"ann@{made.domain}")
        made.crm.add_contact("Carl", "carl@acme.example")
        return made

    async def main():
        box = Box(tmp_path, company=company, start=day(START, 30), native_logging="ignore")
        org = box.company.crm.org
        async with box.engine() as engine:
            await box.once(engine)
            org.set_credits_used(int(org.credits * 0.95))
            await box.once(engine)
            await box.clock.sleep(timedelta(hours=2).total_seconds())
            engine.crm[0].lane.poll_now()
            await box.once(engine)
            told = engine.targets["crm"].usage
            await box.clock.sleep(timedelta(hours=30).total_seconds())
            engine.crm[0].lane.poll_now()
            await box.once(engine)
            return told, engine.targets["crm"].usage

    told, later = run(main())
    assert told > 0.9
    assert later < 0.5
