"""What the source makes of Gmail's answers, script by script."""

from __future__ import annotations

import base64
import json
import pickle
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from connectors.base.errors import (
    BadReply,
    ConnectorError,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
    Transient,
)
from connectors.base.mail import MailboxScope, MailSource
from connectors.base.model import Place, Removed, Seen, Severity, Unreadable
from connectors.base.services import Call, HttpSpec, Reply, Services
from connectors.http_errors import error_of
from connectors.mail.gmail import GmailSource
from connectors.mail.gmail_api import read_parts
from connectors.mail.gmail_config import GmailConfig
from connectors.mail.gmail_parse import LARGE_BYTES, read_raw
from tradepost.sandbox.virtual import VirtualClock, run

ALICE = "alice@ours.example"
SINCE = datetime(2026, 2, 1, tzinfo=UTC)
UNTIL = datetime(2026, 3, 1, tzinfo=UTC)

# ------------------------------------------------------------------------------------------------------------- harness


class Events:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []

    def info(self, event: str, **ids: object) -> None:
        self.lines.append({"event": event, **ids})

    warning = error = info


class Vault:
    async def get(self, name: str) -> None:
        return None

    async def put(self, name: str, token: str, expires_at: Any) -> None: ...


async def inline(fn: Callable[..., Any], /, *args: Any) -> Any:
    return fn(*args)


def body(**json_object: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(json_object).encode())


def refusal(status: int, reason: str, message: str = "") -> Reply:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return Reply(status, {}, json.dumps({"error": {"code": status, "errors": errors, "message": message}}).encode())


GONE = refusal(404, "notFound", "Requested entity was not found.")
CROWDED = refusal(429, "rateLimitExceeded", "Too many concurrent requests for user")


def message(id_: str, labels: tuple[str, ...] = ("INBOX",), raw: bytes = b"", **more: Any) -> Reply:
    mail = raw or b"From: buyer@there.example\r\nSubject: Enquiry\r\n\r\nPlease quote.\r\n"
    found = {"id": id_, "threadId": "t", "labelIds": list(labels), "internalDate": "1772438400000"}
    return body(**found | {"raw": base64.urlsafe_b64encode(mail).decode()} | more)


@dataclass
class Scripted:
    """An `Http` that answers from scripts: a list per operation, one per mail in batches; the last answer stays."""

    clock: VirtualClock
    script: dict[str, list[Any]] = field(default_factory=dict)
    mails: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    sent: list[Call] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    spec: HttpSpec | None = None
    closed: int = 0

    def open(self, spec: HttpSpec) -> Scripted:
        self.spec = spec
        return self

    async def send(self, call: Call) -> Reply:
        self.sent.append(call)
        answer = _next(self.script[call.operation]) if call.operation in self.script else self._mail(call)
        if isinstance(answer, ConnectorError):
            raise answer
        reply = answer if isinstance(answer, Reply) else answer(call)
        if reply.status in call.accept:
            return reply
        assert self.spec is not None
        raise error_of(self.spec, call, reply, self.clock.now())

    def _mail(self, call: Call) -> Any:
        if call.operation == "messages.get":
            return _next(self.mails[call.url.split("/messages/")[1].split("?")[0]])
        assert call.operation == "batch", call.operation
        assert call.content is not None
        ids = re.findall(r"Content-ID: <tradepost \+ ([^>]+)>", call.content.decode())
        self.batches.append(ids)
        text = "".join(
            f"--cut\r\nContent-ID: <response-tradepost + {id_}>\r\n\r\nHTTP/1.1 {part.status} X\r\n"
            f"Content-Type: application/json\r\n\r\n{part.content.decode()}\r\n"
            for id_, part in ((id_, _next(self.mails[id_])) for id_ in ids)
        )
        return Reply(200, {"content-type": "multipart/mixed; boundary=cut"}, (text + "--cut--\r\n").encode())

    async def close(self) -> None:
        self.closed += 1

    def urls(self, operation: str) -> list[str]:
        return [call.url for call in self.sent if call.operation == operation]


