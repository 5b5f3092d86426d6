"""What each answer means, and answers that mean nothing."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.responses import JSONResponse

from connectors.base.errors import (
    BadReply,
    ConnectorError,
    Gone,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.model import (
    Attempt,
    CompleteTask,
    CreateCustomer,
    Found,
    LinkEmail,
    MoveDeal,
    Receipt,
    RecordKind,
    RecordRef,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.base.services import Call, Reply
from connectors.crm.hubspot_parse import (
    Fault,
    batch_answer,
    classified,
    error_of,
    limited,
    midnight,
    next_of,
    parse_fault,
    usage_of,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ASK = Call(operation="x", method="GET", url="/", safe=True)


def reply(status, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {k.replace("_", "-"): v for k, v in headers.items()}, content)


def read(status, body, **headers):
    return classified(ASK, reply(status, body, **headers), NOW, "Asia/Shanghai")


def envelope(category, message="m", **more):
    return {"status": "error", "category": category, "message": message, "correlationId": "c", **more}


# --------------------------------------------------------------------------------------------------------- error bodies


def test_properties_are_named_from_either_place_and_their_values_never():
    embedded = (
        'Property values were not valid: [{"isValid":false,"error":"INVALID_EMAIL","name":"email","message":"li@x"}]'
    )
    listed = [{"message": "secret", "code": "INVALID_INTEGER", "context": {"propertyName": ["amount"]}}]
    missing = {"context": {"properties": ["hs_timestamp"]}}
    for body, code, name in (
        (envelope("VALIDATION_ERROR", embedded), "INVALID_EMAIL", "email"),
        (envelope("VALIDATION_ERROR", errors=listed), "INVALID_INTEGER", "amount"),
        (envelope("VALIDATION_ERROR", **missing), "VALIDATION_ERROR", "hs_timestamp"),
    ):
        error = read(400, body)
        assert type(error) is Rejected
        assert (error.code, error.status) == (f"{code} ({name})", 400)
        assert f"({name})" in error.hint
        assert "li@x" not in str(error)
        assert "secret" not in str(error)


def test_a_property_called_permission_does_not_pause_the_lane():
    message = 'Property values were not valid: [{"error":"PROPERTY_DOESNT_EXIST","name":"permission_level"}]'
    assert type(read(400, envelope("VALIDATION_ERROR", message))) is Rejected


@pytest.mark.parametrize(
    "body",
    [
        envelope("USER_DOES_NOT_HAVE_PERMISSIONS"),
        envelope("VALIDATION_ERROR", "User does not have permission to associate these objects"),
        envelope("VALIDATION_ERROR", errors=[{"message": "m", "code": "USER_DOES_NOT_HAVE_PERMISSIONS"}]),
    ],
)
def test_a_missing_permission_is_one_whatever_its_status(body):
    assert type(read(400, body)) is NotPermitted
    assert type(read(403, body)) is NotPermitted


def test_missing_scopes_are_named_one_by_one():
    context = {"requiredGranularScopes": ["crm.objects.deals.write", "b", "x y"]}
    error = read(403, envelope("MISSING_SCOPES", errors=[{"message": "m", "context": context}]))
    assert type(error) is NotPermitted
    assert "b, crm.objects.deals.write (" in error.hint
    assert "x y" not in error.hint


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {}, type(None)),
        (408, {}, type(None)),
        (500, envelope("INTERNAL_ERROR"), type(None)),
        (524, b"<html>cloudflare</html>", type(None)),
        (302, b"", type(None)),
        (403, envelope("BANNED"), NotPermitted),
        (404, envelope("OBJECT_NOT_FOUND"), Gone),
        (404, b"<html>", Gone),
        (409, envelope("CONFLICT", "Contact already exists. Existing ID: 12345"), Rejected),
        (414, b"too long", Rejected),
        (400, b"", Rejected),
        (400, [1, 2], Rejected),
        (423, envelope("LOCKED"), Transient),
        (477, {}, RateLimited),
        (429, b"<html>", RateLimited),
    ],
)
def test_each_status_has_its_consequence(status, body, kind):
    assert type(read(status, body)) is kind


def test_a_proxys_refusal_is_told_from_hubspots():
    assert "proxy" in read(403, b"<html>blocked</html>", content_type="text/html").hint


def test_the_id_in_the_way_is_read_from_both_spellings():
    assert parse_fault(envelope("CONFLICT", "Contact already exists. Existing ID: 12345")).existing == "12345"
    embedded = 'Property values were not valid: [{"message":"x 901 already has that value.","error":"CONFLICTING_UNIQUE_VALUE"}]'
    assert parse_fault(envelope("VALIDATION_ERROR", embedded)).existing == "901"
    assert parse_fault(envelope("CONFLICT", "Existing ID: li@acme.example")).existing == ""


@pytest.mark.parametrize(
    "body",
    [
        None,
        "text",
        7,
        [],
        {"errors": "x"},
        {"errors": [1, None, "x"]},
        {"context": "x", "message": None},
        {"context": {"propertyName": {"a": 1}}, "category": {"x": 1}, "message": "[{" * 9000},
        {"message": 'x [{"error": 5, "name": ["a"]}]', "errors": [{"code": 7, "context": []}]},
    ],
)
def test_no_error_body_is_too_strange(body):
    fault = parse_fault(body)
    assert isinstance(error_of(fault, status=400), ConnectorError)
    assert error_of(fault, status=207) is None or isinstance(error_of(fault, status=207), ConnectorError)


# ---------------------------------------------------------------------------------------------------------------- pools


def test_the_daily_pool_fills_at_midnight_of_the_account():
    body = {"status": "error", "message": "m", "errorType": "RATE_LIMIT", "policyName": "DAILY"}
    assert limited(reply(429, body), NOW, "Asia/Shanghai", "x").retry_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert midnight(NOW, "America/New_York") == datetime(2026, 3, 3, 5, tzinfo=UTC)
    assert midnight(datetime(2026, 3, 8, 6, tzinfo=UTC), "America/New_York") == datetime(2026, 3, 9, 4, tzinfo=UTC)
    assert midnight(NOW, "No/Where") == midnight(NOW, "") == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, 10),
        ("ten_secondly_rolling", {"x_hubspot_ratelimit_interval_milliseconds": "5000"}, 5),
        ("TEN_SECONDLY_ROLLING", {"retry_after": "3"}, 3),
        ("SECONDLY", {}, 1),
        ("", {}, 10),
        ("SOMETHING_NEW", {"retry_after": "99999999"}, 86_400),
    ],
)
def test_other_pools_fill_within_seconds(policy, headers, seconds):
    told = limited(reply(429, {"policyName": policy}, **headers), NOW, "", "x")
    assert told.retry_at == NOW + timedelta(seconds=seconds)


def test_a_migration_waits_as_long_as_it_says_and_a_day_at_most():
    assert read(477, {}, retry_after="3600").retry_at == NOW + timedelta(hours=1)
    assert read(477, {}, retry_after="9999999").retry_at == NOW + timedelta(hours=24)
    assert read(477, {}).retry_at > NOW


@pytest.mark.parametrize(
    ("whole", "left", "share"),
    [("1000", "250", 0.75), ("1000", "-3", 1.0), ("0", "0", None), ("x", "1", None), ("", "", None), ("10", "20", 0.0)],
)
def test_usage_is_read_from_the_daily_headers(whole, left, share):
    headers = {"x-hubspot-ratelimit-daily": whole, "x-hubspot-ratelimit-daily-remaining": left}
    assert usage_of(headers) == share


# -------------------------------------------------------------------------------------------------------------- batches


def row(record, trace="", key=""):
    made = {"id": record, "properties": {"tradepost_key": key} if key else {}}
    return made | ({"objectWriteTraceId": trace} if trace else {})


def answered(results, errors=(), traces=("w0", "w1"), **more):
    body = {"status": "COMPLETE", "results": results, "errors": list(errors), **more}
    return batch_answer(body, list(traces), {"k0": "w0", "k1": "w1"}, "emails.batch.create")


def test_rows_are_told_apart_by_trace_or_key_and_never_by_place():
    told = answered([row("2", "w1"), row("1", "w0")])
    assert {t: o.record for t, o in told.by_trace.items()} == {"w0": "1", "w1": "2"}
    told = answered([row("2", key="k1"), row("1", key="k0")])
    assert {t: o.record for t, o in told.by_trace.items()} == {"w0": "1", "w1": "2"}
    assert answered([row("1"), row("2")]).by_trace == {}
    assert answered([row("1")], traces=("w0",)).by_trace["w0"].record == "1"


def test_refusals_are_given_to_the_rows_they_name():
    refusal = envelope("VALIDATION_ERROR", context={"objectWriteTraceId": ["w1"]})
    told = answered([row("1", "w0")], [refusal])
    assert told.by_trace["w1"].fault.category == "VALIDATION_ERROR"
    loose = answered([row("1", "w0")], [envelope("VALIDATION_ERROR")])
    assert "w1" not in loose.by_trace
    assert len(loose.faults) == 1
    assert answered([], [envelope("X")], traces=("w0",)).by_trace["w0"].fault.category == "X"


@pytest.mark.parametrize(
    "body", [[], "x", {}, {"status": "PENDING", "results": []}, {"status": "COMPLETE", "results": [7, {"id": "1"}]}]
)
def test_an_unfinished_or_odd_batch_is_no_answer(body):
    with pytest.raises(BadReply):
        batch_answer(body, ["w0"], {}, "emails.batch.create")


@pytest.mark.parametrize("paging", [None, "x", {"next": None}, {"next": {}}, {"next": {"link": "https://v3"}}])
def test_the_next_page_is_named_by_its_token_only(paging):
    assert next_of({"paging": paging}) == ""
    assert next_of({"paging": {"next": {"after": 200, "link": "https://elsewhere.example"}}}) == "200"


def test_an_empty_fault_means_nothing():
    assert error_of(Fault(), status=207) is None


# ------------------------------------------------------------------------------------------------ hostile, end to end

ODD = [
    b"",
    b"<html>Sign in to the hotel network</html>",
    b"[]",
    b'"x"',
    b"null",
    b"{}",
    b'{"results":"x"}',
    b'{"results":[1,null]}',
    b'{"results":[{"id":{}, "properties":[]}]}',
    b'{"results":[{"id":"1"',
    b"[" * 100_000,
    b'{"id":"1","properties":{},"propertiesWithHistory":{"dealstage":[7,{"timestamp":[]}]}}',
    b'{"status":"PENDING","results":[],"errors":7}',
]


def odd_answers(world, body, *, method=("GET", "POST", "PATCH", "DELETE", "PUT"), only=""):
    """From now on the account answers everything that fits with this body and status 200."""
    respond = world.vendor.respond

    async def strange(request):
        response = await respond(request)
        if request.method in method and only in request.url.path:
            return JSONResponse(None, 200, {"content-type": "application/json"}) if body is None else _raw(body)
        return response

    world.vendor.respond = strange


def _raw(body):
    response = JSONResponse({})
    response.body = body
    response.headers["content-length"] = str(len(body))
    return response


def test_no_answer_to_a_question_is_taken_for_sense(lab):
    async def scenario(world):
        plain = world.vendor.respond
        for body in ODD[:-1]:  # the last is an empty page, where no batch was asked for
            world.vendor.respond = plain
            odd_answers(world, body)
            await ask_everything(world, world.connect())

    async def ask_everything(world, target):
        questions = [
            target.check,
            target.users,
            lambda: target.customers(None),
            lambda: target.deals(None),
            lambda: target.find_customers(["li@acme.example"], ["acme.example"]),
            lambda: target.find_written([world.mail(1, lab.contact("1"))]),
            target.plan_setup,
        ]
        for question in questions:
            with pytest.raises(Transient):
                await question()
        await target.close()

    lab(scenario)


def test_each_kind_of_question_alone_may_be_answered_oddly(lab):
    async def scenario(world):
        li = world.host.add_contact("Li", "li@acme.example")
        deal = world.host.add_deal("Big", contact=li, stage="qualifiedtobuy")
        mail = world.mail(1, lab.contact(li), deal=deal)
        await world.only(mail)
        _, cursor = await world.everything(world.target.customers)
        _, deals = await world.everything(world.target.deals)
        plain = world.vendor.respond
        for only, body in itertools.product(("/search", "batch/read", "/owners/", "/deals/", "/contacts"), ODD):
            odd_answers(world, body, method=("GET", "POST"), only=only)
            for question in (
                world.target.users,
                lambda: world.target.customers(cursor),
                lambda: world.target.deals(deals),
                lambda: world.target.find_customers(["x@acme.example"], ["acme.example"]),
                lambda: world.target.find_written([mail]),
            ):
                try:
                    await question()
                except (Transient, Gone):
                    continue
            world.vendor.respond = plain
        (found,) = await world.find(mail)
        assert isinstance(found, Found)

    lab(scenario)


WRITES = [
    CompleteTask(key="v1:a", task_key="", task="{task}"),
    MoveDeal(key="v1:b", deal="{deal}", pipeline="default", expect_stage="qualifiedtobuy", to_stage="contractsent"),
    SetFields(key="v1:c", record=RecordRef(RecordKind.CONTACT, "{contact}"), fields=(("jobtitle", "Buyer"),)),
    CreateCustomer(key="v1:d", email="new@beta.example", name="New", company_name="Beta"),
    LinkEmail(key="v1:e", mail="m", logged_key="", logged="{mail}", deal="{deal}"),
]


@pytest.mark.parametrize("write", WRITES, ids=lambda w: w.kind.value)
def test_an_odd_answer_to_a_write_leaves_it_unknown(lab, write):
    async def scenario(world):
        plain = world.vendor.respond
        for n, body in enumerate(ODD):
            li = world.host.add_contact("Li", f"li{n}@acme.example")
            deal = world.host.add_deal("Big", stage="qualifiedtobuy")
            logged = await world.only(world.mail(2 * n, lab.contact(li)))
            task = await world.only(world.task(2 * n + 1))
            ids = {"{contact}": li, "{deal}": deal, "{mail}": logged.record, "{task}": task.record}
            attempt = Attempt(replace(_filled(write, ids), **_address(write, n)))
            odd_answers(world, body, method=("PATCH",))
            if isinstance(write, CreateCustomer):
                odd_answers(world, body, method=("POST",), only="objects/2026-09/contacts")
            if isinstance(write, LinkEmail):
                odd_answers(world, body, method=("POST",), only="batch/create")
            try:
                answer = await world.only(attempt)
            except ConnectorError as error:
                answer = error
            world.vendor.respond = plain
            if isinstance(answer, Receipt):  # the answer says too little to be wrong, and the record is there
                assert isinstance(write, LinkEmail) or b'"properties"' in body
            else:
                assert isinstance(answer, OutcomeUnknown | Transient), body

    lab(scenario)


def _address(write, n):
    return {"email": f"new{n}@beta.example"} if isinstance(write, CreateCustomer) else {}


def _filled(write, ids):
    changes = {f.name: ids[v] for f in fields(write) if isinstance(v := getattr(write, f.name), str) and v in ids}
    if isinstance(write, SetFields):
        changes["record"] = RecordRef(RecordKind.CONTACT, ids["{contact}"])
    return replace(write, **changes)


def test_removal_of_nothing_known_is_no_harm(lab):
    async def scenario(world):
        answer = await world.only(Attempt(Remove(key="v1:r", made_by=WriteKind.LOG_EMAIL, record="404")))
        assert isinstance(answer, Receipt)
        assert not world.calls(kind="write")

    lab(scenario)
