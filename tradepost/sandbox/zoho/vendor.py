"""Zoho over HTTP: hosts, versions, tokens, limits, headers.

https://www.zoho.com/crm/developer/docs/api/v8/
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tradepost.sandbox.kernel import Fault, Kind, Vendor, World
from tradepost.sandbox.zoho import auth, routes
from tradepost.sandbox.zoho.api import Api, credits_of, heavy, route_of
from tradepost.sandbox.zoho.auth import OAuthRefused
from tradepost.sandbox.zoho.call import Answer, Call, split_path
from tradepost.sandbox.zoho.centres import ACCOUNTS_HOSTS, API_HOSTS, CENTRES, HOST_NAMES
from tradepost.sandbox.zoho.errors import Refused, wrong_url
from tradepost.sandbox.zoho.limits import SUB_CONCURRENCY
from tradepost.sandbox.zoho.org import ZohoOrg
from tradepost.sandbox.zoho.routes import Route
from tradepost.sandbox.zoho.state import Settings
from tradepost.sandbox.zoho.strictness import Strictness, Unknowns

VERSIONS = frozenset({"v2", "v2.1", "v3", "v4", "v5", "v6", "v7", "v8"})
_OAUTH = {
    ("POST", "token"): "get_token",
    ("GET", "token"): "get_token",
    ("POST", "token/revoke"): "revoke_token",
    ("GET", "token/revoke"): "revoke_token",
    ("GET", "auth"): "authorize",
}
_FAULTS = {
    # status, code -> the answer's code and message
    (400, ""): ("INVALID_DATA", "invalid data"),
    (401, ""): ("INVALID_TOKEN", "invalid oauth token"),
    (401, "AUTHENTICATION_FAILURE"): ("AUTHENTICATION_FAILURE", "Authentication failed"),
    (401, "OAUTH_SCOPE_MISMATCH"): ("OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL"),
    (403, ""): ("NO_PERMISSION", "permission denied"),
    (404, ""): ("INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"),
    (412, ""): ("ALREADY_MODIFIED", "record updated time has already passed if-unmodified-since time"),
    (429, ""): ("TOO_MANY_REQUESTS", "You have made too many requests"),
    (500, ""): ("INTERNAL_ERROR", "Internal server error occurred."),
    (500, "INTERNAL_SERVER_ERROR"): ("INTERNAL_SERVER_ERROR", "Internal server error"),
    (503, ""): ("SERVICE_UNAVAILABLE", "The service is not available"),
}
_HTML_STATUSES = frozenset({502, 503, 504})
_BULK_URL = re.compile(r"crm/bulk/")


class ZohoVendor(Vendor):
    """One organisation behind the accounts server and the API host of its data centre, and those of all others."""

    name = "zoho"

    CONTROLS = (
        "add_user",
        "add_account",
        "add_contact",
        "add_lead",
        "add_deal",
        "create",
        "update",
        "delete",
        "empty_recycle_bin",
        "move_deal",
        "convert_lead",
        "merge",
        "lock",
        "unlock",
        "put_in_blueprint",
        "leave_blueprint",
        "await_approval",
        "await_review",
        "approve",
        "native_mail",
        "deactivate_user",
        "activate_user",
        "delete_user",
        "expire_tokens",
        "new_refresh_token",
        "new_grant_code",
        "set_edition",
        "set_credits_used",
        "set_unknown",
        "set_service_seconds",
        "add_field",
        "drop_field",
        "require_field",
        "add_pipeline",
        "rename_stage",
        "add_module",
        "record",
        "records",
        "mails",
        "stage_moves",
        "statistics",
        "dump",
    )
    """What `tradepost.sandbox.control` may call on `controlled`."""

    def __init__(
        self,
        world: World,
        rules: Strictness | None = None,
        *,
        centre: str = "cn",
        unknowns: Unknowns | None = None,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(world)
        self.org = ZohoOrg(world, rules, centre=centre, unknowns=unknowns, settings=settings)
        self.api = Api(self.org.state)

    @property
    def controlled(self) -> ZohoOrg:
        """Whose methods `CONTROLS` names."""
        return self.org

    @property
    def strictness(self) -> Strictness:
        """Which rules are kept."""
        return self.org.state.rules

    @property
    def host_names(self) -> tuple[str, ...]:
        """Every data centre's."""
        return HOST_NAMES

    def credentials(self, base_url: str) -> dict[str, Any]:
        """What signs in at this organisation, served at `base_url`."""
        client = self.org.client
        return {
            "accounts_url": base_url,
            "api_domain": base_url,
            "data_centre": self.org.centre,
            "client_id": client.client_id,
            "client_secret": client.secret,
            "refresh_token": self.org.token,
            "user_id": self.org.api_user,
            "admin_id": self.org.admin,
        }

    # ------------------------------------------------------------------------------------------------ for the kernel

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        """A call's name as in `routes`; asking for a token counts as reading."""
        del query, body
        segments = split_path(path)
        if segments[:1] == ("oauth",):
            return _OAUTH.get((method, "/".join(segments[2:])), "/".join(segments)), "read"
        rest, bulk = _below_version(segments)
        found, _ = routes.find(method, rest, bulk=bulk)
        if found is None:
            return "unknown", "read" if method in {"GET", "HEAD", "OPTIONS"} else "write"
        return found.name, found.kind

    def fault_reply(self, fault: Fault) -> Response:
        """502 to 504 are HTML pages unless `code` names an error; `code` ACCESS_DENIED is the token endpoint's."""
        if fault.code == "ACCESS_DENIED":
            return JSONResponse(auth.DENIED, 200)
        if fault.status in _HTML_STATUSES and not fault.code:
            return HTMLResponse("<html><head><title>Zoho</title></head><body>Sorry</body></html>", fault.status)
        default = (fault.code or "INTERNAL_ERROR", fault.code or "Internal server error occurred.")
        code, message = _FAULTS.get((fault.status, fault.code), default)
        return self._json(Answer(status=fault.status, body=Refused(code, message).body()))

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        host = request.url.hostname or ""
        segments = split_path(request.url.path.removeprefix(request.scope.get("root_path", "")))
        if segments[:1] == ("oauth",) and host not in API_HOSTS:
            return self._oauth(request, segments[1:], body, host)
        if host in ACCOUNTS_HOSTS:
            return HTMLResponse("<html><body>Invalid request</body></html>", 404)
        return await self._crm(request, segments, body, host)

    # ------------------------------------------------------------------------------------------------ accounts

    def _oauth(self, request: Request, segments: tuple[str, ...], body: bytes, host: str) -> Response:
        try:
            return self._accounts(request, segments, body, host)
        except OAuthRefused as refused:
            return JSONResponse(refused.body, 200 if self.strictness.token_error_is_200 else 400)

    def _accounts(self, request: Request, segments: tuple[str, ...], body: bytes, host: str) -> Response:
        """Parameters come in the query, in a form, or in both."""
        form = {
            **dict(request.query_params),
            **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)),
        }
        if segments == ("serverinfo",):
            return JSONResponse(auth.server_info())
        foreign = host in ACCOUNTS_HOSTS and ACCOUNTS_HOSTS[host] != self.org.centre
        match segments:
            case ("v2", "token") if request.method == "POST":
                if foreign:
                    raise OAuthRefused("invalid_client" if form.get("client_id") not in self.org.accounts.clients
                                       else "invalid_code")  # fmt: skip
                return JSONResponse(self.org.accounts.token(form, self._api_domain(request, host)))
            case ("v2", "token", "revoke"):
                if foreign or not self.org.accounts.revoke(form.get("token", "")):
                    return JSONResponse({"error": "invalid_token"}, 400)
                return JSONResponse({"status": "success"})
            case ("v2", "auth") if request.method == "GET":
                return RedirectResponse(self.org.accounts.redirect(form, self.org.api_user), 302)
        return HTMLResponse("<html><body>Invalid request</body></html>", 404)

    def _api_domain(self, request: Request, host: str) -> str:
        """The data centre's API host, or the address that a loopback request came to."""
        if host in ACCOUNTS_HOSTS:
            return f"https://{CENTRES[self.org.centre].api}"
        return str(request.base_url).rstrip("/")

    # ------------------------------------------------------------------------------------------------ the CRM

    async def _crm(self, request: Request, segments: tuple[str, ...], body: bytes, host: str) -> Response:
        try:
            route, call, granted = self._admitted(request, segments, body, host)
        except Refused as refused:
            return self._json(Answer(status=refused.http, body=refused.body()))
        flight, weight = self.org.flight, heavy(route, call)
        flight.calls += 1
        flight.heavy += weight
        try:
            await self.world.clock.sleep(self.org.state.settings.service_seconds)
            return self._executed(route, call, granted)
        finally:
            flight.calls -= 1
            flight.heavy -= weight

    def _admitted(
        self, request: Request, segments: tuple[str, ...], body: bytes, host: str
    ) -> tuple[Route, Call, tuple[str, ...]]:
        """The call, after the doors: address, token, concurrency, credits. Raises `Refused`."""
        rest, bulk = _below_version(segments)
        version = segments[2] if bulk else segments[1] if len(segments) > 1 else ""
        if segments[:1] != ("crm",) or version not in VERSIONS or not rest:
            raise wrong_url()
        token, why = self.org.accounts.session(request.headers.get("authorization", ""))
        if token is None or (host in API_HOSTS and API_HOSTS[host] != self.org.centre):
            raise self._no_token(why)
        call = Call(
            method=request.method,
            path=rest,
            version=version,
            user=token.user,
            query=dict(request.query_params),
            headers={key.lower(): value for key, value in request.headers.items()},
            raw=body,
        )
        route, call = route_of(call, bulk=bulk)
        call = _with_body(call)
        self._check_flight(heavy=heavy(route, call))
        self._check_credits(credits_of(route, call))
        return route, call, token.scopes

    def _no_token(self, why: str) -> Refused:
        match why:
            case "missing":
                return Refused("AUTHENTICATION_FAILURE", "Authentication failed", http=401)
            case auth.KILLED:
                return Refused("INVALID_OAUTHTOKEN", "invalid oauth token", http=401)
            case "expired":
                return Refused(self.org.state.unknowns.expired_token_code, "invalid oauth token", http=401)
        return Refused("INVALID_TOKEN", "invalid oauth token", http=401)

    def _check_flight(self, *, heavy: bool) -> None:
        if self.org.flight.calls >= self.org.edition.concurrent and self.strictness.concurrency:
            raise self._too_many()
        if heavy and self.org.flight.heavy >= SUB_CONCURRENCY and self.strictness.sub_concurrency:
            raise self._too_many()

    def _check_credits(self, price: int) -> None:
        now = self.world.clock.now()
        if self.org.ledger.used(now) + price > self.org.credits and self.strictness.credits:
            raise self._too_many()
        self.org.ledger.spend(now, price)

    def _too_many(self) -> Refused:
        return Refused(self.org.state.unknowns.credits_code, "You have made too many requests", http=429)

    def _executed(self, route: Route, call: Call, granted: tuple[str, ...]) -> Response:
        state = self.org.state
        savepoint = state.store.savepoint()
        try:
            answer = self.api.handle(route, call, granted)
        except Refused as refused:
            state.store.rollback(savepoint)
            answer = Answer(status=refused.http, body=refused.body())
        finally:
            state.commit()
        return self._json(answer)

    def _json(self, answer: Answer) -> Response:
        headers = dict(answer.headers)
        used, most = self.org.ledger.used(self.world.clock.now()), self.org.credits
        if used * 2 >= most:
            headers["X-API-CREDITS-REMAINING"] = str(max(0, most - used))
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        content = answer.body if isinstance(answer.body, bytes) else _text(answer.body)
        return Response(content, answer.status, headers, media_type=answer.media)


def _text(body: Any) -> bytes:
    """JSON. Half characters, which a request may hold, come back as question marks."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _below_version(segments: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """What follows the version, and whether it is the bulk API."""
    if segments[:2] == ("crm", "bulk"):
        return segments[3:], True
    return segments[2:], False


def _with_body(call: Call) -> Call:
    """The call with its JSON. Raises INVALID_DATA."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not call.raw or call.method in {"GET", "HEAD"} or kind.startswith("multipart/"):
        return call
    try:
        body = json.loads(call.raw)
    except (ValueError, RecursionError):
        details = {"expected_data_type": "jsonobject"}
        raise Refused("INVALID_DATA", "body", details) from None
    return Call(
        method=call.method,
        path=call.path,
        version=call.version,
        user=call.user,
        query=call.query,
        headers=call.headers,
        body=body,
        raw=call.raw,
        found=call.found,
    )
