"""Each fault does to client and vendor exactly what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tradepost.sandbox.kernel import Effect, Fault, Faults
from tradepost.sandbox.transport import InProcessTransport, SandboxBroken
from tradepost.sandbox.virtual import run

Client = Callable[..., httpx.AsyncClient]


def _post(shop: Any, client: Client, **fault: Any) -> tuple[Any, float, int]:
    """Post one entry under a fault: the answer or error, the seconds it took, entries at that moment."""

    async def main() -> tuple[Any, float, int]:
        if fault:
            shop.fault(**fault)
        async with client() as http:
            try:
                outcome: Any = await http.post("/v1/entries", json={"text": "x"})
            except httpx.HTTPError as error:
                outcome = error
            return outcome, shop.clock.monotonic(), len(shop.ledger.entries)

    return run(main())


def test_without_fault_the_request_is_carried_out_and_logged(shop, client) -> None:
    answer, took, entries = _post(shop, client)
    assert (answer.status_code, answer.json(), took, entries) == (201, {"id": 1}, 0.0, 1)
    (record,) = shop.world.requests.records
    assert (record.n, record.vendor, record.method, record.path) == (1, "ledger", "POST", "/v1/entries")
    assert (record.operation, record.kind, record.status, record.fault) == ("entries.create", "write", 201, "")


@pytest.mark.parametrize(
    ("fault", "error", "took", "entries", "status"),
    [
        ({"effect": Effect.LOST_REQUEST}, httpx.ReadTimeout, 10, 0, None),
        ({"effect": Effect.LOST_REPLY}, httpx.ReadTimeout, 10, 1, 201),
        ({"effect": Effect.RESET}, httpx.ConnectError, 0, 0, None),
        ({"effect": Effect.RESET_AFTER}, httpx.ReadError, 0, 1, 201),
        ({"effect": Effect.SLOW, "seconds": 11}, httpx.ReadTimeout, 10, 1, 201),
        ({"effect": Effect.LATE_COMMIT, "seconds": 5}, httpx.ReadTimeout, 10, 1, 201),
    ],
)
def test_a_fault_that_leaves_the_client_without_an_answer(shop, client, fault, error, took, entries, status) -> None:
    outcome, seconds, made = _post(shop, client, **fault)
    assert type(outcome) is error
    assert (seconds, made) == (pytest.approx(took), entries)
    (record,) = shop.world.requests.records
    assert (record.status, record.fault) == (status, fault["effect"].value)


@pytest.mark.parametrize(
    ("fault", "took", "entries", "status"),
    [
        ({"effect": Effect.SLOW, "seconds": 7}, 7, 1, 201),
        ({"effect": Effect.STATUS, "status": 429}, 0, 0, 429),
        ({"effect": Effect.STATUS_AFTER, "status": 502}, 0, 1, 502),
        ({"effect": Effect.HTML, "status": 200}, 0, 0, 200),
        ({"effect": Effect.TRUNCATED}, 0, 1, 201),
        ({"effect": Effect.DUPLICATE}, 0, 2, 201),
    ],
)
def test_a_fault_that_answers(shop, client, fault, took, entries, status) -> None:
    answer, seconds, made = _post(shop, client, **fault)
    assert (answer.status_code, seconds, made) == (status, pytest.approx(took), entries)
    assert shop.world.requests.records[0].status == status
    match fault["effect"]:
        case Effect.HTML:
            assert answer.text.startswith("<!DOCTYPE html>")
        case Effect.TRUNCATED:
            assert answer.content == b'{"id'
            with pytest.raises(ValueError):
                answer.json()
        case Effect.DUPLICATE:
            assert answer.json() == {"id": 2}
        case _:
            assert "json" in answer.headers["content-type"]


def test_a_late_commit_happens_after_the_client_has_given_up(shop, client) -> None:
    async def main() -> tuple[int, int, float]:
        shop.fault(effect=Effect.LATE_COMMIT, seconds=60)
        async with client() as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.post("/v1/entries", json={})
        at_time_out = len(shop.ledger.entries)
        await shop.transport.drain()
        return at_time_out, len(shop.ledger.entries), shop.clock.monotonic()

    assert run(main()) == (0, 1, 60.0)


def test_a_cancelled_client_leaves_the_server_at_work(shop, client) -> None:
    async def main() -> int:
        shop.fault(effect=Effect.LATE_COMMIT, seconds=3)
        async with client() as http:
            call = asyncio.create_task(http.post("/v1/entries", json={}))
            await shop.clock.sleep(1)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
        assert shop.ledger.entries == []
        await shop.transport.drain()
        return len(shop.ledger.entries)

    assert run(main()) == 1


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("step", ["request.sent", "reply.received"])
def test_a_crash_hits_the_client_only(shop, client, step) -> None:
    def crash(name: str) -> None:
        steps.append(name)
        if name == step:
            raise PowerCut

    async def main() -> int:
        shop.transport.on_step = crash
        with pytest.raises(PowerCut):
            await client().post("/v1/entries", json={})
        await shop.transport.drain()
        return len(shop.ledger.entries)

    steps: list[str] = []
    assert run(main()) == 1
    assert steps == ["request.sent", "reply.received"][: len(steps)]
    assert steps[-1] == step


def test_faults_are_counted_per_matching_call() -> None:
    faults = Faults()
    third = Fault(vendor="ledger", operation="entries.*", nth=3, times=2, effect=Effect.RESET)
    faults.add(third)
    taken = [
        faults.take("ledger", op) for op in ["entries.a", "other", "entries.b", "entries.a", "entries.a", "entries.a"]
    ]
    assert taken == [None, None, None, third, third, None]
    assert faults.pending() == ()


def test_of_two_faults_due_at_once_the_older_acts_and_the_other_waits() -> None:
    faults = Faults()
    first = Fault(vendor="*", effect=Effect.RESET)
    second = Fault(vendor="ledger", effect=Effect.HTML)
    faults.add(first)
    faults.add(second)
    assert [faults.take("ledger", "x") for _ in range(3)] == [first, second, None]
    faults.add(first)
    faults.clear()
    assert faults.take("ledger", "x") is None


def test_the_request_log_tells_reads_from_writes(shop, client) -> None:
    async def main() -> None:
        async with client() as http:
            await http.get("/v1/entries")
            await http.post("/v1/entries", json={})
            await http.get("/v1/entries")

    run(main())
    log = shop.world.requests
    assert [r.n for r in log.writes()] == [2]
    assert (log.count(), log.count("ledger", "entries.list"), log.count(kind="write"), log.count("other")) == (
        3,
        2,
        1,
        0,
    )


def test_an_unknown_host_cannot_be_reached(client) -> None:
    async def main() -> None:
        async with client() as http:
            await http.get("https://elsewhere.example/")

    with pytest.raises(httpx.ConnectError):
        run(main())


def test_latency_counts_against_both_time_outs(shop, client) -> None:
    async def attempt(seconds: float, limits: httpx.Timeout) -> None:
        transport = InProcessTransport({"ledger.example": shop.ledger}, shop.clock, lambda: seconds)
        async with httpx.AsyncClient(transport=transport, timeout=limits) as http:
            await http.get("https://ledger.example/")

    with pytest.raises(httpx.ConnectTimeout):
        run(attempt(3, httpx.Timeout(10, connect=2)))
    assert shop.world.requests.records == []
    with pytest.raises(httpx.ReadTimeout):
        run(attempt(3, httpx.Timeout(2, connect=10)))
    assert len(shop.world.requests.records) == 1
    run(attempt(3, httpx.Timeout(10)))


def test_a_mistake_in_a_simulator_is_never_taken_for_an_answer(shop, client) -> None:
    def broken(_: Request) -> Response:
        raise LookupError("mistake")

    shop.ledger.override = broken
    with pytest.raises(SandboxBroken, match="LookupError"):
        _post(shop, client)

    async def unseen() -> None:
        shop.fault(effect=Effect.LATE_COMMIT, seconds=20)
        async with client() as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/v1/entries")
        with pytest.raises(SandboxBroken, match="LookupError"):
            await shop.transport.drain()
        await shop.transport.drain()

    run(unseen())


def test_streamed_answers_arrive_whole_and_a_second_server_task_sees_no_context(shop, client) -> None:
    async def parts():
        for part in (b"[1,", b"2]"):
            await shop.clock.sleep(1)
            yield part

    shop.ledger.override = lambda _: StreamingResponse(parts(), media_type="application/json")
    answer, took, _ = _post(shop, client)
    assert (answer.json(), took) == ([1, 2], 2.0)


def test_a_real_server_breaks_the_connection_by_a_length_it_never_keeps(shop) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    def serve(app: Callable[..., Awaitable[None]]) -> Any:
        return app({"type": "http", "method": "POST", "path": "/v1/entries", "headers": []}, receive, send)

    shop.fault(effect=Effect.RESET_AFTER)
    run(serve(shop.ledger))
    assert [m["type"] for m in sent] == ["http.response.start"]
    assert sent[0]["headers"] == [(b"content-length", b"1")]
    assert len(shop.ledger.entries) == 1


def test_a_body_in_pieces_is_read_whole_and_an_unfinished_one_is_no_request(shop) -> None:
    async def serve(*messages: Any) -> list[Any]:
        waiting, sent = list(messages), []

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await shop.ledger({"type": "http", "method": "POST", "path": "/v1/entries", "headers": []}, receive, send)
        return sent

    first = {"type": "http.request", "body": b'{"te', "more_body": True}
    assert run(serve(first, {"type": "http.disconnect"})) == []
    assert shop.world.requests.records == []
    sent = run(serve(first, {"type": "http.request", "body": b'xt":1}', "more_body": False}))
    assert sent[0]["status"] == 201
    assert shop.ledger.entries == [{"text": 1}]


def _events(make_shop, seed: int) -> list[Any]:
    shop = make_shop(seed, jittery=True)

    async def lane(n: int) -> None:
        async with httpx.AsyncClient(transport=shop.transport, timeout=2) as http:
            for i in range(10):
                try:
                    await http.post("https://ledger.example/v1/entries", json={"lane": n, "i": i})
                except httpx.HTTPError as error:
                    events.append((shop.clock.now(), n, type(error).__name__))

    async def main() -> None:
        shop.fault(effect=Effect.LOST_REPLY, nth=3, times=4)
        shop.fault(effect=Effect.LATE_COMMIT, nth=9, seconds=5)
        await asyncio.gather(*(lane(n) for n in range(5)))
        await shop.transport.drain()

    events: list[Any] = []
    run(main())
    return [*events, *shop.world.requests.records, *shop.ledger.entries]


def test_two_runs_of_one_seed_give_identical_events(make_shop) -> None:
    assert _events(make_shop, 5) == _events(make_shop, 5)
    assert _events(make_shop, 5) != _events(make_shop, 6)


def test_an_answer_of_no_content_has_no_length(shop, client) -> None:
    shop.ledger.override = lambda _: Response(status_code=204)
    answer, _, _ = _post(shop, client)
    assert answer.status_code == 204
    assert "content-length" not in answer.headers


def test_the_lifespan_protocol_is_spoken(shop) -> None:
    sent: list[Any] = []

    async def main() -> None:
        waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await shop.ledger({"type": "lifespan"}, receive, send)

    run(main())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
