"""Every table and column of the state file. What each is for and how long it is kept: docs/data.md."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)


class Utc(TypeDecorator[datetime]):
    """An aware UTC time, stored as sortable text in microseconds."""

    impl = String(26)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """To text; a naive time is a mistake of ours."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the store")
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From text."""
        del dialect
        return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("name", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("addresses", Text, nullable=False),
    Column("cursor", Text),
    Column("cursor_at", Utc),
    Column("live_from", Utc, nullable=False),
    Column("covered_from", Utc, nullable=False),
    Column("resyncs", Integer, nullable=False, default=0),
    Column("resynced", Text, nullable=False, server_default="[]"),
)

copies = Table(
    "copies",
    metadata,
    Column("mailbox", String, primary_key=True),
    Column("provider_id", String, primary_key=True),
    Column("mail", String, ForeignKey("mails.identity"), index=True),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("received_at", Utc),
    Column("place", String),
    Column("labels", Text, nullable=False, default="[]"),
    Column("live", Boolean, nullable=False, default=False),
    Column("seen_at", Utc, nullable=False),
    Column("run", Integer, index=True),
    Index("ix_copies_received", "mailbox", "received_at"),
    Index("ix_copies_unreadable", "seen_at", sqlite_where=text("state = 'unreadable'")),
)

mails = Table(
    "mails",
    metadata,
    Column("identity", String, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("reader", Integer, nullable=False),
    Column("sent_at", Utc, nullable=False, index=True),
    Column("thread", Integer, ForeignKey("threads.id"), nullable=False, index=True),
    Column("live", Boolean, nullable=False, default=False),
    Column("seen_at", Utc, nullable=False),
    Column("twin_from", String, nullable=False),
    Column("twin_subject", String, nullable=False),
    Column("twin_text", String, nullable=False),
    Index("ix_mails_twin", "twin_from", "twin_text", "sent_at"),
)

bodies = Table(
    "bodies",
    metadata,
    Column("mail", String, ForeignKey("mails.identity"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_since", Utc, nullable=False, index=True),
)

threads = Table(
    "threads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("created_at", Utc, nullable=False),
)

thread_keys = Table(
    "thread_keys",
    metadata,
    Column("key", String, primary_key=True),
    Column("thread", Integer, ForeignKey("threads.id"), nullable=False, index=True),
)

thread_words = Table(
    "thread_words",
    metadata,
    Column("word", String, primary_key=True),
    Column("thread", Integer, ForeignKey("threads.id"), primary_key=True, index=True),
)

cases = Table(
    "cases",
    metadata,
    Column("thread", Integer, ForeignKey("threads.id"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("dirty", Boolean, nullable=False, default=True),
    Column("wake_at", Utc),
    Column("link", Text, nullable=False),
    Column("decided_at", Utc),
    Index("ix_cases_dirty", "target", "dirty", "thread"),
    Index("ix_cases_wake", "wake_at"),
)

case_links = Table(
    "case_links",
    metadata,
    Column("target", String, primary_key=True),
    Column("record", String, primary_key=True),  # kind:id, of a customer or deal
    Column("thread", Integer, ForeignKey("threads.id"), primary_key=True, index=True),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("mail", String, ForeignKey("mails.identity"), primary_key=True),
    Column("target", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("reason", String),
    Column("evidence", Text, nullable=False),
    Column("decided_at", Utc, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("target", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("thread", Integer, nullable=False, index=True),
    Column("mail", String, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("history", Boolean, nullable=False),
    Column("write", Text, nullable=False),
    Column("rule", String, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("order_key", String, nullable=False),
    Column("needs", Text, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("first_sent_at", Utc),
    Column("sent_at", Utc),
    Column("half_record", String, nullable=False, default=""),
    Column("steps", Text, nullable=False, default="[]"),
    Column("reason", String),
    Column("detail", Text, nullable=False, default=""),
    Column("record", String, nullable=False, default=""),
    Column("effect", String, nullable=False, default=""),
    Column("url", String, nullable=False, default=""),
    Column("note", String, nullable=False, default=""),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("look_again_at", Utc),
    Column("run", Integer, index=True),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("undo", Integer, index=True),
    Column("undoes", String, index=True),
    Column("erased", String, index=True),  # the mark of the person whose erasure has taken it up
    Column("erased_at", Utc),
    Index("ix_items_due", "target", "state", "history", "due_at"),
    Index("ix_items_look_again", "target", "look_again_at"),
    Index("ix_items_record", "target", "record"),
)

targets = Table(
    "targets",
    metadata,
    Column("name", String, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("account", Text, nullable=False),
    Column("checked_at", Utc, nullable=False),
    Column("paused_kinds", Text, nullable=False, default="{}"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("target", String, primary_key=True),
    Column("feed", String, primary_key=True),
    Column("cursor", Text),
    Column("complete", Boolean, nullable=False, default=False),
    Column("as_of", Utc),
)

users = Table(
    "users",
    metadata,
    Column("target", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("row", Text, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("row", Text, nullable=False),
)

customer_words = Table(
    "customer_words",
    metadata,
    Column("target", String, primary_key=True),
    Column("word", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
)

deals = Table(
    "deals",
    metadata,
    Column("target", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("row", Text, nullable=False),
)

deal_records = Table(
    "deal_records",
    metadata,
    Column("target", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("deal", String, primary_key=True),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("mailbox", String, nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Column("page", Text),
    Column("listed", Integer, nullable=False, default=0),
    Column("read", Integer, nullable=False, default=0),
    Column("done", Boolean, nullable=False, default=False),
    Column("created_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("undone_at", Utc),
    Index("ix_runs_open", "mailbox", "done"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("name", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("code", String, nullable=False, default=""),
    Column("hint", Text, nullable=False, default=""),
    Column("until", Utc),
    Column("beat_at", Utc, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("trouble_since", Utc),
)

coverage = Table(
    "coverage",
    metadata,
    Column("mailbox", String, primary_key=True),
    Column("counted_at", Utc, nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Column("sums", Text, nullable=False),
)

coverage_days = Table(
    "coverage_days",
    metadata,
    Column("mailbox", String, primary_key=True),
    Column("day", String, primary_key=True),  # YYYY-MM-DD, in UTC
    Column("counted_at", Utc, nullable=False),
    Column("sums", Text, nullable=False),
)

differences = Table(
    "differences",
    metadata,
    Column("mailbox", String, primary_key=True),
    Column("provider_id", String, primary_key=True),
    Column("kind", String, primary_key=True),  # missing (listed, not read) or unlisted (read, no longer listed)
    Column("day", String, nullable=False),
    Column("found_at", Utc, nullable=False),
    Column("mended_at", Utc),
    Index("ix_differences_open", "mailbox", "mended_at"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),  # a mailbox, a lane, a connection
    Column("facts", Text, nullable=False, default="{}"),
    Column("raised_at", Utc, nullable=False),
    Column("fine_since", Utc),
    Column("cleared_at", Utc),
    Index("ix_alarms_open", "cleared_at", "kind", "subject"),
)

tellings = Table(
    "tellings",
    metadata,
    Column("alarm", Integer, ForeignKey("alarms.id"), primary_key=True),
    Column("event", String, primary_key=True),  # raised or cleared
    Column("channel", String, primary_key=True),
    Column("due_at", Utc, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("told_at", Utc),
    Column("dropped", Boolean, nullable=False, default=False),
    Index("ix_tellings_open", "told_at", "dropped", "due_at"),
)

erased = Table(
    "erased",
    metadata,
    Column("mark", String, primary_key=True),  # a keyed hash of an address
    Column("person", String, nullable=False, index=True),  # the mark of the address that was named
    Column("address", String),  # while the erasure is under way
    Column("asked_at", Utc, nullable=False),
    Column("done_at", Utc),
)

journal = Table(
    "journal",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Utc, nullable=False),
    Column("event", String, nullable=False),
    Column("target", String, nullable=False, default=""),
    Column("thread", Integer),
    Column("mail", String, index=True),
    Column("item", String, index=True),
    Column("details", Text, nullable=False, default="{}"),
)
