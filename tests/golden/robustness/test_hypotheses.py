"""The list of what is to be confirmed."""

from collections import Counter

import pytest

from golden.robustness.hypotheses import HYPOTHESES, Hypothesis, canonical
from golden.robustness.targets import target


def test_the_twelve():
    asked = Counter((h.threat_model, h.question, h.control) for h in HYPOTHESES)
    assert asked == {
        ("twin", "A", "noise"): 2,
        ("twin", "A", "e8m1"): 2,
        ("twin", "A", "companding"): 2,
        ("aware", "D", "exact torch"): 2,
        ("white-box", "D", "exact torch"): 2,
        ("white-box", "A", "noise"): 2,
    }
    assert len(set(HYPOTHESES)) == len(HYPOTHESES) == 12
    assert Counter(h.norm for h in HYPOTHESES) == {"linf": 6, "l2": 6}
    assert {(h.threat_model, h.draws) for h in HYPOTHESES if h.draws} == {("twin", 39), ("white-box", 2)}
    assert [h for h in HYPOTHESES if h.ranked] == [h for h in HYPOTHESES if h.draws == 39]


@pytest.mark.parametrize(
    ("control", "draws", "subject", "names"),
    [
        ("noise", 2, "ax-fpm", ("noise", "noise:draw=1")),
        ("noise", 2, "mitchell", ("noise:multiplier=mitchell", "noise:draw=1,multiplier=mitchell")),
        ("companding", 0, "ax-fpm", ("companding",)),
        ("companding", 0, "mitchell", ("companding:multiplier=mitchell",)),
        ("e8m1", 0, "mitchell", ("e8m1",)),
        ("e8m1", 0, "ax-fpm+calibrated", ("e8m1+calibrated",)),
        ("noise", 2, "ax-fpm+calibrated", ("noise:calibrated=1", "noise:draw=1,calibrated=1")),
        (
            "noise",
            2,
            "mitchell+calibrated",
            ("noise:calibrated=1,multiplier=mitchell", "noise:draw=1,calibrated=1,multiplier=mitchell"),
        ),
        ("companding", 0, "ax-fpm+calibrated", ("companding",)),
        ("exact torch", 0, "ax-fpm+calibrated", ("exact torch",)),
        ("exact torch", 0, "ax-fpm", ("exact torch",)),
    ],
)
def test_controls_are_matched_to_the_subject(control, draws, subject, names):
    assert Hypothesis("twin", "linf", "A", control, draws).controls(subject) == names
    assert tuple(target(name).name for name in names) == names


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("noise:draw=0", "noise"),
        ("noise:multiplier=ax-fpm,draw=10", "noise:draw=10"),
        ("noise:multiplier=mitchell,draw=1", "noise:draw=1,multiplier=mitchell"),
        ("noise:draw=1,multiplier=ax-fpm:block=2,carry=widen", "noise:draw=1,multiplier=ax-fpm:block=2,carry=widen"),
        ("noise:multiplier=ax-fpm,calibrated=1,draw=3", "noise:draw=3,calibrated=1"),
        ("noise:calibrated=0,draw=3", "noise:draw=3"),
        ("companding:multiplier=ax-fpm", "companding"),
        ("ax-fpm:block=2,carry=widen", "ax-fpm:block=2,carry=widen"),
        ("exact torch", "exact torch"),
    ],
)
def test_one_name_for_each_target(name, same):
    assert canonical(name) == canonical(same) == same
