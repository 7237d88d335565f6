"""Differences that hold together, and energies that do."""

import math

import numpy as np
import pytest
from planted_fronts import ATTACKED, CLEAN, EXACT_ROW, images, joint_front, network
from scipy.stats import t

from axfpm.joint_front.differences import ALPHA, correct, differences, energies_together
from axfpm.joint_front.result import Energy


def test_bits_come_back():
    rng = np.random.default_rng(0)
    for n in (1, 8, 13, 100):
        right = rng.random(n) < 0.5
        kept = type(EXACT_ROW.clean)(int(right.sum()), n, np.packbits(right).tobytes().hex())
        assert np.array_equal(correct(kept), right)


def test_every_two_networks_are_compared_once():
    rows = [network(name, 1.0, 0.9, 0.5, 0.4) for name in "abcd"]
    found = differences(rows, ("linf", "l2"))
    assert [(each.first, each.second) for each in found] == [tuple(p) for p in ("ab", "ac", "ad", "bc", "bd", "cd")]
    for each in found:
        assert each.intervals.keys() == {"clean", "linf", "l2"}
        for what, total in (("clean", CLEAN), ("linf", ATTACKED), ("l2", ATTACKED)):
            low, high = each.intervals[what]
            # Equal on all images: no narrower than what was not seen allows, and the more images the narrower.
            assert -1500 / total < low < 0 < high < 1500 / total
    assert differences(rows[:1], ("linf", "l2")) == ()


def test_intervals_hold_the_difference_and_widen_with_their_number():
    two = joint_front(network("a", 1.0, 0.9, 0.8, 0.4), network("b", 1.0, 0.8, 0.5, 0.5))
    (low, high), (first, last) = two.between("a", "b", "clean"), two.between("a", "b", "linf")
    assert low < 10 < high
    # One pair of 2000 images, a fifth of 5%, an image in ten differs: t or so times sqrt(.1 * .9 / 2000), in points.
    assert 10 - low == pytest.approx(100 * 2.58 * math.sqrt(0.09 / 2000), rel=0.1)
    assert first < 30 < last
    assert two.between("b", "a", "clean") == (-high, -low)
    assert two.between("a", "a", "clean") == (0.0, 0.0)
    rng = np.random.default_rng(1)
    noise = [network(f"n{k}", 1.0, rng.uniform(0.5, 0.7), 0.5, 0.5, start=int(rng.integers(CLEAN))) for k in range(8)]
    many = joint_front(two.networks[0], two.networks[1], *noise)
    wide = many.between("a", "b", "clean")
    assert wide[0] < low < high < wide[1]


def test_all_hold_together():
    """Under no difference at all, some interval misses 0 about as seldom as is permitted to its family."""
    rng, missed, rounds = np.random.default_rng(2), 0, 120
    for _ in range(rounds):
        rows = []
        for k in range(4):
            bits = rng.random(ATTACKED) < 0.5
            kept = images(0.5, ATTACKED).__class__(int(bits.sum()), ATTACKED, np.packbits(bits).tobytes().hex())
            own = network(f"n{k}", 1.0, 0.9, 0.5, 0.5)
            rows.append(type(own)(**{**vars(own), "clean": kept, "robust": {"linf": kept}}))
        found = differences(rows, ("linf",))
        missed += any(low > 0 or high < 0 for each in found for low, high in each.intervals.values())
    # Both families see the same bits here, so that 1% is expected of either; 7% would be a broken rule.
    assert missed / rounds < 0.07


def test_energies_that_hold_together():
    one = Energy(10.0, (8.0, 12.0), 0.5, (0.4, 0.6), (0.4, 0.6), 5, "toy")
    other = Energy(15.0, (14.0, 16.0), 0.75, (0.7, 0.8), (0.7, 0.8), 5, "toy")
    exact = Energy(20.0, (19.0, 21.0), 1.0, (1.0, 1.0), (1.0, 1.0), 5, "toy")
    (alone,) = energies_together([one])
    assert alone is not None
    factor = t.ppf(1 - ALPHA / 5 / 2, 4) / t.ppf(0.975, 4)
    assert alone.together == pytest.approx((0.5 * 0.8**factor, 0.5 * 1.2**factor), abs=1e-6)
    # Two names of one measurement are one energy, and exact is no question; another one makes two of them.
    assert energies_together([one, one, exact, None]) == [alone, alone, exact, None]
    wider, *_ = energies_together([one, other])
    assert wider is not None
    assert wider.together[0] < alone.together[0] < one.ratio_interval[0]
    assert wider.together[1] > alone.together[1] > one.ratio_interval[1]


def test_fewer_are_asked_of_references():
    rng = np.random.default_rng(3)
    rows = [network(f"n{k}", 1.0, rng.uniform(0.5, 0.7), 0.5, 0.5, start=int(rng.integers(CLEAN))) for k in range(7)]
    with_reference, without = joint_front(EXACT_ROW, *rows), joint_front(network("m", 1.0, 0.95, 0.5, 0.5), *rows)

    def width(front, first, what):
        low, high = front.between(first, "n0", what)
        return high - low

    for what in ("clean", "linf"):
        assert width(with_reference, EXACT_ROW.name, what) < width(without, "m", what)
