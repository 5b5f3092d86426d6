"""What the events of a script do to the simulated vendors, as people and providers would; nothing passes our connectors."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from typing import Any

from tests.box import Box
from tests.simulate.script import Event, Mail, Script
from tradepost.sandbox.company import Company, empty
from tradepost.sandbox.hubspot.host import HubSpotHost
from tradepost.sandbox.kernel import World
from tradepost.sandbox.virtual import START

ROBOTS = {
    "news": "news@letters.example",
    "robot": "mailer-daemon@googlemail.com",
    "spam": "win@prizes.example",
}


def furnish(world: World, script: Script) -> tuple[Company, dict[str, str]]:
    """The company before its first day, and the record ids of its people and deals by their short names."""
    plan = script.plan
    made = empty(world, mail=(plan.source,), crms=(plan.target,), mode=plan.mode)
    (host,), crm = made.mail.values(), made.crm
    ids: dict[str, str] = {}
    for name in script.mailboxes:
        host.add_mailbox(f"{name}@{made.domain}")
        crm.add_user(f"{name}@{made.domain}", name)
    for firm, name in script.companies.items():
        ids[f"company:{firm}"] = crm.add_company(name, f"{firm}.example")
    for short, who in script.people.items():
        if who.known == "contact":
            ids[short] = crm.add_contact(who.name, who.address, company=ids.get(f"company:{who.company}", ""))
        elif who.known == "lead":
            ids[short] = crm.add_lead(who.name, "Leadco", who.address)
    for firm in script.companies:
        ids[f"deal:{firm}"] = crm.add_deal(
            f"Deal {firm}", company=ids[f"company:{firm}"], contact=ids[f"{firm}-0"], stage=crm.stages.open
        )
    return made, ids


def render(script: Script, mail: Mail, at: datetime, domain: str) -> bytes:
    """The mail as it travels; the same bytes whenever it is delivered."""

    def address(short: str) -> str:
        who = script.people.get(short)
        if who is not None:
            return formataddr((str(Header(who.name, "utf-8")), who.address))
        return ROBOTS.get(short, f"{short}@{domain}")

    body = MIMEText(f"{mail.text}\n\n-- \n{mail.sender}\n", "plain", "utf-8")
    if mail.kind == "bounce":
        whole, one, report = Message(), Message(), MIMENonMultipart("message", "delivery-status")
        whole["Reporting-MTA"], one["Final-Recipient"] = "dns; googlemail.com", "rfc822; x@gone.example"
        one["Action"], one["Status"] = "failed", "5.1.1"
        report.set_payload([whole, one])
        made: Any = MIMEMultipart("report", f"=_b{mail.number}", [body, report], **{"report-type": "delivery-status"})
    else:
        made = body
    made["From"], made["To"] = address(mail.sender), ", ".join(map(address, mail.to))
    if mail.cc:
        made["Cc"] = ", ".join(map(address, mail.cc))
    made["Subject"] = Header(mail.subject, "utf-8").encode()
    made["Date"], made["Message-ID"] = format_datetime(at), f"<{mail.message_id}>"
    if mail.answers:
        made["In-Reply-To"] = f"<{mail.answers[-1]}@simulate.example>"
        made["References"] = " ".join(f"<{n}@simulate.example>" for n in mail.answers)
    if mail.kind == "newsletter":
        made["List-Unsubscribe"], made["List-Id"] = "<https://letters.example/off>", "<news.letters.example>"
        made["Precedence"] = "bulk"
    if mail.kind == "bounce":
        made["Auto-Submitted"] = "auto-replied"
    return bytes(made.as_bytes())


class Acts:
    """Carries out the world's share of a script. What the program does is in `tests.simulate.week`."""

    def __init__(self, script: Script, box: Box, ids: dict[str, str]) -> None:
        self.script, self.box, self.ids = script, box, ids
        self.copies: dict[int, dict[str, str]] = {}
        self.bytes: dict[int, bytes] = {}
        self.called = {record: name for name, record in ids.items()}

    @property
    def company(self) -> Company:
        return self.box.company

    def carry_out(self, event: Event) -> None:
        getattr(self, event.what)(event)

    # ------------------------------------------------------------------------------------------------------------ mail

    def mail(self, event: Event) -> None:
        mail = event.mail
        assert mail is not None
        came = START + timedelta(seconds=event.at)
        raw = render(self.script, mail, came - timedelta(seconds=mail.late), self.company.domain)
        self.company.remember(raw)
        self.bytes[mail.number] = raw
        received = came if event.at < 0 else None
        if mail.kind in ("draft", "junk"):
            box = f"{mail.sender if mail.kind == 'draft' else mail.to[0]}@{self.company.domain}"
            host = self.company.host_of(box)
            self.copies[mail.number] = {box: host.deliver_to(box, raw, place=mail.kind, at=received)}
            return
        (host,) = self.company.mail.values()
        self.copies[mail.number] = dict(host.deliver_to_recipients(raw, at=received))

    def _everywhere(self, event: Event) -> list[tuple[str, str]]:
        return list(self.copies.get(event.number, {}).items())

    def deliver_again(self, event: Event) -> None:
        """A relay delivers a mail a second time to the first mailbox that has it."""
        for box, _ in self._everywhere(event)[:1]:
            self.company.host_of(box).deliver_to(box, self.bytes[event.number])

    def archive(self, event: Event) -> None:
        self._move(event, "archive")

    def trash(self, event: Event) -> None:
        self._move(event, "trash")

    def _move(self, event: Event, place: str) -> None:
        for box, held in self._everywhere(event):
            if self._there(box, held):
                self.company.host_of(box).move(box, held, place)

    def delete_mail(self, event: Event) -> None:
        for box, held in self._everywhere(event):
            if self._there(box, held):
                self.company.host_of(box).delete_forever(box, held)

    def _there(self, box: str, held: str) -> bool:
        return any(one.id == held and one.place != "trash" for one in self.company.host_of(box).held(box))

    # ------------------------------------------------------------------------------------------------------------- CRM

    def move_deal(self, event: Event) -> None:
        crm, deal = self.company.crm, self.ids[f"deal:{event.who}"]
        stage = crm.stages.named(event.to)
        if crm.deal(deal).stage != stage:
            crm.move_deal(deal, stage)

    def new_contact(self, event: Event) -> None:
        who = self.script.people[event.who]
        self._name(event.who, self.company.crm.add_contact(who.name, who.address))

    def _name(self, who: str, record: str) -> None:
        self.ids[who] = record
        self.called[record] = who

    def merge(self, event: Event) -> None:
        if {event.who, event.to} <= self.ids.keys():
            self._name(event.who, self.company.crm.merge_contacts(self.ids[event.who], self.ids.pop(event.to)))

    def delete_contact(self, event: Event) -> None:
        if event.who in self.ids:
            self.company.crm.delete_record(self.ids.pop(event.who))

    def convert(self, event: Event) -> None:
        """HubSpot converts no leads: a contact is what mail hangs on there."""
        crm: Any = self.company.crm
        if not isinstance(crm, HubSpotHost) and event.who in self.ids:
            crm.org.convert_lead(self.ids.pop(event.who))

    def close_task(self, event: Event) -> None:
        crm = self.company.crm
        for task in crm.tasks():
            if not task.closed and task.by_us and task.title.rstrip(')"”').endswith(event.who):
                with suppress(KeyError, ValueError):
                    crm.close_task(task.record)
