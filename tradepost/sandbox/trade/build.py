"""Builds the invented company's correspondence: stories in YAML to RFC 5322 bytes, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTP, compat32
from email.utils import format_datetime, formataddr
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import yaml

GROUPS = ("mailboxes", "colleagues", "contacts", "leads", "strangers", "robots")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of the set. `live` ones are meant to arrive while somebody watches; the others are history."""

    story: str
    at: datetime
    raw: bytes
    live: bool


@cache
def people() -> Mapping[str, Any]:
    """Everybody, by group and short name: people.yaml."""
    found: Mapping[str, Any] = _load("people.yaml")
    return found


def letters(now: datetime) -> tuple[Letter, ...]:
    """The whole correspondence, in order of time. `now` is the moment the live mails are dated; aware."""
    found = [letter for story in _stories() for letter in _tell(story, now)]
    return tuple(sorted(found, key=lambda letter: (letter.at, letter.story)))


def _load(name: str) -> Any:
    return yaml.safe_load(files(__package__).joinpath(name).read_text(encoding="utf-8"))


@cache
def _stories() -> tuple[Mapping[str, Any], ...]:
    names = sorted(p.name for p in files(__package__).iterdir() if p.name.startswith("story_"))
    return tuple(story for name in names for story in _load(name))


def _tell(story: Mapping[str, Any], now: datetime) -> Iterator[Letter]:
    told: list[_Mail] = []
    for number, entry in enumerate(story["mails"], start=1):
        mail = _Mail(story, number, entry, now, told)
        told.append(mail)
        yield Letter(story["story"], mail.at, mail.bytes(), live=bool(entry.get("live")))


def person(short: str) -> Mapping[str, Any]:
    """Somebody by his short name. Raises KeyError."""
    for group in GROUPS:
        if short in people()[group]:
            found: Mapping[str, Any] = people()[group][short]
            return found
    raise KeyError(short)


