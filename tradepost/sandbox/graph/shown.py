"""A message with all that $select and $expand ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradepost.sandbox.graph import extended
from tradepost.sandbox.graph.call import Call
from tradepost.sandbox.graph.mailbox import Item
from tradepost.sandbox.graph.odata import Expand, parse_select
from tradepost.sandbox.graph.view import ATTACHMENT, MESSAGE_NAMES, Json

EXPANDABLE = frozenset({"attachments", "singleValueExtendedProperties", "multiValueExtendedProperties", "extensions"})
SELECTABLE = MESSAGE_NAMES | EXPANDABLE
ATTACHMENT_NAMES = frozenset(
    [
        "id",
        "name",
        "contentType",
        "size",
        "isInline",
        "lastModifiedDateTime",
        "contentId",
        "contentLocation",
        "contentBytes",
    ]
)


def show(call: Call, item: Item, select: Iterable[str] | None, expand: Iterable[Expand]) -> Json:
    """A message with what is selected and expanded."""
    found = call.view.message(item, select)
    for wanted in expand:
        if wanted.name == "attachments" and not call.basic:
            found["attachments"] = expanded_attachments(call, item, wanted.options)
        elif wanted.name == "singleValueExtendedProperties":
            values = extended.single_values(item, wanted.options.get("$filter", ""))
            if values:
                found["singleValueExtendedProperties"] = values
    return found


def expanded_attachments(call: Call, item: Item, options: Mapping[str, str]) -> list[Json]:
    select = options.get("$select") or options.get("select")
    names = parse_select(select, ATTACHMENT_NAMES, ATTACHMENT) if select else None
    contents = names is None or "contentBytes" in names
    return [
        call.view.attachment(item, index, contents=contents, select=names) for index in range(len(item.attachments))
    ]
