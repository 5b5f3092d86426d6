"""Salesforce over HTTP: hosts, versions, sessions, limits, headers.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/intro_rest.htm
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from tradepost.sandbox.kernel import Fault, Kind, Vendor, World
from tradepost.sandbox.salesforce import files
from tradepost.sandbox.salesforce.api import Api
from tradepost.sandbox.salesforce.auth import LOGIN_HOSTS, Host, OAuthRefused
from tradepost.sandbox.salesforce.call import Answer, Call, split_path
from tradepost.sandbox.salesforce.errors import Refused, method_not_allowed, not_found
from tradepost.sandbox.salesforce.operations import classify
from tradepost.sandbox.salesforce.org import SalesforceOrg
from tradepost.sandbox.salesforce.state import Actor
from tradepost.sandbox.salesforce.strictness import Strictness

OLDEST_VERSION = 31  # v21 to v30 were retired in Summer '25
NEWEST_VERSION = 68
MOST_URI_BYTES = 16_384
_SEASONS = ("Summer", "Winter", "Spring")

_FAULTS = {
    # status, code -> the answer's code and message
    (401, ""): ("INVALID_SESSION_ID", "Session expired or invalid"),
    (403, ""): ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    (403, "CONCURRENT"): ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
    (400, ""): ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    (500, ""): (
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support",
    ),
    (503, ""): ("SERVER_UNAVAILABLE", "The server is temporarily unavailable. Please try again later."),
}


class SalesforceVendor(Vendor):
    """One org behind its My Domain and the common login hosts."""

    name = "salesforce"

    CONTROLS = (
        "add_user",
        "add_account",
        "add_contact",
        "add_lead",
        "add_opportunity",
        "create",
        "update",
        "delete",
        "undelete",
        "empty_recycle_bin",
        "merge",
        "convert_lead",
        "record",
        "query",
        "deactivate_user",
        "grant",
        "revoke",
        "close_object",
        "hide_field",
        "lock_field",
        "hide_record",
        "show_record",
        "expire_sessions",
        "set_daily_limit",
        "configure",
        "restrict_picklist",
        "fail_next",
        "lock",
        "run_archiver",
        "add_custom_field",
        "add_custom_object",
        "install_package",
        "statistics",
        "dump",
    )
    """What `tradepost.sandbox.control` may call on `controlled`."""

    def __init__(self, world: World, org: SalesforceOrg | None = None, *, strictness: Strictness | None = None) -> None:
        super().__init__(world)
        self.org = org or SalesforceOrg(world.clock, strictness=strictness)
        self.strictness = self.org.state.strictness
        self.api = Api(self.org.state, self.org.requests)
        self.public_url = ""
        """What the org calls itself; empty = https and its My Domain, or the address a loopback request came to."""

    @property
    def controlled(self) -> SalesforceOrg:
        """Whose methods `CONTROLS` names."""
        return self.org

    def credentials(self, base_url: str) -> dict[str, Any]:
        """What signs in at this org, served at `base_url`: client credentials, and the key of the JWT flow."""
        client = self.org.client
        return {
            "login_url": base_url,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "username": self.org.integration_username,
            **({"private_key": client.private_key} if client.knows_private_key else {}),
            "org_id": self.org.org_id,
            "user_id": self.org.integration_user_id,
            "admin_id": self.org.admin_id,
        }

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names under which to mount this app."""
        return (self.org.my_domain, *LOGIN_HOSTS)

    def describe(self, method: str, path: str, query: QueryParams, body: bytes) -> tuple[str, Kind]:
        return classify(query.get("_HttpMethod", method), path, body)

    def fault_reply(self, fault: Fault) -> Response:
        """Edge errors (420, 502) are HTML pages; `code` names an error code, or CONCURRENT for that 403."""
        if fault.status in {420, 502}:
            return HTMLResponse("<html><head><title>Salesforce Edge</title></head><body></body></html>", fault.status)
        default = (fault.code or "UNKNOWN_EXCEPTION", fault.code or "An error has occurred within Lightning Platform.")
        code, message = _FAULTS.get((fault.status, fault.code), default)
        return self._json(Answer(status=fault.status, body=[{"message": message, "errorCode": code}]))

    async def respond(self, request: Request) -> Response:
        body = await request.body()
        if not self.strictness.late_commit and await request.is_disconnected():
            return Response(status_code=503)  # nobody is there to read it
        self.org.state.archive_daily()
        try:
            return self._answer(request, body)
        except OAuthRefused as refused:
            if refused.status == 403:
                return PlainTextResponse(refused.error, 403)
            return JSONResponse(refused.body(), refused.status, {"Cache-Control": "no-store"})
        except Refused as refused:
            return self._json(Answer(status=refused.status, body=refused.body()))
        finally:
            self.org.state.store.commit()

    def _answer(self, request: Request, body: bytes) -> Response:
        raw = _raw_path(request)
        uri = len(raw) + len(request.scope.get("query_string", b""))
        if uri > MOST_URI_BYTES and self.strictness.uri_length:
            return PlainTextResponse("URI Too Long", 414)
        whole = uri + sum(len(k) + len(v) + 4 for k, v in request.headers.raw)
        if uri <= MOST_URI_BYTES < whole and self.strictness.header_length:
            return PlainTextResponse("Request Header Fields Too Large", 431)
        parts = split_path(raw)
        if parts[:2] == ("services", "oauth2"):
            return self._oauth(request, parts[2:], body)
        if len(parts) == 3 and parts[0] == "id":
            return JSONResponse(self.org.auth.identity(dict(request.headers), self._host(request).base_url, parts[1:]))
        if parts[:2] != ("services", "data"):
            raise not_found()
        if len(parts) == 2:
            return self._json(Answer(body=versions()))
        return self._data(request, parts[2], parts[3:], body)

    # -------------------------------------------------------------------------------------------- sign-in

    def _oauth(self, request: Request, rest: tuple[str, ...], body: bytes) -> Response:
        headers = dict(request.headers)
        host = self._host(request)
        if rest == ("token",) and request.method == "POST":
            return JSONResponse(self.org.auth.token(body, headers, host), headers={"Cache-Control": "no-store"})
        if rest == ("userinfo",):
            return JSONResponse(self.org.auth.user_info(headers, host.base_url))
        if rest == ("revoke",):
            token = request.query_params.get("token") or dict(QueryParams(body)).get("token", "")
            if not self.org.auth.revoke(token):
                raise OAuthRefused("invalid_token", "invalid token")
            return PlainTextResponse("")
        raise not_found()

    def _host(self, request: Request) -> Host:
        name = request.url.hostname or ""
        if self.public_url:
            return Host(name, self.public_url)
        if name in self.hosts:
            return Host(name, f"https://{self.org.my_domain}")
        return Host(name, str(request.base_url).rstrip("/"))

    # -------------------------------------------------------------------------------------------- data

    def _data(self, request: Request, version: str, path: tuple[str, ...], body: bytes) -> Response:
        number = _version(version, oldest=OLDEST_VERSION if self.strictness.retired_versions else 21)
        session = self.org.auth.session(request.headers)
        if session is None:
            refused = Refused("INVALID_SESSION_ID", "Session expired or invalid", status=401)
            return self._json(Answer(status=401, body=refused.body(), headers={"WWW-Authenticate": "Token"}))
        access = self.org.state.access(session.user_id)
        if not access.has("ApiEnabled") and self.strictness.api_enabled:
            raise Refused("API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.", status=403)
        query = dict(request.query_params)
        call = Call(
            method=query.pop("_HttpMethod", request.method),
            path=path,
            version=f"{number}.0",
            actor=Actor(session.user_id, access),
            query=query,
            headers=request.headers,
        )
        return self._json(self._counted(call, body), counted=True)

    def _counted(self, call: Call, body: bytes) -> Answer:
        """Read the body, take the call from the daily pool, carry it out."""
        try:
            call = _with_body(call, body)
        except Refused as refused:
            self.org.requests.spend(self.org.state.now())
            return Answer(status=refused.status, body=refused.body())
        now = self.org.state.now()
        empty = self.org.requests.used(now) >= self.org.settings.daily_requests
        if empty and self.strictness.daily_pool:
            return Answer(status=403, body=Refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.").body())
        self.org.requests.spend(now, self.api.cost(call) if self.strictness.batch_parts_counted else 1)
        return self.api.handle(call)

    def _json(self, answer: Answer, *, counted: bool = False) -> Response:
        headers = dict(answer.headers)
        if counted:
            used = self.org.requests.used(self.org.state.now())
            headers["Sforce-Limit-Info"] = f"api-usage={used}/{self.org.settings.daily_requests}"
        if answer.body is None or isinstance(answer.body, bytes):
            return Response(answer.body, answer.status, headers)
        response = JSONResponse(answer.body, answer.status, headers)
        response.headers["content-type"] = "application/json;charset=UTF-8"
        return response


def versions() -> list[dict[str, str]]:
    """The living versions: three a year since Summer '14, which was 31."""
    found = []
    for number in range(OLDEST_VERSION, NEWEST_VERSION + 1):
        since = number - OLDEST_VERSION
        label = f"{_SEASONS[since % 3]} '{14 + (since + 2) // 3}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return found


def _version(text: str, *, oldest: int) -> int:
    match = re.fullmatch(r"v(\d+)\.0", text)
    number = int(match[1]) if match else 0
    if 20 < number < oldest:
        message = f"API version {number}.0 has been retired."
        raise Refused("UNSUPPORTED_API_VERSION", message, status=410)
    if not oldest <= number <= NEWEST_VERSION:
        raise not_found()
    return number


def _with_body(call: Call, body: bytes) -> Call:
    """The call with its JSON. Raises 415 and JSON_PARSER_ERROR."""
    if call.method not in {"POST", "PATCH", "PUT", "DELETE", "GET", "HEAD"}:
        raise method_not_allowed(call.method, "GET,POST,PATCH,DELETE,HEAD")
    if not body or call.method in {"GET", "HEAD"}:
        return call
    return replace(call, body=_parsed(call, body))


def _parsed(call: Call, body: bytes) -> Any:
    """JSON; the lines of a bulk job and a file with its record come in forms of their own."""
    written = call.headers.get("content-type", "application/json")
    kind = written.partition(";")[0].strip().lower()
    if kind == "text/csv" and call.path[:2] == ("jobs", "ingest"):
        return body
    if kind == "multipart/form-data" and call.path[:1] == ("sobjects",) and call.path[1] in files.MULTIPART_OBJECTS:
        return files.from_multipart(written, body)
    if kind != "application/json":
        message = f"Content-Type {kind} is not supported for this resource"
        raise Refused("UNSUPPORTED_MEDIA_TYPE", message, status=415)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("JSON_PARSER_ERROR", "The request body is not valid JSON.") from None


def _raw_path(request: Request) -> str:
    """The path still percent-encoded, below where the app is mounted."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1").removeprefix(request.scope.get("root_path", ""))
