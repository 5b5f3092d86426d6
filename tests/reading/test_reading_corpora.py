"""Mail that nobody here wrote: every raw mail is taken, and figures do not fall below what was measured.

The corpora are not part of this repository. The directory that holds them is named by TRADEPOST_CORPORA, else it is
../shared/corpora beside the checkout.
"""

import json
import lzma
import os
import re
from functools import cache
from pathlib import Path

import pytest

from bench import scores

ROOT = Path(os.environ.get("TRADEPOST_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason=f"no mail corpora at {ROOT} (set TRADEPOST_CORPORA)")


@cache
def items(name):
    path = ROOT / name / "data.jsonl.xz"
    if not path.is_file():
        pytest.skip(f"{name} is not in the corpora")
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    for item in found:
        if "raw" in item:
            item["raw"] = item["raw"].encode("latin-1")
    return found


def squash(text):
    return re.sub(r"\s+", " ", text or "").strip()


def floor(name, good, total, at_least):
    """`good` of `total` must be `at_least` percent; the figure is shown with -s."""
    share = 100.0 * good / total
    print(f"{name}: {share:.1f} % of {total} (floor {at_least})")
    assert share >= at_least


RAW = ("mime-stalwart", "mime-imaptools", "mime-torture", "raw-spam", "charset-open", "bounce-sisimai",
       "bounce-flufl", "bounce-bounceparser", "bounce-misc", "thread-spamassassin")  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_every_real_mail_is_read(name):
    for item in items(name):
        mail = scores.message_of(item["raw"])
        assert mail is not None or not item["raw"].strip()
        if mail:
            for text in (mail.subject, mail.text, mail.html):
                text.encode("utf-8")  # no lone surrogates
            facts = scores.read(mail, mailbox="m", own=scores.NOBODY, words=scores.WORDS).facts
            assert len(facts.identity) == 64


def test_fields_agree_with_two_other_programs_as_far_as_those_agree():
    right = dict.fromkeys(("subject", "from", "text"), 0)
    total = 0
    for name in ("mime-stalwart", "mime-imaptools"):
        for item in items(name):
            total += 1
            got = scores.mime(item["raw"])
            for field in right:
                right[field] += squash(got.get(field)).lower() == squash(item["expect"][field]).lower()
    for field, at_least in (("subject", 92), ("from", 97), ("text", 80)):
        floor(f"mime {field}", right[field], total, at_least)


def test_declared_charsets_are_read():
    """Four of the labels read undeclared Chinese or Japanese as Windows-1252; the guess made here is the better one."""
    good = total = 0
    for item in items("charset-open"):
        expect = item["expect"]
        if expect["clean"] and "\ufffd" not in (expect["subject"] or ""):
            got = scores.mime(item["raw"])
            body = next((k for k in ("text", "html") if expect[k] is not None), None)
            good += squash(got["subject"]).replace(" ", "") == squash(expect["subject"]).replace(" ", "") and (
                body is None or squash(expect[body]) in squash(got[body])
            )
            total += 1
    floor("charset subject and body", good, total, 91)


def test_auto_replies_are_found_and_human_mail_is_kept():
    found = [(item["expect"]["class"], scores.auto(item["raw"])) for item in items("auto-open")]
    automatic = [got for want, got in found if want == "auto_reply"]
    human = [got for want, got in found if want == "human"]
    assert len(found) > 500
    floor("auto-replies found", automatic.count("auto_reply"), len(automatic), 75)
    floor("human mail kept", human.count("human"), len(human), 99)
    floor("machines and lists told", sum(w != "human" != g for w, g in found), len(found) - len(human), 82)
    assert [w for w, g in found if g == "auto_reply" != w] == []


def test_bounces_are_found_with_their_addresses_and_ordinary_mail_is_none():
    found = failed = exact = addressed = 0
    for name in ("bounce-sisimai", "bounce-flufl", "bounce-bounceparser", "bounce-misc"):
        for item in items(name):
            expect, got = item["expect"], scores.bounce(item["raw"])
            if expect["kind"] in ("bounce", "delay"):
                failed += 1
                found += got["kind"] in ("bounce", "delay")
                if expect.get("addresses"):
                    addressed += 1
                    exact += set(expect["addresses"]) == set(got["addresses"])
    floor("failures found", found, failed, 97)
    floor("addresses exact", exact, addressed, 93)
    ordinary = items("bounce-negatives")
    false = [i["id"] for i in ordinary if scores.bounce(i["raw"])["kind"] in ("bounce", "delay")]
    assert false == []


@pytest.mark.parametrize(
    ("name", "kind", "at_least"),
    [
        ("reply-enron", "reply", 80), ("reply-enron", "no quote", 100), ("reply-asf", "reply", 92),
        ("reply-asf", "no quote", 100), ("reply-trimmer", None, 80), ("reply-talon", None, 68),
    ],
)  # fmt: skip
def test_the_new_text_of_replies_is_found(name, kind, at_least):
    chosen = [i for i in items(name) if i["expect"].get("kind") == kind and i["expect"].get("reply") is not None]
    good = sum(
        squash(scores.reply(i["text"], i["expect"]["signature"] == "keep")) == squash(i["expect"]["reply"])
        for i in chosen
    )
    floor(f"{name} {kind or ''}", good, len(chosen), at_least)


def test_the_true_author_is_named():
    chosen = [i for i in items("thread-spamassassin") if i["expect"]["sender"]]
    good = sum((scores.sender(i["headers"]) or "").lower() == i["expect"]["sender"] for i in chosen)
    floor("true author", good, len(chosen), 99.5)
