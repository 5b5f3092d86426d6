"""Reading messages: lists, one message, MIME, delta, translated ids.

https://learn.microsoft.com/graph/api/resources/message.
"""

from __future__ import annotations

from collections.abc import Callable

from tradepost.sandbox.graph import ids, lists, sync
from tradepost.sandbox.graph.call import Call, Need, Reply, Route
from tradepost.sandbox.graph.errors import ApiError, bad_request, documented
from tradepost.sandbox.graph.shown import EXPANDABLE, SELECTABLE, show
from tradepost.sandbox.graph.view import MESSAGE, Json

TRANSLATE_LIMIT = 1000
_FORMATS = ("entryId", "ewsId", "immutableEntryId", "restId", "restImmutableEntryId")


def list_messages(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"]) if "folder" in call.args else None
    select = call.select(SELECTABLE, MESSAGE)
    expand = call.expand(EXPANDABLE, MESSAGE)
    page = lists.messages(call, folder)
    tail = f"mailFolders('{call.args['folder']}')/messages" if folder else "messages"
    values = [show(call, item, select, expand) for item in page.rows]
    return Reply(body=page.envelope(call, call.mail_context(tail, select), values))


def count_messages(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"]) if "folder" in call.args else None
    if "filter" in call.options:
        everything = Call(
            call.tenant, call.inquiry, call.operation, call.args, {**call.options, "count": "true", "top": "1"},
            call.token, call.user, call.prefer, call.now, call.basic,
        )  # fmt: skip
        total = lists.messages(everything, folder).total
    else:
        total = len(folder.order if folder else call.box.order)
    return Reply(body=str(total).encode(), kind="text/plain")


def get_message(call: Call) -> Reply:
    item = call.item
    select = call.select(SELECTABLE, MESSAGE)
    found = show(call, item, select, call.expand(EXPANDABLE, MESSAGE))
    context = call.mail_context("messages", select) + "/$entity"
    return Reply(body={"@odata.context": context} | found)


def get_mime(call: Call) -> Reply:
    """`/$value`. An opaque S/MIME mail fails each time for an app.

    https://github.com/LogicLabs-OU/OpenArchiver/issues/487.
    """
    item = call.item
    if item.content.opaque and call.strict.smime_value_fails and not call.token.user:
        raise documented(500, "ErrorMimeContentConversionFailed")
    return Reply(body=item.raw, kind="text/plain")


# --------------------------------------------------------------------------------------------------------------- delta


def delta(call: Call) -> Reply:
    return sync.messages(call)


def mailbox_delta(call: Call) -> Reply:
    """https://learn.microsoft.com/graph/api/message-delta: only folders keep track."""
    if call.strict.mailbox_delta_refused:
        raise bad_request("Unsupported request: Change tracking is not supported against 'microsoft.graph.message'.")
    return sync.messages(call)


# ------------------------------------------------------------------------------------------------------------ other ids


def translate(call: Call) -> Reply:
    """https://learn.microsoft.com/graph/api/user-translateexchangeids."""
    found = call.parameters()
    inputs, source, target = (found.get(n) for n in ("inputids", "sourceidtype", "targetidtype"))
    if not isinstance(inputs, list) or source not in _FORMATS or target not in _FORMATS:
        raise bad_request("The input parameters inputIds, sourceIdType and targetIdType are required.")
    if len(inputs) > TRANSLATE_LIMIT and call.strict.translate_limit:
        raise ApiError(400, "ErrorInvalidRequest", f"The number of ids exceeds the limit of {TRANSLATE_LIMIT}.")
    values = [_translated(call, str(text), str(source), str(target)) for text in inputs]
    context = call.context("Collection(microsoft.graph.convertIdResult)")
    return Reply(body={"@odata.context": context, "value": values})


def _translated(call: Call, text: str, source: str, target: str) -> Json:
    plain = {"ewsId": ids.rest(text), "entryId": ids.from_entry(text), "immutableEntryId": ids.from_entry(text)}
    try:
        item = call.box.find(plain.get(source, text) or "")
    except ApiError as error:
        return {"sourceId": text, "errorDetails": {"code": error.code, "message": error.message}}
    shown = {
        "restId": item.id,
        "restImmutableEntryId": item.immutable_id,
        "ewsId": ids.ews(item.id),
        "entryId": ids.entry(item.id),
        "immutableEntryId": ids.entry(item.immutable_id),
    }
    return {"sourceId": text, "targetId": shown[target]}


def both(
    method: str, tail: str, operation: str, need: Need, handler: Callable[[Call], Reply], kind: str = ""
) -> tuple[Route, ...]:
    """A route over the mailbox and the same inside a folder."""
    return (
        Route(method, f"users/{{user}}/messages{tail}", f"users.{operation}", need, handler, kind),
        Route(
            method,
            f"users/{{user}}/mailfolders/{{folder}}/messages{tail}",
            f"users.mailFolders.{operation}",
            need,
            handler,
            kind,
        ),
    )


ROUTES = (
    *both("GET", "", "ListMessages", Need.BASIC, list_messages),
    *both("GET", "/$count", "CountMessages", Need.BASIC, count_messages),
    *both("GET", "/{message}", "GetMessage", Need.BASIC, get_message),
    *both("GET", "/{message}/$value", "GetMessageMime", Need.READ, get_mime),
    Route("GET", "users/{user}/messages/delta", "users.messages.delta", Need.BASIC, mailbox_delta),
    Route(
        "GET", "users/{user}/mailfolders/{folder}/messages/delta", "users.mailFolders.messages.delta", Need.BASIC, delta
    ),
    Route("POST", "users/{user}/translateexchangeids", "users.translateExchangeIds", Need.BASIC, translate, "read"),
)
