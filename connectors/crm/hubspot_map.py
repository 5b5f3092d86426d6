"""HubSpot's words and rows as our values. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base.model import Customer, Deal, Pipeline, RecordKind, RecordRef, Stage, User
from connectors.crm.texts import domains_of as hosts_in

Row = Mapping[str, Any]

# A version is supported for 18 months from its release: 2026-09 came on 8 September 2026.
# https://developers.hubspot.com/docs/developer-tooling/platform/versioning
API_VERSION = "2026-09"
API_VERSION_ENDS = datetime(2028, 3, 8, tzinfo=UTC)

KEY = "tradepost_key"
OBJECTS = {RecordKind.CONTACT: "contacts", RecordKind.COMPANY: "companies", RecordKind.LEAD: "leads"}
KINDS = {name: kind for kind, name in OBJECTS.items()}
# https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tasks": "0-27",
    "emails": "0-49",
    "leads": "0-136",
}
# Association types by (from, to). A mail and a lead are linked from the lead's side only.
LINKS = {
    ("emails", "contacts"): 198,
    ("emails", "companies"): 186,
    ("emails", "deals"): 210,
    ("leads", "emails"): 598,
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
    ("tasks", "deals"): 216,
    ("tasks", "leads"): 647,
}
PRIMARY_COMPANY = 5  # deal to primary company

# Contacts have a clock of their own. https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
CLOCKS = {
    "contacts": "lastmodifieddate",
    "companies": "hs_lastmodifieddate",
    "leads": "hs_lastmodifieddate",
    "deals": "hs_lastmodifieddate",
}
_STATE = ("hubspot_owner_id", "hs_merged_object_ids")
PROPERTIES = {
    "contacts": ("email", "hs_additional_emails", "firstname", "lastname", "associatedcompanyid", *_STATE),
    "companies": ("name", "domain", "hs_additional_domains", *_STATE),
    # A lead has no address of its own; HubSpot shows its contact's.
    "leads": ("hs_lead_name", "hs_associated_contact_email", *_STATE),
    "deals": ("dealname", "dealstage", "pipeline", "hs_is_closed", "hs_is_closed_won", *_STATE),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a person looks at records, and which stages end a deal."""

    portal: str = ""
    domain: str = "app.hubspot.com"

    def url(self, name: str, record: str) -> str:
        """The page of a record; `name` is its object, such as contacts."""
        known = self.portal and record and name in TYPE_IDS
        return f"https://{self.domain}/contacts/{self.portal}/record/{TYPE_IDS[name]}/{record}" if known else ""


# --------------------------------------------------------------------------------------------------------------- values


