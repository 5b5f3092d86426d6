"""What people and time do to the simulated tenant: the control methods.

Methods named in `CONTROLS` are also reachable over HTTP (`tradepost.sandbox.control`). A mailbox is named by any of its
addresses, a mail by its default or its immutable id; answers are immutable ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

from tradepost.sandbox.graph import post
from tradepost.sandbox.graph.admin import AdminActs
from tradepost.sandbox.graph.content import Attachment
from tradepost.sandbox.graph.ids import is_item_id
from tradepost.sandbox.graph.mailbox import Folder, Mailbox
from tradepost.sandbox.graph.people import User

PLACES = {
    "inbox": "inbox",
    "sent": "sentitems",
    "archive": "archive",
    "junk": "junkemail",
    "trash": "deleteditems",
    "draft": "drafts",
}
_LABELS = {"INBOX": "inbox", "SENT": "sent", "TRASH": "trash", "SPAM": "junk", "DRAFT": "draft"}


class Acts(AdminActs):
    """A tenant in people's hands."""

    CONTROLS = (
        "add_mailbox",
        "add_user",
        "add_folder",
        "rename_folder",
        "move_folder",
        "delete_folder",
        "deliver",
        "deliver_to",
        "deliver_to_recipients",
        "move",
        "mark_read",
        "set_categories",
        "attach_link",
        "delete",
        "delete_forever",
        "save_draft",
        "send_draft",
        "expire_sync_state",
        "expire_pages",
        "set_calm",
        "set_full",
        "statistics",
        "dump",
        *AdminActs.CONTROLS,
    )

    # ------------------------------------------------------------------------------------------------------- mailboxes

    def add_mailbox(
        self,
        address: str,
        *,
        aliases: Sequence[str] = (),
        display_name: str = "",
        language: str = "en",
        folders: Sequence[str] = (),
    ) -> str:
        """A new user with an empty mailbox; `language` names its folders, `folders` are paths of more of them.

        The answer is its address.
        """
        user = self._new_user(address, aliases, display_name)
        seed = f"mailbox-{self.seed}-{user.mail}"
        user.box = Mailbox(UUID(user.id), Random(seed), self.strict, language)
        for path in folders:
            user.box.folder_at(path)
        return user.mail

    def add_user(self, address: str, *, display_name: str = "") -> str:
        """A user without a mailbox; the answer is the object id."""
        return self._new_user(address, (), display_name).id

    def _new_user(self, address: str, aliases: Sequence[str], name: str) -> User:
        key = address.lower()
        if self.directory.find(key):
            raise ValueError(f"{address} exists")
        now = self.world.clock.now()
        shown = name or key.partition("@")[0].title()
        user = User(self.directory.guid(), key, key, shown, tuple(alias.lower() for alias in aliases), now)
        self.directory.add(user)
        return user

    def find_user(self, address: str) -> str | None:
        """The main address of the mailbox that bears an address."""
        found = self.directory.find(address)
        return found.mail if found and found.box else None

    # --------------------------------------------------------------------------------------------------------- folders

    def place(self, box: Mailbox, name: str) -> Folder:
        """A folder by place (inbox, sent, archive, junk, trash, draft), well-known name, id or path of names.

        Paths are made where they are missing.
        """
        known = PLACES.get(name.lower(), name)
        try:
            return box.known(known.lower())
        except KeyError:
            return box.folder(name) if is_item_id(name) else box.folder_at(name)

    def add_folder(self, mailbox: str, path: str, *, hidden: bool = False) -> str:
        """A folder by its path of names, made with those above it; the answer is its id."""
        folder = self.mailbox(mailbox).folder_at(path)
        folder.hidden = hidden
        return folder.id

    def rename_folder(self, mailbox: str, folder: str, name: str) -> None:
        box = self.mailbox(mailbox)
        box.rename_folder(self.place(box, folder), name)

    def move_folder(self, mailbox: str, folder: str, parent: str) -> None:
        box = self.mailbox(mailbox)
        box.move_folder(self.place(box, folder), self.place(box, parent))

    def delete_folder(self, mailbox: str, folder: str) -> None:
        """To Deleted Items with all it holds; from there for good."""
        box = self.mailbox(mailbox)
        box.delete_folder(self.place(box, folder), self.world.clock.now())

    # ------------------------------------------------------------------------------------------------------------ mail

    def deliver_to(
        self, mailbox: str, raw: bytes, *, place: str = "inbox", at: datetime | None = None, thread: str | None = None
    ) -> str:
        """Put a mail into one mailbox exactly as it is; the answer is its immutable id.

        `thread` names a conversation.
        """
        box, now = self.mailbox(mailbox), self.world.clock.now()
        folder = self.place(box, place)
        own = folder.well_known in ("sentitems", "drafts")
        draft = folder.well_known == "drafts"
        if thread and not is_item_id(thread):
            thread = box.ids.conversation(thread)
        return box.add(raw, folder, now, at=at, own=own, draft=draft, read=own, thread=thread).immutable_id

    def deliver(
        self,
        mailbox: str,
        raw: bytes,
        *,
        labels: Sequence[str] | None = None,
        at: datetime | None = None,
        thread: str | None = None,
    ) -> str:
        """The same with places as mail on disk names them: INBOX, SENT, TRASH, SPAM, DRAFT, UNREAD, or a folder."""
        names = [name for name in labels or ("INBOX", "UNREAD") if name not in ("UNREAD", "STARRED", "IMPORTANT")]
        place = next((_LABELS.get(name, name) for name in names), "archive")
        made = self.deliver_to(mailbox, raw, place=place, at=at, thread=thread)
        if labels is not None and "UNREAD" not in labels:
            self.mark_read(mailbox, made)
        return made

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> dict[str, str]:
        """Carry a mail by its headers: Sent Items for an author of ours, Inbox for each recipient of ours.

        The answer maps each mailbox that got one to the id there; one who writes to himself has two, of which the sent
        one is told.
        """
        now = self.world.clock.now()
        senders, _ = post.people(raw)
        author = next((u for address in senders if (u := self.directory.find(address)) and u.box), None)
        if author is None or author.box is None:
            return self.spread(post.received(raw, self.message_id()), at)
        mail = post.submitted(raw, author.mail, self.message_id(), at or now)
        sent = author.box.add(mail, author.box.known("sentitems"), now, at=at, own=True, read=True)
        return self.spread(mail, at) | {author.mail: sent.immutable_id}

    def move(self, mailbox: str, mail: str, place: str) -> None:
        """A person moves a mail; see `place`."""
        box = self.mailbox(mailbox)
        box.move(box.find(mail), self.place(box, place), self.world.clock.now())

    def mark_read(self, mailbox: str, mail: str, *, read: bool = True) -> None:
        box = self.mailbox(mailbox)
        box.mark_read(box.find(mail), read=read, now=self.world.clock.now())

    def set_categories(self, mailbox: str, mail: str, categories: Sequence[str]) -> None:
        box = self.mailbox(mailbox)
        item = box.find(mail)
        item.categories = tuple(categories)
        box.touch(item, {"categories"}, self.world.clock.now())

    def attach_link(self, mailbox: str, mail: str, name: str, url: str) -> None:
        """A mail carries a link to a file elsewhere: a reference attachment."""
        box = self.mailbox(mailbox)
        item = box.find(mail)
        link = Attachment("reference", name, "", 0, inline=False, location=url)
        item.references = (*item.references, link)
        box.touch(item, {"hasAttachments"}, self.world.clock.now())

    def delete(self, mailbox: str, mail: str) -> None:
        """A person deletes: to Deleted Items, from there to the recoverable ones, from there for good."""
        box = self.mailbox(mailbox)
        box.delete(box.find(mail), self.world.clock.now())

    def delete_forever(self, mailbox: str, mail: str) -> None:
        box = self.mailbox(mailbox)
        box.remove(box.find(mail))

    def save_draft(self, mailbox: str, raw: bytes, *, draft: str = "") -> str:
        """A new draft, or other contents of one; the answer is its immutable id, which it keeps when it is sent."""
        if not draft:
            return self.deliver_to(mailbox, raw, place="draft")
        box = self.mailbox(mailbox)
        item = box.find(draft)
        box.rewrite(item, raw)
        box.touch(item, {"subject", "body", "bodyPreview"}, self.world.clock.now())
        return item.immutable_id

    def send_draft(self, mailbox: str, draft: str) -> str:
        """The draft goes out and lies in Sent Items."""
        item = self.mailbox(mailbox).find(draft)
        self.send_draft_item(self.user(mailbox), item)
        return item.immutable_id

    # ------------------------------------------------------------------------------------------------------------ time

    def expire_sync_state(self, mailbox: str, folder: str = "") -> int:
        """Every delta link so far answers 410: of one folder, or of all and of the folder tree.

        The answer is how many links died.
        """
        memory = self.memory(self.user(mailbox))
        box = self.mailbox(mailbox)
        return memory.forget(self.place(box, folder).number if folder else None)

    def expire_pages(self, mailbox: str) -> int:
        """Every nextLink of delta so far answers 410; deltaLinks go on."""
        return self.memory(self.user(mailbox)).forget(nexts_only=True)

    def set_calm(self, *, calm: bool = True) -> None:
        """Calm: delta comes in order, each item once and without empty pages, which the vendor never promised."""
        self.calm = calm

    def set_full(self, mailbox: str, *, full: bool = True) -> None:
        """A full mailbox refuses delta and drafts."""
        self.mailbox(mailbox).full = full

    # ------------------------------------------------------------------------------------------------------- reporting

    def _boxes(self) -> Mapping[str, Mailbox]:
        found = {user.mail: user.box for user in self.directory.users.values() if user.box is not None}
        return dict(sorted(found.items()))

    def statistics(self) -> dict[str, Any]:
        """Messages by mailbox and folder, calls by operation."""
        boxes = {
            name: {"ALL": len(box.items)} | {f.path: len(f.order) for f in box.folders.values() if f.order}
            for name, box in self._boxes().items()
        }
        return {"mailboxes": boxes, "calls": dict(sorted(self.calls.items()))}

    def dump(self) -> dict[str, Any]:
        """All messages with where they are, in order of arrival."""
        return {
            name: [
                {
                    "id": item.immutable_id,
                    "conversationId": item.conversation_id,
                    "folder": item.folder.well_known or item.folder.path,
                    "receivedDateTime": item.received.isoformat(),
                    "messageId": item.head.message_id,
                    "subject": item.head.subject,
                    "size": len(item.raw),
                }
                for item in box.items.values()
            ]
            for name, box in self._boxes().items()
        }
