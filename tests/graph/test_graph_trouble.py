"""Crashes, lost answers, hostile answers: no mail is lost, nothing but our errors comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.errors import BadReply, ConnectorError, NotPermitted, RateLimited, Transient
from connectors.base.mail import MailboxScope
from connectors.base.services import Services
from connectors.http import Sender
from connectors.mail.graph import GraphSource
from tests.graph.graph_office import ALICE, Office, inline, letter, listed, told
from tradepost.sandbox.kernel import Effect

DELTA = "users.mailFolders.messages.delta"
LIST = "users.ListMessages"
GET = "users.GetMessage"


class Killed(BaseException):
    """The process dies here."""


# ---------------------------------------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("step", ["request.sent", "reply.received"])
def test_killed_at_any_request_of_a_round_nothing_is_lost(in_office, step):
    async def scenario(office: Office) -> None:
        config = {"page_size": 4}
        kept = await office.source(config=config).baseline()
        new = {office.deliver(n, place=("inbox", "sent", "Made/Deep")[n % 3]) for n in range(14)}
        office.vendor.delete_forever(ALICE, office.deliver(50))
        found: set[str] = set()
        countdown = 1
        left = [1]

        def die(reached: str) -> None:
            if reached == step:
                left[0] -= 1
                if left[0] == 0:
                    raise Killed

        office.transport.on_step = die
        for _ in range(200):
            left[0] = countdown
            try:
                page = await office.source(config=config).changes(kept)
                found |= {e.id for e in page.events}
                kept = page.cursor  # stored with what it told
                countdown = 1
                if not page.more and found >= new:
                    break
            except Killed:
                countdown += 1  # further the next time
        assert found >= new

    in_office(scenario)


@pytest.mark.parametrize(
    "operation", [DELTA, "users.mailFolders.delta", LIST, "batch", "users.ListMailFolders", "users.Get"]
)
@pytest.mark.parametrize(
    ("trouble", "wanted"),
    [
        ({"effect": Effect.LOST_REPLY}, Transient),
        ({"effect": Effect.RESET}, Transient),
        ({"effect": Effect.RESET_AFTER}, Transient),
        ({"effect": Effect.STATUS, "status": 500}, Transient),
        ({"effect": Effect.STATUS, "status": 429}, RateLimited),
        ({"effect": Effect.STATUS, "status": 509}, RateLimited),
        ({"effect": Effect.HTML, "status": 200}, (BadReply, Transient)),
        ({"effect": Effect.HTML, "status": 502}, Transient),
        ({"effect": Effect.TRUNCATED}, (BadReply, Transient)),
    ],
)
def test_trouble_that_stays_is_told_and_trouble_that_passes_loses_nothing(in_office, operation, trouble, wanted):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        gone, mail = office.deliver(1), office.deliver(2)
        (await told(source, cursor))
        office.vendor.delete_forever(ALICE, gone)
        since = office.clock.now() - timedelta(hours=1)

        async def everything(fresh: GraphSource) -> None:
            await fresh.check()
            await told(fresh, cursor)
            await listed(fresh, since, office.clock.now() + timedelta(minutes=1))
            await fresh.fetch([mail])

        office.fault(operation, times=400, **trouble)
        if (
            operation == "batch"
            and trouble["effect"] in (Effect.HTML, Effect.TRUNCATED)
            and trouble.get("status") != 502
        ):
            await everything(office.source())  # one by one it goes
        else:
            with pytest.raises(wanted):
                await everything(office.source())
        office.world.faults.clear()
        await office.clock.sleep(600)
        assert mail in [e.id for e in (await told(office.source(), cursor))[0]]

    in_office(scenario)


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_parts_of_a_batch_that_fail_for_good_are_told_for_what_they_are(in_office, status):
    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(5)]
        source = office.source()
        await source.check()
        office.fault(GET, Effect.STATUS, status=status, times=400, nth=2)
        if status in (401, 403):
            with pytest.raises(ConnectorError):
                await source.fetch(mails)
            return
        fetched = await source.fetch(mails)
        assert len(fetched.messages) == 1
        assert len(fetched.gone) == (4 if status == 404 else 0)
        assert len(fetched.unreadable) == (4 if status == 400 else 0)

    in_office(scenario)


def test_a_mailbox_that_goes_away_is_not_taken_for_mails_that_are_gone(in_office):
    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(3)]
        source = office.source()
        cursor = await source.baseline()
        office.vendor.delete_forever(ALICE, mails[0])
        for state in ("on_premises", "undiscovered"):
            office.vendor.set_mailbox_state(ALICE, state)
            for asked in (source.fetch(mails), source.changes(cursor), source.baseline()):
                with pytest.raises(NotPermitted):
                    await asked
        office.vendor.set_mailbox_state(ALICE, "enabled")
        office.vendor.set_access_policy([])
        with pytest.raises(NotPermitted):
            await source.fetch(mails)

    in_office(scenario)


# ------------------------------------------------------------------------------------------------------ hostile answers


class Tampering(httpx.AsyncBaseTransport):
    """Hands answers on with another body."""

    def __init__(self, inner: httpx.AsyncBaseTransport, change: Callable[[httpx.Request, bytes], bytes]) -> None:
        self.inner = inner
        self.change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        content = self.change(request, await response.aread())
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return httpx.Response(response.status_code, headers=headers, content=content)


def tampered(
    office: Office, change: Callable[[httpx.Request, bytes], bytes], *, max_bytes: int = 64_000_000
) -> GraphSource:
    transport = Tampering(office.transport, change)
    sender = Sender(clock=office.clock, random=Random(3), log=office.log, transport=transport, max_bytes=max_bytes)
    services = Services(
        open_http=sender.open, clock=office.clock, random=Random(4), cpu=inline, log=office.log, vault=office.vault
    )
    made = GraphSource(office.config(), MailboxScope(ALICE), services)
    office.made.append(made)
    return made


def changed(path: str, change: Callable[[Any], Any]) -> Callable[[httpx.Request, bytes], bytes]:
    """Change the JSON of answers whose path ends so."""

    def tamper(request: httpx.Request, content: bytes) -> bytes:
        if not request.url.path.rstrip("/").endswith(path):
            return content
        return json.dumps(change(json.loads(content))).encode()

    return tamper


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda _: [],
        lambda _: {"value": "x"},
        lambda body: body | {"value": [None]},
        lambda body: {"value": body["value"]},  # neither goes on nor ends
        lambda body: body | {"@odata.deltaLink": "https://evil.example/v1.0/x"},
        lambda body: body | {"@odata.deltaLink": 7},
        lambda body: body | {"value": [{"id": ""}]},
    ],
)
def test_a_page_of_another_shape_never_moves_the_cursor(in_office, change):
    async def scenario(office: Office) -> None:
        cursor = await office.source().baseline()
        mail = office.deliver(1)
        with pytest.raises(BadReply):
            await tampered(office, changed("/messages/delta", change)).changes(cursor)
        assert mail in [e.id for e in (await told(office.source(), cursor))[0]]

    in_office(scenario)


def test_a_batch_that_lacks_parts_or_mixes_them_up_is_read_right(in_office):
    def shuffled(body: Any) -> Any:
        parts = body["responses"]
        return {"responses": [*parts[3:], *parts[:1], {"id": "77", "status": 200, "body": {}}, *parts[:1]]}

    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(8)]
        gone = office.deliver(9)
        office.vendor.delete_forever(ALICE, gone)
        fetched = await tampered(office, changed("/$batch", shuffled)).fetch([*mails, gone])
        assert [m.id for m in fetched.messages] == mails
        assert fetched.gone == (gone,)

    in_office(scenario)


def test_a_part_that_answers_for_another_mail_is_not_believed(in_office):
    def swapped(body: Any) -> Any:
        bodies = [part["body"] for part in body["responses"]]
        for part, other in zip(body["responses"], [*bodies[1:], bodies[0]], strict=True):
            part["body"] = other
        return body

    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(3)]
        source = office.source()
        await source.check()
        spoiled = tampered(office, changed("/$batch", swapped))
        spoiled._tree = source._tree
        with pytest.raises(BadReply):
            await spoiled.fetch(mails)

    in_office(scenario)


def test_a_mail_whose_answer_was_cut_is_asked_for_again_and_not_given_up(in_office):
    def cut(body: Any) -> Any:
        body["responses"][0]["body"] = '{"id": "AAMk'
        return body

    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(2)]
        source = office.source()
        await source.check()
        once = tampered(office, changed("/$batch", cut))
        once._tree = source._tree
        assert len((await once.fetch(mails)).messages) == 2

        def all_cut(request: httpx.Request, content: bytes) -> bytes:
            return b'"cut"' if "/messages/" in request.url.path else changed("/$batch", cut)(request, content)

        always = tampered(office, all_cut)
        always._tree = source._tree
        with pytest.raises(BadReply):
            await always.fetch(mails)

    in_office(scenario)


def test_a_listing_out_of_order_is_refused(in_office):
    async def scenario(office: Office) -> None:
        now = office.clock.now()
        for n in range(4):
            office.deliver(n, at=now - timedelta(minutes=n))
        source = tampered(office, changed(f"{ALICE}/messages", lambda body: body | {"value": body["value"][::-1]}))
        with pytest.raises(BadReply):
            await source.history(now - timedelta(days=1), now + timedelta(1), None)

    in_office(scenario)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "value",
                    "id",
                    "responses",
                    "status",
                    "body",
                    "headers",
                    "@odata.nextLink",
                    "@odata.deltaLink",
                    "displayName",
                    "parentFolderId",
                    "childFolderCount",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JUNK, st.sampled_from(["/mailFolders", "/delta", "/$batch", "/messages", f"/{ALICE}", "/token"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_only_our_errors_go_out(in_office, junk, path):
    async def scenario(office: Office) -> None:
        office.deliver(1)
        source = tampered(office, lambda r, c: json.dumps(junk).encode() if r.url.path.endswith(path) else c)
        now = office.clock.now()
        for ask in (
            source.check,
            source.baseline,
            lambda: source.history(now - timedelta(days=1), now, None),
            lambda: source.fetch(["x"]),
        ):
            try:
                await ask()
            except ConnectorError as error:
                assert error.hint  # noqa: PT017 - any other error fails by itself

    in_office(scenario)


def test_an_answer_that_is_too_large_is_told_as_such(in_office):
    async def scenario(office: Office) -> None:
        small = office.deliver(1)
        large = office.vendor.deliver_to(ALICE, letter(2, body=("y" * 70 + "\r\n") * 20_000))
        source = tampered(office, lambda _, c: c, max_bytes=600_000)
        with pytest.raises(BadReply):  # together; the engine then asks one by one
            await source.fetch([small, large])
        assert len((await source.fetch([small])).messages) == 1
        with pytest.raises(BadReply):  # not large enough to be to blame: the line may be
            await source.fetch([large])

    in_office(scenario)


def test_a_mail_that_is_to_blame_is_named(in_office, monkeypatch):
    monkeypatch.setattr("connectors.mail.graph.LARGE_BYTES", 1_000_000)

    async def scenario(office: Office) -> None:
        large = office.vendor.deliver_to(ALICE, letter(2, body=("y" * 70 + "\r\n") * 20_000))
        (unreadable,) = (await tampered(office, lambda _, c: c, max_bytes=600_000).fetch([large])).unreadable
        assert (unreadable.reason, unreadable.received_at is not None) == ("mail_too_large", True)

    in_office(scenario)


def test_large_answers_are_read_away_from_the_loop(in_office):
    calls: list[str] = []

    async def cpu(fn: Callable[..., Any], /, *args: Any) -> Any:
        calls.append(fn.__name__)
        return fn(*args)

    async def slow(fn: Callable[..., Any], /, *args: Any) -> Any:
        raise TimeoutError

    async def scenario(office: Office) -> None:
        large = office.vendor.deliver_to(ALICE, letter(2, body=("y" * 70 + "\r\n") * 40_000))
        assert len((await office.source(cpu=cpu).fetch([large])).messages) == 1
        assert calls == ["parts_of"]
        with pytest.raises(BadReply):
            await office.source(cpu=slow).fetch([large])

    in_office(scenario)
