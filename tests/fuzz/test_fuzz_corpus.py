"""What fuzzing has found stays mended: every seed and every kept input goes through its parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.base.model import MailMessage
from tests.fuzz import mail_targets
from tests.fuzz.sound import Broken, timed
from tests.fuzz.targets import SEEDS, TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_passes_its_parser(name):
    kept = sorted((CORPUS / name).glob("*"))
    assert kept, "make fuzz, then python -m tests.fuzz --keep"
    for data in [*SEEDS[name], *(path.read_bytes() for path in kept)]:
        timed(TARGETS[name])(data)


def test_the_corpus_is_small_and_of_known_parsers():
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} <= set(TARGETS)
    assert sum(path.stat().st_size for path in files) < 600_000


def test_a_parser_that_breaks_a_promise_is_noticed(monkeypatch):
    whole = mail_targets.parsed

    def careless(data):
        message = whole(data)
        return MailMessage(**{f: getattr(message, f) for f in message.__dataclass_fields__} | {"subject": "\ud83d"})

    monkeypatch.setattr(mail_targets, "parsed", careless)
    with pytest.raises(Broken, match="half a surrogate"):
        TARGETS["mime"](SEEDS["mime"][0])


def test_an_input_that_takes_long_is_noticed(monkeypatch):
    monkeypatch.setattr("tests.fuzz.sound.SECONDS", -1.0)
    with pytest.raises(Broken, match="second"):
        timed(lambda data: None)(b"")
