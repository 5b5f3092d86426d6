"""One seed, one order of events, run after run: `make determinism`, or `python -m tests.determinism [--runs 50]`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from tests.box import Box, day
from tests.sweep.scenario import Plan, company, mail
from tradepost.sandbox.company import PAIRS
from tradepost.sandbox.virtual import START, run


def log_of(folder, seed, pair=PAIRS[0]):
    """Every event of the engine and every request at the vendors, with its virtual time."""
    source, target = pair

    async def main():
        plan = Plan(source=source, target=target)
        box = Box(folder, seed=seed, company=lambda world: company(world, plan), start=day(START, 14))
        ann, carl = f"ann@{box.company.domain}", "carl@acme.example"
        for number in range(3):
            ago = timedelta(days=number + 1)
            box.post(mail(number, box, carl, [ann], f"Old mail {number}", ago=ago), at=box.clock.now() - ago)
        async with box.engine() as engine:
            await box.once(engine)
            await box.clock.sleep(60)
            box.fault(target, "*", "lost_reply", kind="write")
            box.post(mail(10, box, carl, [ann], "How much are lamps"))
            for runner in (*engine.mail, *engine.crm):
                runner.lane.poll_now()
            await box.once(engine)
        await box.settle()
        requests = [
            (r.n, r.at.isoformat(), r.vendor, r.operation, r.status, r.fault) for r in box.world.requests.records
        ]
        return json.dumps([box.events.lines, requests, box.company.crm.mails()], default=str).encode()

    return run(main())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--pair", default="*", metavar="SOURCE:TARGET", help="such as gmail:zoho; all by default")
    asked = parser.parse_args()
    differing = 0
    for pair in [pair for pair in PAIRS if fnmatchcase(":".join(pair), asked.pair)]:
        with tempfile.TemporaryDirectory() as folder:
            logs = {log_of(Path(folder) / str(number), 7, pair) for number in range(asked.runs)}
        print(
            f"{' -> '.join(pair)}: {asked.runs} runs of seed 7, {len(logs)} log of {len(min(logs))} bytes", flush=True
        )
        differing += len(logs) - 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
