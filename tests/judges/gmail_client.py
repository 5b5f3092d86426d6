"""google-api-python-client, with google-auth and httplib2 as it comes, judges the simulated Gmail."""

from __future__ import annotations

import io
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from importlib.resources import files
from typing import Any

import google_auth_httplib2
import httplib2
from google.auth.exceptions import RefreshError
from google.oauth2 import credentials, service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import BatchError, HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseUpload

from tests.judges.ground import Ground
from tests.judges.judge import Bench, Judge
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import Vendor, World

ANNA, BO = "anna@ours.example", "bo@ours.example"
MAILS = 24
_ROOT = "https://www.googleapis.com/auth/"
READ = f"{_ROOT}gmail.readonly"
ALL = ("https://mail.google.com/", f"{_ROOT}gmail.settings.basic", f"{_ROOT}gmail.settings.sharing")
METADATA = f"{_ROOT}gmail.metadata"


def make_mail(subject: str, *, text: str = "Dear all", attach: bytes = b"", number: int = 0, to: str = ANNA) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "李娜 <li@buyer.example>", to, subject
    mail["Date"] = format_datetime(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number))
    mail["Message-ID"] = f"<judge.{number}@buyer.example>"
    mail.set_content(text)
    if attach:
        mail.add_attachment(attach, maintype="application", subtype="pdf", filename="报价.pdf")
    return mail.as_bytes()


@dataclass(slots=True)
class Desk:
    """A signed-in client. `gmail` is Anna's, with every scope."""

    place: Ground
    vendor: GmailVendor
    gmail: Any
    closing: list[Any] = field(default_factory=list)

    def client(self, scopes: Sequence[str], user: str = ANNA) -> Any:
        found, http = _client(self.place, scopes, user)
        self.closing.append(http)
        return found

    def ids(self, **query: Any) -> list[str]:
        """Ids of a listing, paged to the end by the client's own `list_next`."""
        messages, found = self.gmail.users().messages(), []
        request = messages.list(userId="me", **query)
        while request is not None:
            page = request.execute()
            found += [each["id"] for each in page.get("messages", ())]
            request = messages.list_next(request, page)
        return found


def _client(place: Ground, scopes: Sequence[str], user: str) -> tuple[Any, Any]:
    key = place.served.credentials["gmail"]["service_account"]
    signer = service_account.Credentials.from_service_account_info(key, scopes=list(scopes), subject=user)
    return _built(place, signer)


def _built(place: Ground, signer: Any) -> tuple[Any, Any]:
    text = files("googleapiclient").joinpath("discovery_cache/documents/gmail.v1.json").read_text("utf-8")
    root = place.served.urls["gmail"] + "/"
    plain = httplib2.Http(timeout=30, ca_certs=place.ca)
    plain.redirect_codes = plain.redirect_codes - {308}  # as googleapiclient.http.build_http does, for uploads
    http = google_auth_httplib2.AuthorizedHttp(signer, http=plain)
    return build_from_document(json.loads(text) | {"rootUrl": root, "baseUrl": root}, http=http), http


@contextmanager
def _open(place: Ground, vendor: GmailVendor) -> Iterator[Desk]:
    gmail, http = _client(place, ALL, ANNA)
    desk = Desk(place, vendor, gmail, [http])
    try:
        yield desk
    finally:
        for each in desk.closing:
            each.close()


def _make(world: World) -> tuple[Sequence[Vendor], GmailVendor]:
    vendor = GmailVendor(world)
    vendor.set_quota(user_per_minute=60_000)
    vendor.add_mailbox(ANNA, aliases=["sales@ours.example"], display_name="Anna 王", labels=["Buyers"])
    vendor.add_mailbox(BO)
    vendor.key_file("", scopes=(*ALL, READ, METADATA))
    for number in range(MAILS):
        attach = b"%PDF-1.7 " * 50 if number == 3 else b""
        vendor.deliver(ANNA, make_mail(f"Offer {number} 报价", number=number, attach=attach), at=_at(number))
    return [vendor], vendor


def _at(number: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number)


judge = Judge("google-api-python-client", _open)
BENCH = Bench("gmail", _make, (judge,))


