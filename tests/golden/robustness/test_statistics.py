"""Proportions with their intervals, and p-values."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from golden.errors import InvalidInput, InvalidType
from golden.robustness.statistics import Proportion, holm, mcnemar, rank_p


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 20), (1, 20), (63, 100), (99, 100), (150, 150), (9922, 10000)])
def test_interval_is_wilsons(k, n):
    # The ends solve |p - k/n| = z sqrt(p (1 - p) / n): the closed form of Wilson's paper.
    z = 1.959963984540054
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    low, high = Proportion(k, n).interval
    assert low == pytest.approx(centre - half, abs=1e-12)
    assert high == pytest.approx(centre + half, abs=1e-12)
    assert Proportion(k, n).rate == k / n


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_intervals(k, n, low, high):
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998.
    assert Proportion(k, n).interval == pytest.approx((low, high), abs=5e-5)


def test_text():
    assert str(Proportion(63, 100)) == "63/100 = 63.0% [53.2, 71.8]"


def test_share_of_nothing():
    nothing = Proportion(0, 0)
    assert nothing.rate is None
    assert nothing.interval == (0, 1)
    assert str(nothing) == "0/0: no case"
    assert nothing.to_dict() == {"k": 0, "n": 0, "rate": None, "interval": [0, 1]}


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, -1)])
def test_no_proportion(k, n):
    with pytest.raises(InvalidInput, match=f"{k} of {n} is not a proportion"):
        Proportion(k, n)


def pairs(both, first, second, neither):
    """Correctness of two models on images, by how many only one of them gets right."""
    counts = (both, first, second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize(
    ("counts", "p"),
    [((1, 1, 7, 12), 0.0703), ((59, 6, 16, 80), 0.0525), ((5, 0, 0, 3), 1.0), ((0, 3, 3, 0), 1.0), ((0, 0, 1, 0), 1.0)],
)
def test_mcnemar_published_and_degenerate(counts, p):
    # The first two: M. W. Fagerland et al., "The McNemar test for binary matched-pairs data", BMC Medical Research
    # Methodology 13:91, 2013, exact conditional test.
    assert mcnemar(*pairs(*counts)) == pytest.approx(p, abs=5e-5)


def test_mcnemar_is_the_binomial_test_of_each_row():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 7, 60)) < np.linspace(0.1, 0.9, 7)[:, None]
    expected = [binomtest(int((a & ~b).sum()), int((a != b).sum())).pvalue for a, b in zip(first, second, strict=True)]
    assert mcnemar(first, second) == pytest.approx(expected, abs=1e-12)
    assert mcnemar(first, second) == pytest.approx(mcnemar(second, first), abs=0)
    assert min(expected) < 0.6 < max(expected)


def test_mcnemar_wants_pairs():
    with pytest.raises(InvalidInput, match=r"shapes \(3,\) and \(4,\) does not pair up"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(InvalidType, match="dtype bool, not int64 and bool"):
        mcnemar(np.ones(3, np.int64), np.ones(3, bool))


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        # The example of Wikipedia's article on the procedure: at 5%, the first and the last are rejected.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        # One that is not in order after multiplication takes the larger one before it.
        ([0.021, 0.02], [0.04, 0.04]),
        ([0.025, 0.05], [0.05, 0.05]),
        ([0.6, 0.9, 0.5], [1.0, 1.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm(p, adjusted):
    assert holm(p) == pytest.approx(adjusted, abs=1e-15)


@pytest.mark.parametrize("p", [[0.5, 1.1], [-0.1], [math.nan], 0.5, [[0.5]]])
def test_holm_wants_p_values(p):
    with pytest.raises(InvalidInput, match=r"p-values to adjust are numbers in \[0, 1\]"):
        holm(p)


def test_rank_counts_ties_against_the_value():
    draws = np.arange(39) / 100
    assert rank_p(0.39, draws) == 1 / 40
    assert rank_p(0.38, draws) == 2 / 40  # as good as the best draw
    assert rank_p(0.375, draws) == 2 / 40
    assert rank_p(-1, draws) == 1
    assert rank_p(0.3, np.full(39, 0.3)) == 1


def test_every_rank_is_equally_likely_for_one_more_draw():
    values = np.random.default_rng(1).permutation(40)
    p = sorted(rank_p(values[k], np.delete(values, k)) for k in range(40))
    assert p == [k / 40 for k in range(1, 41)]


@pytest.mark.parametrize(("value", "draws"), [(0.5, []), (math.nan, [0.5]), (0.5, [math.nan]), (0.5, [[0.5]])])
def test_no_rank(value, draws):
    with pytest.raises(InvalidInput, match="a rank needs a number and at least one draw"):
        rank_p(value, draws)
