"""An account with something in it, and hubspot-api-client signed in there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hubspot import HubSpot
from hubspot.crm import contacts
from urllib3.util.retry import Retry

from tests.judges.ground import Ground
from tradepost.sandbox.hubspot import HubSpotPortal, HubSpotVendor
from tradepost.sandbox.kernel import Vendor, World

CONTACTS = 230
AT = "2026-03-02T08:00:00Z"
_CLASSES = {401: "UnauthorizedException", 403: "ForbiddenException", 404: "NotFoundException"}


@dataclass(slots=True)
class Desk:
    """`hs` waits out busy search as the client's own pages advise; `bare` gives every answer as it comes."""

    place: Ground
    portal: HubSpotPortal
    hs: HubSpot
    bare: HubSpot

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    def client(self, token: str = "", **more: Any) -> HubSpot:
        return _client(self.place, token, **more)

    def contact(self, **values: str) -> str:
        made = contacts.SimplePublicObjectInputForCreate(properties=values)
        return str(self.hs.crm.contacts.basic_api.create(made).id)

    def search(self, kind: str = "contacts", **body: Any) -> Any:
        """With the index up to date."""
        self.act(self.portal.catch_up_search)
        return self.hs.crm.objects.search_api.do_search(kind, contacts.PublicObjectSearchRequest(**body))

    def account(self) -> dict[str, str]:
        app = self.portal.app
        return {"client_id": app.client_id, "client_secret": app.client_secret}


def _client(place: Ground, token: str, **more: Any) -> HubSpot:
    url = place.served.urls["hubspot"]
    return HubSpot(access_token=token or None, host=url, ssl_ca_cert=place.ca, **more)


@contextmanager
def open_desk(place: Ground, portal: HubSpotPortal) -> Iterator[Desk]:
    waiting = Retry(total=9, backoff_factor=0.1, status_forcelist=(429,), allowed_methods=None, raise_on_status=False)
    key = portal.key.key
    yield Desk(place, portal, _client(place, key, retry=waiting), _client(place, key))


def make(world: World) -> tuple[Sequence[Vendor], HubSpotPortal]:
    vendor = HubSpotVendor(world)
    portal = vendor.portal
    portal.set_limits(ten_seconds=10_000)
    portal.add_property("contacts", "judge_key", unique=True)
    firm = portal.add_company("Hanseatic Imports GmbH", "hanseatic.example")
    anna = portal.add_owner("anna@ours.example", "Anna", "王")
    portal.deactivate_owner(portal.add_owner("left@ours.example", "Lea", "Left"))
    for number in range(CONTACTS):
        portal.add_contact(f"buyer{number}@hanseatic.example", f"Buyer {number:03}", hubspot_owner_id=anna)
    for number in range(3):
        person = portal.records("contacts")[number]["id"]
        portal.associate(person, firm, 1)
        portal.add_deal(f"Order {number} 订单", contact=person, company=firm)
    portal.catch_up_search()
    return [vendor], portal


def refused(work: Callable[[], Any], status: int, word: str = "") -> Any:
    """The error as the client surfaces it."""
    error: Any = None
    try:
        work()
    except Exception as raised:  # noqa: BLE001 - each of the client's packages has classes of its own
        error = raised
    assert error is not None, f"not refused with {status}"
    kind = "ServiceException" if status >= 500 else _CLASSES.get(status, "ApiException")
    assert (type(error).__name__, getattr(error, "status", 0)) == (kind, status), repr(error)
    assert word in (error.body or ""), error.body
    return error


def link_to(record: str, type_id: int) -> contacts.PublicAssociationsForObject:
    spec = contacts.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=type_id)
    return contacts.PublicAssociationsForObject(to=contacts.PublicObjectId(id=record), types=[spec])


def ids_of(*values: str) -> contacts.BatchInputSimplePublicObjectId:
    return contacts.BatchInputSimplePublicObjectId(inputs=[contacts.SimplePublicObjectId(id=each) for each in values])


def where(name: str, operator: str, *values: str) -> list[contacts.FilterGroup]:
    how = (
        {"values": list(values)}
        if operator in ("IN", "NOT_IN")
        else dict(zip(("value", "high_value"), values, strict=False))
    )
    return [contacts.FilterGroup(filters=[contacts.Filter(property_name=name, operator=operator, **how)])]
