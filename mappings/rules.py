"""The rules a company can set, checked: values that `sync.decide` applies. The shipped ones: defaults/rules.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from connectors.base.model import Pipeline, Stage
from mappings.calendar import Calendar
from mappings.match import NOBODY
from mappings.model import CopyFacts, Direction, Facts, FindingKind, MailKind, Own

# ----------------------------------------------------------------------------------------------------------- durations

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DURATION = r"[1-9][0-9]{0,4} ?[mhdw]"


def parse_duration(written: object) -> timedelta:
    """A time span such as 90m, 2h, 3d or 1w. Raises the refusal ``not_span``."""
    if isinstance(written, timedelta):
        return written
    text = str(written).strip().lower()
    if not re.fullmatch(_DURATION, text):
        raise PydanticCustomError("not_span", "Write a whole number and m, h, d or w, such as 90m, 2h or 3d.")
    return int(text[:-1]) * _UNITS[text[-1]]


def show_duration(span: timedelta) -> str:
    """The shortest way to write a span that `parse_duration` reads."""
    unit = next(u for u in ("w", "d", "h", "m") if span % _UNITS[u] == timedelta())
    return f"{span // _UNITS[unit]}{unit}"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(show_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$"}),
]

# -------------------------------------------------------------------------------------------------------------- models


class Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )


class Logging(StrEnum):
    ALWAYS = "always"
    KNOWN = "known"
    NEVER = "never"


class LogRule(Part):
    human: Logging
    """Mail that a person wrote."""

    auto_reply: Logging
    """Out of office and acknowledgements."""

    automatic: Logging
    """Mail that a machine wrote: notices, but also purchase orders out of a customer's system."""

    list: Logging
    """Newsletters and mailing lists, and mail through a group address."""

    bounce: Logging
    """Reports that a mail could not be delivered."""


class FirstResponse(Part):
    enabled: bool
    """Whether a task is made for a customer's mail that nobody has answered."""

    urgent: Duration
    """Working time in which an urgent mail or a complaint must be answered, such as 2h."""

    ordinary: Duration
    """Time in which all others must be answered, such as 24h; outside working hours it moves to the next of them."""

    working_hours: bool
    """Whether due times keep to the company's working hours."""


class Silence(Part):
    enabled: bool
    """Whether a task is made when our mail stays without an answer."""

    after: Duration
    """Time after which our unanswered mail leads to a task, such as 3d."""

    again: Duration
    """Time between that task and the next for the same mail, such as 7d."""

    most: Annotated[int, Field(ge=1, le=10)]
    """How many tasks one unanswered mail leads to at most."""


class Sign(StrEnum):
    """What a mail can show about a deal."""

    QUOTATION_SENT = "quotation_sent"
    ORDER_RECEIVED = "order_received"
    SAMPLE_ASKED = "sample_asked"
    ENQUIRY_RECEIVED = "enquiry_received"
    PAYMENT_TOLD = "payment_told"


_SIGNS: Mapping[Sign, tuple[Direction, tuple[FindingKind, ...]]] = {
    Sign.QUOTATION_SENT: (Direction.OUTGOING, (FindingKind.QUOTATION, FindingKind.PROFORMA)),
    Sign.ORDER_RECEIVED: (Direction.INCOMING, (FindingKind.ORDER,)),
    Sign.SAMPLE_ASKED: (Direction.INCOMING, (FindingKind.SAMPLE,)),
    Sign.ENQUIRY_RECEIVED: (Direction.INCOMING, (FindingKind.ENQUIRY,)),
    Sign.PAYMENT_TOLD: (Direction.INCOMING, (FindingKind.PAYMENT,)),
}


class Mode(StrEnum):
    PROPOSE = "propose"
    APPLY = "apply"


class StageTarget(Part):
    stage: Annotated[str, Field(min_length=1)]
    """The stage's name or id."""

    pipeline: str = ""
    """The pipeline's name or id; all of them when left out."""

    target: str = ""
    """The CRM connection's name; all of them when left out."""


class StageRule(Part):
    when: Sign
    """What a mail must show."""

    to: str | tuple[StageTarget | str, ...]
    """The stage the deal should then have reached; of a list, the first that exists where the deal is."""

    mode: Mode = Mode.PROPOSE
    """Whether a person is asked (propose) or the deal is moved (apply)."""

    @property
    def targets(self) -> tuple[StageTarget, ...]:
        entries = (self.to,) if isinstance(self.to, str) else self.to
        return tuple(e if isinstance(e, StageTarget) else StageTarget.model_construct(stage=e) for e in entries)

    @model_validator(mode="after")
    def _names_a_stage(self) -> StageRule:
        if not self.targets or not all(entry.stage for entry in self.targets):
            raise PydanticCustomError("stage_missing", "Name the stage, or leave the entry out.")
        return self


class Skip(StrEnum):
    MAIL = "mail"
    MATCH = "match"


class Exclusion(Part):
    skip: Skip
    """Whether the whole mail is left out (mail), or an address only stands for no customer (match)."""

    address: tuple[str, ...] = ()
    """Patterns of addresses; for mail, of anybody who takes part, ours too."""

    domain: tuple[str, ...] = ()
    """Patterns of domains; those below one are meant too."""

    label: tuple[str, ...] = ()
    """Patterns of labels or folders; every copy of the mail must bear one."""

    subject: tuple[str, ...] = ()
    """Patterns of subjects."""

    @model_validator(mode="after")
    def _says_what(self) -> Exclusion:
        if not (self.address or self.domain or self.label or self.subject):
            raise PydanticCustomError("exclusion_empty", "Name an address, a domain, a label or a subject.")
        if self.skip is Skip.MATCH and not (self.address or self.domain):
            raise PydanticCustomError(
                "exclusion_nobody", "Say whose address stands for no customer: address or domain."
            )
        return self


