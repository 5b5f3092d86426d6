"""Errors by class, and manners: no secrets, no contents, no waiting, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.base.model import Body, CreateCustomer, RecordRef, WriteKind
from tradepost.sandbox.kernel import Effect as Trouble
from tradepost.testing.bench import FOR_EVER
from tradepost.testing.crm_bench import CRM, LI, CrmBench, does, key
from tradepost.testing.discretion import no_trace
from tradepost.testing.expect import expect, has_all, is_a, same

errors = CRM.topic("Errors")


def _asked(name: str, wanted: type[ConnectorError]) -> None:
    @errors(f"{name} is {wanted.__name__}, with operation and hint")
    async def _(bench: CrmBench) -> None:
        bench.refuse(wanted, bench.rig.asks)
        error = await bench.error_of(bench.target.users())
        same(type(error), wanted, "the class of the error")
        # A token source does not know which call its token is for.
        expect(error.hint and (error.operation or wanted is AuthFailed), f"the error tells too little: {error}")
        bench.at_ease()
        await bench.later(3600)
        await bench.target.users()


_asked("A refused sign-in", AuthFailed)
_asked("A missing right", NotPermitted)
_asked("A used-up quota", RateLimited)
_asked("A server that is down", Transient)


@errors("A quota that says when to come back is told with that time")
async def _(bench: CrmBench) -> None:
    bench.refuse(RateLimited, bench.rig.asks)
    error = is_a(await bench.error_of(bench.target.users()), RateLimited, "the error")
    if bench.rig.tells_when:
        expect(error.retry_at and error.retry_at > bench.clock.now(), f"retry_at is {error.retry_at}")
    expect(error.retry_at is None or error.retry_at.tzinfo, "retry_at has no zone")


@errors("A failing feed raises, and never tells an empty page")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    for wanted in (RateLimited, Transient, AuthFailed):
        bench.refuse(wanted, "*")
        same(type(await bench.error_of(bench.target.customers(None))), wanted, "customers")
        same(type(await bench.error_of(bench.target.deals(None))), wanted, "deals")
        same(type(await bench.error_of(bench.target.find_customers([LI], []))), wanted, "find_customers")
        bench.at_ease()
        await bench.later(3600)
    rows, _cursor = await bench.all_of(bench.target.customers)
    has_all(rows, [contact.id], "customers afterwards")


@errors("A server that fails once, and a session that ended, are overcome unseen")
async def _(bench: CrmBench) -> None:
    user = str(bench.host.add_user("ann@ours.example", "Ann"))
    await bench.later()
    bench.refuse(Transient, bench.rig.asks, times=1)
    has_all([u.id for u in await bench.target.users()], [user], "users after a failure")
    if bench.rig.renews:
        bench.refuse(AuthFailed, bench.rig.asks, times=1)
        has_all([u.id for u in await bench.target.users()], [user], "users after the end of a session")


@errors("HTML and cut JSON in answer to a question are BadReply or Transient")
async def _(bench: CrmBench) -> None:
    bench.host.add_user("ann@ours.example", "Ann")
    await bench.later()
    for trouble, more in (
        (Trouble.HTML, {"status": 200}),
        (Trouble.HTML, {"status": 502}),
        (Trouble.TRUNCATED, {}),
        (Trouble.LOST_REPLY, {}),
        (Trouble.RESET, {}),
    ):
        bench.fault(trouble, bench.rig.asks, times=FOR_EVER, **more)
        is_a(await bench.error_of(bench.target.users()), (BadReply, Transient), f"the error after {trouble}")
        bench.at_ease()


@errors("A refused sign-in on a write is AuthFailed, and nothing is written", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    ready = await bench.ready(WriteKind.CREATE_TASK)
    bench.refuse(AuthFailed, bench.rig.calls[WriteKind.CREATE_TASK][0])
    same(type(await bench.only(ready.attempt)), AuthFailed, "the class of the answer")
    bench.at_ease()
    same(ready.shown(), 0, "shown")


manners = CRM.topic("Manners")
_SUBJECT, _TEXT, _STRANGER = "Geheimes Angebot", "Der Preis ist 4711", "omar.haddad@bazaar.example"


async def _story(bench: CrmBench) -> list[object]:
    """A bit of everything, with and without trouble; the answers and errors, in order."""
    told: list[object] = []

    async def note(asked: object) -> None:
        try:
            told.append(await asked)  # type: ignore[misc]
        except ConnectorError as error:
            told.append(error)

    contact = bench.contact()
    await bench.later()
    mail = bench.mail(1, contact, subject=_SUBJECT, body=Body(_TEXT, f"<p>{_TEXT}</p>"))
    await note(bench.target.customers(None))
    await note(bench.target.deals(None))
    await note(bench.target.find_customers([LI], ["acme.example"]))
    bench.fault(Trouble.LOST_REPLY, bench.rig.calls[WriteKind.LOG_EMAIL][0])
    at = bench.clock.now()
    told.append(await bench.only(mail))
    await bench.settle(WriteKind.LOG_EMAIL)
    await note(bench.find(replace(mail, first_sent_at=at)))
    told += await _refusals(bench, contact)
    for trouble in (Trouble.HTML, Trouble.TRUNCATED, Trouble.STATUS):
        bench.fault(trouble, "*", times=FOR_EVER, status=500)
        await note(bench.target.users())
        bench.at_ease()
    return told


async def _refusals(bench: CrmBench, contact: RecordRef) -> Sequence[object]:
    gone = bench.contact("Gone", "gone@acme.example")
    bench.host.delete_record(gone.id)
    await bench.later()
    answers = list(await bench.write(bench.mail(2, gone, subject=_SUBJECT, body=Body(_TEXT))))
    if bench.can(WriteKind.CREATE_TASK).exists:
        bench.refuse(RateLimited, bench.rig.calls[WriteKind.CREATE_TASK][0])
        answers += await bench.write(bench.task(3, contact, title=_SUBJECT, text=_TEXT))
        bench.at_ease()
        await bench.later(3600)
    if bench.can(WriteKind.CREATE_CUSTOMER).exists:
        stranger = CreateCustomer(key=key(4), email=_STRANGER, name="Omar Haddad", company_name="Bazaar")
        answers += await bench.write(replace(bench.mail(), write=stranger))
    return answers


@manners("No address, subject, text or secret is in a log line or an error")
async def _(bench: CrmBench) -> None:
    told = await _story(bench)
    no_trace([_SUBJECT, _TEXT, LI, _STRANGER, "Omar Haddad", *bench.rig.secrets], bench.log.lines, told)


@manners("A connector never waits by itself")
async def _(bench: CrmBench) -> None:
    await _story(bench)
    same(bench.own_clock.slept, 0, "waits of its own")


@manners("The same questions make the same requests and answers")
async def _(bench: CrmBench) -> None:
    first = [_plain(x) for x in await _story(bench)]
    async with bench.twin() as other:
        second = [_plain(x) for x in await _story(other)]
        for one, two in zip(first, second, strict=True):
            same(two, one, "an answer, told again")
        lines = [[(r.operation, r.path, r.status) for r in b.requests()] for b in (bench, other)]
        same(lines[1], lines[0], "the requests")


def _plain(value: object) -> str:
    return str(value) if isinstance(value, Exception) else repr(value)


@manners("A write for a record that is gone is told in one of the known ways", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    gone = bench.contact()
    bench.host.delete_record(gone.id)
    await bench.later()
    answer = is_a(await bench.only(bench.task(2, gone)), ConnectorError, "the answer")
    expect(not isinstance(answer, (OutcomeUnknown, Transient)), f"the answer asks for another try: {answer}")
    if isinstance(answer, Gone):
        expect(answer.hint, "the error has no hint")
