"""Which mail is logged, on what, for whom; what waits and what is left out, with reasons."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from connectors.base.model import Address, Attachment, Capability, Place, User, WriteKind
from mappings.model import MailKind, Reason, ThreadLink
from sync.decide import decide
from sync.model import ItemState, MailboxPolicy, NewSender
from tests.deciding.kit import (
    ANN,
    BEN,
    MONDAY,
    SPANS,
    at,
    carried_out,
    copy,
    deal,
    directory,
    fate,
    finding,
    item,
    mail,
    of_kind,
    only,
    record,
    ref,
    rules,
    target,
    thread,
    verdict,
    why,
)

BOB = record("contact:bob", "bob@acme.com", company="company:acme", owner="u9")
SUE = record("contact:sue", "sue@globex.com")
ACME = record("company:acme", domains=["acme.com"])
RULES = rules()
LOG, LINK = WriteKind.LOG_EMAIL, WriteKind.LINK_EMAIL
NO_SPAN = {**SPANS, LOG: Capability(spans_records=False), LINK: Capability(exists=False)}


CRM, NOW = directory(BOB, SUE, ACME), at(0.1)


def run(*mails, crm=CRM, rule_set=RULES, now=NOW, **more):
    return decide(thread(*mails, crm=crm, **more), rule_set, now)


def rules_of(decision, ident):
    return {e.rule for e in verdict(decision, ident).evidence}


# -------------------------------------------------------------------------------------------------------------- logging


def test_a_customers_mail_is_logged_once_on_all_its_records_with_its_own_date_and_deal():
    crm = directory(BOB, SUE, deals=[deal("d1", "contact:bob")])
    file = Attachment("PO.pdf", "application/pdf", 10)
    decision = run(mail("a", sender="bob@acme.com", cc=["sue@globex.com"], name="Bob", attachments=[file]), crm=crm)
    write = only(decision, LOG)
    assert [p.ref.id for p in write.participants] == ["bob", "sue"]
    assert (write.deal, write.sent_at, write.incoming, write.message_id) == ("d1", MONDAY, True, "a@mail")
    assert (write.from_, write.to, write.attachments) == (Address("bob@acme.com", "Bob"), (Address(ANN),), (file,))
    assert fate(decision, "a") == ("log", None)
    assert {"address_exact", "only_open_deal", "owner_record"} >= why(decision, write) - {"owner_none"}
    assert decision.intents[0].order_key == ""


def test_outgoing_mail_is_logged_for_whom_it_went_to():
    write = only(run(mail("a", sender=ANN, to=["bob@acme.com"])), LOG)
    assert not write.incoming
    assert write.participants[0].ref == BOB.ref


def test_history_is_logged_and_causes_nothing_else():
    old = mail("a", sender="bob@acme.com", live=False, findings=[finding("urgent"), finding("order")])
    ours = mail("b", sender=ANN, to=["bob@acme.com"], when=at(1), live=False, findings=[finding("quotation")])
    stranger = mail("c", sender="new@home.example", when=at(2), live=False)
    crm = directory(BOB, deals=[deal("d1", "contact:bob")])
    apply = rules(
        stages=[{"when": "quotation_sent", "to": "p", "mode": "apply"}, {"when": "order_received", "to": "r"}]
    )
    for new_sender in NewSender:
        decision = run(old, ours, stranger, crm=crm, rule_set=apply, now=at(days=30), new_sender=new_sender)
        assert {i.write.kind for i in decision.intents} == {LOG}
        assert decision.wake_at is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_copies_and_mails_changes_nothing(order):
    copies = [copy(BEN), copy(ANN, Place.SENT), copy("other@ours.example", Place.JUNK)]
    users = [User(id="u1", emails=(ANN,)), User(id="u2", emails=(BEN,))]
    mails = [
        mail("a", sender="bob@acme.com", to=["sales@ours.example"], copies=[copies[i] for i in order]),
        mail("b", sender="bob@acme.com", when=at(1)),
        mail("c", sender="x@y.example", when=at(1)),
    ]
    crm = directory(BOB, users=users)
    first = run(replace(mails[0], copies=tuple(copies)), *mails[1:], crm=crm, now=at(2))
    assert run(*(mails[i] for i in order), crm=crm, now=at(2)) == first
    assert only(run(mails[0], crm=crm), LOG).owner == "u1"


# ---------------------------------------------------------------------------------------------------- waiting, left out


def test_mail_of_nobody_known_waits_and_is_logged_when_the_crm_knows_him():
    stranger = mail("a", sender="new@home.example")
    decision = run(stranger)
    assert fate(decision, "a") == ("waiting", Reason.NO_CUSTOMER)
    assert "unknown_address" in rules_of(decision, "a")
    assert decision.intents == ()
    later = run(stranger, crm=directory(record("lead:n", "new@home.example")), now=at(days=9))
    assert only(later, LOG).sent_at == MONDAY


def test_an_ambiguous_mail_waits_and_names_its_candidates():
    twin = record("contact:twin", "bob@acme.com")
    decision = run(mail("a", sender="bob@acme.com"), crm=directory(BOB, twin))
    assert fate(decision, "a") == ("waiting", Reason.AMBIGUOUS_CUSTOMER)
    (evidence,) = verdict(decision, "a").evidence
    assert dict(evidence.details)["candidates"] == "contact:bob contact:twin"
    assert of_kind(decision, LOG) == []


@pytest.mark.parametrize(
    ("one", "changes", "reason", "rule"),
    [
        (mail("a", sender=ANN, to=[BEN]), {}, Reason.INTERNAL, "internal"),
        (mail("a", sender="bob@acme.com", kind=MailKind.BOUNCE), {}, Reason.BOUNCE_MAIL, "kind_left_out"),
        (mail("a", sender="n@news.example", kind=MailKind.LIST), {}, Reason.LIST_MAIL, "kind_of_unknown"),
        (mail("a", sender="news@acme.com", kind=MailKind.LIST), {}, Reason.LIST_MAIL, "kind_of_unknown"),
        (
            mail("a", sender="n@x.example", cc=["bob@acme.com"], kind=MailKind.LIST),
            {},
            Reason.LIST_MAIL,
            "kind_of_unknown",
        ),
        (mail("a", sender="n@x.example", kind=MailKind.AUTOMATIC), {}, Reason.AUTOMATIC_MAIL, "kind_of_unknown"),
        (mail("a", sender="bob@acme.com", copies=[copy(ANN, Place.JUNK)]), {}, Reason.JUNK, "place"),
        (mail("a", sender="bob@acme.com", copies=[copy(ANN, Place.TRASH)]), {}, Reason.TRASH, "place"),
        (
            mail("a", sender="bob@acme.com"),
            {"exclusions": [{"skip": "mail", "domain": ["acme.com"]}]},
            Reason.RULE_SKIP,
            "rule_skip_mail",
        ),
        (
            mail("a", sender="bob@acme.com"),
            {"exclusions": [{"skip": "match", "domain": ["acme.com"]}]},
            Reason.RULE_SKIP,
            "rule_skip_match",
        ),
        (mail("a", sender="bob@acme.com"), {"log": {"human": "never"}}, Reason.RULE_SKIP, "kind_left_out"),
    ],
)
def test_what_is_left_out_says_why(one, changes, reason, rule):
    decision = run(one, rule_set=rules(**changes), new_sender=NewSender.TASK)
    assert fate(decision, "a") == ("excluded", reason)
    assert rule in rules_of(decision, "a")
    assert decision.intents == ()


@pytest.mark.parametrize("kind", [MailKind.HUMAN, MailKind.AUTO_REPLY, MailKind.AUTOMATIC, MailKind.LIST])
def test_a_known_persons_mail_is_logged_whatever_its_kind(kind):
    assert fate(run(mail("a", sender="bob@acme.com", kind=kind)), "a") == ("log", None)


def test_automatic_mail_of_ours_to_a_known_person_is_logged():
    assert fate(run(mail("a", sender=ANN, to=["bob@acme.com"], kind=MailKind.AUTOMATIC)), "a") == ("log", None)


def test_one_copy_outside_junk_or_without_the_label_keeps_a_mail_in():
    private = rules(exclusions=[{"skip": "mail", "label": ["Private"]}])
    copies = [copy(ANN, Place.JUNK, "Private"), copy(BEN, Place.INBOX)]
    assert fate(run(mail("a", sender="bob@acme.com", copies=copies), rule_set=private), "a") == ("log", None)


def test_an_address_that_stands_for_no_customer_leaves_the_mail_to_the_others():
    skip = rules(exclusions=[{"skip": "match", "domain": ["globex.com"]}])
    write = only(run(mail("a", sender="bob@acme.com", cc=["sue@globex.com"]), rule_set=skip), LOG)
    assert [p.ref.id for p in write.participants] == ["bob"]


def test_a_new_rule_drops_what_is_unsent_and_leaves_what_was_sent():
    view = thread(mail("a", sender="bob@acme.com"), crm=directory(BOB))
    first = decide(view, RULES, at(0.1))
    log = next(i for i in first.intents if i.write.kind is LOG)
    skip = rules(exclusions=[{"skip": "mail", "domain": ["acme.com"]}])
    for state in (ItemState.READY, ItemState.PARKED):
        again = decide(replace(view, items=(item(log, state),)), skip, at(0.1))
        assert again.drops == ((log.write.key, Reason.RULE_SKIP),)
        assert fate(again, "a") == ("excluded", Reason.RULE_SKIP)
        assert of_kind(decide(carried_out(replace(view, items=(item(log, state),)), again), RULES, at(0.1)), LOG) == [
            log.write
        ]
    for state in (ItemState.SENDING, ItemState.UNKNOWN, ItemState.DONE):
        again = decide(replace(view, items=(item(log, state),)), skip, at(0.1))
        assert again.drops == ()
        assert fate(again, "a") == ("log", None)


@pytest.mark.parametrize("state", [ItemState.READY, ItemState.PARKED])
def test_a_mail_that_waits_for_delivery_is_delivered_though_it_was_thrown_away(state):
    one = mail("a", sender="bob@acme.com", live=False)
    view = thread(one, crm=directory(BOB))
    view = carried_out(view, decide(view, RULES, at()), state)
    decision = decide(replace(view, mails=(replace(one, copies=(copy(ANN, Place.TRASH),)),)), RULES, at())
    assert fate(decision, "a") == ("log", None)
    assert decision.drops == ()


def test_a_mail_once_logged_stays_so_though_its_record_or_copy_went():
    view = thread(mail("a", sender="bob@acme.com", copies=[copy(ANN, Place.TRASH)], live=False), crm=directory())
    log = decide(thread(mail("a", sender="bob@acme.com", live=False), crm=directory(BOB)), RULES, at()).intents[0]
    decision = decide(replace(view, items=(item(log, ItemState.DONE),)), RULES, at())
    assert fate(decision, "a") == ("log", None)
    assert decision.intents == ()


# -------------------------------------------------------------------------------------------------------------- linking


@pytest.mark.parametrize(
    "state", [ItemState.READY, ItemState.SENDING, ItemState.UNKNOWN, ItemState.DONE, ItemState.PARKED]
)
def test_a_record_that_appears_later_is_linked_and_only_it(state):
    one = mail("a", sender="bob@acme.com", cc=["sue@globex.com", "late@initech.com"], live=False)
    view = carried_out(thread(one, crm=directory(BOB)), decide(thread(one, crm=directory(BOB)), RULES, at()), state)
    late = record("contact:late", "late@initech.com")
    decision = decide(replace(view, directory=directory(BOB, SUE, late)), RULES, at())
    links = of_kind(decision, LINK)
    assert [[p.ref.id for p in w.participants] for w in links] == [["sue"], ["late"]]
    log_key = view.items[0].key
    assert {w.logged_key for w in links} == {log_key}
    assert {i.needs for i in decision.intents} == {(log_key,)}
    assert len({w.key for w in links}) == 2
    assert of_kind(decision, LOG) == []


def test_a_merge_of_the_logged_record_links_nothing():
    one = mail("a", sender="bob@acme.com", live=False)
    view = carried_out(
        thread(one, crm=directory(BOB)), decide(thread(one, crm=directory(BOB)), RULES, at()), ItemState.DONE
    )
    winner = record("contact:w", "bob@acme.com")
    crm = directory(winner, records=(replace(BOB, emails=(), merged_into=winner.ref),))
    decision = decide(replace(view, directory=crm), RULES, at())
    assert decision.intents == ()
    assert decision.link.customers == (winner.ref,)


def test_a_mail_dropped_because_its_record_went_is_logged_anew_elsewhere():
    one = mail("a", sender="bob@acme.com", live=False)
    first = decide(thread(one, crm=directory(BOB)), RULES, at()).intents[0]
    other = record("contact:other", "bob@acme.com")
    again = decide(thread(one, crm=directory(other), items=[item(first, ItemState.DROPPED)]), RULES, at())
    assert only(again, LOG).key == first.write.key
    assert only(again, LOG).participants[0].ref == other.ref


# ----------------------------------------------------------------------------------- targets that cannot span records


def test_without_spanning_every_record_gets_its_own_entry_and_the_deal_stands_once():
    crm = directory(BOB, SUE, deals=[deal("d1", "contact:bob")])
    one = mail("a", sender="bob@acme.com", cc=["sue@globex.com"], live=False)
    view = thread(one, crm=crm, target=target(capabilities=NO_SPAN))
    decision = decide(view, RULES, at())
    writes = of_kind(decision, LOG)
    assert [[p.ref.id for p in w.participants] for w in writes] == [["bob"], ["sue"]]
    assert [w.deal for w in writes] == ["d1", ""]
    assert len({w.key for w in writes}) == 2
    late = replace(crm, by_address={**crm.by_address, "x@y.com": (record("contact:x", "x@y.com"),)})
    view = carried_out(
        replace(
            view, mails=(replace(one, facts=mail("a", sender="bob@acme.com", cc=["sue@globex.com", "x@y.com"]).facts),)
        ),
        decision,
    )
    again = decide(replace(view, directory=late), RULES, at())
    assert [[p.ref.id for p in w.participants] for w in of_kind(again, LOG)] == [["x"]]
    assert of_kind(again, LINK) == []


def test_without_spanning_a_company_is_left_to_its_own_people():
    both = mail("a", sender="bob@acme.com", cc=["unknown@acme.com"], live=False)
    alone = mail("b", sender="unknown@acme.com", live=False)
    view = thread(both, alone, crm=directory(BOB, ACME), target=target(capabilities=NO_SPAN))
    assert [(w.mail, w.participants[0].ref.id) for w in of_kind(decide(view, RULES, at()), LOG)] == [
        ("a", "bob"),
        ("b", "acme"),
    ]


# --------------------------------------------------------------------------------------------------------------- owners

U1, U2, U9 = User(id="u1", emails=(ANN,)), User(id="u2", emails=(BEN,)), User(id="u9", emails=("nine@ours.example",))


def owner(one, users=(U1, U2, U9), crm_rows=(BOB,), policies=None, **told):
    view = thread(one, crm=directory(*crm_rows, users=users), target=target(**told))
    view = replace(view, policies=policies) if policies else view
    decision = decide(view, RULES, at())
    write = only(decision, LOG)
    return write.owner, *(
        why(decision, write) & {f"owner_{w}" for w in ("mailbox", "configured", "record", "default", "none")}
    )


def test_the_writer_owns_what_he_wrote_and_the_first_addressed_colleague_what_came():
    copies = [copy(ANN), copy(BEN)]
    assert owner(mail("a", sender=BEN, to=["bob@acme.com"], cc=[ANN], copies=copies)) == ("u2", "owner_mailbox")
    assert owner(mail("a", sender="bob@acme.com", to=[BEN, ANN], copies=copies)) == ("u2", "owner_mailbox")
    assert owner(mail("a", sender="bob@acme.com", to=["x@y.z"], cc=[ANN], copies=copies)) == ("u1", "owner_mailbox")


def test_a_leaver_who_had_the_same_address_hides_nobody():
    leaver = User(id="u0", emails=(ANN,), active=False)
    one = mail("a", sender="bob@acme.com")
    assert owner(one, users=(U1, leaver)) == owner(one, users=(leaver, U1)) == ("u1", "owner_mailbox")


def test_an_alias_stands_for_its_mailbox():
    policies = {ANN: MailboxPolicy(mailbox=ANN, address=ANN, aliases=("sales@ours.example",))}
    assert (
        owner(mail("a", sender="sales@ours.example", to=["bob@acme.com"], copies=[copy(BEN)]), policies=policies)[0]
        == "u1"
    )


def test_owners_follow_configuration_then_record_then_default_and_are_never_inactive():
    one = mail("a", sender="bob@acme.com")
    off = replace(U1, active=False)
    assert owner(one, users=(off, U2, U9), owners={ANN: BEN}) == ("u2", "owner_configured")
    assert owner(one, users=(off, U2, U9), owners={ANN: "u2"}) == ("u2", "owner_configured")
    assert owner(one, users=(off, U2, U9), owners={ANN: "u1"}) == ("u9", "owner_record")
    assert owner(one, users=(off, U2), default_owner=BEN) == ("u2", "owner_default")
    assert owner(one, users=(off,), default_owner="u1") == ("", "owner_none")
    assert owner(one, users=(), default_owner="u1", crm_rows=(replace(BOB, owner=""),)) == ("u1", "owner_default")


# ---------------------------------------------------------------------------------------------------------- new senders


def test_a_stranger_becomes_a_customer_once_where_the_mailbox_says_so():
    mails = [mail("a", sender="li@factory.example", name="李雷"), mail("b", sender="li@factory.example", when=at(1))]
    view = thread(*mails, crm=directory(users=[U1]), new_sender=NewSender.CREATE)
    decision = decide(view, RULES, at(2))
    write = only(decision, WriteKind.CREATE_CUSTOMER)
    assert (write.email, write.name, write.company_name, write.owner) == (
        "li@factory.example",
        "李雷",
        "factory.example",
        "u1",
    )
    assert decision.intents[0].order_key == "address:li@factory.example"
    assert len(decision.intents) == 1
    assert decide(carried_out(view, decision), RULES, at(2)).intents == ()
    known = replace(
        carried_out(view, decision, ItemState.DONE), directory=directory(record("lead:n", "li@factory.example"))
    )
    assert [w.mail for w in of_kind(decide(known, RULES, at(2)), LOG)] == ["a", "b"]


def test_a_freemail_stranger_is_named_after_himself():
    view = thread(mail("a", sender="li.lei@qq.com"), new_sender=NewSender.CREATE)
    write = only(decide(view, RULES, at(2)), WriteKind.CREATE_CUSTOMER)
    assert (write.name, write.company_name) == ("li.lei", "li.lei")


@pytest.mark.parametrize(
    "one",
    [
        mail("a", sender="n@x.example", live=False),
        mail("a", sender="n@x.example", kind=MailKind.AUTO_REPLY),
        mail("a", sender="n@x.example", kind=MailKind.LIST),
        mail("a", sender=ANN, to=["n@x.example"]),
        mail("a", sender="n@x.example", copies=[copy(ANN, Place.JUNK)]),
        mail("a", sender="new@acme.com"),
    ],
)
def test_nobody_else_becomes_a_customer(one):
    decision = run(one, new_sender=NewSender.CREATE)
    assert of_kind(decision, WriteKind.CREATE_CUSTOMER) == []


def test_of_several_mailboxes_the_most_active_word_counts():
    policies = {
        ANN: MailboxPolicy(mailbox=ANN, address=ANN, new_sender=NewSender.WAIT),
        BEN: MailboxPolicy(mailbox=BEN, address=BEN, new_sender=NewSender.CREATE),
    }
    one = mail("a", sender="n@x.example", copies=[copy(ANN), copy(BEN)])
    assert of_kind(decide(thread(one, policies=policies), RULES, at()), WriteKind.CREATE_CUSTOMER)


def test_the_threads_link_is_handed_on():
    decision = run(mail("a", sender="bob@acme.com"), link=ThreadLink(customers=(ref("contact:gone"),)))
    assert decision.link.customers == (BOB.ref,)
    assert decision.link.primary == BOB.ref
