"""The golden model of the adder: IEEE 754 sums of words, without the hardware's means."""

from __future__ import annotations

import numpy as np

from golden.formats import Format

__all__ = ["add_words", "word_values"]


def add_words(a: np.ndarray, b: np.ndarray, fmt: Format) -> np.ndarray:
    """IEEE 754 sums, nearest even, every NaN the canonical one.

    FP32 words are added by NumPy's float32 addition. Toy words become float64 values, whose sum is exact, and that sum
    is rounded to the format's grid.

    Parameters
    ----------
    a, b : numpy.ndarray
        Words, uint32, shape (N,).
    fmt : Format
        All fields of its word are added.
    """
    nan = np.uint32((fmt.exponent_mask << 1 | 1) << (fmt.word_fraction_bits - 1))
    with np.errstate(all="ignore"):
        if fmt.word_bits == 32:
            total = a.view(np.float32) + b.view(np.float32)
            return np.where(np.isnan(total), nan, total.view(np.uint32))
        total = word_values(a, fmt) + word_values(b, fmt)
        # A finite sum 2^k <= |s| < 2^(k+1) lies on a grid of 2^(k - fraction bits), subnormals on that of k = 1 - bias.
        k = np.where(total == 0, 1 - fmt.bias, np.maximum(np.frexp(total)[1] - 1, 1 - fmt.bias))
        steps = np.abs(np.rint(np.ldexp(total, fmt.word_fraction_bits - k)))
        # Rounding up to the next power of two carries from the steps into the exponent, up to infinity.
        finite = np.isfinite(total)
        steps, k = np.where(finite, steps, 0).astype(np.int64), np.where(finite, k, 0)
        magnitude = steps + ((k + fmt.bias - 1) << fmt.word_fraction_bits)
        infinity = fmt.exponent_mask << fmt.word_fraction_bits
        magnitude = np.where(finite, np.minimum(magnitude, infinity), infinity)
        words = magnitude | np.signbit(total).astype(np.int64) << (fmt.word_bits - 1)
    return np.where(np.isnan(total), nan, words.astype(np.uint32))


def word_values(words: np.ndarray, f: Format) -> np.ndarray:
    """The words' values as float64."""
    exponent = (words >> np.uint32(f.word_fraction_bits) & np.uint32(f.exponent_mask)).astype(np.int64)
    fraction = (words & np.uint32((1 << f.word_fraction_bits) - 1)).astype(np.int64)
    significand = fraction + ((exponent > 0).astype(np.int64) << f.word_fraction_bits)
    value = np.ldexp(significand.astype(np.float64), np.maximum(exponent, 1) - f.bias - f.word_fraction_bits)
    value = np.where(exponent == f.exponent_mask, np.where(fraction == 0, np.inf, np.nan), value)
    return np.where(words >> np.uint32(f.word_bits - 1) == 1, -value, value)
