"""Accuracy kept: two one-sided tests, the ratio of errors, every seed and all together."""

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp

from golden.errors import InvalidInput, InvalidType
from golden.robustness.equivalence import accuracy_kept, equivalence


def correct(both, first, second, neither):
    """Correctness of target and control, by how many images only one of them gets right."""
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def sample(rng, rate, control, n, seeds=3):
    """Correctness (seeds, images) of target and control; images are easy or hard for both."""
    easy = rng.standard_normal(n)
    right = math.sqrt(0.5) * (easy + rng.standard_normal((2, seeds, n))) < norm.ppf([rate, control])[:, None, None]
    return right[0], right[1]


@pytest.mark.parametrize(
    ("counts", "same"), [((9850, 20, 30, 100), True), ((9810, 10, 85, 95), True), ((9790, 10, 120, 80), False)]
)
def test_is_two_one_sided_paired_t_tests(counts, same):
    target, control = correct(*counts)
    found = equivalence(target, control)
    d = target.astype(float) - control
    expected = ttest_1samp(d, 0).confidence_interval(0.90)
    assert found.interval == pytest.approx((100 * expected.low, 100 * expected.high))
    assert found.difference == pytest.approx(100 * d.mean())
    tests: list[Any] = [ttest_1samp(d, -0.01, alternative="greater"), ttest_1samp(d, 0.01, alternative="less")]
    assert found.equivalent == (max(test.pvalue for test in tests) < 0.05) == same


def test_errors_and_their_ratio():
    # Twice the errors, 0.2 points: the same accuracy, and not the same.
    found = equivalence(*correct(9950, 10, 30, 10))
    assert (found.seeds, found.images, found.errors, found.error_ratio) == (1, 10_000, (40, 20), 2.0)
    assert found.equivalent
    # Bonett and Price: the variance of the logarithm is (b + c) / (x1 x0).
    factor = math.exp(norm.ppf(0.975) * math.sqrt(40 / (40 * 20)))
    assert found.ratio_interval == pytest.approx((2 / factor, 2 * factor))


def test_all_seeds_together_are_not_three_samples():
    # The same network three times over: three times as many errors, and no more certainty.
    target, control = correct(9850, 20, 30, 100)
    one, three = equivalence(target, control), equivalence(np.stack([target] * 3), np.stack([control] * 3))
    assert three.interval == pytest.approx(one.interval)
    assert three.ratio_interval == pytest.approx(one.ratio_interval)
    assert three.difference == pytest.approx(one.difference)
    assert three.errors == (390, 360)


@pytest.mark.parametrize(
    ("counts", "ratio"),
    [((10_000, 0, 0, 0), None), ((9990, 0, 0, 10), 1.0), ((0, 0, 10_000, 0), None), ((90, 10, 0, 0), 0)],
)
def test_degenerate_samples(counts, ratio):
    found = equivalence(*correct(*counts))
    assert found.error_ratio == ratio
    if not ratio:
        assert found.ratio_interval is None
    low, high = found.interval
    assert low < found.difference < high or (found.difference, low) == (-100, -100)


def test_identical_answers_are_not_certain():
    # 5% on each side may have missed images that differ: 1 - 0.05^(1/n) of all, off by 100 points.
    same = np.ones((3, 200), bool)
    found = equivalence(same, same)
    q = 100 * (1 - 0.05 ** (1 / 200))
    assert found.interval == pytest.approx((-q, q))
    assert not found.equivalent
    assert equivalence(np.ones(10_000, bool), np.ones(10_000, bool)).equivalent
    assert found.to_dict()["interval"] == list(found.interval)
    assert found.to_dict()["errors"] == [0, 0]


@pytest.mark.parametrize("rate", [0.97, 0.99])
def test_errs_in_5_of_100_at_the_margin(rate):
    rng, runs = np.random.default_rng(0), 600
    same = sum(equivalence(*sample(rng, rate, 0.98, 4000)).equivalent for _ in range(runs))
    assert same / runs == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / runs))


def test_finds_the_same_accuracy_and_holds_the_ratio():
    rng, runs = np.random.default_rng(1), 400
    found = [equivalence(*sample(rng, 0.98, 0.99, 2000)) for _ in range(runs)]
    held = sum(f.ratio_interval is not None and f.ratio_interval[0] <= 2 <= f.ratio_interval[1] for f in found)
    assert held / runs == pytest.approx(0.95, abs=3 * math.sqrt(0.05 * 0.95 / runs) + 0.005)
    assert sum(equivalence(*sample(rng, 0.988, 0.99, 10_000)).equivalent for _ in range(50)) == 50


def test_kept_on_every_seed():
    target, control = (np.stack([part] * 3) for part in correct(9850, 20, 30, 100))
    kept = accuracy_kept(target, control)
    assert kept.verdict == "holds"
    assert [part.equivalent for part in (*kept.per_seed, kept.together)] == [True] * 4
    assert kept.per_seed[1] == equivalence(target[1], control[1])
    again = json.loads(json.dumps(kept.to_dict(), allow_nan=False))
    assert (again["verdict"], len(again["per_seed"]), again["together"]["seeds"]) == ("holds", 3, 3)


@pytest.mark.parametrize(("lost", "verdict"), [(0, "holds"), (70, "holds"), (100, "undecided"), (200, "does not hold")])
def test_one_seed_decides(lost, verdict):
    control = np.ones((3, 10_000), bool)
    target = control.copy()
    target[2, :lost] = False
    assert accuracy_kept(target, control).verdict == verdict
    # Better by as much is not the same either.
    assert accuracy_kept(control, target).verdict == verdict


def test_not_kept_is_said_in_5_of_100_at_the_margin():
    rng, runs = np.random.default_rng(2), 300
    said = sum(accuracy_kept(*sample(rng, 0.97, 0.98, 2000)).verdict == "does not hold" for _ in range(runs))
    assert said / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize(
    ("target", "control", "settings", "message"),
    [
        (np.ones(3, bool), np.ones(4, bool), {}, r"shapes \(3,\) and \(4,\) cannot be compared"),
        (np.ones(1, bool), np.ones(1, bool), {}, "two at least"),
        (np.ones((0, 5), bool), np.ones((0, 5), bool), {}, "cannot be compared"),
        (np.ones((1, 1, 5), bool), np.ones((1, 1, 5), bool), {}, "cannot be compared"),
        (np.ones(3, bool), np.ones(3, bool), {"margin": 0}, "margin=0 and confidence=0.9: give points above 0"),
        (np.ones(3, bool), np.ones(3, bool), {"confidence": 1}, "margin=1 and confidence=1: give"),
    ],
)
def test_wrong_arguments(target, control, settings, message):
    with pytest.raises(InvalidInput, match=message):
        equivalence(target, control, **settings)


def test_kept_wants_seeds():
    with pytest.raises(InvalidInput, match=r"give both as \(seeds, images\)"):
        accuracy_kept(np.ones(5, bool), np.ones(5, bool))
    with pytest.raises(InvalidType, match="dtype bool, not float64"):
        equivalence(np.ones(5), np.ones(5))
