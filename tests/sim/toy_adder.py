"""Sums of toy words by rational arithmetic, independent of the golden model and of the hardware."""

import itertools
from fractions import Fraction

import numpy as np


def toy_value(word):
    """The exact value of a finite toy word of 4 exponent and 3 fraction bits."""
    exponent, fraction = word >> 3 & 15, word & 7
    magnitude = (
        Fraction(fraction, 8 * 64) if exponent == 0 else Fraction(8 + fraction, 8) * Fraction(2) ** (exponent - 7)
    )
    return -magnitude if word & 0x80 else magnitude


def rounding_table():
    """Where magnitudes round: every finite one, 248 standing for infinity, and the midpoints between neighbours."""
    values = [toy_value(word) for word in range(0x79)]
    return values, [(x + y) / 2 for x, y in itertools.pairwise(values)]


def toy_sums():
    """Every sum of two toy words by exact rational arithmetic."""
    _, midpoints = rounding_table()
    scale = 1024  # of which every midpoint is a multiple of 1 / scale
    thresholds = np.array([int(point * scale) for point in midpoints])
    words = np.arange(256)
    special, nan = (words & 0x7F) >= 0x78, (words & 0x7F) > 0x78
    scaled = np.array([0 if s else int(toy_value(w) * scale) for w, s in zip(words.tolist(), special, strict=True)])
    x, y = np.repeat(words, 256), np.tile(words, 256)
    total = scaled[x] + scaled[y]
    magnitude = np.abs(total)
    nearest = np.searchsorted(thresholds, magnitude, side="right")
    # On a midpoint the even neighbour wins; "right" chose the one above.
    on_midpoint = np.isin(magnitude, thresholds)
    nearest -= on_midpoint & (nearest & 1 == 1)
    sign = np.where(total == 0, x & y & 0x80, np.where(total < 0, 0x80, 0))
    result = sign | nearest
    result = np.where(special[x], x, np.where(special[y], y, result))
    opposite = special[x] & special[y] & (x != y)
    return np.where(nan[x] | nan[y] | opposite, 0x7C, result)
