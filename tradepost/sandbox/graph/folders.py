"""Mail folders: lists, one folder, its children, changes by a client.

https://learn.microsoft.com/graph/api/resources/mailfolder.
"""

from __future__ import annotations

from collections.abc import Iterable

from tradepost.sandbox.graph import lists, sync
from tradepost.sandbox.graph.call import Call, Need, Reply, Route
from tradepost.sandbox.graph.errors import bad_request
from tradepost.sandbox.graph.mailbox import ROOT, Folder
from tradepost.sandbox.graph.view import FOLDER, FOLDER_NAMES, Json

_NAVIGATION = frozenset({"childFolders", "messages", "messageRules", "singleValueExtendedProperties"})
_NAMES = FOLDER_NAMES | {"wellKnownName"}


def _shown(call: Call, folders: Iterable[Folder]) -> list[Folder]:
    asked = {n.lower(): v.lower() for n, v in call.inquiry.query.multi_items()}.get("includehiddenfolders") == "true"
    return [f for f in folders if asked or not f.hidden or not call.strict.hidden_folders_left_out]


def _deep(folder: Folder) -> Iterable[Folder]:
    for child in folder.children.values():
        yield child
        yield from _deep(child)


def _list(call: Call, parent: Folder, tail: str) -> Reply:
    below = parent.children.values() if call.strict.top_level_folders_only else _deep(parent)
    rows = _shown(call, below)
    select = call.select(_NAMES, FOLDER)
    expand = [e.name for e in call.expand(_NAVIGATION, FOLDER)]
    by_id = {folder.id: folder for folder in rows}
    page = lists.plain(call, rows, call.view.folder, names=_NAMES, kind=FOLDER)
    for row in page.rows:
        _expanded(call, row, by_id, expand)
    return Reply(body=page.envelope(call, call.mail_context(tail, select), page.rows))


def _expanded(call: Call, row: Json, by_id: dict[str, Folder], expand: list[str]) -> None:
    if "childFolders" in expand:
        folder = by_id[row["id"]]
        row["childFolders"] = [call.view.folder(child) for child in _shown(call, folder.children.values())]
    if "messages" in expand:
        folder = by_id[row["id"]]
        newest = [call.box.items[uid] for _, uid in folder.order[: -lists.DEFAULT_PAGE - 1 : -1]]
        row["messages"] = [call.view.message(item) for item in newest]


def list_top(call: Call) -> Reply:
    return _list(call, call.box.known(ROOT), "mailFolders")


def list_children(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"])
    return _list(call, folder, f"mailFolders('{call.args['folder']}')/childFolders")


def count(call: Call) -> Reply:
    parent = call.box.folder(call.args["folder"]) if "folder" in call.args else call.box.known(ROOT)
    return Reply(body=str(len(_shown(call, parent.children.values()))).encode(), kind="text/plain")


def get(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"])
    select = call.select(_NAMES, FOLDER)
    found = call.view.folder(folder, select)
    _expanded(call, found, {folder.id: folder}, [e.name for e in call.expand(_NAVIGATION, FOLDER)])
    return Reply(body={"@odata.context": call.mail_context("mailFolders", select) + "/$entity"} | found)


def _made(call: Call, folder: Folder, status: int) -> Reply:
    context = {"@odata.context": call.mail_context("mailFolders") + "/$entity"}
    return Reply(status, context | call.view.folder(folder))


def _create(call: Call, parent: Folder) -> Reply:
    body = call.json()
    name = body.get("displayName")
    if not isinstance(name, str):
        raise bad_request("The displayName is required.")
    return _made(call, call.box.add_folder(parent, name, hidden=body.get("isHidden") is True), 201)


def create_top(call: Call) -> Reply:
    return _create(call, call.box.known(ROOT))


def create_child(call: Call) -> Reply:
    return _create(call, call.box.folder(call.args["folder"]))


def update(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"])
    name = call.json().get("displayName")
    if isinstance(name, str) and name != folder.name:
        call.box.rename_folder(folder, name)
    return _made(call, folder, 200)


def move(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"])
    call.box.move_folder(folder, call.box.folder(destination(call)))
    return _made(call, folder, 201)


def destination(call: Call) -> str:
    """Where `move` and `copy` lead. Raises 400."""
    found = call.parameters().get("destinationid")
    if not isinstance(found, str) or not found:
        raise bad_request("The destinationId is required.")
    return found


def delete(call: Call) -> Reply:
    call.box.delete_folder(call.box.folder(call.args["folder"]), call.now)
    return Reply(204)


def delete_for_good(call: Call) -> Reply:
    folder = call.box.folder(call.args["folder"])
    call.box.delete_folder(folder, call.now)
    if folder.number in call.box.folders:
        call.box.delete_folder(folder, call.now)
    return Reply(204)


def delta(call: Call) -> Reply:
    return sync.folders(call)


def rules(call: Call) -> Reply:
    """There are none."""
    return Reply(body={"@odata.context": call.mail_context("mailFolders('inbox')/messageRules"), "value": []})


_F = "users/{user}/mailfolders"
ROUTES = (
    Route("GET", _F, "users.ListMailFolders", Need.BASIC, list_top),
    Route("GET", f"{_F}/$count", "users.CountMailFolders", Need.BASIC, count),
    Route("GET", f"{_F}/delta", "users.mailFolders.delta", Need.BASIC, delta),
    Route("GET", f"{_F}/{{folder}}", "users.GetMailFolder", Need.BASIC, get),
    Route("GET", f"{_F}/{{folder}}/childfolders", "users.mailFolders.ListChildFolders", Need.BASIC, list_children),
    Route("GET", f"{_F}/{{folder}}/childfolders/$count", "users.mailFolders.CountChildFolders", Need.BASIC, count),
    Route("GET", f"{_F}/{{folder}}/childfolders/delta", "users.mailFolders.childFolders.delta", Need.BASIC, delta),
    Route("GET", f"{_F}/{{folder}}/messagerules", "users.mailFolders.ListMessageRules", Need.SETTINGS, rules),
    Route("POST", _F, "users.CreateMailFolder", Need.WRITE, create_top),
    Route("POST", f"{_F}/{{folder}}/childfolders", "users.mailFolders.CreateChildFolder", Need.WRITE, create_child),
    Route("POST", f"{_F}/{{folder}}/move", "users.mailFolders.move", Need.WRITE, move),
    Route("POST", f"{_F}/{{folder}}/permanentdelete", "users.mailFolders.permanentDelete", Need.WRITE, delete_for_good),
    Route("PATCH", f"{_F}/{{folder}}", "users.UpdateMailFolder", Need.WRITE, update),
    Route("DELETE", f"{_F}/{{folder}}", "users.DeleteMailFolder", Need.WRITE, delete),
)
