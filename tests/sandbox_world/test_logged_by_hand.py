"""Every CRM of the sandbox logs mail by its own tools: seen as people see it, and told from ours."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from tradepost.sandbox.hosts import CrmHost
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.kernel import World
from tradepost.sandbox.salesforce.host import SalesforceHost
from tradepost.sandbox.virtual import VirtualClock
from tradepost.sandbox.zoho.host import ZohoHost

HOSTS = [SalesforceHost, HubSpotHost, ZohoHost]
OURS, THEIRS = "alice@acme.example", "li@buyer.example"


def host_with_contact(kind) -> tuple[CrmHost, str]:
    host = kind(World(clock=VirtualClock(), random=random.Random(1)))
    host.set_up(host.modes[0])
    host.add_user(OURS, "Alice")
    return host, host.add_contact("Li Wei", THEIRS)


def mail(sender: str, to: str) -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: Panels, 报价\r\nMessage-ID: <by-hand.1@mail.example>\r\n"
    return f"{head}Date: Sun, 1 Feb 2026 16:00:30 +0800\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nText".encode()


@pytest.mark.parametrize("kind", HOSTS, ids=lambda k: k.name)
@pytest.mark.parametrize("incoming", [True, False], ids=["incoming", "outgoing"])
def test_a_mail_logged_by_the_crm_itself_is_seen_on_its_contact(kind, incoming):
    host, contact = host_with_contact(kind)
    record = host.log_by_hand(mail(*((THEIRS, OURS) if incoming else (OURS, THEIRS))), contact)
    (seen,) = host.mails()
    assert (seen.record, seen.subject, seen.incoming) == (record, "Panels, 报价", incoming)
    assert seen.sent_at == datetime(2026, 2, 1, 8, 0, 30, tzinfo=UTC)
    assert seen.sender == (THEIRS if incoming else OURS)
    assert seen.records == (contact,)
    assert not seen.by_us
