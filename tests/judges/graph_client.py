"""msgraph-sdk, signed in through azure-identity, judges the simulated Microsoft 365 tenant."""

from __future__ import annotations

from typing import Any

from kiota_abstractions.api_error import APIError
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.message import Message
from msgraph.generated.models.user import User
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_content_collection import BatchRequestContentCollection
from msgraph_core.requests.batch_request_item import BatchRequestItem

from tests.judges import graph_signin, graph_tools, graph_writes
from tests.judges.graph_desk import (
    ANNA,
    BO,
    GRAPH,
    IMMUTABLE,
    MAILS,
    NOBOX,
    PDF,
    SHARED,
    Desk,
    FixedToken,
    all_of,
    asks,
    at,
    get,
    make,
    make_mail,
    open_desk,
    refused,
)
from tests.judges.judge import Bench, Judge

judge = Judge("msgraph-sdk", open_desk)
BENCH = Bench("graph", make, (judge, graph_writes.judge, graph_signin.judge, graph_tools.judge))
IN_BOX = MAILS + 2  # and one in a folder below, one sent

# ------------------------------------------------------------------------------------------------------- the directory


@asks(judge, "reads a user by name and by id, with the default properties and with chosen ones")
async def user(desk: Desk) -> None:
    anna = await desk.box.get()
    assert (anna.display_name, anna.given_name, anna.surname, anna.user_principal_name) == (
        "Anna 王",
        "Anna",
        "王",
        ANNA,
    )
    assert anna.proxy_addresses is None
    chosen = await get(desk.graph.users.by_user_id(anna.id), select=["id", "mail", "proxyAddresses"])
    assert (chosen.id, chosen.mail, chosen.display_name) == (anna.id, ANNA, None)
    assert chosen.proxy_addresses == [f"SMTP:{ANNA}", "smtp:sales@ours.example"]
    await refused(desk.graph.users.by_user_id("nobody@ours.example").get(), 404, "Request_ResourceNotFound")
    await refused(get(desk.box, select=["nonsense"]), 400, "BadRequest")


@asks(judge, "lists users page by page, counts them, finds one by any address")
async def users(desk: Desk) -> None:
    rows = await all_of(desk.graph, await get(desk.graph.users, top=2))
    assert sorted(row.mail for row in rows) == sorted([ANNA, BO, SHARED, NOBOX])
    assert len({row.id for row in rows}) == 4
    eventual = {"ConsistencyLevel": "eventual"}
    assert int(await get(desk.graph.users.count, headers=eventual)) == 4
    await refused(desk.graph.users.count.get(), 400, "Request_UnsupportedQuery")
    words = await get(desk.graph.users, search='"displayName:orders"', count=True, headers=eventual)
    assert (words.odata_count, [row.mail for row in words.value]) == (1, [SHARED])
    await refused(get(desk.graph.users, search='"displayName:orders"'), 400, "Request_UnsupportedQuery")
    named = await get(desk.graph.users, filter=f"mail eq '{BO}'", select=["id", "mail"])
    assert [row.mail for row in named.value] == [BO]
    by_alias = await get(
        desk.graph.users, filter="proxyAddresses/any(p:p eq 'smtp:sales@ours.example')", select=["mail"]
    )
    assert [row.mail for row in by_alias.value] == [ANNA]
    assert (await desk.graph.organization.get()).value[0].id == desk.vendor.directory.tenant


@asks(judge, "reads mailbox settings and categories")
async def settings(desk: Desk) -> None:
    anna = await desk.box.mailbox_settings.get()
    bo = await desk.graph.users.by_user_id(BO).mailbox_settings.get()
    assert (anna.language.locale, bo.language.locale) == ("en-US", "zh-CN")
    assert anna.archive_folder == (await desk.box.mail_folders.by_mail_folder_id("archive").get()).id
    assert (await desk.box.outlook.master_categories.get()).value == []


