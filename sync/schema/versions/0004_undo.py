"""Which run made an item, and what an undo takes back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("run", sa.Integer(), nullable=True))
    op.add_column("items", sa.Column("generation", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("items", sa.Column("undo", sa.Integer(), nullable=True))
    op.add_column("items", sa.Column("undoes", sa.String(), nullable=True))
    op.add_column("runs", sa.Column("undone_at", sa.String(26), nullable=True))
    op.create_index("ix_items_run", "items", ["run"])
    op.create_index("ix_items_undo", "items", ["undo"])
    op.create_index("ix_items_undoes", "items", ["undoes"])
    op.create_index("ix_copies_run", "copies", ["run"])
