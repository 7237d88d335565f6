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
    u, v = _Operand(a, m), _Operand(b, m)
    both = u.normal & v.normal
    top = f.exponent_mask
    e_y = (y >> np.uint32(f.word_fraction_bits) & np.uint32(top)).astype(np.int64)
    negative = (a ^ b) >> np.uint32(f.word_bits - 1) == 1
    P = significand_products(m.design, u.significand.astype(np.uint64), v.significand.astype(np.uint64), p)
    length = bit_lengths(P)
    drop = np.maximum(length - p, 0).astype(np.uint64)
    rest = P & ((np.uint64(1) << drop) - np.uint64(1))
    tie = both & (drop > 0) & (rest << np.uint64(1) == np.uint64(1) << drop)
    corners = {
        "NaN activation": u.nan,
        "NaN weight": v.nan,
        "both NaN": u.nan & v.nan,
        "signalling NaN": u.signalling | v.signalling,
        "NaN with a payload in the low bits alone": u.lowest | v.lowest,
        "infinity x zero": (u.infinite & v.zero) | (u.zero & v.infinite),
        "infinity x subnormal": (u.infinite & v.subnormal) | (u.subnormal & v.infinite),
        "infinity x finite": (u.infinite & v.normal) | (u.normal & v.infinite),
        "infinity x infinity": u.infinite & v.infinite,
        "subnormal activation": u.subnormal & v.normal,
        "subnormal weight": u.normal & v.subnormal,
        "negative zero": negative & (y & ~np.uint32(1 << (f.word_bits - 1)) == 0) & (u.zero | v.zero),
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
        "operand tie": u.tie | v.tie,
        "operand rounds to a power": u.to_power | v.to_power,
    }
    return {name: int(np.count_nonzero(hit)) for name, hit in corners.items()}


class _Operand:
    """What the operands of one side are, each a bool; ``zero`` counts subnormal ones in, as the multiplier does.

    ``lowest``: a signalling NaN whose fraction is 1; ``tie``: in the middle between two operands of fewer bits;
    ``to_power``: rounded up to the next power of two. ``significand``: rounded, of ``precision`` bits.
    """

    def __init__(self, words: np.ndarray, m: Multiplier) -> None:
        f = m.format
        hidden, quiet = np.uint32(1 << f.word_fraction_bits), np.uint32(1 << (f.word_fraction_bits - 1))
        exponent = (words >> np.uint32(f.word_fraction_bits) & np.uint32(f.exponent_mask)).astype(np.int64)
        fraction = words & (hidden - np.uint32(1))
        special = exponent == f.exponent_mask
        self.nan, self.infinite = special & (fraction != 0), special & (fraction == 0)
        self.signalling = self.nan & (fraction & quiet == 0)
        self.lowest = self.signalling & (fraction == 1)
        self.zero = exponent == 0
        self.subnormal = self.zero & (fraction != 0)
        self.normal = ~self.zero & ~special

        kept = (fraction | hidden) >> np.uint32(f.dropped_bits)
        self.significand = kept
        self.tie = self.to_power = np.zeros(words.shape, bool)
        if m.operands == "nearest":
            rest, half = fraction & np.uint32((1 << f.dropped_bits) - 1), 1 << (f.dropped_bits - 1)
            up = (rest > half) | ((rest == half) & (kept & np.uint32(1) == 1))
            self.tie = self.normal & (rest == half)
            self.to_power = self.normal & up & (kept == (1 << m.precision) - 1)
            rounded = kept + up
            self.significand = np.where(rounded >> np.uint32(m.precision), rounded >> np.uint32(1), rounded)
