"""HubSpot on its bench: with unique keys on activities, and with lesser ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from connectors.base.model import WriteKind
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.kernel import World
from tradepost.testing.rig import Refusals
from tradepost.testing.rigs.hosted import HostedCrm


class HubSpotRig(HostedCrm):
    name = "hubspot"
    mode = "a"
    settings: ClassVar = {"page_size": 100, "native_logging": "skip"}
    page = 500  # rows in one call of the connector
    user_page = 100
    field = "jobtitle"
    asks = "owners.list"
    lag = 30.0  # of the search index
    calls: ClassVar = {
        WriteKind.LOG_EMAIL: ("emails.batch.upsert", "associations.batch.create"),
        WriteKind.LINK_EMAIL: ("associations.batch.create",),
        WriteKind.CREATE_TASK: ("tasks.batch.upsert", "associations.batch.create"),
        WriteKind.COMPLETE_TASK: ("tasks.update",),
        WriteKind.CREATE_CUSTOMER: ("contacts.create",),
        WriteKind.MOVE_DEAL: ("deals.update",),
        WriteKind.SET_FIELDS: ("contacts.update",),
        WriteKind.REMOVE: ("emails.archive",),
    }
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, ""),
        NotPermitted: (403, ""),
        RateLimited: (429, "DAILY"),
        Transient: (503, ""),
    }
    lacks: ClassVar = {"convert_lead": "a lead has no address of its own"}
    renews = False  # a service key is what it is
    tells_when = True

    def __init__(self, world: World) -> None:
        host = HubSpotHost(world)
        host.set_up(self.mode)
        self.portal = host.portal
        self.clock = world.clock
        self.house(host, host.vendor)

    def add_address(self, contact: str, address: str) -> None:
        self.portal.add_address(contact, address)

    def retire_user(self, user: str) -> None:
        self.portal.deactivate_owner(user)

    def log_by_hand(self, subject: str, contact: str) -> str:
        head = f"From: li@acme.example\r\nTo: sales@ours.example\r\nSubject: {subject}\r\n"
        return str(self.host.log_by_hand(f"{head}Date: Sun, 1 Feb 2026 08:00:00 +0000\r\n\r\nText".encode(), contact))

    def value(self, contact: str, field: str) -> str:
        return str(self.portal.record(contact)["values"].get(field) or "")

    def put_value(self, contact: str, field: str, value: str) -> None:
        self.portal.update(contact, {field: value})

    def owner(self, record: str) -> str:
        return str(self.portal.record(record)["values"]["hubspot_owner_id"])

    def bearers(self, address: str) -> Sequence[str]:
        living = self.portal.living("contacts")
        return [r.id for r in living if address in (r.get("email"), *r.get("hs_additional_emails").split(";"))]

    async def expire_cursors(self) -> None:
        await self.clock.sleep(timedelta(days=100).total_seconds())  # longer than the archive keeps


_CREATED = {WriteKind.LOG_EMAIL: ("emails.batch.create",), WriteKind.CREATE_TASK: ("tasks.batch.create",)}


class HubSpotPlainKeyRig(HubSpotRig):
    name = "hubspot, keys not unique"
    mode = "b"
    calls: ClassVar = {**HubSpotRig.calls, **_CREATED}
    lacks: ClassVar = HubSpotRig.lacks | {"full_set_up": "HubSpot makes no unique property for activities here"}


class HubSpotNoKeyRig(HubSpotRig):
    name = "hubspot, no keys"
    mode = "c"
    calls: ClassVar = {**HubSpotRig.calls, **_CREATED}
    lacks: ClassVar = HubSpotRig.lacks | {"full_set_up": "HubSpot makes no property for activities here"}
