"""The metadata package an administrator may deploy is the same as what `tradepost setup` makes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from connectors.crm.salesforce_map import API_VERSION, KEY_FIELD, LEDGER, LEDGER_RECORD
from connectors.crm.salesforce_setup_map import FIELD_GRANTS, FIELD_HOME, PERMISSION_SET, key_field_metadata

ROOT = Path(__file__).parents[2] / "deploy" / "salesforce"
OBJECTS = "main/default/objects"


def read(path):
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return {element.tag.rpartition("}")[2]: element.text for element in root}


def grants(path):
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    return {e.text for e in root.iter() if e.tag.endswith("}field")}


def test_the_packages_key_fields_are_those_of_setup():
    homes = {p.parents[1].name: p for p in (ROOT / "fields" / OBJECTS).glob("*/fields/*.xml")}
    assert sorted(homes) == sorted(FIELD_HOME.values())
    ledger = ROOT / "ledger" / OBJECTS / LEDGER / "fields" / f"{KEY_FIELD}.field-meta.xml"
    for home, path in [*homes.items(), (LEDGER, ledger)]:
        made = key_field_metadata(home)["Metadata"]
        shipped = read(path)
        assert shipped["fullName"] == KEY_FIELD
        for name in ("type", "label", "description", "length", "externalId", "unique", "caseSensitive"):
            assert shipped[name] == (str(made[name]).lower() if isinstance(made[name], bool) else str(made[name]))


def test_the_packages_permission_sets_grant_every_key_field():
    path = ROOT / "fields" / "main/default/permissionsets" / f"{PERMISSION_SET}.permissionset-meta.xml"
    assert grants(path) == {f"{o}.{KEY_FIELD}" for granted in FIELD_GRANTS.values() for o in granted}
    ledger = ROOT / "ledger" / "main/default/permissionsets" / "Tradepost_Ledger.permissionset-meta.xml"
    assert grants(ledger) == {f"{LEDGER}.{KEY_FIELD}", f"{LEDGER}.{LEDGER_RECORD}"}


def test_the_package_is_of_the_pinned_version_and_names_its_folders():
    project = json.loads((ROOT / "sfdx-project.json").read_text(encoding="utf-8"))
    assert project["sourceApiVersion"] == API_VERSION
    assert all((ROOT / d["path"]).is_dir() for d in project["packageDirectories"])
