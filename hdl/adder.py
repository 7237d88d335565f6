"""The floating-point adder: IEEE 754, nearest even, with subnormals, infinities and one canonical NaN.

Two paths run side by side, and no path holds more than one long shifter:

- *far*: the smaller significand is shifted right by the exponent difference, added or subtracted, normalised by at most
  one place and rounded;
- *near*: subtraction of operands whose exponents differ by at most 1, of which any number of leading bits may cancel.
  Its result is taken where at least one does. The difference of two p-bit significands, one of them shifted by one
  place, has p + 1 bits, so then nothing is left to round.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import InvalidType
from golden.formats import FP32, Format
from hdl.bits import Word, wire
from hdl.normalise import pack
from hdl.pipeline import Cut, Path, check_stages, pipeline

__all__ = ["FloatAdder", "adder_path", "count_leading_zeros", "shift_left", "shift_right_sticky"]

# Estimated delays of the segments in units of one two-input gate, for placing registers.
COMPARE_DELAY = 14.0
ALIGN_DELAY = 14.0
ADD_DELAY = 13.0
ROUND_DELAY = 13.0
PACK_DELAY = 5.0


def shift_right_sticky(m: Module, value: Word, distance: Word, name: str) -> tuple[Word, Word]:
    """Shift right; return the shifted word and whether any 1 was shifted out.

    Distances of the word's width and more are allowed: nothing but the sticky bit remains.
    """
    width = len(value)
    steps = (width - 1).bit_length()
    lost: list[Word] = []
    for k in reversed(range(min(steps, len(distance)))):
        step = 1 << k
        if step < width:
            lost.append(distance[k] & value[:step].any())
            value = wire(m, Mux(distance[k], Cat(value[step:], Const(0, step)), value), f"{name}_{step}")
    if len(distance) > steps:
        far = wire(m, distance[steps:].any(), f"{name}_far")
        lost.append(far & value.any())
        value = wire(m, Mux(far, 0, value), f"{name}_cleared")
    return value, wire(m, Cat(*lost).any(), f"{name}_sticky")


def count_leading_zeros(m: Module, value: Word, name: str) -> Word:
    """Count the zeros above the leading one, by a binary tree; the count of zero itself has no meaning."""

    def count(bits: Word) -> tuple[Word, list[Word]]:
        """Whether a span of 2^k bits holds a 1, and the k bits of its count, lowest first."""
        if len(bits) == 1:
            return bits, []
        half = len(bits) // 2
        (low, low_count), (high, high_count) = count(bits[:half]), count(bits[half:])
        node = f"{name}_{len(bits)}"
        here = [wire(m, Mux(high, h, low_), node) for h, low_ in zip(high_count, low_count, strict=True)]
        return wire(m, high | low, f"{node}_any"), [*here, ~high]

    # Ones below the word end the count there.
    size = 1 << (len(value) - 1).bit_length()
    _, bits = count(Cat(Const(-1, size - len(value)), value))
    return wire(m, Cat(*bits), name)


def shift_left(m: Module, value: Word, distance: Word, name: str) -> Word:
    """Shift left within the word, the largest step first: a leading-zero count knows its top bit first."""
    for k in reversed(range(len(distance))):
        step = 1 << k
        if step < len(value):
            value = wire(m, Mux(distance[k], Cat(Const(0, step), value[:-step]), value), f"{name}_{step}")
    return value


def adder_path(m: Module, words: tuple[Word, Word], fmt: Format = FP32) -> Path:
    """Add two words: a datapath (see ``hdl.pipeline``) that returns y, for use inside larger datapaths.

    Parameters
    ----------
    m : Module
        Receives the logic.
    words : pair of Word
        The operands.
    fmt : Format
        Its word's fields are what is added.

    Returns
    -------
    Word
        The sum.
    """
    low, p = fmt.word_fraction_bits, fmt.word_fraction_bits + 1
    x, y = words

    # Specials. NaN, and infinity less infinity, give NaN, which outweighs infinity.
    fulls = [wire(m, word[:low].any(), f"{name}_full") for word, name in zip(words, "xy", strict=True)]
    specials = [wire(m, word[low:-1].all(), f"{name}_special") for word, name in zip(words, "xy", strict=True)]
    subtract = wire(m, x[-1] ^ y[-1], "subtract")
    nan = (specials[0] & fulls[0]) | (specials[1] & fulls[1]) | (specials[0] & specials[1] & subtract)

    # The operand of larger magnitude comes first: no difference is negative, and its sign is the result's, but where
    # equal magnitudes cancel to +0.
    swap = wire(m, x[:-1] < y[:-1], "swap")
    cancels = subtract & (x[:-1] == y[:-1])
    big, small = wire(m, Mux(swap, y, x), "big"), wire(m, Mux(swap, x, y), "small")

    # A subnormal has no hidden bit, and the exponent of the smallest normal numbers.
    def significand(word: Word) -> Word:
        return Cat(word[:low], word[low:-1].any())

    def effective(word: Word) -> Word:
        field = word[low:-1]
        return Cat(field[0] | ~field.any(), field[1:])

    # Either difference is ready when the comparison is.
    ex, ey = effective(x), effective(y)
    bits = fmt.exponent_bits
    distance = wire(m, Mux(swap, (ey - ex)[:bits], (ex - ey)[:bits]), "distance")
    state = {
        "a": wire(m, significand(big), "a"),
        "b": wire(m, significand(small), "b"),
        "exponent": wire(m, effective(big), "exponent"),
        "distance": distance,
        "subtract": subtract,
        "sign": wire(m, big[-1] & ~cancels, "sign"),
        "nan": wire(m, nan, "nan"),
        "infinite": wire(m, specials[0] | specials[1], "infinite"),
        "cancels": wire(m, cancels, "cancels"),
    }
    state = yield Cut(COMPARE_DELAY, state)

    # Far: three places below the significand (guard, round, sticky) decide every rounding.
    #   near: a - b / 2^d, d = 0 or 1, as p + 1 bits whose lowest has weight 1/2. d = 1 where the exponents' low bits
    #   differ.
    a, b, exponent, distance = (state.pop(key) for key in ("a", "b", "exponent", "distance"))
    shifted, sticky = shift_right_sticky(m, Cat(Const(0, 2), b), distance, "aligned")
    near_b = Mux(distance[0], Cat(b, Const(0, 1)), Cat(Const(0, 1), b))
    difference = wire(m, (Cat(Const(0, 1), a) - near_b)[: p + 1], "difference")
    state |= {
        "is_near": wire(m, state["subtract"] & ~distance[1:].any() & ~difference[-1], "is_near"),
        "a": a,
        "aligned": wire(m, Cat(sticky, shifted), "far_b"),
        "exponent": exponent,
        "difference": difference[:p],
    }
    state = yield Cut(ALIGN_DELAY, state)

    # Near, with its top bit known to be 0: the leading one moves up to the hidden bit, but no further than the smallest
    # exponent allows. A 1 where that many places end bounds the count: exponent - 1 places below weight 2^p.
    #   difference has bits of weight 2^-1 .. 2^(p-2), exponent e; shifted left by s the exponent is e - s, s >= 1.
    #   Let u be the p bits difference << 1 >> 1, so a count of c zeros in them means s = c + 1, and s <= e - 1 ...
    a, aligned, exponent, difference = (state.pop(key) for key in ("a", "aligned", "exponent", "difference"))
    raise NotImplementedError
