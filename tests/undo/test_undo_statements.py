"""No statement of an undo, nor of the outbox that carries it out, looks at more of the ledger than it needs."""

from __future__ import annotations

import asyncio

from sqlalchemy import event

from connectors.base.model import WriteKind
from sync.model import ItemState
from sync.store import Store
from tests.box import KEY
from tradepost.sandbox.virtual import START

WHOLE = ("SCAN items", "SCAN mails", "SCAN copies", "SCAN verdicts", "ix_items_undo (")
# Nearly every item undoes nothing: to begin there is to read them all.
BEGINS_WITH_ALL = "SEARCH items USING INDEX ix_items_undoes"


def plans(folder, ask):
    """How SQLite would carry out each statement that asks for rows: step by step, one a line."""
    store = Store.open(folder / "state.db", key=KEY)
    asked = []

    @event.listens_for(store.db._engine, "before_cursor_execute")
    def told(_, __, statement, values, ___, ____):
        asked.append((statement, values))

    async def all_asked():
        await ask(store)

    asyncio.run(all_asked())
    raw = store.db._connection.connection.driver_connection
    found = [
        "".join(f"{row[3]}\n" for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values))
        for statement, values in asked
        if statement.startswith("SELECT")
    ]
    store.close()
    return found


def test_the_plan_of_a_run_costs_what_the_run_holds_not_what_the_ledger_holds(tmp_path):
    async def ask(store):
        await store.undo.plan([1])
        await store.undo.standing([1])
        async for _ in store.undo.advance([1], START):
            pass

    found = plans(tmp_path, ask)
    assert len(found) >= 4
    assert [plan for plan in found for whole in WHOLE if whole in plan] == []
    assert [plan for plan in found if plan.startswith(BEGINS_WITH_ALL)] == []


def test_what_is_due_is_read_in_the_order_of_an_index(tmp_path):
    async def ask(store):
        kinds = tuple(WriteKind)
        await store.outbox.due("crm", START, state=ItemState.READY, kinds=kinds, history=True, limit=8)

    (plan,) = plans(tmp_path, ask)
    assert "ix_items_due (target=? AND state=?)" in plan
    assert "TEMP B-TREE" not in plan
