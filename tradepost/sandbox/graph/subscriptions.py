"""Change notifications as far as they are state: create, renew, delete.

https://learn.microsoft.com/graph/api/resources/subscription. Simplified: nothing is ever sent to the notification URLs,
neither the validation handshake nor a notification, since the sandbox calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from tradepost.sandbox.graph import access
from tradepost.sandbox.graph.call import Call, Need, Reply, Route
from tradepost.sandbox.graph.errors import ApiError, bad_request
from tradepost.sandbox.graph.odata import parse_date
from tradepost.sandbox.graph.tenant import Subscription
from tradepost.sandbox.graph.view import Json, stamp

LONGEST, LONGEST_RICH, SHORTEST = timedelta(minutes=10_080), timedelta(minutes=1_440), timedelta(minutes=45)
MAX_PER_MAILBOX = 1_000
_RESOURCE = re.compile(
    r"/?(?:users(?:/|\(')([^/']+)(?:'\))?|me)/(?:mailfolders(?:/|\(')([^/']+)(?:'\))?/)?messages(?:\?.*)?",
    re.IGNORECASE,
)
_TYPES = {"created", "updated", "deleted"}


def _shown(found: Subscription, context: str = "") -> Json:
    shown: Json = {"@odata.context": context} if context else {}
    return shown | {
        "id": found.id,
        "resource": found.resource,
        "applicationId": found.app,
        "changeType": found.change_type,
        "clientState": None,  # never shown again
        "notificationUrl": found.url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": found.lifecycle_url or None,
        "expirationDateTime": stamp(found.expires),
        "creatorId": found.creator,
        "includeResourceData": found.rich or None,
        "latestSupportedTlsVersion": "v1_2",
        "encryptionCertificate": None,
        "encryptionCertificateId": found.certificate or None,
        "notificationUrlAppId": None,
    }


def _expiry(call: Call, body: Mapping[str, Any], *, rich: bool) -> datetime:
    """Raises 400 for a life that is over or too long; one under 45 minutes is raised."""
    try:
        wanted = parse_date(re.sub(r"(\.\d{6})\d+", r"\1", str(body.get("expirationDateTime") or "")))
    except ValueError as error:
        raise bad_request("The expirationDateTime is required and must be a time.") from error
    longest = LONGEST_RICH if rich else LONGEST
    if wanted <= call.now:
        raise ApiError(400, "InvalidRequest", "Subscription expiration must be in the future.")
    if wanted - call.now > longest + timedelta(minutes=1) and call.strict.subscription_life:
        minutes = int(longest.total_seconds() // 60)
        raise ApiError(400, "InvalidRequest", f"Subscription expiration can only be {minutes} minutes in the future.")
    return max(wanted, call.now + SHORTEST)


def create(call: Call) -> Reply:
    body = call.json()
    rich = body.get("includeResourceData") is True
    for name in ("changeType", "notificationUrl", "resource"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise ApiError(400, "InvalidRequest", f"Required property '{name}' is missing.")
    types = {part.strip().lower() for part in body["changeType"].split(",")}
    if not types <= _TYPES:
        raise ApiError(400, "InvalidRequest", f"Invalid 'changeType' attribute: '{body['changeType']}'.")
    urls = [body["notificationUrl"], body.get("lifecycleNotificationUrl") or ""]
    if any(url and urlsplit(url).scheme != "https" for url in urls):
        raise ApiError(
            400, "InvalidRequest", "Subscription validation request failed. Notification endpoint must use HTTPS."
        )
    if len(str(body.get("clientState") or "")) > 128:
        raise ApiError(400, "InvalidRequest", "ClientState must not exceed 128 characters.")
    user = _watched(call, body["resource"])
    made = Subscription(
        id=call.tenant.directory.guid(),
        app=call.token.app,
        user=user,
        creator=call.token.user or call.tenant.app(call.token).object_id,
        resource=body["resource"],
        change_type=body["changeType"],
        url=urls[0],
        lifecycle_url=urls[1],
        client_state=str(body.get("clientState") or ""),
        expires=_expiry(call, body, rich=rich),
        rich=rich,
        certificate=str(body.get("encryptionCertificateId") or ""),
    )
    if sum(s.user == user for s in live(call).values()) >= MAX_PER_MAILBOX:
        raise ApiError(403, "ErrorExceededSubscriptionCount", "The subscription limit of the mailbox was reached.")
    call.tenant.subscriptions[made.id] = made
    return Reply(201, _shown(made, call.context("subscriptions/$entity")) | {"clientState": made.client_state or None})


def _watched(call: Call, resource: str) -> str:
    """The id of the user whose mail a resource names, which the caller must be allowed to read. Raises."""
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        raise ApiError(
            400, "ExtensionError", f"Operation: Create; Exception: [Resource '{resource}' is not supported.]"
        )
    key = unquote(found[1]) if found[1] else call.token.user
    user = call.tenant.directory.find(key)
    if user is None or user.box is None:
        raise ApiError(
            404, "ExtensionError", "Operation: Create; Exception: [Status Code: NotFound; Reason: Not Found]"
        )
    if call.token.user and user.id != call.token.user:
        message = "Operation: Create; Exception: [Status Code: Forbidden; Reason: Forbidden]"
        raise ApiError(403, "ExtensionError", message)  # shared mailboxes only for apps
    access.admit(call.token, call.tenant.app(call.token), Need.BASIC, user, call.tenant.tokens)
    if found[2]:
        user.box.folder(unquote(found[2]))
    return user.id


def live(call: Call) -> dict[str, Subscription]:
    """Those that are not over; the others are dropped."""
    kept = {key: s for key, s in call.tenant.subscriptions.items() if s.expires > call.now}
    call.tenant.subscriptions = kept
    return kept


def _own(call: Call) -> Subscription:
    found = live(call).get(call.args["subscription"])
    if found is None or found.app != call.token.app:
        raise ApiError(404, "ResourceNotFound", "The object was not found.")
    return found


def list_all(call: Call) -> Reply:
    own = [_shown(s) for s in live(call).values() if s.app == call.token.app]
    return Reply(body={"@odata.context": call.context("subscriptions"), "value": own})


def get(call: Call) -> Reply:
    return Reply(body=_shown(_own(call), call.context("subscriptions/$entity")))


def renew(call: Call) -> Reply:
    found, body = _own(call), call.json()
    renewed = replace(
        found, expires=_expiry(call, body, rich=found.rich), url=str(body.get("notificationUrl") or found.url)
    )
    call.tenant.subscriptions[found.id] = renewed
    return Reply(body=_shown(renewed, call.context("subscriptions/$entity")))


def reauthorize(call: Call) -> Reply:
    _own(call)
    return Reply(204)


def delete(call: Call) -> Reply:
    own = _own(call)
    del call.tenant.subscriptions[own.id]
    return Reply(204)


_S = "subscriptions/{subscription}"
ROUTES = (
    Route("GET", "subscriptions", "subscriptions.List", Need.NOTHING, list_all),
    Route("POST", "subscriptions", "subscriptions.Create", Need.NOTHING, create),
    Route("GET", _S, "subscriptions.Get", Need.NOTHING, get),
    Route("PATCH", _S, "subscriptions.Update", Need.NOTHING, renew),
    Route("DELETE", _S, "subscriptions.Delete", Need.NOTHING, delete),
    Route("POST", f"{_S}/reauthorize", "subscriptions.reauthorize", Need.NOTHING, reauthorize),
)
