"""Zoho's rows as our values, and our questions as COQL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.base.model import Customer, Deal, Pipeline, RecordKind, RecordRef, Stage, User
from connectors.crm.texts import domains_of, emails_of
from connectors.crm.zoho_parse import id_in, parse_time, text_in

Row = Mapping[str, Any]

# Zoho has announced no end for it; the versions before stay for years: https://www.zoho.com/crm/developer/docs/api/v8/
API_VERSION = "v8"
ROOT = f"/crm/{API_VERSION}"

KEY_FIELD = "Tradepost_Key"
KINDS = {"Contacts": RecordKind.CONTACT, "Leads": RecordKind.LEAD, "Accounts": RecordKind.COMPANY}
MODULES = {kind: name for name, kind in KINDS.items()}

# Where people open records; the API says nothing of it. Deals still have their old name there.
SITES = {
    "us": "https://crm.zoho.com",
    "eu": "https://crm.zoho.eu",
    "in": "https://crm.zoho.in",
    "au": "https://crm.zoho.com.au",
    "cn": "https://crm.zoho.com.cn",
    "jp": "https://crm.zoho.jp",
    "ca": "https://crm.zohocloud.ca",
    "sa": "https://crm.zoho.sa",
    "uk": "https://crm.zoho.uk",
}
_TABS = {"Deals": "Potentials"}

MOST_FIELDS = 50  # of one list or query: https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
# Values of one `in`, and rows of one query for one credit:
# https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html
MOST_VALUES = 50
COQL_ROWS = 200

# ------------------------------------------------------------------------------------------------------------- values


def zoho_time(moment: datetime) -> str:
    """Zoho takes an offset and no fractions: https://www.zoho.com/crm/developer/docs/api/v8/insert-records.html."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def coql_text(value: str) -> str:
    """A quoted COQL literal. A backslash escapes; line breaks cannot be in one."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\r", " ").replace("\n", " ") + "'"


def coql_in(name: str, values: Sequence[str]) -> str:
    return f"{name} in ({','.join(coql_text(v) for v in values)})"


def any_of(conditions: Sequence[str]) -> str:
    """Conditions joined by or: COQL takes two a bracket, so they nest."""
    joined = conditions[0]
    for condition in conditions[1:]:
        joined = f"({joined} or {condition})"
    return joined


def select(fields: Iterable[str], module: str, where: str, limit: int = COQL_ROWS) -> str:
    """A query in the order of ids; a full answer is continued by `id >`."""
    return " ".join(("select", ", ".join(fields), "from", module, "where", where, f"order by id asc limit 0, {limit}"))


def chunks(values: Sequence[str], size: int = MOST_VALUES) -> list[list[str]]:
    return [list(values[i : i + size]) for i in range(0, len(values), size)]


def record_url(site: str, module: str, record: str) -> str:
    return f"{site}/tab/{_TABS.get(module, module)}/{record}" if record and site else ""


# ------------------------------------------------------------------------------------------------------------- shapes


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What the metadata say of one field, as our user sees it."""

    type: str = ""
    length: int = 0
    read_only: bool = False
    unique: bool = False
    choices: tuple[str, ...] = ()  # actual values of a picklist, in their order

    @property
    def is_key(self) -> bool:
        """Good for our key: 67 characters, refused a second time by the server."""
        return self.unique and not self.read_only and self.type == "text" and (not self.length or self.length >= 67)


@dataclass(frozen=True, slots=True)
class ModuleShape:
    """What the metadata say of one module. `id` is needed where records are named with their module."""

    name: str
    id: str = ""
    creatable: bool = False
    editable: bool = False
    deletable: bool = False
    fields: Mapping[str, FieldShape] = field(default_factory=dict)

    def has(self, *names: str) -> tuple[str, ...]:
        """Those of `names` that exist."""
        return tuple(n for n in names if n in self.fields)

    def length(self, name: str, default: int) -> int:
        shape = self.fields.get(name)
        return shape.length if shape and shape.length else default

    @property
    def emails(self) -> tuple[str, ...]:
        """Every field of type e-mail, the customer's own ones too, within what a list may name."""
        return tuple(sorted(n for n, f in self.fields.items() if f.type == "email"))[: MOST_FIELDS - 15]

    @property
    def keyed(self) -> bool:
        return KEY_FIELD in self.fields and self.fields[KEY_FIELD].is_key


