"""Who we are, and what happens in the mailbox from now on."""

from __future__ import annotations

from connectors.base.errors import CursorExpired
from connectors.base.model import Severity
from tradepost.testing.bench import lacks_act
from tradepost.testing.expect import expect, has_all, has_none, is_a, same
from tradepost.testing.letters import ANN
from tradepost.testing.mail_bench import ALIAS, MAIL, MailBench, removed, seen

account = MAIL.topic("Account")
LONGEST_CURSOR = 65_536


@account("The account's id stays the same, also for a new connection")
async def _(bench: MailBench) -> None:
    expect(bench.account.account_id, "the account has no id")
    same((await bench.source.check()).account_id, bench.account.account_id, "the id, asked again")
    same((await bench.connect().check()).account_id, bench.account.account_id, "the id for a new connection")


@account("The mailbox is known by all of its addresses, lower-case and without problems", lacks_act("aliases"))
async def _(bench: MailBench) -> None:
    has_all(bench.account.addresses, [ANN, ALIAS], "addresses")
    same([a for a in bench.account.addresses if a != a.lower()], [], "addresses not in lower case")
    same([p.what for p in bench.account.problems if p.severity is Severity.ERROR], [], "problems")


@account("The declared sizes make sense")
async def _(bench: MailBench) -> None:
    can = bench.source.capabilities
    expect(can.page_size >= 1 and can.fetch_size >= 1, f"{can} makes no sense")
    expect(can.units_per_mail > 0 and can.units_per_minute > 0, f"{can} makes no sense")


@account("A source only asks: nothing is written to the mailbox")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    ids = bench.deliver_many(3)
    await bench.later()
    held = bench.host.held(ANN)
    await bench.news(cursor)
    await bench.listed(bench.clock.now().replace(year=2025), bench.clock.now())
    await bench.source.fetch(ids)
    same([r.operation for r in bench.writes()], [], "writes")
    same(bench.host.held(ANN), held, "the mailbox")


@account("A connection may be closed twice, and before it was used")
async def _(bench: MailBench) -> None:
    await bench.connect().close()
    source = bench.connect()
    await source.baseline()
    await source.close()
    await source.close()


feed = MAIL.topic("Changes")


@feed("A mail that comes after the baseline is told")
async def _(bench: MailBench) -> None:
    bench.deliver(1)
    await bench.later()
    cursor = await bench.source.baseline()
    new = bench.deliver(2)
    await bench.later()
    events, cursor = await bench.news(cursor)
    has_all(seen(events), [new], "events")
    expect(0 < len(cursor) <= LONGEST_CURSOR, f"the cursor has {len(cursor)} characters")


@feed("A mail that comes between the baseline and a listing is in one of both, and one before in the listing")
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    before = bench.deliver(1)
    await bench.later()
    cursor = await bench.source.baseline()
    between = bench.deliver(2)
    await bench.later()
    listed = await bench.listed(since, bench.clock.now())
    after = bench.deliver(3)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all([*listed, *seen(events)], [before, between, after], "mails")
    has_all(seen(events), [between, after], "events")


@feed("A mailbox that was empty at the baseline is followed, too")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    events, cursor = await bench.news(cursor)
    same(seen(events), [], "events")
    new = bench.deliver(1)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [new], "events")


@feed("Every new mail is told, to the last page")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    ids = bench.deliver_many(bench.rig.change_page * 2 + 1)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), ids, "events")


@feed("A mail that comes while the pages are read is not lost")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    ids = bench.deliver_many(bench.rig.change_page + 1)
    await bench.later()
    page = await bench.source.changes(cursor)
    late = bench.deliver(9_999)
    await bench.later()
    events, cursor = await bench.news(page.cursor)
    more, _cursor = await bench.news(cursor)
    has_all(seen([*page.events, *events, *more]), [*ids, late], "events")


@feed("A page without events keeps its place")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    for _ in range(3):
        await bench.later(3600)
        _events, cursor = await bench.news(cursor)
    new = bench.deliver(1)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [new], "events")


@feed("Pages without events are read over", lacks_act("stay_quiet"))
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    bench.rig.stay_quiet(ANN)
    new = bench.deliver(1)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [new], "events")


@feed("The same cursor, asked twice, tells at least the same")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    ids = bench.deliver_many(3)
    await bench.later()
    first, _cursor = await bench.news(cursor)
    second, _cursor = await bench.news(cursor)
    has_all(seen(first), ids, "events")
    has_all(seen(second), seen(first), "events, asked again")


@feed("A cursor survives a restart, also in the middle of the pages")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    ids = bench.deliver_many(bench.rig.change_page + 1)
    await bench.later()
    page = await bench.source.changes(cursor)
    events, cursor = await bench.news(page.cursor, bench.connect())
    has_all(seen([*page.events, *events]), ids, "events")
    new = bench.deliver(9_999)
    await bench.later()
    events, _cursor = await bench.news(cursor, bench.connect())
    has_all(seen(events), [new], "events after another restart")


def _does_not_heal(bench: MailBench) -> str:
    return "the connector finds its way back by itself" if bench.rig.heals else ""


@feed("A position that the provider has forgotten is told as expired", lacks_act("expire_cursors"), _does_not_heal)
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    bench.deliver(1)
    await bench.later()
    bench.rig.expire_cursors(ANN)
    await bench.later()
    is_a(await bench.error_of(bench.news(cursor)), CursorExpired, "the answer to an old cursor")


