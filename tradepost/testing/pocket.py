"""Pocket CRM: an invented vendor with a small REST API, for the page on writing a connector and as a rig to start from.

==============================  ========================================================================================
``GET /v1/account``             id, name, stages
``GET /v1/users?after=``        users in the order of their numbers, 100 a page
``GET /v1/customers?after=``    contacts and companies in the order of their last change, gone ones too; ``410`` for
                                a place that is too old
``GET /v1/customers?email=``    those that bear one of these addresses; ``domain=`` likewise; separated by commas
``GET /v1/deals?after=``        deals in the order of their last change
``POST /v1/mails``              makes a mail; ``tasks`` and ``customers`` likewise. An ``external_id`` that is known
                                answers 200 with the old record instead of 201
``PUT /v1/mails/ID/links``      shows a mail on more records
``GET /v1/KIND/ID``             one record of any kind; ``GET /v1/KIND?external_id=`` finds one
``PATCH /v1/KIND/ID``           changes one; with ``If-Match: VERSION`` only where nobody changed it meanwhile, else 412
``DELETE /v1/KIND/ID``
==============================  ========================================================================================

A key in the header Authorization signs in. Errors are ``{"error": CODE}``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.base.crm import CrmTarget
from connectors.base.errors import AuthFailed, NotPermitted, RateLimited, Transient
from connectors.base.model import WriteKind
from connectors.base.services import Services
from tradepost.sandbox.hosts import LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.kernel import ASGIApp, Fault, Kind, Vendor, World
from tradepost.testing.rig import CrmRig, Refusals

HOST = "api.pocket.example"
KEY = "pk-5f0c4b7d9e"
US, PERSON = "api", "person"
MAX_TEXT, MAX_SUBJECT, USER_PAGE = 10_000, 500, 100
KINDS = ("users", "customers", "deals", "mails", "tasks")
STAGES = (
    {"id": "s1", "name": "New", "closed": False, "won": False},
    {"id": "s2", "name": "Quoted", "closed": False, "won": False},
    {"id": "s3", "name": "Won", "closed": True, "won": True},
    {"id": "s4", "name": "Lost", "closed": True, "won": False},
)


class Refused(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(slots=True)
class Books:
    """All records. `seq` counts every change; a row's own `seq` is that of its last one."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    moves: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    seq: int = 0
    floor: int = 0

    def put(self, kind: str, row: dict[str, Any], by: str) -> dict[str, Any]:
        """Make or change a row."""
        self.seq += 1
        old = self.rows[kind].get(row.get("id", ""), {})
        new = {"made_by": by, **old, **row, "seq": self.seq}
        new.setdefault("id", f"{kind[0]}{self.seq}")
        self.rows[kind][new["id"]] = new
        if kind == "deals":
            new |= {name: next(s[name] for s in STAGES if s["id"] == new["stage"]) for name in ("closed", "won")}
        if kind == "deals" and new["stage"] != old.get("stage"):
            self.moves.setdefault(new["id"], []).append((new["stage"], by == US))
        return new

    def get(self, kind: str, record: str) -> dict[str, Any]:
        """A living row; raises 404."""
        row = self.rows[kind].get(record)
        if row is None or row.get("deleted"):
            raise Refused(404, "not_found")
        return row

    def living(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[kind].values() if not row.get("deleted")]

    def after(self, kind: str, seq: int, limit: int) -> tuple[list[dict[str, Any]], bool]:
        if seq < self.floor and seq:
            raise Refused(410, "position_too_old")
        rows = sorted((r for r in self.rows[kind].values() if r["seq"] > seq), key=lambda r: int(r["seq"]))
        return rows[:limit], len(rows) > limit


