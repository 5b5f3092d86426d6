"""The state file: made with care, migrated with a copy, refused when it is newer."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from datetime import UTC, datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from cryptography.fernet import Fernet

from connectors.base.model import Address, CreateTask, LogEmail, MailMessage, Place, RecordKind, RecordRef
from mappings.model import Direction, Evidence, Own, ThreadLink
from mappings.reading import load_words, read
from sync.model import Decision, Intent, ItemState, TargetView, Verdict, VerdictState
from sync.outbox import Change
from sync.schema.tables import metadata
from sync.store import StateError, Store
from sync.store.db import Database
from sync.store.mail import Kept
from sync.store.threads import Case

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
KEY = Fernet.generate_key()
WORDS = load_words()
OWN = Own(frozenset({"ann@ours.example", "bob@ours.example"}), frozenset({"ours.example"}))


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "state.db", key=KEY)
    yield opened
    opened.close()


def copy(mailbox, provider_id, *, message_id="1@x", thread="t1", subject="Lamps", text="How much?", refs=(), at=NOW):
    message = MailMessage(
        id=provider_id,
        thread_id=thread,
        received_at=at,
        place=Place.INBOX,
        message_id=message_id,
        references=refs,
        date=at,
        subject=subject,
        from_=(Address("carl@acme.example", "Carl"),),
        to=(Address("ann@ours.example"),),
        text=text,
    )
    return Kept(message, read(message, mailbox=mailbox, own=OWN, words=WORDS))


async def keep(store, mailbox, *kept):
    await store.mailboxes.open(mailbox, account=f"gmail:{mailbox}", addresses=(mailbox,), cursor="1", now=NOW)
    await store.mail.keep(mailbox, kept, unreadable=(), gone=(), targets=("crm",), now=NOW)


def rows(store, table):
    with store.db.read() as c:
        return c.exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608 - our own table names


def test_the_file_is_ours_alone_and_survives_power_cuts(store, tmp_path):
    assert stat.S_IMODE((tmp_path / "state.db").stat().st_mode) == 0o600
    assert store.db.synchronous() == 2
    with store.db.read() as c:
        assert c.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert c.exec_driver_sql("PRAGMA secure_delete").scalar() == 1


def test_the_migrations_make_exactly_the_tables_of_the_code(store):
    with store.db.read() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []


def test_a_newer_schema_is_refused_with_the_reason(tmp_path):
    Store.open(tmp_path / "state.db", key=KEY).close()
    with sqlite3.connect(tmp_path / "state.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StateError, match="newer"):
        Store.open(tmp_path / "state.db", key=KEY)


def test_looking_changes_nothing_and_needs_a_file(tmp_path):
    with pytest.raises(StateError, match="does not exist"):
        Store.look(tmp_path / "state.db")
    Store.open(tmp_path / "state.db", key=KEY).close()
    looking = Store.look(tmp_path / "state.db")
    with pytest.raises(Exception, match="readonly"):
        asyncio.run(looking.mailboxes.open("a", account="a", addresses=(), cursor="1", now=NOW))
    looking.close()


def test_every_commit_is_announced_before_and_after(tmp_path):
    steps = []
    db = Database(tmp_path / "state.db", step=steps.append)
    with db.tx("one"):
        pass
    with pytest.raises(ZeroDivisionError), db.tx("two"):
        _ = 1 / 0
    db.close()
    assert steps == ["one:begin", "one:commit", "one:committed", "two:begin"]


def test_a_rewritten_copy_joins_and_the_same_words_sent_twice_do_not(store):
    async def main():
        await keep(store, "ann@ours.example", copy("ann@ours.example", "a1"))
        await keep(store, "bob@ours.example", copy("bob@ours.example", "b1", message_id="relay.1@x", thread="t9"))
        assert len(rows(store, "mails")) == 1
        late = copy("ann@ours.example", "a2", message_id="2@x", at=NOW + timedelta(seconds=90))
        await keep(store, "ann@ours.example", late)
        assert len(rows(store, "mails")) == 2
        far = copy("bob@ours.example", "b3", message_id="3@x", at=NOW + timedelta(hours=1))
        await keep(store, "bob@ours.example", far)
        assert len(rows(store, "mails")) == 3

    asyncio.run(main())


def test_a_mail_that_names_two_threads_makes_them_one(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        await keep(store, ann, copy(ann, "a2", message_id="2@x", thread="t2", subject="Other", text="Other"))
        assert len(rows(store, "threads")) == len(rows(store, "cases")) == 2
        joins = copy(ann, "a3", message_id="3@x", thread="t3", subject="Both", text="Both", refs=("1@x", "2@x"))
        await keep(store, ann, joins)
        assert len(rows(store, "threads")) == len(rows(store, "cases")) == 1
        assert len({row.thread for row in rows(store, "mails")}) == 1

    asyncio.run(main())


def test_bodies_are_sealed_and_go_when_nothing_waits_for_them(store, tmp_path):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1", text="A secret offer of 12.34"))
        identity = rows(store, "mails")[0].identity
        assert (await store.bodies.get(identity))[0].strip() == "A secret offer of 12.34"
        assert await store.bodies.drop(NOW - timedelta(days=7)) == 0  # undecided
        case = Case(rows(store, "threads")[0].id, "crm")
        verdict = Verdict(mail=identity, state=VerdictState.WAITING)
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(verdict,)), now=NOW)
        assert await store.bodies.drop(NOW - timedelta(days=7)) == 0  # waiting
        verdict = Verdict(mail=identity, state=VerdictState.EXCLUDED)
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(verdict,)), now=NOW)
        assert await store.bodies.drop(NOW - timedelta(days=7)) == 1
        assert await store.bodies.get(identity) is None

    asyncio.run(main())
    for file in tmp_path.iterdir():
        assert b"secret offer" not in file.read_bytes()


def test_an_old_waiting_mail_is_excluded_and_forgotten_but_never_new_again(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        identity = rows(store, "mails")[0].identity
        case = Case(rows(store, "threads")[0].id, "crm")
        verdict = Verdict(mail=identity, state=VerdictState.WAITING)
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(verdict,)), now=NOW)
        assert await store.mail.drop_waiting(NOW - timedelta(days=1), NOW) == 0
        assert await store.mail.drop_waiting(NOW + timedelta(days=1), NOW) == 1
        report = await store.report.explain(identity)
        assert (report.verdicts[0].state, report.verdicts[0].reason) == ("excluded", "waited_too_long")
        assert (report.facts.subject, report.facts.direction) == ("", Direction.INCOMING)
        assert await store.mail.unknown(ann, ["a1"]) == ()

    asyncio.run(main())


def intent(key, *, needs=(), order="", mail="m"):
    write = CreateTask(
        key=key, title="t", text="t", due_at=NOW, due_on=NOW.date(), record=RecordRef(RecordKind.CONTACT, "1")
    )
    return Intent(write=write, rule="first_response", mail=mail, needs=needs, order_key=order)


def test_items_wait_for_what_they_need_and_for_their_turn(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        case = Case(rows(store, "threads")[0].id, "crm")
        intents = (intent("k1", order="o"), intent("k2", order="o"), intent("k3", needs=("k1",)), intent("k4"))
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(), intents=intents), now=NOW)

        async def due():
            found = await store.outbox.due(
                "crm", NOW, state=ItemState.READY, kinds=("create_task",), history=True, limit=9
            )
            return [item.key for item in found]

        assert await due() == ["k1", "k4"]
        await store.outbox.sending(["k1"], NOW)
        assert await due() == ["k4"]
        await store.outbox.settle({"k1": Change(state=ItemState.DONE)}, NOW)
        assert await due() == ["k2", "k3", "k4"]

    asyncio.run(main())


def test_what_needs_a_dropped_item_is_dropped_with_it(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        case = Case(rows(store, "threads")[0].id, "crm")
        intents = (intent("k1"), intent("k2", needs=("k1",)), intent("k3", needs=("k2",)))
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(), intents=intents), now=NOW)
        await store.outbox.settle({"k1": Change(state=ItemState.DROPPED)}, NOW)
        assert {row.key: row.state for row in rows(store, "items")} == dict.fromkeys(("k1", "k2", "k3"), "dropped")

    asyncio.run(main())


def test_many_that_wait_for_a_parked_one_keep_nobody_else_from_being_sent(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        case = Case(rows(store, "threads")[0].id, "crm")
        intents = (intent("k0"), *(intent(f"w{n}", needs=("k0",)) for n in range(30)), intent("free"))
        await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(), intents=intents), now=NOW)
        await store.outbox.settle({"k0": Change(state=ItemState.PARKED)}, NOW)
        found = await store.outbox.due("crm", NOW, state=ItemState.READY, kinds=("create_task",), history=True, limit=8)
        assert [item.key for item in found] == ["free"]

    asyncio.run(main())


def test_a_sent_item_is_never_reworded_and_a_crash_leaves_it_unknown(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        case = Case(rows(store, "threads")[0].id, "crm")

        async def decide(title):
            one = intent("k1")
            write = CreateTask(key="k1", title=title, text="", due_at=NOW, due_on=NOW.date())
            changed = Intent(write=write, rule=one.rule, mail="m", evidence=(Evidence("e"),))
            await store.threads.decided(case, Decision(link=ThreadLink(), verdicts=(), intents=(changed,)), now=NOW)
            return (await store.report.items((ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN)))[0]

        assert (await decide("one")).write.title == "one"
        assert (await decide("two")).write.title == "two"
        await store.outbox.sending(["k1"], NOW)
        assert (await decide("three")).write.title == "two"
        assert await store.outbox.recover("crm", {"create_task": 600.0}) == 1
        assert rows(store, "items")[0].state == "unknown"
        early = await store.outbox.due(
            "crm", NOW + timedelta(seconds=599), state=ItemState.UNKNOWN, kinds=("create_task",), history=True, limit=9
        )
        late = await store.outbox.due(
            "crm", NOW + timedelta(seconds=600), state=ItemState.UNKNOWN, kinds=("create_task",), history=True, limit=9
        )
        assert ([i.key for i in early], [i.key for i in late]) == ([], ["k1"])

    asyncio.run(main())


def test_a_run_is_asked_for_once_and_answers_for_its_window(store):
    async def main():
        ann = "ann@ours.example"
        await store.mailboxes.open(ann, account="a", addresses=(ann,), cursor="1", now=NOW)
        since = NOW - timedelta(days=30)
        first = await store.mailboxes.add_run("backfill", ann, since, NOW, NOW)
        assert await store.mailboxes.add_run("backfill", ann, since, NOW + timedelta(hours=1), NOW) == first
        assert (await store.mailboxes.get(ann)).covered_from == since
        await store.mailboxes.turn_page(first, "p2", 500, NOW)
        assert (await store.mailboxes.open_run(ann)).page == "p2"
        await store.mailboxes.turn_page(first, None, 3, NOW)
        assert await store.mailboxes.open_run(ann) is None
        assert (await store.mailboxes.runs((first,)))[0].listed == 503

    asyncio.run(main())


def test_the_view_has_what_the_target_needs(store):
    async def main():
        ann = "ann@ours.example"
        await keep(store, ann, copy(ann, "a1"))
        case = (await store.threads.dirty(("crm",), 10))[0]
        view = await store.threads.view(case, TargetView(account_id="a"), {})
        (mail,) = view.mails
        assert mail.live
        assert mail.copies[0].mailbox == ann
        assert isinstance(view.items, tuple)
        assert not [i for i in view.items if isinstance(i.write, LogEmail)]
        merged = Case(case.thread + 1, "crm")  # into another, while its decision was being prepared
        assert await store.threads.view(merged, TargetView(account_id="a"), {}) is None

    asyncio.run(main())
