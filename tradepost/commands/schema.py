"""`tradepost schema`."""

from __future__ import annotations

from tradepost.commands.invocation import Invocation
from tradepost.config.schema import schema_text


def run(invocation: Invocation) -> int:
    invocation.out.file.write(schema_text())
    return 0
