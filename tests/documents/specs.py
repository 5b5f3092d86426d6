"""Where the vendors' documents are. They are not part of this repository: their licences do not allow it."""

from __future__ import annotations

import os
from pathlib import Path

HERE = Path(__file__).parents[2]
README = "README-hubspot-salesforce.md"


def specs() -> Path | None:
    """The folder named by TRADEPOST_SPECS, else ../shared/vendors/specs; None when there is none."""
    found = Path(os.environ.get("TRADEPOST_SPECS") or HERE.parent / "shared/vendors/specs")
    return found if (found / README).exists() else None
