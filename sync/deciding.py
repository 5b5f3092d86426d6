"""Turns one target's dirty threads into outbox items: view, decide, transaction 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

from connectors.base.crm import CrmTarget
from connectors.base.model import TargetAccount
from connectors.base.services import Clock, Log
from mappings.rules import RuleSet
from sync.decide import decide
from sync.model import MailboxPolicy, NewSender, TargetView
from sync.store import Store
from sync.store.threads import Case

AT_ONCE = 50
SET_ASIDE = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideSettings:
    """What the configuration says of decisions for one target."""

    rules: RuleSet
    policies: Mapping[str, MailboxPolicy]
    owners: Mapping[str, str]
    default_owner: str
    language: str


class Decider:
    """Decides one target's threads."""

    def __init__(
        self, name: str, target: CrmTarget, store: Store, settings: DecideSettings, *, clock: Clock, log: Log
    ) -> None:
        self.name = name
        self._target = target
        self._store = store
        self._settings = settings
        self._clock = clock
        self._log = log
        self._view = TargetView(account_id="")
        self._rules = sha256(repr(settings.rules.rules).encode()).hexdigest()
        self._asks = any(p.new_sender is not NewSender.WAIT for p in settings.policies.values())

    def start(self, account: TargetAccount) -> None:
        """Learn whose account this is and what it can do."""
        self._view = TargetView(
            name=self.name,
            account_id=account.account_id,
            pipelines=account.pipelines,
            capabilities=account.capabilities,
            owners=self._settings.owners,
            default_owner=self._settings.default_owner,
            language=self._settings.language,
        )

    async def step(self) -> bool:
        """Decide up to `AT_ONCE` threads; False when none was dirty. Waits for the mirror's first full read."""
        if not await self._store.mirror.ready(self.name):
            return False
        await self._store.threads.wake(self._clock.now())
        cases = await self._store.threads.dirty((self.name,), AT_ONCE)
        if not cases:
            return False
        known = await self._known_addresses()
        for case in cases:
            if self._asks:
                await self._ask(case)
            await self._decide(case, known)
        return True

    async def _known_addresses(self) -> DecideSettings:
        """The settings with what the providers have told of every mailbox's addresses."""
        told = {m.name: m.addresses for m in await self._store.mailboxes.all()}
        settings, own = self._settings, self._settings.rules.own
        ours = own.addresses | {address for addresses in told.values() for address in addresses}
        policies = {
            name: replace(policy, aliases=tuple(a for a in told.get(name, ()) if a != policy.address))
            for name, policy in settings.policies.items()
        }
        return replace(
            settings, policies=policies, rules=replace(settings.rules, own=replace(own, addresses=frozenset(ours)))
        )

    async def _ask(self, case: Case) -> None:
        """Before a stranger is called new, ask the CRM itself: the mirror may be a round behind."""
        addresses, domains = await self._store.threads.unasked(case)
        if addresses or domains:
            found = await self._target.find_customers(addresses, domains)
            await self._store.mirror.put_found(self.name, found)

    async def _decide(self, case: Case, known: DecideSettings) -> None:
        now = self._clock.now()
        try:
            view = await self._store.threads.view(case, self._view, known.policies)
            if view is None:
                return  # a mail joined two threads while the CRM was asked
            decision = decide(view, known.rules, now)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            # A mistake of ours on one thread must not stop the others; the thread says so and is tried again.
            self._log.error("thread.undecidable", thread=case.thread, target=case.target, error=type(error).__name__)
            await self._store.threads.set_aside(case, until=now + SET_ASIDE, now=now)
            return
        await self._store.threads.decided(case, decision, now=now, rules=self._rules)
        self._log.info(
            "thread.decided",
            thread=case.thread,
            target=case.target,
            items=len(decision.intents),
            verdicts=len(decision.verdicts),
        )
