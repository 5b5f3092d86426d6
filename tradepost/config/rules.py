"""The shipped rules with what the configuration changes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mappings.calendar import Calendar
from mappings.model import Own
from mappings.rules import Rules, RuleSet, overlay
from tradepost.config.models import Company
from tradepost.config.problems import Check
from tradepost.config.text import read_document
from tradepost.config.yaml_marks import Path as YamlPath
from tradepost.config.yaml_marks import read
from tradepost.errors import UserError


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """What decisions go by, and the file the company's own part came from, if it is one of its own."""

    rule_set: RuleSet
    file: Path | None = None


@cache
def shipped() -> Mapping[str, Any]:
    """The rules as they are shipped: mappings/defaults/rules.yaml."""
    data = read(files("mappings").joinpath("defaults", "rules.yaml").read_text(encoding="utf-8")).data
    if not isinstance(data, dict):
        raise TypeError("mappings/defaults/rules.yaml")
    return data


def check_rules(check: Check, folder: Path, targets: Sequence[str]) -> tuple[Rules | None, Path | None]:
    """The company's rules over the shipped ones, and their file; mistakes are told to `check`.

    `targets` are the names of connections to CRMs that a rule may speak of.
    """
    data = check.document.data if isinstance(check.document.data, dict) else {}
    named = data.get("rules_file")
    if not isinstance(named, str):
        return _checked(check, data.get("rules") or {}, ("rules",), targets), None
    if "rules" in data:
        check.tell(("rules_file",), "rules_twice")
    file = folder / Path(named).expanduser()
    try:
        own = Check(str(file), read_document(file))
    except UserError:
        check.tell(("rules_file",), "no_such_file")
        return None, file
    rules = _checked(own, own.document.data, (), targets)
    check.problems += own.problems
    return rules, file


def _checked(check: Check, own: object, under: YamlPath, targets: Sequence[str]) -> Rules | None:
    if not isinstance(own, dict):
        if not check.document.flaws and under == ():
            check.tell(under, "not_section")
        return None  # told already: the top model wants a section too
    _check_targets(check, own, under, targets)
    return check.validate(Rules, overlay(shipped(), own), under)


def _check_targets(check: Check, own: Mapping[str, Any], under: YamlPath, targets: Sequence[str]) -> None:
    stages = own.get("stages")
    for number, rule in enumerate(stages if isinstance(stages, list) else []):
        to = rule.get("to") if isinstance(rule, dict) else None
        for place, entry in enumerate(to if isinstance(to, list) else []):
            target = entry.get("target") if isinstance(entry, dict) else None
            if isinstance(target, str) and target and target not in targets:
                path = (*under, "stages", number, "to", place, "target")
                check.tell(path, "unknown_connection", choices=", ".join(targets) or "-")


def rule_set(rules: Rules, company: Company, mailboxes: Sequence[str]) -> RuleSet:
    """Rules with the company they are for. The addresses of all mailboxes are ours, whatever their domain."""
    written = company.calendar
    calendar = Calendar(
        zone=written.zone,
        week=written.week,
        public=written.holidays or "",
        days_off=frozenset(written.extra_days_off),
        work_days=frozenset(written.extra_work_days),
    )
    own = Own(frozenset({*company.extra_addresses, *mailboxes}), frozenset(company.domains))
    return RuleSet(rules=rules, calendar=calendar, own=own)
