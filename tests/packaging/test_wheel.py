"""What an installation brings: four packages with their data, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

DATA = (
    "mappings/defaults/rules.yaml",
    "mappings/defaults/texts.yaml",
    "mappings/defaults/words.yaml",
    "mappings/rules.zh.yaml",
    "connectors/crm/zoho_config.zh.yaml",
    "sync/schema/script.py.mako",
    "tradepost/config/models.zh.yaml",
    "tradepost/locale/en.yaml",
    "tradepost/locale/zh.yaml",
    "tradepost/sandbox/salesforce/objects.txt",
    "tradepost/sandbox/trade/people.yaml",
    "tradepost/sandbox/trade/story_4_live.yaml",
    *(f"{name}/py.typed" for name in ("connectors", "mappings", "sync", "tradepost")),
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    code = "import os, sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    with zipfile.ZipFile(folder / done.stdout.strip().splitlines()[-1]) as archive:
        yield archive


def test_the_wheel_holds_the_four_packages_with_their_data(wheel):
    names = set(wheel.namelist())
    assert set(DATA) <= names
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"connectors", "mappings", "sync", "tradepost"}


def test_the_source_archive_brings_what_a_person_begins_with():
    config = pytest.importorskip("hatchling.builders.sdist").SdistBuilder(str(ROOT)).config
    first = (
        "config.example.yaml",
        "config.example.zh.yaml",
        "config.schema.json",
        "README.zh.md",
        "docs/operating.zh.md",
    )
    assert [name for name in first if not ((ROOT / name).is_file() and config.include_path(name))] == []
    assert not config.include_path(".ci/run")


def test_it_cannot_be_uploaded_and_declares_its_connectors(wheel):
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = wheel.read(f"{info}/METADATA").decode()
    points = wheel.read(f"{info}/entry_points.txt").decode()
    assert "Classifier: Private :: Do Not Upload" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    assert "gmail = connectors.mail.gmail:GmailSource" in points
    assert "salesforce = connectors.crm.salesforce:SalesforceTarget" in points
    assert "tradepost = tradepost.cli:main" in points
