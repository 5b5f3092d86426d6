"""What is done on a real account: kept promises, nothing touched that is not ours, and nothing forgotten."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base.mail import MailboxScope
from tests.conformance.page import PocketRig
from tradepost.messages import Language, catalogue
from tradepost.sandbox.kernel import Effect
from tradepost.sandbox.virtual import run
from tradepost.testing import Result
from tradepost.testing.crm_bench import crm_bench
from tradepost.testing.letters import ANN
from tradepost.testing.live import Unsafe
from tradepost.testing.live_crm import LIVE_CRM, LiveCrm, judge_crm
from tradepost.testing.live_mail import LIVE_MAIL, LiveMail, judge_mail
from tradepost.testing.mail_bench import mail_bench
from tradepost.testing.rigs import CRM_RIGS, MAIL_RIGS
from tradepost.testing.trial import sample


def name(make) -> str:
    return sample(make).name


def crm(make, before=lambda bench: None, spoil=lambda target: target, after=lambda bench, verdicts, left: None):
    async def whole():
        async with crm_bench(make)() as bench:
            bench.host.add_user("ann@ours.example", "Ann")
            before(bench)
            await bench.later()
            unsafe = Unsafe()
            services = unsafe.watch(bench.services())
            opened = []

            def connect():
                opened.append(bench.rig.open(services))
                return spoil(opened[-1])

            live = LiveCrm(connect, bench.clock, "c0ffee", unsafe)
            verdicts, left = await judge_crm(live, lambda verdict: None)
            for target in opened:
                await target.close()
            after(bench, verdicts, left)
            return verdicts, left

    return run(whole())


def failed(verdicts):
    return {v.check.name: v.why for v in verdicts if v.result is Result.FAILED}


@pytest.mark.parametrize("make", [*CRM_RIGS, PocketRig], ids=name)
def test_every_target_keeps_what_a_real_account_can_show(make):
    def before(bench):
        bench.contact()
        bench.deal()

    def after(bench, verdicts, left):
        ours = "tradepost-conformance-c0ffee@example.com"
        removable = bench.can("remove").exists
        assert [m for m in bench.host.mails() if not m.by_us] == []
        assert len(bench.host.mails()) == sum(m.write.kind == "log_email" for m in left)
        assert len(bench.host.tasks()) == sum(t.write.kind == "create_task" for t in left)
        assert len(bench.rig.bearers(ours)) == sum(c.write.kind == "create_customer" for c in left)
        assert removable or len(left) == 4

    verdicts, left = crm(make, before, after=after)
    assert failed(verdicts) == {}
    assert all(m.record and "c0ffee" in m.what for m in left)
    assert [v.check.name for v in verdicts] == [c.name for c in LIVE_CRM.checks]


def test_a_stranger_who_bears_the_address_already_stops_all_writing():
    def before(bench):
        bench.host.add_contact("Somebody", "tradepost-conformance-c0ffee@example.com")

    def after(bench, verdicts, left):
        assert bench.host.mails() == ()
        assert bench.host.tasks() == ()
        assert left == []

    verdicts, _left = crm(PocketRig, before, after=after)
    results = {v.check.name: v.result for v in verdicts}
    assert results["own_customer"] is Result.FAILED
    assert results["mail_once"] is Result.SKIPPED
    assert results["tasks_in_order"] is Result.SKIPPED


def test_a_write_whose_answer_was_lost_is_told_as_perhaps_left():
    def before(bench):
        bench.fault(Effect.LOST_REPLY, "tasks.create")

    verdicts, left = crm(PocketRig, before)
    assert "OutcomeUnknown" in failed(verdicts)["tasks_in_order"]
    assert [m.what for m in left if not m.sure] == ["[Tradepost conformance c0ffee] b"]


def test_a_broken_promise_is_told_and_what_was_made_is_still_removed():
    numbers = itertools.count()

    def doubles(target):
        whole = target.write_many

        async def without_keys(attempts):
            new = [replace(a, write=replace(a.write, key=f"v1:{next(numbers)}")) for a in attempts]
            answers = await whole(new)
            return tuple(replace(b, key=a.write.key) for a, b in zip(attempts, answers, strict=True))

        target.write_many = without_keys
        return target

    def after(bench, verdicts, left):
        assert bench.host.mails() == ()
        assert bench.host.tasks() == ()

    make = next(m for m in CRM_RIGS if name(m) == "salesforce")
    verdicts, _left = crm(make, spoil=doubles, after=after)
    assert "mail_again" in failed(verdicts)
    assert "task_again" in failed(verdicts)


@pytest.mark.parametrize("make", MAIL_RIGS, ids=name)
def test_every_source_keeps_what_a_real_mailbox_can_show(make):
    async def whole():
        async with mail_bench(make)() as bench:
            for n in range(8):
                bench.deliver(n, at=bench.clock.now() - timedelta(days=n))
            await bench.later(7200)
            held, unsafe = bench.host.held(ANN), Unsafe()
            services = unsafe.watch(bench.services())
            live = LiveMail(lambda: bench.rig.open(services, MailboxScope(ANN)), bench.clock, unsafe)
            verdicts = await judge_mail(live, lambda verdict: None)
            assert bench.host.held(ANN) == held
            assert bench.writes() == []
            return verdicts

    verdicts = run(whole())
    assert {v.check.name: v.why for v in verdicts if v.result is not Result.PASSED} == {}


def test_a_source_that_writes_is_found_out():
    async def whole():
        unsafe = Unsafe()
        unsafe.sent = 1
        live = LiveMail(lambda: None, None, unsafe)
        await LIVE_MAIL.named("only_asked").do(live)

    with pytest.raises(AssertionError, match="calls that may change something"):
        asyncio.run(whole())


@pytest.mark.parametrize("language", Language)
def test_every_promise_has_a_sentence(language):
    told = {k for k in catalogue(language) if k.startswith("conformance.check.")}
    assert told == {f"conformance.check.{c.name}" for c in (*LIVE_CRM.checks, *LIVE_MAIL.checks)}
