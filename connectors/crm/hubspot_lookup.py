"""Is an activity there? By our key, or where that is not unique, among what the index and the records' own links show.

A search is minutes late and its page says so; associations are not served from that index. Where our key is not unique
both are asked, and without a key the activity is recognised by what it shows.
https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.base.errors import Rejected
from connectors.base.model import Attempt, CreateTask, LogEmail
from connectors.crm.hubspot_account import AccountFacts, HubSpotAccount
from connectors.crm.hubspot_api import MAX_BATCH, HubSpotApi
from connectors.crm.hubspot_map import KEY, Filter, Search, millis, numeric, parse_time, value
from connectors.crm.hubspot_parse import Row
from connectors.crm.hubspot_writes_map import FINGERPRINT, TASK_FINGERPRINT, KeyMode, is_mail, is_task

Target = tuple[str, str]  # (object, id)
ORDER = ("contacts", "companies", "deals", "leads")
_KEYS_AT_ONCE = 25  # of one search
_GROUPS = 5
_EARLIER = timedelta(hours=1)  # ids grow with time, but not strictly
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """A record found; `deleted` when it lies in the archive. `extras` show the same write."""

    id: str
    deleted: bool = False
    extras: tuple[str, ...] = ()


class HubSpotLookup:
    """Finds activities."""

    def __init__(self, api: HubSpotApi, account: HubSpotAccount) -> None:
        self._api = api
        self._account = account

    async def by_key(self, name: str, keys: Sequence[str]) -> dict[str, Known]:
        """Records that bear these keys; those in the archive too, where keys are unique."""
        mode = (await self._account.facts()).shape(name).mode
        if mode is KeyMode.NONE or not keys:
            return {}
        if mode is KeyMode.PLAIN:
            rows = await self._keyed(name, keys, (KEY,))
            return {value(r, KEY): Known(str(r["id"])) for r in sorted(rows, key=_age, reverse=True)}
        rows = await self._api.read(name, keys, (KEY,), by=KEY)
        found = {value(r, KEY): Known(str(r["id"])) for r in rows}
        try:
            gone = await self._api.read(name, [k for k in keys if k not in found], (KEY,), by=KEY, archived=True)
        except Rejected:
            gone = []  # the archive is not kept by key
        return {value(r, KEY): Known(str(r["id"]), deleted=True) for r in gone} | found

    async def _keyed(self, name: str, keys: Sequence[str], properties: tuple[str, ...]) -> list[Row]:
        rows: list[Row] = []
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = tuple(keys[start : start + _KEYS_AT_ONCE])
            rows += await self._api.search(name, Search(((Filter(KEY, "IN", values=some),),), properties))
        return [r for r in rows if value(r, KEY) in keys]

    async def seek(
        self, name: str, attempts: Sequence[Attempt], own: Mapping[str, Sequence[Target]]
    ) -> tuple[dict[str, Known], frozenset[str]]:
        """Activities by the keys of their writes, the oldest where several are alike; and keys that cannot be told.

        `own` are the living records of each write. What cannot be told is a mail whose content is hidden from us.
        """
        facts = await self._account.facts()
        rows = {str(r["id"]): r for r in await self._indexed(name, attempts, facts)}
        rows |= await self._beside(name, attempts, own)
        found: dict[str, Known] = {}
        hidden: set[str] = set()
        for attempt in attempts:
            told = [(r, same_write(attempt, r, facts.shape(name).mode, facts)) for r in rows.values()]
            same = [str(r["id"]) for r in sorted((r for r, is_ in told if is_), key=_age)]
            if same:
                found[attempt.write.key] = Known(same[0], extras=tuple(same[1:]))
            elif any(is_ is None for _, is_ in told):
                hidden.add(attempt.write.key)
        return found, frozenset(hidden)

    async def _indexed(self, name: str, attempts: Sequence[Attempt], facts: AccountFacts) -> list[Row]:
        """What the index shows with one of the keys, or without keys at the very times."""
        if facts.shape(name).mode is not KeyMode.NONE:
            return await self._keyed(name, [a.write.key for a in attempts], _shown(name))
        times = sorted({str(millis(_time_of(a))) for a in attempts})
        rows: list[Row] = []
        for start in range(0, len(times), _GROUPS):
            groups = tuple(
                (Filter("hs_timestamp", "GTE", at), Filter("hs_timestamp", "LTE", at))
                for at in times[start : start + _GROUPS]
            )
            rows += await self._api.search(name, Search(groups, _shown(name)))
        return rows

    async def _beside(
        self, name: str, attempts: Sequence[Attempt], own: Mapping[str, Sequence[Target]]
    ) -> dict[str, Row]:
        """The activities of one record of each write, newest first, back to when the write was first sent."""
        since: dict[Target, datetime] = {}
        for attempt in attempts:
            targets = sorted(own[attempt.write.key], key=lambda t: ORDER.index(t[0]))
            began = attempt.first_sent_at - _EARLIER if attempt.first_sent_at else _LONG_AGO
            since |= {t: min(began, since.get(t, began)) for t in targets[:1]}
        left: dict[Target, list[str]] = {}
        for other in sorted({n for n, _ in since}):
            links = await self._api.links(other, name, sorted(i for n, i in since if n == other))
            left |= {(other, i): sorted({str(r["toObjectId"]) for r in rows}, key=numeric) for i, rows in links.items()}
        rows: dict[str, Row] = {}
        while left := {t: ids for t, ids in left.items() if ids}:
            newest = {t: ids[-MAX_BATCH:] for t, ids in left.items()}
            wanted = sorted({i for ids in newest.values() for i in ids if i not in rows}, key=numeric)
            rows |= {str(r["id"]): r for r in await self._api.read(name, wanted, _shown(name))}
            left = {
                t: ids[:-MAX_BATCH]
                for t, ids in left.items()
                if any((_made_at(rows[i]) or since[t]) >= since[t] for i in newest[t] if i in rows)
            }
        return rows


def same_write(attempt: Attempt, row: Row, mode: KeyMode, facts: AccountFacts) -> bool | None:
    """Whether a row is what a write made; None where that cannot be told."""
    write = attempt.write
    if value(row, KEY) or mode is not KeyMode.NONE:
        return value(row, KEY) == write.key
    if isinstance(write, LogEmail):
        return is_mail(write, row, facts.author, hidden=facts.mail_hidden)
    return isinstance(write, CreateTask) and is_task(write, row)


def _shown(name: str) -> tuple[str, ...]:
    return FINGERPRINT if name == "emails" else TASK_FINGERPRINT


def _time_of(attempt: Attempt) -> datetime:
    write = attempt.write
    return (
        write.sent_at if isinstance(write, LogEmail) else write.due_at if isinstance(write, CreateTask) else _LONG_AGO
    )


def _made_at(row: Row) -> datetime | None:
    return parse_time(value(row, "hs_createdate") or row.get("createdAt"))


def _age(row: Row) -> tuple[datetime, tuple[int, str]]:
    return _made_at(row) or _LONG_AGO, numeric(row["id"])
