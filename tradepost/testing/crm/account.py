"""Who we are, what can be done here, and who works there."""

from __future__ import annotations

from connectors.base.errors import Rejected, Unsupported
from connectors.base.model import Lookup, Severity, WriteKind
from tradepost.testing.bench import lacks_act
from tradepost.testing.crm_bench import CRM, CrmBench, does
from tradepost.testing.expect import expect, has_all, is_a, same
from tradepost.testing.suite import Skip

account = CRM.topic("Account")


@account("The account's id stays the same, also for a new connection")
async def _(bench: CrmBench) -> None:
    expect(bench.account.account_id, "the account has no id")
    again = await bench.target.check()
    other = await bench.connect().check()
    same(again.account_id, bench.account.account_id, "the id, asked again")
    same(other.account_id, bench.account.account_id, "the id for a new connection")


@account("What each kind of write can do is declared, in sense, and alike every time")
async def _(bench: CrmBench) -> None:
    declared = bench.account.capabilities
    has_all(declared, [WriteKind.LOG_EMAIL], "kinds of write")
    for kind, can in declared.items():
        expect(isinstance(kind, WriteKind), f"{kind} is no kind of write")
        expect(can.batch >= 1 and can.settles_after >= 0 and can.max_text >= 1, f"{kind}: {can} makes no sense")
        # Only a new record can be doubled; a key without a look-up could never be told as existing.
        fits = not can.exists or not can.unique_key or can.lookup is not Lookup.NONE
        expect(fits, f"{kind} has a unique key and no look-up")
    same(dict((await bench.target.check()).capabilities), dict(declared), "the capabilities, asked again")


@account("An account that is set up has no problems, and asking writes nothing", lacks_act("full_set_up"))
async def _(bench: CrmBench) -> None:
    errors = [p.what for p in bench.account.problems if p.severity is Severity.ERROR]
    same(errors, [], "problems")
    since = bench.mark()
    await bench.target.check()
    same([r.operation for r in bench.writes(since)], [], "writes")


@account("Stages are told by the ids that deals carry, with closed and won ones marked")
async def _(bench: CrmBench) -> None:
    told = {s.id: s for p in bench.account.pipelines for s in p.stages}
    stages = bench.host.stages
    has_all(told, [stages.open, stages.quoted, stages.won, stages.lost], "stages")
    marked = [(told[s].closed, told[s].won) for s in (stages.open, stages.won, stages.lost)]
    same(marked, [(False, False), (True, True), (True, False)], "closed and won of the stages open, won and lost")
    order = [s.order for p in bench.account.pipelines for s in p.stages if s.id in (stages.open, stages.quoted)]
    expect(order[0] < order[1], "the stages are not in their order")


@account("A kind of write that is not declared is refused without a call")
async def _(bench: CrmBench) -> None:
    missing = [k for k in WriteKind if not bench.can(k).exists]
    if not missing:
        raise Skip("every kind of write is declared")
    for kind in missing:
        if kind is WriteKind.COMPLETE_TASK and not bench.can(WriteKind.CREATE_TASK).exists:
            continue
        attempt = (await bench.ready(kind)).attempt
        since = bench.mark()
        is_a(await bench.only(attempt), (Unsupported, Rejected), f"the answer to {kind}")
        same([r.operation for r in bench.writes(since)], [], "writes")


@account("The share of calls in use lies between 0 and 1")
async def _(bench: CrmBench) -> None:
    await bench.target.users()
    expect(0.0 <= bench.target.usage <= 1.0, f"usage is {bench.target.usage}")


@account("Nothing asked sends nothing")
async def _(bench: CrmBench) -> None:
    since = bench.mark()
    same(tuple(await bench.target.write_many(())), (), "answers")
    same(tuple(await bench.target.find_written(())), (), "findings")
    same(tuple(await bench.target.find_customers((), ())), (), "customers")
    same([r.operation for r in bench.requests(since)], [], "requests")


@account("A connection may be closed twice, and before it was used")
async def _(bench: CrmBench) -> None:
    await bench.connect().close()
    target = bench.connect()
    await target.users()
    await target.close()
    await target.close()


users = CRM.topic("Users")


@users("Every user is told, to the last page, with lower-case addresses")
async def _(bench: CrmBench) -> None:
    many = bench.rig.user_page * 2 + 1
    ids = [str(bench.host.add_user(f"Rep{n}@Ours.example", f"Rep {n}")) for n in range(many)]
    await bench.later()
    told = {u.id: u for u in await bench.target.users()}
    has_all(told, ids, "users")
    same(told[ids[-1]].emails[:1], (f"rep{many - 1}@ours.example",), "the last user's address")
    expect(told[ids[0]].active, "a working user is told as inactive")


@users("A user who has left is told as inactive", lacks_act("retire_user"))
async def _(bench: CrmBench) -> None:
    stays, leaves = (str(bench.host.add_user(f"{n}@ours.example", n)) for n in ("ann", "bob"))
    bench.rig.retire_user(leaves)
    await bench.later()
    told = {u.id: u.active for u in await bench.target.users()}
    expect(told.get(stays) is True, "a working user is not told as active")
    expect(told.get(leaves) is not True, "a user who has left is told as active")


@users("A task belongs to the user it is for", does(WriteKind.CREATE_TASK), lacks_act("owner"))
async def _(bench: CrmBench) -> None:
    user = str(bench.host.add_user("ann@ours.example", "Ann"))
    contact = bench.contact()
    await bench.later()
    receipt = await bench.done(bench.task(2, contact, owner=user))
    same(bench.rig.owner(receipt.record), user, "the task's owner")
