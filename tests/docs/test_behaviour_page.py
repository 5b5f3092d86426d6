"""The page of the rules that the sandbox keeps is the classes and the tests that are there."""

import re
from pathlib import Path

import pytest

from tradepost.sandbox.behaviour import VENDORS, named_for_rules, render, rules

PAGE = Path(__file__).parents[2] / "docs/behaviour.md"
# What each vendor is expected to be strict in, whatever else there is.
LISTED = {
    "hubspot": "search_lag search_cap trace_ids_needed_for_207 merge_makes_new_id ten_second_pool daily_pool search_pool "
    "write_validation",
    "salesforce": "sent_mail_immutable automatic_task duplicate_value multiple_choices archived_hidden daily_pool "
    "session_expiry late_commit",
    "zoho": "token_error_is_200 empty_is_204 partial_is_207 credits blueprint page_tokens_needed page_token_expires",
    "graph": "moved_items_removed removed_items_told sync_state_expires mailbox_concurrency batch_part_throttling "
    "immutable_ids",
    "gmail": "unit_costs limits_are_403 user_quota history_expires batch_part_limit batch_part_throttling",
}


def test_the_page_is_generated_from_the_classes_and_their_tests():
    assert PAGE.read_text(encoding="utf-8") == render()


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_rule_has_a_sentence_and_a_test_by_its_name(vendor):
    found = rules(vendor)
    assert [rule.name for rule in found if not rule.sentence.endswith(".")] == []
    assert [rule.name for rule in found if not rule.tests] == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_vendor_is_known_for_is_among_its_rules(vendor):
    assert set(LISTED[vendor].split()) <= {rule.name for rule in rules(vendor)}


@pytest.mark.parametrize("vendor", ["gmail", "salesforce"])
def test_each_rule_is_looked_up_at_one_place(vendor):
    folder = Path(__file__).parents[2] / f"tradepost/sandbox/{vendor}"
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    places = re.findall(r"\b(?:_?strictness|keeps)\.(\w+)", code)
    assert sorted(places) == sorted(rule.name for rule in rules(vendor))


def test_a_test_belongs_to_the_longest_rule_it_may_be_named_for():
    names = ["test_pool", "test_pool_of_a_day_is_shared", "test_pools_are_two", "test_other"]
    assert named_for_rules(["pool", "pool_of_a_day"], names) == {
        "pool": ["test_pool"],
        "pool_of_a_day": ["test_pool_of_a_day_is_shared"],
    }