def refused(request: Any, status: int, reason: str = "") -> HttpError:
    """The error as the client surfaces it."""
    error: HttpError | None = None
    try:
        request.execute()
    except HttpError as raised:
        error = raised
    assert error is not None, f"not refused with {status}"
    assert error.status_code == status, (error.status_code, error.reason)
    details = error.error_details if isinstance(error.error_details, list) else []
    assert not reason or reason in [each.get("reason") for each in details], error.error_details
    return error


# ------------------------------------------------------------------------------------------------------------- reading


@judge("signs in as a service account for a mailbox; the assertion's audience is Google's own")
def profile(desk: Desk) -> None:
    found = desk.gmail.users().getProfile(userId="me").execute()
    assert found["emailAddress"] == ANNA
    assert found["messagesTotal"] == MAILS
    assert int(found["historyId"]) > 0


@judge("lists a mailbox page by page to its end")
def paging(desk: Desk) -> None:
    whole = desk.ids()
    assert len(whole) == len(set(whole)) == MAILS
    assert desk.ids(maxResults=7) == whole


@judge("searches by Message-ID, by time, by label and by words, and is given nothing for what is not there")
def searching(desk: Desk) -> None:
    assert len(desk.ids(q="rfc822msgid:judge.5@buyer.example")) == 1
    assert len(desk.ids(q="rfc822msgid:<judge.5@buyer.example>")) == 1
    assert len(desk.ids(q=f"after:{int(_at(20).timestamp()) - 1}")) == MAILS - 20
    assert len(desk.ids(q=f"before:{int(_at(4).timestamp())}")) == 4
    assert len(desk.ids(q="subject:报价 has:attachment")) == 1
    assert desk.ids(q="in:sent") == []
    assert desk.ids(labelIds=["INBOX", "UNREAD"], q="-in:chats") == desk.ids()


@judge("reads a mail as raw, full, minimal and metadata with chosen headers")
def formats(desk: Desk) -> None:
    messages = desk.gmail.users().messages()
    (one,) = desk.ids(q="rfc822msgid:judge.3@buyer.example")
    raw = messages.get(userId="me", id=one, format="raw").execute()
    assert b"judge.3@buyer.example" in urlsafe_b64decode(raw["raw"])
    full = messages.get(userId="me", id=one).execute()
    assert [part["mimeType"] for part in full["payload"]["parts"]] == ["text/plain", "application/pdf"]
    assert full["payload"]["parts"][1]["filename"] == "报价.pdf"
    assert int(full["internalDate"]) == int(_at(3).timestamp()) * 1000
    assert "payload" not in messages.get(userId="me", id=one, format="minimal").execute()
    lean = messages.get(userId="me", id=one, format="metadata", metadataHeaders=["subject", "Message-ID"]).execute()
    assert sorted(header["name"] for header in lean["payload"]["headers"]) == ["Message-ID", "Subject"]
    assert desk.gmail.users().messages().get(userId=ANNA, id=one, format="minimal").execute()["id"] == one


@judge("downloads an attachment by the id the mail names")
def attachments(desk: Desk) -> None:
    messages = desk.gmail.users().messages()
    (one,) = desk.ids(q="has:attachment")
    part = messages.get(userId="me", id=one).execute()["payload"]["parts"][1]
    found = messages.attachments().get(userId="me", messageId=one, id=part["body"]["attachmentId"]).execute()
    assert urlsafe_b64decode(found["data"]) == b"%PDF-1.7 " * 50
    assert found["size"] == part["body"]["size"]
    refused(messages.attachments().get(userId="me", messageId=one, id="nonsense"), 400)


@judge("asks for parts of an answer by field masks, and is told of names that do not exist")
def masks(desk: Desk) -> None:
    messages = desk.gmail.users().messages()
    page = messages.list(userId="me", maxResults=2, fields="messages(id),nextPageToken").execute()
    assert [list(each) for each in page["messages"]] == [["id"], ["id"]]
    assert set(page) == {"messages", "nextPageToken"}
    head = messages.get(userId="me", id=page["messages"][0]["id"], fields="payload/headers(name),labelIds").execute()
    assert set(head) == {"payload", "labelIds"}
    refused(messages.list(userId="me", fields="messages(nonsense)"), 400)


