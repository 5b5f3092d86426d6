"""The simulated Microsoft 365 tenant."""

from __future__ import annotations

from tradepost.sandbox.fidelity.model import Endpoint, Table, endpoint

_GRAPH = "https://learn.microsoft.com/graph"
_LOGIN = "https://learn.microsoft.com/entra/identity-platform"


def _user(
    methods: str, rest: str, page: str, *, simplified: str = "", doubt: tuple[str, str] | None = None
) -> list[Endpoint]:
    """A path below /users/{user} and the same below /me."""
    doubts = (doubt,) if doubt else ()
    return [
        endpoint(
            methods, f"/{{version}}/users/{{user}}{rest}", f"{_GRAPH}/{page}", simplified=simplified, doubts=doubts
        ),
        endpoint(methods, f"/{{version}}/me{rest}", f"{_GRAPH}/{page}", simplified=simplified, doubts=doubts),
    ]


def _mail(methods: str, rest: str, page: str, *, simplified: str = "") -> list[Endpoint]:
    """A path below a message, in the mailbox and in a folder."""
    found = []
    for below in ("", "/mailFolders/{folder}"):
        found += _user(methods, f"{below}/messages{rest}", page, simplified=simplified)
    return found


_ROUNDS = (
    "In which order and how often delta repeats items; here at random, repeats and empty pages included.",
    "None: changes are applied in any order, and a removed mail is asked for by its id.",
)
_THROTTLE = (
    "Whether a batch's parts to one mailbox may run four at a time.",
    "None: one batch at a time a mailbox, and parts refused for it are asked again.",
)

