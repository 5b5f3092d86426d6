"""A tenant with something in it, and the ways into it at Microsoft's own host names, which lead to loopback."""

from __future__ import annotations

import asyncio
import logging
import ssl
import warnings
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import wraps
from typing import Any

import httpx
import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from kiota_http.middleware.options import RetryHandlerOption, UrlReplaceHandlerOption
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph_core import GraphClientFactory
from msgraph_core.tasks.page_iterator import PageIterator

from tests.judges.ground import Ground
from tests.judges.judge import Judge
from tests.judges.names import session
from tradepost.sandbox.graph import GraphVendor
from tradepost.sandbox.kernel import Vendor, World

ANNA, BO, SHARED, NOBOX = "anna@ours.example", "bo@ours.example", "orders@ours.example", "van@ours.example"
LOGIN, GRAPH = "login.microsoftonline.com", "graph.microsoft.com"
CHINA = ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn")
ROLES = ("Mail.ReadWrite", "Mail.Send", "User.Read.All", "MailboxSettings.Read", "Group.Read.All")
SCOPES = ("Mail.ReadWrite", "Mail.Read", "Mail.Read.Shared", "Mail.Send", "User.Read", "Calendars.Read")
IMMUTABLE = 'IdType="ImmutableId"'
MAILS = 24  # in Anna's inbox
START = datetime(2026, 3, 1, tzinfo=UTC)
PDF = b"%PDF-1.7 " * 50


def make_mail(
    number: int, *, subject: str = "", to: str = ANNA, more: Callable[[EmailMessage], None] | None = None
) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "李娜 <li@buyer.example>", to, subject or f"Offer {number} 报价"
    mail["Date"] = format_datetime(at(number))
    mail["Message-ID"] = f"<judge.{number}@buyer.example>"
    mail.set_content(f"Dear Anna, please quote {number}.\n")
    if more:
        more(mail)
    return mail.as_bytes()


def at(number: int) -> datetime:
    return START + timedelta(hours=number)


def _file(mail: EmailMessage) -> None:
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="报价.pdf")


