"""How true the simulators are: one table a vendor, from which `docs/fidelity.md` is written and tests read."""

from tradepost.sandbox.fidelity import gmail, graph, hubspot, salesforce, zoho
from tradepost.sandbox.fidelity.model import Table

TABLES: dict[str, Table] = {
    table.name: table for table in (gmail.TABLE, graph.TABLE, salesforce.TABLE, hubspot.TABLE, zoho.TABLE)
}

__all__ = ["TABLES", "Table"]
