"""Listings, reading mails, quotas and tokens against the simulated Microsoft 365, on virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from connectors.base.errors import CursorExpired, RateLimited, Transient
from connectors.base.model import Place, Seen
from tests.graph.graph_office import ALICE, Office, letter, listed, told
from tradepost.sandbox.graph.strictness import Strictness
from tradepost.sandbox.kernel import Effect

DELTA = "users.mailFolders.messages.delta"
PRIVATE = "Sensitivity: Private\r\n"


def ids(events: object) -> list[str]:
    return [e.id for e in events]  # type: ignore[attr-defined]


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
        office.vendor.set_limits(requests=200, window_seconds=600)
        source = office.source(config={"requests_per_ten_minutes": 200})
        mails = [office.deliver(n) for n in range(12)]
        fetched = await source.fetch(mails)
        assert len(fetched.messages) == 12
        now = office.clock.now()
        for _ in range(210):
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
