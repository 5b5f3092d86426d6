"""The newly written part of a mail: what its author added, without what was quoted or forwarded. Pure; linear.

Header blocks and divider lines of mail programs are found here, in the languages mail programs speak; quoting with ">"
is left to email-reply-extractor. In doubt text is kept: a word too much is better than an answer lost.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from email_reply_extractor import extract_new_text

from mappings.reading.html import without_quotes

MAX_LINES = 20_000
_MAX_LINE = 1_000  # a longer line is prose, never a mark

_FROM = (
    "From|Von|De|Da|Van|Från|Fra|Od|От|Від|Kimden|Gönderen|Lähettäjä|Feladó|Expéditeur|Mittente|Remetente|Afzender"
    "|Odesílatel"
    "|De la|Από|Dari|Từ|发件人|發件人|寄件者|寄件人|差出人|送信者|보낸 ?사람|מאת|من"
)
_SENT = (
    "Sent|Date|Gesendet|Datum|Envoyé(?: le)?|Date d'envoi|Enviado(?: el| em)?|Enviada(?: em)?|Inviato|Data"
    "|Verzonden|Skickat"
    "|Sendt|Dato|Wysłano|Data wysłania|Отправлено|Дата|Відправлено|Надіслано|Gönderildi|Gönderilme tarihi|Tarih"
    "|Lähetetty"
    "|Päivämäärä|Küldve|Elküldve|Dátum|Odesláno|Fecha|Trimis|Dikirim|Tanggal|Ngày|Đã gửi"
    "|发送时间|發送時間|发送日期|日期"
    "|时间|時間|寄件日期|寄件日|送信日時|日付|日時|보낸 ?날짜|날짜|Date/Time|Sent on"
)
_TO = (
    "To|An|À|A|Para|Aan|Till|Til|Do|Кому|Kime|Alıcı|Vastaanottaja|Címzett|Komu|Pour|Destinataire|Destinatario|Către"
    "|Kepada"
    "|Đến|收件人|收件者|宛先|받는 ?사람|אל|إلى"
)
_SUBJECT = (
    "Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp|Ämne|Emne|Temat|Тема|Konu|Aihe|Tárgy|Předmět|Assunto|Subiect"
    "|Perihal"
    "|Chủ đề|主题|主題|主旨|标题|件名|제목|נושא|الموضوع|Re"
)
_CC = (
    "Cc|Cci|Bcc|Kopie|Kopia|Kopi|Копия|Copie(?: à)?|抄送|副本|抄送人|참조|Bilgi|Reply-To|Antwort an|Organization"
    "|Importance|Attachments|Anlagen"
)
_LABEL = re.compile(
    rf"[\s*_|]{{0,8}}(?:(?P<from>{_FROM})|(?P<sent>{_SENT})|(?P<to>{_TO})|(?P<subject>{_SUBJECT})|(?P<cc>{_CC}))"
    r"[\s*_]{0,4}[:：]",
    re.IGNORECASE,
)
_DIVIDER_WORDS = (
    r"original message|original appointment|forwarded message|begin forwarded message|original mail|reply message"
    r"|ursprüngliche nachricht|originalnachricht|weitergeleitete nachricht|urspr\. nachricht|message d'origine"
    r"|message original|message transféré|message initial|mensaje original|mensaje reenviado|mensagem original"
    r"|mensagem encaminhada|messaggio originale|messaggio inoltrato|oorspronkelijk bericht|doorgestuurd bericht"
    r"|ursprungligt meddelande|vidarebefordrat meddelande|originalmeddelande|oprindelig meddelelse"
    r"|oprindelig besked|antwort nachricht|opprinnelig melding"
    r"|videresendt melding|videresendt meddelelse|alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość"
    r"|treść przekazanej wiadomości|исходное сообщение|пересылаемое сообщение|перенаправленное сообщение"
    r"|вихідне повідомлення|orijinal mesaj|iletilen ileti|původní zpráva|eredeti üzenet|mesaj original"
    r"|原始邮件|原始郵件"
    r"|原邮件|邮件原件|回复的原邮件|转发邮件|转发的邮件|轉寄郵件|轉寄的郵件|转发邮件信息|原始訊息|元のメッセージ|转发的消息"
    r"|転送メッセージ|원본 메시지|원본 메일|전달된 메시지|original-nachricht|forwarded mail"
)
_DIVIDER = re.compile(
    rf"[\s>]{{0,8}}[-_—–=*]{{2,80}}\s{{0,4}}(?:{_DIVIDER_WORDS})\s{{0,4}}[-_—–=*:：]{{0,80}}\s*$", re.IGNORECASE
)
_BARE_DIVIDER = re.compile(r"\s{0,4}begin forwarded message:\s*$|\s{0,4}(?:原始邮件|原始郵件)\s*$", re.IGNORECASE)
# Lotus Notes: "---------- Forwarded by Jane Roe/HOU/ECT on 05/30/2001 02:14 PM ----------", often wrapped.
_NOTES_FORWARD = re.compile(
    r"\s{0,4}-{3,60}\s{0,4}(?:Forwarded|Transferred|Weitergeleitet|Inoltrato|Transféré) (?:by|von|da|par) ",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s{0,4}[-_=*—]{10,200}\s*$")
_DATE = re.compile(
    r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b|\b\d{4}[/.-]\d{1,2}[/.-]\d{1,2}\b"
    r"|\b\d{1,2}:\d{2}(?::\d{2})?\s?(?:[AaPp][Mm])?\b|\d{4}年\d{1,2}月"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.? \d{1,2},? \d{4}"
)
_VERB = re.compile(
    r"(?:wrote|writes|said|schrieb|a écrit|escribió|ha scritto|scrisse|schreef|skrev|escreveu|pisze|napisał(?:\(a\)|a)?"
    r"|пишет|писал(?:\(а\)|а)?|написал(?:\(а\)|а)?|пише|писав|yazdı|şunları yazdı|kirjoitti|ezt írta|írta"
    r"|napsal(?:\(a\)|a)?"
    r"|a scris|menulis|đã viết|写道|寫道|写了|のメール|さんは書きました|님이 작성|작성|έγραψε|כתב(?:/ה)?|كتب)"
    r"(?:.{0,200}[:：]|\s*-{2,60})\s*$",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"<\s*[^<>\s]{1,120}@[^<>\s]{1,120}>\s?[:：]\s*$")
_GROUPWISE = re.compile(r"\s{0,3}>>> .{3,200} >>>\s*$")
_OPENER = re.compile(
    r"\s{0,8}[-*]{0,60}\s{0,4}(?:On|Am|Le|El|Il|Op|Den|På|Em|W dniu|Dnia|Dne|Pe|Pada|Vào|Στις|Ngày|Il giorno|On the"
    r"|ב-|在|于|於|\d{4}[-年/.]"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}|[A-ZÄÖÜА-Яа-я][a-zäöüа-я]{1,12},? |\d{1,2}:\d\d "
    r"|[\"“]?[^<>\n]{1,80}<[^<>\s]{3,120}@)"
)
_QUOTED = re.compile(r"\s{0,8}>")
_SIGNATURE = re.compile(r"\s{0,3}(?:--|__|—)\s{0,3}$")
_TAGLINE = re.compile(
    r"\s{0,4}\W{0,3}(?:Sent from (?:my|Mail|Outlook|Yahoo|a|Samsung|Proton)|Sent via |Get Outlook for"
    r"|Von meinem .{1,40} gesendet"
    r"|Gesendet (?:von|mit) |Envoyé (?:de|depuis) |Enviado (?:desde|do|a partir)|Inviato da|Verzonden (?:vanaf|met)"
    r"|Skickat från"
    r"|Sendt fra|Wysłane z|Отправлено с|Отправлено из|发自我的|從我的|从我的|来自我的"
    r"|iPhoneから送信|나의 .{1,20}에서 보냄)",
    re.IGNORECASE,
)
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")


def new_text(text: str) -> str:
    """What the author of a plain text added, signature included; "" for a bare forward."""
    lines = _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = _own_lines(lines[:MAX_LINES])
    kept = "\n".join(lines)
    if any(_QUOTED.match(line) for line in lines):
        plain = "\n".join(line for line in lines if not _QUOTED.match(line))
        found = extract_new_text(kept).text
        kept = found if len(found.strip()) * 2 >= len(plain.strip()) else plain  # in doubt, keep
    return kept.strip("\n").rstrip()


def new_text_of_html(html: str) -> str:
    """The same of an HTML body: quotes marked by the sender's program are dropped first."""
    return new_text(without_quotes(html))


