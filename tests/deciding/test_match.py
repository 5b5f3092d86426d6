"""Whose mail it is, and on what evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base.model import Address, Role
from mappings.domains import company_hosts, host, index_hosts, is_freemail, registrable, work_domain
from mappings.match import match, questions
from mappings.model import MailKind, Outcome, ThreadLink
from tests.deciding.kit import ANN, OWN, at, deal, directory, facts, record, ref

BOB = record("contact:bob", "bob@acme.com", "bob.private@gmail.com", company="company:acme")
ACME = record("company:acme", domains=["acme.com"])
SUE = record("contact:sue", "sue@globex.com", company="company:globex")


def one(mail, crm, **more):
    return match([mail], crm, own=OWN, **more).mails[0]


def rules_of(found):
    return [e.rule for e in found.evidence]


# -------------------------------------------------------------------------------------------------------------- domains


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@acme.com", "acme.com"),
        ("a@mail.de.acme.co.uk", "acme.co.uk"),
        ("a@acme.com.cn", "acme.com.cn"),
        ("a@例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        *((f"a@{d}", "") for d in ("gmail.com", "qq.com", "vip.qq.com", "163.com", "vip.163.com", "126.com")),
        *((f"a@{d}", "") for d in ("sina.com", "yeah.net", "foxmail.com", "139.com", "yahoo.co.jp", "mail.ru")),
        ("a@service.alibaba.com", ""),
        ("a@notice.made-in-china.com", ""),
        ("a@co.uk", ""),
        ("a@[192.0.2.1]", ""),
        ("a@localhost", ""),
        ("a@", ""),
        ("", ""),
    ],
)
def test_only_a_work_address_tells_a_company(address, domain):
    assert work_domain(address) == domain


def test_a_web_site_becomes_a_host():
    assert host("HTTPS://www.Acme.com:8443/en/?x#y") == "acme.com"
    assert host("ann@acme.com") == "acme.com"
    assert host("not a host") == host("") == host("1.2.3.4") == ""
    assert registrable("shop.en.acme.co.uk") == "acme.co.uk"
    assert is_freemail("mail.qq.com")
    assert not is_freemail("acme.com")


def test_a_company_indexed_by_its_site_is_met_by_its_mail():
    assert set(index_hosts("https://en.acme.com/about")) & set(company_hosts("bob@acme.com"))
    assert set(index_hosts("acme.com")) & set(company_hosts("bob@mail.de.acme.com"))
    assert index_hosts("https://acme.en.alibaba.com") == index_hosts("facebook.com/acme") == ()


# ------------------------------------------------------------------------------------------------------------ questions


def test_questions_name_every_outsider_and_work_domain_sorted_and_nobody_of_ours():
    mail = facts(
        "m", sender="bob@mail.acme.com", to=[ANN, "x@gmail.com"], cc=["owner.private@gmail.com", "ben@ours.example"]
    )
    addresses, domains = questions([mail], OWN)
    assert addresses == ("bob@mail.acme.com", "x@gmail.com")
    assert domains == ("acme.com", "mail.acme.com")


# -------------------------------------------------------------------------------------------------------- exact address


@pytest.mark.parametrize("address", BOB.emails)
def test_any_address_of_a_record_names_it(address):
    found = one(facts("m", sender=address, to=[ANN]), directory(BOB))
    assert [p.ref for p in found.participants] == [BOB.ref]
    assert found.exact == (BOB.ref,)
    assert rules_of(found) == ["address_exact"]


def test_every_outsider_the_crm_knows_takes_part_under_his_role():
    mail = facts("m", sender=ANN, to=["bob@acme.com", "who@nowhere.example"], cc=["sue@globex.com"])
    found = one(mail, directory(BOB, SUE))
    assert [(p.ref.id, p.role) for p in found.participants] == [("bob", Role.TO), ("sue", Role.CC)]


def test_one_record_under_two_addresses_takes_part_once():
    found = one(facts("m", sender=ANN, to=BOB.emails), directory(BOB))
    assert [p.address for p in found.participants] == ["bob@acme.com"]


def test_a_platforms_mail_belongs_to_whom_it_answers_to():
    platform = record("contact:platform", "notice@service.alibaba.com")
    mail = facts("m", sender="notice@service.alibaba.com", to=[ANN], reply_to="bob@acme.com")
    found = one(mail, directory(BOB, platform))
    assert found.participants[0].ref == BOB.ref
    assert rules_of(found) == ["reply_to"]


def test_an_unknown_author_falls_back_on_the_from_address():
    mail = facts("m", sender="bob@acme.com", to=[ANN], reply_to="desk@unknown.example")
    assert one(mail, directory(BOB)).participants[0].ref == BOB.ref


def test_contact_goes_before_lead_before_company():
    lead, company = record("lead:l", "bob@acme.com"), record("company:c", "bob@acme.com")
    mail = facts("m", sender="bob@acme.com", to=[ANN])
    assert one(mail, directory(company, lead, BOB)).participants[0].ref == BOB.ref
    assert one(mail, directory(company, lead)).participants[0].ref == lead.ref
    assert one(mail, directory(company)).participants[0].ref == company.ref


@pytest.mark.parametrize("gone", [{"deleted": True}, {"merged_into": ref("contact:other")}])
def test_a_deleted_or_merged_record_matches_nothing(gone):
    found = one(facts("m", sender="bob@acme.com", to=[ANN]), directory(replace(BOB, **gone)))
    assert found.outcome is Outcome.WAITING


def test_a_colleague_kept_as_a_contact_matches_nothing():
    colleague = record("contact:ben", "ben@ours.example", "owner.private@gmail.com")
    mail = facts("m", sender="bob@acme.com", to=[ANN, "ben@ours.example"], reply_to="owner.private@gmail.com")
    found = one(mail, directory(colleague, BOB))
    assert [p.ref for p in found.participants] == [BOB.ref]


def test_internal_mail_has_no_outsider():
    found = one(facts("m", sender=ANN, to=["ben@sub.ours.example"]), directory(BOB))
    assert found.outcome is Outcome.EXCLUDED
    assert rules_of(found) == ["no_outsider"]


# --------------------------------------------------------------------------------------------------------------- domain


def test_a_work_domain_names_the_company_and_not_a_colleague_of_the_sender():
    found = one(facts("m", sender="new@de.acme.com", to=[ANN]), directory(BOB, ACME))
    assert [p.ref for p in found.participants] == [ACME.ref]
    assert found.exact == ()
    assert rules_of(found) == ["domain_company"]


@pytest.mark.parametrize("domain", ["gmail.com", "qq.com", "co.uk", "service.alibaba.com"])
def test_freemail_suffix_and_platform_never_name_a_company(domain):
    greedy = record("company:greedy", domains=[domain])
    crm = replace(directory(greedy), by_domain={domain: (greedy,)})
    found = one(facts("m", sender=f"new@{domain}", to=[ANN]), crm)
    assert found.outcome is Outcome.WAITING
    assert rules_of(found) == ["freemail_no_company"]


def test_the_company_with_the_longer_part_of_the_domain_wins():
    branch = record("company:branch", domains=["de.acme.com"])
    crm = directory(ACME, branch)
    assert one(facts("m", sender="x@mail.de.acme.com", to=[ANN]), crm).participants[0].ref == branch.ref
    assert one(facts("m", sender="x@fr.acme.com", to=[ANN]), crm).participants[0].ref == ACME.ref


def test_a_company_known_by_a_language_page_still_gets_its_mail():
    shop = record("company:shop", domains=["en.acme.com"])
    assert one(facts("m", sender="x@acme.com", to=[ANN]), directory(shop)).participants[0].ref == shop.ref


def test_two_companies_of_one_domain_are_ambiguous():
    other = record("company:other", domains=["acme.com"])
    found = one(facts("m", sender="x@acme.com", to=[ANN]), directory(ACME, other))
    assert found.outcome is Outcome.AMBIGUOUS
    assert rules_of(found) == ["ambiguous_domain"]


def test_an_answer_address_alone_names_no_company():
    lists = replace(facts("m", sender="x@nowhere.example", to=[ANN]), reply_to=(Address("list@acme.com"),))
    assert one(lists, directory(ACME)).outcome is Outcome.WAITING


def test_our_own_tagged_address_is_no_outsider():
    tagged = record("contact:t", "owner.private+shop@gmail.com")
    assert (
        one(facts("m", sender=ANN, to=["owner.private+shop@gmail.com"]), directory(tagged)).outcome is Outcome.EXCLUDED
    )


# ------------------------------------------------------------------------------------------------------------ ambiguity

TWIN = record("contact:twin", "bob@acme.com", company="company:globex")


def test_two_contacts_of_one_address_are_ambiguous_with_candidates_in_order():
    mail = facts("m", sender="bob@acme.com", to=[ANN])
    for rows in ((BOB, TWIN), (TWIN, BOB)):
        found = one(mail, directory(*rows))
        assert found.outcome is Outcome.AMBIGUOUS
        assert found.candidates == (BOB.ref, TWIN.ref)
        assert found.participants == ()
        assert rules_of(found) == ["ambiguous_address"]


def test_the_threads_own_customer_settles_it():
    prior = ThreadLink(customers=(TWIN.ref,), primary=TWIN.ref)
    found = one(facts("m", sender="bob@acme.com", to=[ANN]), directory(BOB, TWIN), prior=prior)
    assert found.participants[0].ref == TWIN.ref
    assert rules_of(found) == ["chosen_thread_customer"]


def test_the_company_of_another_participant_settles_it():
    mail = facts("m", sender="bob@acme.com", to=[ANN], cc=["sue@globex.com"])
    found = one(mail, directory(BOB, TWIN, SUE))
    assert found.participants[0].ref == TWIN.ref
    assert rules_of(found) == ["chosen_same_company", "address_exact"]


def test_the_only_open_deal_settles_it_and_a_closed_one_does_not():
    mail = facts("m", sender="bob@acme.com", to=[ANN])
    found = one(mail, directory(BOB, TWIN, deals=[deal("1", "contact:twin"), deal("2", "contact:bob", stage="w")]))
    assert found.participants[0].ref == TWIN.ref
    both = one(mail, directory(BOB, TWIN, deals=[deal("1", "contact:twin"), deal("2", "contact:bob")]))
    assert both.outcome is Outcome.AMBIGUOUS


def test_an_ambiguous_outsider_does_not_keep_the_mail_from_the_others():
    mail = facts("m", sender="bob@acme.com", to=[ANN], cc=["x@initech.com"])
    boss = record("contact:boss", "x@initech.com")
    found = one(mail, directory(BOB, TWIN, boss))
    assert [p.ref for p in found.participants] == [boss.ref]


# ---------------------------------------------------------------------------------------------------------- inheritance


def chain(*mails, crm, prior=None):
    return {m.identity: m for m in match(mails, crm, prior, own=OWN).mails}


FIRST = facts("a", sender="bob@acme.com", to=[ANN])
REPLY = facts("b", sender="me@home.gmail.example", to=[ANN], when=at(1), answers=["a"])


def test_a_reply_from_an_unknown_address_joins_the_threads_customer():
    found = chain(FIRST, REPLY, crm=directory(BOB))["b"]
    assert [p.ref for p in found.participants] == [BOB.ref]
    assert found.inherited
    assert rules_of(found) == ["unknown_address", "thread_inherited"]


def test_our_answer_to_that_address_joins_too():
    ours = facts("c", sender=ANN, to=["me@home.gmail.example"], when=at(2), answers=["a", "b"])
    assert chain(FIRST, REPLY, ours, crm=directory(BOB))["c"].inherited


def test_mail_that_answers_nothing_inherits_nothing_though_the_provider_grouped_it():
    loose = facts("b", sender="me@home.gmail.example", to=[ANN], when=at(1))
    assert chain(FIRST, loose, crm=directory(BOB))["b"].outcome is Outcome.WAITING


def test_with_two_customers_addressed_a_reply_is_ambiguous():
    both = facts("a", sender=ANN, to=["bob@acme.com", "sue@globex.com"])
    found = chain(both, REPLY, crm=directory(BOB, SUE))["b"]
    assert found.outcome is Outcome.AMBIGUOUS
    assert found.candidates == (BOB.ref, SUE.ref)
    assert rules_of(found)[-1] == "several_thread_customers"


def test_two_people_of_one_company_are_one_customer():
    ann = record("contact:ann", "ann@acme.com", company="company:acme")
    both = facts("a", sender="bob@acme.com", to=[ANN], cc=["ann@acme.com"])
    assert chain(both, REPLY, crm=directory(BOB, ann))["b"].participants[0].ref == BOB.ref


def test_somebody_we_brought_in_without_the_customer_is_no_customer():
    forward = facts("b", sender=ANN, to=["boss@factory.example"], when=at(1), answers=["a"])
    quote = facts("c", sender="boss@factory.example", to=[ANN], when=at(2), answers=["a", "b"])
    thanks = facts("d", sender=ANN, to=["boss@factory.example"], when=at(3), answers=["a", "b", "c"])
    found = chain(FIRST, forward, quote, thanks, crm=directory(BOB))
    assert [found[i].outcome for i in "bcd"] == [Outcome.WAITING] * 3


def test_a_link_outlives_the_mails_and_the_address_that_made_it():
    moved = replace(BOB, emails=("bob@new.example",))
    prior = ThreadLink(customers=(BOB.ref,), primary=BOB.ref)
    assert chain(REPLY, crm=directory(records=(moved,)), prior=prior)["b"].participants[0].ref == BOB.ref
    gone = replace(BOB, deleted=True)
    assert chain(REPLY, crm=directory(records=(gone,)), prior=prior)["b"].outcome is Outcome.WAITING
    assert chain(REPLY, crm=directory(), prior=prior)["b"].outcome is Outcome.WAITING


def test_a_merged_customer_is_followed_to_its_winner():
    prior = ThreadLink(customers=(BOB.ref,), primary=BOB.ref)
    old = replace(BOB, merged_into=TWIN.ref)
    result = match([REPLY], directory(records=(old, TWIN)), prior, own=OWN)
    assert result.link.primary == TWIN.ref
    assert result.mails[0].participants[0].ref == TWIN.ref
    ring = replace(TWIN, merged_into=BOB.ref)
    assert match([REPLY], directory(records=(old, ring)), prior, own=OWN).link.customers == ()


def test_addresses_that_a_rule_ignores_stand_for_nobody():
    mail = facts("m", sender="bob@acme.com", to=[ANN])
    found = match([mail], directory(BOB), own=OWN, ignored={"m": frozenset({"bob@acme.com"})}).mails[0]
    assert found.outcome is Outcome.EXCLUDED
    assert rules_of(found) == ["rule_skip_match"]


# ----------------------------------------------------------------------------------------------------------------- deal


def linked(crm, prior=None, sender="bob@acme.com"):
    return match([facts("m", sender=sender, to=[ANN])], crm, prior, own=OWN).link


@pytest.mark.parametrize(
    ("deals", "chosen", "rule"),
    [
        ([], "", "no_open_deal"),
        ([deal("1", "contact:bob")], "1", "only_open_deal"),
        ([deal("1", "contact:bob"), deal("2", company="company:acme")], "1", "only_open_deal"),
        ([deal("2", company="company:acme")], "2", "only_open_deal_of_company"),
        ([deal("1", "contact:bob"), deal("3", "contact:bob")], "", "several_open_deals"),
        ([deal("1", "contact:bob", stage="w"), deal("3", "contact:bob")], "3", "only_open_deal"),
        ([deal("1", "contact:bob", stage="w")], "", "no_open_deal"),
        ([deal("1", "contact:bob", deleted=True)], "", "no_open_deal"),
    ],
)
def test_the_deal_is_the_only_open_one_and_the_persons_goes_before_the_companys(deals, chosen, rule):
    link = linked(directory(BOB, ACME, deals=deals))
    assert (link.deal, link.deal_evidence[0].rule) == (chosen, rule)


def test_several_open_deals_are_named():
    link = linked(directory(BOB, deals=[deal("3", "contact:bob"), deal("1", "contact:bob")]))
    assert dict(link.deal_evidence[0].details) == {"deals": "1 3"}


def test_a_thread_keeps_its_open_deal_though_others_open():
    prior = ThreadLink(customers=(BOB.ref,), deal="1")
    link = linked(directory(BOB, deals=[deal("1", "contact:bob"), deal("2", "contact:bob")]), prior)
    assert (link.deal, link.deal_evidence[0].rule) == ("1", "deal_of_thread")


def test_a_closed_deal_gives_way_to_the_only_open_one_and_else_stays():
    prior = ThreadLink(customers=(BOB.ref,), deal="1")
    closed = deal("1", "contact:bob", stage="w")
    assert linked(directory(BOB, deals=[closed, deal("2", "contact:bob")]), prior).deal == "2"
    link = linked(directory(BOB, deals=[closed]), prior)
    assert (link.deal, link.deal_evidence[-1].rule) == ("1", "closed_deal_of_thread")


def test_the_order_of_rows_and_deals_changes_nothing():
    rows, deals = [BOB, TWIN, ACME, SUE], [deal("1", "contact:twin"), deal("2", "contact:sue")]
    mails = [FIRST, REPLY, facts("z", sender="x@acme.com", to=[ANN, "sue@globex.com"], when=at(3))]
    forward = match(mails, directory(*rows, deals=deals), own=OWN)
    backward = match(mails, directory(*reversed(rows), deals=deals[::-1]), own=OWN)
    assert forward == backward


def test_a_kind_of_mail_changes_no_match():
    mail = facts("m", sender="bob@acme.com", to=[ANN], kind=MailKind.AUTO_REPLY)
    assert one(mail, directory(BOB)).outcome is Outcome.MATCHED
