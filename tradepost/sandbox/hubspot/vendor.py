"""HubSpot over HTTP: hosts, versions, tokens, pools, headers.

https://developers.hubspot.com/docs/api-reference/latest/overview
"""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tradepost.sandbox.hubspot import access
from tradepost.sandbox.hubspot.call import Answer, Call, read_json
from tradepost.sandbox.hubspot.errors import (
    VALIDATION,
    Refused,
    missing_scopes,
    not_found,
    rate_limited,
    unauthorised,
)
from tradepost.sandbox.hubspot.portal import HubSpotPortal
from tradepost.sandbox.hubspot.routes import Target, find
from tradepost.sandbox.hubspot.state import Settings
from tradepost.sandbox.hubspot.strictness import Strictness
from tradepost.sandbox.kernel import Fault, Kind, Vendor, World

API_HOSTS = ("api.hubapi.com", "api-eu1.hubapi.com", "api-na1.hubapi.com")
APP_HOST = "app.hubspot.com"
_EDGE = frozenset({502, 503, 504, 521, 522, 523, 524})  # answered by the network in front, as HTML
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class HubSpotVendor(Vendor):
    """One account behind the API's hosts."""

    name = "hubspot"

    CONTROLS = (
        "add_owner",
        "add_company",
        "add_contact",
        "add_lead",
        "add_deal",
        "create",
        "update",
        "move_deal",
        "archive",
        "restore",
        "erase",
        "merge",
        "associate",
        "dissociate",
        "add_address",
        "log_mail",
        "opt_out",
        "deactivate_owner",
        "reactivate_owner",
        "add_validation_rule",
        "drop_validation_rules",
        "set_tier",
        "set_lag",
        "set_mode",
        "catch_up_search",
        "set_daily_used",
        "set_limits",
        "configure",
        "grant",
        "revoke",
        "rotate_key",
        "expire_tokens",
        "revoke_refresh_tokens",
        "add_property",
        "lock_stage",
        "loosen",
        "record",
        "records",
        "linked",
        "history",
        "statistics",
        "dump",
    )
    """What `tradepost.sandbox.control` may call on `controlled`."""

    def __init__(self, world: World, strictness: Strictness | None = None, *, settings: Settings | None = None) -> None:
        super().__init__(world)
        own = Random(world.random.getrandbits(64))  # ids do not depend on what others draw
        self.portal = HubSpotPortal(world.clock, own, strictness, settings)

    @property
    def controlled(self) -> HubSpotPortal:
        """Whose methods `CONTROLS` names."""
        return self.portal

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names under which to mount this app."""
        return (*API_HOSTS, APP_HOST)

    def credentials(self, base_url: str) -> dict[str, Any]:
        """What signs in at this account, served at `base_url`."""
        return {
            "base_url": base_url,
            "access_token": self.portal.key.key,
            "client_id": self.portal.app.client_id,
            "client_secret": self.portal.app.client_secret,
            "refresh_token": self.portal.refresh_token,
            "redirect_uri": self.portal.app.redirect_uri,
            "portal_id": self.portal.state.settings.portal_id,
            "app_id": self.portal.key.id,
        }

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:  # noqa: ARG002
        target = find(method, path)
        if target is None or target.route is None:
            return "unknown", "read" if method in _READS else "write"
        return target.operation, target.route.kind

    def fault_reply(self, fault: Fault) -> Response:
        """`code` names a 429's policy (DAILY, SECONDLY), or a category; 5xx of the network in front are HTML."""
        if fault.status in _EDGE:
            page = f"<html><head><title>{fault.status}</title></head><body>cloudflare</body></html>"
            return HTMLResponse(page, fault.status)
        return self._refusal(_fault(fault))

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        try:
            return self._answer(request, body)
        except Refused as refused:
            return self._refusal(refused)

    # -------------------------------------------------------------------------------------------- inside

    def _answer(self, request: Request, body: bytes) -> Response:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if request.url.hostname == APP_HOST or path == "/oauth/authorize":
            return self._consent(request, path)
        target = find(request.method, _raw_path(request))
        if target is None:
            raise not_found()
        if target.route is None:
            text = "HTTP 405 Method Not Allowed"
            raise Refused(text, status=405, category="", headers={"Allow": ",".join(target.allowed)})
        if target.route.free:
            return self._render(target.route.handler(self.portal, self._call(request, target, body, None)))
        return self._guarded(request, target, body)

    def _guarded(self, request: Request, target: Target, body: bytes) -> Response:
        """With a token, within the pools, with the scopes."""
        assert target.route is not None  # noqa: S101 - asked before
        bearer = self.portal.auth.bearer(request.headers)
        app, search = bearer.app, target.route.search
        try:
            self.portal.pools.take(app.id, oauth=app.oauth, search=search)
            call = self._call(request, target, body, bearer.actor)
            access.demand(self.portal, call, target.route.scopes)
            response = self._render(target.route.handler(self.portal, call))
        except Refused as refused:
            response = self._refusal(refused)
        if not (search and self.portal.state.strict.search_without_rate_headers):
            response.headers.update(self.portal.pools.headers(app.id, oauth=app.oauth))
        return response

    def _call(self, request: Request, target: Target, raw: bytes, actor: Any) -> Call:
        content_type = request.headers.get("content-type", "")
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        parsed = _body(request, target, raw, content_type) if actor is not None else None
        return Call(
            method=request.method,
            version=target.version,
            args=target.args,
            actor=actor or self.portal.person(),
            query=query,
            body=parsed,
            raw=raw,
            content_type=content_type,
            path=request.url.path,
            base_url=str(request.base_url).rstrip("/"),
        )

    def _render(self, answer: Answer) -> Response:
        if answer.body is None:
            return Response(status_code=answer.status, headers=dict(answer.headers))
        response = JSONResponse(answer.body, answer.status, dict(answer.headers))
        response.headers["content-type"] = "application/json;charset=utf-8"
        return response

    def _refusal(self, refused: Refused) -> Response:
        correlation = self.portal.state.uuid()
        answer = Answer(status=refused.status, body=refused.body(correlation), headers=refused.headers)
        response = self._render(answer)
        response.headers["X-HubSpot-Correlation-Id"] = correlation
        return response

    def _consent(self, request: Request, path: str) -> Response:
        """The page where a person lets an app in: consents at once and goes back with a code."""
        if path != "/oauth/authorize":
            return HTMLResponse("<html><body>404</body></html>", 404)
        asked = request.query_params
        try:
            code = self.portal.auth.new_code(asked.get("client_id", ""))
        except KeyError:
            return HTMLResponse("<html><body>Unknown app</body></html>", 400)
        back = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return RedirectResponse(f"{asked.get('redirect_uri', '')}?{urlencode(back)}", 302)