def parse_time(text: object) -> datetime | None:
    """ISO 8601 or epoch milliseconds; None for anything else."""
    try:
        if isinstance(text, str) and re.fullmatch(r"\d{1,15}", text):
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(text))
        moment = datetime.fromisoformat(str(text))
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def millis(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def iso(moment: datetime) -> str:
    """To the millisecond, as HubSpot keeps times."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def value(row: Row, name: str) -> str:
    """A property as text; empty where it is missing or null."""
    properties = row.get("properties")
    found = properties.get(name) if isinstance(properties, Mapping) else None
    return found.strip() if isinstance(found, str) else "" if found is None else str(found)


def several(text: str) -> tuple[str, ...]:
    """The parts of a property that holds many values."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


def numeric(record: object) -> tuple[int, str]:
    """Sorts ids by number where they are numbers."""
    text = str(record)
    return (int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0, text)


def named(first: str, last: str) -> str:
    """A person's name as it is said: family name first, without a space, where it is written in Han or Hangul."""
    if first and last and re.search(r"[\u3040-\u9fff\uac00-\ud7af]", first + last):
        return last + first
    return f"{first} {last}".strip()


# ----------------------------------------------------------------------------------------------------------------- rows


def emails_of(row: Row) -> tuple[str, ...]:
    found = (value(row, "email"), *several(value(row, "hs_additional_emails")))
    return tuple(dict.fromkeys(e.lower() for e in found if "@" in e))


def domains_of(row: Row) -> tuple[str, ...]:
    """A company's hosts; people paste addresses of pages into the fields."""
    return hosts_in(f"{value(row, 'domain')};{value(row, 'hs_additional_domains')}")


def customers_of(name: str, row: Row, site: Site) -> list[Customer]:
    """A record, and one row for each record that was merged into it.

    Merging makes a new record that lists the ids of both:
    https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
    """
    kind, record = KINDS[name], str(row["id"])
    ref = RecordRef(kind, record)
    alive = not row.get("archived")
    found = [_customer(name, row, ref, site)]
    if alive:
        swallowed = (i for i in several(value(row, "hs_merged_object_ids")) if i != record and i.isdigit())
        found += [Customer(ref=RecordRef(kind, i), merged_into=ref) for i in swallowed]
    return found


def _customer(name: str, row: Row, ref: RecordRef, site: Site) -> Customer:
    if row.get("archived"):
        return Customer(ref=ref, deleted=True)
    company = value(row, "associatedcompanyid") if name == "contacts" else ""
    texts = {
        "contacts": named(value(row, "firstname"), value(row, "lastname")),
        "companies": value(row, "name"),
        "leads": value(row, "hs_lead_name"),
    }
    lent = value(row, "hs_associated_contact_email").lower() if name == "leads" else ""
    return Customer(
        ref=ref,
        name=texts[name],
        emails=emails_of(row) if name == "contacts" else (lent,) if "@" in lent else (),
        domains=domains_of(row) if name == "companies" else (),
        company=RecordRef(RecordKind.COMPANY, company) if company.isdigit() and company != "0" else None,
        owner=value(row, "hubspot_owner_id"),
        url=site.url(name, ref.id),
    )


def user_of(owner: Row) -> User:
    """An owner. `id` is what `hubspot_owner_id` wants; one without a user, or archived, can own nothing new.

    https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
    """
    email = str(owner.get("email") or "").strip().lower()
    person = owner.get("type") in (None, "", "PERSON")
    return User(
        id=str(owner["id"]),
        name=named(str(owner.get("firstName") or ""), str(owner.get("lastName") or "")),
        emails=(email,) if "@" in email else (),
        active=person and not owner.get("archived") and owner.get("userId") is not None,
    )


# ---------------------------------------------------------------------------------------------------------------- deals


@dataclass(frozen=True, slots=True)
class Stages:
    """The account's pipelines, and the stages that may not be set from outside."""

    pipelines: tuple[Pipeline, ...] = ()
    locked: frozenset[str] = frozenset()

    def pipeline_of(self, stage: str) -> str:
        """Stage ids are unique in an account, so a stage names its pipeline; empty for an unknown one."""
        return next((p.id for p in self.pipelines for s in p.stages if s.id == stage), "")

    def stage(self, stage: str) -> Stage | None:
        return next((s for p in self.pipelines for s in p.stages if s.id == stage), None)


def stages_of(rows: Iterable[Row]) -> Stages:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide."""
    pipelines: list[tuple[int, Pipeline]] = []
    locked: set[str] = set()
    for row in rows:
        raw = [s for s in row.get("stages") or () if isinstance(s, Mapping) and not s.get("archived")]
        stages = sorted((_stage(s) for s in raw), key=lambda s: (s.order, s.id))
        locked |= {str(s["id"]) for s in raw if s.get("writePermissions") in ("READ_ONLY", "INTERNAL_ONLY")}
        if not row.get("archived"):
            pipeline = Pipeline(str(row["id"]), str(row.get("label") or row["id"]), tuple(stages))
            pipelines.append((_number(row.get("displayOrder")), pipeline))
    ordered = sorted(pipelines, key=lambda pair: (pair[0], pair[1].id))
    return Stages(tuple(p for _, p in ordered), frozenset(locked))


def _stage(row: Row) -> Stage:
    metadata = row.get("metadata")
    facts: Row = metadata if isinstance(metadata, Mapping) else {}
    chance = _decimal(facts.get("probability"))
    closed = str(facts.get("isClosed") or "").lower() == "true" or chance in (0.0, 1.0)
    return Stage(
        id=str(row["id"]),
        label=str(row.get("label") or row["id"]),
        order=_number(row.get("displayOrder")),
        closed=closed,
        won=closed and chance == 1.0,
    )


def _number(raw: object) -> int:
    return raw if isinstance(raw, int) else 0


def _decimal(raw: object) -> float | None:
    try:
        return float(str(raw))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DealLinks:
    """Who a deal belongs to: ids of contacts, and of its company, the primary one first."""

    contacts: tuple[str, ...] = ()
    companies: tuple[str, ...] = ()


def deal_of(row: Row, links: DealLinks, stages: Stages, site: Site) -> Deal:
    record, stage = str(row["id"]), value(row, "dealstage")
    known = stages.stage(stage)
    if row.get("archived"):
        return Deal(id=record, deleted=True)
    return Deal(
        id=record,
        name=value(row, "dealname"),
        pipeline=value(row, "pipeline") or stages.pipeline_of(stage),
        stage=stage,
        # The stage of an archived pipeline is told nowhere else.
        closed=known.closed if known else value(row, "hs_is_closed") == "true",
        won=known.won if known else value(row, "hs_is_closed_won") == "true",
        company=RecordRef(RecordKind.COMPANY, links.companies[0]) if links.companies else None,
        contacts=tuple(RecordRef(RecordKind.CONTACT, c) for c in links.contacts),
        owner=value(row, "hubspot_owner_id"),
        url=site.url("deals", record),
    )


def deals_of(row: Row, links: DealLinks, stages: Stages, site: Site) -> list[Deal]:
    """A deal, and the deals that were merged into it as deleted ones."""
    swallowed = [i for i in several(value(row, "hs_merged_object_ids")) if i != str(row["id"]) and i.isdigit()]
    return [
        deal_of(row, links, stages, site),
        *(Deal(id=i, deleted=True) for i in swallowed if not row.get("archived")),
    ]


def listed_links(row: Row) -> DealLinks | None:
    """The links that a listing brought with it; None where it did not bring all of them.

    In listings the primary company bears `deal_to_company` beside `deal_to_company_unlabeled`.
    """
    found: dict[str, tuple[str, ...]] = {}
    associations = row.get("associations")
    for name in ("contacts", "companies"):
        part = associations.get(name) if isinstance(associations, Mapping) else None
        if part is None:
            found[name] = ()
            continue
        if not isinstance(part, Mapping) or part.get("paging") or not isinstance(part.get("results"), list):
            return None
        rows = [r for r in part["results"] if isinstance(r, Mapping) and r.get("id")]
        primary = {str(r["id"]) for r in rows if str(r.get("type") or "") == "deal_to_company"}
        found[name] = _first(primary, [str(r["id"]) for r in rows])
    return DealLinks(found["contacts"], found["companies"])


def read_links(contacts: Sequence[Row], companies: Sequence[Row]) -> DealLinks:
    """From the `to` rows of two association reads."""
    primary = {
        str(r.get("toObjectId"))
        for r in companies
        for t in r.get("associationTypes") or ()
        if isinstance(t, Mapping) and t.get("typeId") == PRIMARY_COMPANY
    }
    return DealLinks(
        _first(set(), [str(r.get("toObjectId")) for r in contacts]),
        _first(primary, [str(r.get("toObjectId")) for r in companies]),
    )


def _first(primary: set[str], ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(ids), key=lambda i: (i not in primary, numeric(i))))


# ------------------------------------------------------------------------------------------------------------- searches


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    operator: str
    value: str = ""
    values: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"propertyName": self.name, "operator": self.operator}
        return body | ({"values": list(self.values)} if self.values else {"value": self.value})


@dataclass(frozen=True, slots=True)
class Search:
    """A question to the index: groups of filters, any of which may fit; rows in ascending order of `sort`."""

    groups: tuple[tuple[Filter, ...], ...]
    properties: tuple[str, ...]
    sort: str = ""
    descending: bool = False
    limit: int = 200

    def json(self, after: str = "0") -> dict[str, Any]:
        body: dict[str, Any] = {
            "filterGroups": [{"filters": [f.json() for f in group]} for group in self.groups],
            "properties": list(self.properties),
            "limit": self.limit,
            "after": after,
        }
        # The specification says strings and the guide objects; objects are what works:
        # https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
        way = "DESCENDING" if self.descending else "ASCENDING"
        body["sorts"] = [{"propertyName": self.sort, "direction": way}] if self.sort else []
        return body
