"""The command gets its document and nothing else; the file is replaced as a whole; every kind has its words."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime

import pytest

from connectors.base.errors import Transient
from sync.alarm_lane import Notice
from sync.alarms import AlarmKind
from sync.store.alarms import Event
from tradepost.alarm_channels import CommandChannel
from tradepost.messages import Language, catalogue
from tradepost.metrics import replace

NOTICE = Notice(
    id="1",
    event=Event.RAISED,
    kind=AlarmKind.MISSING,
    subject="lily@minghui-lighting.example",
    title="标题",
    text="text",
    facts={"mails": "1"},
    raised_at=datetime(2026, 3, 2, tzinfo=UTC),
    cleared_at=None,
)


def tell(code, seconds=20.0, environ=()):
    channel = CommandChannel((sys.executable, "-c", code), seconds, dict(environ))
    asyncio.run(channel.tell(NOTICE))


def test_the_command_reads_the_document_and_sees_no_secret(tmp_path):
    out = tmp_path / "out"
    code = f"import os,sys,json; json.dump([json.load(sys.stdin), dict(os.environ)], open({str(out)!r}, 'w'))"
    tell(code, environ={"PATH": "/bin", "CREDENTIALS_DIRECTORY": "/run/x", "TOKEN": "t"})
    document, environ = json.loads(out.read_text())
    assert (document["title"], document["kind"], document["facts"]) == ("标题", "missing", {"mails": "1"})
    assert set(environ) <= {"PATH", "LC_CTYPE"}  # the second is Python's own


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import time; time.sleep(60)"])
def test_a_command_that_fails_or_hangs_is_ended_and_tried_again_later(code):
    with pytest.raises(Transient):
        tell(code, seconds=0.5)


def test_a_command_that_is_not_there_is_a_failed_try():
    with pytest.raises(Transient):
        asyncio.run(CommandChannel(("/nowhere/at/all",), 5.0, {}).tell(NOTICE))


def test_a_command_that_does_not_read_has_been_told():
    tell("raise SystemExit(0)")


def test_the_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "a.prom"
    replace(path, "one\n")
    replace(path, "two\n")
    assert [p.name for p in tmp_path.iterdir()] == ["a.prom"]
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o644


def test_every_kind_of_alarm_is_told_in_both_languages():
    for language in Language:
        told = {name.split(".")[1] for name in catalogue(language) if name.startswith("alarm.")}
        assert told == set(AlarmKind)
