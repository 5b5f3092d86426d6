"""The kit itself: what is skipped and why, what it needs, what it tells."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import unittest

import pytest

from connectors.base.errors import Transient
from tests.conformance.page import PocketRig
from tradepost.testing import CRM, MAIL, Broken, Result, Suite, conform, crm_bench, judge, mail_bench
from tradepost.testing.__main__ import main
from tradepost.testing.expect import has_all, has_none, is_a, same
from tradepost.testing.rigs import CRM_RIGS, MAIL_RIGS
from tradepost.testing.rigs.salesforce import SalesforceRig
from tradepost.testing.suite import Check, Skip
from tradepost.testing.trial import findings, sample, skips, summary, try_rig

EVERY = [*MAIL_RIGS, *CRM_RIGS]


@pytest.mark.parametrize("suite", [CRM, MAIL], ids=lambda s: s.name)
def test_checks_are_sentences(suite):
    assert len(suite.checks) > 50
    for check in suite.checks:
        assert check.name[0].isupper(), check.name
        assert " " in check.name
        assert not check.name.endswith((".", "!")), check.name
        assert check.topic


def test_two_checks_of_one_name_are_refused():
    suite = Suite("nothing")
    topic = suite.topic("A")
    topic("The same")(lambda bench: None)
    with pytest.raises(ValueError, match="The same"):
        topic("The same")(lambda bench: None)


def test_the_kit_needs_no_pytest():
    code = "import sys, tradepost.testing; sys.exit('pytest' in sys.modules or '_pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_skip_is_told_as_one_to_any_framework():
    with pytest.raises(unittest.SkipTest, match="set_fields is not declared"):
        conform(CRM.named("A field that a person has filled stays as it is"), PocketRig)


def test_what_is_not_declared_is_skipped_and_nothing_else():
    trial = try_rig(PocketRig)
    assert {v.why for v in trial.of(Result.SKIPPED)} == {
        "set_fields is not declared",
        "remove is not declared",
        "the vendor has no leads",
        "create_task is one request: nothing can be half done",
    }
    assert trial.passed
    assert "  set_fields is not declared:" in skips(trial)
    assert findings(trial) == []
    assert summary([trial])[1].split()[:3] == ["pocket", str(len(trial.of(Result.PASSED))), "0"]


async def _fails(bench):
    raise Transient("down")


async def _waits_for_ever(bench):
    await asyncio.Event().wait()


async def _skips(bench):
    raise Skip("late")


@pytest.mark.parametrize(
    ("do", "result", "why"),
    [
        (_fails, Result.FAILED, "Transient"),
        (_waits_for_ever, Result.FAILED, "Deadlock"),
        (_skips, Result.SKIPPED, "late"),
    ],
)
def test_whatever_a_connector_does_is_a_verdict(do, result, why):
    verdict = judge(Check("topic", "A check", do), crm_bench(PocketRig))
    assert verdict.result is result
    assert why in verdict.why


def test_a_check_that_a_rig_cannot_try_is_no_pass():
    class Wrong(SalesforceRig):
        calls = dict.fromkeys(SalesforceRig.calls, ("no.such.call",))

    check = CRM.named("A lost answer to creating a task is an unknown outcome, and is not sent again")
    verdict = judge(check, crm_bench(Wrong))
    assert verdict.result is Result.FAILED
    assert "no.such.call" in verdict.why


def test_a_failure_is_told_with_what_was_found():
    def without_users(opened, bench):
        async def none():
            return ()

        opened.users = none
        return opened

    check = CRM.named("Every user is told, to the last page, with lower-case addresses")
    verdict = judge(check, crm_bench(PocketRig, without_users))
    assert verdict.result is Result.FAILED
    assert verdict.why.startswith("users: 201 missing")


@pytest.mark.parametrize("make", EVERY, ids=lambda m: sample(m).name)
def test_a_rig_hides_its_secrets_from_no_search(make):
    """An empty list would let every secret through."""
    assert all(len(secret) > 8 for secret in sample(make).secrets)
    assert sample(make).secrets


def test_rigs_are_judged_from_the_command_line(capsys):
    assert main(["tests.conformance.page:PocketRig"]) == 0
    told = capsys.readouterr().out
    assert "pocket" in told
    assert "the vendor has no leads:" in told
    assert main([]) == 2
    assert main(["tests.conformance.page"]) == 2


def test_words_of_the_kit_find_what_they_are_for():
    for wrong in (
        lambda: same(1, 2, "numbers"),
        lambda: has_all([1], [1, 2], "numbers"),
        lambda: has_none([1, 2], [2], "numbers"),
        lambda: is_a(1, str, "a text"),
    ):
        with pytest.raises(Broken, match=r"numbers|a text"):
            wrong()
    same(1, 1, "")
    has_all([1, 2], [2], "")
    has_none([1], [2], "")
    assert is_a(1, int, "") == 1


def test_benches_begin_at_one_time_and_share_nothing():
    seen = []

    async def look(bench):
        seen.append(bench.clock.now())
        async with bench.twin() as other:
            assert other.world is not bench.world
            assert other.rig is not bench.rig

    for bench in (crm_bench(PocketRig), mail_bench(MAIL_RIGS[0])):
        assert judge(Check("topic", "A look", look), bench).result is Result.PASSED
