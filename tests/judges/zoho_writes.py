"""zohocrmsdk8-0 writes: records, mails, notes, files, stages, and what stops them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from functools import partial
from typing import Any

from zohocrmsdk.src.com.zoho.crm.api import (
    associate_email,
    attachments,
    blueprint,
    bulk_read,
    change_owner,
    convert_lead,
    files,
    find_and_merge,
    notes,
    notifications,
    tags,
)
from zohocrmsdk.src.com.zoho.crm.api.deal_contact_roles import (
    DealContactRolesOperations,
    GetAssociatedContactRolesParam,
)
from zohocrmsdk.src.com.zoho.crm.api.email_related_records import (
    EmailRelatedRecordsOperations,
    GetEmailsRelatedRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    GetRecordsParam,
    MassUpdateBodyWrapper,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.recycle_bin import RecycleBinOperations
from zohocrmsdk.src.com.zoho.crm.api.related_records import GetRelatedRecordsParam, RelatedRecordsOperations
from zohocrmsdk.src.com.zoho.crm.api.timelines import TimelinesOperations
from zohocrmsdk.src.com.zoho.crm.api.users import MinifiedUser
from zohocrmsdk.src.com.zoho.crm.api.util import StreamWrapper

from tests.judges.judge import Judge
from tests.judges.zoho_desk import KEY, Desk, broken, choice, link, open_desk, params, plain, record, refused, told

judge = Judge("zohocrmsdk8-0", open_desk)
CHINA = timezone(timedelta(hours=8))
SENT = datetime(2026, 3, 2, 9, 30, tzinfo=CHINA)


def _one(answer: Any, status: int, what: str = "data") -> Any:
    """The only item of an answer."""
    (found,) = getattr(told(answer, status), f"get_{what}")()
    return found


def _done(answer: Any, status: int, what: str = "data") -> Any:
    """The details of the only item, which went well."""
    item = _one(answer, status, what)
    assert plain(item.get_code()) == "SUCCESS", item.get_details()
    return item.get_details()


def _upload(desk: Desk, kind: Any, name: str, content: bytes) -> Any:
    path = desk.place.folder / name
    path.write_bytes(content)
    body, stream = kind(), StreamWrapper(file_path=str(path))
    body.set_file([stream] if kind is files.BodyWrapper else stream)
    return body


def _rows(module: str, record_id: str, name: str, fields: str) -> Any:
    ops = RelatedRecordsOperations(name, module)
    return ops.get_related_records(int(record_id), params(GetRelatedRecordsParam, fields=fields))


# ------------------------------------------------------------------------------------------------------------- records


@judge("creates records; those that fail are told one by one, with what is wrong and where")
def create(desk: Desk) -> None:
    good = record(Last_Name="李娜", Email="Lina@buyer.example", Phone="+86 10 8888")
    answer = desk.write("Contacts", good, record(Email="nobody@buyer.example"), record(Last_Name="x" * 90))
    done, bare, long = told(answer, 207).get_data()
    assert (plain(done.get_code()), plain(bare.get_code()), plain(long.get_code())) == (
        "SUCCESS",
        "MANDATORY_NOT_FOUND",
        "INVALID_DATA",
    )
    assert bare.get_details()["api_name"] == "Last_Name"
    assert str(long.get_details()["maximum_length"]) == "80"
    (held,) = told(RecordOperations("Contacts").get_record(int(done.get_details()["id"])), 200).get_data()
    assert (held.get_key_values()["Last_Name"], held.get_key_values()["Email"].lower()) == (
        "李娜",
        "lina@buyer.example",
    )
    details = refused(desk.write("Contacts", record(Last_Name="x", Email="nonsense")), 400, "INVALID_DATA")
    assert details["api_name"] == "Email"
    assert refused(desk.write("Contacts", *[record(Last_Name="x")] * 101), 400, "LIMIT_EXCEEDED")["maximum_length"] in (
        100,
        "100",
    )


@judge("updates one and many, clears a value, and is told of ids that are none")
def update(desk: Desk) -> None:
    made, ops = desk.made("Contacts", Last_Name="Change", Title="Buyer"), RecordOperations("Contacts")
    assert str(_done(desk.write("Contacts", record(made, Title="Chief"), how="update"), 200)["id"]) == made
    both = record(made, Phone="1"), record("8683522000009999999", Title="x")
    ok, wrong = told(desk.write("Contacts", *both, how="update"), 207).get_data()
    assert (plain(ok.get_code()), plain(wrong.get_code())) == ("SUCCESS", "INVALID_DATA")
    desk.write("Contacts", record(made, Phone=None), how="update")
    (held,) = told(ops.get_record(int(made)), 200).get_data()
    assert (held.get_key_values()["Title"], held.get_key_values()["Phone"]) == ("Chief", None)
    assert told(ops.delete_record(int(made)), 200).get_data()
    refused(ops.delete_record(int(made)), 400, "INVALID_DATA")


@judge("upserts by a unique field; inserts of a value that is taken are refused with the record that has it")
def upsert(desk: Desk) -> None:
    put = partial(desk.write, "Contacts", how="upsert", duplicate_check_fields=[KEY], trigger=[])
    first = _one(put(record(Last_Name="Once", **{KEY: "u-1"})), 200)
    again = _one(put(record(Last_Name="Twice", **{KEY: "u-1"})), 200)
    assert [plain(each.get_action()) for each in (first, again)] == ["insert", "update"]
    assert (first.get_details()["id"], again.get_duplicate_field()) == (again.get_details()["id"], KEY)
    details = refused(desk.write("Contacts", record(Last_Name="Thrice", **{KEY: "u-1"})), 400, "DUPLICATE_DATA")
    assert details["api_name"] == KEY
    assert str(
        details["duplicate_record"]["id"]
        if isinstance(details["duplicate_record"], dict)
        else details["duplicate_record"].get_id()
    ) == str(first.get_details()["id"])
    wrong = desk.write("Contacts", record(Last_Name="x"), how="upsert", duplicate_check_fields=["Title"])
    refused(wrong, 400, "INVALID_DATA")
    assert desk.act(lambda: len([r for r in desk.org.records("Contacts") if r[KEY] == "u-1"])) == 1


@judge("makes tasks on people and deals, reads them in related lists, closes them; a task's person must be a contact")
def tasks(desk: Desk) -> None:
    person, deal, lead = desk.first("Contacts"), desk.first("Deals"), desk.first("Leads")
    task = {
        "Subject": "Answer 李娜",
        "Due_Date": date(2026, 3, 9),
        "Status": choice("Not Started"),
        "Who_Id": link(person),
        "What_Id": link(deal),
        "$se_module": "Deals",
    }
    made = desk.made("Tasks", **task, **{KEY: "t-1"})
    for module, owner in (("Contacts", person), ("Deals", deal)):
        listed = told(_rows(module, owner, "Tasks", "Subject,Due_Date"), 200).get_data()
        assert (str(listed[0].get_id()), listed[0].get_key_values()["Due_Date"]) == (made, date(2026, 3, 9))
    _done(desk.write("Tasks", record(made, Status=choice("Completed")), how="update"), 200)
    assert _rows("Contacts", person, "Tasks", "Subject").get_status_code() == 204
    refused(desk.write("Tasks", record(Subject="x", Who_Id=link(lead))), 400, "INVALID_DATA")
    _done(RecordOperations("Tasks").delete_record(int(made)), 200)


@judge("moves a deal by its stage, reads its history; the client knows the stages there are")
def stages(desk: Desk) -> None:
    deal = desk.made("Deals", Deal_Name="Moved", Stage=choice("Qualification"), Closing_Date=date(2026, 9, 1))
    _done(desk.write("Deals", record(deal, Stage=choice("Closed Won")), how="update"), 200)
    history = told(_rows("Deals", deal, "Stage_History", "Stage,Modified_Time"), 200).get_data()
    assert {plain(row.get_key_values()["Stage"]) for row in history} == {"Qualification", "Closed Won"}
    lines = told(TimelinesOperations().get_timelines("Deals", deal), 200).get_timeline()
    assert "updated" in [plain(line.get_action()) for line in lines]
    assert "UNACCEPTED VALUES" in broken(
        lambda: desk.write("Deals", record(deal, Stage=choice("Nonsense")), how="update")
    )


@judge("meets a blueprint: the stage is not to be set, its transitions are read and run, one after the other")
def by_blueprint(desk: Desk) -> None:
    deal = desk.made("Deals", Deal_Name="Driven", Stage=choice("Qualification"), Closing_Date=date(2026, 9, 1))
    desk.act(desk.org.put_in_blueprint, deal, [("Analyse", "Qualification", "Needs Analysis")], {"Analyse": ["Amount"]})
    refused(desk.write("Deals", record(deal, Stage=choice("Needs Analysis")), how="update"), 400, "RECORD_IN_BLUEPRINT")
    ops = blueprint.BlueprintOperations(deal, "Deals")
    found = told(ops.get_blueprint(), 200).get_blueprint()
    (step,) = found.get_transitions()
    assert (step.get_name(), found.get_process_info().get_field_value()) == ("Analyse", "Qualification")
    body, move = blueprint.BodyWrapper(), blueprint.BluePrint()
    move.set_transition_id(str(step.get_id()))
    move.set_data(record(Amount=5_000.0))
    body.set_blueprint([move])
    assert plain(told(ops.update_blueprint(body), 200).get_code()) == "SUCCESS"
    (held,) = told(RecordOperations("Deals").get_record(int(deal)), 200).get_data()
    assert plain(held.get_key_values()["Stage"]) == "Needs Analysis"
    assert plain(told(ops.update_blueprint(body), 400).get_status()) == "error"
    desk.act(desk.org.leave_blueprint, deal)


@judge("meets locked records, records that wait for approval, converted leads and owners who have left")
def stops(desk: Desk) -> None:
    one = desk.made("Contacts", Last_Name="Stopped")
    change = partial(desk.write, "Contacts", record(one, Title="x"), how="update")
    desk.act(desk.org.lock, one)
    assert plain(_one(change(), 403).get_code()) == "RECORD_LOCKED"
    desk.act(desk.org.unlock, one)
    desk.act(desk.org.await_approval, one)
    assert plain(_one(change(), 400).get_code()) == "NOT_APPROVED"
    desk.act(desk.org.approve, one)
    _done(change(), 200)
    left = desk.act(
        lambda: next(each["id"] for each in desk.org.state.store.rows("users") if each["status"] == "disabled")
    )
    owner = MinifiedUser()
    owner.set_id(int(left))
    refused(desk.write("Contacts", record(one, Owner=owner), how="update"), 400, "INVALID_DATA")
    lead = desk.made("Leads", Last_Name="Done", Company="Done Co", Email="done@buyer.example")
    desk.act(desk.org.convert_lead, lead)
    assert plain(_one(desk.write("Leads", record(lead, Phone="1"), how="update"), 400).get_code()) == "CONVERTED_RECORD"


@judge("converts a lead, merges two contacts, clones one, hands one over and changes many at once")
def joining(desk: Desk) -> None:
    lead = desk.made("Leads", Last_Name="Convert", Company="Convert Co", Email="convert@buyer.example")
    body, how = convert_lead.BodyWrapper(), convert_lead.LeadConverter()
    how.set_notify_lead_owner(True)
    body.set_data([how])
    made = _one(convert_lead.ConvertLeadOperations(int(lead)).convert_lead(body), 200).get_details()
    assert str(made["Contacts"].get_id()) in [row["id"] for row in desk.act(desk.org.records, "Contacts")]
    keep, lose = desk.made("Contacts", Last_Name="Keep"), desk.made("Contacts", Last_Name="Lose")
    whole, merge, part = find_and_merge.BodyWrapper(), find_and_merge.Merge(), find_and_merge.MergeData()
    part.set_id(int(lose))
    merge.set_data([part])
    whole.set_merge([merge])
    assert told(find_and_merge.FindAndMergeOperations("Contacts", int(keep)).merge_records(whole), 201).get_merge()
    assert RecordOperations("Contacts").get_record(int(lose)).get_status_code() == 204
    copy = _done(RecordOperations("Contacts").clone_record(int(keep)), 201)["id"]
    anna = desk.act(
        lambda: next(each["id"] for each in desk.org.state.store.rows("users") if each["email"].startswith("anna"))
    )
    single, owner = change_owner.BodyWrapper(), change_owner.Owner()
    owner.set_id(int(anna))
    single.set_owner(owner)
    assert told(change_owner.ChangeOwnerOperations("Contacts").single_update(int(copy), single), 200).get_data()
    many = MassUpdateBodyWrapper()
    many.set_data([record(Title="Massed")])
    many.set_ids([keep, str(copy)])
    many.set_over_write(True)
    assert told(RecordOperations("Contacts").mass_update_records(many), 200).get_data()
    rows = {row["id"]: row for row in desk.act(desk.org.records, "Contacts")}
    assert (rows[str(copy)]["Owner"]["id"], rows[str(copy)]["Title"], rows[keep]["Title"]) == (anna, "Massed", "Massed")


@judge("tags records and takes the tags off again; reads a deal's contacts in their roles")
def marks(desk: Desk) -> None:
    one, deal = desk.made("Contacts", Last_Name="Tagged"), desk.first("Deals")
    tag, body = tags.Tag(), tags.NewTagRequestWrapper()
    tag.set_name("亚洲 Asia")
    body.set_tags([tag])
    assert told(tags.TagsOperations().add_tags("Contacts", int(one), body), 200).get_data()
    assert [each["name"] for each in desk.act(desk.org.record, "Contacts", one)["Tag"]] == ["亚洲 Asia"]
    old, gone = tags.ExistingTag(), tags.ExistingTagRequestWrapper()
    old.set_name("亚洲 Asia")
    gone.set_tags([old])
    assert told(tags.TagsOperations().remove_tags("Contacts", int(one), gone), 200).get_data()
    assert desk.act(desk.org.record, "Contacts", one)["Tag"] == []
    ask = params(GetAssociatedContactRolesParam, fields="Last_Name,Email")
    (role,) = told(DealContactRolesOperations().get_associated_contact_roles(int(deal), ask), 200).get_data()
    assert str(role.get_id()) == desk.first("Contacts")


# --------------------------------------------------------------------------------------------------------------- mails


def _mail(key: str, **more: Callable[[Any], Any]) -> Any:
    found = associate_email.AssociateEmail()
    sender, to = associate_email.From(), associate_email.To()
    sender.set_user_name("李娜"), sender.set_email("buyer1@hanseatic.example")
    to.set_user_name("Anna"), to.set_email("anna@lantern.example")
    found.set_from(sender)
    found.set_to([to])
    found.set_subject("报价 Offer")
    found.set_content("<p>Dear Anna</p>")
    found.set_mail_format(choice("html"))
    found.set_date_time(SENT)
    found.set_sent(False)
    found.set_original_message_id(f"<{key}@buyer.example>")
    for name, value in more.items():
        getattr(found, f"set_{name}")(value)
    return found


def _associate(module: str, record_id: str, *mails: Any) -> Any:
    body = associate_email.BodyWrapper()
    body.set_emails(list(mails))
    return associate_email.AssociateEmailOperations().associate(int(record_id), module, body)


@judge("associates a mail with a contact and its deal, lists mails page by page, reads one")
def mails(desk: Desk) -> None:
    person, deal = desk.made("Contacts", Last_Name="Mails"), desk.first("Deals")
    where, linked = associate_email.ModuleMap(), associate_email.LinkedRecord()
    where.set_api_name("Deals"), where.set_id(int(desk.org.state.schema.modules["Deals"].id))
    linked.set_module(where), linked.set_id(int(deal))
    made = [
        _done(_associate("Contacts", person, _mail(f"m{n}", linked_record=linked)), 201, "emails")["message_id"]
        for n in range(12)
    ]
    assert len(set(made)) == 12
    ops = EmailRelatedRecordsOperations(int(person), "Contacts", None, None)
    first = told(ops.get_emails_related_records(), 200)
    assert (len(first.get_emails()), first.get_info().get_more_records()) == (10, True)
    more = params(GetEmailsRelatedRecordsParam, index=first.get_info().get_next_index())
    rest = told(ops.get_emails_related_records(more), 200)
    assert (len(rest.get_emails()), rest.get_info().get_more_records()) == (2, False)
    listed = [*first.get_emails(), *rest.get_emails()]
    assert {each.get_message_id() for each in listed} == set(made)
    one = listed[0]
    assert (one.get_subject(), one.get_from().get_email(), one.get_sent()) == (
        "报价 Offer",
        "buyer1@hanseatic.example",
        False,
    )
    assert one.get_time() == SENT
    assert str(one.get_linked_record().get_id()) == deal
    (whole,) = told(ops.get_emails_related_record(made[0]), 200).get_emails()
    assert "Dear Anna" in whole.get_content()


@judge("is refused two mails in one call, mails without what they need, and records that are not there")
def wrong_mails(desk: Desk) -> None:
    person = desk.first("Contacts")
    assert refused(_associate("Contacts", person, _mail("a"), _mail("b")), 400, "INVALID_DATA")["api_name"] == "Emails"
    refused(_associate("Contacts", person, _mail("a", subject="x" * 251)), 400, "INVALID_DATA")
    refused(_associate("Contacts", "8683522000009999999", _mail("a")), 400, "INVALID_DATA")
    refused(_associate("Nonsense", person, _mail("a")), 404, "INVALID_MODULE")


# ------------------------------------------------------------------------------------------------------ notes and files


@judge("writes, changes, lists and deletes notes; attaches files and reads them back; uploads for mails")
def papers(desk: Desk) -> None:
    person = desk.made("Contacts", Last_Name="Papers")
    ops, body, note = notes.NotesOperations(), notes.BodyWrapper(), notes.Note()
    parent, module = notes.ParentId(), MinifiedModule()
    note.set_note_title("Call 电话")
    note.set_note_content("Wants 500 lanterns")
    module.set_api_name("Contacts")
    parent.set_id(int(person)), parent.set_module(module)
    note.set_parent_id(parent)
    body.set_data([note])
    made = _done(ops.create_notes(body), 201)["id"]
    assert (
        told(_rows("Contacts", person, "Notes", "Note_Title,Note_Content"), 200)
        .get_data()[0]
        .get_key_values()["Note_Title"]
        == "Call 电话"
    )
    _done(ops.delete_note(int(made)), 200)
    put = attachments.AttachmentsOperations()
    sent = _done(
        put.upload_attachments(
            int(person), "Contacts", _upload(desk, attachments.FileBodyWrapper, "报价.pdf", b"%PDF-1.7 offer")
        ),
        200,
    )
    (held,) = told(
        put.get_attachments(int(person), "Contacts", params(attachments.GetAttachmentsParam, fields="File_Name,Size")),
        200,
    ).get_data()
    assert (held.get_id(), held.get_file_name()) == (int(sent["id"]), "报价.pdf")
    assert (
        told(put.get_attachment(int(sent["id"]), int(person), "Contacts"), 200).get_file().get_stream().content
        == b"%PDF-1.7 offer"
    )
    _done(put.delete_attachment(int(sent["id"]), int(person), "Contacts"), 200)
    key = _done(files.FilesOperations().upload_files(_upload(desk, files.BodyWrapper, "offer.pdf", b"%PDF")), 200)["id"]
    assert (
        told(files.FilesOperations().get_file(params(files.GetFileParam, id=key)), 200).get_file().get_stream().content
        == b"%PDF"
    )


@judge("asks to be notified, changes and ends it; exports by a bulk job to its file")
def jobs(desk: Desk) -> None:
    ops, body, watch = (
        notifications.NotificationsOperations(),
        notifications.BodyWrapper(),
        notifications.Notification(),
    )
    watch.set_channel_id("1006800211")
    watch.set_events(["Contacts.all"])
    watch.set_notify_url("https://tradepost.example/hook")
    watch.set_token("judge")
    body.set_watch([watch])
    assert told(ops.enable_notifications(body), 201).get_watch()
    (held,) = told(
        ops.get_notifications(params(notifications.GetNotificationsParam, channel_id=1006800211)), 200
    ).get_watch()
    assert (str(held.get_channel_id()), held.get_token()) == ("1006800211", "judge")
    assert told(
        ops.delete_notification(params(notifications.DeleteNotificationParam, channel_ids="1006800211")), 200
    ).get_watch()
    export, query = bulk_read.BodyWrapper(), bulk_read.Query()
    which = MinifiedModule()
    which.set_api_name("Contacts")
    query.set_module(which)
    query.set_fields(["Last_Name", "Email"])
    export.set_query(query)
    added = _one(bulk_read.BulkReadOperations().create_bulk_read_job(export), 201)
    assert plain(added.get_code()) == "ADDED_SUCCESSFULLY"
    job = added.get_details()["id"]
    (told_job,) = told(bulk_read.BulkReadOperations().get_bulk_read_job_details(int(job)), 200).get_data()
    assert plain(told_job.get_state()) == "COMPLETED"
    assert told_job.get_query().get_module().get_api_name() == "Contacts"
    assert told_job.get_result().get_count() == len(desk.act(desk.org.records, "Contacts"))
    content = told(bulk_read.BulkReadOperations().download_result(int(job)), 200).get_file().get_stream().content
    assert content.startswith(b"PK")


# ------------------------------------------------------------------------------------------------------------ refusals


@judge("meets spent credits, faults of the server and pages that are no JSON; finds what is in the recycle bin")
def limits(desk: Desk) -> None:
    ask = lambda: RecordOperations("Contacts").get_records(params(GetRecordsParam, fields="Email", per_page=1))  # noqa: E731
    desk.act(desk.org.set_credits_used, desk.org.credits)
    refused(ask(), 429, "TOO_MANY_REQUESTS")
    desk.act(desk.org.set_credits_used, desk.org.credits - 100)
    answer = ask()
    assert int(answer.get_headers()["X-API-CREDITS-REMAINING"]) == 99
    desk.act(desk.org.set_credits_used, 0)
    for status, code in ((500, "INTERNAL_ERROR"), (403, "NO_PERMISSION")):
        desk.place.fault("zoho", "get_records", status)
        refused(ask(), status, code)
    desk.place.fault("zoho", "search_records", 401, "AUTHENTICATION_FAILURE")
    refused(
        RecordOperations("Contacts").search_records(params(SearchRecordsParam, email="x@y.example")),
        401,
        "AUTHENTICATION_FAILURE",
    )
    desk.place.fault("zoho", "get_org", 503)
    assert broken(OrgOperations().get_organization)
    assert told(RecycleBinOperations().get_recyclebin_records(), 200).get_recycle_bin()