def _raw_path(request: Request) -> str:
    """The path still percent-encoded, below where the app is mounted."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1").removeprefix(request.scope.get("root_path", ""))


def _body(request: Request, target: Target, raw: bytes, content_type: str) -> Any:
    """The JSON of a request. Raises 400 or 415; uploads are read by their handler."""
    if request.method in _READS or not raw.strip() or target.area == "files":
        return None
    if content_type.partition(";")[0].strip().lower() not in {"application/json", ""}:
        raise Refused("HTTP 415 Unsupported Media Type", status=415, category="")
    return read_json(raw)


def _fault(fault: Fault) -> Refused:
    """Bodies by status.

    https://developers.hubspot.com/docs/api-reference/error-handling
    """
    code = fault.code
    match fault.status:
        case 401:
            return unauthorised(category=code or "INVALID_AUTHENTICATION")
        case 403:
            return missing_scopes([code or "crm.objects.contacts.write"])
        case 404:
            return not_found()
        case 409:
            return Refused("Contact already exists. Existing ID: 12345", status=409, category=code or "CONFLICT")
        case 423:
            return Refused("The resource is locked", status=423, category=code or "LOCKED")
        case 429:
            return rate_limited(code or "TEN_SECONDLY_ROLLING")
        case 477:
            headers = {"Retry-After": str(int(fault.seconds) or 60)}
            return Refused("Migration in progress", status=477, category=code or "MIGRATION", headers=headers)
        case 400:
            return Refused("Invalid input", category=code or VALIDATION)
    return Refused("internal error", status=fault.status, category=code or "INTERNAL_ERROR")
