"""Mail sources that read badly, or have no manners."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from connectors.base.errors import BadReply, RateLimited, Transient
from connectors.base.model import Changes, Fetched, MailMessage, Place, Unreadable
from tradepost.testing.mail_bench import MailBench
from tradepost.testing.spoiled.mail_feeds import Whole, catches
from tradepost.testing.spoiled.model import Spoiled

READING: list[Spoiled[MailBench]] = []


# ------------------------------------------------------------------------------------------------------------- reading


@catches("Every id comes back as read, unreadable or gone, and none twice", READING)
class _LeavesGoneOut(Whole):
    """Leaves mails that are gone out of its answer."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        return replace(await super().fetch(ids), gone=())


@catches("Where the provider serves one call at a time, no mail is lost", READING)
class _FirstFew(Whole):
    """Reads the first ten of any number of mails."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        return await super().fetch(ids[:10])


@catches("Nothing asked sends nothing", READING)
class _AsksForNothing(Whole):
    """Calls the provider before it looks whether there is a question."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        await super().baseline()
        return await super().fetch(ids)


@catches("A mail that is refused for a quota is read in the end, or the fetch fails; it is never gone", READING)
class _LimitedIsGone(Whole):
    """Takes a mail that is refused for a quota for gone."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        try:
            return await super().fetch(ids)
        except RateLimited:
            return Fetched(gone=tuple(dict.fromkeys(ids)))


@catches("A mail that a failing server cannot give now is neither gone nor unreadable", READING)
class _FailedIsUnreadable(Whole):
    """Takes a mail that a failing server cannot give now for unreadable."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        try:
            return await super().fetch(ids)
        except Transient:
            return Fetched(unreadable=tuple(Unreadable(i, "mail_unreadable") for i in dict.fromkeys(ids)))


@catches("A mail that the provider cannot hand out is named, and the others are read", READING)
class _OneSpoilsAll(Whole):
    """Fails where one mail cannot be read."""

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        fetched = await super().fetch(ids)
        if fetched.unreadable:
            raise BadReply("A mail cannot be read.")
        return fetched


@catches("HTML and cut JSON in answer to a question are BadReply or Transient", READING)
class _LetsOut(Whole):
    """Lets errors of its own kind out."""

    async def changes(self, cursor: str) -> Changes:
        try:
            return await super().changes(cursor)
        except (BadReply, Transient) as error:
            raise KeyError("history") from error


class _Rereads(Whole):
    """Changes mails after they were read."""

    def reread(self, mail: MailMessage) -> MailMessage:
        raise NotImplementedError

    async def fetch(self, ids: Sequence[str]) -> Fetched:
        fetched = await super().fetch(ids)
        return replace(fetched, messages=tuple(self.reread(m) for m in fetched.messages))


@catches("Addresses are lower-case, identifiers without brackets", READING)
class _Brackets(_Rereads):
    """Keeps the brackets of Message-IDs."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, message_id=f"<{mail.message_id}>")


@catches("Subject, people, dates, threads and texts are what the author wrote", READING)
class _FirstReader(_Rereads):
    """Knows the first reader only."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, to=mail.to[:1])


@catches("Texts are read in their charset", READING)
class _Latin(_Rereads):
    """Takes every text for Latin."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, text=mail.text.encode("utf-8").decode("latin-1"))


@catches("Attachments are named, with type and size", READING)
class _NoNames(_Rereads):
    """Forgets the names of attachments."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, attachments=tuple(replace(a, name="") for a in mail.attachments))


@catches("A mail knows its place, and all times are in UTC", READING)
class _LocalTime(_Rereads):
    """Takes local time for UTC."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, received_at=mail.received_at + timedelta(hours=8))


@catches("A mail in the trash or among junk is read, not gone", READING)
class _AllInbox(_Rereads):
    """Takes every place for the inbox."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, place=Place.INBOX)


@catches("Headers that tell automatic mail from human mail are kept", READING)
class _NoHeaders(_Rereads):
    """Drops headers."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, headers=())


@catches("A blind copy is known in the sender's own mailbox", READING)
class _NoBcc(_Rereads):
    """Drops blind copies."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, bcc=())


@catches("Mails of one conversation have one thread, others have another", READING)
class _OwnThreads(_Rereads):
    """Makes a thread of every mail."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, thread_id=mail.id)


@catches("A mail read again is the same, also by a new connection", READING)
class _NeverTheSame(_Rereads):
    """Makes up a Message-ID at every reading."""

    def reread(self, mail: MailMessage) -> MailMessage:
        return replace(mail, message_id=uuid.uuid4().hex)


# ------------------------------------------------------------------------------------------------------------- manners


@catches("No address, subject, text or secret is in a log line or an error", READING)
class _LogsSubjects(_Rereads):
    """Logs subjects."""

    def reread(self, mail: MailMessage) -> MailMessage:
        self.bench.log.info("mail.read", subject=mail.subject)
        return mail


@catches("A connector never waits by itself", READING)
class _Waits(Whole):
    """Waits a second before each question."""

    async def changes(self, cursor: str) -> Changes:
        await self.bench.own_clock.sleep(1)
        return await super().changes(cursor)


@catches("A connection may be closed twice, and before it was used", READING)
class _ClosesOnce(Whole):
    """Cannot be closed twice."""

    closed = False

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
        await super().close()
