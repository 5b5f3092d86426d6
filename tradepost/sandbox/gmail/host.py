"""The Workspace domain as a simulated company handles any mail provider: `tradepost.sandbox.hosts.MailHost`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.hosts import Connection, HeldMail
from tradepost.sandbox.kernel import World

TOKENS = "https://oauth2.googleapis.com"
_LABELS = {"inbox": "INBOX", "sent": "SENT", "junk": "SPAM", "trash": "TRASH", "draft": "DRAFT"}
# Of several labels these decide first; a mail with none of them is archived.
_PLACES = {"TRASH": "trash", "SPAM": "junk", "DRAFT": "draft", "SENT": "sent", "INBOX": "inbox"}


class GmailHost:
    """One Workspace domain."""

    name = "gmail"

    def __init__(self, world: World, *, domain: str, seed: int = 0) -> None:
        self.vendor = GmailVendor(world, seed=seed, domain=domain)
        self.domain = domain

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(self.vendor.mailboxes)

    @property
    def host_names(self) -> tuple[str, ...]:
        return "gmail.googleapis.com", "oauth2.googleapis.com", "accounts.google.com"

    def add_mailbox(self, address: str, *, aliases: Sequence[str] = (), display_name: str = "") -> str:
        return self.vendor.add_mailbox(address, aliases=aliases, display_name=display_name)

    def deliver_to(
        self, mailbox: str, raw: bytes, *, place: str = "inbox", at: datetime | None = None, thread: str | None = None
    ) -> str:
        labels = None if place == "inbox" else _labels(place)
        return self.vendor.deliver(mailbox, raw, labels=labels, at=at, thread=thread)

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> Mapping[str, str]:
        return self.vendor.deliver_to_recipients(raw, at=at)

    def move(self, mailbox: str, mail: str, place: str) -> None:
        box = self.vendor.mailbox(mailbox)
        if place == "trash":
            self.vendor.trash(mailbox, mail)
            return
        for label in _labels(place):
            if label not in box.labels:
                self.vendor.add_label(mailbox, label)
        leaves = [label for label in ("INBOX", "SPAM", "TRASH") if label in box.get(mail).labels]
        wanted = _labels(place)
        self.vendor.move(mailbox, mail, add=wanted, remove=[label for label in leaves if label not in wanted])

    def delete_forever(self, mailbox: str, mail: str) -> None:
        self.vendor.delete(mailbox, mail)

    def held(self, mailbox: str) -> tuple[HeldMail, ...]:
        messages = sorted(self.vendor.mailbox(mailbox).messages.values(), key=lambda m: m.id)
        return tuple(HeldMail(m.id, m.head.message_id.strip("<>"), _place(m.labels)) for m in messages)

    def connection(self, base_url: str = "") -> Connection:
        tokens = base_url or TOKENS
        section = {
            "type": "gmail",
            "auth": {"method": "service_account", "key": {"file": "google-key.json"}},
            "token_url": f"{tokens}/token",
        }
        return Connection(
            section | ({"base_url": base_url} if base_url else {}),
            {"google-key.json": json.dumps(self.vendor.key_file(tokens))},
        )


def _labels(place: str) -> list[str]:
    """Archiving only takes the inbox away; a word that is no common place is a label of the user's."""
    return [] if place == "archive" else [_LABELS.get(place, place)]


def _place(labels: Sequence[str] | set[str] | frozenset[str]) -> str:
    return next((place for label, place in _PLACES.items() if label in labels), "archive")
