"""The organisation as `tradepost.sandbox.hosts.CrmHost`."""

from __future__ import annotations

from typing import Any

from tradepost.sandbox.hosts import Connection, LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.kernel import World
from tradepost.sandbox.zoho.state import State
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.vendor import ZohoVendor

KEY_LABEL = "Tradepost Key"
KEY_HOMES = ("Tasks", "Leads", "Contacts", "Deals")
_PEOPLE = ("Contacts", "Leads", "Accounts")
_BY_API = frozenset({"crm_api", "blueprint", "mass_update", "convert"})


class ZohoHost:
    """What a simulated company needs of Zoho CRM."""

    name = "zoho"
    modes = ("keyed", "unkeyed")
    stages = Stages(
        early="Qualification",
        open="Needs Analysis",
        quoted="Proposal/Price Quote",
        late="Negotiation/Review",
        won="Closed Won",
        lost="Closed Lost",
    )

    def __init__(self, world: World, vendor: ZohoVendor | None = None) -> None:
        self.vendor = vendor or ZohoVendor(world)
        self.org = self.vendor.org

    @property
    def host_names(self) -> tuple[str, ...]:
        return self.vendor.host_names

    @property
    def _state(self) -> State:
        return self.org.state

    def set_up(self, mode: str) -> None:
        """Keyed: unique fields `Tradepost_Key`, as `POST settings/fields` makes them."""
        for module in KEY_HOMES:
            if mode == "keyed":
                self.org.add_field(module, KEY_LABEL, length=255, unique=True)
            elif mode == "unkeyed":
                self.org.drop_field(module, KEY_LABEL.replace(" ", "_"))
            else:
                raise ValueError(f"no mode {mode}")

    # ------------------------------------------------------------------------------------------------ what people do

    def add_user(self, address: str, name: str) -> str:
        return self.org.add_user(address, name)

    def add_company(self, name: str, domain: str = "") -> str:
        return self.org.add_account(name, domain)

    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str:
        return self.org.add_contact(name, address, company, owner)

    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str:
        return self.org.add_lead(name, company_name, address, owner)

    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str:
        return self.org.add_deal(name, company, contact, stage or self.stages.open, owner)

    def move_deal(self, deal: str, stage: str) -> None:
        self.org.move_deal(deal, stage)

    def close_task(self, task: str) -> None:
        self.org.update("Tasks", task, {"Status": "Completed"})

    def delete_record(self, record: str) -> None:
        mails = self._state.store.find("$Emails", "message_id", record)
        self.org.delete(mails[0]["id"] if mails else record)

    def merge_contacts(self, winner: str, loser: str) -> str:
        return self.org.merge("Contacts", winner, loser)

    def log_by_hand(self, raw: bytes, contact: str) -> str:
        return self.org.native_mail(contact, raw)

    # ------------------------------------------------------------------------------------------------ what is seen

    def mails(self) -> tuple[LoggedMail, ...]:
        """One entry a record; those of deleted records are gone with them."""
        rows = self._state.store.rows("$Emails")
        return tuple(self._mail(row) for row in rows if self._state.live(row["module"], row["record"]))

    def _mail(self, row: Row) -> LoggedMail:
        deal = row["record"] if row["module"] == "Deals" else row["deal"] or ""
        records = [row["record"]] if row["module"] != "Deals" else [row["also"]] if row["also"] else []
        return LoggedMail(
            record=row["message_id"],
            subject=row["subject"],
            sent_at=row["time"],
            sender=row["from"]["email"].lower(),
            incoming=not row["sent"],
            message_id=row["original_message_id"].strip("<>"),
            records=tuple(records),
            deal=deal if self._state.live("Deals", deal) else "",
            by_us=row["by"] == "crm_api",
        )

    def tasks(self) -> tuple[SeenTask, ...]:
        return tuple(self._task(row) for row in self._state.store.rows("Tasks"))

    def _task(self, row: Row) -> SeenTask:
        about, home = row.get("What_Id"), row.get("$se_module")
        people = [row.get("Who_Id"), about if home in _PEOPLE else None]
        return SeenTask(
            record=row["id"],
            title=row["Subject"],
            closed=row["Status"] == "Completed",
            records=tuple(each for each in people if each),
            deal=about if about and home == "Deals" else "",
            by_us=row["Created_By"] == self.org.api_user,
        )

    def deal(self, deal: str) -> SeenDeal:
        row = self._state.live("Deals", deal)
        if row is None:
            raise ValueError(f"no deal {deal}")
        moves = tuple((stage, source in _BY_API) for stage, source, _ in self.org.stage_moves(deal))
        return SeenDeal(record=deal, name=row["Deal_Name"], stage=row["Stage"], moves=moves)

    # ------------------------------------------------------------------------------------------------ how to reach it

    def connection(self, base_url: str = "") -> Connection:
        client = self.org.client
        section: dict[str, Any] = {
            "type": "zoho",
            "data_centre": self.org.centre,
            "client_id": client.client_id,
            "client_secret": {"file": "zoho-client-secret"},
            "refresh_token": {"file": "zoho-refresh-token"},
        }
        if base_url:
            section |= {"accounts_url": base_url, "base_url": base_url}
        return Connection(section, {"zoho-client-secret": client.secret, "zoho-refresh-token": self.org.token})