# ---------------------------------------------------------------------------------------------------------- the folders


@asks(judge, "walks the folders: the top level in pages, children below, hidden ones on request")
async def folders(desk: Desk) -> None:
    top = await all_of(desk.graph, await get(desk.box.mail_folders, top=3))
    names = [row.display_name for row in top]
    assert {"Inbox", "Sent Items", "Drafts", "Deleted Items", "Junk Email", "Archive", "Buyers"} <= set(names)
    assert len(set(names)) == len(names)
    buyers = next(row for row in top if row.display_name == "Buyers")
    (asia,) = (await desk.box.mail_folders.by_mail_folder_id(buyers.id).child_folders.get()).value
    assert (asia.display_name, asia.parent_folder_id, asia.total_item_count) == ("Asia", buyers.id, 1)
    assert (buyers.child_folder_count, asia.child_folder_count) == (1, 0)
    whole = await get(desk.box.mail_folders, include_hidden_folders="true", top=100)
    assert {row.display_name for row in whole.value} > set(names)
    assert {row.is_hidden for row in whole.value} == {True, False}
    assert int(await desk.box.mail_folders.count.get()) == len(names)


@asks(judge, "reads well-known folders in any letter case and in any language")
async def well_known(desk: Desk) -> None:
    ids = [(await desk.box.mail_folders.by_mail_folder_id(n).get()).id for n in ("inbox", "Inbox", "INBOX")]
    assert len(set(ids)) == 1
    box = await desk.box.mail_folders.by_mail_folder_id("SentItems").get()
    assert (box.display_name, box.total_item_count) == ("Sent Items", 1)
    bo = await desk.graph.users.by_user_id(BO).mail_folders.by_mail_folder_id("inbox").get()
    assert (bo.display_name, bo.total_item_count, bo.unread_item_count) == ("收件箱", 0, 0)
    await refused(desk.box.mail_folders.by_mail_folder_id("nonsense").get(), 400, "ErrorInvalidIdMalformed")


# --------------------------------------------------------------------------------------------------------- the messages


@asks(judge, "lists a mailbox and a folder to the end, ten at a time and with $top, newest first")
async def paging(desk: Desk) -> None:
    page = await desk.box.messages.get()
    assert len(page.value) == 10
    rows = await all_of(desk.graph, page)
    assert len({row.id for row in rows}) == len(rows) == IN_BOX
    inbox = desk.box.mail_folders.by_mail_folder_id("inbox").messages
    own = await all_of(desk.graph, await get(inbox, top=7, select=["id", "receivedDateTime"]))
    assert [row.received_date_time for row in own] == [at(n) for n in reversed(range(MAILS))]
    counted = await get(inbox, count=True, top=1)
    assert (counted.odata_count, len(counted.value)) == (MAILS, 1)
    assert int(await inbox.count.get()) == MAILS
    assert counted.odata_next_link.startswith(f"https://{GRAPH}/v1.0/users/")
    await refused(get(inbox, top=1001), 400)


@asks(judge, "filters and sorts; is refused a sort that the filter does not lead")
async def filters(desk: Desk) -> None:
    messages = desk.box.messages

    async def subjects(**query: Any) -> list[str]:
        rows = await all_of(desk.graph, await get(messages, **query))
        return [row.subject for row in rows]

    span = "receivedDateTime ge 2026-03-01T05:00:00Z and receivedDateTime lt 2026-03-01T08:00:00Z"
    assert await subjects(filter=span, orderby=["receivedDateTime"], top=2) == [
        "sealed",
        "Offer 6 报价",
        "Offer 7 报价",
    ]
    assert await subjects(filter="internetMessageId eq '<judge.9@buyer.example>'") == ["Offer 9 报价"]
    assert await subjects(filter="from/emailAddress/address eq 'li@buyer.example' and hasAttachments eq true") == [
        "Offer 6 报价",
        "sealed",
        "Offer 3 报价",
    ]
    assert await subjects(filter="startswith(subject,'Old')") == ["Old order"]
    assert await subjects(filter="contains(subject,'报价') and isRead eq false", top=50) == [
        f"Offer {n} 报价" for n in reversed(range(MAILS)) if n != 5
    ]
    assert await subjects(filter="receivedDateTime gt 2030-01-01T00:00:00Z") == []
    wrong = get(messages, filter="subject eq 'x'", orderby=["receivedDateTime"])
    await refused(wrong, 400, "InefficientFilter")
    await refused(get(messages, filter="nonsense eq 1"), 400)
    await refused(get(messages, filter="toRecipients/any(r:r/emailAddress/address eq 'x')"), 400)


