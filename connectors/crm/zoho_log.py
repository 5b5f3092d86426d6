"""Logging mails: one mail and one record a call (associate_email).

https://www.zoho.com/crm/developer/docs/api/v8/associate-email.html
"""

from __future__ import annotations

from typing import Any

from connectors.base.errors import ConnectorError, OutcomeUnknown, Unsupported
from connectors.base.model import Effect, LogEmail, Receipt
from connectors.crm.zoho_api import ZohoApi, refusal
from connectors.crm.zoho_emails import MailLists, home_path
from connectors.crm.zoho_find import ZohoFinder
from connectors.crm.zoho_org import ZohoOrg
from connectors.crm.zoho_parse import Outcome
from connectors.crm.zoho_writes_map import mail_body, synthetic_ref

Answer = Receipt | ConnectorError
_CALL = "associate_email"


class ZohoMailLog:
    """`LogEmail` for one account."""

    def __init__(self, api: ZohoApi, org: ZohoOrg, finder: ZohoFinder, lists: MailLists, *, skip_logged: bool) -> None:
        """`skip_logged` leaves alone what Zoho's own mail integration has put on the record already."""
        self._api = api
        self._org = org
        self._finder = finder
        self.lists = lists
        self._skip_logged = skip_logged

    async def log(self, write: LogEmail) -> Answer:
        path = home_path(write)
        if not path or len(write.participants) > 1:
            return Unsupported("Zoho logs a mail on one record at a time.", operation=_CALL)
        if self._skip_logged:
            entry = await self.lists.native(write, (await self._org.me()).user)
            if entry is not None:
                return await self._finder.mail_receipt(write, entry.id, Effect.EXISTING, "already_logged")
        body, notes = mail_body(write, (await self._org.need("Deals")).id if write.deal else "")
        return await self._sent(write, path, body, list(notes))

    async def _sent(self, write: LogEmail, path: str, body: dict[str, Any], notes: list[str]) -> Answer:
        """Send; what Zoho refuses for the deal or the Message-ID alone is sent once more without: it wrote nothing."""
        outcome = await self._associate(path, body)
        if "linked_record" in body and _about(outcome, "linked_record"):
            body = {name: value for name, value in body.items() if name != "linked_record"}
            notes.append("deal_not_linked")
            outcome = await self._associate(path, body)
        if outcome.fault is not None and outcome.fault.code == "DUPLICATE_DATA":
            (known,) = await self.lists.look([write])
            if known.entries:
                return await self._finder.mail_receipt(write, known.entries[0].id, Effect.EXISTING)
            # The Message-ID stands on another record of this mail; that of this record is told apart.
            body = {**body, "original_message_id": synthetic_ref(f"{write.mail} {path}")}
            outcome = await self._associate(path, body)
        if stopped := refusal(outcome, _CALL):
            return stopped
        if not outcome.id:
            return OutcomeUnknown("Zoho names no mail.", operation=_CALL)
        return await self._finder.mail_receipt(write, outcome.id, Effect.CREATED, ",".join(dict.fromkeys(notes)))

    async def _associate(self, path: str, body: dict[str, Any]) -> Outcome:
        return await self._api.write(
            _CALL, "POST", f"{path}/actions/associate_email", {"Emails": [body]}, name="Emails"
        )


def _about(outcome: Outcome, name: str) -> bool:
    """Whether a refusal is about one part of the mail."""
    fault = outcome.fault
    return fault is not None and any(name in n for n in fault.names)
