"""What people and scripts are shown, in both languages."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from rich.cells import cell_len
from rich.console import RenderableType

from connectors.base.model import (
    Address,
    CompleteTask,
    CreateCustomer,
    CreateTask,
    LinkEmail,
    LogEmail,
    MoveDeal,
    Participant,
    RecordKind,
    RecordRef,
    Remove,
    Role,
    SetFields,
    Severity,
    Write,
    WriteKind,
)
from mappings.model import Direction, Evidence, Facts, FindingKind, MailKind, Reason, TextFinding
from sync.coverage import Coverage, Whereabouts
from sync.model import ItemState
from sync.store.report import CoverageReport, ItemReport, JournalLine, LaneState, MailReport, VerdictReport
from tradepost.messages import Language, sentence
from tradepost.terminal import open_console
from tradepost.views.check import CheckRow, Trouble, check_json, check_table, ready
from tradepost.views.explain import explain_json, explain_view
from tradepost.views.status import Status, parked_table, status_json, status_view
from tradepost.views.writes import Stages, intent_text, preview_json, preview_view, records

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CONTACT = RecordRef(RecordKind.CONTACT, "003A")
EVIL = "Angebot \x1b[31m[red]x[/red]"

both = pytest.mark.parametrize("language", list(Language))


def shown(what: RenderableType) -> str:
    stream = io.StringIO()
    open_console(stream, {}).print(what)
    return stream.getvalue()


def log_email(subject: str = EVIL) -> LogEmail:
    return LogEmail(
        key="v1:aa",
        mail="m1",
        message_id="x@y",
        thread="1",
        sent_at=NOW,
        incoming=True,
        subject=subject,
        from_=Address("bob@buyer.example"),
        participants=(Participant(CONTACT, Role.FROM, "bob@buyer.example"),) * 2,
        deal="006A",
    )


def task() -> CreateTask:
    return CreateTask(key="v1:bb", title="Answer Bob", text="...", due_at=NOW, due_on=date(2026, 3, 2), record=CONTACT)


def item(write: Write | None = None, **values: object) -> ItemReport:
    write = write or log_email()
    usual = {
        "key": write.key,
        "target": "crm",
        "kind": write.kind,
        "mail": "m1",
        "state": ItemState.READY,
        "rule": "log.human",
        "evidence": (Evidence("exact_address", (("record", "contact:003A"),)),),
        "write": write,
        "reason": "",
        "detail": "",
        "record": "",
        "effect": "",
        "url": "",
        "note": "",
        "tries": 0,
        "created_at": NOW,
        "sent_at": None,
        "ended_at": None,
    }
    return ItemReport(**(usual | values))  # type: ignore[arg-type]


def coverage(mailbox: str, **sums: int) -> CoverageReport:
    found = {where: sums.get(where, 0) for where in Whereabouts}
    reasons = {Whereabouts.EXCLUDED: {"internal": sums["excluded"]}} if sums.get("excluded") else {}
    total = Coverage(listed=sum(found.values()), sums=found, reasons=reasons)
    return CoverageReport(mailbox=mailbox, counted_at=NOW, since=NOW, until=NOW, coverage=total)


STATUS = Status(
    coverage=(
        coverage("alice@acme.example", synced=1200, excluded=30, waiting=4, parked=1),
        coverage("王@acme.example", synced=7, missing=2),
    ),
    parked=(item(state=ItemState.PARKED, reason=Reason.REJECTED, detail="FIELD_INTEGRITY", tries=3),),
    lanes=(
        LaneState(name="mail:a", state="running", code="", hint="", until=None, beat_at=NOW, failures=0),
        LaneState(
            name="target:crm",
            state="paused",
            code="AuthFailed token 401",
            hint="Renew it.",
            until=NOW,
            beat_at=NOW,
            failures=2,
        ),
    ),
    counts={("crm", "log_email", "done"): 1207, ("crm", "log_email", "parked"): 1, ("crm", "create_task", "done"): 3},
)

MAIL = MailReport(
    identity="m1",
    facts=Facts(
        identity="m1",
        reader=1,
        sent_at=NOW,
        direction=Direction.INCOMING,
        kind=MailKind.HUMAN,
        subject=EVIL,
        from_=Address("bob@buyer.example"),
        to=(Address("alice@acme.example"),),
        findings=(TextFinding(FindingKind.ORDER, "subject", "PO"),),
    ),
    thread=1,
    live=False,
    copies=(("alice@acme.example", "18c", "read"),),
    verdicts=(
        VerdictReport(target="crm", state="log", reason="", evidence=(Evidence("exact_address"),), decided_at=NOW),
        VerdictReport(
            target="other",
            state="waiting",
            reason="ambiguous_customer",
            evidence=(Evidence("third_party_rule", (("candidates", "contact:1 contact:2"),)),),
            decided_at=NOW,
        ),
    ),
    items=(
        item(
            state=ItemState.DONE,
            record="02sA",
            effect="created",
            url="https://crm.example/02sA",
            note="text_cut,new_code",
        ),
    ),
    journal=(JournalLine(at=NOW, event="item.done", item="v1:aa", details={"record": "02sA"}),),
)


@both
def test_status_shows_every_part_of_the_sum_and_its_total(language: Language) -> None:
    text = shown(status_view(STATUS, language))
    total = next(line for line in text.splitlines() if line.strip().startswith({"en": "Total", "zh": "合计"}[language]))
    assert [part for part in total.split() if part[0].isdigit()] == ["1,244", "1,207", "30", "4", "1", "2"]


@both
def test_columns_of_status_line_up_under_chinese(language: Language) -> None:
    lines = shown(status_view(STATUS, language)).splitlines()
    rows = [line for line in lines if "@acme.example" in line][:2]
    assert len({cell_len(row.rstrip()) for row in rows}) == 1


@both
def test_status_tells_the_reasons_of_what_is_parked_and_of_a_paused_lane(language: Language) -> None:
    text = shown(status_view(STATUS, language))
    words = {"en": ("refuses it", "credentials are refused"), "zh": ("拒绝接受", "凭据被拒绝")}[language]
    assert all(word in text for word in (*words, "FIELD_INTEGRITY", "Renew it.", "token 401"))


def test_status_before_anything_happened_says_how_to_begin() -> None:
    assert "tradepost run" in shown(status_view(Status(coverage=()), Language.EN))


def test_status_for_scripts_adds_up() -> None:
    data = json.loads(json.dumps(status_json(STATUS, Language.EN)))
    for row in data["coverage"]:
        assert row["listed"] == sum(row[w] for w in ("synced", "excluded", "waiting", "parked", "missing"))
    assert data["coverage"][0]["reasons"]["excluded"] == {"internal": 30}
    assert data["lanes"][1]["state"] == "paused"
    assert {"target": "crm", "kind": "create_task", "state": "done", "count": 3} in data["items"]
    assert data["parked"][0]["reason"] == "rejected"


@both
def test_check_shows_each_trouble_with_what_mends_it(language: Language) -> None:
    rows = (
        CheckRow(subject="google", account="gmail:alice"),
        CheckRow(
            subject="crm",
            troubles=(
                Trouble(Severity.WARNING, "No field.", "Run setup."),
                Trouble(Severity.ERROR, sentence("reason.draft"), "Grant it."),
            ),
        ),
    )
    text = shown(check_table(rows, language))
    assert all(
        word in text for word in ("No field.", "Run setup.", "Grant it.", sentence("reason.draft").say(language))
    )
    assert not ready(rows)
    assert ready(rows[:1])
    data = json.loads(json.dumps(check_json(rows, language)))
    assert [row["verdict"] for row in data["checked"]] == ["ok", "error"]
    assert data["ready"] is False


def test_warnings_do_not_stop_anybody() -> None:
    assert ready([CheckRow(subject="crm", troubles=(Trouble(Severity.WARNING, "a", "b"),))])


@both
def test_explain_tells_verdict_rule_evidence_and_what_became_of_it(language: Language) -> None:
    text = shown(explain_view(MAIL, language))
    words = {
        "en": ("ambiguous", "Several customers fit", "order", "history", "created", "was cut", "written"),
        "zh": ("几个客户符合", "订单", "历史邮件", "已新建", "截短", "已写入"),
    }[language]
    assert all(word in text for word in ("log.human", "contact:1 contact:2", "third_party_rule", "02sA", "new_code"))
    assert [word for word in words[language == "en" :] if word not in text] == []


@both
def test_a_subject_cannot_steer_the_terminal(language: Language) -> None:
    for text in (shown(explain_view(MAIL, language)), shown(preview_view([item()], language))):
        assert "\x1b" not in text
        assert "[red]x[/red]" in text


def test_explain_for_scripts_is_plain_data_without_bodies() -> None:
    data = json.loads(json.dumps(explain_json(MAIL, Language.EN)))
    assert data["verdicts"][1]["evidence"] == [
        {"rule": "third_party_rule", "details": {"candidates": "contact:1 contact:2"}}
    ]
    assert data["items"][0]["write"]["participants"][0]["ref"] == {"kind": "contact", "id": "003A"}
    assert "body" not in data["items"][0]["write"]


@both
def test_preview_shows_each_write_and_says_that_nothing_was_sent(language: Language) -> None:
    text = shown(preview_view([item(), item(task())], language))
    assert "Answer Bob" in text
    assert "contact:003A, deal:006A" in text
    assert {"en": "Nothing was sent", "zh": "没有发送"}[language] in text
    assert shown(preview_view([], language)).strip() != ""


def test_preview_for_scripts_holds_the_whole_write() -> None:
    data = json.loads(json.dumps(preview_json([item(task())])))
    assert data["writes"][0]["write"]["due_on"] == "2026-03-02"


WRITES = (
    log_email(),
    LinkEmail(key="k", mail="m", logged_key="l", deal="006A"),
    task(),
    CompleteTask(key="k", task_key="t"),
    MoveDeal(key="k", deal="006A", pipeline="p", expect_stage="A", to_stage="B"),
    SetFields(key="k", record=CONTACT, fields=(("Phone", "1"),)),
    CreateCustomer(key="k", email="bob@buyer.example", name="Bob", company_name="Buyer"),
    Remove(key="k", made_by=WriteKind.LOG_EMAIL, record="02sA"),
)


@both
def test_every_kind_of_write_has_words(language: Language) -> None:
    assert {w.kind for w in WRITES} == set(WriteKind)
    assert len({intent_text(item(write), language, Stages(())) for write in WRITES}) == len(WRITES)
    assert [records(write) for write in WRITES[1:3]] == [["deal:006A"], ["contact:003A"]]


# --------------------------------------------------------------------------------------------------------- stages' names

MOVED = MoveDeal(key="v1:m", deal="006A", pipeline="default", expect_stage="qualifiedtobuy", to_stage="contractsent")
WHY = (Evidence("stage", (("sign", "quotation_sent"), ("from", "Qualified To Buy"), ("to", "Contract Sent"))),)


def moves() -> tuple[ItemReport, ...]:
    """A move, a proposal of another stage, and a move back that has no evidence of its own."""
    back = MoveDeal(key="v1:u", deal="006A", pipeline="default", expect_stage="contractsent", to_stage="qualifiedtobuy")
    return (
        item(MOVED, rule="stage:contractsent", evidence=WHY),
        item(back, rule="undo:4", evidence=()),
        item(replace(MOVED, key="v1:o"), target="other", rule="", evidence=()),
    )


@both
def test_stages_are_shown_by_name_and_by_id_to_scripts_only(language: Language) -> None:
    here, back, elsewhere = moves()
    lines = (JournalLine(at=NOW, event="item.decided", item="v1:m", details={"rule": "stage:contractsent"}),)
    told = replace(MAIL, items=(here, back), journal=lines)
    for text in (shown(explain_view(told, language)), shown(preview_view((here, back), language))):
        assert "Qualified To Buy" in text
        assert "Contract Sent" in text
        assert "qualifiedtobuy" not in text
        assert "contractsent" not in text
    data = explain_json(told, language)["items"][0]  # type: ignore[index]
    assert (data["write"]["expect_stage"], data["rule"]) == ("qualifiedtobuy", "stage:contractsent")
    # One CRM's names say nothing of another's stages.
    assert "qualifiedtobuy" in intent_text(elsewhere, language, Stages((here, elsewhere)))


@both
def test_a_refusal_says_what_is_to_be_mended_wherever_it_is_shown(language: Language) -> None:
    detail = "Rejected deals.update 400 X (amount): HubSpot refused it: X (amount)"
    parked = item(state=ItemState.PARKED, reason="rejected", detail=detail)
    mend = {Language.EN: "HubSpot refused it: X (amount)", Language.ZH: "HubSpot 拒绝了写入：X (amount)"}[language]
    assert mend in shown(explain_view(replace(MAIL, items=(parked,)), language))
    assert mend in shown(parked_table([parked], language))
    assert mend in status_json(Status(coverage=(), parked=(parked,)), language)["parked"][0]["detail_text"]  # type: ignore[index]
    waiting = item(detail="Transient tasks.create 503: The server failed.")
    told = {Language.EN: "The server failed.", Language.ZH: "服务器出错。"}[language]
    assert told in shown(explain_view(replace(MAIL, items=(waiting,)), language))
