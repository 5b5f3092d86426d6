"""The conformance kit: what a connector must keep, tried on a simulated vendor. For connectors of any author.

A rig (`CrmRig`, `MailRig`) says how to open the connector and what happens at its vendor; a suite (`CRM`, `MAIL`) has
the checks, each named as a sentence and tried on a fresh rig on virtual time. A check is skipped only where the
connector does not declare the capability, or the vendor has no such thing, and the reason is listed.

With pytest two lines are enough::

    @pytest.mark.parametrize("check", CRM.checks, ids=str)
    def test_my_crm_keeps_the_contract(check):
        conform(check, MyRig)

Without it: ``python -m tradepost.testing my_package.rigs:MyRig``. docs/adding-a-connector.md explains both. Needs the
extra ``tradepost[sandbox]``. Import from `tradepost.api` and from here only; everything else may change.
"""

import tradepost.testing.crm
import tradepost.testing.mail  # noqa: F401 - both register their checks
from tradepost.sandbox.hosts import HeldMail, LoggedMail, SeenDeal, SeenTask, Stages
from tradepost.sandbox.kernel import ASGIApp, Effect, Fault, Kind, RequestRecord, Vendor, World
from tradepost.testing.crm_bench import CRM, CrmBench, crm_bench
from tradepost.testing.expect import Broken
from tradepost.testing.mail_bench import MAIL, MailBench, mail_bench
from tradepost.testing.rig import CrmPeople, CrmRig, MailPeople, MailRig, Refusal, Refusals, Rig
from tradepost.testing.suite import Check, Result, Suite, Verdict, judge, judge_all
from tradepost.testing.trial import conform, try_rig

__all__ = [
    "CRM",
    "MAIL",
    "ASGIApp",
    "Broken",
    "Check",
    "CrmBench",
    "CrmPeople",
    "CrmRig",
    "Effect",
    "Fault",
    "HeldMail",
    "Kind",
    "LoggedMail",
    "MailBench",
    "MailPeople",
    "MailRig",
    "Refusal",
    "Refusals",
    "RequestRecord",
    "Result",
    "Rig",
    "SeenDeal",
    "SeenTask",
    "Stages",
    "Suite",
    "Vendor",
    "Verdict",
    "World",
    "conform",
    "crm_bench",
    "judge",
    "judge_all",
    "mail_bench",
    "try_rig",
]
