"""Names in the configuration find their class, or say what there is instead."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from connectors import registry
from connectors.registry import CRM_TARGETS, MAIL_SOURCES, UnknownConnector, available, crm_target, mail_source


def _made(*methods: str) -> type:
    return type("Made", (), {name: lambda self: None for name in methods})


@pytest.fixture
def plugin(monkeypatch) -> ModuleType:
    """A stranger's module, and an installation that registers it among others."""
    module = ModuleType("stranger_module")
    module.Source = _made("check", "baseline", "changes", "history", "fetch", "close")
    module.Target = _made(
        "check", "users", "customers", "deals", "find_customers", "find_written", "write_many", "close"
    )
    module.Half = _made("check", "close")
    module.number = 7
    monkeypatch.setitem(sys.modules, "stranger_module", module)
    points = [
        EntryPoint("zeta", "stranger_module:Source", MAIL_SOURCES),
        EntryPoint("alpha", "stranger_module:Source", MAIL_SOURCES),
        EntryPoint("alpha", "stranger_module:Source", MAIL_SOURCES),
        EntryPoint("twice", "stranger_module:Source", MAIL_SOURCES),
        EntryPoint("twice", "stranger_module:Half", MAIL_SOURCES),
        EntryPoint("broken", "no_such_module:X", MAIL_SOURCES),
        EntryPoint("crm", "stranger_module:Target", CRM_TARGETS),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [p for p in points if p.group == group])
    return module


def test_a_registered_name_and_a_dotted_path_find_their_class(plugin) -> None:
    assert mail_source("alpha") is plugin.Source
    assert mail_source("stranger_module:Source") is plugin.Source
    assert crm_target("crm") is plugin.Target
    assert list(available(MAIL_SOURCES)) == ["alpha", "broken", "twice", "zeta"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gmial", "no mail source called 'gmial'.*alpha, broken, twice, zeta.*package.module:Class"),
        ("twice", "Several packages provide 'twice': stranger_module:Half, stranger_module:Source"),
        ("broken", "no_such_module:X cannot be loaded.*Installed mail sources: alpha"),
        ("stranger_module:Nope", "cannot be loaded"),
        ("stranger_module:number", "lacks|is not a class"),
        ("stranger_module:Half", "lacks baseline, changes, history, fetch"),
        (":Source", "cannot be loaded"),
    ],
)
def test_a_wrong_name_says_what_there_is(plugin, name, said) -> None:
    with pytest.raises(UnknownConnector, match=said):
        mail_source(name)


def test_a_mail_source_is_no_crm_target(plugin) -> None:
    with pytest.raises(UnknownConnector, match="lacks users"):
        crm_target("stranger_module:Source")


def test_the_installed_distribution_registers_its_own_connectors() -> None:
    assert available(MAIL_SOURCES)["gmail"] == "connectors.mail.gmail:GmailSource"
    assert available(CRM_TARGETS)["salesforce"] == "connectors.crm.salesforce:SalesforceTarget"
