"""The machine is down for a month; every cursor and token has expired meanwhile. It comes back without a person."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta

import pytest

from sync.coverage import Whereabouts
from tests.box import Box, day
from tests.simulate.looks import IN_SCOPE
from tests.simulate.script import DAY, HOUR
from tests.sweep.scenario import mail
from tradepost.sandbox.company import CRMS, empty
from tradepost.sandbox.virtual import START, run

MONTH = 32  # days: longer than any provider or CRM keeps a position
POLL = timedelta(minutes=11)


def company(target):
    """A mailbox at each provider, and two customers."""

    def make(world):
        made = empty(world, mail=("gmail", "graph"), crms=(target,))
        for host, name in zip(made.mail.values(), ("ann", "bob"), strict=True):
            host.add_mailbox(f"{name}@{made.domain}")
            made.crm.add_user(f"{name}@{made.domain}", name)
        acme = made.crm.add_company("Acme", "acme.example")
        for who in ("carl", "dora"):
            made.crm.add_contact(who, f"{who}@acme.example", company=acme)
        return made

    return make


def expire_everything(box):
    google, microsoft = box.company.mail["google"], box.company.mail["microsoft"]
    google.vendor.expire_history(google.addresses[0])
    microsoft.vendor.expire_sync_state(microsoft.addresses[0])
    google.vendor.expire_tokens()
    microsoft.vendor.expire_tokens()


def correspond(box, number):
    """One mail in, one mail out, at both mailboxes."""
    ann, bob = (host.addresses[0] for host in box.company.mail.values())
    for n, (sender, to) in enumerate(
        (("carl@acme.example", [ann, bob]), (ann, ["carl@acme.example"]), (bob, ["dora@acme.example"]))
    ):
        box.post(mail(number + n, box, sender, to, f"Lamps {number + n}", ago=timedelta(seconds=n + 1)))
    return {f"{number + n}@sweep.example" for n in range(3)}


async def wake(box, rounds=8):
    """The program runs as its supervisor started it, with its housekeeping; nobody touches it."""
    async with box.engine() as engine:
        for _ in range(rounds):
            for lane in (*engine.mail, *engine.crm):
                lane.lane.poll_now()
            await box.once(engine)
            await engine.keeper.once()
            await box.clock.sleep(POLL.total_seconds())


TARGETS = sorted(CRMS) if os.environ.get("TRADEPOST_SIMULATE") == "all" else ["zoho"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_month_down_with_expired_cursors_leaves_nothing_missing(tmp_path, target):
    async def main():
        box = Box(tmp_path, company=company(target), start=day(START, 10), native_logging="ignore")
        written = correspond(box, 100)
        await box.settle()
        for n in range(MONTH // 2):
            await box.clock.sleep(2 * DAY)
            written |= correspond(box, 200 + 10 * n)
        expire_everything(box)
        await box.clock.sleep(HOUR)
        await wake(box)
        sums = await box.coverage()
        held = {
            address: sum(one.place in IN_SCOPE for one in host.held(address))
            for host in box.company.mail.values()
            for address in host.addresses
        }
        refused = {(r.vendor, r.status) for r in box.world.requests.records}
        return written, Counter(message_id for message_id, _ in box.company.logged("crm")), sums, held, refused

    written, logged, sums, held, refused = run(main())
    assert {("gmail", 404), ("graph", 410)} <= refused  # both had really expired
    assert logged == dict.fromkeys(written, 1)
    assert {mailbox: found["listed"] for mailbox, found in sums.items()} == held
    for found in sums.values():
        assert (found[Whereabouts.MISSING], found[Whereabouts.PARKED], found[Whereabouts.WAITING]) == (0, 0, 0)
        assert found[Whereabouts.SYNCED] == found["listed"] > MONTH
