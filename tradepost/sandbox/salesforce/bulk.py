"""Bulk API 2.0 jobs at /jobs/query and /jobs/ingest.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0_ingest.htm

A job waits in the queue, then is in progress, each for `Settings.bulk_phase`; its work is done at the end, at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tradepost.sandbox.salesforce import bulk_csv, bulk_ingest, soql
from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.ids import make_id, parse_id
from tradepost.sandbox.salesforce.query import columns, run
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.values import render

KEPT = timedelta(days=7)
LISTED = 1000
_QUERIES = ("query", "queryAll")
_INGESTS = ("insert", "update", "upsert", "delete", "hardDelete")
_FINAL = ("JobComplete", "Failed", "Aborted")
_RESULTS = {"successfulresults": "successful", "failedresults": "failed", "unprocessedrecords": "unprocessed"}
# Objects that bulk queries refuse while ordinary ones take them, as far as they exist here.
NOT_IN_BULK = frozenset({"TaskStatus", "TaskPriority"})


@dataclass(slots=True, kw_only=True)
class Job:
    """One job. `columns` and `rows` are a query's results; `outcome` is an ingest job's."""

    id: str
    kind: str  # query or ingest
    operation: str
    sobject: str
    user_id: str
    created: datetime
    changed: datetime
    version: str
    delimiter: str
    line_ending: str
    state: str
    text: str = ""
    external_id: str = ""
    data: bytes = b""
    queued: datetime | None = None
    error: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    outcome: bulk_ingest.Outcome = field(default_factory=bulk_ingest.Outcome)


class BulkJobs:
    """The jobs of one org."""

    def __init__(self, state: OrgState) -> None:
        self._state = state
        self._jobs: dict[str, Job] = {}
        self._made = 0

    def tick(self) -> None:
        """Let every job catch up with the time that passed; before any other call is carried out."""
        for job in self._jobs.values():
            self._advance(job)

    def handle(self, call: Call, kind: str, rest: tuple[str, ...]) -> Answer:
        """Everything below /jobs/query and /jobs/ingest."""
        match rest:
            case ():
                return _by_method(call, {"GET": lambda: self._list(call, kind), "POST": lambda: self._new(call, kind)})
            case (job_id,):
                job = self._job(kind, job_id)
                ways = {
                    "GET": lambda: Answer(body=_shown(job)),
                    "PATCH": lambda: self._set_state(call, job),
                    "DELETE": lambda: self._delete(job),
                }
                return _by_method(call, ways)
            case (job_id, "results") if kind == "query":
                return _by_method(call, {"GET": lambda: self._results(call, self._job(kind, job_id))})
            case (job_id, "batches") if kind == "ingest":
                return _by_method(call, {"PUT": lambda: self._upload(call, self._job(kind, job_id))})
            case (job_id, name) if kind == "ingest" and name.lower() in _RESULTS:
                return _by_method(call, {"GET": lambda: _lines(self._job(kind, job_id), _RESULTS[name.lower()])})
        raise not_found()

    # -------------------------------------------------------------------------------------------- making

    def _new(self, call: Call, kind: str) -> Answer:
        body = call.fields
        allowed = _QUERIES if kind == "query" else _INGESTS
        operation, text = body.get("operation"), body.get("query")
        if operation not in allowed:
            raise Refused("INVALIDJOB", f"Invalid operation: {operation}")
        delimiter, ending = body.get("columnDelimiter") or "COMMA", body.get("lineEnding") or "LF"
        if delimiter not in bulk_csv.DELIMITERS or ending not in bulk_csv.LINE_ENDINGS:
            raise Refused("JSON_PARSER_ERROR", f"{delimiter} or {ending} is not a value of its enumeration")
        if (body.get("contentType") or "CSV") != "CSV":
            raise Refused("INVALIDJOB", "InvalidJob : ContentType must be CSV")
        job = Job(
            id="",
            kind=kind,
            operation=str(operation),
            sobject="",
            user_id=call.actor.user_id,
            created=self._state.stamp(),
            changed=self._state.stamp(),
            version=call.version,
            delimiter=delimiter,
            line_ending=ending,
            state="Open",
        )
        job = self._query_job(call, job, text) if kind == "query" else bulk_ingest_job(self._state, call, job)
        self._made += 1
        job.id = make_id("750", self._made)
        self._jobs[job.id] = job
        return Answer(body=_shown(job, brief=True))

    def _query_job(self, call: Call, job: Job, text: Any) -> Job:
        if not isinstance(text, str) or not text.strip():
            raise Refused("INVALIDJOB", "InvalidJob : Missing required query")
        query = soql.parse(text)
        if query.aggregated or query.counts or any(isinstance(item, soql.Query) for item in query.select):
            raise Refused("API_ERROR", "Aggregate Relationships not supported in Bulk Query")
        if query.offset:
            raise Refused("API_ERROR", "OFFSET not supported in Bulk Query")
        view = self._state.view(call.actor, call.version)
        sobject = view.queryable(query.source)
        if sobject.name in NOT_IN_BULK:
            raise Refused("INVALIDENTITY", f"Entity '{sobject.name}' is not supported by the Bulk API.")
        run(view, replace(query, limit=0))  # unknown fields are refused now
        return replace(job, text=text, sobject=sobject.name, state="UploadComplete", queued=self._state.now())

    # -------------------------------------------------------------------------------------------- living

    def _job(self, kind: str, job_id: str) -> Job:
        job = self._jobs.get(parse_id(job_id) or "")
        if job is None or job.kind != kind or self._state.now() - job.created > KEPT:
            raise not_found()
        return job

    def _advance(self, job: Job) -> None:
        """Let the time that passed do its work."""
        if job.state not in ("UploadComplete", "InProgress") or job.queued is None:
            return
        waited = self._state.now() - job.queued
        phase = self._state.settings.bulk_phase
        if waited >= 2 * phase:
            self._work(job)
            job.changed = self._state.stamp()
        elif waited >= phase:
            job.state, job.changed = "InProgress", self._state.stamp()

    def _work(self, job: Job) -> None:
        fault = self._state.settings.bulk_failure
        if fault:
            self._state.settings.bulk_failure = ""
            job.state, job.error = "Failed", fault
            return
        try:
            if job.kind == "query":
                self._extract(job)
            else:
                job.outcome = bulk_ingest.work(self._state, job.user_id, job)
            job.state = "JobComplete"
        except (Refused, ValueError) as error:
            job.state, job.error = "Failed", f"InvalidBatch : {error}"
            job.outcome = bulk_ingest.unprocessed(job)

    def _extract(self, job: Job) -> None:
        query = soql.parse(job.text)
        view = self._state.view(bulk_ingest.actor(self._state, job.user_id), job.version)
        result = run(view, query, deleted=job.operation == "queryAll")
        paths = columns(view, query)
        job.columns = [".".join(path) for path in paths]
        job.rows = [[bulk_csv.flat(record, path) for path in paths] for record in result.records]

    def _set_state(self, call: Call, job: Job) -> Answer:
        wanted = call.fields.get("state")
        if wanted == "UploadComplete" and job.kind == "ingest":
            if job.state != "Open":
                raise Refused("INVALIDJOBSTATE", f"Job in state {job.state} can not be closed")
            if not job.data:
                raise Refused("INVALIDJOBSTATE", "Closing a job without data is not allowed")
            job.state, job.queued = "UploadComplete", self._state.now()
        elif wanted == "Aborted":
            if job.state in _FINAL:
                raise Refused("INVALIDJOBSTATE", f"Job in state {job.state} can not be aborted")
            job.state = "Aborted"
            job.outcome = bulk_ingest.unprocessed(job)
        else:
            raise Refused("INVALIDJOBSTATE", f"Job can not be set to {wanted}")
        job.changed = self._state.stamp()
        return Answer(body=_shown(job, brief=True))

    def _delete(self, job: Job) -> Answer:
        if job.state not in _FINAL:
            raise Refused("INVALIDJOBSTATE", f"Job in state {job.state} can not be deleted")
        del self._jobs[job.id]
        return Answer(status=204)

    def _upload(self, call: Call, job: Job) -> Answer:
        if job.state != "Open" or job.data:
            raise Refused("INVALIDJOBSTATE", "Found multiple contents for job or the job is not open")
        if not isinstance(call.body, bytes):
            raise Refused("UNSUPPORTED_MEDIA_TYPE", "text/csv is required", status=415)
        job.data = call.body
        return Answer(status=201)

    # -------------------------------------------------------------------------------------------- reading

    def _list(self, call: Call, kind: str) -> Answer:
        found = [job for job in self._jobs.values() if job.kind == kind and self._state.now() - job.created <= KEPT]
        start = int(call.query.get("queryLocator") or 0) if (call.query.get("queryLocator") or "0").isdigit() else 0
        page, more = found[start : start + LISTED], start + LISTED < len(found)
        url = f"/services/data/v{call.version}/jobs/{kind}?queryLocator={start + LISTED}"
        records = [_shown(job, brief=True) for job in page]
        return Answer(body={"done": not more, "records": records, "nextRecordsUrl": url if more else None})

    def _results(self, call: Call, job: Job) -> Answer:
        """One page; `Sforce-Locator` is the text null on the last."""
        if job.state != "JobComplete":
            raise Refused("INVALIDJOBSTATE", f"Results are not available: the job is in state {job.state}")
        start, most = _number(call, "locator", 0, coded=True), _number(call, "maxRecords", len(job.rows) or 1)
        if start > len(job.rows):
            raise Refused("INVALIDREQUEST", "Invalid locator")
        page = job.rows[start : start + most]
        more = start + most < len(job.rows)
        headers = {
            "Content-Type": "text/csv",
            "Sforce-NumberOfRecords": str(len(page)),
            "Sforce-Locator": _locator(start + most) if more else "null",
        }
        return Answer(body=bulk_csv.write(job.columns, page, job.delimiter, job.line_ending), headers=headers)


def bulk_ingest_job(state: OrgState, call: Call, job: Job) -> Job:
    """The job with what an ingest needs. Raises INVALIDJOB and its kin."""
    body = call.fields
    sobject = state.schema.find(str(body.get("object") or ""))
    view = state.view(call.actor, call.version)
    if sobject is None or sobject.allows("t") or not view.may_read(sobject):
        raise Refused("INVALIDENTITY", f"Entity '{body.get('object')}' is not supported by the Bulk API.")
    if job.operation == "hardDelete" and call.actor.access and not call.actor.access.has("BulkApiHardDelete"):
        text = "hardDelete operation requires special user profile permission, please contact your administrator"
        raise Refused("FEATURENOTENABLED", text)
    key = str(body.get("externalIdFieldName") or "")
    if job.operation == "upsert":
        named = view.field(sobject, key)
        if named is None or not (named.external_id or named.name == "Id" or named.has("i")):
            text = f"InvalidJob : Field name provided, {key or 'null'} does not match an External ID, Salesforce Id"
            raise Refused("INVALIDJOB", f"{text}, or indexed field for {sobject.name}")
    return replace(job, sobject=sobject.name, external_id=key)


def _by_method(call: Call, ways: dict[str, Callable[[], Answer]]) -> Answer:
    way = ways.get("GET" if call.method == "HEAD" else call.method)
    if way is None:
        raise method_not_allowed(call.method, ",".join(ways))
    return way()


def _shown(job: Job, *, brief: bool = False) -> dict[str, Any]:
    """A job as JSON; `brief` as at creation and in lists, without the counts."""
    found: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": render(job.created),
        "systemModstamp": render(job.changed),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
    if job.kind == "ingest":
        found |= {"externalIdFieldName": job.external_id} if job.external_id else {}
        found |= {"contentUrl": f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"}
    if not brief:
        found |= _counts(job)
    return found | ({"errorMessage": job.error} if job.error and not brief else {})


def _counts(job: Job) -> dict[str, Any]:
    milliseconds = 0 if job.queued is None else int((job.changed - job.created).total_seconds() * 1000)
    found: dict[str, Any] = {"retries": 0, "totalProcessingTime": milliseconds}
    if job.kind == "query":
        processed = len(job.rows) if job.state == "JobComplete" else 0
        return found | {"jobType": "V2Query", "numberRecordsProcessed": processed, "isPkChunkingSupported": True}
    done = job.outcome
    return found | {
        "jobType": "V2Ingest",
        "apiActiveProcessingTime": milliseconds,
        "apexProcessingTime": 0,
        "numberRecordsProcessed": len(done.successful) + len(done.failed),
        "numberRecordsFailed": len(done.failed),
    }


def _lines(job: Job, which: str) -> Answer:
    if job.state not in _FINAL:
        raise Refused("INVALIDJOBSTATE", f"Results are not available: the job is in state {job.state}")
    columns, rows = job.outcome.lines(which)
    content = bulk_csv.write(columns, rows, job.delimiter, job.line_ending)
    return Answer(body=content, headers={"Content-Type": "text/csv"})


def _locator(position: int) -> str:
    """Opaque to clients; the documents show short words such as MTAwMDA."""
    return format(position, "x").rjust(6, "0") + "MTA"


def _number(call: Call, name: str, default: int, *, coded: bool = False) -> int:
    text = call.query.get(name)
    if not text or text == "null":
        return default
    try:
        number = int(text.removesuffix("MTA"), 16) if coded and text.endswith("MTA") else int(text)
    except ValueError:
        number = -1
    if coded and not text.endswith("MTA"):
        number = -1
    if number < (0 if coded else 1):
        raise Refused("INVALIDREQUEST", f"Invalid {name}")
    return min(number, math.floor(1e9))
