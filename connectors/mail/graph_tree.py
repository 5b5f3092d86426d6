"""The folders of a mailbox, read as a whole and kept for a while."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base.errors import BadReply, CursorExpired, Rejected
from connectors.base.mail import MailboxScope
from connectors.base.services import Clock
from connectors.mail import graph_folders_map as folders_map
from connectors.mail.graph_api import MAX_PAGES, GraphMailbox, folder_path, options, query
from connectors.mail.graph_folders_map import WELL_KNOWN, Folders
from connectors.mail.graph_parse import Page, RawFolder, checked, folders_of

FRESH = 900.0  # seconds for which the folders are believed without being told of a change
ANEW = 60.0  # seconds after which a folder nobody knows is worth another look
PAGE = 250
MAX_FOLDERS = 10_000
_FIELDS = "id,displayName,parentFolderId,childFolderCount"


class Tree:
    """Reads the folders of one mailbox, and follows their changes."""

    def __init__(self, mailbox: GraphMailbox, scope: MailboxScope, clock: Clock) -> None:
        self._mailbox = mailbox
        self._scope = scope
        self._clock = clock
        self._raw: Mapping[str, RawFolder] = {}
        self._folders = Folders()
        self._read_at = float("-inf")

    async def folders(self, *, unknown: bool = False) -> Folders:
        """The folders, read again when they are old, or when one that is `unknown` was met and they are not new."""
        age = self._clock.monotonic() - self._read_at
        if age > FRESH or (unknown and age > ANEW):
            await self.read()
        return self._folders

    async def read(self) -> None:
        """All folders below the root.

        Their feed is not relied on for this: that it tells of nested ones is not documented
        (https://learn.microsoft.com/graph/api/mailfolder-delta).
        """
        raw: dict[str, RawFolder] = {}
        todo = ["/mailFolders"]
        while todo and len(raw) < MAX_FOLDERS:
            for folder in await self._below(todo.pop(0)):
                if folder.id not in raw and folder.childFolderCount:
                    todo.append(folder_path(folder.id, "/childFolders"))
                raw.setdefault(folder.id, folder)
        known = await self._well_known()
        self._raw = raw
        self._folders = folders_map.folders(
            raw.values(), known, include_junk=self._scope.include_junk, excluded=self._scope.exclude_labels
        )
        self._read_at = self._clock.monotonic()

    async def _below(self, tail: str) -> list[RawFolder]:
        wanted = options(select=_FIELDS, top=str(PAGE))
        pages = await self._mailbox.pages("mailFolders.list", self._mailbox.path(tail), wanted)
        return [folder for page in pages for folder in folders_of(page, "mailFolders.list")]

    async def _well_known(self) -> dict[str, str]:
        """Ids by well-known name; a mailbox need not have all of them, the archive for one."""
        tails = {name: f"/mailFolders/{name}{query(select='id')}" for name in WELL_KNOWN}
        parts = await self._mailbox.get_all("mailFolders.get", tails)
        found = {name: part.body for name, part in parts.items() if part.status == 200}
        return {name: checked(RawFolder, body, "mailFolders.get").id for name, body in found.items()}

    # --------------------------------------------------------------------------------------------------- their own feed

    async def follow(self, link: str) -> tuple[Folders, str]:
        """The folders after what their feed tells since `link`, and the link to go on from, "" where there is none."""
        try:
            changed, delta = await self._changed(link)
        except (CursorExpired, Rejected):
            # Too old, or not to be had for this mailbox: the folders are read whole, now and as often as they grow old.
            if link:
                await self.read()
            return await self.folders(), await self._first() if link else ""
        if not link or folders_map.is_news(changed, self._raw):
            await self.read()
        return await self.folders(), delta

    async def _first(self) -> str:
        try:
            return (await self._changed(""))[1]
        except (CursorExpired, Rejected):
            return ""

    async def _changed(self, link: str) -> tuple[list[RawFolder], str]:
        changed: list[RawFolder] = []
        page = await self._page(link)
        for _ in range(MAX_PAGES):
            changed += folders_of(page, "mailFolders.delta")
            if page.delta:
                return changed, page.delta
            page = await self._page(page.next)
        raise BadReply("The listing does not end.", operation="mailFolders.delta")

    async def _page(self, link: str) -> Page:
        if link:
            return await self._mailbox.page("mailFolders.delta", link)
        path = self._mailbox.path("/mailFolders/delta")
        return await self._mailbox.page("mailFolders.delta", path, options(select="displayName,parentFolderId"))
