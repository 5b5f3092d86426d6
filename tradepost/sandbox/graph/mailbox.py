"""The state of one mailbox: folders, mails, and what changed in which folder.

https://learn.microsoft.com/graph/api/resources/mailfolder and .../message.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from tradepost.sandbox.gmail.content import Head, read_head
from tradepost.sandbox.graph import content, conversation
from tradepost.sandbox.graph.content import Attachment, Content
from tradepost.sandbox.graph.errors import ApiError, bad_request, malformed_id, not_found
from tradepost.sandbox.graph.ids import IdMaker, is_item_id
from tradepost.sandbox.graph.journal import Journal, Left
from tradepost.sandbox.graph.strictness import Strictness

ROOT, RECOVERABLE = "msgfolderroot", "recoverableitemsdeletions"
# well-known name -> (names by language, parent, hidden)
_BUILT_IN: dict[str, tuple[dict[str, str], str, bool]] = {
    ROOT: ({"en": "Top of Information Store"}, "", False),
    "inbox": ({"en": "Inbox", "zh": "收件箱", "de": "Posteingang"}, ROOT, False),
    "drafts": ({"en": "Drafts", "zh": "草稿", "de": "Entwürfe"}, ROOT, False),
    "sentitems": ({"en": "Sent Items", "zh": "已发送邮件", "de": "Gesendete Elemente"}, ROOT, False),
    "deleteditems": ({"en": "Deleted Items", "zh": "已删除邮件", "de": "Gelöschte Elemente"}, ROOT, False),
    "junkemail": ({"en": "Junk Email", "zh": "垃圾邮件", "de": "Junk-E-Mail"}, ROOT, False),
    "archive": ({"en": "Archive", "zh": "存档", "de": "Archiv"}, ROOT, False),
    "outbox": ({"en": "Outbox", "zh": "发件箱", "de": "Postausgang"}, ROOT, False),
    "conversationhistory": ({"en": "Conversation History", "zh": "对话历史记录"}, ROOT, False),
    "clutter": ({"en": "Clutter"}, ROOT, True),
    "syncissues": ({"en": "Sync Issues", "zh": "同步问题"}, ROOT, True),
    "conflicts": ({"en": "Conflicts", "zh": "冲突"}, "syncissues", True),
    "localfailures": ({"en": "Local Failures", "zh": "本地故障"}, "syncissues", True),
    "serverfailures": ({"en": "Server Failures", "zh": "服务器故障"}, "syncissues", True),
    "searchfolders": ({"en": "Finder"}, "", True),
    "scheduled": ({"en": "Scheduled"}, ROOT, True),
    RECOVERABLE: ({"en": "Deletions"}, "", True),
}
_OUTSIDE = frozenset({RECOVERABLE, "searchfolders"})


@dataclass(slots=True, eq=False)
class Folder:
    """`number` is its key inside the mailbox; `order` holds (received, uid) of its mails, ascending."""

    number: int
    id: str
    name: str
    parent: Folder | None
    well_known: str = ""
    hidden: bool = False
    children: dict[int, Folder] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    unread: int = 0

    @property
    def path(self) -> str:
        """Names from the top level down, with slashes."""
        above = self.parent.path if self.parent and self.parent.well_known != ROOT else ""
        return f"{above}/{self.name}" if above else self.name


@dataclass(slots=True, eq=False)
class Item:
    """One stored mail. Times are whole seconds. `id` is the default one and belongs to the place; `own` marks what was
    written in this mailbox; `changed` counts versions.
    """

    uid: int
    id: str
    immutable_id: str
    raw: bytes
    head: Head
    folder: Folder
    received: datetime
    sent: datetime
    created: datetime
    modified: datetime
    conversation_id: str
    conversation_index: bytes
    own: bool = False
    draft: bool = False
    read: bool = False
    categories: tuple[str, ...] = ()
    flag: str = "notFlagged"
    importance: str = ""  # as patched; else what the mail says
    classification: str = "focused"
    version: int = 1
    references: tuple[Attachment, ...] = ()  # links to files elsewhere, which no MIME holds
    _content: Content | None = None
    _text: str | None = None

    @property
    def content(self) -> Content:
        if self._content is None:
            self._content = content.read(self.raw)
        return self._content

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = content.preview(self.content)
        return self._text

    @property
    def meeting(self) -> bool:
        """Whether it is an invitation, without reading mail that cannot be one."""
        return b"text/calendar" in self.raw and self.content.meeting

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        return (*self.content.attachments, *self.references)

    @property
    def order(self) -> tuple[int, int]:
        return (int(self.received.timestamp()), self.uid)

    def replace_raw(self, raw: bytes) -> None:
        """Other contents, as when a draft is edited."""
        self.raw, self.head, self._content, self._text = raw, read_head(raw), None, None


@dataclass(slots=True, eq=False)
class Mailbox:
    """Everything one mailbox holds. Times are handed in; chance comes from a seed of its own."""

    guid: UUID
    random: Random
    strict: Strictness
    language: str = "en"
    folders: dict[int, Folder] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)  # of what /messages spans
    hierarchy: Journal = field(default_factory=Journal)
    seq: int = 0
    full: bool = False
    _well_known: dict[str, Folder] = field(default_factory=dict)
    _folder_ids: dict[str, Folder] = field(default_factory=dict)
    _ids: dict[str, Item] = field(default_factory=dict)
    _named: dict[str, dict[int, None]] = field(default_factory=dict)  # by Message-ID and conversation, lower-case
    _threads: conversation.Threads = field(default_factory=conversation.Threads)
    _entries: int = 0
    _uids: int = 0
    _numbers: int = 0
    ids: IdMaker = field(init=False)

    def __post_init__(self) -> None:
        self.ids = IdMaker(self.guid)
        for known, (names, parent, hidden) in _BUILT_IN.items():
            name = names.get(self.language, names["en"])
            self._make_folder(name, self._well_known.get(parent), known, hidden=hidden)

    # ------------------------------------------------------------------------------------------------------- folders

    def _make_folder(self, name: str, parent: Folder | None, known: str = "", *, hidden: bool = False) -> Folder:
        self._numbers += 1
        folder = Folder(self._numbers, self.ids.folder(self._numbers), name, parent, known, hidden)
        self.folders[folder.number] = folder
        self._folder_ids[folder.id] = folder
        if known:
            self._well_known[known] = folder
        if parent:
            parent.children[folder.number] = folder
        self.seq += 1
        self.hierarchy.enter(self.seq, folder.number, folder.id, folder.id)
        return folder

    def known(self, name: str) -> Folder:
        """A well-known folder."""
        return self._well_known[name]

    def folder(self, key: str) -> Folder:
        """By id or well-known name in any letter case. Raises 404, or 400 for what is neither."""
        found = self._well_known.get(key.lower()) or self._folder_ids.get(key)
        if found is None:
            if is_item_id(key):
                raise not_found()
            raise malformed_id()
        return found

    def add_folder(self, parent: Folder, name: str, *, hidden: bool = False) -> Folder:
        if not name.strip():
            raise bad_request("The displayName must not be empty.")
        self._check_name(parent, name)
        return self._make_folder(name, parent, hidden=hidden)

    def _check_name(self, parent: Folder, name: str, but: Folder | None = None) -> None:
        if any(child.name.lower() == name.lower() and child is not but for child in parent.children.values()):
            raise ApiError(409, "ErrorFolderExists", "A folder with the specified name already exists.")

    def folder_at(self, path: str) -> Folder:
        """The folder at a path of names below the top, made where it is missing."""
        folder = self.known(ROOT)
        for name in filter(None, path.split("/")):
            found = next((c for c in folder.children.values() if c.name.lower() == name.lower()), None)
            folder = found or self.add_folder(folder, name)
        return folder

    def rename_folder(self, folder: Folder, name: str) -> None:
        self._check_own(folder)
        if folder.parent:
            self._check_name(folder.parent, name, folder)
        folder.name = name
        self._folder_changed(folder, {"displayName"})

    def move_folder(self, folder: Folder, parent: Folder) -> None:
        self._check_own(folder)
        above: Folder | None = parent
        while above:
            if above is folder:
                raise ApiError(400, "ErrorMoveCopyFailed", "The move or copy operation failed.")
            above = above.parent
        self._check_name(parent, folder.name)
        if folder.parent:
            del folder.parent.children[folder.number]
        folder.parent = parent
        parent.children[folder.number] = folder
        self._folder_changed(folder, {"parentFolderId"})

    @staticmethod
    def _check_own(folder: Folder) -> None:
        if folder.well_known:
            message = "Distinguished folders cannot be deleted."
            raise ApiError(403, "ErrorDeleteDistinguishedFolder", message)

    def delete_folder(self, folder: Folder, now: datetime) -> None:
        """To Deleted Items, with all it holds; from there for good."""
        self._check_own(folder)
        trash = self.known("deleteditems")
        if not self.below(folder, trash):
            while any(c.name.lower() == folder.name.lower() for c in trash.children.values()):
                folder.name += "1"
            self.move_folder(folder, trash)
            return
        for child in list(folder.children.values()):
            self.delete_folder(child, now)
        for _, uid in list(folder.order):
            self.remove(self.items[uid])
        if folder.parent:
            del folder.parent.children[folder.number]
        del self.folders[folder.number], self._folder_ids[folder.id]
        self.seq += 1
        self.hierarchy.leave(self.seq, folder.number, folder.id, folder.id, Left.DELETED)

    @staticmethod
    def below(folder: Folder | None, top: Folder) -> bool:
        """Whether a folder is another or inside it."""
        while folder:
            if folder is top:
                return True
            folder = folder.parent
        return False

    def spanned(self, folder: Folder) -> bool:
        """Whether /messages of the mailbox spans a folder: everything below the top of the store."""
        return folder.well_known not in _OUTSIDE

    def _folder_changed(self, folder: Folder, what: set[str]) -> None:
        self.seq += 1
        self.hierarchy.change(self.seq, folder.number, folder.id, folder.id, what)

    def visible(self) -> Iterator[Folder]:
        """All folders below the top that are not hidden, parents first."""
        stack = [self.known(ROOT)]
        while stack:
            for child in stack.pop(0).children.values():
                if not child.hidden:
                    yield child
                    stack.append(child)

    # --------------------------------------------------------------------------------------------------------- items

    def add(
        self,
        raw: bytes,
        folder: Folder,
        now: datetime,
        *,
        at: datetime | None = None,
        own: bool = False,
        draft: bool = False,
        read: bool = False,
        thread: str | None = None,
    ) -> Item:
        """Store a mail. `at` is when it was received, by default now; `thread` is a conversation id to join."""
        head = read_head(raw)
        self._uids += 1
        moment = _whole(now)
        received = _whole(at or now)
        place = self._threads.place(head, thread, received, self.ids.conversation, raw)
        item = Item(
            self._uids,
            self._new_id(folder),
            self.ids.immutable(self._uids),
            raw,
            head,
            folder,
            received,
            conversation.written_at(raw) or received,
            moment,
            moment,
            place.id,
            place.index,
            own=own,
            draft=draft,
            read=read,
        )
        self.items[item.uid] = item
        self._ids[item.immutable_id] = item
        self._name(item)
        self._put(item, folder)
        return item

    @staticmethod
    def _names(item: Item) -> tuple[str, ...]:
        own = (f"<{item.head.message_id}>".lower(),) if item.head.message_id else ()
        return (*own, item.conversation_id.lower())

    def _name(self, item: Item) -> None:
        for name in self._names(item):
            self._named.setdefault(name, {})[item.uid] = None

    def named(self, value: str, folder: Folder | None) -> list[tuple[int, int]]:
        """Places in the index of the mails that have a Message-ID (with brackets) or a conversation id."""
        found = (self.items[uid] for uid in self._named.get(value.lower(), ()))
        return sorted(i.order for i in found if (i.folder is folder if folder else self.spanned(i.folder)))

    def rewrite(self, item: Item, raw: bytes) -> None:
        """Other contents, as when a draft is edited."""
        self._unname(item)
        item.replace_raw(raw)
        self._name(item)

    def _unname(self, item: Item) -> None:
        for name in self._names(item):
            self._named[name].pop(item.uid, None)

    def _new_id(self, folder: Folder) -> str:
        self._entries += 1
        return self.ids.item(folder.number, self._entries)

    def _put(self, item: Item, folder: Folder) -> None:
        item.folder = folder
        self._ids[item.id] = item
        insort(folder.order, item.order)
        if self.spanned(folder):
            insort(self.order, item.order)
        folder.unread += not item.read
        self.seq += 1
        folder.journal.enter(self.seq, item.uid, item.id, item.immutable_id)
        self._folder_changed(folder, {"totalItemCount", "unreadItemCount"})

    def _take(self, item: Item, cause: Left) -> None:
        folder = item.folder
        del folder.order[bisect_left(folder.order, item.order)]
        if self.spanned(folder):
            del self.order[bisect_left(self.order, item.order)]
        folder.unread -= not item.read
        self.seq += 1
        folder.journal.leave(self.seq, item.uid, item.id, item.immutable_id, cause)
        del self._ids[item.id]
        self._folder_changed(folder, {"totalItemCount", "unreadItemCount"})

    def find(self, key: str) -> Item:
        """By default or immutable id, whichever header was sent. Raises 404, or 400 for what is no id."""
        found = self._ids.get(key)
        if found is None and not self.strict.ids_case_sensitive:
            found = next((item for name, item in self._ids.items() if name.lower() == key.lower()), None)
        if found is None:
            if is_item_id(key):
                raise not_found()
            raise malformed_id()
        return found

    def move(self, item: Item, folder: Folder, now: datetime) -> None:
        """To another folder, where its default id is another one."""
        if folder is item.folder:
            return
        self._take(item, Left.MOVED)
        if self.strict.default_ids_change_on_move:
            item.id = self._new_id(folder)
        item.modified = _whole(now)
        item.version += 1
        self._put(item, folder)

    def sent(self, item: Item, raw: bytes, now: datetime) -> None:
        """A draft went out: it is in Sent Items now, under the same immutable id."""
        self._take(item, Left.MOVED)
        if self.strict.default_ids_change_on_move:
            item.id = self._new_id(self.known("sentitems"))
        self.rewrite(item, raw)
        item.draft, item.read = False, True
        item.received = item.sent = item.modified = _whole(now)
        item.version += 1
        self._put(item, self.known("sentitems"))

    def copy(self, item: Item, folder: Folder, now: datetime) -> Item:
        made = self.add(item.raw, folder, now, at=item.received, own=item.own, draft=item.draft, read=item.read)
        made.categories, made.flag, made.references = item.categories, item.flag, item.references
        return made

    def delete(self, item: Item, now: datetime) -> None:
        """As a person deletes: to Deleted Items, from there to the recoverable ones, from there for good."""
        trash, recoverable = self.known("deleteditems"), self.known(RECOVERABLE)
        if item.folder is recoverable:
            self.remove(item)
        else:
            self.move(item, recoverable if self.below(item.folder, trash) else trash, now)

    def remove(self, item: Item) -> None:
        """For good."""
        self._take(item, Left.DELETED)
        self._unname(item)
        del self._ids[item.immutable_id]
        del self.items[item.uid]

    def touch(self, item: Item, what: set[str], now: datetime) -> None:
        """Properties of a mail changed."""
        item.modified = _whole(now)
        item.version += 1
        self.seq += 1
        item.folder.journal.change(self.seq, item.uid, item.id, item.immutable_id, what)

    def mark_read(self, item: Item, *, read: bool, now: datetime) -> None:
        if item.read != read:
            item.folder.unread += 1 if item.read else -1
            item.read = read
            self.touch(item, {"isRead"}, now)
            self._folder_changed(item.folder, {"unreadItemCount"})


def _whole(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
