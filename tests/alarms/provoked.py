"""Every kind of alarm, provoked as it happens in life: at the vendors, by people, by time; never in our own state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sync import pull
from sync.alarms import AlarmKind
from tests.alarms.office import LILY, Office, hours
from tests.secrets.marks import Marks
from tradepost.daemon import Engine
from tradepost.sandbox.company import MAIL
from tradepost.sandbox.graph.host import GraphHost
from tradepost.sandbox.virtual import START
from tradepost.service.crew import start_again
from tradepost.service.parked import retry

Act = Callable[[Office], Awaitable[None]]
Mend = Callable[[Office, Engine], Awaitable[None]]
POISON = Marks.drawn(7).words["subject"][0]


async def _nothing(_: Office) -> None:
    return None


async def by_itself(_office: Office, _engine: Engine) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Case:
    """`wrong` ruins something while the daemon works, or before it starts (`at_start`: what only a start asks for).

    `after` minutes later it counts as wrong, by the limits. `mend` is done while a second daemon works, `stopped` after
    its end; `fine` minutes later it counts as well again. Where `task` is False, the CRM that would get the task is what is wrong.
    """

    kind: AlarmKind
    title: str
    subject: str = LILY
    alarms: dict = field(default_factory=dict)
    before: Act = _nothing
    wrong: Act
    after: float = 0
    mend: Mend = by_itself
    stopped: Act | None = None
    fine: int = 0
    start: int = 3
    task: bool = True
    at_start: bool = False
    sources: tuple[str, ...] = tuple(MAIL)
    ordinary: bool = True  # part of the ordinary test run


# ------------------------------------------------------------------------------------------------- acts, of any vendor


def untold(office: Office, at) -> None:
    """A mail comes into the mailbox, and the provider's change feed never tells of it."""
    host = office.provider
    held = host.deliver_to(LILY, office.letter("untold"), at=at)
    if isinstance(host, GraphHost):
        for folder in host.vendor.mailbox(LILY).folders.values():
            changes = folder.journal.changes
            changes[:] = [change for change in changes if change.immutable_id != held]
    else:
        changes = host.vendor.mailbox(LILY).changes
        changes[:] = [change for change in changes if change.message_id != held]


def lose_position(office: Office) -> None:
    office.company.gmail.expire_history(LILY)


def fail(vendor: str, status: int, kind: str = "*") -> Act:
    async def act(office: Office) -> None:
        name = office.provider.name if vendor == "mail" else office.company.crm.name
        office.fault(name, "*", "status", status=status, kind=kind, times=1_000_000)

    return act


async def heal(office: Office, _engine: Engine) -> None:
    office.world.faults.clear()


async def retry_all(office: Office, engine: Engine) -> None:
    """A person looks, mends and says `tradepost retry`."""
    await retry(engine.store, ["crm"], every=True, targets=["crm"], now=office.clock.now())
    start_again(engine.crm, ["target:crm"])


# --------------------------------------------------------------------------------------------------------- each kind


async def _forgotten(office: Office) -> None:
    untold(office, START - hours(5))


async def _lost_thrice(office: Office) -> None:
    for wait in (10, 10, 62):
        lose_position(office)
        await office.wait(wait)


async def _a_day(office: Office) -> None:
    await office.clock.sleep(timedelta(hours=25).total_seconds())


async def _busy_mondays(office: Office) -> None:
    for week in range(1, 5):
        for n in range(10):
            at = START - timedelta(weeks=week) + timedelta(minutes=3 * n)
            office.provider.deliver_to(
                LILY, office.letter(f"{week}-{n}", ago=timedelta(weeks=week, minutes=-3 * n)), at=at
            )


async def _a_letter(office: Office, _engine: Engine) -> None:
    office.post(office.letter("at-last", ago=timedelta(0)))


async def _until_ten_to_four(office: Office) -> None:
    office.configure(credentials=[{"connection": "crm", "ends": START.date() + timedelta(days=31)}])
    await office.clock.sleep(7.75 * 3600)


async def _another_key(office: Office) -> None:
    office.configure(credentials=[{"connection": "crm", "ends": START.date() + timedelta(days=365)}])


async def _key_lost(office: Office) -> None:
    """An administrator takes away a field that kept writes from being doubled, though not the tasks'."""
    crm = office.company.crm
    if crm.name == "salesforce":
        crm.org.hide_field(crm.org.integration_user_id, "Lead", "Tradepost_Key__c")
    elif crm.name == "hubspot":
        state = crm.portal.state
        del state.definitions(state.kind_of("emails")).properties["tradepost_key"]
    else:
        crm.org.drop_field("Leads", "Tradepost_Key")


