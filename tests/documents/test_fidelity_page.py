"""The fidelity page is the table, and the table is about calls that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tradepost.sandbox.fidelity import TABLES
from tradepost.sandbox.fidelity.model import endpoint
from tradepost.sandbox.fidelity.page import render
from tradepost.sandbox.gmail.discovery import routes

PAGE = Path(__file__).parents[2] / "docs/fidelity.md"


def test_the_page_is_generated_from_the_tables():
    assert PAGE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_each_endpoint_is_named_once_and_tells_its_page(table):
    names = [(method, each.path.lower()) for each in table.endpoints for method in each.methods]
    assert len(set(names)) == len(names)
    assert all(each.page.startswith("https://") for each in table.endpoints)
    assert all(doubt.what.endswith(".") for each in table.endpoints for doubt in each.doubts)


def test_every_call_that_google_documents_for_gmail_is_in_the_table():
    table = TABLES["gmail"]
    paths = {
        (r.id, r.http): re.sub(r"\(\?P<(\w+)>[^)]*\)", r"\1", r.pattern.pattern).replace("\\", "") for r in routes()
    }
    assert [name for (name, http), path in paths.items() if table.find(http, path) is None] == []


def test_the_narrowest_template_is_meant_and_a_slash_at_the_end_counts_for_nothing():
    table = TABLES["salesforce"]
    assert table.find("GET", "/services/data/v66.0/query/").path == "/services/data/{version}/query"
    assert table.find("GET", "/services/data/v66.0/sobjects/Contact/describe").path.endswith("/describe")
    assert table.find("HEAD", "/services/data/v66.0/sobjects/Contact/003x").path.endswith("/{id}")
    assert table.find("PUT", "/services/data/v66.0/query") is None


def test_what_is_unknown_outweighs_what_is_simplified():
    assert endpoint("GET", "/a").grade == "faithful"
    assert endpoint("GET", "/a", simplified="Less.").grade == "simplified"
    assert endpoint("GET", "/a", simplified="Less.", doubts=(("Who knows.", ""),)).grade == "unknown"


def test_a_slash_inside_a_segment_does_not_end_it():
    found = TABLES["salesforce"].find("GET", "/services/data/v66.0/sobjects/Contact/Key__c/a%2Fb%3Fc")
    assert found is not None
    assert found.path.endswith("/{field}/{value}")