@judge("reads many mails in one batch at the root, where single parts fail by themselves")
def batch(desk: Desk) -> None:
    messages, told = desk.gmail.users().messages(), {}
    ids = [*desk.ids()[:15], "0000000000000000"]
    whole = desk.gmail.new_batch_http_request(callback=lambda name, answer, error: told.update({name: answer or error}))
    for each in ids:
        whole.add(messages.get(userId="me", id=each, format="metadata", metadataHeaders=["Subject"]), request_id=each)
    whole.execute()
    assert [told[each]["id"] for each in ids[:15]] == ids[:15]
    assert isinstance(told[ids[15]], HttpError)
    assert told[ids[15]].status_code == 404


@judge("is refused a batch of more than 100 parts as a whole")
def big_batch(desk: Desk) -> None:
    whole = desk.gmail.new_batch_http_request(callback=lambda *_: None)
    for _ in range(101):
        whole.add(desk.gmail.users().getProfile(userId="me"))
    try:
        whole.execute()
    except (HttpError, BatchError) as error:
        assert "100" in str(error), error  # noqa: PT017 - either class will do
    else:
        raise AssertionError("101 parts were taken")


@judge("sees parts of a crowded batch refused with 429 and the others answered")
def crowded(desk: Desk) -> None:
    told: list[Any] = []
    whole = desk.gmail.new_batch_http_request(callback=lambda _, answer, error: told.append(error or answer))
    for each in (desk.ids() * 3)[:60]:
        whole.add(desk.gmail.users().messages().get(userId="me", id=each, format="minimal"))
    whole.execute()
    errors = [each for each in told if isinstance(each, HttpError)]
    assert {error.status_code for error in errors} == {429}
    assert 0 < len(errors) < 60


# --------------------------------------------------------------------------------------------------------- following


@judge("follows changes page by page: arrivals, labels, trash, deletions")
def history(desk: Desk) -> None:
    start = desk.gmail.users().getProfile(userId="me").execute()["historyId"]
    new = [desk.place.act(desk.vendor.deliver, ANNA, make_mail(f"New {n}", number=100 + n)) for n in range(5)]
    desk.place.act(desk.vendor.trash, ANNA, new[0])
    desk.place.act(desk.vendor.delete, ANNA, new[1])
    records, request = [], desk.gmail.users().history().list(userId="me", startHistoryId=start, maxResults=2)
    while request is not None:
        page = request.execute()
        records += page.get("history", [])
        request = desk.gmail.users().history().list_next(request, page)
    told = {kind: [e["message"]["id"] for r in records for e in r.get(kind, ())] for kind in _KINDS}
    assert told["messagesAdded"] == new
    assert told["messagesDeleted"] == [new[1]]
    assert new[0] in told["labelsAdded"]
    assert told["labelsRemoved"] == [new[0]]
    assert int(page["historyId"]) > int(start)
    only = desk.gmail.users().history().list(userId="me", startHistoryId=start, historyTypes="messageDeleted").execute()
    assert [list(r) for r in only["history"]] == [["id", "messages", "messagesDeleted"]]


_KINDS = ("messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved")


@judge("is told 404 when history is too old, and 400 when the start is missing")
def old_history(desk: Desk) -> None:
    start = desk.gmail.users().getProfile(userId="me").execute()["historyId"]
    desk.place.act(desk.vendor.expire_history, ANNA)
    refused(desk.gmail.users().history().list(userId="me", startHistoryId=start), 404, "notFound")


@judge("renews a watch and stops it; a wrong topic is refused")
def watching(desk: Desk) -> None:
    users = desk.gmail.users()
    found = users.watch(userId="me", body={"topicName": "projects/p/topics/t", "labelIds": ["INBOX"]}).execute()
    assert int(found["expiration"]) > 0
    refused(users.watch(userId="me", body={"topicName": "t"}), 400)
    assert users.stop(userId="me").execute() == ""


# ------------------------------------------------------------------------------------------------------------- writing


