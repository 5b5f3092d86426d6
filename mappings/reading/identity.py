"""Which mail this is, the same for every copy of it. Pure. Golden values are tested: a change would double every "
"log.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime

from connectors.base.model import Address, MailMessage

# Reply and forward marks of mail programs, by language of the program.
_MARKS = (
    "re|fw|fwd|aw|antw|antwort|wg|weitergeleitet|sv|vs|vb|vl|tr|rv|res|enc|rif|r|i|doorst|odp|pd|vá|továbbítás|ynt"
    "|ilt|i̇lt"
    "|ref|réf|ha|на|ответ|отв|пересл|відп|απ|πρθ|回复|回覆|回復|答复|答覆|转发|轉發|轉寄|转寄|返信|転送"
    "|회신|전달|답장|הועבר|תשובה|رد|trả lời"
    "|bls|trs"
)
_MARK = re.compile(rf"(?:{_MARKS})\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}}|\*\d{{1,3}})?\s?[:：]\s?")
_TAG = re.compile(
    r"(?:\[(?:external|ext|extern|externe|externo|spam|suspected spam"
    r"|外部|外部邮件|外部郵件|外来邮件)\]|\*{3,5}spam\*{3,5}"
    r"|【外部邮件】|【外部】)\s?"
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")
_SEPARATOR = "\x1f"


def identity(message: MailMessage, text_hash: str) -> str:
    """64 hex digits. `text_hash` counts only where there is no Message-ID."""
    who = address_of(message.from_)
    when = _seconds(message.date)
    if message.message_id:
        return _sha256("id", message.message_id, who, when)
    people = [",".join(sorted({a.email for a in group if a.email})) for group in (message.to, message.cc)]
    return _sha256("no-id", who, when, normal_subject(message.subject), *people, text_hash)


def normal_subject(subject: str) -> str:
    """A subject without reply and forward marks, gateway tags, case, width and runs of blanks."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", subject)).casefold()
    folded = " ".join(folded.split())
    at = 0
    while (found := _MARK.match(folded, at) or _TAG.match(folded, at)) is not None:
        at = found.end()
    return folded[at:].strip() or folded


def text_hash(text: str) -> str:
    """32 hex digits of a text whose line breaks and blanks do not count: gateways wrap lines anew."""
    bare = "".join(_INVISIBLE.sub("", text).split())
    return hashlib.sha256(bare.encode("utf-8", "replace")).hexdigest()[:32]


def address_of(people: tuple[Address, ...]) -> str:
    """The first address of a header, or ""."""
    return next((person.email for person in people if person.email), "")


def _seconds(moment: datetime | None) -> str:
    return str(int(moment.timestamp())) if moment else ""


def _sha256(*parts: str) -> str:
    return hashlib.sha256(_SEPARATOR.join(parts).encode("utf-8", "replace")).hexdigest()
