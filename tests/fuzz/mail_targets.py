"""The parsers that touch mail, each as one function of bytes. Seeds are the smallest inputs that open its branches."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime

from connectors.base.errors import ConnectorError
from connectors.base.model import Address, MailMessage, Place, Unreadable
from connectors.mail import gmail_parse, graph_parse, mime
from connectors.mail import headers as hdr
from connectors.mail.charsets import decode
from connectors.mail.graph_folders_map import Folders, folders
from connectors.mail.graph_map import Reading, at_hand, plain_text, read_item, read_mime
from mappings.model import Own
from mappings.reading import load_words, read
from mappings.reading.bounce import bounce, looks_like_bounce
from mappings.reading.html import sanitised, to_text, without_quotes
from mappings.reading.newtext import new_text, new_text_of_html, without_signature
from tests.fuzz.sound import Broken, bounded, storable

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WORDS = load_words()
OURS = Own(frozenset({"alice@ours.com"}), frozenset({"ours.com"}))
ROOT = "https://graph.microsoft.com"


def parsed(data: bytes) -> MailMessage | Unreadable:
    return mime.parse(data, id="1", thread_id="1", received_at=AT, place=Place.INBOX)


def mime_(data: bytes) -> None:
    message = parsed(data)
    if isinstance(message, Unreadable):
        return
    bounded(message)
    if parsed(data) != message:
        raise Broken("two readings differ")
    for attachment in message.attachments[:5]:
        found = mime.content(data, attachment.ref)
        if found is None or len(found) != attachment.size:
            raise Broken("an attachment is not found again")


def headers(data: bytes) -> None:
    for _, raw in hdr.split(data)[:50]:
        value = hdr.unfold(raw)
        people = hdr.addresses(value)
        storable([hdr.text(value), *hdr.message_ids(value), *(a.email for a in people), *(a.name for a in people)])
        kind, parameters = hdr.parameters(value)
        storable([kind, *parameters, *parameters.values()])
        moment = hdr.date(value)
        if moment is not None:
            format_datetime(moment)


def charsets(data: bytes) -> None:
    """The first line names the charset."""
    label, _, body = data.partition(b"\n")
    declared, _, hint = label.decode("latin-1").partition(" ")
    storable([decode(body, declared, hint)[0]])


def html(data: bytes) -> None:
    text = decode(data, "utf-8")[0]
    clean = sanitised(text)
    storable([to_text(text), without_quotes(text)])
    lowered = clean.lower()
    if any(tag in lowered for tag in ("<script", "<iframe", "<img", "<style", "<form", "<svg")):
        raise Broken("something that loads or runs")


def newtext(data: bytes) -> None:
    text = decode(data, "utf-8")[0]
    found = new_text(text)
    without_signature(found)
    new_text_of_html(text)
    if len(found) > len(text) + 100:
        raise Broken("more text than there was")


def dsn(data: bytes) -> None:
    """The bytes follow the head of a bounce."""
    head = b"From: MAILER-DAEMON@x.example\nTo: alice@ours.com\nSubject: failure notice\n"
    message = parsed(head + data)
    if isinstance(message, MailMessage):
        looks_like_bounce(message, WORDS)
        found = bounce(message, WORDS)
        storable(found.addresses if found else ())


def reading(data: bytes) -> None:
    message = parsed(data)
    if isinstance(message, MailMessage):
        found = read(message, mailbox="alice@ours.com", own=OURS, words=WORDS)
        storable([found.text, found.new_text, found.facts.subject])


def gmail(data: bytes) -> None:
    gmail_parse.complaint_of(data)
    for status in (400, 401, 403, 404, 429, 500):
        gmail_parse.part_error(status, data, now=AT, scopes=("s",))
    body = graph_parse.body_of(data)
    for model in (gmail_parse.MessageList, gmail_parse.LabelList, gmail_parse.SendAsList, gmail_parse.Profile):
        try:
            gmail_parse.checked(model, body, "x")
        except ConnectorError as error:
            discreet(error, data)
    try:
        history = gmail_parse.checked(gmail_parse.HistoryReply, body, "history.list")
        gmail_parse.events_of(history.history, gmail_parse.Scope.of(include_junk=False))
        gmail_parse.Position.parse(str(gmail_parse.Position("1").after(history)))
    except ConnectorError as error:
        discreet(error, data)
    asked = str(body.get("id")) if isinstance(body, dict) else ""
    message = gmail_parse.message_of(body, asked)
    if message is not None:
        received = gmail_parse.received_at(message.internalDate) or AT
        read_ = gmail_parse.read_raw(message.raw, message.id, message.threadId, received, Place.INBOX, ())
        if isinstance(read_, MailMessage):
            bounded(read_)


def graph(data: bytes) -> None:
    body = graph_parse.body_of(data)
    for operation in ("messages.delta", "users.get", "messages.list"):
        for status in (400, 401, 403, 404, 410, 429, 501):
            graph_parse.classify(operation, status, body)
        try:
            page = graph_parse.page_of(body, ROOT, operation)
            if any(link and not link.startswith("/") for link in (page.next, page.delta)):
                raise Broken("a link away from the host")
            for item in page.items:
                _graph_item(dict(item))
            folders(graph_parse.folders_of(page, operation), {})
        except ConnectorError as error:
            discreet(error, data)
    try:
        graph_parse.parts_of(data, ("1", "2"))
        graph_parse.own_addresses(graph_parse.checked(graph_parse.User, body, "users.get"))
    except ConnectorError as error:
        discreet(error, data)
    if isinstance(body, dict):
        _graph_item(body)


def _graph_item(item: dict[str, object]) -> None:
    read_ = read_item(item, Reading(Folders(), ("private",)), "f")
    at_hand(item, Reading(Folders()), "f")
    if isinstance(read_.fate, MailMessage):
        bounded(read_.fate)


def graph_mime(data: bytes) -> None:
    """The MIME form of a mail whose JSON form Graph gave first, and Graph's HTML."""
    shown = MailMessage(id="1", thread_id="1", received_at=AT, place=Place.INBOX, from_=(Address("a@b.example"),))
    bounded(read_mime(data, shown))
    storable([plain_text(decode(data, "utf-8")[0])])


