"""/sobjects/{Object}/updated and /deleted.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getupdated.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tradepost.sandbox.salesforce.call import Answer, Call
from tradepost.sandbox.salesforce.errors import Refused
from tradepost.sandbox.salesforce.schema import SObject
from tradepost.sandbox.salesforce.state import OrgState
from tradepost.sandbox.salesforce.values import parse_datetime, render

UPDATED_FOR = timedelta(days=30)
DELETED_FOR = timedelta(days=15)


def updated(state: OrgState, call: Call, sobject: SObject) -> Answer:
    """Ids changed or created in the span."""
    start, end = _span(state, call, UPDATED_FOR)
    view = state.view(call.actor, call.version)
    ids = [
        row["Id"]
        for row in state.store.rows(sobject.name)
        if start <= row["SystemModstamp"] < end and not row["IsDeleted"] and view.sees_row(row)
    ]
    return Answer(body={"ids": ids, "latestDateCovered": render(end)})


def deleted(state: OrgState, call: Call, sobject: SObject) -> Answer:
    """Ids deleted in the span."""
    start, end = _span(state, call, DELETED_FOR)
    gone = [
        {"id": row["Id"], "deletedDate": render(row["SystemModstamp"])}
        for row in state.store.rows(sobject.name)
        if row["IsDeleted"] and start <= row["SystemModstamp"] < end
    ]
    earliest = (state.stamp() - DELETED_FOR).replace(second=0)
    body = {"deletedRecords": gone, "earliestDateAvailable": render(earliest), "latestDateCovered": render(end)}
    return Answer(body=body)


def _span(state: OrgState, call: Call, reach: timedelta) -> tuple[datetime, datetime]:
    """Both ends in whole minutes, the end never ahead of now."""
    start, end = (parse_datetime(call.query.get(name, "").replace(" ", "+")) for name in ("start", "end"))
    if start is None or end is None:
        raise Refused("INVALID_REPLICATION_DATE", "start and end must be given as dateTime values")
    start, end = start.replace(second=0), end.replace(second=0)
    earliest = (state.now() - reach).replace(hour=0, minute=0, second=0, microsecond=0)
    if start < earliest and state.strictness.replication_span:
        raise Refused(
            "INVALID_REPLICATION_DATE", f"startDate before org replication enabled date, {reach.days} days ago"
        )
    if start >= end:
        raise Refused("INVALID_REPLICATION_DATE", "startDate must be at least one minute greater than endDate")
    now = state.stamp()
    return start, min(end, now)
