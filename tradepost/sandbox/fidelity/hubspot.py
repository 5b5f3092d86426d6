"""The simulated HubSpot account."""

from __future__ import annotations

from collections.abc import Iterable

from tradepost.sandbox.fidelity.model import Endpoint, Table, endpoint

_DOCS = "https://developers.hubspot.com/docs/api-reference/latest"
_OBJECTS = f"{_DOCS}/crm/using-object-apis"
_LEGACY = "https://developers.hubspot.com/changelog/legacy-apis-and-legacy-apps-whats-going-unsupported-and-when"


def _both(
    methods: str,
    area: str,
    rest: str,
    page: str,
    *,
    simplified: str = "",
    doubts: Iterable[tuple[str, str]] = (),
) -> list[Endpoint]:
    """A dated path, `/crm/AREA/2026-09/...`, and the older `/crm/v3/AREA/...` that clients still use."""
    told = list(doubts)
    return [
        endpoint(methods, f"/crm/{area}/{{version}}{rest}", page, simplified=simplified, doubts=told),
        endpoint(methods, f"/crm/{{version}}/{area}{rest}", _LEGACY, simplified=simplified, doubts=told),
    ]


_KEYS = (
    (
        "Whether one's own property of e-mails, tasks and notes can be unique (the documents name contacts, companies, "
        "deals, tickets and custom objects only)."
    ),
    "`setup` makes the property on each kind, reads it back and keeps the mode: unique, not unique, or none.",
)
_ORDER = ("Whether results of a batch keep the order of its inputs.", "None: results are matched by id or key.")
_PARTIAL = (
    (
        "Whether the final 2026-09 answers 207 (one of its two documents lists it, the other does not); here it does, "
        "when every input has a trace id."
    ),
    "None: both answers are read.",
)
_LAG = (
    "How far search is behind a write; here 10 s.",
    "None: look-ups wait, and the change feed overlaps, `lag_seconds`.",
)

