"""`python -m tests.restore.run --mails 500`: after a loss each record is there once, over every pair and mode of set-up.

For each: a copy, so many mails more, the state destroyed, the copy put back; then destroyed again and rebuilt without any
copy. In the modes with unique keys nothing may be parked; in the others what is parked is counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from random import Random

from sync.model import ItemState
from sync.store import files
from tests.box import Box
from tests.restore.show import LATER, begin_anew, box_of, destroy, live, logged, put_back, states, tasks
from tradepost.sandbox.company import PAIRS, empty
from tradepost.sandbox.kernel import World
from tradepost.sandbox.virtual import VirtualClock, run


def modes_of(target: str) -> tuple[str, ...]:
    """A CRM's modes of set-up; the first has unique keys for all that can have one."""
    return empty(World(clock=VirtualClock(), random=Random(1)), crms=(target,)).crm.modes


async def shown(folder: Path, pair: tuple[str, str], mode: str, mails: int) -> list[str]:
    """Both losses for one pair; prints what came of them and returns what was wrong."""
    begun = time.process_time()
    box = box_of(folder, pair, mode=mode)
    for old in box.history()[-4:]:
        box.deliver(old)
    await box.settle()
    files.snapshot(box.state, folder / "copy.db")
    await live(box, mails)
    await box.clock.sleep(LATER)
    await box.settle()
    before, asked, sent = logged(box), tasks(box), box.writes()
    wrong = [] if sum(before.values()) > mails // 2 else ["too little was logged"]
    parked = []
    for loss in ("restore", "rebuild"):
        destroy(box)
        await (put_back(box, folder / "copy.db") if loss == "restore" else begin_anew(box))
        await box.settle()
        await box.clock.sleep(LATER)
        await box.settle()
        wrong += [f"{loss}: {line}" for line in _differs(box, before, asked, sent)]
        left = await states(box)
        parked.append(left[ItemState.PARKED])
        missing = sum(sums["missing"] for sums in (await box.coverage()).values())
        wrong += [f"{loss}: {missing} missing"] if missing else []
        keyed = mode == modes_of(pair[1])[0] and pair[1] != "zoho"
        wrong += [f"{loss}: {parked[-1]} parked"] if keyed and parked[-1] else []
    seconds = time.process_time() - begun
    print(
        f"{'-'.join(pair)} {mode}: {sum(before.values())} mails on records and {len(asked)} tasks, each once; parked after "
        f"restore {parked[0]}, after rebuild {parked[1]}; {seconds:.0f} s",
        flush=True,
    )
    for line in wrong:
        print(f"  WRONG {line}", flush=True)
    return wrong


def _differs(box: Box, before, asked, sent):
    now = logged(box)
    lost, doubled = before - now, now - before
    yield from [f"{lost.total()} lost"] if lost else []
    yield from [f"{doubled.total()} doubled"] if doubled else []
    yield from [f"tasks are not as before: {len(asked)} -> {len(tasks(box))}"] if tasks(box) != asked else []
    yield from [f"{box.writes() - sent} writes were sent"] if box.writes() != sent else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.restore.run")
    parser.add_argument("--mails", type=int, default=500)
    parser.add_argument("--pair", action="append", choices=["-".join(p) for p in PAIRS])
    parser.add_argument("--mode", help="one mode of set-up only")
    chosen = parser.parse_args()
    plans = [
        (pair, mode)
        for pair in PAIRS
        for mode in modes_of(pair[1])
        if chosen.mode in {None, mode} and (not chosen.pair or "-".join(pair) in chosen.pair)
    ]
    print(f"About {len(plans) * (1 + chosen.mails / 5) / 60:.0f} minutes of one core.", flush=True)
    bad = 0
    for pair, mode in plans:
        with tempfile.TemporaryDirectory() as folder:
            bad += bool(run(shown(Path(folder), pair, mode, chosen.mails)))
    print(f"{bad} of {len(plans)} wrong" if bad else "Each record once.")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
