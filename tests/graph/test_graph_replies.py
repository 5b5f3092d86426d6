"""Cursors, pages, batches and errors of Graph as our values. No network."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.errors import (
    AuthFailed,
    BadReply,
    CursorExpired,
    NotPermitted,
    RateLimited,
    Rejected,
)
from connectors.mail import graph_parse as gp
from connectors.mail.graph_api import Pauses, query, utc
from connectors.mail.graph_cursor_map import CAP, MAX_RESTARTS, OVERLAP, FolderState, ListingPage, Position, turned

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = "https://graph.microsoft.com"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "emailAddress", "address", "id", "content", "contentType", "size"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


# --------------------------------------------------------------------------------------------------------------- cursor

HOME = f"{ROOT} alice@ours.example"


def position(**more: Any) -> Position:
    folders = {
        "in": FolderState(good=NOW, delta="/d?$deltatoken=1"),
        "Out": FolderState(good=NOW, since=NOW, page="/p", began=NOW, told=3, restarts=1),
    }
    return Position(home=HOME, good=NOW, tree="/t", folders=folders, queue=("Out", "in"), **more)


def test_a_cursor_survives_being_stored():
    assert Position.parse(str(position()), HOME) == position()
    dated = FolderState(good=NOW, window=NOW, tried=NOW)
    kept = Position(home=HOME, good=NOW, folders={"x": dated})
    assert Position.parse(str(kept), HOME) == kept


@pytest.mark.parametrize("cursor", ["", "null", "[]", "12345", "{}", '{"v":1}', "x" * 100, "[" * 100_000])
def test_what_is_no_cursor_is_expired(cursor):
    with pytest.raises(CursorExpired):
        Position.parse(cursor, HOME)


def test_a_cursor_of_another_mailbox_cloud_or_version_is_expired():
    for other in (f"{ROOT} bob@ours.example", "https://graph.microsoft.us alice@ours.example"):
        with pytest.raises(CursorExpired):
            Position.parse(str(position()), other)
    with pytest.raises(CursorExpired):
        Position.parse(str(position()).replace('"v":1', '"v":2'), HOME)


def test_new_folders_begin_and_lost_ones_drop_out():
    later = position().with_folders(["in", "new"])
    assert list(later.folders) == ["in", "new"] == list(later.queue)
    assert later.folders["in"] == position().folders["in"]
    assert later.folders["new"] == FolderState(good=NOW, since=NOW - OVERLAP)


def test_a_round_that_is_through_leaves_the_queue_and_moves_the_good_moment():
    later = NOW + timedelta(hours=1)
    one = position().with_state("Out", FolderState(good=later, delta="/n"), through=True)
    assert (one.queue, one.good) == (("in",), NOW)
    both = one.with_state("in", FolderState(good=later, delta="/m"), through=True)
    assert (both.queue, both.good) == ((), later)
    gone = position().with_state("Out", None, through=True)
    assert "Out" not in gone.folders


def test_an_aged_page_restarts_its_round_and_an_aged_link_its_folder():
    under_way = FolderState(good=NOW, delta="/d", page="/p", began=NOW, told=9)
    once = under_way.restarted()
    assert (once.delta, once.page, once.began, once.since) == ("/d", "", None, None)
    twice = once.restarted()
    assert (twice.delta, twice.since) == ("", NOW - OVERLAP)
    assert twice.starts(NOW).told == 0


def test_a_folder_that_is_refused_again_and_again_is_listed_by_date():
    state = FolderState(good=NOW, delta="/d")
    for _ in range(MAX_RESTARTS + 1):
        state = state.restarted()
    assert state.by_date
    assert state.window == NOW - OVERLAP


def test_listing_by_date_goes_on_from_where_it_began_and_hopes_again():
    state = FolderState(good=NOW).dated(NOW).starts(NOW + timedelta(minutes=1))
    after = state.ends("", 4)
    assert after.by_date
    assert after.good == NOW + timedelta(minutes=1)
    assert after.window is not None
    assert after.window < after.good
    assert after.hopeful(NOW + timedelta(hours=1)) == after
    hopeful = after.hopeful(NOW + timedelta(hours=7))
    assert (hopeful.by_date, hopeful.since) == (False, after.window)


def test_a_first_round_that_met_the_cap_is_completed_by_date():
    started = FolderState(good=NOW, since=NOW - OVERLAP).starts(NOW)
    full = started.goes_on("/p", CAP - 1).ends("/d", 1)
    assert (full.delta, full.window) == ("/d", NOW - OVERLAP)
    done = full.starts(NOW).ends("", 7)
    assert (done.delta, done.by_date) == ("/d", False)
    assert not started.goes_on("/p", 5).ends("/d", 1).by_date


# -------------------------------------------------------------------------------------------------------------- listing


def test_a_page_of_a_listing_leaves_its_last_second_to_the_next():
    assert turned(ListingPage(), [9, 8, 7, 7], "/next") == (ListingPage(8), 7)
    assert turned(ListingPage(), [9, 8], "") == (None, None)


def test_a_second_that_fills_a_page_is_listed_by_graphs_own_links():
    assert turned(ListingPage(8), [7, 7, 7], "/next") == (ListingPage(8, "/next"), None)
    assert turned(ListingPage(8), [], "/next") == (ListingPage(8, "/next"), None)
    assert turned(ListingPage(8, "/next"), [7, 7, 5], "/more") == (ListingPage(6), 5)


@pytest.mark.parametrize(
    "page", [ListingPage(), ListingPage(5), ListingPage(5, "/v1.0/x?$skip=10&a=b:c"), ListingPage(None, "/x")]
)
def test_page_tokens_survive_being_stored(page):
    assert ListingPage.parse(str(page)) == page


@pytest.mark.parametrize("token", ["2:5:", "1:x:", "1:5:https://evil.example/", "", "junk"])
def test_what_is_no_page_token_is_expired(token):
    with pytest.raises(CursorExpired):
        ListingPage.parse(token)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=40), st.integers(1, 6))
def test_paging_by_time_lists_every_mail_once(times, size):
    mails = sorted(enumerate(times), key=lambda pair: (-pair[1], pair[0]))
    page: ListingPage | None = ListingPage()
    found: list[int] = []
    for _ in range(500):
        assert page is not None
        rows = [m for m in mails if page.before is None or m[1] < page.before]
        skip = int(page.link[1:] or 0) if page.link else 0
        shown = rows[skip : skip + size]
        link = f"/{skip + size}" if skip + size < len(rows) else ""
        page, left = turned(page, [s for _, s in shown], link)
        found += [n for n, s in shown if s != left]
        if page is None:
            break
    assert sorted(found) == list(range(len(times)))


# ---------------------------------------------------------------------------------------------------------------- pages


def test_a_page_of_a_feed_goes_on_or_ends():
    empty = {"value": [], "@odata.nextLink": f"{ROOT}/v1.0/x?$skiptoken=a"}
    assert gp.page_of(empty, ROOT, "messages.delta").next == "/v1.0/x?$skiptoken=a"
    ended = {"value": [{"id": "a"}], "@odata.deltaLink": f"{ROOT}/v1.0/x?$deltatoken=b%3D"}
    assert gp.page_of(ended, ROOT, "messages.delta").delta == "/v1.0/x?$deltatoken=b%3D"
    with pytest.raises(BadReply):
        gp.page_of({"value": []}, ROOT, "messages.delta")
    assert gp.page_of({"value": []}, ROOT, "messages.list").next == ""


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"value": None},
        {"value": [1]},
        {"value": [{"id": 7}]},
        {"value": [{"subject": "x"}]},
        {"value": [], "@odata.nextLink": 5},
        {"value": [], "@odata.nextLink": "https://evil.example/v1.0/x"},
        {"value": [], "@odata.nextLink": "http://graph.microsoft.com/v1.0/x"},
        {"value": [], "@odata.nextLink": "https://[::1/x"},
        {"value": [], "@odata.nextLink": f"{ROOT}/here?a=1"},
    ],
)
def test_a_page_of_another_shape_or_leading_astray_is_refused(body):
    with pytest.raises(BadReply):
        gp.page_of(body, ROOT, "messages.list", asked="/here?a=1")


def test_parts_of_a_batch_are_found_in_any_order_and_strangers_passed_over():
    answer = {
        "responses": [
            {"id": "2", "status": 429, "headers": {"Retry-After": "7"}},
            {"id": "9", "status": 200},
            {"id": "1", "status": 200, "body": {"a": 1}},
        ]
    }
    parts = gp.parts_of(json.dumps(answer).encode(), ("1", "2", "3"))
    assert parts == {"1": gp.Part(200, {"a": 1}), "2": gp.Part(429, None, "7")}
    for junk in (b"<html>", b'{"responses": 5}', b'{"responses": [{"id": 1}]}', b""):
        with pytest.raises(BadReply):
            gp.parts_of(junk, ("1",))


# --------------------------------------------------------------------------------------------------------------- errors


def error(*codes: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for code in reversed(codes):
        made = {"code": code, "message": "secret@ours.example", **({"innererror": made} if made else {})}
    return {"error": made}


@pytest.mark.parametrize(
    ("operation", "status", "codes", "kind"),
    [
        ("messages.delta", 410, ["SyncStateNotFound"], CursorExpired),
        ("messages.delta", 410, ["syncStateNotFound"], CursorExpired),
        ("messages.delta", 410, ["ResyncRequired"], CursorExpired),
        ("messages.delta", 410, [], CursorExpired),
        ("messages.delta", 400, ["badRequest", "syncStateInvalid"], CursorExpired),
        ("mailFolders.delta", 410, ["resyncRequired"], CursorExpired),
        ("messages.delta", 507, ["ErrorQuotaExceeded"], Rejected),
        ("messages.delta", 403, ["ErrorQuotaExceeded"], Rejected),
        ("messages.delta", 501, ["NotImplemented"], Rejected),
        ("messages.value", 500, ["ErrorMimeContentConversionFailed"], Rejected),
        ("messages.list", 400, ["InefficientFilter"], Rejected),
        ("messages.get", 401, ["InvalidAuthenticationToken"], AuthFailed),
        ("messages.list", 403, ["ErrorAccessDenied"], NotPermitted),
        ("messages.list", 403, ["accessDenied", "insufficient_claims"], NotPermitted),
        ("users.get", 403, ["Authorization_RequestDenied"], NotPermitted),
        ("messages.list", 404, ["MailboxNotEnabledForRESTAPI"], NotPermitted),
        ("messages.list", 404, ["ResourceNotFound"], NotPermitted),
        ("messages.list", 404, ["ErrorInvalidUser"], NotPermitted),
        ("messages.list", 429, ["ApplicationThrottled"], RateLimited),
        ("messages.list", 509, [], RateLimited),
        ("messages.get", 404, ["ErrorItemNotFound"], None),
        ("messages.get", 500, ["generalException"], None),
        ("messages.list", 410, [], None),
    ],
)
def test_every_error_has_its_meaning(operation, status, codes, kind):
    found = gp.classify(operation, status, error(*codes) if codes else None)
    assert (type(found) if found else None) is kind
    if found and codes:
        assert found.code
        assert "secret" not in str(found)


def test_hints_name_the_exact_permission():
    def hint(operation: str, *, person: bool, code: str = "ErrorAccessDenied") -> str:
        found = gp.classify(operation, 403, error(code), person=person)
        assert found is not None
        return found.hint

    assert "application permission Mail.Read " in hint("messages.list", person=False)
    assert '"Application Mail.Read"' in hint("messages.list", person=False)
    assert "Mail.Read.Shared" in hint("messages.list", person=True)
    assert "User.ReadBasic.All" in hint("users.get", person=False)
    assert "User.Read;" in hint("users.me", person=True)
    assert "onditional access" in hint("messages.list", person=False, code="insufficient_claims")


def test_a_missing_mailbox_is_not_a_missing_mail():
    assert gp.is_missing_item(404, error("ErrorItemNotFound"))
    assert not gp.is_missing_item(404, error("MailboxNotEnabledForRESTAPI"))
    assert not gp.is_missing_item(403, error("ErrorItemNotFound"))


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_no_error_body_breaks_the_reading(body):
    assert isinstance(gp.codes_of({"error": body}), tuple)
    assert isinstance(gp.codes_of(body), tuple)


def test_pauses_grow_though_graph_keeps_saying_one_second():
    pauses = Pauses()
    waits = [(pauses.until(NOW, "1") - NOW).total_seconds() for _ in range(12)]
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == 300
    assert (pauses.until(NOW, "900") - NOW).total_seconds() == 900
    for _ in range(10):
        pauses.served()
    assert (pauses.until(NOW, "junk") - NOW).total_seconds() == 1


def test_own_addresses_are_the_main_one_and_all_aliases():
    user = gp.User(
        id="1",
        mail="Alice@ours.example",
        userPrincipalName="alice@ours.onmicrosoft.example",
        proxyAddresses=("smtp:B@ours.example", "SMTP:alice@ours.example", "X500:/o=x", "sip:alice@x"),
    )
    assert gp.own_addresses(user) == ("alice@ours.example", "alice@ours.onmicrosoft.example", "b@ours.example")
    assert gp.own_addresses(gp.User(id="1")) == ()


def test_times_and_queries_are_written_as_graph_wants_them():
    assert utc(NOW) == "2026-03-02T08:00:00Z"
    assert utc(NOW + timedelta(microseconds=1500)) == "2026-03-02T08:00:00.001Z"
    assert query(select="id,body", filter="") == "?$select=id,body"
    assert "%27" in query(expand="a($filter=id eq 'Integer 0x36')")
    assert gp.moment("2026-03-02T08:00:00.1234567Z") == NOW + timedelta(microseconds=123456)
    assert [gp.moment(v) for v in (None, 5, "", "yesterday", "2026-99-01T00:00:00Z")] == [None] * 5
