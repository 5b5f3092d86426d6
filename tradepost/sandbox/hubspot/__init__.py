"""HubSpot CRM as an ASGI app, written from the vendor's documents.

`HubSpotPortal` is the account: its data, its people and its settings. `HubSpotVendor` serves it over HTTP.
"""

from tradepost.sandbox.hubspot.portal import HubSpotPortal
from tradepost.sandbox.hubspot.state import Settings
from tradepost.sandbox.hubspot.strictness import Strictness
from tradepost.sandbox.hubspot.vendor import HubSpotVendor

__all__ = ["HubSpotPortal", "HubSpotVendor", "Settings", "Strictness"]
