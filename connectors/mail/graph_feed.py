"""What happened in a mailbox since a position: one feed of changes a folder, kept together in one cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.base.errors import BadReply, CursorExpired, Gone, Rejected, Transient
from connectors.base.model import Changes, Removed, Seen
from connectors.base.services import Services
from connectors.mail import graph_map
from connectors.mail.graph_api import GraphMailbox, folder_path, item_path, options, query, utc
from connectors.mail.graph_cursor_map import FolderState, Position
from connectors.mail.graph_folders_map import Folders, is_barred
from connectors.mail.graph_map import Reading
from connectors.mail.graph_parse import FULL, UNTRACKED, Page
from connectors.mail.graph_tree import Tree

DELAYED = timedelta(hours=1)
"""Mail may reach its folder so long after its time of receipt."""

MOST_QUIET = 20  # folders without news that one call passes over

Event = Seen | Removed


@dataclass(frozen=True, slots=True)
class _Step:
    """One request in one folder: events, the folder's new state (None: it is gone), whether its round is over."""

    events: tuple[Event, ...]
    state: FolderState | None
    through: bool


class Feed:
    """The change feed of one mailbox. `home` tells its cursors from those of any other."""

    def __init__(
        self,
        mailbox: GraphMailbox,
        tree: Tree,
        services: Services,
        *,
        home: str,
        size: int,
        skip: Sequence[str],
        excluded: Sequence[str],
    ) -> None:
        self._mailbox = mailbox
        self._tree = tree
        self._clock = services.clock
        self._home = home
        self._size = size
        self._skip = tuple(skip)
        self._excluded = tuple(excluded)

    async def baseline(self) -> str:
        """The position "from now on": the link of every folder, behind what it holds already.

        Mail offers no "latest" (https://github.com/microsoftgraph/microsoft-graph-docs/issues/18889), so each folder is
        walked once, kept short by a date. The date stays in the link for ever: mail older than it that comes into scope
        by a move is left to the count of coverage (https://github.com/pipeshub-ai/pipeshub-ai/issues/1279).
        """
        now = self._clock.now()
        folders, link = await self._tree.follow("")
        position = Position(home=self._home, good=now, tree=link).with_folders(folders.read_ids())
        for id_ in folders.read_ids():
            state: FolderState | None = FolderState(good=now, since=now - DELAYED)
            through = False
            pages: set[str] = set()
            while state is not None and not through:
                if state.page in pages:
                    raise BadReply("The page leads back to itself.", operation="messages.delta")
                pages |= {state.page} if state.page else set()
                step = await self._walk(id_, state, folders)
                state, through = step.state, step.through
            position = position.with_state(id_, state, through=True)
        return str(position)

    async def _walk(self, id_: str, state: FolderState, folders: Folders) -> _Step:
        step = await self._step(id_, state, folders, quiet=True)
        if step.state is None or not step.state.by_date:
            return step
        now = self._clock.now()
        return _Step((), FolderState(good=now, window=now - DELAYED, tried=now), through=True)

    async def changes(self, cursor: str) -> Changes:
        """A page of one folder, or of several without news. Raises `CursorExpired` for a cursor that is not ours."""
        position = Position.parse(cursor, self._home)
        folders, position = await self._round(position)
        for _ in range(MOST_QUIET):
            if not position.queue:
                break
            id_ = position.queue[0]
            step = await self._step(id_, position.folders[id_], folders)
            position = position.with_state(id_, step.state, through=step.through)
            if step.events or not step.through:
                return Changes(step.events, str(position), bool(position.queue))
        return Changes((), str(position), bool(position.queue))

    async def _round(self, position: Position) -> tuple[Folders, Position]:
        """The folders, and at the beginning of a round those that came and went since the last one."""
        if position.queue:
            return await self._tree.folders(), position
        folders, link = await self._tree.follow(position.tree)
        begun = Position(home=position.home, good=position.good, tree=link, folders=position.folders)
        return folders, begun.with_folders(folders.read_ids())

    # --------------------------------------------------------------------------------------------------------- a folder

    async def _step(self, id_: str, state: FolderState, folders: Folders, *, quiet: bool = False) -> _Step:
        """One page of a folder. A refused link starts the round anew, then the folder, and is asked at once."""
        now = self._clock.now()
        state = state.hopeful(now)
        for _ in range(3):
            state = state.starts(now)
            try:
                page = await self._page(id_, state)
            except Gone:
                return _Step((), None, through=True)
            except (CursorExpired, Rejected) as error:
                state = _after(error, state, now)
                continue
            events = () if quiet else await self._events(page, id_, folders)
            if page.next:
                return _Step(events, state.goes_on(page.next, len(page.items)), through=False)
            return _Step(events, (ended := state.ends(page.delta, len(page.items))), through=not _unfinished(ended))
        raise Transient("Graph keeps refusing to tell what changed in a folder.", operation="messages.delta")

    async def _page(self, id_: str, state: FolderState) -> Page:
        if state.by_date:
            return await self._page_by_date(id_, state)
        if link := state.page or state.delta:
            return await self._mailbox.page("messages.delta", link, size=self._size)
        since = state.since or state.good
        wanted = options(select=graph_map.SELECT, filter=f"receivedDateTime ge {utc(since)}")
        path = self._mailbox.path(folder_path(id_, "/messages/delta"))
        return await self._mailbox.page("messages.delta", path, wanted, size=self._size)

    async def _page_by_date(self, id_: str, state: FolderState) -> Page:
        if state.page:
            return await self._mailbox.page("messages.list", state.page)
        wanted = options(
            select=graph_map.SELECT,
            filter=f"receivedDateTime ge {utc(state.window or state.good)}",
            orderby="receivedDateTime asc",
            top=str(self._size),
        )
        return await self._mailbox.page("messages.list", self._mailbox.path(folder_path(id_, "/messages")), wanted)

    # ----------------------------------------------------------------------------------------------------------- events

    async def _events(self, page: Page, folder: str, folders: Folders) -> tuple[Event, ...]:
        """What a page tells, once a mail; what it says was removed is looked for first."""
        told: dict[str, Event] = {}
        removed: dict[str, None] = {}
        reading = Reading(folders, self._skip)
        for item in page.items:
            id_ = item["id"]
            if "@removed" in item:
                removed[id_] = None
            elif not self._left_out(item):
                removed.pop(id_, None)  # told after its removal: looked at again, it would be there
                message = graph_map.at_hand(item, reading, folder)
                told[id_] = Seen(id_, message)
        for id_ in removed:
            told.pop(id_, None)
        return (*told.values(), *await self._missed(list(removed)))

    def _left_out(self, item: Mapping[str, Any]) -> bool:
        return item.get("isDraft") is True or is_barred(graph_map.categories(item), self._excluded)

    async def _missed(self, ids: Sequence[str]) -> list[Event]:
        """What became of mails that a folder no longer has.

        A move tells of a removal too, at times of nothing else, even when the mail came back:
        https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/72
        """
        wanted = query(select="id,parentFolderId,isDraft,categories")
        parts = await self._mailbox.get_all("messages.get", {id_: item_path(id_, wanted) for id_ in ids})
        events: list[Event] = []
        for id_ in ids:
            if parts[id_].status == 404:
                events.append(Removed(id_))
            elif parts[id_].status == 200 and await self._is_read(parts[id_].body):
                events.append(Seen(id_))
        return events

    async def _is_read(self, item: object) -> bool:
        if not isinstance(item, dict) or self._left_out(item):
            return False
        parent = item.get("parentFolderId")
        folders = await self._tree.folders()
        if isinstance(parent, str) and parent not in folders.by_id:
            folders = await self._tree.folders(unknown=True)
        return isinstance(parent, str) and folders.reads(parent)


def _after(error: CursorExpired | Rejected, state: FolderState, now: datetime) -> FolderState:
    """How to go on after a refusal. Raises it where nothing of ours was refused but the request itself."""
    if error.code in (FULL, UNTRACKED) and not state.by_date:
        return state.dated(now)
    if isinstance(error, Rejected) and not (state.page or (state.delta and not state.by_date)):
        raise error
    return state.restarted()


def _unfinished(state: FolderState) -> bool:
    """Whether a first round met Graph's cap, so that the rest is listed by date right away."""
    return state.by_date and bool(state.delta)
