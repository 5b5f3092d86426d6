"""Answers that pack a bomb, never end, lie about the time or count beyond all bounds."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from connectors.base.errors import BadReply, ConnectorError, OutcomeUnknown, Transient
from connectors.base.model import HistoryPage, Page
from connectors.base.services import Call, HttpSpec, Reply
from connectors.crm.hubspot_api import HubSpotApi, int_of
from connectors.crm.salesforce_api import SalesforceApi
from connectors.crm.salesforce_map import Position, advance, next_round
from connectors.crm.zoho_api import Credits, ZohoApi
from connectors.http import Sender
from connectors.http_errors import retry_at, vendor_now
from connectors.mail.gmail import GmailSource
from connectors.mail.graph_api import GraphMailbox
from connectors.mail.graph_tree import Tree
from mappings.reading import load_words
from sync.mirror import Mirror
from sync.pull import MailboxSettings, Puller
from sync.store.mailboxes import Run
from tests.box import Events
from tradepost.cpu import InlineCpu
from tradepost.sandbox.virtual import START, VirtualClock, run

MOST = 200  # answers after which a test is sure that nobody ever stops asking
FAR = ("Fri, 31 Dec 9999 23:59:59 -0500", "Mon, 01 Jan 2001 00:00:00 +99999999999999999999", "9" * 5_000)


# ----------------------------------------------------------------------------------------------------------- packed


def packed(megabytes: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(squeeze.compress(bytes(1 << 20)) for _ in range(megabytes)), squeeze.flush()])


def received(content: bytes, coding: str, *, safe: bool = True) -> tuple[Reply | ConnectorError, int]:
    """What a call answers to such a reply, and the most bytes that were held meanwhile."""

    class Wire(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            stream = httpx.ByteStream(content)
            return httpx.Response(200, headers={"content-encoding": coding}, stream=stream)

    async def main() -> tuple[Reply | ConnectorError, int]:
        sender = Sender(clock=VirtualClock(), random=Random(1), log=Events(), transport=Wire(), max_bytes=1_000_000)
        session = sender.open(HttpSpec(name="x", base_url="https://v.example", classify=lambda *_: None))
        tracemalloc.start()
        try:
            return await session.send(Call(operation="x", method="GET", url="/", safe=safe)), 0
        except ConnectorError as error:
            return error, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            await session.close()

    return run(main())


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip,identity,gzip"])
def test_an_answer_that_is_packed_twice_is_never_unpacked(coding):
    bomb = gzip.compress(packed(16), 9)
    assert len(bomb) < 1_000
    found, most = received(bomb, coding)
    assert isinstance(found, BadReply)
    assert most < 3_000_000


def test_on_a_write_its_outcome_is_unknown():
    assert isinstance(received(gzip.compress(packed(1)), "gzip, gzip", safe=False)[0], OutcomeUnknown)


def test_an_answer_packed_once_is_read_up_to_the_bound():
    assert isinstance(received(packed(8), "gzip")[0], BadReply)
    found, _ = received(gzip.compress(b"{}"), "gzip")
    assert isinstance(found, Reply)
    assert found.content == b"{}"


# ------------------------------------------------------------------------------------------------------------- times


@pytest.mark.parametrize("said", ["-5", "1e12", "٣" * 4_400, "", *FAR])
def test_an_absurd_retry_after_is_a_day_at_most_and_never_a_mistake(said):
    at = retry_at(Reply(429, {"retry-after": said}, b""), START)
    assert at is None or START <= at <= START + timedelta(hours=24)


@pytest.mark.parametrize("said", [*FAR, "Mon, 01 Jan 2001 00:00:00 -0000", "nonsense", ""])
def test_a_vendors_clock_is_believed_a_little_ahead_at_most(said):
    at = vendor_now(Reply(200, {"date": said}, b""), START)
    assert at is None or (at.tzinfo is not None and at <= START + timedelta(minutes=5))


class Vendor:
    """Answers every call alike."""

    def __init__(self, body: str = "{}", **headers: str) -> None:
        self.asked = 0
        self.body = body
        self.headers = headers

    async def send(self, call: Call) -> Reply:
        self.asked += 1
        assert self.asked < MOST, "asked for ever"
        return Reply(200, self.headers, self.body.replace("@N@", str(self.asked)).encode())

    async def close(self) -> None: ...


async def _here() -> str:
    return "https://v.example"


def salesforce(vendor: Vendor) -> SalesforceApi:
    return SalesforceApi(vendor, VirtualClock(), Events(), _here, 0.1)


def zoho(vendor: Vendor) -> ZohoApi:
    clock = VirtualClock()
    return ZohoApi(vendor, clock, Credits(clock, Events(), 0.1), _here)


def hubspot(vendor: Vendor) -> HubSpotApi:
    return HubSpotApi(lambda _: vendor, VirtualClock(), Events(), 0.1)


@pytest.mark.parametrize("date", FAR)
@pytest.mark.parametrize(
    ("build", "ask"),
    [
        (salesforce, lambda api: api.get("x", "/x")),
        (zoho, lambda api: api.get("x", "x")),
        (hubspot, lambda api: api.ask("x", "/x")),
    ],
)
def test_one_answer_from_the_future_hides_no_later_change(build, ask, date):
    async def main() -> datetime:
        api = build(Vendor(date=date))
        await ask(api)
        return api.server_now

    assert run(main()) <= START + timedelta(minutes=6)


def test_with_such_a_time_the_next_round_would_have_asked_for_changes_of_the_future():
    believed = advance(Position(), [], 10, datetime(9999, 12, 31, tzinfo=UTC))
    assert next_round(believed).since > ("9999", "")


# ----------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("left", ["1" * 400, "9" * 5_000, "٣", "-1", "1.5", "nan"])
def test_credits_beyond_all_bounds_are_not_counted(left):
    async def main() -> float:
        api = zoho(Vendor(**{"x-api-credits-remaining": left}))
        await api.get("x", "x")
        return api.credits.usage

    assert run(main()) == 0.0


def test_a_token_of_five_thousand_digits_is_no_number():
    assert int_of("9" * 5_000) == 0


# --------------------------------------------------------------------------------------------------------- no end


def ends(work: Callable[[], Awaitable[Any]]) -> type[Exception]:
    """The error that ends it."""

    async def main() -> type[Exception]:
        try:
            await work()
        except ConnectorError as error:
            return type(error)
        raise AssertionError("it ended by itself")

    return run(main())


ROWS = ",".join(f'{{"id": "{n}"}}' for n in range(200))


@pytest.mark.parametrize(
    "link",
    [
        "/services/data/v66.0/query/01g-2000",
        "",
        "@evil.example/services/data/x@N@",
        ".evil.example/services/data/x@N@",
        "https://evil.example/services/data/x@N@",
    ],
)
def test_a_query_of_salesforces_that_leads_back_or_elsewhere_ends(link):
    vendor = Vendor(f'{{"done": false, "records": [], "nextRecordsUrl": "{link}"}}')
    assert ends(lambda: salesforce(vendor).query("SELECT Id FROM Contact")) is Transient
    assert vendor.asked <= 2


def test_a_query_of_zohos_that_stays_where_it_is_ends():
    vendor = Vendor(f'{{"data": [{ROWS}], "info": {{"more_records": true}}}}')
    assert ends(lambda: zoho(vendor).query_all(("id",), "Contacts", "id > '0'")) is Transient
    assert vendor.asked == 2


def ring(*links: str) -> Callable[..., Awaitable[Any]]:
    """Pages of Graph's that lead round in a circle; the same for a listing and a feed."""
    asked = iter(links * MOST)

    async def page(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(items=(), next=next(asked), delta="")

    return page


def test_a_circle_of_graphs_pages_ends():
    box = SimpleNamespace(page=ring("/a", "/b"))
    assert ends(lambda: GraphMailbox.pages(box, "mailFolders.list", "/x", {})) is BadReply  # type: ignore[arg-type]


def test_a_feed_of_graphs_folders_without_an_end_ends(monkeypatch):
    monkeypatch.setattr("connectors.mail.graph_tree.MAX_PAGES", 20)
    tree = SimpleNamespace(_page=ring("/a", "/b"))
    assert ends(lambda: Tree._changed(tree, "")) is BadReply  # type: ignore[arg-type]


def test_a_circle_of_gmails_pages_ends():
    tokens = iter(("a", "b") * MOST)

    async def listed(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(messages=(), nextPageToken=next(tokens))

    box = SimpleNamespace(_list=listed)
    assert ends(lambda: GmailSource._all_ids(box, START, START, "x")) is BadReply  # type: ignore[arg-type]


def test_a_listing_that_is_counted_ends_where_it_leads_back():
    tokens = iter(("a", "b") * MOST)

    async def history(*_: Any) -> HistoryPage:
        return HistoryPage(("1",), next(tokens))

    puller = SimpleNamespace(_source=SimpleNamespace(history=history))
    assert ends(lambda: Puller.listing(puller, START, START)) is BadReply  # type: ignore[arg-type]


def test_a_run_over_history_ends_where_its_pages_lead_back():
    """Each page is kept before the next is asked for, so the circle is seen over several steps."""
    at: list[str | None] = [None]

    async def open_runs(_: str) -> tuple[Run, ...]:
        return (
            Run(id=1, kind="resync", mailbox="box", since=START, until=START, page=at[0], listed=0, read=0, done=False),
        )

    async def turn_page(_: int, page: str | None, *__: Any) -> None:
        at[0] = page

    async def history(_: datetime, __: datetime, page: str | None) -> HistoryPage:
        return HistoryPage((), "b" if page == "a" else "a")

    async def work() -> None:
        for _ in range(MOST):
            await puller.history_chunk()

    async def unknown(*_: Any, **__: Any) -> tuple[str, ...]:
        return ()

    source = SimpleNamespace(history=history, capabilities=SimpleNamespace(fetch_size=10))
    rooms = SimpleNamespace(open_runs=open_runs, turn_page=turn_page, unknown=unknown)
    settings = MailboxSettings(name="box", targets=(), own_domains=frozenset(), own_addresses=frozenset())
    puller = Puller(
        source, SimpleNamespace(mail=rooms, mailboxes=rooms), settings,  # type: ignore[arg-type]
        clock=VirtualClock(), cpu=InlineCpu(), log=Events(), words=load_words(),
    )  # fmt: skip
    assert ends(work) is BadReply


def test_a_list_of_the_crms_that_leads_back_ends():
    async def nothing(*_: Any, **__: Any) -> Any:
        return None

    async def cursor(*_: Any) -> str:
        return "here"

    async def page(_: Any) -> Page[Any]:
        return Page((), "here", more=True)

    async def users() -> tuple[()]:
        return ()

    store = SimpleNamespace(mirror=SimpleNamespace(put_users=nothing, put_customers=nothing, cursor=cursor))
    target = SimpleNamespace(users=users, customers=page)
    mirror = Mirror("crm", target, store, clock=VirtualClock(), log=Events())  # type: ignore[arg-type]
    assert ends(mirror.refresh) is BadReply
