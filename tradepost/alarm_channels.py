"""Channels that alarms are told on: a command and a webhook; and when certificates end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from cryptography import x509

from connectors.base.errors import ConnectorError, Rejected, Transient
from connectors.base.services import Call, HttpSpec, Reply
from connectors.http import Sender
from connectors.oauth import SecretRef
from connectors.oauth.microsoft import certificate
from sync.alarm_lane import AlarmSettings, Channel, Notice, Tasks
from sync.alarms import Credential, Limits
from sync.store.alarms import Known
from tradepost.config import Settings
from tradepost.config.alarms import CredentialDates, Webhook
from tradepost.messages import Language
from tradepost.views.history import told_alarm

# What a program may need to run at all; secrets lie in others.
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")


def document(notice: Notice) -> bytes:
    """The notice as JSON: the same for the command and the webhook."""
    data: dict[str, Any] = {
        "id": notice.id,
        "event": notice.event,
        "kind": notice.kind,
        "subject": notice.subject,
        "title": notice.title,
        "text": notice.text,
        "facts": dict(notice.facts),
        "raised_at": notice.raised_at.isoformat(),
        "cleared_at": notice.cleared_at.isoformat() if notice.cleared_at else None,
    }
    return json.dumps(data, ensure_ascii=False).encode()


class CommandChannel:
    """Runs a program without a shell, the document on its standard input. It sees none of our environment's secrets."""

    name = "command"

    def __init__(self, argv: Sequence[str], seconds: float, environ: Mapping[str, str]) -> None:
        self._argv = tuple(argv)
        self._seconds = seconds
        self._environ = {key: environ[key] for key in _ENVIRONMENT if key in environ}

    async def tell(self, notice: Notice) -> None:
        """Raises `Transient` when it cannot be started, takes too long or ends with another code than 0."""
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet, env=self._environ
            )
        except OSError as error:
            raise Transient(f"The alarm's command cannot be started: {error.strerror}.") from None
        try:
            async with asyncio.timeout(self._seconds):
                await process.communicate(document(notice))
        except TimeoutError:
            raise Transient("The alarm's command has not ended in time and was stopped.") from None
        except (BrokenPipeError, ConnectionResetError):
            await process.wait()  # it did not want to read; its exit code says whether all is well
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise Transient(f"The alarm's command ended with code {process.returncode}.")

    async def close(self) -> None:
        """Nothing is kept open."""


class WebhookChannel:
    """Posts the document through the one sender, signed where there is a secret."""

    name = "webhook"

    def __init__(self, webhook: Webhook, sender: Sender) -> None:
        self._url = webhook.url
        self._secret = webhook.secret.read().encode() if webhook.secret else b""
        self._http = sender.open(
            HttpSpec(
                name="alarms.webhook",
                base_url=webhook.url,
                classify=_general,
                timeout=webhook.timeout,
                proxy=webhook.proxy,
                ca_bundle=webhook.ca_bundle,
            )
        )

    async def tell(self, notice: Notice) -> None:
        """Raises `ConnectorError`s; a lost answer too, after which the same document is posted again."""
        body = document(notice)
        headers = {"content-type": "application/json; charset=utf-8", "x-tradepost-id": f"{notice.id}-{notice.event}"}
        if self._secret:
            headers["x-tradepost-signature"] = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
        call = Call(
            operation="alarm.webhook",
            method="POST",
            url=self._url,
            safe=False,
            headers=headers,
            content=body,
            accept=frozenset(range(200, 300)),
        )
        await self._http.send(call)

    async def close(self) -> None:
        await self._http.close()


def _general(call: Call, reply: Reply) -> ConnectorError | None:
    """A redirect is not followed: a document that names a mailbox goes where the configuration says."""
    if reply.status >= 400:
        return None
    return Rejected("The webhook leads elsewhere.", operation=call.operation, status=reply.status)


# ------------------------------------------------------------------------------------------------------------ settings


def alarm_settings(settings: Settings, sender: Sender, lanes: Sequence[str], targets: Sequence[str]) -> AlarmSettings:
    """What the configuration says of alarms. Raises `SecretError`, and `ValueError` for a CA file or proxy."""
    section = settings.alarms
    limits = section.limits
    channels: list[Channel] = []
    if section.command:
        channels.append(CommandChannel(section.command, section.command_seconds, os.environ))
    if section.webhook:
        channels.append(WebhookChannel(section.webhook, sender))
    return AlarmSettings(
        mailboxes=[mailbox.address for mailbox in settings.mailboxes],
        lanes=lanes,
        targets=targets,
        calendar=settings.rules.rule_set.calendar,
        word=wording(Language(settings.language or "en")),
        limits=Limits(
            cursor_age=timedelta(hours=limits.cursor_hours),
            lane_waiting=timedelta(hours=limits.waiting_hours),
            parked_a_day=limits.parked_a_day,
            silence_floor=limits.silence_mails,
            credential=timedelta(days=limits.credential_days),
        ),
        credentials=credentials(settings),
        tasks=Tasks(section.tasks.target, section.tasks.user) if section.tasks else None,
        channels=channels,
    )


def wording(language: Language) -> Callable[[Known], tuple[str, str]]:
    """Title and text of an alarm in a language."""
    return lambda alarm: told_alarm(alarm, language)


def credentials(settings: Settings) -> list[Credential]:
    """When each connection's credential ends, as far as it or the configuration says so; the earliest counts."""
    zone = ZoneInfo(settings.company.calendar.zone)
    found: dict[str, datetime] = {}
    configs = {name: account.config for name, account in settings.mail.items()}
    configs |= {name: account.config for name, account in settings.crm.items()}
    for name, config in configs.items():
        end = _certificate_of(getattr(config, "auth", None))
        if end is not None:
            found[name] = end
    for entry in settings.alarms.credentials:
        end = _end_of(entry, zone)
        found[entry.connection] = min(end, found.get(entry.connection, end))
    return [Credential(name, found[name]) for name in sorted(found)]


def _certificate_of(auth: object) -> datetime | None:
    held = getattr(auth, "certificate", None)
    if not isinstance(held, SecretRef):
        return None
    passphrase = getattr(auth, "passphrase", None)
    pem = certificate(held.read_bytes(), passphrase.read() if passphrase else "", held.where).public
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def _end_of(entry: CredentialDates, zone: ZoneInfo) -> datetime:
    day = entry.ends or (entry.made + timedelta(days=entry.days) if entry.made else None)
    assert day is not None  # noqa: S101 - checked by its model
    return datetime.combine(day, time(), zone).astimezone(UTC)
