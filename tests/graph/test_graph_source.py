"""The source against the simulated Microsoft 365, on virtual time."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from connectors.base.errors import CursorExpired, NotPermitted, RateLimited, Transient
from connectors.base.model import Place, Removed, Seen, Severity
from mappings.reading.identity import identity
from tests.graph.graph_office import ALICE, Office, letter, listed, told
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.kernel import Effect

DELTA = "users.mailFolders.messages.delta"
PRIVATE = "Sensitivity: Private\r\n"


def ids(events: object) -> list[str]:
    return [e.id for e in events]  # type: ignore[attr-defined]


# -------------------------------------------------------------------------------------------------------------- account


def test_the_account_is_the_directorys_object_whatever_the_address(in_office):
    async def scenario(office: Office) -> None:
        before = await office.source().check()
        assert before.problems == ()
        assert before.addresses == (ALICE, "sales@ours.example")
        user = office.vendor.user(ALICE)
        assert before.account_id == f"microsoft365:{office.vendor.directory.tenant}:{user.id}"
        office.vendor.rename_user(ALICE, "alicia@ours.example")
        after = await office.source("alicia@ours.example").check()
        assert after.account_id == before.account_id
        by_alias = await office.source("sales@ours.example").check()
        assert by_alias.account_id == before.account_id

    in_office(scenario)


@pytest.mark.parametrize(
    ("roles", "what", "mend"),
    [
        ([], "directory entry", "User.ReadBasic.All"),
        (["Mail.Read"], "directory entry", "User.ReadBasic.All"),
        (["User.Read.All"], "does not let Tradepost read", "application permission Mail.Read "),
    ],
)
def test_a_missing_permission_is_named(in_office, roles, what, mend):
    async def scenario(office: Office) -> None:
        office.vendor.set_permissions(roles)
        account = await office.source().check()
        assert account.account_id == ""
        (problem,) = account.problems
        assert problem.severity is Severity.ERROR
        assert what in problem.what
        assert mend in problem.mend

    in_office(scenario)


def test_the_right_to_basic_mail_is_not_enough(in_office):
    async def scenario(office: Office) -> None:
        office.deliver(1)
        office.vendor.set_permissions(["Mail.ReadBasic.All", "User.Read.All"])
        problems = (await office.source().check()).problems
        assert any("Mail.Read" in p.mend and p.severity is Severity.ERROR for p in problems)

    in_office(scenario)


def test_a_role_over_some_mailboxes_is_enough_for_those(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.set_permissions(["User.ReadBasic.All"])
        office.vendor.set_management_scope("Application Mail.Read", [ALICE])
        assert (await office.source().check()).account_id
        (problem,) = (await office.source("bob@ours.example").check()).problems
        assert '"Application Mail.Read"' in problem.mend
        with pytest.raises(NotPermitted):
            await office.source("bob@ours.example").baseline()

    in_office(scenario)


@pytest.mark.parametrize("state", ["on_premises", "undiscovered"])
def test_a_mailbox_that_is_not_in_the_cloud_is_told(in_office, state):
    async def scenario(office: Office) -> None:
        office.vendor.set_mailbox_state(ALICE, state)
        (problem,) = (await office.source().check()).problems
        assert "Exchange Online" in problem.mend
        (nobody,) = (await office.source("nobody@ours.example").check()).problems
        assert "no user of this address" in nobody.mend

    in_office(scenario)


def test_an_excluded_folder_that_is_not_there_is_told(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_folder(ALICE, "Projects/Private")
        source = office.source(exclude_labels=("private", "Nowhere"))
        (problem,) = (await source.check()).problems
        assert (problem.severity, "Nowhere" in problem.what) == (Severity.WARNING, True)

    in_office(scenario)


# -------------------------------------------------------------------------------------------------------------- changes


def test_mail_of_every_folder_is_told_with_its_text_and_place(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_folder(ALICE, "Inbox/客户")
        office.deliver(0)
        source = office.source()
        cursor = await source.baseline()
        new = {
            office.deliver(1): Place.INBOX,
            office.deliver(2, place="sent"): Place.SENT,
            office.deliver(3, place="Inbox/客户"): Place.INBOX,
            office.deliver(4, place="Made later/Deep"): Place.ARCHIVE,
            office.deliver(5, place="archive"): Place.ARCHIVE,
        }
        for place in ("draft", "trash", "junk"):
            office.deliver(9, place=place)
        events, cursor = await told(source, cursor)
        assert sorted(ids(events)) == sorted(new)
        at_hand = {e.id: e.message for e in events if isinstance(e, Seen) and e.message}
        assert len(at_hand) == 4  # the sent one has no headers, and is asked for
        fetched = await source.fetch(list(new))
        assert {m.id: m.place for m in fetched.messages} == new
        assert {m.id: m for m in fetched.messages if m.id in at_hand} == at_hand
        assert (await told(source, cursor))[0] == []

    in_office(scenario)


def test_own_and_received_copies_are_one_mail(in_office):
    async def scenario(office: Office) -> None:
        raw = letter(7, sender=f"Alice <{ALICE}>", to="bob@ours.example")
        copies = office.vendor.deliver_to_recipients(raw)
        sent = (await office.source().fetch([copies[ALICE]])).messages[0]
        got = (await office.source("bob@ours.example").fetch([copies["bob@ours.example"]])).messages[0]
        assert (sent.place, got.place) == (Place.SENT, Place.INBOX)
        assert identity(sent, "") == identity(got, "")

    in_office(scenario)


def test_a_feed_is_read_to_its_end_however_it_is_stirred(in_office):
    async def scenario(office: Office) -> None:
        source = office.source(config={"page_size": 7})
        cursor = await source.baseline()
        new = [office.deliver(n) for n in range(60)]
        pages, empty = 0, 0
        found: set[str] = set()
        while True:
            page = await source.changes(cursor)
            pages, empty = pages + 1, empty + (page.more and not page.events)
            found.update(ids(page.events))
            cursor = page.cursor
            if not page.more:
                break
        assert found == set(new)
        assert pages > 8

    in_office(scenario)


def test_a_move_is_no_removal_and_a_deletion_is(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_folder(ALICE, "Projects")
        a, b, c, d = (office.deliver(n) for n in range(4))
        source = office.source()
        cursor = await source.baseline()
        office.vendor.move(ALICE, a, "Projects")
        office.vendor.move(ALICE, b, "trash")
        office.vendor.delete_forever(ALICE, c)
        office.vendor.move(ALICE, d, "Projects")
        office.vendor.move(ALICE, d, "inbox")  # told as a removal and nothing else
        events, _ = await told(source, cursor)
        assert [e for e in events if isinstance(e, Removed)] == [Removed(c)]
        assert {e.id for e in events if isinstance(e, Seen)} == {a, d}

    in_office(scenario)


def test_ids_stay_the_same_across_moves(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        mail = office.deliver(1)
        office.vendor.move(ALICE, mail, "archive")
        events, _ = await told(source, cursor)
        assert ids(events) == [mail]
        assert (await source.fetch([mail])).messages[0].place is Place.ARCHIVE
        swapped = mail.swapcase()
        assert (await source.fetch([swapped])).messages == ()

    in_office(scenario)


def test_folders_come_go_and_change_their_meaning(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        office.vendor.add_folder(ALICE, "New/Deep")
        first = office.deliver(1, place="New/Deep")
        events, cursor = await told(source, cursor)
        assert ids(events) == [first]
        office.vendor.rename_folder(ALICE, "New", "Newer")
        second = office.deliver(2, place="Newer/Deep")
        events, cursor = await told(source, cursor)
        assert (await source.fetch([second])).messages[0].labels == ("Newer/Deep",)
        office.vendor.delete_folder(ALICE, "Newer")  # into Deleted Items
        events, cursor = await told(source, cursor)
        assert not any(isinstance(e, Removed) for e in events)
        folders = json.loads(cursor)["folders"]
        third = office.deliver(3)
        events, cursor = await told(source, cursor)
        assert ids(events) == [third]
        assert len(folders) == len(json.loads(cursor)["folders"])

    in_office(scenario)


def test_a_folder_that_goes_away_in_the_middle_of_a_round_is_left(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_folder(ALICE, "Short")
        source = office.source()
        cursor = await source.baseline()
        mail = office.deliver(1)
        page = await source.changes(cursor)
        office.vendor.delete_folder(ALICE, "Short")
        office.vendor.delete_folder(ALICE, "Deleted Items/Short")
        events, _ = await told(source, page.cursor)
        assert ids([*page.events, *events]) == [mail]

    in_office(scenario)


def test_excluded_folders_and_categories_are_neither_told_nor_listed(in_office):
    async def scenario(office: Office) -> None:
        since = office.clock.now() - timedelta(hours=1)
        source = office.source(exclude_labels=("Private", "red"))
        office.vendor.add_folder(ALICE, "Private/Bank")
        cursor = await source.baseline()
        plain, red = office.deliver(1), office.deliver(2)
        office.vendor.set_categories(ALICE, red, ["Red"])
        office.deliver(3, place="Private/Bank")
        events, _ = await told(source, cursor)
        assert ids(events) == [plain]
        assert await listed(source, since, office.clock.now() + timedelta(minutes=1)) == [plain]

    in_office(scenario)


def test_junk_is_read_only_where_that_is_asked_for(in_office):
    async def scenario(office: Office) -> None:
        plain, wide = office.source(), office.source(include_junk=True)
        cursors = await plain.baseline(), await wide.baseline()
        junk = office.deliver(1, place="junk")
        assert (await told(plain, cursors[0]))[0] == []
        assert ids((await told(wide, cursors[1]))[0]) == [junk]
        assert (await wide.fetch([junk])).messages[0].place is Place.JUNK
        office.vendor.move(ALICE, junk, "inbox")
        assert ids((await told(plain, cursors[0]))[0]) == [junk]

    in_office(scenario)


def test_private_mail_is_not_read_in_and_named(in_office):
    async def scenario(office: Office) -> None:
        source, wide = office.source(), office.source(config={"skip_sensitivity": []})
        cursor = await source.baseline()
        inbox = office.vendor.deliver_to(ALICE, letter(1, head=PRIVATE))
        sent = office.vendor.deliver_to(ALICE, letter(2, head=PRIVATE), place="sent")
        events, _ = await told(source, cursor)
        assert {(e.id, e.message) for e in events if isinstance(e, Seen)} == {(inbox, None), (sent, None)}
        fetched = await source.fetch([inbox, sent])
        assert fetched.messages == ()
        assert [(u.id, u.reason, u.received_at is not None) for u in fetched.unreadable] == [
            (inbox, "marked_private", True),
            (sent, "marked_private", True),
        ]
        assert len((await wide.fetch([inbox, sent])).messages) == 2

    in_office(scenario)


# ------------------------------------------------------------------------------------------------------ lost positions


def test_an_expired_folder_starts_anew_and_the_others_go_on(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_folder(ALICE, "Projects")
        source = office.source()
        cursor = await source.baseline()
        mail = office.deliver(1)
        office.vendor.expire_sync_state(ALICE, "inbox")
        before = office.count(DELTA)
        events, cursor = await told(source, cursor)
        assert ids(events) == [mail]
        assert office.count(DELTA) - before < 12
        later = office.deliver(2, place="Projects")
        assert later in ids((await told(source, cursor))[0])

    in_office(scenario)


def test_all_positions_lost_lose_no_mail(in_office):
    async def scenario(office: Office) -> None:
        source = office.source(config={"page_size": 5})
        cursor = await source.baseline()
        new = [office.deliver(n, place=("inbox", "sent", "A/B")[n % 3]) for n in range(30)]
        half = await source.changes(cursor)
        office.vendor.expire_sync_state(ALICE)
        events, cursor = await told(source, half.cursor)
        assert set(new) == set(ids([*half.events, *events]))
        office.vendor.expire_sync_state(ALICE)
        last = office.deliver(99)
        assert last in ids((await told(source, cursor))[0])

    in_office(scenario)


def test_an_aged_page_restarts_its_round(in_office):
    async def scenario(office: Office) -> None:
        source = office.source(config={"page_size": 4})
        cursor = await source.baseline()
        new = [office.deliver(n) for n in range(20)]
        page = await source.changes(cursor)
        assert page.more
        office.vendor.expire_pages(ALICE)
        await office.clock.sleep(40_000)
        events, _ = await told(office.source(config={"page_size": 4}), page.cursor)
        assert set(ids(events)) == set(new)  # all of the round again, the first page too

    in_office(scenario)


def test_a_foreign_cursor_is_expired_as_a_whole(in_office):
    async def scenario(office: Office) -> None:
        cursor = await office.source().baseline()
        for other in ("nonsense", cursor.replace("alice", "bob"), cursor.replace('"v":1', '"v":9')):
            with pytest.raises(CursorExpired):
                await office.source().changes(other)

    in_office(scenario)


def test_a_full_mailbox_is_followed_by_date_until_there_is_room(in_office):
    async def scenario(office: Office) -> None:
        source = office.source(config={"page_size": 4})
        cursor = await source.baseline()
        office.vendor.set_full(ALICE)
        new = [office.deliver(n, place=("inbox", "sent")[n % 2]) for n in range(10)]
        events, cursor = await told(source, cursor)
        assert set(ids(events)) >= set(new)
        await office.clock.sleep(3600)
        more = office.deliver(50)
        events, cursor = await told(source, cursor)
        assert more in ids(events)
        office.vendor.set_full(ALICE, full=False)
        await office.clock.sleep(7 * 3600)
        last = office.deliver(51)
        events, cursor = await told(source, cursor)
        assert last in ids(events)
        assert all("w" not in kept for kept in json.loads(cursor)["folders"].values())
        assert (await told(source, cursor))[0] == []

    in_office(scenario)


def test_a_mailbox_that_is_full_from_the_beginning_is_followed_too(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.set_full(ALICE)
        source = office.source()
        cursor = await source.baseline()
        new = office.deliver(1)
        assert new in ids((await told(source, cursor))[0])

    in_office(scenario)


def test_mails_beyond_the_cap_of_a_filtered_round_are_listed_by_date(in_office, monkeypatch):
    monkeypatch.setattr("tradepost.sandbox.graph.rounds.FILTER_CAP", 30)
    monkeypatch.setattr("connectors.mail.graph_cursor_map.CAP", 30)

    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        office.vendor.expire_sync_state(ALICE)
        new = [office.deliver(n) for n in range(75)]
        events, cursor = await told(source, cursor)
        assert set(ids(events)) == set(new)
        assert (await told(source, cursor))[0] == []

    in_office(scenario)


# -------------------------------------------------------------------------------------------------------------- listing


def test_a_listing_tells_every_mail_once_newest_first(in_office, monkeypatch):
    monkeypatch.setattr("connectors.mail.graph.LISTING", 10)

    async def scenario(office: Office) -> None:
        at = datetime(2026, 2, 1, tzinfo=UTC)
        hours = [office.deliver(n, at=at + timedelta(hours=n), place=("inbox", "A", "trash")[n % 3]) for n in range(60)]
        second = [office.deliver(100 + n, at=at + timedelta(hours=30, minutes=1)) for n in range(35)]  # one second
        wanted = [m for n, m in enumerate(hours) if n % 3 != 2] + second
        source = office.source()
        found = await listed(source, at, at + timedelta(days=9))
        assert sorted(found) == sorted(wanted)
        times = {m: at + timedelta(hours=n) for n, m in enumerate(hours)} | dict.fromkeys(
            second, at + timedelta(hours=30, minutes=1)
        )
        assert all(times[a] >= times[b] for a, b in pairwise(found))
        edge = at + timedelta(hours=12)
        assert sorted(await listed(source, at, edge) + await listed(source, edge, at + timedelta(days=9))) == sorted(
            wanted
        )
        assert await listed(source, edge, edge) == []

    in_office(scenario)


def test_a_mail_that_leaves_while_pages_are_turned_hides_no_other(in_office, monkeypatch):
    monkeypatch.setattr("connectors.mail.graph.LISTING", 10)

    async def scenario(office: Office) -> None:
        at = datetime(2026, 2, 1, tzinfo=UTC)
        mails = [office.deliver(n, at=at + timedelta(minutes=n)) for n in range(40)]
        source = office.source()
        first = await source.history(at, at + timedelta(days=1), None)
        assert first.next_page
        assert len(first.next_page) < 40
        for mail in mails[-5:]:
            office.vendor.delete_forever(ALICE, mail)
        rest: list[str] = []
        page: str | None = first.next_page
        while page:
            found = await office.source().history(at, at + timedelta(days=1), page)
            rest, page = rest + list(found.ids), found.next_page
        assert set(mails) == {*first.ids, *rest}

    in_office(scenario)


def test_a_page_token_that_is_not_ours_is_expired(in_office):
    async def scenario(office: Office) -> None:
        now = office.clock.now()
        for token in ("junk", "1:x:", "2::"):
            with pytest.raises(CursorExpired):
                await office.source().history(now - timedelta(days=1), now, token)

    in_office(scenario)


def test_pages_that_time_out_get_smaller(in_office):
    async def scenario(office: Office) -> None:
        now = office.clock.now()
        mails = [office.deliver(n, at=now - timedelta(minutes=n)) for n in range(3)]
        source = office.source()
        office.fault("users.ListMessages", Effect.STATUS, status=504, times=4)
        with pytest.raises(Transient):
            await source.history(now - timedelta(days=1), now + timedelta(1), None)
        assert source._listing == 250
        assert sorted(await listed(source, now - timedelta(days=1), now + timedelta(1))) == sorted(mails)

    in_office(scenario)


# -------------------------------------------------------------------------------------------------------------- reading


def test_every_id_has_a_fate(in_office):
    async def scenario(office: Office) -> None:
        there = [office.deliver(n) for n in range(45)]
        gone = office.deliver(90)
        office.vendor.delete_forever(ALICE, gone)
        source = office.source()
        fetched = await source.fetch([*there, gone, there[0], "malformed"])
        assert [m.id for m in fetched.messages] == there
        assert fetched.gone == (gone,)
        assert [u.id for u in fetched.unreadable] == ["malformed"]
        assert office.count("batch") <= 6

    in_office(scenario)


def test_attachments_inline_ones_too_are_listed(in_office):
    async def scenario(office: Office) -> None:
        body = (
            b"From: b@there.example\r\nTo: alice@ours.example\r\nMessage-ID: <att@x>\r\nDate: Mon, 2 Mar 2026 07:00:00 +0000\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
            b'<img src="cid:logo">\r\n--b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo>\r\n'
            b"Content-Disposition: inline; filename=logo.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--b--\r\n"
        )
        source = office.source()
        cursor = await source.baseline()
        mail = office.vendor.deliver_to(ALICE, body)
        (event,) = (await told(source, cursor))[0]
        assert isinstance(event, Seen)
        assert event.message is None  # hasAttachments is false, and yet there is one
        (read,) = (await source.fetch([mail])).messages
        assert [(a.name, a.inline, bool(a.ref)) for a in read.attachments] == [("logo.png", True, True)]

    in_office(scenario)


REPORT = (
    b"From: Mail <postmaster@there.example>\r\nTo: alice@ours.example\r\nSubject: Undeliverable\r\nMessage-ID: <ndr@there.example>\r\n"
    b"Date: Mon, 2 Mar 2026 07:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\n\r\nNot delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    b"Reporting-MTA: dns; there.example\r\n\r\nFinal-Recipient: rfc822; zed@there.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)


def test_a_delivery_report_is_read_from_its_mime_form(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        mail = office.vendor.deliver_to(ALICE, REPORT)
        (event,) = (await told(source, cursor))[0]
        assert isinstance(event, Seen)
        assert event.message is None
        (read,) = (await source.fetch([mail])).messages
        status = [value for name, value in read.headers if name == "delivery-status"]
        assert "zed@there.example" in status[0]
        assert (read.id, read.place, read.defects) == (mail, Place.INBOX, ())

    in_office(scenario)


@pytest.mark.parametrize("code", ["ErrorMimeContentConversionFailed"])
def test_a_mail_that_has_no_mime_form_is_read_without(in_office, code):
    async def scenario(office: Office) -> None:
        mail = office.vendor.deliver_to(ALICE, REPORT)
        office.fault("users.GetMessageMime", Effect.STATUS, status=500, code=code, times=50)
        before = office.clock.monotonic()
        (read,) = (await office.source().fetch([mail])).messages
        assert "mime_unavailable" in read.defects
        assert office.count("users.GetMessageMime") == 1  # it never heals: no second try
        assert office.clock.monotonic() - before < 1

    in_office(scenario)


def test_a_shared_mailbox_is_read_by_its_address(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.add_mailbox("info@ours.example")
        mail = office.vendor.deliver_to("info@ours.example", letter(1, to="info@ours.example"))
        source = office.source("info@ours.example")
        assert (await source.check()).addresses[0] == "info@ours.example"
        assert [m.id for m in (await source.fetch([mail])).messages] == [mail]

    in_office(scenario)


# --------------------------------------------------------------------------------------------------------------- quotas


def test_never_more_than_four_requests_at_a_time(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.set_limits(service_seconds=0.2)
        mails = [office.deliver(n) for n in range(90)]
        source = office.source()
        cursor = await source.baseline()
        now = office.clock.now()
        await asyncio.gather(
            *(source.fetch(mails[n : n + 15]) for n in range(0, 90, 15)),
            *(source.history(now - timedelta(days=n), now, None) for n in range(1, 6)),
            source.changes(cursor),
        )
        assert not [line for line in office.log.lines if line.get("status") == 429]

    in_office(scenario)


def test_a_throttled_part_is_asked_for_again(in_office):
    async def scenario(office: Office) -> None:
        mails = [office.deliver(n) for n in range(12)]
        source = office.source()
        for status in (429, 503, 504):
            office.fault("users.GetMessage", Effect.STATUS, status=status, nth=3, times=2)
            assert [m.id for m in (await source.fetch(mails)).messages] == mails

    in_office(scenario)


def test_crowded_by_another_program_the_pauses_grow(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        office.fault(DELTA, Effect.STATUS, status=429, times=200)
        waits = []
        for _ in range(5):
            with pytest.raises(RateLimited) as caught:
                await source.changes(cursor)
            assert caught.value.retry_at
            waits.append((caught.value.retry_at - office.clock.now()).total_seconds())
        assert waits == sorted(waits)
        assert waits[-1] >= 30

    in_office(scenario)


def test_the_request_quota_is_kept(in_office):
    async def scenario(office: Office) -> None:
        office.vendor.set_limits(requests=300, window_seconds=600)
        source = office.source(config={"requests_per_ten_minutes": 300})
        mails = [office.deliver(n) for n in range(100)]
        fetched = await source.fetch(mails)
        assert len(fetched.messages) == 100
        now = office.clock.now()
        for _ in range(230):
            await source.history(now - timedelta(days=1), now, None)
        assert not [line for line in office.log.lines if line.get("status") == 429]

    in_office(scenario)


# --------------------------------------------------------------------------------------------------------------- tokens


def test_an_ended_token_is_replaced_without_a_word(in_office):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        mail = office.deliver(1)
        office.vendor.expire_tokens()
        assert ids((await told(source, cursor))[0]) == [mail]
        office.vendor.expire_tokens()
        assert len((await source.fetch([mail])).messages) == 1

    in_office(scenario)


def test_all_mailboxes_of_an_app_share_one_token(in_office):
    async def scenario(office: Office) -> None:
        for n in range(12):
            office.vendor.add_mailbox(f"m{n}@ours.example")
        sources = [office.source(f"m{n}@ours.example") for n in range(12)]
        await asyncio.gather(*(source.baseline() for source in sources))
        assert office.count("oauth2.token") == 1
        await office.clock.sleep(2 * 3600)
        await asyncio.gather(*(source.check() for source in sources))
        assert office.count("oauth2.token") == 2

    in_office(scenario)


# --------------------------------------------------------------------------------------------------------------- lax


@pytest.mark.parametrize("lax", ["moved_items_removed", "round_trips_hidden", "changed_properties_only", "pages_shift"])
def test_a_kinder_server_is_read_the_same(in_office, lax):
    async def scenario(office: Office) -> None:
        source = office.source()
        cursor = await source.baseline()
        a, b = office.deliver(1), office.deliver(2)
        office.vendor.move(ALICE, a, "archive")
        office.vendor.mark_read(ALICE, b)
        assert set(ids((await told(source, cursor))[0])) == {a, b}

    in_office(scenario, strict=Strictness(**{lax: False}))
