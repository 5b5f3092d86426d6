"""The shipped correspondence: large enough, varied, and the same bytes every time."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from datetime import UTC, datetime

from tradepost.sandbox.trade.build import letters, people

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def parsed():
    return [email.message_from_bytes(x.raw, policy=email.policy.default) for x in letters(NOW)]


def test_the_same_moment_gives_the_same_bytes():
    assert letters(NOW) == letters(NOW)
    assert len({x.raw for x in letters(NOW)}) == len(letters(NOW)) >= 120


def test_every_mail_is_well_formed_and_history_lies_before_the_live_ones():
    assert not [m["subject"] for m in parsed() if m.defects or not m["message-id"] or not m["date"]]
    assert all((x.at < NOW) != x.live for x in letters(NOW))


def test_the_set_has_what_trade_has():
    charsets = Counter(
        p.get_content_charset() for m in parsed() for p in m.walk() if p.get_content_maintype() == "text"
    )
    assert {"gb18030", "gb2312", "gbk", "big5", "iso-2022-jp", "koi8-r", "windows-1251", "utf-8"} <= set(charsets)
    assert sum(charsets[c] for c in ("gb18030", "gb2312", "gbk")) >= 20
    assert sum(1 for m in parsed() if any(p.get_content_disposition() == "attachment" for p in m.walk())) >= 30
    assert sum(1 for m in parsed() if m.get_content_type() == "multipart/report") >= 2
    assert sum(1 for m in parsed() if m["list-unsubscribe"]) >= 4
    assert sum(1 for m in parsed() if str(m["auto-submitted"]).startswith("auto-replied")) >= 4


def test_everybody_who_writes_is_somebody():
    groups = [people()[g] for g in ("mailboxes", "colleagues", "contacts", "leads", "strangers", "robots")]
    known = {who["address"] for group in groups for who in group.values()}
    senders = {m["from"].addresses[0].addr_spec for m in parsed()}
    assert senders <= known
    assert {who["account"] for who in people()["contacts"].values()} - {None} <= set(people()["accounts"])
