"""The e-mails of a record, ten a call: is this mail there?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.base.errors import Gone, NotPermitted, Rejected, Transient
from connectors.base.model import LogEmail
from connectors.base.services import Clock
from connectors.crm.zoho_api import ZohoApi
from connectors.crm.zoho_emails_map import Alike, Entry, entry_of, fitting, past, same_text
from connectors.crm.zoho_map import MODULES
from connectors.crm.zoho_parse import id_in
from connectors.crm.zoho_writes_map import home_of, message_ref

MOST_PAGES = 300
_KEPT_FOR = timedelta(minutes=10).total_seconds()
_KEPT = 64  # records whose lists are remembered


@dataclass(slots=True)
class _Listed:
    """What is read of one record's list so far. `token` asks for the next page."""

    read_at: float
    entries: list[Entry] = field(default_factory=list)
    token: str = ""
    pages: int = 0
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Entries that are the mail, the first listed first. `complete` is False where the list is too long to be sure."""

    entries: tuple[Entry, ...] = ()
    complete: bool = True


def home_path(write: LogEmail) -> str:
    """The record a mail is logged on, as a path; empty for a mail without record and deal."""
    home = home_of(write)
    if home is not None:
        return f"{MODULES[home.kind]}/{home.id}"
    return f"Deals/{write.deal}" if write.deal else ""


class MailLists:
    """Looks into e-mail lists. For what others may have logged a list is read once in ten minutes, else anew."""

    def __init__(self, api: ZohoApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._kept: OrderedDict[str, _Listed] = OrderedDict()
        self._can_ask_by_id = True

    async def look(self, writes: Sequence[LogEmail]) -> tuple[Look, ...]:
        """The entries that show each of these mails, now: a record's list is read once for all its mails."""
        paths = [home_path(write) for write in writes]
        lists = {path: self._listed(path, fresh=True) for path in dict.fromkeys(paths)}
        return tuple([await self._look(path, lists[path], w) for path, w in zip(paths, writes, strict=True)])

    async def _look(self, path: str, listed: _Listed, write: LogEmail) -> Look:
        try:
            complete = await self._read_to(path, listed, write)
        except Gone:  # the next sending is told so, too
            self._kept.pop(path, None)
            listed.entries, listed.ended, complete = [], True, True
        return Look(fitting(listed.entries, write, Alike.EXACT), complete)

    async def native(self, write: LogEmail, me: str) -> Entry | None:
        """The entry that another user's mailbox integration has made of this mail.

        That our user owns what it associates, and a mailbox's user what comes from there, is Zoho's word `owner`: the
        user whose e-mail it is.
        """
        path = home_path(write)
        listed = self._listed(path, fresh=False)
        await self._read_to(path, listed, write)
        others = [e for e in listed.entries if e.owner and e.owner != me]
        exact = fitting(others, write, Alike.EXACT)
        if exact:
            return exact[0]
        for entry in fitting(others, write, Alike.NEAR):
            if await self._same(path, entry, write):
                return entry
        return None

    async def _read_to(self, path: str, listed: _Listed, write: LogEmail) -> bool:
        """Read until the list is behind the mail; False where it is too long for that."""
        while not listed.ended and not past(listed.entries, write.sent_at):
            if listed.pages >= MOST_PAGES:
                return False
            await self._read_on(path, listed)
        return True

    async def by_id(self, path: str, mail: str) -> Entry | None:
        """The entry with Zoho's own id."""
        listed = self._listed(path, fresh=True)
        while not listed.ended and listed.pages < MOST_PAGES:
            await self._read_on(path, listed)
            if found := next((e for e in listed.entries if e.id == mail), None):
                return found
        return None

    async def has(self, write: LogEmail) -> bool:
        """Whether Zoho itself says that the record has this Message-ID. A False says nothing.

        The call is gone from the later documents: https://github.com/zoho/crm-oas (associate_email, 2025).
        """
        if not self._can_ask_by_id:
            return False
        params = {"orginal_message_id": message_ref(write)}  # so spelt by Zoho
        try:
            body = await self._api.get("email_available", "actions/email_available", params)
        except (Rejected, Gone, NotPermitted):
            self._can_ask_by_id = False
            return False
        except Transient:
            return False
        if not isinstance(body, Mapping) or body.get("available") is not True:
            return False
        record = id_in(body.get("record"))
        return bool(record) and home_path(write).endswith(f"/{record}")

    def _listed(self, path: str, *, fresh: bool) -> _Listed:
        now = self._clock.monotonic()
        known = self._kept.pop(path, None)
        if fresh or known is None or now - known.read_at > _KEPT_FOR:
            known = _Listed(now)
        self._kept[path] = known
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return known

    async def _read_on(self, path: str, listed: _Listed) -> None:
        """One more page: https://www.zoho.com/crm/developer/docs/api/v8/get-email-rel-list.html."""
        params = {"index": listed.token} if listed.token else {}
        page = await self._api.page("get_emails", f"{path}/Emails", params, name="Emails")
        listed.pages += 1
        listed.entries += [entry_of(r) for r in page.rows]
        listed.ended = not page.more or not page.token or page.token == listed.token
        listed.token = page.token

    async def _same(self, path: str, entry: Entry, write: LogEmail) -> bool:
        """Whether an entry of nearly the same time is this mail or its author's next one: their texts tell."""
        params = {"user_id": entry.owner} if entry.owner else {}
        try:
            page = await self._api.page("get_email", f"{path}/Emails/{entry.id}", params, name="Emails")
        except (Rejected, Gone, NotPermitted):
            return False
        theirs = str(page.rows[0].get("content") or "") if page.rows else ""
        ours = (write.body.html or write.body.text) if write.body else ""
        return same_text(ours, theirs)
