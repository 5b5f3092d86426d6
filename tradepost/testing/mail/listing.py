"""The listing of a window: what coverage is counted from."""

from __future__ import annotations

from datetime import timedelta

from tradepost.testing.expect import expect, has_all, same
from tradepost.testing.mail_bench import MAIL, MailBench

listing = MAIL.topic("Listing")
LONGEST_PAGE = 4096


@listing("Every mail of a window is listed, to the last page, each once")
async def _(bench: MailBench) -> None:
    begin = bench.clock.now() - timedelta(days=30)
    many = bench.rig.list_page * 2 + 1
    ids = [bench.deliver(n, at=begin + timedelta(minutes=n)) for n in range(many)]
    await bench.later()
    listed = await bench.listed(begin, bench.clock.now())
    same(len(listed), len(set(listed)), "ids listed, against different ones")
    same(sorted(listed), sorted(ids), "the listing")


@listing("The ends of a window are exact: the first moment belongs to it, the last one does not")
async def _(bench: MailBench) -> None:
    since = bench.clock.now() - timedelta(days=9)
    until = since + timedelta(days=2)
    edge = timedelta(seconds=bench.rig.edge)
    moments = {"early": since - edge, "first": since, "last": until - edge, "late": until}
    ids = {name: bench.deliver(n, at=at) for n, (name, at) in enumerate(moments.items())}
    await bench.later()
    listed = await bench.listed(since, until)
    same(sorted(n for n, i in ids.items() if i in listed), ["first", "last"], "what is listed of the four at the ends")


@listing("Two windows that touch list every mail, and none twice")
async def _(bench: MailBench) -> None:
    begin = bench.clock.now() - timedelta(days=9)
    step = timedelta(seconds=bench.rig.edge)
    middle = begin + timedelta(days=1)
    ids = [bench.deliver(n, at=middle + step * (n - 5)) for n in range(11)]
    await bench.later()
    halves = [await bench.listed(begin, middle), await bench.listed(middle, bench.clock.now())]
    same(sorted(halves[0] + halves[1]), sorted(ids), "both listings")


@listing("Mails of one moment are all listed, also where a page ends between them")
async def _(bench: MailBench) -> None:
    at = bench.clock.now() - timedelta(days=3)
    ids = [bench.deliver(n, at=at) for n in range(bench.rig.list_page + 2)]
    await bench.later()
    listed = await bench.listed(at - timedelta(days=1), at + timedelta(days=1))
    has_all(listed, ids, "the listing")


@listing("Where a mail arrives while the pages are read, no older one is lost")
async def _(bench: MailBench) -> None:
    begin = bench.clock.now() - timedelta(days=3)
    ids = [bench.deliver(n, at=begin + timedelta(minutes=n)) for n in range(bench.rig.list_page + 1)]
    await bench.later()
    until = bench.clock.now()
    page = await bench.source.history(begin, until, None)
    for n in range(5):
        bench.deliver(9_000 + n, at=until - timedelta(hours=1))
    await bench.later()
    rest = await bench.listed(begin, until, page=page.next_page) if page.next_page else []
    has_all([*page.ids, *rest], ids, "the listing")


@listing("A page's token is small, and survives a restart")
async def _(bench: MailBench) -> None:
    begin = bench.clock.now() - timedelta(days=3)
    ids = [bench.deliver(n, at=begin + timedelta(minutes=n)) for n in range(bench.rig.list_page + 1)]
    await bench.later()
    page = await bench.source.history(begin, bench.clock.now(), None)
    expect(page.next_page, "the listing has one page only")
    expect(len(page.next_page or "") <= LONGEST_PAGE, "the token is too long to be stored")
    rest = await bench.listed(begin, bench.clock.now(), bench.connect(), page.next_page)
    has_all([*page.ids, *rest], ids, "the listing")


@listing("A window of nothing is empty")
async def _(bench: MailBench) -> None:
    bench.deliver(1)
    await bench.later()
    now = bench.clock.now()
    same(await bench.listed(now, now), [], "a window without length")
    same(await bench.listed(now - timedelta(days=400), now - timedelta(days=300)), [], "a window before all mail")


@listing("A mail is listed by when it was received, not by the date it bears")
async def _(bench: MailBench) -> None:
    at = bench.clock.now() - timedelta(days=2)
    mail = bench.deliver(1, at=at, Date="Mon, 1 Jan 2001 08:00:00 +0000")
    await bench.later()
    same(await bench.listed(at - timedelta(days=1), bench.clock.now()), [mail], "the listing")
    (read,) = await bench.read(mail)
    expect(abs(read.received_at - at) < timedelta(seconds=1), f"received_at is {read.received_at.isoformat()}")
