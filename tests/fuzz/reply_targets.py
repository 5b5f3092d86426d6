"""The parsers of the CRMs' replies and of token endpoints: whatever JSON comes, values or a `ConnectorError`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.base.errors import ConnectorError
from connectors.base.services import Call, HttpSpec, Reply
from connectors.crm import hubspot_map, hubspot_parse, salesforce_parse, zoho_map, zoho_moves_map, zoho_parse
from connectors.crm.zoho_cursor_map import Position, advance
from connectors.crm.zoho_emails_map import entry_of
from connectors.http_errors import error_of
from connectors.mail.graph_parse import body_of
from connectors.oauth.core import TokenSpec, ask
from connectors.oauth.salesforce import _refused as salesforce_refused
from tests.fuzz.mail_targets import discreet
from tests.fuzz.sound import storable
from tradepost.sandbox.virtual import run

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STATUSES = (None, 200, 400, 401, 403, 404, 423, 429, 477, 500)


def _tried(data: bytes, parse: Callable[..., Any], *args: Any) -> Any:
    """What it answers; None for a `ConnectorError`, which must be discreet."""
    try:
        return parse(*args)
    except ConnectorError as error:
        discreet(error, data)
        return None


def salesforce(data: bytes) -> None:
    body = body_of(data)
    fault = salesforce_parse.cause(salesforce_parse.parse_faults(body))
    storable([fault.code, *fault.names, *fault.ids])
    for status in STATUSES:
        salesforce_parse.error_of(fault, AT, operation="x", status=status)
    for outcome in (_tried(data, salesforce_parse.parse_graphs, body) or {}).values():
        for each in outcome.faults:
            salesforce_parse.error_of(each, AT)
    salesforce_parse.parse_usage(data.decode("utf-8", "replace"))


def hubspot(data: bytes) -> None:
    body = body_of(data)
    fault = hubspot_parse.parse_fault(body)
    storable([fault.code, *fault.names, *fault.scopes, fault.existing])
    for status in STATUSES:
        hubspot_parse.error_of(fault, operation="x", status=status)
        call = Call(operation="x", method="GET", url="/", safe=True)
        told = data[:40].decode("latin-1")
        reply = Reply(status or 400, {"content-type": "text/html", "retry-after": told}, data)
        hubspot_parse.classified(call, reply, AT, told)
    _tried(data, hubspot_parse.batch_answer, body, ("t1", "t2"), {"k": "t1"}, "x")
    for row in _tried(data, hubspot_parse.records_of, body, "x") or ():
        _hubspot_row(row)
    if isinstance(body, dict):
        hubspot_parse.next_of(body)
        told = str(body.get("daily"))
        hubspot_parse.usage_of({"x-hubspot-ratelimit-daily": told, "x-hubspot-ratelimit-daily-remaining": told})


def _hubspot_row(row: dict[str, Any]) -> None:
    site = hubspot_map.Site("1")
    for name in ("contacts", "companies", "leads"):
        hubspot_map.customers_of(name, row, site)
    links = hubspot_map.listed_links(row) or hubspot_map.DealLinks()
    hubspot_map.deals_of(row, links, hubspot_map.Stages(), site)
    hubspot_map.parse_time(hubspot_map.value(row, "hs_lastmodifieddate"))


def zoho(data: bytes) -> None:
    body = body_of(data)
    fault = zoho_parse.faults_in(body)
    storable([fault.code, *fault.names, fault.duplicate])
    for status in STATUSES:
        for safe in (True, False):
            zoho_parse.error_of(fault, safe=safe, operation="coql", status=status)
    _tried(data, zoho_parse.parse_outcome, body)
    _tried(data, zoho_parse.parse_outcome, body, "Emails")
    zoho_moves_map.transition_to(body, "Won")
    listed = _tried(data, zoho_parse.parse_list, body)
    if listed is not None:
        _tried(data, advance, Position(), listed, AT)
        _zoho_rows(listed.rows)


def _zoho_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        shape = zoho_map.module_shape(row, rows)
        for module in ("Contacts", "Leads", "Accounts"):
            zoho_map.customer_of(row, zoho_map.ModuleShape(module, fields=shape.fields), "https://crm.zoho.eu")
        zoho_map.deal_of(row, {}, "")
        zoho_map.user_of(row)
        entry_of(row)
    zoho_map.pipelines_of(rows)
    zoho_map.stage_entries(rows)


class _Answering:
    """Services whose network gives one answer."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.clock = self

    def now(self) -> datetime:
        return AT

    def open_http(self, spec: HttpSpec) -> Any:
        self.spec = spec
        return self

    async def send(self, call: Call) -> Reply:
        if self.reply.status in call.accept:
            return self.reply
        raise error_of(self.spec, call, self.reply, AT)

    async def close(self) -> None:
        return None


