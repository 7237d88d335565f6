"""The floating-point adder: IEEE 754, nearest even, with subnormals, infinities and one canonical NaN.

The operand of larger magnitude comes first, the other's significand is shifted right by the exponent difference, and
one adder adds or subtracts. From there on there are two ways, side by side. *Near*: a difference of operands whose
exponents differ by at most 1, and which lost its leading bit, is shifted left as far as it takes, and is exact. *Far*:
any other sum moves by one place at most, and is rounded. The near way stands still for far sums, which nearly all sums
of products are. Of look-up tables the same ways are built otherwise (``hdl.adder_of_luts``). docs/hardware.md says what
that was measured against. In: two words; out: their sum, ``stages`` cycles later.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from golden.errors import InvalidType
from golden.formats import FP32, Format
from hdl.adder_of_luts import compound_sum, near_magnitude
from hdl.bits import Word, not_, or_, wire
from hdl.delays import CELLS, TECHNOLOGIES, Technology, either
from hdl.limits import check_stages
from hdl.pipeline import ENABLE, Cut, Path, alongside, pipeline
from hdl.segments import add_in_segments
from hdl.shifters import count_leading_zeros, lost_ones, shift_left, shift_right
from hdl.side_by_side import side_by_side

__all__ = ["FloatAdder", "adder_path"]

# Delays of the segments in units of one two-input gate, 0.11 ns in OSU018, for placing registers (`hdl.delays`):
# `python -m synth.segments osu018` measures them. Those of look-up tables are from segments that were placed on an ECP5
# alone, less 1.2 ns for a register and the wires to it.
DIFFERENCE_DELAY = either(15.7, luts=14.0)
SELECT_DELAY = either(9.4, luts=4.0)
STOP_DELAY = either(5.0, luts=2.0)
CHOOSE_DELAY = 9.0
PACK_DELAY = 4.0


def _each(bit: Word, count: int) -> Word:
    """Repeat a bit, to gate a word with it."""
    return Cat(*[bit] * count)


def _compare(m: Module, words: tuple[Word, Word], fmt: Format, technology: Technology) -> Path:
    """Order the operands: significands ``a``, ``b``, the exponent of a, the distance of b's, and what else decides."""
    low, bits = fmt.word_fraction_bits, fmt.exponent_bits
    named = list(zip(words, "xy", strict=True))
    full = [wire(m, word[:low].any(), f"{name}_full") for word, name in named]
    special = [wire(m, word[low:-1].all(), f"{name}_special") for word, name in named]
    normal = [wire(m, word[low:-1].any(), f"{name}_normal") for word, name in named]
    differ = wire(m, words[0][-1] ^ words[1][-1], "differ")
    # NaN, and infinity less infinity, give NaN, which outweighs infinity.
    nan = wire(m, (special[0] & full[0]) | (special[1] & full[1]) | (special[0] & special[1] & differ), "nan")
    # 0 is added, not subtracted: the carry of its complement would run through the adder in vain.
    subtract = wire(m, differ & (normal[0] | full[0]) & (normal[1] | full[1]), "subtract")
    # A subnormal has no hidden bit, and the exponent of the smallest normal numbers.
    ex, ey = (
        wire(m, Cat(or_(word[low], not_(one)), word[low + 1 : -1]), f"{name}_exponent")
        for (word, name), one in zip(named, normal, strict=True)
    )
    sx, sy = (
        wire(m, Cat(word[:low], one), f"{name}_significand") for (word, name), one in zip(named, normal, strict=True)
    )
    # Either difference is ready when the comparison is.
    forth = wire(m, (Cat(ex, Const(0, 1)) - Cat(ey, Const(0, 1)))[: bits + 1], "forth")
    back = wire(m, (ey - ex)[:bits], "back")
    # Magnitudes are ordered as their words are. On FPGAs that takes one carry, which waits for no hidden bit; of cells
    # a carry of half the length decides only between equal exponents.
    whole = technology.name == "luts"
    decides: Any = (
        (wire(m, words[0][:-1] < words[1][:-1], "less"),)
        if whole
        else (wire(m, ex == ey, "equal"), wire(m, sx < sy, "less"))
    )
    signs: Any = words[0][-1], words[1][-1]
    held: Any = {
        "differ": differ,
        "subtract": subtract,
        "nan": nan,
        "special": wire(m, special[0] | special[1], "special"),
    }
    forth, back, *decides, ex, ey, sx, sy, signs, held = yield Cut(
        DIFFERENCE_DELAY, (forth, back, *decides, ex, ey, sx, sy, signs, held)
    )

    below = decides[0] if whole else forth[bits]
    swap = decides[0] if whole else wire(m, below | (decides[0] & decides[1]), "swap")
    distance = wire(m, Mux(below, back, forth[:bits]), "distance")
    a, b = wire(m, Mux(swap, sy, sx), "larger"), wire(m, Mux(swap, sx, sy), "smaller")
    exponent = wire(m, Mux(below, ey, ex), "exponent")
    held["sign"] = wire(m, Mux(swap, signs[1], signs[0]) & ~held["nan"], "sign")
    held["near"] = wire(m, held["subtract"] & ~distance[1:].any() & ~held["special"], "near")
    return (yield Cut(SELECT_DELAY, (a, b, exponent, distance, held)))


