"""The clocks: until we answer the customer, and until he answers us."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from connectors.base.model import Capability, WriteKind
from mappings.calendar import calendar
from mappings.model import MailKind, Reason
from sync.decide import decide
from sync.model import ItemState, NewSender
from tests.deciding.kit import (
    ANN,
    BEN,
    SPANS,
    at,
    carried_out,
    copy,
    deal,
    directory,
    finding,
    mail,
    of_kind,
    only,
    record,
    rules,
    target,
    thread,
    why,
)

BOB = record("contact:bob", "bob@acme.com", name="Bob Smith", company="company:acme")
SUE = record("contact:sue", "sue@globex.com")
CRM = directory(BOB, SUE)
RULES = rules()
TASK, DONE = WriteKind.CREATE_TASK, WriteKind.COMPLETE_TASK


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


NOW = at(3)


def tasks(*mails, now=NOW, crm=CRM, rule_set=RULES, **more):
    return of_kind(decide(thread(*mails, crm=crm, **more), rule_set, now), TASK)


def ask(ident="a", hours=2.0, **more):
    return mail(ident, sender=more.pop("sender", "bob@acme.com"), when=at(hours), **more)


def answer(ident="z", hours=3.0, to=("bob@acme.com",), **more):
    more.setdefault("answers", ["a"])
    return mail(ident, sender=more.pop("sender", ANN), to=to, when=at(hours), **more)


# ------------------------------------------------------------------------------------------------------- first response


@pytest.mark.parametrize(
    ("arrived", "findings", "due"),
    [
        # Monday is 2 March; work is 09:00 to 18:00 UTC.
        (utc(2026, 3, 2, 10), [], utc(2026, 3, 3, 10)),
        (utc(2026, 3, 2, 22), [], utc(2026, 3, 4, 9)),  # Tuesday 22:00 moves to Wednesday's beginning
        (utc(2026, 3, 6, 10), [], utc(2026, 3, 9, 9)),  # Friday: Saturday 10:00 moves to Monday
        (utc(2026, 3, 2, 10), [finding("urgent", "text")], utc(2026, 3, 2, 12)),
        (utc(2026, 3, 6, 17), [finding("complaint", "text")], utc(2026, 3, 9, 10)),
        (utc(2026, 3, 2, 10), [finding("enquiry", "text")], utc(2026, 3, 3, 10)),
    ],
)
def test_an_answer_is_due_in_time_and_at_work(arrived, findings, due):
    (task,) = tasks(mail("a", sender="bob@acme.com", when=arrived, findings=findings), now=arrived)
    assert task.due_at == due
    assert task.due_on == due.date()
    assert task.urgent is any(f.kind.value in ("urgent", "complaint") for f in findings)


def test_without_working_hours_both_clocks_run_through():
    through = rules(first_response={"working_hours": False})
    friday = utc(2026, 3, 6, 17)
    (task,) = tasks(mail("a", sender="bob@acme.com", when=friday), now=friday, rule_set=through)
    assert task.due_at == friday + timedelta(hours=24)


def test_due_times_keep_to_the_companys_holidays_and_its_own_day():
    shanghai = rules(calendar("Asia/Shanghai", public="CN"), first_response={"urgent": "2h"})
    eve = utc(2026, 2, 14, 9, 30)  # 17:30 on the last working day before Spring Festival
    (task,) = tasks(
        mail("a", sender="bob@acme.com", when=eve, findings=[finding("urgent")]), now=eve, rule_set=shanghai
    )
    assert task.due_at == utc(2026, 2, 24, 2, 30)
    assert task.due_on == date(2026, 2, 24)
    late = utc(2026, 3, 2, 20)  # 04:00 the next day there
    (task,) = tasks(mail("b", sender="bob@acme.com", when=late), now=late, rule_set=shanghai)
    assert task.due_on == date(2026, 3, 4)


def test_the_task_hangs_on_the_customer_and_the_deal_and_names_its_evidence():
    crm = directory(BOB, deals=[deal("d1", "contact:bob")])
    decision = decide(thread(ask(name="Bob"), crm=crm), RULES, at(3))
    task = only(decision, TASK)
    assert (task.record, task.deal) == (BOB.ref, "d1")
    assert task.title == "Answer Bob: Valves"
    assert {"first_response", "address_exact"} <= why(decision, task)
    (intent,) = [i for i in decision.intents if i.write == task]
    assert (intent.mail, intent.order_key, intent.rule) == ("a", f"task:{task.key}", "first_response")


def test_one_round_has_one_task_however_often_the_customer_writes():
    mails = [ask("a"), ask("b", 2.5), ask("c", 2.7, cc=["sue@globex.com"])]
    decision = decide(thread(*mails, crm=CRM), RULES, at(3))
    assert len(of_kind(decision, TASK)) == 1
    grown = replace(
        carried_out(thread(*mails[:1], crm=CRM), decide(thread(mails[0], crm=CRM), RULES, at(3))), mails=tuple(mails)
    )
    assert of_kind(decide(grown, RULES, at(3)), TASK) == []


def test_an_older_mail_that_comes_late_makes_no_second_task():
    view = thread(ask("b", 2.5), crm=CRM)
    view = carried_out(view, decide(view, RULES, at(3)), ItemState.DONE)
    assert of_kind(decide(replace(view, mails=(ask("a"), ask("b", 2.5))), RULES, at(3)), TASK) == []


def test_an_urgent_mail_within_the_round_counts_for_the_round():
    (task,) = tasks(ask("a"), ask("b", 2.5, findings=[finding("complaint", "text", "broken")]))
    assert task.urgent
    assert task.due_at == at(4.5)
    assert "broken" in task.text


@pytest.mark.parametrize(
    "reply",
    [
        answer(),
        answer(sender=BEN, copies=[copy(BEN)]),
        answer(to=("colleague@acme.com",)),
        answer(to=("x@y.example",), cc=["bob@acme.com"]),
        answer("0", hours=2.0),
        answer(hours=1.0),  # our clock is behind, but it names the mail it answers
        answer(live=False),
    ],
    ids=["writer", "colleague of ours", "colleague of theirs", "in cc", "same second", "clock behind", "history"],
)
def test_any_human_answer_of_ours_to_the_customer_ends_the_round(reply):
    assert tasks(ask(), reply) == []


@pytest.mark.parametrize(
    "other",
    [
        answer(kind=MailKind.AUTO_REPLY),
        answer(kind=MailKind.AUTOMATIC),
        answer(to=("boss@factory.example",)),
        answer(to=(BEN,)),
        answer(hours=1.0, answers=[]),
    ],
    ids=["auto-reply", "automatic", "forward to a factory", "internal", "earlier mail"],
)
def test_nothing_else_ends_it(other):
    assert len(tasks(ask(), other)) == 1


def test_a_mail_after_our_answer_opens_a_new_round():
    made = tasks(ask("a"), answer("z", 3), ask("b", 4, answers=["a", "z"]), now=at(5))
    assert [t.due_at for t in made] == [at(4 + 24)]


@pytest.mark.parametrize(
    "quiet",
    [
        ask(kind=MailKind.AUTO_REPLY),
        ask(kind=MailKind.AUTOMATIC),
        ask(kind=MailKind.LIST),
        ask(live=False),
    ],
)
def test_only_live_human_mail_opens_a_round(quiet):
    assert tasks(quiet) == []


def test_a_live_reminder_of_an_old_unanswered_mail_opens_the_round():
    (task,) = tasks(ask("a", live=False), ask("b", 2.5))
    assert task.due_at == at(26.5)


def test_two_customers_in_one_thread_have_a_round_each():
    both = (ask("a"), ask("b", 2.2, sender="sue@globex.com", answers=["a"]))
    assert {t.record.id for t in tasks(*both)} == {"bob", "sue"}
    assert [t.record.id for t in tasks(*both, answer(to=("sue@globex.com",)))] == ["bob"]
    assert tasks(*both, answer(to=("sue@globex.com", "bob@acme.com"))) == []


def test_excluded_mail_opens_nothing():
    assert tasks(ask(), rule_set=rules(exclusions=[{"skip": "mail", "domain": ["acme.com"]}])) == []


def test_switched_off_or_impossible_there_are_no_tasks():
    assert tasks(ask(), rule_set=rules(first_response={"enabled": False})) == []
    assert tasks(ask(), target=target(capabilities={**SPANS, TASK: Capability(exists=False)})) == []


@pytest.mark.parametrize("state", [ItemState.READY, ItemState.PARKED])
def test_an_answer_before_the_task_was_sent_drops_it(state):
    view = thread(ask(), crm=CRM)
    first = decide(view, RULES, at(2.1))
    key = only(first, TASK).key
    answered = replace(carried_out(view, first, state), mails=(ask(), answer()))
    decision = decide(answered, RULES, at(3.1))
    assert (key, Reason.OVERTAKEN) in decision.drops
    assert of_kind(decision, DONE) == []


@pytest.mark.parametrize("state", [ItemState.SENDING, ItemState.UNKNOWN, ItemState.DONE])
def test_an_answer_completes_a_task_that_was_sent(state):
    view = thread(ask(), crm=CRM)
    first = decide(view, RULES, at(2.1))
    key = only(first, TASK).key
    view = replace(carried_out(view, first, state), mails=(ask(), answer()))
    decision = decide(view, RULES, at(3.1))
    done = only(decision, DONE)
    assert done.task_key == key
    (intent,) = [i for i in decision.intents if i.write == done]
    assert intent.needs == (key,)
    assert intent.order_key == f"task:{key}"
    assert decision.drops == ()
    assert of_kind(decide(carried_out(view, decision), RULES, at(3.1)), DONE) == []


# ----------------------------------------------------------------------------------------------------------- new senders


def test_a_new_sender_gets_a_task_that_says_so_where_the_mailbox_asks_for_one():
    stranger = ask(sender="new@home.example", name="Newman")
    (task,) = tasks(stranger, new_sender=NewSender.TASK)
    assert task.title.startswith("New sender, answer Newman")
    assert "new@home.example is not in the CRM" in task.text
    assert task.record is None
    assert tasks(stranger, new_sender=NewSender.WAIT) == tasks(stranger, new_sender=NewSender.CREATE) == []


def test_a_new_senders_task_is_not_made_again_once_he_is_known_and_ends_with_the_answer():
    stranger = ask(sender="new@home.example")
    view = thread(stranger, crm=CRM, new_sender=NewSender.TASK)
    view = carried_out(view, decide(view, RULES, at(2.1)), ItemState.DONE)
    known = replace(view, directory=directory(record("lead:n", "new@home.example")))
    assert of_kind(decide(known, RULES, at(2.5)), TASK) == []
    replied = replace(known, mails=(stranger, answer(to=("new@home.example",))))
    assert len(of_kind(decide(replied, RULES, at(4)), DONE)) == 1


def test_an_ambiguous_customer_is_answered_too_and_the_task_names_the_candidates():
    crm = directory(BOB, record("contact:twin", "bob@acme.com"))
    (task,) = tasks(ask(), crm=crm)
    assert "contact:bob, contact:twin" in task.text
    assert task.record is None


def test_a_chinese_team_reads_chinese():
    (task,) = tasks(
        ask(sender="new@home.example", name="李雷"), new_sender=NewSender.TASK, target=target(language="zh")
    )
    assert task.title == "【新发件人】回复李雷：Valves"


# --------------------------------------------------------------------------------------------------------------- silence


def quiet(now, *more, rule_set=RULES, crm=CRM, view=None):
    ours = mail("o", sender=ANN, to=["bob@acme.com"], when=at(2))
    base = view or thread(ours, crm=crm)
    return decide(replace(base, mails=(ours, *more), directory=crm), rule_set, now)


FIRST, SECOND, THIRD = at(2, 3), at(2, 10), at(2, 17)


@pytest.mark.parametrize(
    ("now", "step", "wake"),
    [
        (at(3), None, FIRST),
        (FIRST - timedelta(seconds=1), None, FIRST),
        (FIRST, 1, SECOND),
        (SECOND, 2, THIRD),
        (THIRD, 3, None),
        (at(2, 300), 3, None),
    ],
)
def test_reminders_come_after_three_days_and_every_seven_more_at_most_three(now, step, wake):
    decision = quiet(now)
    made = of_kind(decision, TASK)
    assert decision.wake_at == wake
    assert [f"reminder {step} of" in t.text for t in made] == ([True] if step else [])
    assert [t.due_at for t in made] == ([[FIRST, SECOND, THIRD][step - 1]] if step else [])


def test_woken_at_its_own_times_a_mail_gets_three_reminders_and_no_more():
    view = thread(mail("o", sender=ANN, to=["bob@acme.com"], when=at(2)), crm=CRM)
    now, keys = at(2), []
    for _ in range(20):
        decision = decide(view, RULES, now)
        keys += [t.key for t in of_kind(decision, TASK)]
        view = carried_out(view, decision, ItemState.DONE)
        now = decision.wake_at or now + timedelta(days=1)
    assert len(keys) == len(set(keys)) == 3


def test_a_reminder_that_falls_on_a_weekend_waits_for_work():
    friday = mail("o", sender=ANN, to=["bob@acme.com"], when=at(8, 2))  # Wednesday 16:00, so Saturday
    decision = decide(thread(friday, crm=CRM), RULES, at(9, 2))
    assert decision.wake_at == utc(2026, 3, 7, 16) + timedelta(days=1, hours=17)


def test_the_reminder_names_the_customer_as_the_crm_does():
    (task,) = of_kind(quiet(FIRST), TASK)
    assert task.title == "No answer from Bob Smith for 3 days: Valves"
    assert task.record == BOB.ref


def customer(ident="i", **more):
    more.setdefault("answers", ["o"])
    return mail(ident, sender=more.pop("sender", "bob@acme.com"), when=at(more.pop("hours", 30)), **more)


@pytest.mark.parametrize(
    ("then", "silent"),
    [
        (customer(), False),
        (customer(sender="colleague@acme.com"), False),
        (customer(sender="bob@private.example"), False),  # unknown, but answers in his thread
        (customer(live=False), False),
        (customer(kind=MailKind.AUTO_REPLY), True),
        (customer(kind=MailKind.BOUNCE), True),
        (customer(sender="sue@globex.com"), True),
    ],
    ids=["he", "his colleague", "other address", "history", "out of office", "bounce", "another customer"],
)
def test_only_a_human_answer_of_that_customer_ends_the_silence(then, silent):
    decision = quiet(FIRST, then)
    reminders = [t for t in of_kind(decision, TASK) if t.title.startswith("No answer")]
    assert bool(reminders) is silent


@pytest.mark.parametrize("state", [ItemState.READY, ItemState.DONE])
@pytest.mark.parametrize("then", [customer(hours=80), answer("p", 80)], ids=["answer", "follow-up"])
def test_an_answer_or_a_new_mail_of_ours_ends_open_reminders(state, then):
    view = carried_out(thread(crm=CRM), quiet(FIRST), state)
    decision = quiet(at(81), then, view=view)
    if state is ItemState.READY:
        assert [r for _, r in decision.drops] == [Reason.OVERTAKEN]
    else:
        assert len(of_kind(decision, DONE)) == 1


def test_a_new_mail_of_ours_starts_a_clock_of_its_own():
    decision = quiet(at(81), answer("p", 80))
    assert of_kind(decision, TASK) == []
    assert decision.wake_at == utc(2026, 3, 9, 9)  # Thursday 16:00 and three days is Sunday


@pytest.mark.parametrize(
    "ours",
    [
        mail("o", sender=ANN, to=["bob@acme.com"], when=at(2), live=False),
        mail("o", sender=ANN, to=["bob@acme.com"], when=at(2), kind=MailKind.AUTO_REPLY),
        mail("o", sender=ANN, to=["bob@acme.com"], when=at(2), kind=MailKind.AUTOMATIC),
        mail("o", sender=ANN, to=["who@nowhere.example"], when=at(2)),
        mail("o", sender=ANN, to=[BEN], when=at(2)),
    ],
)
def test_only_live_human_mail_to_a_customer_waits_for_an_answer(ours):
    decision = decide(thread(ours, crm=CRM), RULES, at(2, 30))
    assert of_kind(decision, TASK) == []
    assert decision.wake_at is None


def test_nobody_is_reminded_once_the_deal_is_closed_or_the_rule_is_off():
    won = directory(BOB, deals=[deal("d1", "contact:bob", stage="w")])
    view = thread(crm=won)
    view = replace(view, link=replace(view.link, deal="d1"))
    assert of_kind(quiet(FIRST, crm=won, view=view), TASK) == []
    assert of_kind(quiet(FIRST, rule_set=rules(silence={"enabled": False})), TASK) == []
