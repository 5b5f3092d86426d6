"""Salesforce's rows as our values, and our questions as SOQL. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

from connectors.base.errors import CursorExpired
from connectors.base.model import Customer, Deal, Pipeline, RecordKind, RecordRef, Stage, User
from connectors.crm.texts import domains_of, emails_of

T = TypeVar("T")
Row = Mapping[str, Any]

# Spring '26. A version lives at least three years from its release with a year's notice:
# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm
API_VERSION = "66.0"
API_VERSION_ENDS = datetime(2029, 2, 1, tzinfo=UTC)

KEY_FIELD = "Tradepost_Key__c"
LEDGER = "Tradepost_Ledger__c"
LEDGER_RECORD = "Record_Id__c"

KINDS = {"Contact": RecordKind.CONTACT, "Lead": RecordKind.LEAD, "Account": RecordKind.COMPANY}
OBJECTS = {kind: name for name, kind in KINDS.items()}
PREFIXES = {"003": "Contact", "00Q": "Lead", "001": "Account"}

# A request may run ten minutes and a query two, so a row can become visible that long after its stamp:
# https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm
OVERLAP = timedelta(minutes=15)
# Deleted rows leave the recycle bin after 15 days; an older position could miss them.
CURSOR_LIFE = timedelta(days=14)
# A GET is refused above 16,384 bytes of URI; the rest is for host, path and headers' share of that limit.
URI_ROOM = 12_000

# ------------------------------------------------------------------------------------------------------------- values


def soql_text(value: str) -> str:
    """A quoted SOQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def soql_like(value: str) -> str:
    """The inside of a LIKE pattern that matches `value` literally, without quotes."""
    return soql_text(value)[1:-1].replace("%", "\\%").replace("_", "\\_")


def soql_in(values: Iterable[str]) -> str:
    return "(" + ",".join(soql_text(v) for v in values) + ")"


