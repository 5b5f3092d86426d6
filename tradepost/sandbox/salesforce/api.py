"""The REST resources below /services/data/vXX.X/.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_list.htm
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradepost.sandbox.salesforce import (
    collection,
    composite,
    describe,
    dml,
    files,
    overview,
    permissions,
    replication,
    rows,
    search,
    soql,
    tree,
)
from tradepost.sandbox.salesforce.bulk import BulkJobs
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.cursor import Cursors
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.limits import DailyRequests
from tradepost.sandbox.salesforce.query import run
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState

Handler = Callable[[Call], Answer]


class Api:
    """Carries calls out. Every call is a transaction: a refusal leaves nothing behind."""

    def __init__(self, state: OrgState, requests: DailyRequests) -> None:
        self._state, self._requests = state, requests
        self._cursors = Cursors(state)
        self._jobs = BulkJobs(state)

    def handle(self, call: Call) -> Answer:
        """Answer one call; composite parts come through here too."""
        self._jobs.tick()
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
                return _only(call, {"GET": lambda c: Answer(body=overview.resources(c.version))})
            case ("limits" | "tabs" | "recent" as name,):
                return _only(call, {"GET": lambda c: self._overview(c, name)})
            case ("search",):
                return _only(call, {"GET": lambda c: search.sosl(self._state, c)})
            case ("parameterizedSearch",):
                ways: dict[str, Handler] = dict.fromkeys(
                    ("GET", "POST"), lambda c: search.parameterized(self._state, c)
                )
                return _only(call, ways)
            case ("jobs", "query" | "ingest" as kind, *rest):
                return self._jobs.handle(call, kind, tuple(rest))
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

    def _overview(self, call: Call, name: str) -> Answer:
        state = self._state
        match name:
            case "limits":
                used = self._requests.used(state.now())
                return Answer(body=overview.limits(state.settings.daily_requests, used))
            case "tabs":
                return Answer(body=overview.tabs(state, state.view(call.actor, call.version)))
        return Answer(body=overview.recent(state, call))

    # -------------------------------------------------------------------------------------------- sobjects

    def _sobjects(self, call: Call, rest: tuple[str, ...]) -> Answer:
        state, view = self._state, self._state.view(call.actor, call.version)
        if not rest:
            return _only(call, {"GET": lambda _: Answer(body=describe.describe_global(state, view))})
        sobject = rows.visible(state, call, rest[0])
        match rest[1:]:
            case ():
                return _only(
                    call,
                    {
                        "GET": lambda c: Answer(
                            body={
                                "objectDescribe": describe.summary(view, sobject),
                                "recentItems": overview.recent(state, c, sobject),
                            }
                        ),
                        "POST": lambda c: rows.create(state, c, sobject),
                    },
                )
            case ("describe",):
                return _only(call, {"GET": lambda c: self._describe(c, sobject)})
            case ("describe", "layouts", *_):
                return _only(call, {"GET": lambda _: overview.layouts(view, sobject)})
            case ("describe", "compactLayouts"):
                return _only(call, {"GET": lambda _: overview.compact_layouts(sobject)})
            case ("updated",):
                return _only(call, {"GET": lambda c: replication.updated(state, c, sobject)})
            case ("deleted",):
                return _only(call, {"GET": lambda c: replication.deleted(state, c, sobject)})
            case ("Id",):
                return _only(call, {"POST": lambda c: rows.create(state, c, sobject)})
            case (record_id,):
                return rows.by_id(state, call, sobject, record_id)
            case (record_id, field) if (blob := sobject.find(field)) is not None and blob.type == "base64":
                return files.blob(state, call, sobject, record_id, field)
            case (key, value):
                return rows.by_external_id(state, call, sobject, key, value)
        raise not_found()

    def _describe(self, call: Call, sobject: SObject) -> Answer:
        """With If-Modified-Since 304 when the description is older (headers in whole seconds)."""
        changed = overview.schema_changed(self._state, sobject)
        since = rows.moment(call, "if-modified-since", strict=False)
        headers = {"Last-Modified": rows.http_date(changed)}
        if since is not None and changed <= since:
            return Answer(status=304, headers=headers)
        view = self._state.view(call.actor, call.version)
        return Answer(body=describe.describe(self._state, view, sobject), headers=headers)

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
            case ("tree", name):
                return _only(call, {"POST": lambda c: tree.create(state, c, name)})
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
    handler = handlers.get("GET" if call.method == "HEAD" else call.method)
    if handler is None:
        raise method_not_allowed(call.method, ",".join(["HEAD", *handlers]))
    return handler(call)
