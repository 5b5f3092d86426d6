"""Both languages say everything, with the same values."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import tradepost
from connectors.base import errors
from connectors.base.errors import ConnectorError
from connectors.base.model import Effect, WriteKind
from mappings.model import Direction, FindingKind, MailKind, Reason
from sync.coverage import Whereabouts
from sync.mistakes import Mistake
from sync.model import ItemState, VerdictState
from sync.pull import EndlessResync
from sync.store.copies import CopyState
from sync.store.db import StateFull
from tradepost.click_words import MODULES, translations
from tradepost.messages import Language, Sentence, catalogue, choose_language, say, sentence

SOURCE = Path(tradepost.__file__).parent
SAYERS = {"say": 0, "sentence": 0, "Sentence": 0, "tell": 1, "tell_key": 1, "refusal": 0, "Flaw": 1}
PREFIXES = {
    "tell": "config.{}.what",
    "tell_key": "config.{}.what",
    "refusal": "config.{}.what",
    "Flaw": "config.{}.what",
}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_sentences() -> None:
    assert set(catalogue(Language.EN)) == set(catalogue(Language.ZH))


def test_both_languages_have_the_same_places_for_values() -> None:
    english, chinese = catalogue(Language.EN), catalogue(Language.ZH)
    assert {k for k in english if places(english[k]) != places(chinese[k])} == set()


def test_no_sentence_is_empty_or_left_untranslated() -> None:
    english, chinese = catalogue(Language.EN), catalogue(Language.ZH)
    same = {k for k in english if english[k] == chinese[k]}
    assert [k for k in english if not english[k].strip() and k != "view.colon"] == []
    assert same <= {"view.target"}


@pytest.mark.parametrize("group", ["reason", "reason_short"])
def test_every_reason_has_a_sentence(group: str) -> None:
    told = {k.removeprefix(f"{group}.") for k in catalogue(Language.EN) if k.startswith(f"{group}.")}
    assert told == {str(reason) for reason in Reason}


def test_every_config_problem_says_what_and_how_to_mend_it() -> None:
    keys = [k for k in catalogue(Language.EN) if k.startswith("config.") and k.count(".") == 2]
    names = {k.rsplit(".", 1)[0] for k in keys}
    assert {f"{n}.{part}" for n in names for part in ("what", "mend")} == set(keys)


def test_a_config_problem_names_the_same_keys_and_examples_in_both_languages() -> None:
    words = re.compile(r"[A-Za-z0-9_<&*-][\w<&*:/.@-]*\w", re.ASCII)
    english, chinese = catalogue(Language.EN), catalogue(Language.ZH)
    spoken = {k: set(words.findall(chinese[k].replace("example.zh.yaml", "example.yaml"))) for k in chinese}
    told = {k: set(words.findall(english[k])) for k in english}
    config = [k for k in english if k.startswith("config.")]
    assert {k: spoken[k] - told[k] for k in config if spoken[k] - told[k]} == {}
    code = re.compile(r"\w_\w|^--|:/|/\w|\w\.\w|^[*&<]|[0-9]")
    lost = {k: {word for word in told[k] - spoken[k] if code.search(word)} for k in config}
    assert {k: lost[k] for k in config if lost[k]} == {}


def spoken_ids() -> Iterator[tuple[str, str]]:
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                where = SAYERS.get(name)
                if where is not None and len(node.args) > where and isinstance(node.args[where], ast.Constant):
                    value = node.args[where].value
                    if isinstance(value, str):
                        yield f"{file.relative_to(SOURCE)}:{node.lineno}", PREFIXES.get(name, "{}").format(value)


def test_every_sentence_the_code_names_exists() -> None:
    ids = list(spoken_ids())
    assert len(ids) > 30
    assert [(place, name) for place, name in ids if name not in catalogue(Language.EN)] == []


def test_a_value_may_be_a_sentence_of_the_same_language() -> None:
    nested = sentence("config.refused.what", reason=Sentence("reason.draft"))
    assert nested.say(Language.EN) == "The value is refused: It is a draft."
    assert nested.say(Language.ZH) == "这个值不被接受：这是草稿。"


def test_braces_in_values_stay_as_they_are() -> None:
    assert "{x}" in say("config.refused.what", Language.EN, reason="{x}")


@pytest.mark.parametrize(
    ("given", "environ", "configured", "expected"),
    [
        (None, {}, None, "en"),
        ("zh", {"TRADEPOST_LANG": "en"}, "en", "zh"),
        (None, {"TRADEPOST_LANG": "zh"}, "en", "zh"),
        (None, {"LANG": "en_US.UTF-8"}, "zh", "zh"),
        (None, {"LANG": "zh_CN.UTF-8"}, None, "zh"),
        (None, {"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, None, "en"),
        (None, {"LC_ALL": "", "LANG": "zh_TW"}, None, "zh"),
        (None, {"LC_ALL": "C.UTF-8", "LANG": "zh_CN"}, None, "en"),
        (None, {"LANG": "zh-Hans"}, None, "zh"),
        (None, {"TRADEPOST_LANG": "fr", "LANG": "de_DE"}, None, "en"),
    ],
)
def test_the_language_is_the_options_then_the_variables_then_the_configs_then_the_locales(
    given: str | None, environ: dict[str, str], configured: str | None, expected: str
) -> None:
    assert choose_language(given, environ, configured) == expected


# What Click says to programmers, and where it does not speak through its own modules.
DEVELOPERS = ("DeprecationWarning", "Could not determine name", "No options defined", "Arguments take exactly")
DEVELOPERS += (
    "Name '{name}' defined",
    "Boolean option",
    "Invalid start character",
    "Unknown color",
    "Choice({choices})",
)


def clicks_words() -> set[str]:
    words = set()
    for module in MODULES:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "ngettext"):
                texts = node.args[: 2 if getattr(node.func, "id", "") == "ngettext" else 1]
                words |= {t.value for t in texts if isinstance(t, ast.Constant)}
    return {w for w in words if not w.startswith(DEVELOPERS)}


def test_all_of_clicks_own_words_are_translated_with_their_values() -> None:
    chinese = translations(Language.ZH)
    assert len(clicks_words()) > 40
    assert clicks_words() - set(chinese) == set()
    # Which kind of number is Click's English word.
    assert {k for k in chinese if places(k) - {"number_type"} != places(chinese[k])} == set()


def test_no_key_of_a_catalogue_is_given_twice() -> None:
    for file in sorted((SOURCE / "locale").glob("*.yaml")):
        assert repeated(yaml.compose(file.read_text(encoding="utf-8"))) == [], file.name


def repeated(node: yaml.Node) -> list[str]:
    if not isinstance(node, yaml.MappingNode):
        return []
    keys = [k.value for k, _ in node.value]
    return [k for k in keys if keys.count(k) > 1] + [k for _, v in node.value for k in repeated(v)]


def classes(base: type) -> set[str]:
    return {base.__name__} | {name for one in base.__subclasses__() for name in classes(one)}


GROUPS = {
    "write": set(map(str, WriteKind)),
    "item_state": set(map(str, ItemState)),
    "effect": set(map(str, Effect)),
    "whereabouts": set(map(str, Whereabouts)),
    "verdict": set(map(str, VerdictState)) | {"parked"},
    "copy_state": set(map(str, CopyState)),
    "direction": set(map(str, Direction)),
    "mail_kind": set(map(str, MailKind)),
    "finding": set(map(str, FindingKind)),
    "journal": {f"item.{state}" for state in ItemState} | {"item.decided", "item.doubled"},
    "intent": set(map(str, WriteKind)),
}


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_every_word_of_the_engine_has_a_sentence(group: str) -> None:
    told = {k.removeprefix(f"{group}.") for k in catalogue(Language.EN) if k.startswith(f"{group}.")}
    assert told == GROUPS[group]


def test_every_error_that_pauses_a_lane_has_a_sentence() -> None:
    """Those of the seam, and the engine's own."""
    told = {k.removeprefix("error.") for k in catalogue(Language.EN) if k.startswith("error.")}
    ours = {name for name in classes(ConnectorError) if hasattr(errors, name)}
    assert told == ours - {"ConnectorError"} | {one.__name__ for one in (EndlessResync, Mistake, StateFull)}


def test_every_piece_of_evidence_has_a_sentence() -> None:
    named = set()
    for folder in ("mappings", "sync"):
        for file in sorted((SOURCE.parent / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Evidence" and node.args:
                    named |= {n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)}
    told = {k.removeprefix("evidence.") for k in catalogue(Language.EN) if k.startswith("evidence.")}
    assert len(named) > 10
    assert named - told == set()
