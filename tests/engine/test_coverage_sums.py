"""`listed = synced + excluded + waiting + parked + missing`, whatever comes in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sync.coverage import Fate, Whereabouts, delivery, fate, total

fates = st.builds(Fate, st.sampled_from(Whereabouts), st.sampled_from(["", "no_customer", "internal"]))


@given(st.lists(st.text(min_size=1), unique=True), st.dictionaries(st.text(min_size=1), fates))
def test_every_listed_mail_is_counted_exactly_once(listed, known):
    coverage = total(listed, known)
    assert coverage.listed == len(listed) == sum(coverage.sums.values())
    assert coverage[Whereabouts.MISSING] == sum(
        1 for i in listed if i not in known or known[i].where is Whereabouts.MISSING
    )


def test_the_most_worrying_target_speaks_for_the_mail():
    synced, waiting, excluded = (Fate(w) for w in (Whereabouts.SYNCED, Whereabouts.WAITING, Whereabouts.EXCLUDED))
    assert fate([synced, waiting]) == waiting
    assert fate([excluded, synced]) == synced
    assert fate([excluded, excluded]) == excluded
    assert fate([]).where is Whereabouts.MISSING


def test_a_mail_is_synced_only_when_its_log_entry_is_done():
    assert delivery("log", None, "done", None).where is Whereabouts.SYNCED
    for state in ("ready", "sending", "unknown", None):
        assert delivery("log", None, state, None) == Fate(Whereabouts.WAITING, "in_delivery")
    assert delivery("log", None, "parked", "body_gone") == Fate(Whereabouts.PARKED, "body_gone")
    assert delivery("excluded", "internal", None, None) == Fate(Whereabouts.EXCLUDED, "internal")