def discreet(error: ConnectorError, data: bytes) -> None:
    """An error's text holds nothing that came in but the vendor's code: no run of 24 characters of the answer."""
    told, given = str(error).replace(error.code or "\0", ""), data.decode("utf-8", "replace")
    if any(told[at : at + 24] in given for at in range(max(0, len(told) - 24))):
        raise Broken("an error quotes the answer")


TARGETS = {
    "mime": mime_,
    "headers": headers,
    "charsets": charsets,
    "html": html,
    "newtext": newtext,
    "dsn": dsn,
    "reading": reading,
    "gmail_parse": gmail,
    "graph_parse": graph,
    "graph_mime": graph_mime,
}
JSON = ("gmail_parse", "graph_parse")
SEEDS: dict[str, list[bytes]] = {
    "mime": [
        b"From: a@b.c\nSubject: =?utf-8?B?5oql5Lu3?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: application/pdf; name*=utf-8''a%20b\nContent-Transfer-Encoding: base64\n\nQUJD\n--b--\n",
        b"From: a@b.c\nContent-Type: message/rfc822\n\nSubject: x\nContent-Type: text/html; charset=gb2312\n\n<p>\xb1\xa8\xbc\xdb",
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nA: b\n\nFinal-Recipient: rfc822; q@w.e\nStatus: 5.1.1\n--x--",
        b"From x\nContent-Transfer-Encoding: quoted-printable\n\n=E4=B8=AD=\n\x00",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: uuencode\n\nbegin 644 a\n#86)C\n`\nend\n",
    ],
    "headers": [
        b"To: \"A, B\" <a@b.c>, (x) c@d.e, g: h@i.j;\nDate: Mon, 2 Mar 2026 08:00:00 +0800\nContent-Type: a/b; n*0*=utf-8''%e4; n*1=x\nReferences: <a@b> <c@d>\n",
        b"Subject: =?gb2312?Q?=B1=A8?= =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= x\nDate: 2026-03-02T08:00:00Z\n",
        b"From: =?utf-8?q?a=40b=2Ec?= <x@\xe4\xbe\x8b.com>\n",
    ],
    "charsets": [
        b"gb2312\n\xb1\xa8\xbc\xdb",
        b"iso-2022-jp utf-8\n\x1b$BF|\x1b(B",
        b"utf-16\n\xff\xfea\x00",
        b"utf-7\n+AOQ-",
        b"hz big5\n~{<:~}",
        b"\n\xc3\xa4\xff\xb1\xa8",
        b"euc-kr\n\xb0\xa1",
    ],
    "html": [
        b"<html><head><title>x</title></head><body><p style='display:none'>h</p><table><tr><td>a<td>b</table><blockquote type=cite>q</blockquote></body>",
        b'<div id="appendonsend"></div><hr><div class="gmail_quote">On x wrote<blockquote>y</blockquote></div><script>1</script>',
        b"<a href='javascript:1'>x</a><svg><p><style><img src=x onerror=1></style></svg><pre>\n a</pre>",
        b'<html id="appendonsend"><p>the root calls itself a tail</p></html>',
        b'<div id="appendonsend"><ol>no root but this</ol><hp>ti',
    ],
    "newtext": [
        b"a'\x0c<div>On x\x1awrote:<blockquote>y</blockquote></div>",  # lxml takes such characters, and gives them back to nobody
        b"Hi\n\nOn Mon, 2 Mar 2026, Joe <j@x> wrote:\n> quoted\n>> more\n-- \nsig\n",
        "好的\n\n发件人: 王\n发送时间: 2026\n收件人: 李\n主题: 报价\n\n旧".encode(),
        b"x\n-----Original Message-----\nFrom: a\nSent: b\nTo: c\nSubject: d\n\nold",
        b"________________\nFrom: a\n\n<div>On x wrote:<blockquote>y</blockquote></div>",
    ],
    "dsn": [
        b"Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\nFinal-Recipient: rfc822; q@w.e\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n--x--",
        b"\nHi. This is the qmail-send program.\n<a@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy\n",
        b"X-Failed-Recipients: a@b.example\n\nUser unknown\n",
    ],
    "gmail_parse": [
        b'{"id":"1","threadId":"2","labelIds":["INBOX"],"internalDate":"1700000000000","raw":"RnJvbTogYUBiLmMKCmhp"}',
        b'{"history":[{"messagesAdded":[{"message":{"id":"a","labelIds":["SENT"]}}],"labelsRemoved":[{"message":{"id":"b"},"labelIds":["TRASH"]}],"messagesDeleted":[{"message":{"id":"c"}}]}],"historyId":"9","nextPageToken":"t"}',
        b'{"error":{"code":403,"message":"Quota exceeded per minute","errors":[{"reason":"rateLimitExceeded"}],"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}',
    ],
    "graph_parse": [
        b'{"value":[{"id":"1","parentFolderId":"f","subject":"s","receivedDateTime":"2026-03-02T08:00:00Z","from":{"emailAddress":{"name":"n","address":"a@b.c"}},"toRecipients":[{"emailAddress":{"address":"d@e.f"}}],"internetMessageHeaders":[{"name":"References","value":"<a@b>"}],"body":{"contentType":"html","content":"<p>x</p>"},"hasAttachments":true,"attachments":[{"id":"q","name":"a.pdf","size":3,"contentType":"x/y"}],"singleValueExtendedProperties":[{"id":"Integer 0x36","value":"2"}],"categories":["c"],"isDraft":false}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/x?$skip=1"}',
        b'{"responses":[{"id":"1","status":200,"headers":{"Retry-After":"3"},"body":{"id":"2"}}]}',
        b'{"error":{"code":"resyncRequired","innerError":{"code":"syncStateNotFound"}}}',
        b'{"value":[{"id":"i","displayName":"Inbox","parentFolderId":"r","@removed":{"reason":"x"}}],"@odata.deltaLink":"https://graph.microsoft.com/d?t=1"}',
        b'{"value":[],"@odata.nextLink":"https://graph.microsoft.com?v1.0/x?$skip=1"}',
        json.dumps({"id": "u", "mail": "a@b.c", "proxyAddresses": ["SMTP:a@b.c", "smtp:x@y.z"]}).encode(),
    ],
}
SEEDS["reading"] = SEEDS["mime"] + [
    b"From: c@d.e\nTo: alice@ours.com\nSubject: Re: order\n\n" + s for s in SEEDS["newtext"]
]
SEEDS["graph_mime"] = SEEDS["mime"][:2] + SEEDS["html"][:1]
