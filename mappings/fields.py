"""What activities and tasks say, in the language of the target. Pure: texts come from the packaged catalogue.

Whatever a mail says is only ever put into a text, never read as one: control and direction marks are taken out of
titles, HTML is escaped.
"""

from __future__ import annotations

import html as markup
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files

import yaml

from connectors.base.model import Attachment, Body
from mappings.model import FindingKind, TextFinding

TITLE_LIMIT = 200  # the narrowest title of a task is Salesforce's Subject with 255
NAME_LIMIT = 80
FILE_LIMIT = 120
MOST_LISTED = 50  # attachments named one by one
MOST_WORDS = 6  # findings named one by one

LANGUAGES = ("en", "zh")

_ELLIPSIS = "…"
_SIZES = ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB"))
# Marks that change the direction of what follows, or hide: https://www.unicode.org/reports/tr36/
_HIDDEN = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class TaskText:
    title: str
    text: str


# ----------------------------------------------------------------------------------------------------------- catalogue


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All texts of a language by dotted name; an unknown language reads English."""
    loaded: dict[str, object] = yaml.safe_load(
        files("mappings").joinpath("defaults", "texts.yaml").read_text(encoding="utf-8")
    )
    return dict(_flat(loaded[language if language in LANGUAGES else "en"], ""))


def _flat(node: object, prefix: str) -> Iterable[tuple[str, str]]:
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from _flat(inner, f"{prefix}.{name}" if prefix else str(name))
    else:
        yield prefix, str(node)


def say(language: str, name: str, /, **values: object) -> str:
    """One text with its values. Raises KeyError for a name or value that is missing."""
    return catalogue(language)[name].format_map(values)


# --------------------------------------------------------------------------------------------------------------- words


def plain(text: str, limit: int = TITLE_LIMIT) -> str:
    """Foreign words as one safe line of at most `limit` characters."""
    visible = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") else c for c in _HIDDEN.sub("", text))
    return shorten(" ".join(visible.split()), limit, _ELLIPSIS)


def shorten(text: str, limit: int, mark: str) -> str:
    """The text within `limit` characters, ending with `mark` where it had to be cut; never inside a written sign.

    Where the mark itself has no room, the text is cut without it.
    """
    if len(text) <= limit:
        return text
    room = limit - len(mark)
    if room <= 0:
        return text[: max(limit, 0)]
    return _whole(text, room).rstrip() + mark


def _whole(text: str, end: int) -> str:
    """The first `end` characters or a few less, so that no accent, joiner or emoji part is left behind alone."""
    for cut in range(end, max(end - 16, 0), -1):
        if not _joins(text[cut]) and text[cut - 1] != "\u200d":
            return text[:cut]
    return text[:end]


def _joins(sign: str) -> bool:
    return (
        unicodedata.combining(sign) > 0
        or sign == "\u200d"
        or "\ufe00" <= sign <= "\ufe0f"
        or "\U0001f3fb" <= sign <= "\U0001f3ff"
    )


def subject_of(subject: str, language: str) -> str:
    return plain(subject, TITLE_LIMIT - NAME_LIMIT) or say(language, "nothing")


def size_text(size: int) -> str:
    """A size in bytes as people read it: ``12 KB``, ``3.4 MB``."""
    for unit, name in _SIZES:
        if size >= unit:
            amount = size / unit
            return f"{amount:.1f} {name}" if amount < 10 and unit > 1024 else f"{amount:.0f} {name}"
    return f"{max(size, 0)} B"


def finding_words(findings: Sequence[TextFinding], kinds: Sequence[FindingKind], language: str) -> str:
    """Where a mail says certain things, as one phrase."""
    said = [
        say(
            language, f"where.{f.where}", what=say(language, f"findings.{f.kind.value}"), word=plain(f.word, NAME_LIMIT)
        )
        for f in findings
        if f.kind in kinds
    ]
    return catalogue(language)["separator"].join(list(dict.fromkeys(said))[:MOST_WORDS])


# --------------------------------------------------------------------------------------------------------------- tasks


def answer_task(
    language: str,
    *,
    who: str,
    subject: str,
    sent: datetime,
    due: datetime,
    urgent: str = "",
    newcomer: str = "",
    candidates: Sequence[str] = (),
) -> TaskText:
    """The task to answer a mail.

    Args:
        language: ``en`` or ``zh``.
        who: name or address of the writer.
        subject: the mail's subject.
        sent: when it was sent, in the company's zone.
        due: when the answer is due, in the company's zone, which is named.
        urgent: what makes it urgent, or empty.
        newcomer: the address, where the CRM does not know it; else empty.
        candidates: the records, where several fit.
    """
    title = "urgent_title" if urgent else "newcomer_title" if newcomer else "title"
    words = {"who": plain(who, NAME_LIMIT), "subject": subject_of(subject, language)}
    parts = [
        say(
            language, "answer.text", sent=_date(sent, language), due=_date(due, language), zone=str(due.tzinfo), **words
        )
    ]
    if urgent:
        parts.append(say(language, "answer.urgent", words=urgent))
    if newcomer:
        parts.append(say(language, "answer.newcomer", address=plain(newcomer)))
    if candidates:
        names = catalogue(language)["separator"].join(candidates[:MOST_LISTED])
        parts.append(say(language, "answer.ambiguous", candidates=names))
    parts.append(say(language, "answer.close"))
    return TaskText(plain(say(language, f"answer.{title}", **words)), "\n".join(parts))


def silence_task(language: str, *, who: str, subject: str, sent: datetime, days: int, step: int, most: int) -> TaskText:
    """The task to follow up a mail of ours. `sent` is in the company's zone, `step` counts from 1."""
    words = {"who": plain(who, NAME_LIMIT), "subject": subject_of(subject, language), "days": days}
    text = say(language, "silence.text", sent=_date(sent, language), step=step, most=most, **words)
    return TaskText(plain(say(language, "silence.title", **words)), f"{text}\n{say(language, 'silence.close')}")


