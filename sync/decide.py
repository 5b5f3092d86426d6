"""What should happen because of a thread: the intended writes with their reasons, and when to look again. Pure.

The same view, rules and moment give the same decision, and a view that holds a decision's own writes gives none anew.
History only logs: tasks, moves and new customers come from live mail alone.
"""

from __future__ import annotations

from datetime import datetime

from mappings.model import Reason
from mappings.rules import RuleSet
from sync.clocks import first_response, silence
from sync.filing import customer_intents, log_intents, overtaken_logs
from sync.model import Decision, Intent, ThreadView
from sync.situation import assess
from sync.stages import stage_moves


def decide(view: ThreadView, rules: RuleSet, now: datetime) -> Decision:
    """Decide one thread for one target.

    Args:
        view: the thread's mails with all their copies, its link, its items, and the part of the mirror it asks about.
        rules: the rules in force, the company's calendar, and who we are.
        now: the moment; aware, UTC.
    """
    situation = assess(view, rules, now)
    outcomes = (first_response(situation), silence(situation), stage_moves(situation))
    intents = [*customer_intents(situation), *log_intents(situation), *(i for o in outcomes for i in o.intents)]
    drops = [*overtaken_logs(situation), *(d for o in outcomes for d in o.drops)]
    return Decision(
        link=situation.link,
        verdicts=tuple(situation.verdicts[m.facts.identity] for m in situation.mails),
        intents=_once(intents),
        drops=_firsts(drops),
        wake_at=min((o.wake_at for o in outcomes if o.wake_at), default=None),
    )


def _once(intents: list[Intent]) -> tuple[Intent, ...]:
    found: dict[str, Intent] = {}
    for intent in intents:
        found.setdefault(intent.write.key, intent)
    return tuple(found.values())


def _firsts(drops: list[tuple[str, Reason]]) -> tuple[tuple[str, Reason], ...]:
    found: dict[str, Reason] = {}
    for key, reason in drops:
        found.setdefault(key, reason)
    return tuple(found.items())
