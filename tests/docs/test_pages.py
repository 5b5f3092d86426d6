"""Pages that must not fall behind the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tradepost.api
from connectors.base import crm, errors, mail, model, services
from sync.schema.tables import metadata

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["docs/data.md", "docs/data.zh.md"])
@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_every_column_of_the_state_file_is_told(table, page):
    rows = [line for line in (ROOT / page).read_text().splitlines() if f"`{table}`" in line]
    assert rows, f"{table} is missing in {page}"
    words = set(re.findall(r"\w+", " ".join(rows)))
    shared = {"users", "customers", "customer_words", "deals", "deal_records", "threads", "thread_keys", "thread_words"}
    if table not in shared | {"feeds", "targets"}:
        assert {column.name for column in metadata.tables[table].columns} <= words


def test_third_parties_can_import_the_whole_seam():
    public = {
        name
        for module in (crm, errors, mail, model, services)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__ and isinstance(value, type)
    }
    assert public <= set(tradepost.api.__all__)


def test_links_between_pages_lead_somewhere():
    pages = [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "deploy").rglob("*.md")),
    ]
    assert len(pages) > 20
    for page in pages:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


CHINESE = [ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.zh.md"))]


@pytest.mark.parametrize("chinese", CHINESE, ids=lambda page: page.name)
def test_a_page_in_two_languages_links_to_the_other_one_and_keeps_its_sections(chinese):
    english = chinese.with_name(chinese.name.replace(".zh.md", ".md"))
    assert f"]({chinese.name})" in english.read_text()
    assert f"]({english.name})" in chinese.read_text()
    heads = [re.findall(r"^#+ ", page.read_text(), re.MULTILINE) for page in (english, chinese)]
    assert heads[0] == heads[1]
    rows = [len(re.findall(r"^\|", page.read_text(), re.MULTILINE)) for page in (english, chinese)]
    assert rows[0] == rows[1]


def test_every_make_target_is_explained_to_who_works_on_it():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert len(targets) > 10
    told = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert targets - {"help", "lint", "clean"} <= told
    assert told <= targets


def test_decisions_are_numbered_one_by_one():
    numbers = [int(p.name[:4]) for p in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
