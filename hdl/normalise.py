"""Normalising and rounding the significand product."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux

from golden.catalogue import Multiplier
from hdl.bits import Bit, Word, and_, hold, or_, wire, word_of
from hdl.leading import LeadingOne
from hdl.pipeline import Cut, Path, alongside
from hdl.segments import add_in_segments

__all__ = ["any_low_bit", "exponent_base", "exponent_range", "normalise", "round_product", "unread_bits"]

STICKY_DELAY = 6.0


def exponent_base(multiplier: Multiplier, reach: LeadingOne) -> int:
    """The constant K of e = ea + eb + K for a leading one at its highest reachable position."""
    # e = ea + eb - bias + (t - (2p-2)), and `halve` takes 1 away where t = 2p.
    p = multiplier.precision
    halved = multiplier.carry == "halve" and reach.highest == 2 * p
    return -multiplier.format.bias + reach.highest - (2 * p - 2) - halved


def exponent_range(multiplier: Multiplier, reach: LeadingOne) -> tuple[int, int]:
    """Bound e over all operand words, the ones that count as special included."""
    base = exponent_base(multiplier, reach)
    return base - reach.count, 2 * (multiplier.format.exponent_mask + 1) + base + 1


def normalise(m: Module, multiplier: Multiplier, reach: LeadingOne, product: Word, exponent: Word) -> tuple:
    """Move the leading one to the top, and say what that does to the exponent.

    Parameters
    ----------
    m : Module
        Receives the shifter, no larger than ``reach`` needs.
    multiplier : Multiplier
        Format and carry policy.
    reach : LeadingOne
        Reachable positions.
    product : Word
        P.
    exponent : Word
        Signed, ea + eb + ``exponent_base``.

    Returns
    -------
    fraction : Word
        All ``reach.highest`` bits below the leading one.
    exponent : dict
        What the biased exponent of the result before rounding says: ``field``, its low bits, and ``overflow`` and
        ``underflow``, whether it is too large or small for the format, each without and, where rounding may carry, with
        1 more.
    zero : Word
        Whether P = 0, a constant where that cannot be.
    """
    top = reach.highest
    value: Word = product[: top + 1]
    shift: list[Word] = []
    for k in reversed(range((reach.count - 1).bit_length())):
        step = 1 << k
        none = wire(m, ~value[-step:].any(), f"shift_by_{step}")
        value = wire(m, Mux(none, Cat(Const(0, step), value[:-step]), value), f"shifted_{step}")
        shift.insert(0, none)
    zero = ~value[-1] if reach.zero else Const(0, 1)
    fraction = value[:-1]
    less: Word = Const(0, 1)
    halved = multiplier.carry == "halve" and top == 2 * multiplier.precision
    if reach.count > 2:
        distance: Word = word_of(shift)
        # The base already took 1 away for t = 2p: the first step down from there is free.
        exponent = wire(m, exponent - (Mux(distance.any(), distance - 1, 0) if halved else distance), "moved_exponent")
    elif shift and not halved:
        less = shift[0]
    return fraction, _candidates(m, multiplier, exponent, less), zero


def _candidates(m: Module, multiplier: Multiplier, exponent: Word, less: Word) -> dict:
    """What is to be known of ``exponent - less``, from ``exponent`` alone: ``less`` comes last, and selects."""
    fmt = multiplier.format

    def select(one: Word, zero: Word) -> Word:
        return zero if isinstance(less, Const) else Mux(less, one, zero)

    carries = range(2 if multiplier.product == "nearest" else 1)
    over = [select(exponent > fmt.exponent_mask - k, exponent >= fmt.exponent_mask - k) for k in carries]
    under = [select(exponent <= 1 - k, exponent <= -k) for k in carries]
    return {
        "field": wire(m, select(exponent - 1, exponent)[: fmt.exponent_bits], "exponent_field"),
        "overflow": [wire(m, flag, f"overflow_{k}") for k, flag in enumerate(over)],
        "underflow": [wire(m, flag, f"underflow_{k}") for k, flag in enumerate(under)],
    }


def any_low_bit(m: Module, a: Sequence[Bit], b: Sequence[Bit], *, count: int) -> Word:
    """Say of an exact product whether one of its lowest bits is 1, from its operands: it needs no sum of those bits.

    Parameters
    ----------
    m : Module
        Receives the gates.
    a, b : sequences of p bits
        The operands, lowest bit first.
    count : int
        How many of the product's bits, at most p.

    Returns
    -------
    Word
        Whether a * b modulo 2^count is not 0.
    """

    # A product has as many zeros below its lowest 1 as both operands together, so the lowest 1 of the product is among
    # the `count` bits where a_i = b_j = 1 for some i + j < count.
    def below(bits: Sequence[Bit]) -> list[Bit]:
        """Of each bit, whether it or a lower one is 1."""
        if len(bits) < 2:
            return list(bits)
        half = len(bits) // 2
        low, high = below(bits[:half]), below(bits[half:])
        return [*low, *(hold(m, or_(low[-1], bit), f"b_up_to_{half + k}") for k, bit in enumerate(high))]

    reached = below(b[:count])
    return wire(m, word_of([and_(a[i], reached[count - 1 - i]) for i in range(count)]).any(), "any_low_bit")


def unread_bits(multiplier: Multiplier, reach: LeadingOne) -> int:
    """How many of the product's lowest bits neither its normalised fraction nor rounding reads."""
    if multiplier.product == "nearest":
        return 0
    return max(reach.highest - _kept(multiplier) - (reach.count - 1), 0)


def _kept(multiplier: Multiplier) -> int:
    """Fraction bits of a result."""
    fmt = multiplier.format
    return fmt.word_fraction_bits if multiplier.product == "exact" else fmt.fraction_bits


def round_product(m: Module, multiplier: Multiplier, fraction: Word, exponent: dict) -> Path:
    """Round the normalised product: a datapath that returns the word's fields and whether they exceed the format.

    Parameters
    ----------
    m : Module
        Receives the incrementer, if any.
    multiplier : Multiplier
        Format and product rounding.
    fraction : Word
        The bits below the leading one.
    exponent : dict
        As ``normalise`` gives it.

    Returns
    -------
    fraction, exponent, overflow, underflow : Word
        The exponent is one higher where rounding carried out of the fraction.
    """
    fmt = multiplier.format
    kept = _kept(multiplier)
    below = Const(0, fmt.word_fraction_bits - kept)
    field, overflow, underflow = exponent["field"], exponent["overflow"], exponent["underflow"]
    if len(fraction) <= kept:
        return Cat(below, Const(0, kept - len(fraction)), fraction), field, overflow[0], underflow[0]
    rest, result = fraction[:-kept], fraction[-kept:]
    if multiplier.product == "truncate":
        return Cat(below, result), field, overflow[0], underflow[0]
    # The fraction's carry comes last, and chooses between exponents that are there already.
    up = wire(m, rest[-1] & (rest[:-1].any() | result[0]), "round_up")
    result, up, exponent = yield Cut(STICKY_DELAY, (result, up, exponent))
    addition = add_in_segments(m, [*result, 0], [0] * (kept + 1), up, name="rounded")
    rounded, exponent = yield from alongside(addition, exponent)
    carry = rounded[kept]
    field, overflow, underflow = exponent["field"], exponent["overflow"], exponent["underflow"]
    next_field = (field + 1)[: fmt.exponent_bits]
    return (
        Cat(below, rounded[:kept]),
        Mux(carry, next_field, field),
        Mux(carry, *overflow[::-1]),
        Mux(carry, *underflow[::-1]),
    )
