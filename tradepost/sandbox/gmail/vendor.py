"""The Gmail simulator: admission (sign-in, scopes, quotas), dispatch and faults inside batches.

Serve it for gmail.googleapis.com, oauth2.googleapis.com and accounts.google.com alike.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Mime
from email.policy import compat32
from random import Random
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tradepost.sandbox.gmail import auth
from tradepost.sandbox.gmail.acts import Acts
from tradepost.sandbox.gmail.auth import Directory, OAuthError, Token
from tradepost.sandbox.gmail.batch import Inquiry, Part, Reply, is_batch, parse_batch, render_batch
from tradepost.sandbox.gmail.discovery import Route, find_route, read_parameters, select
from tradepost.sandbox.gmail.errors import (
    ApiError,
    bad_request,
    documented,
    failed_precondition,
    forbidden,
    insufficient_scopes,
    login_required,
    not_found,
    too_many_concurrent,
    unauthenticated,
)
from tradepost.sandbox.gmail.mailbox import Mailbox
from tradepost.sandbox.gmail.methods import METHODS, Call, not_implemented
from tradepost.sandbox.gmail.quota import Limits, Meter
from tradepost.sandbox.gmail.settings import SETTINGS
from tradepost.sandbox.gmail.strictness import Strictness
from tradepost.sandbox.gmail.upload import Session, Uploads
from tradepost.sandbox.kernel import Effect, Fault, Kind, Receive, RequestRecord, Scope, Send, Vendor, World
from tradepost.sandbox.recorder import Exchange

JSON_TYPE = "application/json; charset=UTF-8"
_OAUTH = {"/token": "oauth2.token", "/revoke": "oauth2.revoke", "/o/oauth2/v2/auth": "oauth2.auth"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call whose sender, scope and mailbox are in order."""

    route: Route
    args: dict[str, str]
    token: Token
    mailbox: Mailbox


