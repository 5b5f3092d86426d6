"""A Microsoft 365 mailbox through the engine's own way in: nothing missing, what is left out is told with its reason."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from cryptography.fernet import Fernet

from connectors.mail.graph import GraphSource
from connectors.registry import mail_source
from mappings.model import Reason
from mappings.reading import load_words
from sync.coverage import Whereabouts
from sync.keeper import count
from sync.pull import MailboxSettings, Puller
from sync.store import Store
from tests.graph.graph_office import ALICE, Office, inline, letter
from tradepost.commands.login import _shown
from tradepost.messages import Language, say

WORDS = load_words()
HEAD = "Sensitivity: Company-Confidential\r\n"


def puller(office: Office, store: Store, start: timedelta, **scope: object) -> Puller:
    settings = MailboxSettings(
        name=ALICE,
        targets=("crm",),
        own_domains=frozenset({"ours.example"}),
        own_addresses=frozenset(),
        start=office.clock.now() - start,
    )
    source = office.source(**scope)  # type: ignore[arg-type]
    return Puller(source, store, settings, clock=office.clock, cpu=inline, log=office.log, words=WORDS)


async def drained(one: Puller) -> None:
    for _ in range(500):
        if not (await one.live_page() or await one.wanted_chunk() or await one.history_chunk()):
            return
    raise AssertionError("there is no end")


async def coverage(office: Office, store: Store, one: Puller):
    report = await count(store, one, clock=office.clock, settling=timedelta(0))
    assert report is not None
    return report.coverage


def test_history_and_live_mail_are_all_there_whatever_happens_between(in_office, tmp_path):
    async def scenario(office: Office) -> None:
        store = Store.open(tmp_path / "state.db", key=Fernet.generate_key())
        past = office.clock.now() - timedelta(days=3)
        for n in range(30):
            office.deliver(
                n, at=past + timedelta(hours=n), place=("inbox", "sent", "A/B", "junk", "trash", "draft")[n % 6]
            )
        secret = office.vendor.deliver_to(ALICE, letter(100, head=HEAD), at=past)
        one = puller(office, store, timedelta(days=5))
        await one.start()
        live = [office.deliver(200 + n) for n in range(12)]
        await drained(one)
        office.vendor.move(ALICE, live[0], "A/B")
        office.vendor.delete_forever(ALICE, live[1])
        office.vendor.expire_sync_state(ALICE)
        await office.clock.sleep(900)
        await drained(one)
        sums = await coverage(office, store, one)
        assert (sums.listed, sums[Whereabouts.MISSING], sums[Whereabouts.PARKED]) == (15 + 11 + 1, 0, 0)
        assert sums.reasons[Whereabouts.EXCLUDED][Reason.MARKED_PRIVATE] == 1
        assert await store.mail.unreadable() == ()
        assert await store.mail.unreadable(left_out=True) == ((ALICE, secret, Reason.MARKED_PRIVATE),)
        store.close()

    in_office(scenario)


def test_mail_that_comes_into_scope_late_is_found_by_the_count(in_office, tmp_path):
    """The date in a folder's link hides old mail that a person moves there: the count of coverage finds it."""

    async def scenario(office: Office) -> None:
        store = Store.open(tmp_path / "state.db", key=Fernet.generate_key())
        old = office.deliver(1, at=office.clock.now() - timedelta(days=2), place="junk")
        one = puller(office, store, timedelta(days=5))
        await one.start()
        await drained(one)
        office.vendor.move(ALICE, old, "inbox")
        await drained(one)
        await coverage(office, store, one)
        await drained(one)
        sums = await coverage(office, store, one)
        assert (sums.listed, sums[Whereabouts.MISSING]) == (1, 0)
        store.close()

    in_office(scenario)


def test_the_name_in_the_configuration_leads_here():
    assert mail_source("microsoft365") is GraphSource


def test_a_login_shows_the_address_and_the_code():
    for language in Language:
        lines: list[str] = []
        invocation = SimpleNamespace(
            print=lines.append,
            say=lambda key, language=language, **values: say(key, language, **values),
            out=SimpleNamespace(file=SimpleNamespace(flush=lambda: None)),
        )
        show = _shown(invocation, ALICE, crm=False)  # type: ignore[arg-type]
        show("https://microsoft.com/devicelogin", "ABCD1234")
        assert any("ABCD1234" in line and ALICE in line for line in lines)
        assert "https://microsoft.com/devicelogin" in lines
