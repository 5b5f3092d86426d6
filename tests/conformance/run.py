"""`make conformance`: every connector on trial, whole and spoiled, and what each check is there to catch."""

from __future__ import annotations

import sys
import time

from tests.conformance.page import PocketRig
from tradepost.testing.rig import CrmRig
from tradepost.testing.rigs import CRM_RIGS, LESSER_RIGS, MAIL_RIGS
from tradepost.testing.spoiled.crm import SPOILED_TARGETS
from tradepost.testing.spoiled.mail import SPOILED_SOURCES
from tradepost.testing.trial import catches, findings, sample, skips, summary, try_rig


def main() -> int:
    began = time.perf_counter()
    trials = []
    for make in (*MAIL_RIGS, *CRM_RIGS, PocketRig, *LESSER_RIGS):
        rig = sample(make)
        spoiled = SPOILED_TARGETS if isinstance(rig, CrmRig) else SPOILED_SOURCES
        trials.append(try_rig(make, () if make in LESSER_RIGS else spoiled))
        print(f"{rig.name} is judged", file=sys.stderr, flush=True)
    for title, spoiled in (("targets", SPOILED_TARGETS), ("sources", SPOILED_SOURCES)):
        print(f"\nSpoiled {title}, each caught on every connector that it concerns:")
        print("\n".join(catches(spoiled)))
    for trial in trials:
        for title, lines in (("skipped", skips(trial)), ("to be mended", findings(trial))):
            if lines:
                print("\n".join([f"\n{trial.name}, {title}:", *lines]))
    print()
    print("\n".join(summary(trials)))
    # A mistake that concerned no connector would prove nothing.
    caught = {s.name for trial in trials for s, v in trial.spoiled if v.result == "failed"}
    idle = [s.name for s in (*SPOILED_TARGETS, *SPOILED_SOURCES) if s.name not in caught]
    print(
        f"\n{len(SPOILED_TARGETS)} spoiled targets and {len(SPOILED_SOURCES)} spoiled sources; caught by nobody: {idle or 'none'}"
    )
    print(f"{time.perf_counter() - began:.0f} s")
    return 0 if all(t.passed for t in trials) and not idle else 1


if __name__ == "__main__":
    sys.exit(main())
