"""The org as a simulated company handles any CRM: `tradepost.sandbox.hosts.CrmHost`."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from email.utils import parsedate_to_datetime
from typing import Any

from tradepost.sandbox.hosts import Connection, LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce.people import full_id
from tradepost.sandbox.salesforce.store import Row
from tradepost.sandbox.salesforce.vendor import SalesforceVendor

KEY_FIELD = {"label": "Tradepost Key", "type": "Text", "length": 80, "externalId": True, "unique": True}
KEY_HOMES = ("Activity", "EmailMessage", "Lead")
_PEOPLE = ("001", "003", "00Q")  # key prefixes of Account, Contact and Lead
_DEAL = "006"


class SalesforceHost:
    """One org."""

    name = "salesforce"
    modes = ("keyed", "unkeyed")
    stages = Stages(
        early="Prospecting",
        open="Needs Analysis",
        quoted="Proposal/Price Quote",
        late="Negotiation/Review",
        won="Closed Won",
        lost="Closed Lost",
    )

    def __init__(self, world: World) -> None:
        self.vendor = SalesforceVendor(world)
        self.org = self.vendor.org

    @property
    def host_names(self) -> tuple[str, ...]:
        return tuple(self.vendor.hosts)

    def set_up(self, mode: str) -> None:
        if mode == "keyed":
            fields = [(home, "Tradepost_Key__c", KEY_FIELD | {"caseSensitive": True}) for home in KEY_HOMES]
            self.org.install_package(fields, permission_set="Tradepost", assign_to=[self.org.integration_user_id])

    # --------------------------------------------------------------------------------------------------------- records

    def add_user(self, address: str, name: str) -> str:
        return self.org.add_user(address, email=address, last_name=name)

    def add_company(self, name: str, domain: str = "") -> str:
        return self.org.add_account(name, **({"Website": domain} if domain else {}))

    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str:
        return self.org.add_contact(name, address, account_id=company, **_owner(owner))

    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str:
        return self.org.add_lead(name, company_name, address, **_owner(owner))

    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str:
        return self.org.add_opportunity(name, account_id=company, contact_id=contact, stage=stage, **_owner(owner))

    def move_deal(self, deal: str, stage: str) -> None:
        self.org.update(deal, {"StageName": stage})

    def close_task(self, task: str) -> None:
        self.org.update(task, {"Status": "Completed"})

    def delete_record(self, record: str) -> None:
        self.org.delete(record)

    def merge_contacts(self, winner: str, loser: str) -> str:
        self.org.merge(winner, [loser])
        return full_id(winner)

    def log_by_hand(self, raw: bytes, contact: str) -> str:
        mail = message_from_bytes(raw, policy=SMTP)
        sender = mail["From"].addresses[0].addr_spec
        of_contact = str(self.org.record(contact).get("Email") or "")
        incoming = sender.lower() == of_contact.lower()
        fields: dict[str, Any] = {
            "Subject": str(mail["Subject"] or ""),
            "FromAddress": sender,
            "ToAddress": "; ".join(a.addr_spec for a in mail["To"].addresses) if mail["To"] else None,
            "MessageDate": parsedate_to_datetime(str(mail["Date"])).astimezone(UTC).isoformat(),
            "MessageIdentifier": str(mail["Message-ID"] or "") or None,
            "Incoming": incoming,
            "Status": "3",
            "TextBody": "Logged by hand.",
        }
        made = self.org.create("EmailMessage", fields)
        relation = {"EmailMessageId": made, "RelationId": contact}
        kind = "FromAddress" if incoming else "ToAddress"
        self.org.create("EmailMessageRelation", relation | {"RelationType": kind, "RelationAddress": of_contact})
        return made

    # ----------------------------------------------------------------------------------------------------------- looks

    def mails(self) -> tuple[LoggedMail, ...]:
        shown: dict[str, list[str]] = {}
        for row in self._living("EmailMessageRelation"):
            if str(row["RelationId"] or "").startswith(_PEOPLE):
                shown.setdefault(row["EmailMessageId"], []).append(row["RelationId"])
        return tuple(self._mail(row, shown.get(row["Id"], [])) for row in self._living("EmailMessage"))

    def _mail(self, row: Row, people: list[str]) -> LoggedMail:
        about = str(row.get("RelatedToId") or "")
        records = [*people, about] if about.startswith(_PEOPLE) else people
        return LoggedMail(
            record=row["Id"],
            subject=str(row.get("Subject") or ""),
            sent_at=_moment(row["MessageDate"]),
            sender=str(row.get("FromAddress") or "").lower(),
            incoming=bool(row["Incoming"]),
            message_id=str(row.get("MessageIdentifier") or "").strip("<>"),
            records=tuple(dict.fromkeys(records)),
            deal=about if about.startswith(_DEAL) else "",
            by_us=self._ours(row),
        )

    def tasks(self) -> tuple[SeenTask, ...]:
        return tuple(self._task(row) for row in self._living("Task") if row["TaskSubtype"] == "Task")

    def _task(self, row: Row) -> SeenTask:
        links = [str(row.get(name) or "") for name in ("WhoId", "WhatId")]
        return SeenTask(
            record=row["Id"],
            title=str(row.get("Subject") or ""),
            closed=bool(row["IsClosed"]),
            records=tuple(link for link in links if link.startswith(_PEOPLE)),
            deal=next((link for link in links if link.startswith(_DEAL)), ""),
            by_us=self._ours(row),
        )

    def deal(self, deal: str) -> SeenDeal:
        row = self.org.record(deal)
        moves: list[tuple[str, bool]] = []
        for step in self.org.state.store.rows("OpportunityHistory"):
            if step["OpportunityId"] == row["Id"] and (not moves or moves[-1][0] != step["StageName"]):
                moves.append((step["StageName"], self._ours(step)))
        return SeenDeal(row["Id"], row["Name"], row["StageName"], tuple(moves))

    def _living(self, sobject: str) -> list[Row]:
        return [row for row in self.org.state.store.rows(sobject) if not row.get("IsDeleted")]

    def _ours(self, row: Row) -> bool:
        return bool(row["CreatedById"] == self.org.integration_user_id)

    def connection(self, base_url: str = "") -> Connection:
        auth = {
            "method": "client_credentials",
            "client_id": self.org.client.client_id,
            "client_secret": {"file": "salesforce-secret"},
        }
        section = {"type": "salesforce", "login_url": base_url or f"https://{self.org.my_domain}", "auth": auth}
        return Connection(section, {"salesforce-secret": self.org.client.client_secret})


def _owner(owner: str) -> dict[str, str]:
    return {"OwnerId": owner} if owner else {}


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value)).astimezone(UTC)