def module_shape(module: Row, fields: Sequence[Row]) -> ModuleShape:
    return ModuleShape(
        name=str(module.get("api_name") or ""),
        id=id_in(module.get("id")),
        creatable=module.get("creatable") is not False,
        editable=module.get("editable") is not False,
        deletable=module.get("deletable") is not False,
        fields={str(f["api_name"]): field_shape(f) for f in fields if f.get("api_name")},
    )


def field_shape(row: Row) -> FieldShape:
    unique = row.get("unique")
    length = row.get("length")
    raw = row.get("pick_list_values")
    values = raw if isinstance(raw, list) else []
    listed = [v for v in values if isinstance(v, Mapping) and v.get("type") != "unused"]
    return FieldShape(
        type=str(row.get("data_type") or ""),
        length=length if isinstance(length, int) else 0,
        read_only=bool(row.get("read_only") or row.get("field_read_only")),
        # An object with the key casesensitive where the field is unique, an empty one where it is not:
        # https://www.zoho.com/crm/developer/docs/api/v8/field-meta.html
        unique=bool(unique),
        choices=tuple(str(v.get("actual_value") or v.get("display_value") or "") for v in listed),
    )


# --------------------------------------------------------------------------------------------------------------- rows


def name_of(row: Row, module: str) -> str:
    if module == "Accounts":
        return text_in(row.get("Account_Name"))
    whole = text_in(row.get("Full_Name"))
    return whole or " ".join(n for n in (text_in(row.get("First_Name")), text_in(row.get("Last_Name"))) if n)


def customer_of(row: Row, shape: ModuleShape, site: str) -> Customer:
    module, record = shape.name, id_in(row.get("id"))
    account = id_in(row.get("Account_Name")) if module == "Contacts" else ""
    return Customer(
        ref=RecordRef(KINDS[module], record),
        name=name_of(row, module),
        emails=emails_of(row, shape.emails),
        domains=domains_of(str(row.get("Website") or "")) if module == "Accounts" else (),
        company=RecordRef(RecordKind.COMPANY, account) if account else None,
        owner=id_in(row.get("Owner")),
        url=record_url(site, module, record),
        merged_into=converted_into(row) if module == "Leads" else None,
    )


def converted_into(row: Row) -> RecordRef | None:
    """The contact, else the company, that a lead was converted into; None for a lead that is none."""
    detail = row.get("$converted_detail")
    detail = detail if isinstance(detail, Mapping) else {}
    contact = id_in(detail.get("contact")) or id_in(row.get("Converted_Contact"))
    company = id_in(detail.get("account")) or id_in(row.get("Converted_Account"))
    if contact:
        return RecordRef(RecordKind.CONTACT, contact)
    return RecordRef(RecordKind.COMPANY, company) if company else None


def gone_customer(module: str, row: Row, site: str) -> Customer:
    """A row of the list of deleted records. Of a merge Zoho does not say who survived."""
    record = id_in(row.get("id"))
    return Customer(ref=RecordRef(KINDS[module], record), url=record_url(site, module, record), deleted=True)


def deal_of(row: Row, stages: Mapping[str, Stage], site: str) -> Deal:
    record, stage = id_in(row.get("id")), text_in(row.get("Stage"))
    company, contact = id_in(row.get("Account_Name")), id_in(row.get("Contact_Name"))
    known = stages.get(stage)
    return Deal(
        id=record,
        name=text_in(row.get("Deal_Name")),
        pipeline=text_in(row.get("Pipeline")) or DEFAULT_PIPELINE,
        stage=stage,
        closed=known.closed if known else False,
        won=known.won if known else False,
        company=RecordRef(RecordKind.COMPANY, company) if company else None,
        contacts=(RecordRef(RecordKind.CONTACT, contact),) if contact else (),
        owner=id_in(row.get("Owner")),
        url=record_url(site, "Deals", record),
    )


