"""`check` tells the installation, every mailbox and every CRM, and what mends each."""

import asyncio
from collections.abc import Callable

import pytest

from connectors.base.errors import AuthFailed, RateLimited
from connectors.base.model import MailAccount, Pipeline, Problem, Severity, Stage, TargetAccount, User
from tradepost.commands import check
from tradepost.commands.check import examine
from tradepost.config import Settings
from tradepost.messages import Language
from tradepost.packaging import ForeignOwner
from tradepost.views.check import CheckRow, check_json, ready

STAGES = (Stage("1", "Proposal/Price Quote", 1), Stage("2", "Closed Won", 2, closed=True, won=True))


class Source:
    def __init__(self, answer: MailAccount | Exception) -> None:
        self._answer = answer

    async def check(self) -> MailAccount:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Target:
    def __init__(self, answer: TargetAccount | Exception, users: tuple[User, ...] = ()) -> None:
        self._answer = answer
        self._users = users

    async def check(self) -> TargetAccount:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def users(self) -> tuple[User, ...]:
        return self._users


def account(*stages: Stage, problems: tuple[Problem, ...] = ()) -> TargetAccount:
    return TargetAccount(account_id="org:1", name="Org", pipelines=(Pipeline("p", "Sales", stages),), problems=problems)


def told(settings: Settings, source: Source, target: Target) -> tuple[list[CheckRow], str]:
    rows = asyncio.run(examine(settings, {"alice@acme.example": source}, {"crm": target}))  # type: ignore[dict-item]
    return rows, str(check_json(rows, Language.EN))


@pytest.fixture
def settings(loaded: Callable[[str], Settings], good: str) -> Settings:
    return loaded(good.replace("token:", "default_owner: Ann@acme.example\n    token:"))


MAIL = MailAccount("gmail:alice", ("alice@acme.example",))
ANN = User(id="005A", emails=("ann@acme.example",))


def test_when_all_is_well_every_row_is_ok(settings: Settings) -> None:
    rows, _ = told(settings, Source(MAIL), Target(account(*STAGES), (ANN,)))
    assert [(r.subject, r.account, r.verdict) for r in rows] == [
        ("tradepost", "", "ok"),
        ("alice@acme.example", "gmail:alice", "ok"),
        ("crm", "org:1", "ok"),
    ]


def test_one_account_that_fails_does_not_hide_another(settings: Settings) -> None:
    broken = RateLimited("Wait an hour.", operation="query", status=429)
    rows, text = told(settings, Source(AuthFailed("Renew the key.", status=401)), Target(broken))
    assert [r.verdict for r in rows] == ["ok", "error", "error"]
    assert "The credentials are refused (401)" in text
    assert "Renew the key." in text
    assert "A quota is used up (query 429)" in text
    assert not ready(rows)


def test_the_connectors_own_problems_are_passed_on(settings: Settings) -> None:
    problem = Problem(Severity.ERROR, "The scope is missing.", "Add gmail.readonly.")
    rows, text = told(settings, Source(MailAccount("x", (), (problem,))), Target(account(*STAGES), (ANN,)))
    assert rows[1].verdict == "error"
    assert "Add gmail.readonly." in text


def test_a_rule_whose_stage_does_not_exist_is_a_warning(settings: Settings) -> None:
    rows, text = told(settings, Source(MAIL), Target(account(STAGES[1]), (ANN,)))
    assert rows[2].verdict == "warning"
    assert "quotation_sent" in text
    assert ready(rows)


@pytest.mark.parametrize("users", [(), (User(id="005A", emails=("ann@acme.example",), active=False),)])
def test_an_owner_whom_the_crm_does_not_have_is_a_warning(settings: Settings, users: tuple[User, ...]) -> None:
    rows, text = told(settings, Source(MAIL), Target(account(*STAGES), users))
    assert rows[2].verdict == "warning"
    assert "default_owner" in text


def test_a_stranger_under_our_names_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "foreign_owners", lambda: [ForeignOwner("sync", "file-sync")])
    rows, text = told(settings, Source(MAIL), Target(account(*STAGES), (ANN,)))
    assert rows[0].verdict == "error"
    assert "file-sync" in text
