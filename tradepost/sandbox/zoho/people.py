"""Users, profiles, roles.

https://www.zoho.com/crm/developer/docs/api/v8/get-users.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradepost.sandbox.zoho import listing
from tradepost.sandbox.zoho.call import Answer, Call
from tradepost.sandbox.zoho.errors import wrong_id, wrong_param
from tradepost.sandbox.zoho.ids import is_id
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row

PROFILES = ((26011, "Administrator"), (26014, "Standard"))
ROLES = ((26005, "CEO"), (26008, "Manager"))
ADMIN, STANDARD = PROFILES[0][0], PROFILES[1][0]

_KINDS: dict[str, Callable[[Row], bool]] = {
    "AllUsers": lambda row: row["status"] != "deleted",
    "ActiveUsers": lambda row: row["status"] == "active",
    "DeactiveUsers": lambda row: row["status"] == "disabled",
    "ConfirmedUsers": lambda row: row["status"] != "deleted" and row["confirm"],
    "NotConfirmedUsers": lambda row: row["status"] != "deleted" and not row["confirm"],
    "DeletedUsers": lambda row: row["status"] == "deleted",
    "ActiveConfirmedUsers": lambda row: row["status"] == "active" and row["confirm"],
    "AdminUsers": lambda row: row["status"] != "deleted" and row["profile"] == ADMIN,
    "ActiveConfirmedAdmins": lambda row: row["status"] == "active" and row["confirm"] and row["profile"] == ADMIN,
}


def add(state: State, address: str, name: str, *, admin: bool = False, alias: str = "") -> str:
    """A new active user; the answer is the id."""
    first, _, last = name.rpartition(" ")
    now = state.now()
    row: Row = {
        "id": state.ids.new(),
        "email": address,
        "full_name": name,
        "first_name": first or None,
        "last_name": last,
        "alias": alias or None,
        "status": "active",
        "confirm": True,
        "profile": ADMIN if admin else STANDARD,
        "role": ROLES[0][0] if admin else ROLES[1][0],
        "created_time": now,
        "Modified_Time": now,
    }
    state.store.put("users", row["id"], row)
    return str(row["id"])


def get_users(state: State, call: Call) -> Answer:
    kind = call.query.get("type", "AllUsers")
    since = listing.header_time(call, "if-modified-since", state.rules)
    if kind == "CurrentUser":
        rows = [row for row in state.store.rows("users") if row["id"] == call.user]
    elif kind in _KINDS:
        rows = [row for row in state.store.rows("users") if _KINDS[kind](row)]
    else:
        raise wrong_param("type", supported_values=[*_KINDS, "CurrentUser"])
    wanted = call.names("ids")
    rows = [row for row in rows if not wanted or row["id"] in wanted]
    if since is not None and state.rules.not_modified_is_304:
        rows = [row for row in rows if row["Modified_Time"] > since]
        if not rows:
            return Answer(status=304)
    found, info = listing.paged(call, rows)
    return listing.listed(state, "users", [show(state, row) for row in found], info)


def get_user(state: State, call: Call) -> Answer:
    name = call.found["id"]
    if not is_id(name):
        raise wrong_id()
    row = state.user(name)
    return Answer(status=204) if row is None else Answer(body={"users": [show(state, row)]})


def count_users(state: State, call: Call) -> Answer:
    kind = call.query.get("type", "AllUsers")
    if kind not in _KINDS:
        raise wrong_param("type", supported_values=list(_KINDS))
    return Answer(body={"count": sum(1 for row in state.store.rows("users") if _KINDS[kind](row))})


def show(state: State, row: Row) -> dict[str, Any]:
    creator = next(iter(state.store.rows("users")))
    by = {"name": creator["full_name"], "id": creator["id"]}
    return {
        "id": row["id"],
        "full_name": row["full_name"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "email": row["email"],
        "alias": row["alias"],
        "status": row["status"],
        "status_reason__s": None,
        "confirm": row["confirm"],
        "profile": _named(state, PROFILES, row["profile"]),
        "role": _named(state, ROLES, row["role"]),
        "zuid": row["id"][-9:],
        "category": "regular_user",
        "type__s": "Regular User",
        "time_zone": state.settings.time_zone,
        "locale": "zh_CN",
        "language": "zh_CN",
        "country_locale": "zh_CN",
        "country": None,
        "state": None,
        "city": None,
        "street": None,
        "zip": None,
        "phone": None,
        "mobile": None,
        "fax": None,
        "website": None,
        "dob": None,
        "signature": None,
        "microsoft": False,
        "Isonline": False,
        "personal_account": False,
        "sandboxDeveloper": False,
        "date_format": "MMM d, yyyy",
        "time_format": "HH:mm",
        "decimal_separator": "Period",
        "number_separator": "Space",
        "name_format__s": "Salutation,First Name,Last Name",
        "sort_order_preference__s": "First Name,Last Name",
        "default_tab_group": "0",
        "offset": int(1000 * (state.now().astimezone(state.zone).utcoffset() or 0).total_seconds()),  # type: ignore[union-attr]
        "customize_info": None,
        "theme": None,
        "$current_shift": None,
        "$next_shift": None,
        "$shift_effective_from": None,
        "Reporting_To": None,
        "created_time": state.stamp(row["created_time"]),
        "Modified_Time": state.stamp(row["Modified_Time"]),
        "created_by": by,
        "Modified_By": {**by, "first_name": creator["first_name"], "last_name": creator["last_name"]},
    }


def _named(state: State, known: tuple[tuple[int, str], ...], number: int) -> dict[str, str]:
    return {"name": dict(known)[number], "id": state.ids.known(number)}


def get_profiles(state: State, call: Call) -> Answer:
    shown: list[dict[str, Any]] = [
        {
            "id": state.ids.known(number),
            "name": name,
            "display_label": name,
            "description": f"This profile is {name.lower()}.",
            "default": True,
            "custom": False,
            "category": False,
            "type": "normal_profile",
            "permission_type": "read_write",
            "created_time": None,
            "modified_time": None,
            "created_by": None,
            "modified_by": None,
            "permissions_details": [],
            "sections": [],
        }
        for number, name in PROFILES
    ]
    return _chosen("profiles", shown, call)


def get_roles(state: State, call: Call) -> Answer:
    top = state.ids.known(ROLES[0][0])
    shown = [
        {
            "id": state.ids.known(number),
            "name": name,
            "display_label": name,
            "description": None,
            "admin_user": number == ROLES[0][0],
            "share_with_peers": True,
            "forecast_manager": None,
            "reporting_to": None if number == ROLES[0][0] else {"name": ROLES[0][1], "id": top},
        }
        for number, name in ROLES
    ]
    return _chosen("roles", shown, call)


def _chosen(name: str, shown: list[dict[str, Any]], call: Call) -> Answer:
    wanted = call.found.get("id")
    if wanted is None:
        return Answer(body={name: shown})
    found = [each for each in shown if each["id"] == wanted]
    return Answer(body={name: found}) if found else Answer(status=204)
