"""One Gmail mailbox as a mail source: https://developers.google.com/workspace/gmail/api/reference/rest.

Quotas and errors are Gmail's of May 2026; the facts are cited where they are used.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.base.errors import (
    BadReply,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    Rejected,
)
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
from connectors.mail import gmail_parse as parse
from connectors.mail.gmail_api import (
    UNITS,
    Batch,
    Part,
    call_of,
    gmail_service,
    gmail_users,
    raw_requests,
    read_parts,
    result_of,
)
from connectors.mail.gmail_config import GmailConfig, open_session, sign_in

if TYPE_CHECKING:
    from googleapiclient.http import HttpRequest

PAGE = 500  # the most Gmail lists at once
MAX_RESTARTS = 3  # of one listing whose page tokens are refused
LABELS_FRESH = 900.0  # seconds for which names of labels are believed
MAX_EDGE = 50  # mails in the second around an end of a window that are looked at one by one
HEAVY_BYTES = 2 * 1024 * 1024  # an answer above takes a tenth of a second and more to take apart
MOVES = ("messageAdded", "messageDeleted", "labelAdded", "labelRemoved")

Fate = MailMessage | Unreadable | None  # None: gone


@dataclass(slots=True)
class _Labels:
    """Names of labels by id, and when they were read (monotonic seconds)."""

    names: dict[str, str] = field(default_factory=dict)
    read_at: float = float("-inf")


class GmailSource:
    """`connectors.base.mail.MailSource` for one mailbox."""

    Config = GmailConfig

    def __init__(self, config: GmailConfig, mailbox: MailboxScope, services: Services) -> None:
        self.capabilities = MailCapabilities(
            page_size=PAGE,
            fetch_size=config.parallel,
            units_per_mail=UNITS["messages.get"],
            units_per_minute=config.units_per_minute,
        )
        self._config = config
        self._mailbox = mailbox
        self._services = services
        self._http = open_session(config, mailbox.address, services, *sign_in(config, mailbox.address, services))
        self._gmail = gmail_service(config.base_url)
        self._labels = _Labels()
        self._parts = config.parallel  # shrinks while Gmail limits calls in parallel
        self._beside: tuple[tuple[datetime, datetime], frozenset[str]] | None = None

    # ---------------------------------------------------------------------------------------------------------- account

    async def check(self) -> MailAccount:
        """See `MailSource`. Without an answer of the mailbox itself `account_id` is empty and a problem says why."""
        try:
            profile = await self._profile()
            await self._ask(self._api("messages").list(userId="me", q="-in:chats", maxResults=1))
        except NotPermitted as error:
            return MailAccount("", (), (Problem(Severity.ERROR, _what(error), error.hint),))
        problems: list[Problem] = []
        addresses = parse.own_addresses(profile, await self._send_as(problems))
        await self._refresh_labels()
        problems += self._problems_of_scope(addresses)
        return MailAccount(f"gmail:{addresses[0]}", addresses, tuple(problems))

    def _api(self, name: str = "") -> Any:
        return gmail_users(self._config.base_url, name)

    async def _profile(self) -> parse.Profile:
        return parse.checked(parse.Profile, await self._ask(self._api().getProfile(userId="me")), "getProfile")

    async def _send_as(self, problems: list[Problem]) -> parse.SendAsList:
        try:
            body = await self._ask(self._api("settings").sendAs().list(userId="me"))
        except NotPermitted as error:
            problems.append(Problem(Severity.WARNING, "The aliases of the mailbox cannot be read.", error.hint))
            return parse.SendAsList()
        return parse.checked(parse.SendAsList, body, "settings.sendAs.list")

    def _problems_of_scope(self, addresses: Sequence[str]) -> Iterable[Problem]:
        if self._mailbox.address.lower() not in addresses:
            yield Problem(
                Severity.ERROR,
                "Google is signed in to another mailbox than the one configured.",
                "Run `tradepost login` for this mailbox and choose its account, or correct its address.",
            )
        known = {_plain(name) for name in self._labels.names.values()}
        for label in self._mailbox.exclude_labels:
            if _plain(label) not in known:
                yield Problem(
                    Severity.WARNING,
                    f"The mailbox has no label {label}, which exclude_labels names.",
                    "Correct the name, or make the label.",
                )

    # ---------------------------------------------------------------------------------------------------------- changes

    async def baseline(self) -> str:
        """See `MailSource`. The profile's id, not a message's, which may be too old already in a quiet mailbox."""
        return (await self._profile()).historyId

    async def changes(self, cursor: str) -> Changes:
        """See `MailSource`. A cursor is a history id, with a page token in the middle of a listing."""
        position = parse.Position.parse(cursor)
        scope = parse.Scope.of(include_junk=self._mailbox.include_junk, excluded=await self._excluded_ids())
        try:
            reply = await self._history_page(position)
        except Rejected:
            if not position.token:
                raise
            position = position.restarted(MAX_RESTARTS)
            reply = await self._history_page(position)
        following = position.after(reply)
        if position.token and following.token == position.token:  # a page that leads to itself
            following = position.restarted(MAX_RESTARTS)
        return Changes(parse.events_of(reply.history, scope), str(following), bool(reply.nextPageToken))

    async def _history_page(self, position: parse.Position) -> parse.HistoryReply:
        wanted: dict[str, Any] = {"startHistoryId": position.start, "historyTypes": list(MOVES), "maxResults": PAGE}
        if position.token:
            wanted["pageToken"] = position.token
        body = await self._ask(self._api("history").list(userId="me", **wanted))
        return parse.checked(parse.HistoryReply, body, "history.list")

    # ---------------------------------------------------------------------------------------------------------- listing

    async def history(self, since: datetime, until: datetime, page: str | None) -> HistoryPage:
        """See `MailSource`. Raises `CursorExpired` when Gmail no longer takes `page`."""
        if since >= until:
            return HistoryPage((), None)
        beside = await self._beside_window(since, until)
        try:
            listed = await self._list(since, until, page=page)
        except Rejected as error:
            if not page:
                raise
            raise CursorExpired("Gmail no longer takes this page; list again.", operation=error.operation) from None
        if page and listed.nextPageToken == page:
            raise BadReply("Gmail's listing leads back to the same page.", operation="messages.list")
        return HistoryPage(tuple(m.id for m in listed.messages if m.id not in beside), listed.nextPageToken or None)

    async def _list(
        self, since: datetime, until: datetime, *, page: str | None = None, label: str = ""
    ) -> parse.MessageList:
        junk = self._mailbox.include_junk
        wanted: dict[str, Any] = {"q": parse.window_query(since, until, include_junk=junk), "maxResults": PAGE}
        wanted |= {"includeSpamTrash": True} if junk else {}
        wanted |= {"labelIds": [label]} if label else {}
        wanted |= {"pageToken": page} if page else {}
        body = await self._ask(self._api("messages").list(userId="me", **wanted))
        return parse.checked(parse.MessageList, body, "messages.list")

    async def _beside_window(self, since: datetime, until: datetime) -> frozenset[str]:
        """Ids the search lists and that are out of scope: a second too early or late, or under an excluded label."""
        if self._beside is None or self._beside[0] != (since, until):
            found: list[str] = []
            for label in await self._excluded_ids():
                found += await self._all_ids(since, until, label)
            for edge in parse.edges(since, until):
                found += await self._beside_edge(edge, since, until)
            self._beside = ((since, until), frozenset(found))
        return self._beside[1]

    async def _all_ids(self, since: datetime, until: datetime, label: str) -> list[str]:
        found: list[str] = []
        seen: set[str] = set()
        page: str | None = None
        while True:
            listed = await self._list(since, until, page=page, label=label)
            found += [m.id for m in listed.messages]
            page = listed.nextPageToken
            if not page:
                return found
            if page in seen:
                raise BadReply("The listing does not end.", operation="messages.list")
            seen.add(page)

    async def _beside_edge(self, edge: tuple[datetime, datetime], since: datetime, until: datetime) -> list[str]:
        """Where a whole import shares one second, nothing is looked up: a mail too many is better than one missing."""
        listed = await self._list(*edge)
        if len(listed.messages) > MAX_EDGE:
            return []
        times = [(m.id, parse.received_at(await self._internal_date(m.id))) for m in listed.messages]
        return [id_ for id_, at in times if at is not None and not since <= at < until]

    async def _internal_date(self, id_: str) -> int | None:
        message = await self._minimal(id_)
        return message.internalDate if message else None

    async def _minimal(self, id_: str) -> parse.Message | None:
        request = self._api("messages").get(userId="me", id=id_, format="minimal")
        reply = await self._http.send(call_of(request, accept=frozenset({200, 404})))
        if reply.status == 404:
            return None
        return parse.checked(parse.Message, result_of(request, reply), "messages.get")

    # ---------------------------------------------------------------------------------------------------------- reading

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        """See `MailSource`. In batches, then what they left unanswered in small ones, then one by one.

        Parts of a batch fail by themselves, most often for too many calls at a time, and code that overlooks them loses
        mail (https://github.com/twentyhq/twenty/issues/24332). The calls one by one wait and try like all others; what
        they raise, `fetch` raises, and nothing counts as read.
        """
        fates: dict[str, Fate] = {}
        left = list(dict.fromkeys(ids))
        for most in (self._config.parallel, 5):
            left = await self._read_batches(left, most, fates)
        for id_ in left:
            fates[id_] = await self._read_one(id_)
        known = [(id_, fates[id_]) for id_ in dict.fromkeys(ids)]
        return Fetched(
            messages=tuple(fate for _, fate in known if isinstance(fate, MailMessage)),
            unreadable=tuple(fate for _, fate in known if isinstance(fate, Unreadable)),
            gone=tuple(id_ for id_, fate in known if fate is None),
        )

    async def _read_batches(self, ids: list[str], most: int, fates: dict[str, Fate]) -> list[str]:
        """Ask for `ids`, fill in `fates`; the ids left without an answer come back."""
        unanswered: list[str] = []
        while ids:
            size = max(1, min(most, self._parts))
            chunk, ids = ids[:size], ids[size:]
            missed = await self._read_batch(chunk, fates)
            self._parts = max(1, self._parts // 2) if missed else min(self._config.parallel, self._parts + 1)
            unanswered += missed
        return unanswered

    async def _read_batch(self, ids: Sequence[str], fates: dict[str, Fate]) -> list[str]:
        try:
            parts = await self._ask_batch(ids)
        except (BadReply, TimeoutError):  # cut short, a proxy's page, or too much at once: smaller ones may do
            return list(ids)
        return [id_ for id_ in ids if not await self._settle(id_, parts[id_], fates)]

    async def _ask_batch(self, ids: Sequence[str]) -> Mapping[str, Part]:
        batch = Batch(self._gmail, raw_requests(self._config.base_url, ids))
        reply = await self._http.send(batch.call())
        if len(reply.content) < HEAVY_BYTES:
            return batch.parts(reply)
        return await self._services.cpu(
            read_parts, self._config.base_url, tuple(ids), dict(reply.headers), reply.content
        )

    async def _settle(self, id_: str, part: Part, fates: dict[str, Fate]) -> bool:
        """Note what a part says of its mail; False where it says nothing yet."""
        if part.status == 200:
            message = parse.message_of(part.body, id_)
            if message is None:
                return False
            fates[id_] = await self._read(message)
        elif part.status == 404:
            fates[id_] = None
        else:
            now, scopes = self._services.clock.now(), self._config.scopes
            error = parse.part_error(part.status, part.content, now=now, scopes=scopes)
            if parse.worth_another_try(error):
                return False
            if not isinstance(error, Rejected):
                raise error
            fates[id_] = Unreadable(id_, "mail_unreadable")
        return True

    async def _read_one(self, id_: str) -> Fate:
        request = raw_requests(self._config.base_url, [id_])[id_]
        try:
            reply = await self._http.send(call_of(request, accept=frozenset({200, 404})))
            body = result_of(request, reply) if reply.status == 200 else None
        except Rejected:
            return Unreadable(id_, "mail_unreadable")
        except BadReply:
            return await self._too_large(id_)
        if reply.status == 404:
            return None
        message = parse.message_of(body, id_)
        return await self._read(message) if message else Unreadable(id_, "mail_unreadable")

    async def _too_large(self, id_: str) -> Fate:
        """The answer could not be taken in: tell a mail that is too large from a line that garbles answers."""
        message = await self._minimal(id_)
        if message is None:
            return None
        if message.sizeEstimate < parse.LARGE_BYTES:
            raise BadReply("Gmail's answer is not JSON.", operation="messages.get")
        return Unreadable(id_, "mail_too_large", parse.received_at(message.internalDate))

    async def _read(self, message: parse.Message) -> MailMessage | Unreadable:
        received = parse.received_at(message.internalDate)
        if parse.too_large(message.raw):
            return Unreadable(message.id, "mail_too_large", received)
        if received is None:
            return Unreadable(message.id, "mail_unreadable")
        names = parse.label_names(message.labelIds, await self._label_names(message.labelIds))
        place = parse.place_of(message.labelIds)
        try:
            return await self._services.cpu(
                parse.read_raw, message.raw, message.id, message.threadId, received, place, names
            )
        except TimeoutError:
            return Unreadable(message.id, "mail_too_slow", received)
        except ConnectorError:
            raise  # there is nobody to read it; the mail is not to blame
        except Exception as error:  # noqa: BLE001 - a mail that kills its reader must not stop the mailbox for ever
            # Without the traceback: its text may hold parts of the mail.
            self._services.log.error("gmail.reader_failed", mail=message.id, error=type(error).__name__)  # noqa: TRY400
            return Unreadable(message.id, "mail_unreadable", received)

    # ----------------------------------------------------------------------------------------------------------- labels

    async def _refresh_labels(self) -> None:
        body = await self._ask(self._api("labels").list(userId="me"))
        found = parse.checked(parse.LabelList, body, "labels.list").labels
        names = {id_: id_ for id_ in self._labels.names}  # ids once seen stay known, if only to be unknown
        names |= {label.id: label.name or label.id for label in found}
        self._labels = _Labels(names, self._services.clock.monotonic())

    async def _label_names(self, wanted: Iterable[str]) -> Mapping[str, str]:
        """Names by id, read again when they are old or one of `wanted` is not among them."""
        old = self._services.clock.monotonic() - self._labels.read_at > LABELS_FRESH
        if old or any(id_ not in self._labels.names for id_ in wanted):
            await self._refresh_labels()
            for id_ in wanted:
                self._labels.names.setdefault(id_, id_)
        return self._labels.names

    async def _excluded_ids(self) -> tuple[str, ...]:
        """Ids of the labels left out by name, and of those below them."""
        if not self._mailbox.exclude_labels:
            return ()
        excluded = [_plain(name) for name in self._mailbox.exclude_labels]
        names = {id_: _plain(name) for id_, name in (await self._label_names(())).items()}
        return tuple(id_ for id_, name in names.items() if any(name == x or name.startswith(f"{x}/") for x in excluded))

    # ---------------------------------------------------------------------------------------------------------- calling

    async def _ask(self, request: HttpRequest) -> object:
        return result_of(request, await self._http.send(call_of(request)))

    async def close(self) -> None:
        """See `MailSource`."""
        await self._http.close()


def _what(error: NotPermitted) -> str:
    if error.code == "failedPrecondition":
        return "The mail service is not enabled for this user."
    return "Google does not let Tradepost read this mailbox."


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