def _logo(mail: EmailMessage) -> None:
    mail.add_alternative('<p>See <img src="cid:logo"></p><script>x()</script>', subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png")  # type: ignore[union-attr, index]


def _inner(mail: EmailMessage) -> None:
    inner = EmailMessage(policy=SMTP)
    inner["From"], inner["Subject"] = "boss@buyer.example", "The first request"
    inner.set_content("We need 40 pumps.")
    mail.add_attachment(inner)


def _private(mail: EmailMessage) -> None:
    mail["Sensitivity"] = "Private"


_MORE = {3: _file, 4: _logo, 6: _inner, 7: _private}
SEALED = (
    b"From: li@buyer.example\r\nTo: anna@ours.example\r\nSubject: sealed\r\nMessage-ID: <judge.5@buyer.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nMIBzZWFsZWQ=\r\n"
)


def make(world: World) -> tuple[Sequence[Vendor], GraphVendor]:
    vendor = GraphVendor(world)
    vendor.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna 王", folders=["Buyers/Asia"])
    vendor.add_mailbox(BO, language="zh")
    vendor.add_mailbox(SHARED, display_name="Orders")
    vendor.add_user(NOBOX, display_name="Van")
    vendor.share_mailbox(SHARED, ANNA)
    vendor.register_app("tradepost", roles=ROLES, scopes=SCOPES)
    vendor.register_app("lean", roles=["Mail.ReadBasic.All"], scopes=["Mail.ReadBasic"], public_client=False)
    for number in range(MAILS):
        raw = SEALED if number == 5 else make_mail(number, more=_MORE.get(number))
        vendor.deliver_to(ANNA, raw, at=at(number))
    vendor.deliver_to(ANNA, make_mail(50, subject="Old order"), place="Buyers/Asia", at=at(50))
    vendor.deliver_to(ANNA, make_mail(51, subject="Our answer"), place="sent", at=at(51))
    vendor.deliver_to(SHARED, make_mail(52, subject="Order 52", to=SHARED), at=at(52))
    return [vendor], vendor


# ------------------------------------------------------------------------------------------------------------ the ways


class _Named(httpx.AsyncHTTPTransport):
    """Connects to loopback for any host name; the certificate must still be that name's."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self.port = port
        super().__init__(verify=trust)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        url = request.url.copy_with(host="127.0.0.1", port=self.port)
        more = dict(request.extensions) | {"sni_hostname": host}
        sent = httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=more)
        return await super().handle_async_request(sent)


class FixedToken:
    """A credential that has a token already, right or wrong."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self.token, 4_102_444_800)  # until 2100


@dataclass(slots=True)
class Desk:
    """`graph` is an app's client that waits as Microsoft's own does; `bare` the same, which gives every answer."""

    place: Ground
    vendor: GraphVendor
    loop: asyncio.Runner
    graph: Any = None
    bare: Any = None
    session: requests.Session | None = None
    closing: list[Any] = field(default_factory=list)

    def act(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self.place.act(work, *args, **kwargs)

    @property
    def box(self) -> Any:
        """Anna's part of the client."""
        return self.graph.users.by_user_id(ANNA)

    def requests(self) -> requests.Session:
        """The session in which Microsoft's hosts lead to loopback."""
        if self.session is None:
            port = self.place.port("graph")
            self.session = session(self.place.ca, dict.fromkeys((LOGIN, GRAPH, *CHINA), port))
        return self.session

    def transport(self) -> RequestsTransport:
        """The same for azure-identity."""
        return RequestsTransport(session=self.requests(), session_owner=False, connection_verify=self.place.ca)

    def app(self, name: str = "tradepost") -> Any:
        return self.act(self.vendor.registered, name)

    def secret(self, name: str = "tradepost", value: str = "", **more: Any) -> ClientSecretCredential:
        app = self.app(name)
        secret = value or app.secrets[-1].value
        return ClientSecretCredential(
            self.vendor.directory.tenant, app.client_id, secret, transport=self.transport(), **more
        )

    def client(self, credential: Any, *, retries: int = 3, base: str = "", scopes: Sequence[str] = ()) -> Any:
        """msgraph-sdk as it comes, but for the way to loopback."""
        trust = ssl.create_default_context(cafile=self.place.ca)
        port = self.place.port("graph")
        http = httpx.AsyncClient(transport=_Named(port, trust), timeout=30, trust_env=False, http2=False)
        options = {
            UrlReplaceHandlerOption.get_key(): UrlReplaceHandlerOption(
                enabled=True, replacement_pairs={"/users/me-token-to-replace": "/me"}
            ),
            RetryHandlerOption.get_key(): RetryHandlerOption(
                delay=0.0, max_retries=retries, should_retry=bool(retries)
            ),
        }
        GraphClientFactory.create_with_default_middleware(client=http, options=options)
        way = AzureIdentityAuthenticationProvider(credential, scopes=list(scopes) or [f"https://{GRAPH}/.default"])
        adapter = GraphRequestAdapter(way, http)
        if base:
            adapter.base_url = base
        self.closing.append(http)
        return GraphServiceClient(request_adapter=adapter)


@contextmanager
def open_desk(place: Ground, vendor: GraphVendor) -> Iterator[Desk]:
    with asyncio.Runner() as loop, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # msal's advice to programs that wait for people
        logging.disable()  # refusals are what is asked for
        desk = Desk(place, vendor, loop)
        desk.graph, desk.bare = desk.client(desk.secret()), desk.client(desk.secret(), retries=0)
        try:
            yield desk
        finally:
            for each in desk.closing:
                loop.run(each.aclose())
            if desk.session is not None:
                desk.session.close()
            logging.disable(logging.NOTSET)


def asks(judge: Judge, does: str) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """`judge` for calls of a client that is asynchronous."""

    def add(work: Callable[[Desk], Awaitable[None]]) -> None:
        @wraps(work)
        def call(desk: Desk) -> None:
            desk.loop.run(work(desk))  # type: ignore[arg-type]

        judge(does)(call)

    return add


async def get(builder: Any, *, prefer: str = "", headers: dict[str, str] | None = None, **query: Any) -> Any:
    """`builder.get` with query options by their names in Python, and headers."""
    kind = getattr(type(builder), f"{type(builder).__name__}GetQueryParameters", None)
    how: Any = RequestConfiguration(query_parameters=kind(**query) if kind else None)
    for name, value in (({"Prefer": prefer} if prefer else {}) | (headers or {})).items():
        how.headers.add(name, value)
    return await builder.get(request_configuration=how)


async def refused(call: Awaitable[Any], status: int, code: str = "") -> Any:
    """The error as the client surfaces it."""
    error: Any = None
    got: Any = None
    try:
        got = await call
    except ODataError as raised:
        error = raised
    assert error is not None, f"not refused with {status}: {got}"
    assert error.error is not None
    assert (error.response_status_code, code in (error.error.code or "")) == (status, True), error
    return error


async def all_of(client: Any, page: Any, **headers: str) -> list[Any]:
    """Every row of a list, by the client's own iterator."""
    rows: list[Any] = []
    pages = PageIterator(page, client.request_adapter)
    for name, value in headers.items():
        pages.headers.add(name, value)  # its own set_headers raises TypeError
    await pages.iterate(lambda row: rows.append(row) or True)  # type: ignore[func-returns-value]
    return rows