def _next(answers: list[Any]) -> Any:
    return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class Desk:
    """A source and everything it was handed."""

    source: GmailSource
    http: Scripted
    log: Events


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setenv("GMAIL_SECRET", "shh")
    auth = {"method": "installed_app", "client_id": "app-1", "client_secret": {"env": "GMAIL_SECRET"}}

    def build(cpu: Any = inline, *, config: dict[str, Any] | None = None, **scope: Any) -> Desk:
        clock = VirtualClock()
        http = Scripted(clock)
        http.script["labels.list"] = [
            body(labels=[{"id": "INBOX", "name": "INBOX"}, {"id": "Label_1", "name": "客户"}])
        ]
        log = Events()
        services = Services(open_http=http.open, clock=clock, random=Random(1), cpu=cpu, log=log, vault=Vault())
        settings = GmailConfig.model_validate({"auth": auth} | (config or {}))
        return Desk(GmailSource(settings, MailboxScope(ALICE, **scope), services), http, log)

    return build


def fetch(desk: Desk, *ids: str):
    return run(desk.source.fetch(ids))


def test_it_is_a_mail_source(desk):
    source: MailSource = desk().source
    assert source.capabilities.units_per_mail == 20
    assert source.capabilities.units_per_minute == 6000
    assert source.capabilities.fetch_size == 20


def test_quotas_are_shared_by_user_and_by_project(desk):
    first, second = desk().http.spec, desk().http.spec
    assert {n: (q.units, q.per_seconds) for n, q in first.quotas.items()} == {
        "user": (6000, 60),
        "project": (1_200_000, 60),
        "day": (80_000_000, 86400),
    }
    assert first.quotas == second.quotas
    pools = [q.shared for q in first.quotas.values()]
    assert all(pools)
    assert ALICE in first.quotas["user"].shared
    assert ALICE not in first.quotas["project"].shared


def test_closing_twice_is_fine(desk):
    d = desk()
    run(d.source.close())
    run(d.source.close())
    assert d.http.closed


# ------------------------------------------------------------------------------------------------------------- changes


def change(id_: str, *labels: str):
    return {"messagesAdded": [{"message": {"id": id_, "labelIds": labels or ["INBOX"]}}]}


def test_the_baseline_is_the_profiles_position(desk):
    d = desk()
    d.http.script["getProfile"] = [body(emailAddress=ALICE, historyId="77")]
    assert run(d.source.baseline()) == "77"


def test_changes_are_asked_for_all_labels_and_all_kinds(desk):
    d = desk()
    d.http.script["history.list"] = [body(historyId="9")]
    run(d.source.changes("5"))
    url = d.http.urls("history.list")[0]
    assert "startHistoryId=5&" in url
    assert "labelId=" not in url
    for kind in ("messageAdded", "messageDeleted", "labelAdded", "labelRemoved"):
        assert f"historyTypes={kind}" in url


def test_pages_without_records_go_on_and_every_page_has_its_own_cursor(desk):
    d = desk()
    d.http.script["history.list"] = [
        body(historyId="9", nextPageToken="p2"),
        body(historyId="10", nextPageToken="p3", history=[]),
        body(historyId="11", history=[change("a"), {"messagesDeleted": [{"message": {"id": "b"}}]}]),
    ]

    async def follow():
        cursor, pages = "5", []
        while not pages or pages[-1].more:
            pages.append(await d.source.changes(cursor))
            cursor = pages[-1].cursor
        return pages

    pages = run(follow())
    assert [p.events for p in pages] == [(), (), (Seen("a"), Removed("b"))]
    assert len({p.cursor for p in pages}) == 3
    assert pages[-1].cursor == "9"  # what came while the pages were read is told again
    urls = d.http.urls("history.list")
    assert all("startHistoryId=5&" in url for url in urls)
    assert ["pageToken=p2" in urls[1], "pageToken=p3" in urls[2], "pageToken" in urls[0]] == [True, True, False]


def test_history_that_is_gone_expires_the_cursor(desk):
    d = desk()
    d.http.script["history.list"] = [GONE]
    with pytest.raises(CursorExpired):
        run(d.source.changes("5"))
    with pytest.raises(CursorExpired):
        run(d.source.changes("5:9:0:p2"))


