"""Moves, tasks, fields, contacts and removals on the simulator: never over a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base.errors import Conflict, Gone, NotPermitted, OutcomeUnknown, Rejected
from connectors.base.model import (
    Absent,
    Attempt,
    CompleteTask,
    CreateCustomer,
    Found,
    MoveDeal,
    Partial,
    RecordKind,
    RecordRef,
    Remove,
    SetFields,
    WriteKind,
)
from connectors.base.model import Effect as Done

OPEN, QUOTED, LATE = "qualifiedtobuy", "decisionmakerboughtin", "contractsent"


def move(deal, **changes):
    fields = {"key": "v1:m", "deal": deal, "pipeline": "default", "expect_stage": OPEN, "to_stage": QUOTED}
    return Attempt(MoveDeal(**fields | changes))


def during(world, operation, act):
    """Have a person act just before the next call of this operation is carried out."""
    respond = world.vendor.respond

    async def meddle(request):
        path = request.url.path
        method = request.method
        operation_here, _ = world.vendor.describe(method, path, request.query_params, b"")
        if operation_here == operation and not done:
            done.append(path)
            act()
        return await respond(request)

    done: list[str] = []
    world.vendor.respond = meddle
    return done


def stages(world, deal):
    return [stage for stage, _ in world.host.deal(deal).moves]


# --------------------------------------------------------------------------------------------------------------- deals


def test_a_deal_is_moved_by_ids_and_its_pipeline(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        receipt = await world.only(move(deal))
        assert (receipt.record, receipt.effect, receipt.note) == (deal, Done.CHANGED, "")
        assert receipt.url.endswith(f"/record/0-3/{deal}")
        assert world.host.deal(deal).moves == ((OPEN, False), (QUOTED, True))
        assert (await world.only(move(deal))).effect is Done.UNCHANGED

    lab(scenario)


def test_a_deal_that_a_person_moved_before_stays_where_it_is(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        world.host.move_deal(deal, LATE)
        answer = await world.only(move(deal))
        assert isinstance(answer, Conflict)
        assert answer.code == "PERSON_MOVED_DEAL"
        assert stages(world, deal) == [OPEN, LATE]
        assert not world.calls(kind="write")

    lab(scenario)


def test_a_persons_move_between_our_look_and_our_change_is_put_back(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        during(world, "deals.update", lambda: world.host.move_deal(deal, LATE))
        receipt = await world.only(move(deal))
        assert (receipt.effect, receipt.note) == (Done.UNCHANGED, "stage_put_back")
        assert stages(world, deal) == [OPEN, LATE, QUOTED, LATE]

    lab(scenario)


def test_a_persons_second_move_while_we_put_the_first_back_wins_too(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)

        plain = world.vendor.respond
        calls = []

        async def meddle(request):
            if request.method == "PATCH":
                calls.append(1)
                if len(calls) == 1:
                    world.host.move_deal(deal, LATE)
                if len(calls) == 2:
                    world.host.move_deal(deal, "closedwon")
            return await plain(request)

        world.vendor.respond = meddle
        receipt = await world.only(move(deal))
        assert receipt.note == "stage_put_back"
        assert world.host.deal(deal).stage == "closedwon"

    lab(scenario)


def test_a_person_who_moves_the_deal_on_after_us_is_left_alone(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        plain = world.vendor.respond
        seen = []

        async def meddle(request):
            if request.method == "GET" and "/deals/" in request.url.path:
                seen.append(1)
                if len(seen) == 2:
                    world.host.move_deal(deal, LATE)
            return await plain(request)

        world.vendor.respond = meddle
        receipt = await world.only(move(deal))
        assert (receipt.effect, receipt.note) == (Done.CHANGED, "moved_on_by_person")
        assert stages(world, deal) == [OPEN, QUOTED, LATE]

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_reply", "lost_request", "reset_after", "truncated", "status_after", "html"])
def test_a_move_whose_answer_was_lost_is_looked_up_in_the_history(lab, effect):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        sent = world.clock.now()
        world.fault("deals.update", effect)
        with pytest.raises(OutcomeUnknown):
            await world.write(move(deal))
        await world.later(180)
        (found,) = await world.find(replace(move(deal), first_sent_at=sent))
        assert isinstance(found, Absent if effect in ("lost_request", "html") else Found)
        assert world.calls("deals.update") == 1

    lab(scenario)


def test_a_move_that_was_moved_on_meanwhile_is_found(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        sent = world.clock.now()
        await world.only(move(deal))
        await world.later(60)
        world.host.move_deal(deal, LATE)
        (found,) = await world.find(replace(move(deal), first_sent_at=sent))
        assert found.receipt.note == "moved_on_by_person"

    lab(scenario)


@pytest.mark.parametrize("effect", ["reset", "status", "lost_reply", "html", "truncated"])
def test_a_crash_between_moving_and_checking_is_finished_and_the_persons_stage_put_back(lab, effect):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        sent = world.clock.now()
        during(world, "deals.update", lambda: world.host.move_deal(deal, LATE))
        world.fault("deals.get", effect, nth=2, times=9, status=503)
        with pytest.raises(OutcomeUnknown):
            await world.write(move(deal))
        world.world.faults.clear()
        await world.later(180)
        attempt = replace(move(deal), first_sent_at=sent)
        (found,) = await world.find(attempt)
        assert found == Partial(deal, ("moved",), ("checked",))
        receipt = await world.only(replace(attempt, record=deal, done_steps=found.done))
        assert receipt.note == "stage_put_back"
        assert stages(world, deal) == [OPEN, LATE, QUOTED, LATE]
        (found,) = await world.find(attempt)
        assert (found.receipt.note, found.receipt.effect) == ("stage_put_back", Done.UNCHANGED)

    lab(scenario)


@pytest.mark.parametrize(("operation", "status"), [("deals.get", 429), ("deals.update", 429), ("deals.update", 403)])
def test_a_putting_back_that_is_refused_for_now_stays_unknown_until_it_is_done(lab, operation, status):
    """Told as refused, the move would begin anew, see the deal where we put it, and forget the person."""

    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        sent = world.clock.now()
        during(world, "deals.update", lambda: world.host.move_deal(deal, LATE))
        world.fault("deals.get", "status", nth=2, times=4)
        with pytest.raises(OutcomeUnknown):
            await world.write(move(deal))
        world.world.faults.clear()
        attempt = replace(move(deal), first_sent_at=sent, record=deal, done_steps=("moved",))
        world.fault(operation, "status", status=status, code="DAILY" if status == 429 else "MISSING_SCOPES", times=9)
        assert isinstance(await world.only(attempt), OutcomeUnknown)
        world.world.faults.clear()
        assert (await world.only(attempt)).note == "stage_put_back"
        assert world.host.deal(deal).stage == LATE

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_reply", "lost_request"])
def test_a_putting_back_whose_answer_was_lost_is_looked_up_too(lab, effect):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        sent = world.clock.now()
        during(world, "deals.update", lambda: world.host.move_deal(deal, LATE))
        world.fault("deals.update", effect, nth=2)
        with pytest.raises(OutcomeUnknown):
            await world.write(move(deal))
        (found,) = await world.find(replace(move(deal), first_sent_at=sent))
        if effect == "lost_reply":
            assert found.receipt.note == "stage_put_back"
        else:
            assert found == Partial(deal, ("moved",), ("checked",))

    lab(scenario)


def test_a_move_sent_again_to_where_somebody_else_brought_the_deal_changes_nothing(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        world.host.move_deal(deal, QUOTED)
        receipt = await world.only(replace(move(deal), first_sent_at=world.clock.now()))
        assert receipt.effect is Done.UNCHANGED
        assert not world.calls(kind="write")

    lab(scenario)


def test_stages_that_cannot_be_set_are_refused_before_anything_is_sent(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        label = await world.only(move(deal, to_stage="Decision Maker Bought-In"))
        assert label.code == "UNKNOWN_STAGE"
        world.portal.lock_stage("deals", QUOTED)
        await world.target.check()
        assert (await world.only(move(deal))).code == "STAGE_READ_ONLY"
        assert not world.calls(kind="write")

    lab(scenario)


def test_a_deleted_deal_is_gone_and_a_rule_of_the_administrator_is_named(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        world.portal.add_property("deals", "lost_reason")
        world.portal.add_validation_rule("deals", "lost_reason", "dealstage", [QUOTED])
        refused = await world.only(move(deal))
        assert isinstance(refused, Rejected)
        assert "lost_reason" in refused.hint
        world.host.delete_record(deal)
        assert isinstance(await world.only(move(deal)), Gone)
        assert await world.find(replace(move(deal), first_sent_at=world.clock.now())) == (Absent(),)

    lab(scenario)


def test_a_merged_deal_is_moved_under_its_new_id(lab):
    async def scenario(world):
        one, two = world.host.add_deal("Big", stage=OPEN), world.host.add_deal("Double", stage=OPEN)
        new = world.portal.merge(one, two)
        receipt = await world.only(move(one))
        assert receipt.record == new
        assert world.host.deal(new).stage == QUOTED

    lab(scenario)


def test_without_the_apps_id_our_own_moves_are_still_known(lab):
    async def scenario(world):
        world.fault("oauth.private-apps.info", "status", status=404, times=9)
        deal = world.host.add_deal("Big", stage=OPEN)
        during(world, "deals.update", lambda: world.host.move_deal(deal, LATE))
        receipt = await world.only(move(deal))
        assert receipt.note == "stage_put_back"

    lab(scenario)


# --------------------------------------------------------------------------------------------------------------- tasks


@pytest.mark.parametrize("mode", ["a", "b", "c"])
def test_a_task_is_completed_unless_a_person_was_first(lab, mode):
    async def scenario(world):
        made = await world.only(world.task(1))
        done = Attempt(CompleteTask(key="v1:9", task_key=f"v1:{1:064x}", task=made.record))
        assert await world.find(done) == (Absent(),)
        assert (await world.only(done)).effect is Done.CHANGED
        assert world.host.tasks()[0].closed
        assert isinstance((await world.find(done))[0], Found)
        assert (await world.only(done)).effect is Done.UNCHANGED
        world.host.delete_record(made.record)
        assert isinstance(await world.only(done), Gone)
        assert await world.find(done) == (Absent(),)

    lab(scenario, mode=mode)


def test_a_task_is_found_by_its_key_where_the_record_is_not_known(lab):
    async def scenario(world):
        await world.only(world.task(1))
        done = Attempt(CompleteTask(key="v1:9", task_key=f"v1:{1:064x}"))
        assert (await world.only(done)).effect is Done.CHANGED
        unknown = Attempt(CompleteTask(key="v1:9", task_key=f"v1:{2:064x}"))
        assert isinstance(await world.only(unknown), Gone)

    lab(scenario)


# -------------------------------------------------------------------------------------------------------------- fields


def fields(record, pairs, **more):
    return Attempt(SetFields(key="v1:f", record=RecordRef(RecordKind.CONTACT, record), fields=pairs, **more))


def test_only_empty_fields_are_filled_unless_told_otherwise(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        write = fields(li, (("jobtitle", "Buyer"), ("lastname", "Other")))
        assert (await world.only(write)).effect is Done.CHANGED
        values = world.portal.record(li)["values"]
        assert (values["jobtitle"], values["lastname"]) == ("Buyer", "Wei")
        assert (await world.only(write)).effect is Done.UNCHANGED
        over = fields(li, (("lastname", "Other"),), only_if_empty=False)
        assert await world.find(over) == (Absent(),)
        assert (await world.only(over)).effect is Done.CHANGED
        assert isinstance((await world.find(over))[0], Found)

    lab(scenario)


def test_a_field_that_does_not_exist_or_takes_no_value_is_named(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        for name in ("no_such", "hs_object_id"):
            answer = await world.only(fields(li, ((name, "x"),)))
            assert isinstance(answer, Rejected)
            assert name in answer.hint
        option = await world.only(fields(li, (("lifecyclestage", "nonsense"),)))
        assert isinstance(option, Rejected)
        assert "lifecyclestage" in option.hint
        assert "nonsense" not in option.hint
        world.host.delete_record(li)
        assert isinstance(await world.only(fields(li, (("jobtitle", "Buyer"),))), Gone)

    lab(scenario)


# ------------------------------------------------------------------------------------------------------------ contacts


def stranger(email="new@beta.example", **changes):
    values = {"key": f"v1:{7:064x}", "email": email, "name": "Ana María Ruiz", "company_name": "beta.example"}
    return Attempt(CreateCustomer(**values | changes))


def test_a_stranger_becomes_a_contact_once(lab):
    async def scenario(world):
        owner = world.host.add_user("anna@ours.example", "Anna Ode")
        receipt = await world.only(stranger(owner=owner))
        values = world.portal.record(receipt.record)["values"]
        assert (values["firstname"], values["lastname"], values["company"]) == ("Ana María", "Ruiz", "beta.example")
        assert (values["email"], values["hubspot_owner_id"]) == ("new@beta.example", owner)
        assert receipt.effect is Done.CREATED
        again = await world.only(stranger())
        assert (again.record, again.effect, again.note) == (receipt.record, Done.EXISTING, "")
        (found,) = await world.find(stranger())
        assert found.receipt.record == receipt.record

    lab(scenario)


def test_somebody_known_by_now_is_answered_with_the_record(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        world.portal.add_address(li, "new@beta.example")
        first = await world.only(stranger("li@acme.example"))
        await world.later(60)
        second = await world.only(stranger())
        assert [(r.record, r.effect, r.note) for r in (first, second)] == [(li, Done.EXISTING, "address_known")] * 2
        assert not world.calls(kind="write")

    lab(scenario)


def test_an_address_taken_while_we_asked_is_existing_too(lab):
    async def scenario(world):
        made = []
        during(world, "contacts.create", lambda: made.append(world.host.add_contact("Ana", "new@beta.example")))
        receipt = await world.only(stranger())
        assert (receipt.record, receipt.effect, receipt.note) == (made[0], Done.EXISTING, "address_known")

    lab(scenario)


def test_a_further_address_that_the_index_does_not_show_yet_is_existing_by_hubspots_own_refusal(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        world.portal.set_lag(86_400)
        world.portal.add_address(li, "new@beta.example")
        receipt = await world.only(stranger())
        assert (receipt.record, receipt.effect) == (li, Done.EXISTING)

    lab(scenario)


@pytest.mark.parametrize("effect", ["lost_reply", "lost_request", "truncated", "html"])
def test_a_lost_contact_is_looked_up_by_its_address(lab, effect):
    async def scenario(world):
        world.fault("contacts.create", effect)
        with pytest.raises(OutcomeUnknown):
            await world.write(stranger())
        (found,) = await world.find(stranger())
        assert isinstance(found, Found if effect in ("lost_reply", "truncated") else Absent)

    lab(scenario)


# ------------------------------------------------------------------------------------------------------------ removing


def removal(kind, record):
    return Attempt(Remove(key="v1:r", made_by=kind, record=record))


@pytest.mark.parametrize("mode", ["a", "b", "c"])
def test_what_we_made_can_be_taken_back_and_nothing_else(lab, mode):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        native = world.host.log_by_hand(lab.raw.encode(), li)
        mail = await world.only(world.mail(2, lab.contact(li)))
        task = await world.only(world.task(3))
        made = await world.only(stranger())
        pairs = [
            (WriteKind.LOG_EMAIL, mail.record),
            (WriteKind.CREATE_TASK, task.record),
            (WriteKind.CREATE_CUSTOMER, made.record),
        ]
        for kind, record in pairs:
            assert await world.find(removal(kind, record)) == (Absent(),)
            assert (await world.only(removal(kind, record))).effect is Done.CHANGED
            assert isinstance((await world.find(removal(kind, record)))[0], Found)
            assert (await world.only(removal(kind, record))).effect is Done.UNCHANGED
        for kind, record in ((WriteKind.LOG_EMAIL, native), (WriteKind.CREATE_CUSTOMER, li)):
            assert (await world.only(removal(kind, record))).code == "NOT_OURS"
        assert [m["id"] for m in world.mails()] == [native]
        assert (await world.only(removal(WriteKind.MOVE_DEAL, "1"))).code == "NO_RECORD"

    lab(scenario, mode=mode)


def test_writes_of_several_kinds_are_answered_each_in_its_place(lab):
    async def scenario(world):
        li = world.host.add_contact("Li Wei", "li@acme.example")
        deal = world.host.add_deal("Big", stage=OPEN)
        answers = await world.write(
            move(deal), world.mail(1, lab.contact(li)), stranger(), world.task(2), move("999", key="v1:x")
        )
        assert [a.effect for a in answers[:4]] == [Done.CHANGED, Done.CREATED, Done.CREATED, Done.CREATED]
        assert isinstance(answers[4], Gone)

    lab(scenario)


def test_a_missing_scope_is_named(lab):
    async def scenario(world):
        deal = world.host.add_deal("Big", stage=OPEN)
        world.portal.revoke("crm.objects.deals.write")
        with pytest.raises(NotPermitted, match=r"crm\.objects\.deals\.write"):
            await world.write(move(deal))

    lab(scenario)
