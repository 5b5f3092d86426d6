"""One seed decides a week of a small company: who writes to whom, what people do in CRM and mailbox, when we restart.

A script is a value: a list of events that may be thinned out at will (`tests.simulate.shrink`). What should come of a
mail follows from the events alone, in plain rules (`fates`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from tests.sweep.run import pairs
from tests.sweep.scenario import Plan

DAY = 86_400.0
HOUR = 3_600.0
HISTORY_DAYS = 12


class Fate(StrEnum):
    """What must have become of a mail in the CRM in the end."""

    ONCE = "once"  # one entry on each record the undisturbed run puts it on
    NEVER = "never"
    MAYBE = "maybe"  # people changed what it belongs to, or took it away: once at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody outside. `known` is how the CRM holds them on the first day: contact, lead or nothing."""

    name: str
    address: str
    company: str = ""
    known: str = "contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. `other` is the outsider it is to or from (a short name), `kind` says what it is; see `_NOT_LOGGED`.

    `late` is how many seconds it was on its way: later mails of its thread may have come before it.
    """

    number: int
    thread: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    kind: str = "human"
    answers: tuple[int, ...] = ()
    other: str = ""
    late: float = 0.0

    @property
    def message_id(self) -> str:
        return f"{self.number}@simulate.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens at `at` seconds from the start (before it: history). `what` names a method of `Acts`."""

    at: float
    what: str
    who: str = ""
    to: str = ""
    mail: Mail | None = None
    number: int = 0

    def __str__(self) -> str:
        if self.mail is not None:
            copies = f", copy to {', '.join(self.mail.cc)}" if self.mail.cc else ""
            said = f"{self.mail.sender} writes mail {self.mail.number} to {', '.join(self.mail.to)}{copies}"
            kind = "" if self.mail.kind == "human" else f" ({self.mail.kind})"
            late = f", {self.mail.late / HOUR:.1f} h on its way" if self.mail.late else ""
            return f'{said}{kind}{late}: "{self.mail.subject}"'
        parts = [self.what.replace("_", " "), self.who, f"mail {self.number}" if self.number else "", self.to]
        return " ".join(p for p in parts if p)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a company is. `ticks` are the moments of a week at which the program looks."""

    mailboxes: int = 4
    threads: int = 27
    companies: int = 6
    history: int = 8
    noise: int = 14
    ticks: int = 14


WEEK = Size()
SMALL = Size(mailboxes=2, threads=7, companies=3, history=3, noise=3, ticks=6)
COMPANY = Size(mailboxes=20, threads=850, companies=40, history=220, noise=450, ticks=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A seed's week, before anything goes wrong."""

    seed: int
    plan: Plan
    mailboxes: tuple[str, ...]
    people: dict[str, Person] = field(hash=False)
    companies: dict[str, str] = field(hash=False)
    ticks: tuple[float, ...]
    events: tuple[Event, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """What people, providers and the program do in it, by name."""
        mails = {f"mail: {m.kind}" for m in self.mails} | {"mail: overtaken" for m in self.mails if m.late}
        first: dict[str, str] = {}
        ours = [m for m in self.mails if m.kind == "human" and m.sender not in self.people]
        mails |= {"mail: by a colleague" for m in ours if first.setdefault(m.thread, m.sender) != m.sender}
        return frozenset(mails | {f"act: {e.what}" for e in self.events if e.mail is None})

    @property
    def mails(self) -> tuple[Mail, ...]:
        return tuple(e.mail for e in self.events if e.mail is not None)

    def without(self, gone: Sequence[Event]) -> Script:
        dropped = {id(e) for e in gone}
        return replace(self, events=tuple(e for e in self.events if id(e) not in dropped))


# ------------------------------------------------------------------------------------------------------------ the rules

_NOT_LOGGED = frozenset({"newsletter", "bounce", "internal", "draft", "junk"})
_TOUCHING = frozenset({"delete_contact", "merge", "convert"})
_TAKING = frozenset({"trash", "delete_mail"})


def fates(script: Script) -> dict[int, Fate]:
    """What must become of each mail, from what happened in the world."""
    touched = {name for e in script.events if e.what in _TOUCHING for name in (e.who, e.to) if name}
    made = {e.who for e in script.events if e.what == "new_contact"}
    taken = {e.number for e in script.events if e.what in _TAKING}
    barred = {e.who: e.at for e in script.events if e.what == "exclude"}
    return {
        e.mail.number: _fate(script, e, touched=touched, made=made, taken=taken, barred=barred)
        for e in script.events
        if e.mail is not None
    }


def _fate(
    script: Script, event: Event, *, touched: set[str], made: set[str], taken: set[int], barred: dict[str, float]
) -> Fate:
    mail = event.mail
    assert mail is not None
    who = script.people.get(mail.other)
    if mail.kind in _NOT_LOGGED or who is None:
        return Fate.NEVER
    if not who.known and mail.other not in made:
        return Fate.NEVER
    if mail.other in barred:
        return Fate.NEVER if event.at >= barred[mail.other] else Fate.MAYBE
    if mail.number in taken or touched.intersection((mail.other, *mail.to, *mail.cc)):
        return Fate.MAYBE
    return Fate.ONCE


def steady_threads(script: Script) -> frozenset[str]:
    """Threads in which nothing but mail happened: the undisturbed run's tasks must be there in the end."""
    told = fates(script)
    loose = {m.thread for m in script.mails if told[m.number] is Fate.MAYBE}
    loose |= {e.who for e in script.events if e.what == "close_task"}
    # A mail that somebody else's thread refers to makes both one.
    return frozenset(m.thread for m in script.mails if m.thread not in loose and told[m.number] is Fate.ONCE)


def threads_of_closed_deals(script: Script) -> frozenset[str]:
    """Threads with people of a company whose deal a person wins or loses in the week."""
    closed = {e.who for e in script.events if e.what == "move_deal" and e.to in ("won", "lost")}
    people = script.people
    return frozenset(m.thread for m in script.mails if m.other in people and people[m.other].company in closed)


def still_deals(script: Script) -> frozenset[str]:
    """Companies whose deal no person touched, and whose people stayed as they were."""
    moved = {e.who for e in script.events if e.what == "move_deal"}
    people = {n for e in script.events if e.what in (*_TOUCHING, "exclude") for n in (e.who, e.to) if n}
    odd = {script.people[name].company for name in people if name in script.people}
    taken = {e.number for e in script.events if e.what in _TAKING}
    odd |= {script.people[m.other].company for m in script.mails if m.number in taken and m.other in script.people}
    return frozenset(c for c in script.companies if c not in moved | odd)


_NOISE = ("newsletter", "bounce", "internal", "draft", "junk")
MAILS = frozenset(f"mail: {kind}" for kind in ("human", "overtaken", "by a colleague", *_NOISE))
_IN_CRM = ("move_deal", "new_contact", "merge", "convert", "delete_contact", "close_task")
_IN_MAILBOX = ("archive", "trash", "delete_mail", "deliver_again")
_OF_PROGRAM = ("restart", "backfill", "writes_off", "writes_on", "exclude", "reload")
ACTS = frozenset(f"act: {what}" for what in (*_IN_CRM, *_IN_MAILBOX, *_OF_PROGRAM))

# ------------------------------------------------------------------------------------------------------------- the cast

_FIRMS = (
    ("Acme", "Acme Leuchten GmbH", ("Carl Lamm", "Petra Kühn")),
    ("yamada", "株式会社山田電機", ("山田 太郎", "Sato Yuki")),
    ("huadeng", "华灯贸易有限公司", ("陈晓明", "Wang Fang")),
    ("nordlys", "Nordlys ApS", ("Søren Åby", "Ida Holm")),
    ("alnoor", "شركة النور", ("Omar Said", "ليلى حسن")),
    ("lumen", "Lumen & Fils", ("Zoé Œuvre", "Luc Petit")),
)
_OURS = ("ann", "bob", "chen", "dora")
_WORDS = (
    "LED lamps",
    "洗墙灯 样品",
    "投光器 100W",
    "panel lights",
    "garden spikes",
    "灯带 24V",
    "street lights",
    "Röhren T8",
)
_ASK = (
    "How much are 500 pieces of {w}?",
    "请报价：{w} 一千只。",
    "{w}のお見積りをお願いします。",
    "Could you send a sample of {w}?",
)
_TALK = (
    "Thank you, noted.",
    "谢谢，收到。",
    "ありがとうございます。",
    "We will come back to you soon.",
    "When could you ship?",
)
_QUOTE = (
    "Please find attached our quotation no. Q-{n}.",
    "附件为我司报价单 Q-{n}，请查收。",
    "Our quotation Q-{n} is below.",
)
_ORDER = (
    "Please find our purchase order PO-{n} attached.",
    "我们下单，订单号 PO-{n}。",
    "We confirm: purchase order PO-{n}.",
)


def cast(size: Size) -> tuple[dict[str, Person], dict[str, str]]:
    """Everybody outside, by a short name, and the companies that the CRM holds."""
    people: dict[str, Person] = {}
    companies: dict[str, str] = {}
    for n in range(size.companies):
        short, name, staff = _FIRMS[n % len(_FIRMS)]
        firm = f"{short.lower()}{n // len(_FIRMS) or ''}"
        companies[firm] = f"{name} {n // len(_FIRMS) or ''}".strip()
        for k, who in enumerate(staff):
            people[f"{firm}-{k}"] = Person(name=who, address=f"p{k}@{firm}.example", company=firm)
        people[f"{firm}-twin"] = Person(name=staff[0], address=f"alt@{firm}.example", company=firm)
    people["free"] = Person(name="Li Wei", address="li.wei.lights@qq.com", company="")
    people["lead"] = Person(name="Nina Neu", address="nina@leadco.example", known="lead")
    for n in range(3):
        people[f"stranger-{n}"] = Person(name=f"Stranger {n}", address=f"buyer{n}@fresh{n}.example", known="")
    return people, companies


def mailboxes(size: Size) -> tuple[str, ...]:
    return tuple(f"{_OURS[n % 4]}{n // 4 or ''}" for n in range(size.mailboxes))


# ------------------------------------------------------------------------------------------------------------ the week


def write_script(seed: int, size: Size = WEEK) -> Script:
    """The week of a seed."""
    chance = Random(f"simulate-{seed}")
    plans = pairs()
    people, companies = cast(size)
    writer = _Writer(chance, size, people, companies)
    return Script(
        seed=seed,
        plan=plans[seed % len(plans)],
        mailboxes=writer.ours,
        people=people,
        companies=companies,
        ticks=writer.ticks,
        events=writer.write(),
    )


class _Writer:
    """Draws the events of one week."""

    def __init__(self, chance: Random, size: Size, people: dict[str, Person], companies: dict[str, str]) -> None:
        self.chance, self.size, self.people, self.companies = chance, size, people, companies
        self.ours = mailboxes(size)
        # At least two hours apart, so that what one brought is nearly always worked off before the next.
        slots = chance.sample(range(1, int(6.6 * 12)), size.ticks)
        self.ticks = tuple(sorted(slot * 2 * HOUR + chance.uniform(0, 600) for slot in slots))
        self.events: list[Event] = []
        self.number = 0
        self.seconds: set[int] = set()

    def write(self) -> tuple[Event, ...]:
        # Touched people are few and their own, so that most of the week can be judged strictly.
        ordinary = [n for n, p in self.people.items() if p.known == "contact" and not n.endswith("-twin")]
        for n in range(self.size.history):
            self._thread(f"H{n}", self.chance.choice(ordinary), live=False)
        for n in range(self.size.threads):
            self._thread(f"T{n}", self.chance.choice([*ordinary, "lead", "stranger-0", "stranger-1"]), live=True)
        for n in range(self.size.noise):
            self._noise(n)
        self._crm_acts()
        self._mailbox_acts()
        self._program_acts()
        return tuple(sorted(self.events, key=lambda e: e.at))

    # ------------------------------------------------------------------------------------------------------------ mail

    def _moment(self, tick: int) -> float:
        """Shortly before a tick, at a second of its own: some CRMs tell mails of one sender apart by nothing else."""
        return self._free(int(self.ticks[tick] - self.chance.uniform(20, 1500)))

    def _after(self, moment: float) -> float:
        """A little later, at a second of its own."""
        return self._free(int(moment + self.chance.uniform(20, 4000)))

    def _free(self, at: int) -> float:
        while at in self.seconds:
            at += 1
        self.seconds.add(at)
        return float(at)

    def _past(self) -> float:
        return self._free(-int(self.chance.uniform(DAY, (HISTORY_DAYS - 1) * DAY)))

    def _mail(self, at: float, **more: object) -> Mail:
        """A mail that is written at a moment and comes when it comes."""
        self.number += 1
        mail = Mail(number=self.number, **more)  # type: ignore[arg-type]
        self.events.append(Event(at=at + mail.late, what="mail", mail=mail))
        return mail

    def _thread(self, name: str, other: str, *, live: bool) -> None:
        """An enquiry and what follows: some threads end with a quotation or an order, some with silence."""
        chance, word = self.chance, self.chance.choice(_WORDS)
        length = chance.choice((1, 2, 2, 3, 4, 5))
        ticks = sorted(chance.sample(range(len(self.ticks)), length)) if live else []
        times = [self._moment(t) for t in ticks] if live else sorted(self._past() for _ in range(length))
        mine = chance.choice(self.ours)
        told: list[int] = []
        incoming = chance.random() < 0.8
        colleague = chance.choice(self.ours)
        second = self._second(other)
        for n, at in enumerate(times):
            text = chance.choice(_ASK if n == 0 else (*_TALK, *_QUOTE) if not incoming else (*_TALK, *_ORDER))
            subject = f"{word} {name}" if n == 0 else f"Re: {word} {name}"
            cc = (colleague,) if colleague != mine and chance.random() < 0.5 else ()
            if incoming:
                sender, to = other, (mine,)
            else:
                sender, to = self._answering(mine, colleague, copied=bool(cc)), (other,)
            cc = tuple(mine if one == sender else one for one in cc)
            cc = (*cc, second) if second and not incoming and chance.random() < 0.3 else cc
            late = incoming and n + 1 < len(times) and live and chance.random() < 0.15
            mail = self._mail(
                at,
                thread=name,
                sender=sender,
                to=to,
                cc=cc,
                subject=subject,
                text=text.format(w=word, n=self.number),
                answers=tuple(told),
                other=other,
                late=self._after(times[n + 1]) - at if late else 0.0,
            )
            told.append(mail.number)
            incoming = not incoming if chance.random() < 0.8 else incoming

    def _answering(self, mine: str, colleague: str, *, copied: bool) -> str:
        """Who of us answers: now and then a colleague, or eva, whose mailbox is not read but who copies one that is."""
        draw = self.chance.random()
        return "eva" if copied and draw < 0.15 else colleague if draw > 0.85 else mine

    def _second(self, other: str) -> str:
        """A colleague of an outsider, to be copied in."""
        company = self.people[other].company
        return f"{company}-{1 - int(other[-1])}" if company and other[-1] in "01" else ""

    def _noise(self, n: int) -> None:
        kind = self.chance.choice(_NOISE)
        tick, mine = self.chance.randrange(len(self.ticks)), self.chance.choice(self.ours)
        other = self.chance.choice([o for o in self.ours if o != mine])
        sender = {"internal": other, "draft": mine, "newsletter": "news", "bounce": "robot", "junk": "spam"}[kind]
        to = (self.chance.choice(tuple(self.people)),) if kind == "draft" else (mine,)
        subject = f"{kind} N{n} 通知"
        self._mail(self._moment(tick), thread=f"N{n}", sender=sender, to=to, subject=subject, text="Lorem.", kind=kind)

    # ------------------------------------------------------------------------------------------------------------ acts

    def _act(self, what: str, *, after: float = 0.0, **more: object) -> float:
        later = [n for n, t in enumerate(self.ticks) if t > after + 7200] or [len(self.ticks) - 1]
        at = self._moment(self.chance.choice(later))
        self.events.append(Event(at=at, what=what, **more))  # type: ignore[arg-type]
        return at

    def _crm_acts(self) -> None:
        chance = self.chance
        firms = list(self.companies)
        for firm in chance.sample(firms, k=max(2, len(firms) // 2)):
            at = 0.0
            for _ in range(chance.choice((1, 1, 2))):
                at = self._act(
                    "move_deal", who=firm, to=chance.choice(("early", "late", "quoted", "lost", "won")), after=at
                )
        if chance.random() < 0.6:
            self._act("new_contact", who="stranger-0")
        firm = chance.choice(firms)
        if chance.random() < 0.5:
            self._writes_of(f"{firm}-twin")
            self._act("merge", who=f"{firm}-0", to=f"{firm}-twin")
        if chance.random() < 0.4:
            self._act("convert", who="lead")
        if chance.random() < 0.4:
            gone = chance.choice([f for f in firms if f != firm])
            self._act("delete_contact", who=f"{gone}-1")
        for _ in range(2):
            self._act("close_task", who=f"T{chance.randrange(self.size.threads)}")

    def _writes_of(self, other: str) -> None:
        self._thread(f"W{self.number}", other, live=True)

    def _mailbox_acts(self) -> None:
        mails = [e for e in self.events if e.mail is not None and e.at > 0 and e.mail.kind == "human"]
        for event in self.chance.sample(mails, k=min(len(mails), 7)):
            what = self.chance.choice(("archive", "archive", "trash", "delete_mail", "deliver_again"))
            assert event.mail is not None
            self.events.append(
                Event(at=event.at + self.chance.choice((1.0, 30_000.0)), what=what, number=event.mail.number)
            )

    def _program_acts(self) -> None:
        chance = self.chance
        for _ in range(chance.choice((0, 1, 2))):
            self._act("restart")
        for _ in range(chance.choice((0, 1))):
            self._act("backfill", who=chance.choice(self.ours))
        if chance.random() < 0.4:
            first = chance.randrange(len(self.ticks) - 3)
            self.events.append(Event(at=self._moment(first), what="writes_off"))
            self.events.append(Event(at=self._moment(first + chance.choice((1, 2))), what="writes_on"))
        if chance.random() < 0.3:
            self._act("exclude", who="free")
        elif chance.random() < 0.5:
            self._act("reload")
