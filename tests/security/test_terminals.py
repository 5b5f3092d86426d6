"""What a stranger wrote commands no terminal, however it is shown."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tradepost.clock import SystemClock
from tradepost.commands.invocation import Invocation
from tradepost.log import open_log
from tradepost.messages import Language
from tradepost.terminal import plain

TITLE = "\x9b31m\x9d0;owned\x07\x1b]52;c;AAAA\x07 order \u202egpj.exe\u2066 \x85\u2028\ufeff报价 é 🚢"
COMMANDS = {chr(n) for n in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028)}


def shown_as_json(data: object) -> str:
    out = io.StringIO()
    console = Console(file=out)
    Invocation(language=Language("en"), out=console, err=console, environ={}).print_json(data)
    return out.getvalue()


def test_a_document_for_scripts_holds_it_escaped_and_says_the_same():
    text = shown_as_json({"subject": TITLE, "报价": [TITLE]})
    assert not COMMANDS & set(text.replace("\n", ""))
    assert json.loads(text) == {"subject": TITLE, "报价": [TITLE]}
    assert "报价 é 🚢" in text


def test_a_table_shows_it_as_one_harmless_line():
    assert not COMMANDS & set(plain(TITLE))


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_log_line_holds_none_of_it(form):
    out = io.StringIO()
    open_log(out, SystemClock(), form=form).warning("lane.paused", code=TITLE, nested={"x": [TITLE]})
    assert not COMMANDS & set(out.getvalue().replace("\n", "", 1))