def tokens(data: bytes) -> None:
    """A token endpoint's answer: a grant or a `ConnectorError`."""
    for status in (200, 400, 401, 503):
        services: Any = _Answering(Reply(status, {}, data))
        spec = TokenSpec(name="crm", url="https://login.example/token")
        _tried(data, lambda s=services, t=spec: run(ask(s, t, {}, salesforce_refused)))


TARGETS = {"salesforce_parse": salesforce, "hubspot_parse": hubspot, "zoho_parse": zoho, "tokens": tokens}
JSON = tuple(TARGETS)
SEEDS: dict[str, list[bytes]] = {
    "salesforce_parse": [
        b'[{"errorCode":"INVALID_FIELD","message":"No such column \'X__c\' on entity \'Task\'","fields":["X__c"]}]',
        b'{"graphs":[{"graphId":"1","isSuccessful":true,"graphResponse":{"compositeResponse":[{"referenceId":"m","httpStatusCode":201,"body":{"id":"001"}}]}},{"graphId":"2","isSuccessful":false,"graphResponse":{"compositeResponse":[{"httpStatusCode":400,"referenceId":"m","body":[{"errorCode":"DUPLICATE_VALUE","message":"duplicate value found: Tradepost_Key__c duplicates value on record with id: 00T000000000001"}]}]}}]}',
        b'[{"statusCode":"DUPLICATES_DETECTED","duplicateResult":{"matchResults":[{"matchRecords":[{"record":{"Id":"003"}}]}]}}]',
        b"api-usage=10018/100000",
        b'[{"statusCode":"\\ud83d","fields":5,"duplicateResult":{"matchResults":[{"matchRecords":{"":null}}]}}]',
        b'{"graphs":[{"graphId":"1","isSuccessful":false,"graphResponse":{"compositeResponse":["x"]}}]}',
    ],
    "hubspot_parse": [
        b'{"status":"error","message":"Property values were not valid: [{\\"name\\":\\"a\\",\\"error\\":\\"X\\"}]","category":"VALIDATION_ERROR","errors":[{"code":"Y","context":{"propertyName":["p"],"ids":["1"]}}],"context":{"requiredGranularScopes":["a.b"]}}',
        b'{"status":"COMPLETE","results":[{"id":"1","properties":{"k":"k","email":"a@b.c","dealstage":"s","hs_merged_object_ids":"2;3"},"objectWriteTraceId":"t1","associations":{"contacts":{"results":[{"id":"4","type":"deal_to_company"}]}}}],"errors":[{"context":{"objectWriteTraceId":["t2"]},"message":"Contact already exists. Existing ID: 7"}],"paging":{"next":{"after":"9"}}}',
        b'{"policyName":"DAILY","daily":"1000"}',
        b"\x1f3",  # a number to strip(), and none to int()
        json.dumps(
            {
                "results": [
                    {
                        "id": "1",
                        "properties": {},
                        "associations": {"contacts": {"results": [{"id": "9" * 5000, "type": "x"}]}},
                    }
                ]
            }
        ).encode(),
    ],
    "zoho_parse": [
        b'{"data":[{"api_name":"a","pick_list_values":7}]}',
        b'{"data":[{"code":"DUPLICATE_DATA","details":{"api_name":"K","duplicate_record":{"id":"1"}},"status":"error"}]}',
        b'{"data":[{"code":"SUCCESS","status":"success","details":{"id":"5"},"action":"insert"}]}',
        b'{"data":[{"id":"1","Full_Name":"n","Email":"a@b.c","Website":"www.x.y","Account_Name":{"id":"2","name":"q"},"Stage":"s","Modified_Time":"2026-03-02T08:00:00+08:00","Modified_By":{"id":"3"},"api_name":"Email","data_type":"email","pick_list_values":[{"actual_value":"v","type":"used"}],"maps":[{"actual_value":"w","forecast_type":"Closed Won","sequence_number":1}],"actual_value":"p","from":{"email":"x@y"},"linked_record":{"module":{"api_name":"Deals"},"id":"9"},"time":"2026-03-02T08:00:00Z"}],"info":{"more_records":true,"next_page_token":"t"}}',
        b'{"blueprint":{"process_info":{"api_name":"Stage"},"transitions":[{"id":"1","next_field_value":"Won","fields":[{"mandatory":true,"api_name":"A"}],"data":{}}]}}',
        b'{"code":"MULTIPLE_OR_MULTI_ERRORS","details":{"errors":[{"code":"INVALID_DATA","details":{"json_path":"$.data[0].id"}}]}}',
    ],
    "tokens": [
        b'{"error":""}',
        b'{"access_token":"abc","expires_in":3600,"scope":"a b","instance_url":"https://x.my.salesforce.com"}',
        b'{"error":"invalid_grant","error_description":"user hasn\'t approved this consumer"}',
        b'{"error":"access_denied","status":"failure"}',
    ],
}
