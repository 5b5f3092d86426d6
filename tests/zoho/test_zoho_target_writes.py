"""Writes on the simulator: once in effect, found again, and never a customer's workflow for history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base.errors import (
    AuthFailed,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
    Unsupported,
)
from connectors.base.model import (
    Absent,
    Address,
    Attempt,
    Body,
    CannotTell,
    CompleteTask,
    CreateCustomer,
    Found,
    LinkEmail,
    Participant,
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
from tradepost.sandbox.zoho.strictness import Unknowns

SENT = datetime(2026, 3, 1, 9, 30, 17, tzinfo=UTC)
LOST = ["lost_reply", "reset_after", "truncated", "status_after", "lost_request", "html"]


def stored(effect):
    return effect not in {"lost_request", "html"}


# --------------------------------------------------------------------------------------------------------------- mails


def test_a_mail_lies_on_its_contact_and_deal_at_its_own_time(lab):
    async def scenario(lab):
        account, li = lab.acme()
        deal = lab.org.add_deal("Big", account, li, "Qualification")
        receipt = await lab.only(lab.mail(1, contact(li), deal=deal))
        (mail,) = lab.mails()
        assert (receipt.effect, receipt.note) == (Done.CREATED, "")
        assert receipt.url.endswith(f"/tab/Contacts/{li}")
        assert (mail.records, mail.deal, mail.incoming) == ((li,), deal, True)
        assert mail.sent_at.isoformat() == "2026-03-01T09:30:17+00:00"
        assert (mail.message_id, mail.subject) == ("m1@acme.example", "Quotation 1 报价单")
        assert lab.calls(kind="write") == 1

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize("kind", [RecordKind.LEAD, RecordKind.COMPANY])
def test_a_mail_lies_on_a_lead_or_company_too(lab, kind):
    async def scenario(lab):
        account, _ = lab.acme()
        record = account if kind is RecordKind.COMPANY else lab.org.add_lead("Omar", "Bazaar", "omar@bazaar.example")
        person = Participant(RecordRef(kind, record), Role.FROM, "omar@bazaar.example")
        assert (await lab.only(lab.mail(1, person))).effect is Done.CREATED
        assert lab.mails()[0].records == (record,)

    lab(scenario)


def test_a_mail_on_several_records_at_once_is_ours_to_refuse(lab):
    async def scenario(lab):
        _, li = lab.acme()
        both = contact(li), replace(contact(li), role=Role.CC)
        assert type(await lab.only(lab.mail(1, *both))) is Unsupported
        assert type(await lab.only(lab.mail(1))) is Unsupported
        assert lab.calls() == 0

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize("effect", LOST)
def test_a_lost_answer_is_unknown_and_the_list_of_the_record_tells(lab, effect):
    async def scenario(lab):
        _, li = lab.acme()
        write = lab.mail(1, contact(li))
        await lab.target.check()
        lab.fault("associate_email", effect, status=502 if effect == "html" else 503)
        assert type(await lab.only(write)) is OutcomeUnknown
        await lab.later(900)
        (finding,) = await lab.find(write)
        assert type(finding) is (Found if stored(effect) else Absent)
        if not stored(effect):
            await lab.only(write)
        assert len(lab.mails()) == 1

    contact = lab.contact
    lab(scenario)


def test_a_late_effect_is_found_after_the_declared_settling_time(lab):
    async def scenario(lab):
        _, li = lab.acme()
        settles = (await lab.target.check()).capabilities[WriteKind.LOG_EMAIL].settles_after
        lab.fault("associate_email", "late_commit", seconds=settles - 60)
        write = lab.mail(1, contact(li))
        assert type(await lab.only(write)) is OutcomeUnknown
        assert await lab.find(write) == (Absent(),)  # what an engine that does not wait would believe
        await lab.later(settles)
        assert isinstance((await lab.find(write))[0], Found)

    contact = lab.contact
    lab(scenario)


def test_a_mail_far_down_the_list_is_found_and_the_reading_stops_behind_it(lab):
    async def scenario(lab):
        _, li = lab.acme()
        for n in range(2, 60):
            await lab.only(lab.mail(n, contact(li), sent_at=SENT + timedelta(hours=n - 20)))
        write = lab.mail(1, contact(li), sent_at=SENT)
        await lab.only(write)
        before = lab.calls("get_emails")
        assert isinstance((await lab.find(write))[0], Found)
        assert 4 <= lab.calls("get_emails") - before <= 5
        absent = lab.mail(99, contact(li), sent_at=SENT - timedelta(days=30))
        assert await lab.find(absent) == (Absent(),)

    contact = lab.contact
    lab(scenario)


def test_a_list_is_read_once_for_all_the_mails_that_are_looked_for_together(lab):
    async def scenario(lab):
        _, li = lab.acme()
        writes = [lab.mail(n, contact(li), sent_at=SENT + timedelta(hours=2 * n)) for n in range(1, 40)]
        for write in writes:
            await lab.only(write)
        before = lab.calls("get_emails")
        found = await lab.find(*writes)
        assert lab.calls("get_emails") - before == 4
        assert len({one.receipt.record for one in found}) == 39
        await lab.find(writes[-1])
        assert lab.calls("get_emails") - before == 5  # and anew the next time

    contact = lab.contact
    lab(scenario)


def test_a_list_without_end_cannot_tell(lab, monkeypatch):
    async def scenario(lab):
        _, li = lab.acme()
        for n in range(2, 40):
            await lab.only(lab.mail(n, contact(li)))
        monkeypatch.setattr("connectors.crm.zoho_emails.MOST_PAGES", 2)
        write = lab.mail(1, contact(li), subject="Another")
        assert await lab.find(write) == (CannotTell("mail_list_too_long"),)

    contact = lab.contact
    lab(scenario)


def test_twins_and_a_doubled_request_are_told_as_extras(lab):
    async def scenario(lab):
        _, li = lab.acme()
        one, two = lab.mail(1, contact(li)), lab.mail(2, contact(li), subject="Quotation 1 报价单")
        first, second = await lab.only(one), await lab.only(two)
        (found,) = await lab.find(one)
        assert {found.receipt.record, *found.extras} == {first.record, second.record}
        lab.fault("associate_email", "duplicate")
        three = lab.mail(3, contact(li), subject="Three")
        await lab.only(three)
        (found,) = await lab.find(three)
        assert len(found.extras) == 1

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize("answer", ["second", "same", "refused"])
def test_a_repeated_message_id_does_no_harm_whatever_zoho_does(lab, answer):
    async def scenario(lab):
        lab.org.set_unknown("repeated_message_id", answer)
        _, li = lab.acme()
        write = lab.mail(1, contact(li))
        first, again = await lab.only(write), await lab.only(write)
        assert (first.effect, again.record != "") == (Done.CREATED, True)
        if answer == "refused":
            assert (again.effect, again.record) == (Done.EXISTING, first.record)
        assert len(lab.mails()) == (2 if answer == "second" else 1)  # no key protects: the engine looks again

    contact = lab.contact
    lab(scenario)


def test_email_available_finds_what_the_list_does_not_show_and_its_loss_is_borne(lab):
    async def scenario(lab):
        _, li = lab.acme()
        write = lab.mail(1, contact(li))
        await lab.only(write)
        lab.org.set_unknown("email_available", True)
        (row,) = lab.org.state.store.rows("$Emails")
        lab.org.state.store.change("$Emails", row["id"], {"subject": "rewritten"})
        (found,) = await lab.find(write)
        assert found.receipt.record == "<m1@acme.example>"
        lab.org.set_unknown("email_available", False)
        assert await lab.find(write) == (Absent(),)
        before = lab.calls("email_available")
        assert await lab.find(write) == (Absent(),)
        assert lab.calls("email_available") == before

    contact = lab.contact
    lab(scenario)


def test_a_mail_for_a_deleted_record_is_gone(lab):
    async def scenario(lab):
        _, li = lab.acme()
        lab.org.delete(li)
        write = lab.mail(1, contact(li))
        assert type(await lab.only(write)) is Gone
        assert await lab.find(write) == (Absent(),)

    contact = lab.contact
    lab(scenario)


def test_a_deal_that_is_gone_does_not_keep_its_mail_out(lab):
    async def scenario(lab):
        account, li = lab.acme()
        deal = lab.org.add_deal("Big", account, li, "Qualification")
        lab.org.delete(deal)
        receipt = await lab.only(lab.mail(1, contact(li), deal=deal))
        assert (receipt.effect, receipt.note) == (Done.CREATED, "deal_not_linked")
        assert lab.mails()[0].deal == ""

    contact = lab.contact
    lab(scenario)


def test_a_mail_on_its_deal_alone_is_logged_and_found(lab):
    async def scenario(lab):
        account, li = lab.acme()
        deal = lab.org.add_deal("Big", account, li, "Qualification")
        write = lab.mail(1, deal=deal)
        assert (await lab.only(write)).effect is Done.CREATED
        assert isinstance((await lab.find(write))[0], Found)

    lab(scenario)


def test_an_error_that_meets_all_stops_the_rest_and_is_told_for_each(lab):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.target.check()
        writes = [lab.mail(n, contact(li)) for n in (1, 2, 3)]
        lab.fault("associate_email", "status", status=429, nth=2, times=9)
        first, second, third = await lab.target.write_many(writes)
        assert first.effect is Done.CREATED
        assert second is third
        assert type(second) is RateLimited
        assert (len(lab.mails()), lab.calls("associate_email")) == (1, 2)

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "", Rejected),
        (401, "", AuthFailed),
        (401, "OAUTH_SCOPE_MISMATCH", NotPermitted),
        (403, "", Rejected),
        (404, "", Rejected),
        (413, "TOO_LARGE", Rejected),
        (429, "", RateLimited),
        (500, "", OutcomeUnknown),
        (500, "INTERNAL_SERVER_ERROR", OutcomeUnknown),
        (502, "", OutcomeUnknown),
        (503, "X", OutcomeUnknown),
    ],
)
def test_every_refusal_of_a_write_has_its_class_is_sent_once_and_shows_no_contents(lab, status, code, kind):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.target.check()
        lab.fault("associate_email", "status", status=status, code=code, times=9)
        error = await lab.only(lab.mail(1, contact(li)))
        assert type(error) is kind
        assert error.hint
        assert lab.calls("associate_email") == (2 if (status, code) == (401, "") else 1)
        said = f"{error} {error.hint} {lab.log.seen}"
        for word in ("li@acme", "Quotation", "报价单", "Please quote", lab.org.token, lab.org.client.secret):
            assert word not in said

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'{"Emails": []}',
        b'{"Emails": [1]}',
        b'{"Emails": "x"}',
        b'{"Emails": [{"code": "SUCCESS"}]}',
        b"[" * 9000,
    ],
)
def test_a_senseless_success_is_unknown(lab, content):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.target.check()
        lab.spoil("associate_email", lambda _: content)
        assert type(await lab.only(lab.mail(1, contact(li)))) is OutcomeUnknown
        assert lab.calls("associate_email") == 1

    contact = lab.contact
    lab(scenario)


# ------------------------------------------------------------------------------------------------------ native logging


def raw(
    subject="Quotation 1 报价单", text="Please quote.", at="Sun, 01 Mar 2026 09:30:17 +0000", sender="li@acme.example"
):
    head = f"From: {sender}\r\nTo: sales@ours.example\r\nSubject: {subject}\r\nDate: {at}\r\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()


@pytest.mark.parametrize("choice", ["skip", "ask"])
def test_mail_that_zohos_own_integration_has_logged_is_left_alone(lab, choice):
    async def scenario(lab):
        _, li = lab.acme()
        lab.org.native_mail(li, raw())
        receipt = await lab.only(lab.mail(1, contact(li)))
        assert (receipt.effect, receipt.note) == (Done.EXISTING, "already_logged")
        assert len(lab.mails()) == 1

    contact = lab.contact
    lab(scenario, native_logging=choice)


def test_ignore_logs_beside_it_and_asks_for_no_list(lab):
    async def scenario(lab):
        _, li = lab.acme()
        lab.org.native_mail(li, raw())
        assert (await lab.only(lab.mail(1, contact(li)))).effect is Done.CREATED
        assert (len(lab.mails()), lab.calls("get_emails")) == (2, 0)

    contact = lab.contact
    lab(scenario)


@pytest.mark.parametrize(
    ("at", "text", "skipped"),
    [
        ("Sun, 01 Mar 2026 09:31:40 +0000", "Please quote.", True),
        ("Sun, 01 Mar 2026 09:31:40 +0000", "Please quote 500 more.", False),
        ("Sun, 01 Mar 2026 09:40:00 +0000", "Please quote.", False),
    ],
)
def test_nearly_the_same_time_needs_the_same_words(lab, at, text, skipped):
    async def scenario(lab):
        _, li = lab.acme()
        lab.org.native_mail(li, raw(at=at, text=text))
        receipt = await lab.only(lab.mail(1, contact(li)))
        assert (receipt.note == "already_logged") is skipped

    contact = lab.contact
    lab(scenario, native_logging="skip")


def test_a_second_mail_of_ours_within_two_minutes_is_not_taken_for_the_first(lab):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.only(lab.mail(1, contact(li)))
        await lab.later(700)  # until the record's list is read anew
        later = lab.mail(2, contact(li), subject="Quotation 1 报价单", sent_at=SENT + timedelta(seconds=40))
        assert (await lab.only(later)).effect is Done.CREATED
        twin = lab.mail(3, contact(li), subject="Quotation 1 报价单")
        assert (await lab.only(twin)).effect is Done.CREATED

    contact = lab.contact
    lab(scenario, native_logging="skip")


def test_the_list_of_a_record_is_read_once_for_many_mails(lab):
    async def scenario(lab):
        _, li = lab.acme()
        for n in range(30):
            lab.org.native_mail(li, raw(subject=f"Old {n}"))
        for n in range(1, 9):
            await lab.only(lab.mail(n, contact(li), sent_at=SENT - timedelta(days=n)))
        assert lab.calls("get_emails") == 3
        await lab.later(700)
        await lab.only(lab.mail(10, contact(li)))
        assert lab.calls("get_emails") > 3

    contact = lab.contact
    lab(scenario, native_logging="skip")


# ------------------------------------------------------------------------------------------------------- tasks, leads


def customer(n=7, **changes):
    fields = {"key": f"v1:{n:064x}", "email": "omar@bazaar.example", "name": "Omar Haddad", "company_name": "Bazaar"}
    return Attempt(CreateCustomer(**fields | changes))


@pytest.mark.parametrize("effect", LOST)
@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("kind", ["task", "customer"])
def test_a_lost_answer_about_a_new_record_is_found_or_sent_once_more(lab, effect, ready, kind):
    async def scenario(lab):
        write = lab.again(lab.task() if kind == "task" else customer())
        await lab.target.check()
        lab.fault("*sert_records", effect, status=502 if effect == "html" else 503)
        assert type(await lab.only(write)) is OutcomeUnknown
        await lab.later(900)
        (finding,) = await lab.find(write)
        assert type(finding) is (Found if stored(effect) else Absent)
        if not stored(effect):
            assert (await lab.only(write)).effect is Done.CREATED
        rows = lab.org.records("Tasks" if kind == "task" else "Leads")
        assert len(rows) == 1

    lab(scenario, ready=ready)


def test_with_a_key_field_the_same_again_is_existing_and_changes_nothing_of_a_persons(lab):
    async def scenario(lab):
        write = lab.task()
        made = await lab.only(write)
        lab.org.update("Tasks", made.record, {"Status": "Completed", "Subject": "Done by Anna"})
        again = await lab.only(lab.again(write))
        assert (again.effect, again.record) == (Done.EXISTING, made.record)
        row = lab.org.record("Tasks", made.record)
        assert (row["Subject"], row["Status"]) == ("Done by Anna", "Completed")

    lab(scenario)


def test_even_without_looking_the_server_refuses_a_second_record_with_the_key(lab):
    async def scenario(lab):
        made = await lab.only(lab.task())
        again = await lab.only(lab.task())
        assert (again.effect, again.record) == (Done.EXISTING, made.record)
        assert len(lab.org.records("Tasks")) == 1

    lab(scenario)


def test_a_lead_that_a_person_makes_at_the_same_moment_is_not_written_over(lab):
    async def scenario(lab):
        await lab.target.check()
        made = []
        lab.between(
            "upsert_records",
            lambda: made.append(lab.org.add_lead("Omar H.", "Own", "omar@bazaar.example", lab.org.admin)),
        )
        receipt = await lab.only(customer())
        assert receipt.record not in made
        row = lab.org.record("Leads", made[0])
        assert (row["Last_Name"], row["Company"]) == ("H.", "Own")

    lab(scenario)


def test_without_a_key_field_a_request_delivered_twice_is_told_as_an_extra(lab):
    async def scenario(lab):
        write = lab.again(lab.task())
        lab.fault("insert_records", "duplicate")
        await lab.only(write)
        (found,) = await lab.find(write)
        assert len(found.extras) == 1
        extra = Attempt(Remove(key="r", made_by=WriteKind.CREATE_TASK, record=found.extras[0]))
        assert (await lab.only(extra)).effect is Done.CHANGED
        assert len(lab.org.records("Tasks")) == 1

    lab(scenario, ready=False)


def test_somebody_elses_lead_of_that_address_is_not_taken_for_ours(lab):
    async def scenario(lab):
        await lab.target.check()
        write = lab.again(customer())
        lab.org.add_lead("Omar", "Bazaar", "omar@bazaar.example")
        assert await lab.find(write) == (Absent(),)

    lab(scenario, ready=False)


def test_an_address_known_by_then_makes_no_lead(lab):
    async def scenario(lab):
        li = lab.org.add_contact("Omar", "Omar@Bazaar.example")
        await lab.later(60)
        receipt = await lab.only(customer())
        assert (receipt.record, receipt.effect, receipt.note) == (li, Done.EXISTING, "address_known")
        assert lab.org.records("Leads") == []

    lab(scenario)


def test_workflows_run_for_live_mail_and_never_for_history(lab):
    async def scenario(lab):
        await lab.only(lab.task(1))
        live = dict(lab.org.state.triggered)
        assert live
        await lab.only(replace(lab.task(2), history=True))
        assert dict(lab.org.state.triggered) == live

    lab(scenario)


def test_workflows_none_runs_none(lab):
    async def scenario(lab):
        made = await lab.only(lab.task(1))
        await lab.only(Attempt(CompleteTask(key="c", task_key="k", task=made.record)))
        assert dict(lab.org.state.triggered) == {}

    lab(scenario, workflows="none")


def test_a_task_is_completed_unless_a_person_has_closed_or_deleted_it(lab):
    async def scenario(lab):
        made = await lab.only(lab.task(1))
        close = Attempt(CompleteTask(key="c", task_key=lab.task(1).write.key, task=made.record))
        bare = Attempt(CompleteTask(key="c", task_key=lab.task(1).write.key))
        assert await lab.find(close) == (Absent(),)
        assert (await lab.only(bare)).effect is Done.CHANGED
        assert isinstance((await lab.find(close))[0], Found)
        assert (await lab.only(close)).effect is Done.UNCHANGED
        lab.org.delete(made.record)
        assert type(await lab.only(close)) is Gone

    lab(scenario)


def test_an_owner_who_left_or_a_missing_mandatory_field_is_parked_with_its_name(lab):
    async def scenario(lab):
        gone = lab.org.add_user("anna@ours.example", "Anna")
        lab.org.deactivate_user(gone)
        refused = await lab.only(lab.task(1, owner=gone))
        assert (type(refused), "Owner" in refused.hint) == (Rejected, True)
        lab.org.require_field("Leads", "Phone")
        refused = await lab.only(customer())
        assert (type(refused), "Phone" in refused.hint) == (Rejected, True)

    lab(scenario)


# ------------------------------------------------------------------------------------------- fields, links, removing


def fill(record, *fields, **more):
    return Attempt(SetFields(key="s", record=RecordRef(RecordKind.CONTACT, record), fields=fields, **more))


def test_only_empty_fields_are_filled(lab):
    async def scenario(lab):
        _, li = lab.acme()
        lab.org.update("Contacts", li, {"Title": "Buyer"})
        write = fill(li, ("Title", "Chief"), ("Department", "Purchasing"))
        assert (await lab.only(write)).effect is Done.CHANGED
        row = lab.org.record("Contacts", li)
        assert (row["Title"], row["Department"]) == ("Buyer", "Purchasing")
        assert (await lab.only(write)).effect is Done.UNCHANGED
        assert await lab.find(write) == (Absent(),)
        assert (await lab.only(fill(li, ("Title", "Chief"), only_if_empty=False))).effect is Done.CHANGED
        assert isinstance((await lab.find(fill(li, ("Title", "Chief"))))[0], Found)

    lab(scenario)


@pytest.mark.parametrize("name", ["Nope", "Created_Time"])
def test_a_field_that_cannot_be_set_is_named_and_nothing_is_sent(lab, name):
    async def scenario(lab):
        _, li = lab.acme()
        error = await lab.only(fill(li, (name, "x")))
        assert (type(error), f"Contacts.{name}" in error.hint) == (Rejected, True)
        assert lab.calls(kind="write") == 0

    lab(scenario)


def test_a_field_that_somebody_edits_right_now_is_tried_again_later(lab):
    async def scenario(lab):
        _, li = lab.acme()
        await lab.target.check()
        lab.fault("update_records", "status", status=412)
        assert type(await lab.only(fill(li, ("Department", "x")))) is Transient
        lab.org.delete(li)
        assert type(await lab.only(fill(li, ("Department", "x")))) is Gone

    lab(scenario)


def test_a_deal_is_tied_to_a_contacts_mail_afterwards(lab):
    async def scenario(lab):
        account, li = lab.acme()
        deal, other = (lab.org.add_deal(name, account, li, "Qualification") for name in ("Big", "Bigger"))
        logged = await lab.only(lab.mail(1, contact(li), deal=deal))
        link = LinkEmail(
            key="l", mail="id1", logged_key="k", participants=(contact(li),), deal=other, logged=logged.record
        )
        assert await lab.find(Attempt(link)) == (Absent(),)
        assert (await lab.only(Attempt(link))).effect is Done.CHANGED
        assert lab.mails()[0].deal == other
        assert isinstance((await lab.find(Attempt(link)))[0], Found)
        assert (await lab.only(Attempt(link))).effect is Done.UNCHANGED
        assert type(await lab.only(Attempt(replace(link, logged="0" * 96)))) is Gone

    contact = lab.contact
    lab(scenario)


def test_other_links_are_refused_without_a_call(lab):
    async def scenario(lab):
        link = LinkEmail(key="l", mail="id1", logged_key="k", participants=(), deal="5", logged="x")
        error = await lab.only(Attempt(link))
        assert (type(error), error.code, lab.calls()) == (Rejected, "LINK_NEEDS_CONTACT_AND_DEAL", 0)

    lab(scenario)


def test_what_we_made_is_removed_a_mail_stays_and_what_is_not_ours_stays(lab):
    async def scenario(lab):
        made = await lab.only(lab.task(1))
        theirs = lab.org.create("Tasks", {"Subject": "Theirs"})
        take = Attempt(Remove(key="r", made_by=WriteKind.CREATE_TASK, record=made.record))
        assert await lab.find(take) == (Absent(),)
        assert (await lab.only(take)).effect is Done.CHANGED
        assert (await lab.only(take)).effect is Done.UNCHANGED
        assert isinstance((await lab.find(take))[0], Found)
        refused = await lab.only(Attempt(Remove(key="r", made_by=WriteKind.CREATE_TASK, record=theirs)))
        assert (type(refused), refused.code) == (Rejected, "NOT_OURS")
        mail = Attempt(Remove(key="r", made_by=WriteKind.LOG_EMAIL, record="ab"))
        refused = await lab.only(mail)
        assert (type(refused), refused.code) == (Rejected, "NOT_REMOVABLE")
        assert await lab.find(mail) == (CannotTell("mails_stay"),)

    lab(scenario)


def test_nothing_asked_is_nothing_sent(lab):
    async def scenario(lab):
        assert await lab.target.write_many([]) == ()
        assert await lab.find() == ()
        assert lab.calls() == 0

    lab(scenario)


def test_a_mail_without_sender_text_and_date_seconds_is_logged(lab):
    async def scenario(lab):
        _, li = lab.acme()
        write = lab.mail(1, contact(li), from_=Address("", "Nobody"), to=(), subject="", body=Body("", ""))
        assert (await lab.only(write)).note == "sender_not_an_address"
        assert isinstance((await lab.find(write))[0], Found)

    contact = lab.contact
    lab(scenario, unknowns=Unknowns(email_available=True))
