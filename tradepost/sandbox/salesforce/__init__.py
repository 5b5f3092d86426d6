"""Salesforce as an ASGI app, written from the vendor's documents.

`SalesforceOrg` is the org: its data, its people and its settings. `SalesforceVendor` serves it over HTTP.
"""

from tradepost.sandbox.salesforce.auth import ConnectedClient
from tradepost.sandbox.salesforce.org import SalesforceOrg, Stage
from tradepost.sandbox.salesforce.strictness import Strictness
from tradepost.sandbox.salesforce.vendor import SalesforceVendor

__all__ = ["ConnectedClient", "SalesforceOrg", "SalesforceVendor", "Stage", "Strictness"]
