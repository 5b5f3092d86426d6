"""When a write to a target without unique keys is looked up once more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("look_again_at", sa.String(26), nullable=True))
    op.create_index("ix_items_look_again", "items", ["target", "look_again_at"])
    op.create_index("ix_items_record", "items", ["target", "record"])
