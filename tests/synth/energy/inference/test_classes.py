"""Classes of operations: what they are, their shares of a layer, and the energy that they add up to."""

import numpy as np
import pytest

from synth.energy.inference.classes import CLASSES, classes_of, energy_by_classes, shares_of
from synth.energy.inference.layers import Layer
from synth.energy.stimulus import HELD


def layer(x):
    x = np.asarray(x, np.float32)
    return Layer("toy", x, np.ones((x.shape[1], 3), np.float32), np.zeros(3, np.float32), 1)


def test_a_class_is_zero_before_and_now():
    window = np.zeros((1, HELD, 1), np.float32)
    window[0, 1:4, 0] = 1
    names = [CLASSES[k] for k in classes_of(window)[0, :6, 0]]
    assert names == ["new weight, 0", "0 to x", "x to x", "x to x", "x to 0", "0 to 0"]
    window[0, 0] = -0.0  # a zero of either sign
    assert classes_of(window)[0, 0, 0] == CLASSES.index("new weight, 0")
    window[0, 0] = 2
    assert CLASSES[classes_of(window)[0, 0, 0]] == "new weight, x"


def test_shares_are_of_whole_windows_of_all_columns():
    # Two windows of two k: one k is always zero, the other one never; the rest is no window.
    x = np.zeros((2 * HELD + 5, 2))
    x[:, 1] = 1
    shares = dict(zip(CLASSES, shares_of(layer(x)), strict=True))
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["0 to 0"] == shares["x to x"] == pytest.approx((HELD - 1) / HELD / 2)
    assert shares["new weight, 0"] == shares["new weight, x"] == pytest.approx(1 / HELD / 2)


def test_all_windows_drawn_once_give_the_mean_exactly():
    generator = np.random.RandomState(1)
    x = np.maximum(generator.standard_normal((5 * HELD, 4)), 0)
    energy = generator.random_sample((20, HELD))
    windows = x.astype(np.float32).reshape(5, HELD, 4).transpose(0, 2, 1).reshape(20, HELD)
    assert energy_by_classes(shares_of(layer(x)), windows, energy) == pytest.approx(energy.mean(), rel=1e-12)


def test_a_draw_of_too_many_zeros_is_set_right():
    # Energy is 1 where the activation is zero and 5 elsewhere; a quarter of the layer is zero, three quarters of the
    # draw are.
    x = np.ones((4 * HELD, 1))
    x[:HELD] = 0
    drawn = np.ones((4, HELD), np.float32)
    drawn[:3] = 0
    energy = np.where(drawn == 0, 1.0, 5.0)
    assert energy.mean() == 2
    assert energy_by_classes(shares_of(layer(x)), drawn, energy) == pytest.approx(4)


def test_a_class_that_was_not_drawn_counts_as_the_mean():
    shares = np.zeros(len(CLASSES))
    shares[CLASSES.index("0 to 0")] = 1
    assert energy_by_classes(shares, np.ones((1, HELD), np.float32), np.full((1, HELD), 3.0)) == 3
