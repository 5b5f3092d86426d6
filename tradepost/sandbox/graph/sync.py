"""delta over a folder's messages and over the folder tree.

https://learn.microsoft.com/graph/api/message-delta and .../mailfolder-delta.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from datetime import datetime

from tradepost.sandbox.graph.call import Call, Reply
from tradepost.sandbox.graph.errors import ApiError, bad_request, invalid_request, quota_exceeded, sync_state_not_found
from tradepost.sandbox.graph.journal import Journal
from tradepost.sandbox.graph.mailbox import Folder
from tradepost.sandbox.graph.odata import compile_filter, parse_expand, parse_order, parse_select
from tradepost.sandbox.graph.rounds import Chain, Entry, Link, Memory, Options, Round, Told
from tradepost.sandbox.graph.shown import EXPANDABLE, SELECTABLE, show
from tradepost.sandbox.graph.view import FOLDER, FOLDER_NAMES, MESSAGE, Json

DEFAULT_PAGE = 10
TREE = 0  # the target that stands for the folder tree
ALL = -1  # and for the whole mailbox, where the sandbox is lax
_TYPES = ("", "created", "updated", "deleted")


def messages(call: Call) -> Reply:
    """One page of a folder's messages."""
    _check_full(call)
    folder = call.box.folder(call.args["folder"]) if "folder" in call.args else None
    target = folder.number if folder else ALL
    memory = call.tenant.memory(call.owner)
    link = _stored(call, memory, target)
    if link is None:
        chain = Chain(target, _options(call))
        link = Link(chain, memory.first(chain, _matching(call, folder, chain.options), call.box.seq))
    elif link.round is None:
        journal = folder.journal if folder else Journal()
        changed = [c.key for c in journal.since(link.seq)]
        here = {key for key in changed if _is_here(call, key, folder)}
        link = Link(link.chain, memory.later(link.chain, journal, link.seq, call.box.seq, here))
    return _page(call, memory, link, lambda entry: _message(call, folder, link.chain.options, entry))


def folders(call: Call) -> Reply:
    """One page of the folder tree: nested folders too, hidden ones not."""
    _check_full(call)
    memory = call.tenant.memory(call.owner)
    link = _stored(call, memory, TREE)
    if link is None:
        select = parse_select(call.options.get("select", ""), FOLDER_NAMES, FOLDER) or None
        chain = Chain(TREE, Options(select=select, top=call.number("top", 0)))
        keys = [folder.number for folder in call.box.visible()]
        link = Link(chain, memory.first(chain, keys, call.box.seq))
    elif link.round is None:
        here = {folder.number for folder in call.box.visible()}
        found = memory.later(link.chain, call.box.hierarchy, link.seq, call.box.seq, here)
        link = Link(link.chain, found)
    return _page(call, memory, link, lambda entry: _folder(call, link.chain.options, entry))


def _check_full(call: Call) -> None:
    """Its state is saved in the mailbox."""
    if call.box.full and call.strict.full_mailbox_refuses_delta:
        raise quota_exceeded()


# --------------------------------------------------------------------------------------------------------------- links


def _stored(call: Call, memory: Memory, target: int) -> Link | None:
    """The link that a token names; None for a first call. Raises 410 for one that is forgotten."""
    token = call.options.get("skiptoken") or call.options.get("deltatoken") or ""
    if not token:
        return None
    if token.lower() == "latest":
        if call.strict.latest_token_refused:
            # https://github.com/microsoftgraph/microsoft-graph-docs/issues/9569; text not confirmed
            raise bad_request("Badly formed token.")
        return Link(Chain(target, _options(call)), seq=call.box.seq)
    link = memory.links.get(token)
    if link is not None and link.chain.target == target:
        return link
    if link is None and Memory.is_token(token):
        code = "SyncStateNotFound" if call.tenant.random.random() < 0.5 else "syncStateNotFound"
        raise sync_state_not_found(code, memory.serial, call.link(**{"$deltatoken": ""}))
    raise ApiError(400, "ErrorInvalidSyncStateData", "The sync state data is corrupted or otherwise invalid.")


