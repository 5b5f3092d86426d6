"""The Microsoft 365 simulator: admission (tokens, rights, limits), dispatch, batches and their faults.

Serve it for graph.microsoft.com and login.microsoftonline.com alike, and for those of the other clouds.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import unquote_plus
from uuid import UUID

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tradepost.sandbox.graph import access, batch, platform, routes
from tradepost.sandbox.graph.acts import Acts
from tradepost.sandbox.graph.auth import Token
from tradepost.sandbox.graph.batch import Answer, Part
from tradepost.sandbox.graph.call import Call, Inquiry, Need, Reply, Route, options_of
from tradepost.sandbox.graph.clouds import HOSTS, cloud_of
from tradepost.sandbox.graph.errors import (
    ApiError,
    documented,
    invalid_user,
    invalid_version,
    mailbox_not_enabled,
    me_without_user,
    no_such_user,
)
from tradepost.sandbox.graph.oauth_errors import documented as documented_oauth
from tradepost.sandbox.graph.people import State, User
from tradepost.sandbox.graph.platform import Ask
from tradepost.sandbox.graph.quota import Limits
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.graph.view import parse_prefer
from tradepost.sandbox.kernel import Effect, Fault, Kind, RequestRecord, Vendor, World

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Admitted:
    route: Route
    args: dict[str, str]
    token: Token
    user: User | None
    basic: bool

    @property
    def key(self) -> tuple[str, str] | None:
        """Whose limits the call uses up; None where it is at no mailbox."""
        if self.user is None or self.route.need is Need.USERS or self.route.need is Need.NOTHING:
            return None
        return (self.token.app, self.user.id)


class GraphVendor(Acts, Vendor):
    """Microsoft 365 for one tenant, whose state and control methods it has (`Tenant`, `Acts`)."""

    name = "graph"

    def __init__(
        self,
        world: World,
        *,
        seed: int = 0,
        limits: Limits | None = None,
        domain: str = "ours.example",
        strict: Strictness | None = None,
    ) -> None:
        Vendor.__init__(self, world)
        Acts.__init__(self, world, seed=seed, limits=limits, domain=domain, strict=strict)
        self.hosts = HOSTS

    # ----------------------------------------------------------------------------------------------------- the kernel

    def describe(
        self,
        method: str,
        path: str,
        query: QueryParams,  # noqa: ARG002 - the kernel's contract
        body: bytes,
    ) -> tuple[str, Kind]:
        """The operation's name; `batch` for a batch, which reads when all its parts do."""
        if found := platform.find(path):
            return found[0], "read"
        if batch.is_batch(method, path):
            return "batch", self._batch_kind(path, body)
        try:
            route, _ = routes.find(method, path)
        except ApiError:
            return f"{method} {path}", "read" if method in ("GET", "HEAD") else "write"
        return route.operation, "read" if route.kind == "read" or method == "GET" else "write"

    def _batch_kind(self, path: str, body: bytes) -> Kind:
        outer = Inquiry("POST", path, QueryParams(), Headers(), body, "", "")
        try:
            parts = batch.parse(outer, self.strict)
        except ApiError:
            return "read"  # refused as a whole
        kinds = {self.describe(p.inquiry.method, p.inquiry.path, p.inquiry.query, b"")[1] for p in parts}
        return "write" if "write" in kinds else "read"

    def fault_reply(self, fault: Fault) -> Response:
        if fault.operation.startswith("oauth2."):
            root = "https://login.microsoftonline.com"
            ask = Ask(fault.operation, "POST", "", root, "", QueryParams(), {}, self.world.clock.now())
            return self.platform.refuse(documented_oauth(fault.status, fault.code), ask)
        return _response(self._error(documented(fault.status, fault.code)))

    async def respond(self, request: Request) -> Response:
        path = request.scope["path"]
        body = await request.body()
        if found := platform.find(path):
            return self.platform.answer(self._ask(request, *found, body))
        if request.url.hostname in cloud_of(request.url.hostname or "").logins:
            return HTMLResponse("<html><body><h2>404 - File or directory not found.</h2></body></html>", 404)
        root = f"{request.url.scheme}://{request.url.netloc}"
        inquiry = Inquiry(request.method, path, request.query_params, request.headers, body, root, request.url.netloc)
        if batch.is_batch(request.method, path):
            return _response(await self._batch(inquiry))
        return _response(await self._single(inquiry))

    def _ask(self, request: Request, operation: str, tenant: str, body: bytes) -> Ask:
        host = request.url.netloc
        return Ask(
            operation,
            request.method,
            tenant,
            f"{request.url.scheme}://{host}",
            host,
            request.query_params,
            _form(request, body),
            self.world.clock.now(),
            v1="/v2.0/" not in request.scope["path"],
        )

    # ------------------------------------------------------------------------------------------------------ admission

    def _admit(self, inquiry: Inquiry) -> _Admitted:
        if routes.version_of(inquiry.path) not in routes.VERSIONS:
            raise invalid_version()
        token = access.token_of(inquiry, self.tokens, self.world.clock.now())
        route, args = routes.find(inquiry.method, inquiry.path)
        need = route.need
        user = self._user(args["user"], token, need) if "user" in args else None
        basic = access.admit(token, self.app(token), need, user, self.tokens)
        if "user" in args:
            self._check_user(args["user"], user, need)
        return _Admitted(route, args, token, user, basic)

    def _user(self, key: str, token: Token, need: Need) -> User | None:
        """Exchange knows a mailbox by any address, the directory a user by id and principal name only."""
        if key != "me":
            return self.directory.principal(key) if need is Need.USERS else self.directory.find(key)
        if not token.user and self.strict.me_needs_a_user:
            raise me_without_user()
        return self.directory.users.get(token.user) or next(iter(self.directory.users.values()), None)

    @staticmethod
    def _check_user(key: str, user: User | None, need: Need) -> None:
        if user is None:
            raise no_such_user(key) if need is Need.USERS else invalid_user(key)
        if need is Need.USERS:
            return
        if user.state is State.UNDISCOVERED:
            raise documented(404, "ResourceNotFound")
        if user.box is None or user.state is State.ON_PREMISES:
            raise mailbox_not_enabled()

    # ---------------------------------------------------------------------------------------------------------- calls

    async def _single(self, inquiry: Inquiry) -> Answer:
        """One call on its own; it holds one of the app's places at the mailbox while it is served."""
        try:
            admitted = self._enter(inquiry)
        except ApiError as error:
            return self._error(error, inquiry)
        try:
            await self.world.clock.sleep(self.meter.limits.service_seconds)
            return self._execute(admitted, inquiry)
        finally:
            self._leave(admitted)

    def _enter(self, inquiry: Inquiry) -> _Admitted:
        admitted = self._admit(inquiry)
        if admitted.key:
            self.meter.charge(admitted.key, len(inquiry.body), self.world.clock.now())
            self.meter.enter(admitted.key)
        return admitted

    def _leave(self, admitted: _Admitted) -> None:
        if admitted.key:
            self.meter.leave(admitted.key)

    def _execute(self, admitted: _Admitted, inquiry: Inquiry) -> Answer:
        """Carry out one call, at once."""
        route = admitted.route
        prefer = parse_prefer(inquiry.headers.getlist("prefer"), self.strict)
        try:
            call = Call(
                self,
                inquiry,
                route.operation,
                admitted.args,
                options_of(inquiry.query),
                admitted.token,
                admitted.user,
                prefer,
                self.world.clock.now(),
                admitted.basic,
            )
            reply = route.handler(call)
        except ApiError as error:
            return self._error(error, inquiry)
        self.calls[route.operation] += 1
        return self._answer(reply, inquiry, prefer.applied)

    def _stamps(self, inquiry: Inquiry | None) -> tuple[str, str]:
        own = str(UUID(int=self.random.getrandbits(128), version=4))
        return own, (inquiry.headers.get("client-request-id") if inquiry else "") or own

    def _answer(self, reply: Reply, inquiry: Inquiry, applied: str = "") -> Answer:
        own, theirs = self._stamps(inquiry)
        headers = {"Cache-Control": "no-store, no-cache", "request-id": own, "client-request-id": theirs}
        if applied:
            headers["Preference-Applied"] = applied
        headers |= reply.headers
        if isinstance(reply.body, dict):
            return Answer(
                reply.status, headers | {"Content-Type": JSON_TYPE, "OData-Version": "4.0"}, _dump(reply.body)
            )
        if reply.body is None:
            return Answer(reply.status, headers, b"")
        return Answer(reply.status, headers | {"Content-Type": reply.kind}, reply.body)

    def _error(self, error: ApiError, inquiry: Inquiry | None = None) -> Answer:
        own, theirs = self._stamps(inquiry)
        headers = {"Content-Type": "application/json", "request-id": own, "client-request-id": theirs}
        date = self.world.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
        return Answer(error.status, headers | error.headers, _dump(error.body(date, own, theirs)))

    # -------------------------------------------------------------------------------------------------------- batches

    async def _batch(self, inquiry: Inquiry) -> Answer:
        """Parts run four at a time; each is judged by itself."""
        try:
            access.token_of(inquiry, self.tokens, self.world.clock.now())
            parts = batch.parse(inquiry, self.strict)
        except ApiError as error:
            return self._error(error, inquiry)
        answers: dict[str, tuple[Part, Answer]] = {}
        failed: set[str] = set()
        for wave in batch.waves(parts):
            for part, answer in await self._wave(wave, failed):
                answers[f"{len(answers)}"] = (part, answer)
                if answer.status >= 400:
                    failed.add(part.id.lower())
        if not self.strict.batch_part_throttling:
            throttled = next((a for _, a in answers.values() if a.status == 429), None)
            if throttled:
                return throttled
        shown = [batch.render(part, answer) for part, answer in answers.values()]
        if self.strict.batch_order_differs:
            self.random.shuffle(shown)
        return self._answer(Reply(body={"responses": shown}), inquiry)

    async def _wave(self, wave: list[Part], failed: set[str]) -> list[tuple[Part, Answer]]:
        """Parts side by side: all enter, then all are carried out, then all leave."""
        begun: list[tuple[Part, _Admitted | Answer, Fault | None, int]] = []
        for part in wave:
            n, fault = self._arrive(part)
            begun.append((part, self._begin(part, failed), fault, n))
        await self.world.clock.sleep(self._duration([fault for *_, fault, _ in begun]))
        done: list[tuple[Part, Answer]] = []
        for part, state, fault, n in begun:
            answer = state if isinstance(state, Answer) else self._carried_out(part, state, fault)
            if isinstance(state, _Admitted):
                self._leave(state)
            self.world.requests.mark(n, status=answer.status)
            done.append((part, answer))
        return done

    def _duration(self, faults: list[Fault | None]) -> float:
        slow = [fault.seconds for fault in faults if fault and fault.effect is Effect.SLOW]
        return max([self.meter.limits.service_seconds, *slow])

    def _arrive(self, part: Part) -> tuple[int, Fault | None]:
        inquiry = part.inquiry
        operation, kind = self.describe(inquiry.method, inquiry.path, inquiry.query, inquiry.body)
        record = RequestRecord(
            vendor=self.name,
            method=inquiry.method,
            path=inquiry.path,
            operation=operation,
            kind=kind,
            at=self.world.clock.now(),
        )
        n = self.world.requests.add(record)
        fault = self.world.faults.take(self.name, operation)
        if fault:
            self.world.requests.mark(n, fault=fault.effect.value)
        return n, fault

    def _begin(self, part: Part, failed: set[str]) -> _Admitted | Answer:
        if self.strict.batch_dependencies and any(need.lower() in failed for need in part.needs):
            return self._error(ApiError(424, "BadRequest", "Failed Dependency"), part.inquiry)
        try:
            return self._enter(part.inquiry)
        except ApiError as error:
            return self._error(error, part.inquiry)

    def _carried_out(self, part: Part, admitted: _Admitted, fault: Fault | None) -> Answer:
        """A part's answer with the fault it meets. The batch is answered, so whatever loses an answer is a 503 part."""
        if fault is None or fault.effect is Effect.SLOW:
            return self._execute(admitted, part.inquiry)
        executed = fault.effect not in (Effect.STATUS, Effect.HTML, Effect.LOST_REQUEST, Effect.RESET)
        answer = self._execute(admitted, part.inquiry) if executed else None
        if fault.effect is Effect.DUPLICATE:
            return self._execute(admitted, part.inquiry)
        if answer and fault.effect is Effect.TRUNCATED:
            return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
        if fault.effect is Effect.HTML:
            return Answer(fault.status, {"Content-Type": "text/html"}, b"<html><h1>Sorry.</h1></html>")
        if fault.effect in (Effect.STATUS, Effect.STATUS_AFTER):
            return self._error(documented(fault.status, fault.code), part.inquiry)
        return self._error(documented(503), part.inquiry)


# -------------------------------------------------------------------------------------------------------------- bodies


def _form(request: Request, body: bytes) -> dict[str, str]:
    """The form, with a client that signs in by Basic header put into it."""
    form = dict(QueryParams(body.decode("utf-8", "replace")))
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic" and "client_id" not in form:
        form |= _basic(value)
    return form


def _basic(value: str) -> dict[str, str]:
    try:
        name, _, secret = b64decode(value).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}


def _dump(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _response(answer: Answer) -> Response:
    found = Response(answer.body, answer.status)
    for name, value in answer.headers.items():
        found.headers[name] = value
    if not answer.body and "content-type" in found.headers:
        del found.headers["content-type"]
    return found
