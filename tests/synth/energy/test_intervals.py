"""Intervals: how often they cover, what pairing does, and what they refuse."""

import numpy as np
import pytest

from golden.errors import InvalidInput
from synth.energy.intervals import FEWEST_UNITS, mean_interval, ratio_interval

pytest.importorskip("scipy")


@pytest.mark.parametrize("n", [5, 8, 20])
def test_intervals_of_normal_units_cover_as_they_say(n):
    random = np.random.RandomState(n)
    covered = [low < 10 < high for low, high in (mean_interval(random.normal(10, 1, n)) for _ in range(600))]
    # 95% less what chance and the bootstrap's few values at n = 5 take; plain percentiles cover 83% there.
    assert 0.92 < np.mean(covered) < 0.98


def test_a_mean_lies_within_its_interval_and_scales_with_it():
    values = np.array([3.0, 4, 5, 4, 4])
    low, high = mean_interval(values)
    assert low < 4 < high
    assert mean_interval(10 * values) == pytest.approx((10 * low, 10 * high))


def test_what_both_share_cancels():
    base = np.array([3.0, 9, 5, 4, 14])
    assert ratio_interval(base / 4, base) == pytest.approx((0.25, 0.25))
    low, high = ratio_interval(base[::-1] / 4, base)
    assert low < 0.2 < 0.3 < high


def test_a_ratio_of_means_not_a_mean_of_ratios():
    values, base = np.array([1.0, 1, 1, 1, 1]), np.array([1.0, 1, 1, 1, 96])
    low, high = ratio_interval(values, base)
    assert low < 0.05 < high <= 1  # 1 / 20; the mean of the ratios is 0.8


def test_too_few_units():
    with pytest.raises(InvalidInput, match="4 units are too few for an interval; give at least 5"):
        mean_interval(np.ones(FEWEST_UNITS - 1))
    with pytest.raises(InvalidInput, match="5 and 6 units; give the same ones"):
        ratio_interval(np.ones(5), np.ones(6))