def stage_task(
    language: str, *, deal: str, now: str, stage: str, sign: str, words: str, subject: str, sent: datetime
) -> TaskText:
    """The task that proposes a stage: deal and stages by name, `sign` as in the rules, `words` as `finding_words`."""
    names = {"deal": plain(deal, NAME_LIMIT), "stage": plain(stage, NAME_LIMIT)}
    text = say(
        language,
        "stage.text",
        now=plain(now, NAME_LIMIT),
        sign=say(language, f"stage.signs.{sign}"),
        words=words,
        subject=subject_of(subject, language),
        sent=_date(sent, language),
        **names,
    )
    return TaskText(plain(say(language, "stage.title", **names)), text)


def _date(moment: datetime, language: str) -> str:
    return moment.strftime(say(language, "date"))


# ---------------------------------------------------------------------------------------------------------- activities


def logged_body(
    text: str, html: str = "", *, attachments: Sequence[Attachment] = (), limit: int = 32_000, language: str = "en"
) -> Body:
    """What a logged mail shows: its text, shortened to `limit` characters, and at the end its attachments with sizes.

    `html` is the sanitised form; where it does not fit as a whole it is left out, and the text stands.
    """
    listed = [a for a in attachments if not (a.inline and a.media_type.startswith("image/"))]  # logos in signatures
    tail = _attachment_lines(listed, limit // 2, language)
    block = "\n".join(tail)
    room = max(limit - len(block) - 2, 0) if block else limit
    mark = "\n" + say(language, "log.cut", total=len(text))
    shown = shorten(text.strip("\n"), room, mark)
    joined = f"{shown}\n\n{block}" if shown and block else shown or block
    return Body(text=joined[:limit], html=_html(html, tail, limit))


def _attachment_lines(attachments: Sequence[Attachment], limit: int, language: str) -> list[str]:
    """A heading and a line for each file, as many as fit into `limit` characters; at the end how many more."""
    if not attachments:
        return []
    lines = [say(language, "log.attachments", count=len(attachments))]
    used = len(lines[0])
    for number, file in enumerate(attachments):
        line = f"- {plain(file.name, FILE_LIMIT) or file.media_type} ({size_text(file.size)})"
        used += len(line) + 1
        if number >= MOST_LISTED or used > limit:
            return [*lines, "- " + say(language, "log.more", count=len(attachments) - number)]
        lines.append(line)
    return lines


def _html(html: str, tail: Sequence[str], limit: int) -> str:
    if not html:
        return ""
    joined = html + "".join(f"<div>{markup.escape(line)}</div>" for line in tail)
    return joined if len(joined) <= limit else ""
