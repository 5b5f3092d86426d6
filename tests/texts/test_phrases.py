"""Connectors speak English, and whoever reads Chinese reads Chinese."""

import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from connectors.base.errors import Rejected
from sync.outbox import detail
from tests.texts.english import HOME, Text, literals, raised, texts
from tradepost.messages import Language, sentence
from tradepost.phrases import Book, Phrase, book, faults, learn, own_files, phrase, read_phrases
from tradepost.views.words import told_detail


def ours(path: Path) -> bool:
    return not {"sandbox", "testing", "schema"} & set(path.parts)


SAID_BY_CODE = {"oauth/secret_ref.py"}  # every refusal has a code that `tradepost/locale` says
MODULES = sorted(path for path in HOME.rglob("*.py") if path.relative_to(HOME).as_posix() not in SAID_BY_CODE)
FILES = own_files(Language.ZH)
ELSEWHERE = sorted(
    p for name in ("mappings", "sync", "tradepost") for p in (HOME.parent / name).rglob("*.py") if ours(p)
)
EVERYTHING = {english: said for file in FILES for english, said in read_phrases(file).items()}


def untranslated(text: Text) -> bool:
    said = phrase(text.text, Language.ZH)
    values = re.findall(r"‹\d+›", text.text)
    return said == text.text or not all(value in said for value in values)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_every_sentence_of_a_connector_has_its_chinese(path: Path) -> None:
    assert [(t.line, t.text) for t in texts(path) if untranslated(t)] == []


def test_every_error_that_the_engine_itself_raises_has_its_chinese() -> None:
    found = [text for path in ELSEWHERE for text in raised(path)]
    assert len(found) > 10
    assert [(t.file, t.line, t.text) for t in found if untranslated(t)] == []


def test_the_search_finds_what_people_read() -> None:
    """Else the test above would pass for want of anything to look at."""
    found = {t.text for path in MODULES for t in texts(path)}
    assert len(found) > 300
    assert {"The scope ‹1› is missing: ‹2›.", "to log mails, make tasks and add contacts"} <= found
    assert any(t.startswith("Domain-wide delegation is missing: in the Google Admin") for t in found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_translation_can_be_used(file: Path) -> None:
    pairs = read_phrases(file)
    assert faults(pairs) == []
    assert [e for e, said in pairs.items() if not re.search(r"[\u4e00-\u9fff]", said)] == []
    named = {e: set(re.findall(r"\{(\w+)\}", e)) ^ set(re.findall(r"\{(\w+)\}", said)) for e, said in pairs.items()}
    assert {e: names for e, names in named.items() if names} == {}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_translation_outlives_its_sentence(file: Path) -> None:
    longest = {english: max(re.split(r"\{\w+\}|[.:;(]", english), key=len).strip() for english in read_phrases(file)}
    assert [english for english, part in longest.items() if part not in written()] == []


@cache
def written() -> str:
    return "\n".join(text for path in (*HOME.rglob("*.py"), *ELSEWHERE) for text in literals(path))


def test_a_sentence_stands_in_one_file_and_once() -> None:
    lines = [line for file in FILES for line in file.read_text(encoding="utf-8").splitlines() if line[:1] == '"']
    keys = [next(iter(yaml.safe_load(line))) for line in lines]
    assert sorted(keys) == sorted(EVERYTHING)


# ------------------------------------------------------------------------------------------------------------- matching


def say(text: str, **pairs: str) -> str:
    return Book({english.replace("_", " "): said for english, said in pairs.items()}).say(text)


def test_values_are_taken_over_and_translated_where_they_are_sentences_too() -> None:
    pairs = {
        "Missing on {what}: {rights}.": "{what} 缺少：{rights}。",
        "Read": "读取",
        "The {n} is gone.": "{n} 已不在。",
    }
    known = Book(pairs | {"It failed. {then}": "失败。{then}"})
    assert known.say("Missing on Lead: Read and Edit.") == "Lead 缺少：读取、Edit。"
    assert known.say("Missing on Lead: Black and White.") == "Lead 缺少：Black and White。"
    assert known.say("It failed. The task is gone.") == "失败。task 已不在。"
    assert known.say("It failed. Ask somebody.") == "失败。Ask somebody."
    assert known.say("The task is gone. It failed. Ask Bob.") == "task 已不在。失败。Ask Bob."
    assert known.say("Nobody knows this.") == "Nobody knows this."


def test_of_several_that_fit_the_one_that_fixes_more_is_meant() -> None:
    known = Book({"{a} is missing.": "没有 {a}。", "The field {a} is missing.": "没有字段 {a}。"})
    assert known.say("The field X is missing.") == "没有字段 X。"
    assert known.say("X is missing.") == "没有 X。"


def test_a_place_is_never_empty_and_braces_in_values_do_no_harm() -> None:
    known = Book({"No {a}: {b}.": "无 {a}：{b}。"})
    assert known.say("No : x.") == "No : x."
    assert known.say("No {0}: {b.__class__}.") == "无 {0}：{b.__class__}。"


def test_a_hostile_text_costs_little() -> None:
    text = "The scope " + " is missing: " * 100_000
    assert phrase(text, Language.ZH) == text


def test_english_stays_english() -> None:
    assert phrase("The server failed.", Language.EN) == "The server failed."
    assert phrase("The server failed.", Language.ZH) == "服务器出错。"
    wrapped = sentence("connection.unusable", error=Phrase("The server failed."))
    assert "服务器出错" in wrapped.say(Language.ZH)
    assert "The server failed" in wrapped.say(Language.EN)


# ----------------------------------------------------------------------------------------------------------- strangers


def stranger(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> type[object]:
    (folder / "acme_crm.zh.yaml").write_text(text, encoding="utf-8")
    module = ModuleType("acme_crm")
    module.__file__ = str(folder / "acme_crm.py")
    monkeypatch.setitem(sys.modules, "acme_crm", module)
    monkeypatch.setattr("tradepost.phrases._OTHERS", {})
    return type("AcmeCrm", (), {"__module__": "acme_crm"})


def test_a_stranger_brings_his_own_sentences_and_changes_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '"Ask {who} for a key.": "请向 {who} 索取密钥。"\n"The server failed.": "别的"\n'
    learn(stranger(tmp_path, monkeypatch, text))
    assert phrase("Ask Bob for a key.", Language.ZH) == "请向 Bob 索取密钥。"
    assert phrase("The server failed.", Language.ZH) == "服务器出错。"


@pytest.mark.parametrize("text", ["- a list", "{: spoiled", '"A {x}.": "{y}"', '"A {x}{y}.": "甲"', '"{x}": "甲"', ""])
def test_a_strangers_spoiled_file_leaves_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    learn(stranger(tmp_path, monkeypatch, text))
    assert phrase("A b.", Language.ZH) == "A b."
    assert phrase("The server failed.", Language.ZH) == "服务器出错。"


def test_a_stored_reason_is_read_in_the_readers_language() -> None:
    error = Rejected("The task is deleted.", operation="tasks.update", status=400, code="X")
    stored = detail(error)
    assert told_detail(stored, Language.EN) == "The vendor refused (tasks.update 400 X) - The task is deleted."
    assert told_detail(stored, Language.ZH) == "被对方拒绝（tasks.update 400 X） - 任务已被删除。"
    assert told_detail("mail_list_too_long", Language.ZH) == "记录上的邮件太多，无法读到结尾"
    assert told_detail("a_newer_code", Language.ZH) == "a_newer_code"
    assert book(Language.ZH) is book(Language.ZH)
