"""Who beats whom: only where everything is told apart."""

import pytest
from planted_fronts import EXACT_ROW, FRONT, joint_front, network

from axfpm.joint_front.dominance import beaten_by, beats, better_deals, costs_less

GOOD = {"uj": 40.0, "clean": 0.95, "linf": 0.5, "l2": 0.5}


@pytest.mark.parametrize(
    ("change", "beaten", "deal"),
    [
        ({}, True, True),
        ({"uj": 68.0}, False, False),  # energies are not told apart
        ({"uj": 90.0}, False, False),
        ({"spread": 0.4}, False, False),
        ({"clean": 0.852}, False, True),  # nor are clean accuracies
        ({"clean": 0.7}, False, False),  # it is worse there
        ({"linf": 0.12}, False, True),
        ({"l2": 0.12}, False, True),  # one norm is not told apart
        ({"l2": 0.0}, False, False),
    ],
)
def test_who_beats_whom(change, beaten, deal):
    front = joint_front(EXACT_ROW, network("ax-fpm", 70.0, 0.85, 0.1, 0.1), network("other", **{**GOOD, **change}))
    subject, other = front.network("ax-fpm"), front.network("other")
    assert beats(front, other, subject) is beaten
    assert ("other" in beaten_by(front, subject)) is beaten
    assert ("other" in better_deals(front, subject)) is deal
    assert not beats(front, subject, other)
    assert not beats(front, other, other)


def test_one_measurement_of_energy_leaves_the_rest_to_decide():
    worse, better = network("a", 40.0, 0.85, 0.1, 0.1), network("a, trained", 40.0, 0.95, 0.5, 0.5)
    front = joint_front(worse, better)
    assert not costs_less(better, worse)
    assert beaten_by(front, front.network("a")) == ["a, trained"]
    elsewhere = network("a, trained", 40.0, 0.95, 0.5, 0.5, operands="another network")
    front = joint_front(worse, elsewhere)
    assert beaten_by(front, front.network("a")) == []


def test_the_planted_front():
    assert beaten_by(FRONT, FRONT.network("ax-fpm")) == ["e8m2", "e8m1", "e8m2 (adversarially trained)"]
    for name in ("exact torch", "e8m2", "e8m1", "e8m2 (adversarially trained)", "unknown"):
        assert beaten_by(FRONT, FRONT.network(name)) == []
    # What it costs is not known: it neither beats nor is beaten.
    assert better_deals(FRONT, FRONT.network("unknown")) == []
