"""Every rule of `Strictness` has tests that fail where the sandbox does not keep it."""

from dataclasses import fields, replace

import pytest

from tests.sandbox_gmail import test_gmail_behaviour, test_gmail_behaviour_mail
from tests.sandbox_gmail.desk import runner
from tradepost.sandbox.behaviour import named_for_rules
from tradepost.sandbox.gmail.strictness import Strictness

MODULES = (test_gmail_behaviour, test_gmail_behaviour_mail)
TESTS = {name: test for module in MODULES for name, test in vars(module).items() if name.startswith("test_")}
RULES = [field.name for field in fields(Strictness)]
BY_RULE = named_for_rules(RULES, TESTS)


@pytest.mark.parametrize("rule", RULES)
def test_the_tests_of_a_rule_fail_where_the_sandbox_is_lax_in_it(rule):
    assert BY_RULE[rule], f"no test is named for {rule}"
    for name in BY_RULE[rule]:
        for case in cases(TESTS[name]):
            with pytest.raises((AssertionError, pytest.fail.Exception)):
                TESTS[name](runner(replace(Strictness(), **{rule: False})), **case)


def cases(test):
    """The arguments of each case of a parametrized test."""
    marks = [mark.args for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    if not marks:
        return [{}]
    ((names, values),) = marks
    return [{names: each} if isinstance(names, str) else dict(zip(names, each, strict=True)) for each in values]


def test_every_test_of_a_behaviour_is_named_for_a_rule():
    assert sorted(name for names in BY_RULE.values() for name in names) == sorted(TESTS)