TABLE = Table(
    "graph",
    "Microsoft Graph v1.0, mail, and its identity platform",
    (
        endpoint(
            "POST",
            "/{tenant}/oauth2/v2.0/token",
            f"{_LOGIN}/v2-oauth2-client-creds-grant-flow",
            simplified="Client credentials (secret, certificate), device code, code, refresh; tokens fit this sandbox.",
        ),
        endpoint("POST", "/{tenant}/oauth2/token", f"{_LOGIN}/v2-oauth2-client-creds-grant-flow"),
        endpoint("POST", "/{tenant}/oauth2/v2.0/devicecode", f"{_LOGIN}/v2-oauth2-device-code"),
        endpoint("POST", "/{tenant}/oauth2/devicecode", f"{_LOGIN}/v2-oauth2-device-code"),
        endpoint(
            "GET POST",
            "/{tenant}/oauth2/v2.0/authorize",
            f"{_LOGIN}/v2-oauth2-auth-code-flow",
            simplified="A list of users.",
        ),
        endpoint(
            "GET POST",
            "/{tenant}/oauth2/authorize",
            f"{_LOGIN}/v2-oauth2-auth-code-flow",
            simplified="A list of users.",
        ),
        endpoint(
            "GET POST", "/{tenant}/oauth2/{what...}", f"{_LOGIN}/v2-protocols-oidc", simplified="Pages for a person."
        ),
        endpoint("GET", "/{tenant}/v2.0/.well-known/openid-configuration", f"{_LOGIN}/v2-protocols-oidc"),
        endpoint("GET", "/{tenant}/.well-known/openid-configuration", f"{_LOGIN}/v2-protocols-oidc"),
        endpoint("GET", "/{tenant}/discovery/{what...}", f"{_LOGIN}/access-tokens"),
        endpoint("GET", "/common/userrealm/{user}", f"{_LOGIN}/v2-protocols-oidc"),
        endpoint("POST", "/{version}/$batch", f"{_GRAPH}/json-batching", doubts=(_THROTTLE,)),
        endpoint("GET", "/{version}/organization", f"{_GRAPH}/api/organization-list", simplified="Name, domains, id."),
        endpoint(
            "GET",
            "/{version}/users",
            f"{_GRAPH}/api/user-list",
            simplified="$search looks for the beginnings of words.",
        ),
        endpoint("GET", "/{version}/users/$count", f"{_GRAPH}/api/user-list"),
        *_user("GET", "", "api/user-get", simplified="Properties of name, mail and state."),
        *_user("GET", "/mailboxSettings", "api/user-get-mailboxsettings", simplified="Read only."),
        *_user("GET", "/outlook/masterCategories", "api/outlookuser-list-mastercategories", simplified="Read only."),
        *_user("GET POST", "/mailFolders", "api/user-list-mailfolders"),
        *_user("GET", "/mailFolders/$count", "api/user-list-mailfolders"),
        *_user("GET", "/mailFolders/delta", "api/mailfolder-delta", doubt=_ROUNDS),
        *_user("GET", "/mailFolders/delta()", "api/mailfolder-delta", doubt=_ROUNDS),
        *_user("GET", "/mailFolders/microsoft.graph.delta()", "api/mailfolder-delta", doubt=_ROUNDS),
        *_user("GET PATCH DELETE", "/mailFolders/{folder}", "api/mailfolder-get"),
        *_user("GET POST", "/mailFolders/{folder}/childFolders", "api/mailfolder-list-childfolders"),
        *_user("GET", "/mailFolders/{folder}/childFolders/{what...}", "api/mailfolder-list-childfolders"),
        *_user("GET", "/mailFolders/{folder}/messageRules", "api/mailfolder-list-messagerules", simplified="None."),
        *_user("POST", "/mailFolders/{folder}/move", "api/mailfolder-move"),
        *_user("POST", "/mailFolders/{folder}/permanentDelete", "api/mailfolder-permanentdelete"),
        *_mail("GET POST", "", "api/user-list-messages", simplified="$search looks for words as they stand."),
        *_mail("GET", "/$count", "api/user-list-messages"),
        *_user("GET", "/mailFolders/{folder}/messages/delta", "api/message-delta", doubt=_ROUNDS),
        *_user("GET", "/mailFolders/{folder}/messages/delta()", "api/message-delta", doubt=_ROUNDS),
        *_user("GET", "/mailFolders/{folder}/messages/microsoft.graph.delta()", "api/message-delta", doubt=_ROUNDS),
        *_mail(
            "GET PATCH DELETE",
            "/{message}",
            "api/message-get",
            simplified="HTML is cleaned by rules of the sandbox's own.",
        ),
        *_mail("GET", "/{message}/$value", "outlook-get-mime-message"),
        *_mail("GET POST", "/{message}/attachments", "api/message-list-attachments", simplified="No upload sessions."),
        *_mail("GET", "/{message}/attachments/$count", "api/message-list-attachments"),
        *_mail("GET DELETE", "/{message}/attachments/{attachment}", "api/attachment-get"),
        *_mail("GET", "/{message}/attachments/{attachment}/$value", "api/attachment-get"),
        *_mail("POST", "/{message}/{verb}", "api/message-move", simplified="Mail to others is lost."),
        *_user("POST", "/sendMail", "api/user-sendmail", simplified="Mail to others is lost."),
        *_user("POST", "/translateExchangeIds", "api/user-translateexchangeids"),
        endpoint("GET", "/{version}/groups", f"{_GRAPH}/api/group-list", simplified="There are none."),
        *_user("GET", "/contacts", "api/user-list-contacts", simplified="There are none."),
        *_user("GET", "/events", "api/user-list-events", simplified="There are none."),
        *_user("GET", "/calendar/events", "api/user-list-events", simplified="There are none."),
        *_user("GET", "/calendars", "api/user-list-calendars", simplified="There are none."),
        *_user("GET", "/calendarView", "api/user-list-calendarview", simplified="There are none."),
        *_user("GET", "/calendar/calendarView", "api/calendar-list-calendarview", simplified="There are none."),
        *_user("GET", "/contactFolders", "api/user-list-contactfolders", simplified="There are none."),
        *_user("GET", "/memberOf", "api/user-list-memberof", simplified="There are no groups."),
        endpoint(
            "GET POST",
            "/{version}/subscriptions",
            f"{_GRAPH}/api/subscription-post-subscriptions",
            simplified="No handshake, and nothing is ever sent.",
            doubts=(("4,230 or 10,080 minutes at most; here 10,080.", ""),),
        ),
        endpoint("GET PATCH DELETE", "/{version}/subscriptions/{id}", f"{_GRAPH}/api/subscription-update"),
        endpoint("POST", "/{version}/subscriptions/{id}/reauthorize", f"{_GRAPH}/api/subscription-reauthorize"),
    ),
    remarks=(
        "Names are read without letter case, and `users('x')` as `users/x`; /beta answers like v1.0.",
        "Reply, forward, rules and upload sessions are as little as other programs need to send a mail.",
        "Tenants of the national clouds answer at their own hosts.",
    ),
)
