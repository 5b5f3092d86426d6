"""Reading mails: each id has a fate, and each mail says what its author wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.base.model import Address, Place
from tradepost.sandbox.kernel import Effect
from tradepost.testing.bench import lacks_act
from tradepost.testing.expect import expect, has_all, has_none, same
from tradepost.testing.letters import ANN, CHARSETS, HOSTILE, LI, full_letter, letter
from tradepost.testing.mail_bench import ALIAS, MAIL, MailBench

fates = MAIL.topic("Fates")
REASONS = ("mail_unreadable", "mail_too_large", "mail_too_slow")


async def _fates(bench: MailBench, *ids: str) -> dict[str, str]:
    fetched = await bench.source.fetch(ids)
    told = [(m.id, "read") for m in fetched.messages]
    told += [(u.id, u.reason) for u in fetched.unreadable] + [(i, "gone") for i in fetched.gone]
    same(len(told), len(dict(told)), "fates, against different ids")
    return dict(told)


@fates("Every id comes back as read, unreadable or gone, and none twice")
async def _(bench: MailBench) -> None:
    ids = bench.deliver_many(bench.source.capabilities.fetch_size * 2 + 1)
    gone = bench.deliver(9_999)
    await bench.later()
    bench.host.delete_forever(ANN, gone)
    told = await _fates(bench, *ids, gone, ids[0])
    same(sorted(told), sorted([*ids, gone]), "ids with a fate")
    same((told[gone], told[ids[0]], told[ids[-1]]), ("gone", "read", "read"), "fates")


@fates("Nothing asked sends nothing")
async def _(bench: MailBench) -> None:
    since = bench.mark()
    same(await _fates(bench), {}, "fates")
    same([r.operation for r in bench.requests(since)], [], "requests")


@fates("A mail in the trash or among junk is read, not gone")
async def _(bench: MailBench) -> None:
    ids = [bench.deliver(n, place) for n, place in enumerate(("trash", "junk"))]
    await bench.later()
    same([m.place for m in await bench.read(*ids)], [Place.TRASH, Place.JUNK], "places")


@fates("A mail that the provider cannot hand out is named, and the others are read", lacks_act("unreadable"))
async def _(bench: MailBench) -> None:
    good, bad = bench.deliver(1), bench.deliver(2)
    await bench.later()
    await bench.read(good)  # what is asked once, such as labels, is known now
    status, code = bench.rig.unreadable
    bench.fault(Effect.STATUS, bench.rig.reads, nth=2, status=status, code=code, times=100)
    told = await _fates(bench, good, bad)
    same(told[good], "read", "the fate of the good mail")
    expect(told[bad] in REASONS, f"the fate of the other mail is {told[bad]}")


@fates("Hostile mails have a fate, one by one and all together")
async def _(bench: MailBench) -> None:
    ids = {name: bench.deliver_raw(raw) for name, raw in HOSTILE.items()}
    good = bench.deliver(1)
    await bench.later()
    told = await _fates(bench, *ids.values(), good)
    for name, mail in ids.items():
        expect(told.get(mail) in ("read", *REASONS), f"the fate of a mail with {name} is {told.get(mail)}")
    same(told[good], "read", "the fate of the good mail")


@fates("A mail of several megabytes is read or named")
async def _(bench: MailBench) -> None:
    big = bench.deliver_raw(letter(1) + b"x" * 76 + b"\r\n" + (b"y" * 76 + b"\r\n") * 60_000)
    await bench.later()
    told = await _fates(bench, big)
    expect(told[big] in ("read", *REASONS), f"its fate is {told[big]}")


@fates("Where the provider serves one call at a time, no mail is lost", lacks_act("crowd"))
async def _(bench: MailBench) -> None:
    bench.rig.crowd()
    ids = bench.deliver_many(12)
    await bench.later()
    same(sorted(await _fates(bench, *ids)), sorted(ids), "ids with a fate")
    await bench.read(*ids)


reading = MAIL.topic("Reading")


@reading("Subject, people, dates, threads and texts are what the author wrote")
async def _(bench: MailBench) -> None:
    mail = bench.deliver_raw(full_letter())
    await bench.later()
    (read,) = await bench.read(mail)
    same(read.subject, "回复：报价单（第二版）", "the subject")
    same([(a.email, a.name) for a in read.from_], [("li@acme.example", "李伟")], "the author")
    same([a.email for a in read.to], ["ann@ours.example", "sales@ours.example"], "the readers")
    same([a.email for a in read.cc], ["chen@acme.example"], "the readers of copies")
    same([a.email for a in read.reply_to], ["office@acme.example"], "where answers go")
    same(read.message_id, "full@acme.example", "the Message-ID")
    same(read.in_reply_to, ("first@ours.example",), "what it answers")
    has_all(read.references, ["zero@ours.example", "first@ours.example"], "references")
    same(read.date, datetime(2026, 2, 20, 9, 30, tzinfo=UTC), "the date")
    # Some providers hand out the richer of both texts only.
    expect("500 Lampen 灯" in read.text or not read.text, f"the text is {read.text[:80]!r}")
    expect("<b>500</b>" in read.html, f"the HTML is {read.html[:80]!r}")


@reading("Attachments are named, with type and size")
async def _(bench: MailBench) -> None:
    mail = bench.deliver_raw(full_letter())
    await bench.later()
    (read,) = await bench.read(mail)
    told = [(a.name, a.media_type, a.inline) for a in read.attachments]
    same(told, [("报价单.pdf", "application/pdf", False)], "attachments")
    expect(0 < read.attachments[0].size < 1000, f"the size is {read.attachments[0].size}")


@reading("Headers that tell automatic mail from human mail are kept")
async def _(bench: MailBench) -> None:
    mail = bench.deliver_raw(full_letter())
    await bench.later()
    (read,) = await bench.read(mail)
    has_all(read.headers, [("auto-submitted", "auto-replied")], "headers")


@reading("Texts are read in their charset")
async def _(bench: MailBench) -> None:
    ids = {name: bench.deliver_raw(raw) for name, (raw, _) in CHARSETS.items()}
    await bench.later()
    for name, read in zip(ids, await bench.read(*ids.values()), strict=True):
        expect(CHARSETS[name][1] in read.text, f"a mail in {name} is read as {read.text[:60]!r}")


@reading("A mail knows its place, and all times are in UTC")
async def _(bench: MailBench) -> None:
    at = bench.clock.now() - timedelta(days=1)
    places = {"inbox": Place.INBOX, "sent": Place.SENT, "archive": Place.ARCHIVE, "junk": Place.JUNK}
    ids = [bench.deliver(n, place, at=at) for n, place in enumerate(places)]
    await bench.later()
    read = await bench.read(*ids)
    same([m.place for m in read], list(places.values()), "places")
    for mail in read:
        expect(mail.received_at.utcoffset() == timedelta(0), "received_at is not in UTC")
        expect(abs(mail.received_at - at) < timedelta(seconds=1), f"received_at is {mail.received_at.isoformat()}")


@reading("Mails of one conversation have one thread, others have another", lacks_act("threads"))
async def _(bench: MailBench) -> None:
    first = bench.deliver(1, Subject="Lamps")
    await bench.later()
    answer = bench.deliver(2, Subject="Re: Lamps", In_Reply_To="<m1@acme.example>", References="<m1@acme.example>")
    other = bench.deliver(3, Subject="Chairs")
    await bench.later()
    threads = [m.thread_id for m in await bench.read(first, answer, other)]
    expect(all(threads), "a mail has no thread")
    same(threads[1], threads[0], "the thread of an answer")
    expect(threads[2] != threads[0], "two conversations have one thread")


@reading("A blind copy is known in the sender's own mailbox", lacks_act("bcc"))
async def _(bench: MailBench) -> None:
    mail = bench.deliver(1, "sent", From=f"Ann <{ANN}>", To=LI, Bcc="boss@ours.example")
    await bench.later()
    (read,) = await bench.read(mail)
    same([a.email for a in read.bcc], ["boss@ours.example"], "the readers of blind copies")


@reading("A mail read again is the same, also by a new connection")
async def _(bench: MailBench) -> None:
    mail = bench.deliver_raw(full_letter())
    await bench.later()
    (first,) = await bench.read(mail)
    (second,) = await bench.read(mail)
    other = (await bench.connect().fetch([mail])).messages
    same(second, first, "the mail, read again")
    same(other, (first,), "the mail, read by a new connection")


@reading("A mail that a person moved keeps its id and its identity")
async def _(bench: MailBench) -> None:
    mail = bench.deliver_raw(full_letter())
    await bench.later()
    (before,) = await bench.read(mail)
    bench.host.move(ANN, mail, "archive")
    await bench.later()
    (after,) = await bench.read(mail)
    same(after.place, Place.ARCHIVE, "the place")
    for part in ("id", "message_id", "date", "from_", "to", "subject", "text", "received_at"):
        same(getattr(after, part), getattr(before, part), part)


@reading("Addresses are lower-case, identifiers without brackets")
async def _(bench: MailBench) -> None:
    mail = bench.deliver(1, From="Li <LI@Acme.Example>", To=ALIAS.upper())
    await bench.later()
    (read,) = await bench.read(mail)
    same([a.email for a in (*read.from_, *read.to)], [LI, ALIAS], "addresses")
    has_none([c for c in read.message_id if c in "<>"], ["<", ">"], "a bracket in the Message-ID")


@reading("A mail without subject, sender or date is read as it is")
async def _(bench: MailBench) -> None:
    bare = bench.deliver_raw(b"Message-ID: <bare@acme.example>\r\n\r\nJust a text.\r\n")
    await bench.later()
    (read,) = await bench.read(bare)
    authors = [a for a in read.from_ if a != Address("")]
    same((read.subject, authors), ("", []), "subject and author")
    expect("Just a text." in read.text, f"the text is {read.text!r}")
