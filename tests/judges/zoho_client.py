"""zohocrmsdk8-0, Zoho's own client of API v8, judges the simulated organisation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

from zohocrmsdk.src.com.zoho.crm.api import coql, fields, modules
from zohocrmsdk.src.com.zoho.crm.api.custom_views import CustomViewsOperations, GetCustomViewsParam
from zohocrmsdk.src.com.zoho.crm.api.duplicate_check_preference import DuplicateCheckPreferenceOperations
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.pipeline import PipelineOperations
from zohocrmsdk.src.com.zoho.crm.api.profiles import ProfilesOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    DeleteRecordsParam,
    GetDeletedRecordsHeader,
    GetDeletedRecordsParam,
    GetRecordHeader,
    GetRecordParam,
    GetRecordsHeader,
    GetRecordsParam,
    GetRecordUsingExternalIDHeader,
    RecordCountParam,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.related_lists import GetRelatedListsParam, RelatedListsOperations
from zohocrmsdk.src.com.zoho.crm.api.roles import RolesOperations
from zohocrmsdk.src.com.zoho.crm.api.tags import GetTagsParam, TagsOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersCountParam, UsersOperations

from tests.judges import zoho_tools, zoho_writes
from tests.judges.judge import Bench, Judge
from tests.judges.zoho_desk import CONTACTS, KEY, Desk, broken, headers, make, open_desk, params, plain, refused, told

judge = Judge("zohocrmsdk8-0", open_desk)
BENCH = Bench("zoho", make, (judge, zoho_writes.judge, zoho_tools.judge))


# ------------------------------------------------------------------------------------------------------------ signing in


@judge("signs in with a refresh token, learns who it is, and keeps the token in its store")
def refresh(desk: Desk) -> None:
    token = desk.sign_in(refresh_token=desk.org.token)
    assert token.get_api_domain() == desk.place.served.urls["zoho"]
    assert len(token.get_access_token()) > 30
    stored = (desk.place.folder / "tokens").read_text("utf-8")
    assert "tradepost@lantern.example:" in stored
    assert token.get_access_token() in stored
    (org,) = told(OrgOperations().get_organization(), 200).get_org()
    assert (org.get_company_name(), org.get_time_zone()) == ("Lantern Trading Co., Ltd.", "Asia/Shanghai")


@judge("exchanges a grant code, once; wrong codes, secrets and dead refresh tokens are told")
def grant(desk: Desk) -> None:
    code = desk.act(desk.org.new_grant_code)
    token = desk.sign_in(grant_token=code)
    assert token.get_refresh_token()
    assert told(UsersOperations().get_users(params(GetUsersParam, type="CurrentUser")), 200).get_users()
    url = desk.environment.accounts_url
    for how, ask, word in (
        ({"grant_token": code}, "generate_access_token", "invalid_code"),
        ({"refresh_token": "1000.dead"}, "refresh_access_token", "invalid_code"),
        ({"refresh_token": desk.org.token, "client_secret": "wrong"}, "refresh_access_token", "invalid_client_secret"),
        ({"refresh_token": desk.org.token, "client_id": "1000.WRONG"}, "refresh_access_token", "invalid_client"),
    ):
        wrong = desk.token(**how)
        assert word in broken(partial(getattr(wrong, ask), wrong, url))
    desk.sign_in()


@judge("meets an expired token, a token without the scope, and one that is none")
def unauthorised(desk: Desk) -> None:
    desk.sign_in()
    desk.act(desk.org.expire_tokens)
    refused(OrgOperations().get_organization(), 401, "INVALID_TOKEN")
    desk.sign_in(
        refresh_token=desk.act(
            desk.org.new_refresh_token,
            ("ZohoCRM.modules.contacts.READ", "ZohoCRM.org.READ", "ZohoCRM.users.READ", "ZohoCRM.settings.ALL"),
        )
    )
    assert (
        len(told(RecordOperations("Contacts").get_records(params(GetRecordsParam, fields="Email")), 200).get_data())
        == 200
    )
    refused(
        RecordOperations("Deals").get_records(params(GetRecordsParam, fields="Deal_Name")), 401, "OAUTH_SCOPE_MISMATCH"
    )
    desk.sign_in(access_token="1000.none", find_user=False)
    refused(OrgOperations().get_organization(), 401, "INVALID_TOKEN")
    desk.sign_in()


# ------------------------------------------------------------------------------------------------------------- set-up


@judge("reads users of every kind, one by id, their number, profiles and roles")
def people(desk: Desk) -> None:
    ops = UsersOperations()
    whole = told(ops.get_users(params(GetUsersParam, type="AllUsers", per_page=2)), 200)
    assert whole.get_info().get_more_records() is True
    rest = told(ops.get_users(params(GetUsersParam, type="AllUsers", per_page=2, page=2)), 200)
    named = {each.get_email(): each for each in [*whole.get_users(), *rest.get_users()]}
    assert set(named) == {f"{name}@lantern.example" for name in ("admin", "tradepost", "anna", "left")}
    assert (named["anna@lantern.example"].get_full_name(), plain(named["left@lantern.example"].get_status())) == (
        "Anna 王",
        "disabled",
    )
    active = told(ops.get_users(params(GetUsersParam, type="ActiveUsers")), 200).get_users()
    assert "left@lantern.example" not in [each.get_email() for each in active]
    anna = named["anna@lantern.example"]
    (one,) = told(ops.get_user(anna.get_id()), 200).get_users()
    assert (one.get_id(), one.get_last_name()) == (anna.get_id(), "王")
    assert told(ops.users_count(params(UsersCountParam, type="AllUsers")), 200).get_count() == 4
    profiles = told(ProfilesOperations().get_profiles(), 200).get_profiles()
    assert "Administrator" in [each.get_name() for each in profiles]
    assert told(RolesOperations().get_roles(), 200).get_roles()


@judge("reads the modules and all fields of each of them")
def metadata(desk: Desk) -> None:
    ops = modules.ModulesOperations()
    known = {each.get_api_name(): each for each in told(ops.get_modules(), 200).get_modules()}
    assert {"Leads", "Contacts", "Accounts", "Deals", "Tasks", "Notes"} <= set(known)
    for name, each in known.items():
        if each.get_api_supported():
            answer = fields.FieldsOperations().get_fields(params(fields.GetFieldsParam, module=name))
            assert all(f.get_api_name() and f.get_data_type() and f.get_id() for f in told(answer, 200).get_fields()), (
                name
            )
    (one,) = told(ops.get_module_by_api_name("Deals"), 200).get_modules()
    assert (one.get_api_name(), one.get_plural_label(), one.get_creatable()) == ("Deals", "Deals", True)
    contacts = told(
        fields.FieldsOperations().get_fields(params(fields.GetFieldsParam, module="Contacts")), 200
    ).get_fields()
    held = {f.get_api_name(): f for f in contacts}
    assert (held["Email"].get_data_type(), held["Last_Name"].get_system_mandatory()) == ("email", True)
    assert (held[KEY].get_custom_field(), held[KEY].get_unique() is not None) == (True, True)
    assert held["Account_Name"].get_lookup().get_module().get_api_name() == "Accounts"
    deals = told(fields.FieldsOperations().get_fields(params(fields.GetFieldsParam, module="Deals")), 200).get_fields()
    stages = next(f for f in deals if f.get_api_name() == "Stage").get_pick_list_values()
    assert "Closed Won" in [value.get_actual_value() for value in stages]
    users = told(fields.FieldsOperations().get_fields(params(fields.GetFieldsParam, module="users")), 200).get_fields()
    assert "email" in [f.get_api_name() for f in users]
    refused(
        fields.FieldsOperations().get_fields(params(fields.GetFieldsParam, module="Nonsense")), 400, "INVALID_MODULE"
    )


@judge("makes a unique field, changes it, reads it alone and deletes it; doubles are refused")
def own_field(desk: Desk) -> None:
    ops, where = fields.FieldsOperations(), partial(params, module="Tasks")
    new = fields.Fields()
    new.set_field_label("Judged 键")
    new.set_data_type("text")
    new.set_length(120)
    new.set_unique(fields.Unique())
    new.get_unique().set_casesensitive("false")
    body = fields.BodyWrapper()
    body.set_fields([new])
    (done,) = told(ops.create_field(body, where(fields.CreateFieldParam)), 201).get_fields()
    made = int(done.get_details()["id"])
    refused(ops.create_field(body, where(fields.CreateFieldParam)), 400, "DUPLICATE_DATA")
    (found,) = told(ops.get_field(made, where(fields.GetFieldParam)), 200).get_fields()
    assert (found.get_field_label(), found.get_length(), found.get_unique() is not None) == ("Judged 键", 120, True)
    change = fields.Fields()
    change.set_field_label("Judged again")
    body.set_fields([change])
    assert told(ops.update_field(made, body, where(fields.UpdateFieldParam)), 200).get_fields()
    (found,) = told(ops.get_field(made, where(fields.GetFieldParam)), 200).get_fields()
    assert found.get_field_label() == "Judged again"
    assert told(ops.delete_field(made, where(fields.DeleteFieldParam)), 200).get_fields()
    named = told(ops.get_fields(where(fields.GetFieldsParam)), 200).get_fields()
    assert "Judged again" not in [each.get_field_label() for each in named]


@judge("reads layouts, pipelines with their stages, related lists, views, tags and the duplicate check preference")
def layouts(desk: Desk) -> None:
    (layout,) = told(LayoutsOperations().get_layouts(params(GetLayoutsParam, module="Deals")), 200).get_layouts()
    assert [section.get_fields() for section in layout.get_sections()]
    (same,) = told(
        LayoutsOperations().get_layout(layout.get_id(), params(GetLayoutsParam, module="Deals")), 200
    ).get_layouts()
    assert same.get_id() == layout.get_id()
    (pipeline,) = told(PipelineOperations(layout.get_id()).get_pipelines(), 200).get_pipeline()
    stages = [each.get_actual_value() for each in pipeline.get_maps()]
    assert stages == list(desk.org.state.pipelines[0].stages)
    assert (
        told(PipelineOperations(layout.get_id()).get_pipeline(pipeline.get_id()), 200)
        .get_pipeline()[0]
        .get_display_value()
    )
    lists = told(
        RelatedListsOperations().get_related_lists(params(GetRelatedListsParam, module="Deals")), 200
    ).get_related_lists()
    assert {"Stage_History", "Contact_Roles", "Notes", "Emails"} <= {each.get_api_name() for each in lists}
    views = told(
        CustomViewsOperations().get_custom_views(params(GetCustomViewsParam, module="Contacts")), 200
    ).get_custom_views()
    assert (
        len(
            told(
                RecordOperations("Contacts").get_records(
                    params(GetRecordsParam, fields="Email", cvid=str(views[0].get_id()), per_page=5)
                ),
                200,
            ).get_data()
        )
        == 5
    )
    assert TagsOperations().get_tags(params(GetTagsParam, module="Contacts")).get_status_code() in (200, 204)
    assert DuplicateCheckPreferenceOperations("Leads").get_duplicate_check_preference().get_status_code() == 204


# ------------------------------------------------------------------------------------------------------------- reading


@judge("reads every contact by page tokens to the end, in order, and the first pages by number")
def paging(desk: Desk) -> None:
    rows = desk.every("Contacts", "Email,Created_Time", sort_by="id", sort_order="asc")
    assert len({row.get_id() for row in rows}) == len(rows) == CONTACTS
    assert [row.get_id() for row in rows] == sorted(row.get_id() for row in rows)
    ops = RecordOperations("Contacts")
    pages = [
        told(ops.get_records(params(GetRecordsParam, fields="Email", per_page=200, page=n)), 200) for n in (1, 2, 3)
    ]
    assert [len(page.get_data()) for page in pages] == [200, 200, CONTACTS - 400]
    assert [page.get_info().get_more_records() for page in pages] == [True, True, False]
    assert len({row.get_id() for page in pages for row in page.get_data()}) == CONTACTS
    assert ops.get_records(params(GetRecordsParam, fields="Email", page=4, per_page=200)).get_status_code() == 204
    refused(ops.get_records(params(GetRecordsParam, per_page=5)), 400, "REQUIRED_PARAM_MISSING")
    refused(
        ops.get_records(params(GetRecordsParam, fields="Email", page=11, per_page=200)),
        400,
        "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
    )
    refused(ops.get_records(params(GetRecordsParam, fields="Email", page_token="nonsense")), 400, "INVALID_DATA")


@judge("asks for what is newer than a time: nothing, one, or everything")
def since(desk: Desk) -> None:
    ops, ask = RecordOperations("Contacts"), params(GetRecordsParam, fields="Email,Modified_Time")
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the client has no other clock
    later = headers(GetRecordsHeader, if_modified_since=now + timedelta(hours=1))
    assert ops.get_records(ask, later).get_status_code() == 304
    earlier = headers(
        GetRecordsHeader, if_modified_since=now.astimezone(timezone(timedelta(hours=8))) - timedelta(hours=1)
    )
    assert len(told(ops.get_records(ask, earlier), 200).get_data()) == 200
    one = desk.first("Contacts")
    unchanged = headers(GetRecordHeader, if_modified_since=now + timedelta(hours=1))
    assert ops.get_record(int(one), None, unchanged).get_status_code() == 304


@judge("reads one record with all that it has: owner, lookups, times, system keys; an unknown id is 204")
def one_record(desk: Desk) -> None:
    ops, wanted = RecordOperations("Contacts"), desk.first("Contacts")
    (found,) = told(ops.get_record(int(wanted)), 200).get_data()
    values = found.get_key_values()
    assert (str(found.get_id()), values["Last_Name"], values["Email"]) == (wanted, "000", "buyer0@hanseatic.example")
    assert values["Account_Name"].get_key_values()["name"] == "Hanseatic Imports GmbH"
    assert found.get_created_time().tzinfo is not None
    assert found.get_created_by().get_email() == "admin@lantern.example"
    assert values["$approval_state"] == "approved"
    assert ops.get_record(8_683_522_000_009_999_999).get_status_code() == 204
    few = told(ops.get_record(int(wanted), params(GetRecordParam, fields="Email")), 200).get_data()[0].get_key_values()
    assert set(few) == {"id", "Email"}
    assert "INVALID_MODULE" in broken(lambda: RecordOperations("Nonsense").get_record(int(wanted)))


@judge("searches by address, by criteria, by words; nothing found is 204")
def searching(desk: Desk) -> None:
    ops = RecordOperations("Contacts")
    search = lambda **query: ops.search_records(params(SearchRecordsParam, **query))  # noqa: E731
    (one,) = told(search(email="BUYER7@hanseatic.example"), 200).get_data()
    assert one.get_key_values()["Email"] == "buyer7@hanseatic.example"
    both = told(
        search(criteria="((Email:equals:buyer8@hanseatic.example)or(Last_Name:equals:009))", fields="Email"), 200
    )
    assert sorted(row.get_key_values()["Email"] for row in both.get_data()) == [
        "buyer8@hanseatic.example",
        "buyer9@hanseatic.example",
    ]
    page = told(search(criteria="(Last_Name:starts_with:0)", per_page=60, page=2), 200)
    assert (len(page.get_data()), page.get_info().get_more_records()) == (40, False)
    assert told(search(word="buyer10"), 200).get_data()
    assert search(email="nobody@nowhere.example").get_status_code() == 204
    refused(search(criteria="((Nonsense:equals:1))"), 400, "INVALID_QUERY")
    refused(search(), 400, "EXPECTED_PARAM_MISSING")
    assert told(ops.record_count(), 200).get_count() == CONTACTS
    assert told(ops.record_count(params(RecordCountParam, email="buyer7@hanseatic.example")), 200).get_count() == 1


@judge("asks by COQL: relations, lists, limits and counts; wrong queries say where they are wrong")
def by_coql(desk: Desk) -> None:
    def ask(text: str) -> object:
        body = coql.BodyWrapper()
        body.set_select_query(text)
        return coql.CoqlOperations().get_records(body)

    found = told(
        ask(
            "select Last_Name, Email, Account_Name.Account_Name from Contacts where Email in ('buyer1@hanseatic.example', 'x') limit 0, 5"
        ),
        200,
    )
    (row,) = found.get_data()
    assert row.get_key_values()["Account_Name.Account_Name"] == "Hanseatic Imports GmbH"
    assert found.get_info().get_more_records() is False
    many = told(ask("select id from Contacts where Last_Name is not null order by id limit 200"), 200)
    assert (len(many.get_data()), many.get_info().get_more_records()) == (200, True)
    rest = told(ask("select id from Contacts where Last_Name is not null order by id limit 400, 200"), 200)
    assert len(rest.get_data()) == CONTACTS - 400
    (count,) = told(ask("select COUNT(id) from Contacts where Last_Name is not null"), 200).get_data()
    assert CONTACTS in count.get_key_values().values()
    assert ask("select id from Contacts where Email = 'nobody@nowhere.example'").get_status_code() == 204
    refused(ask("select id from Contacts"), 400, "SYNTAX_ERROR")
    refused(ask("select Nonsense from Contacts where id is not null"), 400, "INVALID_QUERY")
    refused(ask("select id from Nonsense where id is not null"), 400, "INVALID_QUERY")


@judge("reads by an external field, and what was deleted, newest first")
def around(desk: Desk) -> None:
    made = desk.made("Contacts", Last_Name="External", Judge_Number="N-1")
    ops = RecordOperations("Contacts")
    by = headers(GetRecordUsingExternalIDHeader, x_external="Contacts.Judge_Number")
    (found,) = told(ops.get_record_using_external_id("N-1", None, by), 200).get_data()
    assert str(found.get_id()) == made
    assert told(ops.delete_records(params(DeleteRecordsParam, ids=made)), 200).get_data()[0].get_details()["id"] == made
    for kind, status in (("all", 200), ("recycle", 200), ("permanent", 204)):
        answer = ops.get_deleted_records(params(GetDeletedRecordsParam, type=kind, per_page=10))
        assert answer.get_status_code() == status
        if status == 200:
            (gone,) = told(answer, 200).get_data()
            assert (str(gone.get_id()), gone.get_display_name(), gone.get_type()) == (made, "External", "recycle")
            assert gone.get_deleted_by().get_name() == "Tradepost"
    late = headers(GetDeletedRecordsHeader, if_modified_since=datetime.now(UTC) + timedelta(hours=1))  # noqa: TID251
    assert ops.get_deleted_records(None, late).get_status_code() == 304
    assert ops.get_record(int(made)).get_status_code() == 204
