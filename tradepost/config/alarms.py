"""The `alarms` section: who is told when something is wrong, and from where on it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from connectors.addresses import is_private
from connectors.oauth import SecretRef
from tradepost.config.part import Part
from tradepost.config.values import FilePath, Name, refusal


def _https(text: str) -> str:
    if not is_private(text):
        raise refusal("not_url")
    return text


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise refusal("not_absolute")
    return path


class AlarmTasks(Part):
    target: Name
    """Connection of the CRM in which the tasks are made; its writes must be on."""

    user: Annotated[str, Field(min_length=1)]
    """CRM user (id or e-mail address) who gets them."""


class Webhook(Part):
    url: Annotated[str, AfterValidator(_https)]
    """Address that a JSON document is posted to."""

    secret: SecretRef | None = None
    """Where the secret is kept with which the document is signed (header X-Tradepost-Signature)."""

    timeout: Annotated[float, Field(ge=1, le=120)] = 20.0
    """Seconds until an unanswered post is given up; it is tried again later."""

    proxy: str = ""
    """Proxy for the posts; leave it out for none."""

    ca_bundle: str = ""
    """File of certificates to trust beside the usual ones."""


class CredentialDates(Part):
    connection: Name
    """Connection whose certificate, secret or key these dates are of."""

    ends: date | None = None
    """Last day on which it is good, as the vendor shows it."""

    made: date | None = None
    """Day on which it was made, for keys that never end but should be changed."""

    days: Annotated[int, Field(ge=1, le=3_650)] = 180
    """Days after `made` by which it should be changed; HubSpot advises six months."""

    @model_validator(mode="after")
    def _has_a_date(self) -> CredentialDates:
        if (self.ends is None) == (self.made is None):
            raise refusal("one_date")
        return self


class AlarmLimits(Part):
    cursor_hours: Annotated[float, Field(gt=0, le=720)] = 6.0
    """Hours for which a mailbox's changes may go unread."""

    waiting_hours: Annotated[float, Field(gt=0, le=720)] = 2.0
    """Hours for which a lane may wait; a paused one is told at once."""

    parked_a_day: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Writes or mails parked within a day that are too many."""

    silence_mails: Annotated[int, Field(ge=3, le=10_000)] = 8
    """Mails that usually come in the same hours of the week, of which none came; small mailboxes never reach it."""

    credential_days: Annotated[int, Field(ge=1, le=365)] = 30
    """Days before its end from which on a certificate, secret or key is told."""


class Alarms(Part):
    tasks: AlarmTasks | None = None
    """Makes a task in a CRM, and closes it when the cause is gone."""

    command: tuple[str, ...] = ()
    """Program and arguments that are run without a shell, with a JSON document on its standard input."""

    command_seconds: Annotated[float, Field(ge=0.1, le=300)] = 30.0
    """Seconds after which the program is stopped."""

    webhook: Webhook | None = None
    """Posts a JSON document."""

    metrics_file: Annotated[FilePath, AfterValidator(_absolute)] | None = None
    """File for Prometheus' textfile collector, replaced every minute; it names no mailbox."""

    limits: AlarmLimits = Field(default_factory=AlarmLimits)
    """From where on something is wrong."""

    credentials: tuple[CredentialDates, ...] = ()
    """When secrets and keys end, where only the vendor's pages tell; certificates are read from themselves."""