def test_a_refused_page_token_starts_the_listing_again_a_few_times(desk):
    d = desk()
    refused = refusal(400, "invalidArgument", "Invalid pageToken")
    tries = 0

    def answer(call: Call) -> Reply:
        nonlocal tries
        tries += 1
        return refused if "pageToken" in call.url else body(historyId="9", nextPageToken="p2", history=[change("a")])

    d.http.script["history.list"] = [answer]

    async def follow():
        cursor = "5"
        while True:
            page = await d.source.changes(cursor)
            assert page.more
            assert page.events == (Seen("a"),)
            cursor = page.cursor

    with pytest.raises(CursorExpired):
        run(follow())
    assert 4 <= tries <= 10


def test_a_refusal_without_a_page_token_is_told(desk):
    d = desk()
    d.http.script["history.list"] = [refusal(400, "invalidArgument")]
    with pytest.raises(Rejected):
        run(d.source.changes("5"))


def test_a_page_that_leads_to_itself_ends(desk):
    d = desk()
    d.http.script["history.list"] = [body(historyId="9", nextPageToken="p2")]

    async def follow():
        cursor = "5"
        for _ in range(20):
            cursor = (await d.source.changes(cursor)).cursor

    with pytest.raises(CursorExpired):
        run(follow())


def test_labels_left_out_are_found_by_name_with_those_below(desk):
    d = desk(exclude_labels=("Private",))
    labels = {"Label_2": "private", "Label_3": "Private/Bank", "Label_4": "Privateer"}
    d.http.script["labels.list"] = [body(labels=[{"id": i, "name": n} for i, n in labels.items()])]
    records = [change("a", "INBOX", "Label_2"), change("b", "Label_3"), change("c", "Label_4")]
    d.http.script["history.list"] = [body(historyId="9", history=records)]
    assert run(d.source.changes("5")).events == (Seen("c"),)


# ------------------------------------------------------------------------------------------------------------- listing


def test_a_window_of_nothing_asks_nobody(desk):
    d = desk()
    assert run(d.source.history(UNTIL, SINCE, None)).ids == ()
    assert d.http.sent == []


def test_the_ends_of_a_window_are_exact_whatever_the_search_makes_of_them(desk):
    at = {
        "early": SINCE - timedelta(milliseconds=1),
        "first": SINCE,
        "middle": SINCE + timedelta(days=3),
        "last": UNTIL - timedelta(milliseconds=1),
        "late": UNTIL,
    }

    def listing(call: Call) -> Reply:
        after, before = (int(re.search(rf"{w}%3A(\d+)", call.url)[1]) for w in ("after", "before"))
        assert "pageToken" not in call.url
        inside = [i for i, t in at.items() if after - 1 <= t.timestamp() <= before + 1]  # as loose as it may be
        return body(messages=[{"id": i, "threadId": "t"} for i in inside], resultSizeEstimate=5)

    d = desk()
    d.http.script["messages.list"] = [listing]
    for id_, moment in at.items():
        d.http.mails[id_] = [message(id_, raw=b"", internalDate=str(round(moment.timestamp() * 1000)))]
    page = run(d.source.history(SINCE, UNTIL, None))
    assert page.ids == ("first", "middle", "last")
    assert page.next_page is None
    assert all("format=minimal" in url for url in d.http.urls("messages.get"))
    asked = len(d.http.sent)
    run(d.source.history(SINCE, UNTIL, None))
    assert len(d.http.sent) == asked + 1  # the ends are looked at once


def test_pages_of_a_listing_follow_their_tokens(desk):
    d = desk()
    d.http.script["messages.list"] = [body(), body(), body(messages=[{"id": "a"}], nextPageToken="n"), body()]
    first = run(d.source.history(SINCE, UNTIL, None))
    assert (first.ids, first.next_page) == (("a",), "n")
    second = run(d.source.history(SINCE, UNTIL, "n"))
    assert (second.ids, second.next_page) == ((), None)
    url = d.http.urls("messages.list")[-1]
    assert "pageToken=n" in url
    assert "maxResults=500" in url


