"""Text, new text, safe HTML, and what the text speaks of."""

import time
from datetime import timedelta

import pytest
from reading_cases import AT, mail, reading

from connectors.base.model import Address
from mappings.model import FindingKind
from mappings.reading import READER, Words, load_words
from mappings.reading.html import sanitised, to_text
from mappings.reading.newtext import new_text, new_text_of_html, without_signature

OWN = "Dear Joe,\n\nplease find our offer.\n\nBest regards\nWang"
QUOTE = "we need 500 pcs."


@pytest.mark.parametrize(
    "mark",
    [
        "-----Original Message-----\nFrom: Joe <j@x.de>\nSent: Monday\nTo: Wang\nSubject: RFQ",
        "From: Joe <j@x.de>\nSent: Monday, 2 March 2026\nTo: Wang\nSubject: RFQ",
        "________________________________\nVon: Joe <j@x.de>\nGesendet: Montag\nAn: Wang\nBetreff: RFQ",
        "发件人： Joe\n发送时间： 2026年3月2日\n收件人： Wang\n主题： 询价",
        '------------------ 原始邮件 ------------------\n发件人: "Joe"\n发送时间: 2026年3月2日\n收件人: "Wang"\n主题: 询价',
        "寄件者: Joe\n寄件日期: 2026年3月2日\n收件者: Wang\n主旨: 詢價",
        "差出人: Joe\n送信日時: 2026年3月2日\n宛先: Wang\n件名: 見積",
        "De : Joe <j@x.de>\nEnvoyé : lundi 2 mars 2026\nÀ : Wang\nObjet : RFQ",
        "On Mon, 2 Mar 2026 at 08:00, Joe <j@x.de> wrote:\n",
        "On Mon, 2 Mar 2026 at 08:00, Joe Buyer From The Customer\n<j@x.de> wrote:\n",
        "Am 02.03.2026 um 08:00 schrieb Joe <j@x.de>:\n",
        "在 2026年3月2日，Joe <j@x.de> 写道：\n",
        "2026-03-02 08:00 GMT+08:00 Joe <j@x.de>:\n",
        "Le lun. 2 mars 2026 à 08:00, Joe <j@x.de> a écrit :\n",
        "Jane Roe@ACME\n03/02/2026 08:00 AM\nTo: Wang@OURS\ncc:\nSubject: RFQ",
        "---------- Forwarded message ---------\nFrom: Joe <j@x.de>\nDate: Mon\nSubject: RFQ\nTo: w@x",
        ">>> Joe <j@x.de> 03/02/26 08:00 >>>",
    ],
)
def test_only_the_new_text_is_left_of_a_reply(mark):
    assert new_text(f"{OWN}\n\n{mark}\n\n{QUOTE}\n") == OWN
    assert new_text(f"{OWN}\r\n\r\n{mark}\r\n> {QUOTE}\r\n") == OWN


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "From: Shanghai\nTo: Hamburg\nthat is the route.",
        "Date: 3 March\nPrice: 5 USD",
        "On Monday we wrote:\nnothing.",
        "Price list\n----------\nA 1\nB 2",
        "数量：500\n单价：3.2\n主题：样品",
    ],
)
def test_a_mail_without_a_quote_is_left_whole(text):
    assert new_text(text) == text


def test_inline_answers_and_answers_below_are_kept():
    text = "On Mon, 2 Mar 2026, Joe <j@x.de> wrote:\n> price?\n5 USD\n> when?\nFriday\n"
    kept = new_text(text)
    assert "5 USD" in kept
    assert "Friday" in kept
    assert "price?" not in kept


