"""What may stand in the configuration file. Every key has one sentence, which editors show too (`tradepost schema`)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from connectors.oauth import SecretRef
from sync.model import NewSender
from sync.outbox import OnUnknown
from tradepost.config.alarms import Alarms
from tradepost.config.part import STRICT, Part
from tradepost.config.values import (
    Email,
    FilePath,
    HolidayCode,
    Hours,
    Name,
    OwnDomain,
    Span,
    Switch,
    Zone,
    refusal,
    week,
)
from tradepost.messages import Language

T = TypeVar("T")


class Calendar(Part):
    zone: Zone = "UTC"
    """Time zone of the company, such as Asia/Shanghai; due times and working hours are meant in it."""

    hours: Hours = Field(default_factory=lambda: {"mon-fri": "09:00-18:00"})
    """Working hours by day or span of days, such as mon-fri: "09:00-12:00, 13:30-18:00"; days left out are off."""

    holidays: HolidayCode | None = None
    """Public holidays that are off: a country (CN) or a country and its part (DE-BY); leave it out for none."""

    extra_days_off: tuple[date, ...] = ()
    """Further days on which nobody works, such as a company outing."""

    extra_work_days: tuple[date, ...] = ()
    """Days worked with Monday's hours although a weekend or holiday; China's make-up days are known already."""

    @property
    def week(self) -> tuple[tuple[Span, ...], ...]:
        """Working spans of Monday to Sunday, in local time."""
        return week(self.hours)


class Company(Part):
    name: str = ""
    """Name of the company, shown in tasks and on the terminal."""

    domains: tuple[OwnDomain, ...] = ()
    """The company's own mail domains; whoever writes from them is a colleague and never a customer."""

    extra_addresses: tuple[Email, ...] = ()
    """Our own addresses outside these domains, such as a sales address at a public mail service."""

    calendar: Calendar = Field(default_factory=Calendar)
    """When the company works; due times of tasks are reckoned by it."""

    @model_validator(mode="after")
    def _says_who_we_are(self) -> Company:
        if not self.domains and not self.extra_addresses:
            raise refusal("nobody_ours")
        return self


class State(Part):
    directory: FilePath | None = None
    """Folder of the state, token and lock files; systemd's StateDirectory, else /var/lib/tradepost, when left out."""

    key: SecretRef | None = None
    """Key that encrypts mail texts and tokens in the state; a file with one is made in the folder when left out."""


class Connection(Part):
    """Keys that every connection knows; the rest belongs to the connector's own `Config`."""

    model_config = STRICT | ConfigDict(extra="allow")

    type: Annotated[str, Field(min_length=1)]
    """Which connector talks to this account: gmail, microsoft365, hubspot, salesforce, zoho, or one of your own."""


class CrmConnection(Connection):
    """Keys that every connection to a CRM knows."""

    writes: Annotated[Literal["off", "on"], Switch] = "off"
    """Whether anything is written to this CRM; off shows with `tradepost preview` what would be."""

    on_unknown: OnUnknown = OnUnknown.PARK
    """What to do with a write whose fate cannot be looked up: park it for a person, or send it again (resend)."""

    owners: dict[Email, str] = Field(default_factory=dict)
    """CRM user (id or e-mail address) who owns the activities of a mailbox, where the address alone does not tell."""

    default_owner: str = ""
    """CRM user (id or e-mail address) who owns what nobody else does."""


class Mailbox(Part):
    address: Email | None = None
    """Address of the mailbox."""

    addresses: tuple[Email, ...] = ()
    """Addresses of several mailboxes that share the other keys of this entry, instead of address."""

    connection: Name | None = None
    """Connection through which the mailbox is read; may be left out when there is only one to mailboxes."""

    targets: tuple[Name, ...] | None = None
    """Connections of the CRMs that get this mail, each for itself; may be left out when there is only one to a CRM."""

    start: date | None = None
    """First day of mail that is taken in; when left out, only mail after the first start is."""

    new_sender: NewSender = NewSender.TASK
    """What a mail from somebody the CRM does not know leads to: wait, task (for a person), create (a lead)."""

    include_junk: bool = False
    """Whether mail in the junk folder is taken in too."""

    exclude_labels: tuple[str, ...] = ()
    """Labels, folders or categories whose mail is left out, with those below them."""

    @model_validator(mode="after")
    def _has_an_address(self) -> Mailbox:
        if (self.address is None) == (not self.addresses):
            raise refusal("one_address")
        return self

    @property
    def all_addresses(self) -> tuple[str, ...]:
        return (self.address,) if self.address else self.addresses


class Poll(Part):
    mail_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """Seconds between two looks into a mailbox."""

    crm_seconds: Annotated[float, Field(ge=1, le=86_400)] = 120.0
    """Seconds between two looks at what changed in a CRM."""


class Retention(Part):
    facts_months: Annotated[int, Field(ge=1, le=240)] = 24
    """Months for which the facts of a mail (who, when, to whom; never its text) are kept."""

    waiting_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    """Days for which mail from somebody unknown waits to be bound to a customer."""

    bodies_days: Annotated[int, Field(ge=0, le=30)] = 7
    """Days for which an undelivered mail's text is kept, encrypted; it is fetched again later when needed."""


class Log(Part):
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least weight of the events that are logged: debug, info, warning or error."""

    format: Literal["json", "console"] = "json"
    """One JSON object a line (json), or lines for people (console)."""


def _some(entries: T) -> T:
    """After the entries were checked, so that a wrong entry is not counted as none."""
    if not entries:
        raise refusal("nothing_listed")
    return entries


class ConfigFile(Part):
    """The whole file. `connections` and `rules` are checked further by those who know their keys."""

    language: Language | None = None
    """Language of tasks in the CRM and of the terminal: en or zh."""

    company: Company
    """Who we are: needed to tell customers from colleagues."""

    state: State = Field(default_factory=State)
    """Where Tradepost keeps its memory."""

    connections: Annotated[
        dict[Name, dict[str, Any]], AfterValidator(_some), Field(json_schema_extra={"minProperties": 1})
    ]
    """The accounts to read from and to write to, by names of your choice."""

    mailboxes: Annotated[tuple[Mailbox, ...], AfterValidator(_some), Field(json_schema_extra={"minItems": 1})]
    """The mailboxes to read, and where their mail goes."""

    rules: dict[str, Any] = Field(default_factory=dict)
    """What differs from the shipped rules."""

    rules_file: FilePath | None = None
    """A file with what differs from the shipped rules, instead of rules."""

    poll: Poll = Field(default_factory=Poll)
    """How often to look."""

    retention: Retention = Field(default_factory=Retention)
    """How long to keep what is in the state."""

    alarms: Alarms = Field(default_factory=Alarms)
    """Who is told when something is wrong, and from where on it is."""

    log: Log = Field(default_factory=Log)
    """What the daemon logs, to standard error."""