@asks(judge, "searches by words, by sender and by time, and never together with a filter")
async def search(desk: Desk) -> None:
    async def found(words: str) -> set[str]:
        rows = await all_of(desk.graph, await get(desk.box.messages, search=words))
        return {row.subject for row in rows}

    assert await found('"subject:Old"') == {"Old order"}
    assert len(await found('"from:li@buyer.example"')) == IN_BOX
    assert await found('"hasAttachments:true AND subject:3"') == {"Offer 3 报价"}
    assert await found('"nothing of the kind"') == set()
    await refused(get(desk.box.messages, search='"x"', filter="isRead eq false"), 400, "SearchWithFilter")


async def _one(desk: Desk, number: int, **query: Any) -> Any:
    page = await get(desk.box.messages, filter=f"internetMessageId eq '<judge.{number}@buyer.example>'", **query)
    (row,) = page.value
    return row


@asks(judge, "reads a mail: people, times, body as HTML and as text, headers and unique body on request")
async def message(desk: Desk) -> None:
    row = await _one(desk, 2)
    builder = desk.box.messages.by_message_id(row.id)
    mail = await builder.get()
    assert (mail.from_.email_address.name, mail.from_.email_address.address) == ("李娜", "li@buyer.example")
    assert [each.email_address.address for each in mail.to_recipients] == [ANNA]
    assert (mail.received_date_time, mail.sent_date_time) == (at(2), at(2))
    assert (mail.is_read, mail.is_draft, mail.has_attachments) == (False, False, False)
    assert (mail.body.content_type.value, "please quote 2" in mail.body.content) == ("html", True)
    assert mail.body_preview.startswith("Dear Anna")
    assert (mail.internet_message_headers, mail.unique_body) == (None, None)
    text = await get(builder, prefer='outlook.body-content-type="text"')
    assert (text.body.content_type.value, text.body.content.strip()) == ("text", "Dear Anna, please quote 2.")
    more = await get(builder, select=["internetMessageHeaders", "uniqueBody"])
    heads = {each.name: each.value for each in more.internet_message_headers}
    assert (heads["Message-ID"], more.unique_body.content_type.value) == ("<judge.2@buyer.example>", "html")
    assert more.subject is None
    own = await get(desk.box.mail_folders.by_mail_folder_id("sentitems").messages, select=["internetMessageHeaders"])
    assert own.value[0].internet_message_headers is None
    await refused(get(builder, select=["sensitivity"]), 400)


@asks(judge, "reads sensitivity as an extended property, MIME as $value; a sealed mail has none")
async def mime(desk: Desk) -> None:
    wanted = ["singleValueExtendedProperties($filter=id eq 'Integer 0x36')"]
    private, plain = await _one(desk, 7, expand=wanted), await _one(desk, 8, expand=wanted)
    assert [each.value for each in private.single_value_extended_properties] == ["2"]
    assert [each.value for each in plain.single_value_extended_properties] == ["0"]
    raw = await desk.box.messages.by_message_id(private.id).content.get()
    assert b"Sensitivity: Private\r\n" in raw
    assert b"Message-ID: <judge.7@buyer.example>\r\n" in raw
    sealed = await _one(desk, 5)
    assert (await desk.box.messages.by_message_id(sealed.id).get()).subject == "sealed"
    await refused(desk.box.messages.by_message_id(sealed.id).content.get(), 500, "ErrorMimeContentConversionFailed")


