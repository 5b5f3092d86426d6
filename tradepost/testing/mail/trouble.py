"""Trouble on the way, and manners."""

from __future__ import annotations

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    NotPermitted,
    RateLimited,
    Transient,
)
from tradepost.sandbox.kernel import Effect
from tradepost.testing.bench import FOR_EVER
from tradepost.testing.discretion import no_trace
from tradepost.testing.expect import expect, has_all, is_a, same
from tradepost.testing.letters import ANN, LI
from tradepost.testing.mail_bench import MAIL, MailBench, seen

errors = MAIL.topic("Errors")


def _asked(name: str, wanted: type[ConnectorError]) -> None:
    @errors(f"{name} is {wanted.__name__}, with operation and hint")
    async def _(bench: MailBench) -> None:
        cursor = await bench.source.baseline()
        new = bench.deliver(1)
        await bench.later()
        bench.refuse(wanted, bench.rig.asks)
        error = await bench.error_of(bench.source.changes(cursor))
        same(type(error), wanted, "the class of the error")
        # A token source does not know which call its token is for.
        expect(error.hint and (error.operation or wanted is AuthFailed), f"the error tells too little: {error}")
        bench.at_ease()
        await bench.later(600)
        events, _cursor = await bench.news(cursor)
        has_all(seen(events), [new], "events afterwards")


_asked("A refused sign-in", AuthFailed)
_asked("A missing right", NotPermitted)
_asked("A used-up quota", RateLimited)
_asked("A server that is down", Transient)


@errors("A quota that says when to come back is told with that time")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    bench.refuse(RateLimited, bench.rig.asks)
    error = is_a(await bench.error_of(bench.source.changes(cursor)), RateLimited, "the error")
    if bench.rig.tells_when:
        expect(error.retry_at and error.retry_at > bench.clock.now(), f"retry_at is {error.retry_at}")
    expect(error.retry_at is None or error.retry_at.tzinfo, "retry_at has no zone")


@errors("A server that fails once, and a session that ended, are overcome unseen")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    new = bench.deliver(1)
    await bench.later()
    for wanted in (Transient, *([AuthFailed] if bench.rig.renews else [])):
        bench.refuse(wanted, bench.rig.asks, times=1)
        events, _cursor = await bench.news(cursor)
        has_all(seen(events), [new], f"events after one {wanted.__name__}")


@errors("HTML and cut JSON in answer to a question are BadReply or Transient")
async def _(bench: MailBench) -> None:
    cursor = await bench.source.baseline()
    bench.deliver(1)
    await bench.later()
    for trouble, more in (
        (Effect.HTML, {"status": 200}),
        (Effect.HTML, {"status": 502}),
        (Effect.TRUNCATED, {}),
        (Effect.LOST_REPLY, {}),
        (Effect.RESET, {}),
    ):
        bench.fault(trouble, bench.rig.asks, times=FOR_EVER, **more)
        is_a(await bench.error_of(bench.source.changes(cursor)), (BadReply, Transient), f"the error after {trouble}")
        bench.at_ease()


@errors("A failing listing raises, and never tells an empty page")
async def _(bench: MailBench) -> None:
    since = bench.clock.now()
    mail = bench.deliver(1)
    await bench.later()
    for wanted in (RateLimited, Transient, AuthFailed):
        bench.refuse(wanted, bench.rig.lists)
        same(type(await bench.error_of(bench.source.history(since, bench.clock.now(), None))), wanted, "the error")
        bench.at_ease()
        await bench.later(600)
    has_all(await bench.listed(since, bench.clock.now()), [mail], "the listing afterwards")


@errors("A mail that is refused for a quota is read in the end, or the fetch fails; it is never gone")
async def _(bench: MailBench) -> None:
    ids = bench.deliver_many(6)
    await bench.later()
    await bench.read(ids[0])
    bench.refuse(RateLimited, bench.rig.reads, times=3)
    await bench.read(*ids)
    bench.refuse(RateLimited, bench.rig.reads)
    is_a(await bench.error_of(bench.source.fetch(ids)), RateLimited, "the error of a fetch without quota")
    bench.at_ease()
    await bench.later(600)
    await bench.read(*ids)


@errors("A mail that a failing server cannot give now is neither gone nor unreadable")
async def _(bench: MailBench) -> None:
    ids = bench.deliver_many(3)
    await bench.later()
    await bench.read(ids[0])
    bench.refuse(Transient, bench.rig.reads, times=1)
    await bench.read(*ids)
    bench.refuse(Transient, bench.rig.reads)
    is_a(await bench.error_of(bench.source.fetch(ids)), Transient, "the error of a fetch while the server is down")


manners = MAIL.topic("Manners")
_SUBJECT = "Geheimes Angebot"


async def _story(bench: MailBench) -> list[object]:
    """A bit of everything, with and without trouble; the answers and errors, in order."""
    told: list[object] = []

    async def note(asked: object) -> None:
        try:
            told.append(await asked)  # type: ignore[misc]
        except ConnectorError as error:
            told.append(error)

    since = bench.clock.now()
    cursor = await bench.source.baseline()
    ids = [bench.deliver(n, Subject=_SUBJECT) for n in range(3)]
    await bench.later()
    await note(bench.source.changes(cursor))
    await note(bench.source.history(since, bench.clock.now(), None))
    await note(bench.source.fetch([*ids, "nonsense"]))
    for trouble in (Effect.HTML, Effect.TRUNCATED, Effect.STATUS):
        bench.fault(trouble, "*", times=FOR_EVER, status=500)
        await note(bench.source.fetch(ids))
        await note(bench.source.changes(cursor))
        bench.at_ease()
    bench.refuse(AuthFailed, "*")
    await note(bench.source.check())
    bench.at_ease()
    return told


@manners("No address, subject, text or secret is in a log line or an error")
async def _(bench: MailBench) -> None:
    told = await _story(bench)
    no_trace([_SUBJECT, "Text of mail", ANN, LI, *bench.rig.secrets], bench.log.lines, told)


@manners("A connector never waits by itself")
async def _(bench: MailBench) -> None:
    await _story(bench)
    same(bench.own_clock.slept, 0, "waits of its own")


@manners("The same questions make the same requests and answers")
async def _(bench: MailBench) -> None:
    first = [str(x) for x in await _story(bench)]
    async with bench.twin() as other:
        second = [str(x) for x in await _story(other)]
        for one, two in zip(first, second, strict=True):
            same(two, one, "an answer, told again")
        lines = [[(r.operation, r.path, r.status) for r in b.requests()] for b in (bench, other)]
        same(lines[1], lines[0], "the requests")
