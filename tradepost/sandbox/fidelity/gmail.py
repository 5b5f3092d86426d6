"""The simulated Gmail."""

from __future__ import annotations

from tradepost.sandbox.fidelity.model import Table, endpoint

_REST = "https://developers.google.com/workspace/gmail/api/reference/rest/v1"
_USER = "/gmail/v1/users/{userId}"
_SET = f"{_USER}/settings"
_UPLOAD = "https://developers.google.com/workspace/gmail/api/guides/uploads"
_KEPT = "Kept and given back; it has no effect on mail."

TABLE = Table(
    "gmail",
    "Gmail API v1",
    (
        endpoint(
            "POST",
            "/token",
            "https://developers.google.com/identity/protocols/oauth2/service-account",
            simplified="Tokens are opaque texts; no id_token.",
        ),
        endpoint("POST", "/revoke", "https://developers.google.com/identity/protocols/oauth2/web-server"),
        endpoint(
            "GET",
            "/o/oauth2/v2/auth",
            "https://developers.google.com/identity/protocols/oauth2/native-app",
            simplified="A page with one link a mailbox instead of a sign-in.",
        ),
        endpoint(
            "POST",
            "/batch",
            "https://developers.google.com/workspace/gmail/api/guides/batch",
            doubts=(
                (
                    "How many parts of one user run side by side before some answer 429 is published nowhere; here 25.",
                    "None: what a batch leaves unanswered is asked again in batches of five, then one by one.",
                ),
            ),
        ),
        endpoint("POST", "/batch/gmail/v1", "https://developers.google.com/workspace/gmail/api/guides/batch"),
        endpoint("GET", f"{_USER}/profile", f"{_REST}/users/getProfile"),
        endpoint("POST", f"{_USER}/watch", f"{_REST}/users/watch", simplified="Answers; nothing is ever pushed."),
        endpoint("POST", f"{_USER}/stop", f"{_REST}/users/stop"),
        endpoint(
            "GET",
            f"{_USER}/messages",
            f"{_REST}/users.messages/list",
            simplified="Search operators as in the help page, without stemming; unknown operators are words.",
            doubts=(
                (
                    "Whether a mail of the very second that `after:` or `before:` names belongs to the window.",
                    "None: a second more is searched at each end, and the edges are taken out again.",
                ),
                ("How long a page token lives.", "None: a refused token starts the slice anew."),
            ),
        ),
        endpoint("POST", f"{_USER}/messages", f"{_REST}/users.messages/insert"),
        endpoint("POST", f"{_USER}/messages/import", f"{_REST}/users.messages/import", simplified="No spam check."),
        endpoint(
            "POST", f"{_USER}/messages/send", f"{_REST}/users.messages/send", simplified="Mail to others is lost."
        ),
        endpoint(
            "GET",
            f"{_USER}/messages/{{id}}",
            f"{_REST}/users.messages/get",
            doubts=(
                (
                    "From which size on a text part comes as an attachment id; here 256 KiB.",
                    "None: the whole mail is read as `raw`.",
                ),
            ),
        ),
        endpoint("DELETE", f"{_USER}/messages/{{id}}", f"{_REST}/users.messages/delete"),
        endpoint("POST", f"{_USER}/messages/{{id}}/modify", f"{_REST}/users.messages/modify"),
        endpoint("POST", f"{_USER}/messages/{{id}}/trash", f"{_REST}/users.messages/trash"),
        endpoint("POST", f"{_USER}/messages/{{id}}/untrash", f"{_REST}/users.messages/untrash"),
        endpoint("POST", f"{_USER}/messages/batchModify", f"{_REST}/users.messages/batchModify"),
        endpoint("POST", f"{_USER}/messages/batchDelete", f"{_REST}/users.messages/batchDelete"),
        endpoint(
            "GET", f"{_USER}/messages/{{messageId}}/attachments/{{id}}", f"{_REST}/users.messages.attachments/get"
        ),
        endpoint("GET", f"{_USER}/threads", f"{_REST}/users.threads/list"),
        endpoint("GET DELETE", f"{_USER}/threads/{{id}}", f"{_REST}/users.threads"),
        endpoint("POST", f"{_USER}/threads/{{id}}/modify", f"{_REST}/users.threads/modify"),
        endpoint("POST", f"{_USER}/threads/{{id}}/trash", f"{_REST}/users.threads/trash"),
        endpoint("POST", f"{_USER}/threads/{{id}}/untrash", f"{_REST}/users.threads/untrash"),
        endpoint(
            "GET",
            f"{_USER}/history",
            f"{_REST}/users.history/list",
            doubts=(
                (
                    "How long an id is answered: a week as a rule, hours at worst; here seven days, or when ordered.",
                    "None: a 404 starts a listing of the window.",
                ),
            ),
        ),
        endpoint("GET POST", f"{_USER}/labels", f"{_REST}/users.labels"),
        endpoint("GET PATCH PUT DELETE", f"{_USER}/labels/{{id}}", f"{_REST}/users.labels"),
        endpoint("GET POST", f"{_USER}/drafts", f"{_REST}/users.drafts"),
        endpoint("GET PUT DELETE", f"{_USER}/drafts/{{id}}", f"{_REST}/users.drafts"),
        endpoint("POST", f"{_USER}/drafts/send", f"{_REST}/users.drafts/send"),
        endpoint("POST", f"/upload{_USER}/messages", _UPLOAD),
        endpoint("POST", f"/upload{_USER}/messages/import", _UPLOAD),
        endpoint("POST", f"/upload{_USER}/messages/send", _UPLOAD),
        endpoint("POST", f"/upload{_USER}/drafts", _UPLOAD),
        endpoint("POST", f"/upload{_USER}/drafts/send", _UPLOAD),
        endpoint("PUT", f"/upload{_USER}/drafts/{{id}}", _UPLOAD),
        endpoint("PUT DELETE", f"/upload{_USER}/{{what...}}", f"{_UPLOAD}#resumable"),
        endpoint("GET PUT", f"{_SET}/vacation", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET PUT", f"{_SET}/imap", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET PUT", f"{_SET}/pop", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET PUT", f"{_SET}/language", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET PUT", f"{_SET}/autoForwarding", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET POST", f"{_SET}/filters", f"{_REST}/users.settings.filters", simplified=_KEPT),
        endpoint("GET DELETE", f"{_SET}/filters/{{id}}", f"{_REST}/users.settings.filters", simplified=_KEPT),
        endpoint("GET POST", f"{_SET}/forwardingAddresses", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET DELETE", f"{_SET}/forwardingAddresses/{{address}}", f"{_REST}/users.settings", simplified=_KEPT),
        endpoint("GET POST", f"{_SET}/delegates", f"{_REST}/users.settings.delegates", simplified=_KEPT),
        endpoint("GET DELETE", f"{_SET}/delegates/{{address}}", f"{_REST}/users.settings.delegates", simplified=_KEPT),
        endpoint("GET POST", f"{_SET}/sendAs", f"{_REST}/users.settings.sendAs", simplified="No SMTP relays."),
        endpoint(
            "GET PUT PATCH DELETE",
            f"{_SET}/sendAs/{{sendAsEmail}}",
            f"{_REST}/users.settings.sendAs",
            simplified="No SMTP relays.",
        ),
        endpoint(
            "POST", f"{_SET}/sendAs/{{sendAsEmail}}/verify", f"{_REST}/users.settings.sendAs", simplified="No mail."
        ),
        endpoint(
            "GET POST PATCH DELETE",
            f"{_SET}/cse/{{what...}}",
            f"{_REST}/users.settings.cse.keypairs",
            simplified="Answers 501.",
        ),
        endpoint(
            "GET POST",
            f"{_SET}/sendAs/{{sendAsEmail}}/smimeInfo",
            f"{_REST}/users.settings.sendAs.smimeInfo",
            simplified="Answers 501.",
        ),
        endpoint(
            "GET POST DELETE",
            f"{_SET}/sendAs/{{sendAsEmail}}/smimeInfo/{{what...}}",
            f"{_REST}/users.settings.sendAs.smimeInfo",
            simplified="Answers 501.",
        ),
    ),
    remarks=(
        "Paths, parameters, scopes and field masks come from the discovery document in google-api-python-client.",
        (
            "Costs of calls and sums by minute and day are those of May 2026; whether a project gets 6,000 or "
            "15,000 units a user and minute is told by nobody but the first 429: `units_per_minute` in the connection."
        ),
        "Mail leaves the domain for nowhere; what colleagues send each other arrives.",
    ),
)
