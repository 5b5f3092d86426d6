"""Nobody else may own our import names."""

import sys
from pathlib import Path

import pytest

from tradepost.errors import UserError
from tradepost.messages import Language
from tradepost.packaging import ForeignOwner, foreign_owners, refuse_foreign_owners


def install(site: Path, distribution: str, *files: str) -> None:
    """A distribution as pip leaves it, as far as its metadata goes."""
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_our_own_distribution_is_no_stranger(site: Path) -> None:
    install(site, "tradepost", "connectors/__init__.py", "sync/__init__.py", "mappings/__init__.py", "tradepost/cli.py")
    install(site, "requests", "requests/__init__.py")
    assert foreign_owners() == []
    refuse_foreign_owners()


def test_a_stranger_with_one_of_our_names_is_found(site: Path) -> None:
    install(site, "tradepost", "sync/__init__.py")
    install(site, "file-sync", "sync/__init__.py", "sync/core.py")
    install(site, "connectors", "connectors/__init__.py")
    assert foreign_owners() == [ForeignOwner("connectors", "connectors"), ForeignOwner("sync", "file-sync")]


def test_the_refusal_names_package_and_import_name_in_both_languages(site: Path) -> None:
    install(site, "file-sync", "sync/__init__.py")
    with pytest.raises(UserError) as refused:
        refuse_foreign_owners()
    for language in Language:
        assert "file-sync" in refused.value.say(language)
        assert "sync" in refused.value.say(language)


def test_here_and_now_our_names_are_ours() -> None:
    assert foreign_owners() == []