@asks(judge, "names a mail by immutable ids, which a move does not change, and by default ids, which it does")
async def ids(desk: Desk) -> None:
    row = await _one(desk, 11)
    steady = await get(desk.box.messages.by_message_id(row.id), prefer=IMMUTABLE)
    assert steady.id != row.id
    desk.act(desk.vendor.move, ANNA, steady.id, "archive")
    await refused(desk.box.messages.by_message_id(row.id).get(), 404, "ErrorItemNotFound")
    moved = await get(desk.box.messages.by_message_id(steady.id), prefer=IMMUTABLE)
    archive = await desk.box.mail_folders.by_mail_folder_id("archive").get()
    assert (moved.id, moved.parent_folder_id) == (steady.id, archive.id)
    desk.act(desk.vendor.move, ANNA, steady.id, "inbox")
    other = steady.id[:40] + steady.id[40:].swapcase()
    await refused(desk.box.messages.by_message_id(other).get(), 404, "ErrorItemNotFound")
    await refused(desk.box.messages.by_message_id("nonsense").get(), 400, "ErrorInvalidIdMalformed")


@asks(judge, "lists, reads and downloads attachments: a file, a picture in the text, a mail inside a mail, a link")
async def attachments(desk: Desk) -> None:
    papers, logo, outer = await _one(desk, 3), await _one(desk, 4), await _one(desk, 6)
    builder = desk.box.messages.by_message_id(papers.id).attachments
    (file,) = (await builder.get()).value
    assert isinstance(file, FileAttachment)
    assert (file.name, file.content_type, file.content_bytes) == ("报价.pdf", "application/pdf", PDF)
    lean = await get(builder, select=["id", "name", "size"])
    assert (lean.value[0].content_bytes, lean.value[0].name) == (None, "报价.pdf")
    assert (await builder.by_attachment_id(file.id).get()).id == file.id
    assert int(await builder.count.get()) == 1
    (picture,) = (await desk.box.messages.by_message_id(logo.id).attachments.get()).value
    assert (logo.has_attachments, picture.is_inline, picture.content_id) == (False, True, "logo")
    assert 'src="cid:logo"' in logo.body.content
    assert "script" not in logo.body.content
    inside = desk.box.messages.by_message_id(outer.id).attachments
    (nested,) = (await get(inside, expand=["microsoft.graph.itemAttachment/item"])).value
    assert isinstance(nested, ItemAttachment)
    assert isinstance(nested.item, Message)
    assert nested.item.subject == "The first request"
    expanded = await _one(desk, 3, expand=["attachments($select=id,name,size)"])
    assert [(each.name, each.id) for each in expanded.attachments] == [("报价.pdf", file.id)]
    await refused(builder.by_attachment_id("nonsense").get(), 404)


# ------------------------------------------------------------------------------------------------------------ the delta


async def _round(builder: Any, link: str = "", **query: Any) -> tuple[dict[str, Any], str, int]:
    """Rows by id as the last page told them, the deltaLink, and how many pages there were."""
    page = await (get(builder.with_url(link), prefer=IMMUTABLE) if link else get(builder, prefer=IMMUTABLE, **query))
    rows = {row.id: row for row in page.value}
    pages = 1
    while page.odata_next_link:
        page = await get(builder.with_url(page.odata_next_link), prefer=IMMUTABLE)
        rows |= {row.id: row for row in page.value}
        pages += 1
    return rows, page.odata_delta_link, pages


