"""What differs in an adder of look-up tables, where a carry beside another costs little; ``hdl.adder`` joins it.

*Near*: for a difference of operands whose exponents differ by at most 1 the exponents' two lowest bits say by how much,
and of x - y and y - x one is the magnitude; so both begin at once, beside the comparison.

*Far*: no second carry rounds. The larger significand, a, meets b / 2^d, of which B is what lies above a's last place
and g, r, s (guard, round, sticky) what lies below. Rounded or not, the result is one of two: T = a + B or T + 1, and
where b is subtracted T = a - B - 1 = a + ~B or T + 1. Both are made at once, and which it is follows from T's ends:

- b is added, without a carry: T, or T + 1 where rounding goes up;
- b is added, and T has a carry: its last bit is rounded off. Only an odd T goes up, and half of T + 1 is then one more
  than half of T;
- b is subtracted: T + 1 where g = r = s = 0. Else what lies below T is 8 - 4g - 2r - s eighths, and rounds up as a
  sum's;
- b is subtracted, and T has lost its leading bit: what lies below it gives one bit more, which rounding may set, and
  T + 1 is taken where that carries.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux

from golden.formats import Format
from hdl.bits import Word, wire
from hdl.delays import Technology
from hdl.pipeline import Cut, Datapath, Path, alongside
from hdl.segments import add_in_segments
from hdl.shifters import lost_ones, shift_right
from hdl.side_by_side import side_by_side

__all__ = ["compound_sum", "near_magnitude"]

# Of look-up tables, as the adder's (`hdl.adder`).
HALVED_DELAY = 9.0
ALIGN_DELAY = 3.0
CHOOSE_DELAY = 4.0
STEP_DELAY = 8.0
ROUND_DELAY = 9.0


def near_magnitude(m: Module, words: tuple[Word, Word], fmt: Format, technology: Technology) -> Path:
    """Subtract significands whose exponents differ by at most 1: a datapath (see ``hdl.pipeline``).

    Parameters
    ----------
    m : Module
        Receives the logic.
    words : pair of Word
        The adder's operands.
    fmt : Format
        Of the words.
    technology : Technology
        As for ``side_by_side``.

    Returns
    -------
    Word
        Twice the difference's magnitude, in units of the last place of the one with the greater exponent; nothing of
        meaning where exponents differ by more.
    """
    low = fmt.word_fraction_bits
    normal = [word[low:-1].any() for word in words]
    # The exponents' two lowest bits, u v of x and u' v' of y. A subnormal has the exponent of the smallest normal
    # numbers, 1. Modulo 4, x's is greater by 1 where v and v' differ and u ^ u' = v', and y's where they do and
    # u ^ u' = v.
    (u, v), (u_, v_) = (
        (word[low + 1], wire(m, word[low] | ~one, f"near_{name}_odd"))
        for word, one, name in zip(words, normal, "xy", strict=True)
    )
    halved = (v ^ v_) & ~(u ^ u_ ^ v), (v ^ v_) & ~(u ^ u_ ^ v_)
    words = words[0][:low], words[1][:low]
    words, normal, halved = yield Cut(HALVED_DELAY, (words, normal, [wire(m, each, "halved") for each in halved]))

    # The one of the smaller exponent is halved.
    x, y = (
        Mux(half, Cat(word[:low], one, Const(0, 1)), Cat(Const(0, 1), word[:low], one))
        for word, one, half in zip(words, normal, halved, strict=True)
    )
    rows = yield Cut(ALIGN_DELAY, (wire(m, x, "near_x"), wire(m, ~y, "near_y_inverted")))

    # With T = x + ~y, x - y is T + 1, and y - x is ~T. The last bit of T + 1 says that the former is negative.
    less, difference = yield from _sum_and_next(m, [*rows[0], 0], [*rows[1], 1], "near", technology)
    magnitude = Mux(difference[-1], ~less[:-1], difference[:-1])
    return (yield Cut(CHOOSE_DELAY, wire(m, magnitude, "near_magnitude")))


def _sum_and_next(m: Module, first: list[Any], second: list[Any], name: str, technology: Technology) -> Path:
    """Return the sum T of two rows of bits, and T + 1."""

    def plus(carry: int, name: str) -> Datapath:
        return lambda m, inputs: add_in_segments(m, inputs[0], inputs[1], carry, name=name)

    rows = first, second
    return (yield from side_by_side(m, (plus(0, name), plus(1, f"{name}_and_1")), (rows, rows), technology))


def compound_sum(m: Module, inputs: Any, fmt: Format, technology: Technology) -> Path:
    """Add or subtract, and round: a datapath (see ``hdl.pipeline``).

    Parameters
    ----------
    m : Module
        Receives the logic.
    inputs : tuple
        Significands ``a`` and ``b``, the distance d of their exponents, the exponent of a, whether to ``subtract``.
    fmt : Format
        Of the words.
    technology : Technology
        As for ``side_by_side``.

    Returns
    -------
    Word
        The rounded sum's fraction and exponent field. Nothing of meaning where operands are near and their difference
        lost its leading bit.
    """
    a, b, distance, exponent, subtract = inputs
    p = fmt.word_fraction_bits + 1

    # Complemented before it is shifted, b needs no gates between the shift and the carries.
    below = wire(m, Cat(Const(0, 2), b) ^ Cat([subtract] * (len(b) + 2)), "complemented")

    def high(m: Module, inputs: Any) -> Path:
        a, below, distance, subtract = inputs
        aligned, (a, subtract) = yield from alongside(
            shift_right(m, below, distance, "aligned", fill=subtract), (a, subtract)
        )
        sums = _sum_and_next(m, [*a, 0], [*aligned[2:], subtract], "sum", technology)
        return (yield from alongside(sums, aligned[:2]))

    def sticky_bit(m: Module, inputs: Any) -> Path:
        below, distance, subtract = inputs
        return (yield from lost_ones(m, below ^ Cat([subtract] * len(below)), distance, "sticky"))

    def exponents(m: Module, exponent: Any) -> Path:
        count = len(exponent)
        steps = wire(m, (exponent - 1)[:count], "exponent_less"), wire(m, (exponent + 1)[:count], "exponent_more")
        return (yield Cut(STEP_DELAY, (steps[0], exponent, steps[1])))

    ((sums, rest), sticky, steps), subtract = yield from alongside(
        side_by_side(
            m,
            (high, sticky_bit, exponents),
            ((a, below, distance, subtract), (below, distance, subtract), exponent),
            technology,
        ),
        subtract,
    )
    # What lies below T, in eighths; where b is subtracted 8 less it, but for 0, which is `exact`.
    r, g = (bit ^ subtract for bit in rest)
    some, exact = g | r | sticky, subtract & ~(g | r | sticky)
    low = wire(m, Cat(sticky, r ^ (subtract & sticky), g ^ (subtract & (r | sticky))), "low")
    half, over_half, carries = low[2], low[2] & low[:2].any(), low[2] & low[1]
    last = wire(m, low[2] ^ (low[1] & (low[0] | low[2])), "last")
    total, names = sums[0], ("kept", "incremented")

    # The carries' ends come last, and say only whether the leading bit has moved: up by a carry, or down.
    moved = [
        wire(m, Mux(subtract, ~each[p - 1], each[p]), f"{name}_moved") for each, name in zip(sums, names, strict=True)
    ]
    # Whether T + 1 is taken, where the leading bit has moved and where not.
    ups = Mux(subtract, exact | carries, total[0] & (some | total[1])), exact | over_half | (half & total[0])
    moved_up, up = (wire(m, each, name) for each, name in zip(ups, ("moved_up", "up"), strict=True))
    increment = wire(m, Mux(moved[0], moved_up, up), "increment")
    # The largest finite exponent that carries gives infinity.
    finite = ~steps[1][1:].all()

    def fraction(total: Word, name: str) -> Word:
        """Of T or T + 1. Where only one has the leading bit elsewhere T + 1 is a power of 2, and `last` 0 or unread."""
        shifted = Mux(subtract, Cat(last, total[: p - 2]), total[1:p] & Cat([finite] * (p - 1)))
        return wire(m, Mux(moved[0], wire(m, shifted, f"{name}_shifted"), total[: p - 1]), name)

    def field(total: Word, moved: Word, name: str) -> Word:
        # Two subnormals, of the exponent 1, have a sum that is normal where it has reached the hidden bit.
        stays = Cat(steps[1][0] & (subtract | total[p - 1]), steps[1][1:])
        return wire(m, Mux(moved, Mux(subtract, steps[0], steps[2]), stays), name)

    fractions = [fraction(each, f"{name}_fraction") for each, name in zip(sums, names, strict=True)]
    fields = [field(*each) for each in zip(sums, moved, [f"{name}_field" for name in names], strict=True)]
    both = [Cat(*each) for each in zip(fractions, fields, strict=True)]
    return (yield Cut(ROUND_DELAY, wire(m, Mux(increment, both[1], both[0]), "rounded")))
