"""Any bytes become a bounded mail."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base.model import MailMessage, Place, Unreadable
from connectors.mail.mime import Limits, content, parse

AT = datetime(2026, 3, 2, tzinfo=UTC)

TRADE = """\
Return-Path: <wang@supplier.cn>
From: =?gb2312?B?zfXP/sP3?= <Wang@Supplier.CN>
To: "Buyer, Joe" <joe@buyer.com>
Subject: 报价单 Quotation
Message-ID: <m1@supplier.cn>
In-Reply-To: q0@buyer.com
References: <q-1@buyer.com> <q0@buyer.com>
Date: Mon, 2 Mar 2026 08:00:00 +0800
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="out"

--out
Content-Type: multipart/alternative; boundary="in"

--in
Content-Type: text/plain; charset=gb2312

您好，请查收附件。
--in
Content-Type: text/html; charset=gb2312

<p>您好，请查收附件。</p>
--in--
--out
Content-Type: application/pdf; name="报价单.pdf"
Content-Disposition: attachment; filename="报价单.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQ=
--out
Content-Type: image/png
Content-ID: <logo>
Content-Disposition: inline; filename=logo.png

x
--out
Content-Type: message/rfc822

Subject: inner
From: in@side.com

inner text
--out
Content-Type: application/ms-tnef; name=winmail.dat

