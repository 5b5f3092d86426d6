"""Who may do what: tokens, permissions, access policies and shared mailboxes.

https://learn.microsoft.com/graph/permissions-reference, .../auth-limit-mailbox-access and
https://learn.microsoft.com/exchange/permissions-exo/application-rbac.
"""

from __future__ import annotations

from datetime import datetime

from tradepost.sandbox.graph.auth import Token, Tokens
from tradepost.sandbox.graph.call import Inquiry, Need
from tradepost.sandbox.graph.clouds import accepts
from tradepost.sandbox.graph.errors import (
    access_denied,
    insufficient_privileges,
    invalid_token,
    odata_disabled,
)
from tradepost.sandbox.graph.people import READ_BASIC, READ_MAIL, READ_USERS, App, User

_ALLOWED: dict[Need, frozenset[str]] = {
    Need.BASIC: frozenset(READ_BASIC),
    Need.READ: frozenset(READ_MAIL),
    Need.WRITE: frozenset({"Mail.ReadWrite"}),
    Need.SEND: frozenset({"Mail.Send"}),
    Need.USERS: frozenset(READ_USERS),
    Need.SETTINGS: frozenset({"MailboxSettings.Read", "MailboxSettings.ReadWrite"}),
    Need.CALENDAR: frozenset({"Calendars.Read", "Calendars.ReadBasic", "Calendars.ReadWrite"}),
    Need.CONTACTS: frozenset({"Contacts.Read", "Contacts.ReadWrite"}),
    Need.GROUPS: frozenset({"Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"}),
}
DIRECTORY = frozenset({Need.USERS, Need.GROUPS})  # what Entra ID answers, not Exchange
_OWN = frozenset({"User.Read", "User.ReadWrite"})


def token_of(inquiry: Inquiry, tokens: Tokens, now: datetime) -> Token:
    """Raises 401 for a token that is missing, unknown, too old or meant for others."""
    kind, _, value = inquiry.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not value.strip():
        raise invalid_token("Access token is empty.")
    token = tokens.lookup(value.strip())
    if token is None:
        if value.count(".") != 2:
            raise invalid_token("IDX14100: JWT is not well formed, there are no dots (.).")
        raise invalid_token("Access token validation failure. Invalid signature.")
    if token.expires <= now and tokens.strict.tokens_expire:
        raise invalid_token("Lifetime validation failed, the token is expired.")
    if not accepts(token.audience, inquiry.host) and tokens.strict.audience_checked:
        raise invalid_token("Access token validation failure. Invalid audience.")
    return token


def admit(token: Token, app: App, need: Need, user: User | None, tokens: Tokens) -> bool:
    """Raises 403 unless the call is allowed; the answer is whether contents of mail stay hidden."""
    if need is Need.NOTHING:
        return False
    if token.user:
        _admit_user(token, need, user, tokens)
    else:
        _admit_app(token, app, need, user, tokens)
    return need is Need.BASIC and not _has(token, app, _ALLOWED[Need.READ], user)


def _has(token: Token, app: App, allowed: frozenset[str], user: User | None) -> bool:
    """Whether a permission was given at all, or for this mailbox."""
    if allowed & {name.removesuffix(".Shared") for name in token.permissions}:
        return True
    return user is not None and any(user.id in app.scoped.get(role, ()) for role in allowed)


def _admit_app(token: Token, app: App, need: Need, user: User | None, tokens: Tokens) -> None:
    strict, allowed = tokens.strict, _ALLOWED[need]
    if need in DIRECTORY:
        if strict.permissions_checked and not token.permissions & allowed:
            raise insufficient_privileges()
        return
    if strict.access_policy and user is not None:
        outside = app.policy is not None and user.id not in app.policy
        # A scoped role gives what it names; a consent for the whole tenant is added to it, never narrowed by it.
        unscoped = bool(token.permissions & allowed)
        scoped = [ids for role, ids in app.scoped.items() if role in allowed]
        if outside or (scoped and not unscoped and not any(user.id in ids for ids in scoped)):
            raise odata_disabled()
    named = any(role in allowed for role in app.scoped)
    if strict.permissions_checked and not token.permissions & allowed and not named:
        raise access_denied()


def _admit_user(token: Token, need: Need, user: User | None, tokens: Tokens) -> None:
    strict, allowed = tokens.strict, _ALLOWED[need]
    own = user is not None and user.id == token.user
    if need in DIRECTORY:
        if strict.permissions_checked and not token.permissions & (allowed | (_OWN if own else frozenset())):
            raise insufficient_privileges()
        return
    if user is not None and not own and strict.other_mailboxes_refused:
        shared = {f"{name}.Shared" for name in allowed} & token.permissions
        if not shared or token.user not in user.shared_with:
            raise access_denied()
    wide = token.permissions | {name.removesuffix(".Shared") for name in token.permissions}
    if strict.permissions_checked and not wide & allowed:
        raise access_denied()
