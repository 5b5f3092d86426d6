"""The copy of customers and deals: all of them once, then what changed."""

from __future__ import annotations

from connectors.base.errors import CursorExpired
from connectors.base.model import Customer, Deal, RecordKind, RecordRef
from tradepost.testing.bench import lacks_act
from tradepost.testing.crm_bench import CRM, LI, CrmBench
from tradepost.testing.expect import expect, has_all, is_a, same

mirror = CRM.topic("Customers")
LONGEST_CURSOR = 16_384


def _contacts(bench: CrmBench, first: int, count: int) -> list[str]:
    return [bench.contact(f"Person {n}", f"person{n}@acme.example").id for n in range(first, first + count)]


@mirror("Every customer is told, to the last page")
async def _(bench: CrmBench) -> None:
    ids = _contacts(bench, 0, bench.rig.page * 2 + 1)  # all within one second: a page may end between equals
    await bench.later()
    rows, cursor = await bench.all_of(bench.target.customers)
    has_all(rows, ids, "customers")
    expect(0 < len(cursor) <= LONGEST_CURSOR, f"the cursor has {len(cursor)} characters")


@mirror("A contact is told with name, lower-case address, company, owner and link")
async def _(bench: CrmBench) -> None:
    owner = str(bench.host.add_user("ann@ours.example", "Ann"))
    company = str(bench.host.add_company("Acme 灯饰", "acme.example"))
    contact = bench.contact("李伟", "Li.Wei@Acme.example", company=company, owner=owner)
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers)
    row = rows[contact.id]
    same(row.ref, contact, "the reference")
    same(row.emails, ("li.wei@acme.example",), "the addresses")
    same(row.company, RecordRef(RecordKind.COMPANY, company), "the company")
    same(row.owner, owner, "the owner")
    expect("李伟" in row.name, f"the name is {row.name!r}")
    expect(row.url.startswith("https://"), "there is no link for a person")


@mirror("A company is told with its domain")
async def _(bench: CrmBench) -> None:
    company = str(bench.host.add_company("Acme", "acme.example"))
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers)
    same((rows[company].ref.kind, rows[company].domains), (RecordKind.COMPANY, ("acme.example",)), "kind and domains")


@mirror("A lead is told with its address")
async def _(bench: CrmBench) -> None:
    lead = str(bench.host.add_lead("Omar", "Bazaar", "omar@bazaar.example"))
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers)
    same(rows[lead].emails, ("omar@bazaar.example",), "the addresses")


@mirror("An address that is not the first is told as well", lacks_act("add_address"))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    bench.rig.add_address(contact.id, "Wei@Private.example")
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers)
    has_all(rows[contact.id].emails, [LI, "wei@private.example"], "addresses")


@mirror("A new customer is told as a change")
async def _(bench: CrmBench) -> None:
    _contacts(bench, 0, 2)
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    new = bench.contact().id
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, [new], "changes")


@mirror("A customer who got another address is told as it is now", lacks_act("add_address"))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    bench.rig.add_address(contact.id, "wei@private.example")
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, [contact.id], "changes")
    has_all(rows[contact.id].emails, [LI, "wei@private.example"], "addresses")


@mirror("Changes are told to the last page")
async def _(bench: CrmBench) -> None:
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    ids = _contacts(bench, 0, bench.rig.page * 2 + 1)
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, ids, "changes")


@mirror("A customer who is added while the pages are read is not lost")
async def _(bench: CrmBench) -> None:
    ids = _contacts(bench, 0, bench.rig.page + 1)
    await bench.later()
    page = await bench.target.customers(None)
    told = [row.ref.id for row in page.rows]
    new = bench.contact().id
    await bench.later()
    rows, cursor = await bench.all_of(bench.target.customers, page.cursor)
    changes, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all([*told, *rows, *changes], [*ids, new], "customers")


@mirror("A page without news keeps its place")
async def _(bench: CrmBench) -> None:
    _contacts(bench, 0, 2)
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    for _ in range(3):
        await bench.later(3600)  # longer than any overlap of rounds
        _rows, cursor = await bench.all_of(bench.target.customers, cursor)
    new = bench.contact().id
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, [new], "changes")


@mirror("The same cursor, asked twice, tells at least the same")
async def _(bench: CrmBench) -> None:
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    ids = _contacts(bench, 0, 3)
    await bench.later()
    first, _cursor = await bench.all_of(bench.target.customers, cursor)
    second, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(first, ids, "changes")
    has_all(second, first, "changes, asked again")


