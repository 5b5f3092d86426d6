"""The scopes there are.

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
"""

from __future__ import annotations

EVERYTHING = frozenset(
    {"oauth", "files", "sales-email-read", "connected-email-data-access", "communication_preferences.read_write"}
    | {"crm.objects.owners.read", "crm.schemas.custom.read", "crm.objects.custom.read", "crm.objects.custom.write"}
    | {
        f"crm.{area}.{name}.{right}"
        for area in ("objects", "schemas")
        for name in ("contacts", "companies", "deals", "leads", "tickets", "products", "line_items", "quotes")
        for right in ("read", "write")
    }
    | {
        f"crm.objects.{name}.{right}"
        for name in ("orders", "invoices", "subscriptions", "carts", "feedback_submissions", "goals", "users")
        for right in ("read", "write")
    }
)
"""What the account's key is given unless somebody takes scopes away."""
