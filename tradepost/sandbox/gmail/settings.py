"""A user's settings: kept and given back, without their effects on mail (filters file nothing, nobody is answered).

https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.settings
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradepost.sandbox.gmail import resource
from tradepost.sandbox.gmail.errors import ApiError, invalid, not_found
from tradepost.sandbox.gmail.mailbox import Mailbox
from tradepost.sandbox.gmail.methods import Call, Method
from tradepost.sandbox.gmail.resource import Json

_SINGLE: dict[str, tuple[str, Json]] = {
    "Vacation": ("vacation", {"enableAutoReply": False}),
    "Imap": ("imap", {"enabled": True, "autoExpunge": True, "expungeBehavior": "archive", "maxFolderSize": 0}),
    "Pop": ("pop", {"accessWindow": "disabled", "disposition": "leaveInInbox"}),
    "Language": ("language", {"displayLanguage": "en"}),
    "AutoForwarding": ("autoForwarding", {"enabled": False}),
}


def _get(name: str, default: Json) -> Method:
    return lambda call: dict(call.mailbox.settings.get(name, default))


def _update(name: str) -> Method:
    def method(call: Call) -> Json:
        call.mailbox.settings[name] = dict(call.body)
        return dict(call.body)

    return method


# -------------------------------------------------------------------------------------------------------- address lists


def _entries(mailbox: Mailbox, name: str) -> dict[str, Json]:
    found: dict[str, Json] = mailbox.settings.setdefault(name, {})
    return found


def _list(name: str, key: str) -> Method:
    def method(call: Call) -> Json:
        held = list(_entries(call.mailbox, name).values())
        return {key: held} if held else {}

    return method


def _one(name: str, argument: str) -> Callable[[Call], Json]:
    def method(call: Call) -> Json:
        entry = _entries(call.mailbox, name).get(str(call.args[argument]).lower())
        if entry is None:
            raise not_found()
        return entry

    return method


def _create(name: str, argument: str) -> Method:
    """Another address of the same domain needs no confirmation."""

    def method(call: Call) -> Json:
        address = str(call.body.get(argument, "")).lower()
        if "@" not in address:
            raise invalid(f"Invalid {argument}")
        if address in _entries(call.mailbox, name):
            raise ApiError(409, "alreadyExists", "Entity already exists", status="ALREADY_EXISTS")
        own = call.mailbox.address.rpartition("@")[2]
        status = "accepted" if address.rpartition("@")[2] == own else "pending"
        entry = {argument: address, "verificationStatus": status}
        _entries(call.mailbox, name)[address] = entry
        return entry

    return method


def _delete(name: str, argument: str) -> Method:
    def method(call: Call) -> None:
        _one(name, argument)(call)
        del _entries(call.mailbox, name)[str(call.args[argument]).lower()]

    return method


def filters_create(call: Call) -> Json:
    criteria, action = call.body.get("criteria"), call.body.get("action")
    if not isinstance(criteria, dict) or not isinstance(action, dict) or not criteria or not action:
        raise invalid("Filter doesn't have any criteria or action")
    call.mailbox.check_labels([*action.get("addLabelIds", ()), *action.get("removeLabelIds", ())])
    name = f"ANe1Bm{call.ticket()}"
    _entries(call.mailbox, "filters")[name.lower()] = {"id": name, "criteria": criteria, "action": action}
    return {"id": name, "criteria": criteria, "action": action}


# ------------------------------------------------------------------------------------------------------------- send-as


def send_as(mailbox: Mailbox) -> list[Json]:
    """The addresses a user sends as, with what was changed on them."""
    changed: dict[str, Json] = mailbox.settings.get("sendAs", {})
    return [entry | changed.get(entry["sendAsEmail"], {}) for entry in resource.send_as(mailbox)]


def send_as_get(call: Call) -> Json:
    wanted = call.args["sendAsEmail"].lower()
    found = next((entry for entry in send_as(call.mailbox) if entry["sendAsEmail"] == wanted), None)
    if found is None:
        raise not_found()
    return found


def send_as_create(call: Call) -> Json:
    address = str(call.body.get("sendAsEmail", "")).lower()
    if "@" not in address:
        raise invalid("Invalid sendAsEmail")
    if address in call.mailbox.addresses:
        raise ApiError(409, "alreadyExists", "Entity already exists", status="ALREADY_EXISTS")
    box = call.mailbox
    box.aliases = (*box.aliases, (address, str(call.body.get("displayName", ""))))
    return _keep(call, address)


def send_as_update(call: Call) -> Json:
    return _keep(call, send_as_get(call)["sendAsEmail"])


def _keep(call: Call, address: str) -> Json:
    allowed = ("displayName", "replyToAddress", "signature", "treatAsAlias", "isDefault")
    changes: dict[str, Any] = {name: call.body[name] for name in allowed if name in call.body}
    kept = call.mailbox.settings.setdefault("sendAs", {})
    kept[address] = kept.get(address, {}) | changes
    return next(entry for entry in send_as(call.mailbox) if entry["sendAsEmail"] == address)


def send_as_delete(call: Call) -> None:
    entry = send_as_get(call)
    if entry.get("isPrimary"):
        raise invalid("Cannot delete primary send-as")
    box = call.mailbox
    box.aliases = tuple(alias for alias in box.aliases if alias[0] != entry["sendAsEmail"])


def send_as_verify(call: Call) -> None:
    send_as_get(call)


_LISTS = (("forwardingAddresses", "forwardingEmail"), ("delegates", "delegateEmail"))
_PREFIX = "gmail.users.settings"

SETTINGS: dict[str, Method] = {
    **{f"{_PREFIX}.get{name}": _get(key, default) for name, (key, default) in _SINGLE.items()},
    **{f"{_PREFIX}.update{name}": _update(key) for name, (key, _) in _SINGLE.items()},
    **{f"{_PREFIX}.{name}.list": _list(name, name) for name, _ in _LISTS},
    **{f"{_PREFIX}.{name}.get": _one(name, argument) for name, argument in _LISTS},
    **{f"{_PREFIX}.{name}.create": _create(name, argument) for name, argument in _LISTS},
    **{f"{_PREFIX}.{name}.delete": _delete(name, argument) for name, argument in _LISTS},
    f"{_PREFIX}.filters.list": _list("filters", "filter"),
    f"{_PREFIX}.filters.get": _one("filters", "id"),
    f"{_PREFIX}.filters.create": filters_create,
    f"{_PREFIX}.filters.delete": _delete("filters", "id"),
    f"{_PREFIX}.sendAs.list": lambda call: {"sendAs": send_as(call.mailbox)},
    f"{_PREFIX}.sendAs.get": send_as_get,
    f"{_PREFIX}.sendAs.create": send_as_create,
    f"{_PREFIX}.sendAs.update": send_as_update,
    f"{_PREFIX}.sendAs.patch": send_as_update,
    f"{_PREFIX}.sendAs.delete": send_as_delete,
    f"{_PREFIX}.sendAs.verify": send_as_verify,
}
