"""Neighbours of mail that tools look at as well. Simplified: they are there, guarded by their permissions, and empty.

https://learn.microsoft.com/graph/api/resources/event, .../contact and .../group.
"""

from __future__ import annotations

from collections.abc import Callable

from tradepost.sandbox.graph.call import Call, Need, Reply, Route


def _empty(name: str) -> Callable[[Call], Reply]:
    def handler(call: Call) -> Reply:
        context = call.mail_context(name) if "user" in call.args else call.context(name)
        return Reply(body={"@odata.context": context, "value": []})

    return handler


_CALENDAR = ("events", "calendars", "calendarView", "calendar/events", "calendar/calendarView")
_CONTACTS = ("contacts", "contactFolders")
ROUTES = (
    *(
        Route("GET", f"users/{{user}}/{name.lower()}", f"users.{name}.List", Need.CALENDAR, _empty(name))
        for name in _CALENDAR
    ),
    *(
        Route("GET", f"users/{{user}}/{name.lower()}", f"users.{name}.List", Need.CONTACTS, _empty(name))
        for name in _CONTACTS
    ),
    Route("GET", "groups", "groups.List", Need.GROUPS, _empty("groups")),
    Route("GET", "users/{user}/memberof", "users.ListMemberOf", Need.USERS, _empty("memberOf")),
)
