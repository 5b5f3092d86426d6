"""Coverage by the day, named differences, alarms and who was told of them, resyncs by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailboxes", sa.Column("resynced", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("lanes", sa.Column("trouble_since", sa.String(26), nullable=True))
    op.create_index("ix_copies_received", "copies", ["mailbox", "received_at"])
    op.create_index("ix_copies_unreadable", "copies", ["seen_at"], sqlite_where=sa.text("state = 'unreadable'"))
    _coverage()
    _alarms()


def _coverage() -> None:
    op.create_table(
        "coverage_days",
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), primary_key=True),
        sa.Column("counted_at", sa.String(26), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
    )
    op.create_table(
        "differences",
        sa.Column("mailbox", sa.String(), primary_key=True),
        sa.Column("provider_id", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("found_at", sa.String(26), nullable=False),
        sa.Column("mended_at", sa.String(26), nullable=True),
    )
    op.create_index("ix_differences_open", "differences", ["mailbox", "mended_at"])


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.String(26), nullable=False),
        sa.Column("fine_since", sa.String(26), nullable=True),
        sa.Column("cleared_at", sa.String(26), nullable=True),
    )
    op.create_index("ix_alarms_open", "alarms", ["cleared_at", "kind", "subject"])
    op.create_table(
        "tellings",
        sa.Column("alarm", sa.Integer(), sa.ForeignKey("alarms.id"), primary_key=True),
        sa.Column("event", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("due_at", sa.String(26), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.String(26), nullable=True),
        sa.Column("dropped", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_tellings_open", "tellings", ["told_at", "dropped", "due_at"])
