"""Human, auto-reply, automatic, list or bounce; in doubt human."""

import pytest
from reading_cases import mail, reading

from mappings.model import MailKind, Own


def facts(**fields):
    return reading(mail(**fields)).facts


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"headers": {"auto-submitted": "auto-replied; owner=x"}}, "header:auto-submitted"),
        ({"headers": {"x-autoreply": "yes"}}, "header:x-autoreply"),
        ({"headers": {"precedence": "auto_reply"}}, "header:precedence"),
        ({"subject": "自动回复: 报价"}, "subject:auto-reply"),
        ({"subject": "自動回覆：詢價"}, "subject:auto-reply"),
        ({"subject": "【自动回复】外出"}, "subject:auto-reply"),
        ({"subject": "Automatic reply: Re: PO 7"}, "subject:auto-reply"),
        ({"subject": "[ext] Out of Office Re: PO 7"}, "subject:auto-reply"),
        ({"subject": "Abwesenheitsnotiz: Angebot"}, "subject:auto-reply"),
        ({"subject": "AUTO: Joe Smith is out of the office (returning 1 May)"}, "subject:auto-reply"),
        ({"subject": "不在のお知らせ"}, "subject:auto-reply"),
        ({"subject": "Re: PO 7", "text": "This is an automated reply. We got your mail."}, "text:auto-reply"),
        ({"subject": "Re: PO 7", "text": "您好！这是一封自动回复邮件。"}, "text:auto-reply"),
    ],
)
def test_answers_of_machines_are_auto_replies(fields, evidence):
    found = facts(**fields)
    assert (found.kind, found.kind_evidence) == (MailKind.AUTO_REPLY, evidence)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Re: Automatic reply: PO 7", "text": "Thanks, I see you are away."},
        {"subject": "Out of stock"},
        {"subject": "Automatic packing machine: quotation"},
        {"subject": "外出采购计划"},
        {"subject": "Office move", "text": "I will be out of the office next week, please quote before."},
        {"headers": {"x-auto-response-suppress": "OOF"}},  # Exchange adds it to people's mail too
        {"headers": {"auto-submitted": "no"}},
        {"headers": {"list-id": "<team.ours.com>"}},  # a list of colleagues
        {"headers": {"list-unsubscribe": "<mailto:u@tool.com>"}, "in_reply_to": ("a@b",)},
        {"sender": "noreply@market.com", "reply_to": ("buyer@customer.de",)},
        {"subject": "Undeliverable goods", "text": "the goods to z@z.de came back", "in_reply_to": ("a@b",)},
        {"subject": "Returned mail order", "in_reply_to": ("a@b",)},
        {"sender": ""},
    ],
)
def test_people_stay_human(fields):
    found = facts(**fields)
    assert (found.kind, found.kind_evidence) == (MailKind.HUMAN, "")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"headers": {"auto-submitted": "auto-generated"}}, MailKind.AUTOMATIC),
        ({"sender": "no-reply@bank.com"}, MailKind.AUTOMATIC),
        ({"headers": {"content-type": "multipart/report; report-type=disposition-notification"}}, MailKind.AUTOMATIC),
        ({"headers": {"list-id": "<news.shop.com>"}}, MailKind.LIST),
        ({"headers": {"list-unsubscribe": "<https://u>"}}, MailKind.LIST),
        ({"headers": {"precedence": "bulk"}}, MailKind.LIST),
        ({"sender": "noreply@shop.com", "headers": {"list-id": "<n.shop.com>"}}, MailKind.LIST),
    ],
)
def test_machines_and_lists_are_told(fields, kind):
    assert facts(**fields).kind is kind


STATUS = "final-recipient: rfc822; <Gone@Customer.de>\naction: {}\nstatus: {}"


def test_a_delivery_status_names_who_could_not_be_reached():
    found = facts(sender="mailer-daemon@mx.com", headers={"delivery-status": STATUS.format("failed", "5.1.1")})
    assert (found.kind, found.bounced) == (MailKind.BOUNCE, ("gone@customer.de",))
    assert found.kind_evidence == "delivery-status:5.1.1"


@pytest.mark.parametrize(
    ("action", "evidence"),
    [
        ("delayed", "delayed:delivery-status:4.4.1"),
        ("delivered", "delivered:delivery-status:delivered"),
        ("relayed", "delivered:delivery-status:relayed"),
    ],
)
def test_a_delay_or_receipt_is_no_bounce(action, evidence):
    found = facts(sender="mailer-daemon@mx.com", headers={"delivery-status": STATUS.format(action, "4.4.1")})
    assert (found.kind, found.kind_evidence, found.bounced) == (MailKind.AUTOMATIC, evidence, ())


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        (
            "postmaster@qq.com",
            "系统退信/Systems bounce",
            "很抱歉，您的邮件没有投递成功：\n\n  gone@customer.de\n\n550 no such user",
        ),
        (
            "mailer-daemon@yahoo.com",
            "Failure Notice",
            "Sorry, we were unable to deliver.\n\n<gone@customer.de>:\nno such user\n",
        ),
        (
            "postmaster@x.de",
            "Unzustellbar: Angebot",
            "Nicht zugestellt:\ngone@customer.de\nThe email account does not exist",
        ),
    ],
)
def test_bounces_in_prose_are_found_in_several_languages(sender, subject, text):
    found = facts(sender=sender, to=("alice@ours.com",), subject=subject, text=text)
    assert (found.kind, found.bounced) == (MailKind.BOUNCE, ("gone@customer.de",))


def test_a_foreign_list_is_a_list_whoever_else_is_configured():
    listed = mail(headers={"list-id": "<team.ours.com>"})
    assert reading(listed, own=Own(frozenset(), frozenset({"other.com"}))).facts.kind is MailKind.LIST