def without_signature(text: str) -> str:
    """Text before the signature line or a telephone's tag line."""
    lines = text.split("\n")
    for n, line in enumerate(lines):
        if n and (_SIGNATURE.match(line) or (len(line) < 200 and _TAGLINE.match(line))):
            return "\n".join(lines[:n]).rstrip()
    return text


def _own_lines(lines: list[str]) -> list[str]:
    page = _Page(lines, [_label(line) for line in lines])
    kept: list[str] = []
    n = 0
    while n < len(lines):
        size, certain = _mark(page, n) if len(lines[n]) <= _MAX_LINE else (0, False)
        if not size:
            kept.append(lines[n])
            n += 1
            continue
        after = next((line for line in lines[n + size : n + size + 50] if line.strip()), "")
        if not _QUOTED.match(after) and (certain or any(line.strip() for line in kept)):
            kept = _without_rule(kept)
            break  # all the rest is the quoted mail
        kept = _without_rule(kept) if certain else kept
        n += size
    return kept


class _Page(NamedTuple):
    """Lines, and beside each the kind of header label it begins with, or ""."""

    lines: list[str]
    labels: list[str]


def _label(line: str) -> str:
    start = line[:60]
    if ":" not in start and "：" not in start:
        return ""
    found = _LABEL.match(start)
    return found.lastgroup or "" if found else ""


