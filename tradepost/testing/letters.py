"""Mails as bytes: ordinary ones, and some that nobody should have to read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

ANN = "ann@ours.example"
LI = "li@acme.example"
WRITTEN = datetime(2026, 2, 20, 9, 30, tzinfo=UTC)


def letter(n: int, *, draft: bool = False, **headers: str) -> bytes:
    """Mail number `n`, from Li to Ann unless `headers` (From, To, Cc, ...) say otherwise. A draft has no Message-ID."""
    given = {"From": f"Li Wei <{LI}>", "To": f"Ann <{ANN}>", "Subject": f"Mail {n} 报价单"}
    given |= {"Date": format_datetime(WRITTEN), "Message-ID": "" if draft else f"<m{n}@acme.example>"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {_word(value)}" for name, value in given.items() if value]
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", ""]
    return "\r\n".join([*lines, f"Text of mail {n}: 请报价。", ""]).encode()


def _word(value: str) -> str:
    return value if value.isascii() else f"=?utf-8?B?{b64encode(value.encode()).decode()}?="


def full_letter() -> bytes:
    """A mail with everything that a reader must find."""
    made = EmailMessage(policy=SMTP)
    made["From"] = "李伟 <Li@Acme.example>"
    made["To"] = "Ann <ann@ours.example>, Sales <sales@ours.example>"
    made["Cc"] = "chen@acme.example"
    made["Reply-To"] = "office@acme.example"
    made["Subject"] = "回复：报价单（第二版）"
    made["Date"] = "Fri, 20 Feb 2026 17:30:00 +0800"
    made["Message-ID"] = "<full@acme.example>"
    made["In-Reply-To"] = "<first@ours.example>"
    made["References"] = "<zero@ours.example> <first@ours.example>"
    made["Auto-Submitted"] = "auto-replied"
    made.set_content("Guten Tag,\nwir möchten 500 Lampen 灯 bestellen.\n")
    made.add_alternative("<p>wir möchten <b>500</b> Lampen 灯 bestellen</p>", subtype="html")
    made.add_attachment(b"%PDF-1.7 ...", maintype="application", subtype="pdf", filename="报价单.pdf")
    return made.as_bytes()


def in_charset(charset: str, text: str, *, declared: str = "") -> bytes:
    """A text in a charset, with what the header calls it."""
    head = (
        f"From: {LI}\r\nTo: {ANN}\r\nSubject: charset\r\nMessage-ID: <{charset}@acme.example>\r\n"
        f"Date: {format_datetime(WRITTEN)}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset={declared or charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return head.encode() + text.encode(charset)


CHARSETS: Mapping[str, tuple[bytes, str]] = {
    "gb2312 that is gb18030": (in_charset("gb18030", "请报镕价㐀的单价。\r\n", declared="gb2312"), "镕价"),
    "big5": (in_charset("big5", "請報價，謝謝。\r\n"), "請報價"),
    "iso-2022-jp": (in_charset("iso-2022-jp", "見積もりをお願いします。\r\n"), "見積もり"),
    "koi8-r": (in_charset("koi8-r", "Пришлите цены.\r\n"), "Пришлите"),
    "windows-1256": (in_charset("windows-1256", "عرض سعر\r\n"), "عرض سعر"),
    "latin-1 that is windows-1252": (in_charset("cp1252", "500 € – danke\r\n", declared="iso-8859-1"), "€"),
}


def _nested(depth: int) -> bytes:
    lines = [f"From: {LI}", "Subject: nested", "Message-ID: <nested@acme.example>", "MIME-Version: 1.0"]
    for n in range(depth):
        lines += [f'Content-Type: multipart/mixed; boundary="b{n}"', "", f"--b{n}"]
    return "\r\n".join([*lines, "Content-Type: text/plain", "", "deep"]).encode()


HOSTILE: Mapping[str, bytes] = {
    "nothing at all": b"\r\n",
    "no header": b"\r\nJust some text.\r\n",
    "no sender and no date": b"Subject: bare\r\n\r\ntext\r\n",
    "bytes of no charset": b"From: li@acme.example\r\nSubject: \xff\xfe\x80\r\n\r\n\x00\xff\xfe\x80\r\n",
    "an unknown charset": in_charset("utf-8", "Zitat", declared="x-unknown-9"),
    "broken base64": (
        b"From: li@acme.example\r\nSubject: =?utf-8?B?!!!!?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n%%%%not base64\r\n"
    ),
    "a date that is none": b"From: li@acme.example\r\nDate: Thu, 99 Foo 20266 99:99\r\nSubject: d\r\n\r\nx\r\n",
    "five hundred levels": _nested(500),
    "a header of 200 kB": b"From: li@acme.example\r\nSubject: " + b"x" * 200_000 + b"\r\n\r\nx\r\n",
    "five thousand readers": (
        b"From: li@acme.example\r\nTo: "
        + b", ".join(b"r%d@list.example" % n for n in range(5000))
        + b"\r\nSubject: crowd\r\n\r\nx\r\n"
    ),
    "a boundary that never comes": (
        b"From: li@acme.example\r\nSubject: b\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="never"\r\n\r\ntext\r\n'
    ),
}