class PocketVendor(Vendor):
    """One account."""

    name = "pocket"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.books = Books()

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:  # noqa: ARG002
        parts = path.strip("/").split("/")[1:]
        verb = {"GET": "get" if len(parts) > 1 else "list", "POST": "create", "PATCH": "update", "PUT": "link"}
        name = f"{parts[0] if parts else 'root'}.{verb.get(method, method.lower())}"
        return name, "read" if method in ("GET", "HEAD") else "write"

    def fault_reply(self, fault: Fault) -> Response:
        return _refusal(fault.status, fault.code or "refused")

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        try:
            given = json.loads(body) if body else {}
            return self._answer(request, request.url.path.strip("/").split("/")[1:], given)
        except Refused as refused:
            return _refusal(refused.status, refused.code)

    def _answer(self, request: Request, parts: Sequence[str], given: dict[str, Any]) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, "unknown_key")
        match request.method, parts:
            case "GET", ["account"]:
                return JSONResponse({"id": "acc-77", "name": "Harbour Trading", "stages": STAGES})
            case "GET", [kind] if kind in KINDS:
                return JSONResponse(self._list(kind, request.query_params))
            case "GET", [kind, record] if kind in KINDS:
                return JSONResponse(self.books.get(kind, record))
            case "POST", [("mails" | "tasks" | "customers") as kind]:
                return self._create(kind, given)
            case "PUT", ["mails", record, "links"]:
                return self._link(record, given)
            case "PATCH", [("customers" | "deals" | "tasks") as kind, record]:
                return self._change(kind, record, given, request.headers.get("if-match", ""))
            case "DELETE", [("mails" | "tasks") as kind, record]:
                self.books.put(kind, {"id": self.books.get(kind, record)["id"], "deleted": True}, US)
                return Response(status_code=204)
        raise Refused(404, "no_such_path")

    def _list(self, kind: str, query: QueryParams) -> dict[str, Any]:
        if "external_id" in query:
            wanted = query["external_id"].split(",")
            return {"rows": [r for r in self.books.living(kind) if r.get("external_id") in wanted]}
        if "email" in query or "domain" in query:
            mails, domains = ({w for w in query.get(name, "").split(",") if w} for name in ("email", "domain"))
            rows = self.books.living(kind)
            return {"rows": [r for r in rows if mails & set(r["emails"]) or r["domain"] in domains]}
        rows, more = self.books.after(kind, int(query.get("after") or 0), int(query.get("limit") or USER_PAGE))
        return {"rows": rows, "more": more}

    def _create(self, kind: str, given: dict[str, Any]) -> Response:
        key = given.get("external_id")
        for row in self.books.living(kind):
            if key and row.get("external_id") == key:
                return JSONResponse({"id": row["id"]})
        if len(given.get("text") or "") > MAX_TEXT or len(given.get("subject") or "") > MAX_SUBJECT:
            raise Refused(422, "too_long")
        self._check_links(given)
        extra = {"kind": "contact", "domain": "", "company": None, "owner": ""} if kind == "customers" else {}
        return JSONResponse({"id": self.books.put(kind, {**extra, **given}, US)["id"]}, 201)

    def _check_links(self, given: Mapping[str, Any]) -> None:
        for record in given.get("records") or ():
            self.books.get("customers", record)
        if given.get("deal"):
            self.books.get("deals", given["deal"])

    def _link(self, record: str, given: Mapping[str, Any]) -> Response:
        row = self.books.get("mails", record)
        self._check_links(given)
        records = list(dict.fromkeys([*row.get("records", ()), *given.get("records", ())]))
        deal = given.get("deal") or row.get("deal", "")
        return JSONResponse(self.books.put("mails", {"id": row["id"], "records": records, "deal": deal}, US))

    def _change(self, kind: str, record: str, given: dict[str, Any], version: str) -> Response:
        row = self.books.get(kind, record)
        if version and version != str(row["seq"]):
            raise Refused(412, "changed_meanwhile")
        if "stage" in given and given["stage"] not in {s["id"] for s in STAGES}:
            raise Refused(422, "no_such_stage")
        return JSONResponse(self.books.put(kind, {"id": row["id"], **given}, US))


def _refusal(status: int, code: str) -> Response:
    headers = {"Retry-After": "60"} if status == 429 else {}
    return JSONResponse({"error": code}, status, headers)