tnef
--out--
""".encode("gbk")


def mail_of(raw, limits=None):
    return parse(raw, id="i", thread_id="t", received_at=AT, place=Place.INBOX, limits=limits or Limits())


def test_a_chinese_quotation_with_raw_gbk_headers_is_read_whole():
    mail = mail_of(TRADE)
    assert isinstance(mail, MailMessage)
    assert (mail.from_[0].email, mail.from_[0].name) == ("wang@supplier.cn", "王晓明")
    assert (mail.to[0].email, mail.to[0].name) == ("joe@buyer.com", "Buyer, Joe")
    assert mail.subject == "报价单 Quotation"
    assert mail.message_id == "m1@supplier.cn"
    assert mail.in_reply_to == ("q0@buyer.com",)
    assert mail.references == ("q-1@buyer.com", "q0@buyer.com")
    assert mail.date == datetime(2026, 3, 2, tzinfo=UTC)
    assert mail.text.strip() == "您好，请查收附件。"
    assert mail.html.strip() == "<p>您好，请查收附件。</p>"
    assert dict(mail.headers)["return-path"] == "<wang@supplier.cn>"


def test_attachments_are_listed_and_found_again_by_their_ref():
    mail = mail_of(TRADE)
    listed = [(a.name, a.media_type, a.size, a.inline) for a in mail.attachments]
    assert listed == [
        ("报价单.pdf", "application/pdf", 8, False),
        ("logo.png", "image/png", 1, True),
        ("", "message/rfc822", 44, False),
        ("winmail.dat", "application/ms-tnef", 4, False),
    ]
    assert [content(TRADE, a.ref) for a in mail.attachments][:2] == [b"%PDF-1.4", b"x"]
    assert content(TRADE, "9.9") is None
    assert "inner text" not in mail.text


def test_both_parsers_give_the_same_parts():
    ascii_names = TRADE.replace("报价单.pdf".encode("gbk"), b"quotation.pdf")
    by_rust, by_stdlib = mail_of(ascii_names), mail_of(TRADE)
    assert [a.ref for a in by_rust.attachments] == [a.ref for a in by_stdlib.attachments]
    assert (by_rust.text, by_rust.html) == (by_stdlib.text, by_stdlib.html)


def test_one_bad_base64_part_does_not_lose_the_mail():
    mail = mail_of(TRADE.replace(b"JVBERi0xLjQ=", b"JVBERi0xLjQ*!=Z"))
    assert mail.text.strip() == "您好，请查收附件。"
    assert len(mail.attachments) == 4


def test_delivery_status_fields_are_handed_on_as_headers():
    raw = (
        b"From: MAILER-DAEMON@x.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        b"--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        b"Final-Recipient: rfc822; a@b.cn\nAction: failed\nStatus: 5.1.1\n--b--\n"
    )
    assert ("delivery-status", "final-recipient: rfc822; a@b.cn\naction: failed\nstatus: 5.1.1") in mail_of(raw).headers


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"   "])
def test_nothing_at_all_is_unreadable(raw):
    assert mail_of(raw) == Unreadable("i", "mail_unreadable", AT)


def test_over_the_size_is_said_so():
    assert mail_of(b"Subject: x\n\ny", Limits(size=5)) == Unreadable("i", "mail_too_large", AT)


def _nested(depth):
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return ("Subject: deep\n" + head + "Content-Type: text/plain\n\nend\n").encode()


def test_every_limit_cuts_and_says_so():
    many = (
        b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: a/b\n\nx\n" * 40 + b"--b--"
    )
    cut = mail_of(many, Limits(parts=10))
    assert len(cut.attachments) == 10
    assert "parts_cut" in cut.defects
    people = mail_of(b"To: " + b", ".join(b"a%d@b.c" % n for n in range(50)) + b"\n\nx", Limits(addresses=5))
    assert len(people.to) == 5
    assert "addresses_cut" in people.defects
    long = mail_of(b"Subject: x\n\n" + b"y" * 500, Limits(text=100))
    assert len(long.text) == 100
    assert "text_cut" in long.defects
    assert "depth_cut" in mail_of(_nested(12), Limits(depth=5)).defects
    refs = mail_of(b"References: " + b" ".join(b"<%d@x>" % n for n in range(30)) + b"\n\nx", Limits(references=10))
    assert refs.references == ("0@x", *(f"{n}@x" for n in range(21, 30)))
    assert "header_cut" in mail_of(b"X: " + b"y" * 500 + b"\nSubject: z\n\nx", Limits(header=100)).defects


@pytest.mark.parametrize(
    "raw",
    [
        _nested(5_000),
        b"From: " + b"(" * 300_000,
        b"From: " + b"<a@" * 100_000,
        b"Subject: " + b"=?a?q?" * 50_000,
        b"Subject: " + b"=?utf-8?b?YQ==?= " * 20_000,
        b"Content-Type: text/plain" + b"; a=" * 60_000 + b"\n\nx",
        b"Content-Type: multipart/mixed; boundary=" + b"x" * 100_000 + b"\n\nx",
        b"Content-Type: multipart/mixed; boundary=b" + "é".encode() + b"; " * 90_000 + b"\n\n--b\n\nx",
        b"Date: " + b"1 " * 100_000 + b"\n\nx",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 100_000,
        b"\n".join(b"References: <%d@x>" % n for n in range(20_000)) + b"\n\nx",
        b"Content-Type: text/html\n\n" + b"<meta " * 200_000,
        b"a" * 2_000_000,
        b"\x1b$B" * 300_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_hostile_shapes_take_seconds_at_most(raw):
    start = time.process_time()
    assert mail_of(raw) is not None
    assert time.process_time() - start < 10


SOME = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def _is_sound(mail):
    if isinstance(mail, MailMessage):
        for text in (mail.subject, mail.text, mail.html, mail.message_id, *(a.name for a in mail.attachments)):
            text.encode("utf-8")
        assert all(p.email == p.email.lower() for p in (*mail.from_, *mail.to, *mail.cc))
        assert mail.date is None or mail.date.utcoffset().total_seconds() == 0
    else:
        assert mail.reason == "mail_unreadable"


@SOME
@given(st.binary(max_size=2000))
def test_no_bytes_raise(raw):
    _is_sound(mail_of(raw))


@SOME
@given(st.lists(st.tuples(st.integers(0, len(TRADE) - 1), st.binary(max_size=12), st.integers(0, 40)), max_size=12))
def test_no_damage_to_a_mail_raises(damages):
    raw = bytearray(TRADE)
    for at, new, gone in damages:
        raw[at : at + gone] = new
    _is_sound(mail_of(bytes(raw)))


@SOME
@given(
    st.sampled_from([b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Content-Type", b"Content-Disposition"]),
    st.text(alphabet="=?<>@\"'()\\,;:*% \t\r\nabBqQ-utf8中é./[]0129", max_size=120),
)
def test_no_header_raises(name, value):
    _is_sound(mail_of(name + b": " + value.encode() + b"\n\nbody"))
