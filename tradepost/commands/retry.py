"""`tradepost retry`: through the daemon when one runs, else by itself."""

from __future__ import annotations

import asyncio

from tradepost.app import holding, open_store
from tradepost.clock import SystemClock
from tradepost.commands.common import ask_service, require_state
from tradepost.commands.invocation import Invocation
from tradepost.config import Settings
from tradepost.errors import UserError
from tradepost.messages import sentence
from tradepost.service.control import Answer
from tradepost.service.parked import retry


def run(invocation: Invocation, *, items: tuple[str, ...], every: bool, as_json: bool) -> int:
    """Asks for parked writes and unreadable mails once more. Raises `UserError` for a word that means none."""
    if bool(items) == every:
        raise UserError(sentence("retry.what"))
    settings = invocation.settings()
    require_state(settings)
    answer, running = asyncio.run(_retried(settings, items, every=every))
    if "error" in answer:
        raise UserError(sentence(f"retry.{answer['error']}", word=answer.get("word", "")))
    if as_json:
        invocation.print_json(answer)
    else:
        invocation.print(invocation.say("retry.done", items=answer["items"], mails=answer["mails"]))
        for target in answer["resumed"]:
            invocation.print(invocation.say("retry.resumed", target=target))
        if not running:
            invocation.print(invocation.say("retry.later"))
    return 0


async def _retried(settings: Settings, words: tuple[str, ...], *, every: bool) -> tuple[Answer, bool]:
    """The answer, and whether a daemon gave it."""
    answers = await ask_service(settings, {"do": "retry", "words": list(words), "every": every})
    if answers:
        return answers[0], True
    with holding(settings), open_store(settings) as store:
        now, targets = SystemClock().now(), list(settings.crm)
        return await retry(store, words, every=every, targets=targets, now=now), False