def test_a_bare_forward_has_no_new_text():
    assert new_text("---------- Forwarded message ---------\nFrom: a@b.c\nSubject: x\nTo: d\n\nhello") == ""


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote"><blockquote>we need 500 pcs.</blockquote></div>',
        '<blockquote type="cite">we need 500 pcs.</blockquote>',
        '<div id="appendonsend"></div><hr><div>we need 500 pcs.</div>',
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p>Joe</p></div><p>we need 500 pcs.</p>',
        "<div>------------------ 原始邮件 ------------------</div><div>发件人: Joe</div><div>we need 500 pcs.</div>",
        "<blockquote>we need 500 pcs.</blockquote>",
    ],
)
def test_quotes_in_html_are_dropped(quote):
    assert new_text_of_html(f"<html><body><div>our offer</div>{quote}</body></html>") == "our offer"


def test_html_becomes_text_with_readable_tables_and_nothing_hidden():
    html = (
        "<style>p{}</style><p>Dear&nbsp;Joe</p><table><tr><th>Item</th><th>Price</th></tr><tr><td>报价</td><td>5</td></tr></table>"
        "<div style='display:none'>preheader</div><script>x()</script>"
    )
    text = to_text(html)
    assert text.split("\n")[0] == "Dear Joe"
    assert any("报价" in line and "5" in line for line in text.split("\n"))
    assert "preheader" not in text
    assert "x()" not in text


def test_sanitised_html_loads_and_runs_nothing():
    html = sanitised(
        '<p onclick="x()" style="background:url(http://t/b)">hi <a href="javascript:x()">a</a> <a href="https://ok.de">b</a></p>'
        '<img src="http://track/1.gif"><img src="cid:logo"><form action="/x"><input></form><script>1</script>'
        '<iframe src="//x"></iframe><svg onload=x></svg><table background="http://t/"><tr><td dir="rtl">سعر</td></tr></table>'
    )
    for bad in ("javascript", "onclick", "img", "cid:", "form", "script", "iframe", "svg", "http://", "style"):
        assert bad not in html
    assert 'href="https://ok.de"' in html
    assert '<td dir="rtl">سعر</td>' in html


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "x", "<script>" * 50_000, "<a " * 200_000, "<!--" * 200_000, "<blockquote></blockquote>" * 20_000,
        "<div style='padding-left:1000000em'>" + "x<br>" * 500, "<table><tr><td colspan=99999999>x", "", "\x00", "<?xml?>",
    ],
    ids=lambda h: h[:20],
)  # fmt: skip
def test_hostile_html_takes_seconds_at_most(html):
    start = time.process_time()
    for function in (to_text, new_text_of_html, sanitised):
        assert len(function(html)) < 5_000_000
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "text",
    ["From: a\n" * 50_000, "On Mon 1/1/2026 x\n" * 50_000, "To: a,\n" * 50_000, "> a\nb\n" * 50_000, "-" * 500_000,
     "\n" * 300_000, ("On " + "<a@" * 250 + "\n") * 1000],
    ids=lambda t: repr(t[:12]),
)  # fmt: skip
def test_hostile_text_takes_seconds_at_most(text):
    start = time.process_time()
    new_text(text)
    assert time.process_time() - start < 10


def test_signatures_and_tag_lines_are_left_out_of_what_is_looked_at():
    assert without_signature("Hello\n-- \nWang, Quotation Dept") == "Hello"
    assert without_signature("Hello\n\n发自我的 iPhone") == "Hello"
    assert without_signature("-- \nodd") == "-- \nodd"


