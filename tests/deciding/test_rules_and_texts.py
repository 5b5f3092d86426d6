"""The rules as data, and the words people read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import mappings.match
import sync.clocks
from connectors.base.model import Attachment, Place
from mappings.fields import (
    TITLE_LIMIT,
    answer_task,
    catalogue,
    finding_words,
    logged_body,
    plain,
    shorten,
    silence_task,
    size_text,
    stage_task,
)
from mappings.model import FindingKind, MailKind
from mappings.rules import (
    Logging,
    Rules,
    Sign,
    check_stages,
    logging_of,
    overlay,
    parse_duration,
    show_duration,
    signs,
    skipped_addresses,
    skips_mail,
    stage_for,
)
from tests.deciding.kit import ANN, MONDAY, PIPELINE, at, copy, facts, finding, rules, shipped
from tradepost.messages import known

# ---------------------------------------------------------------------------------------------------------------- rules


def test_the_shipped_rules_are_valid_and_say_what_is_promised():
    found = Rules.model_validate(shipped())
    assert (found.first_response.urgent, found.first_response.ordinary) == (timedelta(hours=2), timedelta(hours=24))
    assert (found.silence.after, found.silence.again, found.silence.most) == (timedelta(3), timedelta(7), 3)
    assert {r.when: r.mode for r in found.stages} == {Sign.QUOTATION_SENT: "propose", Sign.ORDER_RECEIVED: "propose"}
    assert logging_of(found, MailKind.BOUNCE) is Logging.NEVER


def test_every_key_has_a_sentence_for_editors():
    schema = Rules.model_json_schema()
    parts = [schema, *(d for d in schema["$defs"].values() if d.get("type") == "object")]
    bare = [name for part in parts for name, key in part["properties"].items() if not key.get("description")]
    assert len(parts) > 5
    assert bare == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"silence": {"after": "soon"}},
        {"silence": {"after": "0d"}},
        {"silence": {"most": 0}},
        {"silence": {"mosst": 3}},
        {"first_response": {"urgent": 2}},
        {"log": {"human": "perhaps"}},
        {"stages": [{"when": "moon", "to": "x"}]},
        {"stages": [{"when": "quotation_sent", "to": ""}]},
        {"stages": [{"when": "quotation_sent", "to": []}]},
        {"exclusions": [{"skip": "mail"}]},
        {"exclusions": [{"skip": "match", "subject": ["x"]}]},
    ],
)
def test_a_wrong_rule_is_refused(wrong):
    with pytest.raises(ValidationError):
        Rules.model_validate(overlay(shipped(), wrong))


def test_own_rules_change_only_what_they_name():
    found = Rules.model_validate(overlay(shipped(), {"silence": {"after": "5d"}, "stages": []}))
    assert (found.silence.after, found.silence.most, found.stages) == (timedelta(5), 3, ())


@given(st.integers(1, 99_999).map(lambda m: timedelta(minutes=m)))
def test_a_duration_is_shown_as_it_is_written(span):
    assert parse_duration(show_duration(span)) == span


# ----------------------------------------------------------------------------------------------------------- exclusions

MAIL = facts("m", sender="Bob@acme.com".lower(), to=[ANN], cc=["legal@law.example"], subject="Re: [Private] 报价单")
INBOX, PRIVATE = copy(ANN, Place.INBOX, "Work"), copy(ANN, Place.INBOX, "Work", "Private/Family")


@pytest.mark.parametrize(
    ("exclusion", "copies", "skipped"),
    [
        ({"address": ["bob@acme.com"]}, (INBOX,), True),
        ({"address": ["BOB@*"]}, (INBOX,), True),
        ({"address": ["ob@acme.com"]}, (INBOX,), False),
        ({"address": ["bob@acme?com"]}, (INBOX,), True),
        ({"address": ["*@law.example"]}, (INBOX,), True),
        ({"address": [ANN]}, (INBOX,), True),
        ({"domain": ["example"]}, (INBOX,), True),
        ({"domain": ["LAW.example"]}, (INBOX,), True),
        ({"domain": ["w.example"]}, (INBOX,), False),
        ({"address": ["bob@*"], "domain": ["law.example"]}, (INBOX,), False),
        ({"subject": ["*[private]*"]}, (INBOX,), True),
        ({"subject": ["[private]*"]}, (INBOX,), False),
        ({"subject": ["*报价*"]}, (INBOX,), True),
        ({"subject": ["*报价*"], "address": ["sue@*"]}, (INBOX,), False),
        ({"label": ["private*"]}, (PRIVATE,), True),
        ({"label": ["private*"]}, (PRIVATE, INBOX), False),
        ({"label": ["private*", "work"]}, (PRIVATE, INBOX), True),
        ({"label": ["*"]}, (), False),
    ],
)
def test_an_exclusion_leaves_out_what_it_names_and_nothing_else(exclusion, copies, skipped):
    found = skips_mail(rules(exclusions=[{"skip": "mail", **exclusion}]).rules, MAIL, copies)
    assert found == (1 if skipped else None)


def test_the_exclusion_that_fits_is_named_by_its_number():
    found = rules(exclusions=[{"skip": "mail", "domain": ["no.example"]}, {"skip": "mail", "domain": ["law.example"]}])
    assert skips_mail(found.rules, MAIL, (INBOX,)) == 2


def test_skip_match_takes_away_single_addresses_only():
    found = rules(exclusions=[{"skip": "match", "domain": ["law.example"]}]).rules
    assert skips_mail(found, MAIL, (INBOX,)) is None
    assert skipped_addresses(found, MAIL, (INBOX,)) == {"legal@law.example"}
    only = rules(exclusions=[{"skip": "match", "domain": ["law.example"], "label": ["Private*"]}]).rules
    assert skipped_addresses(only, MAIL, (INBOX,)) == frozenset()


# --------------------------------------------------------------------------------------------------------------- stages


@pytest.mark.parametrize(
    ("mail", "shown"),
    [
        (facts("m", sender=ANN, to=["b@acme.com"], findings=[finding("quotation")]), ["quotation_sent"]),
        (facts("m", sender=ANN, to=["b@acme.com"], findings=[finding("proforma", "text")]), ["quotation_sent"]),
        (facts("m", sender="b@acme.com", findings=[finding("quotation")]), []),
        (facts("m", sender="b@acme.com", findings=[finding("order", "subject")]), ["order_received"]),
        (facts("m", sender="b@acme.com", answers=["x"], findings=[finding("order", "subject")]), []),
        (facts("m", sender="b@acme.com", answers=["x"], findings=[finding("order", "text")]), ["order_received"]),
        (facts("m", sender=ANN, to=["b@acme.com"], findings=[finding("order")]), []),
        (facts("m", sender="b@acme.com", kind=MailKind.AUTOMATIC, findings=[finding("order")]), ["order_received"]),
        (facts("m", sender="b@acme.com", kind=MailKind.AUTO_REPLY, findings=[finding("order")]), []),
        (facts("m", sender="b@acme.com", kind=MailKind.LIST, findings=[finding("order")]), []),
    ],
)
def test_what_a_mail_shows_about_a_deal(mail, shown):
    assert [sign.value for sign, _ in signs(mail)] == shown


def stage_rule(to):
    return rules(stages=[{"when": "quotation_sent", "to": to}]).rules


@pytest.mark.parametrize(
    ("to", "ident"),
    [
        ("proposal/price QUOTE", "p"),
        ("p", "p"),
        ("Contract sent", None),
        (["Contract sent", "Negotiation/Review"], "r"),
        ([{"stage": "p", "pipeline": "sales"}], "p"),
        ([{"stage": "p", "pipeline": "main", "target": "crm"}], "p"),
        ([{"stage": "p", "pipeline": "Other"}], None),
        ([{"stage": "p", "target": "else"}, "Needs Analysis"], "n"),
    ],
)
def test_a_stage_is_found_by_name_or_id_where_the_deal_is(to, ident):
    found = stage_for(stage_rule(to).stages[0], "crm", PIPELINE)
    assert (found.id if found else None) == ident


def test_check_warns_of_a_pipeline_that_lacks_the_stage_and_of_no_other():
    assert check_stages(stage_rule("p"), "crm", [PIPELINE]) == ()
    lacking = stage_rule("Contract sent")
    assert check_stages(lacking, "crm", [PIPELINE]) == ((lacking.stages[0], PIPELINE),)
    elsewhere = [{"stage": "Contract sent", "target": "hubspot"}]
    assert check_stages(stage_rule(elsewhere), "crm", [PIPELINE]) == ()


# ---------------------------------------------------------------------------------------------------------------- texts


def test_both_languages_have_the_same_texts_with_the_same_values():
    def values(text):
        return set(re.findall(r"{(\w+)}", text))

    english, chinese = catalogue("en"), catalogue("zh")
    assert english.keys() == chinese.keys()
    assert {k: values(v) for k, v in english.items()} == {k: values(v) for k, v in chinese.items()}
    assert catalogue("fr") == english


def test_every_piece_of_evidence_has_a_sentence():
    folders = [Path(mappings.match.__file__).parent, Path(sync.clocks.__file__).parent]
    sources = "".join(p.read_text("utf-8") for f in folders for p in sorted(f.glob("*.py")))
    named = set(re.findall(r'Evidence\(\s*"(\w+)"', sources)) | set(
        re.findall(r'"((?:chosen|owner|ambiguous)_\w+)"', sources)
    )
    named -= {"ambiguous_customer", "owner_of"}
    assert len(named) > 15
    assert [n for n in sorted(named) if not known(f"evidence.{n}")] == []


def test_the_task_to_answer_names_writer_subject_and_due_time_in_chinese():
    zone = ZoneInfo("Asia/Shanghai")
    found = answer_task(
        "zh",
        who="张伟",
        subject="询价：阀门",
        sent=MONDAY.astimezone(zone),
        due=at(2).astimezone(zone),
        urgent=finding_words([finding("complaint", "text", "投诉")], [FindingKind.COMPLAINT], "zh"),
    )
    assert found.title == "【紧急】回复张伟：询价：阀门"
    assert "2026-03-02 18:00（Asia/Shanghai）" in found.text
    assert "紧急原因：正文中的投诉（“投诉”）。" in found.text


def test_a_new_senders_task_says_how_to_make_him_a_customer():
    found = answer_task("en", who="Bob", subject="", sent=MONDAY, due=at(24), newcomer="bob@acme.com")
    assert found.title == "New sender, answer Bob: (no subject)"
    assert "create a contact or a lead with this address" in found.text
    assert "bob@acme.com" in found.text


def test_a_hostile_subject_stays_one_plain_line_and_is_never_read_as_a_text():
    evil = "{who}\r\nBcc: x\u202etxt.exe\x00" + "A" * 5000
    found = answer_task("en", who="{subject}", subject=evil, sent=MONDAY, due=at(2))
    assert len(found.title) <= TITLE_LIMIT
    assert found.title.startswith("Answer {subject}: {who} Bcc: xtxt.exe AAA")
    assert not re.search(r"[\r\n\x00\u202e]", found.title)


def test_silence_and_stage_tasks_say_what_happened():
    quiet = silence_task("en", who="Bob", subject="Offer", sent=MONDAY, days=3, step=1, most=3)
    assert quiet.title == "No answer from Bob for 3 days: Offer"
    assert "reminder 1 of at most 3" in quiet.text
    words = finding_words([finding("quotation", "attachment", "报价")], [FindingKind.QUOTATION], "zh")
    move = stage_task(
        "zh", deal="阀门", now="意向", stage="报价", sign="quotation_sent", words=words, subject="报价单", sent=MONDAY
    )
    assert move.title == "是否将商机“阀门”推进到“报价”？"
    assert "我方已发出报价" in move.text
    assert "附件名中的报价（“报价”）" in move.text


# ----------------------------------------------------------------------------------------------------------- logged text


def file(name="PI-2026-001.pdf", size=123_456, **more):
    return Attachment(name, more.pop("media_type", "application/pdf"), size, **more)


def test_attachments_stand_at_the_end_with_their_sizes_and_signature_pictures_do_not():
    files = [
        file(),
        file("logo.png", 900, media_type="image/png", inline=True),
        file("形式发票.xlsx", 3_500_000, inline=True),
    ]
    found = logged_body("Dear Ann,\nplease see below.\n", attachments=files)
    assert found.text == (
        "Dear Ann,\nplease see below.\n\nAttachments (2):\n- PI-2026-001.pdf (121 KB)\n- 形式发票.xlsx (3.3 MB)"
    )


def test_a_long_mail_is_shortened_with_a_mark_and_keeps_its_attachments():
    found = logged_body("报" * 40_000, attachments=[file()], limit=1000, language="zh")
    assert len(found.text) <= 1000
    assert "原邮件共 40000 个字符" in found.text
    assert found.text.endswith("附件（1 个）：\n- PI-2026-001.pdf (121 KB)")


def test_a_mail_that_fits_is_left_as_it_is():
    assert logged_body("x" * 1000, limit=1000).text == "x" * 1000
    assert logged_body("", attachments=[]).text == ""
    assert logged_body("", attachments=[file()]).text.startswith("Attachments (1):")


def test_html_is_kept_only_whole_and_lists_attachments_escaped():
    found = logged_body("t", "<p>t</p>", attachments=[file("<b>.pdf")])
    assert found.html == "<p>t</p><div>Attachments (1):</div><div>- &lt;b&gt;.pdf (121 KB)</div>"
    assert logged_body("t", "<p>" + "x" * 1000, limit=1000).html == ""


def test_very_many_attachments_are_counted_and_not_all_named():
    found = logged_body("t", attachments=[file(f"{n}.pdf") for n in range(500)])
    assert "Attachments (500):" in found.text
    assert "- and 450 more" in found.text


@given(
    st.text(max_size=300),
    st.integers(0, 200),
    st.lists(st.text(max_size=40), max_size=5),
    st.sampled_from(["en", "zh"]),
)
def test_no_text_is_ever_longer_than_its_limit(text, limit, names, language):
    found = logged_body(text, text, attachments=[file(n) for n in names], limit=limit, language=language)
    assert len(found.text) <= limit
    assert len(found.html) <= limit
    assert len(plain(text, 40)) <= 40


@pytest.mark.parametrize("sign", ["e\u0301", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f", "\U0001f44d\U0001f3fd"])
def test_no_written_sign_is_cut_apart(sign):
    for limit in range(8, 30):
        kept = shorten("ab" + sign * 20, limit, "…").removesuffix("…").removeprefix("ab")
        assert kept == sign * (len(kept) // len(sign))


def test_sizes_read_as_people_write_them():
    assert [size_text(n) for n in (-1, 0, 999, 2048, 1_500_000, 50 * 1024**2, 3 * 1024**3)] == [
        "0 B",
        "0 B",
        "999 B",
        "2 KB",
        "1.4 MB",
        "50 MB",
        "3.0 GB",
    ]