def test_a_page_token_gmail_no_longer_takes_means_listing_again(desk):
    d = desk()
    d.http.script["messages.list"] = [body(), body(), refusal(400, "invalidArgument", "Invalid pageToken")]
    with pytest.raises(CursorExpired):
        run(d.source.history(SINCE, UNTIL, "old"))


def test_a_listing_that_leads_to_itself_is_no_listing(desk):
    d = desk()
    d.http.script["messages.list"] = [body(), body(), body(nextPageToken="same")]
    with pytest.raises(BadReply):
        run(d.source.history(SINCE, UNTIL, "same"))


# ------------------------------------------------------------------------------------------------------------- reading


def test_every_id_has_a_fate_and_duplicates_are_asked_once(desk):
    d = desk()
    d.http.mails |= {"a": [message("a")], "b": [GONE], "c": [body(id="c", internalDate="1", raw="!!")]}
    found = fetch(d, "a", "b", "c", "a")
    assert [m.id for m in found.messages] == ["a"]
    assert found.gone == ("b",)
    assert found.unreadable == (Unreadable("c", "mail_unreadable", datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),)
    assert d.http.batches == [["a", "b", "c"]]
    narrow = desk(config={"parallel": 2})
    narrow.http.mails |= d.http.mails
    assert [m.id for m in fetch(narrow, "a", "b", "a", "a").messages] == ["a"]
    assert narrow.http.batches == [["a", "b"]]


def test_nothing_asked_is_nothing_sent(desk):
    d = desk()
    assert fetch(d).messages == ()
    assert d.http.sent == []


def test_no_batch_is_larger_than_configured(desk):
    d = desk(config={"parallel": 7})
    ids = [f"m{n}" for n in range(20)]
    d.http.mails |= {i: [message(i)] for i in ids}
    assert [m.id for m in fetch(d, *ids).messages] == ids
    assert [len(b) for b in d.http.batches] == [7, 7, 6]
    assert d.http.sent[0].costs == {"user": 140, "project": 140, "day": 140}


def test_only_the_parts_that_failed_are_asked_again(desk):
    d = desk()
    d.http.mails |= {
        "ok": [message("ok")],
        "crowded": [CROWDED, message("crowded")],
        "limited": [refusal(403, "userRateLimitExceeded"), message("limited")],
        "broken": [refusal(500, "backendError"), message("broken")],
        "cut": [Reply(200, {}, b'{"id": "cut", "raw'), message("cut")],
        "swapped": [message("ok"), message("swapped")],
        "signed_out": [refusal(401, "authError"), message("signed_out")],
        "gone": [GONE],
        "odd": [refusal(400, "invalidArgument")],
    }
    found = fetch(d, *d.http.mails)
    assert [m.id for m in found.messages] == ["ok", "crowded", "limited", "broken", "cut", "swapped", "signed_out"]
    assert found.gone == ("gone",)
    assert found.unreadable == (Unreadable("odd", "mail_unreadable"),)
    again = [id_ for batch in d.http.batches[1:] for id_ in batch]
    assert again == ["crowded", "limited", "broken", "cut", "swapped", "signed_out"]


def test_what_batches_leave_open_is_asked_one_by_one(desk):
    d = desk()
    d.http.mails |= {"a": [CROWDED, CROWDED, message("a")], "b": [message("b")]}
    assert [m.id for m in fetch(d, "a", "b").messages] == ["a", "b"]
    assert len(d.http.urls("messages.get")) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [(CROWDED, RateLimited), (refusal(503, "backendError"), Transient), (refusal(403, "forbidden"), NotPermitted)],
)
def test_a_mail_that_cannot_be_had_now_fails_the_fetch_instead_of_being_lost(desk, answer, error):
    d = desk()
    d.http.mails |= {"a": [message("a")], "b": [answer]}
    with pytest.raises(error):
        fetch(d, "a", "b")


