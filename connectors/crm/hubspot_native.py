"""Mail that HubSpot's own tools have logged already: connected inboxes, the extensions, the BCC address.

HubSpot does not keep mail of programs and of its own tools apart or together: the same mail would stand there twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from connectors.base.model import LogEmail
from connectors.crm.hubspot_account import HubSpotAccount
from connectors.crm.hubspot_api import HubSpotApi
from connectors.crm.hubspot_map import Filter, Search, millis, numeric, parse_time, value
from connectors.crm.hubspot_parse import Row
from connectors.crm.hubspot_setup_map import is_native
from connectors.crm.hubspot_writes_map import FINGERPRINT, KeyMode, direction, same_id

SLACK = timedelta(minutes=2)
_GROUPS = 5  # of one search


class HubSpotNative:
    """Asks what others have logged."""

    def __init__(self, api: HubSpotApi, account: HubSpotAccount) -> None:
        self._api = api
        self._account = account

    async def logged(self, mails: Sequence[LogEmail], contacts: Mapping[str, frozenset[str]]) -> dict[str, str]:
        """By the write's key the record that somebody else's tool made of the same mail.

        `contacts` are the ids, by key, of the contacts each mail is for; a record must hang on one of them.
        """
        facts = await self._account.facts()
        keyed = facts.shape("emails").mode is not KeyMode.NONE
        rows = [r for r in await self._around(mails) if is_native(r, facts.author, keyed=keyed)]
        pairs = [(mail, [r for r in rows if alike(mail, r)]) for mail in mails]
        found = sorted({str(r["id"]) for _, some in pairs for r in some}, key=numeric)
        hang = await self._api.links("emails", "contacts", found) if found else {}
        on = {record: {str(r["toObjectId"]) for r in links} for record, links in hang.items()}
        logged: dict[str, str] = {}
        for mail, some in pairs:
            people = contacts.get(mail.key, frozenset())
            there = [str(r["id"]) for r in some if not people or people & on.get(str(r["id"]), set())]
            if there:
                logged[mail.key] = min(there, key=numeric)
        return logged

    async def _around(self, mails: Sequence[LogEmail]) -> list[Row]:
        """All mails logged with a time near one of these."""
        rows: dict[str, Row] = {}
        spans = windows(mails)
        for start in range(0, len(spans), _GROUPS):
            groups = tuple(
                (Filter("hs_timestamp", "GTE", str(first)), Filter("hs_timestamp", "LTE", str(last)))
                for first, last in spans[start : start + _GROUPS]
            )
            rows |= {str(r["id"]): r for r in await self._api.search("emails", Search(groups, FINGERPRINT))}
        return list(rows.values())


def windows(mails: Sequence[LogEmail]) -> list[tuple[int, int]]:
    """Spans of time around the mails, in epoch milliseconds; those that touch are one."""
    slack = SLACK // timedelta(milliseconds=1)
    spans: list[tuple[int, int]] = []
    for at in sorted(millis(m.sent_at) for m in mails):
        if spans and at - slack <= spans[-1][1]:
            spans[-1] = (spans[-1][0], at + slack)
        else:
            spans.append((at - slack, at + slack))
    return spans


def alike(mail: LogEmail, row: Row) -> bool:
    """Whether a row is the same mail: by Message-ID where both are known, else by time, subject, way and sender."""
    told = same_id(mail.message_id, row)
    if told is not None:
        return told
    at = parse_time(value(row, "hs_timestamp"))
    sender = value(row, "hs_email_from_email").lower()
    return (
        at is not None
        and abs(at - mail.sent_at) <= SLACK
        and _plain(value(row, "hs_email_subject")) == _plain(mail.subject)
        and value(row, "hs_email_direction") in ("", direction(mail), "FORWARDED_EMAIL")
        and sender in ("", mail.from_.email)
    )


def _plain(subject: str) -> str:
    return " ".join(subject.split()).casefold()
