"""No event and no error of the whole path holds an address, a subject, a body or a secret, even before redaction."""

from __future__ import annotations

import email
import email.policy
import json

from tests.box import Box, day
from tradepost.sandbox.trade.build import people
from tradepost.sandbox.virtual import START, run


def secrets_of(box):
    """What must not appear: every address, every subject's longest word, words of bodies, keys and tokens."""
    groups = [people()[g] for g in ("mailboxes", "colleagues", "contacts", "leads", "strangers", "robots")]
    found = {who["address"] for group in groups for who in group.values()}
    for letter in [*box.history(), *box.live()]:
        mail = email.message_from_bytes(letter.raw, policy=email.policy.default)
        found.add(max(str(mail["subject"]).split(), key=len))
        body = mail.get_body()
        found |= {word for word in (body.get_content().split() if body else ()) if len(word) > 11}
    found.add(box.company.org.client.client_secret)
    key = box.company.gmail.key_file("")["private_key"]
    return found | {key.splitlines()[1]}


def test_the_engines_events_hold_none_of_what_it_carries(tmp_path):
    async def main():
        box = Box(tmp_path, start=day(START, 120))
        planted = secrets_of(box)
        for letter in box.history():
            box.deliver(letter)
        for effect in ("lost_reply", "html", "truncated", "reset"):
            box.fault("*", "*", effect, nth=30)
        await box.once()
        for letter in box.live():
            await box.clock.sleep(30)
            box.company.gmail.deliver_to_recipients(letter.raw)
            await box.once()
        await box.settle()
        told = json.dumps(box.events.lines, ensure_ascii=False)
        assert len(told) > 50_000
        assert len(planted) > 150
        tokens = {json.loads(token)["access_token"] for token, _ in box.vault._tokens.values()}
        assert tokens
        assert sorted(word for word in planted | tokens if word in told) == []

    run(main())
