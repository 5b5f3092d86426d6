"""Where a CRM has no unique keys, a request that was carried out twice is found and mended by the product itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base.errors import BadReply
from connectors.base.model import WriteKind
from sync.model import ItemState
from tests.box import Box, day
from tests.sweep.scenario import Plan, company, mail
from tradepost.sandbox.virtual import START, run


def unkeyed(tmp_path, **config):
    plan = Plan(mode="unkeyed")
    return Box(tmp_path, company=lambda world: company(world, plan), start=day(START, 30), **config)


def enquiry(box, number=1):
    return mail(number, box, "carl@acme.example", [f"ann@{box.company.domain}"], "How much are lamps")


@pytest.mark.parametrize("nth", [1, 2], ids=["first write", "second write"])
def test_a_request_delivered_twice_is_found_and_the_extra_record_removed(tmp_path, nth):
    async def main():
        box = unkeyed(tmp_path)
        await box.settle()
        box.post(enquiry(box))
        box.fault("salesforce", "*", "duplicate", kind="write", nth=nth)
        await box.once()
        crm = box.company.crm
        doubled = len(crm.mails()) + len(crm.tasks())
        await box.clock.sleep(timedelta(minutes=11).total_seconds())
        await box.settle()
        return doubled, len(crm.mails()), len(crm.tasks())

    assert run(main()) == (3, 1, 1)


def test_twins_are_not_taken_for_a_double(tmp_path):
    async def main():
        box = unkeyed(tmp_path)
        raw = enquiry(box)
        ann = box.company.mailboxes[0]
        host = box.company.host_of(ann)
        for text in (b"Mail number 1", b"Another text 1"):
            host.deliver_to(ann, raw.replace(b"Mail number 1", text), at=START - timedelta(hours=1))
        for _ in range(3):
            await box.settle()
            await box.clock.sleep(700)
        async with box.engine() as engine:
            counts = await engine.store.report.counts()
        return len(box.company.crm.mails()), counts

    mails, counts = run(main())
    assert mails == sum(n for (_, kind, state), n in counts.items() if (kind, state) == ("log_email", ItemState.DONE))
    assert not [key for key in counts if key[1] == "remove"]


def test_what_cannot_be_removed_is_parked_for_a_person(tmp_path):
    async def main():
        box = unkeyed(tmp_path)
        org = box.company.org
        org.close_object(org.integration_user_id, "EmailMessage", "d")
        await box.settle()
        box.post(enquiry(box))
        box.fault("salesforce", "*", "duplicate", kind="write")
        await box.once()
        await box.clock.sleep(timedelta(minutes=11).total_seconds())
        await box.settle()
        async with box.engine() as engine:
            parked = await engine.store.report.items((ItemState.PARKED,))
        return len(box.company.crm.mails()), [(i.kind, i.reason) for i in parked]

    mails, parked = run(main())
    assert (mails, [kind for kind, _ in parked]) == (2, ["remove"])
    assert parked[0][1] in ("doubled", "rejected")


def test_one_that_cannot_be_looked_up_keeps_no_other_from_its_second_look(tmp_path):
    async def main():
        box = unkeyed(tmp_path)
        await box.settle()
        for number in (1, 2, 3):
            who = [f"ann@{box.company.domain}"]
            box.post(mail(number, box, "carl@acme.example", who, f"Lamp {number}", ago=timedelta(hours=number)))
        box.fault("salesforce", "*", "duplicate", kind="write")
        await box.once()
        doubled = len(box.company.crm.mails()) + len(box.company.crm.tasks())
        await box.clock.sleep(timedelta(minutes=11).total_seconds())
        async with box.engine() as engine:
            ((name, target),) = engine.targets.items()
            find = target.find_written

            async def poisoned(attempts):
                if any(getattr(a.write, "subject", "") == "Lamp 2" for a in attempts):
                    raise BadReply(operation="query", code="POISON")
                return await find(attempts)

            target.find_written = poisoned
            troubles = await box.once(engine)
            due = await engine.store.outbox.next_look(name, tuple(WriteKind))
        return doubled, len(box.company.crm.mails()) + len(box.company.crm.tasks()), troubles, due, box.clock.now()

    doubled, left, troubles, due, now = run(main())
    assert (doubled, left, troubles) == (9, 7, ())  # of three mails that were doubled with one request
    assert now < due <= now + timedelta(hours=1)
