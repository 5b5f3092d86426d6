"""What every answer means for an item: the promises of `sync.outbox`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from connectors.base import errors
from connectors.base.model import (
    Absent,
    CannotTell,
    Capability,
    Effect,
    Found,
    Lookup,
    Partial,
    Receipt,
    WriteKind,
)
from mappings.model import Reason
from sync import outbox
from sync.model import ItemState
from sync.outbox import OnUnknown

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SETTLES = Capability(lookup=Lookup.STRONG, settles_after=600)


def after(answer, tries=0):
    return outbox.after_write(WriteKind.LOG_EMAIL, answer, tries=tries, now=NOW, capability=SETTLES, random=Random(1))


def test_a_receipt_ends_the_item():
    change = after(Receipt("v1:a", "02s1", Effect.CREATED))
    assert change.state is ItemState.DONE
    assert change.receipt.record == "02s1"


@pytest.mark.parametrize("error", [errors.OutcomeUnknown("lost"), errors.BadReply("html")])
def test_an_unclear_answer_is_looked_up_not_sooner_than_it_settles(error):
    change = after(error)
    assert change.state is ItemState.UNKNOWN
    assert change.due_at == NOW + timedelta(seconds=600)
    assert not change.never_sent


def test_a_transient_error_waits_longer_each_time_and_parks_at_last():
    waits = [after(errors.Transient("later"), tries=n).due_at - NOW for n in range(5)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]
    last = after(errors.Transient("later"), tries=outbox.MOST_TRIES - 1)
    assert (last.state, last.reason) == (ItemState.PARKED, Reason.TRIES_EXHAUSTED)


def test_a_rate_limit_costs_no_try_and_pauses_the_lane_until_the_vendor_says():
    error = errors.RateLimited("quota", retry_at=NOW + timedelta(hours=3))
    change = after(error, tries=outbox.MOST_TRIES)
    assert change.state is ItemState.READY
    assert change.due_at == NOW + timedelta(hours=3)
    assert not change.count_try
    assert change.pause is error


@pytest.mark.parametrize("error", [errors.AuthFailed("key"), errors.NotPermitted("scope")])
def test_refused_credentials_leave_the_item_as_it_was(error):
    change = after(error)
    assert change.state is ItemState.READY
    assert change.pause is error
    assert not change.count_try


def test_a_record_that_is_gone_asks_for_a_new_match():
    change = after(errors.Gone("merged"))
    assert (change.state, change.reason, change.rematch) == (ItemState.DROPPED, Reason.RECORD_GONE, True)


def test_a_persons_move_wins():
    change = after(errors.Conflict("moved"))
    assert (change.state, change.reason) == (ItemState.DROPPED, Reason.PERSON_MOVED_DEAL)


def test_a_refusal_is_parked_with_its_code():
    change = after(errors.Rejected("no", operation="sobject.create", status=400, code="STRING_TOO_LONG"))
    assert (change.state, change.reason) == (ItemState.PARKED, Reason.REJECTED)
    assert "STRING_TOO_LONG" in change.detail


def test_what_the_look_up_finds_decides():
    def found(finding, on_unknown=OnUnknown.PARK):
        return outbox.after_lookup(finding, now=NOW, on_unknown=on_unknown)

    assert found(Found(Receipt("v1:a", "1", Effect.EXISTING))).state is ItemState.DONE
    absent = found(Absent())
    assert (absent.state, absent.never_sent) == (ItemState.READY, True)
    partial = found(Partial("1", ("activity",), ("relation",)))
    assert (partial.state, partial.half_record, partial.steps) == (ItemState.READY, "1", ("activity",))
    assert found(CannotTell("no_key")).reason is Reason.OUTCOME_UNKNOWN
    assert found(CannotTell("no_key"), OnUnknown.RESEND).state is ItemState.READY


def test_a_failed_look_up_never_leads_to_a_send():
    change = outbox.after_failed_lookup(errors.Transient("down"), tries=50, now=NOW, random=Random(1))
    assert change.state is ItemState.UNKNOWN
    assert change.due_at > NOW


def test_only_weaker_protection_pauses():
    strong = Capability(unique_key=True, lookup=Lookup.STRONG, guarded=True)
    assert outbox.weaker(strong, strong) == ""
    assert outbox.weaker(strong, Capability(lookup=Lookup.STRONG, guarded=True)) == "unique_key"
    assert outbox.weaker(strong, Capability(unique_key=True, lookup=Lookup.LAGGING, guarded=True)) == "lookup"
    assert outbox.weaker(strong, Capability(unique_key=True, lookup=Lookup.STRONG)) == "guarded"
    assert outbox.weaker(strong, Capability(exists=False)) == "exists"
    assert outbox.weaker(Capability(), strong) == ""


def test_jitter_comes_from_the_seed():
    assert outbox.backoff(3, Random(7)) == outbox.backoff(3, Random(7))
    assert outbox.backoff(3, Random(7)) != outbox.backoff(3, Random(8))
    assert outbox.backoff(40, Random(7)) <= outbox.LONGEST_WAIT * 1.25


def test_what_is_half_written_stays_so_after_a_passing_refusal():
    half = ("moved",)
    for answer in (errors.Transient("later"), errors.RateLimited("slow"), errors.NotPermitted("no")):
        change = outbox.resumed(after(answer), "006D", half)
        assert (change.state, change.half_record, change.steps) == (ItemState.READY, "006D", half)
        assert not change.never_sent
    assert outbox.resumed(after(errors.Rejected("never")), "006D", half).steps == ()
    assert outbox.resumed(after(errors.Transient("later")), "", ()).never_sent
