"""A real daemon, killed and told to go in the middle of a backfill: the short form of `make kill-test`."""

from __future__ import annotations

import asyncio

from tests.killing.trial import trial


def test_a_daemon_that_dies_and_is_started_again_puts_each_mail_into_the_crm_once(tmp_path):
    outcome = asyncio.run(trial(tmp_path, ("gmail", "zoho"), kills=1, mails=24, seed=3))
    assert outcome.faults() == []
    assert (outcome.kills.total(), outcome.reloads, len(outcome.terms), outcome.starts) == (1, 1, 2, 3)
    assert outcome.counts["tokens"]["zoho"]
