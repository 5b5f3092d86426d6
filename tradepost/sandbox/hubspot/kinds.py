"""The kinds of objects and the many names that a path may give them.

Ids: https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tradepost.sandbox.hubspot.errors import Refused

_TYPE_ID = re.compile(r"\d+-\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object. `scope` is the middle of the scopes that open it; `defaults` are returned unasked."""

    plural: str
    singular: str
    type_id: str
    scope: str
    title: str = ""  # the property that names a record
    defaults: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()  # what `query` looks into
    required: tuple[str, ...] = ()
    activity: bool = False
    custom: bool = False

    @property
    def constant(self) -> str:
        return self.singular.upper()

    @property
    def clock(self) -> str:
        """The property that tells the last change.

        https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
        """
        return "lastmodifieddate" if self.plural == "contacts" else "hs_lastmodifieddate"

    @property
    def created(self) -> str:
        return "hs_createdate" if self.activity or self.custom or self.plural in _HS_CREATED else "createdate"

    @property
    def always(self) -> tuple[str, ...]:
        """Properties that every answer has."""
        return (self.created, self.clock, "hs_object_id")


_HS_CREATED = frozenset({"leads", "communications", "users", "orders", "invoices", "carts"})


def _activity(plural: str, singular: str, type_id: str, title: str, *required: str) -> Kind:
    return Kind(
        plural=plural,
        singular=singular,
        type_id=type_id,
        scope="contacts",
        title=title,
        searched=(title, "hs_body_preview"),
        required=("hs_timestamp", *required),
        activity=True,
    )


STANDARD = (
    Kind(
        plural="contacts",
        singular="contact",
        type_id="0-1",
        scope="contacts",
        title="email",
        defaults=("email", "firstname", "lastname"),
        searched=("email", "firstname", "lastname", "phone", "company", "hs_additional_emails"),
    ),
    Kind(
        plural="companies",
        singular="company",
        type_id="0-2",
        scope="companies",
        title="name",
        defaults=("domain", "name"),
        searched=("name", "domain", "website", "phone"),
    ),
    Kind(
        plural="deals",
        singular="deal",
        type_id="0-3",
        scope="deals",
        title="dealname",
        defaults=("amount", "closedate", "dealname", "dealstage", "pipeline"),
        searched=("dealname", "pipeline", "dealstage", "description", "dealtype"),
        required=("dealname", "dealstage"),
    ),
    Kind(
        plural="tickets",
        singular="ticket",
        type_id="0-5",
        scope="tickets",
        title="subject",
        defaults=("content", "hs_pipeline", "hs_pipeline_stage", "hs_ticket_priority", "subject"),
        searched=("subject", "content", "hs_pipeline_stage"),
        required=("hs_pipeline_stage",),
    ),
    Kind(
        plural="leads",
        singular="lead",
        type_id="0-136",
        scope="leads",
        title="hs_lead_name",
        defaults=("hs_lead_name",),
        searched=("hs_lead_name",),
        required=("hs_lead_name",),
    ),
    _activity("emails", "email", "0-49", "hs_email_subject", "hs_email_direction"),
    _activity("tasks", "task", "0-27", "hs_task_subject"),
    _activity("notes", "note", "0-46", "hs_note_body"),
    _activity("calls", "call", "0-48", "hs_call_title"),
    _activity("meetings", "meeting", "0-47", "hs_meeting_title"),
    _activity("communications", "communication", "0-18", "hs_communication_body"),
    _activity("postal_mail", "postal_mail", "0-116", "hs_postal_mail_body"),
    Kind(
        plural="products",
        singular="product",
        type_id="0-7",
        scope="products",
        title="name",
        defaults=("description", "name", "price"),
        searched=("name", "description", "hs_sku"),
    ),
    Kind(
        plural="line_items",
        singular="line_item",
        type_id="0-8",
        scope="line_items",
        title="name",
        defaults=("amount", "hs_product_id", "quantity"),
        searched=("name", "description", "hs_sku"),
    ),
    Kind(plural="quotes", singular="quote", type_id="0-14", scope="quotes", title="hs_title", searched=("hs_title",)),
    Kind(plural="orders", singular="order", type_id="0-123", scope="orders", title="hs_order_name"),
    Kind(plural="invoices", singular="invoice", type_id="0-53", scope="invoices", title="hs_number"),
    Kind(plural="subscriptions", singular="subscription", type_id="0-69", scope="subscriptions", title="hs_name"),
    Kind(plural="carts", singular="cart", type_id="0-142", scope="carts", title="hs_cart_name"),
    Kind(
        plural="feedback_submissions",
        singular="feedback_submission",
        type_id="0-19",
        scope="feedback_submissions",
        title="hs_survey_name",
    ),
    Kind(plural="goal_targets", singular="goal_target", type_id="0-74", scope="goals", title="hs_goal_name"),
    Kind(plural="users", singular="user", type_id="0-115", scope="users", title="hs_email"),
)


class Kinds:
    """Standard kinds and the account's own."""

    def __init__(self) -> None:
        self._names: dict[str, Kind] = {}
        self._all: dict[str, Kind] = {}
        for kind in STANDARD:
            self.add(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._all.values())

    def add(self, kind: Kind, *aliases: str) -> None:
        self._all[kind.plural] = kind
        for name in (kind.plural, kind.singular, kind.type_id, kind.constant, *aliases):
            self._names[name.lower()] = kind

    def remove(self, kind: Kind) -> None:
        self._all.pop(kind.plural, None)
        self._names = {name: each for name, each in self._names.items() if each.plural != kind.plural}

    def find(self, name: str) -> Kind | None:
        """By plural, singular, type id or qualified name, in any case."""
        return self._names.get(name.lower())

    def get(self, name: str) -> Kind:
        """Raises the 400 that an unknown name meets (observed August 2026; it has no category)."""
        kind = self.find(name)
        if kind is not None:
            return kind
        if _TYPE_ID.fullmatch(name):
            raise Refused(f"Invalid object or event type id: {name}", category="")
        raise Refused(f"Unable to infer object type from: {name}", category="")
