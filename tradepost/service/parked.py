"""What is parked, and trying it again: outbox items by their keys, unreadable mails by their providers' ids.

A target's name stands for its kinds of write that pause because the account got weaker: a person has seen it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sync.model import ItemState
from sync.store import Store
from tradepost.service.control import Answer

MOST = 100_000


async def retry(store: Store, words: Sequence[str], *, every: bool, targets: Sequence[str], now: datetime) -> Answer:
    """Try again what the words mean, or all that is parked; answers how much, or the first word that is not right.

    `targets` are the names that exist; those that were resumed come back under that name.
    """
    resumed = [word for word in words if word in targets]
    words = [word for word in words if word not in targets]
    items = [item.key for item in await store.report.items([ItemState.PARKED], MOST)]
    mails = [(mailbox, id_) for mailbox, id_, _ in await store.mail.unreadable(left_out=not every)]
    if not every:
        names = dict.fromkeys([*items, *(id_ for _, id_ in mails)])
        meant = [meaning(word, list(names)) for word in words]
        for word, found in zip(words, meant, strict=True):
            if len(found) != 1:
                return {"error": "several" if found else "unknown", "word": word}
        chosen = {found[0] for found in meant}
        items, mails = [key for key in items if key in chosen], [mail for mail in mails if mail[1] in chosen]
    retried = await store.outbox.retry(None if every else items, now)
    by_mailbox: dict[str, list[str]] = defaultdict(list)
    for mailbox, id_ in mails:
        by_mailbox[mailbox].append(id_)
    for mailbox, ids in by_mailbox.items():
        await store.mail.want(mailbox, ids, now)
    for target in resumed:
        await store.mirror.resume_kinds(target)
    return {"items": retried, "mails": len(mails), "resumed": resumed}


def meaning(word: str, names: Sequence[str]) -> list[str]:
    """The names that a word means: the one it is, else those it begins; the `v1:` of a key may be left out."""
    if word in names:
        return [word]
    return [name for name in names if word and (name.startswith(word) or name.partition(":")[2].startswith(word))]
