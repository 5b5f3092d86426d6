"""Every connector keeps every promise of its seam."""

from __future__ import annotations

import pytest

from tests.conformance.page import PocketRig
from tradepost.testing import CRM, MAIL, conform
from tradepost.testing.rigs import CRM_RIGS, MAIL_RIGS
from tradepost.testing.trial import sample


def _name(make) -> str:
    return sample(make).name


@pytest.mark.parametrize("check", MAIL.checks, ids=str)
@pytest.mark.parametrize("make", MAIL_RIGS, ids=_name)
def test_a_mail_source_keeps_its_promises(make, check):
    conform(check, make)


@pytest.mark.parametrize("check", CRM.checks, ids=str)
@pytest.mark.parametrize("make", [*CRM_RIGS, PocketRig], ids=_name)
def test_a_crm_target_keeps_its_promises(make, check):
    conform(check, make)
