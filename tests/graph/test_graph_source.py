"""The source against the simulated Microsoft 365, on virtual time."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from connectors.base.errors import CursorExpired, NotPermitted
from connectors.base.model import Place, Removed, Seen, Severity
from mappings.reading.identity import identity
from tests.graph.graph_office import ALICE, Office, letter, listed, told

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
