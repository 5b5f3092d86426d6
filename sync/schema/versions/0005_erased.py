"""Who was erased, by keyed hash; and a digest in the place of a subject in clear."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 2000


def upgrade() -> None:
    op.create_table(
        "erased",
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("asked_at", sa.String(26), nullable=False),
        sa.Column("done_at", sa.String(26), nullable=True),
        sa.PrimaryKeyConstraint("mark", name="pk_erased"),
    )
    op.create_index("ix_erased_person", "erased", ["person"])
    op.add_column("items", sa.Column("erased", sa.String(), nullable=True))
    op.add_column("items", sa.Column("erased_at", sa.String(26), nullable=True))
    op.create_index("ix_items_erased", "items", ["erased"])
    _digests(op.get_bind())


def _digests(c: sa.Connection) -> None:
    """What `mappings.reading.identity.text_hash` makes of a subject that is normal already."""
    mails = sa.table("mails", sa.column("identity"), sa.column("twin_subject"), sa.column("twin_text"))
    last = ""
    while rows := c.execute(
        sa.select(mails.c.identity, mails.c.twin_subject)
        .where(mails.c.identity > last, mails.c.twin_text != "")
        .order_by(mails.c.identity)
        .limit(AT_ONCE)
    ).all():
        for row in rows:
            here = sa.update(mails).where(mails.c.identity == row.identity)
            c.execute(here.values(twin_subject=_digest(row.twin_subject)))
        last = rows[-1].identity


def _digest(subject: str) -> str:
    return hashlib.sha256("".join(subject.split()).encode("utf-8", "replace")).hexdigest()[:32]
