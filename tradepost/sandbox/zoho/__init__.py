"""Zoho CRM and Zoho accounts as an ASGI app, written from the vendor's documents.

`ZohoOrg` is the organisation: its data, its people and its settings. `ZohoVendor` serves it over HTTP, `ZohoHost` shows
it as every simulated CRM is shown.
"""

from tradepost.sandbox.zoho.host import ZohoHost
from tradepost.sandbox.zoho.org import ZohoOrg
from tradepost.sandbox.zoho.state import Settings
from tradepost.sandbox.zoho.strictness import Strictness, Unknowns
from tradepost.sandbox.zoho.vendor import ZohoVendor

__all__ = ["Settings", "Strictness", "Unknowns", "ZohoHost", "ZohoOrg", "ZohoVendor"]
