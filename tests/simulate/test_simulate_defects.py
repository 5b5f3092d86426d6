"""What weeks of simulation have found, told by itself."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.box import Box
from tests.sweep.scenario import mail
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import run


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
