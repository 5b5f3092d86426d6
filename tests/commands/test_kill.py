"""Killed in the middle, again and again, a backfill loses nothing, doubles nothing and goes on where it stood."""

from __future__ import annotations

import asyncio

from tests.kill import trial


def test_a_backfill_that_is_killed_again_and_again_puts_each_mail_into_the_crm_once(tmp_path):
    """The short form of `python -m tests.kill`."""
    outcome = asyncio.run(trial(tmp_path, kills=4, mails=90, seed=7, most=70))
    assert outcome.faults() == []
    assert outcome.kills == 4
    assert outcome.in_doubt > 0
    assert max(outcome.read_again().values()) <= 4 * 20  # what one fetch holds, each time