class _Mail:
    """One mail of a story, with what went before it."""

    def __init__(
        self, story: Mapping[str, Any], number: int, entry: Mapping[str, Any], now: datetime, told: list[_Mail]
    ) -> None:
        self.entry = entry
        self.at = _moment(entry, now)
        self.charset = entry.get("charset", "utf-8")
        self.sender = person(entry["from"])
        self.id = f"<{story['story']}.{number}.{_digest(story['story'], str(number))}@{_domain(self.sender)}>"
        answered = entry.get("answers", number - 1 if number > 1 and not entry.get("fresh") else 0)
        self.before = told[answered - 1] if answered else None
        self.subject = entry.get("subject") or self._reply_subject()
        own = entry.get("text", "").rstrip("\n")
        self.text = f"{own}\n\n{self._quote()}" if self.before and entry.get("quote", True) else own + "\n"

    def _reply_subject(self) -> str:
        assert self.before is not None  # noqa: S101 - a first mail has a subject of its own
        mark = "回复：" if self.entry.get("style") == "cn" else "Re: "
        before: str = self.before.subject
        return before if before.startswith(("Re:", "回复")) else mark + before

    def _quote(self) -> str:
        assert self.before is not None  # noqa: S101 - asked for only with one
        before, when = self.before, self.before.at.astimezone(ZoneInfo(people()["company"]["zone"]))
        name, address = before.sender["name"], before.sender["address"]
        match self.entry.get("style"):
            case "outlook":
                to = ", ".join(person(p)["name"] for p in before.entry.get("to", ()))
                head = f"From: {name} <{address}>\nSent: {when:%A, %d %B %Y %H:%M}\nTo: {to}"
                return f"-----Original Message-----\n{head}\nSubject: {before.subject}\n\n{before.text}"
            case "cn":
                head = f"发件人：{name} <{address}>\n发送时间：{when:%Y-%m-%d %H:%M}\n主题：{before.subject}\n"
                return f"------------------ 原始邮件 ------------------\n{head}\n{before.text}"
            case _:
                quoted = "\n".join(f"> {line}".rstrip() for line in before.text.rstrip("\n").split("\n"))
                return f"On {when:%a, %b %d, %Y at %H:%M} {name} <{address}> wrote:\n\n{quoted}\n"

    # ----------------------------------------------------------------------------------------------------------- bytes

    def bytes(self) -> bytes:
        """The mail as it travels."""
        message = self._body()
        headers: list[tuple[str, str]] = [
            ("From", self._address(self.entry["from"])),
            ("To", ", ".join(self._address(p) for p in self.entry.get("to", ()))),
        ]
        if self.entry.get("cc"):
            headers.append(("Cc", ", ".join(self._address(p) for p in self.entry["cc"])))
        headers += [
            ("Subject", Header(self.subject, self._charset_for(self.subject), maxlinelen=70).encode()),
            ("Date", format_datetime(self.at)),
            ("Message-ID", self.id),
        ]
        if self.before is not None:
            headers.append(("In-Reply-To", self.before.id))
            headers.append(("References", " ".join(self.line())))
        headers += [(name, str(value)) for name, value in self.entry.get("headers", {}).items()]
        top = Message(policy=compat32)
        for name, value in headers:
            top[name] = value
        for name, value in message.items():
            top[name] = value
        top.set_payload(message.get_payload())
        return top.as_bytes(policy=SMTP.clone(max_line_length=None))

    def line(self) -> list[str]:
        """References: the Message-IDs before this one, oldest first."""
        earlier = self.before.line() if self.before else []
        return [*earlier, self.before.id] if self.before else []

    def _address(self, short: str) -> str:
        who = person(short)
        return formataddr((who["name"], who["address"]), charset=self._charset_for(who["name"]))

    def _charset_for(self, text: str) -> str:
        """The mail's own charset, as far as it reaches."""
        try:
            text.encode(self.charset)
        except UnicodeEncodeError:
            return "utf-8"
        return str(self.charset)

    def _body(self) -> Message:
        text = self._part("plain", self.text)
        body: Message = text
        if self.entry.get("html"):
            body = self._multipart("alternative", [text, self._part("html", _as_html(self.text))])
        if report := self.entry.get("bounce"):
            return self._bounce(report)
        attached = [_attachment(a) for a in self.entry.get("attach", ())]
        return self._multipart("mixed", [body, *attached]) if attached else body

    def _multipart(self, kind: str, parts: list[Message], **parameters: Any) -> Message:
        return MIMEMultipart(kind, boundary=f"=_{_digest(self.id, kind)}", _subparts=parts, **parameters)

    def _part(self, kind: str, text: str) -> Message:
        charset = self._charset_for(text)
        part = MIMENonMultipart("text", kind, charset=charset)
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(base64.encodebytes(text.encode(charset)).decode())
        del part["MIME-Version"]
        return part

    def _bounce(self, report: Mapping[str, str]) -> Message:
        """A delivery status notification, RFC 3464."""
        whole, one = Message(policy=compat32), Message(policy=compat32)
        whole["Reporting-MTA"] = "dns; googlemail.com"
        one["Final-Recipient"] = f"rfc822; {report['to']}"
        one["Action"] = "failed" if report["status"].startswith("5") else "delayed"
        one["Status"] = report["status"]
        one["Diagnostic-Code"] = f"smtp; {report['why']}"
        status = Message(policy=compat32)
        status["Content-Type"] = "message/delivery-status"
        status.set_payload([whole, one])
        return self._multipart("report", [self._part("plain", self.text), status], **{"report-type": "delivery-status"})


def _moment(entry: Mapping[str, Any], now: datetime) -> datetime:
    """`at` is "-12 09:30": days before now and local time; live mails are dated seconds after one another."""
    zone = ZoneInfo(people()["company"]["zone"])
    if entry.get("live"):
        return now.astimezone(zone) + timedelta(seconds=float(entry["live"]))
    days, time = str(entry["at"]).split()
    hour, minute = time.split(":")
    day = now.astimezone(zone) + timedelta(days=int(days))
    return day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)


def _attachment(entry: Mapping[str, Any]) -> Message:
    main, _, sub = entry.get("type", "application/pdf").partition("/")
    part = MIMEBase(main, sub)
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", entry["name"]))
    part["Content-Transfer-Encoding"] = "base64"
    filling = hashlib.sha256(entry["name"].encode()).digest() * 32 * int(entry.get("kb", 1))
    part.set_payload(base64.encodebytes(b"%PDF-1.4\n" + filling).decode())
    return part


def _as_html(text: str) -> str:
    paragraphs = "".join(f"<p>{html.escape(p).replace(chr(10), '<br>')}</p>" for p in text.split("\n\n"))
    beacon = '<img src="https://track.example/o.gif" width="1">'
    return f'<html><body style="font-family:Arial">{paragraphs}{beacon}</body></html>'


def _domain(who: Mapping[str, Any]) -> str:
    return str(who["address"]).rpartition("@")[2]


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
