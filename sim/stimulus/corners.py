"""Corners of a floating-point product's arithmetic, counted on the operands and results of a run."""

from __future__ import annotations

import numpy as np

from golden.catalogue import Multiplier
from golden.significand import significand_products

__all__ = ["bit_lengths", "multiplier_corners"]


def bit_lengths(x: np.ndarray) -> np.ndarray:
    """Index of the leading one plus 1, zero for zero; exact below 2^53."""
    return np.frexp(x.astype(np.float64))[1].astype(np.int64)


def multiplier_corners(a: np.ndarray, b: np.ndarray, y: np.ndarray, m: Multiplier) -> dict[str, int]:
    """Count how often each corner of the arithmetic occurs among products.

    What a vector was made for and what it does are two things: this looks at what it does.

    Parameters
    ----------
    a, b, y : numpy.ndarray
        Words of activations, weights and expected products: uint32, shape (N,).
    m : Multiplier
        The multiplier.

    Returns
    -------
    dict of str to int
        Every corner's name and count; a corner that a multiplier does not have (a carry out of an exact product, say)
        counts 0.
    """
    f, p = m.format, m.precision
    width, top = np.uint32(f.word_fraction_bits), f.exponent_mask
    fractions = np.uint32((1 << f.word_fraction_bits) - 1)
    quiet = np.uint32(1 << (f.word_fraction_bits - 1))
    exponents = [(x >> width & np.uint32(top)).astype(np.int64) for x in (a, b)]
    parts = [x & fractions for x in (a, b)]
    nan = [(e == top) & (x != 0) for e, x in zip(exponents, parts, strict=True)]
    signalling = [n & (x & quiet == 0) for n, x in zip(nan, parts, strict=True)]
    infinite = [(e == top) & (x == 0) for e, x in zip(exponents, parts, strict=True)]
    subnormal = [(e == 0) & (x != 0) for e, x in zip(exponents, parts, strict=True)]
    zero = [e == 0 for e in exponents]
    normal = [(e > 0) & (e < top) for e in exponents]
    both = normal[0] & normal[1]
    e_y = (y >> width & np.uint32(top)).astype(np.int64)
    negative = (a ^ b) >> np.uint32(f.word_bits - 1) == 1

    hidden = np.uint32(1 << f.word_fraction_bits)
    significands = [(x | hidden) for x in parts]
    lowest = [s & (x == 1) for s, x in zip(signalling, parts, strict=True)]
    rests = [x & np.uint32((1 << f.dropped_bits) - 1) for x in parts]
    if m.operands == "nearest":
        half = 1 << (f.dropped_bits - 1)
        ties = [(r == half) & n for r, n in zip(rests, normal, strict=True)]
        kept = [s >> np.uint32(f.dropped_bits) for s in significands]
        up = [(r > half) | ((r == half) & (k & np.uint32(1) == 1)) for r, k in zip(rests, kept, strict=True)]
        leaves = [u & n & (k == (1 << p) - 1) for u, n, k in zip(up, normal, kept, strict=True)]
        rounded = [k + u for k, u in zip(kept, up, strict=True)]
        rounded = [np.where(r >> np.uint32(p), r >> np.uint32(1), r) for r in rounded]
    else:
        ties = leaves = [np.zeros(a.shape, bool)] * 2
        rounded = [s >> np.uint32(f.dropped_bits) for s in significands]
    P = significand_products(m.design, rounded[0].astype(np.uint64), rounded[1].astype(np.uint64), p)
    length = bit_lengths(P)
    drop = np.maximum(length - p, 0).astype(np.uint64)
    rest = P & ((np.uint64(1) << drop) - np.uint64(1))
    tie = both & (drop > 0) & (rest << np.uint64(1) == np.uint64(1) << drop)

    corners = {
        "NaN activation": nan[0],
        "NaN weight": nan[1],
        "both NaN": nan[0] & nan[1],
        "signalling NaN": signalling[0] | signalling[1],
        "NaN with a payload in the low bits alone": lowest[0] | lowest[1],
        "infinity x zero": (infinite[0] & zero[1]) | (zero[0] & infinite[1]),
        "infinity x subnormal": (infinite[0] & subnormal[1]) | (subnormal[0] & infinite[1]),
        "infinity x finite": (infinite[0] & normal[1]) | (normal[0] & infinite[1]),
        "infinity x infinity": infinite[0] & infinite[1],
        "subnormal activation": subnormal[0] & normal[1],
        "subnormal weight": normal[0] & subnormal[1],
        "negative zero": negative & (y & ~np.uint32(1 << (f.word_bits - 1)) == 0) & (zero[0] | zero[1]),
        "overflow": both & (e_y == top),
        "negative overflow": both & (e_y == top) & negative,
        "flush to zero": both & (e_y == 0),
        "negative flush to zero": both & (e_y == 0) & negative,
        "smallest exponent": both & (e_y == 1),
        "largest exponent": both & (e_y == top - 1),
        "carry out": both & (length == 2 * p + 1),
        "leading one at 2p - 1": both & (length == 2 * p),
        "leading one at 2p - 2": both & (length == 2 * p - 1),
        "leading one lower": both & (length < 2 * p - 1),
        "product tie, even below": tie & (P >> drop & np.uint64(1) == 0),
        "product tie, odd below": tie & (P >> drop & np.uint64(1) == 1),
        "operand tie": ties[0] | ties[1],
        "operand rounds to a power": leaves[0] | leaves[1],
    }
    return {name: int(np.count_nonzero(hit)) for name, hit in corners.items()}