@mirror("A cursor survives a restart")
async def _(bench: CrmBench) -> None:
    ids = _contacts(bench, 0, bench.rig.page + 1)
    await bench.later()
    page = await bench.target.customers(None)
    restarted = bench.connect()
    rows, cursor = await bench.all_of(restarted.customers, page.cursor)
    has_all([*(row.ref.id for row in page.rows), *rows], ids, "customers")
    new = bench.contact().id
    await bench.later()
    changes, _cursor = await bench.all_of(bench.connect().customers, cursor)
    has_all(changes, [new], "changes")


@mirror("A deleted customer is told as deleted")
async def _(bench: CrmBench) -> None:
    goes, stays = bench.contact(), bench.contact("Chen Yu", "chen@acme.example")
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    bench.host.delete_record(goes.id)
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, [goes.id], "changes")
    expect(rows[goes.id].deleted, "the deleted customer is not told as deleted")
    expect(stays.id not in rows or not rows[stays.id].deleted, "a living customer is told as deleted")


async def _merged(bench: CrmBench) -> tuple[list[Customer | None], str]:
    """What is told of those that a merge took away, and the id of the one that stays."""
    both = bench.contact().id, bench.contact("Wei Li", "wei@acme.example").id
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    survivor = str(bench.host.merge_contacts(*both))
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    expect(survivor not in rows or not rows[survivor].deleted, "the one that stays is told as deleted")
    return [rows.get(old) for old in both if old != survivor], survivor


@mirror("A merged customer matches nobody any more", lacks_act("merge_contacts"))
async def _(bench: CrmBench) -> None:
    gone, _survivor = await _merged(bench)
    for row in gone:
        expect(row and (row.deleted or row.merged_into), f"a merged customer is told as {row}")


@mirror("A merged customer names the one it became", lacks_act("merge_contacts", "merges_told"))
async def _(bench: CrmBench) -> None:
    gone, survivor = await _merged(bench)
    for row in gone:
        same(row and row.merged_into, RecordRef(RecordKind.CONTACT, survivor), "the winner")


@mirror("A converted lead names the contact it became", lacks_act("convert_lead"))
async def _(bench: CrmBench) -> None:
    lead = str(bench.host.add_lead("Omar", "Bazaar", "omar@bazaar.example"))
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    contact = bench.rig.convert_lead(lead)
    await bench.later()
    rows, _cursor = await bench.all_of(bench.target.customers, cursor)
    has_all(rows, [lead, contact], "changes")
    same(rows[lead].merged_into, RecordRef(RecordKind.CONTACT, contact), "what the lead became")


@mirror("A position that is too old is told as expired", lacks_act("expire_cursors"))
async def _(bench: CrmBench) -> None:
    ids = _contacts(bench, 0, 2)
    await bench.later()
    _rows, cursor = await bench.all_of(bench.target.customers)
    await bench.rig.expire_cursors()
    is_a(await bench.error_of(bench.target.customers(cursor)), CursorExpired, "the answer to an old cursor")
    rows, _cursor = await bench.all_of(bench.target.customers)
    has_all(rows, ids, "customers, listed again")


@mirror("A text that is no cursor is told as expired")
async def _(bench: CrmBench) -> None:
    for text in ("", "nonsense", '{"v": 99}'):
        is_a(await bench.error_of(bench.target.customers(text)), CursorExpired, f"the answer to {text!r}")


deals = CRM.topic("Deals")


async def _deals(bench: CrmBench, cursor: str | None = None) -> tuple[dict[str, Deal], str]:
    return await bench.all_of(bench.target.deals, cursor)


@deals("Every open deal is told, to the last page")
async def _(bench: CrmBench) -> None:
    company = bench.host.add_company("Acme", "acme.example")
    stage = bench.host.stages.open
    many = bench.rig.page * 2 + 1
    ids = [str(bench.host.add_deal(f"Lamps {n}", company=company, stage=stage)) for n in range(many)]
    await bench.later()
    rows, _cursor = await _deals(bench)
    has_all(rows, ids, "deals")


@deals("A deal is told with stage, company, contacts and owner")
async def _(bench: CrmBench) -> None:
    owner = str(bench.host.add_user("ann@ours.example", "Ann"))
    company = str(bench.host.add_company("Acme", "acme.example"))
    contact = bench.contact(company=company)
    stage = bench.host.stages.open
    deal = str(bench.host.add_deal("Lamps 灯", company=company, contact=contact.id, stage=stage, owner=owner))
    await bench.later()
    rows, _cursor = await _deals(bench)
    row = rows[deal]
    same((row.stage, row.pipeline, row.closed), (stage, bench.pipeline(), False), "stage, pipeline, closed")
    same(row.company, RecordRef(RecordKind.COMPANY, company), "the company")
    has_all(row.contacts, [contact], "contacts")
    same(row.owner, owner, "the owner")
    expect("灯" in row.name, f"the name is {row.name!r}")


