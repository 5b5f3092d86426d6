"""Zoho CRM on its bench: with unique fields, and without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from connectors.base.model import WriteKind
from tradepost.sandbox.kernel import World
from tradepost.sandbox.zoho.host import ZohoHost
from tradepost.testing.rig import Refusals
from tradepost.testing.rigs.hosted import HostedCrm


class ZohoRig(HostedCrm):
    name = "zoho"
    mode = "keyed"
    settings: ClassVar = {"page_size": 5, "native_logging": "skip"}
    page = 5
    user_page = 5
    field = "Title"
    asks = "get_users"
    calls: ClassVar = {
        WriteKind.LOG_EMAIL: ("associate_email",),
        WriteKind.CREATE_TASK: ("upsert_records",),
        WriteKind.COMPLETE_TASK: ("update_records",),
        WriteKind.CREATE_CUSTOMER: ("upsert_records",),
        WriteKind.MOVE_DEAL: ("update_records",),
        WriteKind.SET_FIELDS: ("update_records",),
        WriteKind.REMOVE: ("delete_records",),
    }
    lacks: ClassVar = {"merges_told": "Zoho does not tell which record a merged one became"}
    removes = WriteKind.CREATE_TASK  # logged mails stay
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, ""),
        NotPermitted: (403, ""),
        RateLimited: (429, ""),
        Transient: (500, ""),
    }

    def __init__(self, world: World) -> None:
        host = ZohoHost(world)
        host.set_up(self.mode)
        self.org = host.vendor.org
        for stage in (host.stages.open, host.stages.quoted, host.stages.won, host.stages.lost):
            self.org.rename_stage(stage, f"{stage} 阶段")
        self.clock = world.clock
        self.house(host, host.vendor)

    def add_address(self, contact: str, address: str) -> None:
        self.org.update("Contacts", contact, {"Secondary_Email": address.lower()})

    def retire_user(self, user: str) -> None:
        self.org.deactivate_user(user)

    def convert_lead(self, lead: str) -> str:
        return str(self.org.convert_lead(lead)["Contacts"]["id"])

    def log_by_hand(self, subject: str, contact: str) -> str:
        head = f"From: li@acme.example\r\nTo: sales@ours.example\r\nSubject: {subject}\r\n"
        return str(self.host.log_by_hand(f"{head}Date: Sun, 1 Feb 2026 08:00:00 +0000\r\n\r\nText".encode(), contact))

    def value(self, contact: str, field: str) -> str:
        return str((self.org.record("Contacts", contact) or {}).get(field) or "")

    def put_value(self, contact: str, field: str, value: str) -> None:
        self.org.update("Contacts", contact, {field: value})

    def owner(self, record: str) -> str:
        return str((self.org.record("Tasks", record) or {})["Owner"]["id"])

    def bearers(self, address: str) -> Sequence[str]:
        rows = [*self.org.records("Contacts"), *self.org.records("Leads")]
        return [r["id"] for r in rows if address in (r.get("Email"), r.get("Secondary_Email"))]

    async def expire_cursors(self) -> None:
        await self.clock.sleep(timedelta(days=100).total_seconds())  # longer than deletions are told


class ZohoUnkeyedRig(ZohoRig):
    name = "zoho, no unique fields"
    mode = "unkeyed"
    calls: ClassVar = ZohoRig.calls | dict.fromkeys(
        (WriteKind.CREATE_TASK, WriteKind.CREATE_CUSTOMER), ("insert_records",)
    )
    lacks: ClassVar = ZohoRig.lacks | {"full_set_up": "the account is left without unique fields"}