def soql_time(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_time(text: str) -> datetime:
    """Both spellings Salesforce uses: ``…+0000`` (REST) and ``…Z`` (bulk)."""
    return datetime.fromisoformat(text).astimezone(UTC)


def http_date(moment: datetime) -> str:
    """An HTTP date, for conditional headers; rounded down to the second."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    m = moment.astimezone(UTC)
    return f"{days[m.weekday()]}, {m.day:02d} {months[m.month - 1]} {m.year:04d} {m:%H:%M:%S} GMT"


def id18(record: str) -> str:
    """The 18-character form of a record id; other text comes back as it is."""
    if len(record) != 15 or not record.isalnum():
        return record
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    bits = (sum(record[start + i].isupper() << i for i in range(5)) for start in (0, 5, 10))
    return record + "".join(letters[b] for b in bits)


def select(fields: Iterable[str], name: str, where: str) -> str:
    """A query. `where` is built from quoted literals only."""
    return " ".join(("SELECT", ", ".join(fields), "FROM", name, *(("WHERE", where) if where else ())))


def in_chunks(items: Sequence[T], soql: Callable[[Sequence[T]], str]) -> list[str]:
    """As few queries as keep each one's encoded text within a URI."""
    if not items:
        return []
    text = soql(items)
    if len(items) == 1 or len(quote(text)) <= URI_ROOM:
        return [text]
    half = len(items) // 2
    return in_chunks(items[:half], soql) + in_chunks(items[half:], soql)


# ------------------------------------------------------------------------------------------------------------- shapes


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What describe says of one field; a field without field-level security is not described at all."""

    type: str
    length: int = 0
    createable: bool = False
    updateable: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False

    @property
    def is_key(self) -> bool:
        """Good for our key: any writer may look it up, and the platform refuses a second row with it."""
        return self.external_id and self.unique and self.createable and self.length >= 67


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """What describe says of one object, as our user sees it."""

    name: str
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    fields: Mapping[str, FieldShape] = field(default_factory=dict)

    def has(self, *names: str) -> tuple[str, ...]:
        """Those of `names` that can be read."""
        return tuple(n for n in names if n in self.fields)

    def length(self, name: str, default: int) -> int:
        shape = self.fields.get(name)
        return shape.length if shape and shape.length else default

    @property
    def emails(self) -> tuple[str, ...]:
        """Every field of type e-mail, the org's own ones too."""
        return tuple(sorted(n for n, f in self.fields.items() if f.type == "email"))

    @property
    def keyed(self) -> bool:
        return KEY_FIELD in self.fields and self.fields[KEY_FIELD].is_key


def object_shape(described: Row) -> ObjectShape:
    fields = {
        str(f["name"]): FieldShape(
            type=str(f.get("type", "")),
            length=int(f.get("length") or 0),
            createable=bool(f.get("createable")),
            updateable=bool(f.get("updateable")),
            external_id=bool(f.get("externalId")),
            unique=bool(f.get("unique")),
            case_sensitive=bool(f.get("caseSensitive")),
        )
        for f in described.get("fields", ())
    }
    return ObjectShape(
        name=str(described.get("name", "")),
        createable=bool(described.get("createable")),
        updateable=bool(described.get("updateable")),
        deletable=bool(described.get("deletable")),
        fields=fields,
    )


# --------------------------------------------------------------------------------------------------------------- rows


def _merged_into(row: Row, kind: RecordKind) -> RecordRef | None:
    if row.get("IsConverted") and row.get("ConvertedContactId"):
        return RecordRef(RecordKind.CONTACT, str(row["ConvertedContactId"]))
    if row.get("MasterRecordId"):
        return RecordRef(kind, str(row["MasterRecordId"]))
    return None


def customer_of(row: Row, shape: ObjectShape, site: str) -> Customer:
    """A Contact, Lead or Account row. A person account's addresses belong to its contact row, not to the account."""
    kind = KINDS[shape.name]
    person = shape.name == "Account" and bool(row.get("IsPersonAccount"))
    account = row.get("AccountId") if kind is RecordKind.CONTACT else None
    return Customer(
        ref=RecordRef(kind, str(row["Id"])),
        name=str(row.get("Name") or ""),
        emails=() if person else emails_of(row, shape.emails),
        domains=domains_of(str(row.get("Website") or "")) if kind is RecordKind.COMPANY and not person else (),
        company=RecordRef(RecordKind.COMPANY, str(account)) if account else None,
        owner=str(row.get("OwnerId") or ""),
        url=record_url(site, str(row["Id"])),
        deleted=bool(row.get("IsDeleted")),
        merged_into=_merged_into(row, kind),
    )


def deal_of(row: Row, contacts: Sequence[str], site: str) -> Deal:
    return Deal(
        id=str(row["Id"]),
        name=str(row.get("Name") or ""),
        pipeline="default",
        stage=str(row.get("StageName") or ""),
        closed=bool(row.get("IsClosed")),
        won=bool(row.get("IsWon")),
        company=RecordRef(RecordKind.COMPANY, str(row["AccountId"])) if row.get("AccountId") else None,
        contacts=tuple(RecordRef(RecordKind.CONTACT, c) for c in contacts),
        owner=str(row.get("OwnerId") or ""),
        url=record_url(site, str(row["Id"])),
        deleted=bool(row.get("IsDeleted")),
    )


def contacts_by_deal(roles: Iterable[Row]) -> dict[str, list[str]]:
    """Contact ids per opportunity: the primary one first, then by id."""
    live = [r for r in roles if not r.get("IsDeleted") and r.get("ContactId")]
    deals: dict[str, list[str]] = {}
    for role in sorted(live, key=lambda r: (not r.get("IsPrimary"), str(r["ContactId"]))):
        contacts = deals.setdefault(str(role["OpportunityId"]), [])
        if role["ContactId"] not in contacts:
            contacts.append(str(role["ContactId"]))
    return deals


def user_of(row: Row) -> User:
    """A user; the user name counts as an address too, as it looks like one and often is."""
    return User(
        id=str(row["Id"]),
        name=str(row.get("Name") or ""),
        emails=emails_of(row, ("Email", "Username")),
        active=bool(row.get("IsActive")),
    )


def pipeline_of(rows: Iterable[Row]) -> Pipeline:
    """Salesforce has one list of stages; record types only narrow it."""
    stages = [
        Stage(
            id=str(r["ApiName"]),
            label=str(r.get("MasterLabel") or r["ApiName"]),
            order=int(r.get("SortOrder") or 0),
            closed=bool(r.get("IsClosed")),
            won=bool(r.get("IsWon")),
        )
        for r in rows
        if r.get("IsActive")
    ]
    return Pipeline(id="default", label="Opportunity", stages=tuple(sorted(stages, key=lambda s: (s.order, s.id))))


def record_url(site: str, record: str) -> str:
    return f"{site}/{record}" if record else ""


# --------------------------------------------------------------------------------------------------- reading in order


@dataclass(frozen=True, slots=True)
class Position:
    """How far one object is read.

    A round runs from `since` (a stamp and the last id read under it) to the last row; `began` is the server's time at
    its start and becomes the next round's beginning, less `OVERLAP`. `whole` marks the first round, which lists all.
    """

    since: tuple[str, str] | None = None
    began: str = ""
    whole: bool = True
    open: bool = True


def next_round(position: Position) -> Position:
    start = soql_time(parse_time(position.began) - OVERLAP)
    return Position(since=(start, ""), began="", whole=False, open=True)


def encode_cursor(positions: Mapping[str, Position]) -> str:
    body = {
        name: [list(p.since) if p.since else None, p.began, p.whole, p.open] for name, p in sorted(positions.items())
    }
    return json.dumps({"v": 1, "at": body}, separators=(",", ":"))


def decode_cursor(cursor: str | None, objects: Sequence[str], now: datetime) -> dict[str, Position]:
    """Where each object is read on. A finished round begins anew; raises `CursorExpired` when it cannot be trusted."""
    if cursor is None:
        return {name: Position() for name in objects}
    positions = _decode(cursor)
    if sorted(positions) != sorted(objects):
        raise CursorExpired("The position is of another version.")
    if any(p.began and now - parse_time(p.began) > CURSOR_LIFE for p in positions.values()):
        raise CursorExpired("The position is older than the recycle bin, so deletions could be missed.")
    if any(p.open for p in positions.values()):
        return {name: positions[name] for name in objects}
    return {name: next_round(positions[name]) for name in objects}


def _decode(cursor: str) -> dict[str, Position]:
    try:
        at = json.loads(cursor)["at"]
        return {
            name: Position(since=(str(s[0]), str(s[1])) if s else None, began=str(began), whole=bool(w), open=bool(o))
            for name, (s, began, w, o) in at.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise CursorExpired("The position cannot be read.") from error


def page_soql(name: str, fields: Sequence[str], position: Position, only: str, limit: int) -> str:
    """One page in the order (SystemModstamp, Id). Stamps are not unique, so the id breaks ties."""
    where = [only] if only and position.whole else []
    if position.since:
        stamp, last = position.since
        tie = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {soql_text(last)}))"
        where.append(tie if last else f"SystemModstamp >= {stamp}")
    return select(fields, name, " AND ".join(where)) + f" ORDER BY SystemModstamp, Id LIMIT {limit}"


def advance(position: Position, rows: Sequence[Row], limit: int, server_now: datetime) -> Position:
    """The position after a page; a page that is not full ends the round."""
    since = position.since
    if rows:
        since = (soql_time(parse_time(str(rows[-1]["SystemModstamp"]))), str(rows[-1]["Id"]))
    began = position.began or soql_time(server_now)
    return replace(position, since=since, began=began, open=len(rows) >= limit)
