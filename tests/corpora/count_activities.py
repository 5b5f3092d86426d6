"""How many activities should there be? Counted from the raw mails and the contacts alone, with nothing but Python.

The rules (docs/matching.md): a mail is told apart by Message-ID, first author and date, one without Message-ID by its
author, date, subject, recipients and text. It is logged where a contact takes part, or where it answers in a thread of
just one contact. A mailing list that carried a mail takes no part in it.

    python count_activities.py CONTACTS MAIL...     a file of addresses, one a line, and files of one raw mail each
"""

import re
import sys
from email import message_from_bytes
from email.utils import parsedate_tz
from pathlib import Path


def header(mail, *names):
    return ", ".join(str(value) for name in names for value in mail.get_all(name, []))


def addresses(mail, *names):
    bare = re.sub(r'"[^"]*"|\([^()]*\)|[^,;:<>]*(?=<[^<>]*@)', " ", header(mail, *names))
    return [found.lower() for found in re.findall(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+", bare)]


def ids(mail, *names):
    return re.findall(r"<([^<>]+)>", header(mail, *names))


def sign(mail):
    """What tells a mail from others."""
    text = min((p for p in mail.walk() if not p.is_multipart()), key=lambda p: p.get_content_type() != "text/plain")
    said = [header(mail, "Subject"), *addresses(mail, "To", "Cc"), "".join(str(text.get_payload()).split())]
    return (*(ids(mail, "Message-ID") or said), *addresses(mail, "From")[:1], str(parsedate_tz(header(mail, "Date"))))


def logged(raws, contacts):
    """The numbers of the mails that are on somebody's page, one for each mail that came more than once."""
    mails = [message_from_bytes(raw) for raw in raws]
    lists = [addresses(m, "List-Id", "List-Post", "X-BeenThere", "Mailing-List", "X-Mailing-List") for m in mails]
    named = [set(addresses(m, "To", "Cc", "Bcc")).difference(lists[n]) for n, m in enumerate(mails)]
    people = [named[n].union(addresses(m, "From", "Reply-To")) & contacts for n, m in enumerate(mails)]
    answers = [ids(m, "References", "In-Reply-To") for m in mails]
    thread, known = {}, {}  # of each mail or id another one of its thread; of each thread its contacts

    def root(key):
        while thread.setdefault(key, key) != key:
            key = thread[key]
        return key

    for n, mail in enumerate(mails):
        for key in ids(mail, "References", "In-Reply-To", "Message-ID"):
            thread[root(key if "@" in key else n)] = root(n)  # a bare word such as <yes> is nobody's id
    for n, found in enumerate(people):
        known.setdefault(root(n), set()).update(found)
    joins = [answers[n] and len(known[root(n)]) == 1 for n in range(len(mails))]
    return list({sign(mails[n]): n for n in range(len(mails)) if people[n] or joins[n]}.values())


if __name__ == "__main__":
    book, *files = map(Path, sys.argv[1:])
    print(len(logged([file.read_bytes() for file in files], set(book.read_text().lower().split()))))
