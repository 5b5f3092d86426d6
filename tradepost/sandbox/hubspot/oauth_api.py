"""Token endpoints: dated, v1 and v3, and what tells about tokens.

https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens
"""

from __future__ import annotations

from tradepost.sandbox.hubspot.account import Account
from tradepost.sandbox.hubspot.auth import OAuthRefused, read_form
from tradepost.sandbox.hubspot.call import Answer, Call, Route, read_json
from tradepost.sandbox.hubspot.errors import bad_json, not_found


def _form(account: Account, call: Call) -> dict[str, str]:
    """v1 took secrets from the query too."""
    form = read_form(call.raw)
    if call.dated and account.state.strict.oauth_secrets_in_form:
        return form
    return {name: values[0] for name, values in call.query.items()} | form


def token(account: Account, call: Call) -> Answer:
    try:
        found = account.auth.token(_form(account, call))
    except OAuthRefused as refused:
        return Answer(status=refused.code, body=refused.body)
    if not call.dated:
        found = {name: found[name] for name in ("token_type", "refresh_token", "access_token", "expires_in")}
    return Answer(body=found, headers={"Cache-Control": "no-store"})


def introspect(account: Account, call: Call) -> Answer:
    form = _form(account, call)
    app = next((each for each in account.auth.apps if each.oauth and each.client_id == form.get("client_id")), None)
    if app is None or app.client_secret != form.get("client_secret"):
        refused = OAuthRefused("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id or secret", 401)
        return Answer(status=refused.code, body=refused.body)
    found = account.auth.introspect(form.get("token", ""))
    return Answer(body=found or {"active": False})


def revoke(account: Account, call: Call) -> Answer:
    account.auth.revoke(_form(account, call).get("token", ""))
    return Answer(status=200, body={})


def access_token_info(account: Account, call: Call) -> Answer:
    """v1; has no counterpart in dated versions."""
    found = account.auth.introspect(call.args[0])
    if found is None or found["token_use"] != "access_token":
        raise not_found("Access token not found")
    names = ("token", "user", "hub_domain", "scopes", "hub_id", "app_id", "expires_in", "user_id", "token_type")
    return Answer(body={name: "access" if name == "token_type" else found[name] for name in names})


def refresh_token_info(account: Account, call: Call) -> Answer:
    found = account.auth.introspect(call.args[0])
    if found is None or found["token_use"] != "refresh_token":
        raise not_found("Refresh token not found")
    names = ("token", "user", "hub_domain", "scopes", "hub_id", "client_id", "user_id", "token_type")
    return Answer(body={name: "refresh" if name == "token_type" else found[name] for name in names})


def delete_refresh_token(account: Account, call: Call) -> Answer:
    account.auth.revoke(call.args[0])
    return Answer(status=204)


def private_app_info(account: Account, call: Call) -> Answer:
    """Documented for private apps; answered for service keys alike."""
    body = read_json(call.raw)
    if not isinstance(body, dict):
        raise bad_json("Some required fields were not set: [tokenKey]")
    app = next((each for each in account.auth.apps if each.key and each.key == body.get("tokenKey")), None)
    if app is None:
        raise not_found("Token not found")
    user, hub = account.auth.user_id, account.state.settings.portal_id
    return Answer(body={"userId": user, "hubId": hub, "appId": int(app.id), "scopes": sorted(app.scopes)})


ROUTES = (
    Route("POST", ("token",), "token", "read", token, free=True),
    Route("POST", ("token", "introspect"), "introspect", "read", introspect, free=True),
    Route("POST", ("token", "revoke"), "revoke", "write", revoke, free=True),
    Route("GET", ("access-tokens", "*"), "access-tokens.get", "read", access_token_info, free=True),
    Route("GET", ("refresh-tokens", "*"), "refresh-tokens.get", "read", refresh_token_info, free=True),
    Route("DELETE", ("refresh-tokens", "*"), "refresh-tokens.delete", "write", delete_refresh_token, free=True),
    Route(
        "POST", ("private-apps", "get", "access-token-info"), "private-apps.info", "read", private_app_info, free=True
    ),
)
