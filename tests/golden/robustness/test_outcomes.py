"""What is counted."""

import numpy as np
import pytest

from golden.robustness.outcomes import confidence, distances, median_distance, predicted, right, under_attack
from golden.robustness.statistics import Proportion

LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1])


def _logits(classes):
    """Logits whose largest entry stands at each class."""
    return np.eye(3, dtype=np.float32)[classes]


def _right(classes):
    return right(_logits(classes), LABELS)


def test_under_attack_counts():
    # By hand, sample by sample:      source clean, source attacked, target clean, target attacked
    #   0  label 0                    0             1                0             1     transfers
    #   1  label 1                    1             0                1             1     adversarial, does not transfer
    #   2  label 2                    2             2                2             0     not adversarial on the source
    #   3  label 0                    0             2                1             1     target wrong clean
    #   4  label 1                    0             0                1             1     source wrong clean
    #   5  label 2                    2             0                2             1     transfers, to another class
    #   6  label 0                    0             0                0             0     right everywhere
    #   7  label 1                    1             2                0             1     wrong clean, right attacked
    source = _right([0, 1, 2, 0, 0, 2, 0, 1]), _right([1, 0, 2, 2, 0, 0, 0, 2])
    target = _right([0, 1, 2, 1, 1, 2, 0, 0]), _right([1, 1, 0, 1, 1, 1, 0, 1])
    success, transfer, robust = under_attack(source, target)
    assert success == Proportion(5, 7)  # samples 0 1 3 5 7, of all but 4
    assert transfer == Proportion(2, 3)  # 0 and 5, of 0 1 5
    assert robust == Proportion(3, 8)  # 1 4 6; sample 7 was wrong clean


def test_nothing_adversarial():
    everything = np.ones(8, bool)
    success, transfer, robust = under_attack((everything, everything), (everything, everything))
    assert (success, transfer, robust) == (Proportion(0, 8), Proportion(0, 0), Proportion(8, 8))


def test_confidence():
    value = confidence(2 * _logits(LABELS))
    assert value is not None
    assert abs(value - np.exp(2) / (np.exp(2) + 2)) < 1e-9


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite(value):
    logits = _logits(LABELS)
    logits[0, 1] = value
    assert confidence(logits) is None
    assert predicted(logits)[0] == (-1 if np.isnan(value) else 1)
    assert right(logits, LABELS).tolist() == [False] + 7 * [True]


def test_distances():
    images = np.zeros((2, 2, 2, 2), np.float32)
    others = images.copy()
    others[1, :, 0, 0] = 0.3, -0.4  # one pixel, both channels
    others[1, 0, 1, 1] = 0.5
    expected = {"linf": 0.5, "l2": np.sqrt(0.09 + 0.16 + 0.25), "l1": 1.2, "l0": 2}
    for norm, value in expected.items():
        assert distances(images, others, norm) == pytest.approx([0, value])


def test_median_distance_counts_what_withstands_as_infinite():
    distance, clean = np.array([1.0, 2, 3, 4, 9]), np.array([True, True, True, False, True])
    assert median_distance(distance, clean, np.array([False, False, False, False, True])) == 2.5
    assert median_distance(distance, clean, np.array([False, False, True, False, True])) is None
    assert median_distance(distance, np.zeros(5, bool), np.zeros(5, bool)) is None
