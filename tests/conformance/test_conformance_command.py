"""`tradepost conformance` against vendors on real loopback."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.commands.office import Office, mail, opened
from tradepost.app import holding
from tradepost.config import load
from tradepost.sandbox.kernel import Effect, Fault

_COUNTED = ("EmailMessage", "Task", "Lead", "Contact")


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Office:
    with opened(tmp_path_factory.mktemp("conformance")) as opened_office:
        for n in range(3):
            raw = mail(n, "li@acme.example", opened_office.company.mailboxes[0])
            opened_office.deliver(raw, back=timedelta(days=2 + n))
        yield opened_office


def counts(office: Office) -> list[int]:
    return [len(office.rows(f"SELECT Id FROM {kind}")) for kind in _COUNTED]  # noqa: S608 - our own words


def test_without_the_flag_it_only_tells(office):
    asked = office.do(lambda company: len(company.world.requests.records))
    for connection, word in (("crm", "example.com"), ("google", "nothing is written")):
        code, out, err = office.call("conformance", connection)
        assert (code, err) == (0, "")
        assert word in out
        assert "--i-mean-it" in out
    assert office.do(lambda company: len(company.world.requests.records)) == asked


def test_a_crm_is_judged_and_left_as_it_was(office):
    before = counts(office)
    code, out, err = office.call("conformance", "crm", "--i-mean-it")
    assert (code, err) == (0, ""), out + err
    assert "Nothing is left behind at crm." in out
    assert "broken: 0" in out
    assert office.writes() > 0
    assert counts(office) == before


def test_what_cannot_be_removed_is_listed(office):
    before = counts(office)
    forbid = Fault(vendor="salesforce", operation="sobject.delete", effect=Effect.STATUS, status=403, times=100)
    office.do(lambda company: company.world.faults.add(forbid))
    try:
        code, out, err = office.call("conformance", "crm", "--i-mean-it")
    finally:
        office.do(lambda company: company.world.faults.clear())
    assert (code, err) == (0, "")
    left = out.partition("remove it by hand:")[2]
    assert left.count("  - ") == 4
    assert "tradepost-conformance-" in left
    made = [now - then for now, then in zip(counts(office), before, strict=True)]
    assert made == [1, 3, 1, 0]  # the platform adds a task for the mail


def test_a_mailbox_is_only_read(office):
    writes = office.do(lambda company: len(company.world.requests.writes("gmail")))
    code, out, err = office.call("conformance", "google", "--i-mean-it")
    assert (code, err) == (0, ""), out + err
    assert "broken: 0" in out
    assert office.do(lambda company: len(company.world.requests.writes("gmail"))) == writes


def test_a_broken_promise_ends_with_one(office):
    office.do(lambda company: company.org.close_object(company.org.integration_user_id, "Opportunity", "crud"))
    try:
        code, out, _err = office.call("conformance", "crm", "--i-mean-it")
    finally:
        office.do(lambda company: company.org.close_object(company.org.integration_user_id, "Opportunity", ""))
    assert code == 1
    assert "BROKEN: Users, customers and deals can be read" in out


def test_a_connection_that_cannot_be_had_is_told(office):
    office.do(lambda company: company.org.revoke(company.org.integration_user_id, "ApiEnabled"))
    try:
        code, _out, err = office.call("conformance", "crm", "--i-mean-it")
    finally:
        office.do(lambda company: company.org.grant(company.org.integration_user_id, "ApiEnabled"))
    assert code == 1
    assert "crm: " in err


def test_a_working_service_and_a_wrong_name_are_refused(office):
    writes = office.writes()
    with holding(load(office.config)):
        code, _out, err = office.call("conformance", "crm", "--i-mean-it")
    assert code == 2
    assert "works on" in err
    code, _out, err = office.call("conformance", "nowhere", "--i-mean-it")
    assert code == 2
    assert "crm, google" in err
    assert office.writes() == writes


def test_it_speaks_chinese(office):
    code, out, _err = office.call("conformance", "google", "--i-mean-it", "--lang", "zh")
    assert code == 0
    assert "做到：每封邮件都有下落" in out
