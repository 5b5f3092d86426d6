"""msgraph-sdk writes: drafts, answers, moves, folders, subscriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.exchange_id_format import ExchangeIdFormat
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.followup_flag import FollowupFlag
from msgraph.generated.models.followup_flag_status import FollowupFlagStatus
from msgraph.generated.models.importance import Importance
from msgraph.generated.models.internet_message_header import InternetMessageHeader
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.mail_folder import MailFolder
from msgraph.generated.models.message import Message
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.mail_folders.item.move.move_post_request_body import MovePostRequestBody as MoveFolder
from msgraph.generated.users.item.messages.item.copy.copy_post_request_body import CopyPostRequestBody
from msgraph.generated.users.item.messages.item.create_forward.create_forward_post_request_body import (
    CreateForwardPostRequestBody,
)
from msgraph.generated.users.item.messages.item.create_reply.create_reply_post_request_body import (
    CreateReplyPostRequestBody,
)
from msgraph.generated.users.item.messages.item.create_reply_all.create_reply_all_post_request_body import (
    CreateReplyAllPostRequestBody,
)
from msgraph.generated.users.item.messages.item.forward.forward_post_request_body import ForwardPostRequestBody
from msgraph.generated.users.item.messages.item.move.move_post_request_body import MovePostRequestBody
from msgraph.generated.users.item.messages.item.reply.reply_post_request_body import ReplyPostRequestBody
from msgraph.generated.users.item.messages.item.reply_all.reply_all_post_request_body import ReplyAllPostRequestBody
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from msgraph.generated.users.item.translate_exchange_ids.translate_exchange_ids_post_request_body import (
    TranslateExchangeIdsPostRequestBody,
)

from tests.judges.graph_desk import (
    ANNA,
    BO,
    IMMUTABLE,
    NOBOX,
    PDF,
    SHARED,
    Desk,
    asks,
    at,
    get,
    make_mail,
    open_desk,
    refused,
)
from tests.judges.judge import Judge

judge = Judge("msgraph-sdk, writing", open_desk)


def to(*addresses: str) -> list[Recipient]:
    return [Recipient(email_address=EmailAddress(address=each)) for each in addresses]


def text(words: str, kind: BodyType = BodyType.Text) -> ItemBody:
    return ItemBody(content=words, content_type=kind)


def _new(desk: Desk, number: int) -> str:
    """A mail that just arrived, by its immutable id."""
    return str(desk.act(desk.vendor.deliver_to, ANNA, make_mail(number, to=f"{ANNA}, {BO}"), at=at(number)))


async def _newest(desk: Desk, user: str, folder: str, **query: Any) -> Any:
    box = desk.graph.users.by_user_id(user).mail_folders.by_mail_folder_id(folder)
    return (await get(box.messages, top=1, **query)).value[0]


# ------------------------------------------------------------------------------------------------------------- one mail


@asks(judge, "marks a mail as read, flags it, files it under categories; not in its subject, which is the sender's")
async def patches(desk: Desk) -> None:
    mail = desk.box.messages.by_message_id(_new(desk, 100))
    flag = FollowupFlag(flag_status=FollowupFlagStatus.Flagged)
    made = await mail.patch(Message(is_read=True, categories=["Customer 客户"], flag=flag, importance=Importance.High))
    assert (made.is_read, made.categories, made.importance) == (True, ["Customer 客户"], Importance.High)
    seen = await mail.get()
    assert (seen.flag.flag_status, seen.categories) == (FollowupFlagStatus.Flagged, ["Customer 客户"])
    names = await desk.box.outlook.master_categories.get()
    assert [each.display_name for each in names.value] == ["Customer 客户"]
    await refused(mail.patch(Message(subject="Mine now")), 400, "ErrorInvalidPropertySet")
    old: Any = RequestConfiguration()
    old.headers.add("If-Match", 'W/"CQAAABYAAAA="')
    await refused(mail.patch(Message(is_read=False), request_configuration=old), 412)
    assert (await mail.get()).is_read


@asks(judge, "moves, copies and deletes a mail, softly and for good")
async def moves(desk: Desk) -> None:
    mail = desk.box.messages.by_message_id(_new(desk, 101))
    moved = await mail.move.post(MovePostRequestBody(destination_id="Archive"))
    archive = await desk.box.mail_folders.by_mail_folder_id("archive").get()
    assert moved.parent_folder_id == archive.id
    here = desk.box.messages.by_message_id(moved.id)
    copied = await here.copy.post(CopyPostRequestBody(destination_id="inbox"))
    assert (copied.id != moved.id, copied.internet_message_id) == (True, moved.internet_message_id)
    assert copied.parent_folder_id != archive.id
    await refused(here.move.post(MovePostRequestBody(destination_id="nonsense")), 400)
    assert await here.delete() is None
    await refused(here.get(), 404, "ErrorItemNotFound")
    assert (await _newest(desk, ANNA, "deleteditems")).internet_message_id == moved.internet_message_id
    again = desk.box.messages.by_message_id(copied.id)
    assert await again.permanent_delete.post() is None
    await refused(again.get(), 404, "ErrorItemNotFound")
    await refused(again.delete(), 404, "ErrorItemNotFound")


@asks(judge, "translates ids into immutable ones and back")
async def ids(desk: Desk) -> None:
    steady = _new(desk, 102)
    row = await _newest(desk, ANNA, "inbox", filter="internetMessageId eq '<judge.102@buyer.example>'")
    ask = TranslateExchangeIdsPostRequestBody(
        input_ids=[row.id],
        source_id_type=ExchangeIdFormat.RestId,
        target_id_type=ExchangeIdFormat.RestImmutableEntryId,
    )
    (told,) = (await desk.box.translate_exchange_ids.post(ask)).value
    assert (told.source_id, told.target_id) == (row.id, steady)
    ask.input_ids = ["x"] * 1001
    await refused(desk.box.translate_exchange_ids.post(ask), 400)


# -------------------------------------------------------------------------------------------------------------- sending


@asks(judge, "writes a draft, changes it, attaches a file and sends it; its immutable id stays, a colleague has it")
async def drafts(desk: Desk) -> None:
    steady: Any = RequestConfiguration()
    steady.headers.add("Prefer", IMMUTABLE)
    wish = Message(subject="报价 Quotation", body=text("<p>Dear Bo</p>", BodyType.Html), to_recipients=to(BO))
    made = await desk.box.messages.post(wish, request_configuration=steady)
    assert (made.is_draft, made.subject, made.from_.email_address.address) == (True, "报价 Quotation", ANNA)
    draft = desk.box.messages.by_message_id(made.id)
    changed = await draft.patch(Message(subject="报价 Quotation 2", cc_recipients=to(SHARED)))
    assert ([each.email_address.address for each in changed.cc_recipients], changed.is_draft) == ([SHARED], True)
    file = FileAttachment(odata_type="#microsoft.graph.fileAttachment", name="报价.pdf", content_bytes=PDF)
    file.content_type = "application/pdf"
    added = await draft.attachments.post(file)
    other = await draft.attachments.post(
        FileAttachment(odata_type="#microsoft.graph.fileAttachment", name="b.txt", content_bytes=b"b")
    )
    assert await draft.attachments.by_attachment_id(other.id).delete() is None
    (kept,) = (await draft.attachments.get()).value
    assert (kept.name, kept.content_bytes, added.name) == ("报价.pdf", PDF, "报价.pdf")
    assert await draft.send.post() is None
    sent = await get(draft, prefer=IMMUTABLE)
    place = await desk.box.mail_folders.by_mail_folder_id("sentitems").get()
    assert (sent.id, sent.is_draft, sent.parent_folder_id) == (made.id, False, place.id)
    got = await _newest(desk, BO, "inbox")
    assert (got.subject, got.from_.email_address.address, got.has_attachments) == ("报价 Quotation 2", ANNA, True)
    assert got.internet_message_id == sent.internet_message_id
    await refused(draft.send.post(), 403)
    await refused(draft.patch(Message(subject="Too late")), 400)


@asks(judge, "sends a mail at once, and is told of recipients that are none")
async def send_mail(desk: Desk) -> None:
    wish = Message(subject="At once", body=text("Hello"), to_recipients=to(BO))
    assert await desk.box.send_mail.post(SendMailPostRequestBody(message=wish, save_to_sent_items=False)) is None
    assert (await _newest(desk, BO, "inbox")).subject == "At once"
    assert (await _newest(desk, ANNA, "sentitems")).subject != "At once"
    wish.to_recipients = to("nonsense")
    await refused(desk.box.send_mail.post(SendMailPostRequestBody(message=wish)), 400, "ErrorInvalidRecipients")
    wish.to_recipients = []
    await refused(desk.box.send_mail.post(SendMailPostRequestBody(message=wish)), 400, "ErrorInvalidRecipients")


@asks(judge, "answers, answers all and forwards, at once and by a draft, in the same conversation")
async def answers(desk: Desk) -> None:
    mail = desk.box.messages.by_message_id(_new(desk, 103))
    first = await mail.get()
    drafts = [
        await mail.create_reply.post(CreateReplyPostRequestBody(comment="Thanks")),
        await mail.create_reply_all.post(CreateReplyAllPostRequestBody(comment="Thanks, all")),
        await mail.create_forward.post(CreateForwardPostRequestBody(comment="See", to_recipients=to(SHARED))),
    ]
    people = [sorted(p.email_address.address for p in (d.to_recipients + d.cc_recipients)) for d in drafts]
    assert people == [["li@buyer.example"], sorted(["li@buyer.example", BO]), [SHARED]]
    assert ["Thanks" in d.body.content for d in drafts] == [True, True, False]
    assert [d.subject for d in drafts] == ["RE: Offer 103 报价", "RE: Offer 103 报价", "FW: Offer 103 报价"]
    assert {d.conversation_id for d in drafts[:2]} == {first.conversation_id}
    assert await mail.reply.post(ReplyPostRequestBody(comment="Yes")) is None
    assert await mail.reply_all.post(ReplyAllPostRequestBody(comment="Yes, all")) is None
    got = await _newest(desk, BO, "inbox", select=["subject", "internetMessageHeaders"])
    heads = {each.name: each.value for each in got.internet_message_headers}
    assert (got.subject, heads.get("In-Reply-To")) == ("RE: Offer 103 报价", "<judge.103@buyer.example>")
    assert await mail.forward.post(ForwardPostRequestBody(comment="See", to_recipients=to(SHARED))) is None
    assert (await _newest(desk, SHARED, "inbox")).subject == "FW: Offer 103 报价"


@asks(judge, "is refused a new mail whose headers are not its own, or with a wrong body")
async def wrong(desk: Desk) -> None:
    mine = InternetMessageHeader(name="x-judge", value="1")
    made = await desk.box.messages.post(Message(subject="Own header", internet_message_headers=[mine]))
    seen = await get(desk.box.messages.by_message_id(made.id), select=["internetMessageHeaders"])
    assert seen.internet_message_headers is None
    theirs = InternetMessageHeader(name="Received", value="1")
    await refused(
        desk.box.messages.post(Message(internet_message_headers=[theirs])), 400, "InvalidInternetMessageHeader"
    )
    big = FileAttachment(odata_type="#microsoft.graph.fileAttachment", name="big", content_bytes=bytes(3_500_000))
    await refused(desk.box.messages.post(Message(subject="Big", attachments=[big])), 413)
    desk.act(desk.vendor.set_full, ANNA)
    await refused(desk.box.messages.post(Message(subject="No room")), 403, "ErrorQuotaExceeded")
    desk.act(desk.vendor.set_full, ANNA, full=False)


# -------------------------------------------------------------------------------------------------------------- folders


@asks(judge, "makes, renames, moves and deletes folders; doubles and the mailbox's own ones are refused")
async def folders(desk: Desk) -> None:
    top = desk.box.mail_folders
    made = await top.post(MailFolder(display_name="客户"))
    await refused(top.post(MailFolder(display_name="客户")), 409, "ErrorFolderExists")
    below = await top.by_mail_folder_id(made.id).child_folders.post(MailFolder(display_name="Asia"))
    assert below.parent_folder_id == made.id
    renamed = await top.by_mail_folder_id(below.id).patch(MailFolder(display_name="Europe"))
    assert (renamed.display_name, renamed.id) == ("Europe", below.id)
    moved = await top.by_mail_folder_id(below.id).move.post(MoveFolder(destination_id="inbox"))
    inbox = await top.by_mail_folder_id("inbox").get()
    assert moved.parent_folder_id == inbox.id
    draft = await top.by_mail_folder_id(made.id).messages.post(Message(subject="In a folder"))
    assert draft.parent_folder_id == made.id
    await refused(top.by_mail_folder_id("inbox").delete(), 403, "ErrorDeleteDistinguishedFolder")
    assert await top.by_mail_folder_id(made.id).delete() is None
    trash = await top.by_mail_folder_id("deleteditems").child_folders.get()
    assert [each.display_name for each in trash.value] == ["客户"]
    assert await top.by_mail_folder_id(made.id).permanent_delete.post() is None
    await refused(top.by_mail_folder_id(made.id).get(), 404, "ErrorItemNotFound")
    assert await top.by_mail_folder_id(below.id).delete() is None
    rules = await top.by_mail_folder_id("inbox").message_rules.get()
    assert rules.value == []


# -------------------------------------------------------------------------------------------------------- subscriptions


@asks(judge, "subscribes to a folder, renews, reads and ends it; too long, not HTTPS and nobody's is refused")
async def subscriptions(desk: Desk) -> None:
    def wish(days: float = 2, **more: Any) -> Subscription:
        return Subscription(
            **{
                "change_type": "created,updated",
                "notification_url": "https://hooks.ours.example/mail",
                "resource": f"/users/{ANNA}/mailFolders('inbox')/messages",
                "expiration_date_time": _in(days),
                "client_state": "secret",
            }
            | more
        )

    made = await desk.graph.subscriptions.post(wish())
    assert (made.client_state, made.application_id) == ("secret", desk.app().client_id)
    own = desk.graph.subscriptions.by_subscription_id(made.id)
    later = await own.patch(Subscription(expiration_date_time=_in(3)))
    assert later.expiration_date_time > made.expiration_date_time
    assert (await own.get()).resource == made.resource
    assert [each.id for each in (await desk.graph.subscriptions.get()).value] == [made.id]
    assert await own.reauthorize.post() is None
    await refused(desk.graph.subscriptions.post(wish(8)), 400, "InvalidRequest")
    await refused(desk.graph.subscriptions.post(wish(notification_url="http://x.example")), 400)
    await refused(desk.graph.subscriptions.post(wish(resource=f"/users/{NOBOX}/messages")), 404)
    assert await own.delete() is None
    await refused(own.get(), 404, "ResourceNotFound")


def _in(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)  # noqa: TID251 - a client's own clock
