"""What people, administrators and time do to the simulated domain: the control methods.

Methods named in `CONTROLS` are also reachable over HTTP (`tradepost.sandbox.control`). A mailbox is named by any of its
addresses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, Literal

from tradepost.sandbox.gmail import post
from tradepost.sandbox.gmail.auth import AUDIENCE, Consent, Directory
from tradepost.sandbox.gmail.mailbox import Mailbox, Message
from tradepost.sandbox.gmail.quota import Meter
from tradepost.sandbox.gmail.strictness import Strictness
from tradepost.sandbox.kernel import World

READONLY = "https://www.googleapis.com/auth/gmail.readonly"
SETTINGS = "https://www.googleapis.com/auth/gmail.settings.basic"
ARRIVAL = ("INBOX", "UNREAD", "CATEGORY_PERSONAL")


class Acts:
    """Mixed into the vendor, whose state it changes."""

    world: World
    seed: int
    random: Random
    project: str
    project_number: str
    mailboxes: dict[str, Mailbox]
    directory: Directory
    meter: Meter
    strictness: Strictness
    calls: Counter[str]
    find_user: Callable[[str], str | None]

    CONTROLS = (
        "add_mailbox",
        "add_label",
        "deliver",
        "deliver_to_recipients",
        "move",
        "trash",
        "delete",
        "save_draft",
        "send_draft",
        "silent_changes",
        "expire_history",
        "expire_pages",
        "expire_tokens",
        "revoke",
        "set_scopes",
        "set_consent",
        "set_quota",
        "set_mail_service",
        "statistics",
        "dump",
        "key_file",
        "client_file",
        "refresh_token",
    )

    def mailbox(self, address: str) -> Mailbox:
        """Raises KeyError for an address nobody has."""
        user = self.find_user(address)
        if user is None:
            raise KeyError(f"No mailbox {address}")
        return self.mailboxes[user]

    def add_mailbox(
        self,
        address: str,
        *,
        aliases: Sequence[str] = (),
        display_name: str = "",
        labels: Sequence[str] = (),
    ) -> str:
        """A new, empty mailbox with send-as aliases and user labels; the answer is its address."""
        key = address.lower()
        if self.find_user(key):
            raise ValueError(f"{address} exists")
        box = Mailbox(
            key,
            Random(f"mailbox-{self.seed}-{key}"),
            self.world.clock.now(),
            tuple((alias.lower(), display_name) for alias in aliases),
            display_name,
            strictness=self.strictness,
        )
        for name in labels:
            box.create_label(name)
        self.mailboxes[key] = box
        return key

    def add_label(self, mailbox: str, name: str) -> str:
        """A user label; the answer is its id."""
        return self.mailbox(mailbox).create_label(name).id

    # ------------------------------------------------------------------------------------------------------------ mail

    def deliver(
        self,
        mailbox: str,
        raw: bytes,
        *,
        labels: Sequence[str] | None = None,
        at: datetime | None = None,
        thread: str | None = None,
    ) -> str:
        """Put a mail into one mailbox exactly as it is; the answer is its id.

        `labels` are ids or names (names not there yet are created), by default those of arriving mail; `at` is the
        internalDate, by default now; `thread` forces a thread.
        """
        box = self.mailbox(mailbox)
        ids = [self._label(box, name) for name in (ARRIVAL if labels is None else labels)]
        return box.add(raw, labels=ids, now=self.world.clock.now(), at=at, thread=thread).id

    @staticmethod
    def _label(box: Mailbox, name: str) -> str:
        known = {value: label.id for label in box.labels.values() for value in (label.id, label.name)}
        return known.get(name) or box.create_label(name).id

    def deliver_to_recipients(self, raw: bytes, *, at: datetime | None = None) -> dict[str, str]:
        """Carry a mail as Gmail would: a SENT copy for a sender of ours, a copy for each recipient of ours.

        The answer maps each mailbox that got one to the id there. Copies differ in trace headers and lack Bcc.
        """
        senders, _ = post.people(raw)
        sender = next((user for address in senders if (user := self.find_user(address))), None)
        if sender is None:
            return self._spread(post.received(raw, self._serial()), at, skip="")
        message, copies = self._send(self.mailboxes[sender], raw, None, at)
        return {sender: message.id} | copies

    def _serial(self) -> str:
        return f"{self.random.getrandbits(96):024x}"

    def submit(self, box: Mailbox, raw: bytes, thread: str | None) -> Message:
        """A user sends a mail now."""
        return self._send(box, raw, thread, None)[0]

    def _send(
        self, box: Mailbox, raw: bytes, thread: str | None, at: datetime | None
    ) -> tuple[Message, dict[str, str]]:
        now = self.world.clock.now()
        mail = post.submitted(raw, box.address, self._serial(), at or now)
        _, recipients = post.people(mail)
        to_self = any(address in box.addresses for address in recipients)
        labels = ("SENT", "INBOX", "UNREAD") if to_self else ("SENT",)
        message = box.add(mail, labels=labels, now=now, at=at, thread=thread)
        return message, self._spread(mail, at, skip=box.address)

    def _spread(self, mail: bytes, at: datetime | None, *, skip: str) -> dict[str, str]:
        now = self.world.clock.now()
        _, recipients = post.people(mail)
        users = dict.fromkeys(user for address in recipients if (user := self.find_user(address)) and user != skip)
        return {
            user: self.mailboxes[user]
            .add(post.delivered(mail, user, self._serial(), at or now), labels=ARRIVAL, now=now, at=at)
            .id
            for user in users
        }

    def move(self, mailbox: str, message_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Change labels, given by id or name."""
        box = self.mailbox(mailbox)
        plus, minus = [box.label_id(name) for name in add], [box.label_id(name) for name in remove]
        box.relabel(box.get(message_id), plus, minus, self.world.clock.now())

    def trash(self, mailbox: str, message_id: str) -> None:
        """Move to the trash."""
        box = self.mailbox(mailbox)
        box.trash(box.get(message_id), self.world.clock.now())

    def delete(self, mailbox: str, message_id: str) -> None:
        """Delete for ever."""
        box = self.mailbox(mailbox)
        box.delete(box.get(message_id), self.world.clock.now())

    def save_draft(self, mailbox: str, raw: bytes, *, draft_id: str | None = None) -> str:
        """A new draft, or another state of one (its message gets another id); the answer is the draft's id."""
        return self.mailbox(mailbox).save_draft(raw, self.world.clock.now(), draft_id)

    def send_draft(self, mailbox: str, draft_id: str) -> str:
        """The draft vanishes and is sent under a new id, which is the answer."""
        box = self.mailbox(mailbox)
        message = box.take_draft(draft_id, self.world.clock.now())
        return self.submit(box, message.raw, message.thread_id if message.thread_id in box.threads else None).id

    # ---------------------------------------------------------------------------------------------------- time, limits

    def silent_changes(self, mailbox: str, count: int) -> None:
        """Changes that history never tells: enough of them make pages without records."""
        self.mailbox(mailbox).silent_changes(count, self.world.clock.now())

    def expire_history(self, mailbox: str) -> None:
        """Every history id known so far answers 404 from now on."""
        self.mailbox(mailbox).expire_history(self.world.clock.now())

    def expire_pages(self, mailbox: str) -> None:
        """Every page token of a list given out so far is refused from now on."""
        self.mailbox(mailbox).page_epoch += 1

    def expire_tokens(self) -> None:
        """Every access token dies; refresh tokens and keys go on."""
        self.directory.tokens.clear()

    def revoke(self, refresh: str) -> None:
        """The user takes the app's access away: that refresh token and its access tokens die."""
        self.directory.revoke(refresh)

    def set_quota(
        self,
        *,
        user_per_minute: int | None = None,
        project_per_minute: int | None = None,
        project_per_day: int | None = None,
        concurrent: int | None = None,
        service_seconds: float | None = None,
        status: Literal[403, 429] | None = None,
    ) -> None:
        """Change limits; what is None stays. See `quota.Limits`."""
        limits = self.meter.limits
        given = {
            "user_per_minute": user_per_minute,
            "project_per_minute": project_per_minute,
            "project_per_day": project_per_day,
            "concurrent": concurrent,
            "service_seconds": service_seconds,
            "status": status,
        }
        for name, value in given.items():
            if value is not None:
                setattr(limits, name, value)

    def set_mail_service(self, mailbox: str, *, on: bool) -> None:
        """Off: every call for the mailbox answers 400 failedPrecondition."""
        self.mailbox(mailbox).enabled = on

    # --------------------------------------------------------------------------------------------------------- sign-in

    def key_file(
        self, base_url: str, *, scopes: Sequence[str] = (READONLY, SETTINGS), name: str = "tradepost"
    ) -> dict[str, str]:
        """A service account's key file, with `scopes` as the admin's list; made once per name."""
        email = f"{name}@{self.project}.iam.gserviceaccount.com"
        account = self.directory.accounts.get(email)
        if account is None:
            account = self.directory.create_service_account(name, self.project, tuple(scopes))
        base = base_url.rstrip("/")
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": account.key_id,
            "private_key": account.private_pem,
            "client_email": account.email,
            "client_id": account.client_id,
            "auth_uri": f"{base}/o/oauth2/v2/auth",
            "token_uri": f"{base}/token" if base else AUDIENCE,
            "universe_domain": "googleapis.com",
        }

    def set_scopes(self, scopes: Sequence[str], *, name: str = "tradepost") -> None:
        """The administrator changes the delegation's list of scopes."""
        email = f"{name}@{self.project}.iam.gserviceaccount.com"
        self.directory.delegate(email, tuple(scopes))

    def client_file(self, base_url: str) -> Mapping[str, dict[str, str]]:
        """A desktop OAuth client as Google's console hands it out."""
        client = self.directory.create_client(self.project_number)
        base = base_url.rstrip("/")
        return {
            "installed": {
                "client_id": client.client_id,
                "client_secret": client.secret,
                "project_id": self.project,
                "auth_uri": f"{base}/o/oauth2/v2/auth",
                "token_uri": f"{base}/token",
            }
        }

    def set_consent(self, *, user: str = "", deny: bool = False, scopes: Sequence[str] = ()) -> None:
        """Who signs in at the consent page without being asked; '' shows the page."""
        self.directory.consent = Consent(user, deny, tuple(scopes))

    def refresh_token(self, client_id: str, mailbox: str, *, scopes: Sequence[str] = (READONLY,)) -> str:
        """A refresh token as if the user had consented."""
        return self.directory.grant(client_id, self.mailbox(mailbox).address, tuple(scopes))

    def credentials(self, base_url: str) -> dict[str, Any]:
        """Everything that signs in at this vendor, and the mailboxes there are."""
        return {
            "mailboxes": sorted(self.mailboxes),
            "service_account": self.key_file(base_url),
            "oauth_client": self.client_file(base_url),
        }

    # ------------------------------------------------------------------------------------------------------- reporting

    def statistics(self) -> dict[str, Any]:
        """Messages by mailbox and label, calls by method."""
        return {
            "mailboxes": {name: box.count() for name, box in sorted(self.mailboxes.items())},
            "calls": dict(sorted(self.calls.items())),
        }

    def dump(self) -> dict[str, Any]:
        """All messages with where they are, in order of id."""
        return {
            name: [
                {
                    "id": message.id,
                    "threadId": message.thread_id,
                    "labelIds": sorted(message.labels),
                    "internalDate": message.internal_ms,
                    "messageId": message.head.message_id,
                    "subject": message.head.subject,
                    "size": len(message.raw),
                }
                for message in sorted(box.messages.values(), key=lambda m: m.id)
            ]
            for name, box in sorted(self.mailboxes.items())
        }
