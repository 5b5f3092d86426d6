"""Pages of listings: limits, cursors, links."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tradepost.sandbox.hubspot.call import Call
from tradepost.sandbox.hubspot.errors import Refused
from tradepost.sandbox.hubspot.state import PortalState


def limit_of(state: PortalState, call: Call, default: int, most: int) -> int:
    """The page size asked for. Raises 400 when it is out of bounds."""
    text = call.first("limit") or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise Refused(f"limit must be a positive whole number, not {text}")
    if int(text) > most and state.strict.page_cap:
        raise Refused(f"The requested limit of {text} is greater than the maximum allowed: {most}")
    return int(text)


def after_of(call: Call) -> int:
    """The cursor, 0 at the start. Raises 400."""
    text = call.first("after")
    if not text:
        return 0
    if not text.isdecimal():
        raise Refused(f"The after value of {text} is not valid")
    return int(text)


def next_page(call: Call, after: str, legacy: str) -> dict[str, Any]:
    """`paging`; its link leads to the v3 path also from dated ones, as the vendor's examples show."""
    query = {name: ",".join(values) for name, values in call.query.items() if name != "after"} | {"after": after}
    return {"next": {"after": after, "link": f"{call.base_url}{legacy}?{urlencode(query)}"}}
