"""The documents as judges: what they must catch, and that nothing of theirs is explained away without a page."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from connectors.http import USER_AGENT
from tests.documents.court import Court
from tests.documents.document import shape
from tests.documents.explained import EXPLAINED, MOST
from tests.documents.specs import specs
from tradepost.sandbox.recorder import Exchange, Recorder

JSON = {"content-type": "application/json; charset=UTF-8", "user-agent": USER_AGENT}
needs_files = pytest.mark.skipif(specs() is None, reason="the vendors' documents are not here (TRADEPOST_SPECS)")


def exchange(vendor: str, method: str, path: str, reply: Any, *, status: int = 200, body: Any = None, **more: Any):
    asked = b"" if body is None else json.dumps(body).encode()
    return Exchange(
        vendor=vendor,
        operation="",
        kind="read",
        method=method,
        path=path,
        headers=JSON,
        body=asked,
        status=status,
        reply_headers=JSON,
        reply=json.dumps(reply).encode(),
        **more,
    )


def heard(*exchanges: Exchange) -> list[str]:
    court = Court()
    for each in exchanges:
        court.hear(each)
    return [f"{violation.where}: {violation.what}" for violation in court.found]


PROFILE = {"emailAddress": "a@b.example", "messagesTotal": 1, "threadsTotal": 1, "historyId": "12"}
GMAIL = "/gmail/v1/users/me"


def test_a_right_answer_of_gmail_passes():
    assert heard(exchange("gmail", "GET", f"{GMAIL}/profile", PROFILE)) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"historyId": 12}, "$.historyId: int instead of string"),
        ({"historyId": "x"}, "$.historyId: against pattern"),
        ({"nonsense": 1}, "$: nonsense is not told"),
        ({"messagesTotal": "1"}, "$.messagesTotal: str instead of integer"),
    ],
)
def test_a_wrong_answer_of_gmail_is_caught(change, what):
    (found,) = heard(exchange("gmail", "GET", f"{GMAIL}/profile", PROFILE | change))
    assert found.endswith(f"200 {what}")


def test_parameters_bodies_and_refusals_of_gmail_are_judged_too():
    assert "unknown parameter x" in heard(exchange("gmail", "GET", f"{GMAIL}/profile", PROFILE, query="x=1"))[0]
    asked = exchange("gmail", "POST", f"{GMAIL}/messages/batchModify", None, status=204, body={"idz": []})
    assert "request $: idz is not told" in heard(asked)[0]
    assert (
        "$.error: 'message' is missing"
        in heard(exchange("gmail", "GET", f"{GMAIL}/profile", {"error": {"code": 404}}, status=404))[0]
    )
    assert heard(exchange("gmail", "GET", f"{GMAIL}/nonsense", {}))[-1].endswith("lacks went well")


QUERY = "/services/data/v66.0/query"
CONTACT = {
    "attributes": {"type": "Contact", "url": "/services/data/v66.0/sobjects/Contact/003Hs00000000001AA"},
    "Id": "003Hs000000000001A",
    "Email": "a@b.example",
}


def page(**change: Any) -> Any:
    return {"totalSize": 1, "done": True, "records": [CONTACT | change]}


@needs_files
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, None),
        ({"Nonsense": "x"}, "Nonsense is no field"),
        ({"HasOptedOutOfEmail": "false"}, "HasOptedOutOfEmail (boolean) holds a value that does not fit"),
        ({"LastName": None}, "LastName (string) holds null"),
        ({"AccountId": "001x"}, "AccountId (reference) holds a value that does not fit"),
        ({"CreatedDate": "yesterday"}, None),  # the digest knows no flags or kinds of system fields
    ],
)
def test_records_of_salesforce_are_held_against_the_object_reference(change, what):
    found = heard(exchange("salesforce", "GET", QUERY, page(**change)))
    assert found == ([f"Contact: {what}"] if what else [])


@needs_files
def test_envelopes_refusals_and_writes_of_salesforce_are_held_against_samples_and_flags():
    assert "query_page: $: 'done' is missing" in heard(
        exchange("salesforce", "GET", QUERY, {"totalSize": 0, "records": []})
    )
    bare = [{"message": "gone", "errorCode": "NOT_FOUND"}]
    assert heard(exchange("salesforce", "GET", QUERY, bare, status=404)) == []
    assert heard(exchange("salesforce", "GET", QUERY, bare, status=400)) == ["NOT_FOUND: comes with 400 instead of 404"]
    assert heard(exchange("salesforce", "GET", QUERY, bare[0], status=404)) != []
    made = {"id": "02sHs000000000001A", "success": True, "errors": []}
    body = {"Subject": "x", "IsClosed": True}
    path = "/services/data/v66.0/sobjects/Task"
    assert heard(exchange("salesforce", "POST", path, made, status=201, body=body)) == [
        "Task: IsClosed was written, told not to be createable"
    ]


def test_answers_that_an_ordered_fault_made_are_not_judged():
    wrong = exchange("gmail", "GET", f"{GMAIL}/profile", {"nonsense": 1}, fault="status")
    assert heard(wrong) == []
    assert heard(replace(wrong, fault="")) != []


def test_a_call_that_no_table_names_is_strange_unless_it_was_refused():
    court = Court()
    court.hear(exchange("gmail", "GET", "/gmail/v2/new", {}, status=404))
    assert court.content
    court.hear(exchange("gmail", "GET", "/gmail/v2/new", {}))
    assert court.strange == {("gmail", "GET", "/gmail/v2/new"): 1}
    assert not court.content


def test_what_is_explained_names_its_page_and_stays_few():
    assert all(row.page.startswith("https://") and len(row.why) > 20 for row in EXPLAINED)
    assert all(number <= MOST for number in Counter(row.vendor for row in EXPLAINED).values())


def test_equal_shapes_are_one_whatever_the_values():
    one, two = {"id": "a1", "n": [1, 2], "d": "2026-01-01"}, {"id": "b2", "n": [3], "d": "2027-02-02"}
    assert shape(one) == shape(two)
    assert shape(one) != shape(one | {"d": "x"})
    assert shape({"state": "OPEN"}) != shape({"state": "SHUT"})


def test_a_recorder_is_bounded_and_still_looks_at_everything():
    looked: list[Exchange] = []
    recorder = Recorder(most=2, look=looked.append)
    for number in range(5):
        recorder.add(exchange("gmail", "GET", f"/{number}", {}))
    assert [each.path for each in recorder.exchanges] == ["/3", "/4"]
    assert (recorder.seen, recorder.forgotten, len(looked)) == (5, 3, 5)
    small = Recorder(most_bytes=10)
    small.add(exchange("gmail", "GET", "/", "x" * 100))
    assert not small.exchanges
