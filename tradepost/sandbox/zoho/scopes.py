"""OAuth scopes: what a call needs and what a token has.

https://www.zoho.com/crm/developer/docs/api/v8/scopes.html. A scope is `ZohoCRM.group.part.OPERATION`, in any case;
`ZohoCRM.modules.ALL` stands for every module, ALL for every operation, WRITE for CREATE, UPDATE and DELETE.
"""

from __future__ import annotations

from collections.abc import Iterable

DEFAULT = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.users.ALL",
    "ZohoCRM.org.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.ALL",
    "ZohoCRM.notifications.ALL",
    "ZohoCRM.composite_requests.CUSTOM",
    "ZohoCRM.Files.CREATE",
    "ZohoCRM.Files.READ",
    "ZohoCRM.mass_update.ALL",
    "ZohoCRM.change_owner.CREATE",
    "ZohoSearch.securesearch.READ",
)
"""What covers every call of this simulator."""

_WRITES = frozenset({"create", "update", "delete"})


def has(granted: Iterable[str], needed: str) -> bool:
    """Whether one of the scopes covers `group.part.OPERATION` or `group.OPERATION` (without the service's name)."""
    *wanted, operation = needed.lower().split(".")
    return any(_covers(each.lower().split("."), wanted, operation) for each in granted)


def _covers(scope: list[str], wanted: list[str], operation: str) -> bool:
    if scope[0] != "zohocrm" or len(scope) < 3:
        return False
    *path, allowed = scope[1:]
    if path != wanted[: len(path)]:
        return False
    return allowed in {"all", operation} or (allowed == "write" and operation in _WRITES)


def module_scope(module: str) -> str:
    """A module's name in scopes: custom modules share one."""
    name = module.replace("_", "").lower()
    return name if name in _STANDARD else "custom"


_STANDARD = frozenset(
    each.replace("_", "").lower()
    for each in (
        "Leads",
        "Accounts",
        "Contacts",
        "Deals",
        "Tasks",
        "Events",
        "Calls",
        "Notes",
        "Attachments",
        "Products",
        "Campaigns",
        "Vendors",
        "Price_Books",
        "Cases",
        "Solutions",
        "Quotes",
        "Sales_Orders",
        "Purchase_Orders",
        "Invoices",
        "Emails",
    )
)
