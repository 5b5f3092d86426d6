"""The q parameter finds what Gmail's search box finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from tests.sandbox_gmail.desk import ANNA, Desk, make_mail

MARCH_1 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _fill(desk: Desk) -> dict[str, str]:
    """Four mails by nickname."""
    invoice = EmailMessage()
    invoice["From"], invoice["To"], invoice["Cc"] = "Li Wei <li@buyer.example>", ANNA, "Bo <bo@ours.example>"
    invoice["Subject"], invoice["Message-ID"] = "Invoice 77 for steel pipes", "<Inv.77@buyer.example>"
    invoice.set_content("Please find the purchase order attached. 请查收报价单")
    invoice.add_attachment(b"x" * 3000, maintype="application", subtype="pdf", filename="PO-77.pdf")
    put = desk.vendor.deliver
    return {
        "invoice": put(ANNA, invoice.as_bytes(), labels=["INBOX", "Orders/2026"], at=MARCH_1),
        "reply": put(
            ANNA,
            make_mail("Re: price", sender=ANNA, to="max@other.example"),
            labels=["SENT"],
            at=datetime(2026, 2, 1, tzinfo=UTC),
        ),
        "old": put(
            ANNA, make_mail("Hello", sender="kim@third.example"), labels=["INBOX"], at=datetime(2024, 5, 1, tzinfo=UTC)
        ),
        "junk": put(ANNA, make_mail("Win money"), labels=["SPAM"], at=MARCH_1),
    }


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("from:li@buyer.example", "invoice"),
        ("from:buyer.example", "invoice"),
        ("from:li", "invoice"),
        ("from:l", ""),  # words, not parts of words
        ("from:me", "reply"),
        ("to:max@other.example", "reply"),
        ("to:bo@ours.example", "invoice"),  # To: finds copies too
        ("cc:bo", "invoice"),
        ("cc:anna", ""),
        ("subject:steel", "invoice"),
        ('subject:"steel pipes"', "invoice"),
        ('subject:"pipes steel"', ""),
        ("subject:(invoice pipes)", "invoice"),
        ("subject:{hello price}", "old reply"),
        ("subject:(hello OR price)", "old reply"),
        ("label:orders-2026", "invoice"),
        ("label:inbox", "invoice old"),
        ("label:unknown", ""),
        ("in:inbox", "invoice old"),
        ("in:sent", "reply"),
        ("in:spam", "junk"),
        ("in:chats", ""),
        ("in:drafts", ""),
        ("in:anywhere", "invoice reply old junk"),
        ("-in:chats", "invoice reply old"),
        ("-in:sent", "invoice old"),
        ("-{in:sent from:li}", "old"),
        ("-(in:inbox from:li)", "reply old"),
        ("rfc822msgid:Inv.77@buyer.example", "invoice"),
        ("rfc822msgid:<Inv.77@buyer.example>", "invoice"),
        ("rfc822msgid:inv.77@buyer.example", ""),
        ("has:attachment", "invoice"),
        ("filename:pdf", "invoice"),
        ("filename:PO-77.pdf", "invoice"),
        ("larger:2K", "invoice"),
        ("smaller:2K", "reply old"),
        ("purchase order", "invoice"),
        ('"purchase order"', "invoice"),
        ('"order purchase"', ""),
        ("报价单", "invoice"),
        ("from:li OR from:kim", "invoice old"),
        ("in:inbox from:li OR from:max", "invoice"),
        ("in:inbox -from:li", "old"),
        ("unknownop:x", ""),
        ("(in:sent", "reply"),
        (") in:sent", "reply"),
        ("", "invoice reply old"),
    ],
)
def test_operators(on_desk, q, found) -> None:
    async def scenario(desk: Desk) -> None:
        names = _fill(desk)
        assert {name for name, mid in names.items() if mid in await desk.ids(q)} == set(found.split())

    on_desk(scenario)


@pytest.mark.parametrize(
    ("q", "found"),
    [
        (f"after:{int(MARCH_1.timestamp())}", "invoice"),
        (f"after:{int(MARCH_1.timestamp()) + 1}", ""),
        (f"before:{int(MARCH_1.timestamp())}", "reply old"),
        (f"before:{int(MARCH_1.timestamp()) + 1}", "invoice reply old"),
        ("after:2026/03/01", "invoice"),
        ("after:2026/3/2", ""),
        ("before:2025/01/01", "old"),
        ("after:2025-01-01 before:2026-03-01", "reply"),
        ("newer_than:2d", "invoice"),
        ("older_than:1y", "old"),
        ("newer_than:2m older_than:2d", "reply"),
    ],
)
def test_times(on_desk, q, found) -> None:
    async def scenario(desk: Desk) -> None:
        names = _fill(desk)
        assert {name for name, mid in names.items() if mid in await desk.ids(q)} == set(found.split())

    on_desk(scenario)


def test_days_begin_at_midnight_in_california(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        midnight = datetime(2026, 1, 15, 8, 0, tzinfo=UTC)
        before = desk.vendor.deliver(ANNA, make_mail(), at=midnight - timedelta(seconds=1))
        after = desk.vendor.deliver(ANNA, make_mail(), at=midnight)
        assert await desk.ids("after:2026/01/15") == [after]
        assert await desk.ids("before:2026/01/15") == [before]

    on_desk(scenario)


def test_nothing_a_person_types_breaks_the_search(on_desk) -> None:
    async def scenario(desk: Desk) -> None:
        _fill(desk)
        for q in (
            "(((",
            '"',
            "-",
            "--x",
            "from:",
            "after:",
            "after:2026/99/99",
            "a OR",
            "OR",
            "}{",
            "subject:(",
            "(" * 500,
        ):
            assert (await desk.call("messages", q=q)).status_code == 200, q

    on_desk(scenario)
