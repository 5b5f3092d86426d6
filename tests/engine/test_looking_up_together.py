"""In which order items are looked up together."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.base.model import Address, LogEmail, Participant, RecordKind, RecordRef, Role, WriteKind
from sync.model import ItemState
from sync.push import by_record
from sync.store.outbox import Item

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def item(name, record, *, history):
    who = Participant(RecordRef(RecordKind.CONTACT, record), Role.FROM, "carl@acme.example")
    write = LogEmail(
        key=name,
        mail=name,
        message_id=name,
        thread="1",
        sent_at=NOW,
        incoming=True,
        subject="Lamps",
        from_=Address("carl@acme.example"),
        participants=(who,),
    )
    return Item(
        key=name,
        target="crm",
        kind=WriteKind.LOG_EMAIL,
        thread=1,
        mail=name,
        state=ItemState.UNKNOWN,
        history=history,
        write=write,
        order_key="",
        tries=0,
        due_at=NOW,
        first_sent_at=None,
        sent_at=None,
        half_record="",
        steps=(),
    )


def test_live_mail_comes_before_history_and_a_records_mails_come_together():
    live = [item("l1", "7", history=False), item("l2", "8", history=False), item("l3", "7", history=False)]
    old = [item("h1", "9", history=True), item("h2", "7", history=True), item("h3", "9", history=True)]
    assert [i.key for i in by_record([*live, *old])] == ["l1", "l3", "l2", "h2", "h1", "h3"]
