"""The two views in which a success is judged once more."""

import numpy as np
import pytest

from golden.errors import InvalidInput
from golden.robustness.brittleness import rounded, shaken


def test_rounded():
    levels = (np.arange(256, dtype=np.float32) / np.float32(255)).reshape(1, 1, 16, 16)
    assert np.array_equal(rounded(levels), levels)
    assert np.array_equal(rounded(levels + np.float32(0.4 / 255)), levels)
    assert np.array_equal(rounded(levels - np.float32(0.4 / 255)), levels)
    below = np.nextafter(np.ones((1, 1, 2, 2), np.float32), np.float32(0))
    assert np.array_equal(rounded(below), np.ones((1, 1, 2, 2), np.float32))
    assert rounded(levels).dtype == np.float32


def test_shaken():
    images = np.linspace(0, 1, 2 * 400, dtype=np.float32).reshape(2, 1, 20, 20)
    noisy = shaken(images, 0.01, 5)
    change = noisy.astype(np.float64) - images
    assert 0.0099 < np.abs(change).max() <= 0.01 + 1e-7
    assert abs(change.mean()) < 0.001
    assert np.abs(change).mean() == pytest.approx(0.005, abs=0.0005)
    assert noisy.min() >= 0
    assert noisy.max() <= 1
    assert noisy.dtype == np.float32
    assert np.array_equal(noisy, shaken(images, 0.01, 5))
    assert not np.array_equal(noisy, shaken(images, 0.01, 5 + (1 << 32)))
    assert np.array_equal(shaken(images, 0, 5), images)


@pytest.mark.parametrize("amplitude", [-0.1, 1.1, float("nan")])
def test_wrong_amplitude(amplitude):
    with pytest.raises(InvalidInput, match="is out of range; give a value from 0 to 1"):
        shaken(np.zeros((1, 1, 2, 2), np.float32), amplitude, 0)
