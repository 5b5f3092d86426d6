"""Undo of what people have changed, deleted, merged or converted meanwhile: a person's work is never taken away.

One CRM by default, three with `TRADEPOST_PAIRS=all`.
"""

from __future__ import annotations

import pytest

from connectors.base.model import WriteKind
from sync.model import ItemState
from sync.undo import Stay, Way
from tests.cut.lives import THOROUGH
from tests.sweep.scenario import mail
from tests.undo.office import people, small, undo
from tradepost.sandbox.virtual import run

PAIRS = {"hubspot": "graph", "salesforce": "gmail", "zoho": "gmail"}
CHOSEN = tuple(PAIRS) if THOROUGH else ("hubspot",)


async def stranger_wrote(folder, target):
    """A stranger's mail made a lead, a log and a task; the company, the lead's record, and the runs of all that."""
    box = small(folder, PAIRS[target], target, new_sender="create")
    ann, _, _ = people(box)
    assert not await box.once()
    await box.clock.sleep(60)
    box.post(mail(10, box, "nina@fresh.example", [ann], "How much are lamps"))
    await box.settle()
    async with box.engine() as engine:
        items = await engine.store.report.items((ItemState.DONE,))
        runs = [one.run for one in await engine.store.undo.manifests() if one.kind == "run"]
    (record,) = [one.record for one in items if one.kind is WriteKind.CREATE_CUSTOMER]
    return box, record, runs


def adopt(box, target, record):
    """People make the record theirs: merged with a friend of theirs, or converted. What they work with from then on."""
    crm = box.company.crm
    match target:
        case "hubspot":
            return crm.merge_contacts(crm.add_contact("Nina Berg", "nina@berg.example"), record)
        case "salesforce":
            return crm.org.convert_lead(record).contact_id
        case _:
            return crm.org.convert_lead(record)["Contacts"]["id"]


def stands(box, target, record):
    """Whether a record is there for people to see."""
    crm = box.company.crm
    match target:
        case "hubspot":
            return record in {one.id for one in crm.portal.living("contacts")}
        case "salesforce":
            return not crm.org.record(record)["IsDeleted"]
        case _:
            return any(crm.org.state.live(module, record) for module in ("Leads", "Contacts"))


@pytest.mark.parametrize("known", [False, True] if THOROUGH else [False], ids=lambda one: "seen" if one else "unseen")
@pytest.mark.parametrize("target", CHOSEN)
def test_a_lead_that_people_have_made_theirs_stays_and_is_listed(tmp_path, target, known):
    async def main():
        box, record, runs = await stranger_wrote(tmp_path, target)
        theirs = adopt(box, target, record)
        if known:
            await box.clock.sleep(3600)
            await box.once()
        _, left = await undo(box, runs)
        (lead,) = [one for one in left if one.kind is WriteKind.CREATE_CUSTOMER]
        assert (lead.way, bool(lead.url)) == (Way.STAY, True)
        assert lead.why is (Stay.ADOPTED if known else Stay.CHANGED)
        assert stands(box, target, theirs)
        if target != "hubspot":
            assert stands(box, target, record)

    run(main())


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@pytest.mark.parametrize("target", CHOSEN)
def test_what_people_have_deleted_is_taken_back_and_nothing_else(tmp_path, target):
    async def main():
        box, record, runs = await stranger_wrote(tmp_path, target)
        crm = box.company.crm
        for task in crm.tasks():
            crm.delete_record(task.record)
        crm.delete_record(record)
        friend = crm.add_contact("Nina Berg", "nina@berg.example")
        standing, left = await undo(box, runs)
        assert (standing.open, stands(box, target, friend), stands(box, target, record)) == (0, True, False)
        assert {one.way for one in left if one.kind is not WriteKind.LOG_EMAIL} == {Way.DROP}
        assert not crm.tasks()

    run(main())