async def _three_letters(office: Office) -> None:
    for n in range(3):
        office.post(office.letter(n, ago=timedelta(0)))


async def _refused(office: Office) -> None:
    """The CRM takes no more mails, for a rule of its administrator's; tasks it takes."""
    crm = office.company.crm
    if crm.name == "salesforce":
        crm.org.add_validation_rule("EmailMessage", lambda row: True, "Not today.")
    elif crm.name == "hubspot":
        crm.portal.add_validation_rule("emails", "hs_email_bcc_firstname")
    else:
        office.fault("zoho", "*mail*", "status", status=400, code="INVALID_DATA", kind="write", times=1_000_000)
    await _three_letters(office)


async def _taken_again(office: Office, engine: Engine) -> None:
    crm = office.company.crm
    if crm.name == "salesforce":
        crm.org.state.validation_rules.clear()
    elif crm.name == "hubspot":
        crm.portal.drop_validation_rules()
    office.world.faults.clear()
    await retry_all(office, engine)


async def _unreadable(office: Office) -> None:
    for n in range(3):
        office.post(office.letter(f"{n} {POISON}", ago=timedelta(0)))


CASES = (
    Case(
        kind=AlarmKind.MISSING,
        title="Tradepost: mail is missing",
        wrong=_forgotten,
        fine=15,
    ),
    Case(
        kind=AlarmKind.CURSOR_OLD,
        title="Tradepost: no changes are read",
        alarms={"limits": {"cursor_hours": 0.3}},
        ordinary=False,
        wrong=fail("mail", 503),
        after=12,
        mend=heal,
    ),
    Case(
        kind=AlarmKind.RESYNCS,
        title=f"Tradepost: {LILY} keeps losing",
        wrong=_lost_thrice,
        ordinary=False,
        sources=("gmail",),  # Graph's positions are a folder's; the connector takes up an expired one by itself
        stopped=_a_day,
    ),
    Case(
        kind=AlarmKind.SILENT,
        title="Tradepost: no mail comes in",
        alarms={"limits": {"silence_mails": 6}},
        start=40,
        before=_busy_mondays,
        wrong=_nothing,  # nobody writes
        after=8,
        mend=_a_letter,
    ),
    Case(
        kind=AlarmKind.CREDENTIAL,
        title="Tradepost: the sign-in of crm ends",
        subject="crm",
        before=_until_ten_to_four,
        wrong=_nothing,  # time passes
        after=8,
        stopped=_another_key,
    ),
    Case(
        kind=AlarmKind.LANE_PAUSED,
        title=f"Tradepost: mail:{LILY} stands still",
        subject=f"mail:{LILY}",
        wrong=fail("mail", 403),
        mend=heal,
    ),
    Case(
        kind=AlarmKind.LANE_PAUSED,
        title="Tradepost: target:crm stands still",
        subject="target:crm",
        wrong=fail("crm", 401),
        ordinary=False,
        mend=heal,
        task=False,
    ),
    Case(
        kind=AlarmKind.LANE_WAITING,
        title=f"Tradepost: mail:{LILY} does not get on",
        subject=f"mail:{LILY}",
        alarms={"limits": {"waiting_hours": 0.3}},
        ordinary=False,
        wrong=fail("mail", 503),
        after=18,
        mend=heal,
    ),
    Case(
        kind=AlarmKind.KIND_PAUSED,
        title="Tradepost: some writes to crm",
        subject="crm",
        wrong=_key_lost,
        at_start=True,
        mend=retry_all,
    ),
    Case(
        kind=AlarmKind.PARKED,
        title="Tradepost: much is parked at crm",
        subject="crm",
        alarms={"limits": {"parked_a_day": 3}},
        wrong=_refused,
        ordinary=False,
        mend=_taken_again,
    ),
    Case(
        kind=AlarmKind.PARKED,
        title=f"Tradepost: much is parked at {LILY}",
        alarms={"limits": {"parked_a_day": 3}},
        wrong=_unreadable,
        ordinary=False,
        mend=retry_all,
    ),
)
NAMES = [f"{case.kind}-{case.subject.partition('@')[0].replace(':', '_')}" for case in CASES]


def choking(monkeypatch) -> None:
    """A reader with a mistake: it breaks on mails of one subject, until it is mended."""
    real = pull.read

    def read(message, **more):
        if POISON in message.subject:
            raise KeyError(message.subject)
        return real(message, **more)

    monkeypatch.setattr(pull, "read", read)
