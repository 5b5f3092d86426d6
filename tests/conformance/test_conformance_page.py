"""docs/adding-a-connector.md is a program that runs."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

from tests.conformance.page import PAGE, pocket_target, programs
from tradepost.testing.pocket import KEY

MOST_LINES = 200


def test_the_connector_is_as_short_as_the_page_says():
    text = programs()["pocket_target.py"]
    assert len([line for line in text.splitlines() if line.strip()]) < MOST_LINES
    assert f"less than {MOST_LINES} lines" in PAGE.read_text(encoding="utf-8")


def test_the_connector_imports_only_what_is_promised_to_stay():
    for name, text in programs().items():
        modules = {
            node.module if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        ours = {m for m in modules if m.split(".")[0] in {"tradepost", "connectors", "mappings", "sync"}}
        assert ours <= {"tradepost", "tradepost.api", "tradepost.testing", "tradepost.testing.pocket"}, name


def test_the_connector_is_complete():
    page = pocket_target()
    for method in ("check", "users", "customers", "deals", "find_customers", "find_written", "write_many", "close"):
        assert inspect.iscoroutinefunction(getattr(page.PocketTarget, method))


def test_the_programs_are_in_the_house_s_style_and_typed(tmp_path):
    for name, text in programs().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    formatted = [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", str(tmp_path)]
    assert subprocess.run(formatted, check=False, capture_output=True).returncode == 0


def test_the_two_lines_of_pytest_judge_the_connector(tmp_path):
    for name, text in programs().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(run, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    assert " passed" in done.stdout
    assert KEY not in done.stdout
