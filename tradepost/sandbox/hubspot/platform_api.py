"""Owners, the account, its limits, opt-outs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.batch_api import envelope
from tradepost.sandbox.hubspot.call import Answer, Call, Route
from tradepost.sandbox.hubspot.errors import not_found
from tradepost.sandbox.hubspot.paging import limit_of, next_page
from tradepost.sandbox.hubspot.state import Owner
from tradepost.sandbox.hubspot.times import stamp

MOST_OWNERS = 500
MOST_PROPERTIES = 1_000


# https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
def _owners(account: Account, *, archived: bool) -> list[Owner]:
    state = account.state
    shown = [each for each in state.owners.values() if each.archived == archived or not _apart(account, archived)]
    return sorted(shown, key=lambda owner: int(owner.id))


def _apart(account: Account, archived: bool) -> bool:  # noqa: FBT001 - the listing's own flag
    return archived or account.state.strict.archived_owner_hidden


def list_owners(account: Account, call: Call) -> Answer:
    limit = limit_of(account.state, call, 100, MOST_OWNERS)
    rows = _owners(account, archived=call.flag("archived"))
    email = call.first("email").lower()
    rows = [each for each in rows if not email or each.email.lower() == email]
    start = next((i for i, each in enumerate(rows) if each.id == call.first("after")), -1) + 1
    shown = rows[start : start + limit]
    body: dict[str, Any] = {"results": [each.json() for each in shown]}
    if start + limit < len(rows):
        body["paging"] = next_page(call, shown[-1].id, "/crm/v3/owners/")
    return Answer(body=body)


def get_owner(account: Account, call: Call) -> Answer:
    by_user = call.first("idProperty") == "userId"
    for each in _owners(account, archived=call.flag("archived")):
        if call.args[0] == (str(each.user_id) if by_user else each.id):
            return Answer(body=each.json())
    raise not_found()


def list_owners_v2(account: Account, call: Call) -> Answer:
    """/owners/v2/owners: a bare list in the older words."""
    rows = _owners(account, archived=False)
    if call.flag("includeInactive"):
        rows = sorted([*rows, *_owners(account, archived=True)], key=lambda owner: int(owner.id))
    email = call.first("email").lower()
    return Answer(
        body=[
            {
                "portalId": account.state.settings.portal_id,
                "ownerId": int(each.id),
                "type": each.kind,
                "firstName": each.first_name,
                "lastName": each.last_name,
                "email": each.email,
                "createdAt": int(each.created_at.timestamp() * 1000),
                "updatedAt": int(each.updated_at.timestamp() * 1000),
                "activeUserId": None if each.archived else each.user_id,
                "userIdIncludingInactive": each.user_id,
                "isActive": not each.archived,
                "remoteList": [],
                "hasContactsAccess": False,
            }
            for each in rows
            if not email or each.email.lower() == email
        ]
    )


# https://developers.hubspot.com/docs/api-reference/latest/account/account-information/guide
def account_details(account: Account, _call: Call) -> Answer:
    settings = account.state.settings
    offset = account.state.now().astimezone(settings.zone).utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    found: dict[str, Any] = {
        "portalId": settings.portal_id,
        "accountType": "STANDARD",
        "timeZone": settings.time_zone,
        "companyCurrency": settings.currency,
        "additionalCurrencies": [],
        "utcOffset": f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}",
        "utcOffsetMilliseconds": minutes * 60_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
    return Answer(body=found)


def integration_me(account: Account, call: Call) -> Answer:
    """/integrations/v1/me."""
    found = account_details(account, call).body
    names = ("portalId", "accountType", "timeZone", "utcOffset", "utcOffsetMilliseconds")
    return Answer(body={name: found[name] for name in names} | {"currency": found["companyCurrency"]})


def api_usage(account: Account, _call: Call) -> Answer:
    pools = account.pools
    row = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": pools.daily,
        "currentUsage": pools.used_today(),
        "collectedAt": stamp(account.state.now()),
        "fetchStatus": "SUCCESS",
        "resetsAt": stamp(pools.resets_at()),
    }
    return Answer(body={"results": [row]})


def daily_limit_v1(account: Account, call: Call) -> Answer:
    """/integrations/v1/limit/daily: a bare list."""
    row = api_usage(account, call).body["results"][0]
    millis = {name: int(account.state.now().timestamp() * 1000) for name in ("collectedAt",)}
    resets = {"resetsAt": int(account.pools.resets_at().timestamp() * 1000)}
    return Answer(body=[row | millis | resets | {"name": "api-calls-daily"}])


# ---------------------------------------------------------------------------------------------------- limits


def _usage(type_id: str, singular: str, plural: str, usage: int, limit: int) -> dict[str, Any]:
    share = round(100 * usage / limit, 2)
    labels = {"objectTypeId": type_id, "singularLabel": singular, "pluralLabel": plural}
    return labels | {"limit": limit, "usage": usage, "percentage": share}


def custom_properties(account: Account, _call: Call) -> Answer:
    rows = []
    for kind in account.state.kinds:
        own = sum(not each.defined_by_hubspot for each in account.state.definitions(kind))
        rows.append(_usage(kind.type_id, kind.singular, kind.plural, own, MOST_PROPERTIES))
    overall = sum(row["usage"] for row in rows)
    totals = {"overallLimit": 10_000, "overallUsage": overall, "overallPercentage": round(overall / 100, 2)}
    return Answer(body={"byObjectType": rows, **totals})


def record_limits(account: Account, _call: Call) -> Answer:
    rows = [
        _usage(
            kind.type_id, kind.singular, kind.plural, len(account.state.records.table(kind).shown[False]), 15_000_000
        )
        for kind in account.state.kinds
        if not kind.custom
    ]
    custom = {"byObjectType": [], "overallLimit": 1_500_000, "overallPercentage": 0, "overallUsage": 0}
    return Answer(body={"hubspotDefinedObjectTypes": rows, "customObjectTypes": custom})


def custom_object_types(account: Account, _call: Call) -> Answer:
    used = len(account.state.schemas)
    return Answer(body={"limit": 10, "usage": used, "percentage": used * 10})


def association_labels(_account: Account, _call: Call) -> Answer:
    return Answer(body={"results": []})


# ---------------------------------------------------------------------------------------------------- opt-outs


# https://developers.hubspot.com/docs/api-reference/latest/communication-preferences/status/get-unsubscribed-status
def statuses(account: Account, _call: Call) -> Answer:
    return Answer(body=envelope(account.state, []))


def unsubscribed_from_all(account: Account, call: Call) -> Answer:
    """Empty results mean: not opted out of all."""
    address = call.args[0].lower()
    since = account.state.opted_out.get(address)
    if since is None:
        return Answer(body=envelope(account.state, []))
    row = {
        "channel": "EMAIL",
        "status": "UNSUBSCRIBED",
        "subscriberIdString": address,
        "timestamp": stamp(since),
        "wideStatusType": "PORTAL_WIDE",
    }
    return Answer(body=envelope(account.state, [row]))


def unsubscribe(account: Account, call: Call) -> Answer:
    account.opt_out(call.args[0])
    return unsubscribed_from_all(account, call)


def status_v3(account: Account, call: Call) -> Answer:
    """/communication-preferences/v3/status/email/{address}: per subscription; this account has one."""
    out = call.args[0].lower() in account.state.opted_out
    row = {
        "id": "1",
        "name": "One to One",
        "description": "One to One emails",
        "status": "NOT_SUBSCRIBED" if out else "SUBSCRIBED",
        "sourceOfStatus": "PORTAL_WIDE_STATUS" if out else "SUBSCRIPTION_STATUS",
    }
    return Answer(body={"recipient": call.args[0], "subscriptionStatuses": [row]})


# ---------------------------------------------------------------------------------------------------- users and lists


def list_users(account: Account, _call: Call) -> Answer:
    """/settings/v3/users."""
    rows = [
        {"id": str(each.user_id), "email": each.email, "firstName": each.first_name, "lastName": each.last_name}
        | {"roleIds": [], "superAdmin": each.id == account.admin}
        for each in _owners(account, archived=False)
    ]
    return Answer(body={"results": rows})


def no_lists(_account: Account, _call: Call) -> Answer:
    """This account has no lists of records."""
    return Answer(body={"lists": [], "offset": 0, "hasMore": False, "total": 0})


_OWNERS = access.one_of("crm.objects.owners.read", "contacts")
_PREFERENCES = access.one_of(
    "communication_preferences.read", "communication_preferences.read_write", "subscriptions-status-read"
)
OWNER_ROUTES = (
    Route("GET", (), "list", "read", list_owners, _OWNERS),
    Route("GET", ("*",), "get", "read", get_owner, _OWNERS),
)
OLDER_OWNER_ROUTES = (Route("GET", ("owners",), "list", "read", list_owners_v2, _OWNERS),)
ACCOUNT_ROUTES = (
    Route("GET", ("details",), "details", "read", account_details),
    Route("GET", ("api-usage", "daily"), "api-usage", "read", api_usage),
    Route("GET", ("api-usage", "daily", "private-apps"), "api-usage", "read", api_usage),
)
INTEGRATION_ROUTES = (
    Route("GET", ("me",), "me", "read", integration_me),
    Route("GET", ("limit", "daily"), "limit", "read", daily_limit_v1),
)
LIMIT_ROUTES = (
    Route("GET", ("custom-properties",), "custom-properties", "read", custom_properties),
    Route("GET", ("records",), "records", "read", record_limits),
    Route("GET", ("custom-object-types",), "custom-object-types", "read", custom_object_types),
    Route("GET", ("associations", "labels"), "associations.labels", "read", association_labels),
)
USER_ROUTES = (Route("GET", ("users",), "list", "read", list_users),)
LIST_ROUTES = (
    Route("GET", (), "list", "read", no_lists),
    Route("POST", ("search",), "search", "read", no_lists),
)
PREFERENCE_ROUTES = (
    Route("GET", ("status", "email", "*"), "status.get", "read", status_v3, _PREFERENCES),
    Route("GET", ("statuses", "*"), "statuses.get", "read", statuses, _PREFERENCES),
    Route(
        "GET", ("statuses", "*", "unsubscribe-all"), "unsubscribe-all.get", "read", unsubscribed_from_all, _PREFERENCES
    ),
    Route("POST", ("statuses", "*", "unsubscribe-all"), "unsubscribe-all", "write", unsubscribe, _PREFERENCES),
)
