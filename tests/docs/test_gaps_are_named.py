"""The table of what each CRM protects says what the connectors declare."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from connectors.base.model import Capability, Lookup, WriteKind
from tradepost.sandbox.virtual import run
from tradepost.testing.bench import opened
from tradepost.testing.crm_bench import CrmBench
from tradepost.testing.rigs import HubSpotPlainKeyRig, HubSpotRig, SalesforceRig, SalesforceUnkeyedRig, ZohoRig

ROOT = Path(__file__).parents[2]
BEST = {"Salesforce": SalesforceRig, "HubSpot": HubSpotRig, "Zoho CRM": ZohoRig}
LESS = {"Salesforce": SalesforceUnkeyedRig, "HubSpot": HubSpotPlainKeyRig}


@cache
def declared(make) -> dict[WriteKind, Capability]:
    async def ask():
        bench = CrmBench(make)
        async with opened(bench, bench.start):
            return dict(bench.account.capabilities)

    return run(ask())


def told(page: str) -> dict[str, list[str]]:
    """The cells of the table by the CRM of their column."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    start = lines.index("| | Salesforce | HubSpot | Zoho CRM |")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : start + 9]]
    return {crm: [row[at] for row in rows[2:]] for at, crm in enumerate(rows[0]) if crm}


@pytest.mark.parametrize("crm", BEST)
def test_what_has_a_unique_key_and_what_has_none(crm):
    can = declared(BEST[crm])
    mail, task, customer, move, *_ = told("README.md")[crm]
    assert ("unique key" in mail) is can[WriteKind.LOG_EMAIL].unique_key
    assert ("unique key" in task or task == "as for mails") is can[WriteKind.CREATE_TASK].unique_key
    assert customer.startswith("unique") is can[WriteKind.CREATE_CUSTOMER].unique_key
    assert ("**no" in move) is not can[WriteKind.MOVE_DEAL].guarded
    assert all(one.lookup is not Lookup.NONE for one in can.values() if one.exists)


@pytest.mark.parametrize("crm", BEST)
def test_how_long_is_waited_and_how_many_activities_a_mail_makes(crm):
    mail = declared(BEST[crm])[WriteKind.LOG_EMAIL]
    *_, waits, spans, _ = told("README.md")[crm]
    minutes = [int(n) for n in re.findall(r"\d+", waits)]
    assert minutes[0] * 60 == mail.settles_after
    assert (spans == "one activity") is mail.spans_records
    if len(minutes) > 1:
        assert minutes[1] * 60 == declared(LESS[crm])[WriteKind.LOG_EMAIL].settles_after


def test_without_set_up_salesforce_keeps_no_key():
    can = declared(SalesforceUnkeyedRig)
    assert not any(can[kind].unique_key for kind in (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK))


def test_both_languages_tell_the_same():
    english, chinese = told("README.md"), told("README.zh.md")
    for crm in BEST:
        for one, other in zip(english[crm], chinese[crm], strict=True):
            assert re.findall(r"\d+", one) == re.findall(r"\d+", other)
            assert ("**no" in one) == ("**没有" in other), one
            assert ("unique" in one) == ("唯一" in other) or other == "与邮件相同", one
