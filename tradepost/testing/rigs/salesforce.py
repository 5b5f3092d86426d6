"""Salesforce on its bench: with key fields on records, and without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from connectors.base.model import WriteKind
from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce.host import SalesforceHost
from tradepost.testing.rig import Refusals
from tradepost.testing.rigs.hosted import HostedCrm

_GRAPH = ("composite.graph",)
_UPDATE = ("sobject.update",)
_SECOND_ADDRESS = "Private_Email__c"


class SalesforceRig(HostedCrm):
    name = "salesforce"
    mode = "keyed"
    settings: ClassVar = {"page_size": 5}
    page = 5
    user_page = 5
    field = "Title"
    asks = "query"
    calls: ClassVar = {
        WriteKind.LOG_EMAIL: _GRAPH,
        WriteKind.LINK_EMAIL: _GRAPH,
        WriteKind.CREATE_TASK: _GRAPH,
        WriteKind.COMPLETE_TASK: _GRAPH,
        WriteKind.CREATE_CUSTOMER: _GRAPH,
        WriteKind.MOVE_DEAL: _UPDATE,
        WriteKind.SET_FIELDS: _UPDATE,
        WriteKind.REMOVE: ("sobject.delete",),
    }
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, ""),
        NotPermitted: (403, "API_DISABLED_FOR_ORG"),
        RateLimited: (403, ""),
        Transient: (503, ""),
    }
    tells_when = True

    def __init__(self, world: World) -> None:
        host = SalesforceHost(world)
        host.set_up(self.mode)
        org = host.org
        org.configure(page_size=5)
        org.add_custom_field("Contact", _SECOND_ADDRESS, type="Email", grant_to=[org.integration_user_id])
        # An administrator may rename a stage; its API name stays.
        for row in list(org.state.store.rows("OpportunityStage")):
            org.state.touch("OpportunityStage", row["Id"], {"MasterLabel": f"{row['MasterLabel']} 阶段"}, org.admin_id)
        org.state.store.commit()
        self.org = org
        self.clock = world.clock
        self.house(host, host.vendor)

    def add_address(self, contact: str, address: str) -> None:
        self.org.update(contact, {_SECOND_ADDRESS: address})

    def retire_user(self, user: str) -> None:
        self.org.deactivate_user(user)

    def convert_lead(self, lead: str) -> str:
        return self.org.convert_lead(lead).contact_id

    def log_by_hand(self, subject: str, contact: str) -> str:
        fields = {"Subject": subject, "MessageDate": "2026-02-01T08:00:00Z", "Status": "3", "Incoming": True}
        made = self.org.create("EmailMessage", {**fields, "FromAddress": "li@acme.example"})
        relation = {"EmailMessageId": made, "RelationId": contact, "RelationType": "FromAddress"}
        self.org.create("EmailMessageRelation", relation)
        return made

    def value(self, contact: str, field: str) -> str:
        return str(self.org.record(contact).get(field) or "")

    def put_value(self, contact: str, field: str, value: str) -> None:
        self.org.update(contact, {field: value})

    def owner(self, record: str) -> str:
        return str(self.org.record(record)["OwnerId"])

    def bearers(self, address: str) -> Sequence[str]:
        rows = self.org.query(f"SELECT Id FROM Contact WHERE Email = '{address}'")  # noqa: S608 - SOQL of our own words
        rows += self.org.query(f"SELECT Id FROM Lead WHERE Email = '{address}'")  # noqa: S608
        return [row["Id"] for row in rows]

    async def expire_cursors(self) -> None:
        await self.clock.sleep(timedelta(days=20).total_seconds())  # longer than the recycle bin keeps


class SalesforceUnkeyedRig(SalesforceRig):
    name = "salesforce, no key fields"
    mode = "unkeyed"
    lacks: ClassVar = {"full_set_up": "the account is left without key fields"}