def _far_sum(m: Module, inputs: Any, technology: Technology) -> Path:
    """Return 8 (a +- b / 2^d), p + 4 bits of which a carry is the last: the hidden bit of a has index p + 2."""
    a, b, distance, held = inputs
    # b / 2^d is needed to two places below the significand (guard, round) and one bit for all the rest (sticky).
    below = Cat(Const(0, 2), b)
    ways = (
        lambda m, inputs: shift_right(m, inputs[0], inputs[1], "aligned"),
        lambda m, inputs: lost_ones(m, inputs[0], inputs[1], "sticky"),
    )
    (shifted, sticky), (a, held) = yield from alongside(
        side_by_side(m, ways, ((below, distance), (below, distance)), technology), (a, held)
    )
    aligned = wire(m, Cat(sticky, shifted), "aligned")

    subtract = held["subtract"]
    addend = wire(m, aligned ^ _each(subtract, len(aligned)), "addend")
    rows = [0, 0, 0, *a, 0], [*addend, 0]
    total, held = yield from alongside(add_in_segments(m, *rows, subtract, name="sum"), held)
    return wire(m, total, "total"), held


def _near(m: Module, inputs: Any, fmt: Format, technology: Technology) -> Path:
    """Move a near difference's leading bit up to the top; return fraction and exponent field, 0 for a difference of 0.

    Where both are 0 nothing moves.
    """
    difference, exponent = inputs
    p, low, bits = fmt.word_fraction_bits + 1, fmt.word_fraction_bits, fmt.exponent_bits
    # The leading one moves up by s places, which makes the exponent e - s: no further than the smallest exponent, 1,
    # allows, so s < e. A bit set e - 1 places below the top makes the count stop there.
    stop = Cat(*(exponent == p + 1 - k for k in range(p + 1)))
    difference, ends, exponent = yield Cut(STOP_DELAY, (difference, wire(m, difference | stop, "ends"), exponent))
    zeros, (difference, exponent) = yield from alongside(count_leading_zeros(m, ends, "zeros"), (difference, exponent))
    less = [~zeros[k] if k < len(zeros) else 1 for k in range(bits)]
    moved, field = yield from side_by_side(
        m,
        (
            lambda m, inputs: shift_left(m, inputs[0], inputs[1], "moved"),
            lambda m, inputs: add_in_segments(m, inputs[0], inputs[1], 1, name="moved_exponent"),
        ),
        ((difference, zeros), ([*exponent], less)),
        technology,
    )
    # Without a leading one at the top the result is subnormal or zero, and the exponent field is 0.
    return moved[1 : low + 1], field & _each(moved[-1], bits)


def _far(m: Module, inputs: Any, fmt: Format) -> Path:
    """Round a sum that has moved by one place at most; return the word's magnitude, and what else decides."""
    total, exponent, held = inputs
    p, bits = fmt.word_fraction_bits + 1, fmt.exponent_bits
    # The leading one has index p + 3 (a carry), p + 2, or in differences p + 1; else the result is subnormal, with the
    # exponent field 0, as e - 1 is for subnormal operands.
    top = total[p + 2]
    over = wire(m, total[p + 3] & ~held["subtract"], "over")
    down = wire(m, held["subtract"] & ~top, "down")
    kept = wire(m, Mux(over, total[3 : p + 3], Mux(down, total[1 : p + 1], total[2 : p + 2])), "kept")
    sticky = Mux(over, total[:3].any(), Mux(down, total[0], total[:2].any()))
    up = wire(m, kept[0] & (sticky | kept[1]), "up")
    field = wire(m, Mux(over, exponent + 1, Mux(top, exponent, exponent - 1))[:bits], "field")
    # The largest finite exponent that carries gives infinity: its fraction goes. Rounding to infinity leaves none.
    near = wire(m, held["near"] & ~top, "taken_near")
    far = wire(m, ~near & ~held["special"] & ~(over & exponent[1:].all()), "taken_far")
    # Equal magnitudes cancel to +0, as zeros of either sign do, which are not subtracted.
    nothing = ~(total[: p + 3].any() | over)
    sign = wire(m, held["sign"] & ~(held["differ"] & nothing), "result_sign")
    held = {"sign": sign, "near": near, "far": far, "nan": held["nan"], "special": held["special"]}
    kept, up, field, held = yield Cut(CHOOSE_DELAY, (kept[1:], up, field, held))

    # One incrementer over both fields: the fraction's carry goes into the exponent above it.
    fields = [*kept, *field]
    return (yield from alongside(add_in_segments(m, fields, [0] * len(fields), up, name="rounded"), held))