def gone_deal(row: Row, site: str) -> Deal:
    record = id_in(row.get("id"))
    return Deal(id=record, url=record_url(site, "Deals", record), deleted=True)


def user_of(row: Row) -> User:
    return User(
        id=id_in(row.get("id")),
        name=text_in(row.get("full_name")) or text_in(row.get("last_name")),
        emails=emails_of(row, ("email",)),
        active=row.get("status") == "active",
    )


# ------------------------------------------------------------------------------------------------------------- stages

DEFAULT_PIPELINE = "default"  # of an edition without pipelines


def pipelines_of(rows: Sequence[Row]) -> tuple[Pipeline, ...]:
    """Pipelines with their stages. Deals name both by `actual_value`; one that several layouts have is one."""
    found: dict[str, dict[str, Stage]] = {}
    labels: dict[str, str] = {}
    for row in rows:
        name = text_in(row.get("actual_value")) or text_in(row.get("display_value"))
        maps = row.get("maps")
        if not name or not isinstance(maps, list):
            continue
        labels.setdefault(name, text_in(row.get("display_value")) or name)
        stages = found.setdefault(name, {})
        for place, each in enumerate(m for m in maps if isinstance(m, Mapping)):
            stage = stage_of(each, place)
            stages.setdefault(stage.id, stage)
    return tuple(
        Pipeline(name, labels[name], tuple(sorted(stages.values(), key=lambda s: (s.order, s.id))))
        for name, stages in found.items()
    )


def stages_of_picklist(values: Sequence[Row]) -> Pipeline:
    """The stages of an edition that has no pipelines, from the field Stage."""
    stages = [stage_of(v, place) for place, v in enumerate(values) if v.get("type") != "unused"]
    return Pipeline(DEFAULT_PIPELINE, "Deals", tuple(sorted(stages, key=lambda s: (s.order, s.id))))


def stage_of(row: Row, place: int) -> Stage:
    """`forecast_type` is Open, Closed Won or Closed Lost; where it is missing the forecast category says Closed."""
    category = row.get("forecast_category")
    kind = text_in(row.get("forecast_type")) or text_in(category)
    kind = kind.lower().replace("_", " ").strip()
    order = row.get("sequence_number")
    name = text_in(row.get("actual_value")) or text_in(row.get("display_value"))
    return Stage(
        id=name,
        label=text_in(row.get("display_value")) or name,
        order=order if isinstance(order, int) else place,
        closed=kind.startswith("closed"),
        won=kind in {"closed won", "closed"},
    )


def stages_by_id(pipelines: Iterable[Pipeline]) -> dict[str, Stage]:
    return {s.id: s for p in pipelines for s in p.stages}


# ------------------------------------------------------------------------------------------------------ stage history


@dataclass(frozen=True, slots=True)
class StageEntry:
    """A deal came to `stage`, by the user `by`."""

    stage: str
    by: str
    at: datetime


def stage_entries(rows: Iterable[Row]) -> tuple[StageEntry, ...]:
    """The stage history of a deal, oldest first. Rows of one second keep Zoho's order, which is newest first."""
    found = []
    for row in rows:
        at = next((t for n in ("Modified_Time", "Last_Modified_Time") if (t := parse_time(row.get(n)))), None)
        if at and (stage := text_in(row.get("Stage"))):
            found.append(StageEntry(stage, id_in(row.get("Modified_By")), at))
    found.reverse()
    return tuple(sorted(found, key=lambda e: e.at))


@dataclass(frozen=True, slots=True)
class MoveSeen:
    """What the history tells of our move: `ours`, whether it is there; `over`, the person's stage it went over."""

    ours: bool = False
    over: str = ""


def move_seen(entries: Sequence[StageEntry], *, me: str, since: datetime, expect: str, to: str) -> MoveSeen:
    """Look for our move to `to` since then, and whether a person had moved the deal away from `expect` before it."""
    ours = [i for i, e in enumerate(entries) if e.by == me and e.stage == to and e.at >= since]
    if not ours:
        return MoveSeen()
    before = entries[ours[-1] - 1] if ours[-1] > 0 else None
    over = before is not None and before.by != me and before.stage not in {expect, to}
    return MoveSeen(ours=True, over=before.stage if before and over else "")
