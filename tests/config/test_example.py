"""The example and the schema say every key, and say it as the models do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from tradepost.config import load
from tradepost.config.kinds import Side, find_kind
from tradepost.config.models import ConfigFile, Connection, CrmConnection
from tradepost.config.schema import SHIPPED, schema, schema_text
from tradepost.config.yaml_marks import read

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
KEY = re.compile(r"(?P<indent> *)(?P<dash>- )?(?P<comment># )?(?P<key>[a-z][a-z_]*):( |$)")


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def keys_of(model: type[BaseModel], path: str) -> Iterator[str]:
    """Every key of a model and of the sections in it, as a.b.c. What a secret reference may hold is no key."""
    for name, field in model.model_fields.items():
        yield f"{path}{name}"
        for inner in models_in(field.annotation):
            if inner.__name__ != "SecretRef":
                yield from keys_of(inner, f"{path}{name}.")


def wanted() -> set[str]:
    keys = set(keys_of(ConfigFile, ""))
    for name in SHIPPED:
        kind = find_kind(name)
        assert kind is not None
        for model in (kind.config, Connection if kind.side is Side.MAIL else CrmConnection):
            keys |= set(keys_of(model, f"connections.{name}."))
    return keys


def written() -> dict[str, str]:
    """Every key of the example, commented out or not, with the comment right above it. Connections go by their type."""
    found: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    names = {"google": "gmail", "microsoft": "microsoft365"}  # the CRMs go by their types
    for line in EXAMPLE.splitlines():
        match = KEY.match(line)
        if match and (not match["comment"] or len(comment) > 0):
            indent = len(match["indent"]) + len(match["dash"] or "")
            stack = [(at, key) for at, key in stack if at < indent]
            path = ".".join([*(key for _, key in stack), match["key"]])
            for name, kind in names.items():
                path = path.replace(f"connections.{name}.", f"connections.{kind}.")
            found.setdefault(path, " ".join(comment))
            if not match["comment"]:
                stack.append((indent, match["key"]))
            comment = []
        elif line.strip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
        else:
            comment = []
    return found


def test_every_key_of_the_models_stands_in_the_example() -> None:
    assert len(wanted()) > 60
    assert wanted() - set(written()) == set()


def test_every_key_of_the_example_has_a_sentence() -> None:
    known = wanted()
    silent = {path for path, comment in written().items() if path in known and not comment.endswith((".", ":", ")"))}
    assert silent == set()


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
    assert committed == schema_text(), "run: tradepost schema > config.schema.json"


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


def described(node: object, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            if not value.get("description", "").endswith("."):
                yield f"{path}.{name}"
        for key, value in node.items():
            yield from described(value, f"{path}.{key}")


def test_every_key_of_the_schema_has_a_sentence() -> None:
    made = json.loads(schema_text())
    own = {"type"}  # chosen by its value, not read
    assert [p for p in described(made, "") if p.rsplit(".", 1)[1] not in own] == []
