"""A person's own mail gets into the sandbox with its dates and places."""

from __future__ import annotations

import mailbox
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from tests.sandbox_gmail.desk import ANNA, BO, make_mail
from tradepost.sandbox.gmail.vendor import GmailVendor
from tradepost.sandbox.kernel import World
from tradepost.sandbox.load import load, read_mail, received_at
from tradepost.sandbox.virtual import VirtualClock

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WRITTEN = datetime(2026, 3, 2, 7, tzinfo=UTC)


@pytest.fixture
def vendor() -> GmailVendor:
    made = GmailVendor(World(clock=VirtualClock(), random=Random(1)))
    made.add_mailbox(ANNA)
    made.add_mailbox(BO)
    return made


def _places(vendor: GmailVendor, user: str = ANNA) -> dict[str, set[str]]:
    box = vendor.mailboxes[user]
    return {m.head.subject: {box.labels[name].name for name in m.labels} for m in box.messages.values()}


def test_eml_files_of_a_folder_come_with_their_own_date_and_bytes(vendor, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.eml").write_bytes(make_mail("One"))
    (tmp_path / "deep" / "b.EML").write_bytes(make_mail("Two", sender=ANNA))
    (tmp_path / "notes.txt").write_text("no mail")
    (tmp_path / "empty.eml").write_bytes(b"")
    report = load(vendor, [tmp_path], NOW, ANNA)
    assert (report.delivered, [Path(p).name for p in report.skipped]) == ({ANNA: 2}, ["empty.eml"])
    assert _places(vendor) == {"One": {"INBOX", "UNREAD", "CATEGORY_PERSONAL"}, "Two": {"SENT"}}
    stored = next(m for m in vendor.mailboxes[ANNA].messages.values() if m.head.subject == "One")
    assert stored.raw == make_mail("One")
    assert stored.internal_ms == WRITTEN.timestamp() * 1000


def test_a_takeout_mbox_keeps_its_labels(vendor, tmp_path: Path) -> None:
    path = tmp_path / "All mail.mbox"
    box = mailbox.mbox(path)
    for subject, labels in (("A", "Inbox,Unread,Orders"), ("B", "Sent,Opened"), ("C", "Archived,Category Updates")):
        box.add(make_mail(subject, text="From here on\n>From there", **{"X-Gmail-Labels": labels}))
    box.close()
    assert load(vendor, [path], NOW, ANNA).delivered == {ANNA: 3}
    assert _places(vendor) == {"A": {"INBOX", "UNREAD", "Orders"}, "B": {"SENT"}, "C": set()}
    assert all(b"\nFrom here on\n" in m.raw for m in vendor.mailboxes[ANNA].messages.values())


def test_a_maildir_keeps_folders_and_flags(vendor, tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "Maildir")
    for subject, folder, flags in (
        ("New", "", ""),
        ("Seen", "", "S"),
        ("Mine", "Sent", "S"),
        ("Shop", "Orders", "FS"),
        ("Bin", "", "ST"),
    ):
        target = box.add_folder(folder) if folder else box
        message = mailbox.MaildirMessage(make_mail(subject))
        if flags:
            message.set_subdir("cur")
            message.set_flags(flags)
        target.add(message)
    load(vendor, [tmp_path / "Maildir"], NOW, ANNA)
    assert _places(vendor) == {
        "New": {"INBOX", "UNREAD"},
        "Seen": {"INBOX"},
        "Mine": {"SENT"},
        "Shop": {"Orders", "STARRED"},
        "Bin": {"TRASH"},
    }


def test_without_a_mailbox_mail_goes_where_its_headers_say(vendor, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(make_mail("To both", to=f"{ANNA}, {BO}", sender="li@buyer.example"))
    (tmp_path / "b.eml").write_bytes(make_mail("Ours", sender=BO, to="li@buyer.example"))
    (tmp_path / "c.eml").write_bytes(make_mail("Strangers", to="x@y.example"))
    report = load(vendor, [tmp_path], NOW)
    assert report.delivered == {ANNA: 1, BO: 2}
    assert [Path(p).name for p in report.skipped] == ["c.eml"]
    assert _places(vendor, BO)["Ours"] == {"SENT"}


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_mail([tmp_path / "nothing"]))


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        (
            b"Received: from a by b; Sun, 1 Mar 2026 10:00:00 +0100\nDate: Sat, 28 Feb 2026 00:00:00 +0000",
            datetime(2026, 3, 1, 9, tzinfo=UTC),
        ),
        (b"Received: nonsense\nDate: Sat, 28 Feb 2026 00:00:00 +0000", datetime(2026, 2, 28, tzinfo=UTC)),
        (b"Date: Sat, 28 Feb 2099 00:00:00 +0000", NOW),  # mail from the future arrives now
        (b"Date: Thu, 99 Foo 12345678901234 99:99", NOW),
        (b"Subject: x", NOW),
    ],
)
def test_the_time_of_arrival(headers: bytes, found: datetime) -> None:
    assert received_at(headers + b"\n\nbody", NOW) == found