TABLE = Table(
    "hubspot",
    "HubSpot CRM (2026-09, 2026-03 and the older v1 to v4)",
    (
        *_both("GET POST", "objects", "/{type}", _OBJECTS, doubts=(_KEYS,)),
        *_both("GET PATCH DELETE", "objects", "/{type}/{id}", _OBJECTS),
        *_both("POST", "objects", "/{type}/batch/read", _OBJECTS, doubts=(_ORDER,)),
        *_both("POST", "objects", "/{type}/batch/create", _OBJECTS, doubts=(_PARTIAL,)),
        *_both("POST", "objects", "/{type}/batch/update", _OBJECTS),
        *_both("POST", "objects", "/{type}/batch/upsert", _OBJECTS, doubts=(_PARTIAL,)),
        *_both("POST", "objects", "/{type}/batch/archive", _OBJECTS),
        *_both(
            "POST",
            "objects",
            "/{type}/search",
            f"{_DOCS}/crm/search-the-crm",
            simplified="Words are matched as substrings, not by the index's analysis.",
            doubts=(_LAG, ("18 or 25 filters in one search; here 18.", "None: it sends fewer.")),
        ),
        *_both("POST", "objects", "/{type}/merge", _OBJECTS),
        *_both("POST", "objects", "/{type}/gdpr-delete", f"{_DOCS}/crm/gdpr-delete"),
        *_both("GET", "objects", "/{type}/{id}/associations/{toType}", f"{_DOCS}/crm/associations/guide"),
        *_both("PUT DELETE", "objects", "/{type}/{id}/associations/{toType}/{toId}", f"{_DOCS}/crm/associations/guide"),
        *_both(
            "PUT DELETE",
            "objects",
            "/{type}/{id}/associations/{toType}/{toId}/{associationType}",
            f"{_DOCS}/crm/associations/guide",
        ),
        *_both(
            "PUT",
            "objects",
            "/{type}/{id}/associations/default/{toType}/{toId}",
            f"{_DOCS}/crm/associations/guide",
        ),
        *_both("POST", "associations", "/{from}/{to}/batch/{verb}", f"{_DOCS}/crm/associations/guide"),
        *_both("POST", "associations", "/{from}/{to}/batch/{what}/{verb}", f"{_DOCS}/crm/associations/guide"),
        *_both("GET POST PUT", "associations", "/{from}/{to}/labels", f"{_DOCS}/crm/associations/schema"),
        *_both("DELETE", "associations", "/{from}/{to}/labels/{id}", f"{_DOCS}/crm/associations/schema"),
        *_both("GET", "associations", "/{from}/{to}/types", f"{_DOCS}/crm/associations/schema"),
        *_both("GET", "associations", "/definitions/configurations/all", f"{_DOCS}/crm/associations/schema"),
        *_both("GET", "associations", "/definitions/configurations/{from}/{to}", f"{_DOCS}/crm/associations/schema"),
        *_both("GET POST", "properties", "/{type}", f"{_DOCS}/crm/properties/guide", doubts=(_KEYS,)),
        *_both("GET PATCH DELETE", "properties", "/{type}/{name}", f"{_DOCS}/crm/properties/guide"),
        *_both("GET POST", "properties", "/{type}/groups", f"{_DOCS}/crm/properties/guide"),
        *_both("GET PATCH DELETE", "properties", "/{type}/groups/{name}", f"{_DOCS}/crm/properties/guide"),
        *_both("POST", "properties", "/{type}/batch/{verb}", f"{_DOCS}/crm/properties/guide"),
        endpoint("GET", "/properties/{version}/{type}/properties", _LEGACY),
        endpoint("GET", "/properties/{version}/{type}/properties/named/{name}", _LEGACY),
        endpoint("GET", "/crm-pipelines/{version}/pipelines/{type}", _LEGACY),
        *_both("GET POST", "pipelines", "/{type}", f"{_DOCS}/crm/pipelines/guide"),
        *_both("GET PATCH PUT DELETE", "pipelines", "/{type}/{id}", f"{_DOCS}/crm/pipelines/guide"),
        *_both("GET", "pipelines", "/{type}/{id}/audit", f"{_DOCS}/crm/pipelines/guide", simplified="Empty."),
        *_both("GET POST", "pipelines", "/{type}/{id}/stages", f"{_DOCS}/crm/pipelines/guide"),
        *_both("GET PATCH PUT DELETE", "pipelines", "/{type}/{id}/stages/{stage}", f"{_DOCS}/crm/pipelines/guide"),
        *_both(
            "GET", "pipelines", "/{type}/{id}/stages/{stage}/audit", f"{_DOCS}/crm/pipelines/guide", simplified="Empty."
        ),
        *_both("GET", "owners", "", f"{_DOCS}/crm/owners/guide"),
        *_both("GET", "owners", "/{id}", f"{_DOCS}/crm/owners/guide"),
        endpoint("GET", "/owners/{version}/owners", _LEGACY),
        *_both("GET POST", "schemas", "", f"{_DOCS}/crm/objects/schemas/guide", simplified="No uninstalling."),
        *_both("GET PATCH DELETE", "schemas", "/{type}", f"{_DOCS}/crm/objects/schemas/guide"),
        *_both("POST", "schemas", "/{type}/associations", f"{_DOCS}/crm/objects/schemas/guide"),
        endpoint("GET POST", "/crm-object-schemas/{version}/schemas", f"{_DOCS}/crm/objects/schemas/guide"),
        endpoint(
            "GET PATCH DELETE", "/crm-object-schemas/{version}/schemas/{type}", f"{_DOCS}/crm/objects/schemas/guide"
        ),
        *_both("GET", "object-schemas", "", f"{_DOCS}/crm/objects/schemas/guide"),
        *_both("GET", "lists", "", f"{_DOCS}/crm/lists/guide", simplified="There are none."),
        *_both("POST", "lists", "/search", f"{_DOCS}/crm/lists/guide", simplified="There are none."),
        *_both(
            "GET", "limits", "/{what...}", f"{_DOCS}/crm/limits-tracking/guide", simplified="Counts of a small account."
        ),
        endpoint("GET", "/settings/{version}/users", f"{_DOCS}/settings/users/guide", simplified="Read only."),
        endpoint("GET", "/account-info/{version}/details", f"{_DOCS}/account/account-information/guide"),
        endpoint(
            "GET",
            "/account-info/{version}/api-usage/daily",
            f"{_DOCS}/account/account-information/guide",
            doubts=(("625,000 or 650,000 requests a day for Professional.", "None: the answer's own number counts."),),
        ),
        endpoint(
            "GET", "/account-info/{version}/api-usage/daily/private-apps", f"{_DOCS}/account/account-information/guide"
        ),
        endpoint("GET", "/integrations/v1/me", _LEGACY),
        endpoint("GET", "/integrations/v1/limit/daily", _LEGACY),
        endpoint(
            "GET POST",
            "/communication-preferences/{version}/{what...}",
            f"{_DOCS}/communication-preferences/guide",
            simplified="One subscription type.",
            doubts=(("Which scopes reading opt-outs needs.", "None: opt-outs are read as properties of contacts."),),
        ),
        endpoint(
            "POST", "/files/{version}/files", f"{_DOCS}/files/guide", simplified="Kept in memory; no import by URL."
        ),
        endpoint("GET", "/files/{version}/files/search", f"{_DOCS}/files/guide", simplified="By name."),
        endpoint("GET DELETE", "/files/{version}/files/{id}", f"{_DOCS}/files/guide"),
        endpoint("GET", "/files/{version}/files/{id}/signed-url", f"{_DOCS}/files/guide"),
        endpoint("POST", "/oauth/{version}/token", f"{_DOCS}/authentication/manage-oauth-tokens"),
        endpoint("POST", "/oauth/{version}/token/{verb}", f"{_DOCS}/authentication/manage-oauth-tokens"),
        endpoint("GET", "/oauth/{version}/access-tokens/{token}", f"{_DOCS}/authentication/manage-oauth-tokens"),
        endpoint(
            "GET DELETE", "/oauth/{version}/refresh-tokens/{token}", f"{_DOCS}/authentication/manage-oauth-tokens"
        ),
        endpoint(
            "POST",
            "/oauth/{version}/private-apps/get/access-token-info",
            "https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview",
            doubts=(
                ("Whether it answers for service keys too.", "`check` asks, and goes without where it is refused."),
            ),
        ),
        endpoint(
            "GET POST",
            "/oauth/authorize",
            f"{_DOCS}/authentication/manage-oauth-tokens",
            simplified="Consents at once.",
        ),
    ),
    remarks=(
        "Property lists of each kind come from the vendor's documents and well-known names; an account has more.",
        "Ten-second, daily and search pools hold by tier; webhooks, workflows and marketing are not there (404).",
        "Whether hs_email_message_id and hs_email_thread_id can be written is unknown: read-only unless switched.",
    ),
)
