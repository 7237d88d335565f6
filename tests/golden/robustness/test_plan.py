"""What stages amount to."""

import dataclasses

import numpy as np
import pytest

from golden.errors import InvalidInput
from golden.robustness.attacks import attacks
from golden.robustness.networks import subset
from golden.robustness.plan import Stage, plan
from golden.robustness.row_types import EXACT
from golden.robustness.targets import target, targets
from golden.robustness.threats import THREAT_MODELS

GRADIENTS = attacks("fgsm:eps=0.1,ddn")


def _stage(threat, attacks=GRADIENTS, **more):
    return Stage(THREAT_MODELS[threat], attacks, targets("ax-fpm,e8m2"), **more)


def _plan(*stages, networks=2, images=10):
    return plan(stages, target(EXACT), networks, images)


def test_a_shared_source_is_attacked_once():
    planned = _plan(_stage("twin"))
    assert len(planned.examples) == 2 * 2  # networks, attacks
    assert all(case.target is None for case in planned.examples)
    assert [s.target.name for s in planned.shown][:3] == [EXACT, "ax-fpm", "e8m2"]
    assert len(planned.shown) == 2 * 2 * 3


def test_each_target_is_attacked_for_itself():
    planned = _plan(_stage("white-box", gradients=("scaled", "straight-through")), networks=1)
    assert len(planned.examples) == 2 * 2 * 2  # attacks, targets, gradients
    assert all(s.target == s.examples.target for s in planned.shown)
    with_exact = _plan(dataclasses.replace(_stage("white-box"), shown=targets(EXACT)), networks=1)
    assert [s.target.name for s in with_exact.shown] == 2 * ["ax-fpm", EXACT, "e8m2", EXACT]


def test_only_minimal_norms_are_stretched():
    planned = _plan(_stage("twin", scales=(1.1,)))
    assert {(s.examples.attack.minimal, s.scales) for s in planned.shown} == {(False, ()), (True, (1.1,))}


def test_sizes():
    planned = _plan(_stage("twin", samples=4, networks=1))
    assert {(case.network, case.samples) for case in planned.examples} == {(0, 4)}
    for what, size in (("images", {"samples": 11}), ("networks", {"networks": 3})):
        with pytest.raises(InvalidInput, match=f"twin asks for .* {what} and there are"):
            _plan(_stage("twin", **size))
    _plan(_stage("twin", samples=4), _stage("twin", samples=5, extra=True))
    with pytest.raises(InvalidInput, match="stages of twin take 4 and 5 images"):
        _plan(_stage("twin", samples=4), _stage("twin", samples=5))


def test_attacks_that_the_attacker_cannot_run(monkeypatch):
    labels = dataclasses.replace(GRADIENTS[0], kind=dataclasses.replace(GRADIENTS[0].kind, access="labels"))
    planned = _plan(_stage("query", attacks=(*GRADIENTS, labels)))
    assert {case.attack for case in planned.examples} == {labels}
    assert planned.left_out == tuple(f"{a} in query: its attacker has no gradients" for a in GRADIENTS)
    with pytest.raises(InvalidInput, match="none of these attacks suits query, whose attacker has labels and scores"):
        _plan(_stage("query"))


def test_subset_is_spread_over_all():
    assert subset(10, 10).tolist() == list(range(10))
    assert subset(10, 4).tolist() == [0, 2, 5, 7]
    assert len(np.unique(subset(397, 150))) == 150