@feed("After a position that the provider has forgotten nothing is lost", lacks_act("expire_cursors"))
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    cursor = await bench.source.baseline()
    missed = bench.deliver(1)
    await bench.later()
    bench.rig.expire_cursors(ANN)
    await bench.later()
    try:
        events, cursor = await bench.news(cursor)
        told = seen(events)
    except CursorExpired:  # then the engine takes a new baseline, and lists the window again
        cursor = await bench.source.baseline()
        told = await bench.listed(since, bench.clock.now())
    new = bench.deliver(2)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all([*told, *seen(events)], [missed, new], "mails")


@feed("A text that is no cursor is told as expired")
async def _(bench: MailBench) -> None:
    for text in ("", "nonsense", '{"v": 99}'):
        is_a(await bench.error_of(bench.source.changes(text)), CursorExpired, f"the answer to {text!r}")


@feed("A mail that a person moves within the mailbox is not told as gone")
async def _(bench: MailBench) -> None:
    stays = bench.deliver(1)
    await bench.later()
    cursor = await bench.source.baseline()
    new = bench.deliver(2)
    await bench.later()
    bench.host.move(ANN, stays, "archive")
    bench.host.move(ANN, new, "Customers")
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [new], "events")
    has_none(removed(events), [stays, new], "a mail that is there is told as gone")
    await bench.read(stays, new)


@feed("A mail that is deleted for ever is told as gone")
async def _(bench: MailBench) -> None:
    goes, stays = bench.deliver(1), bench.deliver(2)
    await bench.later()
    cursor = await bench.source.baseline()
    bench.host.delete_forever(ANN, goes)
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(removed(events), [goes], "mails told as gone")
    has_none(removed(events), [stays], "a mail that is there is told as gone")


scope = MAIL.topic("What is left out")


@scope("Drafts are not told; the mail is, once it is sent")
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    cursor = await bench.source.baseline()
    draft = bench.deliver(1, "draft", From=f"Ann <{ANN}>", To="li@acme.example")
    await bench.later()
    sent = bench.deliver(2, "sent", From=f"Ann <{ANN}>", To="li@acme.example")
    await bench.later()
    events, _cursor = await bench.news(cursor)
    listed = await bench.listed(since, bench.clock.now())
    has_all(seen(events), [sent], "events")
    has_none(seen(events), [draft], "a draft is told")
    same((sent in listed, draft in listed), (True, False), "whether the sent mail, and the draft, are listed")


@scope("Junk is told only where that is asked for")
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    wide = bench.connect(include_junk=True)
    cursors = await bench.source.baseline(), await wide.baseline()
    junk = bench.deliver(1, "junk")
    await bench.later()
    events, _cursor = await bench.news(cursors[0])
    has_none(seen(events), [junk], "junk is told")
    has_none(await bench.listed(since, bench.clock.now()), [junk], "junk is listed")
    events, _cursor = await bench.news(cursors[1], wide)
    has_all(seen(events), [junk], "events where junk is asked for")
    has_all(await bench.listed(since, bench.clock.now(), wide), [junk], "the listing where junk is asked for")


@scope("A mail that a person takes out of junk is told")
async def _(bench: MailBench) -> None:
    junk = bench.deliver(1, "junk")
    await bench.later()
    cursor = await bench.source.baseline()
    _events, cursor = await bench.news(cursor)
    bench.host.move(ANN, junk, "inbox")
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [junk], "events")


@scope("The trash is not listed, and what comes back from it is told")
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    mail = bench.deliver(1)
    await bench.later()
    bench.host.move(ANN, mail, "trash")
    await bench.later()
    has_none(await bench.listed(since, bench.clock.now()), [mail], "trash is listed")
    cursor = await bench.source.baseline()
    bench.host.move(ANN, mail, "inbox")
    await bench.later()
    events, _cursor = await bench.news(cursor)
    has_all(seen(events), [mail], "events")


@scope("What lies under an excluded label is neither told nor listed", lacks_act("folders"))
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    kept, other = bench.deliver(1), bench.deliver(2)
    bench.host.move(ANN, kept, "Private")
    await bench.later()
    source = bench.connect(exclude_labels=("Private",))
    cursor = await source.baseline()
    new = bench.deliver(3, "Private")
    plain = bench.deliver(4)
    await bench.later()
    events, _cursor = await bench.news(cursor, source)
    has_all(seen(events), [plain], "events")
    has_none(seen(events), [new], "a mail under an excluded label is told")
    listed = await bench.listed(since, bench.clock.now(), source)
    same(sorted(listed), sorted([other, plain]), "the listing")


@scope("A label below an excluded one is excluded as well", lacks_act("folders", "nested_folders"))
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    bench.host.move(ANN, bench.deliver(1), "Private")
    below = bench.deliver(2)
    bench.host.move(ANN, below, "Private/Bank")
    await bench.later()
    source = bench.connect(exclude_labels=("private",))
    other = bench.deliver(3)
    await bench.later()
    same(await bench.listed(since, bench.clock.now(), source), [other], f"the listing ({below} lies below the label)")


@scope("Feed and listing agree on what is in scope", lacks_act("folders"))
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    cursor = await bench.source.baseline()
    places = ("inbox", "sent", "archive", "Customers", "junk", "trash", "draft")
    ids = {place: bench.deliver(n, place) for n, place in enumerate(places)}
    await bench.later()
    events, _cursor = await bench.news(cursor)
    listed = await bench.listed(since, bench.clock.now())
    wanted = [ids[p] for p in ("inbox", "sent", "archive", "Customers")]
    same(sorted(set(seen(events)) - set(removed(events))), sorted(wanted), "the feed")
    same(sorted(listed), sorted(wanted), "the listing")
