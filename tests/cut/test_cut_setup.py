"""`setup` whose process dies at every step in turn: what a CRM lacks is made once, and the command finds what is left.

With `TRADEPOST_PAIRS=all`.
"""

from __future__ import annotations

import pytest

from tests.box import Box
from tests.cut.lives import THOROUGH, Lives
from tests.sweep import scenario
from tests.sweep.scenario import Plan
from tradepost.sandbox.virtual import run


async def made(box):
    """What the account offers in the end, as `check` sees it."""
    async with box.engine() as engine:
        (target,) = engine.targets.values()
        assert await target.plan_setup() == ()
        account = await target.check()
        return account.capabilities, account.problems


@pytest.mark.skipif(not THOROUGH, reason="with TRADEPOST_PAIRS=all")
@pytest.mark.parametrize("crm", ["zoho", "salesforce"])
def test_a_setup_that_dies_at_every_step_makes_each_thing_once(tmp_path, crm):
    def fresh(folder):
        return Box(folder, company=lambda world: scenario.company(world, Plan(target=crm, mode="unkeyed")))

    async def main():
        box, whole = fresh(tmp_path / "cut"), fresh(tmp_path / "whole")

        async def set_up(engine):
            (target,) = engine.targets.values()
            assert not await target.apply_setup()
            return not await target.plan_setup()

        assert await Lives(box).carry(set_up) > 3
        async with whole.engine() as engine:
            assert await set_up(engine)
        assert await made(box) == await made(whole)
        if crm == "salesforce":
            for query in ("SELECT Name FROM PermissionSet", "SELECT Id FROM PermissionSetAssignment"):
                assert len(box.rows(query)) == len(whole.rows(query))

    run(main())
