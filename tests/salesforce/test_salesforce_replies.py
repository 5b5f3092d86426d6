"""What Salesforce's answers mean, on documented bodies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.base.errors import AuthFailed, BadReply, Gone, NotPermitted, RateLimited, Rejected, Transient
from connectors.crm import salesforce_parse as p

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "Angebot 4711 von li@acme.com"


def error(body, status=400):
    return p.error_of(p.cause(p.parse_faults(body)), NOW, operation="op", status=status)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("UNABLE_TO_LOCK_ROW", Transient),
        ("PROCESSING_HALTED", Transient),
        ("QUERY_TIMEOUT", Transient),
        ("ENTITY_IS_DELETED", Gone),
        ("INVALID_CROSS_REFERENCE_KEY", Gone),
        ("NOT_FOUND", Gone),
        ("STORAGE_LIMIT_EXCEEDED", NotPermitted),
        ("INSUFFICIENT_ACCESS", NotPermitted),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Rejected),  # one record shared read-only must not stop the others
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", Rejected),
        ("API_DISABLED_FOR_ORG", NotPermitted),
        ("INVALID_FIELD", NotPermitted),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Rejected),
        ("INACTIVE_OWNER_OR_USER", Rejected),
        ("STRING_TOO_LONG", Rejected),
        ("SOME_FUTURE_CODE", Rejected),
        ("INVALID_SESSION_ID", AuthFailed),
    ],
)
def test_each_code_has_one_consequence_and_the_orgs_text_is_dropped(code, kind):
    got = error([{"message": SECRET, "errorCode": code, "fields": ["Subject", SECRET]}])
    assert type(got) is kind
    assert got.code == code
    assert "4711" not in str(got)
    assert "acme" not in str(got)


def test_a_rejection_names_the_fields():
    got = error([{"message": SECRET, "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["LastName", "My_Field__c"]}])
    assert "LastName, My_Field__c" in got.hint


def test_a_field_without_access_is_named_and_the_query_is_not_shown():
    text = "\nWHERE Email IN ('li@acme.com')\n^\nNo such column 'Tradepost_Key__c' on entity 'Task'. If you are"
    got = error([{"message": text, "errorCode": "INVALID_FIELD"}])
    assert "Task.Tradepost_Key__c" in got.hint
    assert "acme" not in str(got)


def test_an_object_without_access_is_named():
    got = error([{"message": "sObject type 'EmailMessage' is not supported.", "errorCode": "INVALID_TYPE"}])
    assert "EmailMessage" in got.hint


def test_the_daily_limit_waits_a_quarter_of_an_hour_and_the_concurrent_one_seconds():
    daily = error([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
    crowd = error([{"message": "ConcurrentRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], 403)
    assert isinstance(daily, RateLimited)
    assert isinstance(crowd, RateLimited)
    assert daily.retry_at == NOW + timedelta(minutes=15)
    assert crowd.retry_at == NOW + timedelta(seconds=5)


def test_a_server_error_is_left_to_the_general_rule_whatever_its_code():
    assert error([{"message": "x", "errorCode": "UNKNOWN_EXCEPTION"}], 500) is None
    assert error([{"message": "x", "errorCode": "UNABLE_TO_LOCK_ROW"}], 503) is None
    assert error([]) is None


def test_a_duplicate_tells_whether_it_can_be_our_key():
    ours = "duplicate value found: Tradepost_Key__c duplicates value on record with id: 02sxx000000000A"
    blind = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    other = "duplicate value found: Their_Number__c duplicates value on record with id: 02sxx000000000A"
    codes = [p.parse_fault({"errorCode": "DUPLICATE_VALUE", "message": t}) for t in (ours, blind, other)]
    assert [f.ours for f in codes] == [True, True, False]
    assert codes[0].ids == ("02sxx000000000A",)


def test_a_duplicate_rule_names_the_records_it_means():
    match = {"matchRecords": [{"record": {"Id": "00Q000000000001AAA"}}]}
    fault = p.parse_fault({"errorCode": "DUPLICATES_DETECTED", "duplicateResult": {"matchResults": [match]}})
    assert fault.ids == ("00Q000000000001AAA",)


# -------------------------------------------------------------------------------------------------------------- graphs


def graph(graph_id, parts, ok):
    return {"graphId": graph_id, "graphResponse": {"compositeResponse": parts}, "isSuccessful": ok}


def made(ref, record):
    return {"referenceId": ref, "httpStatusCode": 201, "body": {"id": record, "success": True, "errors": []}}


def failed(ref, code):
    return {"referenceId": ref, "httpStatusCode": 400, "body": [{"errorCode": code, "message": SECRET}]}


def test_the_reason_of_a_failed_graph_is_not_its_consequence():
    body = {"graphs": [graph("g0", [failed("mail", "PROCESSING_HALTED"), failed("ledger", "DUPLICATE_VALUE")], False)]}
    outcome = p.parse_graphs(body)["g0"]
    assert not outcome.ok
    assert p.cause(outcome.faults).code == "DUPLICATE_VALUE"


def test_a_successful_graph_tells_its_records():
    outcome = p.parse_graphs({"graphs": [graph("g0", [made("mail", "02s1"), made("from0", "0e31")], True)]})["g0"]
    assert outcome.ok
    assert outcome.ids == {"mail": "02s1", "from0": "0e31"}


@pytest.mark.parametrize(
    "broken",
    [
        {"graphId": "g0"},
        {"graphId": "g0", "isSuccessful": True},
        {"graphId": "g0", "graphResponse": {"compositeResponse": []}},
        graph("g0", [], False),
        graph("g0", [made("mail", "02s1")], False),
    ],
)
def test_a_graph_that_does_not_tell_has_an_unknown_outcome(broken):
    assert p.parse_graphs({"graphs": [broken]})["g0"].unknown


def test_an_answer_without_graphs_is_bad():
    for body in ([], {}, {"graphs": None}, "x"):
        with pytest.raises(BadReply):
            p.parse_graphs(body)


def test_usage_is_read_from_the_header():
    assert p.parse_usage("api-usage=10018/100000") == pytest.approx(0.10018)
    assert p.parse_usage("api-usage=18/0") is None
    assert p.parse_usage("") is None
