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

from amaranth.hdl import Cat, Const, Module, Mux
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
    }
    state = yield Cut(COMPARE_DELAY, state)

    # Far: b / 2^d is needed to two places below the significand (guard, round) and one bit for all the rest (sticky).
    # Near: a - b / 2^d for d = 0 or 1, as p + 1 bits of which the lowest has weight 1/2.
    a, b, exponent, distance = (state.pop(key) for key in ("a", "b", "exponent", "distance"))
    shifted, sticky = shift_right_sticky(m, Cat(Const(0, 2), b), distance, "aligned")
    near_b = Mux(distance[0], Cat(b, Const(0, 1)), Cat(Const(0, 1), b))
    difference = wire(m, (Cat(Const(0, 1), a) - near_b)[: p + 1], "difference")
    state |= {
        "is_near": wire(m, state["subtract"] & ~distance[1:].any() & ~difference[-1], "is_near"),
        "a": a,
        "aligned": wire(m, Cat(sticky, shifted), "far_b"),
        "exponent": exponent,
        "difference": difference,
    }
    state = yield Cut(ALIGN_DELAY, state)

    # Far: v = 8 (a +- b / 2^d) has p + 4 bits.
    # Near: the leading one moves up to the hidden bit by s places, but no further than the smallest exponent allows:
    # s <= e - 1. A bit set e - 1 places below the top makes the leading-zero count stop there.
    a, aligned, exponent, difference = (state.pop(key) for key in ("a", "aligned", "exponent", "difference"))
    v = Cat(Const(0, 3), a) + (aligned ^ Cat(*[state["subtract"]] * (p + 3))) + state["subtract"]
    state["total"] = wire(m, Cat(v[: p + 3], v[p + 3] & ~state["subtract"]), "total")
    stop = Cat(*(exponent == p + 1 - k for k in range(p + 1)))
    state["zeros"] = count_leading_zeros(m, difference | stop, "zeros")
    state |= {"difference": difference, "exponent": exponent}
    state = yield Cut(ADD_DELAY, state)

    # Far: leading one at p + 3 (a carry), p + 2, or after a subtraction p + 1. Two subnormals may have a sum without one:
    # its exponent field is 0.
    total, zeros, exponent, difference = (state.pop(key) for key in ("total", "zeros", "exponent", "difference"))
    carry, left = total[-1], wire(m, state["subtract"] & ~total[-2], "left")
    kept = wire(m, Mux(carry, total[4:], Mux(left, total[2 : p + 2], total[3 : p + 3])), "kept")
    guard = Mux(carry, total[3], Mux(left, total[1], total[2]))
    rest = Mux(carry, total[:3].any(), Mux(left, total[0], total[:2].any()))
    up = wire(m, guard & (rest | kept[0]), "up")
    field = Mux(carry, exponent + 1, Mux(left, exponent - 1, exponent))[:bits] & Cat(*[kept[-1]] * bits)
    # One incrementer over both fields: the fraction's carry goes into the exponent above it.
    far = (Cat(kept[:-1], field) + up)[:-1]

    # Near: exact, so the fields are complete.
    moved = shift_left(m, difference, zeros, "moved")[1:]
    near = Cat(moved[:-1], (exponent - zeros)[:bits] & Cat(*[moved[-1]] * bits))
    state["magnitude"] = wire(m, Mux(state.pop("is_near"), near, far), "magnitude")
    state.pop("subtract")
    state = yield Cut(ROUND_DELAY, state)

    magnitude = state["magnitude"]
    y = pack(
        fmt,
        sign=state["sign"],
        nan=state["nan"],
        infinite=state["infinite"] | magnitude[low:].all(),
        zero=Const(0, 1),
        exponent=magnitude[low:],
        fraction=magnitude[:low],
    )
    return (yield Cut(PACK_DELAY, wire(m, y, "y_packed")))


class FloatAdder(wiring.Component):
    """y = add(a, b): IEEE 754, nearest even, subnormals included; every NaN result is the canonical one.

    Parameters
    ----------
    fmt : Format
        The words' format: all fields of its word count, so that ``bfloat16`` and the ``e8m*`` formats, which travel in
        FP32 words, are added as FP32.
    stages : int
        Registers between operands and result: 0 is combinational, otherwise the latency in cycles of the ``sync``
        domain. A new pair is taken every cycle.

    Members
    -------
    a, b : In(word_bits)
        The operands.
    y : Out(word_bits)
        The sum, ``stages`` cycles after its operands.
    en : In(1)
        Present where ``stages > 0``: while it is 0 the whole pipeline stands still.

    Raises
    ------
    InvalidInput
        If ``stages`` is negative.
    InvalidType
        If ``stages`` is not a whole number, or ``fmt`` is not a Format.
    """

    a: Any
    b: Any
    y: Any
    en: Any

    def __init__(self, fmt: Format = FP32, *, stages: int = 0) -> None:
        if not isinstance(fmt, Format):
            raise InvalidType(f"fmt is a Format of golden.formats, not {type(fmt).__name__}")
        self.format = fmt
        self.stages = check_stages(stages)
        members: dict[str, Any] = {"a": In(fmt.word_bits), "b": In(fmt.word_bits), "y": Out(fmt.word_bits)}
        if stages:
            members["en"] = In(1, init=1)
        super().__init__(wiring.Signature(members))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        y = pipeline(
            m,
            lambda m, words: adder_path(m, words, self.format),
            (self.a, self.b),
            stages=self.stages,
            en=self.en if self.stages else None,
        )
        m.d.comb += self.y.eq(y)
        return m