class GmailVendor(Acts, Vendor):
    """Gmail for one Workspace domain. State lives in `mailboxes` and `directory`; `Acts` holds the control methods."""

    name = "gmail"

    def __init__(
        self,
        world: World,
        *,
        seed: int = 0,
        limits: Limits | None = None,
        domain: str = "ours.example",
        strictness: Strictness | None = None,
    ) -> None:
        super().__init__(world)
        self.strictness = strictness or Strictness()
        self.seed = seed
        self.domain = domain
        self.random = Random(f"gmail-{seed}")
        self.project = "tradepost-sandbox"
        self.project_number = "480712345678"
        self.mailboxes: dict[str, Mailbox] = {}
        self.directory = Directory(Random(f"gmail-auth-{seed}"), self.find_user, self.strictness)
        self.meter = Meter(self.project_number, limits or Limits(), self.strictness)
        self.uploads = Uploads(self._ticket)
        self.calls: Counter[str] = Counter()

    # ----------------------------------------------------------------------------------------------------- the kernel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Undo a method override first, so that a long GET is known as the read it is."""
        headers = Headers(raw=scope.get("headers", []))
        if scope["type"] == "http" and "x-http-method-override" in headers:
            request = Request(scope, receive)
            query = QueryParams(scope.get("query_string", b""))
            plain = Inquiry(scope["method"], scope["path"], query, headers, await request.body()).plain()
            scope = dict(scope) | {"method": plain.http, "query_string": str(plain.query).encode()}
            receive = _once(plain.body, receive)
        await super().__call__(scope, receive, send)

    def describe(
        self,
        method: str,
        path: str,
        query: QueryParams,
        body: bytes,
    ) -> tuple[str, Kind]:
        """Google's name of the call; `batch` for a batch, which reads when all its parts do."""
        if path in _OAUTH:
            return _OAUTH[path], "write" if path == "/revoke" else "read"
        if is_batch(method, path):
            try:
                kinds = {self._kind(part.inquiry.http) for part in parse_batch(body, Headers(), self.strictness)}
            except ApiError:
                kinds = {"read"}  # refused as a whole
            return "batch", "read" if kinds == {"read"} else "write"
        if "upload_id" in query:
            return "upload.resume", "write"
        found = find_route(method, path)
        return (found[0].id if found else f"{method} {path}"), self._kind(method)

    @staticmethod
    def _kind(method: str) -> Kind:
        return "read" if method in ("GET", "HEAD") else "write"

    def fault_reply(self, fault: Fault) -> Response:
        if fault.operation.startswith("oauth2."):
            error = OAuthError(fault.code or "internal_failure", "Backend Error", fault.status)
            return JSONResponse(error.body(), error.status)
        reply = self._refused(documented(fault.status, fault.code))
        return Response(reply.body, reply.status, reply.headers)

    def _refused(self, error: ApiError, inquiry: Inquiry | None = None) -> Reply:
        spent = error.code == 403 and error.domain == "usageLimits"
        if spent and not self.strictness.limits_are_403:
            error = too_many_concurrent()
        return _error_reply(error, inquiry)

    async def respond(self, request: Request) -> Response:
        path = request.url.path
        body = await request.body()
        if path in _OAUTH:
            return self._oauth(path, request.query_params, body)
        if is_batch(request.method, path):
            return await self._batch(body, request.headers)
        base = str(request.base_url).rstrip("/")
        inquiry = Inquiry(request.method, path, request.query_params, request.headers, body, base)
        reply = await self._single(inquiry)
        return Response(reply.body, reply.status, reply.headers)

    # -------------------------------------------------------------------------------------------------------- sign-in

    def _oauth(self, path: str, query: QueryParams, body: bytes) -> Response:
        now = self.world.clock.now()
        form = dict(QueryParams(body))
        try:
            if path == "/token":
                return JSONResponse(self.directory.exchange(form, now), headers={"Cache-Control": "no-store"})
            if path == "/revoke":
                self.directory.revoke(form.get("token", "") or query.get("token", ""))
                return JSONResponse({})
            target = self.directory.authorize(query, now)
        except OAuthError as error:
            if path in ("/token", "/revoke"):
                return JSONResponse(error.body(), error.status)
            return HTMLResponse(f"<h1>Error {error.status}: {error.error}</h1>", error.status)
        if not target:
            return HTMLResponse(auth.consent_page(query, sorted(self.mailboxes)))
        return RedirectResponse(target, 302)

    def find_user(self, address: str) -> str | None:
        """The primary address of the mailbox that bears an address."""
        wanted = address.lower()
        return next((name for name, box in self.mailboxes.items() if wanted in box.addresses), None)

    # ------------------------------------------------------------------------------------------------------ admission

    def _token(self, inquiry: Inquiry) -> Token:
        kind, _, value = inquiry.headers.get("authorization", "").partition(" ")
        value = value if kind.lower() == "bearer" else inquiry.query.get("access_token", "")
        if not value:
            raise login_required()
        token = self.directory.lookup(value, self.world.clock.now())
        if token is None:
            raise unauthenticated()
        return token

    def _admit(self, inquiry: Inquiry) -> Admitted:
        found = find_route(inquiry.http, inquiry.path)
        if found is None:
            raise not_found()
        route, args = found
        token = self._token(inquiry)
        if self.strictness.scopes_checked and not set(token.scopes) & set(route.scopes):
            raise insufficient_scopes(route.id, route.scopes)
        wanted = args.get("userId", "me").lower()
        if not token.user:
            raise failed_precondition()  # a service account acting as itself has no mailbox
        mailbox = self.mailboxes[token.user]
        own = wanted in ("me", mailbox.address)  # an alias is refused too
        if not own and self.strictness.own_mailbox_only:
            raise forbidden(f"Delegation denied for {token.user}")
        if not own:
            mailbox = self.mailboxes.get(self.find_user(wanted) or "", mailbox)
        if not mailbox.enabled and self.strictness.mail_service_needed:
            raise failed_precondition()
        return Admitted(route, args, token, mailbox)

    # ---------------------------------------------------------------------------------------------------------- calls

    async def _single(self, inquiry: Inquiry) -> Reply:
        """One call on its own; it holds one of the user's places while it is served.

        An upload session's address needs no other credential.
        """
        if "upload_id" in inquiry.query:
            return self.execute(inquiry)
        try:
            user = self._token(inquiry).user
            self.meter.enter(user)
        except ApiError as error:
            return self._refused(error, inquiry)
        try:
            if self.meter.limits.service_seconds:
                await self.world.clock.sleep(self.meter.limits.service_seconds)
            return self.execute(inquiry)
        finally:
            self.meter.leave(user)

    def execute(self, inquiry: Inquiry, *, free: bool = False) -> Reply:
        """Carry out one call, at once. A `free` one costs no units."""
        now = self.world.clock.now()
        try:
            if "upload_id" in inquiry.query:
                taken = self.uploads.take(inquiry, now)
                return taken if isinstance(taken, Reply) else self._finish(taken)
            admitted = self._admit(inquiry)
            if admitted.route.upload and inquiry.query.get("uploadType") == "resumable":
                return self.uploads.begin(inquiry, _read_json(inquiry.body), now, admitted.route.most)
            body, mail = _read_body(admitted.route, inquiry)
            return self._perform(admitted, inquiry, body, mail, free=free)
        except ApiError as error:
            return self._refused(error, inquiry)

    def _finish(self, session: Session) -> Reply:
        """All bytes of an upload are there: the call that opened it is made now."""
        return self._perform(self._admit(session.inquiry), session.inquiry, session.meta, bytes(session.data))

    def _perform(
        self, admitted: Admitted, inquiry: Inquiry, body: dict[str, Any], mail: bytes | None, *, free: bool = False
    ) -> Reply:
        route, now = admitted.route, self.world.clock.now()
        method = METHODS.get(route.id) or SETTINGS.get(route.id, not_implemented)
        args = admitted.args | read_parameters(route, inquiry.query)
        if not free:
            self.meter.charge(admitted.mailbox.address, route.id, now)
        self.calls[route.id] += 1
        admitted.mailbox.tick(now)
        scopes = admitted.token.scopes
        ticket = self._ticket if self.strictness.attachment_ids_change else str
        answer = method(Call(admitted.mailbox, args, body, mail, now, scopes, ticket, self.submit))
        if answer is None:
            return Reply(204, {}, b"")
        if "fields" in inquiry.query:
            answer = select(answer, inquiry.query["fields"], route.answer)
        return _json_reply(200, answer, inquiry)

    def _ticket(self) -> str:
        return f"{self.random.getrandbits(64):x}"

    # -------------------------------------------------------------------------------------------------------- batches

    async def _batch(self, body: bytes, headers: Headers) -> Response:
        try:
            parts = parse_batch(body, headers, self.strictness)
        except ApiError as error:
            reply = self._refused(error)
            return Response(reply.body, reply.status, reply.headers)
        if self.meter.limits.service_seconds:
            await self.world.clock.sleep(self.meter.limits.service_seconds)
        crowd: Counter[str] = Counter()
        replies: list[Reply] = []
        delay = 0.0
        for part in parts:
            reply, seconds = self._part(part, crowd)
            replies.append(reply)
            delay = max(delay, seconds)
        if delay:
            await self.world.clock.sleep(delay)
        failed = next((reply for reply in replies if reply.status >= 400), None)
        if failed is not None and not self.strictness.batch_part_statuses:
            return Response(failed.body, failed.status, failed.headers)
        boundary = f"batch_{self.random.getrandbits(128):x}"
        content = render_batch(parts, replies, boundary)
        return Response(content, headers={"Content-Type": f"multipart/mixed; boundary={boundary}"})

    def _part(self, part: Part, crowd: Counter[str]) -> tuple[Reply, float]:
        """One part's answer, with the fault it meets, and how many seconds it holds the batch up."""
        operation, kind = self.describe(part.inquiry.http, part.inquiry.path, part.inquiry.query, part.inquiry.body)
        record = RequestRecord(
            vendor=self.name,
            method=part.inquiry.http,
            path=part.inquiry.path,
            operation=operation,
            kind=kind,
            at=self.world.clock.now(),
        )
        n = self.world.requests.add(record)
        fault = self.world.faults.take(self.name, operation)
        if fault:
            self.world.requests.mark(n, fault=fault.effect.value)
        free = not self.strictness.batch_parts_cost_units
        refused = None if fault else self._crowded(part, crowd)
        reply = self._faulty(part, fault) if fault else refused or self.execute(part.inquiry, free=free)
        self.world.requests.mark(n, status=reply.status)
        self._keep(record, part.inquiry, reply, fault)
        return reply, fault.seconds if fault and fault.effect is Effect.SLOW else 0.0

    def _keep(self, record: RequestRecord, inquiry: Inquiry, reply: Reply, fault: Fault | None) -> None:
        if self.world.recorder is None:
            return
        exchange = Exchange(
            vendor=record.vendor,
            operation=record.operation,
            kind=record.kind,
            method=record.method,
            path=inquiry.path,
            query=str(inquiry.query),
            headers=dict(inquiry.headers),
            body=inquiry.body,
            status=reply.status,
            reply_headers={name.lower(): value for name, value in reply.headers.items()},
            reply=reply.body,
            fault=fault.effect.value if fault else "",
            part=True,
        )
        self.world.recorder.add(exchange)

    def _crowded(self, part: Part, crowd: Counter[str]) -> Reply | None:
        """Parts run side by side; of those beyond the user's places the first is refused, and half of the rest."""
        user = part.inquiry.headers.get("authorization", "")
        crowd[user] += 1
        beyond = crowd[user] - self.meter.limits.concurrent
        refused = beyond == 1 or (beyond > 1 and self.random.random() < 0.5)
        if refused and self.strictness.batch_part_throttling:
            return self._refused(too_many_concurrent(), part.inquiry)
        return None

    def _faulty(self, part: Part, fault: Fault) -> Reply:
        """A fault of one part. The batch itself is answered, so whatever loses an answer shows as a 503 part."""
        executed = fault.effect not in (Effect.STATUS, Effect.HTML, Effect.LOST_REQUEST, Effect.RESET)
        reply = self.execute(part.inquiry) if executed else None
        if fault.effect is Effect.DUPLICATE:
            return self.execute(part.inquiry)
        if reply and fault.effect is Effect.SLOW:
            return reply
        if reply and fault.effect is Effect.TRUNCATED:
            return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
        if fault.effect is Effect.HTML:
            return Reply(fault.status, {"Content-Type": "text/html; charset=UTF-8"}, b"<html><h1>Sorry.</h1></html>")
        if fault.effect in (Effect.STATUS, Effect.STATUS_AFTER):
            return self._refused(documented(fault.status, fault.code), part.inquiry)
        return self._refused(documented(503), part.inquiry)