def test_a_used_up_day_is_not_asked_again(desk):
    d = desk()
    d.http.mails |= {"a": [refusal(403, "dailyLimitExceeded")], "b": [message("b")]}
    with pytest.raises(RateLimited) as caught:
        fetch(d, "a", "b")
    assert caught.value.retry_at == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    assert len(d.http.sent) == 1


def test_batches_shrink_while_gmail_limits_and_grow_again(desk):
    d = desk()
    ids = [f"m{n}" for n in range(70)]
    d.http.mails |= {i: [message(i)] for i in ids} | {"m0": [CROWDED, message("m0")]}
    fetch(d, *ids[:35])
    assert [len(b) for b in d.http.batches] == [20, 10, 5, 1]
    d.http.batches.clear()
    d.source._parts = 19
    fetch(d, *ids[35:])
    assert [len(b) for b in d.http.batches] == [19, 16]
    assert d.source._parts == 20


@pytest.mark.parametrize(
    "spoiled",
    [Reply(200, {"content-type": "text/html"}, b"<html>"), BadReply("The answer is larger than 64 MB.")],
)
def test_a_batch_that_cannot_be_read_is_asked_in_smaller_ones(desk, spoiled):
    d = desk()
    ids = [f"m{n}" for n in range(12)]
    d.http.mails |= {i: [message(i)] for i in ids}
    calls = 0

    def answer(call: Call) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            return d.http._mail(call)
        if isinstance(spoiled, ConnectorError):
            raise spoiled
        return spoiled

    d.http.script["batch"] = [answer]
    assert [m.id for m in fetch(d, *ids).messages] == ids
    assert [len(b) for b in d.http.batches] == [5, 5, 2]


def test_a_mail_larger_than_we_take_is_named_and_the_rest_is_read(desk):
    d = desk()
    d.http.script["batch"] = [BadReply("The answer is larger than 64 MB.")]

    def one(call: Call) -> Reply:
        if "/big?format=raw" in call.url:
            raise BadReply("The answer is larger than 64 MB.")
        if "/big?format=minimal" in call.url:
            return body(id="big", internalDate="1772438400000", sizeEstimate=LARGE_BYTES)
        return message("small")

    d.http.script["messages.get"] = [one]
    found = fetch(d, "big", "small")
    assert found.unreadable == (Unreadable("big", "mail_too_large", datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),)
    assert [m.id for m in found.messages] == ["small"]


def test_a_line_that_garbles_every_answer_parks_no_mail(desk):
    d = desk()
    d.http.script["batch"] = [Reply(200, {}, b"<html>")]
    d.http.script["messages.get"] = [Reply(200, {}, b"<html>")]
    with pytest.raises(BadReply):
        fetch(d, "a")


def test_a_mail_that_takes_the_reader_too_long_or_kills_it_is_parked(desk):
    async def cpu(fn: Any, *args: Any) -> Any:
        assert fn is read_raw
        if args[1] == "slow":
            raise TimeoutError
        if args[1] == "deadly":
            raise MemoryError("secret words")
        return fn(*args)

    d = desk(cpu)
    d.http.mails |= {i: [message(i)] for i in ("slow", "deadly", "fine")}
    found = fetch(d, "slow", "deadly", "fine")
    assert [(u.id, u.reason) for u in found.unreadable] == [("slow", "mail_too_slow"), ("deadly", "mail_unreadable")]
    assert [m.id for m in found.messages] == ["fine"]
    assert d.log.lines == [{"event": "gmail.reader_failed", "mail": "deadly", "error": "MemoryError"}]


def test_a_machine_that_can_read_nothing_parks_no_mail(desk):
    async def cpu(fn: Any, *args: Any) -> Any:
        raise Transient("no worker")

    d = desk(cpu)
    d.http.mails |= {"fine": [message("fine")]}
    with pytest.raises(Transient):
        fetch(d, "fine")