class Rules(Part):
    log: LogRule
    """Which mail is logged."""

    first_response: FirstResponse
    """The clock that runs until a customer's mail is answered."""

    silence: Silence
    """The clock that runs until a customer answers ours."""

    stages: tuple[StageRule, ...]
    """Where a deal should stand once a mail shows that something happened."""

    exclusions: tuple[Exclusion, ...]
    """Mail and addresses to leave out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Everything a decision goes by: the rules, the company's calendar, and who we are."""

    rules: Rules
    calendar: Calendar = field(default_factory=Calendar)
    own: Own = NOBODY


def overlay(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` over the shipped rules: sections are joined key by key, everything else takes the default's place."""
    joined = dict(defaults)
    for name, value in own.items():
        base = joined.get(name)
        joined[name] = overlay(base, value) if isinstance(base, Mapping) and isinstance(value, Mapping) else value
    return joined


# ------------------------------------------------------------------------------------------------------------- logging


def logging_of(rules: Rules, kind: MailKind) -> Logging:
    value: Logging = getattr(rules.log, kind.value)
    return value


# ---------------------------------------------------------------------------------------------------------- exclusions


def skips_mail(rules: Rules, facts: Facts, copies: Sequence[CopyFacts]) -> int | None:
    """The number (from 1) of the exclusion that leaves a mail out, or None."""
    people = (facts.from_, facts.author, *facts.reply_to, *facts.to, *facts.cc, *facts.bcc)
    addresses = [a.email for a in people if a.email]
    for number, rule in enumerate(rules.exclusions, start=1):
        if rule.skip is Skip.MAIL and _names(rule, addresses) and _fits(rule, facts, copies):
            return number
    return None


def skipped_addresses(rules: Rules, facts: Facts, copies: Sequence[CopyFacts]) -> frozenset[str]:
    """The addresses of a mail that stand for no customer."""
    people = (facts.from_, facts.author, *facts.reply_to, *(e.address for e in facts.externals))
    applying = [r for r in rules.exclusions if r.skip is Skip.MATCH and _fits(r, facts, copies)]
    return frozenset(a.email for a in people for rule in applying if a.email and _names(rule, (a.email,)))


def _names(rule: Exclusion, addresses: Sequence[str]) -> bool:
    """Whether somebody fits the address and the domain lines, as far as the rule has them."""
    if not (rule.address or rule.domain):
        return True
    return any(
        (not rule.address or any(_glob(p).fullmatch(a) for p in rule.address))
        and (not rule.domain or any(_in_domain(a, p) for p in rule.domain))
        for a in addresses
    )


def _in_domain(address: str, pattern: str) -> bool:
    labels = address.rpartition("@")[2].split(".")
    compiled = _glob(pattern.removeprefix("@"))
    return any(compiled.fullmatch(".".join(labels[i:])) for i in range(len(labels)))


def _fits(rule: Exclusion, facts: Facts, copies: Sequence[CopyFacts]) -> bool:
    if rule.subject and not any(_glob(p).fullmatch(facts.subject) for p in rule.subject):
        return False
    if not rule.label:
        return True
    return bool(copies) and all(any(_glob(p).fullmatch(name) for p in rule.label for name in c.labels) for c in copies)


@lru_cache(maxsize=4096)
def _glob(pattern: str) -> re.Pattern[str]:
    """A pattern with * and ? only; brackets, common in subjects, mean themselves."""
    parts = re.split(r"(\*+|\?)", pattern)
    meaning = "".join({"*": ".*", "?": "."}.get(p[:1], re.escape(p)) for p in parts)
    return re.compile(meaning, re.IGNORECASE | re.DOTALL)


# -------------------------------------------------------------------------------------------------------------- stages


def signs(facts: Facts) -> tuple[tuple[Sign, tuple[FindingKind, ...]], ...]:
    """What a mail shows about a deal, with the findings that say so.

    A reply's subject is its first mail's and shows nothing. Automatic replies, lists and bounces show nothing either.
    """
    if facts.kind not in (MailKind.HUMAN, MailKind.AUTOMATIC):
        return ()
    shown = {f.kind for f in facts.findings if f.where != "subject" or not facts.references}
    found = []
    for sign, (direction, kinds) in _SIGNS.items():
        if direction is facts.direction and (said := tuple(k for k in kinds if k in shown)):
            found.append((sign, said))
    return tuple(found)


def stage_for(rule: StageRule, target: str, pipeline: Pipeline) -> Stage | None:
    """The stage a rule means in a pipeline of a target, or None where it names none there."""
    for entry in rule.targets:
        if entry.target not in ("", target) or not _is(entry.pipeline, pipeline.id, pipeline.label, empty=True):
            continue
        by_id = [s for s in pipeline.stages if s.id == entry.stage]
        if found := by_id or [s for s in pipeline.stages if _is(entry.stage, s.id, s.label)]:
            return found[0]
    return None


def _is(written: str, ident: str, label: str, *, empty: bool = False) -> bool:
    return empty if not written else written.casefold() in (ident.casefold(), label.casefold())


def check_stages(rules: Rules, target: str, pipelines: Sequence[Pipeline]) -> tuple[tuple[StageRule, Pipeline], ...]:
    """Each rule that names no stage in a pipeline it speaks of, with that pipeline."""
    return tuple(
        (rule, pipeline)
        for rule in rules.stages
        for pipeline in pipelines
        if any(e.target in ("", target) for e in rule.targets)
        and any(_is(e.pipeline, pipeline.id, pipeline.label, empty=True) for e in rule.targets)
        and stage_for(rule, target, pipeline) is None
    )
