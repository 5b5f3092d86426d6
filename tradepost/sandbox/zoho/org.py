"""One organisation at Zoho: its data, its people's acts, its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from tradepost.sandbox.kernel import World
from tradepost.sandbox.zoho import actions, census, dml, emails, joining, mail, people
from tradepost.sandbox.zoho.auth import Accounts
from tradepost.sandbox.zoho.limits import EDITIONS, Edition, Flight, Ledger
from tradepost.sandbox.zoho.schema import Choice, Field, Module
from tradepost.sandbox.zoho.scopes import DEFAULT
from tradepost.sandbox.zoho.state import Act, Blueprint, Pipeline, Settings, State, Transition
from tradepost.sandbox.zoho.store import Row
from tradepost.sandbox.zoho.strictness import Strictness, Unknowns

T = TypeVar("T")


class ZohoOrg:
    """An organisation with an administrator, and a user for a program that holds a self client's refresh token."""

    def __init__(
        self,
        world: World,
        rules: Strictness | None = None,
        *,
        centre: str = "cn",
        unknowns: Unknowns | None = None,
        settings: Settings | None = None,
    ) -> None:
        rules = rules or Strictness()
        random = Random(world.random.getrandbits(64))
        self.state = State(world.clock, random, rules, unknowns or Unknowns(), settings or Settings())
        self.accounts = Accounts(world.clock, random, rules, centre)
        self.ledger, self.flight = Ledger(), Flight()
        self.centre = centre
        self.admin = people.add(self.state, "admin@lantern.example", "Mei Lin", admin=True)
        self.api_user = people.add(self.state, "tradepost@lantern.example", "Tradepost", admin=True)
        self.client = self.accounts.add_client()
        self.token = self.accounts.refresh_token(self.client.client_id, self.api_user)
        self.state.commit()

    # ------------------------------------------------------------------------------------------------ limits

    @property
    def edition(self) -> Edition:
        return EDITIONS[self.state.settings.edition]

    @property
    def credits(self) -> int:
        """Credits of a day."""
        return self.edition.credits(self.state.settings.users_bought)

    def set_edition(self, edition: str) -> None:
        """free, standard, professional, enterprise or ultimate."""
        if edition not in EDITIONS:
            raise ValueError(f"no edition {edition}")
        self.state.settings.edition = edition

    def set_credits_used(self, number: int) -> None:
        """As if this many credits had been spent right now."""
        self.ledger.set_used(self.state.clock.now(), number)

    def set_unknown(self, name: str, value: Any) -> None:
        """Choose how the organisation behaves where the documents are silent (a field of `Unknowns`)."""
        if name not in Unknowns.__dataclass_fields__:
            raise ValueError(f"no such fact: {name}")
        setattr(self.state.unknowns, name, value)

    def set_service_seconds(self, seconds: float) -> None:
        """How long every call is in flight."""
        self.state.settings.service_seconds = seconds

    # ------------------------------------------------------------------------------------------------ tokens

    def expire_tokens(self) -> None:
        """All access tokens end now."""
        self.accounts.expire_tokens()

    def new_refresh_token(self, scopes: Sequence[str] = DEFAULT, user: str = "") -> str:
        """A refresh token of the self client with these scopes."""
        return self.accounts.refresh_token(self.client.client_id, user or self.api_user, tuple(scopes))

    def new_grant_code(self, scopes: Sequence[str] = DEFAULT, minutes: float = 3) -> str:
        """A grant code of the self client, as the API console makes one."""
        return self.accounts.grant_code(self.client.client_id, self.api_user, tuple(scopes), minutes=minutes)

    # ------------------------------------------------------------------------------------------------ people

    def add_user(self, address: str, name: str, admin: bool = False) -> str:  # noqa: FBT001, FBT002
        """A new active user; the answer is the id."""
        found = people.add(self.state, address, name, admin=admin)
        return self._done(found)

    def deactivate_user(self, user: str) -> None:
        self._set_status(user, "disabled")

    def activate_user(self, user: str) -> None:
        self._set_status(user, "active")

    def delete_user(self, user: str) -> None:
        self._set_status(user, "deleted")

    def _set_status(self, user: str, status: str) -> None:
        self.state.store.change("users", user, {"status": status, "Modified_Time": self.state.now()})
        self.state.commit()

    # ------------------------------------------------------------------------------------------------ records

    @property
    def person(self) -> Act:
        """The administrator at the screen."""
        return Act(self.admin, "crm_ui")

    def create(self, module: str, values: Mapping[str, Any]) -> str:
        """A person makes a record; values as in the API. The answer is the id."""
        return self._done(str(dml.insert(self.state, self.person, self._module(module), values)["id"]))

    def update(self, module: str, record: str, values: Mapping[str, Any]) -> None:
        """A person changes a record; nothing stops a person here."""
        found = self._module(module)
        dml.write(self.state, self.person, found, self._row(module, record), values, "$.data[0]")
        self.state.commit()

    def delete(self, record: str) -> None:
        """A person deletes a record, or an e-mail from one."""
        if self.state.store.get("$Emails", record) is not None:
            self.state.store.put("$Emails", record, None)
        else:
            found = self.state.module_of(record)
            if found is None:
                raise ValueError(f"no record {record}")
            dml.remove(self.state, self.person, found, record)
        self.state.commit()

    def empty_recycle_bin(self) -> None:
        """All that lies in the recycle bin goes for good."""
        for row in list(self.state.store.rows("$Bin")):
            self.state.store.change("$Bin", row["id"], {"type": "permanent"})
        self.state.commit()

    def add_account(self, name: str, website: str = "", **values: Any) -> str:
        return self.create("Accounts", {"Account_Name": name, "Website": website or None, **values})

    def add_contact(self, name: str, email: str, account: str = "", owner: str = "", **values: Any) -> str:
        first, _, last = name.rpartition(" ")
        tied = {"Account_Name": {"id": account}} if account else {}
        person = {"First_Name": first or None, "Last_Name": last, "Email": email or None}
        return self.create("Contacts", {**person, **tied, **_owned(owner), **values})

    def add_lead(self, name: str, company: str, email: str, owner: str = "", **values: Any) -> str:
        first, _, last = name.rpartition(" ")
        person = {"First_Name": first or None, "Last_Name": last, "Email": email or None, "Company": company}
        return self.create("Leads", {**person, **_owned(owner), **values})

    def add_deal(
        self, name: str, account: str = "", contact: str = "", stage: str = "", owner: str = "", **values: Any
    ) -> str:
        tied = {"Account_Name": {"id": account}} if account else {}
        tied |= {"Contact_Name": {"id": contact}} if contact else {}
        head = {"Deal_Name": name, "Stage": stage or self.state.pipelines[0].stages[0]}
        closing = (self.state.now() + timedelta(days=90)).date().isoformat()
        return self.create("Deals", {**head, "Closing_Date": closing, **tied, **_owned(owner), **values})

    def move_deal(self, deal: str, stage: str) -> None:
        """A person moves a deal."""
        self.update("Deals", deal, {"Stage": stage})

    def convert_lead(self, lead: str, deal_name: str = "") -> dict[str, Any]:
        """A person converts a lead; the answer names contact, account and deal."""
        deals = {"Deal_Name": deal_name, "Stage": self.state.pipelines[0].stages[0]} if deal_name else None
        made = joining.convert(self.state, replace(self.person, source="convert"), self._row("Leads", lead),
                               {"Deals": deals})  # fmt: skip
        return self._done(made)

    def merge(self, module: str, winner: str, loser: str) -> str:
        """A person merges two records; the answer is the one that stays."""
        self._row(module, winner), self._row(module, loser)
        joining.merge(self.state, self.person, self._module(module), winner, loser, [])
        return self._done(winner)

    # ------------------------------------------------------------------------------------------------ what stops writes

    def lock(self, record: str, reason: str = "") -> str:
        """Lock a record; the answer is the lock's id."""
        return self._done(actions.lock(self.state, self._of(record), record, self.admin, reason))

    def unlock(self, record: str) -> None:
        actions.unlock(self.state, self._of(record), record)
        self.state.commit()

    def put_in_blueprint(
        self,
        record: str,
        transitions: Sequence[tuple[str, str, str]] | None = None,
        needs: Mapping[str, Sequence[str]] | None = None,
        field: str = "Stage",
    ) -> str:
        """Let a blueprint drive a record's field; the answer is the blueprint's id.

        `transitions` are name, from, to (by default each stage to the next, and to lost); `needs` gives the fields that
        a transition of that name asks for.
        """
        module = self._of(record)
        steps = transitions if transitions is not None else _steps(self.state.pipelines[0].stages)
        made = tuple(
            Transition(self.state.ids.new(), name, start, end, tuple((needs or {}).get(name, ())))
            for name, start, end in steps
        )
        process = Blueprint(self.state.ids.new(), f"{module.singular} process", module.name, field, made)
        self.state.blueprints[process.id] = process
        self.state.store.change(module.name, record, {"$process": process.id})
        return self._done(process.id)

    def leave_blueprint(self, record: str) -> None:
        self._mark(record, {"$process": None})

    def await_approval(self, record: str) -> None:
        """A record waits for somebody's approval."""
        self._mark(record, {"$approval": "approval_process_pending"})

    def await_review(self, record: str) -> None:
        self._mark(record, {"$review": "review_process_pending"})

    def approve(self, record: str) -> None:
        self._mark(record, {"$approval": "approved", "$review": None})

    def _mark(self, record: str, marks: Mapping[str, Any]) -> None:
        self.state.store.change(self._of(record).name, record, marks)
        self.state.commit()

    # ------------------------------------------------------------------------------------------------ mail

    def native_mail(self, record: str, raw: bytes, owner: str = "") -> str:
        """The CRM's own mail integration puts a mail on a record; the answer is Zoho's own `message_id`."""
        entry = mail.entry(raw, self._addresses())
        if self.state.unknowns.deal_prediction and not entry["sent"]:
            entry["linked"] = mail.predicted(self.state, record)
        act = Act(owner or self.admin, "native")
        return self._done(str(emails.add(self.state, act, self._of(record), record, entry)["message_id"]))

    def _addresses(self) -> frozenset[str]:
        return frozenset(row["email"].lower() for row in self.state.store.rows("users"))

    # ------------------------------------------------------------------------------------------------ set-up

    def add_field(self, module: str, label: str, type: str = "text", length: int = 255, unique: bool = False,  # noqa: A002, FBT001, FBT002
                  case_sensitive: bool = False, external: str = "") -> str:  # noqa: FBT001, FBT002  # fmt: skip
        """An administrator makes a field; the answer is its API name."""
        name = label.replace(" ", "_")
        made = Field(
            name=name,
            label=label,
            type=type,
            id=self.state.ids.new(),
            length=length,
            custom=True,
            unique=unique,
            case_sensitive=case_sensitive,
            external=external,
        )
        self.state.set_field(self._module(module), made)
        return name

    def drop_field(self, module: str, name: str) -> None:
        """An administrator deletes a custom field."""
        self._module(module).fields.pop(name, None)

    def require_field(self, module: str, name: str, required: bool = True) -> None:  # noqa: FBT001, FBT002
        """An administrator makes a field mandatory."""
        found = self._module(module)
        self.state.set_field(found, replace(found.fields[name], mandatory=required))

    def add_pipeline(self, name: str, stages: Sequence[str]) -> str:
        """A second pipeline; stages that are new are open ones. The answer is its id."""
        known = self.state.schema.modules["Deals"].fields
        held = {choice.actual for choice in known["Stage"].choices}
        fresh = tuple(Choice(s, self.state.ids.new(), "", "Open", 50) for s in stages if s not in held)
        self.state.set_choice("Deals", "Stage", (*known["Stage"].choices, *fresh))
        made = Choice(name, self.state.ids.new())
        self.state.set_choice("Deals", "Pipeline", (*known["Pipeline"].choices, made))
        self.state.pipelines.append(Pipeline(made.id, name, tuple(stages), default=False))
        return made.id

    def rename_stage(self, stage: str, shown: str) -> None:
        """People see another name; the API goes on with the old one."""
        choices = self.state.schema.modules["Deals"].fields["Stage"].choices
        renamed = tuple(replace(c, display=shown) if c.actual == stage else c for c in choices)
        self.state.set_choice("Deals", "Stage", renamed)

    def add_module(self, name: str, label: str = "") -> None:
        """A custom module with a name field."""
        like = self._module("Vendors")
        base = {n: f for n, f in like.fields.items() if n not in {"Vendor_Name", "Category"}}
        named = replace(like.fields["Vendor_Name"], name="Name", label="Name", id=self.state.ids.new())
        self.state.schema.modules[name] = Module(
            name=name,
            singular=label or name,
            plural=label or name,
            id=self.state.ids.new(),
            layout=self.state.ids.new(),
            fields={"Name": named, **base},
            display="Name",
            custom=True,
        )

    # ------------------------------------------------------------------------------------------------ looking

    def record(self, module: str, record: str) -> dict[str, Any] | None:
        """A record as the API shows it; None when it is gone."""
        row = self.state.live(module, record)
        return None if row is None else self.state.show(self._module(module), row)

    def records(self, module: str) -> list[dict[str, Any]]:
        found = self._module(module)
        return [self.state.show(found, row) for row in self.state.store.rows(module)]

    def mails(self, record: str) -> list[dict[str, Any]]:
        """What a record shows of mail, with all that is kept of each."""
        rows = emails.on_record(self.state, self._of(record).name, record)
        return [{**row, "time": self.state.stamp(row["time"]), "added": self.state.stamp(row["added"])} for row in rows]

    def stage_moves(self, deal: str) -> list[tuple[str, str, datetime]]:
        """Stage, by which door, when; oldest first."""
        rows = self.state.store.find("$Stages", "Deal", deal)
        return [(row["Stage"], row["source"], row["Modified_Time"]) for row in rows]

    def statistics(self) -> dict[str, Any]:
        """What is counted; see `census.statistics`."""
        counted = census.statistics(self.state, self.api_user)
        used = self.ledger.used(self.state.clock.now())
        return {**counted, "credits_used": used, "tokens_issued": self.accounts.issued}

    def dump(self) -> dict[str, Any]:
        """Everything held."""
        return census.dump(self.state)

    # ------------------------------------------------------------------------------------------------ inside

    def _module(self, name: str) -> Module:
        found = self.state.schema.get(name)
        if found is None:
            raise ValueError(f"no module {name}")
        return found

    def _of(self, record: str) -> Module:
        found = self.state.module_of(record)
        if found is None:
            raise ValueError(f"no record {record}")
        return found

    def _row(self, module: str, record: str) -> Row:
        found = self.state.live(module, record)
        if found is None:
            raise ValueError(f"no record {record} in {module}")
        return found

    def _done(self, result: T) -> T:
        self.state.commit()
        return result


def _owned(owner: str) -> dict[str, Any]:
    return {"Owner": {"id": owner}} if owner else {}


def _steps(stages: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    """From each stage to the next, and from each open one to lost."""
    *opened, won, lost, _ = stages
    for start, end in zip(opened, [*opened[1:], won], strict=True):
        yield f"To {end}", start, end
        yield "Lose", start, lost
