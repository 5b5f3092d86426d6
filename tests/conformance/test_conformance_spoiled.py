"""A connector spoiled on purpose fails the check named for it; test_conformance_rigs.py shows that the whole one passes."""

from __future__ import annotations

import pytest

from tests.conformance.page import PocketRig
from tradepost.testing import CRM, MAIL, Result, crm_bench, judge, mail_bench
from tradepost.testing.rigs.gmail import GmailRig
from tradepost.testing.rigs.salesforce import SalesforceRig
from tradepost.testing.spoiled.crm import SPOILED_TARGETS
from tradepost.testing.spoiled.mail import SPOILED_SOURCES


@pytest.mark.parametrize("spoiled", SPOILED_TARGETS, ids=str)
def test_a_spoiled_target_is_caught(spoiled):
    check = CRM.named(spoiled.caught_by)
    make = PocketRig if spoiled.in_steps else SalesforceRig
    assert judge(check, crm_bench(make, spoiled.spoil)).result is Result.FAILED


@pytest.mark.parametrize("spoiled", SPOILED_SOURCES, ids=str)
def test_a_spoiled_source_is_caught(spoiled):
    check = MAIL.named(spoiled.caught_by)
    assert judge(check, mail_bench(GmailRig, spoiled.spoil)).result is Result.FAILED


def test_there_are_enough_of_them_and_each_is_told_apart():
    for spoiled in (SPOILED_TARGETS, SPOILED_SOURCES):
        assert len(spoiled) >= 20
        assert len({s.name for s in spoiled}) == len(spoiled)
