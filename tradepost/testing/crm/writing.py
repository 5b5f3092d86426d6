"""Writes as they should go: each once, as it was meant, and never over a person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from connectors.base.errors import Conflict, ConnectorError, Gone, Rejected
from connectors.base.model import (
    Address,
    Attempt,
    Body,
    CompleteTask,
    CreateCustomer,
    Effect,
    LinkEmail,
    Participant,
    Receipt,
    Remove,
    Role,
    SetFields,
    WriteKind,
)
from tradepost.sandbox.kernel import Effect as Trouble
from tradepost.testing.bench import lacks_act
from tradepost.testing.crm_bench import (
    CREATING,
    CRM,
    DOING,
    LI,
    SENT_AT,
    CrmBench,
    batches,
    does,
    key,
    keyed,
    spans,
    unique,
)
from tradepost.testing.expect import expect, has_all, has_none, is_a, same

every = CRM.topic("Writing")


def _once(kind: WriteKind) -> None:
    doing = DOING[kind]

    @every(f"{doing.capitalize()} shows once at the vendor, and the receipt names its key and record", does(kind))
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(kind)
        same(ready.shown(), 0, "shown before")
        receipt = await bench.done(ready.attempt)
        same(ready.shown(), 1, "shown after")
        same(receipt.key, ready.attempt.write.key, "the receipt's key")
        expect(receipt.record, "the receipt names no record")
        wanted = Effect.CREATED if kind in CREATING else Effect.CHANGED
        same(receipt.effect, wanted, "the effect")


def _again(kind: WriteKind) -> None:
    doing = DOING[kind]
    needs = (does(kind), keyed(kind)) if kind in CREATING else (does(kind),)

    @every(f"{doing.capitalize()} a second time with its key changes nothing and is no error", *needs)
    async def _(bench: CrmBench) -> None:
        ready = await bench.ready(kind)
        first = await bench.done(ready.attempt)
        second = is_a(await bench.only(ready.attempt), Receipt, "the second answer")
        same(ready.shown(), 1, "shown")
        wanted = (Effect.EXISTING,) if kind in CREATING else (Effect.EXISTING, Effect.UNCHANGED)
        expect(second.effect in wanted, f"the second effect is {second.effect}")
        same(second.record, first.record, "the record of the second receipt")


for _kind in WriteKind:
    _once(_kind)
for _kind in WriteKind:
    _again(_kind)


@every("Answers come in the order of the writes", batches(WriteKind.LOG_EMAIL))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    attempts = [bench.mail(n, contact) for n in (30, 35, 31, 34, 32)]
    answers = await bench.write(*attempts)
    await bench.later()
    shown = {m.record: m.subject for m in bench.host.mails()}
    for attempt, answer in zip(attempts, answers, strict=True):
        receipt = is_a(answer, Receipt, "an answer")
        same(receipt.key, attempt.write.key, "the key of a receipt")
        same(shown.get(receipt.record), attempt.write.subject, "the mail behind a receipt")  # type: ignore[union-attr]


@every("A full batch is taken", batches(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    count = bench.can(WriteKind.CREATE_TASK).batch
    answers = await bench.write(*(bench.task(100 + n, contact) for n in range(count)))
    for answer in answers:
        is_a(answer, Receipt, "an answer")
    expect(unique([a.record for a in answers if isinstance(a, Receipt)]), "two writes have one record")
    same(len(bench.host.tasks()), count, "tasks")


@every("A bad write among good ones spoils only itself", batches(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    contact, gone = bench.contact(), bench.contact("Gone", "gone@acme.example")
    await bench.later()
    bench.host.delete_record(gone.id)
    await bench.later()
    attempts = [bench.task(40, contact), bench.task(41, gone), bench.task(42, contact)]
    answers = await bench.write(*attempts)
    await bench.later()
    for n in (0, 2):
        receipt = is_a(answers[n], Receipt, "the answer to a good write")
        same(receipt.key, attempts[n].write.key, "its key")
    is_a(answers[1], ConnectorError, "the answer to the bad write")
    same([len(bench.tasks(f"Answer Li {n}")) for n in (40, 42)], [1, 1], "good tasks")


mails = CRM.topic("Mails")


@mails("A mail keeps its date, direction, sender and subject")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    await bench.done(bench.mail(1, contact))
    (shown,) = bench.mails("Quotation 1 报价单")
    expect(abs(shown.sent_at - SENT_AT) < timedelta(seconds=1), f"the date is {shown.sent_at.isoformat()}")
    same((shown.incoming, shown.sender), (True, LI), "direction and sender")
    has_all(shown.records, [contact.id], "records")


@mails("An outgoing mail is told as outgoing")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    people = (Participant(contact, Role.TO, LI),)
    ours, theirs = Address("sales@ours.example", "Sales"), (Address(LI, "Li Wei"),)
    sent = {"subject": "Our offer", "incoming": False, "from_": ours, "to": theirs}
    await bench.done(bench.mail(1, participants=people, **sent))
    (shown,) = bench.mails("Our offer")
    same((shown.incoming, shown.sender), (False, "sales@ours.example"), "direction and sender")
    has_all(shown.records, [contact.id], "records")


@mails("A mail hangs on its deal as well")
async def _(bench: CrmBench) -> None:
    deal, contact = bench.deal(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    await bench.done(bench.mail(1, contact, deal=deal))
    same([m.deal for m in bench.mails("Quotation 1 报价单")], [deal], "the deal")


@mails("One mail is shown on all of its records", spans(WriteKind.LOG_EMAIL))
async def _(bench: CrmBench) -> None:
    contacts = [bench.contact(f"Person {n}", f"copy{n}@acme.example" if n else LI) for n in range(3)]
    await bench.later()
    await bench.done(bench.mail(1, *contacts))
    (shown,) = bench.mails("Quotation 1 报价单")
    has_all(shown.records, [c.id for c in contacts], "records")


@mails("Chinese, Arabic, emoji and control characters arrive, or at least do not stop a mail")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    subjects = ["回复：报价单（第二版）", "عرض سعر للمصابيح", "Lamps 💡 à Zürich"]
    for n, subject in enumerate(subjects):
        await bench.done(bench.mail(n + 1, contact, subject=subject))
        same(len(bench.mails(subject)), 1, f"mails with the subject {subject}")
    odd = bench.mail(9, contact, subject="odd \x00\x0b\ud83d subject", body=Body("odd \x00\x1f\udc00 text"))
    is_a(await bench.only(odd), Receipt, "the answer to control characters and half a pair of surrogates")


@mails("A text as long as declared is taken")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    longest = bench.can(WriteKind.LOG_EMAIL).max_text
    for n, sign in enumerate(("a", "灯", "💡")):
        answer = await bench.only(bench.mail(n + 1, contact, body=Body(sign * longest)))
        is_a(answer, Receipt, f"the answer to {longest} times {sign}")
        await bench.later()
        same(len(bench.mails(f"Quotation {n + 1} 报价单")), 1, f"mails with {longest} times {sign}")


@mails("A long subject, many recipients and odd addresses do not stop a mail")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    crowd = tuple(Address(f"reader{n}@list.example", f"Reader {n}") for n in range(400))
    odd = (
        bench.mail(1, contact, subject="Re: " * 1500),
        bench.mail(2, contact, to=crowd),
        bench.mail(3, contact, to=(Address("", "Undisclosed recipients"), Address("no address at all", "?"))),
        bench.mail(4, contact, from_=Address("", "Nobody")),
        bench.mail(5, contact, message_id="x" * 2000 + "@acme.example"),
        bench.mail(6, contact, message_id="", subject="", body=None),
    )
    for count, attempt in enumerate(odd, 1):
        is_a(await bench.only(attempt), Receipt, f"the answer to mail {count}")
        await bench.later()
        same(len([m for m in bench.host.mails() if m.by_us]), count, "mails")


@mails("A link moves a mail to its deal", does(WriteKind.LINK_EMAIL))
async def _(bench: CrmBench) -> None:
    deal, contact = bench.deal(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    logged = await bench.done(bench.mail(1, contact))
    link = LinkEmail(key=key(2), mail="identity1", logged_key=key(1), deal=deal, logged=logged.record)
    await bench.done(Attempt(link))
    has_all([m.deal for m in bench.mails("Quotation 1 报价单")], [deal], "deals")


@mails("A link to a mail that a person deleted is Gone", does(WriteKind.LINK_EMAIL))
async def _(bench: CrmBench) -> None:
    first, second = bench.contact(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    logged = await bench.done(bench.mail(1, first))
    bench.host.delete_record(logged.record)
    await bench.later()
    person = Participant(second, Role.CC, "chen@acme.example")
    link = LinkEmail(key=key(2), mail="identity1", logged_key=key(1), participants=(person,), logged=logged.record)
    is_a(await bench.only(Attempt(link)), Gone, "the answer")


@mails("What a person logged is not removed", does(WriteKind.REMOVE), lacks_act("log_by_hand"))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    theirs = bench.rig.log_by_hand("By hand", contact.id)
    await bench.later()
    is_a(
        await bench.only(Attempt(Remove(key=key(2), made_by=WriteKind.LOG_EMAIL, record=theirs))),
        ConnectorError,
        "the answer",
    )
    has_all([m.record for m in bench.host.mails()], [theirs], "mails")


tasks = CRM.topic("Tasks")


@tasks("A task is open, and hangs on its record and deal", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    deal, contact = bench.deal(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    await bench.done(bench.task(2, contact, deal=deal, title="回复李伟", urgent=True))
    (shown,) = bench.tasks("回复李伟")
    same((shown.closed, shown.deal), (False, deal), "closed and deal")
    has_all(shown.records, [contact.id], "records")


@tasks("Completing respects a person who was first", does(WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    made = await bench.done(bench.task(2, contact))
    bench.host.close_task(made.record)
    await bench.later()
    since = bench.mark()
    answer = is_a(await bench.only(Attempt(CompleteTask(key=key(3), task_key=key(2), task=made.record))), Receipt, "")
    same(answer.effect, Effect.UNCHANGED, "the effect")
    same([r.operation for r in bench.writes(since)], [], "writes")


@tasks("Completing a task that a person deleted is Gone", does(WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    made = await bench.done(bench.task(2, contact))
    bench.host.delete_record(made.record)
    await bench.later()
    answer = await bench.only(Attempt(CompleteTask(key=key(3), task_key=key(2), task=made.record)))
    is_a(answer, Gone, "the answer")
    same(bench.tasks("Answer Li 2"), [], "tasks")


moves = CRM.topic("Moving deals")


@moves("A deal moves from the stage we expect to the next, once", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    await bench.later()
    await bench.done(bench.move(deal))
    shown, stages = bench.host.deal(deal), bench.host.stages
    same(shown.stage, stages.quoted, "the stage")
    same([stage for stage, by_us in shown.moves if by_us], [stages.quoted], "our moves")


@moves("Where a person moved the deal first, the person wins", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal, stages = bench.deal(), bench.host.stages
    bench.host.move_deal(deal, stages.lost)
    await bench.later()
    since = bench.mark()
    is_a(await bench.only(bench.move(deal)), Conflict, "the answer")
    same(bench.host.deal(deal).stage, stages.lost, "the stage")
    same([r.operation for r in bench.writes(since)], [], "writes")


@moves("Where a person moves the deal in the same moment, the person wins", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal, stages = bench.deal(), bench.host.stages
    await bench.later()
    bench.fault(Trouble.SLOW, "*", seconds=10.0)  # the target's first look at the deal takes its time
    moving = asyncio.ensure_future(bench.only(bench.move(deal)))
    await bench.later(5)
    bench.host.move_deal(deal, stages.lost)
    answer = await moving
    await bench.later()
    same(bench.host.deal(deal).stage, stages.lost, "the stage")
    if isinstance(answer, Receipt):
        told = answer.effect is not Effect.UNCHANGED or answer.note
        expect(told, "a deal that stands elsewhere is told as unchanged, without a note")


@moves("A deal that stands there already needs no move", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    bench.host.move_deal(deal, bench.host.stages.quoted)
    await bench.later()
    since = bench.mark()
    answer = is_a(await bench.only(bench.move(deal)), Receipt, "the answer")
    same(answer.effect, Effect.UNCHANGED, "the effect")
    same([r.operation for r in bench.writes(since)], [], "writes")


@moves("A stage is meant by its id: its label is no stage", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    ids = [s.id for p in bench.account.pipelines for s in p.stages]
    labels = [s.label for p in bench.account.pipelines for s in p.stages if s.label not in ids]
    await bench.later()
    for stage in [*labels[:1], "No such stage"]:
        is_a(await bench.only(bench.move(deal, to_stage=stage)), Rejected, f"the answer to {stage}")
    same(bench.host.deal(deal).stage, bench.host.stages.open, "the stage")


@moves("A deal that a person deleted is Gone", does(WriteKind.MOVE_DEAL))
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    bench.host.delete_record(deal)
    await bench.later()
    is_a(await bench.only(bench.move(deal)), Gone, "the answer")


fields = CRM.topic("Fields and strangers")


def _fill(bench: CrmBench, contact: object, value: str, *, only_if_empty: bool) -> Attempt:
    pair = ((bench.rig.field, value),)
    return Attempt(SetFields(key=key(4), record=contact, fields=pair, only_if_empty=only_if_empty))  # type: ignore[arg-type]


@fields("A field that a person has filled stays as it is", does(WriteKind.SET_FIELDS))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    bench.rig.put_value(contact.id, bench.rig.field, "Owner")
    await bench.later()
    answer = is_a(await bench.only(_fill(bench, contact, "Buyer", only_if_empty=True)), Receipt, "the answer")
    same((answer.effect, bench.rig.value(contact.id, bench.rig.field)), (Effect.UNCHANGED, "Owner"), "effect and value")


@fields("A field is overwritten where that is asked for", does(WriteKind.SET_FIELDS))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    bench.rig.put_value(contact.id, bench.rig.field, "Owner")
    await bench.later()
    answer = is_a(await bench.only(_fill(bench, contact, "Buyer", only_if_empty=False)), Receipt, "the answer")
    same((answer.effect, bench.rig.value(contact.id, bench.rig.field)), (Effect.CHANGED, "Buyer"), "effect and value")


@fields("A stranger who is known by then is not made again", does(WriteKind.CREATE_CUSTOMER))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    write = CreateCustomer(key=key(5), email=LI, name="Li Wei", company_name="Acme")
    answer = is_a(await bench.only(Attempt(write)), Receipt, "the answer")
    same((answer.effect, answer.record), (Effect.EXISTING, contact.id), "effect and record")
    same(list(bench.rig.bearers(LI)), [contact.id], "who bears the address")


@fields("A stranger without a name becomes a customer, too", does(WriteKind.CREATE_CUSTOMER))
async def _(bench: CrmBench) -> None:
    await bench.later()
    for n, (email, name, company) in enumerate(
        (("info@nameless.example", "", ""), ("wang@lamp.example", "王小明", "灯饰有限公司"))
    ):
        write = CreateCustomer(key=key(50 + n), email=email, name=name, company_name=company)
        receipt = await bench.done(Attempt(write))
        same(list(bench.rig.bearers(email)), [receipt.record], "who bears the address")


@fields("Different writes of one kind are different records", does(WriteKind.CREATE_TASK))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    twins = [bench.task(60, contact, title="Twin"), bench.task(61, contact, title="Twin")]
    receipts = [await bench.done(t) for t in twins]
    expect(unique([r.record for r in receipts]), "two tasks with one title have one record")
    same(len(bench.tasks("Twin")), 2, "tasks")
    has_none([replace(r, key="").effect for r in receipts], [Effect.EXISTING], "the effect of a new task")
