"""Mail that nobody here wrote, carried along the whole path: a sandbox mailbox, the engine, a sandbox CRM.

Every second distinct sender is a contact, drawn by a seed. Every kind of mail is logged, so that the count needs no
opinion about what is a newsletter.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from random import Random

from sqlalchemy import select

from sync.coverage import Whereabouts
from sync.model import ItemState
from sync.schema import tables as t
from tests.box import Box
from tests.corpora.count_activities import addresses, logged
from tradepost.sandbox.company import PAIRS, Company, empty
from tradepost.sandbox.kernel import World
from tradepost.sandbox.load import received_at
from tradepost.sandbox.virtual import START, run

ROOT = Path(os.environ.get("TRADEPOST_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
SETS = (
    "thread-spamassassin",
    "charset-open",
    "mime-imaptools",
    "mime-stalwart",
    "mime-torture",
    "raw-spam",
    "tnef-mimekit",
    "auto-open",
    "bounce-bounceparser",
    "bounce-flufl",
    "bounce-misc",
    "bounce-negatives",
    "bounce-sisimai",
)
OWNER = "lily@minghui-lighting.example"
COLLEAGUE = "tom@minghui-lighting.example"
LOG_ALL = {"log": dict.fromkeys(("human", "auto_reply", "automatic", "list", "bounce"), "always")}
# What a person could type into a CRM's field for an address.
USUAL = re.compile(r"[a-z0-9][a-z0-9._+-]{0,60}@([a-z0-9][a-z0-9-]{0,60}\.)+[a-z]{2,10}")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of a set."""

    set: str
    id: str
    raw: bytes


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of the mails; the numbers of `expected` and `actual` are those of distinct mails."""

    contacts: int
    senders: int
    expected: int
    actual: int
    unlogged: list[str] = field(default_factory=list)  # expected and not there, as SET/ID
    unexpected: list[str] = field(default_factory=list)
    taken_for_one: list[str] = field(default_factory=list)  # several mails for the count, one for the engine
    sums: Mapping[str, int] = field(default_factory=dict)  # of all mailboxes, by the provider's own listing
    reasons: Mapping[str, int] = field(default_factory=dict)
    by_set: Mapping[str, Counter[str]] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    rewrites: int = 0  # requests for a change in a second run, which should have none
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        sums = self.sums
        return (
            self.expected == self.actual
            and not (self.unlogged or self.unexpected or self.troubles or self.rewrites)
            and sums["missing"] == 0
            and sums["parked"] * 100 < sums["listed"]
        )


def read_sets(names: Sequence[str] = SETS, most: int | None = None) -> list[Mail]:
    """Up to `most` mails of each set. Raises FileNotFoundError for a set that is not there."""
    found: list[Mail] = []
    for name in names:
        with lzma.open(ROOT / name / "data.jsonl.xz", "rt", encoding="utf-8") as lines:
            items = [json.loads(line) for _, line in zip(range(most or 10**9), lines, strict=False)]
        found += [Mail(name, item["id"], item["raw"].encode("latin-1")) for item in items]
    return found


def draw_contacts(mails: Sequence[Mail], seed: int) -> tuple[frozenset[str], int]:
    """Half of the distinct senders, and how many those were."""
    written = {address for mail in mails for address in addresses(message_from_bytes(mail.raw), "From")}
    senders = sorted(address for address in written if USUAL.fullmatch(address))
    return frozenset(Random(f"contacts-{seed}").sample(senders, len(senders) // 2)), len(senders)


def carry(
    mails: Sequence[Mail],
    folder: Path,
    *,
    seed: int = 1,
    mailboxes: Sequence[str] = (OWNER,),
    pair: tuple[str, str] = PAIRS[0],
) -> Outcome:
    """Deliver the mails into every mailbox, let the engine work until nothing is left, and count."""
    return run(_carry(mails, folder, seed, mailboxes, pair))


async def _carry(
    mails: Sequence[Mail], folder: Path, seed: int, mailboxes: Sequence[str], pair: tuple[str, str]
) -> Outcome:
    began = time.perf_counter()
    contacts, senders = draw_contacts(mails, seed)
    expected = logged([mail.raw for mail in mails], contacts)
    counted = time.perf_counter()
    box = Box(
        folder,
        seed=seed,
        company=_company(contacts, mailboxes, pair),
        start="1980-01-02",
        new_sender="wait",
        rules=LOG_ALL,
    )
    places = {
        (address, box.company.host_of(address).deliver_to(address, mail.raw, at=received_at(mail.raw, START))): n
        for address in mailboxes
        for n, mail in enumerate(mails)
    }
    await box.clock.sleep(60)
    delivered, cpu = time.perf_counter(), time.process_time()
    troubles = [f"{trouble.lane}: {trouble.error}" for trouble in await box.once()]
    carried, cpu = time.perf_counter(), time.process_time() - cpu
    outcome = Outcome(contacts=len(contacts), senders=senders, expected=len(expected), actual=0)
    await _look(box, mails, places, expected, outcome)
    outcome.troubles = troubles + [str(line) for line in box.events.lines if line[0] == "error"]
    before = box.writes()
    await box.once()
    outcome.rewrites = box.writes() - before
    outcome.seconds = {
        "count": counted - began,
        "deliver": delivered - counted,
        "path": carried - delivered,
        "cpu": cpu,
    }
    return outcome


def _company(contacts: frozenset[str], mailboxes: Sequence[str], pair: tuple[str, str]):
    def made(world: World) -> Company:
        source, target = pair
        company = empty(world, mail=(source,), crms=(target,))
        (host,), crm = company.mail.values(), company.crm
        for address in mailboxes:
            host.add_mailbox(address)
            company.book.users[address] = crm.add_user(address, address.partition("@")[0])
        for address in sorted(contacts):
            account = crm.add_company(f"Company of {address}")
            crm.add_contact(address.partition("@")[0], address, company=account)
        return company

    return made


async def _look(
    box: Box, mails: Sequence[Mail], places: Mapping[tuple[str, str], int], expected: Sequence[int], outcome: Outcome
) -> None:
    coverage = await box.coverage()
    outcome.sums = {word: sum(sums[word] for sums in coverage.values()) for word in ("listed", *Whereabouts)}
    outcome.by_set = {mail.set: Counter() for mail in mails}
    reasons: Counter[str] = Counter()
    async with box.engine() as engine:
        for mailbox in sorted({mailbox for mailbox, _ in places}):
            here = {provider_id: mails[n].set for (name, provider_id), n in places.items() if name == mailbox}
            fates = await engine.store.report.fates(mailbox, tuple(here))
            for provider_id, fate in fates.items():
                outcome.by_set[here[provider_id]][fate.where.value] += 1
                reasons[f"{fate.where.value}: {fate.reason}"] += bool(fate.reason)
        with engine.store.db.read() as c:
            rows = c.execute(select(t.copies.c.mailbox, t.copies.c.provider_id, t.copies.c.mail)).all()
        items = await engine.store.report.items((ItemState.DONE,), 10**6)
    outcome.reasons = dict(sorted(reasons.items()))
    outcome.notes = dict(sorted(Counter(note for i in items for note in i.note.split(",") if note).items()))
    mail_of = {places[row.mailbox, row.provider_id]: row.mail for row in rows}
    shows = {i.record: i.mail for i in items if i.kind == "log_email"}
    # Where a CRM keeps one activity a record, those of one mail count as one; one that no item answers for counts alone.
    outcome.actual = len({shows.get(one.record, one.record) for one in box.company.crm.mails()})
    there, wanted = {i.mail for i in items if i.kind == "log_email"}, {mail_of.get(n) for n in expected}
    name_of = {identity: f"{mails[n].set}/{mails[n].id}" for n, identity in sorted(mail_of.items(), reverse=True)}
    twice = Counter(mail_of.get(n) for n in expected)
    outcome.taken_for_one = [f"{mails[n].set}/{mails[n].id}" for n in expected if twice[mail_of.get(n)] > 1]
    outcome.unlogged = sorted(name_of.get(identity, "?") for identity in wanted - there)
    outcome.unexpected = sorted(name_of[identity] for identity in there - wanted)
