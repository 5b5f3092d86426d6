"""The state of one mailbox: messages, labels, threads, drafts and the history of changes.

Facts: https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages and .../users.history.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal
from zlib import crc32

from tradepost.sandbox.gmail.content import Content, Head, base_subject, date_header, read_content, read_head
from tradepost.sandbox.gmail.errors import ApiError, invalid, not_found
from tradepost.sandbox.gmail.strictness import Strictness

SYSTEM_LABELS = (
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
)
# A list is "newest first" only roughly: https://github.com/googleapis/google-api-nodejs-client/issues/3508
ORDER_JITTER_MS = 120_000
# A mailbox nobody touches still counts on: that is how the id of a quiet mailbox's newest mail expires
# (https://github.com/gauteh/lieer/issues/301).
IDLE = timedelta(hours=1)
HISTORY_LIFE = timedelta(days=7)


@dataclass(slots=True)
class Message:
    """One stored mail. `raw` never changes; labels and history id do."""

    id: str
    thread_id: str
    raw: bytes
    head: Head
    internal_ms: int
    labels: tuple[str, ...] = ()
    history_id: int = 0
    read: Content | None = None
    jitter_ms: int = ORDER_JITTER_MS

    @property
    def content(self) -> Content:
        if self.read is None:
            self.read = read_content(self.raw)
        return self.read

    @property
    def order(self) -> tuple[int, str]:
        """Ascending in the order of a list: roughly newest first, and the same at every call."""
        return (crc32(self.id.encode()) % self.jitter_ms - self.internal_ms, self.id)


ChangeKind = Literal["added", "deleted", "labels", "silent"]


@dataclass(frozen=True, slots=True)
class Change:
    """One history record. `labels` are those after it; `silent` ones take an id and are never told."""

    id: int
    at: datetime
    kind: ChangeKind
    message_id: str = ""
    thread_id: str = ""
    labels: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class Label:
    id: str
    name: str
    system: bool = False
    list_visibility: str = "labelShow"
    message_visibility: str = "show"
    color: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Mailbox:
    """Everything one user has. Times are handed in; chance comes from a seed of its own, so runs repeat."""

    address: str
    random: Random
    created: datetime
    aliases: tuple[tuple[str, str], ...] = ()  # (address, display name)
    display_name: str = ""
    enabled: bool = True
    strictness: Strictness = field(default_factory=Strictness)
    messages: dict[str, Message] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)  # draft id -> message id
    changes: list[Change] = field(default_factory=list)
    floor: int = 0  # the oldest start id that history still answers
    settings: dict[str, Any] = field(default_factory=dict)  # see settings.py
    watch_until: datetime | None = None
    page_epoch: int = 0  # page tokens of another one are refused
    _ordered: list[tuple[int, str]] = field(default_factory=list)
    _subjects: dict[str, str] = field(default_factory=dict)  # thread id -> base subject
    _known: dict[str, str] = field(default_factory=dict)  # Message-ID -> thread id
    _serial: int = 0
    history_id: int = 0

    def __post_init__(self) -> None:
        self.history_id = 1000 + self.random.randrange(9000)
        for name in SYSTEM_LABELS:
            self.labels[name] = Label(name, name, system=True)
        self._note("silent", self.created)
        self.floor = self.history_id

    # ------------------------------------------------------------------------------------------------------ history

    def _note(
        self,
        kind: ChangeKind,
        at: datetime,
        message: Message | None = None,
        *,
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> None:
        """Append a record. Ids rise with gaps, as Google documents."""
        self.history_id += 1 + self.random.randrange(40 if self.strictness.history_ids_have_gaps else 1)
        change = Change(self.history_id, at, kind, added=added, removed=removed)
        if message:
            message.history_id = self.history_id
            change = replace(change, message_id=message.id, thread_id=message.thread_id, labels=message.labels)
        self.changes.append(change)

    def silent_changes(self, count: int, now: datetime) -> None:
        """Changes of a kind history never tells; enough of them make a page without records."""
        for _ in range(count):
            self._note("silent", now)

    def tick(self, now: datetime) -> None:
        """Catch up with the time that passed, then forget history that is too old."""
        last = self.changes[-1].at
        if now - last > IDLE and self.strictness.history_ages_when_quiet:
            self._note("silent", last + IDLE)
            if now - last > 2 * IDLE:
                self._note("silent", now)
        old = bisect_right(self.changes, now - HISTORY_LIFE, key=lambda change: change.at)
        if old:
            self.floor = max(self.floor, self.changes[old - 1].id)

    def expire_history(self, now: datetime) -> None:
        """Every id handed out so far stops working."""
        self._note("silent", now)
        self.floor = self.history_id

    def history_page(self, after: int, limit: int) -> tuple[list[Change], int | None]:
        """Up to `limit` records after the id, silent ones included, and the id the next page starts after."""
        known = self.changes
        if not self.strictness.history_pages_may_be_empty:
            known = [change for change in known if change.kind != "silent"]
        start = bisect_right(known, after, key=lambda change: change.id)
        window = known[start : start + limit]
        more = start + limit < len(known)
        return window, window[-1].id if more else None

    # ----------------------------------------------------------------------------------------------------- messages

    def get(self, message_id: str) -> Message:
        message = self.messages.get(message_id)
        if message is None:
            raise not_found()
        return message

    def listed(self, after: tuple[int, str] | None) -> Iterator[Message]:
        """All messages in list order, those behind a position first."""
        start = bisect_right(self._ordered, after) if after else 0
        return (self.messages[message_id] for _, message_id in self._ordered[start:])

    def add(
        self,
        raw: bytes,
        *,
        labels: Iterable[str],
        now: datetime,
        at: datetime | None = None,
        thread: str | None = None,
        message_id: str = "",
    ) -> Message:
        """Store a mail. `at` becomes its internalDate; `thread` forces a thread, `message_id` an id."""
        names = self.check_labels(labels)
        head = read_head(raw)
        message_id = message_id or self._new_id(now)
        thread_id = thread or self.find_thread(head) or message_id
        if not self.strictness.internal_date_is_arrival:
            at = at or date_header(raw)
        internal = round((at or now).timestamp() * 1000)
        message = Message(message_id, thread_id, raw, head, internal, names)
        if not self.strictness.lists_roughly_ordered:
            message.jitter_ms = 1
        self.messages[message_id] = message
        insort(self._ordered, message.order)
        self.threads.setdefault(thread_id, []).append(message_id)
        self._remember(message)
        self._note("added", now, message)
        return message

    def relabel(self, message: Message, add: Iterable[str], remove: Iterable[str], now: datetime) -> None:
        """Add and remove labels; nothing is recorded when nothing changes."""
        plus, minus = self.check_labels(add), self.check_labels(remove)
        fresh = tuple(name for name in plus if name not in message.labels and name not in minus)
        stale = tuple(name for name in minus if name in message.labels)
        if not fresh and not stale:
            return
        message.labels = (*(name for name in message.labels if name not in stale), *fresh)
        self._note("labels", now, message, added=fresh, removed=stale)

    def trash(self, message: Message, now: datetime) -> None:
        self.relabel(message, ["TRASH"], ["INBOX"], now)

    def delete(self, message: Message, now: datetime) -> None:
        """Gone for good."""
        self._note("deleted", now, message)
        del self.messages[message.id]
        del self._ordered[bisect_left(self._ordered, message.order)]
        siblings = self.threads[message.thread_id]
        siblings.remove(message.id)
        if not siblings:
            del self.threads[message.thread_id]
        for draft_id in [key for key, value in self.drafts.items() if value == message.id]:
            del self.drafts[draft_id]

    def _new_id(self, now: datetime) -> str:
        while True:
            found = f"{round(now.timestamp() * 1000) << 20 | self.random.getrandbits(20):016x}"
            if found not in self.messages:
                return found

    # ------------------------------------------------------------------------------------------------------ threads

    def find_thread(self, head: Head) -> str | None:
        """References or In-Reply-To must lead there, and the subject must be the same; subject alone never decides."""
        subject = base_subject(head.subject)
        for known in (*reversed(head.references), head.message_id):
            thread = self._known.get(known)
            if thread in self.threads and self._has_subject(thread or "", subject):
                return thread
        if self.strictness.thread_needs_reference:
            return None
        return next(
            (thread for thread, own in self._subjects.items() if own == subject and thread in self.threads), None
        )

    def joins(self, thread_id: str, head: Head) -> bool:
        """Whether a mail sent with this threadId may join: the thread exists and the subject is its own."""
        return thread_id in self.threads and self._has_subject(thread_id, base_subject(head.subject))

    def _has_subject(self, thread_id: str, subject: str) -> bool:
        return self._subjects.get(thread_id) == subject or not self.strictness.thread_needs_subject

    def _remember(self, message: Message) -> None:
        self._subjects.setdefault(message.thread_id, base_subject(message.head.subject))
        for known in (message.head.message_id, *message.head.references):
            if known:
                self._known.setdefault(known, message.thread_id)
        if message.head.message_id:
            self._known[message.head.message_id] = message.thread_id

    # ------------------------------------------------------------------------------------------------------- labels

    def check_labels(self, names: Iterable[str]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(names))
        for name in found:
            if name not in self.labels:
                raise invalid(f"Invalid label: {name}")
        return found

    def create_label(self, name: str) -> Label:
        if not name.strip():
            raise invalid("Invalid label name")
        if name.upper() in SYSTEM_LABELS:
            raise invalid("Invalid label name")
        if any(label.name.lower() == name.lower() for label in self.labels.values()):
            raise ApiError(409, "aborted", "Label name exists or conflicts", status="ABORTED")
        self._serial += 1
        label = Label(f"Label_{self._serial}", name)
        self.labels[label.id] = label
        return label

    def rename_label(self, label: Label, name: str) -> None:
        """Another name for a user label; its id stays."""
        if not name.strip() or name.upper() in SYSTEM_LABELS:
            raise invalid("Invalid label name")
        if any(other.name.lower() == name.lower() for other in self.labels.values() if other is not label):
            raise ApiError(409, "aborted", "Label name exists or conflicts", status="ABORTED")
        label.name = name

    def delete_label(self, label_id: str, now: datetime) -> None:
        label = self.labels.get(label_id)
        if label is None:
            raise not_found()
        if label.system:
            raise invalid("Invalid delete request")
        for message in list(self.messages.values()):
            self.relabel(message, [], [label_id], now)
        del self.labels[label_id]

    def label_id(self, name: str) -> str:
        """The id of a label given by id or by name; raises 400 for an unknown one."""
        for label in self.labels.values():
            if name in (label.id, label.name):
                return label.id
        raise invalid(f"Invalid label: {name}")

    # ------------------------------------------------------------------------------------------------------- drafts

    def save_draft(self, raw: bytes, now: datetime, draft_id: str | None = None, thread: str | None = None) -> str:
        """A new draft, or new contents of one: its message is replaced and gets another id."""
        kept = ""
        if draft_id is not None:
            old = self.get(self.draft(draft_id))
            kept = "" if self.strictness.drafts_change_message_id else old.id
            del self.drafts[draft_id]
            self.delete(old, now)
        message = self.add(raw, labels=["DRAFT"], now=now, thread=thread, message_id=kept)
        self._serial += 1
        key = draft_id or f"r-{self.random.getrandbits(60)}{self._serial}"
        self.drafts[key] = message.id
        return key

    def draft(self, draft_id: str) -> str:
        message_id = self.drafts.get(draft_id)
        if message_id is None:
            raise not_found()
        return message_id

    def take_draft(self, draft_id: str, now: datetime) -> Message:
        """The draft leaves the mailbox, as it does when it is sent under a new id."""
        message = self.get(self.draft(draft_id))
        self.delete(message, now)
        return message

    # ---------------------------------------------------------------------------------------------------- addresses

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.address, *(address for address, _ in self.aliases))

    def count(self) -> dict[str, int]:
        """Messages by label, and `ALL`."""
        found = {"ALL": len(self.messages)}
        for message in self.messages.values():
            for name in message.labels:
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items()))
