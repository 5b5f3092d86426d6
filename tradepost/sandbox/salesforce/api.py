"""The REST resources below /services/data/vXX.X/.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_list.htm
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradepost.sandbox.salesforce import collection, composite, describe, dml, permissions, replication, rows, soql
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.cursor import Cursors
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.limits import DailyRequests
from tradepost.sandbox.salesforce.query import run
from tradepost.sandbox.salesforce.state import OrgState

Handler = Callable[[Call], Answer]


class Api:
    """Carries calls out. Every call is a transaction: a refusal leaves nothing behind."""

    def __init__(self, state: OrgState, requests: DailyRequests) -> None:
        self._state, self._requests = state, requests
        self._cursors = Cursors(state)

    def handle(self, call: Call) -> Answer:
        """Answer one call; composite parts come through here too."""
        savepoint = self._state.store.savepoint()
        try:
            return self._route(call)
        except dml.Ambiguous as many:
            self._state.store.rollback(savepoint)
            urls = [f"/services/data/v{call.version}/sobjects/{many.sobject}/{record_id}" for record_id in many.ids]
            return Answer(status=300, body=urls)
        except Refused as refused:
            self._state.store.rollback(savepoint)
            return Answer(status=refused.status, body=refused.body())

    def cost(self, call: Call) -> int:
        """Requests a call takes from the daily pool: each part of a batch counts, other composites count once."""
        parts = (
            call.body.get("batchRequests")
            if call.path == ("composite", "batch") and isinstance(call.body, dict)
            else None
        )
        return max(1, len(parts)) if isinstance(parts, list) else 1

    def _route(self, call: Call) -> Answer:
        match call.path:
            case ():
                names = ("sobjects", "query", "queryAll", "limits", "composite", "tooling")
                return Answer(body={name: f"/services/data/v{call.version}/{name}" for name in names})
            case ("limits",):
                return _only(call, {"GET": lambda _: self._limits()})
            case ("query" | "queryAll",):
                return _only(call, {"GET": self._query})
            case ("query" | "queryAll", locator):
                return _only(call, {"GET": lambda each: self._cursors.more(each, locator)})
            case ("sobjects", *rest):
                return self._sobjects(call, tuple(rest))
            case ("composite", *rest):
                return self._composite(call, tuple(rest))
            case ("tooling", *rest):
                return self._tooling(call, tuple(rest))
        raise not_found()

    # -------------------------------------------------------------------------------------------- queries

    def _query(self, call: Call, *, tooling: bool = False) -> Answer:
        text = call.query.get("q")
        if not text:
            raise Refused("MALFORMED_QUERY", "A query string has to be specified")
        view = self._state.view(call.actor, call.version)
        result = run(view, soql.parse(text), deleted=call.path[0] == "queryAll", tooling=tooling)
        return self._cursors.first(call, result)

    def _limits(self) -> Answer:
        top = self._state.settings.daily_requests
        left = max(0, top - self._requests.used(self._state.now()))
        others = {
            "DailyBulkApiBatches": 15_000,
            "DailyBulkV2QueryJobs": 10_000,
            "DataStorageMB": 10_240,
            "FileStorageMB": 10_240,
        }
        body = {name: {"Max": number, "Remaining": number} for name, number in others.items()}
        return Answer(body={"DailyApiRequests": {"Max": top, "Remaining": left}} | body)

    # -------------------------------------------------------------------------------------------- sobjects

    def _sobjects(self, call: Call, rest: tuple[str, ...]) -> Answer:
        state, view = self._state, self._state.view(call.actor, call.version)
        if not rest:
            return _only(call, {"GET": lambda _: Answer(body=describe.describe_global(state, view))})
        sobject = rows.visible(state, call, rest[0])
        match rest[1:]:
            case ():
                basic = {"objectDescribe": describe.summary(view, sobject), "recentItems": []}
                return _only(
                    call, {"GET": lambda _: Answer(body=basic), "POST": lambda c: rows.create(state, c, sobject)}
                )
            case ("describe",):
                return _only(call, {"GET": lambda _: Answer(body=describe.describe(state, view, sobject))})
            case ("updated",):
                return _only(call, {"GET": lambda c: replication.updated(state, c, sobject)})
            case ("deleted",):
                return _only(call, {"GET": lambda c: replication.deleted(state, c, sobject)})
            case ("Id",):
                return _only(call, {"POST": lambda c: rows.create(state, c, sobject)})
            case (record_id,):
                return rows.by_id(state, call, sobject, record_id)
            case (key, value):
                return rows.by_external_id(state, call, sobject, key, value)
        raise not_found()

    # -------------------------------------------------------------------------------------------- composite

    def _composite(self, call: Call, rest: tuple[str, ...]) -> Answer:
        state = self._state
        match rest:
            case ():
                return _only(call, {"POST": lambda c: composite.composite(state, self.handle, c)})
            case ("graph",):
                return _only(call, {"POST": lambda c: composite.graphs(state, self.handle, c)})
            case ("batch",):
                return _only(call, {"POST": lambda c: composite.batch(self.handle, c)})
            case ("sobjects", *names):
                return collection.handle(state, call, tuple(names))
        raise not_found()

    # -------------------------------------------------------------------------------------------- tooling

    def _tooling(self, call: Call, rest: tuple[str, ...]) -> Answer:
        match rest:
            case ("query",):
                return _only(call, {"GET": lambda c: self._query(c, tooling=True)})
            case ("sobjects", "CustomField"):
                return _only(call, {"POST": self._create_field})
            case ("sobjects", "CustomObject"):
                # The Tooling API only reads custom objects; they are made through the Metadata API.
                # https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/tooling_api_objects_customobject.htm
                raise method_not_allowed(call.method, "HEAD,GET")
        raise not_found()

    def _create_field(self, call: Call) -> Answer:
        actor = call.actor
        if actor.access is not None and not actor.access.has("CustomizeApplication"):
            raise Refused("INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id", status=403)
        name, metadata = call.fields.get("FullName"), call.fields.get("Metadata")
        if not isinstance(name, str) or not isinstance(metadata, dict):
            raise Refused(
                "REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName, Metadata]", ["FullName", "Metadata"]
            )
        made = permissions.create_field(self._state, name, metadata, actor.user_id)
        body: dict[str, Any] = {"id": made, "success": True, "errors": [], "warnings": [], "infos": []}
        return Answer(status=201, body=body)


def _only(call: Call, handlers: dict[str, Handler]) -> Answer:
    handler = handlers.get(call.method)
    if handler is None:
        raise method_not_allowed(call.method, ",".join(["HEAD", *handlers]))
    return handler(call)
