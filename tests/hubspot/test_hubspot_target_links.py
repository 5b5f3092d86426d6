"""Mail that HubSpot logged itself, and records added to a logged mail, on the simulator."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base.errors import (
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
)
from connectors.base.model import (
    Absent,
    Attempt,
    Body,
    Found,
    LinkEmail,
)
from connectors.base.model import Effect as Done

MODES = ("a", "b", "c")
SETTLED = 600


# ------------------------------------------------------------------------------------------------------- native logging


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("setting", ["skip", "ask"])
def test_a_mail_that_hubspot_logged_itself_is_left_alone(lab, mode, setting):
    async def scenario(world):
        _, li, _ = world.acme()
        native = world.host.log_by_hand(lab.raw.encode(), li)
        await world.later(30)
        receipt, other = await world.write(world.mail(1, lab.contact(li)), world.mail(2, lab.contact(li)))
        assert (receipt.record, receipt.effect, receipt.note) == (native, Done.EXISTING, "already_logged")
        assert other.effect is Done.CREATED
        assert len(world.mails()) == 2

    lab(scenario, mode=mode, native_logging=setting)


def test_a_busy_minute_of_native_mail_is_read_to_its_end(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        for n in range(230):
            world.host.log_by_hand(lab.raw.replace("Quotation 1", f"Notice {n}").replace("m1@", f"n{n}@").encode(), li)
        native = world.host.log_by_hand(lab.raw.encode(), li)
        await world.later(30)
        assert (await world.only(world.mail(1, lab.contact(li)))).record == native
        assert world.calls("emails.search") == 2

    lab(scenario)


def test_with_ignore_every_mail_is_logged_and_nobody_is_asked(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        world.host.log_by_hand(lab.raw.encode(), li)
        await world.later(30)
        receipt = await world.only(world.mail(1, lab.contact(li)))
        assert receipt.effect is Done.CREATED
        assert not world.calls("emails.search")

    lab(scenario, native_logging="ignore")


def test_a_native_mail_counts_only_on_the_same_contact_near_the_same_time_and_with_the_same_words(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        chen = world.host.add_contact("Chen", "chen@acme.example")
        world.host.log_by_hand(lab.raw.encode(), li)
        await world.later(30)
        late = lab.sent + timedelta(minutes=4)
        answers = await world.write(
            world.mail(1, lab.contact(chen, "chen@acme.example"), message_id=""),
            world.mail(2, lab.contact(li), subject="Quotation 1 报价单", sent_at=late, message_id=""),
            world.mail(3, lab.contact(li), subject="Re: Quotation 1 报价单", message_id=""),
        )
        assert [a.effect for a in answers] == [Done.CREATED] * 3

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize("mode", MODES)
def test_a_record_is_added_to_a_logged_mail_and_seen(lab, mode):
    async def scenario(world):
        firm, li, deal = world.acme()
        chen = world.host.add_contact("Chen", "chen@acme.example")
        logged = await world.only(world.mail(1, lab.contact(li)))
        link = Attempt(
            LinkEmail(
                key=f"v1:{5:064x}",
                mail="id1",
                logged_key=f"v1:{1:064x}",
                participants=(lab.contact(chen), lab.company(firm)),
                deal=deal,
                logged=logged.record,
            )
        )
        assert await world.find(link) == (Absent(),)
        assert (await world.only(link)).effect is Done.CHANGED
        assert set(world.portal.linked(logged.record, "contacts")) == {li, chen}
        assert set(world.portal.linked(logged.record, "companies")) == {firm}
        assert set(world.portal.linked(logged.record, "deals")) == {deal}
        (found,) = await world.find(link)
        assert isinstance(found, Found)
        assert (await world.only(link)).effect is Done.UNCHANGED

    lab(scenario, mode=mode)


@pytest.mark.parametrize("effect", ["lost_reply", "lost_request", "truncated"])
def test_a_lost_link_is_looked_up(lab, effect):
    async def scenario(world):
        _, li, deal = world.acme()
        await world.only(world.mail(1, lab.contact(li)))
        link = Attempt(LinkEmail(key="v1:5", mail="id1", logged_key=f"v1:{1:064x}", deal=deal))
        world.fault("associations.batch.create", effect)
        with pytest.raises(OutcomeUnknown):
            await world.write(link)
        (found,) = await world.find(link)
        assert isinstance(found, Absent if effect == "lost_request" else Found)

    lab(scenario)


def test_a_link_on_a_deleted_mail_or_to_a_deleted_record_is_gone(lab):
    async def scenario(world):
        _, li, deal = world.acme()
        logged = await world.only(world.mail(1, lab.contact(li)))
        chen = world.host.add_contact("Chen", "chen@acme.example")
        link = LinkEmail(
            key="v1:5", mail="id1", logged_key=f"v1:{1:064x}", participants=(lab.contact(chen),), logged=logged.record
        )
        world.host.delete_record(chen)
        assert isinstance(await world.only(Attempt(link)), Gone)
        world.host.delete_record(logged.record)
        assert isinstance(await world.only(Attempt(replace(link, participants=(), deal=deal))), Gone)

    lab(scenario)


def test_no_association_permission_pauses_instead_of_parking(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.only(world.mail(1, lab.contact(li)))
        deal = world.host.add_deal("Other")
        link = Attempt(LinkEmail(key="v1:5", mail="id1", logged_key=f"v1:{1:064x}", deal=deal))
        world.fault("associations.batch.create", "status", status=400, code="USER_DOES_NOT_HAVE_PERMISSIONS")
        with pytest.raises(NotPermitted):
            await world.write(link)

    lab(scenario)


def test_after_a_used_up_pool_nothing_more_is_sent_in_the_round(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.target.check()
        world.fault("emails.batch.upsert", "status", status=429, code="DAILY")
        body = Body("文" * 60_000, "")
        writes = [world.mail(n, lab.contact(li), body=body) for n in range(1, 31)]
        with pytest.raises(RateLimited):
            await world.write(*writes, world.task(99))
        assert world.calls(kind="write") == 1

    lab(scenario)
