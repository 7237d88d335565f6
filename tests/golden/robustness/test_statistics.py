"""Proportions and their intervals."""

import math

import pytest

from golden.errors import InvalidInput
from golden.robustness.statistics import Proportion


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