class PocketPeople:
    """What people do in Pocket, and what they see there."""

    stages = Stages(open="s1", quoted="s2", won="s3", lost="s4")

    def __init__(self, books: Books) -> None:
        self.books = books

    def _add(self, table: str, **row: Any) -> str:
        return str(self.books.put(table, row, PERSON)["id"])

    def _customer(self, kind: str, name: str, emails: Iterable[str], **more: Any) -> str:
        row = {"kind": kind, "name": name, "emails": [e.lower() for e in emails], "domain": "", "company": None}
        return self._add("customers", **{**row, "owner": "", **more})

    def add_user(self, address: str, name: str) -> str:
        return self._add("users", name=name, email=address, active=True)

    def add_company(self, name: str, domain: str = "") -> str:
        return self._customer("company", name, (), domain=domain)

    def add_contact(self, name: str, address: str, *, company: str = "", owner: str = "") -> str:
        return self._customer("contact", name, (address,), company=company or None, owner=owner)

    def add_lead(self, name: str, company_name: str, address: str, *, owner: str = "") -> str:  # noqa: ARG002
        return self.add_contact(name, address, owner=owner)

    def add_deal(self, name: str, *, company: str = "", contact: str = "", stage: str = "", owner: str = "") -> str:
        contacts = [contact] if contact else []
        return self._add("deals", name=name, company=company, contacts=contacts, stage=stage or "s1", owner=owner)

    def _edit(self, kind: str, record: str, **row: Any) -> None:
        self.books.put(kind, {"id": self.books.get(kind, record)["id"], **row}, PERSON)

    def move_deal(self, deal: str, stage: str) -> None:
        self._edit("deals", deal, stage=stage)

    def close_task(self, task: str) -> None:
        self._edit("tasks", task, closed=True)

    def delete_record(self, record: str) -> None:
        self._edit(next(kind for kind in KINDS if record in self.books.rows[kind]), record, deleted=True)

    def merge_contacts(self, winner: str, loser: str) -> str:
        self._edit("customers", loser, deleted=True, merged_into=winner)
        return winner

    def mails(self) -> tuple[LoggedMail, ...]:
        return tuple(
            LoggedMail(
                record=row["id"],
                subject=row["subject"],
                sent_at=datetime.fromisoformat(row["sent_at"]),
                sender=row["sender"],
                incoming=row["incoming"],
                records=tuple(row.get("records", ())),
                deal=row.get("deal", ""),
                by_us=row["made_by"] == US,
            )
            for row in self.books.living("mails")
        )

    def tasks(self) -> tuple[SeenTask, ...]:
        return tuple(
            SeenTask(r["id"], r["title"], r["closed"], tuple(r["records"]), r["deal"], r["made_by"] == US)
            for r in self.books.living("tasks")
        )

    def deal(self, deal: str) -> SeenDeal:
        row = self.books.get("deals", deal)
        return SeenDeal(row["id"], row["name"], row["stage"], tuple(self.books.moves[deal]))


class PocketRig(CrmRig):
    """Any connector to Pocket on its bench; `pocket_rig` names the connector."""

    name = "pocket"
    page = 100
    user_page = USER_PAGE
    asks = "users.list"
    calls: ClassVar = {
        WriteKind.LOG_EMAIL: ("mails.create", "mails.link"),
        WriteKind.LINK_EMAIL: ("mails.link",),
        WriteKind.CREATE_TASK: ("tasks.create",),
        WriteKind.COMPLETE_TASK: ("tasks.update",),
        WriteKind.CREATE_CUSTOMER: ("customers.create",),
        WriteKind.MOVE_DEAL: ("deals.update",),
        WriteKind.REMOVE: ("mails.delete",),
    }
    refusals: ClassVar[Refusals] = {
        AuthFailed: (401, "unknown_key"),
        NotPermitted: (403, "forbidden"),
        RateLimited: (429, "slow_down"),
        Transient: (503, "down"),
    }
    lacks: ClassVar = {"convert_lead": "the vendor has no leads"}
    secrets = (KEY,)
    tells_when = True

    def __init__(self, world: World, connect: Callable[[Services], CrmTarget]) -> None:
        self.vendor = PocketVendor(world)
        self.books = self.vendor.books
        self.host = PocketPeople(self.books)
        self._connect = connect

    def apps(self) -> Mapping[str, ASGIApp]:
        return {HOST: self.vendor}

    def open(self, services: Services) -> CrmTarget:
        return self._connect(services)

    def add_address(self, contact: str, address: str) -> None:
        emails = [*self.books.get("customers", contact)["emails"], address.lower()]
        self.books.put("customers", {"id": contact, "emails": emails}, PERSON)

    def retire_user(self, user: str) -> None:
        self.books.put("users", {"id": user, "active": False}, PERSON)

    def log_by_hand(self, subject: str, contact: str) -> str:
        mail = {"subject": subject, "sent_at": "2026-02-01T08:00:00+00:00", "sender": "li@acme.example"}
        return str(self.books.put("mails", {**mail, "incoming": True, "records": [contact]}, PERSON)["id"])

    def owner(self, record: str) -> str:
        return str(self.books.get("tasks", record)["owner"])

    def bearers(self, address: str) -> Sequence[str]:
        return [row["id"] for row in self.books.living("customers") if address in row["emails"]]

    async def expire_cursors(self) -> None:
        self.books.seq += 1
        self.books.floor = self.books.seq


def pocket_rig(connect: Callable[[Services], CrmTarget]) -> Callable[[World], PocketRig]:
    """Rigs for a connector to Pocket. `connect` opens one; it signs in with `KEY` at ``https://HOST``."""

    def make(world: World) -> PocketRig:
        return PocketRig(world, connect)

    return make
