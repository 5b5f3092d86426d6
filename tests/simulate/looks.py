"""What is left in the end, seen with the vendors' own eyes; our tables are asked only for what they themselves claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from connectors.base.model import Remove
from mappings.model import Reason
from sync.coverage import Whereabouts
from sync.keeper import count
from sync.model import ItemState
from sync.store.outbox import SECOND_LOOK
from sync.store.report import ItemReport
from tradepost.sandbox.hosts import SeenDeal, SeenTask
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.salesforce.host import SalesforceHost
from tradepost.sandbox.virtual import START

if TYPE_CHECKING:
    from tests.simulate.week import Week

IN_SCOPE = ("inbox", "sent", "archive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """What the program has parked for a person."""

    kind: str
    reason: str
    message_id: str = ""
    title: str = ""
    record: str = ""


@dataclass(slots=True, kw_only=True)
class Ending:
    """A week's end. `logged` counts our activities by Message-ID and, where a mail has one a record, by record.

    `late` names what the product found more than a day after it had gone wrong, `disorder` writes that overtook others
    of their order key, `mistakes` what broke in our own program, `opened` when each mailbox (by its short name) was
    first opened, in seconds from the start: what came before is history, which is only logged.
    `mended` counts records removed by a second look, `healed` the counts of coverage that found a mail missing.
    Records go by the short names of who they are. `entries` are the activities' own ids by the same key, `shown` the people and companies that show a mail.
    """

    logged: Counter[tuple[str, str]] = field(default_factory=Counter)
    entries: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    shown: dict[str, frozenset[str]] = field(default_factory=dict)
    tasks: tuple[tuple[SeenTask, str], ...] = ()
    deals: dict[str, SeenDeal] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    parked: tuple[Parked, ...] = ()
    unkeyed: frozenset[str] = frozenset()
    mended: int = 0
    healed: int = 0
    written_while_off: int = 0
    bodies_left: int = 0
    stuck: str = ""
    late: tuple[str, ...] = ()
    disorder: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    opened: dict[str, float] = field(default_factory=dict)
    spans: bool = True
    stage_order: tuple[str, ...] = ()


async def look(week: Week, *, stuck: str) -> Ending:
    """Look at the vendors, and ask the program for its sums and for what it has parked."""
    company = week.box.company
    crm: Any = company.crm
    ending = Ending(stuck=stuck, spans=crm.name != "zoho", written_while_off=week.while_off)
    called = week.acts.called
    # Salesforce relates a mail to one record only, and an account's timeline shows those of its opportunities.
    rolled = {week.ids[f"deal:{firm}"]: f"company:{firm}" for firm in week.script.companies}
    rolled = rolled if crm.name == "salesforce" else {}
    for message_id, one in company.logged(next(iter(company.crms))):
        if not one.by_us:
            continue
        people = frozenset(called.get(record, record) for record in one.records)
        places = ("",) if ending.spans else tuple(sorted(people)) or (one.deal,)
        for place in places:
            ending.logged[message_id, place] += 1
            ending.entries.setdefault((message_id, place), []).append(one.record)
        ending.shown[message_id] = (
            ending.shown.get(message_id, frozenset()) | people | {rolled.get(one.deal, "")} - {""}
        )
    ending.tasks = tuple((task, _text(crm, task.record)) for task in crm.tasks() if task.by_us)
    ending.deals = {firm: crm.deal(week.ids[f"deal:{firm}"]) for firm in week.script.companies}
    s = crm.stages
    ending.stage_order = (s.early, s.open, s.quoted, s.late, s.won)
    for host in company.mail.values():
        for mailbox in host.addresses:
            ending.held[mailbox] = sum(one.place in IN_SCOPE for one in host.held(mailbox))
    if week.engine is None:
        return ending
    for name, puller in week.engine.pullers.items():
        report = await count(week.engine.store, puller, clock=week.box.own, repair=False)
        if report is not None:
            ending.listed[name] = report.coverage.listed
            ending.missing[name] = report.coverage[Whereabouts.MISSING]
    for mailbox in await week.engine.store.mailboxes.all():
        ending.opened[mailbox.name.partition("@")[0]] = (mailbox.live_from - START).total_seconds()
    ending.parked = await week.parked()
    ending.unkeyed = await week.unkeyed()
    items = await week.engine.store.report.items((ItemState.DONE, ItemState.PARKED), limit=10**6)
    ending.mended = sum(i.rule == SECOND_LOOK and i.state is ItemState.DONE for i in items)
    ending.late = tuple(_found_late(items, timedelta(days=1, hours=2) + week.away()))
    ending.disorder = tuple(week.disorder)
    ending.mistakes = tuple(_mistakes(week))
    ending.healed = sum(
        event.startswith("coverage") and dict(ids).get("missing", "0") != "0" for _, event, ids in week.box.events.lines
    )
    return ending


def _found_late(items: Sequence[ItemReport], most: timedelta) -> Iterable[str]:
    """Doubled records and unknown outcomes that were found later than that after the sending."""
    sent = {(i.mail, i.kind): i.sent_at for i in items if i.sent_at is not None and i.rule != SECOND_LOOK}
    for item in items:
        since, found = item.sent_at, item.ended_at
        if item.rule == SECOND_LOOK and isinstance(item.write, Remove):
            since, found = sent.get((item.mail, item.write.made_by)), item.created_at
        elif item.reason != Reason.OUTCOME_UNKNOWN:
            continue
        if since is not None and found is not None and found - since > most:
            yield f"{item.kind.value} {item.reason} after {(found - since).total_seconds() / 3600:.0f} h"


def _mistakes(week: Week) -> Iterable[str]:
    """What broke in the program, but for the locked file, which is none of its faults."""
    for _, event, ids in week.box.events.lines:
        if event.endswith(".broken") and dict(ids).get("error") != OperationalError.__name__:
            yield f"{event}: {dict(ids).get('error')} at {dict(ids).get('frames', '')[-200:]}"


def _text(crm: Any, task: str) -> str:
    """What a task says: it names the mail to the minute, so no two tasks say the same."""
    if isinstance(crm, SalesforceHost):
        return str(crm.org.record(task).get("Description") or "")
    if isinstance(crm, HubSpotHost):
        return str(crm.portal.state.record_by_id(task).get("hs_task_body") or "")
    return str((crm.org.record("Tasks", task) or {}).get("Description") or "")
