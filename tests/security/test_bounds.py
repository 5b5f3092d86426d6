"""What one hostile mail may cost: memory and work grow no faster than its size, and what is kept of it is bounded."""

from __future__ import annotations

import base64
import io
import sys
import tracemalloc
import zipfile
from datetime import UTC, datetime

import pytest

from connectors.base.model import Attachment, MailMessage, Place, Unreadable
from connectors.mail import graph_parse
from connectors.mail.graph_folders_map import Folders
from connectors.mail.graph_map import Reading, read_item
from connectors.mail.mime import Limits, content, parse
from mappings.reading.html import sanitised, to_text, without_quotes
from mappings.reading.newtext import new_text

AT = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = Limits()


def mail(raw):
    return parse(raw, id="i", thread_id="t", received_at=AT, place=Place.INBOX)


def steps(work) -> int:
    """Function calls, Python's and the interpreter's, that a piece of work makes."""
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted


def peak(work):
    """What it answers, and the most bytes that Python held meanwhile."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def nested(depth):
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return ("Subject: deep\n" + head + "Content-Type: text/plain\n\nend\n").encode()


def parts(count):
    one = b"--b\nContent-Type: text/plain\n\nx\n"
    return b"Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + one * count + b"--b--"


def graph(count):
    """Graph's JSON of a mail with that many people, headers and attachments."""
    person = {"emailAddress": {"name": "N", "address": "n@x.example"}}
    people = [{"emailAddress": {"name": f"N {n}", "address": f"n{n}@x.example"}} for n in range(count)]
    return {
        "id": "1", "subject": "s" * count, "receivedDateTime": "2026-03-02T08:00:00Z", "from": person,
        "toRecipients": people, "ccRecipients": people, "isDraft": False, "hasAttachments": True,
        "internetMessageHeaders": [{"name": "References", "value": f"<{n}@x>"} for n in range(count)],
        "attachments": [{"id": str(n), "name": "a" * 500, "size": 3, "contentType": "x/y"} for n in range(count)],
        "body": {"contentType": "html", "content": "<p>x" * count},
    }  # fmt: skip


def shown(item):
    return read_item(item, Reading(Folders()), "f").fate