def _without_rule(kept: list[str]) -> list[str]:
    """The line some programs draw above the quoted header goes with it."""
    end = len(kept)
    while end and (not kept[end - 1].strip() or _RULE.match(kept[end - 1])):
        end -= 1
    return kept[:end]


def _mark(page: _Page, n: int) -> tuple[int, bool]:
    """How many lines from `n` on introduce a quote (0 where none do), and whether they can be nothing else."""
    line = page.lines[n]
    if not line.strip():
        return 0, False
    if _GROUPWISE.match(line):
        return 1, True
    if _QUOTED.match(line):
        return 0, False
    if _DIVIDER.match(line) or _BARE_DIVIDER.match(line) or _NOTES_FORWARD.match(line):
        return 1 + _header_size(page, n + 1), True
    size = _block(page, n) or _notes(page, n)
    return (size, True) if size else (_attribution(page.lines, n), False)


def _labels(page: _Page, n: int, most: int = 60) -> tuple[list[str], int]:
    """The kinds of header label that begin the lines from `n`, and how many lines they take, folded ones included."""
    kinds: list[str] = []
    size = blank = other = 0
    folded = False
    for m, line in enumerate(page.lines[n : n + most]):
        kind = page.labels[n + m]
        if kind:
            kinds.append(kind)
            size, blank, other = m + 1, 0, 0
            folded = kind in ("to", "cc")
        elif not line.strip():
            blank += 1
        elif not (folded and ("," in line or "@" in line or ";" in line)):
            other += 1
        if blank > 3 or other > 3 or (blank and other):
            break
    return kinds, size


def _header_size(page: _Page, n: int) -> int:
    kinds, size = _labels(page, n)
    return size if len(kinds) >= 2 else 0


def _block(page: _Page, n: int) -> int:
    """From, Sent, To, Subject: in any order that begins with From (or, in some programs, with one of the others)."""
    first = page.labels[n]
    if not first or first == "cc":
        return 0
    kinds, size = _labels(page, n)
    distinct = set(kinds)
    if first == "from":
        wanted = len(distinct) >= 3 or (len(distinct) == 2 and "subject" in distinct)
    else:
        wanted = "subject" in distinct and len(distinct & {"from", "sent", "to", "cc"}) >= 2
    return size if wanted else 0


def _notes(page: _Page, n: int) -> int:
    """Lotus Notes: name and date without labels, then To, cc, Subject."""
    ahead = page.labels[n : n + 7]
    if ahead[0] or "to" not in ahead:
        return 0
    to = ahead.index("to")
    above = page.lines[n : n + to]
    if any(len(line) > 160 for line in above) or "from" in ahead[:to]:
        return 0
    dated = next((at for at, line in enumerate(above) if not line.strip() or _DATE.search(line)), -1)
    if dated < 0 or not above[dated].strip() or dated > 1 + ("sent by" in "".join(above[1:2]).lower()):
        return 0
    kinds, size = _labels(page, n + to)
    return to + size if "subject" in kinds else 0


def _attribution(lines: list[str], n: int) -> int:
    """On such a day somebody wrote: on one line, or folded over three."""
    if not _OPENER.match(lines[n]):
        return 0
    joined = ""
    for m in range(n, min(n + 3, len(lines))):
        line = lines[m].strip()
        if not line or len(joined) + len(line) > 400 or _QUOTED.match(line):
            return 0
        joined = f"{joined} {line}".strip()
        if _is_attribution(joined):
            later = any(_is_attribution(" ".join(lines[k : m + 1]).strip()) for k in range(n + 1, m + 1))
            return 0 if later else m - n + 1
    return 0


def _is_attribution(line: str) -> bool:
    if line[-1:] not in ":：-" or not _OPENER.match(line):
        return False
    dated = bool(_DATE.search(line))
    if _ADDRESSED.search(line):
        return dated or bool(_VERB.search(line))
    return bool(_VERB.search(line)) and (dated or bool(re.search(r"@\S|<\S+>|\d{4}|-{2}$", line)))
