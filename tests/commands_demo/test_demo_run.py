"""The demo ends by itself, and every number it tells is the sandbox's own."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tradepost import cli
from tradepost.commands import demo as command
from tradepost.commands import sandbox as sandbox_command
from tradepost.commands.demo_told import Teller, show
from tradepost.commands.invocation import Invocation
from tradepost.demo import acts, numbers, stage
from tradepost.messages import Language, catalogue
from tradepost.sandbox.company import CRMS, ONLY_CRM
from tradepost.sandbox.hosts import SeenTask
from tradepost.sandbox.salesforce.host import SalesforceHost
from tradepost.terminal import open_console


@pytest.fixture
def short(monkeypatch):
    """The demo with little mail and no waiting, and the standard library's logging put back afterwards."""
    whole_past, whole_arriving = stage.past, acts.arriving
    stories = ("live-quotation", acts.EXPLAINED, acts.COPIES)
    monkeypatch.setattr(stage, "past", lambda now: whole_past(now)[-12:])
    monkeypatch.setattr(acts, "arriving", lambda now: tuple(m for m in whole_arriving(now) if m.story in stories))
    monkeypatch.setattr(acts, "PACE", 0.0)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def play(folder: Path, language: Language = Language.EN, *, quiet: bool = False) -> tuple[int, str]:
    out = io.StringIO()
    console = open_console(out, {})
    invocation = Invocation(language=language, out=console, err=console, environ={})
    teller = Teller(invocation, ["tradepost"], quiet=quiet)
    return asyncio.run(show(teller, folder, keep=False)), out.getvalue()


def test_the_whole_demo_ends_by_itself_with_every_number_agreeing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tradepost", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "", "TMPDIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []  # the folder is gone
    found = json.loads(done.stdout)
    assert found["differing"] == []
    assert len(found["mailboxes"]) == 4
    for one in found["mailboxes"].values():
        assert one["missing"] == 0
        assert one["listed"] == sum(one[w] for w in ("synced", "excluded", "waiting", "parked", "missing"))
        assert (one["listed"], one["synced"]) == (one["sandbox"]["held"], one["sandbox"]["in_crm"])
    counts = {name: pair["sandbox"] for name, pair in {**found["totals"], **found["proofs"]}.items()}
    past = {name: pair["sandbox"] for name, pair in found["backfill"].items()}
    assert past["read"] > 120
    assert counts["second_round"] == 0
    connections = [ONLY_CRM] if len(CRMS) == 1 else list(CRMS)
    for crm in connections:
        assert counts[f"{crm}:activities"] > past[f"{crm}:activities"] > 80
        assert (past[f"{crm}:tasks"], past[f"{crm}:stage_changes"]) == (0, 0)
        assert counts[f"{crm}:tasks"] >= 5
        assert counts[f"{crm}:tasks_completed"] >= 2
        assert counts[f"{crm}:stage_changes"] >= 1
        assert (counts[f"{crm}:four_copies"], counts[f"{crm}:lost_reply"]) == (1, 1)


@pytest.fixture
def dishonest(monkeypatch):
    """A CRM that counts a task too many."""
    honest = SalesforceHost.tasks

    def one_task_more(host: SalesforceHost):
        return (*honest(host), SeenTask("00T", "One too many", closed=False))

    monkeypatch.setattr(SalesforceHost, "tasks", one_task_more)


def test_it_tells_a_plain_story_and_a_number_that_is_not_the_sandboxs_own_ends_it_with_1(short, dishonest, tmp_path):
    code, text = play(tmp_path, Language.ZH)
    assert "\x1b" not in text
    assert "{" not in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []
    chinese = catalogue(Language.ZH)
    for part in ("world", "backfill", "live", "proofs", "numbers", "next"):
        assert chinese[f"demo.part.{part}"] in text
    assert "さくら電気 T8 tubes：Needs Analysis → Proposal/Price Quote" in text
    assert "赵敏" in text
    assert "docs/concepts.zh.md" in text
    assert "item.done" in (tmp_path / "tradepost.log").read_text()  # the engine's log is a file, not the terminal
    assert code == 1
    wrong = text[text.index(chinese["demo.not_all_agree"]) :].split("\n\n")[0].splitlines()[1:]
    assert [line.strip().split("：")[1] for line in wrong] == [chinese["demo.count.tasks"]] * 2  # then, and at the end


def test_a_mail_that_is_missing_or_not_in_the_crm_is_noticed(short, tmp_path):
    async def main():
        async with stage.open_house(tmp_path, Language.EN) as house, stage.at_work(house) as at_work:
            await acts.backfill(at_work, lambda *_: None)
            before = numbers.differing((await numbers.numbers(at_work)).counts)
            box = at_work.mailboxes[0]
            house.company.host_of(box).deliver_to(box, stage.past(at_work.clock.now())[0].raw)  # and nobody looks
            unseen = await numbers.numbers(at_work)
            at_work.company.crm.delete_record(at_work.company.crm.mails()[0].record)
            return before, numbers.differing(unseen.counts), numbers.differing((await numbers.numbers(at_work)).counts)

    before, unseen, deleted = asyncio.run(main())
    assert before == ()
    assert {c.name for c in unseen} >= {"missing"}
    assert {c.name for c in deleted} >= {"activities", "synced", "outside"}


def test_without_the_optional_packages_it_says_how_to_install_them(monkeypatch):
    find = sandbox_command.importlib.util.find_spec
    monkeypatch.setattr(
        sandbox_command.importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name)
    )
    for words in (("demo",), ("sandbox",)):
        out, err = io.StringIO(), io.StringIO()
        assert cli.main(words, {}, out, err) == 2
        assert out.getvalue() == ""
        assert "pip install '.[sandbox]'" in err.getvalue()


def test_the_folder_of_a_kept_demo_stays_and_the_others_goes():
    with command._folder(keep=False) as gone:
        assert gone.is_dir()
    assert not gone.exists()
    with command._folder(keep=True) as kept:
        assert kept.is_dir()
    kept.rmdir()