@asks(judge, "follows a folder by delta(): all of it once, then arrivals, changes, moves and deletions")
async def delta(desk: Desk) -> None:
    builder = desk.box.mail_folders.by_mail_folder_id("inbox").messages.delta
    rows, link, pages = await _round(builder, select=["subject", "receivedDateTime", "isRead"])
    inbox = desk.box.mail_folders.by_mail_folder_id("inbox").messages
    listed = await all_of(desk.graph, await get(inbox, prefer=IMMUTABLE, top=100), Prefer=IMMUTABLE)
    assert set(rows) == {row.id for row in listed}
    assert pages >= 3
    assert link.startswith(f"https://{GRAPH}/v1.0/users/")
    new = desk.act(desk.vendor.deliver_to, ANNA, make_mail(60), at=at(60))
    read, moved, gone = (row.id for row in listed[:3])
    desk.act(desk.vendor.mark_read, ANNA, read)
    desk.act(desk.vendor.move, ANNA, moved, "archive")
    desk.act(desk.vendor.delete_forever, ANNA, gone)
    told, link, _ = await _round(builder, link)
    assert set(told) == {new, read, moved, gone}
    assert (told[new].subject, told[read].is_read, told[read].subject) == ("Offer 60 报价", True, None)
    assert all(told[each].additional_data["@removed"]["reason"] for each in (moved, gone))
    assert (await get(desk.box.messages.by_message_id(moved), prefer=IMMUTABLE)).id == moved
    await refused(get(desk.box.messages.by_message_id(gone), prefer=IMMUTABLE), 404, "ErrorItemNotFound")
    assert (await _round(builder, link))[0] == {}


@asks(judge, "follows from a date on, and the folder tree; is refused what delta cannot do")
async def delta_limits(desk: Desk) -> None:
    inbox = desk.box.mail_folders.by_mail_folder_id("inbox").messages
    rows, link, _ = await _round(inbox.delta, filter="receivedDateTime ge 2026-03-01T20:00:00Z", select=["subject"])
    listed = await get(inbox, filter="receivedDateTime ge 2026-03-01T20:00:00Z", prefer=IMMUTABLE)
    assert set(rows) == {row.id for row in listed.value} != set()
    desk.act(desk.vendor.deliver_to, ANNA, make_mail(10), at=at(1))
    assert (await _round(inbox.delta, link))[0] == {}
    await refused(get(inbox.delta, filter="isRead eq false"), 400)
    await refused(get(inbox.delta, search='"x"'), 400)
    latest = f"https://{GRAPH}/v1.0/users/{ANNA}/mailFolders/inbox/messages/delta?$deltatoken=latest"
    await refused(inbox.delta.with_url(latest).get(), 400)
    tree, link, _ = await _round(desk.box.mail_folders.delta)
    assert {"Inbox", "Buyers", "Asia"} <= {row.display_name for row in tree.values()}
    made = desk.act(desk.vendor.add_folder, ANNA, "Buyers/Europe")
    desk.act(desk.vendor.deliver_to, ANNA, make_mail(61), place="Buyers/Europe")
    told, link, _ = await _round(desk.box.mail_folders.delta, link)
    assert told[made].display_name == "Europe"
    desk.act(desk.vendor.delete_folder, ANNA, made)
    desk.act(desk.vendor.delete_folder, ANNA, made)
    told, _, _ = await _round(desk.box.mail_folders.delta, link)
    assert "@removed" in told[made].additional_data


@asks(judge, "is told 410 when the sync state is gone, and begins again")
async def gone(desk: Desk) -> None:
    builder = desk.box.mail_folders.by_mail_folder_id("inbox").messages.delta
    rows, link, _ = await _round(builder, select=["id"])
    desk.act(desk.vendor.expire_sync_state, ANNA, "inbox")
    error = await refused(builder.with_url(link).get(), 410)
    assert error.error.code.lower() == "syncstatenotfound"
    assert error.response_headers["location"].endswith("$deltatoken=")
    assert set((await _round(builder, error.response_headers["location"]))[0]) == set(rows)


# ------------------------------------------------------------------------------------------------------------ the batch


