"""Long lists at the terminal: what stays after an undo, what is held about a person, what is not counted yet."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from connectors.base.model import WriteKind
from sync.coverage import Coverage, Whereabouts
from sync.store import Store
from sync.store.report import CoverageReport
from sync.store.undo import Planned
from sync.undo import Stay, Way
from tradepost.commands.status import _partly
from tradepost.messages import Language
from tradepost.terminal import open_console
from tradepost.views.history import Doings, doings_json, doings_view
from tradepost.views.undo import MOST_SHOWN, outcome_view, plan_view

LILY = "lily@acme.example"
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def shown(what):
    stream = io.StringIO()
    open_console(stream, {}).print(what)
    return stream.getvalue()


def stays(number, url):
    return Planned(
        item=f"v1:{number}",
        target="zoho",
        kind=WriteKind.LOG_EMAIL,
        mail=f"m{number}",
        url=url,
        way=Way.STAY,
        why=Stay.NO_WAY,
    )


def test_what_stays_names_each_link_once_with_how_many_writes_lie_there():
    """Zoho's mails have no page of their own: the link is the contact's, and the same for all of its mails."""
    text = shown(outcome_view([*(stays(n, "https://crm/1") for n in range(3)), stays(3, "https://crm/2")], Language.EN))
    assert [line.strip() for line in text.splitlines() if "https" in line] == ["https://crm/1  ×3", "https://crm/2"]
    assert "These 4 stay" in text


def test_a_list_that_is_too_long_says_how_many_writes_it_leaves_out():
    found = [stays(n, f"https://crm/{n // 2}") for n in range(2 * MOST_SHOWN + 6)]
    text = shown(outcome_view(found, Language.EN))
    assert (text.count("https"), "and 6 more" in text) == (MOST_SHOWN, True)


@pytest.mark.parametrize(("language", "words"), [(Language.EN, "nothing to take back"), (Language.ZH, "没有需要撤回")])
def test_a_run_that_wrote_nothing_says_so(language, words):
    assert words in shown(plan_view([], language))


def test_a_mailbox_of_which_not_every_day_is_counted_yet_says_how_many_are(tmp_path):
    """Else its sums are taken for the sums of all its mail."""
    since, sums = NOW - timedelta(days=20), Coverage(listed=2, sums={Whereabouts.SYNCED: 2})

    async def partly(days):
        await store.coverage.put_days(LILY, dict.fromkeys(days, sums), NOW)
        report = CoverageReport(mailbox=LILY, counted_at=NOW, since=since, until=NOW, coverage=sums)
        return await _partly(store, [report])

    store = Store.open(tmp_path / "state.db", key=b"k" * 43 + b"=")
    try:
        found = asyncio.run(partly([date(2026, 3, day) for day in range(1, 11)]))
        doings = Doings(partly=found)
        assert "10 of 21 days are counted" in shown(doings_view(doings, Language.EN))
        assert "21 天中已统计 10 天" in shown(doings_view(doings, Language.ZH))
        assert doings_json(doings, Language.EN)["partly_counted"] == {LILY: {"days_counted": 10, "days": 21}}
        assert asyncio.run(partly([date(2026, 2, day) for day in range(18, 29)])) == {}
    finally:
        store.close()