def _ways_of_cells(m: Module, words: tuple[Word, Word], fmt: Format, technology: Technology) -> Path:
    """One adder, then the near way beside the far way: each one's word and what else decides."""
    p, bits = fmt.word_fraction_bits + 1, fmt.exponent_bits
    a, b, exponent, distance, held = yield from _compare(m, words, fmt, technology)
    near_exponent = wire(m, exponent & _each(held["near"], bits), "near_exponent")
    (total, held), (exponent, near_exponent) = yield from alongside(
        _far_sum(m, (a, b, distance, held), technology), (exponent, near_exponent)
    )
    # Where the leading bit is not lost, the sum is far.
    near = wire(m, held["near"] & ~total[p + 2], "near_held")
    inputs = (total[2 : p + 3] & _each(near, p + 1), near_exponent), (total, exponent, held)
    ways = partial(_near, fmt=fmt, technology=technology), partial(_far, fmt=fmt)
    return (yield from side_by_side(m, ways, inputs, technology))


def _ways_of_luts(m: Module, words: tuple[Word, Word], fmt: Format, technology: Technology) -> Path:
    """Subtractions of its own let the near way begin at once, and the far way rounds while it adds."""

    def compare(m: Module, words: Any) -> Path:
        # Equal magnitudes cancel to +0, as zeros of either sign do, which are not subtracted.
        alike = wire(m, words[0][:-1] == words[1][:-1], "alike")
        (*compared, held), alike = yield from alongside(_compare(m, words, fmt, technology), alike)
        differ = held.pop("differ")
        return *compared, {**held, "sign": held["sign"] & ~(differ & alike)}

    def magnitude(m: Module, words: Any) -> Path:
        return (yield from near_magnitude(m, words, fmt, technology))

    def far(m: Module, inputs: Any) -> Path:
        *inputs, held = inputs
        return (yield from alongside(compound_sum(m, (*inputs, held["subtract"]), fmt, technology), held))

    (a, b, exponent, distance, held), difference = yield from side_by_side(
        m, (compare, magnitude), (words, words), technology
    )
    near = wire(m, held["near"] & ~difference[-1], "near_held")
    held |= {"near": near, "far": wire(m, ~near & ~held["special"], "taken_far")}
    # A gate before the count would wait for the difference's leading bit; behind the shift it waits for nothing.
    inputs = (difference, exponent), (a, b, distance, exponent, held)
    ways = partial(_near, fmt=fmt, technology=technology), far
    (fraction, field), (rounded, held) = yield from side_by_side(m, ways, inputs, technology)
    return (fraction & _each(held["near"], len(fraction)), field), (rounded, held)


def adder_path(m: Module, words: tuple[Word, Word], fmt: Format = FP32, technology: Technology = CELLS) -> Path:
    """Add two words: a datapath (see ``hdl.pipeline``) that returns y, for use inside larger datapaths.

    Parameters
    ----------
    m : Module
        Receives the logic.
    words : pair of Word
        The operands.
    fmt : Format
        Its word's fields are what is added.
    technology : Technology
        What it is to be built of.

    Returns
    -------
    Word
        The sum.
    """
    low, bits = fmt.word_fraction_bits, fmt.exponent_bits
    ways = _ways_of_luts if technology.name == "luts" else _ways_of_cells
    (fraction, field), (rounded, held) = yield from ways(m, words, fmt, technology)
    fraction = (rounded[:low] & _each(held["far"], low)) | fraction
    field = Mux(held["near"], field, rounded[low:]) | _each(held["special"], bits)
    y = Cat(fraction[:-1], fraction[-1] | held["nan"], field, held["sign"])
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
    technology : str
        What it is to be built of, as for ``FloatMultiplier``.

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

    def __init__(self, fmt: Format = FP32, *, stages: int = 0, technology: str = "cells") -> None:
        if not isinstance(fmt, Format):
            raise InvalidType(f"fmt is a Format of golden.formats, not {type(fmt).__name__}")
        self.format = fmt
        self.stages = check_stages(stages)
        self.technology = TECHNOLOGIES.look_up(technology).name
        members: dict[str, Any] = {"a": In(fmt.word_bits), "b": In(fmt.word_bits), "y": Out(fmt.word_bits)}
        if stages:
            members["en"] = ENABLE
        super().__init__(wiring.Signature(members))

    def elaborate(self, platform: object) -> Module:
        """Build the module."""
        m = Module()
        y = pipeline(
            m,
            lambda m, words: adder_path(m, words, self.format, TECHNOLOGIES[self.technology]),
            (self.a, self.b),
            stages=self.stages,
            en=self.en if self.stages else None,
            technology=self.technology,
        )
        m.d.comb += self.y.eq(y)
        return m