@judge("makes, changes, renames and deletes a label; doubles and system labels are refused")
def labels(desk: Desk) -> None:
    labels = desk.gmail.users().labels()
    made = labels.create(userId="me", body={"name": "客户/亚洲", "labelListVisibility": "labelHide"}).execute()
    assert made["type"] == "user"
    assert made["labelListVisibility"] == "labelHide"
    refused(labels.create(userId="me", body={"name": "客户/亚洲"}), 409)
    color = {"textColor": "#ffffff", "backgroundColor": "#4a86e8"}
    assert labels.patch(userId="me", id=made["id"], body={"color": color}).execute()["color"] == color
    renamed = labels.update(userId="me", id=made["id"], body={"id": made["id"], "name": "客户/欧洲"}).execute()
    assert (renamed["id"], renamed["name"]) == (made["id"], "客户/欧洲")
    assert labels.get(userId="me", id=made["id"]).execute()["messagesTotal"] == 0
    names = [label["name"] for label in labels.list(userId="me").execute()["labels"]]
    assert {"INBOX", "Buyers", "客户/欧洲"} <= set(names)
    refused(labels.delete(userId="me", id="INBOX"), 400)
    assert labels.delete(userId="me", id=made["id"]).execute() == ""
    refused(labels.get(userId="me", id=made["id"]), 404)
    refused(labels.patch(userId="me", id=made["id"], body={"name": "x"}), 404)


