"""Graph's JSON as our values: folders and mails. No network."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base.model import Address, MailMessage, Place, Unreadable
from connectors.mail import graph_folders_map as fm
from connectors.mail import graph_map as gm
from connectors.mail import graph_parse as gp
from connectors.mail import mime
from mappings.reading.identity import identity

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = "https://graph.microsoft.com"

# -------------------------------------------------------------------------------------------------------------- folders


def raw(id_: str, name: str, parent: str = "root", children: int = 0, **more: Any) -> gp.RawFolder:
    shown = {"id": id_, "displayName": name, "parentFolderId": parent, "childFolderCount": children}
    return gp.RawFolder.model_validate(shown | more)


KNOWN = {"msgfolderroot": "root", "inbox": "in", "sentitems": "out", "junkemail": "junk", "deleteditems": "bin"}
KNOWN |= {"drafts": "dr", "archive": "ar", "outbox": "ob", "conversationhistory": "ch", "syncissues": "si"}
TREE = [
    raw("in", "收件箱"),
    raw("in1", "Clients", "in"),
    raw("in2", "Acme", "in1"),
    raw("out", "已发送"),
    raw("out1", "2025", "out"),
    raw("junk", "Junk"),
    raw("bin", "Bin"),
    raw("bin1", "Old project", "bin"),
    raw("dr", "Drafts"),
    raw("ar", "Archive"),
    raw("ob", "Outbox"),
    raw("ch", "Conversation History"),
    raw("si", "Sync Issues"),
    raw("si1", "Conflicts", "si"),
    raw("p", "Projects"),
    raw("p1", "Private", "p"),
    raw("p2", "Deep", "p1"),
    raw("srch", "Found", **{"@odata.type": "#microsoft.graph.mailSearchFolder"}),
]


def tree(**more: Any) -> fm.Folders:
    return fm.folders(TREE, KNOWN, **more)


def test_every_folder_of_mail_is_read_and_no_other():
    assert set(tree().read_ids()) == {"in", "in1", "in2", "out", "out1", "ar", "p", "p1", "p2"}
    assert tree().read_ids()[0] == "in"
    assert set(tree(include_junk=True).read_ids()) - set(tree().read_ids()) == {"junk"}


def test_a_folder_means_what_the_well_known_one_above_it_means():
    folders = tree()
    assert [folders.place(i) for i in ("in2", "out1", "bin1", "dr", "ar", "p2", "nowhere")] == [
        Place.INBOX,
        Place.SENT,
        Place.TRASH,
        Place.DRAFT,
        Place.ARCHIVE,
        Place.ARCHIVE,
        Place.ARCHIVE,
    ]
    assert folders.label("in2") == "收件箱/Clients/Acme"


@pytest.mark.parametrize("name", ["private", "Projects/Private", "PROJECTS/PRIVATE"])
def test_a_folder_is_left_out_by_name_or_path_with_those_below_it(name):
    assert set(tree(excluded=[name]).read_ids()) == set(tree().read_ids()) - {"p1", "p2"}
    assert fm.unknown_names([name, "Nowhere"], tree()) == ("Nowhere",)


def test_a_category_stands_for_those_below_it():
    assert fm.is_barred(["Personal/Bank"], ["personal"])
    assert not fm.is_barred(["Personality"], ["personal"])


def test_folders_in_a_ring_do_not_hang():
    ring = [raw("a", "A", "b"), raw("b", "B", "a")]
    assert set(fm.folders(ring, {}).read_ids()) == {"a", "b"}


def test_only_folders_that_come_go_move_or_are_renamed_are_news():
    known = {f.id: f for f in TREE}
    same = gp.RawFolder.model_validate({"id": "in", "unreadItemCount": 7})
    removed = gp.RawFolder.model_validate({"id": "p1", "@removed": {"reason": "deleted"}})
    stranger = gp.RawFolder.model_validate({"id": "zz", "@removed": {"reason": "deleted"}})
    assert not fm.is_news([same, stranger, raw("in", "收件箱")], known)
    assert fm.is_news([removed], known)
    assert fm.is_news([raw("new", "New")], known)
    assert fm.is_news([raw("p1", "Privat", "p")], known)
    assert fm.is_news([raw("p1", "Private", "in")], known)


def test_ids_that_differ_in_case_only_are_two_folders():
    folders = fm.folders([raw("AAa", "One"), raw("AAA", "Two")], {})
    assert folders.label("AAa") == "One"
    assert folders.label("AAA") == "Two"


# ---------------------------------------------------------------------------------------------------------------- mails

RAW = (
    b"Received: from x by y\r\nFrom: =?utf-8?b?5p2O5piO?= <Li@Acme.Example>\r\nTo: Sales <sales@ours.example>, Bo <bo@x.example>\r\n"
    b"Cc: C <c@x.example>\r\nReply-To: desk@acme.example\r\nSubject: =?utf-8?b?6K+i5Lu3?=\r\nMessage-ID: <m1@acme.example>\r\n"
    b"In-Reply-To: <m0@ours.example>\r\nReferences: <a@x> <m0@ours.example>\r\nDate: Mon, 2 Mar 2026 15:00:07 +0800\r\n"
    b"Auto-Submitted: no\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\xe4\xbd\xa0\xe5\xa5\xbd</p>\r\n"
)


def headers_of(raw_mail: bytes) -> list[dict[str, str]]:
    lines = raw_mail.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return [dict(zip(("name", "value"), line.split(": ", 1), strict=True)) for line in lines]


def who(address: str, name: str = "") -> dict[str, Any]:
    return {"emailAddress": {"name": name, "address": address}}


def item(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": "AAMk=1",
        "internetMessageId": "<m1@acme.example>",
        "conversationId": "conv",
        "parentFolderId": "in1",
        "subject": "询价",
        "from": who("Li.Ming@corp.acme.example", "李明"),
        "sender": who("li@acme.example"),
        "replyTo": [who("desk@acme.example")],
        "toRecipients": [who("sales@ours.example", "Sales")],
        "ccRecipients": [],
        "bccRecipients": [who("boss@ours.example")],
        "receivedDateTime": "2026-03-02T07:00:09Z",
        "sentDateTime": "2026-03-02T07:00:07Z",
        "hasAttachments": False,
        "categories": ["Blue"],
        "isDraft": False,
        "internetMessageHeaders": headers_of(RAW),
        "body": {"contentType": "html", "content": "<p>你好</p>\r\n"},
    }
    return {k: v for k, v in (made | changes).items() if v is not ...}


def reading(**more: Any) -> gm.Reading:
    return gm.Reading(tree(), **more)


def mail(**changes: Any) -> MailMessage:
    fate = gm.read_item(item(**changes), reading()).fate
    assert isinstance(fate, MailMessage)
    return fate


def as_gmail() -> MailMessage:
    found = mime.parse(RAW, id="g", thread_id="t", received_at=NOW, place=Place.INBOX)
    assert isinstance(found, MailMessage)
    return found


def test_a_mail_reads_as_its_headers_say():
    got = mail()
    assert (got.id, got.thread_id, got.place, got.labels) == ("AAMk=1", "conv", Place.INBOX, ("收件箱/Clients", "Blue"))
    assert got.from_ == (Address("li@acme.example", "李明"),)
    assert got.to == (Address("sales@ours.example", "Sales"), Address("bo@x.example", "Bo"))
    assert (got.cc, got.bcc) == ((Address("c@x.example", "C"),), (Address("boss@ours.example"),))
    assert (got.in_reply_to, got.references) == (("m0@ours.example",), ("a@x", "m0@ours.example"))
    assert (got.subject, got.html, got.text) == ("询价", "<p>你好</p>\n", "")
    assert ("auto-submitted", "no") in got.headers


def test_it_is_the_same_mail_as_gmails_copy():
    assert identity(mail(), "") == identity(as_gmail(), "")


def test_our_own_sent_copy_is_the_same_mail_as_the_recipients():
    sent = mail(
        internetMessageHeaders=...,
        parentFolderId="out",
        **{"from": who("li@acme.example", "李明")},
        sentDateTime="2026-03-02T07:00:07.8130000Z",
    )
    assert sent.place is Place.SENT
    assert identity(sent, "") == identity(as_gmail(), "")


def test_without_an_address_in_from_the_sender_counts():
    got = mail(internetMessageHeaders=[], **{"from": who("/O=EXCHANGELABS/OU=X/CN=LI", "Li")})
    assert got.from_ == (Address("li@acme.example"),)


def test_more_recipients_than_the_header_holds_come_from_graph():
    many = [who(f"p{n}@x.example") for n in range(9)]
    assert len(mail(toRecipients=many).to) == 9


def test_text_bodies_and_long_ones():
    assert mail(body={"contentType": "text", "content": "a\r\nb"}).text == "a\nb"
    long = mail(body={"contentType": "html", "content": "x" * 5_000_000})
    assert len(long.html) == mime.Limits().html
    assert long.defects == ("html_cut",)


def test_attachments_of_all_kinds_are_listed():
    got = mail(
        attachments=[
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "id": "1",
                "name": "a\\b\\报价.pdf",
                "contentType": "application/pdf",
                "size": 5,
            },
            {
                "@odata.type": "#microsoft.graph.itemAttachment",
                "id": "2",
                "name": "old mail",
                "contentType": None,
                "size": 7,
            },
            {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "3", "name": "link", "size": -1},
            {"id": "4", "name": "logo.png", "contentType": "image/png", "size": True, "isInline": True},
        ]
    )
    assert [(a.name, a.media_type, a.size, a.inline, a.ref) for a in got.attachments] == [
        ("报价.pdf", "application/pdf", 5, False, "1"),
        ("old mail", "message/rfc822", 7, False, "2"),
        ("link", "text/uri-list", 0, False, "3"),
        ("logo.png", "image/png", 1, True, "4"),
    ]


def test_a_draft_is_a_draft_wherever_it_lies():
    assert mail(isDraft=True).place is Place.DRAFT


def test_an_invitation_is_known_by_its_type():
    got = mail(**{"@odata.type": "#microsoft.graph.eventMessageRequest"})
    assert [a.media_type for a in got.attachments] == ["text/calendar"]


@pytest.mark.parametrize(
    "marks",
    [
        {"internetMessageHeaders": [{"name": "Sensitivity", "value": "Private"}]},
        {"internetMessageHeaders": [{"name": "SENSITIVITY", "value": " company-confidential "}]},
        {"singleValueExtendedProperties": [{"id": "Integer 0x36", "value": "2"}]},
        {"singleValueExtendedProperties": [{"id": "Integer 0x0036", "value": "3"}]},
    ],
)
def test_private_mail_is_left_out_by_its_mark(marks):
    read = gm.read_item(item(**marks), reading(skip=("private", "confidential")))
    assert read.fate == Unreadable("AAMk=1", "marked_private", datetime(2026, 3, 2, 7, 0, 9, tzinfo=UTC))
    assert isinstance(gm.read_item(item(**marks), reading()).fate, MailMessage)
    assert gm.at_hand(item(**marks), reading(skip=("private", "confidential")), "in") is None


def test_a_page_holds_a_mail_only_when_nothing_is_missing():
    assert gm.at_hand(item(), reading(), "in") == mail()
    incomplete: list[dict[str, Any]] = [
        {"hasAttachments": True},
        {"hasAttachments": ...},
        {"isDraft": ...},
        {"body": ...},
        {"internetMessageHeaders": ...},
        {"internetMessageHeaders": []},
        {"receivedDateTime": ...},
        {"subject": ...},
        {"body": {"contentType": "html", "content": '<img src="cid:logo">'}},
        {
            "internetMessageHeaders": [
                {"name": "Content-Type", "value": "multipart/report; report-type=delivery-status"}
            ]
        },
        {
            "internetMessageHeaders": [{"name": "X-A", "value": "b"}],
            "from": who("MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@ours.example"),
        },
    ]
    for change in incomplete:
        assert gm.at_hand(item(**change), reading(), "in") is None, change


def test_a_mail_listed_without_its_folder_lies_where_it_was_listed():
    got = gm.at_hand(item(parentFolderId=...), reading(), "out")
    assert got is not None
    assert got.place is Place.SENT


def test_halves_of_characters_can_be_stored():
    got = mail(subject="a\ud800b", categories=["\udfff"], body={"contentType": "text", "content": "\ud83d"})
    json.dumps([got.subject, got.labels, got.text], ensure_ascii=False).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "emailAddress", "address", "id", "content", "contentType", "size"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*gm.SELECT.split(","), "attachments", "@odata.type", "singleValueExtendedProperties"]),
        JSON,
        max_size=8,
    )
)
def test_no_shape_of_answer_breaks_the_reading(odd):
    read = gm.read_item(item() | odd | {"id": "x"}, reading(skip=("private",)))
    assert read.fate.id == "x"


def test_a_report_is_read_from_its_mime_form():
    raw_mail = (
        b"From: postmaster@x.example\r\nTo: a@ours.example\r\nMessage-ID: <r@x>\r\nDate: Mon, 2 Mar 2026 07:00:07 +0000\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nNo.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; z@x.example\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    )
    shown = mail(id="r1")
    got = gm.read_mime(raw_mail, shown)
    assert (got.id, got.place, got.labels, got.text.strip()) == ("r1", shown.place, shown.labels, "No.")
    assert any(name == "delivery-status" for name, _ in got.headers)
    assert gm.read_mime(b"", shown).defects == ("mime_unavailable",)
