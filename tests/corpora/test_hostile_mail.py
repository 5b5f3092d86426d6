"""Mail that breaks a field, a format or a bound: each is logged all the same, as well as the CRM can hold it."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from tests.box import Box, day
from tradepost.sandbox.company import empty
from tradepost.sandbox.virtual import START, run

LILY, KLAUS = "lily@minghui-lighting.example", "klaus@nordlicht.example"
HEAD = (
    "From: Klaus <{klaus}>\nTo: {lily}\nDate: Sun, 01 Mar 2026 10:00:00 +0000\nMessage-ID: <{name}@m.example>\n"
    "Subject: {name}\n"
)


def _mail(name, text="Hello.\n", *, without=(), **headers):
    lines = HEAD.format(klaus=KLAUS, lily=LILY, name=name).splitlines()
    given = {key.replace("_", "-").lower(): value for key, value in headers.items()}
    kept = [line for line in lines if line.partition(":")[0].lower() not in {*given, *without}]
    written = [*kept, *(f"{key}: {value}" for key, value in given.items())]
    body = text if isinstance(text, bytes) else text.encode("utf-8")
    return "\n".join(written).encode("utf-8", "surrogateescape") + b"\n\n" + body


def _word(data, charset):
    return f"=?{charset}?B?{base64.b64encode(data).decode()}?="


def _nested(depth):
    parts = b"Content-Type: text/plain\n\ndeep\n"
    for n in range(depth):
        parts = (
            f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n'.encode() + parts + f"\n--b{n}--\n".encode()
        )
    head, _, body = parts.partition(b"\n\n")
    return _mail("nested", body, Content_Type=head.decode().partition(": ")[2])


MAILS = {
    "nul in the subject": _mail("nul", Subject="Order \x00\x01 now"),
    "half a pair in the subject": _mail("pair", Subject=_word(b"\xd8\x3d", "utf-16-be") + " offer"),
    "half a pair in the text": _mail("pair-text", b"\xd8\x3d\x00A", Content_Type="text/plain; charset=utf-16-be"),
    "cesu in the text": _mail("cesu", b"ok \xed\xa0\xbd end", Content_Type="text/plain; charset=utf-8"),
    "every control character": _mail("control", bytes(range(32)) + b"\x7f\xc2\x85 end"),
    "a subject of 100,000 characters": _mail("long", Subject="word " * 20_000),
    "signs beyond the first plane": _mail("planes", "\U0001f6a2" * 40_000, Subject=_word("\U0001f6a2".encode() * 900, "utf-8")),
    "a graph's reference": _mail("reference", "pay @{mail.id} now @{", Subject="@{mail.id}"),
    "5,000 recipients": _mail("crowd", Cc=", ".join(f"person{n}@somewhere-{n}.example" for n in range(5_000))),
    "an address of 400 signs": _mail("endless", Cc=f"{'x' * 200}@{'y' * 190}.example"),
    "addresses that are none": _mail("none", Cc='@, a@, <>, "" <@b>, x y z, =?utf-8?q?a=40b=2Eexample?=, 王伟@例子.公司, a@b@c.example'),
    "quoted local part": _mail("quoted", Cc='"odd, name; (x)"@acme.example, o\'neil@acme.example'),
    "a sender that is none": _mail("sender", From="MAILER-DAEMON", Reply_To=KLAUS),
    "two senders": _mail("both", From=f"x@unknown.example, {KLAUS}"),
    "no date": _mail("dateless", without=("date",)),
    "a date no calendar has": _mail("date", Date="Fri, 99 Foo 12345678901234 99:99:99 +9999"),
    "a date before mail": _mail("past", Date="Thu, 01 Jan 1970 00:00:00 +0000"),
    "a date far ahead": _mail("ahead", Date="Wed, 01 Jan 2098 00:00:00 +0000"),
    "no message id": _mail("nameless", without=("message-id",)),
    "a message id of 3,000 signs": _mail("idlong", Message_ID=f"<{'i' * 3_000}@m.example>"),
    "a message id with signs": _mail("idodd", Message_ID="<a b\t'\"\\@{x}@m.example>"),
    "no subject": _mail("silent", without=("subject",)),
    "no text": _mail("empty", b""),
    "a megabyte in one line": _mail("line", b"x" * 1_000_000),
    "markup without end": _mail("markup", "<div>" * 20_000 + "hello", Content_Type="text/html"),
    "a script": _mail("script", "<p onclick=evil()>hi<script>evil()</script></p>", Content_Type="text/html"),
    "quotes without end": _mail("quotes", ">" * 5_000 + " hi\n" + "> > > " * 5_000),
    "parts in parts": _nested(80),
    "a boundary that never comes": _mail("boundary", "--other\n\nhello", Content_Type="multipart/mixed; boundary=none"),
    "a charset nobody knows": _mail("charset", b"caf\xe9 \xff", Content_Type="text/plain; charset=x-klingon"),
    "base64 that is none": _mail("base64", "%%%=?=*", Content_Transfer_Encoding="base64"),
    "names of files": _mail(
        "files",
        '--b\n\nhello\n--b\nContent-Disposition: attachment; filename="../../\x00\u202egnp.exe"\n\nx\n--b--\n',
        Content_Type="multipart/mixed; boundary=b",
    ),
    "ten thousand references": _mail("chain", References=" ".join(f"<{n}@r.example>" for n in range(10_000))),
}  # fmt: skip


def _company(world):
    company = empty(world)
    company.gmail.add_mailbox(LILY)
    company.book.users[LILY] = company.org.add_user(LILY, email=LILY, last_name="Lily")
    company.org.add_contact("Klaus", KLAUS)
    return company


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """What the CRM holds of each mail: the row of its activity, or the fate that the count tells."""

    async def main():
        rules = {"log": {"bounce": "always", "automatic": "always"}}
        box = Box(tmp_path_factory.mktemp("hostile"), company=_company, start=day(START, 30), rules=rules)
        ids = {
            name: box.company.gmail.deliver(LILY, raw, at=START - timedelta(days=1), thread=f"{n:016x}")
            for n, (name, raw) in enumerate(MAILS.items(), 1)
        }
        assert not await box.once()
        errors = [line for line in box.events.lines if line[0] == "error"]
        assert errors == []
        found = {}
        async with box.engine() as engine:
            fates = await engine.store.report.fates(LILY, tuple(ids.values()))
            items = {i.mail: i for i in await engine.store.report.items(("done",), 1000)}
            for name, provider_id in ids.items():
                (identity,) = await engine.store.report.find(provider_id)
                item = items.get(identity)
                found[name] = box.company.org.record(item.record) if item else fates[provider_id]
        return found

    return run(main())


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_of_a_contact_is_logged_however_odd(logged, name):
    row = logged[name]
    assert isinstance(row, dict), row
    assert row["Incoming"] is True
    for field in ("Subject", "TextBody", "HtmlBody", "FromAddress", "ToAddress", "CcAddress", "MessageIdentifier"):
        text = row.get(field) or ""
        text.encode()  # no half pairs
        assert not {*text} & {chr(n) for n in range(32) if chr(n) not in "\t\n\r"}, field
        assert "@{" not in text


def test_dates_nobody_can_believe_become_the_day_of_arrival(logged):
    arrived = (START - timedelta(days=1)).date().isoformat()
    for name in ("no date", "a date no calendar has", "a date before mail", "a date far ahead"):
        assert str(logged[name]["MessageDate"]).startswith(arrived), name


def test_what_is_readable_of_an_odd_mail_is_there(logged):
    assert "hello" in logged["markup without end"]["TextBody"]
    assert "end" in logged["every control character"]["TextBody"]
    assert "hello" in logged["a boundary that never comes"]["TextBody"]
    assert "script" not in (logged["a script"]["HtmlBody"] or "")
    assert "onclick" not in (logged["a script"]["HtmlBody"] or "")
    assert len(logged["a megabyte in one line"]["TextBody"]) > 30_000
    assert len(logged["signs beyond the first plane"]["TextBody"]) > 15_000
    assert logged["5,000 recipients"]["CcAddress"].startswith("person0@somewhere-0.example; ")
    assert "\u202e" not in logged["names of files"]["TextBody"]
    assert "gnp.exe" in logged["names of files"]["TextBody"]
