"""Which scopes a call needs.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
"""

from __future__ import annotations

from typing import Literal

from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.call import Call, ScopeRule
from tradepost.sandbox.hubspot.errors import missing_scopes
from tradepost.sandbox.hubspot.kinds import Kind

Right = Literal["read", "write"]
Groups = list[tuple[str, ...]]

_OLDER = {"tickets": ("tickets",), "products": ("e-commerce",), "line_items": ("e-commerce",)}
_EMAIL_PROPERTIES = ("connected-email-data-access", "crm.objects.emails.read", "crm.schemas.emails.read")


def demand(account: Account, call: Call, rule: ScopeRule | None) -> None:
    """Raises 403 naming the scopes of the first group of which the caller has none."""
    if rule is None or not account.state.strict.scopes_checked:
        return
    for group in rule(account, call):
        if not any(call.actor.has(scope) for scope in group):
            raise missing_scopes(group)


def of_records(kind: Kind, right: Right) -> tuple[str, ...]:
    """Any of these opens the records of a kind."""
    name = "custom" if kind.custom else kind.scope
    return (f"crm.objects.{name}.{right}", *_OLDER.get(kind.plural, ()))


def records(right: Right, *places: int) -> ScopeRule:
    """For routes with kinds at these places among the open segments (the first, unless said otherwise)."""

    def rule(account: Account, call: Call) -> Groups:
        return [of_records(account.state.kind_of(call.args[place]), right) for place in places or (0,)]

    return rule


def definitions(right: Right) -> ScopeRule:
    """For properties, pipelines and labels of the first open segment's kind.

    Reading those of emails needs a scope of its own (observed in August and September 2026).
    """

    def rule(account: Account, call: Call) -> Groups:
        kind = account.state.kind_of(call.args[0])
        if right == "read" and kind.plural == "emails":
            return [_EMAIL_PROPERTIES]
        name = "custom" if kind.custom else kind.scope
        schema = (f"crm.schemas.{name}.{right}",)
        return [(*schema, *of_records(kind, "read"), *of_records(kind, "write")) if right == "read" else schema]

    return rule


def one_of(*names: str) -> ScopeRule:
    """For routes that need one of these."""
    return lambda _account, _call: [names]
