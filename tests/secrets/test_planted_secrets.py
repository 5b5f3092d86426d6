"""Nothing a mail says and no secret gets out: not by logs, errors, crashes or commands, nor into the wrong column."""

from __future__ import annotations

import base64
import os
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.secrets.marks import KINDS, Marks
from tests.secrets.scene import play
from tradepost.sandbox.company import PAIRS

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
ONE_LINE = re.compile(r"\| (texts|subjects|addresses) \| (.+?) \|")
KIND = {"texts": "body", "subjects": "subject", "addresses": "address"}


# `make secrets` plays every pair; two of them stand for all in the ordinary run.
PLAYED = PAIRS if os.environ.get("TRADEPOST_ALL_PAIRS") else (("gmail", "hubspot"), ("graph", "zoho"))
LOUD = PAIRS if os.environ.get("TRADEPOST_ALL_PAIRS") else (("gmail", "salesforce"),)


@pytest.fixture(scope="module", params=PLAYED, ids=["-".join(p) for p in PLAYED])
def told(request, tmp_path_factory):
    return play(tmp_path_factory.mktemp("planted"), *request.param)


def columns():
    """Where the state file may hold what, by docs/security.md."""
    rows = ONE_LINE.findall(PAGE.read_text("utf-8"))
    return {KIND[name]: set(re.findall(r"`([a-z_]+\.[a-z_]+)`", cells)) for name, cells in rows}


def test_the_play_was_one_where_something_could_get_out(told):
    assert told.activities > 5
    assert len(told.marks.words["secret"]) >= 3
    assert len(told.errors) >= 15
    assert any('"target.broken"' in line or '"lane.broken"' in line for line in told.log)
    assert any('"daemon.crashed"' in line and '"exception": "ValueError"' in line for line in told.log)
    held = {found for _, text in told.cells() for found in told.marks.found(text, ("subject", "address"))}
    assert len(held) >= 4


def test_no_log_line_tells_anything(told):
    assert told.marks.found("\n".join(told.first_wall)) == []
    assert told.marks.found("\n".join(told.log)) == []


def test_no_error_tells_anything_even_with_its_traceback(told):
    assert told.marks.found("\n".join(told.errors)) == []


def test_no_command_tells_a_secret_or_a_text(told):
    assert told.marks.found("\n".join(told.output)) == []


def test_the_state_file_holds_what_it_may_in_the_columns_named_for_it(told):
    may, wrong = columns(), defaultdict(set)
    for place, text in told.cells():
        for found in told.marks.found(text):
            kind = found.partition(":")[0]
            if place not in may.get(kind, ()):
                wrong[kind].add(place)
    assert dict(wrong) == {}


def test_no_file_of_the_state_folder_holds_a_text_or_a_secret_not_even_in_freed_pages(told):
    for name, text in told.files():
        assert told.marks.found(text, ("body", "secret")) == [], name


@pytest.mark.parametrize(("source", "target"), LOUD)
def test_with_redaction_off_the_same_search_finds_every_kind(tmp_path, source, target):
    told = play(tmp_path, source, target, redaction=False)
    found = {one.partition(":")[0] for one in told.marks.found("\n".join(told.log))}
    assert found == set(KINDS)


def test_a_word_is_found_in_every_spelling():
    marks = Marks.drawn(1)
    (word, *_) = marks.words["body"]
    for text in (
        word,
        word.upper(),
        word[::-1],
        word.encode().hex(),
        *(base64.b64encode(b"x" * n + word.encode() + b"yz").decode() for n in range(3)),
    ):
        assert marks.found(f"before {text} after") == [f"body:{word}"]
    assert marks.found("nothing") == []
