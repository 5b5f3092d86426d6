"""The source against the simulated Gmail, on virtual time."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from connectors.base.errors import AuthFailed, BadReply, CursorExpired, NotPermitted, RateLimited, Transient
from connectors.base.mail import MailboxScope
from connectors.base.model import MailMessage, Place, Removed, Seen, Severity
from connectors.base.services import Services
from connectors.http import Sender
from connectors.mail.gmail import GmailSource
from connectors.mail.gmail_config import GmailConfig
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Effect, Fault, World
from tradepost.sandbox.transport import InProcessTransport
from tradepost.sandbox.virtual import START, VirtualClock, run

ALICE = "alice@ours.example"
READONLY = "https://www.googleapis.com/auth/gmail.readonly"
GET = "gmail.users.messages.get"

# ------------------------------------------------------------------------------------------------------------- harness


class Events:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **ids: object) -> None:
        self.lines.append({"event": event, **ids})

    warning = error = info


class Vault:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, Any]] = {}

    async def get(self, name: str) -> tuple[str, Any] | None:
        return self.kept.get(name)

    async def put(self, name: str, token: str, expires_at: Any) -> None:
        self.kept[name] = (token, expires_at)


async def inline(fn: Callable[..., Any], /, *args: Any) -> Any:
    return fn(*args)


def letter(n: int = 0, subject: str = "Enquiry", sender: str = "buyer@there.example", to: str = ALICE) -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{n}@there.example>\r\n"
    return (head + "Date: Mon, 2 Mar 2026 07:00:00 +0000\r\n\r\nPlease quote.\r\n").encode()


@dataclass
class Town:
    """A simulated domain with alice's mailbox, and sources for it."""

    world: World
    vendor: GmailVendor
    services: Services
    log: Events

    def source(self, address: str = ALICE, config: dict[str, Any] | None = None, **scope: Any) -> GmailSource:
        auth = {"method": "service_account", "key": {"env": "GMAIL_KEY"}}
        settings = GmailConfig.model_validate({"auth": auth} | (config or {}))
        return GmailSource(settings, MailboxScope(address, **scope), self.services)

    def deliver(self, n: int = 0, **more: Any) -> str:
        return self.vendor.deliver(ALICE, letter(n), **more)

    def fault(self, operation: str, effect: Effect, **more: Any) -> None:
        self.world.faults.add(Fault(vendor="gmail", operation=operation, effect=effect, **more))

    def count(self, operation: str) -> int:
        return self.world.requests.count("gmail", operation)


Scenario = Callable[[Town], Awaitable[None]]


@pytest.fixture(scope="session")
def key() -> tuple[dict[str, str], dict[str, Any]]:
    """One service account for all tests: making a key takes a while."""
    vendor = GmailVendor(World(clock=VirtualClock(), random=Random(1)))
    found = vendor.key_file("https://oauth2.googleapis.com", scopes=[READONLY])
    return found, vendor.directory.accounts


@pytest.fixture
def in_town(key, monkeypatch) -> Callable[[Scenario], None]:
    monkeypatch.setenv("GMAIL_KEY", json.dumps(key[0]))

    async def play(scenario: Scenario) -> None:
        world = World(clock=VirtualClock(), random=Random(2))
        vendor = GmailVendor(world)
        vendor.directory.accounts.update(key[1])
        vendor.add_mailbox(ALICE, aliases=["sales@ours.example"])
        hosts = ("gmail.googleapis.com", "oauth2.googleapis.com")
        transport = InProcessTransport(dict.fromkeys(hosts, vendor), world.clock, lambda: 0.01)
        log = Events()
        sender = Sender(clock=world.clock, random=Random(3), log=log, transport=transport)
        services = Services(
            open_http=sender.open, clock=world.clock, random=Random(4), cpu=inline, log=log, vault=Vault()
        )
        try:
            await scenario(Town(world, vendor, services, log))
        finally:
            await transport.drain()
            await sender.close()

    return lambda scenario: run(play(scenario))


async def news(source: GmailSource, cursor: str) -> tuple[list[Seen | Removed], str, int]:
    """All events since, the last cursor, and how many pages it took."""
    events: list[Seen | Removed] = []
    for n in range(1, 100):
        page = await source.changes(cursor)
        events += page.events
        cursor = page.cursor
        if not page.more:
            return events, cursor, n
    raise AssertionError("the feed never ends")


