"""One mailbox of Microsoft 365 as a mail source, through Microsoft Graph: https://learn.microsoft.com/graph/outlook-mail-concept-overview.

Facts are cited where they are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from connectors.base.errors import BadReply, ConnectorError, Gone, NotPermitted, Rejected, Transient
from connectors.base.mail import MailboxScope, MailCapabilities
from connectors.base.model import (
    Changes,
    Fetched,
    HistoryPage,
    MailAccount,
    MailMessage,
    Problem,
    Severity,
    Unreadable,
)
from connectors.base.services import Services
from connectors.mail import graph_map
from connectors.mail.graph_api import MAX_PARTS, GraphMailbox, item_path, options, query, utc
from connectors.mail.graph_config import GraphConfig, sign_in
from connectors.mail.graph_cursor_map import ListingPage, turned
from connectors.mail.graph_feed import Feed
from connectors.mail.graph_folders_map import Folders, is_barred, unknown_names
from connectors.mail.graph_login import login
from connectors.mail.graph_map import Reading
from connectors.mail.graph_parse import Page, Part, User, UserList, checked, moment, own_addresses
from connectors.mail.graph_tree import Tree

LISTING = 500  # mails of a listing by date; Graph takes 1000, and times out on large pages at times
LEAST_LISTING = 50
LARGE_BYTES = 20 * 1024 * 1024  # from here on a mail may be why an answer could not be taken in
MAX_MIME = 40 * 1024 * 1024

_USER = "id,mail,userPrincipalName"


class GraphSource:
    """`connectors.base.mail.MailSource` for one mailbox, a shared one too."""

    Config = GraphConfig
    login = staticmethod(login)

    def __init__(self, config: GraphConfig, mailbox: MailboxScope, services: Services) -> None:
        self.capabilities = MailCapabilities(
            page_size=LISTING,
            fetch_size=MAX_PARTS,
            units_per_mail=1.0,
            units_per_minute=config.requests_per_ten_minutes / 10,
        )
        self._config = config
        self._scope = mailbox
        self._services = services
        tokens = sign_in(config, mailbox.address, services)
        self._mailbox = GraphMailbox(config, mailbox.address, services, tokens)
        self._tree = Tree(self._mailbox, mailbox, services.clock)
        self._feed = Feed(
            self._mailbox,
            self._tree,
            services,
            home=f"{config.root} {mailbox.address.lower()}",
            size=config.page_size,
            skip=config.skip_sensitivity,
            excluded=mailbox.exclude_labels,
        )
        self._listing = LISTING  # shrinks while pages time out

    # ---------------------------------------------------------------------------------------------------------- account

    async def check(self) -> MailAccount:
        """See `MailSource`. Without an answer of directory and mailbox `account_id` is empty and a problem says why."""
        problems: list[Problem] = []
        try:
            user = await self._user(problems)
            self._mailbox.user = user.id  # an address can be given to somebody else
            await self._tree.read()
            problems += await self._problems_of_reading()
        except NotPermitted as error:
            return MailAccount("", (), (*problems, Problem(Severity.ERROR, _what(error), error.hint)))
        problems += self._problems_of_scope(await self._tree.folders())
        addresses = own_addresses(user) or (self._scope.address.lower(),)
        if self._scope.address.lower() not in addresses and user.proxyAddresses is not None:
            problems.append(_ANOTHER)
        elif self._scope.address.lower() not in addresses:
            addresses = (*addresses, self._scope.address.lower())
        return MailAccount(f"microsoft365:{self._config.auth.tenant}:{user.id.lower()}", addresses, tuple(problems))

    async def _user(self, problems: list[Problem]) -> User:
        """The directory entry, with its aliases where they may be seen."""
        try:
            found = await self._looked_up(f"{_USER},proxyAddresses")
        except NotPermitted:
            found = await self._looked_up(_USER)
        if found.proxyAddresses is None:
            mend = "Give the app User.Read.All of Microsoft Graph, or list the aliases under extra_addresses."
            problems.append(Problem(Severity.WARNING, "The aliases of the mailbox cannot be read.", mend))
        return found

    async def _looked_up(self, fields: str) -> User:
        """By object id or sign-in name, else by any of the addresses."""
        wanted = options(select=fields)
        reply = await self._mailbox.get("users.get", self._mailbox.path(""), wanted, accept=frozenset({200, 404}))
        if reply.status == 200:
            return checked(User, await self._mailbox.parsed(reply, "users.get"), "users.get")
        address = self._scope.address.lower().replace("'", "''")
        either = f"proxyAddresses/any(p:p eq 'smtp:{address}') or mail eq '{address}'"
        reply = await self._mailbox.get("users.list", "/v1.0/users", options(select=fields, filter=either))
        found = checked(UserList, await self._mailbox.parsed(reply, "users.list"), "users.list").value
        if len(found) != 1:
            raise NotPermitted(
                "The directory knows no user of this address; give the user principal name or the main address.",
                operation="users.get",
                status=404,
            )
        return found[0]

    async def _problems_of_reading(self) -> Iterable[Problem]:
        """Mail.ReadBasic lets everything pass but texts and headers: https://learn.microsoft.com/graph/permissions-reference."""
        wanted = options(select="id,body", top="1")
        page = await self._mailbox.page("messages.list", self._mailbox.path("/messages"), wanted)
        if all(isinstance(item.get("body"), dict) for item in page.items):
            return ()
        right = "delegated permission Mail.Read" if self._config.by_person else "application permission Mail.Read"
        mend = f"Mail.ReadBasic is not enough: give the app the {right} of Microsoft Graph."
        return (Problem(Severity.ERROR, "The texts of mails cannot be read.", mend),)

    def _problems_of_scope(self, folders: Folders) -> Iterable[Problem]:
        for name in unknown_names(self._scope.exclude_labels, folders):
            yield Problem(
                Severity.WARNING,
                f"The mailbox has no folder {name}, which exclude_labels names.",
                "Correct the name, or make the folder; a category of that name is left out all the same.",
            )

    # ---------------------------------------------------------------------------------------------------------- changes

    async def baseline(self) -> str:
        """See `MailSource`."""
        return await self._feed.baseline()

    async def changes(self, cursor: str) -> Changes:
        """See `MailSource`. `CursorExpired` only for a cursor that is none of this mailbox, or of another Graph host.

        A folder whose position is too old starts anew by itself, from a day before its last good moment on.
        """
        return await self._feed.changes(cursor)

    # ---------------------------------------------------------------------------------------------------------- listing

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        """See `MailSource`. Over the whole mailbox, newest first, what lies out of scope left out."""
        if since >= until:
            return HistoryPage((), None)
        at = ListingPage.parse(page)
        try:
            listed = await self._listed(since, until, at)
        except Gone:
            raise Rejected("Graph no longer takes this page; list again.", operation="messages.list") from None
        except Transient as error:
            if error.status == 504:
                self._listing = max(LEAST_LISTING, self._listing // 2)
            raise
        seconds = _seconds(listed.items)
        following, left = turned(at, seconds, listed.next)
        ids = [
            item["id"]
            for item in listed.items
            if (left is None or _second(item) != left) and await self._in_scope(item)
        ]
        return HistoryPage(tuple(dict.fromkeys(ids)), str(following) if following else None)

    async def _listed(self, since: datetime, until: datetime, at: ListingPage) -> Page:
        if at.link:
            return await self._mailbox.page("messages.list", at.link)
        end = utc(until)
        if at.before is not None:
            end = utc(min(until, datetime.fromtimestamp(at.before, until.tzinfo)))
        # What is ordered by has to be filtered by first: https://learn.microsoft.com/graph/api/user-list-messages
        wanted = options(
            select="id,parentFolderId,receivedDateTime,categories,isDraft",
            filter=f"receivedDateTime ge {utc(since)} and receivedDateTime lt {end}",
            orderby="receivedDateTime desc",
            top=str(self._listing),
        )
        return await self._mailbox.page("messages.list", self._mailbox.path("/messages"), wanted)

    async def _in_scope(self, item: Mapping[str, Any]) -> bool:
        parent = item.get("parentFolderId")
        if item.get("isDraft") is True or not isinstance(parent, str):
            return False
        folders = await self._folders_with(parent)
        return folders.reads(parent) and not is_barred(graph_map.categories(item), self._scope.exclude_labels)

    # ---------------------------------------------------------------------------------------------------------- reading

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        """See `MailSource`. In batches; what a batch leaves unanswered one by one."""
        known = list(dict.fromkeys(ids))
        wanted = query(select=graph_map.SELECT, expand=graph_map.EXPAND)
        messages: list[MailMessage] = []
        unreadable: list[Unreadable] = []
        gone: list[str] = []
        parts = await self._parts({id_: item_path(id_, wanted) for id_ in known})
        for id_ in known:
            part = parts.pop(id_)
            fate = None if part.status == 404 else await self._read(id_, part)
            if fate is None:
                gone.append(id_)
            elif isinstance(fate, MailMessage):
                messages.append(fate)
            else:
                unreadable.append(fate)
        return Fetched(tuple(messages), tuple(unreadable), tuple(gone))

    async def _parts(self, tails: Mapping[str, str]) -> dict[str, Part]:
        """The answer for each mail; one that cannot be taken in is looked at closer when it is alone."""
        try:
            return await self._mailbox.get_all("messages.get", tails)
        except BadReply:
            if len(tails) > 1:
                raise
            return {id_: await self._too_large(id_) for id_ in tails}

    async def _too_large(self, id_: str) -> Part:
        """Tell a mail that is too large from a line that garbles answers."""
        wanted = query(select="id,receivedDateTime", expand=graph_map.EXPAND_SIZE)
        part = (await self._mailbox.get_all("messages.get", {id_: item_path(id_, wanted)}))[id_]
        if part.status != 200 or not isinstance(part.body, dict):
            return part
        size = graph_map.extended(part.body, graph_map.SIZE)
        if not (size.isascii() and size.isdigit() and int(size[:18]) >= LARGE_BYTES):
            raise BadReply("Graph's answer is not JSON.", operation="messages.get")
        return Part(413, part.body)

    async def _read(self, id_: str, part: Part) -> MailMessage | Unreadable:
        item = part.body if isinstance(part.body, dict) else {}
        if part.status == 200 and item.get("id") != id_:
            # Cut or garbled on its way, for all anybody knows: the mail is not to blame at the first such answer.
            raise BadReply("Graph's answer is not the mail that was asked for.", operation="messages.get")
        if part.status != 200:
            reason = "mail_too_large" if part.status == 413 else "mail_unreadable"
            return Unreadable(id_, reason, moment(item.get("receivedDateTime")))
        folders = await self._folders_with(item.get("parentFolderId"))
        read = graph_map.read_item(item, Reading(folders, self._config.skip_sensitivity))
        return await self._with_mime(read.fate) if read.report and isinstance(read.fate, MailMessage) else read.fate

    async def _folders_with(self, parent: object) -> Folders:
        """The folders, read again where a mail lies in one that was not there before."""
        folders = await self._tree.folders()
        return folders if parent in folders.by_id else await self._tree.folders(unknown=True)

    async def _with_mime(self, shown: MailMessage) -> MailMessage:
        """A report with the part that only machines read; without it where Graph cannot convert the mail.

        For opaque S/MIME that is a 500 that never heals: https://github.com/LogicLabs-OU/OpenArchiver/issues/487.
        """
        path = self._mailbox.path(item_path(shown.id, "/$value"))
        try:
            reply = await self._mailbox.get("messages.value", path, form="*/*")
        except (Rejected, Gone, BadReply):
            return graph_map.without_mime(shown)
        if len(reply.content) > MAX_MIME:
            return graph_map.without_mime(shown)
        try:
            return await self._services.cpu(graph_map.read_mime, reply.content, shown)
        except TimeoutError:
            return graph_map.without_mime(shown)
        except ConnectorError:
            raise  # there is nobody to read it; the mail is not to blame
        except Exception as error:  # noqa: BLE001 - a mail that kills its reader must not stop the mailbox for ever
            # Without the traceback: its text may hold parts of the mail.
            self._services.log.error("graph.reader_failed", mail=shown.id, error=type(error).__name__)  # noqa: TRY400
            return graph_map.without_mime(shown)

    async def close(self) -> None:
        """See `MailSource`."""
        await self._mailbox.close()


_ANOTHER = Problem(
    Severity.ERROR,
    "The directory entry found has another address than the one configured.",
    "Correct the mailbox's address: give its main address or its user principal name.",
)


def _what(error: NotPermitted) -> str:
    if error.operation.startswith("users."):
        return "The directory entry of this mailbox cannot be read."
    return "Microsoft 365 does not let Tradepost read this mailbox."


def _second(item: Mapping[str, Any]) -> int | None:
    at = moment(item.get("receivedDateTime"))
    return int(at.timestamp()) if at else None


def _seconds(items: Sequence[Mapping[str, Any]]) -> list[int]:
    """When mails were received. Raises `BadReply` unless they are newest first, for then pages would not join."""
    found = [second for item in items if (second := _second(item)) is not None]
    if any(following > second for second, following in pairwise(found)):
        raise BadReply("Graph's listing is not in the order asked for.", operation="messages.list")
    return found
