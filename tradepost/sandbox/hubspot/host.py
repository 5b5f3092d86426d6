"""The account as a simulated company handles any CRM: `tradepost.sandbox.hosts.CrmHost`."""

from __future__ import annotations

from datetime import UTC, datetime

from tradepost.sandbox.hosts import Connection, LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.hubspot.records import Record
from tradepost.sandbox.hubspot.state import Mode
from tradepost.sandbox.hubspot.times import from_millis, millis
from tradepost.sandbox.hubspot.values import domain_of
from tradepost.sandbox.hubspot.vendor import HubSpotVendor
from tradepost.sandbox.kernel import World

KEY = "tradepost_key"
GROUP = "tradepost"
ALWAYS_UNIQUE = ("contacts",)
BY_MODE = ("emails", "tasks")
_PEOPLE = ("contacts", "companies", "leads")
_MODES: dict[str, Mode] = {"a": "a", "b": "b", "c": "c"}


class HubSpotHost:
    """One account. Modes: activities have a unique key, a key that is not unique, or none."""

    name = "hubspot"
    modes = ("a", "b", "c")
    stages = Stages(
        early="appointmentscheduled",
        open="qualifiedtobuy",
        quoted="decisionmakerboughtin",
        late="contractsent",
        won="closedwon",
        lost="closedlost",
    )

    def __init__(self, world: World) -> None:
        self.vendor = HubSpotVendor(world)
        self.portal = self.vendor.portal

    @property
    def host_names(self) -> tuple[str, ...]:
        return self.vendor.hosts

    def set_up(self, mode: str) -> None:
        """Raises KeyError for a mode that is none."""
        self.portal.set_mode(_MODES[mode])
        kinds = ALWAYS_UNIQUE if mode == "c" else (*ALWAYS_UNIQUE, *BY_MODE)
        for kind in kinds:
            self.portal.add_property(kind, KEY, unique=True, group=GROUP)

    # --------------------------------------------------------------------------------------------------------- records

    def add_user(self, address: str, name: str) -> str:
        first, _, last = name.partition(" ")
        return self.portal.add_owner(address, first, last)

    def add_company(self, name: str, domain: str = "") -> str:
        return self.portal.add_company(name, domain_of(domain))

    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str:
        """HubSpot has one contact an address: for a known one the answer is the contact that is there."""
        known = self.portal.state.by_unique(self.portal.state.kind_of("contacts"), "email", address)
        if known is not None:
            return known.id
        first, _, last = name.partition(" ")
        return self.portal.add_contact(address.lower(), first, last, company=company, hubspot_owner_id=owner)

    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str:
        """A lead has no address: the answer is its contact, which a mail is logged on."""
        contact = self.add_contact(name, address, owner=owner)
        self.portal.update(contact, {"company": company_name})
        self.portal.add_lead(f"{name} ({company_name})", contact)
        return contact

    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str:
        return self.portal.add_deal(name, stage=stage, company=company, contact=contact, hubspot_owner_id=owner)

    def move_deal(self, deal: str, stage: str) -> None:
        self.portal.move_deal(deal, stage)

    def close_task(self, task: str) -> None:
        self.portal.update(task, {"hs_task_status": "COMPLETED"})

    def delete_record(self, record: str) -> None:
        self.portal.archive(record)

    def merge_contacts(self, winner: str, loser: str) -> str:
        return self.portal.merge(winner, loser)

    def log_by_hand(self, raw: bytes, contact: str) -> str:
        return self.portal.log_mail(raw, contact)

    # ----------------------------------------------------------------------------------------------------------- looks

    def mails(self) -> tuple[LoggedMail, ...]:
        return tuple(self._mail(record) for record in self.portal.living("emails"))

    def _mail(self, record: Record) -> LoggedMail:
        return LoggedMail(
            record=record.id,
            subject=record.get("hs_email_subject"),
            sent_at=_moment(record.get("hs_timestamp")),
            sender=record.get("hs_email_from_email").lower(),
            incoming=record.get("hs_email_direction") == "INCOMING_EMAIL",
            message_id=record.get("hs_email_message_id").strip("<>"),
            records=self._people(record),
            deal=next(iter(self.portal.linked(record.id, "deals")), ""),
            by_us=self._ours(record),
        )

    def tasks(self) -> tuple[SeenTask, ...]:
        return tuple(
            SeenTask(
                record=record.id,
                title=record.get("hs_task_subject"),
                closed=record.get("hs_task_status") == "COMPLETED",
                records=self._people(record),
                deal=next(iter(self.portal.linked(record.id, "deals")), ""),
                by_us=self._ours(record),
            )
            for record in self.portal.living("tasks")
        )

    def deal(self, deal: str) -> SeenDeal:
        record = self.portal.state.record_by_id(deal)
        moves: list[tuple[str, bool]] = []
        for step in record.history.get("dealstage", []):
            if not moves or moves[-1][0] != step.value:
                moves.append((step.value, step.source.type == "INTEGRATION" and step.source.id in self._our_apps()))
        return SeenDeal(record.id, record.get("dealname"), record.get("dealstage"), tuple(moves))

    def _people(self, record: Record) -> tuple[str, ...]:
        return tuple(end for kind in _PEOPLE for end in self.portal.linked(record.id, kind))

    def _our_apps(self) -> tuple[str, ...]:
        return (self.portal.key.id, self.portal.app.id)

    def _ours(self, record: Record) -> bool:
        return record.get("hs_object_source") == "INTEGRATION" and record.get("hs_object_source_id") in self._our_apps()

    # ------------------------------------------------------------------------------------------------- configuration

    def connection(self, base_url: str = "") -> Connection:
        auth = {"method": "service_key", "key": {"file": "hubspot-key"}}
        section = {"type": "hubspot", "auth": auth} | ({"base_url": base_url} if base_url else {})
        return Connection(section, {"hubspot-key": self.portal.key.key})


def _moment(value: str) -> datetime:
    at = millis(value)
    return from_millis(at) if at is not None else datetime(1970, 1, 1, tzinfo=UTC)
