"""Every error class, every shape of an answer, every rubbish: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    Conflict,
    CursorExpired,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.crm.zoho_parse import (
    Fault,
    error_of,
    faults_in,
    id_in,
    parse_fault,
    parse_list,
    parse_outcome,
    parse_time,
    text_in,
)


def fault(code, /, **details):
    return parse_fault({"code": code, "details": details, "message": "li@acme.example wrote", "status": "error"})


@pytest.mark.parametrize(
    ("given", "safe", "kind"),
    [
        (fault("INVALID_TOKEN"), True, AuthFailed),
        (fault("AUTHENTICATION_FAILURE"), False, AuthFailed),
        (fault("OAUTH_SCOPE_MISMATCH"), False, NotPermitted),
        (fault("NO_PERMISSION", permissions=["Crm_Implied_Edit_Deals"]), False, NotPermitted),
        (fault("NO_PERMISSION"), True, NotPermitted),
        (fault("NO_PERMISSION"), False, Rejected),
        (fault("INVALID_MODULE"), True, NotPermitted),
        (fault("FEATURE_NOT_SUPPORTED"), False, NotPermitted),
        (fault("FEATURE_NOT_SUPPORTED"), True, Rejected),
        (fault("EXPIRED_VALUE"), True, CursorExpired),
        (fault("TOKEN_BOUND_DATA_MISMATCH"), True, CursorExpired),
        (fault("PAGINATION_LIMIT_EXCEEDED"), True, CursorExpired),
        (fault("DISCRETE_PAGINATION_LIMIT_EXCEEDED"), True, CursorExpired),
        (fault("CONVERTED_RECORD"), False, Gone),
        (fault("ID_ALREADY_CONVERTED"), False, Gone),
        (fault("INVALID_DATA", resource_path_index=1), False, Gone),
        (fault("INVALID_DATA", id="5", json_path="$.data[0].id"), False, Gone),
        (fault("INVALID_DATA", api_name="What_Id", json_path="$.data[0].What_Id"), False, Gone),
        (fault("INVALID_DATA", api_name="Owner", json_path="$.data[0].Owner"), False, Rejected),
        (fault("INVALID_DATA", api_name="Email"), False, Rejected),
        (fault("MANDATORY_NOT_FOUND", api_name="Last_Name"), False, Rejected),
        (fault("DUPLICATE_DATA", api_name="Email"), False, Rejected),
        (fault("RECORD_IN_BLUEPRINT"), False, Rejected),
        (fault("RECORD_LOCKED"), False, Rejected),
        (fault("NOT_APPROVED"), False, Rejected),
        (fault("NOT_REVIEWED"), False, Rejected),
        (fault("MAPPING_MISMATCH"), False, Rejected),
        (fault("LIMIT_EXCEEDED", limit=100), False, Rejected),
        (fault("ALREADY_MODIFIED"), False, Conflict),
        (fault("INTERNAL_ERROR"), False, OutcomeUnknown),
        (fault("INTERNAL_SERVER_ERROR"), True, Transient),
        (fault("DEPENDENT_SERVICE_ERROR", code="PROCESSING_ERROR"), False, OutcomeUnknown),
        (fault("DEPENDENT_SERVICE_ERROR", code="LIMIT_EXCEEDED"), False, RateLimited),
        (fault("DEPENDENT_SERVICE_ERROR", code="CANNOT_PROCESS"), False, Rejected),
        (fault("DEPENDENT_SERVICE_ERROR"), False, OutcomeUnknown),
        (fault("TOO_MANY_REQUESTS"), False, RateLimited),
        (fault("RATE_LIMIT_EXCEEDED"), True, RateLimited),
        (fault("SOMETHING_NEW"), False, Rejected),
    ],
)
def test_every_code_means_one_consequence(given, safe, kind):
    error = error_of(given, safe=safe, operation="update_records", status=400)
    assert type(error) is kind
    assert error.code == given.code
    assert error.hint
    assert "acme" not in str(error)


@pytest.mark.parametrize(
    ("operation", "scope"),
    [
        ("associate_email", "ZohoCRM.modules.emails.ALL"),
        ("coql", "ZohoCRM.coql.READ"),
        ("create_fields", "ZohoCRM.settings.fields.CREATE"),
        ("update_records", "ZohoCRM.modules.ALL"),
    ],
)
def test_a_missing_scope_is_named(operation, scope):
    assert scope in error_of(fault("OAUTH_SCOPE_MISMATCH"), safe=False, operation=operation, status=401).hint


def test_a_missing_permission_is_named():
    given = fault("NO_PERMISSION", permissions=["Crm_Implied_Edit_Deals", "<b>x</b>"])
    hint = error_of(given, safe=False, status=403).hint
    assert "Crm_Implied_Edit_Deals" in hint
    assert "<b>" not in hint


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_failing_server_is_judged_by_its_status(status):
    assert error_of(fault("INVALID_DATA"), safe=False, status=status) is None


def test_no_code_leaves_it_to_the_status():
    assert error_of(Fault(""), safe=False, status=400) is None


def test_values_never_get_into_a_fault():
    given = fault("INVALID_DATA", api_name="li@acme.example", json_path="$.data[0].Email", param_name="报价单")
    assert given.names == ("$.data[0].Email",)


def test_of_several_faults_the_duplicate_is_told():
    one = {"code": "INVALID_DATA", "details": {"api_name": "Phone"}}
    two = {"code": "DUPLICATE_DATA", "details": {"api_name": "Tradepost_Key", "duplicate_record": {"id": "77"}}}
    found = parse_fault({"code": "MULTIPLE_OR_MULTI_ERRORS", "details": {"errors": [one, two]}})
    assert (found.code, found.names, found.duplicate) == ("DUPLICATE_DATA", ("Tradepost_Key",), "77")


def test_a_whole_error_and_one_in_a_list_are_found():
    item = {"code": "INVALID_DATA", "details": {"api_name": "subject"}}
    for body in (item, {"data": [item]}, {"Emails": [item]}, {"fields": [item]}):
        assert faults_in(body).names == ("subject",)


# ------------------------------------------------------------------------------------------------------------- writes


def test_a_success_gives_id_and_action():
    item = {"code": "SUCCESS", "status": "success", "action": "update", "details": {"id": "77"}}
    outcome = parse_outcome({"data": [item]})
    assert (outcome.id, outcome.action, outcome.fault) == ("77", "update", None)
    assert parse_outcome({"Emails": [{"status": "success", "details": {"message_id": "ab"}}]}, "Emails").id == "ab"


def test_a_blueprints_answer_has_no_list():
    assert parse_outcome({"code": "SUCCESS", "details": {}, "status": "success"}).fault is None
    assert parse_outcome({"code": "INVALID_DATA", "details": {}, "status": "error"}).fault.code == "INVALID_DATA"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"data": []},
        {"data": [1]},
        {"data": "x"},
        {"data": [{}]},
        {"data": [{"code": None}]},
        {"data": [{"status": "error"}]},
        {"data": [{"code": "SUCCESS"}, {"code": "SUCCESS"}]},
    ],
)
def test_an_answer_that_does_not_tell_is_no_answer(body):
    with pytest.raises(BadReply):
        parse_outcome(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "data", "details", "status", "id", "errors", "info"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_hostile_answers_are_values_or_bad_replies(body):
    for read in (parse_outcome, parse_list, faults_in):
        try:
            read(body)
        except BadReply:
            continue


# -------------------------------------------------------------------------------------------------------------- lists


def test_a_page_tells_its_rows_and_the_next_one():
    page = parse_list({"data": [{"id": "1"}, 5, None], "info": {"next_page_token": "t", "more_records": True}})
    assert (page.rows, page.token, page.more) == (({"id": "1"},), "t", True)
    mails = parse_list({"Emails": [], "info": {"next_index": "x", "more_records": True}}, "Emails")
    assert mails.token == "x"


def test_times_need_an_offset():
    assert parse_time("2026-03-01T17:30:00+08:00").isoformat() == "2026-03-01T09:30:00+00:00"
    assert parse_time("2026-03-01T17:30:00") is None
    assert parse_time(None) is None
    assert parse_time("soon") is None


def test_lookups_are_read_in_both_shapes():
    assert (id_in({"id": "5"}), id_in("5"), id_in(5), id_in(None), id_in([5]), id_in(True)) == (
        "5",
        "5",
        "5",
        "",
        "",
        "",
    )
    assert (text_in({"name": "A"}), text_in("A"), text_in(5)) == ("A", "A", "")
