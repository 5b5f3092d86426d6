"""Logging mails and tasks on the simulator, in each of its three modes: once in effect, found again, told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.base.errors import (
    AuthFailed,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.model import (
    Absent,
    Address,
    Body,
    CannotTell,
    Found,
    Partial,
    Participant,
    Receipt,
    RecordKind,
    RecordRef,
    Role,
)
from connectors.base.model import Effect as Done

MODES = ("a", "b", "c")
SETTLED = 600


# ------------------------------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_is_logged_on_all_its_records_with_its_own_date_sender_and_recipients(lab, mode):
    async def scenario(world):
        firm, li, deal = world.acme()
        owner = world.host.add_user("anna@ours.example", "Anna Ode")
        people = (lab.contact(li), lab.company(firm))
        write = world.mail(1, *people, deal=deal, owner=owner, cc=(Address("x@else.example", "陈小明"),))
        receipt = await world.only(write)
        (mail,) = world.mails()
        url = f"https://app.hubspot.com/contacts/7654321/record/0-49/{mail['id']}"
        assert receipt == Receipt(write.write.key, mail["id"], Done.CREATED, url, "")
        (seen,) = world.host.mails()
        assert (seen.sent_at, seen.sender, seen.incoming) == (lab.sent, "li@acme.example", True)
        assert (set(seen.records), seen.deal, seen.by_us) == ({li, firm}, deal, True)
        values = mail["values"]
        assert values["hs_email_subject"] == "Quotation 1 报价单"
        assert values["hs_email_text"] == "Please quote."
        assert values["hs_email_html"] == "<p>Please quote.</p>"
        assert values["hs_email_to_email"] == "sales@ours.example"
        assert values["hs_email_cc_email"] == "x@else.example"
        assert values["hubspot_owner_id"] == owner
        assert values.get("tradepost_key") == (None if mode == "c" else write.write.key)
        types = [
            t for kind in ("contacts", "companies", "deals") for t in world.portal.linked(mail["id"], kind).values()
        ]
        assert [198] in types
        assert [186] in types
        assert [210] in types

    lab(scenario, mode=mode)


def test_a_lead_is_linked_too_from_its_own_side(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        lead = world.portal.add_lead("Li (Acme)", li)
        person = Participant(RecordRef(RecordKind.LEAD, lead), Role.FROM, "li@acme.example")
        write = world.mail(1, lab.contact(li), person)
        receipt = await world.only(write)
        assert world.portal.linked(receipt.record, "leads")
        (found,) = await world.find(write)
        assert isinstance(found, Found)
        world.portal.dissociate(receipt.record, lead)
        assert await world.find(write) == (Partial(receipt.record, ("record",), ("linked",)),)

    for mode in MODES:
        lab(scenario, mode=mode)


def test_texts_are_cut_to_what_hubspot_takes_and_the_receipt_says_so(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        body = Body("长" * 70_000, "<p>" + "x" * 70_000 + "</p>")
        everyone = tuple(Address(f"person{n}@customer{n}.example", "Somebody") for n in range(1500))
        write = world.mail(1, lab.contact(li), body=body, subject="s\x00\ud800" * 70_000, bcc=everyone)
        receipt = await world.only(write)
        assert receipt.note == "subject_cut,text_cut,html_left_out,recipients_cut"
        (mail,) = world.mails()
        assert len(mail["values"]["hs_email_text"]) == 65_536
        assert mail["values"]["hs_email_text"].endswith("…")
        assert "hs_email_html" not in mail["values"] or not mail["values"]["hs_email_html"]

    lab(scenario)


def test_many_mails_go_in_few_calls_and_each_answer_is_its_own(lab):
    async def scenario(world):
        _, li, deal = world.acme()
        await world.target.check()
        world.world.requests.clear()
        writes = [world.mail(n, lab.contact(li), deal=deal) for n in range(1, 101)]
        receipts = await world.write(*writes)
        assert [r.key for r in receipts] == [w.write.key for w in writes]
        titles = {m["id"]: m["values"]["hs_email_subject"] for m in world.mails()}
        assert [titles[r.record] for r in receipts] == [w.write.subject for w in writes]
        assert world.calls("emails.batch.*", kind="write") == 1
        assert world.calls(kind="write") == 3

    lab(scenario)


def test_large_mails_are_spread_over_several_calls(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        body = Body("文" * 60_000, "")
        receipts = await world.write(*[world.mail(n, lab.contact(li), body=body) for n in range(1, 31)])
        assert len({r.record for r in receipts}) == 30
        assert world.calls("emails.batch.upsert") > 1

    lab(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_task_stands_on_its_record_and_deal_with_its_due_time_and_text(lab, mode):
    async def scenario(world):
        _, li, deal = world.acme()
        owner = world.host.add_user("anna@ours.example", "Anna Ode")
        write = world.task(1, record=RecordRef(RecordKind.CONTACT, li), deal=deal, owner=owner, urgent=True)
        receipt = await world.only(write)
        (task,) = world.tasks()
        values = task["values"]
        assert receipt.record == task["id"]
        assert values["hs_task_subject"] == "Answer Li"
        assert values["hs_task_body"].startswith("A quotation is asked for &lt;soon&gt;.")
        assert ("[tp:000000000001]" in values["hs_task_body"]) is (mode == "c")
        assert values["hs_timestamp"].startswith("2026-03-03T10:00:00")
        assert (values["hs_task_status"], values["hs_task_priority"]) == ("NOT_STARTED", "HIGH")
        assert values["hubspot_owner_id"] == owner
        (seen,) = world.host.tasks()
        assert (seen.records, seen.deal) == ((li,), deal)
        (found,) = await world.find(replace(write, first_sent_at=world.clock.now()))
        assert isinstance(found, Found)

    lab(scenario, mode=mode)


# ---------------------------------------------------------------------------------------------------- once, and found


def test_the_same_mail_again_is_existing_and_leaves_one(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        first = await world.only(world.mail(1, lab.contact(li)))
        again = await world.only(world.mail(1, lab.contact(li)))
        assert (again.record, again.effect) == (first.record, Done.EXISTING)
        assert len(world.mails()) == 1

    lab(scenario)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("effect", ["lost_reply", "reset_after", "truncated", "html", "status_after", "lost_request"])
def test_a_lost_answer_is_unknown_for_all_and_the_look_up_tells(lab, effect, mode):
    async def scenario(world):
        _, li, deal = world.acme()
        writes = [world.mail(n, lab.contact(li), deal=deal) for n in (1, 2)]
        await world.target.check()
        sent = world.clock.now()
        world.fault("emails.batch.*", effect, kind="write", status=502 if effect == "html" else 503)
        with pytest.raises(OutcomeUnknown):
            await world.write(*writes)
        assert world.calls("emails.batch.*", kind="write") == 1
        await world.later(SETTLED)
        writes = [replace(w, first_sent_at=sent) for w in writes]
        findings = await world.find(*writes)
        landed = effect not in {"lost_request", "html"}
        assert len(world.mails()) == (2 if landed else 0)
        if not landed:
            assert findings == (Absent(), Absent())
        elif mode == "a":  # the links come in a call of their own, which was never made
            assert all(isinstance(f, Partial) and f.done == ("record",) for f in findings)
        else:
            assert all(isinstance(f, Found) for f in findings)
        again = [_resumed(w, f) for w, f in zip(writes, findings, strict=True)]
        if not landed or mode == "a":
            assert all(isinstance(r, Receipt) for r in await world.write(*again))
        assert [(m.records, m.deal) for m in world.host.mails()] == [((li,), deal)] * 2
        assert all(isinstance(f, Found) and not f.extras for f in await world.find(*writes))

    lab(scenario, mode=mode)


def _resumed(attempt, finding):
    if isinstance(finding, Partial):
        return replace(attempt, record=finding.record, done_steps=finding.done)
    return attempt


@pytest.mark.parametrize("effect", ["lost_reply", "reset", "status", "status_after", "truncated", "html"])
def test_a_link_that_went_wrong_leaves_a_part_that_is_finished_and_not_made_again(lab, effect):
    async def scenario(world):
        _, li, deal = world.acme()
        write = world.mail(1, lab.contact(li), deal=deal)
        await world.target.check()
        world.fault("associations.batch.create", effect, nth=2, status=503 if effect != "html" else 502)
        with pytest.raises(OutcomeUnknown):
            await world.write(write)
        (found,) = await world.find(write)
        if effect in ("lost_reply", "status_after", "truncated"):
            assert isinstance(found, Found)
        else:
            assert found == Partial(world.mails()[0]["id"], ("record",), ("linked",))
            receipt = await world.only(_resumed(write, found))
            assert receipt.record == world.mails()[0]["id"]
        assert world.calls("emails.batch.upsert") == 1
        (seen,) = world.host.mails()
        assert (seen.records, seen.deal) == ((li,), deal)

    lab(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_a_late_commit_is_found_after_the_declared_settling_time(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        account = await world.target.check()
        sent = world.clock.now()
        world.fault("emails.batch.*", "late_commit", kind="write", seconds=170)
        write = replace(world.mail(1, lab.contact(li)), first_sent_at=sent)
        with pytest.raises(OutcomeUnknown):
            await world.write(write)
        await world.later(account.capabilities[write.write.kind].settles_after)
        (found,) = await world.find(write)
        assert isinstance(found, Found | Partial)

    lab(scenario, mode=mode)


@pytest.mark.parametrize("mode", ["b", "c"])
def test_what_the_index_does_not_show_yet_is_found_beside_its_contact(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        world.portal.set_lag(86_400)
        write = replace(world.mail(1, lab.contact(li)), first_sent_at=world.clock.now())
        receipt = await world.only(replace(write, first_sent_at=None))
        (found,) = await world.find(write)
        assert found.receipt.record == receipt.record

    lab(scenario, mode=mode)


@pytest.mark.parametrize("mode", ["b", "c"])
def test_a_contact_with_years_of_mail_is_read_back_only_as_far_as_needed(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        world.portal.set_lag(86_400 * 30)
        for _ in range(250):
            mail = world.portal.create(
                "emails", {"hs_timestamp": "2025-01-01T00:00:00Z", "hs_email_direction": "EMAIL"}
            )
            world.portal.associate(mail, li)
            await world.later(60)
        sent = world.clock.now()
        await world.later(5)
        receipt = await world.only(world.mail(1, lab.contact(li)))
        before = world.calls("emails.batch.read")
        (found,) = await world.find(replace(world.mail(1, lab.contact(li)), first_sent_at=sent))
        assert found.receipt.record == receipt.record
        assert world.calls("emails.batch.read") - before <= 2

    lab(scenario, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_request_that_was_carried_out_twice_shows_its_second_record(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.target.check()
        world.fault("emails.batch.*", "duplicate", kind="write")
        write = world.mail(1, lab.contact(li))
        await world.only(write)
        await world.later(SETTLED)
        (found,) = await world.find(write)
        ids = sorted(m["id"] for m in world.mails())
        assert len(ids) == (1 if mode == "a" else 2)
        assert (found.receipt.record, found.extras) == (ids[0], tuple(ids[1:]))

    lab(scenario, mode=mode)


def test_mails_that_differ_in_any_way_are_not_taken_for_each_other_without_a_key(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.only(world.mail(1, lab.contact(li), subject="Hello"))
        await world.later(SETTLED)
        second = lab.sent + timedelta(seconds=1)
        others = [
            world.mail(2, lab.contact(li), subject="Hello!"),
            world.mail(3, lab.contact(li), subject="Hello", sent_at=second),
            world.mail(4, lab.contact(li), subject="Hello", incoming=False),
            world.mail(5, lab.contact(li), subject="Hello", from_=Address("other@acme.example")),
            world.mail(6, lab.contact(li), subject="Hello", to=(Address("boss@ours.example"),)),
        ]
        assert await world.find(*others) == (Absent(),) * 5
        (same,) = await world.find(world.mail(7, lab.contact(li), subject="Hello"))
        assert isinstance(same, Found)

    lab(scenario, mode="c")


def test_a_task_without_record_and_key_is_found_by_its_mark(lab):
    async def scenario(world):
        await world.write(world.task(1), world.task(2))
        await world.later(SETTLED)
        first, third = await world.find(world.task(1), world.task(3))
        assert first.receipt.record == world.tasks()[0]["id"]
        assert third == Absent()

    lab(scenario, mode="c")


def test_a_mail_whose_content_is_hidden_from_us_cannot_be_told_without_a_key(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        write = world.mail(1, lab.contact(li))
        await world.only(write)
        world.portal.revoke("sales-email-read")
        await world.target.check()
        await world.later(SETTLED)
        (found,) = await world.find(write)
        assert found == CannotTell("mail_hidden")

    lab(scenario, mode="c")


@pytest.mark.parametrize("mode", ["b", "c"])
def test_what_is_sent_again_goes_alone(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.target.check()
        world.world.requests.clear()
        again = [replace(world.mail(n, lab.contact(li)), first_sent_at=world.clock.now()) for n in (1, 2)]
        await world.write(*again, world.mail(3, lab.contact(li)), world.mail(4, lab.contact(li)))
        assert world.calls("emails.batch.create") == 3
        assert len(world.mails()) == 4

    lab(scenario, mode=mode)


# ------------------------------------------------------------------------------------------------ merged, gone, refused


@pytest.mark.parametrize("mode", MODES)
def test_a_merged_contact_is_replaced_by_its_winner_and_the_mirror_is_told(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        other = world.host.add_contact("Li W.", "liw@acme.example")
        winner = world.host.merge_contacts(li, other)
        receipt = await world.only(world.mail(1, lab.contact(other, "liw@acme.example")))
        assert list(world.portal.linked(receipt.record, "contacts")) == [winner]
        (found,) = await world.find(world.mail(1, lab.contact(other, "liw@acme.example")))
        assert isinstance(found, Found)
        rows = (await world.target.customers(None)).rows
        told = [c.merged_into.id for c in rows if c.ref.id == other]
        assert told
        assert set(told) == {winner}

    lab(scenario, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_deleted_record_drops_its_mail_only_and_nothing_is_written_for_it(lab, mode):
    async def scenario(world):
        _, li, deal = world.acme()
        gone = world.host.add_contact("Gone", "gone@acme.example")
        world.portal.erase(gone)  # no feed ever shows it
        good, bad = await world.write(world.mail(1, lab.contact(li)), world.mail(2, lab.contact(gone), deal=deal))
        assert isinstance(good, Receipt)
        assert isinstance(bad, Gone)
        assert len(world.mails()) == 1
        rows = (await world.target.customers(None)).rows
        assert [c.deleted for c in rows if c.ref.id == gone] == [True]

    lab(scenario, mode=mode)


def test_a_deleted_deal_is_told_to_the_mirror(lab):
    async def scenario(world):
        _, li, deal = world.acme()
        world.portal.erase(deal)
        answer = await world.only(world.mail(1, lab.contact(li), deal=deal))
        assert isinstance(answer, Gone)
        assert [d.deleted for d in (await world.target.deals(None)).rows if d.id == deal] == [True]

    lab(scenario)


def test_a_part_whose_record_is_gone_meanwhile_is_finished_without_it(lab):
    async def scenario(world):
        _, li, deal = world.acme()
        await world.target.check()
        world.fault("associations.batch.create", "reset", nth=2)
        write = world.mail(1, lab.contact(li), deal=deal)
        with pytest.raises(OutcomeUnknown):
            await world.write(write)
        (part,) = await world.find(write)
        world.host.delete_record(deal)
        receipt = await world.only(_resumed(write, part))
        assert (receipt.record, receipt.note) == (part.record, "record_gone")
        assert len(world.mails()) == 1

    lab(scenario)


@pytest.mark.parametrize("mode", MODES)
def test_one_refused_mail_does_not_keep_the_others_out(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        bad = world.mail(3, lab.contact(li), owner="999")
        answers = await world.write(
            *[world.mail(n, lab.contact(li)) for n in (1, 2)], bad, world.mail(4, lab.contact(li))
        )
        assert [isinstance(a, Receipt) for a in answers] == [True, True, False, True]
        assert isinstance(answers[2], Rejected)
        assert "hubspot_owner_id" in answers[2].hint
        assert len(world.mails()) == 3

    lab(scenario, mode=mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_refused_as_a_whole_is_halved_until_the_culprit_is_alone(lab, mode):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.target.check()
        world.world.requests.clear()
        world.fault("emails.batch.*", "status", kind="write", status=400)
        answers = await world.write(*[world.mail(n, lab.contact(li)) for n in range(1, 5)])
        assert all(isinstance(a, Receipt) for a in answers)
        assert len(world.mails()) == 4
        assert world.calls("emails.batch.*", kind="write") == 3

    lab(scenario, mode=mode)


def test_a_rule_of_the_administrator_parks_the_mail_and_names_the_property(lab):
    async def scenario(world):
        _, li, _ = world.acme()
        world.portal.add_property("emails", "reviewed_by")
        world.portal.add_validation_rule("emails", "reviewed_by")
        answer = await world.only(world.mail(1, lab.contact(li)))
        assert isinstance(answer, Rejected)
        assert "reviewed_by" in answer.hint
        assert answer.code == "MISSING_REQUIRED_PROPERTY (reviewed_by)"  # what a parked item shows

    lab(scenario)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 401}, AuthFailed),
        ({"status": 403, "code": "MISSING_SCOPES"}, NotPermitted),
        ({"status": 429, "code": "DAILY"}, RateLimited),
        ({"status": 429, "code": "TEN_SECONDLY_ROLLING"}, RateLimited),
        ({"status": 423}, Transient),
        ({"status": 477}, RateLimited),
        ({"status": 500}, OutcomeUnknown),
        ({"status": 524}, OutcomeUnknown),
    ],
)
def test_each_refusal_of_a_write_has_its_own_consequence_and_is_sent_once(lab, fault, kind):
    async def scenario(world):
        _, li, _ = world.acme()
        await world.target.check()
        world.fault("emails.batch.upsert", "status", times=2, **fault)
        with pytest.raises(kind) as told:
            await world.write(world.mail(1, lab.contact(li)), world.mail(2, lab.contact(li)))
        assert type(told.value) is kind
        assert world.calls("emails.batch.upsert") == 1
        if kind is RateLimited:
            assert told.value.retry_at > world.clock.now()
        assert not world.mails()

    lab(scenario)
