"""The sandbox as a program of its own, and Tradepost as another that is pointed at it."""

from __future__ import annotations

import asyncio
import io
import json
import mailbox
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from tradepost import cli
from tradepost.config import load
from tradepost.demo.served import open_sandbox
from tradepost.errors import UserError
from tradepost.messages import Language

PROGRAM = [sys.executable, "-m", "tradepost"]


@contextmanager
def sandbox(tmp_path: Path, *options: str):
    environ = {"PATH": os.defpath, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [*PROGRAM, "sandbox", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    try:
        text = ""
        for line in process.stdout:
            text += line
            if line == "}\n":
                break
        yield process, json.loads(text)
    finally:
        process.kill()
        process.communicate()


def tradepost(found: dict, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*PROGRAM, "-c", found["config"], *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.defpath},
    )


def test_check_is_green_a_second_run_writes_nothing_and_one_mail_more_makes_one_activity(tmp_path):
    with sandbox(tmp_path) as (process, found), httpx.Client(base_url=found["control"], timeout=20) as control:

        def activities() -> int:
            return control.get("/statistics").json()["salesforce"]["client"]["created"]["EmailMessage"]

        first = tradepost(found, "run", "--once")
        assert (first.returncode, first.stderr) == (0, "")
        logged = activities()
        assert logged > 80
        control.delete("/requests")
        assert tradepost(found, "run", "--once").returncode == 0
        seen = control.get("/requests").json()["summary"]
        assert seen["salesforce"]["read"]
        assert (seen["salesforce"]["write"], seen["gmail"]["write"]) == ({}, {})
        raw = f"From: Klaus Brandt <klaus.brandt@nordlicht.example>\nTo: {found['vendors']['gmail']['credentials']['mailboxes'][0]}\n"
        raw += "Subject: One question more\nMessage-ID: <one.more@nordlicht.example>\n\nWhen do you ship?\n"
        assert control.post("/gmail/deliver_to_recipients", json={"raw": raw}).status_code == 200
        assert tradepost(found, "run", "--once").returncode == 0
        assert activities() == logged + 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not Path(found["config"]).parent.exists()


def test_a_new_org_is_made_ready_by_setup(tmp_path):
    with sandbox(tmp_path, "--fresh") as (process, found):
        query = {"text": "SELECT Id FROM PermissionSet WHERE Name = 'Tradepost'"}
        assert httpx.post(f"{found['control']}/salesforce/query", json=query).json() == {"result": []}
        assert tradepost(found, "setup", "--yes").returncode == 0
        after = tradepost(found, "check", "--json")
        assert (after.returncode, json.loads(after.stdout)["ready"]) == (0, True)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_a_port_of_somebody_else_is_told_in_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        out, err = io.StringIO(), io.StringIO()
        assert cli.main(["sandbox", "--port", str(taken.getsockname()[1])], {}, out, err) == 2
    assert out.getvalue() == ""
    assert len(err.getvalue().splitlines()) == 1
    assert "--port" in err.getvalue()


def written(sender: str, to: str, subject: str, day: int, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = f"Mon, {day:02} Mar 2026 10:00:00 +0000"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Hello")
    return mail


ME, BUYER = "Mina <Mina@Harbour.example>", "Ole Bull <ole@buyer.example>"


def own_folder(folder: Path) -> Path:
    (folder / "mail").mkdir(parents=True)
    mails = [
        written(ME, BUYER, "Offer", 3),
        written(BUYER, ME, "Re: Offer", 4),
        written("Shop <news@shop.example>", ME, "Sale", 5),
        written("li@harbour.example", ME, "Lunch", 6),
    ]
    for n, mail in enumerate(mails):
        (folder / "mail" / f"{n}.eml").write_bytes(bytes(mail))
    box = mailbox.mbox(folder / "all.mbox")
    box.add(written("x@y.example", "list@z.example", "Through a list", 2, Delivered_To="sam@gmail.com"))
    box.close()
    return folder


def test_a_persons_own_mail_becomes_mailboxes_and_whom_they_wrote_to_becomes_a_contact(tmp_path):
    folder = own_folder(tmp_path / "own")

    async def main():
        async with open_sandbox(tmp_path / "s", Language.EN, mail=[folder / "mail", folder / "all.mbox"]) as found:
            names = [row["Name"] for row in found.company.org.query("SELECT Name FROM Contact")]
            return found.as_dict(), names, load(found.config, {})

    found, names, settings = asyncio.run(main())
    assert found["mailboxes"] == {"mina@harbour.example": 4, "sam@gmail.com": 1}
    assert found["start"] == "2026-03-02"
    assert names == ["Ole Bull"]
    assert settings.company.domains == ("harbour.example",)  # a freemail domain is nobody's own
    assert "sam@gmail.com" in settings.company.extra_addresses
    assert [m.address for m in settings.mailboxes] == ["mina@harbour.example", "sam@gmail.com"]


def test_a_folder_without_mail_is_told(tmp_path):
    (tmp_path / "empty").mkdir()

    async def main():
        async with open_sandbox(tmp_path / "s", Language.EN, mail=[tmp_path / "empty"]):
            raise AssertionError("served nothing")

    with pytest.raises(UserError) as refused:
        asyncio.run(main())
    assert "empty" in refused.value.say(Language.EN)