async def listed(source: GmailSource, since: datetime, until: datetime) -> list[str]:
    ids: list[str] = []
    page: str | None = None
    while True:
        found = await source.history(since, until, page)
        ids += found.ids
        if found.next_page is None:
            return ids
        page = found.next_page


async def one(source: GmailSource, id_: str) -> MailMessage:
    (message,) = (await source.fetch([id_])).messages
    return message


# ------------------------------------------------------------------------------------------------------------- changes


def test_new_and_sent_mail_comes_once_and_only_what_came_after_the_baseline(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        town.deliver(1)
        cursor = await source.baseline()
        new = town.deliver(2)
        sent = town.vendor.deliver_to_recipients(letter(3, sender=ALICE, to="buyer@there.example"))[ALICE]
        events, cursor, _ = await news(source, cursor)
        assert events == [Seen(new), Seen(sent)]
        assert [(await one(source, i)).place for i in (new, sent)] == [Place.INBOX, Place.SENT]
        assert (await news(source, cursor))[0] == []

    in_town(scenario)


def test_moves_and_deletions_are_told_and_reading_is_not(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        label = town.vendor.add_label(ALICE, "客户/询盘")
        ids = [town.deliver(n) for n in range(5)]
        cursor = await source.baseline()
        town.vendor.move(ALICE, ids[0], add=[label], remove=["INBOX"])
        town.vendor.trash(ALICE, ids[1])
        town.vendor.move(ALICE, ids[2], add=["SPAM"], remove=["INBOX"])
        town.vendor.delete(ALICE, ids[3])
        town.vendor.move(ALICE, ids[4], remove=["UNREAD"])
        events, _, _ = await news(source, cursor)
        assert events == [Seen(ids[0]), Seen(ids[1]), Seen(ids[2]), Removed(ids[3])]
        found = await source.fetch(ids)
        assert found.gone == (ids[3],)
        assert [m.place for m in found.messages] == [Place.ARCHIVE, Place.TRASH, Place.JUNK, Place.INBOX]
        assert found.messages[0].labels == ("CATEGORY_PERSONAL", "客户/询盘")

    in_town(scenario)


def test_drafts_are_left_out_until_they_are_sent(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        cursor = await source.baseline()
        draft = town.vendor.save_draft(ALICE, letter(1, sender=ALICE, to="buyer@there.example"))
        town.vendor.save_draft(ALICE, letter(1, sender=ALICE, to="buyer@there.example"), draft_id=draft)
        events, cursor, _ = await news(source, cursor)
        assert events == []
        assert await listed(source, START - timedelta(days=1), START + timedelta(days=1)) == []
        sent = town.vendor.send_draft(ALICE, draft)
        events, cursor, _ = await news(source, cursor)
        assert events == [Seen(sent)]

    in_town(scenario)


def test_pages_without_records_lead_on_to_those_with(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        cursor = await source.baseline()
        town.vendor.silent_changes(ALICE, 1100)
        new = town.deliver(1)
        first = await source.changes(cursor)
        assert (first.events, first.more) == ((), True)
        events, _, pages = await news(source, cursor)
        assert events == [Seen(new)]
        assert pages == 3

    in_town(scenario)


def test_what_comes_while_pages_are_read_is_not_lost(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        cursor = await source.baseline()
        town.vendor.silent_changes(ALICE, 600)
        page = await source.changes(cursor)
        assert page.more
        late = [town.deliver(1), town.deliver(2)]
        seen: set[Any] = set()
        while True:
            page = await source.changes(page.cursor)
            seen |= set(page.events)
            if not page.more:
                break
        events, _, _ = await news(source, page.cursor)
        assert seen | set(events) == {Seen(i) for i in late}

    in_town(scenario)


def test_the_same_cursor_tells_the_same_again(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        cursor = await source.baseline()
        town.deliver(1)
        assert await source.changes(cursor) == await source.changes(cursor)

    in_town(scenario)


def test_expired_history_is_told_and_a_new_baseline_mends_it(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        cursor = await source.baseline()
        town.vendor.expire_history(ALICE)
        with pytest.raises(CursorExpired):
            await source.changes(cursor)
        assert (await source.changes(await source.baseline())).events == ()

    in_town(scenario)


def test_a_mailbox_quiet_for_a_month_keeps_its_cursor_while_it_is_asked(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        town.deliver(1)
        cursor = await source.baseline()
        for _ in range(15):
            await town.world.clock.sleep(2 * 86400)
            _, cursor, _ = await news(source, cursor)
        new = town.deliver(2)
        assert (await news(source, cursor))[0] == [Seen(new)]

    in_town(scenario)


def test_a_source_of_another_process_goes_on_with_the_cursor(in_town):
    async def scenario(town: Town) -> None:
        cursor = await town.source().baseline()
        town.vendor.silent_changes(ALICE, 600)
        new = town.deliver(1)
        page = await town.source().changes(cursor)
        assert (await news(town.source(), page.cursor))[0] == [Seen(new)]

    in_town(scenario)


# ------------------------------------------------------------------------------------------------------------- listing


def test_a_window_holds_its_first_moment_and_not_its_last(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        since, until = START - timedelta(days=3), START - timedelta(days=2, milliseconds=400)
        step = timedelta(milliseconds=1)
        town.deliver(1, at=since - step)
        inside = {
            town.deliver(2, at=since),
            town.deliver(3, at=since + timedelta(hours=5)),
            town.deliver(4, at=until - step),
        }
        town.deliver(5, at=until)
        town.deliver(6, at=until + timedelta(seconds=1))
        assert set(await listed(source, since, until)) == inside

    in_town(scenario)


def test_windows_side_by_side_list_every_mail_once(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        chance = Random(11)
        begin = START - timedelta(days=1)
        cuts = [begin + timedelta(milliseconds=chance.randrange(0, 20_000)) for _ in range(6)]
        cuts = [begin, *sorted(cuts), begin + timedelta(seconds=20)]
        ids = [town.deliver(n, at=begin + timedelta(milliseconds=chance.randrange(0, 20_000))) for n in range(60)]
        found: list[str] = []
        for since, until in pairwise(cuts):
            found += await listed(source, since, until)
        assert sorted(found) == sorted(ids)

    in_town(scenario)


def test_a_long_window_comes_in_pages_and_roughly_newest_first(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        ids = [town.deliver(n, at=START - timedelta(minutes=10 * n + 1)) for n in range(1100)]
        first = await source.history(START - timedelta(days=30), START, None)
        assert len(first.ids) == 500
        assert first.ids == tuple(ids[:500])
        assert await listed(source, START - timedelta(days=30), START) == ids

    in_town(scenario)


def test_junk_is_listed_and_told_by_choice_and_trash_never(in_town):
    async def scenario(town: Town) -> None:
        plain, junky = town.source(), town.source(include_junk=True)
        cursor = await plain.baseline()
        ids = {name: town.deliver(n, labels=[name]) for n, name in enumerate(["INBOX", "SPAM", "TRASH", "DRAFT"])}
        window = START - timedelta(hours=1), START + timedelta(hours=1)
        assert await listed(plain, *window) == [ids["INBOX"]]
        assert set(await listed(junky, *window)) == {ids["INBOX"], ids["SPAM"]}
        assert (await news(plain, cursor))[0] == [Seen(ids["INBOX"])]
        assert (await news(junky, cursor))[0] == [Seen(ids["INBOX"]), Seen(ids["SPAM"])]

    in_town(scenario)


def test_mail_under_a_label_left_out_is_neither_listed_nor_told(in_town):
    async def scenario(town: Town) -> None:
        source = town.source(exclude_labels=("私人",))
        for name in ("私人", "私人/银行", "私人医院"):
            town.vendor.add_label(ALICE, name)
        cursor = await source.baseline()
        for n, name in enumerate(("私人", "私人/银行")):
            town.deliver(n, labels=["INBOX", name])
        shown = [town.deliver(5, labels=["私人医院"]), town.deliver(6)]
        assert sorted(await listed(source, START - timedelta(hours=1), START + timedelta(hours=1))) == sorted(shown)
        assert (await news(source, cursor))[0] == [Seen(i) for i in shown]
        town.vendor.move(ALICE, shown[1], add=["私人"])
        assert [e.id for e in (await news(source, cursor))[0]] == shown

    in_town(scenario)


# ------------------------------------------------------------------------------------------------------------- reading


def test_sixty_mails_are_read_in_three_batches(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        ids = [town.deliver(n) for n in range(60)]
        found = await source.fetch(ids)
        assert [m.id for m in found.messages] == ids
        assert [m.message_id for m in found.messages] == [f"{n}@there.example" for n in range(60)]
        assert town.count("batch") == 3
        assert town.count(GET) == 60

    in_town(scenario)


def test_more_parallel_parts_than_gmail_takes_lose_nothing(in_town):
    async def scenario(town: Town) -> None:
        town.vendor.set_quota(concurrent=6)
        source = town.source(config={"parallel": 25})
        ids = [town.deliver(n) for n in range(60)]
        found = await source.fetch(ids)
        assert [m.id for m in found.messages] == ids
        refused = [r for r in town.world.requests.records if r.operation == GET and r.status == 429]
        assert refused

    in_town(scenario)


def test_parts_that_fail_in_every_way_lose_nothing(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        ids = [town.deliver(n) for n in range(20)]
        town.vendor.delete(ALICE, ids[4])
        for nth, (effect, status, code) in enumerate(
            [
                (Effect.STATUS, 429, "rateLimitExceeded"),
                (Effect.STATUS, 403, "userRateLimitExceeded"),
                (Effect.STATUS, 500, ""),
                (Effect.HTML, 502, ""),
                (Effect.TRUNCATED, 200, ""),
                (Effect.STATUS, 401, ""),
            ]
        ):
            town.fault(GET, effect, nth=2 * nth + 1, status=status, code=code)
        found = await source.fetch(ids)
        assert [m.id for m in found.messages] == [i for n, i in enumerate(ids) if n != 4]
        assert found.gone == (ids[4],)
        assert not town.world.faults.pending()

    in_town(scenario)


@pytest.mark.parametrize("effect", [Effect.TRUNCATED, Effect.RESET, Effect.LOST_REPLY, Effect.HTML, Effect.STATUS])
def test_a_batch_that_fails_as_a_whole_loses_nothing(in_town, effect):
    async def scenario(town: Town) -> None:
        source = town.source(config={"timeout": 5})
        ids = [town.deliver(n) for n in range(30)]
        town.fault("batch", effect, status=200 if effect is Effect.HTML else 503)
        found = await source.fetch(ids)
        assert [m.id for m in found.messages] == ids

    in_town(scenario)


def test_a_limit_that_lasts_is_raised_and_the_next_fetch_reads_all(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        ids = [town.deliver(n) for n in range(3)]
        town.fault(GET, Effect.STATUS, status=403, code="rateLimitExceeded", times=50)
        with pytest.raises(RateLimited):
            await source.fetch(ids)
        town.world.faults.clear()
        assert len((await source.fetch(ids)).messages) == 3

    in_town(scenario)


def test_a_used_up_minute_tells_when_to_come_back(in_town):
    async def scenario(town: Town) -> None:
        town.vendor.set_quota(user_per_minute=200)
        source = town.source()
        ids = [town.deliver(n) for n in range(20)]
        with pytest.raises(RateLimited) as caught:
            await source.fetch(ids)
        assert caught.value.retry_at is not None
        wait = (caught.value.retry_at - town.world.clock.now()).total_seconds()
        assert 0 < wait <= 60

    in_town(scenario)


def test_reading_keeps_within_the_minutes_quota(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        ids = [town.deliver(n) for n in range(700)]
        began = town.world.clock.monotonic()
        for n in range(0, 700, 20):
            await source.fetch(ids[n : n + 20])
        assert 110 < town.world.clock.monotonic() - began < 180  # 300 a minute
        assert all(r.status == 200 for r in town.world.requests.records)

    in_town(scenario)


def test_a_chinese_mail_arrives_as_it_was_written(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        head = "From: 王伟 <wang@there.example>\r\nTo: 客户\r\nSubject: 询盘：LED灯具报价\r\n"
        raw = head.encode("gbk") + "Content-Type: text/plain; charset=gbk\r\n\r\n请报价。\r\n".encode("gbk")
        id_ = town.vendor.deliver(ALICE, raw, labels=["INBOX", "客户/询盘"], at=START - timedelta(days=2))
        message = await one(source, id_)
        assert message.subject == "询盘：LED灯具报价"
        assert "请报价" in message.text
        assert message.labels == ("INBOX", "客户/询盘")
        assert message.received_at == START - timedelta(days=2)
        assert message.thread_id

    in_town(scenario)


def test_what_is_logged_names_nobody(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        await source.check()
        await source.fetch([town.deliver(1)])
        town.fault("gmail.users.history.list", Effect.STATUS, status=403, code="forbidden")
        with pytest.raises(NotPermitted) as caught:
            await source.changes(await source.baseline())
        told = json.dumps(town.log.lines, default=str) + str(caught.value)
        for word in ("alice", "buyer", "Enquiry", "quote", "ya29", "PRIVATE"):
            assert word not in told

    in_town(scenario)


def test_two_runs_are_the_same_to_the_byte(in_town):
    runs: list[str] = []

    async def scenario(town: Town) -> None:
        town.vendor.set_quota(concurrent=6)
        source = town.source()
        cursor = await source.baseline()
        ids = [town.deliver(n) for n in range(30)]
        town.fault("batch", Effect.STATUS)
        found = await source.fetch(ids)
        told = await source.changes(cursor)
        records = [(r.operation, r.path, r.status, r.at) for r in town.world.requests.records]
        runs.append(repr((found, told, records, town.log.lines)))

    in_town(scenario)
    in_town(scenario)
    assert runs[0] == runs[1]


# -------------------------------------------------------------------------------------------------------------- limits


def test_a_403_that_is_a_limit_is_waited_for_and_one_that_is_none_is_not(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        history = "gmail.users.history.list"
        cursor = await source.baseline()
        town.fault(history, Effect.STATUS, status=403, code="rateLimitExceeded")
        assert (await source.changes(cursor)).events == ()
        assert town.count(history) == 2
        town.fault(history, Effect.STATUS, status=403, code="domainPolicy")
        with pytest.raises(NotPermitted):
            await source.changes(cursor)
        assert town.count(history) == 3

    in_town(scenario)


def test_a_used_up_day_ends_at_midnight_in_california(in_town):
    async def scenario(town: Town) -> None:
        town.vendor.set_quota(project_per_day=3)
        source = town.source()
        cursor = await source.baseline()
        await source.changes(cursor)
        with pytest.raises(RateLimited) as caught:
            await source.changes(cursor)
        assert caught.value.retry_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
        assert town.count("gmail.users.history.list") == 2

    in_town(scenario)


def test_a_broken_server_is_transient_and_a_broken_line_too(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        for effect in (Effect.STATUS, Effect.RESET):
            town.fault("gmail.users.getProfile", effect, times=20)
            with pytest.raises(Transient):
                await source.baseline()
            town.world.faults.clear()
        town.fault("gmail.users.getProfile", Effect.TRUNCATED)
        with pytest.raises(BadReply):
            await source.baseline()
        assert (await source.baseline()).isdigit()

    in_town(scenario)


def test_a_token_that_dies_is_replaced_without_a_word(in_town):
    async def scenario(town: Town) -> None:
        source = town.source()
        id_ = town.deliver(1)
        await source.baseline()
        town.vendor.expire_tokens()
        assert (await one(source, id_)).id == id_
        town.vendor.expire_tokens()
        assert (await source.baseline()).isdigit()

    in_town(scenario)


# --------------------------------------------------------------------------------------------------------------- check


def test_check_answers_for_each_mailbox_of_one_delegation(in_town):
    async def scenario(town: Town) -> None:
        town.vendor.add_mailbox("bob@ours.example")
        alice, bob = await town.source().check(), await town.source("bob@ours.example").check()
        assert alice.account_id == "gmail:alice@ours.example"
        assert alice.addresses == (ALICE, "sales@ours.example")
        assert alice.problems == ()
        assert (bob.account_id, bob.addresses) == ("gmail:bob@ours.example", ("bob@ours.example",))

    in_town(scenario)


def test_check_by_an_alias_finds_the_account_itself(in_town):
    async def scenario(town: Town) -> None:
        account = await town.source("sales@ours.example").check()
        assert account.account_id == "gmail:alice@ours.example"
        assert account.problems == ()

    in_town(scenario)


def test_check_names_the_client_and_the_scope_the_administrator_must_add(in_town, key):
    async def scenario(town: Town) -> None:
        modify = "https://www.googleapis.com/auth/gmail.modify"
        account = await town.source(config={"scopes": ["gmail.modify"]}).check()
        (problem,) = account.problems
        assert problem.severity is Severity.ERROR
        assert key[0]["client_id"] in problem.mend
        assert modify in problem.mend
        assert account.account_id == ""

    in_town(scenario)


def test_check_finds_a_user_without_mail_service(in_town):
    async def scenario(town: Town) -> None:
        town.vendor.set_mail_service(ALICE, on=False)
        (problem,) = (await town.source().check()).problems
        assert "mail service" in problem.what
        with pytest.raises(NotPermitted):
            await town.source().baseline()

    in_town(scenario)


def test_a_mailbox_nobody_has_is_a_refused_sign_in(in_town):
    async def scenario(town: Town) -> None:
        with pytest.raises(AuthFailed):
            await town.source("nobody@ours.example").check()

    in_town(scenario)