def test_large_batches_are_taken_apart_away_from_the_loop(desk):
    heavy: list[int] = []

    async def cpu(fn: Any, *args: Any) -> Any:
        if fn is read_parts:
            heavy.append(len(args[1]))
            if len(args[1]) > 5:
                raise TimeoutError
        plain = pickle.loads(pickle.dumps((fn, args)))  # noqa: S301 - as a process pool does
        return plain[0](*plain[1])

    d = desk(cpu)
    big = b"From: a@b.example\r\n\r\n" + b"x" * 400_000
    ids = [f"m{n}" for n in range(10)]
    d.http.mails |= {i: [message(i, raw=big)] for i in ids}
    assert [m.id for m in fetch(d, *ids).messages] == ids
    assert heavy == [10, 5, 5]


def test_a_mail_over_the_bound_is_not_even_decoded(desk, monkeypatch):
    monkeypatch.setattr("connectors.mail.gmail_parse.MAX_RAW_BYTES", 100)
    d = desk()
    d.http.mails |= {"a": [message("a", raw=b"x" * 200)]}
    assert [u.reason for u in fetch(d, "a").unreadable] == ["mail_too_large"]


def test_labels_are_names_and_are_read_again_for_an_unknown_one_only(desk):
    d = desk()
    d.http.mails |= {
        "a": [message("a", ("Label_1", "SENT", "UNREAD"))],
        "b": [message("b", ("Label_2",))],
        "c": [message("c", ("Label_9",))],
    }
    both = [{"id": "SENT", "name": "SENT"}, {"id": "Label_1", "name": "客户"}, {"id": "Label_2", "name": "询盘/2026"}]
    d.http.script["labels.list"] = [body(labels=both[:2]), body(labels=both)]
    (first,) = fetch(d, "a").messages
    assert (first.labels, first.place) == (("客户", "SENT"), Place.SENT)
    fetch(d, "a")
    assert len(d.http.urls("labels.list")) == 1
    assert fetch(d, "b").messages[0].labels == ("询盘/2026",)
    assert fetch(d, "c").messages[0].labels == ("Label_9",)
    fetch(d, "c", "b", "a")
    assert len(d.http.urls("labels.list")) == 3


# --------------------------------------------------------------------------------------------------------------- check


def checked(d: Desk):
    d.http.script.setdefault("getProfile", [body(emailAddress="Alice@Ours.example", historyId="7")])
    d.http.script.setdefault("messages.list", [body()])
    d.http.script.setdefault("settings.sendAs.list", [body(sendAs=[{"sendAsEmail": "sales@ours.example"}])])
    return run(d.source.check())


def test_check_names_the_account_and_its_aliases(desk):
    account = checked(desk())
    assert account.account_id == "gmail:alice@ours.example"
    assert account.addresses == (ALICE, "sales@ours.example")
    assert account.problems == ()


def test_check_finds_a_mailbox_without_mail_service(desk):
    d = desk()
    d.http.script["getProfile"] = [refusal(400, "failedPrecondition")]
    (problem,) = checked(d).problems
    assert problem.severity is Severity.ERROR
    assert "mail service is not enabled" in problem.what


def test_check_finds_a_scope_that_shows_headers_only(desk):
    d = desk()
    d.http.script["messages.list"] = [refusal(403, "forbidden", "Metadata scope does not support 'q' parameter")]
    (problem,) = checked(d).problems
    assert "https://www.googleapis.com/auth/gmail.readonly" in problem.mend


def test_check_warns_where_aliases_cannot_be_read(desk):
    d = desk()
    d.http.script["settings.sendAs.list"] = [refusal(403, "insufficientPermissions")]
    account = checked(d)
    assert account.addresses == (ALICE,)
    assert [p.severity for p in account.problems] == [Severity.WARNING]


def test_check_finds_another_mailbox_signed_in(desk):
    d = desk()
    d.http.script["getProfile"] = [body(emailAddress="bob@ours.example", historyId="7")]
    (problem,) = checked(d).problems
    assert problem.severity is Severity.ERROR
    assert "another mailbox" in problem.what


def test_check_warns_of_a_label_that_is_not_there(desk):
    (problem,) = checked(desk(exclude_labels=("客户", "Nowhere"))).problems
    assert problem.severity is Severity.WARNING
    assert "Nowhere" in problem.what
