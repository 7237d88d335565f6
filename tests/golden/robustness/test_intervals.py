"""Simultaneous intervals: against theory, by simulation, and where data are degenerate."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from golden.errors import InvalidInput
from golden.robustness import intervals
from golden.robustness.intervals import ends, simultaneous_intervals

ALPHA = 0.05


def differences(rng, target, control, n, seeds=3):
    """Paired differences (rows, images) whose means are ``target`` - ``control``, images being easy or hard for all."""
    easy = rng.standard_normal(n)
    rates = norm.ppf(np.stack([target, control]))[:, :, None, None]
    right = math.sqrt(0.5) * (easy + rng.standard_normal((2, len(target), seeds, n))) < rates
    return (right[0].astype(int) - right[1].astype(int)).mean(1)


def critical(d, found):
    """Half the width over the standard error, of each row."""
    return (found[:, 1] - found[:, 0]) / 2 / (d.std(1, ddof=1) / math.sqrt(d.shape[1]))


@pytest.mark.parametrize("runs", [400, pytest.param(4000, marks=pytest.mark.long)])
def test_all_rows_are_held_in_95_of_100_samples(runs):
    target, control = np.array([0.5, 0.6, 0.7, 0.6, 0.5, 0.4]), np.full(6, 0.5)
    rng = np.random.default_rng(2)
    held = together = 0
    for run in range(runs):
        d = differences(rng, target, control, 200)
        low, high = simultaneous_intervals(d, resamples=500, seed=run).T
        held += bool(((low <= target - control) & (target - control <= high)).all())
        single = 1.96 * d.std(1, ddof=1) / math.sqrt(200)
        together += bool((np.abs(d.mean(1) - (target - control)) <= single).all())
    error = 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    # Half a point for 200 images being few, and 500 resamples for 10 000.
    assert abs(held / runs - (1 - ALPHA)) <= error + 0.005
    # Intervals for one row each hold all six less often: the data can tell.
    assert together / runs < 1 - ALPHA - 2 * error


@pytest.mark.parametrize("runs", [200, pytest.param(2000, marks=pytest.mark.long)])
def test_rows_of_rare_events_are_held_at_least_as_often(runs):
    target, control = np.array([0.6, 0.01, 0.005, 0.02]), np.array([0.5, 0.002, 0.005, 0.001])
    rng = np.random.default_rng(3)
    held = 0
    for run in range(runs):
        low, high = simultaneous_intervals(differences(rng, target, control, 200), resamples=500, seed=run).T
        held += bool(((low <= target - control) & (target - control <= high)).all())
    assert held / runs >= 1 - ALPHA - 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)


def test_one_row_is_the_usual_interval_and_rows_alike_cost_nothing():
    d = differences(np.random.default_rng(4), [0.7], [0.5], 400)
    one = simultaneous_intervals(d, resamples=20_000)
    assert critical(d, one) == pytest.approx(norm.ppf(1 - ALPHA / 2), abs=0.04)
    assert one.mean(1) == pytest.approx(d.mean(1))
    assert simultaneous_intervals(np.repeat(d, 5, 0), resamples=20_000) == pytest.approx(np.repeat(one, 5, 0))
    # A row and its reverse are one question.
    assert simultaneous_intervals(np.concatenate([d, -d]), resamples=20_000)[0] == pytest.approx(one[0])


def test_eight_images_by_hand():
    # Four are +1, four are -1. With k of the first among eight drawn, T* = abs(2 k - 8) / sqrt(8); abs(k - 4) is at
    # least 3 with probability 18/256 and 4 with 2/256, so c = 6 / sqrt(8), and s^2 = 8/7.
    [(low, high)] = simultaneous_intervals(np.array([[1.0] * 4 + [-1.0] * 4]))
    half = 6 / 8 * math.sqrt(8 / 7)
    assert (low, high) == pytest.approx((-half, half))


def test_independent_rows_cost_what_sidak_says():
    d = np.random.default_rng(5).choice([-1.0, 0.0, 1.0], (12, 400))
    found = simultaneous_intervals(d, resamples=20_000)
    assert critical(d, found) == pytest.approx(norm.ppf((1 + (1 - ALPHA) ** (1 / 12)) / 2), abs=0.06)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 1 / 3])
def test_a_constant_difference_is_not_certain(value):
    # Values that none of n images shows may have a share q of all, where (1 - q)^n is the permitted error.
    n = 200
    q = 1 - ALPHA ** (1 / n)
    [(low, high)] = simultaneous_intervals(np.full((1, n), value))
    assert (1 - q) ** n == pytest.approx(ALPHA)
    assert (low, high) == pytest.approx(((1 - q) * value - q, (1 - q) * value + q))
    assert -1 <= low < high <= 1


def test_constant_rows_take_their_share_of_the_permitted_error():
    varying = differences(np.random.default_rng(6), [0.7, 0.6], [0.5, 0.5], 300)
    rows = np.concatenate([varying, np.zeros((2, 300))])
    found = simultaneous_intervals(rows, seed=1)
    # Two of four rows are constant: half the error is left to the others.
    assert found[:2] == pytest.approx(simultaneous_intervals(varying, confidence=1 - ALPHA / 2, seed=1))
    q = 1 - (ALPHA / 4) ** (1 / 300)
    assert found[2:] == pytest.approx(np.array([[-q, q]] * 2))


def test_rounding_does_not_make_a_row_vary():
    rows = np.concatenate([differences(np.random.default_rng(8), [0.7], [0.5], 100), np.full((1, 100), 6 / 39)])
    expected = simultaneous_intervals(rows)
    rows[1, 0] = np.nextafter(6 / 39, 1)
    assert simultaneous_intervals(rows) == pytest.approx(expected)


def test_one_odd_image_widens():
    rows = np.zeros((2, 200))
    rows[1, 17] = 1
    (low, high), (low_odd, high_odd) = simultaneous_intervals(rows)
    assert low <= low_odd <= 0
    assert high_odd > high


def test_ends_of_an_interval():
    low, high = ends(np.array([0.0, 0.9, -0.9]), np.array([0.3, 0.3, 0.3]), 1000, ALPHA)
    assert (low, high) == (pytest.approx([-0.3, 0.6, -1]), pytest.approx([0.3, 1, -0.6]))


def test_reproducible_and_independent_of_the_parts_drawn_at_once(monkeypatch):
    d = differences(np.random.default_rng(7), [0.7, 0.6], [0.5, 0.5], 100)
    found = simultaneous_intervals(d, resamples=999, seed=3)
    assert (found == simultaneous_intervals(d, resamples=999, seed=3)).all()
    assert (found != simultaneous_intervals(d, resamples=999, seed=4)).all()
    # Rows change nothing but c, and c does not depend on their order.
    assert found[::-1] == pytest.approx(simultaneous_intervals(d[::-1], resamples=999, seed=3))
    monkeypatch.setattr(intervals, "CELLS", 700)
    assert found == pytest.approx(simultaneous_intervals(d, resamples=999, seed=3))


def test_no_rows():
    assert simultaneous_intervals(np.empty((0, 10))).shape == (0, 2)


@pytest.mark.parametrize(
    ("d", "settings", "message"),
    [
        (np.zeros(5), {}, r"differences of shape \(5,\) cannot be resampled; give \(rows, images\)"),
        (np.zeros((2, 1)), {}, "two images at least"),
        (np.full((1, 5), 2.0), {}, r"lie in \[-1, 1\]"),
        (np.full((1, 5), math.nan), {}, r"lie in \[-1, 1\]"),
        (np.eye(3), {"confidence": 1.0}, "confidence=1 is no confidence"),
        (np.eye(3), {"resamples": 0}, "resamples=0 is too small"),
        (np.eye(3), {"resamples": 18}, "resamples=18 are too few for a quantile at 0.95; give at least 19"),
        (np.eye(3), {"seed": -1}, "seed=-1 is too small"),
    ],
)
def test_wrong_arguments(d, settings, message):
    with pytest.raises(InvalidInput, match=message):
        simultaneous_intervals(d, **settings)


def test_the_least_number_of_resamples_is_enough():
    assert np.isfinite(simultaneous_intervals(np.eye(3), resamples=19)).all()
