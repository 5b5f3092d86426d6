"""Rigs of the connectors that come with Tradepost."""

from collections.abc import Callable
from typing import Any

from tradepost.sandbox.kernel import World
from tradepost.testing.rigs.gmail import GmailRig
from tradepost.testing.rigs.graph import GraphRig
from tradepost.testing.rigs.hubspot import HubSpotNoKeyRig, HubSpotPlainKeyRig, HubSpotRig
from tradepost.testing.rigs.salesforce import SalesforceRig, SalesforceUnkeyedRig
from tradepost.testing.rigs.zoho import ZohoRig, ZohoUnkeyedRig

MAIL_RIGS: tuple[Callable[[World], Any], ...] = (GraphRig, GmailRig)
CRM_RIGS: tuple[Callable[[World], Any], ...] = (HubSpotRig, SalesforceRig, ZohoRig)
LESSER_RIGS: tuple[Callable[[World], Any], ...] = (
    HubSpotPlainKeyRig,
    HubSpotNoKeyRig,
    SalesforceUnkeyedRig,
    ZohoUnkeyedRig,
)
"""Accounts that lack something of their set-up: judged by `make conformance` only."""
