"""Unpacking operands, normalising and rounding the significand product, packing the result."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from golden.catalogue import Multiplier
from golden.formats import Format
from hdl.leading import LeadingOne

__all__ = ["Operand", "exponent_base", "exponent_range", "normalise", "pack", "round_product", "unpack"]


@dataclass(frozen=True)
class Operand:
    """An unpacked operand: its class, decided on the full word, and the number that the significand product sees.

    Parameters
    ----------
    sign : Value
        Sign bit.
    nan, infinite, zero : Value
        Classes; subnormals count as zero.
    exponent : Value
        Biased exponent, one bit wider than the field: rounding the operand may carry into it.
    fraction : Value
        The p-1 fraction bits of the format.
    """

    sign: Value
    nan: Value
    infinite: Value
    zero: Value
    exponent: Value
    fraction: Value


def unpack(m: Module, word: Value, fmt: Format, rounding: str, name: str) -> Operand:
    """Split a word into its class, biased exponent and fraction, rounded to the format.

    Parameters
    ----------
    m : Module
        Receives the logic.
    word : Value
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
    special, empty = exponent.all(), ~fraction.any()
    classes = {"nan": special & ~empty, "infinite": special & empty, "zero": ~exponent.any()}
    wires = {key: Signal(name=f"{name}_{key}") for key in classes}
    m.d.comb += [wires[key].eq(value) for key, value in classes.items()]

    rounded = Signal(fmt.exponent_bits + 1 + fmt.fraction_bits, name=f"{name}_rounded")
    kept = word[dropped:-1]
    if dropped and rounding == "nearest":
        # Half of the last place, plus the last place itself where it is odd, makes ties go to even.
        half, odd = word[dropped - 1], word[dropped]
        sticky = word[: dropped - 1].any() if dropped > 1 else Const(0, 1)
        m.d.comb += rounded.eq(kept + (half & (sticky | odd)))
    else:
        m.d.comb += rounded.eq(kept)
    return Operand(sign=sign, exponent=rounded[fmt.fraction_bits :], fraction=rounded[: fmt.fraction_bits], **wires)


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


def normalise(m: Module, multiplier: Multiplier, reach: LeadingOne, product: Value, exponent: Value) -> tuple:
    """Move the leading one to the top, and say what that does to the exponent.

    Parameters
    ----------
    m : Module
        Receives the shifter, no larger than ``reach`` needs.
    multiplier : Multiplier
        Format and carry policy.
    reach : LeadingOne
        Reachable positions.
    product : Value
        P.
    exponent : Value
        Signed, ea + eb + ``exponent_base``.

    Returns
    -------
    fraction : Value
        All ``reach.highest`` bits below the leading one.
    exponent : Value
        The biased exponent of the result before rounding, signed.
    zero : Value
        Whether P = 0, a constant where that cannot be.
    """
    top = reach.highest
    value = product[: top + 1]
    shift: list[Value] = []
    for k in reversed(range((reach.count - 1).bit_length())):
        step = 1 << k
        none = Signal(name=f"shift_by_{step}")
        shifted = Signal(top + 1, name=f"shifted_{step}")
        m.d.comb += none.eq(~value[-step:].any())
        m.d.comb += shifted.eq(Mux(none, Cat(Const(0, step), value[:-step]), value))
        value = shifted
        shift.insert(0, none)
    zero = ~value[-1] if reach.zero else Const(0, 1)
    fraction = value[:-1]
    if not shift:
        return fraction, exponent, zero
    distance = Cat(*shift)
    if multiplier.carry == "halve" and top == 2 * multiplier.precision:
        # The base already took 1 away for t = 2p: the first step down from there is free.
        if reach.count == 2:
            return fraction, exponent, zero
        distance = Mux(distance.any(), distance - 1, 0)
    elif reach.count == 2:
        # Both candidates are ready before the product is.
        return fraction, Mux(shift[0], exponent - 1, exponent), zero
    return fraction, exponent - distance, zero


def round_product(m: Module, multiplier: Multiplier, fraction: Value, exponent: Value) -> tuple[Value, Value]:
    """Round the normalised product: the word's whole fraction field, and the exponent it may carry into.

    Parameters
    ----------
    m : Module
        Receives the incrementer, if any.
    multiplier : Multiplier
        Format and product rounding.
    fraction : Value
        The bits below the leading one.
    exponent : Value
        Biased exponent, signed.
    """
    fmt = multiplier.format
    kept = fmt.word_fraction_bits if multiplier.product == "exact" else fmt.fraction_bits
    below = Const(0, fmt.word_fraction_bits - kept)
    if len(fraction) <= kept:
        return Cat(below, Const(0, kept - len(fraction)), fraction), exponent
    rest, result = fraction[:-kept], fraction[-kept:]
    if multiplier.product == "nearest":
        up = rest[-1] & (rest[:-1].any() | result[0])
        rounded = Signal(kept + 1, name="rounded")
        m.d.comb += rounded.eq(result + up)
        return Cat(below, rounded[:kept]), exponent + rounded[kept]
    return Cat(below, result), exponent


def pack(
    fmt: Format, *, sign: Value, nan: Value, infinite: Value, zero: Value, exponent: Value, fraction: Value
) -> Value:
    """Assemble the result word.

    Parameters
    ----------
    fmt : Format
        Traits of the format.
    sign : Value
        Sign of the result.
    nan, infinite, zero : Value
        Classes; ``nan`` goes before the others, of which at most one is set.
    exponent, fraction : Value
        The fields of any other result.
    """
    # NaN is quiet and positive: 0x7FC00000 in an FP32 word.
    blank = nan | infinite | zero
    low = fmt.word_fraction_bits
    exponent_field = Mux(blank, (nan | infinite).replicate(fmt.exponent_bits), exponent[: fmt.exponent_bits])
    fraction_field = Mux(blank, Cat(Const(0, low - 1), nan), fraction)
    return Cat(fraction_field, exponent_field, sign & ~nan)