def found(**fields):
    return {(f.kind, f.where, f.word) for f in reading(mail(**fields)).facts.findings}


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"text": "Please find our Quotation."}, (FindingKind.QUOTATION, "text", "quotation")),
        ({"text": "您好，请查收报价单。"}, (FindingKind.QUOTATION, "text", "报价单")),
        ({"subject": "PI-2026-7"}, (FindingKind.PROFORMA, "subject", "PI")),
        ({"files": ("ProformaInvoice_7.pdf",)}, (FindingKind.PROFORMA, "attachment", "proforma invoice")),
        ({"files": ("PO4500123.pdf",)}, (FindingKind.ORDER, "attachment", "PO")),
        ({"text": "附件是采购订单"}, (FindingKind.ORDER, "text", "采购订单")),
        ({"text": "Please send us your best price, MOQ?"}, (FindingKind.ENQUIRY, "text", "moq")),
        ({"subject": "詢價單"}, (FindingKind.ENQUIRY, "subject", "詢價單")),
        ({"text": "we need 3 samples"}, (FindingKind.SAMPLE, "text", "samples")),
        ({"text": "货物有质量问题"}, (FindingKind.COMPLAINT, "text", "质量问题")),
        ({"subject": "ＵＲＧＥＮＴ order"}, (FindingKind.URGENT, "subject", "urgent")),
        ({"headers": {"x-priority": "1 (Highest)"}}, (FindingKind.URGENT, "header", "x-priority")),
        ({"text": "The 30% deposit was paid, T/T slip attached"}, (FindingKind.PAYMENT, "text", "t/t")),
    ],
)
def test_findings_name_kind_place_and_word(fields, finding):
    assert finding in found(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "Misquoted, unsampled, ordering, upPI, POLAND"},
        {"subject": "API and PIN"},
        {"text": "the po and the pi"},
        {"headers": {"x-priority": "3", "importance": "normal"}},
        {"text": "Thanks.\n\nOn Mon, 2 Mar 2026, Joe <j@x.de> wrote:\n> urgent quotation"},
        {"text": "Thanks.\n\n发件人: Joe\n发送时间: 2026\n收件人: W\n主题: 报价\n\n请报价，紧急"},
        {"text": "Thanks.\n-- \nWang, Sample and Payment Department"},
    ],
)
def test_parts_of_words_quotes_and_signatures_are_no_finding(fields):
    assert found(**fields) == set()


def test_a_companys_own_words_are_used():
    data = {"findings": {"order": {"words": ["Bestellung"], "names": []}}}
    lists = ("auto_reply_subjects", "auto_reply_phrases", "auto_reply_texts", "bounce_subjects", "machine_names")
    words = Words.from_data({**data, **{name: [] for name in lists}, "unattended_names": []})
    assert [w.words for w in words.findings] == [("bestellung",)]
    assert not words.auto_subjects.search("out of office")
    with pytest.raises(ValueError, match="no_such"):
        Words.from_data({"findings": {"no_such": {"words": []}}})


def test_the_packaged_lists_hold_every_kind():
    assert {one.kind for one in load_words().findings} == set(FindingKind)


@pytest.mark.parametrize(
    ("date", "sent_at"),
    [
        (AT - timedelta(days=3), AT - timedelta(days=3)),
        (AT + timedelta(hours=20), AT + timedelta(hours=20)),
        (AT + timedelta(days=2), AT),
        (AT - timedelta(days=4000), AT),
        (None, AT),
    ],
)
def test_the_date_is_used_where_it_is_believable(date, sent_at):
    assert reading(mail(date=date)).facts.sent_at == sent_at


def test_a_reading_holds_text_new_text_and_markup():
    result = reading(
        mail(text="", html="<p>我们的报价</p><blockquote type=cite>老的询价</blockquote><script>x</script>")
    )
    assert "老的询价" in result.text
    assert result.new_text == "我们的报价"
    assert "script" not in result.html
    assert {f.kind for f in result.facts.findings} == {FindingKind.QUOTATION}
    assert result.facts.reader == READER == 1


def test_a_stub_that_asks_for_an_html_program_is_not_the_text():
    html = "<p>" + "The real offer is here. " * 50 + "</p>"
    assert reading(mail(text="Your program cannot show HTML.", html=html)).new_text.startswith("The real offer")
    assert reading(mail(text="Short answer.", html="<p>Short answer.</p>")).new_text == "Short answer."


def test_references_are_oldest_first_with_the_parent_last():
    found = reading(mail(references=("a", "b"), in_reply_to=("c", "b"))).facts
    assert found.references == ("a", "b", "c")
    assert found.from_ == Address("buyer@customer.de")
