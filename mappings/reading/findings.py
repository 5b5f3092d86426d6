"""What a mail speaks of: quotation, order, sample, complaint and so on, from word lists. Pure; no quoted text."""

from __future__ import annotations

import re

from connectors.base.model import MailMessage
from mappings.model import FindingKind, TextFinding
from mappings.reading.words import Words, fold, present

TEXT_CHARS = 50_000  # of new text that are looked at
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_HIGH = {"importance": ("high",), "priority": ("urgent",), "x-priority": ("1", "2"), "x-msmail-priority": ("high",)}


def findings(message: MailMessage, new_text: str, words: Words) -> tuple[TextFinding, ...]:
    """Each word once for each place it stands in, in order of kind, place and word."""
    names = [_spoken(attachment.name) for attachment in message.attachments if not attachment.inline]
    places = [("subject", message.subject), *(("attachment", name) for name in names)]
    folded = [(where, fold(raw)) for where, raw in places] + [("text", fold(new_text[:TEXT_CHARS]))]
    found: dict[TextFinding, None] = {}
    for one in words.findings:
        for look, texts in ((one.words, folded), (one.names, places)):
            found.update(
                (TextFinding(one.kind, where, word), None) for where, text in texts for word in present(look, text)
            )
    found.update((finding, None) for finding in _urgent_headers(message))
    return tuple(sorted(found, key=lambda f: (f.kind.value, f.where, f.word)))


def _urgent_headers(message: MailMessage) -> list[TextFinding]:
    return [
        TextFinding(FindingKind.URGENT, "header", name)
        for name, value in message.headers
        if value.strip().lower().split(" ")[0].strip("()") in _HIGH.get(name, ())
    ]


def _spoken(name: str) -> str:
    """A file name as words: "ProformaInvoice_PI-20260301.pdf" says Proforma Invoice PI 20260301 pdf."""
    return _CAMEL.sub(" ", re.sub(r"[_\-.]+", " ", name[:300]))
