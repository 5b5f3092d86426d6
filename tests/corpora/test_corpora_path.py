"""Mail that nobody here wrote goes the whole path: nothing fails, nothing is missing, and the count is the raw mails'.

The corpora are not part of this repository. The directory that holds them is named by TRADEPOST_CORPORA, else it is
../shared/corpora beside the checkout. `python -m tests.corpora.run` carries all of it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corpora import count_activities
from tests.corpora.whole_path import COLLEAGUE, OWNER, ROOT, SETS, carry, draw_contacts, read_sets

needs_corpora = pytest.mark.skipif(not ROOT.is_dir(), reason=f"no mail corpora at {ROOT} (set TRADEPOST_CORPORA)")


@needs_corpora
def test_every_set_goes_the_whole_path_and_the_activities_are_the_raw_mails_count(tmp_path, caplog):
    mails = read_sets(most=70)
    with caplog.at_level(logging.ERROR):
        outcome = carry(mails, tmp_path, seed=1)
    assert (outcome.unlogged, outcome.unexpected, outcome.taken_for_one, outcome.troubles) == ([], [], [], [])
    assert outcome.actual == outcome.expected > 300
    assert (outcome.sums["missing"], outcome.sums["listed"]) == (0, len(mails))
    assert outcome.sums["parked"] * 100 < len(mails)
    assert outcome.rewrites == 0
    assert outcome.good
    assert not caplog.records  # no library complains either
    assert {name for name, found in outcome.by_set.items() if found["synced"]} >= set(SETS) - {"tnef-mimekit"}


@needs_corpora
def test_a_colleagues_copy_of_everything_adds_no_activity(tmp_path):
    mails = read_sets(("mime-stalwart", "mime-imaptools", "charset-open", "bounce-misc"))
    both = carry(mails, tmp_path, seed=2, mailboxes=(OWNER, COLLEAGUE))
    assert both.good
    assert both.actual == both.expected > 60  # counted from one copy of each
    assert both.sums["listed"] == 2 * len(mails)


@needs_corpora
def test_the_draw_takes_half_of_the_senders_and_depends_on_the_seed_alone():
    mails = read_sets(("charset-open",))
    drawn, senders = draw_contacts(mails, 1)
    assert len(drawn) == senders // 2
    assert draw_contacts(mails, 1)[0] == drawn != draw_contacts(mails, 2)[0]


HEAD = "Message-ID: <{n}@x.example>\nDate: Mon, 2 Mar 2026 08:00:0{n} +0000\nFrom: {sender}\nTo: me@ours.example\n"


def _mail(n, sender, more=""):
    return (HEAD.format(n=n, sender=sender) + more + "\nHello\n").encode()


@pytest.mark.parametrize(
    ("mails", "count"),
    [
        ([_mail(1, "Ann <ann@a.example>")], 1),
        ([_mail(1, "bob@b.example")], 0),
        ([_mail(1, "bob@b.example", "Cc: ANN@a.example\n")], 1),
        ([_mail(1, "bob@b.example", "Reply-To: ann@a.example\n")], 1),
        ([_mail(1, "ann@a.example <bob@b.example>")], 0),  # a name that looks like an address
        ([_mail(1, "ann@a.example")] * 3, 1),
        ([_mail(1, "ann@a.example"), _mail(2, "bob@b.example", "In-Reply-To: <1@x.example>\n")], 2),
        ([_mail(1, "ann@a.example"), _mail(2, "bob@b.example")], 1),
        (
            [
                _mail(1, "ann@a.example"),
                _mail(2, "cy@c.example", "References: <1@x.example>\n"),
                _mail(3, "bob@b.example", "References: <1@x.example>\n"),
            ],
            2,  # whose answer it is, is not clear among two contacts
        ),
        ([_mail(1, "bob@b.example", "Cc: ann@a.example\nList-Post: <mailto:ann@a.example>\n")], 0),
    ],
)
def test_the_counting_script_counts_by_the_rules(mails, count):
    assert len(count_activities.logged(mails, {"ann@a.example", "cy@c.example"})) == count


def test_the_counting_script_runs_alone_and_knows_nothing_of_ours(tmp_path):
    script = Path(count_activities.__file__)
    (tmp_path / "contacts").write_text("Ann@A.example\n")
    for n, sender in enumerate(("ann@a.example", "bob@b.example")):
        (tmp_path / f"{n}.eml").write_bytes(_mail(n, sender))
    files = [str(tmp_path / name) for name in ("contacts", "0.eml", "1.eml")]
    done = subprocess.run([sys.executable, "-I", str(script), *files], capture_output=True, check=True, cwd=tmp_path)
    assert done.stdout == b"1\n"
    code = [line for line in script.read_text().splitlines() if line.startswith(("import", "from"))]
    assert {line.split()[1].partition(".")[0] for line in code} == {"re", "sys", "email", "pathlib"}