def _page(call: Call, memory: Memory, link: Link, tell: Callable[[Entry], Json | None]) -> Reply:
    """Raises nothing: a page is always to be had once its link is."""
    chain = link.chain
    size = call.prefer.page or chain.options.top or DEFAULT_PAGE
    told = link.round or Round(chain, [], link.seq)
    entries, place = memory.page(told, link.place, size)
    values = [shown for entry in entries if (shown := tell(entry)) is not None]
    kind = "mailFolder" if chain.target == TREE else "message"
    body: Json = {"@odata.context": call.context(f"Collection({kind})"), "value": values}
    if place < len(told.entries):
        token = memory.keep(Link(chain, told, place))
        body["@odata.nextLink"] = call.link(**{"$skiptoken": token})
    else:
        token = memory.keep(Link(chain, seq=told.seq))
        body["@odata.deltaLink"] = call.link(**{"$deltatoken": token})
    return Reply(body=body)


# ------------------------------------------------------------------------------------------------------------- messages


def _options(call: Call) -> Options:
    """A first call's options. Raises 400 for what delta does not take."""
    given, strict = call.options, call.strict
    if "search" in given and strict.delta_filter_limited:
        raise invalid_request("The query parameter '$search' is not supported with delta.")
    change = call.inquiry.query.get("changeType", "").lower()
    if change not in _TYPES:
        raise bad_request(f"Invalid value '{change}' for changeType.")
    since, inclusive = _since(call)
    order = parse_order(given.get("orderby", ""), SELECTABLE, MESSAGE)
    right = all(key.name == "receivedDateTime" and key.descending for key in order)
    if not right and strict.delta_filter_limited:
        raise invalid_request("The only supported $orderby with delta is receivedDateTime desc.")
    return Options(
        parse_select(given["select"], SELECTABLE, MESSAGE) if given.get("select") else None,
        parse_expand(given.get("expand", ""), EXPANDABLE, MESSAGE),
        since,
        inclusive,
        bool(order),
        change,
        min(call.number("top", 0), 1000),
    )


def _since(call: Call) -> tuple[datetime | None, bool]:
    """The earliest time of receipt that $filter lets through, and whether it is itself let through. Raises 400."""
    text = call.options.get("filter", "")
    if not text:
        return None, True
    bounds = compile_filter(text, SELECTABLE, MESSAGE).bounds or ()
    right = [b for b in bounds if b.path == ("receivedDateTime",) and b.operator in ("ge", "gt")]
    if (len(right) != 1 or len(bounds) != 1) and call.strict.delta_filter_limited:
        raise invalid_request("The only supported $filter with delta is receivedDateTime ge or gt a time.")
    if not right or not isinstance(right[0].value, datetime):
        return None, True
    return right[0].value, right[0].operator == "ge"


def _matching(call: Call, folder: Folder | None, options: Options) -> Iterable[int]:
    """What passes the filter, newest first."""
    order = folder.order if folder else call.box.order
    start = 0
    if options.since is not None:
        moment = options.since.timestamp()
        start = bisect_left(order, (moment,)) if options.inclusive else bisect_right(order, (moment, float("inf")))
    return [uid for _, uid in reversed(order[start:])]


def _is_here(call: Call, key: int, folder: Folder | None) -> bool:
    item = call.box.items.get(key)
    return item is not None and (folder is None or item.folder is folder)


def _message(call: Call, folder: Folder | None, options: Options, entry: Entry) -> Json | None:
    """How an entry is told now; None where nothing is to be told any more, since it left meanwhile."""
    immutable = call.prefer.immutable
    if entry.told in (Told.REMOVED, Told.GONE_AND_BACK):
        return {
            "@odata.type": "#microsoft.graph.message",
            "id": entry.immutable_id if immutable else entry.id,
            "@removed": {"reason": "deleted"},
        }
    if not _is_here(call, entry.key, folder) or (entry.told is Told.BACK and immutable):
        return None
    item = call.box.items[entry.key]
    if not options.admits(item.received):
        return None
    select = options.select
    if entry.told is Told.CHANGED:
        known = set(entry.what)
        chosen = known if select is None else known & set(select)
        return {"@odata.type": "#microsoft.graph.message"} | call.view.message(item, sorted(chosen))
    return {"@odata.type": "#microsoft.graph.message"} | show(call, item, select, options.expand)


# -------------------------------------------------------------------------------------------------------------- folders


def _folder(call: Call, options: Options, entry: Entry) -> Json | None:
    if entry.told in (Told.REMOVED, Told.GONE_AND_BACK):
        return {"id": entry.id, "@removed": {"reason": "deleted"}}
    folder = call.box.folders.get(entry.key)
    if folder is None:
        return None
    if entry.told is Told.CHANGED:
        known = set(entry.what)
        chosen = known if options.select is None else known & set(options.select)
        return call.view.folder(folder, sorted(chosen))
    return call.view.folder(folder, options.select)
