"""The literal reference: one product and one addition at a time, cell by cell, in plain integers.

Slow and obvious. Every faster form, and the hardware, is held against it. In the order of ``docs/arithmetic.md``:
section 1 is ``block_product`` and ``significand_product``, sections 2 and 3 are ``multiply_word``, section 5 is
``add_word`` and ``sum_of_products``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from golden.catalogue import Multiplier
from golden.cells import Cell
from golden.designs import MITCHELL, CellBlocks, Design, Masks, TableBlocks
from golden.errors import InvalidInput
from golden.formats import FP32, Format

__all__ = [
    "add_word",
    "block_product",
    "multiply_word",
    "round_significand",
    "significand",
    "significand_product",
    "sum_of_products",
]


@lru_cache(maxsize=1 << 17)
def block_product(cell: Cell, n: int, a: int, b: int) -> int:
    """Product of two n-bit digits by an n x n row-ripple array of ``cell``.

    ::

                                  a0b3 a0b2 a0b1 a0b0     the running sum starts as row 0
                             a1b3 a1b2 a1b1 a1b0          row i adds a_i & b_j at weight i + j;
                             cell<cell<cell<cell<0        the carry ripples to the left and becomes
                        a2b3 a2b2 a2b1 a2b0               the running-sum bit of weight i + n
                        ...
    """
    running = [a & b >> j & 1 for j in range(n)] + [0] * n
    for i in range(1, n):
        carry = 0
        for j in range(n):
            partial_product = (a >> i & 1) & (b >> j & 1)
            running[i + j], carry = cell(partial_product, running[i + j], carry)
        running[i + n] = carry
    return sum(bit << weight for weight, bit in enumerate(running))


@lru_cache(maxsize=1 << 16)
def significand_product(design: Design, a: int, b: int, precision: int) -> int:
    """P of two significands of ``precision`` bits: all digit products, added exactly."""
    if isinstance(design, CellBlocks | TableBlocks):
        n = design.block
        digit = (1 << n) - 1
        total = 0
        for i in range(0, precision, n):
            for j in range(0, precision, n):
                a_i, b_j = a >> i & digit, b >> j & digit
                if isinstance(design, CellBlocks):
                    product = block_product(design.cell, n, a_i, b_j)
                else:
                    product = design.table[a_i << n | b_j]
                total += product << (i + j)
        return total
    if isinstance(design, Masks):
        return (a & design.low) * b + 2 * (a & design.high) * (b & design.top)
    if design == MITCHELL:
        # Section 4: F = fa + fb; 1.F at e, or 1.(F - 1) at e + 1, where bit 2p-2 of P has the weight of e.
        one = 1 << (precision - 1)
        f = (a - one) + (b - one)
        return (one + f) << (precision - 1) if f < one else (one + (f - one)) << precision
    import numpy as np

    word = design.function(np.array([a], np.uint64), np.array([b], np.uint64), precision)
    return int(word[0])


def round_significand(value: int, drop: int, mode: str) -> int:
    """``value`` without its ``drop`` low bits: truncated, or rounded to nearest with ties to even."""
    kept = value >> drop
    if mode == "nearest" and drop > 0:
        rest, half = value & ((1 << drop) - 1), 1 << (drop - 1)
        if rest > half or (rest == half and kept & 1):
            kept += 1
    return kept


def _check_words(f: Format, *words: int) -> None:
    if not all(0 <= word < 1 << f.word_bits for word in words):
        raise InvalidInput(
            f"words of {f.name} have {f.word_bits} bits; got {' and '.join(f'{word:#x}' for word in words)}"
        )


def _quiet_nan(f: Format) -> int:
    return f.exponent_mask << f.word_fraction_bits | 1 << (f.word_fraction_bits - 1)


def _unpack(word: int, f: Format) -> tuple[int, int, int]:
    fraction = word & ((1 << f.word_fraction_bits) - 1)
    exponent = word >> f.word_fraction_bits & f.exponent_mask
    return word >> (f.word_bits - 1), exponent, fraction


def _operand(exponent: int, fraction: int, m: Multiplier) -> tuple[int, int]:
    """(biased exponent, p-bit significand) of a normal operand, rounded to the format."""
    f = m.format
    full = 1 << f.word_fraction_bits | fraction
    significand = round_significand(full, f.dropped_bits, m.operands)
    if significand >> f.precision:
        return exponent + 1, significand >> 1
    return exponent, significand


def significand(word: int, m: Multiplier) -> int:
    """The p-bit significand that a word brings into the product; its fraction with a leading one where it is no number.

    Hardware multiplies significands of zeros, infinities and NaNs too, whatever becomes of the product.

    Raises
    ------
    InvalidInput
        If the word does not fit the format.
    """
    _check_words(m.format, word)
    _, exponent, fraction = _unpack(word, m.format)
    return _operand(exponent, fraction, m)[1]


def multiply_word(a: int, b: int, m: Multiplier) -> int:
    """y = mul(a, b), one pair of words.

    Parameters
    ----------
    a, b : int
        Words of ``m.format`` (FP32 words for formats of 8 exponent bits): activation and weight.
    m : Multiplier
        The multiplier.

    Returns
    -------
    int
        The word of the product.

    Raises
    ------
    InvalidInput
        If a word does not fit the format.
    """
    f, p = m.format, m.format.precision
    _check_words(f, a, b)
    sign_a, ea, fa = _unpack(a, f)
    sign_b, eb, fb = _unpack(b, f)
    top = f.exponent_mask
    infinity = top << f.word_fraction_bits
    quiet_nan = _quiet_nan(f)
    sign = (sign_a ^ sign_b) << (f.word_bits - 1)

    # 1. Specials, on the full operands.
    nan = (ea == top and fa != 0) or (eb == top and fb != 0)
    infinite = ea == top or eb == top
    zero = ea == 0 or eb == 0
    if nan or (infinite and zero):
        return quiet_nan
    if infinite:
        return sign | infinity
    # 2. Zeros and subnormals.
    if zero:
        return sign
    # 3. The significand product and its leading one.
    ea, A = _operand(ea, fa, m)
    eb, B = _operand(eb, fb, m)
    P = significand_product(m.design, A, B, p)
    if m.carry == "wrap":
        P %= 1 << 2 * p
    if P == 0:
        return sign
    t = P.bit_length() - 1
    e = ea + eb - f.bias + (t - (2 * p - 2))
    if m.carry == "halve" and t == 2 * p:
        e -= 1
    # 4. Rounding. `exact` keeps every bit below the leading one that the word can hold: all of them, by construction.
    kept = f.word_fraction_bits if m.product == "exact" else p - 1
    significand = round_significand(P, t - kept, m.product) if t >= kept else P << (kept - t)
    if significand >> (kept + 1):
        significand >>= 1
        e += 1
    if e >= top:
        return sign | infinity
    if e <= 0:
        return sign
    fraction = significand & ((1 << kept) - 1)
    return sign | e << f.word_fraction_bits | fraction << (f.word_fraction_bits - kept)


def add_word(a: int, b: int, f: Format = FP32) -> int:
    """y = add(a, b), one pair of words: IEEE 754, nearest even, with subnormals; every NaN the canonical one.

    Raises
    ------
    InvalidInput
        If a word does not fit the format.
    """
    _check_words(f, a, b)
    width, top = f.word_fraction_bits, f.exponent_mask
    sign_bit, infinity = 1 << (f.word_bits - 1), top << width
    (sign_a, ea, fa), (sign_b, eb, fb) = _unpack(a, f), _unpack(b, f)
    if ea == top or eb == top:
        nan = (ea == top and fa != 0) or (eb == top and fb != 0) or (ea == eb and sign_a != sign_b)
        return _quiet_nan(f) if nan else a if ea == top else b
    # Whole multiples of the smallest subnormal: a subnormal's exponent is that of the smallest normal number.
    total = 0
    for sign, e, fraction in ((sign_a, ea, fa), (sign_b, eb, fb)):
        value = fraction if e == 0 else (1 << width | fraction) << (e - 1)
        total += -value if sign else value
    if total == 0:
        return sign_bit if sign_a and sign_b else 0
    sign, magnitude = (sign_bit if total < 0 else 0), abs(total)
    drop = max(magnitude.bit_length() - (width + 1), 0)
    kept = round_significand(magnitude, drop, "nearest")
    # With its hidden bit, the significand of exponent e = drop + 1 counts 2^width more than drop << width; one that
    # rounds up to a power carries into the exponent, as does a subnormal that becomes normal.
    return sign | min((drop << width) + kept, infinity)


def sum_of_products(a: Sequence[int], w: Sequence[int], m: Multiplier, bias: int = 0) -> int:
    """acc = bias; for k in order: acc = add(acc, mul(a_k, w_k)).

    Parameters
    ----------
    a, w : sequence of int
        Words of ``m.format``: activations and weights, as many of one as of the other.
    m : Multiplier
        The multiplier.
    bias : int
        The word that the sum starts from; +0 without one.

    Returns
    -------
    int
        The word of the sum; K = 0 gives the bias, a NaN canonicalised.

    Raises
    ------
    InvalidInput
        If a word does not fit the format, or the two are not of one length.
    """
    if len(a) != len(w):
        raise InvalidInput(f"{len(a)} activations do not meet {len(w)} weights; give one for each")
    f = m.format
    _check_words(f, bias)
    acc = _quiet_nan(f) if bias & ~(1 << (f.word_bits - 1)) > f.exponent_mask << f.word_fraction_bits else bias
    for activation, weight in zip(a, w, strict=True):
        acc = add_word(acc, multiply_word(activation, weight, m), f)
    return acc
