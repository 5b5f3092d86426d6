"""An organisation with something in it, and zohocrmsdk8-0 signed in there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.crm.api.dc.data_center import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.header_map import HeaderMap
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.record import BodyWrapper, GetRecordsParam, Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice

from tests.judges.ground import Ground
from tradepost.sandbox.kernel import Vendor, World
from tradepost.sandbox.zoho import ZohoOrg, ZohoVendor

CONTACTS = 430
KEY = "Judge_Key"


@dataclass(slots=True)
class Desk:
    """The client keeps whom it is signed in as in a place of its own, for the whole process."""

    place: Ground
    org: ZohoOrg
    environment: Any
    ids: dict[str, str] = field(default_factory=dict)

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    def token(self, **how: Any) -> Any:
        client = self.org.client
        secrets = {"client_id": client.client_id, "client_secret": client.secret}
        return OAuthToken(**(secrets | how))

    def sign_in(self, **how: Any) -> Any:
        """As the program's user, with a refresh token of its own unless said otherwise."""
        chosen = how or {"refresh_token": self.act(self.org.new_refresh_token)}
        token = self.token(**chosen)
        Initializer.switch_user(environment=self.environment, token=token)
        return token

    def first(self, module: str) -> str:
        return str(self.act(self.org.records, module)[0]["id"])

    def write(self, module: str, *records: Any, how: str = "create", **more: Any) -> Any:
        """The client's answer to create, update or upsert."""
        body = BodyWrapper()
        body.set_data(list(records))
        for name, value in more.items():
            getattr(body, f"set_{name}")(value)
        return getattr(RecordOperations(module), f"{how}_records")(body)

    def made(self, module: str, **values: Any) -> str:
        """The id of a new record."""
        (done,) = told(self.write(module, record(**values)), 201).get_data()
        return str(done.get_details()["id"])

    def every(self, module: str, fields: str, **query: Any) -> list[Any]:
        """A whole list, by page tokens."""
        rows: list[Any] = []
        asked = {"fields": fields, "per_page": 200} | query
        while True:
            answer = RecordOperations(module).get_records(params(GetRecordsParam, **asked))
            if answer.get_status_code() == 204:
                return rows
            page = told(answer, 200)
            rows += page.get_data()
            token = page.get_info().get_next_page_token()
            if token is None:
                assert page.get_info().get_more_records() is False
                return rows
            asked["page_token"] = token


def make(world: World) -> tuple[Sequence[Vendor], ZohoOrg]:
    vendor = ZohoVendor(world)
    org = vendor.org
    org.set_edition("ultimate")
    org.set_unknown("search_lag_seconds", 0.0)
    for module in ("Contacts", "Tasks", "Deals"):
        org.add_field(module, KEY.replace("_", " "), unique=True)
    org.add_field("Contacts", "Judge Number", external="org")
    firm = org.add_account("Hanseatic Imports GmbH", "https://hanseatic.example")
    for number in range(CONTACTS):
        org.add_contact(f"Buyer {number:03}", f"buyer{number}@hanseatic.example", firm)
    org.add_lead("Li Na", "Buyer Co", "li@buyer.example")
    org.add_deal("Order 订单", firm, org.records("Contacts")[0]["id"])
    org.add_user("anna@lantern.example", "Anna 王")
    org.deactivate_user(org.add_user("left@lantern.example", "Lea Left"))
    return [vendor], org


@contextmanager
def open_desk(place: Ground, org: ZohoOrg) -> Iterator[Desk]:
    url = place.served.urls["zoho"]
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    os.environ["REQUESTS_CA_BUNDLE"] = place.ca  # the client takes no other word for whom to trust
    desk = Desk(place, org, DataCenter.Environment(url, f"{url}/oauth/v2/token", url))
    store, folder = FileStore(str(place.folder / "tokens")), str(place.folder)
    try:
        token = desk.token(refresh_token=org.token)
        Initializer.initialize(desk.environment, token, store=store, resource_path=folder)
        yield desk
    finally:
        Initializer.LOCAL.init = Initializer.initializer = None
        os.environ.pop("REQUESTS_CA_BUNDLE")
        if before is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = before


# ------------------------------------------------------------------------------------------------ the client's own words


def params(kind: Any, **values: Any) -> Any:
    """The client's map of query parameters; `kind` is where an operation names them."""
    found = ParameterMap()
    for name, value in values.items():
        found.add(getattr(kind, name), value)
    return found


def headers(kind: Any, **values: Any) -> Any:
    found = HeaderMap()
    for name, value in values.items():
        found.add(getattr(kind, name), value)
    return found


def record(record_id: str = "", **values: Any) -> Any:
    made = Record()
    if record_id:
        made.set_id(int(record_id))
    for name, value in values.items():
        made.add_key_value(name, value)
    return made


def link(record_id: str) -> Any:
    """What a lookup points to."""
    return record(record_id)


def choice(value: Any) -> Any:
    return Choice(value)


def plain(value: Any) -> Any:
    return value.get_value() if isinstance(value, Choice) else value


def told(answer: Any, status: int) -> Any:
    """What an answer holds. The client gives None for an answer that it cannot make sense of."""
    assert answer is not None, "the client could not read the answer"
    found = answer.get_object()
    assert answer.get_status_code() == status, (answer.get_status_code(), _said(found))
    return found


def _said(found: Any) -> Any:
    items = found.get_data() if hasattr(found, "get_data") else [found]
    return [(plain(each.get_code()), each.get_details()) for each in items or () if hasattr(each, "get_code")]


def broken(work: Callable[[], Any]) -> str:
    """What the client itself raises."""
    try:
        work()
    except SDKException as error:
        return str(error)
    raise AssertionError("nothing was raised")


def refused(answer: Any, status: int, code: str) -> Any:
    """The details of a refusal as the client surfaces it: an APIException, alone or as the only item."""
    found = told(answer, status)
    for name in ("get_data", "get_emails", "get_fields", "get_blueprint", "get_watch"):
        if hasattr(found, name):
            items = getattr(found, name)()
            (found,) = items if isinstance(items, list) else [items]
            break
    assert type(found).__name__ == "APIException", type(found)
    assert (plain(found.get_code()), plain(found.get_status())) == (code, "error"), _said(found)
    return found.get_details()
