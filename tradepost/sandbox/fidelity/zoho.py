"""The simulated Zoho organisation."""

from __future__ import annotations

from tradepost.sandbox.fidelity.model import Endpoint, Table, endpoint

_DOCS = "https://www.zoho.com/crm/developer/docs/api/v8"
_OAUTH = "https://www.zoho.com/accounts/protocol/oauth"
_OAS = "https://github.com/zoho/crm-oas"
_CRM = "/crm/{version}"
_MODULE = f"{_CRM}/{{module}}"
_RECORD = f"{_MODULE}/{{id}}"


def _settings(name: str, methods: str = "GET", one: str = "GET", page: str = "modules-api.html") -> list[Endpoint]:
    """A list below /settings and its single entries."""
    return [
        endpoint(methods, f"{_CRM}/settings/{name}", f"{_DOCS}/{page}"),
        endpoint(one, f"{_CRM}/settings/{name}/{{id}}", f"{_DOCS}/{page}"),
    ]


TABLE = Table(
    "zoho",
    "Zoho CRM (v2 to v8) and Zoho accounts",
    (
        endpoint(
            "GET POST",
            "/oauth/v2/token",
            f"{_OAUTH}/web-apps/access-token.html",
            doubts=(("The API domain of the data centre uk.", "`check` uses the `api_domain` of the token's answer."),),
        ),
        endpoint("GET POST", "/oauth/v2/token/revoke", f"{_OAUTH}/web-apps/revoke-token.html"),
        endpoint("GET", "/oauth/serverinfo", f"{_OAUTH}/multi-dc.html"),
        endpoint("GET", "/oauth/v2/auth", f"{_OAUTH}/web-apps/authorization.html", simplified="Consents at once."),
        endpoint("GET", f"{_CRM}/org", f"{_DOCS}/get-org-data.html"),
        endpoint("GET", f"{_CRM}/users", f"{_DOCS}/get-users.html"),
        endpoint("GET", f"{_CRM}/users/{{id}}", f"{_DOCS}/get-users.html"),
        endpoint("GET", f"{_CRM}/users/actions/count", f"{_DOCS}/get-users.html"),
        *_settings("modules"),
        *_settings("fields", "GET POST PATCH", "GET PATCH DELETE", "field-meta.html"),
        *_settings("layouts", page="layouts-meta.html"),
        *_settings("pipeline", page="pipeline.html"),
        endpoint(
            "GET",
            f"{_CRM}/settings/related_lists",
            f"{_DOCS}/related-list-meta.html",
            doubts=(
                (
                    "The API name of the stage history below a deal; here Stage_History.",
                    "The first look at a deal's history takes the name from the related lists of Deals.",
                ),
            ),
        ),
        endpoint("GET", f"{_CRM}/settings/related_lists/{{id}}", f"{_DOCS}/related-list-meta.html"),
        *_settings("custom_views", page="custom-view-meta.html"),
        *_settings("profiles", page="profiles.html"),
        *_settings("roles", page="roles.html"),
        *_settings("tags", "GET POST", page="tags.html"),
        *_settings("recycle_bin", "GET DELETE", "GET DELETE", "recycle-bin.html"),
        endpoint("GET POST PUT DELETE", f"{_CRM}/settings/duplicate_check_preference", f"{_OAS}"),
        endpoint(
            "POST",
            f"{_CRM}/coql",
            f"{_DOCS}/COQL-Overview.html",
            simplified="No aliases of sub-queries.",
            doubts=(("200 or 2,000 rows a query; here 2,000.", "None: it asks for 200."),),
        ),
        endpoint("POST", f"{_CRM}/__composite_requests", f"{_DOCS}/composite-api.html"),
        endpoint(
            "GET",
            f"{_CRM}/actions/email_available",
            _OAS,
            doubts=(
                (
                    "Whether it is still there: the later documents have dropped it.",
                    "The first look-up asks it; where it is refused, the record's list alone is read.",
                ),
            ),
        ),
        endpoint("GET POST", f"{_CRM}/files", f"{_DOCS}/upload-files-to-zfs.html", simplified="Kept in memory."),
        endpoint(
            "GET POST PUT PATCH DELETE",
            f"{_CRM}/actions/watch",
            f"{_DOCS}/notifications/overview.html",
            simplified="Nothing is ever sent.",
        ),
        endpoint("GET POST PUT DELETE", _MODULE, f"{_DOCS}/get-records.html"),
        endpoint("POST", f"{_MODULE}/upsert", f"{_DOCS}/upsert-records.html"),
        endpoint("GET", f"{_MODULE}/deleted", f"{_DOCS}/get-deleted-records.html"),
        endpoint(
            "GET",
            f"{_MODULE}/search",
            f"{_DOCS}/search-records.html",
            doubts=(("How far the index is behind; here 30 s.", "None: look-ups wait until a write has settled."),),
        ),
        endpoint("GET PUT DELETE", _RECORD, f"{_DOCS}/get-records.html"),
        endpoint("GET", f"{_MODULE}/actions/count", f"{_DOCS}/get-records.html"),
        endpoint("GET", f"{_MODULE}/actions/fetch_full_data", _OAS),
        endpoint("GET", f"{_RECORD}/actions/fetch_full_data", _OAS),
        endpoint(
            "GET POST", f"{_MODULE}/actions/mass_update", f"{_DOCS}/mass-update-records.html", simplified="At once."
        ),
        endpoint("POST", f"{_MODULE}/actions/{{verb}}", f"{_DOCS}/change-owner.html"),
        endpoint("POST", f"{_RECORD}/actions/{{verb}}", f"{_DOCS}/change-owner.html"),
        endpoint("GET PUT", f"{_RECORD}/actions/blueprint", f"{_DOCS}/get-blueprint.html", simplified="One process."),
        endpoint(
            "POST",
            f"{_RECORD}/actions/associate_email",
            f"{_DOCS}/associate-email.html",
            doubts=(
                (
                    "What a repeated original_message_id on one record does; here a second mail (switchable).",
                    "None: a write whose answer was lost is looked for in the record's mails before it is sent again.",
                ),
                ("Credits of a call; assumed 1.", "None."),
            ),
        ),
        endpoint("POST DELETE", f"{_RECORD}/Emails/actions/link_record", _OAS),
        endpoint("POST DELETE", f"{_RECORD}/Emails/{{message}}/actions/link_record", _OAS),
        endpoint("GET", f"{_RECORD}/Emails", f"{_DOCS}/get-email-rel-list.html"),
        endpoint("GET", f"{_RECORD}/Emails/{{message}}", f"{_DOCS}/view-email-rel-list.html"),
        endpoint(
            "GET", f"{_RECORD}/__timeline", f"{_DOCS}/timeline-of-a-record.html", simplified="Changes of fields only."
        ),
        endpoint("GET POST", f"{_RECORD}/Locking_Information__s", _OAS),
        endpoint("GET DELETE", f"{_RECORD}/Locking_Information__s/{{lock}}", _OAS),
        endpoint(
            "GET POST DELETE", f"{_RECORD}/Attachments", f"{_DOCS}/upload-attachment.html", simplified="20 MB a file."
        ),
        endpoint("GET DELETE", f"{_RECORD}/Attachments/{{attachment}}", f"{_DOCS}/download-attachment.html"),
        endpoint("GET POST DELETE", f"{_RECORD}/photo", f"{_DOCS}/upload-image.html"),
        endpoint("GET POST PUT DELETE", f"{_RECORD}/{{list}}", f"{_DOCS}/get-related-records.html"),
        endpoint("GET PUT DELETE", f"{_RECORD}/{{list}}/{{other}}", f"{_DOCS}/get-related-records.html"),
        endpoint("POST", "/crm/bulk/{version}/read", f"{_DOCS}/bulk-read/create-job.html"),
        endpoint("GET", "/crm/bulk/{version}/read/{id}", f"{_DOCS}/bulk-read/get-job-details.html"),
        endpoint("GET", "/crm/bulk/{version}/read/{id}/result", f"{_DOCS}/bulk-read/download-result.html"),
    ),
    remarks=(
        "What nobody could confirm is a switch of the simulator (`set_unknown`), each set to the worse for a client.",
        "How long to wait after a 429 is told nowhere; bulk write, sending mail and territories are not there.",
    ),
)