@judge("labels mails one by one and many at a time, moves them to the trash and back")
def modify(desk: Desk) -> None:
    messages, (one, two, *_) = desk.gmail.users().messages(), desk.ids()
    found = messages.modify(userId="me", id=one, body={"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]})
    assert "STARRED" in found.execute()["labelIds"]
    body = {"ids": [one, two], "addLabelIds": ["IMPORTANT"]}
    assert messages.batchModify(userId="me", body=body).execute() == ""
    assert len(desk.ids(labelIds=["IMPORTANT"])) == 2
    assert "TRASH" in messages.trash(userId="me", id=two).execute()["labelIds"]
    assert two not in desk.ids()
    assert two in desk.ids(includeSpamTrash=True)
    assert "TRASH" not in messages.untrash(userId="me", id=two).execute()["labelIds"]
    refused(messages.modify(userId="me", id=one, body={"addLabelIds": ["Label_99999"]}), 400)
    refused(messages.modify(userId="me", id="0000000000000000", body={"addLabelIds": ["STARRED"]}), 404)


@judge("inserts and imports mails, as JSON and as uploads in one piece")
def inserts(desk: Desk) -> None:
    messages = desk.gmail.users().messages()
    raw = urlsafe_b64encode(make_mail("Inserted", number=201)).decode()
    made = messages.insert(userId="me", body={"raw": raw, "labelIds": ["INBOX"]}, internalDateSource="dateHeader")
    found = messages.get(userId="me", id=made.execute()["id"], format="minimal").execute()
    assert int(found["internalDate"]) == int(_at(201).timestamp() * 1000)
    media = MediaInMemoryUpload(make_mail("Uploaded", number=202), mimetype="message/rfc822")
    made = messages.insert(userId="me", body={"labelIds": ["INBOX"]}, media_body=media).execute()
    assert made["labelIds"] == ["INBOX"]
    media = MediaInMemoryUpload(make_mail("Imported", number=203), mimetype="message/rfc822")
    messages.import_(userId="me", media_body=media, neverMarkSpam=True).execute()
    assert len(desk.ids(q="rfc822msgid:judge.203@buyer.example", includeSpamTrash=True)) == 1
    refused(messages.insert(userId="me", body={"labelIds": ["INBOX"]}), 400)


@judge("uploads a big mail in resumable pieces, and is told where it stands")
def resumable(desk: Desk) -> None:
    big = make_mail("Big", number=204, attach=bytes(range(256)) * 3000)
    media = MediaIoBaseUpload(io.BytesIO(big), "message/rfc822", chunksize=256 * 1024, resumable=True)
    request = desk.gmail.users().messages().insert(userId="me", body={"labelIds": ["INBOX"]}, media_body=media)
    pieces, answer = 0, None
    while answer is None:
        status, answer = request.next_chunk()
        pieces += status is not None
    assert pieces >= 3
    got = desk.gmail.users().messages().get(userId="me", id=answer["id"], format="raw").execute()
    assert urlsafe_b64decode(got["raw"]) == big


@judge("sends a mail that a colleague receives, also in a thread")
def sends(desk: Desk) -> None:
    raw = urlsafe_b64encode(make_mail("To a colleague", number=205, to=BO)).decode()
    sent = desk.gmail.users().messages().send(userId="me", body={"raw": raw}).execute()
    assert sent["labelIds"] == ["SENT"]
    bo = desk.client([READ], BO)
    assert bo.users().messages().list(userId="me", q="subject:colleague").execute()["resultSizeEstimate"] == 1
    refused(desk.gmail.users().messages().send(userId="me", body={"raw": raw, "threadId": "ffffffffffffffff"}), 404)


@judge("writes, changes, lists, reads, sends and deletes drafts")
def drafts(desk: Desk) -> None:
    drafts = desk.gmail.users().drafts()
    body = {"message": {"raw": urlsafe_b64encode(make_mail("Draft", number=206, to=BO)).decode()}}
    made = drafts.create(userId="me", body=body).execute()
    body["message"]["raw"] = urlsafe_b64encode(make_mail("Draft two", number=207, to=BO)).decode()
    changed = drafts.update(userId="me", id=made["id"], body=body).execute()
    assert changed["id"] == made["id"]
    assert changed["message"]["id"] != made["message"]["id"]
    assert [each["id"] for each in drafts.list(userId="me").execute()["drafts"]] == [made["id"]]
    assert drafts.get(userId="me", id=made["id"], format="metadata").execute()["message"]["labelIds"] == ["DRAFT"]
    sent = drafts.send(userId="me", body={"id": made["id"]}).execute()
    assert "SENT" in sent["labelIds"]
    refused(drafts.get(userId="me", id=made["id"]), 404)
    other = drafts.create(userId="me", body=body).execute()
    assert drafts.delete(userId="me", id=other["id"]).execute() == ""


@judge("lists, reads, labels and trashes threads")
def threads(desk: Desk) -> None:
    threads = desk.gmail.users().threads()
    request, found = threads.list(userId="me", maxResults=10), []
    while request is not None:
        page = request.execute()
        found += [each["id"] for each in page["threads"]]
        request = threads.list_next(request, page)
    assert len(found) == len(set(found)) > MAILS
    one = threads.get(userId="me", id=found[0], format="minimal").execute()
    assert one["messages"][0]["threadId"] == found[0]
    assert threads.modify(userId="me", id=found[0], body={"addLabelIds": ["STARRED"]}).execute()["id"] == found[0]
    threads.trash(userId="me", id=found[0]).execute()
    threads.untrash(userId="me", id=found[0]).execute()
    assert threads.delete(userId="me", id=found[0]).execute() == ""
    refused(threads.get(userId="me", id=found[0]), 404, "notFound")


@judge("deletes mails for good, one by one and many at a time")
def deletes(desk: Desk) -> None:
    messages, (one, two, three, *_) = desk.gmail.users().messages(), desk.ids()
    assert messages.delete(userId="me", id=one).execute() == ""
    refused(messages.get(userId="me", id=one), 404, "notFound")
    refused(messages.delete(userId="me", id=one), 404)
    assert messages.batchDelete(userId="me", body={"ids": [two, three]}).execute() == ""
    assert not {one, two, three} & set(desk.ids())


@judge("reads and changes settings: send-as addresses, vacation, filters, delegates, forwarding, IMAP, POP, language")
def settings(desk: Desk) -> None:
    settings = desk.gmail.users().settings()
    aliases = settings.sendAs().list(userId="me").execute()["sendAs"]
    assert [each["sendAsEmail"] for each in aliases] == [ANNA, "sales@ours.example"]
    assert aliases[0]["isPrimary"]
    patched = settings.sendAs().patch(userId="me", sendAsEmail=ANNA, body={"signature": "<b>Anna</b>"}).execute()
    assert patched["signature"] == "<b>Anna</b>"
    assert settings.sendAs().get(userId="me", sendAsEmail=ANNA).execute() == patched
    refused(settings.sendAs().get(userId="me", sendAsEmail="x@y.example"), 404)
    away = {"enableAutoReply": True, "responseSubject": "假期"}
    assert settings.updateVacation(userId="me", body=away).execute() == away
    assert settings.getVacation(userId="me").execute() == away
    made = settings.filters().create(
        userId="me", body={"criteria": {"from": "li@buyer.example"}, "action": {"addLabelIds": ["STARRED"]}}
    )
    made = made.execute()
    assert settings.filters().list(userId="me").execute()["filter"] == [made]
    assert settings.filters().delete(userId="me", id=made["id"]).execute() == ""
    assert settings.getImap(userId="me").execute()["enabled"] is True
    assert settings.getPop(userId="me").execute()["accessWindow"] == "disabled"
    assert settings.getLanguage(userId="me").execute() == {"displayLanguage": "en"}
    assert settings.getAutoForwarding(userId="me").execute() == {"enabled": False}
    settings.delegates().create(userId="me", body={"delegateEmail": BO}).execute()
    assert settings.delegates().list(userId="me").execute()["delegates"][0]["verificationStatus"] == "accepted"
    there = settings.forwardingAddresses().create(userId="me", body={"forwardingEmail": "x@else.example"}).execute()
    assert there["verificationStatus"] == "pending"


# ------------------------------------------------------------------------------------------------------------ refusals


@judge("is refused the colleague's mailbox, and a scope the administrator did not grant")
def rights(desk: Desk) -> None:
    refused(desk.gmail.users().getProfile(userId=BO), 403)
    try:
        desk.client([f"{_ROOT}gmail.compose"]).users().getProfile(userId="me").execute()
    except RefreshError as error:
        assert "unauthorized_client" in str(error)  # noqa: PT017 - the client's own class
        assert error.retryable is False  # noqa: PT017
    else:
        raise AssertionError("a scope that is not delegated was granted")


@judge("learns that the metadata scope allows neither searches nor raw mail, and no writing")
def metadata_scope(desk: Desk) -> None:
    lean = desk.client([METADATA]).users().messages()
    one = lean.list(userId="me", maxResults=1).execute()["messages"][0]["id"]
    refused(lean.list(userId="me", q="subject:x"), 403)
    refused(lean.get(userId="me", id=one, format="raw"), 403)
    refused(lean.trash(userId="me", id=one), 403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


@judge("refreshes a dead token by itself, and reports one that cannot be refreshed")
def tokens(desk: Desk) -> None:
    desk.place.act(desk.vendor.expire_tokens)
    assert desk.gmail.users().getProfile(userId="me").execute()["emailAddress"] == ANNA
    dead, http = _built(desk.place, credentials.Credentials(token="ya29.dead"))
    desk.closing.append(http)
    try:
        dead.users().getProfile(userId="me").execute()
    except (RefreshError, HttpError) as error:
        assert isinstance(error, RefreshError) or error.status_code == 401  # noqa: PT017
    else:
        raise AssertionError("a dead token was taken")


@judge("retries what Google asks to be retried: 403 of a rate limit, 429 and 503")
def retries(desk: Desk) -> None:
    for status, code in ((403, "userRateLimitExceeded"), (429, ""), (503, "")):
        desk.place.fault("gmail", "gmail.users.getProfile", status, code)
        request = desk.gmail.users().getProfile(userId="me")
        request._sleep = lambda _: None  # the client's own waits
        assert request.execute(num_retries=2)["emailAddress"] == ANNA


@judge("meets the minute's quota as 403 rateLimitExceeded, and a closed mailbox as failedPrecondition")
def quota(desk: Desk) -> None:
    desk.place.act(desk.vendor.set_quota, user_per_minute=1)
    refused(desk.gmail.users().messages().list(userId="me"), 403, "rateLimitExceeded")
    desk.place.act(desk.vendor.set_quota, user_per_minute=60_000)
    desk.place.act(desk.vendor.set_mail_service, ANNA, on=False)
    refused(desk.gmail.users().messages().list(userId="me"), 400, "failedPrecondition")
    desk.place.act(desk.vendor.set_mail_service, ANNA, on=True)


@judge("is told of page tokens, parameters and ids that are wrong")
def wrong(desk: Desk) -> None:
    refused(desk.gmail.users().messages().list(userId="me", pageToken="nonsense"), 400)
    refused(desk.gmail.users().messages().list(userId="me", labelIds=["NOPE"]), 400)
    refused(desk.gmail.users().messages().get(userId="me", id="nonsense"), 404)
    refused(desk.gmail.users().settings().cse().keypairs().list(userId="me"), 501)