@deals("A deal that a person moved is told with its stage")
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    await bench.later()
    _rows, cursor = await _deals(bench)
    bench.host.move_deal(deal, bench.host.stages.quoted)
    await bench.later()
    rows, _cursor = await _deals(bench, cursor)
    has_all(rows, [deal], "changes")
    same((rows[deal].stage, rows[deal].closed), (bench.host.stages.quoted, False), "stage and closed")


@deals("A won deal is told as closed and won, a lost one as closed")
async def _(bench: CrmBench) -> None:
    won, lost = bench.deal(), bench.deal()
    await bench.later()
    _rows, cursor = await _deals(bench)
    bench.host.move_deal(won, bench.host.stages.won)
    bench.host.move_deal(lost, bench.host.stages.lost)
    await bench.later()
    rows, _cursor = await _deals(bench, cursor)
    has_all(rows, [won, lost], "changes")
    same((rows[won].closed, rows[won].won), (True, True), "closed and won of the won deal")
    same((rows[lost].closed, rows[lost].won), (True, False), "closed and won of the lost deal")


@deals("A deleted deal is told as deleted")
async def _(bench: CrmBench) -> None:
    deal = bench.deal()
    await bench.later()
    _rows, cursor = await _deals(bench)
    bench.host.delete_record(deal)
    await bench.later()
    rows, _cursor = await _deals(bench, cursor)
    has_all(rows, [deal], "changes")
    expect(rows[deal].deleted, "the deleted deal is not told as deleted")


@deals("A feed of deals without news keeps its place, and survives a restart")
async def _(bench: CrmBench) -> None:
    bench.deal()
    await bench.later()
    _rows, cursor = await _deals(bench)
    for _ in range(3):
        await bench.later(3600)  # longer than any overlap of rounds
        _rows, cursor = await _deals(bench, cursor)
    new = bench.deal()
    await bench.later()
    rows, _cursor = await bench.all_of(bench.connect().deals, cursor)
    again, _cursor = await _deals(bench, cursor)
    has_all(rows, [new], "changes")
    has_all(again, [new], "changes, asked again")


finding = CRM.topic("Finding customers")


def _living(rows: object) -> list[str]:
    return [c.ref.id for c in rows if not c.deleted and c.merged_into is None]  # type: ignore[attr-defined]


@finding("A customer whom the mirror has not told yet is found by address")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    found = await bench.target.find_customers([LI], [])
    same(_living(found), [contact.id], "customers found")
    has_all(found[0].emails, [LI], "addresses")


@finding("An address that is not the first still finds its customer", lacks_act("add_address"))
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    bench.rig.add_address(contact.id, "wei@private.example")
    await bench.later()
    same(_living(await bench.target.find_customers(["wei@private.example"], [])), [contact.id], "customers found")


@finding("A lead is found by address")
async def _(bench: CrmBench) -> None:
    lead = str(bench.host.add_lead("Omar", "Bazaar", "omar@bazaar.example"))
    await bench.later()
    has_all(_living(await bench.target.find_customers(["omar@bazaar.example"], [])), [lead], "customers found")


@finding("A company is found by its domain")
async def _(bench: CrmBench) -> None:
    company = str(bench.host.add_company("Acme", "acme.example"))
    bench.host.add_company("Other", "other.example")
    await bench.later()
    found = await bench.target.find_customers([], ["acme.example"])
    same(_living(found), [company], "companies found")
    has_all(found[0].domains, ["acme.example"], "domains")


@finding("A similar address or domain is another one")
async def _(bench: CrmBench) -> None:
    ali = bench.contact("Ali", "ali@acme.example")
    bench.contact("Li", "li@acme.example.test")
    bench.host.add_company("Superacme", "superacme.example")
    await bench.later()
    same(_living(await bench.target.find_customers([LI], ["acme.example"])), [], "customers found")
    same(_living(await bench.target.find_customers(["ali@acme.example"], [])), [ali.id], "Ali, found")


@finding("Many addresses are one question")
async def _(bench: CrmBench) -> None:
    ids = _contacts(bench, 0, 30)
    await bench.later()
    asked = [f"person{n}@acme.example" for n in range(-60, 90)]
    found = await bench.target.find_customers(asked, [])
    same(sorted(_living(found)), sorted(ids), "customers found")


@finding("A deleted customer is found no more")
async def _(bench: CrmBench) -> None:
    contact = bench.contact()
    await bench.later()
    same(_living(await bench.target.find_customers([LI], [])), [contact.id], "customers found before")
    bench.host.delete_record(contact.id)
    await bench.later()
    same(_living(await bench.target.find_customers([LI], [])), [], "customers found")