SHAPES = {
    "parts in parts": lambda n: lambda: mail(nested(n)),
    "parts": lambda n: lambda: mail(parts(n)),
    "open comments": lambda n: lambda: mail(b"From: " + b"(" * n * 20),
    "encoded words": lambda n: lambda: mail(b"Subject: " + b"=?utf-8?b?YQ==?= " * n),
    "words without an end": lambda n: lambda: mail(b"Subject: " + b"=?a?q?" * n),
    "parameters": lambda n: lambda: mail(b"Content-Type: a/b" + b"; a*0=x" * n + b"\n\nx"),
    "references": lambda n: lambda: mail(b"References: " + b"<a@b> " * n + b"\n\nx"),
    "quotes": lambda n: lambda: new_text("> " * 40 + "\n> x\n" * n),
    "header blocks": lambda n: lambda: new_text("From: a\nSent: b\nTo: c\nSubject: d\n\nx\n" * n),
    "elements": lambda n: lambda: without_quotes("<div><blockquote>x" * n),
    "hidden elements": lambda n: lambda: to_text("<p style='display:none'>x" * n),
    "tables": lambda n: lambda: to_text("<table><tr><td>x</td></tr></table>" * (n // 4)),
    "rows": lambda n: lambda: to_text("<table>" + "<tr><td>x</td><td>y</td></tr>" * (n // 4) + "</table>"),
    "graph": lambda n: lambda: shown(graph(n)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_work_grows_no_faster_than_the_mail(name):
    shape = SHAPES[name]
    shape(50)()  # imports and caches
    small, large = steps(shape(150)), steps(shape(1200))
    assert large < 8 * small * 1.6 + 2_000  # eight times the mail; the square would be sixty-four


@pytest.mark.parametrize("name", ["parts", "graph", "encoded words", "elements"])
def test_memory_grows_no_faster_than_the_mail(name):
    shape = SHAPES[name]
    shape(50)()
    (_, small), (_, large) = peak(shape(150)), peak(shape(1200))
    assert large < 8 * small * 1.6 + 1_000_000


def test_the_measure_notices_the_square_of_a_size():
    def square(n):
        return [len(str(a)) for a in range(n) for _ in range(n)]

    assert steps(lambda: square(80)) > 8 * steps(lambda: square(10)) * 1.6 + 2_000


WIDE, SHORT = "x" * 30_000, "<tr><td>y</td></tr>" * 800
GRIDS = {
    "a wide cell above": f"<table><tr><td>{WIDE}</td></tr>{SHORT}</table>",
    "a tall table beside": f"<table><tr><td><table>{SHORT}</table></td><td>{WIDE}</td></tr></table>",
    "lines beside": f"<table><tr><td>{'y<br>' * 800}</td><td>{WIDE}</td></tr></table>",
    "written lines beside": f"<table><tr><td><pre>{chr(10).join('y' * 800)}</pre></td><td>{WIDE}</td></tr></table>",
    "inside another": f"<table><tr><td><table><tr><td><b>{WIDE}</b></td></tr></table></td></tr>{SHORT}</table>",
    "nothing closed": f"<table><tr><td>{WIDE}" + "<tr><td>y" * 800,
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_table_is_not_drawn_where_its_blanks_would_fill_the_memory(name):
    text, most = peak(lambda: to_text(GRIDS[name]))
    assert most < 5_000_000  # drawn it would be 24,000,000 characters
    assert WIDE in text
    assert text.count("y") >= 800


def test_an_ordinary_table_is_drawn():
    cells = "".join(f"<tr><td>item {n}</td><td>{n} EUR</td></tr>" for n in range(1_000))
    assert "item 7    7 EUR" in to_text(f"<table><tr><td>{'Dear Sir. ' * 50}<table>{cells}</table></td></tr></table>")


def test_ten_thousand_parts_are_cut_and_said_so():
    found = mail(parts(10_000))
    assert "parts_cut" in found.defects
    assert len(found.attachments) <= LIMITS.parts
    assert len(found.text) <= LIMITS.parts * 3


def test_a_header_of_fifty_megabytes_costs_a_few_copies_and_is_cut():
    raw = b"Subject: hello\nX: " + b"a" * 50_000_000 + b"\n\nbody"
    found, most = peak(lambda: mail(raw))
    assert (found.subject, found.defects) == ("hello", ("header_cut",))
    assert most < 5 * len(raw)


def test_base64_without_end_is_bounded_as_text_and_listed_as_a_file():
    endless = base64.b64encode(b"0123456789\n" * 1_000_000)
    text, most = peak(lambda: mail(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + endless))
    assert len(text.text) == LIMITS.text
    assert "text_cut" in text.defects
    assert most < 8 * len(endless)
    file = mail(b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + endless)
    assert [a.size for a in file.attachments] == [11_000_000]


def test_a_packed_mail_in_a_mail_is_listed_and_never_unpacked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.eml", b"Subject: bomb\n\n" + b"0" * 30_000_000)
    raw = b'Content-Type: application/zip; name="a.zip"\nContent-Transfer-Encoding: base64\n\n'
    found, most = peak(lambda: mail(raw + base64.encodebytes(packed.getvalue())))
    (one,) = found.attachments
    assert (one.name, one.size) == ("a.zip", len(packed.getvalue()))
    assert most < 3_000_000


def test_mails_in_mails_are_attachments_however_deep():
    raw = b"Content-Type: message/rfc822\n\n" * 2_000 + b"Subject: x\n\ny"
    found = mail(raw)
    assert isinstance(found, MailMessage)
    assert len(found.attachments) <= 1
    assert all(content(raw, a.ref) is not None for a in found.attachments)


def test_graphs_json_is_bounded_like_any_mail():
    found = shown(graph(3_000))
    assert isinstance(found, MailMessage)
    assert len(found.to) <= LIMITS.addresses
    assert len(found.cc) <= LIMITS.addresses
    assert len(found.references) <= LIMITS.references
    assert len(found.subject) <= LIMITS.subject
    assert len(found.attachments) <= LIMITS.parts
    assert all(isinstance(a, Attachment) and len(a.name) <= LIMITS.name for a in found.attachments)


def test_json_nested_beyond_reason_is_no_answer():
    assert graph_parse.body_of(b'{"error":' * 100_000) is None
    assert graph_parse.body_of(b"[" * 100_000) is None
    with pytest.raises(graph_parse.BadReply):
        graph_parse.parts_of(b'{"responses":' + b"[" * 100_000, ("1",))


def test_markup_deeper_than_any_mail_program_nests_is_not_shown():
    assert sanitised("<div>" * 600) == ""
    assert to_text("<div>" * 100_000 + "hello").strip() == "hello"


def test_an_oversized_mail_is_unreadable_and_said_so():
    assert parse(
        b"x" * 11, id="i", thread_id="t", received_at=AT, place=Place.INBOX, limits=Limits(size=10)
    ) == Unreadable("i", "mail_too_large", AT)