def _relative(builder: Any, method: str = "GET", **more: Any) -> BatchRequestItem:
    """A part as its users have to make it: the client itself leaves the address absolute, which Graph refuses.

    https://github.com/microsoftgraph/msgraph-sdk-python/issues/1015.
    """
    item = BatchRequestItem(getattr(builder, f"to_{method.lower()}_request_information")(**more))
    item.url = item.url.removeprefix(f"https://{GRAPH}/v1.0")
    return item


@asks(judge, "reads, changes and misses in one batch, each part with a status of its own, and forty over two")
async def batch(desk: Desk) -> None:
    listed = (await get(desk.box.messages, top=20)).value
    parts = [_relative(desk.box.messages.by_message_id(row.id)) for row in listed[:15]]
    patched = _relative(desk.box.messages.by_message_id(listed[0].id), "PATCH", body=Message(is_read=True))
    patched.headers = {"Content-Type": "application/json"}
    wrong = _relative(desk.graph.users.by_user_id("nobody@ours.example"))
    mime = _relative(desk.box.messages.by_message_id(listed[1].id).content)
    whole = BatchRequestContent({part.id: part for part in [*parts, patched, wrong, mime]})
    told = await desk.graph.batch.post(batch_request_content=whole)
    codes = told.get_response_status_codes()
    assert codes == {part.id: 404 if part is wrong else 200 for part in [*parts, patched, wrong, mime]}
    # Bodies that are JSON it drops, since it reads every one as base64; what is base64 arrives.
    raw = told.get_response_stream_by_id(mime.id).read()
    assert listed[1].internet_message_id.encode() in raw
    assert (await desk.box.messages.by_message_id(listed[0].id).get()).is_read
    both = BatchRequestContentCollection()
    for each in [_relative(desk.graph.users.by_user_id(name)) for name in [ANNA, BO, SHARED, NOBOX] * 10]:
        both.add_batch_request_item(each)
    answer = await desk.graph.batch.post(batch_request_content=both)
    answers = [each.get_response_status_codes() for each in answer.get_responses()]
    assert [sorted(set(each.values())) for each in answers] == [[200], [200]]
    assert [len(each) for each in answers] == [20, 20]


@asks(judge, "is refused a batch with absolute addresses")
async def absolute(desk: Desk) -> None:
    item = BatchRequestItem(desk.box.to_get_request_information())
    assert item.url.startswith("https://")
    status = 0
    try:
        await desk.graph.batch.post(batch_request_content=BatchRequestContent({item.id: item}))
    except APIError as error:
        status = error.response_status_code or 0
    assert status == 400


# --------------------------------------------------------------------------------------------------------- the refusals


@asks(judge, "is refused with a wrong token and with a dead one")
async def tokens(desk: Desk) -> None:
    wrong = desk.client(FixedToken("nonsense")).users.by_user_id(ANNA)
    error = await refused(wrong.messages.get(), 401, "InvalidAuthenticationToken")
    assert "authorization_uri" in error.response_headers["www-authenticate"]
    assert error.error.inner_error.request_id
    live = desk.secret().get_token(f"https://{GRAPH}/.default").token
    held = desk.client(FixedToken(live)).users.by_user_id(ANNA)
    assert (await held.get()).mail == ANNA
    desk.act(desk.vendor.expire_tokens)
    await refused(held.get(), 401, "InvalidAuthenticationToken")
    desk.graph, desk.bare = desk.client(desk.secret()), desk.client(desk.secret(), retries=0)
    assert (await desk.box.get()).mail == ANNA


