"""Microsoft Graph mail (v1.0) and the Microsoft identity platform, simulated."""

from tradepost.sandbox.graph.host import GraphHost
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.graph.vendor import GraphVendor

__all__ = ["GraphHost", "GraphVendor", "Strictness"]
