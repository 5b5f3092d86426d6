"""A state file of every schema that was ever released is opened, brought up to date with a copy made first, and used."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from connectors.base.model import WriteKind
from sync import restore
from sync.model import ItemState, TargetView
from sync.schema.tables import metadata
from sync.store import NewerSchema, Store, files
from sync.store.threads import Case
from tests.box import KEY
from tests.schema.make import HERE, loaded
from tradepost.sandbox.virtual import START

KEPT = sorted(HERE.glob("*.sql"))
each_schema = pytest.mark.parametrize("kept", KEPT, ids=[k.stem for k in KEPT])


def revisions() -> list[str]:
    return sorted(f.name[:4] for f in (Path(restore.__file__).parent / "schema" / "versions").glob("0*.py"))


def rows(state: Path, query: str) -> list[tuple[object, ...]]:
    raw = sqlite3.connect(state)
    try:
        return raw.execute(query).fetchall()
    finally:
        raw.close()


def test_no_released_schema_is_left_out():
    names = [k.stem for k in KEPT]
    assert len(names) >= 2
    assert names == revisions()[: len(names)]


@each_schema
def test_it_is_opened_and_all_in_it_is_understood(tmp_path, kept):
    state = loaded(kept.read_text("utf-8"), tmp_path / "state.db")
    before = rows(state, "SELECT key, state, record FROM items ORDER BY key")
    store = Store.open(state, key=KEY)
    with store.db.read() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []

    async def understood() -> int:
        items = await store.report.items(tuple(ItemState))
        for mail in {item.mail for item in items if item.mail}:
            assert (await store.report.explain(mail)).facts is not None
        for thread, target in rows(state, "SELECT thread, target FROM cases"):
            await store.threads.view(Case(thread, target), TargetView(account_id="x"), {})
        assert await store.mirror.ready("crm")
        assert {m.cursor is None for m in await store.mailboxes.all()} == {False}
        return len(items)

    assert asyncio.run(understood()) == len(before) >= 8
    store.close()
    assert rows(state, "SELECT key, state, record FROM items ORDER BY key") == before


@each_schema
def test_a_copy_of_the_old_file_is_made_before_it_is_changed(tmp_path, kept):
    state = loaded(kept.read_text("utf-8"), tmp_path / "state.db")
    Store.open(state, key=KEY).close()
    copy = tmp_path / f"state.{kept.stem}.bak"
    if kept.stem == revisions()[-1]:
        assert not copy.exists()
        return
    assert files.examine(copy) == kept.stem
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert rows(copy, "SELECT * FROM items ORDER BY seq") == rows(
        loaded(kept.read_text("utf-8"), tmp_path / "same.db"), "SELECT * FROM items ORDER BY seq"
    )


@each_schema
def test_it_may_be_restored(tmp_path, kept):
    copy, state = loaded(kept.read_text("utf-8"), tmp_path / "copy.db"), tmp_path / "state.db"
    whole = copy.read_bytes()

    async def placed() -> restore.Placed:
        await restore.stage(copy, state, KEY)
        return await restore.put_in_place(state, KEY, now=START, mailboxes=["new@ours.example"])

    survey = asyncio.run(placed()).survey
    assert set(survey.items) <= {ItemState.DONE, ItemState.UNKNOWN, ItemState.DROPPED}
    assert rows(state, "SELECT DISTINCT cursor FROM mailboxes") == [(None,)]
    assert rows(state, "SELECT (SELECT count(*) FROM feeds) + (SELECT count(*) FROM deals)") == [
        (0,)
    ]  # the mirror is read from its beginning
    assert rows(state, "SELECT mailbox, kind, done FROM runs ORDER BY id DESC LIMIT 1") == [
        ("new@ours.example", "resync", 0)
    ]
    assert copy.read_bytes() == whole
    assert [f.name for f in tmp_path.iterdir() if "restoring" in f.name] == []


def test_of_a_kind_that_was_paused_it_is_known_what_it_could_do_before(tmp_path):
    state = loaded((HERE / "0005.sql").read_text("utf-8"), tmp_path / "state.db")
    raw = sqlite3.connect(state)
    raw.execute("""UPDATE targets SET paused_kinds = '{"log_email": "unique_key", "remove": "exists"}',
        account = json_remove(json_set(account, '$.capabilities.log_email.unique_key', json('false')), '$.capabilities.remove')""")
    raw.commit()
    raw.close()
    store = Store.open(state, key=KEY)
    account = asyncio.run(store.mirror.account("crm"))
    store.close()
    assert account.capabilities[WriteKind.LOG_EMAIL].unique_key
    assert account.capabilities[WriteKind.REMOVE].exists


def test_a_newer_schema_is_refused_with_its_number(tmp_path):
    state = loaded(KEPT[-1].read_text("utf-8"), tmp_path / "state.db")
    raw = sqlite3.connect(state)
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    with pytest.raises(NewerSchema, match="9999") as refused:
        Store.open(state, key=KEY)
    assert refused.value.schema == "9999"
    assert rows(state, "SELECT version_num FROM alembic_version") == [("9999",)]