@asks(judge, "meets rights that are missing: contents, writing, the directory, a policy, a scope, /me of an app")
async def rights(desk: Desk) -> None:
    lean = desk.client(desk.secret("lean"))
    mail = lean.users.by_user_id(ANNA).messages
    row = (await get(mail, top=1)).value[0]
    assert (row.subject is not None, row.body, row.body_preview) == (True, None, None)
    await refused(mail.by_message_id(row.id).content.get(), 403, "ErrorAccessDenied")
    await refused(mail.by_message_id(row.id).delete(), 403, "ErrorAccessDenied")
    await refused(lean.users.by_user_id(ANNA).get(), 403, "Authorization_RequestDenied")
    await refused(lean.me.get(), 400, "BadRequest")
    desk.act(desk.vendor.set_access_policy, [BO])
    error = await refused(desk.box.messages.get(), 403, "ErrorAccessDenied")
    assert "OData is disabled" in error.error.message
    assert (await desk.graph.users.by_user_id(BO).messages.get()).value == []
    desk.act(desk.vendor.set_access_policy, None)
    assert len((await desk.box.messages.get()).value) == 10


@asks(judge, "meets mailboxes that are not there: no licence, on premises, nobody's, full")
async def mailboxes(desk: Desk) -> None:
    await refused(desk.graph.users.by_user_id(NOBOX).messages.get(), 404, "MailboxNotEnabledForRESTAPI")
    await refused(desk.graph.users.by_user_id("nobody@ours.example").messages.get(), 404, "ErrorInvalidUser")
    desk.act(desk.vendor.set_mailbox_state, BO, "on_premises")
    await refused(desk.graph.users.by_user_id(BO).mail_folders.get(), 404, "MailboxNotEnabledForRESTAPI")
    desk.act(desk.vendor.set_mailbox_state, BO, "undiscovered")
    await refused(desk.graph.users.by_user_id(BO).mail_folders.get(), 404, "ResourceNotFound")
    desk.act(desk.vendor.set_mailbox_state, BO, "enabled")
    desk.act(desk.vendor.set_full, BO)
    inbox = desk.graph.users.by_user_id(BO).mail_folders.by_mail_folder_id("inbox").messages
    await refused(inbox.delta.get(), 403, "ErrorQuotaExceeded")
    assert (await inbox.get()).value == []
    desk.act(desk.vendor.set_full, BO, full=False)


@asks(judge, "waits as it is told when throttled or turned away, and gives the error when it may not wait")
async def trouble(desk: Desk) -> None:
    place, bare = desk.place, desk.bare.users.by_user_id(ANNA)
    place.fault("graph", "users.ListMessages", 429)
    assert len((await desk.box.messages.get()).value) == 10
    for status, code in ((429, "ApplicationThrottled"), (503, "serviceNotAvailable"), (504, "UnknownError")):
        place.fault("graph", "users.ListMessages", status)
        error = await refused(bare.messages.get(), status, code)
        assert ("retry-after" in error.response_headers) is (status != 504)
    for status, code in (
        (500, "ErrorInternalServerError"),
        (409, "ErrorIrresolvableConflict"),
        (403, "ErrorAccessDenied"),
    ):
        place.fault("graph", "users.ListMessages", status)
        await refused(bare.messages.get(), status, code)
    desk.act(desk.vendor.set_limits, requests=0)
    error = await refused(bare.messages.get(), 429, "ApplicationThrottled")
    assert 0 < int(error.response_headers["retry-after"]) <= 600
    desk.act(desk.vendor.set_limits, requests=10_000)
    assert isinstance(await bare.get(), User)


@asks(judge, "asks at another host and version, and gets links to where it asked")
async def elsewhere(desk: Desk) -> None:
    base = desk.place.served.urls["graph"]
    for root in (f"{base}/v1.0", f"{base}/beta"):
        client = desk.client(desk.secret(), base=root)
        page = await get(client.users.by_user_id(ANNA).messages, top=5)
        assert page.odata_next_link.startswith(f"{root}/users/")
        rows, link, _ = await _round(
            client.users.by_user_id(ANNA).mail_folders.by_mail_folder_id("inbox").messages.delta
        )
        assert link.startswith(f"{root}/users/")
        assert len(rows) >= MAILS - 3
