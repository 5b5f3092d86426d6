"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coverage",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("counted_at", sa.String(26), nullable=False),
        sa.Column("since", sa.String(26), nullable=False),
        sa.Column("until", sa.String(26), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name=op.f("pk_coverage")),
    )
    op.create_table(
        "customer_words",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", "word", "kind", "id", name=op.f("pk_customer_words")),
    )
    op.create_table(
        "customers",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "id", name=op.f("pk_customers")),
    )
    op.create_table(
        "deal_records",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("deal", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("target", "kind", "id", "deal", name=op.f("pk_deal_records")),
    )
    op.create_table(
        "deals",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "id", name=op.f("pk_deals")),
    )
    op.create_table(
        "feeds",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("feed", sa.String(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("as_of", sa.String(26), nullable=True),
        sa.PrimaryKeyConstraint("target", "feed", name=op.f("pk_feeds")),
    )
    op.create_table(
        "items",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("history", sa.Boolean(), nullable=False),
        sa.Column("write", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=False),
        sa.Column("due_at", sa.String(26), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", sa.String(26), nullable=True),
        sa.Column("sent_at", sa.String(26), nullable=True),
        sa.Column("half_record", sa.String(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", sa.String(26), nullable=False),
        sa.Column("ended_at", sa.String(26), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_items")),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_items_due", "items", ["target", "state", "history", "due_at"], unique=False)
    op.create_index(op.f("ix_items_mail"), "items", ["mail"], unique=False)
    op.create_index(op.f("ix_items_thread"), "items", ["thread"], unique=False)
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.String(26), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=True),
        sa.Column("mail", sa.String(), nullable=True),
        sa.Column("item", sa.String(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal")),
    )
    op.create_index(op.f("ix_journal_item"), "journal", ["item"], unique=False)
    op.create_index(op.f("ix_journal_mail"), "journal", ["mail"], unique=False)
    op.create_table(
        "lanes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("until", sa.String(26), nullable=True),
        sa.Column("beat_at", sa.String(26), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lanes")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("cursor_at", sa.String(26), nullable=True),
        sa.Column("live_from", sa.String(26), nullable=False),
        sa.Column("covered_from", sa.String(26), nullable=False),
        sa.Column("resyncs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("since", sa.String(26), nullable=False),
        sa.Column("until", sa.String(26), nullable=False),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.String(26), nullable=False),
        sa.Column("ended_at", sa.String(26), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index("ix_runs_open", "runs", ["mailbox", "done"], unique=False)
    op.create_table(
        "targets",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.String(26), nullable=False),
        sa.Column("paused_kinds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_targets")),
    )
    op.create_table(
        "threads",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("created_at", sa.String(26), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
    )
    op.create_table(
        "users",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "id", name=op.f("pk_users")),
    )
    op.create_table(
        "case_links",
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_case_links_thread_threads")),
        sa.PrimaryKeyConstraint("target", "record", "thread", name=op.f("pk_case_links")),
    )
    op.create_index(op.f("ix_case_links_thread"), "case_links", ["thread"], unique=False)
    op.create_table(
        "cases",
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("wake_at", sa.String(26), nullable=True),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.String(26), nullable=True),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_cases_thread_threads")),
        sa.PrimaryKeyConstraint("thread", "target", name=op.f("pk_cases")),
    )
    op.create_index("ix_cases_dirty", "cases", ["target", "dirty", "thread"], unique=False)
    op.create_index("ix_cases_wake", "cases", ["wake_at"], unique=False)
    op.create_table(
        "mails",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("reader", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.String(26), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.String(26), nullable=False),
        sa.Column("twin_from", sa.String(), nullable=False),
        sa.Column("twin_subject", sa.String(), nullable=False),
        sa.Column("twin_text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_mails_thread_threads")),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_mails")),
    )
    op.create_index(op.f("ix_mails_sent_at"), "mails", ["sent_at"], unique=False)
    op.create_index(op.f("ix_mails_thread"), "mails", ["thread"], unique=False)
    op.create_index("ix_mails_twin", "mails", ["twin_from", "twin_text", "sent_at"], unique=False)
    op.create_table(
        "thread_keys",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_thread_keys_thread_threads")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_thread_keys")),
    )
    op.create_index(op.f("ix_thread_keys_thread"), "thread_keys", ["thread"], unique=False)
    op.create_table(
        "thread_words",
        sa.Column("word", sa.String(), nullable=False),
        sa.Column("thread", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["thread"], ["threads.id"], name=op.f("fk_thread_words_thread_threads")),
        sa.PrimaryKeyConstraint("word", "thread", name=op.f("pk_thread_words")),
    )
    op.create_index(op.f("ix_thread_words_thread"), "thread_words", ["thread"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kept_since", sa.String(26), nullable=False),
        sa.ForeignKeyConstraint(["mail"], ["mails.identity"], name=op.f("fk_bodies_mail_mails")),
        sa.PrimaryKeyConstraint("mail", name=op.f("pk_bodies")),
    )
    op.create_index(op.f("ix_bodies_kept_since"), "bodies", ["kept_since"], unique=False)
    op.create_table(
        "copies",
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("received_at", sa.String(26), nullable=True),
        sa.Column("place", sa.String(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("seen_at", sa.String(26), nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["mail"], ["mails.identity"], name=op.f("fk_copies_mail_mails")),
        sa.PrimaryKeyConstraint("mailbox", "provider_id", name=op.f("pk_copies")),
    )
    op.create_index(op.f("ix_copies_mail"), "copies", ["mail"], unique=False)
    op.create_table(
        "verdicts",
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.String(26), nullable=False),
        sa.ForeignKeyConstraint(["mail"], ["mails.identity"], name=op.f("fk_verdicts_mail_mails")),
        sa.PrimaryKeyConstraint("mail", "target", name=op.f("pk_verdicts")),
    )
