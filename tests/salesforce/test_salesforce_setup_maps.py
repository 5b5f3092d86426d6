"""What an org must offer: problems by name, capabilities, and the steps of set-up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base.model import Lookup, Severity, WriteKind
from connectors.crm import salesforce_setup_map as s
from connectors.crm.salesforce_map import KEY_FIELD, FieldShape, ObjectShape
from connectors.crm.salesforce_writes_map import MAX_NODES, KeyPlace

KEY = FieldShape("string", 80, createable=True, updateable=True, external_id=True, unique=True, case_sensitive=True)
FIELD_EVERYWHERE = dict.fromkeys(("EmailMessage", "Task", "Lead"), KeyPlace.FIELD)
NOWHERE = dict.fromkeys(("EmailMessage", "Task", "Lead"), KeyPlace.NONE)


def good():
    shapes = {}
    for name, need in s.NEEDS.items():
        fields = {f: FieldShape("string", 255, createable=True, updateable=True) for f in (*need.fields, *need.useful)}
        fields |= {KEY_FIELD: KEY} if name in s.FIELD_HOME else {}
        shapes[name] = ObjectShape(name, createable=True, updateable=True, deletable=True, fields=fields)
    return shapes


def without(shapes, name, *fields, **changes):
    shape = shapes[name]
    left = {f: v for f, v in shape.fields.items() if f not in fields}
    return {**shapes, name: replace(shape, fields=left, **changes)}


def test_a_complete_org_has_no_problems():
    assert s.problems_of(good(), FIELD_EVERYWHERE, None) == ()


@pytest.mark.parametrize("name", sorted(s.NEEDS))
def test_a_hidden_object_is_named(name):
    problems = s.problems_of({**good(), name: None}, FIELD_EVERYWHERE, None)
    assert len(problems) == 1
    assert name in problems[0].what


@pytest.mark.parametrize(("name", "field"), [(n, f) for n, need in sorted(s.NEEDS.items()) for f in need.fields])
def test_a_hidden_field_is_named_with_field_level_security(name, field):
    (problem,) = s.problems_of(without(good(), name, field), FIELD_EVERYWHERE, None)
    assert f"{name}.{field}" in problem.what
    assert f"{name}.{field}" in problem.mend
    assert "field-level security" in problem.mend
    assert problem.severity is s.NEEDS[name].severity


def test_a_missing_right_is_named():
    (problem,) = s.problems_of(without(good(), "Opportunity", updateable=False), FIELD_EVERYWHERE, None)
    assert problem.mend == "Give the integration user Edit on Opportunity."
    (task,) = s.problems_of(without(good(), "Task", createable=False), FIELD_EVERYWHERE, None)
    assert "Access Activities" in task.mend


def test_a_hidden_key_field_is_told_from_a_missing_one():
    shapes = without(good(), "Task", KEY_FIELD)
    places = {**FIELD_EVERYWHERE, "Task": KeyPlace.NONE}
    (hidden,) = s.problems_of(shapes, places, {"Activity"})
    (missing,) = s.problems_of(shapes, places, set())
    assert hidden.what == f"The key field Task.{KEY_FIELD} exists but is hidden from the integration user."
    assert missing.what == f"The key field Task.{KEY_FIELD} is missing."
    assert f"Activity.{KEY_FIELD}" in missing.mend


def test_a_key_field_made_wrongly_is_described():
    wrong = {**good()["Lead"].fields, KEY_FIELD: replace(KEY, unique=False, external_id=False)}
    shapes = {**good(), "Lead": replace(good()["Lead"], fields=wrong)}
    (problem,) = s.problems_of(shapes, {**FIELD_EVERYWHERE, "Lead": KeyPlace.NONE}, None)
    assert problem.what == f"The key field Lead.{KEY_FIELD} is not as it must be; lacking: External ID, Unique."


def test_a_key_too_short_for_ours_is_no_key():
    assert KEY.is_key
    assert not replace(KEY, length=64).is_key
    assert len("v1:" + "f" * 64) == 67


def test_leads_that_may_not_be_created_are_a_warning_only():
    (problem,) = s.problems_of(without(good(), "Lead", createable=False), {**NOWHERE, **FIELD_EVERYWHERE}, None)
    assert problem.severity is Severity.WARNING


# -------------------------------------------------------------------------------------------------------- capabilities


def test_with_keys_every_write_can_be_found_again():
    can = s.capabilities_of(good(), FIELD_EVERYWHERE, "Completed", 600)
    assert set(can) == set(WriteKind)
    assert all(c.exists and c.lookup is Lookup.STRONG and c.settles_after == 600 for c in can.values())
    assert all(can[k].unique_key for k in (WriteKind.LOG_EMAIL, WriteKind.CREATE_TASK, WriteKind.CREATE_CUSTOMER))
    assert can[WriteKind.MOVE_DEAL].guarded
    assert can[WriteKind.LOG_EMAIL].spans_records
    assert can[WriteKind.LOG_EMAIL].batch == 50


def test_a_full_batch_of_mails_stays_within_the_nodes_of_one_call():
    batch = s.capabilities_of(good(), FIELD_EVERYWHERE, "Completed", 600)[WriteKind.LOG_EMAIL].batch
    assert batch * s.NODES_PER_MAIL <= MAX_NODES


def test_what_is_weaker_says_why():
    can = s.capabilities_of(good(), NOWHERE, "", 600)
    assert (can[WriteKind.LOG_EMAIL].lookup, can[WriteKind.LOG_EMAIL].reason) == (Lookup.LAGGING, "no_key_field")
    assert (can[WriteKind.CREATE_TASK].lookup, can[WriteKind.CREATE_TASK].unique_key) == (Lookup.LAGGING, False)
    assert not can[WriteKind.COMPLETE_TASK].exists
    ledger = s.capabilities_of(good(), {**FIELD_EVERYWHERE, "EmailMessage": KeyPlace.LEDGER}, "Completed", 600)
    assert (ledger[WriteKind.LOG_EMAIL].unique_key, ledger[WriteKind.LOG_EMAIL].reason) == (True, "key_on_ledger")


def test_without_enhanced_email_no_mail_is_logged():
    can = s.capabilities_of({**good(), "EmailMessage": None}, FIELD_EVERYWHERE, "Completed", 600)
    assert not can[WriteKind.LOG_EMAIL].exists


# -------------------------------------------------------------------------------------------------------------- set-up

EMPTY = s.OrgState(frozenset(), "", frozenset(), assigned=False, ready=frozenset())


def test_an_empty_org_needs_fields_permission_set_grants_and_assignment_in_this_order():
    steps = s.steps_of(EMPTY)
    assert [x.do for x in steps] == ["field"] * 3 + ["permission_set"] + ["grant"] * 4 + ["assign"]
    assert [x.on for x in steps if x.do == "field"] == ["EmailMessage", "Activity", "Lead"]
    assert all(x.sentence.endswith(".") and "{" not in x.sentence for x in steps)


def test_a_ready_org_needs_nothing():
    assert s.steps_of(replace(EMPTY, ready=frozenset(s.FIELD_HOME))) == ()


def test_what_is_there_is_not_made_again():
    state = replace(
        EMPTY, key_homes=frozenset({"Activity"}), permission_set="0PS1", grants=frozenset({f"Lead.{KEY_FIELD}"})
    )
    steps = s.steps_of(replace(state, assigned=True))
    assert [(x.do, x.on) for x in steps] == [
        ("field", "EmailMessage"),
        ("field", "Lead"),
        ("grant", f"EmailMessage.{KEY_FIELD}"),
        ("grant", f"Task.{KEY_FIELD}"),
        ("grant", f"Event.{KEY_FIELD}"),
    ]
