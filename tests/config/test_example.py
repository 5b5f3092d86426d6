"""The examples and the schema say every key, and say it as the models do, in both languages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.config.example import ROOT, described, example, lines, wanted, written
from tradepost.config import load
from tradepost.config.schema import schema, schema_text
from tradepost.config.yaml_marks import read
from tradepost.messages import Language
from tradepost.phrases import phrase

EXAMPLE = example(Language.EN)
CHINESE = re.compile(r"[\u4e00-\u9fff\uff0c-\uff1b]")


def bare(text: str) -> str:
    """Without its breaks: a Chinese comment has no blank where its line ends."""
    return re.sub(r"\s+", "", text).casefold()


@pytest.mark.parametrize("language", Language)
def test_every_key_of_the_models_stands_in_the_example(language: Language) -> None:
    assert len(wanted()) > 60
    assert set(wanted()) - set(written(language)) == set()


@pytest.mark.parametrize("language", Language)
def test_a_keys_comment_in_the_example_is_its_description(language: Language) -> None:
    """More may stand around it; how to sign in (`method`) has one description for each way, and one comment for all."""
    said = {path: bare(text) for path, text in written(language).items()}
    assert all(said.pop(path) for path in [path for path in said if path.endswith("auth.method")])
    known = {path: sentences for path, sentences in described().items() if path in said}
    assert len(known) > 100
    missing = [p for p, sentences in known.items() if not any(bare(phrase(s, language)) in said[p] for s in sentences)]
    assert missing == []


def test_the_examples_differ_in_their_comments_and_in_the_language_only() -> None:
    english, chinese = (lines(language) for language in Language)
    others = {path: (one, two) for (path, _, one), (_, _, two) in zip(english, chinese, strict=True) if one != two}
    assert others == {"language": ("language: en", "language: zh")}
    assert [path for path, comment, _ in english if comment] == [path for path, comment, _ in chinese if comment]
    assert [comment for _, comment, _ in chinese if comment and not CHINESE.search(comment)] == []
    assert read(example(Language.EN)).data == {**read(example(Language.ZH)).data, "language": "en"}


def test_the_chinese_example_names_what_the_english_one_names() -> None:
    """Keys, values and commands in sentences are no words to translate."""
    code = re.compile(r"`[^`]+`|\([a-z][a-z_]+\)|\b[a-z]+_[a-z_]+\b|\{[a-z]+: [^}]*\}|\b\w+/[\w/.]*\w")
    for (path, english, _), (_, chinese, _) in zip(lines(Language.EN), lines(Language.ZH), strict=True):
        held = {word.strip("()") for word in code.findall(english)} - {"tenant", "client"}  # IDs' other names
        held = {word.replace("mappings/defaults/rules.yaml", "docs/rules.zh.yaml") for word in held}
        assert {word for word in held if bare(word) not in bare(chinese)} == set(), path


def test_the_shipped_rules_with_chinese_comments_are_the_shipped_rules() -> None:
    files = [ROOT / "mappings/defaults/rules.yaml", ROOT / "docs/rules.zh.yaml"]
    english, chinese = (file.read_text(encoding="utf-8").splitlines() for file in files)
    example = re.compile(r" *[^# ]|$|#   (- |  )[a-z]+: ")
    assert [line for line in english if example.match(line)] == [line for line in chinese if example.match(line)]
    told = [line for line in chinese if not example.match(line)]
    assert len(told) > 20
    assert [line for line in told if not CHINESE.search(line)] == []


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    settings = load(path, {})
    assert [m.address for m in settings.mailboxes] == ["alice@acme.example", "bob@acme.example", "sales@acme.example"]
    assert [m.targets for m in settings.mailboxes] == [("salesforce",), ("hubspot", "zoho"), ("hubspot", "zoho")]
    assert {name: crm.common.writes for name, crm in settings.crm.items()} == dict.fromkeys(settings.crm, "off")


@pytest.mark.parametrize("mail", ["google", "microsoft"])
@pytest.mark.parametrize("crm", ["salesforce", "hubspot", "zoho"])
def test_what_is_left_after_deleting_connections_is_a_configuration(tmp_path: Path, mail: str, crm: str) -> None:
    data = read(EXAMPLE).data
    data["connections"] = {name: data["connections"][name] for name in (mail, crm)}
    for key in ("tasks", "credentials"):  # they name connections
        data["alarms"].pop(key)
    for mailbox in data["mailboxes"]:
        mailbox.pop("connection", None)
        mailbox.pop("targets", None)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    settings = load(path, {})
    assert {(m.account, m.targets) for m in settings.mailboxes} == {(mail, (crm,))}


def test_defaults_that_the_example_shows_are_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    settings = load(path, {})
    for part in (settings.poll, settings.retention, settings.log):
        assert part == type(part)()
    needed = {"salesforce": {"auth", "login_url"}, "zoho": {"data_centre", "client_id", "client_secret"}}
    for account in (*settings.mail.values(), *settings.crm.values()):
        config = account.config
        own = {name: getattr(config, name) for name in needed.get(account.common.type, {"auth"})}
        assert config == type(config)(**own), account.name


def test_the_committed_schema_is_current() -> None:
    committed = (ROOT / "config.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: make schema"


def test_the_schema_takes_the_example_and_is_a_schema() -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    jsonschema.validate(read(EXAMPLE).data, made)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("parallel: 20", "paralel: 20"),
        ("writes: off", "writes: maybe"),
        ("method: jwt", "method: password"),
        ("urgent: 2h", "urgent: soon"),
        ("level: info", "level: loud"),
        ("poll:", "pol:"),
        ("type: gmail", "kind: gmail"),
        ("cloud: global", "cloud: germany"),
        ("data_centre: cn", "data_centre: china"),
        ("lag_seconds: 300", "lag: 300"),
        ("method: service_key", "method: api_key"),
    ],
)
def test_the_schema_refuses_what_loading_refuses(right: str, wrong: str) -> None:
    assert right in EXAMPLE
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read(EXAMPLE.replace(right, wrong, 1)).data, schema())


def silent(node: object, path: str, end: str) -> Iterator[str]:
    """Keys of the schema without a sentence."""
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            if not value.get("description", "").endswith(end):
                yield f"{path}.{name}"
        for key, value in node.items():
            yield from silent(value, f"{path}.{key}", end)


@pytest.mark.parametrize(("language", "end"), [(Language.EN, "."), (Language.ZH, "。")])
def test_every_key_of_the_schema_has_a_sentence(language: Language, end: str) -> None:
    made = json.loads(schema_text(language))
    own = {"type"}  # chosen by its value, not read
    assert [p for p in silent(made, "", end) if p.rsplit(".", 1)[1] not in own] == []


def sentences(node: object, path: str) -> dict[str, str]:
    """Every sentence of a schema, taken out of it, by its place."""
    found: dict[str, str] = {}
    for key, value in (
        list(node.items()) if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    ):
        if key in ("description", "title") and isinstance(value, str):
            found[f"{path}.{key}"] = node.pop(key)
        else:
            found |= sentences(value, f"{path}.{key}")
    return found


def test_the_schemas_differ_in_their_sentences_only_and_all_are_translated() -> None:
    english, chinese = schema(Language.EN), schema(Language.ZH)
    here, there = sentences(english, ""), sentences(chinese, "")
    assert english == chinese
    assert set(here) == set(there)
    assert len(set(here.values())) > 150
    assert {place: text for place, text in there.items() if not CHINESE.search(text) or text == here[place]} == {}
    assert [text for text in here.values() if "\n" in text] == []
