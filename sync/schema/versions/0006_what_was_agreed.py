"""What a paused kind of write could do before it got weaker, so that the pause ends by itself when that is back."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WHOLE = {"exists": True, "unique_key": True, "lookup": "strong", "guarded": True}


def upgrade() -> None:
    c = op.get_bind()
    targets = sa.table("targets", sa.column("name"), sa.column("account"), sa.column("paused_kinds"))
    for row in c.execute(sa.select(targets).where(targets.c.paused_kinds != "{}")).all():
        account = json.loads(row.account)
        for kind, lost in json.loads(row.paused_kinds).items():
            account.setdefault("capabilities", {}).setdefault(kind, {})[lost] = _WHOLE[lost]
        text = json.dumps(account, ensure_ascii=False)
        c.execute(sa.update(targets).where(targets.c.name == row.name).values(account=text))
