"""``python -m tradepost.testing MODULE:RIG ...`` judges connectors by their rigs. Exit code 1 when one fails."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from tradepost.testing.trial import findings, skips, summary, try_rig


def main(places: Sequence[str]) -> int:
    """Judge each rig, named as a connector is in the configuration: ``package.module:Rig``."""
    if not places or any(":" not in place for place in places):
        click.echo(__doc__, err=True)
        return 2
    trials = []
    for place in places:
        module, _, name = place.partition(":")
        make: Any = getattr(importlib.import_module(module), name)
        trials.append(try_rig(make))
    click.echo("\n".join(summary(trials)))
    for trial in trials:
        for title, lines in (("skipped", skips(trial)), ("to be mended", findings(trial))):
            if lines:
                click.echo("\n".join([f"\n{trial.name}, {title}:", *lines]))
    return 0 if all(trial.passed for trial in trials) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
