"""How fast mails are parsed and read, as a ratio to the standard library's modern parser on the same mails.

    python -m bench.reading [MAILS]

The mails are made here from a fixed seed: plain, HTML, Chinese, with attachments and long replies. Ratios are worth
comparing between machines, mails per second are not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random

from bench.scores import NOBODY, WORDS, message_of
from mappings.reading import read

_SENTENCES = (
    "Please find our quotation attached.", "We need 500 pcs by the end of May.", "Could you offer a better price?",
    "您好，请查收附件中的报价单。", "我们需要500件样品。", "Vielen Dank für Ihre Anfrage.", "Best regards",
)  # fmt: skip


def made(count: int, seed: int = 7) -> list[bytes]:
    """Mails of a trading company's size: 1 to 60 lines, every third HTML too, every fourth with a file."""
    random = Random(seed)
    return [_one(random, n) for n in range(count)]


def _one(random: Random, n: int) -> bytes:
    mail = EmailMessage()
    mail["From"] = f"王晓明 <wang{n % 50}@supplier.cn>"
    mail["To"] = ", ".join(f"Buyer {k} <buyer{k}@customer{k}.de>" for k in range(1 + n % 4))
    mail["Subject"] = f"Re: 报价 Quotation {n}"
    mail["Date"] = "Mon, 2 Mar 2026 08:00:00 +0800"
    mail["Message-ID"] = f"<{n}@supplier.cn>"
    mail["References"] = " ".join(f"<{n}.{k}@customer.de>" for k in range(n % 9))
    for k in range(12):
        mail[f"X-Trace-{k}"] = f"relay {k} for {n} " + "x" * 60
    own = [random.choice(_SENTENCES) for _ in range(random.randrange(1, 30))]
    quoted = [f"> {random.choice(_SENTENCES)}" for _ in range(random.randrange(30))]
    text = "\n".join([*own, "", "On Mon, 2 Mar 2026 at 08:00, Joe <joe@customer.de> wrote:", *quoted])
    mail.set_content(text, charset=("gb18030", "utf-8")[n % 2])
    if n % 3 == 0:
        mail.add_alternative(
            "<html><body>" + "".join(f"<p>{line}</p>" for line in own) + "</body></html>", subtype="html"
        )
    if n % 4 == 0:
        mail.add_attachment(random.randbytes(20_000), maintype="application", subtype="pdf", filename=f"报价单{n}.pdf")
    return mail.as_bytes()


def _stdlib(raw: bytes) -> None:
    mail = message_from_bytes(raw, policy=policy.default)
    for name in ("from", "to", "subject", "date"):
        str(mail[name])
    for part in mail.walk():
        if not part.is_multipart():
            part.get_content()


def _read(raw: bytes) -> None:
    mail = message_of(raw)
    if mail:
        read(mail, mailbox="m", own=NOBODY, words=WORDS)


def _rate(work: Callable[[bytes], object], mails: list[bytes]) -> float:
    """Mails per second of the best of three rounds."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for raw in mails:
            work(raw)
        best = min(best, time.perf_counter() - start)
    return len(mails) / best


def main(count: int = 400) -> None:
    """Print one line a task."""
    mails = made(count)
    base = _rate(_stdlib, mails)
    print(f"{'stdlib policy.default':28}{base:10.0f} mails/s   1.0")
    for name, work in (("parse", message_of), ("parse and read", _read)):
        rate = _rate(work, mails)
        print(f"{name:28}{rate:10.0f} mails/s {rate / base:5.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
