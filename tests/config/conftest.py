"""Two connectors of a stranger's, named by their place, and a way to write a configuration down."""

from __future__ import annotations

import sys
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.oauth import SecretRef
from tradepost.config import ConfigError, Settings, load


class KeyAuth(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: Literal["key"]
    key: SecretRef
    key_id: str


class AppAuth(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: Literal["app"]
    client_id: str
    client_secret: SecretRef


class MailConfig(BaseModel):
    model_config = ConfigDict(extra="forbid")

    auth: Annotated[KeyAuth | AppAuth, Field(discriminator="method")]
    parallel: Annotated[int, Field(ge=1, le=50)] = 20
    base_url: str = "https://mail.example"

    @field_validator("base_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError(f"{value} must begin with https://")
        return value


class CrmConfig(BaseModel):  # careless: lets unknown keys pass
    token: SecretRef
    region: Literal["eu", "us"] = "eu"


def _methods(*names: str) -> dict[str, object]:
    return {name: (lambda *_: None) for name in names}


MAIL = _methods("check", "baseline", "changes", "history", "fetch", "close")
CRM = _methods("check", "users", "customers", "deals", "find_customers", "find_written", "write_many", "close")


@pytest.fixture(autouse=True)
def _strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("strangers")
    module.Mail = type("Mail", (), {**MAIL, "Config": MailConfig})  # type: ignore[attr-defined]
    module.Crm = type("Crm", (), {**CRM, "Config": CrmConfig})  # type: ignore[attr-defined]
    module.Bare = type("Bare", (), MAIL)  # type: ignore[attr-defined]
    module.Half = type("Half", (), _methods("check"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "strangers", module)


GOOD = """\
company:
  domains: [acme.example]
connections:
  google:
    type: strangers:Mail
    auth: {method: key, key: {env: KEY}, key_id: 0051}
  crm:
    type: strangers:Crm
    token: {env: TOKEN}
mailboxes:
  - address: alice@acme.example
"""


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "config.yaml") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def loaded(written: Callable[[str], Path]) -> Callable[[str], Settings]:
    return lambda text: load(written(text), {})


@pytest.fixture
def problems(written: Callable[[str], Path]) -> Callable[[str], list[tuple[int, int, str, str]]]:
    """(line, column, path, name of the sentence) of every mistake."""

    def told(text: str) -> list[tuple[int, int, str, str]]:
        with pytest.raises(ConfigError) as error:
            load(written(text), {})
        found = error.value.problems
        return [(p.mark.line, p.mark.column, p.path, p.what.id.split(".")[1]) for p in found]

    return told
