"""Every parser that touches mail or replies, by name."""

from __future__ import annotations

from tests.fuzz import mail_targets, reply_targets

TARGETS = {**mail_targets.TARGETS, **reply_targets.TARGETS}
SEEDS = {**mail_targets.SEEDS, **reply_targets.SEEDS}
JSON = frozenset((*mail_targets.JSON, *reply_targets.JSON))