# -------------------------------------------------------------------------------------------------------------- bodies


def _once(body: bytes, receive: Receive) -> Receive:
    fresh = [body]

    async def replay() -> Any:
        return {"type": "http.request", "body": fresh.pop(), "more_body": False} if fresh else await receive()

    return replay


def _json_reply(status: int, answer: dict[str, Any], inquiry: Inquiry | None) -> Reply:
    compact = inquiry is not None and inquiry.query.get("prettyPrint") == "false"
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":")) if compact else _pretty(answer)
    return Reply(status, {"Content-Type": JSON_TYPE, "Vary": "Origin, X-Origin, Referer"}, text.encode())


def _pretty(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=2) + "\n"


def _error_reply(error: ApiError, inquiry: Inquiry | None = None) -> Reply:
    reply = _json_reply(error.code, error.body(), inquiry)
    return Reply(reply.status, reply.headers | error.headers, reply.body)


def _read_body(route: Route, inquiry: Inquiry) -> tuple[dict[str, Any], bytes | None]:
    """The JSON body, and the mail of an upload (alone, or as the second part of multipart/related)."""
    kind = inquiry.headers.get("content-type", "")
    if not route.upload:
        return _read_json(inquiry.body), None
    if not kind.lower().startswith("multipart/"):
        return {}, inquiry.body
    whole = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode("latin-1") + inquiry.body, policy=compat32)
    pieces = whole.get_payload()
    if not isinstance(pieces, list) or len(pieces) != 2 or not isinstance(pieces[0], Mime):
        raise bad_request("Multipart body must have two parts.")
    meta = pieces[0].get_payload(decode=True)
    return _read_json(meta if isinstance(meta, bytes) else b""), _uploaded(inquiry.body, kind)


def _uploaded(body: bytes, kind: str) -> bytes:
    """The second part as it was sent: parsing it as MIME would change it."""
    boundary = b"--" + _boundary(kind).encode("latin-1")
    piece = body.split(boundary)[2] if body.count(boundary) >= 3 else b""
    piece = piece.removeprefix(b"\r\n").removeprefix(b"\n")
    for blank in (b"\r\n\r\n", b"\n\n"):
        _, found, rest = piece.partition(blank)
        if found:
            return rest.removesuffix(b"\n").removesuffix(b"\r")
    return b""


def _boundary(kind: str) -> str:
    probe = Mime()
    probe["Content-Type"] = kind
    return str(probe.get_boundary() or "")


def _read_json(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except ValueError as error:
        raise bad_request("Invalid JSON payload received.") from error
    if not isinstance(found, dict):
        raise bad_request("Invalid JSON payload received. Root element must be a message.")
    return found
