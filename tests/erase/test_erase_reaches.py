"""What an erasure reaches beside logged mail: tasks, leads that we made, further addresses of the same contact."""

from __future__ import annotations

from connectors.base.model import Customer, RecordKind, RecordRef
from mappings.model import Own
from sync.erase import Kept
from sync.undo import Way
from tests.erase.office import KEY, KLAUS, MAILBOXES, Box, company, erase, letter, places
from tradepost.sandbox.trade.build import person
from tradepost.sandbox.virtual import run

JIN = person("jin")["address"]
NOBODY = Own(frozenset(), frozenset())


def leads(box):
    return [row["Email"] for row in box.rows("SELECT Email FROM Lead")]


def test_tasks_and_leads_of_ours_go_and_the_crms_own_record_is_named(tmp_path):
    async def main():
        box = Box(tmp_path, company=company("gmail", "salesforce"), new_sender="create", mailboxes=MAILBOXES)
        await box.once()
        await box.clock.sleep(60)
        box.post(letter(box, 1, "jin", ["lily"]))
        box.post(letter(box, 2, "klaus", ["lily"]))
        box.post(letter(box, 3, "klaus", ["tom"], cc=["petra"]))
        await box.settle()
        await box.clock.sleep(4000)
        await box.settle()
        assert JIN in leads(box)
        klaus = box.company.book.contacts["klaus"]
        assert [t for t in box.company.crm.tasks() if klaus in t.records]

        left = await erase(box, JIN)
        assert JIN not in leads(box)
        assert [one.ref.kind for one in left.records] == []
        assert places(box, JIN, person("jin")["name"]) == {}

        left = await erase(box, KLAUS)
        assert [t for t in box.company.crm.tasks() if klaus in t.records] == []
        assert [one.why for one in left.items if one.way is Way.STAY] == [Kept.OTHERS]
        assert [one.ref.id for one in left.records] == [klaus]
        assert places(box, KLAUS, JIN, "Klaus Brandt") == {}

        # Nobody is reminded of somebody who was erased, and no thread lends the record that is left of him.
        tasks = len(box.company.crm.tasks())
        box.post(letter(box, 8, "klaus", ["tom"], cc=["petra"]))
        box.post(letter(box, 9, "chris", ["tom"], answers="<m3@mails.example>"))
        await box.settle()
        await box.clock.sleep(4000)
        await box.settle()
        shown = {m.subject: m.records for m in box.company.crm.mails()}
        assert klaus in shown["Position 3"]
        assert klaus not in {*shown["Position 8"], *shown["Position 9"]}
        assert [t.title for t in box.company.crm.tasks()[tasks:] if "Position 8" in t.title] == []

    run(main())


def test_further_addresses_go_unless_somebody_else_bears_them_or_they_are_ours(tmp_path):
    def contact(number, *emails):
        return Customer(ref=RecordRef(RecordKind.CONTACT, number), name=f"Person {number}", emails=emails)

    async def main():
        box = Box(tmp_path, company=company("gmail", "salesforce"), mailboxes=MAILBOXES)
        ann, home, desk, ours = "ann@a.example", "ann@home.example", "desk@a.example", "lily@minghui-lighting.example"
        own = Own(frozenset(), frozenset({"minghui-lighting.example"}))
        async with box.engine() as engine:
            rows = (contact("1", ann, home, desk, ours), contact("2", desk, "bo@a.example"))
            await engine.store.mirror.put_found("crm", rows)
            assert (await engine.store.erase.look(ann, own)).addresses == (ann, home)
            await engine.store.erase.begin(ann, own, box.clock.now(), KEY)
            while await engine.store.erase.advance(own, box.clock.now()):
                pass
            assert await engine.store.erase.finish(box.clock.now())
            await engine.store.mirror.put_found("crm", (contact("3", home, "new@a.example"),))
            # While the file is open its log would still tell.
            assert places(box, ann, home, "Person 1") == {}
            held = await engine.store.erase.look(home, own)
            assert {one.ref.id for one in held.records} == {"1", "3"}
        assert places(box, ann, home, "Person 1", "Person 3", "new@a.example") == {}
        assert places(box, desk, "bo@a.example", "Person 2")

    run(main())
