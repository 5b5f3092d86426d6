"""Writes on the simulator: once in effect, found again, never over a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.base.errors import (
    AuthFailed,
    Conflict,
    ConnectorError,
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
    Attempt,
    Body,
    CompleteTask,
    CreateCustomer,
    Found,
    LinkEmail,
    MoveDeal,
    Participant,
    Receipt,
    RecordKind,
    RecordRef,
    Remove,
    Role,
    SetFields,
    WriteKind,
)
from connectors.base.model import (
    Effect as Done,
)


def acme(lab):
    account = lab.org.add_account("Acme")
    return account, lab.org.add_contact("Li", "li@acme.example", account_id=account)


# --------------------------------------------------------------------------------------------------------------- mails


@pytest.mark.parametrize("ledger", [False, True])
def test_a_mail_is_logged_on_its_person_company_and_date_with_the_platforms_task_only(lab, ledger):
    async def scenario(lab):
        account, li = acme(lab)
        anna = lab.org.add_user("anna@ours.example")
        write = lab.mail(1, lab_contact(li), to=(Address("anna@ours.example"), Address("x@else.example")))
        receipt = await lab.only(write)
        (mail,) = lab.rows(
            "SELECT Id, MessageDate, RelatedToId, Incoming, Status, ToAddress, Subject FROM EmailMessage"
        )
        assert receipt == Receipt(
            write.write.key, mail["Id"], Done.CREATED, f"https://{lab.org.my_domain}/{mail['Id']}", ""
        )
        assert mail["MessageDate"].startswith("2026-03-01T09:30:00")
        assert (mail["RelatedToId"], mail["Incoming"], mail["Status"]) == (account, True, "3")
        assert (mail["ToAddress"], mail["Subject"]) == ("x@else.example", "Quotation 1 报价单")
        people = {
            (r["RelationId"], r["RelationType"])
            for r in lab.rows("SELECT RelationId, RelationType FROM EmailMessageRelation")
        }
        assert {(li, "FromAddress"), (anna, "ToAddress")} <= people
        (task,) = lab.rows("SELECT WhoId, WhatId, TaskSubtype FROM Task")
        assert (task["WhoId"], task["WhatId"], task["TaskSubtype"]) == (li, account, "Email")
        assert lab.calls(kind="write") == 1

    lab_contact = lab.contact
    lab(scenario, ledger=ledger)


@pytest.mark.parametrize("ledger", [False, True])
def test_the_same_mail_again_is_existing_and_leaves_one(lab, ledger):
    async def scenario(lab):
        _, li = acme(lab)
        first = await lab.only(lab.mail(1, contact(li)))
        again = await lab.only(lab.mail(1, contact(li)))
        assert (again.record, again.effect) == (first.record, Done.EXISTING)
        assert len(lab.mails()) == 1
        assert len(lab.rows("SELECT Id FROM Task")) == 1

    contact = lab.contact
    lab(scenario, ledger=ledger)


@pytest.mark.parametrize("ledger", [False, True])
@pytest.mark.parametrize("effect", ["lost_reply", "reset_after", "truncated", "html", "status_after", "lost_request"])
def test_a_lost_answer_is_unknown_for_all_and_the_look_up_tells(lab, effect, ledger):
    async def scenario(lab):
        _, li = acme(lab)
        writes = [lab.mail(n, contact(li)) for n in (1, 2)]
        await lab.target.check()
        lab.fault("composite.graph", effect, status=502 if effect == "html" else 503)
        with pytest.raises(OutcomeUnknown):
            await lab.write(*writes)
        await lab.later(600)
        findings = await lab.find(*writes)
        landed = effect not in {"lost_request", "html"}
        assert len(lab.mails()) == (2 if landed else 0)
        assert [isinstance(f, Found if landed else Absent) for f in findings] == [True, True]
        if landed:
            assert [f.receipt.record for f in findings] == sorted(m["Id"] for m in lab.mails())
        await lab.write(*writes)
        assert len(lab.mails()) == 2

    contact = lab.contact
    lab(scenario, ledger=ledger)


def test_a_late_commit_is_found_after_the_declared_settling_time_and_not_before(lab):
    async def scenario(lab):
        _, li = acme(lab)
        settle = (await lab.target.check()).capabilities[WriteKind.LOG_EMAIL].settles_after
        lab.fault("composite.graph", "late_commit", seconds=590.0)
        write = lab.mail(1, contact(li))
        with pytest.raises(OutcomeUnknown):
            await lab.write(write)
        assert await lab.find(write) == (Absent(),)  # what an engine that does not wait would believe
        await lab.later(settle)
        (found,) = await lab.find(write)
        assert isinstance(found, Found)
        assert len(lab.mails()) == 1

    contact = lab.contact
    lab(scenario)


def test_a_commit_even_later_than_settling_meets_the_key_and_doubles_nothing(lab):
    async def scenario(lab):
        _, li = acme(lab)
        await lab.target.check()
        write = lab.mail(1, contact(li))
        lab.fault("composite.graph", "late_commit", seconds=1000.0)
        with pytest.raises(OutcomeUnknown):
            await lab.write(write)
        await lab.later(600)
        assert await lab.find(write) == (Absent(),)
        assert (await lab.only(write)).effect is Done.CREATED
        await lab.later(1000)
        await lab.transport.drain()
        assert len(lab.mails()) == 1

    contact = lab.contact
    lab(scenario)


def test_a_duplicate_of_a_record_we_cannot_see_waits_and_says_what_to_grant(lab):
    async def scenario(lab):
        _, li = acme(lab)
        first = await lab.only(lab.mail(1, contact(li)))
        lab.org.hide_record(first.record)
        (answer,) = await answers(lab, lab.mail(1, contact(li)))
        assert isinstance(answer, Transient)
        assert "View All" in answer.hint
        lab.org.show_record(first.record)
        assert (await lab.only(lab.mail(1, contact(li)))).record == first.record

    contact = lab.contact
    lab(scenario)


def test_a_clash_with_another_unique_field_of_the_org_is_rejected(lab):
    async def scenario(lab):
        lab.org.fail_next(
            "Task", "DUPLICATE_VALUE", "duplicate value found: Their_Number__c duplicates value on record"
        )
        (answer,) = await answers(lab, lab.task())
        assert type(answer) is Rejected

    lab(scenario)


async def answers(lab, *attempts):
    """What `write_many` says, also when it raises for all."""
    try:
        return await lab.write(*attempts)
    except ConnectorError as error:
        return tuple(error for _ in attempts)


def test_one_bad_mail_of_a_batch_does_not_harm_the_others(lab):
    async def scenario(lab):
        _, li = acme(lab)
        gone = lab.org.add_contact("Gone", "gone@acme.example")
        lab.org.delete(gone)
        lab.org.add_validation_rule("EmailMessage", lambda r: "Verboten" in r["Subject"], "Verboten! Geheim")
        batch = [
            lab.mail(1, contact(li)),
            lab.mail(2, contact(gone)),
            lab.mail(3, contact(li), subject="Verboten"),
            lab.mail(4, contact(li)),
        ]
        got = await lab.write(*batch)
        assert [type(g) for g in got] == [Receipt, Gone, Rejected, Receipt]
        assert got[2].code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert "Geheim" not in str(got[2])
        assert len(lab.mails()) == 2
        assert lab.calls("composite.graph") == 1

    contact = lab.contact
    lab(scenario)


def test_graphs_that_were_not_run_after_many_failures_go_with_the_next_call(lab):
    async def scenario(lab):
        _, li = acme(lab)
        gone = lab.org.add_contact("Gone", "gone@acme.example")
        lab.org.delete(gone)
        batch = [lab.mail(n, contact(gone if n <= 15 else li)) for n in range(1, 21)]
        got = await lab.write(*batch)
        assert [type(g) for g in got] == [Gone] * 15 + [Receipt] * 5
        assert lab.calls("composite.graph") == 2

    contact = lab.contact
    lab(scenario)


def test_a_failed_relation_takes_its_mail_back(lab):
    async def scenario(lab):
        _, li = acme(lab)
        lab.org.fail_next("EmailMessageRelation", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: li@acme.example")
        (answer,) = await answers(lab, lab.mail(1, contact(li)))
        assert type(answer) is Rejected
        assert "acme" not in str(answer)
        assert lab.mails() == []

    contact = lab.contact
    lab(scenario)


def test_a_locked_row_is_tried_later(lab):
    async def scenario(lab):
        account, li = acme(lab)
        lab.org.lock(account, 30)
        got = await answers(lab, lab.mail(1, contact(li)))
        assert type(got[0]) is Transient
        assert got[0].code == "UNABLE_TO_LOCK_ROW"
        await lab.later(31)
        assert (await lab.only(lab.mail(1, contact(li)))).effect is Done.CREATED

    contact = lab.contact
    lab(scenario)


def test_a_text_that_looks_like_a_reference_is_logged(lab):
    async def scenario(lab):
        _, li = acme(lab)
        receipt = await lab.only(lab.mail(1, contact(li), subject="@{mail.id}", body=Body("see @{ledger.id}")))
        assert receipt.effect is Done.CREATED

    contact = lab.contact
    lab(scenario)


def test_a_mail_the_orgs_own_tools_logged_is_not_doubled(lab):
    async def scenario(lab):
        _, li = acme(lab)
        native = lab.org.create("EmailMessage", {"Subject": "x", "MessageIdentifier": "<m1@acme.example>"})
        receipt = await lab.only(lab.mail(1, contact(li)))
        assert (receipt.record, receipt.effect, receipt.note) == (native, Done.EXISTING, "already_logged")
        assert len(lab.mails()) == 1
        other = await lab.only(lab.mail(2, contact(li)))
        same_id = await lab.only(lab.mail(3, contact(li), message_id="m2@acme.example"))
        assert other.record != same_id.record  # a Message-ID used twice by a careless sender: two mails

    contact = lab.contact
    lab(scenario)


def test_native_logging_may_be_ignored(lab):
    async def scenario(lab):
        _, li = acme(lab)
        lab.org.create("EmailMessage", {"Subject": "x", "MessageIdentifier": "<m1@acme.example>"})
        assert (await lab.only(lab.mail(1, contact(li)))).effect is Done.CREATED

    contact = lab.contact
    lab(scenario, native_logging="ignore")


def test_without_a_key_a_mail_of_ours_is_found_by_its_message_id(lab):
    async def scenario(lab):
        _, li = acme(lab)
        lab.org.create("EmailMessage", {"Subject": "x", "MessageIdentifier": "<m2@acme.example>"})
        receipt = await lab.only(lab.mail(1, contact(li)))
        mine, foreign, bare = await lab.find(
            lab.mail(1, contact(li)), lab.mail(2, contact(li)), lab.mail(3, contact(li), message_id="")
        )
        assert mine.receipt.record == receipt.record
        assert foreign == Absent()
        assert bare == Absent()
        unnamed = await lab.only(lab.mail(3, contact(li), message_id=""))
        (bare,) = await lab.find(lab.mail(3, contact(li), message_id=""))
        assert bare.receipt.record == unnamed.record

    contact = lab.contact
    lab(scenario, ready=False)


def test_a_mail_a_person_deleted_is_not_written_again(lab):
    async def scenario(lab):
        _, li = acme(lab)
        receipt = await lab.only(lab.mail(1, contact(li)))
        lab.org.delete(receipt.record)
        (found,) = await lab.find(lab.mail(1, contact(li)))
        assert (found.receipt.record, found.receipt.note) == (receipt.record, "record_deleted")

    contact = lab.contact
    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- links


def test_a_link_adds_people_and_moves_the_deal_once(lab):
    async def scenario(lab):
        account, li = acme(lab)
        wang = lab.org.add_contact("Wang", "wang@acme.example", account_id=account)
        deal = lab.org.add_opportunity("Pumps", account_id=account)
        logged = await lab.only(lab.mail(1, contact(li)))
        link = Attempt(
            LinkEmail(
                key="v1:link",
                mail="id1",
                logged_key=f"v1:{1:064x}",
                participants=(contact(li), contact(wang, "wang@acme.example", Role.CC)),
                deal=deal,
            )
        )
        assert await lab.find(link) == (Absent(),)
        receipt = await lab.only(link)
        assert (receipt.record, receipt.effect) == (logged.record, Done.CHANGED)
        assert lab.mails()[0]["RelatedToId"] == deal
        assert isinstance((await lab.find(link))[0], Found)
        assert (await lab.only(link)).effect is Done.UNCHANGED
        people = [r["RelationId"] for r in lab.rows("SELECT RelationId FROM EmailMessageRelation")]
        assert sorted(people) == sorted([li, wang])
        lab.org.delete(logged.record)
        assert isinstance((await answers(lab, link))[0], Gone)

    contact = lab.contact
    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- tasks


def test_a_task_is_made_once_and_completed_once(lab):
    async def scenario(lab):
        _, li = acme(lab)
        write = lab.task(1, record=RecordRef(RecordKind.CONTACT, li), urgent=True)
        made = await lab.only(write)
        assert (await lab.only(write)).effect is Done.EXISTING
        (row,) = lab.rows("SELECT Id, WhoId, Priority, Status, ActivityDate FROM Task")
        assert (row["Id"], row["WhoId"], row["Priority"], row["ActivityDate"]) == (
            made.record,
            li,
            "High",
            "2026-03-03",
        )
        close = Attempt(CompleteTask(key="v1:close", task_key=write.write.key))
        assert await lab.find(close) == (Absent(),)
        assert (await lab.only(close)).effect is Done.CHANGED
        assert lab.rows("SELECT Status, IsClosed FROM Task")[0]["Status"] == "Completed"
        assert isinstance((await lab.find(close))[0], Found)
        assert (await lab.only(close)).effect is Done.UNCHANGED

    lab(scenario)


def test_a_task_that_a_person_deleted_or_that_was_archived_is_known(lab):
    async def scenario(lab):
        first, second = await lab.write(lab.task(1), lab.task(2))
        lab.org.delete(first.record)
        gone = Attempt(CompleteTask(key="v1:c1", task_key=f"v1:{1:064x}", task=first.record))
        assert isinstance((await answers(lab, gone))[0], Gone)
        done = Attempt(CompleteTask(key="v1:c2", task_key=f"v1:{2:064x}", task=second.record))
        await lab.only(done)
        await lab.later(400 * 86400)
        lab.org.run_archiver()
        assert isinstance((await lab.find(lab.task(2)))[0], Found)
        assert (await lab.only(done)).effect is Done.UNCHANGED

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- deals


def move(deal, expect="Prospecting", to="Proposal/Price Quote", **more):
    write = MoveDeal(key="v1:move", deal=deal, pipeline="default", expect_stage=expect, to_stage=to)
    return Attempt(write, **more)


def stage(lab, deal):
    return lab.org.record(deal)["StageName"]


def test_a_deal_is_moved_once(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        assert (await lab.only(move(deal))).effect is Done.CHANGED
        assert stage(lab, deal) == "Proposal/Price Quote"
        assert (await lab.only(move(deal))).effect is Done.UNCHANGED

    lab(scenario)


def test_a_persons_move_before_ours_wins(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        lab.org.update(deal, {"StageName": "Negotiation/Review"})
        await lab.later(5)
        (answer,) = await answers(lab, move(deal))
        assert isinstance(answer, Conflict)
        assert stage(lab, deal) == "Negotiation/Review"

    lab(scenario)


def between(lab, change):
    """Let a person act after the connector has looked at a deal and before it writes."""
    told = lab.vendor.describe

    def describe(method, path, query, body):
        if method == "PATCH":
            lab.vendor.describe = told
            change()
        return told(method, path, query, body)

    lab.vendor.describe = describe


def test_a_persons_move_between_our_look_and_our_write_wins(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        between(lab, lambda: lab.org.update(deal, {"StageName": "Negotiation/Review"}))
        (answer,) = await answers(lab, move(deal))
        assert isinstance(answer, Conflict)
        assert answer.code == "PERSON_MOVED_DEAL"
        assert stage(lab, deal) == "Negotiation/Review"

    lab(scenario)


def test_an_edit_that_leaves_the_stage_alone_only_delays_us(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        between(lab, lambda: lab.org.update(deal, {"NextStep": "Call"}))
        (answer,) = await answers(lab, move(deal))
        assert type(answer) is Transient
        await lab.later(5)
        assert (await lab.only(move(deal))).effect is Done.CHANGED
        assert lab.org.record(deal)["NextStep"] == "Call"

    lab(scenario)


def test_a_deal_saved_this_very_second_is_left_for_the_next_try(lab):
    async def scenario(lab):
        await lab.target.check()
        deal = lab.org.add_opportunity("Pumps")
        (answer,) = await answers(lab, move(deal))
        assert type(answer) is Transient
        assert lab.calls("sobject.update") == 0

    lab(scenario)


def test_a_move_whose_answer_was_lost_is_told_from_the_history_when_a_person_moved_on(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        await lab.target.check()
        sent = lab.clock.now()
        lab.fault("sobject.update", "lost_reply")
        with pytest.raises(OutcomeUnknown):
            await lab.write(move(deal))
        assert isinstance((await lab.find(move(deal, first_sent_at=sent)))[0], Found)
        await lab.later(60)
        lab.org.update(deal, {"StageName": "Prospecting"})
        (found,) = await lab.find(move(deal, first_sent_at=sent))
        assert found.receipt.note == "moved_on_by_person"
        assert stage(lab, deal) == "Prospecting"

    lab(scenario)


def test_a_move_that_never_arrived_is_absent_though_a_person_or_we_were_there(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        await lab.only(move(deal))  # ours, long ago
        await lab.later(5)
        lab.org.update(deal, {"StageName": "Prospecting"})
        await lab.later(3600)
        sent = lab.clock.now()
        lab.fault("sobject.update", "lost_request")
        with pytest.raises(OutcomeUnknown):
            await lab.write(move(deal))
        lab.org.update(deal, {"StageName": "Proposal/Price Quote"})  # a person goes there and back
        lab.org.update(deal, {"StageName": "Prospecting"})
        await lab.later(600)
        assert await lab.find(move(deal, first_sent_at=sent)) == (Absent(),)

    lab(scenario)


def test_an_unknown_stage_and_a_deleted_deal(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.later(5)
        assert isinstance((await answers(lab, move(deal, to="Nirgendwo")))[0], Rejected)
        lab.org.delete(deal)
        assert isinstance((await answers(lab, move(deal)))[0], Gone)

    lab(scenario)


# -------------------------------------------------------------------------------------------------------- fields, leads


def test_only_empty_fields_are_filled(lab):
    async def scenario(lab):
        _, li = acme(lab)
        lab.org.update(li, {"Title": "Buyer"})
        await lab.later(5)
        record = RecordRef(RecordKind.CONTACT, li)
        write = SetFields(key="v1:f", record=record, fields=(("Title", "Boss"), ("Department", "Purchasing")))
        assert (await lab.only(Attempt(write))).effect is Done.CHANGED
        row = lab.org.record(li)
        assert (row["Title"], row["Department"]) == ("Buyer", "Purchasing")
        assert (await lab.only(Attempt(write))).effect is Done.UNCHANGED
        hidden = SetFields(key="v1:g", record=record, fields=(("Nope__c", "x"),))
        assert "Contact.Nope__c" in (await answers(lab, Attempt(hidden)))[0].hint

    lab(scenario)


def stranger(**changes):
    fields = {"key": "v1:lead", "email": "new@neu.example", "name": "Neu Mann", "company_name": "Neu GmbH"}
    return Attempt(CreateCustomer(**fields | changes))


def test_a_stranger_becomes_one_lead(lab):
    async def scenario(lab):
        made = await lab.only(stranger())
        (row,) = lab.rows("SELECT Id, FirstName, LastName, Company, Email FROM Lead")
        assert (row["Id"], row["LastName"], row["Company"]) == (made.record, "Mann", "Neu GmbH")
        assert (await lab.only(stranger())).effect is Done.EXISTING
        assert isinstance((await lab.find(stranger()))[0], Found)
        assert len(lab.rows("SELECT Id FROM Lead")) == 1

    lab(scenario)


def test_a_stranger_known_by_then_is_not_made(lab):
    async def scenario(lab):
        _, li = acme(lab)
        receipt = await lab.only(stranger(email="li@acme.example"))
        assert (receipt.record, receipt.effect, receipt.note) == (li, Done.EXISTING, "address_known")
        assert lab.rows("SELECT Id FROM Lead") == []

    lab(scenario)


def test_a_duplicate_rule_is_heeded_not_forced(lab):
    async def scenario(lab):
        lab.org.fail_next("Lead", "DUPLICATES_DETECTED", "Use one of these records?")
        (answer,) = await answers(lab, stranger())
        assert type(answer) is Rejected
        assert answer.code == "DUPLICATES_DETECTED"

    lab(scenario)


def test_a_duplicate_rule_that_meets_the_address_gives_that_record(lab):
    async def scenario(lab):
        lab.org.settings.duplicate_rules = "alert"
        hidden = lab.org.add_lead("Neu", "Neu GmbH", "new@neu.example")
        lab.org.hide_record(hidden)
        (answer,) = await answers(lab, stranger())
        assert type(answer) is Rejected
        assert hidden in answer.hint
        lab.org.show_record(hidden)
        assert (await lab.only(stranger())).record == hidden

    lab(scenario)


def test_an_inactive_owner_is_rejected_with_its_code(lab):
    async def scenario(lab):
        left = lab.org.add_user("left@ours.example", active=False)
        (answer,) = await answers(lab, lab.task(1, owner=left))
        assert (type(answer), answer.code) == (Rejected, "INACTIVE_OWNER_OR_USER")

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- remove


@pytest.mark.parametrize("ledger", [False, True])
def test_what_we_made_can_be_removed_and_nothing_else(lab, ledger):
    async def scenario(lab):
        _, li = acme(lab)
        made = await lab.only(lab.mail(1, contact(li)))
        foreign = lab.org.create("EmailMessage", {"Subject": "x"})
        undo = Attempt(Remove(key="v1:r", made_by=WriteKind.LOG_EMAIL, record=made.record))
        assert await lab.find(undo) == (Absent(),)
        assert (await lab.only(undo)).effect is Done.CHANGED
        assert (await lab.only(undo)).effect is Done.UNCHANGED
        assert isinstance((await lab.find(undo))[0], Found)
        (answer,) = await answers(lab, Attempt(Remove(key="v1:s", made_by=WriteKind.LOG_EMAIL, record=foreign)))
        assert answer.code == "NOT_OURS"
        assert [m["Id"] for m in lab.mails()] == [foreign]
        assert len(lab.rows("SELECT Id FROM Task")) == 1  # the foreign mail's own
        if ledger:
            assert lab.rows("SELECT Id FROM Tradepost_Ledger__c") == []

    contact = lab.contact
    lab(scenario, ledger=ledger)


# -------------------------------------------------------------------------------------------------- sessions and limits


def test_a_dead_session_is_renewed_once_and_the_write_goes_through(lab):
    async def scenario(lab):
        _, li = acme(lab)
        await lab.target.check()
        lab.org.expire_sessions()
        assert (await lab.only(lab.mail(1, contact(li)))).effect is Done.CREATED
        assert lab.calls("oauth.token") == 2
        lab.fault("composite.graph", "status", status=401)
        assert (await lab.only(lab.mail(2, contact(li)))).effect is Done.CREATED
        lab.fault("composite.graph", "status", status=401, times=2)
        with pytest.raises(AuthFailed):
            await lab.write(lab.mail(3, contact(li)))
        assert len(lab.mails()) == 2

    contact = lab.contact
    lab(scenario)


def test_a_used_up_pool_stops_everything_for_a_while(lab):
    async def scenario(lab):
        _, li = acme(lab)
        await lab.target.check()
        lab.fault("composite.graph", "status", status=403)
        with pytest.raises(RateLimited) as caught:
            await lab.write(lab.mail(1, contact(li)))
        assert caught.value.retry_at - lab.clock.now() == timedelta(minutes=15)
        lab.fault("composite.graph", "status", status=403, code="CONCURRENT")
        with pytest.raises(RateLimited) as caught:
            await lab.write(lab.mail(1, contact(li)))
        assert caught.value.retry_at - lab.clock.now() == timedelta(seconds=5)

    contact = lab.contact
    lab(scenario)


def test_the_reserve_is_left_to_the_orgs_other_programs(lab):
    async def scenario(lab):
        _, li = acme(lab)
        await lab.target.check()
        assert 0 < lab.target.usage < 0.01
        lab.org.set_daily_limit(used=92_000, maximum=100_000)
        assert (await lab.only(lab.mail(1, contact(li)))).effect is Done.CREATED
        assert lab.target.usage == pytest.approx(0.92, abs=0.001)
        lab.org.set_daily_limit(used=95_500)
        await lab.target.users()
        before = lab.calls()
        with pytest.raises(RateLimited) as caught:
            await lab.write(lab.mail(2, contact(li)))
        assert lab.calls() == before
        lab.org.set_daily_limit(used=10)
        await lab.later((caught.value.retry_at - lab.clock.now()).total_seconds())
        assert (await lab.only(lab.mail(2, contact(li)))).effect is Done.CREATED

    contact = lab.contact
    lab(scenario, reserve=0.05)


def test_after_a_limit_nothing_more_is_sent_in_the_round(lab):
    async def scenario(lab):
        deal = lab.org.add_opportunity("Pumps")
        await lab.target.check()
        await lab.later(5)
        lab.fault("composite.graph", "status", status=403)
        got = await answers(lab, lab.task(1), move(deal))
        assert all(isinstance(g, RateLimited) for g in got)
        assert stage(lab, deal) == "Prospecting"

    lab(scenario)


def test_after_a_limit_the_next_call_of_a_large_round_is_not_made(lab):
    async def scenario(lab):
        await lab.target.check()
        lab.fault("composite.graph", "status", status=403)
        got = await answers(lab, *(lab.task(n) for n in range(1, 100)))
        assert all(isinstance(g, RateLimited) for g in got)
        assert lab.calls("composite.graph") == 1
        assert all(isinstance(g, Receipt) for g in await lab.write(*(lab.task(n) for n in range(1, 100))))
        assert lab.calls("composite.graph") == 3  # at most 75 graphs a call

    lab(scenario)


def test_a_full_org_and_a_missing_right_are_told_apart_from_a_bad_record(lab):
    async def scenario(lab):
        lab.org.fail_next("Task", "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
        assert type((await answers(lab, lab.task(1)))[0]) is NotPermitted
        lab.org.revoke(lab.me, "ApiEnabled")
        assert type((await answers(lab, lab.task(1)))[0]) is NotPermitted

    lab(scenario)


def test_a_call_that_cannot_be_read_as_a_whole_is_halved_until_the_culprit_stands_alone(lab):
    async def scenario(lab):
        lab.fault("composite.graph", "status", status=400, code="JSON_PARSER_ERROR", times=2)
        got = await lab.write(*(lab.task(n) for n in range(1, 5)))
        assert [type(g) for g in got] == [Receipt] * 4
        assert lab.calls("composite.graph") == 1 + 1 + 2 + 1
        lab.fault("composite.graph", "status", status=400, code="JSON_PARSER_ERROR")
        assert type((await answers(lab, lab.task(9)))[0]) is Rejected

    lab(scenario)


def test_no_event_shows_an_address_a_subject_or_a_secret(lab):
    async def scenario(lab):
        _, li = acme(lab)
        await lab.target.check()
        await lab.everything(lab.target.customers)
        await lab.write(lab.mail(1, contact(li)), stranger())
        await lab.target.find_customers(["li@acme.example"], [])
        shown = repr(lab.log.seen)
        assert lab.log.seen
        for secret in ("@acme.example", "报价单", "C0FFEE", "Please quote"):
            assert secret not in shown

    contact = lab.contact
    lab(scenario)


def test_the_ledger_may_be_chosen_where_mails_could_carry_the_key(lab):
    async def scenario(lab):
        _, li = acme(lab)
        field = (
            "EmailMessage",
            "Tradepost_Key__c",
            {"label": "Key", "type": "Text", "length": 80, "externalId": True, "unique": True},
        )
        lab.org.install_package([field], permission_set="Both", assign_to=[lab.me])
        made = await lab.only(lab.mail(1, contact(li)))
        assert lab.rows("SELECT Tradepost_Key__c FROM EmailMessage")[0]["Tradepost_Key__c"] is None
        assert lab.rows("SELECT Record_Id__c FROM Tradepost_Ledger__c")[0]["Record_Id__c"] == made.record

    contact = lab.contact
    lab(scenario, ledger=True, email_key="ledger")


def test_a_user_who_left_is_not_linked_and_keeps_the_address(lab):
    async def scenario(lab):
        _, li = acme(lab)
        lab.org.add_user("left@ours.example", active=False)
        await lab.only(lab.mail(1, contact(li), to=(Address("left@ours.example"),)))
        assert lab.rows("SELECT ToAddress FROM EmailMessage")[0]["ToAddress"] == "left@ours.example"
        assert len(lab.rows("SELECT Id FROM EmailMessageRelation")) == 1

    contact = lab.contact
    lab(scenario)


def test_participant_roles_of_all_kinds_are_kept(lab):
    async def scenario(lab):
        people = {role: lab.org.add_contact(role.value, f"{role.value}@acme.example") for role in Role}
        participants = [
            Participant(RecordRef(RecordKind.CONTACT, i), role, f"{role.value}@acme.example")
            for role, i in people.items()
        ]
        await lab.only(lab.mail(1, *participants))
        rows = lab.rows("SELECT RelationId, RelationType FROM EmailMessageRelation")
        assert {(r["RelationType"], r["RelationId"]) for r in rows} == {
            (f"{role.value.capitalize()}Address", i) for role, i in people.items()
        }

    lab(scenario)


def test_graphs_that_a_call_did_not_come_to_are_sent_in_the_next(lab):
    """A state file was lost: forty mails are there already, and after 14 failures Salesforce runs no further graph."""

    async def scenario(lab):
        _, li = acme(lab)
        attempts = [lab.mail(number, contact(li)) for number in range(40)]
        first = await lab.write(*attempts)
        assert {a.effect for a in first} == {Done.CREATED}
        again = await lab.write(*attempts)
        assert {getattr(a, "effect", a) for a in again} == {Done.EXISTING}
        assert len(lab.mails()) == 40

    contact = lab.contact
    lab(scenario)


def test_without_keys_a_doubled_mail_shows_its_extra_and_another_mail_of_that_message_id_does_not(lab):
    async def scenario(lab):
        _, li = acme(lab)
        one = lab.mail(1, contact(li))
        later = lab.mail(2, contact(li), message_id="m1@acme.example", sent_at=one.write.sent_at + timedelta(hours=1))
        first = await lab.only(one)
        await lab.only(later)
        second = await lab.only(one)
        (found,) = await lab.find(one)
        assert (found.receipt.record, found.extras) == (first.record, (second.record,))

    contact = lab.contact
    lab(scenario, ready=False)


def test_without_keys_a_task_is_found_by_its_mark_and_a_lead_by_its_address(lab):
    async def scenario(lab):
        one, other = lab.task(1), lab.task(2)
        made = await lab.only(one)
        (found, absent) = await lab.find(one, other)
        assert (found.receipt.record, found.extras, absent) == (made.record, (), Absent())
        stranger = Attempt(CreateCustomer(key="v1:c", email="new@far.example", name="New", company_name="Far"))
        (gone,) = await lab.find(stranger)
        lead = await lab.only(stranger)
        (there,) = await lab.find(stranger)
        assert (gone, there.receipt.record) == (Absent(), lead.record)

    lab(scenario, ready=False)
