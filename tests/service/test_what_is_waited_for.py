"""Who looks on while a CRM stands still is told until when, and why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from connectors.base.model import WriteKind
from sync.model import ItemState
from tradepost.commands.common import patience_text
from tradepost.messages import Language
from tradepost.service.desk import Desk

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SETTINGS = SimpleNamespace(company=SimpleNamespace(calendar=SimpleNamespace(zone="Asia/Shanghai")), crm={})


def progress(due, **counts):
    """What the desk tells of one CRM whose items are `counts`, the next of which may be handled at `due`."""

    async def given(value):
        return value

    store = SimpleNamespace(
        report=SimpleNamespace(
            counts=lambda: given({("zoho", "log_email", ItemState(state)): n for state, n in counts.items()}),
        ),
        mailboxes=SimpleNamespace(runs=lambda _ids: given([])),
        threads=SimpleNamespace(dirty=lambda *_: given([])),
        mirror=SimpleNamespace(
            account=lambda _name: given(SimpleNamespace(capabilities={WriteKind.LOG_EMAIL: None})),
            paused_kinds=lambda _name: given({}),
        ),
        outbox=SimpleNamespace(next_due=lambda *_: given(due)),
    )
    engine = SimpleNamespace(store=store, clock=SimpleNamespace(now=lambda: NOW), targets={"zoho": None}, lanes=())

    async def asked():
        return [answer async for answer in Desk(SETTINGS, engine).progress({"runs": []})]

    (answer,) = asyncio.run(asked())
    return answer


def test_what_may_be_there_already_is_waited_for_with_its_moment():
    answer = progress(NOW + timedelta(minutes=15), unknown=75, done=3)
    assert "waits until 2026-03-02 16:15 +0800" in patience_text(answer, SETTINGS, Language.EN)
    assert "等到 2026-03-02 16:15 +0800" in patience_text(answer, SETTINGS, Language.ZH)


@pytest.mark.parametrize(
    ("minutes", "counts"), [(15, {"unknown": 1, "ready": 1}), (15, {"unknown": 1, "sending": 1}), (-1, {"unknown": 1})]
)
def test_nothing_is_said_of_waiting_while_something_can_be_done(minutes, counts):
    assert patience_text(progress(NOW + timedelta(minutes=minutes), **counts), SETTINGS, Language.EN) == ""
