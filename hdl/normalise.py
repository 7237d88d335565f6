"""Unpacking operands, normalising and rounding the significand product, packing the result."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux

from golden.catalogue import Multiplier
from golden.formats import Format
from hdl.bits import Word, wire, word_of
from hdl.leading import LeadingOne
from hdl.pipeline import Cut, Path
from hdl.segments import add_in_segments

__all__ = ["Operand", "exponent_base", "exponent_range", "normalise", "pack", "round_product", "unpack"]

STICKY_DELAY = 6.0


@dataclass(frozen=True)
class Operand:
    """An unpacked operand: its class, decided on the full word, and the number that the significand product sees.

    Parameters
    ----------
    sign : Word
        Sign bit.
    special, full, zero : Word
        Whether the exponent is that of infinity and NaN; whether the fraction, unrounded, is not 0; whether the operand
        counts as zero, as subnormals do.
    exponent : Word
        Biased exponent of the word.
    fraction : Word
        The p-1 fraction bits of the format.
    carry : Word
        Whether rounding the fraction carried into the exponent, which is left to the sum of exponents.
    """

    sign: Word
    special: Word
    full: Word
    zero: Word
    exponent: Word
    fraction: Word
    carry: Word


def unpack(m: Module, word: Word, fmt: Format, rounding: str, name: str) -> Operand:
    """Split a word into its class, biased exponent and fraction, rounded to the format.

    Parameters
    ----------
    m : Module
        Receives the logic.
    word : Word
        ``fmt.word_bits`` bits.
    fmt : Format
        Traits of the format.
    rounding : str
        ``truncate``, or ``nearest`` (ties to even).
    name : str
        Prefix of the wires.
    """
    low, dropped = fmt.word_fraction_bits, fmt.dropped_bits
    fraction, exponent, sign = word[:low], word[low:-1], word[-1]
    special = wire(m, exponent.all(), f"{name}_special")
    full = wire(m, fraction.any(), f"{name}_full")
    zero = wire(m, ~exponent.any(), f"{name}_zero")

    kept, carry = fraction[dropped:], Const(0, 1)
    if dropped and rounding == "nearest":
        # Half of the last place, plus the last place itself where it is odd, makes ties go to even.
        half, odd = word[dropped - 1], word[dropped]
        sticky = word[: dropped - 1].any() if dropped > 1 else 0
        rounded = wire(m, kept + (half & (sticky | odd)), f"{name}_rounded")
        kept, carry = rounded[:-1], rounded[-1]
    return Operand(sign=sign, special=special, full=full, zero=zero, exponent=exponent, fraction=kept, carry=carry)


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
    exponent : Word
        The biased exponent of the result before rounding, signed.
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
    if not shift:
        return fraction, exponent, zero
    if multiplier.carry == "halve" and top == 2 * multiplier.precision:
        # The base already took 1 away for t = 2p: the first step down from there is free.
        if reach.count == 2:
            return fraction, exponent, zero
        distance: Word = word_of(shift)
        return fraction, exponent - Mux(distance.any(), distance - 1, 0), zero
    if reach.count == 2:
        # Both candidates are ready before the product is.
        return fraction, Mux(shift[0], exponent - 1, exponent), zero
    return fraction, exponent - word_of(shift), zero


def round_product(m: Module, multiplier: Multiplier, fraction: Word, exponent: Word) -> Path:
    """Round the normalised product: a datapath that returns the word's fraction field and the final exponent.

    Parameters
    ----------
    m : Module
        Receives the incrementer, if any.
    multiplier : Multiplier
        Format and product rounding.
    fraction : Word
        The bits below the leading one.
    exponent : Word
        Biased exponent, signed.

    Returns
    -------
    fraction, exponent : Word
        The exponent is one higher where rounding carried out of the fraction.
    """
    fmt = multiplier.format
    kept = fmt.word_fraction_bits if multiplier.product == "exact" else fmt.fraction_bits
    below = Const(0, fmt.word_fraction_bits - kept)
    if len(fraction) <= kept:
        return Cat(below, Const(0, kept - len(fraction)), fraction), exponent
    rest, result = fraction[:-kept], fraction[-kept:]
    if multiplier.product == "truncate":
        return Cat(below, result), exponent
    # One incrementer over both fields: the fraction's carry goes into the exponent above it.
    up = wire(m, rest[-1] & (rest[:-1].any() | result[0]), "round_up")
    both: Word
    both, up = yield Cut(STICKY_DELAY, (Cat(result, exponent), up))
    rounded = yield from add_in_segments(m, list(both), [0] * len(both), up, name="rounded")
    return Cat(below, rounded[:kept]), rounded[kept:].as_signed()


def pack(fmt: Format, *, sign: Word, nan: Word, infinite: Word, zero: Word, exponent: Word, fraction: Word) -> Word:
    """Assemble the result word.

    Parameters
    ----------
    fmt : Format
        Traits of the format.
    sign : Word
        Sign of the result.
    nan, infinite, zero : Word
        Classes; ``nan`` goes before the others, of which at most one is set.
    exponent, fraction : Word
        The fields of any other result.
    """
    # NaN is quiet and positive: 0x7FC00000 in an FP32 word.
    blank: Word = nan | infinite | zero
    low = fmt.word_fraction_bits
    exponent_field = Mux(blank, Cat(*[nan | infinite] * fmt.exponent_bits), exponent[: fmt.exponent_bits])
    fraction_field = Mux(blank, Cat(Const(0, low - 1), nan), fraction)
    return Cat(fraction_field, exponent_field, sign & ~nan)
